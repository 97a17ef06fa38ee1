//! What the boot needs from this machine: QEMU, Xen, its tools, and a kernel for dom0.
//!
//! All of them come from distribution packages and are found by their usual places below one root, `/` unless
//! `STARLING_SYSROOT` says otherwise (packages can be unpacked there without installing them). What is missing is
//! told all at once, with the command that installs it.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::{Failure, Result};

const QEMU: &str = "qemu-system-x86_64";
/// Names another QEMU.
const QEMU_VARIABLE: &str = "STARLING_QEMU";

/// Where everything is.
#[derive(Debug)]
pub struct Host {
    /// The QEMU program.
    pub qemu: PathBuf,
    /// The root below which packages are installed.
    pub sysroot: PathBuf,
    /// The hypervisor, gzipped as distributions install it.
    pub xen: PathBuf,
}

/// What a dom0 is made of.
#[derive(Debug)]
pub struct Dom0 {
    /// The kernel, a bzImage.
    pub kernel: PathBuf,
    /// Its modules: `/lib/modules/VERSION`.
    pub modules: PathBuf,
    /// Xen's programs: `/usr/lib/xen-VERSION/bin`.
    pub tools: PathBuf,
}

impl Host {
    /// What an image in dom0's place needs.
    pub fn find() -> Result<Host> {
        let mut search = Search::begin()?;
        let host = search.host();
        search.end()?;
        Ok(host)
    }

    /// What a domain needs.
    pub fn find_with_dom0() -> Result<(Host, Dom0)> {
        let mut search = Search::begin()?;
        let found = (search.host(), search.dom0());
        search.end()?;
        Ok(found)
    }
}

/// Looks for everything before it complains about anything.
struct Search {
    sysroot: PathBuf,
    /// What was not found, and the package that has it.
    missing: Vec<(&'static str, &'static str)>,
}

impl Search {
    fn begin() -> Result<Search> {
        if let Some(qemu) = env::var_os(QEMU_VARIABLE).filter(|path| !Path::new(path).exists()) {
            let failure = Failure::io(Path::new(&qemu), "run this QEMU", "no such file");
            return Err(failure.with_hint(format!(
                "{QEMU_VARIABLE} names it; unset it to use the one on the PATH."
            )));
        }
        let sysroot = env::var_os("STARLING_SYSROOT");
        Ok(Search {
            sysroot: sysroot.map_or_else(|| PathBuf::from("/"), PathBuf::from),
            missing: Vec::new(),
        })
    }

    /// Notes what is missing; its path is empty then and never used.
    fn need(
        &mut self,
        found: Option<PathBuf>,
        what: &'static str,
        package: &'static str,
    ) -> PathBuf {
        if found.is_none() {
            self.missing.push((what, package));
        }
        found.unwrap_or_default()
    }

    fn host(&mut self) -> Host {
        let xen = newest(&self.sysroot.join("boot"), "xen-", "-amd64.gz");
        Host {
            qemu: self.need(find_qemu(), "QEMU (qemu-system-x86_64)", "qemu-system-x86"),
            xen: self.need(
                xen,
                "the Xen hypervisor (/boot/xen-*-amd64.gz)",
                "xen-hypervisor-4.17-amd64",
            ),
            sysroot: self.sysroot.clone(),
        }
    }

    fn dom0(&mut self) -> Dom0 {
        let xl = newest(&self.sysroot.join("usr/lib"), "xen-", "/bin/xl");
        let xl = self.need(xl, "Xen's tools (/usr/lib/xen-*/bin/xl)", "xen-utils-4.17");
        let kernel = self.need(
            find_dom0_kernel(&self.sysroot),
            "a Linux kernel for dom0 (/boot/vmlinuz-* with XEN_DOM0, and its modules)",
            "linux-image-amd64",
        );
        let modules = self.sysroot.join("lib/modules");
        Dom0 {
            modules: modules.join(kernel_version(&kernel)),
            tools: xl.parent().map(Path::to_owned).unwrap_or_default(),
            kernel,
        }
    }

    /// One message about all that is missing.
    fn end(self) -> Result<()> {
        if self.missing.is_empty() {
            return Ok(());
        }
        let (whats, packages): (Vec<_>, Vec<_>) = self.missing.into_iter().unzip();
        let below = if self.sysroot == Path::new("/") {
            String::new()
        } else {
            format!(" below {}", self.sysroot.display())
        };
        let message = format!("boot: not installed{below}: {}", whats.join("; "));
        Err(Failure::new(message).with_hint(format!("sudo apt-get install {}", packages.join(" "))))
    }
}

