//! Small files made here: both encodings, compression, and every way to be refused.

mod support;

use starling_loader::ling::{Location, Module, Relocation};
use starling_loader::{Op, Problem, convert_beam, disassemble, is_beam, is_ling};
use support::{A, BeamBuilder, F, I, Style, U, X, gzip, list, literal, sample, term};

fn listing(ling: &[u8]) -> String {
    let mut text = String::new();
    disassemble(&Module::parse(ling).unwrap(), &mut text).unwrap();
    text
}

#[test]
fn both_encodings_give_the_same_code() {
    let (old, new) = (sample(Style::Otp25), sample(Style::Otp28));
    assert!(is_beam(&old) && is_beam(&new) && !is_ling(&old));
    assert_ne!(old, new);
    let (old, new) = (convert_beam(&old).unwrap(), convert_beam(&new).unwrap());
    assert!(is_ling(&old) && !is_beam(&old));
    let (one, other) = (Module::parse(&old).unwrap(), Module::parse(&new).unwrap());
    assert_eq!(one.code(), other.code());
    assert!(one.atoms().eq(other.atoms()));
    assert!(one.literals().eq(other.literals()));
    assert_eq!(one.atom(7), Some("ok"));
    assert!(one.atoms().any(|atom| atom == "två"));
}

#[test]
fn a_compressed_file_is_the_same_file() {
    let plain = sample(Style::Otp25);
    let compressed = gzip(&plain);
    assert!(is_beam(&compressed));
    assert_eq!(
        convert_beam(&compressed).unwrap(),
        convert_beam(&plain).unwrap()
    );
    let mut damaged = compressed.clone();
    let checksum = damaged.len() - 8;
    damaged[checksum] ^= 1;
    let error = convert_beam(&damaged).unwrap_err().to_string();
    assert_eq!(
        error,
        "damaged at byte 0 of the compressed file: its checksum does not fit"
    );
}

#[test]
fn tables_hold_what_the_file_said() {
    let ling = convert_beam(&sample(Style::Otp25)).unwrap();
    let module = Module::parse(&ling).unwrap();
    assert_eq!(module.name(), "sample");
    let names: Vec<_> = module
        .functions()
        .iter()
        .map(|function| {
            (
                module.atom(function.function as usize).unwrap(),
                function.arity,
            )
        })
        .collect();
    assert_eq!(
        names,
        [
            ("main", 1),
            ("-main/1-fun-0-", 2),
            ("make", 1),
            ("match", 1),
            ("old", 1)
        ]
    );
    let fun = module.funs().get(0).unwrap();
    assert_eq!(
        (fun.arity, fun.num_free, fun.index, fun.old_uniq),
        (2, 1, 0, 0x1234_5678)
    );
    assert_eq!(fun.entry, module.functions().get(1).unwrap().entry);
    assert_eq!(module.function_at(fun.entry), module.functions().get(1));
    assert_eq!(
        module.function_at(fun.entry - 20),
        module.functions().get(1)
    );
    assert_eq!(
        module.function_at(fun.entry - 21),
        module.functions().get(0)
    );
    assert_eq!(module.strings(), b"hello");
    assert_eq!(module.on_load(), None);
    // The integer of more than 60 bits has become a literal behind those of the file.
    assert_eq!(module.literal_count(), 3);
    assert_eq!(
        module.literal(2),
        Some(&[131, 110, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0x20][..])
    );
}

