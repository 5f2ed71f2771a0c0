//! `tidings identity`: what an owner does with their recovery words, without a deployment. Only `inspect --url` reaches out.

mod args;

pub use args::{CertifyArgs, IdentityCommand, InspectArgs, RevokeArgs, WordsArgs};

use crate::client;
use anyhow::{Context as _, bail};
use serde_json::Value;
use std::io::{Read as _, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};
use tidings_protocol::{Address, Certificate, PublicKey, Seed, Signed, paths, recovery};
use tidings_social::api::CertificateChange;

/// The most that is read of a file with words, a certificate or a discovery document, in bytes.
const FILE_BYTES: u64 = 64 * 1024;

/// Does what is asked, and prints to standard output.
///
/// # Errors
/// When a file cannot be read or written, the words are none, or a certificate cannot be signed.
pub fn run(command: &IdentityCommand) -> anyhow::Result<ExitCode> {
    let mut out = std::io::stdout().lock();
    match command {
        IdentityCommand::New => {
            let identity = random_seed()?;
            print_identity(&mut out, identity.public_key())?;
            print_words(&mut out, &identity)?;
        }
        IdentityCommand::Show(args) => print_identity(&mut out, words(&args.words)?.public_key())?,
        IdentityCommand::Certify(args) => certify(&mut out, args)?,
        IdentityCommand::Revoke(args) => revoke(&mut out, args)?,
        IdentityCommand::Inspect(args) => return inspect(&mut out, args),
    }
    Ok(ExitCode::SUCCESS)
}

/// The identity that the words in a file (or standard input) stand for.
///
/// # Errors
/// When it cannot be read, or they are no recovery words.
pub fn words(file: &Path) -> anyhow::Result<Seed> {
    let text = read(file)?;
    Ok(recovery::seed(&in_order(&text))?)
}

/// The words of a text one after the other. Where each has its number before it, as on paper, the numbers tell the order:
/// they may stand in columns.
fn in_order(text: &str) -> String {
    let mut words: Vec<(Option<u32>, &str)> = Vec::new();
    let mut number = None;
    for part in text.split(|c: char| !c.is_alphanumeric()).filter(|part| !part.is_empty()) {
        match part.parse() {
            Ok(found) => number = Some(found),
            Err(_) => words.push((number.take(), part)),
        }
    }
    if words.iter().all(|(number, _)| number.is_some()) {
        words.sort_by_key(|(number, _)| *number);
    }
    words.into_iter().map(|(_, word)| word).collect::<Vec<_>>().join(" ")
}

/// A new secret from the machine's random source.
///
/// # Errors
/// When there is none.
pub fn random_seed() -> anyhow::Result<Seed> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
    Ok(Seed::from_bytes(bytes))
}

/// The serial of a certificate made now, after another one.
///
/// # Errors
/// When the clock is before 1970.
pub fn next_serial(after: Option<&Certificate>) -> anyhow::Result<u64> {
    let now_ms = u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?;
    Ok(after.map_or(now_ms, |last| now_ms.max(last.serial.saturating_add(1))))
}

/// The words as they are written down: numbered, in columns.
///
/// # Errors
/// When nothing can be written.
pub fn print_words(out: &mut impl Write, identity: &Seed) -> anyhow::Result<()> {
    let words = recovery::words(identity)?;
    let words: Vec<&str> = words.split(' ').collect();
    writeln!(
        out,
        "\nYour recovery words. Write them down now: they are kept nowhere, and they are the only way to"
    )?;
    writeln!(out, "move to another address or to take yours back from somebody who stole it.\n")?;
    for row in 0..6 {
        for column in 0..4 {
            let number = column * 6 + row;
            write!(out, "  {:>2} {:<10}", number + 1, words.get(number).copied().unwrap_or_default())?;
        }
        writeln!(out)?;
    }
    Ok(())
}

fn certify(out: &mut impl Write, args: &CertifyArgs) -> anyhow::Result<()> {
    let identity = words(&args.words.words)?;
    let last = args.after.as_deref().map(|file| last_certificate(file, &identity)).transpose()?;
    let last = last.as_ref().map(Signed::unverified);
    let address = typed(&args.address)?;
    let revoked = last.map(|last| last.revoked.clone()).unwrap_or_default();
    let serial = next_serial(last)?;
    match args.key {
        Some(key) => {
            let certificate = Certificate::issue_revoking(&identity, key, address, serial, revoked)?;
            give(out, args.output.as_deref(), &serde_json::to_value(&certificate)?)
        }
        None => with_new_key(out, &identity, address, serial, revoked, args.output.as_deref()),
    }
}

fn revoke(out: &mut impl Write, args: &RevokeArgs) -> anyhow::Result<()> {
    let identity = words(&args.words.words)?;
    let last = last_certificate(&args.after, &identity)?;
    let last = last.unverified();
    let address = match &args.address {
        Some(address) => typed(address)?,
        None => last.address.clone(),
    };
    let mut revoked = last.revoked.clone();
    revoked.push(last.key);
    with_new_key(out, &identity, address, next_serial(Some(last))?, revoked, args.output.as_deref())
}

fn with_new_key(
    out: &mut impl Write,
    identity: &Seed,
    address: Address,
    serial: u64,
    revoked: Vec<PublicKey>,
    output: Option<&Path>,
) -> anyhow::Result<()> {
    let key = random_seed()?;
    let certificate = Certificate::issue_revoking(identity, key.public_key(), address, serial, revoked)?;
    let change = CertificateChange { certificate, deployment_secret: Some(key.expose_text()) };
    give(out, output, &serde_json::to_value(&change)?)
}

