//! The file system in memory over archives, good and hostile. How it behaves otherwise is held against the host's, where there
//! is one (`cli`).

use super::*;
use crate::fs::cpio::Writer;
use alloc::ffi::CString;
use alloc::format;
use alloc::string::{String, ToString};

const NOW: i64 = 1_700_000_000;

fn c(path: &str) -> CString {
    CString::new(path).unwrap()
}

fn over(bytes: Vec<u8>) -> RamFiles {
    RamFiles::new(Some(Archive::new(bytes.leak())), || NOW * 1_000_000_000)
}

fn names(files: &mut RamFiles, path: &str) -> Result<Vec<String>> {
    let mut names = Vec::new();
    files.list(&c(path), &mut |name| {
        names.push(String::from_utf8_lossy(name).to_string());
    })?;
    Ok(names)
}

fn bytes(files: &mut RamFiles, path: &str) -> Result<Vec<u8>> {
    let modes = Modes {
        read: true,
        ..Modes::default()
    };
    let file = files.open(&c(path), modes)?;
    let mut bytes = alloc::vec![0; files.handle_info(file)?.size as usize];
    files.read(file, &mut bytes)?;
    files.close(file)?;
    Ok(bytes)
}

fn write(files: &mut RamFiles, path: &str, bytes: &[u8]) -> Result<()> {
    let modes = Modes {
        write: true,
        ..Modes::default()
    };
    let file = files.open(&c(path), modes)?;
    files.write(file, bytes)?;
    files.close(file)
}

/// One member of an archive, whatever it says of itself.
fn member(name: &str, mode: u32, data: &[u8]) -> Vec<u8> {
    let length = name.len() + 1;
    let mut out = format!(
        "070701{:08x}{mode:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{}{length:08x}{:08x}{name}\0",
        0,
        3,
        4,
        1,
        1234,
        data.len(),
        "0".repeat(32),
        0
    )
    .into_bytes();
    out.resize(out.len().next_multiple_of(4), 0);
    out.extend_from_slice(data);
    out.resize(out.len().next_multiple_of(4), 0);
    out
}

fn archive(members: &[(&str, u32, &[u8])]) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, mode, data) in members {
        out.extend_from_slice(&member(name, *mode, data));
    }
    out.extend_from_slice(&member("TRAILER!!!", 0, b""));
    out
}

#[test]
fn an_archive_is_there_with_kinds_modes_owners_and_times() {
    let mut files = over(archive(&[
        ("etc", 0o040_750, b""),
        ("etc/motd", 0o100_640, b"hello"),
        ("lib/otp/x.beam", 0o100_644, &[7; 5000]),
        ("otp", 0o120_777, b"lib/otp"),
        ("dev/console", 0o020_600, b""),
    ]));
    assert_eq!(
        names(&mut files, "/").unwrap(),
        ["etc", "lib", "otp", "dev"]
    );
    assert_eq!(
        names(&mut files, "/dev"),
        Ok(Vec::new()),
        "devices are passed over"
    );
    let info = files.info(c"/etc/motd", true).unwrap();
    assert_eq!((info.size, info.mode, info.links), (5, 0o100_640, 1));
    assert_eq!((info.user, info.group, info.modified), (3, 4, 1234));
    let info = files.info(c"/etc", true).unwrap();
    assert_eq!(
        (info.kind, info.mode, info.links),
        (Kind::Directory, 0o040_750, 2)
    );
    assert_eq!(
        files.info(c"/lib/otp", true).unwrap().modified,
        NOW,
        "made, not mentioned"
    );
    assert_eq!(files.info(c"/", true).unwrap().links, 5);
    assert_eq!(files.info(c"otp", false).unwrap().kind, Kind::Symlink);
    assert_eq!(files.read_link(c"otp").unwrap(), b"lib/otp");
    assert_eq!(bytes(&mut files, "/otp/x.beam").unwrap(), [7; 5000]);
    assert_eq!(bytes(&mut files, "/otp/y.beam"), Err(Errno::ENOENT));
}

#[test]
fn archive_files_are_read_where_they_lie_until_they_are_written() {
    let mut files = over(archive(&[("f", 0o100_644, &[7; 100_000])]));
    let contents = files.contents(c"f").unwrap().unwrap();
    assert_eq!(contents, [7; 100_000]);
    let modes = Modes {
        read: true,
        write: true,
        ..Modes::default()
    };
    let file = files.open(c"f", modes).unwrap();
    files.write_at(file, 50_000, b"x").unwrap();
    assert_eq!(files.contents(c"f"), Ok(None));
    assert_eq!(contents, [7; 100_000], "the archive is what it was");
    let now = bytes(&mut files, "f").unwrap();
    assert_eq!((now.len(), now[49_999], now[50_000]), (100_000, 7, b'x'));
    assert_eq!(files.info(c"f", true).unwrap().modified, NOW);
}