#[test]
fn instructions_take_their_special_forms() {
    let text = listing(&convert_beam(&sample(Style::Otp25)).unwrap());
    for part in [
        "add -, x0, literal 2, x1",
        // '>' with its operands exchanged.
        "cmp_lt x1, x0, x2",
        "bif1 -, erlang:byte_size/1, x0, x2",
        "select_val x0, @",
        "jump_table x0, @",
        // A float among the values is compared first.
        "is_ne_exact @",
        "[1000, @",
        // 5 words, one float, one fun.
        "test_heap 15, 1",
        // error/1 never returns, so the frame stays.
        "call_ext 1, erlang:error/1",
        "type 5 flags 0 unit 8, string 0, 5",
        "type 0 flags 6 unit 1, x0, 16",
        "make_fun3 fun 0, x0, [x0]",
        "bs_start_match -, x0, 1, x1",
        "bsm_equal @",
        ", x1, 8, 200",
        "bsm_integer x1, 2, 8, 6, x2",
    ] {
        assert!(text.contains(part), "{part} is missing in\n{text}");
    }
    // The frame that it follows is filled already.
    assert!(!text.contains("init_yregs"), "{text}");
}

#[test]
fn values_to_select_by_are_sorted() {
    let mut b = BeamBuilder::new(Style::Otp25, "sorted");
    b.function("f", 1);
    let end = b.label();
    let label = term(F, end as i64);
    let values = [5, -1, 1 << 40, 0, -(1 << 40)];
    let pairs: Vec<_> = values
        .iter()
        .flat_map(|value| [term(I, *value), label.clone()])
        .collect();
    b.op(59, &[term(X, 0), label, list(&pairs)]);
    b.place(end);
    b.op(19, &[]);
    let text = listing(&convert_beam(&b.build()).unwrap());
    let positions: Vec<_> = [
        "[0, @",
        " 5, @",
        " 1099511627776, @",
        " -1099511627776, @",
        " -1, @",
    ]
    .map(|part| {
        text.find(part)
            .unwrap_or_else(|| panic!("{part} is missing in {text}"))
    })
    .into();
    assert!(positions.is_sorted(), "{text}");
}

#[test]
fn return_addresses_have_lines() {
    let ling = convert_beam(&sample(Style::Otp28)).unwrap();
    let module = Module::parse(&ling).unwrap();
    assert_eq!(
        module.files().collect::<Vec<_>>(),
        ["sample.erl", "include/sample.hrl"]
    );
    // The first call is of display; its return address belongs to line 3.
    let calls = module.relocations(Relocation::Call);
    let first = calls.get(0).unwrap();
    let location = module.location_at(first + 15);
    assert_eq!((location.file(), location.line()), (0, 3));
    assert_eq!(module.location_at(0), Location::UNKNOWN);
    let error = module.location_at(calls.get(1).unwrap());
    assert_eq!(
        (module.file(error.file() as usize), error.line()),
        (Some("include/sample.hrl"), 70_000)
    );
    // Lines do not reach into the next function.
    assert_eq!(
        module.location_at(module.functions().get(1).unwrap().entry),
        Location::UNKNOWN
    );
}

#[test]
fn a_function_that_calls_itself_is_not_one_without_label() {
    let mut b = BeamBuilder::new(Style::Otp25, "forever");
    let entry = b.function("loop", 0);
    b.op(6, &[term(U, 0), term(F, entry as i64)]);
    let ling = convert_beam(&b.build()).unwrap();
    let module = Module::parse(&ling).unwrap();
    let entry = module.exports().get(0).unwrap().entry as usize;
    assert_eq!(
        module.code()[entry..entry + 2],
        Op::call_only.opcode(0).to_le_bytes()
    );
    assert_eq!(module.code()[entry + 4..entry + 8], [0; 4]);
}

#[test]
fn on_load_is_found() {
    let mut b = BeamBuilder::new(Style::Otp25, "loads");
    b.function("init", 0);
    b.op(149, &[]);
    b.op(64, &[term(A, 1), term(X, 0)]);
    b.op(19, &[]);
    let ling = convert_beam(&b.build()).unwrap();
    let module = Module::parse(&ling).unwrap();
    assert_eq!(
        module.on_load(),
        Some(module.exports().get(0).unwrap().entry)
    );
}

