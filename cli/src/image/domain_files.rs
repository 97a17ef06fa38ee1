//! What a toolstack reads beside an image: a configuration for `xl create`, a domain's XML for `virsh`.
//!
//! Both say the same: a paravirtual domain of one processor with the image as its kernel and one network interface. The kernel's path is absolute: `xl`
//! looks it up from where it is run, and `virsh` refuses any other. Facts: `xl.cfg(5)`, libvirt's "Domain XML format" for Xen.

use std::fmt::Write;
use std::path::Path;

use crate::boot::domain_config::xl_string;

/// A domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Domain {
    /// Its name.
    pub name: String,
    /// The image; absolute.
    pub kernel: String,
    /// Its memory.
    pub memory_mib: usize,
    /// The bridge of its network interface; the toolstack's own choice if there is none.
    pub bridge: Option<String>,
}

/// Memory that a machine with OTP and an application takes, besides what its image takes.
const MACHINE_MIB: usize = 64;
/// Memory is given in steps of this.
const STEP_MIB: usize = 16;

/// The memory of a domain whose image is so large: the image itself, its code once more when it is linked, and room to work.
pub fn memory_mib(image: usize) -> usize {
    let image = image.div_ceil(1 << 20);
    (2 * image + MACHINE_MIB).next_multiple_of(STEP_MIB)
}

/// The configuration for `xl create`.
pub fn xl(domain: &Domain) -> String {
    let Domain {
        name,
        kernel,
        memory_mib,
        bridge,
    } = domain;
    let bridge = bridge.as_ref().map(|bridge| format!("bridge={bridge}"));
    let vif = xl_string(&bridge.unwrap_or_default());
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = write!(
        out,
        "# Written by starling image, each time anew: change a copy.\n\
         name = {}\n\
         type = \"pv\"\n\
         kernel = {}\n\
         # Behind the image's own flags, as erl spells them: cmdline = \"-kernel logger_level debug\"\n\
         memory = {memory_mib}\n\
         vcpus = 1\n\
         vif = [ {vif} ]\n\
         # The machine reads the time stamp counter at every turn; emulated, it would be slow.\n\
         tsc_mode = \"native\"\n\
         on_poweroff = \"destroy\"\n\
         on_reboot = \"restart\"\n\
         # What a crash says is on the console, which ends with its domain.\n\
         on_crash = \"preserve\"\n",
        xl_string(name),
        xl_string(kernel),
    );
    out
}

/// The domain's XML for libvirt.
pub fn libvirt(domain: &Domain) -> String {
    let Domain {
        name,
        kernel,
        memory_mib,
        bridge,
    } = domain;
    // Without another word, libvirt's own default network.
    let interface = match bridge {
        Some(bridge) => format!(
            "    <interface type='bridge'>\n      <source bridge='{}'/>\n    </interface>\n",
            escaped(bridge)
        ),
        None => {
            "    <interface type='network'>\n      <source network='default'/>\n    </interface>\n"
                .to_owned()
        }
    };
    format!(
        "<!-- Written by starling image, each time anew: change a copy. -->\n\
         <domain type='xen'>\n  \
           <name>{}</name>\n  \
           <memory unit='MiB'>{memory_mib}</memory>\n  \
           <vcpu>1</vcpu>\n  \
           <os>\n    \
             <type arch='x86_64' machine='xenpv'>linux</type>\n    \
             <kernel>{}</kernel>\n  \
           </os>\n  \
           <clock offset='utc'>\n    \
             <timer name='tsc' mode='native'/>\n  \
           </clock>\n  \
           <on_poweroff>destroy</on_poweroff>\n  \
           <on_reboot>restart</on_reboot>\n  \
           <on_crash>preserve</on_crash>\n  \
           <devices>\n{interface}    \
             <console type='pty'>\n      \
               <target type='xen' port='0'/>\n    \
             </console>\n  \
           </devices>\n\
         </domain>\n",
        escaped(name),
        escaped(kernel),
    )
}

/// `text` as the content of an element or attribute.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\'' => out.push_str("&apos;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
    out
}

/// The name of a domain that runs `image`, as the toolstack accepts it.
pub fn domain_name(image: &Path) -> String {
    let stem = image.file_stem().unwrap_or_default().to_string_lossy();
    let accepted = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '+');
    let name: String = stem
        .chars()
        .map(|c| if accepted(c) { c } else { '-' })
        .collect();
    // A name of digits alone would be taken for a number of a domain.
    match name.chars().all(|c| c.is_ascii_digit()) {
        true => format!("starling-{name}"),
        false => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn domain(bridge: Option<&str>) -> Domain {
        Domain {
            name: "web".into(),
            kernel: "/a \"b\"/<w>&'x'.elf".into(),
            memory_mib: 96,
            bridge: bridge.map(str::to_owned),
        }
    }

    #[test]
    fn xl_reads_what_is_written() {
        let text = xl(&domain(None));
        for line in [
            "name = \"web\"",
            "type = \"pv\"",
            "kernel = \"/a \\\"b\\\"/<w>&'x'.elf\"",
            "memory = 96",
            "vif = [ \"\" ]",
            "on_crash = \"preserve\"",
        ] {
            assert!(text.lines().any(|one| one == line), "{line}\n{text}");
        }
        let text = xl(&domain(Some("xenbr0")));
        assert!(text.contains("vif = [ \"bridge=xenbr0\" ]\n"), "{text}");
    }

    #[test]
    fn libvirt_reads_what_is_written() {
        let text = libvirt(&domain(Some("br0")));
        assert!(
            text.contains("<kernel>/a &quot;b&quot;/&lt;w&gt;&amp;&apos;x&apos;.elf</kernel>"),
            "{text}"
        );
        assert!(text.contains("<source bridge='br0'/>"), "{text}");
        assert!(libvirt(&domain(None)).contains("network='default'"));
    }

    #[test]
    fn names_and_memory_follow_the_image() {
        assert_eq!(domain_name(Path::new("/x/my web.elf")), "my-web");
        assert_eq!(domain_name(Path::new("7.elf")), "starling-7");
        assert_eq!(memory_mib(1), 80);
        assert_eq!(memory_mib(20 << 20), 112);
    }
}
