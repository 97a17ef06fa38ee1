//! No files: for a machine that has none. Everything is `enosys`.

use super::names::NativeNames;
use super::{Advice, Errno, FileSystem, Handle, Info, Modes, Result, Seek};
use alloc::vec::Vec;
use core::ffi::CStr;

/// A file system without files.
pub struct NoFiles;

macro_rules! refuse {
    ($(fn $name:ident($($type:ty),*) -> $result:ty;)*) => {
        $(fn $name(&mut self, $(_: $type),*) -> Result<$result> {
            Err(Errno::ENOSYS)
        })*
    };
}

impl FileSystem for NoFiles {
    refuse! {
        fn open(&CStr, Modes) -> Handle;
        fn adopt(i32) -> Handle;
        fn close(Handle) -> ();
        fn read(Handle, &mut [u8]) -> usize;
        fn write(Handle, &[u8]) -> ();
        fn read_at(Handle, u64, &mut [u8]) -> usize;
        fn write_at(Handle, u64, &[u8]) -> ();
        fn seek(Handle, Seek) -> u64;
        fn truncate(Handle) -> ();
        fn sync(Handle, bool) -> ();
        fn allocate(Handle, u64, u64) -> ();
        fn advise(Handle, u64, u64, Advice) -> ();
        fn handle_info(Handle) -> Info;
        fn descriptor(Handle) -> i32;
        fn info(&CStr, bool) -> Info;
        fn contents(&CStr) -> Option<&'static [u8]>;
        fn set_permissions(&CStr, u32) -> ();
        fn set_owner(&CStr, u32, u32) -> ();
        fn set_times(&CStr, i64, i64) -> ();
        fn read_link(&CStr) -> Vec<u8>;
        fn list(&CStr, &mut dyn FnMut(&[u8])) -> ();
        fn hard_link(&CStr, &CStr) -> ();
        fn symlink(&CStr, &CStr) -> ();
        fn rename(&CStr, &CStr) -> ();
        fn make_dir(&CStr) -> ();
        fn remove_file(&CStr) -> ();
        fn remove_dir(&CStr) -> ();
        fn working_directory() -> Vec<u8>;
        fn set_working_directory(&CStr) -> ();
    }

    fn native_names(&self) -> NativeNames {
        NativeNames::UTF8
    }
}
