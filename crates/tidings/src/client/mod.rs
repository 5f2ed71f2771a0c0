//! The terminal client: what an owner can do without a browser.

mod friends;
mod invitations;
mod session;

pub use friends::friends;
pub use invitations::{InvitationsCommand, invitations};

use crate::cli::{OwnerArgs, SetupArgs};
use crate::identity;
use anyhow::{Context as _, bail};
use session::Session;
use std::io::{IsTerminal as _, Write};
use std::process::ExitCode;
use std::time::Duration;
use tidings_protocol::limits::ANSWER_BODY_BYTES;
use tidings_protocol::{Address, Certificate, Problem};
use tidings_social::access::USER_NAME;
use tidings_social::api::{SessionStatus, SetupRequest, SetupState, SetupStatus};
use ureq::http::Response;
use ureq::{Agent, Body};

/// How long a deployment may take to answer: it may itself be waiting for a slow store.
const ANSWER_TIME: Duration = Duration::from_secs(35);

/// Sets up a deployment: makes the identity here, or takes that of recovery words, sends the certificate there, and
/// prints what is to be kept. Then asks friends, if there is a list of them.
///
/// # Errors
/// When the deployment cannot be reached, has an owner, or refuses the password or the name.
pub fn set_up(args: &SetupArgs) -> anyhow::Result<ExitCode> {
    let typed = typed(&args.address)?;
    let friends = args.friends.as_deref().map(friends::addresses).transpose()?;
    let known = args.words.as_deref().map(identity::words).transpose()?;
    let agent = agent();
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
    let is_new = known.is_none();
    let identity = known.map_or_else(identity::random_seed, Ok)?;
    let deployment_key = identity::random_seed()?;
    let serial = identity::next_serial(None)?;
    let certificate = Certificate::issue(&identity, deployment_key.public_key(), status.address, serial)?;
    let request = SetupRequest {
        name: args.name.clone(),
        password,
        certificate,
        deployment_secret: deployment_key.expose_text(),
    };
    let reply = agent.post(&url).header("authorization", basic(&first)).send_json(&request)?;
    let session = Session::begun_by(agent, typed, &reply);
    let status: SessionStatus = read(reply)?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "Set up {} for {}.", status.address, status.owner.as_ref().map_or("you", |o| &o.name))?;
    writeln!(out, "Your fingerprint: {}", identity.public_key().fingerprint())?;
    writeln!(out, "Your safety code: {}", identity.public_key().safety_code())?;
    if is_new {
        // Only now: words for a setup that failed would be the words of nobody.
        identity::print_words(&mut out, &identity)?;
    }
    writeln!(out, "\nSign in as {USER_NAME} with your password.")?;
    let all_asked = friends::ask(&mut out, &session, &friends.unwrap_or_default())?;
    Ok(if all_asked { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Signs in to the deployment that the command line names, as its owner.
fn signed_in(args: &OwnerArgs) -> anyhow::Result<Session> {
    let address = typed(&args.address)?;
    let password = match &args.password {
        Some(password) => password.clone(),
        None => ask("Your password: ")?,
    };
    Ok(Session::with_password(agent(), address, &password))
}

/// What is at a URL, as text.
///
/// # Errors
/// When it cannot be fetched.
pub fn fetch(url: &str) -> anyhow::Result<String> {
    let mut reply = agent().get(url).call().with_context(|| format!("could not reach {url}"))?;
    if !reply.status().is_success() {
        bail!("{url} answered {}; is there a Tidings deployment at this address?", reply.status());
    }
    Ok(reply.body_mut().with_config().limit(ANSWER_BODY_BYTES as u64).read_to_string()?)
}

fn typed(address: &str) -> anyhow::Result<Address> {
    Address::from_typed(address).map_err(|error| anyhow::anyhow!("the address {error}"))
}

fn agent() -> Agent {
    Agent::config_builder().timeout_global(Some(ANSWER_TIME)).http_status_as_error(false).build().into()
}

/// HTTP Basic (RFC 7617) with the owner's user name.
fn basic(password: &str) -> String {
    let credentials = format!("{USER_NAME}:{password}");
    format!("Basic {}", data_encoding::BASE64.encode(credentials.as_bytes()))
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