#[test]
fn removed_and_renamed_archive_files_stay_so() {
    let mut files = over(archive(&[
        ("d/a", 0o100_644, b"a"),
        ("d/b", 0o100_644, b"b"),
        ("e", 0o100_644, b"e"),
    ]));
    files.remove_file(c"d/a").unwrap();
    files.rename(c"d", c"moved").unwrap();
    assert_eq!(names(&mut files, "/").unwrap(), ["e", "moved"]);
    assert_eq!(names(&mut files, "moved").unwrap(), ["b"]);
    files.rename(c"e", c"moved/b").unwrap();
    assert_eq!(bytes(&mut files, "moved/b").unwrap(), b"e");
    write(&mut files, "moved/a", b"new").unwrap();
    assert_eq!(bytes(&mut files, "moved/a").unwrap(), b"new");
}

#[test]
fn the_working_directory_outlives_its_name() {
    let mut files = over(archive(&[("d/e/f", 0o100_644, b"f")]));
    files.set_working_directory(c"d/e").unwrap();
    assert_eq!(files.working_directory().unwrap(), b"/d/e");
    assert_eq!(bytes(&mut files, "f").unwrap(), b"f");
    assert_eq!(bytes(&mut files, "../e/./f").unwrap(), b"f");
    files.rename(c"/d", c"/g").unwrap();
    assert_eq!(files.working_directory().unwrap(), b"/g/e");
    files.remove_file(c"f").unwrap();
    files.remove_dir(c"/g/e").unwrap();
    files.remove_dir(c"/g").unwrap();
    assert_eq!(files.working_directory(), Err(Errno::ENOENT));
    assert_eq!(write(&mut files, "x", b""), Err(Errno::ENOENT));
    assert_eq!(files.info(c"..", true), Err(Errno::ENOENT));
    assert_eq!(names(&mut files, "."), Ok(Vec::new()));
    files.set_working_directory(c"/").unwrap();
    assert_eq!(files.working_directory().unwrap(), b"/");
    assert_eq!(files.set_working_directory(c"/g"), Err(Errno::ENOENT));
}

#[test]
fn open_files_outlive_their_names() {
    let mut files = over(archive(&[]));
    write(&mut files, "f", b"before").unwrap();
    let modes = Modes {
        read: true,
        ..Modes::default()
    };
    let file = files.open(c"f", modes).unwrap();
    files.remove_file(c"f").unwrap();
    write(&mut files, "f", b"after").unwrap();
    let mut read = [0; 6];
    assert_eq!(files.read(file, &mut read), Ok(6));
    assert_eq!(&read, b"before");
    assert_eq!(files.handle_info(file).unwrap().links, 0);
    files.close(file).unwrap();
    assert_eq!(files.close(file), Err(Errno::EBADF));
}

#[test]
fn what_cannot_be_in_an_archive_is_passed_over() {
    let long = "n".repeat(256);
    let deep = "d/".repeat(2040) + "f";
    let mut files = over(archive(&[
        ("../escaped", 0o100_644, b"x"),
        ("a/../escaped", 0o100_644, b"x"),
        ("a/..", 0o040_755, b""),
        ("..", 0o040_755, b""),
        (".", 0o040_700, b""),
        ("file", 0o100_644, b"1"),
        ("file/below", 0o100_644, b"x"),
        ("file", 0o040_755, b""),
        ("file", 0o100_600, b"2"),
        ("dir", 0o040_755, b""),
        ("dir", 0o100_644, b"x"),
        ("dir/f", 0o100_644, b"f"),
        ("dir", 0o040_700, b""),
        ("link", 0o120_777, b"/dir"),
        ("link/through", 0o100_644, b"x"),
        ("loop", 0o120_777, b"loop"),
        ("empty", 0o120_777, b""),
        ("nul", 0o120_777, b"a\0b"),
        (&long, 0o100_644, b"x"),
        (&deep, 0o100_644, b"x"),
        ("//double//slash/", 0o100_644, b"x"),
        ("dir//twice", 0o100_644, b"t"),
    ]));
    assert_eq!(
        bytes(&mut files, "file").unwrap(),
        b"2",
        "the later one counts"
    );
    assert_eq!(names(&mut files, "dir").unwrap(), ["f", "twice"]);
    assert_eq!(files.info(c"dir", true).unwrap().mode, 0o040_700);
    assert_eq!(files.info(c"/", true).unwrap().mode, 0o040_755);
    assert_eq!(files.info(c"loop", true), Err(Errno::ELOOP));
    let mut top = names(&mut files, "/").unwrap();
    top.sort();
    // A directory on the way to something that cannot be is there; so is the deep one, as far as paths go.
    assert_eq!(top, ["a", "d", "dir", "double", "file", "link", "loop"]);
    assert_eq!(names(&mut files, "a"), Ok(Vec::new()));
    let path = c(&format!("/{}", "d/".repeat(2000)));
    assert_eq!(
        files.info(&path, true).map(|info| info.kind),
        Ok(Kind::Directory)
    );
}