#[test]
fn old_instructions_become_new_ones() {
    let mut b = BeamBuilder::new(Style::Otp25, "old");
    let body = b.function("body", 2);
    b.op(19, &[]);
    b.fun("body", 2, body, 2);
    b.function("f", 2);
    b.op(14, &[term(U, 1), term(U, 2)]);
    b.op(17, &[term(support::Y, 0)]);
    b.op(150, &[term(F, body as i64)]);
    b.op(70, &[term(U, 2), term(X, 2)]);
    b.op(71, &[term(X, 0)]);
    b.op(71, &[term(A, 1)]);
    b.op(103, &[term(U, 0)]);
    b.op(18, &[term(U, 1)]);
    b.op(19, &[]);
    let text = listing(&convert_beam(&b.build()).unwrap());
    for part in [
        "allocate 1, 2",
        "put_tuple2 x2, [x0, 'old']",
        "make_fun3 fun 0, x0, [x0, x1]",
    ] {
        assert!(text.contains(part), "{part} is missing in\n{text}");
    }
}

#[test]
fn old_ways_to_build_binaries_become_the_new_one() {
    let mut b = BeamBuilder::new(Style::Otp25, "builds");
    let none = || term(F, 0);
    let x = |n| term(X, n);
    let hello = b.string(b"hello");
    let line = b.line(0, 7);
    b.function("f", 3);
    b.op(111, &[none(), x(0), x(1), term(U, 8), x(3)]);
    b.op(
        109,
        &[none(), x(3), term(U, 0), term(U, 4), term(U, 0), x(0)],
    );
    b.op(89, &[none(), term(I, 16), term(U, 1), term(U, 2), x(1)]);
    b.op(153, &[term(U, line)]);
    b.op(92, &[term(U, 5), term(U, hello)]);
    b.op(145, &[none(), term(U, 0), x(2)]);
    b.op(
        134,
        &[
            none(),
            x(3),
            term(U, 0),
            term(U, 1),
            term(U, 8),
            x(2),
            term(U, 0),
            x(0),
        ],
    );
    b.op(90, &[none(), x(0), term(U, 8), term(U, 0), x(0)]);
    let appended = [none(), x(3), term(U, 8), x(0), term(U, 0), x(1)];
    b.op(135, &appended);
    b.op(153, &[term(U, line)]);
    b.op(92, &[term(U, 5), term(U, hello)]);
    b.op(89, &[none(), term(I, 16), term(U, 1), term(U, 0), x(0)]);
    b.op(19, &[]);
    let ling = convert_beam(&b.build()).unwrap();
    let text = listing(&ling);
    for part in [
        "bs_add -, x0, x1, 8, x3",
        "bs_create_bin -, 0, 4, 8, x0, [type 0 flags 2 unit 1, x1, 16, \
         type 5 flags 0 unit 8, string 0, 5, type 6 flags 0 unit 0, x2, 0]",
        "bs_create_bin -, 0, 2, 8, x0, [type 3 flags 0 unit 8, x1, 'all', type 2 flags 0 unit 8, x0, x0]",
        "bs_private_append -, x1, [type 4 flags 0 unit 8, x0, 'all', type 5 flags 0 unit 8, string 0, 5, \
         type 0 flags 0 unit 1, x0, 16]",
    ] {
        assert!(text.contains(part), "{part} is missing in\n{text}");
    }
    // The file has no atom `all`.
    assert_eq!(Module::parse(&ling).unwrap().atoms().last(), Some("all"));
}

