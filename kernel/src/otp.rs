//! The start of an image with OTP: the same steps as `starling erl` takes on Linux.
//!
//! Flags are the image's and then the domain's; they are kept apart as `erl` keeps those of its environment and its command line apart, so neither
//! takes words of the other. Files are the archive's, in memory. Called by [`boot`](crate::boot), once.

use crate::clock;
use crate::command_line::Arguments;
use crate::image::{ImageModules, PRELOADED_MODULES};
use alloc::boxed::Box;
use alloc::ffi::CString;
use alloc::string::String;
use alloc::vec::Vec;
use starling_vm::boot::flags::Stop;
use starling_vm::boot::flags::launch::{Installation, Launch, launch};
use starling_vm::boot::flags::words::{Source, merge};
use starling_vm::boot::otp::{OtpConfig, run_otp};
use starling_vm::code::cache::BakedModules;
use starling_vm::fs::FileSystem;
use starling_vm::fs::cpio::Archive;
use starling_vm::fs::ram::RamFiles;
use starling_vm::naming;
use starling_vm::platform::{Platform, Stream};

/// What programs find in the environment, where flags say nothing else: a console shows what a terminal does at whose other
/// end it is read, and today's read UTF-8 and understand `xterm`'s sequences.
const ENVIRONMENT: [(&str, &str); 3] = [("HOME", "/"), ("LANG", "C.UTF-8"), ("TERM", "xterm")];

/// What an image says of its OTP.
#[derive(Debug, PartialEq, Eq)]
struct About {
    root: String,
    release: String,
    erts_version: String,
    /// Where programs start; `/` unless the image says another.
    directory: Option<String>,
}

impl About {
    /// Root, release, version of `erts`, and the working directory if it is said, each ended by a NUL.
    fn parse(member: &[u8]) -> Option<About> {
        let mut texts = core::str::from_utf8(member).ok()?.split_terminator('\0');
        let mut next = || texts.next().map(String::from);
        Some(About {
            root: next()?,
            release: next()?,
            erts_version: next()?,
            directory: next(),
        })
    }
}

/// Starts OTP from `archive`, of which `about` says which it is.
pub fn start(
    mut platform: Box<dyn Platform>,
    archive: Archive<'static>,
    about: &[u8],
    arguments: Arguments,
) -> ! {
    let Some(about) = About::parse(about) else {
        let message =
            b"starling: the image's archive does not say which OTP it has; bake the image again\n";
        platform.console_write(Stream::Error, message);
        platform.halt(1)
    };
    let mut launch = match prepare(&about, archive, &arguments) {
        Ok(launch) => launch,
        Err(stop) => {
            print(&mut *platform, &stop.output, &stop.error);
            platform.halt(stop.status)
        }
    };
    print(&mut *platform, &launch.output, &launch.error);
    let mut files = RamFiles::new(Some(archive), clock::system_time_ns);
    if let Err(error) = naming::prepare(&mut files, &mut launch.environment) {
        let message = alloc::format!(
            "starling: files for resolving names cannot be made in /etc: {}; only addresses will be understood\n",
            error.name()
        );
        platform.console_write(Stream::Error, message.as_bytes());
    }
    if let Some(directory) = about.directory.and_then(|path| CString::new(path).ok())
        && files.set_working_directory(&directory).is_err()
    {
        log::error!("the image has no directory {directory:?}, where its programs are to start");
    }
    let config = OtpConfig {
        arguments: launch.arguments,
        options: launch.options,
        environment: launch.environment,
        release: about.release,
        erts_version: about.erts_version,
        preloaded: Box::new(ImageModules::new(Some(archive), PRELOADED_MODULES)),
        converted: Box::new(BakedModules::new(&archive)),
        files: Box::new(files),
    };
    run_otp(platform, config)
}

fn prepare(about: &About, archive: Archive, arguments: &Arguments) -> Result<Launch, Stop> {
    let bytes = |words: &[String]| -> Vec<Vec<u8>> {
        words.iter().map(|word| word.clone().into_bytes()).collect()
    };
    let (image, domain) = (bytes(&arguments.image), bytes(&arguments.domain));
    let sources: Vec<Source> = [&image, &domain]
        .into_iter()
        .filter(|words| !words.is_empty())
        .map(|words| Source::Words(words))
        .collect();
    // Files of arguments, too, are the archive's.
    let read = &mut |name: &[u8]| {
        let name = String::from_utf8_lossy(name);
        match archive.find(name.trim_start_matches('/')) {
            Ok(Some(text)) => Ok(text.to_vec()),
            _ => Err(String::from("No such file or directory")),
        }
    };
    let words = merge(&sources, read)?;
    let bindir = alloc::format!("{}/erts-{}/bin", about.root, about.erts_version);
    let installation = Installation {
        root: &about.root,
        bindir: &bindir,
        erts_version: &about.erts_version,
        has_programs: false,
    };
    let bytes = |text: &str| text.as_bytes().to_vec();
    let environment = ENVIRONMENT.map(|(name, value)| (bytes(name), bytes(value)));
    launch(&words, &installation, environment.into())
}

fn print(platform: &mut dyn Platform, output: &[u8], error: &str) {
    if !output.is_empty() {
        platform.console_write(Stream::Output, output);
    }
    if !error.is_empty() {
        platform.console_write(Stream::Error, error.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use starling_vm::fs::cpio::Writer;
    use std::string::ToString;

    #[test]
    fn an_image_says_which_otp_it_has() {
        let about = About::parse(b"/usr/lib/erlang\x0025\x0013.1.5\0").unwrap();
        assert_eq!(about.root, "/usr/lib/erlang");
        assert_eq!(
            (&about.release[..], &about.erts_version[..]),
            ("25", "13.1.5")
        );
        assert_eq!(about.directory, None);
        let about = About::parse(b"/opt/web\x0025\x0013.1.5\0/opt/web\0").unwrap();
        assert_eq!(about.directory.as_deref(), Some("/opt/web"));
        assert_eq!(About::parse(b"/usr/lib/erlang\x0025\0"), None);
        assert_eq!(About::parse(b"\xff\0a\0b\0"), None);
    }

    #[test]
    fn flags_of_image_and_domain_are_kept_apart() {
        let mut writer = Writer::new();
        writer.file("etc/args", 0o644, b"-from file").unwrap();
        let archive = writer.finish();
        let words = |line: &str| line.split(' ').map(ToString::to_string).collect();
        let about = About {
            root: "/otp".into(),
            release: "25".into(),
            erts_version: "1".into(),
            directory: None,
        };
        let arguments = Arguments {
            image: words("-s m f +P 2000 -extra x"),
            domain: words("a -args_file /etc/args -env N V"),
        };
        let launch = prepare(&about, Archive::new(&archive), &arguments).unwrap();
        assert_eq!(launch.options.process_limit, 2048);
        let line = launch.arguments.join(&b" "[..]);
        assert_eq!(
            core::str::from_utf8(&line).unwrap(),
            "-root /otp -bindir /otp/erts-1/bin -progname erl -- -home / -- -s m f -- a -from file -- -- -extra x"
        );
        let value = |name: &[u8]| {
            launch
                .environment
                .iter()
                .find(|(n, _)| n == name)
                .map(|(_, v)| &v[..])
        };
        assert_eq!(value(b"N"), Some(&b"V"[..]));
        assert_eq!(value(b"HOME"), Some(&b"/"[..]));
        assert_eq!(value(b"TERM"), Some(&b"xterm"[..]));
    }
}
