//! The machine's files on Linux: the host's own, by system calls.
//!
//! Names, numbers and errors pass through as they are. Invariant: a handle owns its descriptor; interrupted
//! calls are made again, and short ones are continued, so that less than asked for means the end.

use std::ffi::CStr;
use std::mem::MaybeUninit;
use std::num::NonZeroU64;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use rustix::fs::{
    Access, FallocateFlags, FileType, Gid, Mode, OFlags, SeekFrom, Stat, Timespec, Timestamps, Uid,
};
use starling_vm::fs::names::NativeNames;
use starling_vm::fs::{Advice, Errno, FileSystem, Handle, Info, Kind, Modes, Result, Seek, Slots};

/// The host's files. One per process: the working directory is the process's.
#[derive(Debug, Default)]
pub struct HostFiles {
    open: Slots<OwnedFd>,
}

impl HostFiles {
    /// The host's files, none of them open.
    pub fn new() -> Self {
        HostFiles::default()
    }

    fn insert(&mut self, file: OwnedFd) -> Result<Handle> {
        let number = self.open.insert(file).map_err(|_| Errno::ENFILE)?;
        Ok(Handle(number))
    }

    fn file(&self, file: Handle) -> Result<BorrowedFd<'_>> {
        let file = self.open.get(file.0).ok_or(Errno::EBADF)?;
        Ok(file.as_fd())
    }
}

/// The host's number, as the machine's.
fn errno(error: rustix::io::Errno) -> Errno {
    Errno(error.raw_os_error())
}

fn retry<T>(mut call: impl FnMut() -> rustix::io::Result<T>) -> Result<T> {
    loop {
        match call() {
            Err(rustix::io::Errno::INTR) => {}
            result => return result.map_err(errno),
        }
    }
}

/// Makes `transfer` until it has moved `len` bytes or moves none; it gets the number of those done.
fn transfer(
    len: usize,
    mut transfer: impl FnMut(usize) -> rustix::io::Result<usize>,
) -> Result<usize> {
    let mut done = 0;
    loop {
        let more = retry(|| transfer(done))?;
        done += more;
        if more == 0 || done >= len {
            return Ok(done);
        }
    }
}

fn open_flags(modes: Modes) -> Result<OFlags> {
    let mut flags = match (modes.read, modes.write) {
        (true, false) => OFlags::RDONLY,
        (false, true) if modes.append => OFlags::WRONLY | OFlags::CREATE,
        (false, true) => OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC,
        (true, true) => OFlags::RDWR | OFlags::CREATE,
        (false, false) => return Err(Errno::EINVAL),
    };
    flags.set(OFlags::APPEND, modes.append);
    flags.set(OFlags::EXCL, modes.exclusive);
    flags.set(OFlags::SYNC, modes.sync);
    flags.set(OFlags::DIRECTORY, modes.directory);
    Ok(flags | OFlags::CLOEXEC)
}

fn describe(stat: &Stat, readable: bool, writable: bool) -> Info {
    Info {
        size: stat.st_size as u64,
        kind: match FileType::from_raw_mode(stat.st_mode) {
            FileType::CharacterDevice | FileType::BlockDevice => Kind::Device,
            FileType::Directory => Kind::Directory,
            FileType::RegularFile => Kind::Regular,
            FileType::Symlink => Kind::Symlink,
            _ => Kind::Other,
        },
        readable,
        writable,
        accessed: stat.st_atime,
        modified: stat.st_mtime,
        changed: stat.st_ctime,
        mode: stat.st_mode,
        links: stat.st_nlink,
        device: stat.st_dev,
        special_device: stat.st_rdev,
        inode: stat.st_ino,
        user: stat.st_uid,
        group: stat.st_gid,
    }
}

