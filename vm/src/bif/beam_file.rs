//! What a file of code says about itself, without being loaded: `beamfile_chunk/2`, `beamfile_module_md5/1`.
//!
//! A `.ling` file has no chunks; it answers for those whose contents it keeps, `"Attr"` and `"CInf"`.

use super::{Bif, Context, Fail, Value, bif};
use crate::atom::am;
use crate::bits::make::make_binary;
use crate::bits::view::view;
use crate::term::Term;
use starling_loader::{beam, ling};

/// The functions of this file.
pub const TABLE: &[Bif] = &[
    bif("erts_internal", "beamfile_chunk", 2, beamfile_chunk_2),
    bif(
        "erts_internal",
        "beamfile_module_md5",
        1,
        beamfile_module_md5_1,
    ),
];

/// `beamfile_chunk(Code, Name)`: the chunk's bytes, or `undefined`.
fn beamfile_chunk_2(cx: &mut Context, args: &[Term]) -> Value {
    let bits = view(&args[0]).ok_or(Fail::Badarg)?;
    let bytes = bits.to_bytes()?.ok_or(Fail::Badarg)?;
    let mut name = [0; 4];
    let mut characters = args[1].iter_list();
    for byte in &mut name {
        let character = characters.next().and_then(Term::as_small);
        *byte = u8::try_from(character.ok_or(Fail::Badarg)?).map_err(|_| Fail::Badarg)?;
    }
    if characters.next().is_some() || !characters.tail().is_nil() {
        return Err(Fail::Badarg);
    }
    let chunk = if ling::is_ling(&bytes) {
        let file = ling::Module::tables(&bytes).ok();
        match &name {
            b"Attr" => file.map(|file| file.attributes()),
            b"CInf" => file.map(|file| file.compile_info()),
            _ => None,
        }
        .filter(|chunk| !chunk.is_empty())
    } else {
        beam::iff::find_chunk(&bytes, &name)
    };
    match chunk {
        Some(chunk) => Ok(make_binary(cx, chunk)?),
        None => Ok(am::UNDEFINED.term()),
    }
}

/// `beamfile_module_md5(Code)`: what `module_info(md5)` of the loaded module would say, or `undefined`.
fn beamfile_module_md5_1(cx: &mut Context, args: &[Term]) -> Value {
    let bits = view(&args[0]).ok_or(Fail::Badarg)?;
    let bytes = bits.to_bytes()?.ok_or(Fail::Badarg)?;
    let md5 = if ling::is_ling(&bytes) {
        ling::Module::tables(&bytes).map(|file| file.md5())
    } else {
        beam::module_md5(&bytes)
    };
    match md5 {
        Ok(md5) => Ok(make_binary(cx, &md5)?),
        Err(_) => Ok(am::UNDEFINED.term()),
    }
}
