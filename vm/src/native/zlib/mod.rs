//! `zlib`: compression and decompression streams, as references.
//!
//! The Erlang side puts I/O vectors into a stream's queue and then calls for one chunk after the other, so no call takes long or makes
//! much. A stream belongs to the process that opened it, or that it was given to; others get `not_on_controlling_process`.
//!
//! The algorithms are the crate `zlib-rs` ([`codec`]): it reads what any zlib wrote; what it writes is not the same to the byte.
//!
//! Invariant: the checks come in OTP's order: arguments, then the process, then the stream's state.

mod codec;

use super::io_queue::{IoQueue, each_binary};
use super::{Library, native};
use crate::atom::am;
use crate::bif::{Class, Context, Fail, Value};
use crate::bits::iolist::{Parts, flatten};
use crate::bits::make_binary;
use crate::bits::view::view;
use crate::memory::heap::Parcel;
use crate::memory::resource::{Resource, resource};
use crate::memory::{Arena, NoMemory};
use crate::term::copy::copy;
use crate::term::{Atom, Term};
use alloc::borrow::Cow;
use alloc::vec::Vec;
use codec::Codec;
use core::cell::RefMut;
use zlib_rs::adler32::adler32;
use zlib_rs::crc32::crc32;
use zlib_rs::{DeflateConfig, Method, ReturnCode, Strategy};

/// The library. OTP 27's module lacks `crc32_nif`, `getBufSize_nif` and `setBufSize_nif`.
pub static LIBRARY: Library = Library {
    module: "zlib",
    functions: &[
        native("open_nif", 0, open_0),
        native("close_nif", 1, close_1),
        native("set_controller_nif", 2, set_controller_2),
        native("deflateInit_nif", 6, deflate_init_6),
        native("deflateSetDictionary_nif", 2, deflate_set_dictionary_2),
        native("deflateReset_nif", 1, deflate_reset_1),
        native("deflateEnd_nif", 1, deflate_end_1),
        native("deflateParams_nif", 3, deflate_params_3),
        native("deflate_nif", 4, deflate_4),
        native("inflateInit_nif", 3, inflate_init_3),
        native("inflateSetDictionary_nif", 2, inflate_set_dictionary_2),
        native("inflateGetDictionary_nif", 1, inflate_get_dictionary_1),
        native("inflateReset_nif", 1, inflate_reset_1),
        native("inflateEnd_nif", 1, inflate_end_1),
        native("inflate_nif", 4, inflate_4),
        native("crc32_nif", 1, crc32_1),
        native("getStash_nif", 1, get_stash_1),
        native("clearStash_nif", 1, clear_stash_1),
        native("setStash_nif", 2, set_stash_2),
        native("getBufSize_nif", 1, get_buf_size_1),
        native("setBufSize_nif", 2, set_buf_size_2),
        native("enqueue_nif", 2, enqueue_2),
    ],
};

/// Binaries of an I/O vector that one call takes.
const BATCH: usize = 256;

/// Bytes in or out that one reduction pays for.
const BYTES_PER_REDUCTION: usize = 4;

/// Bytes that a stream has once it is initialised, roughly: about 40 KiB to decompress, 260 KiB to compress.
const STREAM_BYTES: usize = 40 * 1024;

enum State {
    /// Neither compresses nor decompresses.
    New,
    Running(Codec),
    Closed,
}

/// What follows when there is input behind the end of a compressed stream: the third argument of `inflateInit/3`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum AtEnd {
    Error,
    /// Another stream begins.
    Reset,
    /// It is thrown away.
    Cut,
}

struct Stream {
    state: State,
    controller: Term,
    queue: IoQueue,
    at_end: AtEnd,
    /// Whether the end of the compressed data was reached.
    ended: bool,
    /// Whether the data has neither header nor checksum.
    raw: bool,
    /// CRC-32 of the plain data, kept for raw streams only.
    crc: u32,
    /// What `setBufSize/2` set.
    chunk_size: i32,
    stash: Option<Stash>,
    /// Where a chunk is made.
    chunk: Vec<u8>,
}

/// A term that is kept between calls, copied whole.
struct Stash {
    term: Term,
    _memory: Parcel,
}

impl Resource for Stream {
    fn bytes(&self) -> usize {
        STREAM_BYTES
    }
}

