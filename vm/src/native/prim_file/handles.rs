//! Functions of open files.
//!
//! An open file is a resource that the process which opened it owns: it is closed by that process, with it, or with the last reference
//! to it. (Above, in Erlang, only the owner gets as far as calling these.) A file that was closed is `einval`.

use super::{done, info, int32, natural, ok, path, refuse};
use crate::atom::am;
use crate::bif::{Context, Fail, Value};
use crate::bits::buffer::Buffer;
use crate::bits::make_binary;
use crate::bits::view::view;
use crate::fs::{self, Advice, Errno, Handle, Kind, Modes, Seek};
use crate::machine::Machine;
use crate::memory::resource::{self, Resource};
use crate::memory::{Arena, NoMemory};
use crate::term::Term;

/// Most binaries that one call writes, as in OTP; what is more is left for the next call.
const BINARIES_PER_CALL: usize = 64;

/// Bytes that one reduction pays for.
pub(super) const BYTES_PER_REDUCTION: usize = 1024;

/// Who asks to read more than this at once gets no larger block than the file has bytes.
const UNCHECKED_READ: usize = 1 << 20;

/// An open file, until it is closed.
struct OpenFile {
    handle: Option<Handle>,
    /// The descriptor was somebody else's before: it outlives the reference.
    adopted: bool,
}

impl OpenFile {
    fn close_file(&mut self, machine: &mut Machine) -> fs::Result<()> {
        let handle = self.handle.take().ok_or(Errno::EINVAL)?;
        machine.files.close(handle)
    }
}

impl Resource for OpenFile {
    const CLOSES: bool = true;

    fn close(&mut self, machine: &mut Machine) {
        if !self.adopted {
            // Nobody is left to be told of an error.
            let _ = self.close_file(machine);
        }
    }

    fn owner_exited(&mut self, machine: &mut Machine) {
        let _ = self.close_file(machine);
    }
}

/// The open file that `term` refers to: `badarg` for anything else, `EINVAL` if it was closed.
fn opened(term: &Term) -> Result<fs::Result<Handle>, Fail> {
    let file = resource::resource::<OpenFile>(term).ok_or(Fail::Badarg)?;
    Ok(file.handle.ok_or(Errno::EINVAL))
}

/// A reference to a file that was just opened, owned by the calling process.
fn reference(cx: &mut Context, handle: Handle, adopted: bool) -> Value {
    let file = OpenFile {
        handle: Some(handle),
        adopted,
    };
    let made = match cx.new_resource(file) {
        Ok(file) => file,
        Err(NoMemory) => {
            let _ = cx.machine().files.close(handle);
            return Err(Fail::NoMemory);
        }
    };
    let owner = cx.process().pid;
    resource::set_owner(cx.machine(), made.any(), owner)?;
    let term = made.term(cx)?;
    ok(cx, term)
}

/// The modes that concern a file system; the others are settled in Erlang.
fn modes(list: Term) -> Modes {
    let mut modes = Modes::default();
    for mode in list.iter_list() {
        match mode.as_atom() {
            Some(am::READ) => modes.read = true,
            Some(am::WRITE) => modes.write = true,
            Some(am::EXCLUSIVE) => modes.exclusive = true,
            Some(am::APPEND) => modes.append = true,
            Some(am::SYNC) => modes.sync = true,
            Some(am::DIRECTORY) => modes.directory = true,
            Some(am::SKIP_TYPE_CHECK) => modes.skip_type_check = true,
            _ => {}
        }
    }
    modes.write |= modes.append || modes.exclusive;
    modes.read |= !modes.write;
    modes
}

/// `open_nif(Path, Modes)`: `{ok, File}`.
pub(super) fn open(cx: &mut Context, args: &[Term]) -> Value {
    if !args[1].is_list() {
        return Err(Fail::Badarg);
    }
    let modes = modes(args[1]);
    match path(&args[0]).and_then(|path| cx.machine().files.open(&path, modes)) {
        Ok(handle) => reference(cx, handle, false),
        Err(error) => refuse(cx, error),
    }
}

