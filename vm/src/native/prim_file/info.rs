//! What is known about files: reading it as `#file_info{}`, and setting it.

use super::{done, int32, int64, path, refuse};
use crate::atom::am;
use crate::bif::{Context, Fail, Value};
use crate::fs::{Errno, Info, Kind};
use crate::memory::Arena;
use crate::term::Term;

/// The range of times that OTP tells: 1902-01-01 to the end of year 9999.
const TIMES: core::ops::RangeInclusive<i64> = -2_145_916_800..=253_402_300_799;

/// The bits of a mode that can be set: permissions, set-user-id, set-group-id.
const MUTABLE: u32 = 0o6777;

/// `#file_info{}`. Numbers of devices and inodes are cut to 32 bits, as in OTP.
pub(super) fn record(cx: &mut Context, info: &Info) -> Value {
    let kind = match info.kind {
        Kind::Device => am::DEVICE,
        Kind::Directory => am::DIRECTORY,
        Kind::Regular => am::REGULAR,
        Kind::Symlink => am::SYMLINK,
        Kind::Other => am::OTHER,
    };
    let access = match (info.readable, info.writable) {
        (true, true) => am::READ_WRITE,
        (true, false) => am::READ,
        (false, true) => am::WRITE,
        (false, false) => am::NONE,
    };
    let time = |time: i64| Term::small(time.clamp(*TIMES.start(), *TIMES.end()));
    let number = |number: u64| Term::small(i64::from(number as u32));
    let size = cx.unsigned(info.size)?;
    Ok(cx.tuple(&[
        am::FILE_INFO.term(),
        size,
        kind.term(),
        access.term(),
        time(info.accessed),
        time(info.modified),
        time(info.changed),
        number(info.mode.into()),
        number(info.links),
        number(info.device),
        number(info.special_device),
        number(info.inode),
        number(info.user.into()),
        number(info.group.into()),
    ])?)
}

/// `read_info_nif(Path, FollowLinks)`, the latter 0 or not.
pub(super) fn read_info(cx: &mut Context, args: &[Term]) -> Value {
    let follow = int32(args[1])? != 0;
    match path(&args[0]).and_then(|path| cx.machine().files.info(&path, follow)) {
        Ok(info) => record(cx, &info),
        Err(error) => refuse(cx, error),
    }
}

/// `set_permissions_nif(Path, Mode)`. Who may not set set-user-id sets the rest.
pub(super) fn set_permissions(cx: &mut Context, args: &[Term]) -> Value {
    let mode = args[1].as_small().and_then(|mode| u32::try_from(mode).ok());
    let mode = mode.ok_or(Fail::Badarg)? & MUTABLE;
    let result = path(&args[0]).and_then(|path| {
        let files = &mut cx.machine().files;
        files
            .set_permissions(&path, mode)
            .or_else(|_| files.set_permissions(&path, mode & 0o777))
    });
    done(cx, result)
}

/// `set_owner_nif(Path, User, Group)`; -1 leaves one as it is.
pub(super) fn set_owner(cx: &mut Context, args: &[Term]) -> Value {
    let (user, group) = (int32(args[1])?, int32(args[2])?);
    let result = path(&args[0]).and_then(|path| {
        let files = &mut cx.machine().files;
        files.set_owner(&path, user as u32, group as u32)
    });
    done(cx, result)
}

/// `set_time_nif(Path, Accessed, Modified, Created)`; nobody can set the last one on Unix.
pub(super) fn set_time(cx: &mut Context, args: &[Term]) -> Value {
    let mut times = args[1..]
        .iter()
        .map(|&time| int64(time).ok_or(Fail::Badarg));
    let (Some(accessed), Some(modified), Some(created)) =
        (times.next(), times.next(), times.next())
    else {
        return super::done(cx, Err(Errno::EINVAL));
    };
    let (accessed, modified, _) = (accessed?, modified?, created?);
    let result =
        path(&args[0]).and_then(|path| cx.machine().files.set_times(&path, accessed, modified));
    done(cx, result)
}