/// A certificate that this identity has signed before.
fn last_certificate(file: &Path, identity: &Seed) -> anyhow::Result<Signed<Certificate>> {
    let certificate = certificate_in(&read(file)?)?;
    let content = certificate.verify_certificate()?;
    if content.identity != identity.public_key() {
        bail!("the certificate in {} belongs to somebody else than the words", file.display());
    }
    Ok(certificate)
}

/// The certificate in a text: the text itself, or the member `certificate` of a discovery document or of what
/// `certify` printed.
fn certificate_in(text: &str) -> anyhow::Result<Signed<Certificate>> {
    let mut value: Value = serde_json::from_str(text).context("that is no JSON")?;
    if let Some(inner) = value.get_mut("certificate") {
        value = inner.take();
    }
    Ok(serde_json::from_value(value)?)
}

fn inspect(out: &mut impl Write, args: &InspectArgs) -> anyhow::Result<ExitCode> {
    let text = match &args.url {
        Some(address) => client::fetch(&typed(address)?.join(paths::DISCOVERY))?,
        None => read(&args.file)?,
    };
    let certificate = match certificate_in(&text) {
        Ok(certificate) => certificate,
        Err(error) => {
            writeln!(out, "not a certificate: {error:#}")?;
            return Ok(ExitCode::FAILURE);
        }
    };
    let content = certificate.unverified();
    print_identity(out, content.identity)?;
    writeln!(out, "Address:         {}", content.address)?;
    writeln!(out, "Deployment key:  {}", content.key)?;
    writeln!(out, "Serial:          {} ({})", content.serial, date(content.serial))?;
    for key in &content.revoked {
        writeln!(out, "Revokes:         {key}")?;
    }
    match certificate.verify_certificate() {
        Ok(_) => {
            writeln!(out, "Signature:       right")?;
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            writeln!(out, "Signature:       WRONG: {error}")?;
            Ok(ExitCode::FAILURE)
        }
    }
}

/// Serials are times, unless somebody's clock was wrong.
fn date(ms: u64) -> String {
    let seconds = i64::try_from(ms / 1_000).unwrap_or(i64::MAX);
    match time::OffsetDateTime::from_unix_timestamp(seconds) {
        Ok(at) => format!("{} {:02}:{:02} UTC", at.date(), at.hour(), at.minute()),
        Err(_) => "no date".to_owned(),
    }
}

fn print_identity(out: &mut impl Write, identity: PublicKey) -> anyhow::Result<()> {
    writeln!(out, "Identity:        {identity}")?;
    writeln!(out, "Fingerprint:     {}", identity.fingerprint())?;
    writeln!(out, "Safety code:     {}", identity.safety_code())?;
    Ok(())
}

fn typed(address: &str) -> anyhow::Result<Address> {
    Address::from_typed(address).map_err(|error| anyhow::anyhow!("the address {error}"))
}

fn read(file: &Path) -> anyhow::Result<String> {
    let mut text = String::new();
    if file == Path::new("-") {
        std::io::stdin()
            .lock()
            .take(FILE_BYTES)
            .read_to_string(&mut text)
            .context("reading standard input")?;
    } else {
        let open = std::fs::File::open(file).with_context(|| format!("cannot read {}", file.display()))?;
        open.take(FILE_BYTES)
            .read_to_string(&mut text)
            .with_context(|| format!("cannot read {}", file.display()))?;
    }
    Ok(text)
}

/// Prints JSON, or writes it to a file that nobody else may read and that is not there yet.
fn give(out: &mut impl Write, file: Option<&Path>, value: &Value) -> anyhow::Result<()> {
    let text = format!("{value:#}\n");
    let Some(file) = file else { return Ok(out.write_all(text.as_bytes())?) };
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut open = options.open(file).with_context(|| format!("cannot write {}", file.display()))?;
    Ok(open.write_all(text.as_bytes())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_as_they_are_printed_typed_or_numbered() {
        let identity = Seed::from_bytes([7; 32]);
        let mut printed = Vec::new();
        print_words(&mut printed, &identity).unwrap();
        let printed = String::from_utf8(printed).unwrap();
        let grid = printed.split_once("stole it.").unwrap().1;
        let typed = recovery::words(&identity).unwrap();
        for text in [grid, &typed, &typed.replace(' ', "\n"), &typed.to_uppercase().replace(' ', ", ")] {
            assert_eq!(recovery::seed(&in_order(text)).unwrap().expose(), identity.expose(), "{text}");
        }
    }

    #[test]
    fn a_certificate_is_found_in_whatever_holds_one() {
        let key = Seed::from_bytes([2; 32]).public_key();
        let address = "https://bob.example".parse().unwrap();
        let certificate = Certificate::issue(&Seed::from_bytes([1; 32]), key, address, 5).unwrap();
        let bare = certificate.to_json();
        assert_eq!(certificate_in(&bare).unwrap(), certificate);
        assert_eq!(
            certificate_in(&format!("{{\"certificate\":{bare},\"name\":\"Bob\"}}")).unwrap(),
            certificate
        );
        assert!(certificate_in("{}").is_err() && certificate_in("words").is_err());
        assert!(next_serial(Some(certificate.unverified())).unwrap() > 1_700_000_000_000);
    }
}