#[test]
fn funs_are_called_in_tails_without_their_callers_frame() {
    let mut b = BeamBuilder::new(Style::Otp25, "tails");
    let (frame, ret) = ([term(U, 0)], (19, &[][..]));
    let call = (178, &[term(A, 0), term(U, 1), term(X, 1)][..]);
    b.function("f", 2);
    b.op(12, &[term(U, 0), term(U, 2)]);
    b.op(call.0, call.1);
    b.op(18, &frame);
    b.op(ret.0, ret.1);
    b.function("g", 2);
    b.op(12, &[term(U, 0), term(U, 2)]);
    b.op(75, &[term(U, 1)]);
    b.op(18, &frame);
    b.op(ret.0, ret.1);
    // Somebody may jump to what follows.
    b.function("h", 2);
    b.op(12, &[term(U, 0), term(U, 2)]);
    b.op(75, &[term(U, 1)]);
    let label = b.label();
    b.place(label);
    b.op(18, &frame);
    b.op(ret.0, ret.1);
    let text = listing(&convert_beam(&b.build()).unwrap());
    for part in [
        "call_fun2_last 1, x1, 0",
        "call_fun_last 1, 0",
        "call_fun 1\n",
    ] {
        assert!(text.contains(part), "{part} is missing in\n{text}");
    }
    assert_eq!(text.matches("deallocate").count(), 1, "{text}");
}

/// Opcode and operands.
type Instruction<'a> = (u8, &'a [Vec<u8>]);

