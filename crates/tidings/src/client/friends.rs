//! `tidings friends`: listing friends, and asking people to be some.

use super::session::Session;
use super::{read, signed_in};
use crate::cli::FriendsArgs;
use anyhow::Context as _;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use tidings_social::api::{FriendList, FriendState, FriendView, NewFriend};

/// Lists friends, after asking those that are to be asked.
///
/// # Errors
/// When the deployment cannot be reached, or refuses the password.
pub fn friends(args: &FriendsArgs) -> anyhow::Result<ExitCode> {
    let session = signed_in(&args.owner)?;
    // What is asked of a program is all that it prints to standard output.
    let all_asked = ask(&mut std::io::stderr().lock(), &session, &args.ask)?;
    let list: FriendList = session.get("/api/friends")?;
    let mut out = std::io::stdout().lock();
    if args.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&list)?)?;
    } else {
        for friend in &list.friends {
            let state = match friend.state {
                FriendState::Incoming => "asks you",
                FriendState::Outgoing => "was asked",
                FriendState::Friends => "friend",
            };
            writeln!(out, "{state:<10} {}  {}", friend.address, friend.name)?;
            writeln!(out, "           safety code {}", friend.safety_code)?;
        }
    }
    Ok(if all_asked { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Asks people one after the other, and says how it went. Tells whether all could be asked: one who is away does not
/// keep the others from it.
///
/// # Errors
/// When one's own deployment cannot be reached.
pub fn ask(out: &mut impl Write, session: &Session, whom: &[String]) -> anyhow::Result<bool> {
    let mut all_asked = true;
    for address in whom {
        let new = NewFriend { address: address.clone(), greeting: None };
        match read::<FriendView>(session.post("/api/friends", &new)?) {
            Ok(friend) if friend.state == FriendState::Friends => writeln!(out, "{address}: friends")?,
            Ok(_) => writeln!(out, "{address}: asked")?,
            Err(error) => {
                all_asked = false;
                writeln!(out, "{address}: {error:#}")?;
            }
        }
    }
    Ok(all_asked)
}

/// The addresses in what `tidings friends --json` printed, or what `GET /api/friends` answered.
///
/// # Errors
/// When the file cannot be read, or is no such list.
pub fn addresses(file: &Path) -> anyhow::Result<Vec<String>> {
    #[derive(serde::Deserialize)]
    struct Saved {
        friends: Vec<Friend>,
    }
    #[derive(serde::Deserialize)]
    struct Friend {
        address: String,
        state: FriendState,
    }
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let saved: Saved = serde_json::from_str(&text)
        .with_context(|| format!("{} is no list of friends (tidings friends --json)", file.display()))?;
    let wanted = saved.friends.into_iter().filter(|friend| friend.state != FriendState::Incoming);
    Ok(wanted.map(|friend| friend.address).collect())
}
