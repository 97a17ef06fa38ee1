//! Builds small `.beam` files, in the encodings of OTP 25 and of OTP 28, so that tests
//! need no file of any release. Also used by the fuzzer as a seed.

use miniz_oxide::deflate::{compress_to_vec, compress_to_vec_zlib};

/// Which release's encodings to use.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Style {
    /// Byte-sized atom lengths, literals deflated.
    Otp25,
    /// Compact-term atom lengths and a negative count, literals stored.
    Otp28,
}

/// A `.beam` file under construction.
pub struct BeamBuilder {
    style: Style,
    atoms: Vec<String>,
    imports: Vec<(u32, u32, u32)>,
    exports: Vec<(u32, u32, u32)>,
    funs: Vec<[u32; 6]>,
    literals: Vec<Vec<u8>>,
    code: Vec<u8>,
    labels: u32,
    lines: Vec<(u64, i64)>,
    files: Vec<String>,
    strings: Vec<u8>,
    compiler: Option<String>,
}

/// Tags of compact terms.
pub const U: u8 = 0;
pub const I: u8 = 1;
pub const A: u8 = 2;
pub const X: u8 = 3;
pub const Y: u8 = 4;
pub const F: u8 = 5;

/// A compact term: tag and value.
pub fn term(tag: u8, value: i64) -> Vec<u8> {
    match value {
        0..16 => vec![(value as u8) << 4 | tag],
        16..2048 => vec![((value >> 8) as u8) << 5 | 0x08 | tag, value as u8],
        _ => {
            let bytes = value.to_be_bytes();
            // As few bytes as keep the sign, but at least two.
            let redundant = |n: usize| {
                let filler = if value < 0 { 0xff } else { 0 };
                bytes[..n].iter().all(|byte| *byte == filler) && (bytes[n] ^ filler) & 0x80 == 0
            };
            let skip = (0..=6).rev().find(|n| redundant(*n)).unwrap_or(0);
            let size = (8 - skip) as u8;
            let mut encoded = vec![(size - 2) << 5 | 0x18 | tag];
            encoded.extend(&bytes[skip..]);
            encoded
        }
    }
}

/// A literal operand.
pub fn literal(index: i64) -> Vec<u8> {
    [vec![0x47], term(U, index)].concat()
}

/// A list operand.
pub fn list(elements: &[Vec<u8>]) -> Vec<u8> {
    [
        vec![0x17],
        term(U, elements.len() as i64),
        elements.concat(),
    ]
    .concat()
}

impl BeamBuilder {
    /// A module without functions.
    pub fn new(style: Style, module: &str) -> Self {
        BeamBuilder {
            style,
            atoms: vec![module.into()],
            imports: Vec::new(),
            exports: Vec::new(),
            funs: Vec::new(),
            literals: Vec::new(),
            code: Vec::new(),
            labels: 1,
            lines: Vec::new(),
            files: Vec::new(),
            strings: Vec::new(),
            compiler: None,
        }
    }

    /// Index of an atom in the file, from 1.
    pub fn atom(&mut self, text: &str) -> i64 {
        if let Some(index) = self.atoms.iter().position(|atom| atom == text) {
            return index as i64 + 1;
        }
        self.atoms.push(text.into());
        self.atoms.len() as i64
    }

    /// Index of an import.
    pub fn import(&mut self, module: &str, function: &str, arity: u32) -> i64 {
        let entry = (self.atom(module) as u32, self.atom(function) as u32, arity);
        self.imports.push(entry);
        self.imports.len() as i64 - 1
    }

    /// Index of a literal in external term format.
    pub fn literal(&mut self, external: &[u8]) -> i64 {
        self.literals.push(external.into());
        self.literals.len() as i64 - 1
    }

    /// Offset of bytes in the string table.
    pub fn string(&mut self, bytes: &[u8]) -> i64 {
        self.strings.extend(bytes);
        (self.strings.len() - bytes.len()) as i64
    }

    /// A line item: file and line. Gives its number.
    pub fn line(&mut self, file: u64, line: i64) -> i64 {
        self.lines.push((file, line));
        self.lines.len() as i64
    }