impl Stream {
    /// The codec, if it compresses (or decompresses).
    fn codec(&mut self, deflate: bool) -> Option<&mut Codec> {
        match &mut self.state {
            State::Running(codec) if codec.is_deflate() == deflate => Some(codec),
            _ => None,
        }
    }

    fn forget_input(&mut self) {
        self.queue.clear();
        self.stash = None;
    }
}

/// The stream, for its controlling process alone.
fn stream<'a>(cx: &mut Context, term: &'a Term) -> Result<RefMut<'a, Stream>, Fail> {
    let stream: RefMut<Stream> = resource(term).ok_or(Fail::Badarg)?;
    if stream.controller != cx.process().pid {
        return Err(raise(cx, am::NOT_ON_CONTROLLING_PROCESS));
    }
    Ok(stream)
}

/// The stream, if it compresses (or decompresses).
fn running<'a>(
    cx: &mut Context,
    term: &'a Term,
    deflate: bool,
) -> Result<RefMut<'a, Stream>, Fail> {
    let mut stream = stream(cx, term)?;
    match stream.codec(deflate) {
        Some(_) => Ok(stream),
        None => Err(raise(cx, am::NOT_INITIALIZED)),
    }
}

fn raise(cx: &mut Context, reason: Atom) -> Fail {
    cx.raise(Class::Error, reason.term())
}

/// What a function returns, or raises, for a code of zlib's.
fn outcome(cx: &mut Context, code: ReturnCode) -> Value {
    match code {
        ReturnCode::Ok => Ok(am::OK.term()),
        ReturnCode::DataError => Err(raise(cx, am::DATA_ERROR)),
        ReturnCode::MemError => Ok(am::MEM_ERROR.term()),
        ReturnCode::BufError => Ok(am::BUF_ERROR.term()),
        _ => Err(raise(cx, am::STREAM_ERROR)),
    }
}

fn int(term: Term) -> Result<i32, Fail> {
    let value = term.as_small().ok_or(Fail::Badarg)?;
    i32::try_from(value).map_err(|_| Fail::Badarg)
}

/// Looks at the first argument alone: what is no stream is `badarg` before anything else is looked at.
fn is_stream(term: Term) -> Result<(), Fail> {
    match resource::<Stream>(&term) {
        Some(_) => Ok(()),
        None => Err(Fail::Badarg),
    }
}

fn open_0(cx: &mut Context, _: &[Term]) -> Value {
    let controller = cx.process().pid;
    let stream = cx.new_resource(Stream {
        state: State::New,
        controller,
        queue: IoQueue::new(),
        at_end: AtEnd::Cut,
        ended: false,
        raw: false,
        crc: 0,
        chunk_size: 4000,
        stash: None,
        chunk: Vec::new(),
    })?;
    Ok(stream.term(cx)?)
}

fn close_1(cx: &mut Context, args: &[Term]) -> Value {
    let mut stream = stream(cx, &args[0])?;
    if matches!(stream.state, State::Closed) {
        return Err(raise(cx, am::NOT_INITIALIZED));
    }
    stream.state = State::Closed;
    stream.forget_input();
    stream.chunk = Vec::new();
    Ok(am::OK.term())
}

fn set_controller_2(cx: &mut Context, args: &[Term]) -> Value {
    is_stream(args[0])?;
    if !args[1].is_local_pid() {
        return Err(Fail::Badarg);
    }
    stream(cx, &args[0])?.controller = args[1];
    Ok(am::OK.term())
}

/// Gives a new stream its codec.
fn begin(
    cx: &mut Context,
    term: &Term,
    window_bits: i32,
    at_end: AtEnd,
    make: impl FnOnce() -> Result<Codec, ReturnCode>,
) -> Value {
    let mut stream = stream(cx, term)?;
    if !matches!(stream.state, State::New) {
        return Err(raise(cx, am::ALREADY_INITIALIZED));
    }
    match make() {
        Ok(codec) => stream.state = State::Running(codec),
        Err(code) => return outcome(cx, code),
    }
    stream.ended = false;
    stream.raw = window_bits < 0;
    stream.crc = 0;
    stream.at_end = at_end;
    Ok(am::OK.term())
}

