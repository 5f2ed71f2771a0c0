//! `tidings invitations`: making, listing and revoking them.

use super::{read, signed_in};
use crate::cli::OwnerArgs;
use anyhow::bail;
use clap::{Args, Subcommand};
use std::io::Write as _;
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tidings_protocol::Invitation;
use tidings_social::api::{InvitationList, InvitationState, InvitationView, IssuedInvitation, NewInvitation};

/// What can be done with invitations.
#[derive(Debug, Subcommand)]
pub enum InvitationsCommand {
    /// Make an invitation, and print its link.
    ///
    /// Whoever pastes the link where they would type a friend's address is your friend at once, with nothing to accept. It
    /// works once. The link is shown only now: only the hash of its secret is kept.
    Make(MakeArgs),

    /// List the invitations that can be used, and for a month those that were used or are over.
    List(ListArgs),

    /// Revoke an invitation, so that nobody can use it any more. Who became a friend by it stays one.
    Revoke(RevokeArgs),
}

/// Arguments of `tidings invitations make`.
#[derive(Debug, Args)]
pub struct MakeArgs {
    /// Whose deployment it is.
    #[command(flatten)]
    pub owner: OwnerArgs,

    /// For whom it is, say; up to 100 characters, which only you see.
    #[arg(long, value_name = "TEXT")]
    pub note: Option<String>,

    /// For how many days it can be used: 1 to 90, 7 if you do not say.
    #[arg(long, value_name = "NUMBER")]
    pub days: Option<u32>,

    /// Print JSON, for programs.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `tidings invitations list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Whose deployment it is.
    #[command(flatten)]
    pub owner: OwnerArgs,

    /// Print JSON, for programs.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `tidings invitations revoke`.
#[derive(Debug, Args)]
pub struct RevokeArgs {
    /// The id that `list` shows, or the link.
    #[arg(value_name = "INVITATION")]
    pub invitation: String,

    /// Whose deployment it is.
    #[command(flatten)]
    pub owner: OwnerArgs,
}

/// Does what is asked, and prints to standard output.
///
/// # Errors
/// When the deployment cannot be reached, or refuses.
pub fn invitations(command: &InvitationsCommand) -> anyhow::Result<ExitCode> {
    match command {
        InvitationsCommand::Make(args) => make(args),
        InvitationsCommand::List(args) => list(args),
        InvitationsCommand::Revoke(args) => revoke(args),
    }?;
    Ok(ExitCode::SUCCESS)
}

fn make(args: &MakeArgs) -> anyhow::Result<()> {
    let new = NewInvitation { note: args.note.clone(), days: args.days };
    let issued: IssuedInvitation = read(signed_in(&args.owner)?.post("/api/invitations", &new)?)?;
    let mut out = std::io::stdout().lock();
    if args.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&issued)?)?;
    } else {
        // The link alone, so that it can be passed on to another program.
        writeln!(out, "{}", issued.link)?;
        let _ = writeln!(std::io::stderr(), "works once, {}", lasts(&issued.invitation));
    }
    Ok(())
}

fn list(args: &ListArgs) -> anyhow::Result<()> {
    let list: InvitationList = signed_in(&args.owner)?.get("/api/invitations")?;
    let mut out = std::io::stdout().lock();
    if args.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&list)?)?;
        return Ok(());
    }
    for invitation in &list.invitations {
        let state = match invitation.state {
            InvitationState::Open => format!("open, {}", lasts(invitation)),
            InvitationState::Used => {
                let names: Vec<&str> = invitation.used_by.iter().map(|person| person.name.as_str()).collect();
                format!("used by {}", names.join(" and "))
            }
            InvitationState::Expired => "expired".to_owned(),
        };
        let note = invitation.note.as_ref().map_or_else(String::new, |note| format!("  ({note})"));
        writeln!(out, "{}  {state}{note}", invitation.id)?;
    }
    Ok(())
}

fn revoke(args: &RevokeArgs) -> anyhow::Result<()> {
    let id = id_of(&args.invitation)?;
    let reply = signed_in(&args.owner)?.delete(&format!("/api/invitations/{id}"))?;
    if !reply.status().is_success() {
        return read(reply);
    }
    writeln!(std::io::stdout(), "revoked {id}")?;
    Ok(())
}

/// The id in what was given: it goes into a path, so nothing else may.
fn id_of(given: &str) -> anyhow::Result<String> {
    if let Ok(link) = given.trim().parse::<Invitation>() {
        return Ok(link.token.hash());
    }
    let is_id = !given.is_empty() && given.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
    if is_id { Ok(given.to_owned()) } else { bail!("this is neither the id nor the link of an invitation") }
}

/// For how long it can still be used.
fn lasts(invitation: &InvitationView) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let left = Duration::from_millis(invitation.expires_ms).saturating_sub(now);
    let hours = left.as_secs().div_ceil(3_600);
    if hours > 48 {
        format!("for {} more days", hours.div_ceil(24))
    } else {
        format!("for {hours} more hours")
    }
}