    /// A name of a source file. Gives its number.
    pub fn file(&mut self, name: &str) -> u64 {
        self.files.push(name.into());
        self.files.len() as u64
    }

    /// A fun whose body is a function.
    pub fn fun(&mut self, body: &str, arity: u32, label: u32, num_free: u32) -> i64 {
        let index = self.funs.len() as u32;
        let body = self.atom(body) as u32;
        self.funs
            .push([body, arity, label, index, num_free, 0x1234_5678]);
        index as i64
    }

    /// Says which compiler wrote it.
    pub fn compiler(&mut self, version: &str) {
        self.compiler = Some(version.into());
    }

    /// Appends an instruction.
    pub fn op(&mut self, opcode: u8, operands: &[Vec<u8>]) {
        self.code.push(opcode);
        self.code.extend(operands.concat());
    }

    /// A new label, not yet placed.
    pub fn label(&mut self) -> u32 {
        self.labels += 1;
        self.labels - 1
    }

    /// Places a label.
    pub fn place(&mut self, label: u32) {
        self.op(1, &[term(U, label as i64)]);
    }

    /// Begins an exported function; gives the label of its entry.
    pub fn function(&mut self, name: &str, arity: u32) -> u32 {
        let (before, entry) = (self.label(), self.label());
        self.place(before);
        let name = self.atom(name);
        self.op(2, &[term(A, 1), term(A, name), term(U, arity as i64)]);
        self.place(entry);
        self.exports.push((name as u32, arity, entry));
        entry
    }

    /// The finished file.
    pub fn build(&self) -> Vec<u8> {
        let mut form = b"BEAM".to_vec();
        let mut chunk = |name: &[u8; 4], bytes: &[u8]| {
            form.extend(name);
            form.extend((bytes.len() as u32).to_be_bytes());
            form.extend(bytes);
            form.resize(form.len().next_multiple_of(4), 0);
        };
        let mut atoms = Vec::new();
        match self.style {
            Style::Otp25 => {
                atoms.extend((self.atoms.len() as i32).to_be_bytes());
                for atom in &self.atoms {
                    atoms.push(atom.len() as u8);
                    atoms.extend(atom.as_bytes());
                }
            }
            Style::Otp28 => {
                atoms.extend((-(self.atoms.len() as i32)).to_be_bytes());
                for atom in &self.atoms {
                    atoms.extend(term(U, atom.len() as i64));
                    atoms.extend(atom.as_bytes());
                }
            }
        }
        chunk(b"AtU8", &atoms);
        let mut code = Vec::new();
        for field in [16, 0, 184, self.labels, self.exports.len() as u32] {
            code.extend(field.to_be_bytes());
        }
        code.extend(&self.code);
        code.push(3);
        chunk(b"Code", &code);
        chunk(b"StrT", &self.strings);
        let table = |entries: &[(u32, u32, u32)]| {
            let mut bytes = (entries.len() as u32).to_be_bytes().to_vec();
            for entry in entries {
                for field in [entry.0, entry.1, entry.2] {
                    bytes.extend(field.to_be_bytes());
                }
            }
            bytes
        };
        chunk(b"ImpT", &table(&self.imports));
        chunk(b"ExpT", &table(&self.exports));
        if !self.funs.is_empty() {
            let mut bytes = (self.funs.len() as u32).to_be_bytes().to_vec();
            bytes.extend(
                self.funs
                    .iter()
                    .flatten()
                    .flat_map(|field| field.to_be_bytes()),
            );
            chunk(b"FunT", &bytes);
        }
        if !self.literals.is_empty() {
            let mut table = (self.literals.len() as u32).to_be_bytes().to_vec();
            for literal in &self.literals {
                table.extend((literal.len() as u32).to_be_bytes());
                table.extend(literal);
            }
            let mut bytes = match self.style {
                Style::Otp25 => (table.len() as u32).to_be_bytes().to_vec(),
                Style::Otp28 => vec![0; 4],
            };
            match self.style {
                Style::Otp25 => bytes.extend(compress_to_vec_zlib(&table, 6)),
                Style::Otp28 => bytes.extend(table),
            }
            chunk(b"LitT", &bytes);
        }
        if !self.lines.is_empty() {
            let mut bytes = Vec::new();
            for field in [
                0,
                0,
                self.lines.len() as u32,
                self.lines.len() as u32,
                self.files.len() as u32,
            ] {
                bytes.extend(field.to_be_bytes());
            }
            let mut current = 0;
            for (file, line) in &self.lines {
                if *file != current {
                    bytes.extend(term(A, *file as i64));
                    current = *file;
                }
                bytes.extend(term(I, *line));
            }
            for file in &self.files {
                bytes.extend((file.len() as u16).to_be_bytes());
                bytes.extend(file.as_bytes());
            }
            chunk(b"Line", &bytes);
        }
        if let Some(version) = &self.compiler {
            // [{version,"…"}]
            let mut bytes = b"\x83l\0\0\0\x01h\x02w\x07versionk".to_vec();
            bytes.extend((version.len() as u16).to_be_bytes());
            bytes.extend(version.as_bytes());
            bytes.push(b'j');
            chunk(b"CInf", &bytes);
        }
        let mut file = b"FOR1".to_vec();
        file.extend((form.len() as u32).to_be_bytes());
        file.extend(form);
        file
    }
}