/// `deflateInit_nif(Stream, Level, Method, WindowBits, MemLevel, Strategy)`
fn deflate_init_6(cx: &mut Context, args: &[Term]) -> Value {
    is_stream(args[0])?;
    let [level, method, window_bits, mem_level, strategy] =
        [args[1], args[2], args[3], args[4], args[5]].map(int);
    let (level, method, window_bits) = (level?, method?, window_bits?);
    let (mem_level, strategy) = (mem_level?, strategy?);
    begin(cx, &args[0], window_bits, AtEnd::Cut, || {
        Codec::deflate(DeflateConfig {
            level,
            method: Method::try_from(method).map_err(|_| ReturnCode::StreamError)?,
            window_bits,
            mem_level,
            strategy: Strategy::try_from(strategy).map_err(|_| ReturnCode::StreamError)?,
        })
    })
}

/// `inflateInit_nif(Stream, WindowBits, AtEnd)`
fn inflate_init_3(cx: &mut Context, args: &[Term]) -> Value {
    is_stream(args[0])?;
    let window_bits = int(args[1])?;
    let at_end = match int(args[2])? {
        0 => AtEnd::Error,
        1 => AtEnd::Reset,
        2 => AtEnd::Cut,
        _ => return Err(Fail::Badarg),
    };
    begin(cx, &args[0], window_bits, at_end, || {
        Codec::inflate(window_bits)
    })
}

/// The bytes of an I/O list. They are alive until the calling function returns: it cannot collect.
fn bytes_of<'a>(cx: &mut Context, data: Term) -> Result<Cow<'a, [u8]>, Fail> {
    let binary = match view(&data) {
        Some(_) => data,
        None if data.is_list() => flatten(cx, data, Parts::Binaries)?,
        None => return Err(Fail::Badarg),
    };
    let bits = view(&binary).ok_or(Fail::Badarg)?;
    bits.to_bytes()?.ok_or(Fail::Badarg)
}

/// Sets the dictionary; its checksum.
fn deflate_set_dictionary_2(cx: &mut Context, args: &[Term]) -> Value {
    is_stream(args[0])?;
    let dictionary = bytes_of(cx, args[1])?;
    let mut stream = running(cx, &args[0], true)?;
    let raw = stream.raw;
    let Some(codec) = stream.codec(true) else {
        return Err(Fail::Badarg);
    };
    match codec.set_dictionary(&dictionary) {
        ReturnCode::Ok => {
            // A raw stream keeps no checksum. OTP's begins with 0 then.
            let checksum = match raw {
                true => adler32(0, &dictionary),
                false => codec.checksum(),
            };
            Ok(Term::small(checksum as i64))
        }
        code => outcome(cx, code),
    }
}

fn inflate_set_dictionary_2(cx: &mut Context, args: &[Term]) -> Value {
    is_stream(args[0])?;
    let dictionary = bytes_of(cx, args[1])?;
    let mut stream = running(cx, &args[0], false)?;
    match stream.codec(false) {
        Some(codec) => outcome(cx, codec.set_dictionary(&dictionary)),
        None => Err(Fail::Badarg),
    }
}

fn inflate_get_dictionary_1(cx: &mut Context, args: &[Term]) -> Value {
    let mut stream = running(cx, &args[0], false)?;
    match stream.codec(false) {
        Some(codec) => Ok(make_binary(cx, &codec.dictionary()?)?),
        None => Err(Fail::Badarg),
    }
}

fn reset(cx: &mut Context, term: &Term, deflate: bool) -> Value {
    let mut stream = running(cx, term, deflate)?;
    let Some(codec) = stream.codec(deflate) else {
        return Err(Fail::Badarg);
    };
    let code = codec.reset();
    stream.crc = 0;
    stream.ended = false;
    stream.forget_input();
    outcome(cx, code)
}

fn deflate_reset_1(cx: &mut Context, args: &[Term]) -> Value {
    reset(cx, &args[0], true)
}

fn inflate_reset_1(cx: &mut Context, args: &[Term]) -> Value {
    reset(cx, &args[0], false)
}

/// Ends compression (or decompression). `data_error` if there was more to come.
fn end(cx: &mut Context, term: &Term, deflate: bool) -> Value {
    let mut stream = running(cx, term, deflate)?;
    let left = stream.queue.size() > 0 || (!deflate && !stream.ended);
    let code = match core::mem::replace(&mut stream.state, State::New) {
        State::Running(codec) => codec.end(),
        State::New | State::Closed => ReturnCode::StreamError,
    };
    stream.forget_input();
    stream.chunk = Vec::new();
    match code {
        ReturnCode::Ok if left => outcome(cx, ReturnCode::DataError),
        code => outcome(cx, code),
    }
}