/// QEMU: `STARLING_QEMU`, or the first on the `PATH`.
fn find_qemu() -> Option<PathBuf> {
    if let Some(path) = env::var_os(QEMU_VARIABLE) {
        return Some(PathBuf::from(path));
    }
    env::split_paths(&env::var_os("PATH")?)
        .map(|directory| directory.join(QEMU))
        .find(|path| path.is_file())
}

/// The path `directory/<prefix>VERSION<suffix>` with the highest version. The suffix may have slashes.
fn newest(directory: &Path, prefix: &str, suffix: &str) -> Option<PathBuf> {
    let (name_end, below) = suffix.split_once('/').unwrap_or((suffix, ""));
    file_names(directory)
        .into_iter()
        .filter(|name| name.starts_with(prefix) && name.ends_with(name_end))
        .filter(|name| name[prefix.len()..].starts_with(|c: char| c.is_ascii_digit()))
        .map(|name| (version_key(&name), directory.join(name).join(below)))
        .map(|(key, path)| {
            (
                key,
                PathBuf::from(path.to_string_lossy().trim_end_matches('/')),
            )
        })
        .filter(|(_, path)| path.is_file())
        .max()
        .map(|(_, path)| path)
}

/// The newest installed kernel that can be a dom0.
fn find_dom0_kernel(sysroot: &Path) -> Option<PathBuf> {
    let boot = sysroot.join("boot");
    file_names(&boot)
        .into_iter()
        .filter(|name| name.starts_with("vmlinuz-"))
        .map(|name| (version_key(&name), boot.join(name)))
        .filter(|(_, path)| {
            let version = kernel_version(path);
            let config = fs::read_to_string(boot.join(format!("config-{version}")));
            config.is_ok_and(|config| config.lines().any(|line| line == "CONFIG_XEN_DOM0=y"))
                && sysroot.join("lib/modules").join(version).is_dir()
        })
        .max()
        .map(|(_, path)| path)
}

/// `6.1.0-56-amd64` of `/boot/vmlinuz-6.1.0-56-amd64`.
fn kernel_version(kernel: &Path) -> &str {
    let name = kernel
        .file_name()
        .and_then(OsStr::to_str)
        .unwrap_or_default();
    name.strip_prefix("vmlinuz-").unwrap_or(name)
}

fn file_names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect()
}

/// The numbers in a file name, by which versions compare: 4.17 is newer than 4.9.
fn version_key(name: &str) -> Vec<u64> {
    name.split(|c: char| !c.is_ascii_digit())
        .filter_map(|digits| digits.parse().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_by_number() {
        assert!(version_key("xen-4.17-amd64.gz") > version_key("xen-4.9-amd64.gz"));
        assert!(version_key("vmlinuz-6.1.0-56-amd64") > version_key("vmlinuz-6.1.0-9-amd64"));
    }

    #[test]
    fn the_newest_complete_one_is_taken() {
        let root = env::temp_dir().join(format!("starling-host-{}", std::process::id()));
        let write = |path: &str, text: &str| {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        for version in [
            "6.1.0-9-amd64",
            "6.1.0-56-amd64",
            "6.2-cloud",
            "6.3-no-modules",
        ] {
            write(&format!("boot/vmlinuz-{version}"), "");
            let xen = if version.ends_with("cloud") {
                "# no Xen"
            } else {
                "CONFIG_XEN_DOM0=y"
            };
            write(
                &format!("boot/config-{version}"),
                &format!("A=y\n{xen}\nB=y\n"),
            );
            if !version.ends_with("no-modules") {
                write(&format!("lib/modules/{version}/modules.dep"), "");
            }
        }
        write("boot/xen-4.9-amd64.gz", "");
        write("boot/xen-4.17-amd64.gz", "");
        write("boot/xen-4.20-amd64.efi", "");
        write("usr/lib/xen-4.17/bin/xl", "");
        fs::create_dir_all(root.join("usr/lib/xen-4.20/bin")).unwrap();
        fs::create_dir_all(root.join("usr/lib/xen-common/bin")).unwrap();
        assert_eq!(
            find_dom0_kernel(&root),
            Some(root.join("boot/vmlinuz-6.1.0-56-amd64"))
        );
        assert_eq!(
            newest(&root.join("boot"), "xen-", "-amd64.gz"),
            Some(root.join("boot/xen-4.17-amd64.gz"))
        );
        assert_eq!(
            newest(&root.join("usr/lib"), "xen-", "/bin/xl"),
            Some(root.join("usr/lib/xen-4.17/bin/xl"))
        );
    }
}
