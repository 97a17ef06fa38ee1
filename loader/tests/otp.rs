//! All modules of the OTP releases on this machine: they convert, and the tables of the
//! result are what OTP itself reads from the same files.
//!
//! Looks into Debian's directory and into those named by `STARLING_OTP_LIBS` (paths that
//! hold `<application>/ebin`, with colons between). Without any OTP the tests say so and pass.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use starling_loader::ling::Module;
use starling_loader::{Problem, convert_beam, disassemble, instruction_length, opcode};

fn beams() -> Vec<PathBuf> {
    let more = std::env::var("STARLING_OTP_LIBS").unwrap_or_default();
    let mut beams = Vec::new();
    for directory in more
        .split(':')
        .filter(|path| !path.is_empty())
        .chain(["/usr/lib/erlang/lib"])
    {
        let applications = std::fs::read_dir(directory).into_iter().flatten().flatten();
        for application in applications {
            let ebin = std::fs::read_dir(application.path().join("ebin"))
                .into_iter()
                .flatten()
                .flatten();
            beams.extend(
                ebin.map(|file| file.path())
                    .filter(|path| path.extension().is_some_and(|e| e == "beam")),
            );
        }
    }
    beams.sort();
    if beams.is_empty() {
        eprintln!("no OTP on this machine (apt-get install erlang-base): nothing tested");
    }
    beams
}

#[test]
fn every_module_converts() {
    let mut newer = 0;
    let beams = beams();
    for path in &beams {
        let ling = match convert_beam(&std::fs::read(path).unwrap()) {
            Ok(ling) => ling,
            // Releases after 28 may use opcodes that are not known yet, and are told so by name.
            Err(error) => match error.problem {
                Problem::UnknownOpcode { opcode, .. } if opcode > opcode::LAST_KNOWN => {
                    assert!(error.to_string().contains("OTP 29"), "{error}");
                    newer += 1;
                    continue;
                }
                _ => panic!("{}: {error}", path.display()),
            },
        };
        let module = Module::parse(&ling).unwrap();
        assert_eq!(
            Some(module.name()),
            path.file_stem().and_then(|name| name.to_str())
        );
        let mut at = 0;
        while at < module.code().len() {
            at += instruction_length(module.code(), at).unwrap();
        }
        assert_eq!(at, module.code().len());
        for export in module.exports().iter() {
            assert!(
                module
                    .functions()
                    .iter()
                    .any(|function| function.entry == export.entry)
            );
        }
    }
    eprintln!(
        "{} modules, {newer} of them refused for opcodes of a newer release",
        beams.len()
    );
}

#[test]
fn conversion_is_deterministic() {
    for path in beams().iter().step_by(10) {
        let beam = std::fs::read(path).unwrap();
        assert!(
            convert_beam(&beam) == convert_beam(&beam),
            "{}",
            path.display()
        );
    }
}

#[test]
fn listings_name_what_they_list() {
    let Some(path) = beams()
        .into_iter()
        .find(|path| path.ends_with("ebin/lists.beam"))
    else {
        return;
    };
    let ling = convert_beam(&std::fs::read(path).unwrap()).unwrap();
    let mut text = String::new();
    disassemble(&Module::parse(&ling).unwrap(), &mut text).unwrap();
    for part in [
        "\nlists:reverse/1\n",
        "func_info 'lists', 'append', 2",
        "call_ext_only 2, erlang:++/2",
    ] {
        assert!(text.contains(part), "{part}");
    }
}

/// What OTP says of a file: MD5, exports and imports, attributes as digest.
const FACTS: &str = r#"
    Hex = fun(Atom) -> binary:encode_hex(atom_to_binary(Atom)) end,
    Facts = fun(File) ->
        {ok, {M, [{exports, Exports}, {imports, Imports}, {"Attr", Attributes}]}} =
            beam_lib:chunks(File, [exports, imports, "Attr"]),
        {ok, {M, Md5}} = beam_lib:md5(File),
        io:format("file ~ts~nmd5 ~s~nattributes ~s~n",
            [File, binary:encode_hex(Md5), binary:encode_hex(erlang:md5(Attributes))]),
        [io:format("export ~s/~p~n", [Hex(F), A]) || {F, A} <- Exports],
        [io:format("import ~s:~s/~p~n", [Hex(N), Hex(F), A]) || {N, F, A} <- Imports]
    end,
    %% An older OTP cannot read the files of a newer one.
    [catch Facts(File) || File <- init:get_plain_arguments()], halt().
"#;

#[test]
fn tables_are_as_otp_reads_them() {
    let beams: Vec<_> = beams().into_iter().step_by(4).collect();
    let mut erl = Command::new("erl");
    erl.args([
        "-noshell",
        "-noinput",
        "-boot",
        "no_dot_erlang",
        "-eval",
        FACTS,
        "-extra",
    ])
    .args(&beams);
    let output = match erl.output() {
        Ok(output) if !beams.is_empty() => output,
        _ => return eprintln!("no erl on this machine: nothing compared"),
    };
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
    let mut facts: BTreeMap<PathBuf, Vec<String>> = BTreeMap::new();
    let mut current = PathBuf::new();
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        match line.strip_prefix("file ") {
            Some(path) => current = path.into(),
            None => facts.entry(current.clone()).or_default().push(line.into()),
        }
    }
    assert!(!facts.is_empty());
    for (path, mut expected) in facts {
        let Some(mut found) = facts_of(&path) else {
            continue;
        };
        expected.sort();
        found.sort();
        assert_eq!(found, expected, "{}", path.display());
    }
}

fn facts_of(path: &Path) -> Option<Vec<String>> {
    let ling = convert_beam(&std::fs::read(path).unwrap()).ok()?;
    let module = Module::parse(&ling).unwrap();
    let hex = |bytes: &[u8]| {
        bytes
            .iter()
            .map(|byte| format!("{byte:02X}"))
            .collect::<String>()
    };
    let atom = |index: u32| hex(module.atom(index as usize).unwrap().as_bytes());
    let attributes: [u8; 16] = {
        use md5::Digest;
        md5::Md5::digest(module.attributes()).into()
    };
    let mut facts = vec![
        format!("md5 {}", hex(&module.md5())),
        format!("attributes {}", hex(&attributes)),
    ];
    facts.extend(
        module
            .exports()
            .iter()
            .map(|export| format!("export {}/{}", atom(export.function), export.arity)),
    );
    facts.extend(module.imports().iter().map(|import| {
        format!(
            "import {}:{}/{}",
            atom(import.module),
            atom(import.function),
            import.arity
        )
    }));
    Some(facts)
}
