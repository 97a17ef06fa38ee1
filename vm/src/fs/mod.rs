//! Files: what the machine asks of a file system, and the file system in memory.
//!
//! [`FileSystem`] is the seam: the tool passes the host's files through (`cli`), the guest has directories and files in
//! memory over the archive of its image ([`ram`]). `crate::native::prim_file` makes OTP's `prim_file` of it and
//! is its only caller.
//!
//! Invariant: no method calls back into the machine, and whatever the caller says (names, sizes, positions, handles that
//! were closed) costs at most an [`Errno`].

pub mod cpio;
pub mod errno;
pub mod names;
pub mod ram;
mod slots;

pub use errno::Errno;
pub use slots::Slots;

use alloc::vec::Vec;
use core::ffi::CStr;
use names::NativeNames;

/// What a file system returns.
pub type Result<T> = core::result::Result<T, Errno>;

/// An open file of one file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handle(pub u32);

/// How a file is opened: OTP's modes, of which those that are settled above `prim_file` are not here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Modes {
    /// For reading.
    pub read: bool,
    /// For writing: made if it is not there, and emptied unless `read` or `append` is asked for, too.
    pub write: bool,
    /// Each write goes to the end.
    pub append: bool,
    /// It must not be there yet.
    pub exclusive: bool,
    /// Writes return when they are on the medium.
    pub sync: bool,
    /// Must be a directory; without it, must not be one.
    pub directory: bool,
    /// Directories need not be asked for by `directory`.
    pub skip_type_check: bool,
}

/// What a name leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A character or block device.
    Device,
    /// A directory.
    Directory,
    /// A plain file.
    Regular,
    /// A symbolic link.
    Symlink,
    /// Anything else: a socket, a pipe.
    Other,
}

/// What is known about a file: OTP's `#file_info{}`. Times are seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Info {
    /// In bytes.
    pub size: u64,
    /// What it is.
    pub kind: Kind,
    /// Whether this program may read it.
    pub readable: bool,
    /// Whether this program may write it.
    pub writable: bool,
    /// Last read.
    pub accessed: i64,
    /// Last written.
    pub modified: i64,
    /// Last change of what is said here.
    pub changed: i64,
    /// POSIX `st_mode`: kind and permissions.
    pub mode: u32,
    /// How many names it has.
    pub links: u64,
    /// The device that it is on.
    pub device: u64,
    /// The device that it is.
    pub special_device: u64,
    /// The number that tells files of one device apart.
    pub inode: u64,
    /// Owner.
    pub user: u32,
    /// Group.
    pub group: u32,
}

/// A position to go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seek {
    /// Bytes from the beginning.
    Start(i64),
    /// Bytes from where the file is.
    Current(i64),
    /// Bytes from the end.
    End(i64),
}

/// How a part of a file will be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advice {
    /// As any other.
    Normal,
    /// Here and there.
    Random,
    /// From front to back.
    Sequential,
    /// Soon.
    WillNeed,
    /// Not soon.
    DontNeed,
    /// Once.
    NoReuse,
}

/// Directories, files and links. Names are what the file system stores: bytes up to a NUL.
pub trait FileSystem {
    /// Opens a file.
    fn open(&mut self, path: &CStr, modes: Modes) -> Result<Handle>;
    /// Makes an open file of a descriptor of the host.
    fn adopt(&mut self, descriptor: i32) -> Result<Handle>;
    /// Closes an open file, whose handle is void afterwards, whatever is returned.
    fn close(&mut self, file: Handle) -> Result<()>;
    /// Reads from the position on, which moves behind what was read. Less than asked for only at the end; then 0.
    fn read(&mut self, file: Handle, into: &mut [u8]) -> Result<usize>;
    /// Writes at the position (or the end, for `append`), which moves behind what was written. After an error, some of it may be.
    fn write(&mut self, file: Handle, bytes: &[u8]) -> Result<()>;
    /// Reads from `offset` on; the position stays.
    fn read_at(&mut self, file: Handle, offset: u64, into: &mut [u8]) -> Result<usize>;
    /// Writes at `offset`; the position stays. After an error, some of it may be written.
    fn write_at(&mut self, file: Handle, offset: u64, bytes: &[u8]) -> Result<()>;
    /// Moves the position, and returns it.
    fn seek(&mut self, file: Handle, to: Seek) -> Result<u64>;
    /// Cuts the file off, or fills it up with zeros, so that it ends at the position.
    fn truncate(&mut self, file: Handle) -> Result<()>;
    /// Returns when everything that was written is on the medium.
    fn sync(&mut self, file: Handle, data_only: bool) -> Result<()>;
    /// Makes sure that there is room for `length` bytes from `offset` on; the file grows to there.
    fn allocate(&mut self, file: Handle, offset: u64, length: u64) -> Result<()>;
    /// Says how a part of a file will be used.
    fn advise(&mut self, file: Handle, offset: u64, length: u64, advice: Advice) -> Result<()>;
    /// What is known about an open file.
    fn handle_info(&mut self, file: Handle) -> Result<Info>;
    /// The host's descriptor of an open file.
    fn descriptor(&mut self, file: Handle) -> Result<i32>;

    /// What is known about a file; about a symbolic link itself, unless `follow`.
    fn info(&mut self, path: &CStr, follow: bool) -> Result<Info>;
    /// The bytes of a file that lie in memory for good, if they do.
    fn contents(&mut self, path: &CStr) -> Result<Option<&'static [u8]>>;
    /// Sets the lower twelve bits of the mode.
    fn set_permissions(&mut self, path: &CStr, mode: u32) -> Result<()>;
    /// Sets owner and group; `u32::MAX` leaves one as it is.
    fn set_owner(&mut self, path: &CStr, user: u32, group: u32) -> Result<()>;
    /// Sets the times of last read and last write, in seconds since 1970.
    fn set_times(&mut self, path: &CStr, accessed: i64, modified: i64) -> Result<()>;
    /// Where a symbolic link leads.
    fn read_link(&mut self, path: &CStr) -> Result<Vec<u8>>;
    /// Calls `each` with every name in a directory but `.` and `..`.
    fn list(&mut self, path: &CStr, each: &mut dyn FnMut(&[u8])) -> Result<()>;
    /// Gives a file another name.
    fn hard_link(&mut self, existing: &CStr, new: &CStr) -> Result<()>;
    /// Makes a symbolic link that leads to `target`.
    fn symlink(&mut self, target: &CStr, new: &CStr) -> Result<()>;
    /// Moves a file or directory, in place of another of its kind if there is one.
    fn rename(&mut self, from: &CStr, to: &CStr) -> Result<()>;
    /// Makes a directory.
    fn make_dir(&mut self, path: &CStr) -> Result<()>;
    /// Removes a name that is no directory's.
    fn remove_file(&mut self, path: &CStr) -> Result<()>;
    /// Removes an empty directory.
    fn remove_dir(&mut self, path: &CStr) -> Result<()>;
    /// Where relative names begin.
    fn working_directory(&mut self) -> Result<Vec<u8>>;
    /// Sets where relative names begin.
    fn set_working_directory(&mut self, path: &CStr) -> Result<()>;
    /// How names are to be read, as far as the file system has a say.
    fn native_names(&self) -> NativeNames;
}