/// A module of one function with these instructions, and what is said when it is refused.
fn refusal(instructions: &[Instruction<'_>]) -> String {
    let mut b = BeamBuilder::new(Style::Otp25, "wrong");
    b.compiler("8.2.3");
    b.literal(&[131, 106]);
    b.import("erlang", "display", 1);
    b.string(b"abc");
    b.function("f", 1);
    for (opcode, operands) in instructions {
        b.op(*opcode, operands);
    }
    match convert_beam(&b.build()) {
        Ok(_) => "nothing".into(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn what_is_wrong_is_said() {
    let (x0, y0, ret) = (|| term(X, 0), || term(support::Y, 0), (19, &[][..]));
    let release = "(compiled by OTP 25";
    let cases: &[(&[Instruction<'_>], &str)] = &[
        (
            &[(185, &[])],
            "module wrong: unknown opcode 185 (bif3/6 of OTP 29) at byte 28 of Code (compiled by OTP 25;",
        ),
        (
            &[(255, &[])],
            "module wrong: unknown opcode 255 at byte 28 of Code",
        ),
        (
            &[(110, &[x0(), x0(), x0()])],
            "opcode 110 (bs_bits_to_bytes/3)",
        ),
        (
            &[(
                135,
                &[term(F, 0), term(U, 0), term(U, 257), x0(), term(U, 0), x0()],
            )],
            "the unit of a segment",
        ),
        (&[(64, &[x0(), term(A, 99)])], "Atom 99 is out of range"),
        (&[(64, &[literal(1), x0()])], "literal 1 of 1"),
        (&[(64, &[term(X, 1024), x0()])], "X 1024 is out of range"),
        (&[(64, &[x0(), term(I, 1)])], "the operands do not fit"),
        (&[(61, &[term(F, 0)])], "jump: the label is missing"),
        (&[(61, &[term(F, 4)])], "Label 4 is out of range"),
        (
            &[(7, &[term(U, 1), term(U, 1)])],
            "import 1 is not one of arity 1",
        ),
        (
            &[(7, &[term(U, 2), term(U, 0)])],
            "import 0 is not one of arity 2",
        ),
        (
            &[(64, &[y0(), x0()]), ret],
            "move: there is no stack frame; a Y register lies outside",
        ),
        (
            &[(12, &[term(U, 1), term(U, 1)]), ret],
            "return: the stack frame has 1 registers; it must be removed",
        ),
        (
            &[(12, &[term(U, 1), term(U, 1)]), (18, &[term(U, 2)]), ret],
            "it removes another number of them",
        ),
        (
            &[(4, &[term(U, 1), term(F, 2)]), ret],
            "call: there is no stack frame; it must have one to return to",
        ),
        (
            &[(6, &[term(U, 0), term(F, 2)])],
            "the function has another arity",
        ),
        (
            &[(6, &[term(U, 1), term(F, 1)])],
            "its label is not the entry of a function",
        ),
        (
            &[(1, &[term(U, 2)]), ret],
            "label 2: the label is defined twice",
        ),
        (
            &[(171, &[term(U, 0), x0(), list(&[])]), ret],
            "0 is out of range (fun relocations)",
        ),
        (
            &[(132, &[term(F, 1), x0(), term(U, 24), term(U, 1)]), ret],
            "a string outside of the strings",
        ),
        (&[(105, &[y0()]), ret], "try_end: there is no stack frame"),
        (
            &[(12, &[term(U, 1), term(U, 1)]), (105, &[y0()])],
            "not the innermost exception handler",
        ),
        (
            &[(
                59,
                &[
                    x0(),
                    term(F, 1),
                    list(&[term(I, 1), term(F, 1), term(I, 1), term(F, 1)]),
                ],
            )],
            "the same value twice",
        ),
        (&[(153, &[term(U, 7)]), ret], "nothing"),
        (
            &[(64, &[term(X, 3), x0()]), ret],
            "move: x3 may hold nothing here",
        ),
        (
            &[(12, &[term(U, 0), term(U, 2)]), ret],
            "allocate: x1 may hold nothing here",
        ),
        (
            // A collection with one live register forgets the others.
            &[
                (64, &[x0(), term(X, 1)]),
                (16, &[term(U, 2), term(U, 1)]),
                (64, &[term(X, 1), x0()]),
                ret,
            ],
            "move: x1 may hold nothing here",
        ),
        (
            // So does a call.
            &[
                (64, &[x0(), term(X, 1)]),
                (12, &[term(U, 0), term(U, 2)]),
                (4, &[term(U, 1), term(F, 2)]),
                (64, &[term(X, 1), x0()]),
                ret,
            ],
            "move: x1 may hold nothing here",
        ),
        (
            &[
                (12, &[term(U, 1), term(U, 1)]),
                (104, &[y0(), term(F, 1)]),
                (106, &[y0()]),
                ret,
            ],
            "try_case: x1 may hold nothing here",
        ),
        (
            &[
                (12, &[term(U, 1), term(U, 1)]),
                (104, &[y0(), term(F, 1)]),
                (64, &[x0(), y0()]),
                ret,
            ],
            "y0 marks an exception handler in force",
        ),
        (
            &[
                (12, &[term(U, 1), term(U, 1)]),
                (104, &[y0(), term(F, 1)]),
                (18, &[term(U, 1)]),
                ret,
            ],
            "deallocate: an exception handler in the frame is in force",
        ),
    ];
    for (instructions, expected) in cases {
        let said = refusal(instructions);
        assert!(
            said.contains(expected),
            "{said:?} does not say {expected:?}"
        );
        assert!(said.contains(release) || said == "nothing", "{said}");
    }
}

#[test]
fn frames_must_agree_where_ways_meet() {
    // is_nil; allocate; label: the two ways have different frames.
    let mut b = BeamBuilder::new(Style::Otp25, "meet");
    b.function("f", 1);
    let meeting = b.label();
    b.op(52, &[term(F, meeting as i64), term(X, 0)]);
    b.op(12, &[term(U, 1), term(U, 1)]);
    b.place(meeting);
    b.op(19, &[]);
    let error = convert_beam(&b.build()).unwrap_err().to_string();
    assert!(
        error.contains("return: the stack frame depends on the way here"),
        "{error}"
    );
    // The same, but ending in an exception, is what compilers do.
    let mut b = BeamBuilder::new(Style::Otp25, "meet");
    let error = b.import("erlang", "error", 1);
    b.function("f", 1);
    let meeting = b.label();
    b.op(52, &[term(F, meeting as i64), term(X, 0)]);
    b.op(12, &[term(U, 1), term(U, 1)]);
    b.place(meeting);
    b.op(8, &[term(U, 1), term(U, error), term(U, 7)]);
    convert_beam(&b.build()).unwrap();
}

#[test]
fn nothing_but_exceptions_gets_into_a_handler() {
    // The compiler knows that f never returns, and so lets code run or jump into a handler.
    let mut b = BeamBuilder::new(Style::Otp25, "handled");
    let entry = b.function("f", 1);
    let (handler, end) = (b.label(), b.label());
    let call = (4, [term(U, 1), term(F, entry as i64)]);
    b.op(12, &[term(U, 1), term(U, 1)]);
    b.op(104, &[term(support::Y, 0), term(F, handler as i64)]);
    b.op(52, &[term(F, end as i64), term(X, 0)]);
    b.op(call.0, &call.1);
    b.op(61, &[term(F, handler as i64)]);
    b.place(end);
    b.op(call.0, &call.1);
    b.place(handler);
    b.op(106, &[term(support::Y, 0)]);
    b.op(108, &[term(X, 2), term(X, 1)]);
    let ling = convert_beam(&b.build()).unwrap();
    assert_eq!(listing(&ling).matches("if_end").count(), 3);
    assert!(!listing(&ling).contains("jump"));
    assert_eq!(Module::parse(&ling).unwrap().x_registers(), 8);
}

#[test]
fn registers_above_64_are_followed_too() {
    for (source, accepted) in [(99, true), (100, false)] {
        let mut b = BeamBuilder::new(Style::Otp25, "many");
        b.function("f", 100);
        b.op(64, &[term(X, source), term(X, 0)]);
        b.op(64, &[term(X, 0), term(X, 200)]);
        b.op(64, &[term(X, 200), term(X, 0)]);
        b.op(19, &[]);
        let converted = convert_beam(&b.build());
        assert_eq!(converted.is_ok(), accepted, "{converted:?}");
        if let Ok(ling) = converted {
            assert_eq!(Module::parse(&ling).unwrap().x_registers(), 201);
        }
    }
}

#[test]
fn sources_are_live_where_a_collection_comes_first() {
    // As in a module of cowlib: the value is in x2, but two registers are live.
    let mut b = BeamBuilder::new(Style::Otp25, "sources");
    b.function("next", 3);
    let fail = b.label();
    b.op(
        166,
        &[term(F, fail as i64), term(X, 2), term(U, 2), term(X, 2)],
    );
    b.op(165, &[term(X, 2), term(X, 0), term(U, 1)]);
    b.op(19, &[]);
    b.place(fail);
    b.op(72, &[term(X, 0)]);
    let text = listing(&convert_beam(&b.build()).unwrap());
    assert!(text.contains(", x2, 3, x2"), "{text}");
    // x2 is not the first free register: it is moved there.
    assert!(
        text.contains("move x2, x1") && text.contains("bs_get_tail x1, x0, 2"),
        "{text}"
    );
}

#[test]
fn a_jump_backwards_into_unreached_code_is_followed() {
    // jump 2; 1: move y0 x0, return; 2: allocate; jump 1.
    let mut b = BeamBuilder::new(Style::Otp25, "back");
    b.function("f", 1);
    let (first, second) = (b.label(), b.label());
    b.op(61, &[term(F, second as i64)]);
    b.place(first);
    b.op(64, &[term(support::Y, 1), term(X, 0)]);
    b.op(18, &[term(U, 1)]);
    b.op(19, &[]);
    b.place(second);
    b.op(12, &[term(U, 1), term(U, 1)]);
    b.op(61, &[term(F, first as i64)]);
    let error = convert_beam(&b.build()).unwrap_err().to_string();
    assert!(
        error.contains("the stack frame has 1 registers; a Y register lies outside"),
        "{error}"
    );
}

#[test]
fn what_a_number_announces_must_be_there() {
    // A literal table that claims to inflate to 200 MB.
    let mut beam = sample(Style::Otp25);
    let at = beam.windows(4).position(|name| name == b"LitT").unwrap() + 8;
    beam[at..at + 4].copy_from_slice(&200_000_000u32.to_be_bytes());
    let error = convert_beam(&beam).unwrap_err().to_string();
    assert!(
        error.contains("cannot inflate to the 200000000 announced"),
        "{error}"
    );
    // An import table of four billion entries.
    let mut beam = sample(Style::Otp25);
    let at = beam.windows(4).position(|name| name == b"ImpT").unwrap() + 8;
    beam[at..at + 4].copy_from_slice(&u32::MAX.to_be_bytes());
    let error = convert_beam(&beam).unwrap_err().to_string();
    assert!(
        error.contains("damaged at byte 0 of ImpT: 4294967295 items announced"),
        "{error}"
    );
}

#[test]
fn what_is_no_file_of_ours_is_refused() {
    assert_eq!(
        convert_beam(b"").unwrap_err().problem,
        Problem::UnknownFormat
    );
    assert_eq!(
        convert_beam(b"\x7fELF").unwrap_err().problem,
        Problem::UnknownFormat
    );
    assert_eq!(
        Module::parse(b"FOR1").unwrap_err().problem,
        Problem::UnknownFormat
    );
    let mut ling = convert_beam(&sample(Style::Otp25)).unwrap();
    ling[200] ^= 1;
    assert_eq!(Module::parse(&ling).unwrap_err().problem, Problem::Checksum);
    ling[4] = 77;
    assert_eq!(
        Module::parse(&ling).unwrap_err().problem,
        Problem::Version { found: 77 }
    );
    let missing = BeamBuilder::new(Style::Otp25, "m").build();
    let without_code = missing.windows(4).position(|name| name == b"Code").unwrap();
    let mut missing = missing;
    missing[without_code] = b'c';
    assert_eq!(
        convert_beam(&missing).unwrap_err().problem,
        Problem::Missing { chunk: "Code" }
    );
}

/// Gives a `.ling` the checksum of its bytes, so that what is behind the checksum is tested.
fn reseal(ling: &mut [u8]) {
    if let Some((head, rest)) = ling.split_at_mut_checked(16) {
        head[12..16].copy_from_slice(&crc32fast::hash(rest).to_le_bytes());
    }
}

#[test]
fn no_prefix_is_accepted() {
    for style in [Style::Otp25, Style::Otp28] {
        let beam = sample(style);
        for end in 0..beam.len() {
            // All but the padding of the last chunk.
            if end + 4 < beam.len() {
                assert!(
                    convert_beam(&beam[..end]).is_err(),
                    "{end} of {} bytes",
                    beam.len()
                );
            }
        }
        let ling = convert_beam(&beam).unwrap();
        for end in 0..ling.len() {
            let mut prefix = ling[..end].to_vec();
            reseal(&mut prefix);
            assert!(
                Module::parse(&prefix).is_err(),
                "{end} of {} bytes",
                ling.len()
            );
        }
    }
}

#[test]
fn no_changed_byte_makes_it_panic() {
    let beam = sample(Style::Otp28);
    let ling = convert_beam(&beam).unwrap();
    let mut accepted = 0;
    for change in [0x01, 0x08, 0x10, 0x80, 0xff] {
        for at in 0..beam.len() {
            let mut damaged = beam.clone();
            damaged[at] ^= change;
            accepted += convert_beam(&damaged).is_ok() as usize;
        }
        for at in 0..ling.len() {
            let mut damaged = ling.clone();
            damaged[at] ^= change;
            assert!(
                Module::parse(&damaged).is_err(),
                "byte {at} is not covered by the checksum"
            );
            reseal(&mut damaged);
            if let Ok(module) = Module::parse(&damaged) {
                accepted += 1;
                // What is accepted can be listed to its end.
                let mut text = String::new();
                disassemble(&module, &mut text).unwrap();
            }
        }
    }
    // Some bytes do not matter (the name of an atom, a line number): so not all are refused.
    assert!(accepted > 0);
}
