//! An image as a domain: Xen, a dom0 with the toolstack, and `xl create`, as in production.

use std::path::Path;
use std::time::Duration;

use super::configuration::Configuration;
use super::console::{LineEnds, StatusLine};
use super::domain_config::{Domain, IMAGE_PATH, command_line, domain_config};
use super::host::Host;
use super::initramfs::{Payload, payload, prepare};
use super::network::Network;
use super::options::Options;
use super::orders::Orders;
use super::outcome::{STATUS_CRASHED, ShutdownReason, of_guest};
use super::qemu::{Machine, memory_file, open};
use super::serving::{ADDRESS_LIMIT, Serving};
use super::session::{Event, Session, Urgency, interrupted, show};
use super::wire::{Decoder, Message};
use crate::dom0::INIT_PATH;
use crate::failure::{Failure, Result};

/// Memory of dom0 without its initramfs, in MiB.
const DOM0_MIB: u64 = 192;
/// dom0 holds the initramfs packed and unpacked, and `xl` reads the image once more.
const INITRAMFS_COPIES: u64 = 3;
/// What a network takes: modules, buffers of the bridge and of the back ends.
const NETWORK_MIB: u64 = 48;
/// What Xen needs for itself, in MiB, and per domain page: page frame table, machine-to-physical table, and the
/// domain's own page tables come to less than a 64th.
const XEN_MIB: u64 = 96;
const XEN_SHARE: u64 = 64;
/// dom0 and `xl create` take 8 s on two idle cores; a busy machine may be much slower.
const BOOT_LIMIT: Duration = Duration::from_secs(180);

/// dom0 gives a domain its time to shut down, and `xl destroy` takes seconds on a busy machine.
const END_LIMIT: Duration = Duration::from_secs(120);

/// How `xl` says that a domain has too little memory for its kernel.
const MEMORY_SIGNS: [&str; 3] = ["Out of memory", "not enough memory", "failed to populate"];

/// Xen drops mitigations and scrubbing, which an emulated machine that lives for one guest does not need.
const XEN_ARGS: &str = "com1=115200,8n1 console=com1 no-real-mode edd=off bootscrub=0 xpti=0 spec-ctrl=0 cpufreq=none xsave=no";
/// dom0 restarts at once if its first process ends, which ends QEMU (`-no-reboot`).
const DOM0_ARGS: &str = "console=hvc0 quiet panic=-1 mitigations=off cryptomgr.notests";

/// Boots this image as a domain, as its configuration says if there is one.
pub fn boot(options: &Options, image: &[u8], configuration: Option<&Configuration>) -> Result<u8> {
    let network = Network::of(options)?;
    let ramdisk = match &options.ramdisk {
        Some(path) => Some(std::fs::read(path).map_err(|error| Failure::io(path, "read", error))?),
        None => None,
    };
    let line = command_line(&options.flags)?;
    let config = domain_config(&Domain {
        configuration: configuration.map(|own| own.text.as_str()),
        memory: options.memory(),
        maximum_memory: options.maximum_memory(),
        // Without flags a configuration's own command line stands.
        command_line: Some(line.as_str())
            .filter(|_| configuration.is_none() || !options.flags.is_empty()),
        vifs: network.iter().flat_map(Network::vifs).collect(),
        ramdisk: ramdisk.is_some(),
    });
    let mut settings = network.as_ref().map(Network::for_dom0).unwrap_or_default();
    for command in &options.commands {
        settings.push_str(&format!("xl {command}\n"));
    }
    let (host, dom0) = Host::find_with_dom0()?;
    let prepared = prepare(&host, &dom0)?;
    let shared = std::fs::read(&prepared.initramfs)
        .map_err(|error| Failure::io(&prepared.initramfs, "read", error))?;
    let payload = payload(&Payload {
        config: &config,
        settings: &settings,
        image,
        image_path: configuration.map_or(Path::new(IMAGE_PATH), |own| &own.kernel),
        ramdisk: ramdisk.as_deref(),
    })?;
    let initramfs_parts = [shared, payload];
    let initramfs_len: usize = initramfs_parts.iter().map(Vec::len).sum();
    let network_mib = if network.is_some() { NETWORK_MIB } else { 0 };
    let dom0_mib =
        DOM0_MIB + network_mib + INITRAMFS_COPIES * (initramfs_len as u64).div_ceil(1 << 20);
    let memory = u64::from(options.maximum_memory());
    let machine = Machine {
        xen: open(&prepared.xen)?,
        xen_args: format!("{XEN_ARGS} dom0_mem={dom0_mib}M"),
        modules: vec![
            (
                open(&prepared.kernel)?,
                format!("{DOM0_ARGS} rdinit={INIT_PATH}"),
            ),
            (
                memory_file(&initramfs_parts.each_ref().map(Vec::as_slice))?,
                String::new(),
            ),
        ],
        memory_mib: dom0_mib + XEN_MIB + memory + memory.div_ceil(XEN_SHARE),
        network: network.is_some(),
        kvm: options.kvm,
        host: &host,
    };
    let mut session = Session::new(machine.start()?, options)?;
    session.expect_within(BOOT_LIMIT, "dom0 and `xl create` did not start the domain");
    session.progress("booting Xen in QEMU");
    Boot {
        session,
        decoder: Decoder::after_greeting(),
        line_ends: LineEnds::default(),
        status_line: StatusLine::default(),
        orders: Orders::new(&options.xl_after)?,
        notes: Vec::new(),
        running: false,
        serving: network.map(Serving::new),
        verbose: options.verbose,
        memory: options.memory(),
    }
    .run()
}

