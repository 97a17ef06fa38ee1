//! The load generator of `bench/network` and `bench/soak`. It runs in dom0, where only the bridge is between it and a domain.
//!
//! ```text
//! load http    ADDRESS:PORT PATH -c CONNECTIONS -d SECONDS [--close | --soak SEED] [--domain ID]
//! load send    ADDRESS:PORT -c CONNECTIONS -d SECONDS [--domain ID]
//! load receive ADDRESS:PORT -c CONNECTIONS -d SECONDS [--domain ID]
//! load first   ADDRESS:PORT PATH --domain ID
//! load domain  ID
//! ```
//!
//! `http` sends requests, one at a time on each connection; `--close` makes a connection for each. `--soak` opens and drops connections at random. `send` and
//! `receive` move bytes to and from `bench/serve.erl`. `first` unpauses a domain and waits for the first answer. With `--domain` the domain's processor time is told,
//! too. The results are `name=value` pairs on one line of standard output.

mod domain;
mod http;
mod poll;
mod soak;
mod stream;

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

/// What the command line says.
pub struct Load {
    address: SocketAddr,
    path: String,
    connections: usize,
    duration: Duration,
    close: bool,
    soak: Option<u64>,
    domain: Option<u16>,
}

/// An error for the user.
pub type Result<T> = std::result::Result<T, String>;

fn main() -> ExitCode {
    match run() {
        Ok(line) => {
            println!("{line}");
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("load: {why}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<String> {
    let mut words = std::env::args().skip(1);
    let command = words
        .next()
        .ok_or("a command: http, send, receive, first, domain")?;
    let mut plain = Vec::new();
    let mut load = Load {
        address: SocketAddr::from(([127, 0, 0, 1], 0)),
        path: "/".to_owned(),
        connections: 1,
        duration: Duration::from_secs(5),
        close: false,
        soak: None,
        domain: None,
    };
    while let Some(word) = words.next() {
        let mut number = || -> Result<u64> {
            let text = words
                .next()
                .ok_or_else(|| format!("{word} takes a number"))?;
            text.parse()
                .map_err(|_| format!("{word}: {text:?} is no number"))
        };
        match word.as_str() {
            "-c" => load.connections = number()?.clamp(1, 10_000) as usize,
            "-d" => load.duration = Duration::from_secs(number()?),
            "--close" => load.close = true,
            "--soak" => load.soak = Some(number()?),
            "--domain" => load.domain = Some(domain_id(number()?)?),
            _ => plain.push(word),
        }
    }
    let first = plain.first().ok_or("where to? ADDRESS:PORT")?;
    if command == "domain" {
        let id = first
            .parse()
            .map_err(|_| format!("{first:?} is no number"))?;
        return Ok(domain::information(domain_id(id)?)?.to_string());
    }
    load.address = first
        .parse()
        .map_err(|_| format!("{first:?} is no ADDRESS:PORT"))?;
    if let Some(path) = plain.get(1) {
        load.path = path.clone();
    }
    let before = load.domain.map(domain::information).transpose()?;
    let mut line = match command.as_str() {
        "first" => {
            let id = load.domain.ok_or("first needs --domain")?;
            http::first(&load, || domain::unpause(id))?
        }
        "http" => http::run(&load)?,
        "send" => stream::run(&load, stream::Direction::Send)?,
        "receive" => stream::run(&load, stream::Direction::Receive)?,
        other => return Err(format!("no command {other}")),
    };
    if let (Some(id), Some(before)) = (load.domain, before) {
        let after = domain::information(id)?;
        line.push_str(&format!(
            " domain_ns={} domain_kib={}",
            after.processor_ns - before.processor_ns,
            after.memory_kib
        ));
    }
    Ok(line)
}

fn domain_id(number: u64) -> Result<u16> {
    u16::try_from(number).map_err(|_| format!("{number} is no domain"))
}