/// `file_desc_to_ref_nif(Descriptor)`: `{ok, File}`.
pub(super) fn file_desc_to_ref(cx: &mut Context, args: &[Term]) -> Value {
    let descriptor = int32(args[0])?;
    match cx.machine().files.adopt(descriptor) {
        Ok(handle) => reference(cx, handle, true),
        Err(error) => refuse(cx, error),
    }
}

/// `close_nif(File)`
pub(super) fn close(cx: &mut Context, args: &[Term]) -> Value {
    let mut file = resource::resource::<OpenFile>(&args[0]).ok_or(Fail::Badarg)?;
    let result = file.close_file(cx.machine());
    done(cx, result)
}

/// `delayed_close_nif(File)`: what OTP's `prim_file` calls for files whose owner has ended. Here these are closed already.
pub(super) fn delayed_close(cx: &mut Context, args: &[Term]) -> Value {
    let mut file = resource::resource::<OpenFile>(&args[0]).ok_or(Fail::Badarg)?;
    let _ = file.close_file(cx.machine());
    Ok(am::OK.term())
}

/// How large a block to read `wanted` bytes into: no larger than the file, if much is asked for and the file says how large it is.
fn block_size(cx: &mut Context, file: Handle, wanted: u64) -> usize {
    let wanted = usize::try_from(wanted).unwrap_or(usize::MAX);
    if wanted <= UNCHECKED_READ {
        return wanted;
    }
    match cx.machine().files.handle_info(file) {
        Ok(info) if info.kind == Kind::Regular && info.size != 0 => {
            wanted.min(usize::try_from(info.size).unwrap_or(usize::MAX))
        }
        _ => wanted,
    }
}

/// What a read of up to `wanted` bytes yields: `Err` with a posix error, `None` at the end of the file.
fn read_block(
    cx: &mut Context,
    file: Handle,
    wanted: u64,
    read: impl FnOnce(&mut Machine, &mut [u8]) -> fs::Result<usize>,
) -> Result<fs::Result<Option<Term>>, Fail> {
    let size = block_size(cx, file, wanted);
    let Ok(mut buffer) = Buffer::new(size) else {
        return Ok(Err(Errno::ENOMEM));
    };
    match read(cx.machine(), buffer.bytes()) {
        Ok(0) => Ok(Ok(None)),
        Ok(read) => {
            cx.bump_reductions(read / BYTES_PER_REDUCTION);
            Ok(Ok(Some(buffer.into_binary(cx, read)?)))
        }
        Err(error) => Ok(Err(error)),
    }
}

/// `{ok, Binary}`, `eof` or `{error, Posix}`.
fn read_result(cx: &mut Context, result: fs::Result<Option<Term>>) -> Value {
    match result {
        Ok(Some(binary)) => ok(cx, binary),
        Ok(None) => Ok(am::EOF.term()),
        Err(error) => refuse(cx, error),
    }
}

/// `read_nif(File, Size)`
pub(super) fn read(cx: &mut Context, args: &[Term]) -> Value {
    let (file, size) = match (opened(&args[0])?, natural(args[1])?) {
        (Ok(file), Ok(size)) => (file, size),
        (Err(error), _) | (_, Err(error)) => return refuse(cx, error),
    };
    let result = read_block(cx, file, size, |machine, into| {
        machine.files.read(file, into)
    })?;
    read_result(cx, result)
}

/// `pread_nif(File, Offset, Size)`
pub(super) fn pread(cx: &mut Context, args: &[Term]) -> Value {
    let file = opened(&args[0])?;
    let (file, offset, size) = match (file, natural(args[1])?, natural(args[2])?) {
        (Ok(file), Ok(offset), Ok(size)) => (file, offset, size),
        (Err(error), _, _) | (_, Err(error), _) | (_, _, Err(error)) => return refuse(cx, error),
    };
    let result = read_block(cx, file, size, |machine, into| {
        machine.files.read_at(file, offset, into)
    })?;
    read_result(cx, result)
}