/// A file compressed as a whole, as `erlc +compressed` does.
pub fn gzip(file: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];
    bytes.extend(compress_to_vec(file, 6));
    bytes.extend(crc32fast::hash(file).to_le_bytes());
    bytes.extend((file.len() as u32).to_le_bytes());
    bytes
}

/// A module that has something of everything: calls, frames, literals, funs, strings,
/// selects of each kind, lines, an exception handler.
pub fn sample(style: Style) -> Vec<u8> {
    let mut b = BeamBuilder::new(style, "sample");
    b.compiler(if style == Style::Otp25 {
        "8.2.3"
    } else {
        "9.0.1"
    });
    let display = b.import("erlang", "display", 1);
    let plus = b.import("erlang", "+", 2);
    let greater = b.import("erlang", ">", 2);
    let error = b.import("erlang", "error", 1);
    let byte_size = b.import("erlang", "byte_size", 1);
    let [ok, one, two, all, binary, string, integer, undefined] = [
        "ok",
        "one",
        "två",
        "all",
        "binary",
        "string",
        "integer",
        "undefined",
    ]
    .map(|atom| b.atom(atom));
    let [utf8, no_fail, ensure, equal, get_tail] =
        ["utf8", "no_fail", "ensure_at_least", "=:=", "get_tail"].map(|atom| b.atom(atom));
    let float = b.literal(&[131, 70, 0x3f, 0xf8, 0, 0, 0, 0, 0, 0]);
    let flags = b.literal(b"\x83l\0\0\0\x02w\x06signedw\x06nativej");
    let hello = b.string(b"hello");
    let file = b.file("include/sample.hrl");
    let (line3, line70000) = (b.line(0, 3), b.line(file, 70_000));
    let none = || term(F, 0);
    let (x, y) = (|n| term(X, n), |n| term(Y, n));

    let main = b.function("main", 1);
    let [handler, other, small, sparse, end] = [(); 5].map(|()| b.label());
    let label = |label: u32| term(F, label as i64);
    b.op(12, &[term(U, 2), term(U, 1)]);
    b.op(172, &[list(&[y(0)])]);
    b.op(104, &[y(1), label(handler)]);
    b.op(153, &[term(U, line3)]);
    b.op(7, &[term(U, 1), term(U, display)]);
    b.op(105, &[y(1)]);
    b.op(124, &[none(), term(U, 1), term(U, byte_size), x(0), x(2)]);
    b.op(
        125,
        &[
            none(),
            term(U, 1),
            term(U, plus),
            x(0),
            term(I, 1 << 61),
            x(1),
        ],
    );
    b.op(11, &[none(), term(U, greater), x(0), x(1), x(2)]);
    b.op(
        59,
        &[
            x(0),
            label(other),
            list(&[term(A, two), label(small), term(A, one), label(sparse)]),
        ],
    );
    b.place(small);
    let dense: Vec<_> = (0..5)
        .flat_map(|n| [term(I, n - 2), label(sparse)])
        .collect();
    b.op(59, &[x(0), label(other), list(&dense)]);
    b.place(sparse);
    let values = [
        term(I, 1000),
        label(end),
        term(I, -1000),
        label(other),
        literal(float),
        label(end),
    ];
    b.op(59, &[x(0), label(other), list(&values)]);
    b.place(other);
    b.op(153, &[term(U, line70000)]);
    b.op(4, &[term(U, 1), label(main)]);
    b.op(
        16,
        &[
            [
                vec![0x37],
                [3, 0, 5, 1, 1, 2, 1].map(|n| term(U, n)).concat(),
            ]
            .concat(),
            term(U, 1),
        ],
    );
    b.op(
        60,
        &[
            x(0),
            label(end),
            list(&[term(U, 2), label(end), term(U, 1), label(end)]),
        ],
    );
    b.place(handler);
    b.op(106, &[y(1)]);
    b.op(8, &[term(U, 1), term(U, error), term(U, 2)]);
    b.place(end);
    let segments = [
        [
            term(A, string),
            term(U, 1),
            term(U, 8),
            term(A, 0),
            term(U, hello),
            term(I, 5),
        ]
        .concat(),
        [
            term(A, binary),
            term(U, 2),
            term(U, 8),
            term(A, 0),
            x(0),
            term(A, all),
        ]
        .concat(),
        [
            term(A, integer),
            term(U, 3),
            term(U, 1),
            literal(flags),
            x(0),
            term(I, 16),
        ]
        .concat(),
        [
            term(A, utf8),
            term(U, 4),
            term(U, 0),
            term(A, 0),
            x(0),
            term(A, undefined),
        ]
        .concat(),
    ];
    let mut create = [vec![0x17], term(U, 24)].concat();
    create.extend(segments.concat());
    b.op(
        177,
        &[none(), term(U, 0), term(U, 1), term(U, 8), x(0), create],
    );
    b.op(64, &[term(A, ok), y(0)]);
    b.op(18, &[term(U, 2)]);
    b.op(19, &[]);

    let body = b.function("-main/1-fun-0-", 2);
    b.op(6, &[term(U, 2), label(body)]);

    b.function("make", 1);
    let fun = b.fun("-main/1-fun-0-", 2, body, 1);
    b.op(171, &[term(U, fun), x(0), list(&[x(0)])]);
    b.op(19, &[]);

    b.function("match", 1);
    let fail = b.label();
    b.op(170, &[term(A, no_fail), term(U, 1), x(0), x(1)]);
    let commands = [
        vec![term(A, ensure), term(U, 16), term(U, 1)],
        vec![term(A, equal), term(A, 0), term(U, 8), term(U, 200)],
        vec![
            term(A, integer),
            term(U, 2),
            literal(flags),
            term(U, 8),
            term(U, 1),
            x(2),
        ],
        vec![term(A, get_tail), term(U, 2), term(U, 1), x(0)],
    ];
    b.op(182, &[label(fail), x(1), list(&commands.concat())]);
    b.op(19, &[]);
    b.place(fail);
    b.op(72, &[x(0)]);

    b.function("old", 1);
    b.op(144, &[none(), x(0), x(1)]);
    b.op(
        109,
        &[none(), x(1), term(U, 0), term(U, 2), term(U, 0), x(1)],
    );
    b.op(145, &[none(), term(U, 0), x(0)]);
    b.op(92, &[term(U, 5), term(U, hello)]);
    b.op(
        134,
        &[
            none(),
            x(1),
            term(U, 0),
            term(U, 2),
            term(U, 8),
            x(1),
            term(U, 0),
            x(0),
        ],
    );
    b.op(89, &[none(), term(I, 16), term(U, 1), term(U, 2), x(0)]);
    b.op(70, &[term(U, 1), x(0)]);
    b.op(71, &[x(1)]);
    b.op(19, &[]);
    b.build()
}
