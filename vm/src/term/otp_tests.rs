//! Terms that OTP 25 has encoded, hashed and printed: what this machine must make of the same bytes.

use super::compare::exact_equal;
use super::etf::{self, FunResolver, Options, decode};
use super::fun::{Entry, FunIdentity, Mfa};
use super::{Atom, Term};
use crate::atom::AtomTable;
use crate::memory::heap::Parcel;
use alloc::boxed::Box;

/// `erlang:phash2(T, 1 bsl 32)`, `term_to_binary(T)`, and what `erlang:display(T)` prints before the line's end.
const TERMS: &[(u32, &[u8], &[u8])] = &[
    (3_468_870_702, &[131, 106], b"[]"),
    (1_883, &[131, 100, 0, 2, 111, 107], b"ok"),
    (17_250, &[131, 100, 0, 3, 65, 32, 98], b"'A b'"),
    (
        115_604_277,
        &[131, 100, 0, 8, 105, 116, 39, 115, 10, 92, 27, 133],
        b"'it\\'s\\n\\\\\\033\\205'",
    ),
    (229, &[131, 100, 0, 1, 229], b"\xc3\xa5"),
    (3_480, &[131, 119, 2, 207, 168], b"'\xcf\xa8'"),
    (3_175_731_469, &[131, 97, 0], b"0"),
    (1_117_813_597, &[131, 98, 255, 255, 255, 255], b"-1"),
    (715_823_293, &[131, 97, 255], b"255"),
    (2_562_491_755, &[131, 98, 8, 0, 0, 0], b"134217728"),
    (1_418_916_782, &[131, 98, 247, 255, 255, 255], b"-134217729"),
    (
        2_442_888_721,
        &[131, 110, 8, 0, 0, 0, 0, 0, 0, 0, 0, 8],
        b"576460752303423488",
    ),
    (
        1_070_946_125,
        &[131, 110, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 64],
        b"1180591620717411303424",
    ),
    (
        4_181_281_985,
        &[131, 110, 9, 1, 0, 0, 0, 0, 0, 0, 0, 0, 64],
        b"-1180591620717411303424",
    ),
    (
        2_023_646_235,
        &[131, 70, 63, 248, 0, 0, 0, 0, 0, 0],
        b"1.500000e+00",
    ),
    (
        423_528_920,
        &[131, 70, 128, 0, 0, 0, 0, 0, 0, 0],
        b"-0.000000e+00",
    ),
    (
        3_639_203_650,
        &[131, 70, 1, 165, 110, 31, 194, 248, 243, 89],
        b"1.000000e-300",
    ),
    (221_703_996, &[131, 104, 0], b"{}"),
    (
        569_239_101,
        &[
            131, 104, 2, 100, 0, 1, 97, 108, 0, 0, 0, 1, 100, 0, 1, 98, 100, 0, 1, 99,
        ],
        b"{a,[b|c]}",
    ),
    (
        4_270_854_938,
        &[
            131, 107, 0, 11, 104, 101, 108, 108, 111, 32, 34, 121, 111, 117, 34,
        ],
        b"\"hello \\\"you\\\"\"",
    ),
    (
        2_928_052_790,
        &[131, 107, 0, 3, 200, 10, 92],
        b"\"\xc8\\n\\\"",
    ),
    (
        3_182_482_923,
        &[
            131, 108, 0, 0, 0, 6, 97, 1, 97, 2, 97, 3, 97, 4, 97, 5, 100, 0, 1, 97, 106,
        ],
        b"[1,2,3,4,5,a]",
    ),
    (955_943_504, &[131, 107, 0, 2, 97, 11], b"[97,11]"),
    (147_926_629, &[131, 109, 0, 0, 0, 0], b"<<>>"),
    (
        2_510_326_341,
        &[
            131, 109, 0, 0, 0, 28, 97, 32, 98, 105, 110, 97, 114, 121, 32, 111, 102, 32, 34, 116,
            119, 101, 110, 116, 121, 45, 110, 105, 110, 101, 34, 32, 98, 121,
        ],
        b"<<\"a binary of \\\"twenty-nine\\\" by\">>",
    ),
    (1_253_244_594, &[131, 109, 0, 0, 0, 2, 128, 1], b"<<128,1>>"),
    (3_354_768_668, &[131, 77, 0, 0, 0, 1, 3, 160], b"<<5:3>>"),
    (
        2_841_540_738,
        &[131, 77, 0, 0, 0, 2, 3, 1, 64],
        b"<<1,2:3>>",
    ),
    (844_985_373, &[131, 116, 0, 0, 0, 0], b"#{}"),
    (
        1_579_473_383,
        &[
            131, 116, 0, 0, 0, 2, 100, 0, 1, 97, 97, 1, 100, 0, 1, 98, 107, 0, 1, 2,
        ],
        b"#{a=>1,b=>[2]}",
    ),
    (
        840_287_883,
        &[
            131, 113, 100, 0, 5, 108, 105, 115, 116, 115, 100, 0, 3, 109, 97, 112, 97, 2,
        ],
        b"fun lists:map/2",
    ),
    (
        2_004_953_508,
        &[
            131, 89, 100, 0, 13, 110, 111, 110, 111, 100, 101, 64, 110, 111, 104, 111, 115, 116, 0,
            0, 0, 5, 0, 0, 0, 0,
        ],
        b"#Port<0.5>",
    ),
    (
        591_482_922,
        &[
            131, 88, 100, 0, 13, 110, 111, 110, 111, 100, 101, 64, 110, 111, 104, 111, 115, 116, 0,
            0, 0, 7, 0, 0, 0, 1, 0, 0, 0, 0,
        ],
        b"<0.7.1>",
    ),
];