fn deflate_end_1(cx: &mut Context, args: &[Term]) -> Value {
    end(cx, &args[0], true)
}

fn inflate_end_1(cx: &mut Context, args: &[Term]) -> Value {
    end(cx, &args[0], false)
}

fn deflate_params_3(cx: &mut Context, args: &[Term]) -> Value {
    is_stream(args[0])?;
    let (level, strategy) = (int(args[1])?, int(args[2])?);
    let mut stream = running(cx, &args[0], true)?;
    let code = match (stream.codec(true), Strategy::try_from(strategy)) {
        (Some(codec), Ok(strategy)) => codec.set_parameters(level, strategy),
        _ => ReturnCode::StreamError,
    };
    outcome(cx, code)
}

/// What one chunk came to.
struct Chunk {
    code: ReturnCode,
    consumed: usize,
    produced: usize,
}

impl Stream {
    /// Makes up to `output_size` bytes of about `input_size` bytes of the queue, into `chunk`.
    fn make_chunk(
        &mut self,
        input_size: usize,
        output_size: usize,
        flush: i32,
    ) -> Result<Chunk, NoMemory> {
        if self.chunk.len() != output_size {
            self.chunk.clear();
            self.chunk
                .try_reserve_exact(output_size)
                .map_err(|_| NoMemory)?;
            self.chunk.resize(output_size, 0);
        }
        let mut chunk = Chunk {
            code: ReturnCode::Ok,
            consumed: 0,
            produced: 0,
        };
        let State::Running(codec) = &mut self.state else {
            return Ok(chunk);
        };
        // Nothing is flushed before the end of the input.
        while chunk.code == ReturnCode::Ok
            && self.queue.size() > 0
            && chunk.consumed < input_size
            && chunk.produced < output_size
        {
            let input = self.queue.head();
            let input = &input[..input.len().min(input_size)];
            let step = codec.step(input, &mut self.chunk[chunk.produced..], 0);
            if self.raw && codec.is_deflate() {
                self.crc = crc32(self.crc, &input[..step.consumed]);
            }
            self.queue.consume(step.consumed);
            chunk.code = step.code;
            chunk.consumed += step.consumed;
            chunk.produced += step.produced;
        }
        if chunk.code == ReturnCode::Ok && self.queue.size() == 0 && chunk.produced < output_size {
            let step = codec.step(&[], &mut self.chunk[chunk.produced..], flush);
            chunk.code = step.code;
            chunk.produced += step.produced;
        }
        if self.raw && !codec.is_deflate() {
            self.crc = crc32(self.crc, &self.chunk[..chunk.produced]);
        }
        Ok(chunk)
    }
}

/// One chunk: `{continue, Output}`, `{finished, Output}` if that was all there is to be had of the input so far, or
/// `{need_dictionary, Checksum, Output}`.
fn run(cx: &mut Context, stream: &mut Stream, args: &[Term]) -> Value {
    let sizes = [args[1], args[2]].map(|size| int(size).and_then(size_of_chunk));
    let [input_size, output_size] = sizes;
    let (input_size, output_size) = (input_size?, output_size?);
    let chunk = stream.make_chunk(input_size, output_size, int(args[3])?)?;
    cx.bump_reductions((chunk.consumed + chunk.produced) / BYTES_PER_REDUCTION);
    match chunk.code {
        ReturnCode::StreamEnd => stream.ended = true,
        ReturnCode::Ok | ReturnCode::NeedDict | ReturnCode::BufError => {}
        code => return outcome(cx, code),
    }
    let left = stream.queue.size();
    if chunk.consumed == 0 && chunk.produced == 0 && left != 0 {
        return outcome(cx, ReturnCode::DataError);
    }
    let output = match chunk.produced {
        0 => Term::NIL,
        size => {
            let output = make_binary(cx, &stream.chunk[..size])?;
            cx.cons(output, Term::NIL)?
        }
    };
    if left == 0 && chunk.produced < output_size {
        return Ok(cx.tuple(&[am::FINISHED.term(), output])?);
    }
    if chunk.code != ReturnCode::NeedDict {
        return Ok(cx.tuple(&[am::CONTINUE.term(), output])?);
    }
    let checksum = match &stream.state {
        State::Running(codec) => codec.checksum(),
        State::New | State::Closed => 0,
    };
    let checksum = Term::small(checksum as i64);
    Ok(cx.tuple(&[am::NEED_DICTIONARY.term(), checksum, output])?)
}