/// Writes the binaries of `list` one after the other. Returns how many bytes they had and the list of those that are left for another
/// call. `badarg`, before anything is written, if one is no binary.
fn write_list(
    list: Term,
    mut write: impl FnMut(u64, &[u8]) -> fs::Result<()>,
) -> Result<fs::Result<(u64, Term)>, Fail> {
    let mut rest = list.iter_list();
    for binary in rest.by_ref().take(BINARIES_PER_CALL) {
        if !view(&binary).is_some_and(|bits| bits.is_binary()) {
            return Err(Fail::Badarg);
        }
    }
    let left = rest.tail();
    if !left.is_list() {
        return Err(Fail::Badarg);
    }
    let mut written = 0;
    for binary in list.iter_list().take(BINARIES_PER_CALL) {
        let bytes = view(&binary).ok_or(Fail::Badarg)?.to_bytes()?;
        let bytes = bytes.ok_or(Fail::Badarg)?;
        if let Err(error) = write(written, &bytes) {
            return Ok(Err(error));
        }
        written += bytes.len() as u64;
    }
    Ok(Ok((written, left)))
}

/// `write_nif(File, Binaries)`: `ok` or `{continue, Left}`.
pub(super) fn write(cx: &mut Context, args: &[Term]) -> Value {
    let file = match opened(&args[0])? {
        Ok(file) => file,
        Err(error) => return refuse(cx, error),
    };
    let written = write_list(args[1], |_, bytes| cx.machine().files.write(file, bytes))?;
    match written {
        Ok((size, left)) => {
            cx.bump_reductions(size as usize / BYTES_PER_REDUCTION);
            match left.is_nil() {
                true => Ok(am::OK.term()),
                false => Ok(cx.tuple(&[am::CONTINUE.term(), left])?),
            }
        }
        Err(error) => refuse(cx, error),
    }
}

/// `pwrite_nif(File, Offset, Binaries)`: `ok` or `{continue, Written, Left}`.
pub(super) fn pwrite(cx: &mut Context, args: &[Term]) -> Value {
    let (file, offset) = match (opened(&args[0])?, natural(args[1])?) {
        (Ok(file), Ok(offset)) => (file, offset),
        (Err(error), _) | (_, Err(error)) => return refuse(cx, error),
    };
    let written = write_list(args[2], |done, bytes| {
        cx.machine().files.write_at(file, offset + done, bytes)
    })?;
    match written {
        Ok((size, left)) => {
            cx.bump_reductions(size as usize / BYTES_PER_REDUCTION);
            if left.is_nil() {
                return Ok(am::OK.term());
            }
            let size = cx.unsigned(size)?;
            Ok(cx.tuple(&[am::CONTINUE.term(), size, left])?)
        }
        Err(error) => refuse(cx, error),
    }
}

/// `seek_nif(File, Mark, Offset)`: `{ok, Position}`.
pub(super) fn seek(cx: &mut Context, args: &[Term]) -> Value {
    let file = opened(&args[0])?;
    let offset = super::int64(args[2]).ok_or(Fail::Badarg)?;
    let to = match args[1].as_atom() {
        Some(am::BOF) => Seek::Start(offset),
        Some(am::CUR) => Seek::Current(offset),
        Some(am::EOF) => Seek::End(offset),
        _ => return Err(Fail::Badarg),
    };
    match file.and_then(|file| cx.machine().files.seek(file, to)) {
        Ok(position) => {
            let position = cx.unsigned(position)?;
            ok(cx, position)
        }
        Err(error) => refuse(cx, error),
    }
}

/// `sync_nif(File, DataOnly)`, the latter 0 or not.
pub(super) fn sync(cx: &mut Context, args: &[Term]) -> Value {
    let (file, data_only) = (opened(&args[0])?, int32(args[1])? != 0);
    let result = file.and_then(|file| cx.machine().files.sync(file, data_only));
    done(cx, result)
}