impl FileSystem for HostFiles {
    fn open(&mut self, path: &CStr, modes: Modes) -> Result<Handle> {
        let flags = open_flags(modes)?;
        let permissions = Mode::from_raw_mode(if modes.directory { 0o777 } else { 0o666 });
        let file = retry(|| rustix::fs::open(path, flags, permissions))?;
        if !modes.directory && !modes.skip_type_check {
            let is_directory = rustix::fs::fstat(&file)
                .is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Directory);
            if is_directory {
                return Err(Errno::EISDIR);
            }
        }
        self.insert(file)
    }

    fn adopt(&mut self, descriptor: i32) -> Result<Handle> {
        if descriptor < 0 {
            return Err(Errno::EBADF);
        }
        // SAFETY: only asked about here. What is behind the number is the caller's affair, as it is for OTP.
        let borrowed = unsafe { BorrowedFd::borrow_raw(descriptor) };
        if let Err(rustix::io::Errno::BADF) = rustix::fs::fcntl_getfl(borrowed) {
            return Err(Errno::EBADF);
        }
        // SAFETY: the descriptor is open; the caller gives it away.
        self.insert(unsafe { OwnedFd::from_raw_fd(descriptor) })
    }

    fn close(&mut self, file: Handle) -> Result<()> {
        self.open.remove(file.0).map(drop).ok_or(Errno::EBADF)
    }

    fn read(&mut self, file: Handle, into: &mut [u8]) -> Result<usize> {
        let file = self.file(file)?;
        transfer(into.len(), |done| rustix::io::read(file, &mut into[done..]))
    }

    fn write(&mut self, file: Handle, bytes: &[u8]) -> Result<()> {
        let file = self.file(file)?;
        transfer(bytes.len(), |done| rustix::io::write(file, &bytes[done..])).map(drop)
    }

    fn read_at(&mut self, file: Handle, offset: u64, into: &mut [u8]) -> Result<usize> {
        let file = self.file(file)?;
        transfer(into.len(), |done| {
            rustix::io::pread(file, &mut into[done..], offset + done as u64)
        })
    }

    fn write_at(&mut self, file: Handle, offset: u64, bytes: &[u8]) -> Result<()> {
        let file = self.file(file)?;
        transfer(bytes.len(), |done| {
            rustix::io::pwrite(file, &bytes[done..], offset + done as u64)
        })
        .map(drop)
    }

    fn seek(&mut self, file: Handle, to: Seek) -> Result<u64> {
        let to = match to {
            Seek::Start(offset) => {
                SeekFrom::Start(u64::try_from(offset).map_err(|_| Errno::EINVAL)?)
            }
            Seek::Current(offset) => SeekFrom::Current(offset),
            Seek::End(offset) => SeekFrom::End(offset),
        };
        rustix::fs::seek(self.file(file)?, to).map_err(errno)
    }

    fn truncate(&mut self, file: Handle) -> Result<()> {
        let file = self.file(file)?;
        let position = rustix::fs::tell(file).map_err(errno)?;
        retry(|| rustix::fs::ftruncate(file, position))
    }

    fn sync(&mut self, file: Handle, data_only: bool) -> Result<()> {
        let file = self.file(file)?;
        match data_only {
            true => rustix::fs::fdatasync(file),
            false => rustix::fs::fsync(file),
        }
        .map_err(errno)
    }

    fn allocate(&mut self, file: Handle, offset: u64, length: u64) -> Result<()> {
        let file = self.file(file)?;
        retry(|| rustix::fs::fallocate(file, FallocateFlags::empty(), offset, length))
    }

    fn advise(&mut self, file: Handle, offset: u64, length: u64, advice: Advice) -> Result<()> {
        let advice = match advice {
            Advice::Normal => rustix::fs::Advice::Normal,
            Advice::Random => rustix::fs::Advice::Random,
            Advice::Sequential => rustix::fs::Advice::Sequential,
            Advice::WillNeed => rustix::fs::Advice::WillNeed,
            Advice::DontNeed => rustix::fs::Advice::DontNeed,
            Advice::NoReuse => rustix::fs::Advice::NoReuse,
        };
        // An advice that cannot be taken is no error; OTP sees none either.
        let _ = rustix::fs::fadvise(self.file(file)?, offset, NonZeroU64::new(length), advice);
        Ok(())
    }

    fn handle_info(&mut self, file: Handle) -> Result<Info> {
        let stat = rustix::fs::fstat(self.file(file)?).map_err(errno)?;
        // There is no `access` for descriptors: what the mode gives to the class of users that this one is in.
        let shift = if stat.st_uid == rustix::process::geteuid().as_raw() {
            6
        } else if stat.st_gid == rustix::process::getegid().as_raw() {
            3
        } else {
            0
        };
        let rights = stat.st_mode >> shift;
        Ok(describe(&stat, rights & 4 != 0, rights & 2 != 0))
    }

    fn descriptor(&mut self, file: Handle) -> Result<i32> {
        self.file(file).map(|file| file.as_raw_fd())
    }

    fn info(&mut self, path: &CStr, follow: bool) -> Result<Info> {
        let stat = match follow {
            true => rustix::fs::stat(path),
            false => rustix::fs::lstat(path),
        };
        let stat = stat.map_err(errno)?;
        let may = |access| rustix::fs::access(path, access).is_ok();
        Ok(describe(&stat, may(Access::READ_OK), may(Access::WRITE_OK)))
    }

    fn contents(&mut self, _: &CStr) -> Result<Option<&'static [u8]>> {
        Ok(None)
    }

    fn set_permissions(&mut self, path: &CStr, mode: u32) -> Result<()> {
        retry(|| rustix::fs::chmod(path, Mode::from_raw_mode(mode)))
    }

    fn set_owner(&mut self, path: &CStr, user: u32, group: u32) -> Result<()> {
        let user = (user != u32::MAX).then(|| Uid::from_raw(user));
        let group = (group != u32::MAX).then(|| Gid::from_raw(group));
        retry(|| rustix::fs::chown(path, user, group))
    }

    fn set_times(&mut self, path: &CStr, accessed: i64, modified: i64) -> Result<()> {
        let time = |tv_sec| Timespec { tv_sec, tv_nsec: 0 };
        let times = Timestamps {
            last_access: time(accessed),
            last_modification: time(modified),
        };
        let here = rustix::fs::CWD;
        retry(|| rustix::fs::utimensat(here, path, &times, rustix::fs::AtFlags::empty()))
    }

    fn read_link(&mut self, path: &CStr) -> Result<Vec<u8>> {
        let target = retry(|| rustix::fs::readlink(path, Vec::new()))?;
        Ok(target.into_bytes())
    }

    fn list(&mut self, path: &CStr, each: &mut dyn FnMut(&[u8])) -> Result<()> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let directory = retry(|| rustix::fs::open(path, flags, Mode::empty()))?;
        let mut buffer = [MaybeUninit::uninit(); 16 * 1024];
        let mut entries = rustix::fs::RawDir::new(directory, &mut buffer);
        while let Some(entry) = entries.next() {
            match entry.map_err(errno)?.file_name().to_bytes() {
                b"." | b".." => {}
                name => each(name),
            }
        }
        Ok(())
    }

    fn hard_link(&mut self, existing: &CStr, new: &CStr) -> Result<()> {
        retry(|| rustix::fs::link(existing, new))
    }

    fn symlink(&mut self, target: &CStr, new: &CStr) -> Result<()> {
        retry(|| rustix::fs::symlink(target, new))
    }

    fn rename(&mut self, from: &CStr, to: &CStr) -> Result<()> {
        retry(|| rustix::fs::rename(from, to))
    }

    fn make_dir(&mut self, path: &CStr) -> Result<()> {
        retry(|| rustix::fs::mkdir(path, Mode::from_raw_mode(0o777)))
    }

    fn remove_file(&mut self, path: &CStr) -> Result<()> {
        retry(|| rustix::fs::unlink(path))
    }

    fn remove_dir(&mut self, path: &CStr) -> Result<()> {
        retry(|| rustix::fs::rmdir(path))
    }

    fn working_directory(&mut self) -> Result<Vec<u8>> {
        let path = rustix::process::getcwd(Vec::new()).map_err(errno)?;
        Ok(path.into_bytes())
    }

    fn set_working_directory(&mut self, path: &CStr) -> Result<()> {
        retry(|| rustix::process::chdir(path))
    }

    fn native_names(&self) -> NativeNames {
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
            .iter()
            .filter_map(|variable| std::env::var(variable).ok())
            .find(|value| !value.is_empty());
        NativeNames::of_locale(&locale.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests;
