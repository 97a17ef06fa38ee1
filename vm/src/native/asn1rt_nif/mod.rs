//! Native half of OTP's `asn1rt_nif`, which everything that `asn1ct` generates calls: the basic encoding rules ([`ber`]), for `public_key` and `ssl` among
//! others, and the last step of the packed ones ([`per`]).

mod ber;
mod per;

use super::{Library, native};
use crate::bif::{Context, Value};
use crate::memory::Arena;
use crate::term::Term;

/// The functions.
pub static LIBRARY: Library = Library {
    module: "asn1rt_nif",
    functions: &[
        native("decode_ber_tlv_raw", 1, ber::decode_1),
        native("encode_ber_tlv", 1, ber::encode_1),
        native("encode_per_complete", 1, per::complete_1),
    ],
};

/// Bytes that are coded for one reduction.
const BYTES_PER_REDUCTION: usize = 64;

/// `{error, Reason}`, which Erlang code makes an exception of.
fn error(cx: &mut Context, reason: Term) -> Value {
    let error = cx.atom("error")?;
    Ok(cx.tuple(&[error, reason])?)
}