/// Makes an entry for whatever fun a term names.
struct AnyFun;

impl FunResolver for AnyFun {
    fn export(&mut self, module: Atom, function: Atom, arity: u8) -> Option<*const u64> {
        let identity = Mfa {
            module,
            function,
            arity: arity as u32,
        };
        let code = core::ptr::null();
        let entry: &'static Entry<Mfa> = Box::leak(Box::new(Entry { code, identity }));
        Some(core::ptr::from_ref(entry).cast())
    }
    fn local_fun(&mut self, _: &FunIdentity, _: u32) -> Option<*const u64> {
        None
    }
}

fn each(mut check: impl FnMut(&AtomTable, Term, u32, &[u8], &[u8])) {
    let mut atoms = AtomTable::new();
    let mut arena = Parcel::new();
    for &(hash, bytes, text) in TERMS {
        let options = Options::default();
        let decoded = decode(bytes, &mut atoms, &mut arena, &mut AnyFun, &options);
        let (term, used) = decoded.unwrap_or_else(|error| panic!("{error}: {bytes:?}"));
        assert_eq!(used, bytes.len());
        check(&atoms, term, hash, bytes, text);
    }
}

#[test]
fn terms_print_as_on_otp() {
    each(|atoms, term, _, _, text| {
        assert_eq!(super::print::to_bytes(atoms, term).as_deref(), Ok(text));
    });
}

#[test]
fn terms_hash_as_on_otp() {
    each(|atoms, term, hash, bytes, _| {
        let computed = super::portable_hash::phash2(atoms, term);
        assert_eq!(computed, Ok(hash), "{bytes:?}");
    });
}

#[test]
fn terms_encode_as_on_otp() {
    each(|atoms, term, _, bytes, _| {
        let encoded = etf::encode(atoms, term, &etf::encode::Options::default());
        assert_eq!(encoded.as_deref(), Ok(bytes));
    });
}

#[test]
fn a_copy_is_the_same_term() {
    each(|atoms, term, hash, _, _| {
        let mut to = Parcel::new();
        let copy = super::copy::copy(term, &mut to, &(0..0)).unwrap();
        assert!(exact_equal(term, copy));
        assert_eq!(super::portable_hash::phash2(atoms, copy), Ok(hash));
    });
}

#[test]
fn compressing_is_undone_by_decoding() {
    let mut arena = Parcel::new();
    let mut atoms = AtomTable::new();
    for size in [0, 1, 5, 20, 100, 70_000] {
        for level in [0, 1, 6, 9] {
            let data = alloc::vec![b'x'; size];
            let list = crate::memory::Arena::byte_list(&mut arena, &data, Term::NIL).unwrap();
            let plain = etf::encode(&atoms, list, &etf::encode::Options::default()).unwrap();
            let packed = etf::compression::compress(plain.clone(), level).unwrap();
            if size >= 100 && level > 0 {
                assert!(packed.len() < plain.len());
            } else if level == 0 || size < 20 {
                assert_eq!(packed, plain);
            }
            let options = Options::default();
            let decoded = decode(&packed, &mut atoms, &mut arena, &mut AnyFun, &options);
            let (back, used) = decoded.unwrap();
            assert!(exact_equal(back, list));
            assert_eq!(used, packed.len());
        }
    }
}

#[test]
fn old_floats_are_text() {
    let mut arena = Parcel::new();
    let float = crate::memory::Arena::float(&mut arena, 1.5).unwrap();
    let options = etf::encode::Options {
        minor_version: 0,
        ..Default::default()
    };
    let mut expected = b"\x83c1.50000000000000000000e+00".to_vec();
    expected.resize(33, 0);
    let encoded = etf::encode(&AtomTable::new(), float, &options);
    assert_eq!(encoded, Ok(expected));
}

/// Bytes that went wrong on their way are a term or an error, never anything else; a term that was accepted
/// can be used.
#[test]
fn damaged_bytes_do_no_harm() {
    let mut atoms = AtomTable::new();
    let options = Options::default();
    let mut seed = 1u64;
    let mut random = |below: usize| {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % below
    };
    for _ in 0..20_000 {
        // A list of three of the terms, with up to three bytes changed.
        let mut bytes = alloc::vec![131, 108, 0, 0, 0, 3];
        for _ in 0..3 {
            bytes.extend(&TERMS[random(TERMS.len())].1[1..]);
        }
        bytes.push(106);
        for _ in 0..random(4) {
            let at = 1 + random(bytes.len() - 1);
            bytes[at] = random(256) as u8;
        }
        let mut arena = Parcel::new();
        let decoded = decode(&bytes, &mut atoms, &mut arena, &mut AnyFun, &options);
        if let Ok((term, used)) = decoded {
            assert!(used <= bytes.len());
            let again = etf::encode(&atoms, term, &etf::encode::Options::default()).unwrap();
            let decoded = decode(&again, &mut atoms, &mut arena, &mut AnyFun, &options);
            assert!(exact_equal(term, decoded.unwrap().0));
        }
    }
}