/// Whatever bytes are damaged: what is mounted can be listed, read and removed.
#[test]
fn damaged_archives_are_harmless() {
    let good = archive(&[
        ("d", 0o040_755, b""),
        ("d/a", 0o100_644, b"aaaa"),
        ("d/l", 0o120_777, b"../d"),
        ("e/f/g", 0o100_644, b"g"),
    ]);
    let mut state = 1u32;
    let mut random = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as usize
    };
    for round in 0..4000 {
        let mut bytes = good.clone();
        for _ in 0..=round % 4 {
            let at = random() % bytes.len();
            bytes[at] = b"0149cf./\0dn"[random() % 11];
        }
        bytes.truncate(good.len() - if round % 3 == 0 { random() % 200 } else { 0 });
        let mut files = over(bytes);
        remove_all(&mut files, "/", 0);
        assert_eq!(names(&mut files, "/"), Ok(Vec::new()));
    }
}

fn remove_all(files: &mut RamFiles, directory: &str, depth: usize) {
    assert!(depth < 20);
    for name in names(files, directory).unwrap() {
        assert!(!matches!(&*name, "" | "." | "..") && !name.contains('/'));
        let path = format!("{directory}/{name}");
        let info = files.info(&c(&path), false).unwrap();
        match info.kind {
            Kind::Directory => {
                remove_all(files, &path, depth + 1);
                files.remove_dir(&c(&path)).unwrap();
            }
            Kind::Regular => {
                assert_eq!(bytes(files, &path).unwrap().len() as u64, info.size);
                files.remove_file(&c(&path)).unwrap();
            }
            _ => {
                files.read_link(&c(&path)).unwrap();
                files.remove_file(&c(&path)).unwrap();
            }
        }
    }
}

/// An archive like that of an image with OTP: 1,000 files in 40 directories.
fn like_otp() -> Vec<u8> {
    let mut writer = Writer::new();
    for application in 0..20 {
        let directory = format!("usr/lib/erlang/lib/application-{application}.1/ebin");
        writer.directory(&directory).unwrap();
        for module in 0..50 {
            let path = format!("{directory}/module_{module}.beam");
            writer.file(&path, 0o644, &[1; 1000]).unwrap();
        }
    }
    writer.finish()
}

#[test]
fn a_mounted_archive_is_small() {
    let mut files = over(like_otp());
    let entries = 1000 + 2 * 20 + 4;
    let memory = files.memory();
    assert!(
        memory < entries * 200,
        "{} bytes per entry",
        memory / entries
    );
}

/// `cargo test --release -p starling-vm ram::tests::time -- --ignored --nocapture`
#[test]
#[ignore = "prints figures"]
fn time_to_mount_and_to_look_up() {
    let archive: &'static [u8] = like_otp().leak();
    let entries = 1044;
    let rounds = 200;
    let start = std::time::Instant::now();
    for _ in 0..rounds {
        let mut files = RamFiles::new(Some(Archive::new(archive)), || 0);
        assert!(files.info(c"/usr", true).is_ok());
    }
    let mount = start.elapsed().as_nanos() / rounds / entries;
    let mut files = RamFiles::new(Some(Archive::new(archive)), || 0);
    let memory = files.memory() as u128 / entries;
    let start = std::time::Instant::now();
    for _ in 0..rounds * 1000 {
        let path = c"/usr/lib/erlang/lib/application-7.1/ebin/module_33.beam";
        assert!(files.contents(path).is_ok());
    }
    let look_up = start.elapsed().as_nanos() / (rounds * 1000);
    std::println!("mount: {mount} ns and {memory} bytes per entry; contents/1: {look_up} ns");
}