fn size_of_chunk(size: i32) -> Result<usize, Fail> {
    match usize::try_from(size) {
        Ok(0) | Err(_) => Err(Fail::Badarg),
        Ok(size) => Ok(size),
    }
}

/// `deflate_nif(Stream, InputSize, OutputSize, Flush)`
fn deflate_4(cx: &mut Context, args: &[Term]) -> Value {
    is_stream(args[0])?;
    for number in &args[1..] {
        int(*number)?;
    }
    let mut stream = running(cx, &args[0], true)?;
    run(cx, &mut stream, args)
}

/// `inflate_nif(Stream, InputSize, OutputSize, Flush)`
fn inflate_4(cx: &mut Context, args: &[Term]) -> Value {
    is_stream(args[0])?;
    for number in &args[1..] {
        int(*number)?;
    }
    let mut stream = running(cx, &args[0], false)?;
    if stream.ended && stream.queue.size() > 0 {
        match stream.at_end {
            AtEnd::Error => return outcome(cx, ReturnCode::DataError),
            AtEnd::Cut => stream.forget_input(),
            AtEnd::Reset => {
                let code = stream
                    .codec(false)
                    .map_or(ReturnCode::StreamError, Codec::reset);
                if code != ReturnCode::Ok {
                    return outcome(cx, code);
                }
                stream.ended = false;
            }
        }
    }
    run(cx, &mut stream, args)
}

/// The checksum of the plain data of a raw stream; 0 of any other.
fn crc32_1(cx: &mut Context, args: &[Term]) -> Value {
    let stream = stream(cx, &args[0])?;
    match stream.state {
        State::Running(_) => Ok(Term::small(stream.crc as i64)),
        State::New | State::Closed => Err(raise(cx, am::NOT_INITIALIZED)),
    }
}

/// `{ok, Term}` or `empty`.
fn get_stash_1(cx: &mut Context, args: &[Term]) -> Value {
    let stream = stream(cx, &args[0])?;
    let Some(stash) = &stream.stash else {
        return Ok(am::EMPTY_WORD.term());
    };
    let term = copy(stash.term, cx, &(0..0))?;
    Ok(cx.tuple(&[am::OK.term(), term])?)
}

fn clear_stash_1(cx: &mut Context, args: &[Term]) -> Value {
    match stream(cx, &args[0])?.stash.take() {
        Some(_) => Ok(am::OK.term()),
        None => Err(raise(cx, am::ERROR)),
    }
}

fn set_stash_2(cx: &mut Context, args: &[Term]) -> Value {
    let mut stream = stream(cx, &args[0])?;
    if stream.stash.is_some() {
        return Err(raise(cx, am::ERROR));
    }
    let mut memory = Parcel::new();
    let term = copy(args[1], &mut memory, &(0..0))?;
    stream.stash = Some(Stash {
        term,
        _memory: memory,
    });
    Ok(am::OK.term())
}

fn get_buf_size_1(cx: &mut Context, args: &[Term]) -> Value {
    Ok(Term::small(stream(cx, &args[0])?.chunk_size as i64))
}

fn set_buf_size_2(cx: &mut Context, args: &[Term]) -> Value {
    stream(cx, &args[0])?.chunk_size = int(args[1])?;
    Ok(am::OK.term())
}

/// Puts up to [`BATCH`] binaries of an I/O vector into the queue: `ok`, or `{continue, Rest}`.
fn enqueue_2(cx: &mut Context, args: &[Term]) -> Value {
    let mut stream = stream(cx, &args[0])?;
    if !matches!(stream.state, State::Running(_)) {
        return Err(raise(cx, am::NOT_INITIALIZED));
    }
    if !args[1].is_list() {
        return Err(Fail::Badarg);
    }
    let rest = each_binary(args[1], BATCH, |binary| stream.queue.push(binary))?;
    match rest.is_nil() {
        true => Ok(am::OK.term()),
        false => Ok(cx.tuple(&[am::CONTINUE.term(), rest])?),
    }
}
