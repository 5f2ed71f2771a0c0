//! The terminal client: what an owner can do without a browser.

use crate::cli::SetupArgs;
use anyhow::{Context as _, bail};
use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tidings_protocol::{Address, Certificate, Problem, Seed, recovery};
use tidings_social::access::USER_NAME;
use tidings_social::api::{SessionStatus, SetupRequest, SetupState, SetupStatus};
use ureq::http::Response;
use ureq::{Agent, Body};

/// How long a deployment may take to answer: it may itself be waiting for a slow store.
const ANSWER_TIME: Duration = Duration::from_secs(35);

/// Sets up a deployment: makes the identity here, sends the certificate there, and prints the recovery words.
///
/// # Errors
/// When the deployment cannot be reached, has an owner, or refuses the password or the name.
pub fn set_up(args: &SetupArgs) -> anyhow::Result<()> {
    let typed = Address::from_typed(&args.address).map_err(|error| anyhow::anyhow!("the address {error}"))?;
    let agent: Agent =
        Agent::config_builder().timeout_global(Some(ANSWER_TIME)).http_status_as_error(false).build().into();
    let url = typed.join("/api/setup");
    let status: SetupStatus =
        read(agent.get(&url).call().with_context(|| format!("could not reach {typed}"))?)?;
    if status.state == SetupState::Ready {
        bail!("{typed} has an owner already; sign in there instead");
    }
    let first = match &args.first_password {
        Some(password) => password.clone(),
        None if status.default_login => tidings_social::access::DEFAULT_PASSWORD.to_owned(),
        None => ask("The deployment's owner_password: ")?,
    };
    let password = match &args.password {
        Some(password) => password.clone(),
        None => ask("Choose a password to sign in with: ")?,
    };
    let (identity, deployment_key) = (random_seed()?, random_seed()?);
    let serial = u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?;
    let certificate = Certificate::issue(&identity, deployment_key.public_key(), status.address, serial)?;
    let request = SetupRequest {
        name: args.name.clone(),
        password,
        certificate,
        deployment_secret: deployment_key.expose_text(),
    };
    let reply = agent.post(&url).header("authorization", basic(&first)).send_json(&request)?;
    let session: SessionStatus = read(reply)?;
    // Only now: words for a setup that failed would be the words of nobody.
    print_words(&identity, &session)
}

/// HTTP Basic (RFC 7617) with the owner's user name.
fn basic(password: &str) -> String {
    let credentials = format!("{USER_NAME}:{password}");
    format!("Basic {}", data_encoding::BASE64.encode(credentials.as_bytes()))
}

fn random_seed() -> anyhow::Result<Seed> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
    Ok(Seed::from_bytes(bytes))
}

/// Asks on the terminal, without showing what is typed.
fn ask(prompt: &str) -> anyhow::Result<String> {
    if !std::io::stdin().is_terminal() {
        bail!(
            "there is no terminal to ask for a password: give it in the environment (see tidings setup --help)"
        );
    }
    rpassword::prompt_password(prompt).context("the password could not be read")
}

/// The value in a good reply; what the problem says, in a bad one.
fn read<T: serde::de::DeserializeOwned>(mut reply: Response<Body>) -> anyhow::Result<T> {
    let status = reply.status();
    if status.is_success() {
        return reply.body_mut().read_json().context("the deployment answered in an unexpected form");
    }
    match reply.body_mut().read_json::<Problem>() {
        Ok(problem) => bail!("{}: {}", problem.title, problem.detail),
        Err(_) => bail!("it answered {status}; is there a Tidings deployment at this address?"),
    }
}

fn print_words(identity: &Seed, session: &SessionStatus) -> anyhow::Result<()> {
    let words = recovery::words(identity)?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "Set up {} for {}.", session.address, session.owner.as_ref().map_or("you", |o| &o.name))?;
    writeln!(out, "Your fingerprint: {}", identity.public_key().fingerprint())?;
    writeln!(
        out,
        "\nYour recovery words. Write them down now: they are kept nowhere, and they are the only way to"
    )?;
    writeln!(out, "move to another address or to take yours back from somebody who stole it.\n")?;
    let words: Vec<&str> = words.split(' ').collect();
    for row in 0..6 {
        for column in 0..4 {
            let number = column * 6 + row;
            write!(out, "  {:>2} {:<10}", number + 1, words.get(number).copied().unwrap_or_default())?;
        }
        writeln!(out)?;
    }
    writeln!(out, "\nSign in as {USER_NAME} with your password.")?;
    Ok(())
}