/// `truncate_nif(File)`: at the position.
pub(super) fn truncate(cx: &mut Context, args: &[Term]) -> Value {
    let result = opened(&args[0])?.and_then(|file| cx.machine().files.truncate(file));
    done(cx, result)
}

/// `allocate_nif(File, Offset, Length)`
pub(super) fn allocate(cx: &mut Context, args: &[Term]) -> Value {
    let file = opened(&args[0])?;
    let (offset, length) = (natural(args[1])?, natural(args[2])?);
    let result = file.and_then(|file| cx.machine().files.allocate(file, offset?, length?));
    done(cx, result)
}

/// `advise_nif(File, Offset, Length, Advice)`
pub(super) fn advise(cx: &mut Context, args: &[Term]) -> Value {
    let file = opened(&args[0])?;
    let (offset, length) = (natural(args[1])?, natural(args[2])?);
    let advice = match args[3].as_atom() {
        Some(am::NORMAL) => Ok(Advice::Normal),
        Some(am::RANDOM) => Ok(Advice::Random),
        Some(am::SEQUENTIAL) => Ok(Advice::Sequential),
        Some(am::WILL_NEED) => Ok(Advice::WillNeed),
        Some(am::DONT_NEED) => Ok(Advice::DontNeed),
        Some(am::NO_REUSE) => Ok(Advice::NoReuse),
        _ => Err(Errno::EINVAL),
    };
    let result = file.and_then(|file| cx.machine().files.advise(file, offset?, length?, advice?));
    done(cx, result)
}

/// `read_handle_info_nif(File)`
pub(super) fn read_handle_info(cx: &mut Context, args: &[Term]) -> Value {
    match opened(&args[0])?.and_then(|file| cx.machine().files.handle_info(file)) {
        Ok(info) => info::record(cx, &info),
        Err(error) => refuse(cx, error),
    }
}

/// `get_handle_nif(File)`: the host's descriptor, as the bytes of a C `int`.
pub(super) fn get_handle(cx: &mut Context, args: &[Term]) -> Value {
    match opened(&args[0])?.and_then(|file| cx.machine().files.descriptor(file)) {
        Ok(descriptor) => Ok(make_binary(cx, &descriptor.to_ne_bytes())?),
        Err(error) => refuse(cx, error),
    }
}

/// `ipread_s32bu_p32bu_nif(File, Offset, MaxSize)`: reads `<<Size:32, Pointer:32>>` at `Offset`, then `Size` bytes at `Pointer`: `{ok,
/// {Size, Pointer, Binary | eof}}`. `eof` if there is no such pair, or it asks for more than `MaxSize`.
pub(super) fn ipread_s32bu_p32bu(cx: &mut Context, args: &[Term]) -> Value {
    let file = opened(&args[0])?;
    let offset = natural(args[1])?;
    if !args[2].is_number() {
        return Err(Fail::Badarg);
    }
    let most = super::int64(args[2]).filter(|&most| most < 1 << 31);
    let (file, offset, most) = match (file, offset, most.ok_or(Errno::EINVAL)) {
        (Ok(file), Ok(offset), Ok(most)) => (file, offset, most),
        (Err(error), _, _) | (_, Err(error), _) | (_, _, Err(error)) => return refuse(cx, error),
    };
    let mut pair = [0; 8];
    match cx.machine().files.read_at(file, offset, &mut pair) {
        Ok(8) => {}
        Ok(_) => return Ok(am::EOF.term()),
        Err(error) => return refuse(cx, error),
    }
    let pair = u64::from_be_bytes(pair);
    let (size, pointer) = (pair >> 32, pair & 0xffff_ffff);
    if size as i64 > most {
        return Ok(am::EOF.term());
    }
    let result = read_block(cx, file, size, |machine, into| {
        machine.files.read_at(file, pointer, into)
    })?;
    match result {
        Ok(data) => {
            let data = data.unwrap_or(am::EOF.term());
            let fields = [Term::small(size as i64), Term::small(pointer as i64), data];
            let fields = cx.tuple(&fields)?;
            ok(cx, fields)
        }
        Err(error) => refuse(cx, error),
    }
}