struct Boot {
    session: Session,
    decoder: Decoder,
    line_ends: LineEnds,
    status_line: StatusLine,
    orders: Orders,
    /// What `xl` said.
    notes: Vec<String>,
    running: bool,
    serving: Option<Serving>,
    verbose: bool,
    memory: u32,
}

impl Boot {
    fn run(mut self) -> Result<u8> {
        loop {
            match self.session.next()? {
                Event::Console(bytes) => {
                    for line in self.session.log(&bytes) {
                        // Xen's last line before it lets dom0 run.
                        if line.starts_with("(XEN) Freed ") && line.ends_with("init memory") {
                            self.session.progress("Xen is up, booting dom0");
                        }
                    }
                }
                Event::Line(bytes) => {
                    self.decoder.push(&bytes);
                    while let Some(message) = self.decoder.next().map_err(|_| {
                        self.session
                            .failure("boot: dom0 sent something unintelligible")
                    })? {
                        match message {
                            Message::Ended(reason) => return self.ended(reason),
                            Message::Destroyed => return self.destroyed(),
                            message => self.handle(message)?,
                        }
                    }
                }
                Event::Typed(bytes) => {
                    if !bytes.is_empty() {
                        self.session.send_line(&Message::Input(bytes).encode());
                    }
                }
                Event::EndAsked(urgency) => self.end_asked(urgency)?,
                Event::Reminder => {
                    if let Some(serving) = &self.serving {
                        serving.remind(&self.session);
                    }
                }
                Event::QemuEnded => return Err(self.session.qemu_died()),
            }
        }
    }

    /// Acts on a message of dom0's that is not about the domain's end.
    fn handle(&mut self, message: Message) -> Result<()> {
        match message {
            Message::ToolstackUp => {
                self.session.guest_starts();
                self.session.progress("dom0 is up, xl create");
            }
            Message::DomainRuns => self.domain_runs(),
            Message::Output(bytes) => {
                self.domain_runs();
                let bytes = self.line_ends.pass(&bytes);
                for command in self.orders.due(&bytes) {
                    self.session.send_line(&Message::Xl(command).encode());
                }
                show(&self.status_line.pass(&bytes))?;
            }
            Message::Note(line) => {
                if self.verbose {
                    eprintln!("xl: {line}");
                }
                self.notes.push(line);
            }
            Message::Address {
                vif,
                address,
                after,
            } => {
                if let Some(serving) = &mut self.serving {
                    serving.address(&mut self.session, vif, address, after)?;
                }
            }
            Message::Failed(why) => return Err(self.create_failed(&why)),
            // The caller's, and what only we send.
            Message::Ended(_)
            | Message::Destroyed
            | Message::Input(_)
            | Message::ShutDown
            | Message::Xl(_) => {}
        }
        Ok(())
    }

    /// A domain with a network is asked to shut down, once; everything else ends at once.
    fn end_asked(&mut self, urgency: Urgency) -> Result<()> {
        match &mut self.serving {
            Some(serving) if self.running && urgency == Urgency::Orderly && !serving.ending => {
                serving.ending = true;
                self.session.send_line(&Message::ShutDown.encode());
                self.session
                    .expect_within(END_LIMIT, "the domain neither shut down nor was destroyed");
                self.session
                    .progress("asking the domain to shut down; once more ends it at once");
                Ok(())
            }
            _ => Err(interrupted()),
        }
    }

    /// The first output may come before `xl` says that the domain runs.
    fn domain_runs(&mut self) {
        if !self.running {
            self.running = true;
            self.session.arrived();
            // Who serves the network ends with Ctrl-C; without one that key is the guest's.
            let interrupt = self.serving.is_none();
            self.session.guest_runs("the domain runs", interrupt);
            if self.serving.is_some() {
                self.session.remind_in(ADDRESS_LIMIT);
            }
        }
    }

    /// The domain has shut down for `reason`: says so and gives the exit status.
    fn ended(self, reason: u8) -> Result<u8> {
        let (rest, status) = self.status_line.finish();
        show(&rest)?;
        let reason = ShutdownReason(reason);
        let outcome = of_guest(reason, status);
        match &outcome {
            Ok(0) => self.session.progress("the domain shut down"),
            Ok(status) => self
                .session
                .progress(&format!("the domain shut down, exit status {status}")),
            Err(_) => {}
        }
        let status = outcome.map_err(|why| {
            self.session
                .guest_failure(format!("boot: {why}"))
                .with_status(STATUS_CRASHED)
        })?;
        match &self.serving {
            Some(serving) => serving.verdict(status),
            None => Ok(status),
        }
    }

    /// The domain did not shut down when it was asked to.
    fn destroyed(self) -> Result<u8> {
        let (rest, _) = self.status_line.finish();
        show(&rest)?;
        self.session
            .progress("the domain did not shut down when asked: destroyed");
        match &self.serving {
            Some(serving) => serving.verdict(0),
            None => Err(interrupted()),
        }
    }

    /// The failure for a domain that could not be created, in xl's own words.
    fn create_failed(&self, why: &str) -> Failure {
        let message = format!("boot: {why}");
        if self.notes.is_empty() {
            return self.session.failure(message);
        }
        let mut hint = self.notes.join("\n");
        if MEMORY_SIGNS.iter().any(|sign| hint.contains(sign)) {
            hint.push_str(&format!(
                "\nThe domain has {} MiB; give it more with -m.",
                self.memory
            ));
        }
        Failure::new(message).with_hint(hint)
    }
}
