//! Wrong passwords: how many are heard before the door stays shut for a while, and to whom.
//!
//! Only the wrong ones that are heard are written down, each under a key of its own, so guessing cannot make a deployment
//! write without end. Each network has its own small number, so that who guesses shuts the door for themselves. All together
//! have a larger one, against people with many networks; that one does not shut out networks from which the owner has
//! signed in lately. Sessions are no passwords: whoever is signed in stays so.

use crate::keys;
use crate::limits::{
    FAMILIAR_KEPT, FAMILIAR_MS, FAMILIAR_NOTE_MS, GUESS_WINDOW_MS, GUESSES_OF_ALL, GUESSES_OF_ONE,
};
use crate::stored;
use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::net::IpAddr;
use thiserror::Error;
use tidings_ledger::{Batch, Direction, KeyValue, LedgerError, Range, View};
use tidings_protocol::RecordId;

/// Why no password is heard.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum GuessError {
    /// The store cannot be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// Too many wrong ones came.
    #[error("too many wrong passwords came: try again later, or go on where you are signed in")]
    TooMany {
        /// When one is heard again, in seconds from now.
        retry_after_s: u64,
    },
}

/// Where somebody signs in from, as far as it is kept: a piece of a hash of the network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network(String);

impl Network {
    /// The network of a client: its IPv4 address, or the /64 of its IPv6 address, of which one person has a whole one. All
    /// whose address is not known are one.
    #[must_use]
    pub fn of(client: Option<IpAddr>) -> Self {
        let bytes = match client.map(|ip| ip.to_canonical()) {
            Some(IpAddr::V4(ip)) => ip.octets().to_vec(),
            Some(IpAddr::V6(ip)) => ip.octets()[..8].to_vec(),
            None => Vec::new(),
        };
        Self(HEXLOWER.encode(&Sha256::digest(bytes)[..8]))
    }
}

/// Makes sure that a password from this network is to be heard.
///
/// # Errors
/// [`GuessError::TooMany`].
pub async fn check<S: KeyValue>(
    view: &View<'_, S>,
    network: &Network,
    now_ms: u64,
) -> Result<(), GuessError> {
    let guesses = recent(view, now_ms).await?;
    let own: Vec<u64> =
        guesses.iter().filter(|(_, by)| by == network).map(|(id, _)| id.created_ms()).collect();
    refuse_beyond(&own, GUESSES_OF_ONE, now_ms)?;
    if guesses.len() >= GUESSES_OF_ALL && !is_familiar(view, network, now_ms).await? {
        let all: Vec<u64> = guesses.iter().map(|(id, _)| id.created_ms()).collect();
        refuse_beyond(&all, GUESSES_OF_ALL, now_ms)?;
    }
    Ok(())
}

/// Shut while there are `most`, until so many of them are old that there are fewer. `times_ms` ascends.
fn refuse_beyond(times_ms: &[u64], most: usize, now_ms: u64) -> Result<(), GuessError> {
    let Some(frees_ms) = times_ms.len().checked_sub(most).and_then(|index| times_ms.get(index)) else {
        return Ok(());
    };
    let wait_ms = frees_ms.saturating_add(GUESS_WINDOW_MS).saturating_sub(now_ms);
    Err(GuessError::TooMany { retry_after_s: wait_ms.div_ceil(1_000).max(1) })
}

/// Writes down that a password was wrong, and lets go of those that count no more.
///
/// # Errors
/// When the store cannot be read.
pub async fn note_wrong<S: KeyValue>(
    view: &View<'_, S>,
    network: &Network,
    now_ms: u64,
    unique: [u8; 10],
) -> Result<Batch, LedgerError> {
    let mut batch = Batch::new();
    for entry in view.scan(Range::partition(keys::GUESS), Direction::Forward, usize::MAX).await? {
        let id: Option<RecordId> = entry.key.rest().parse().ok();
        if id.is_none_or(|id| !is_recent(id, now_ms)) {
            batch.delete(entry.key);
        }
    }
    batch.put(keys::guess(RecordId::from_parts(now_ms, unique)), stored::json(network));
    Ok(batch)
}

/// Writes down, once a day, that the owner signed in from this network.
///
/// # Errors
/// When the store cannot be read.
pub async fn note_right<S: KeyValue>(
    view: &View<'_, S>,
    network: &Network,
    now_ms: u64,
) -> Result<Batch, LedgerError> {
    let mut batch = Batch::new();
    let mut known = Vec::new();
    for entry in view.scan(Range::partition(keys::FAMILIAR), Direction::Forward, usize::MAX).await? {
        let at_ms: u64 = stored::parse(&entry).unwrap_or_default();
        if entry.key.rest() == network.0 && at_ms.saturating_add(FAMILIAR_NOTE_MS) > now_ms {
            return Ok(Batch::new());
        }
        known.push((at_ms, entry.key));
    }
    known.sort();
    let excess = (known.len() + 1).saturating_sub(FAMILIAR_KEPT);
    for (number, (at_ms, key)) in known.into_iter().enumerate() {
        if number < excess || at_ms.saturating_add(FAMILIAR_MS) <= now_ms {
            batch.delete(key);
        }
    }
    batch.put(keys::familiar(&network.0), stored::json(&now_ms));
    Ok(batch)
}

async fn is_familiar<S: KeyValue>(
    view: &View<'_, S>,
    network: &Network,
    now_ms: u64,
) -> Result<bool, LedgerError> {
    let at_ms: Option<u64> = stored::load(view, &keys::familiar(&network.0)).await?;
    Ok(at_ms.is_some_and(|at_ms| at_ms.saturating_add(FAMILIAR_MS) > now_ms))
}

/// The wrong passwords that count, the oldest first.
async fn recent<S: KeyValue>(
    view: &View<'_, S>,
    now_ms: u64,
) -> Result<Vec<(RecordId, Network)>, LedgerError> {
    let entries = view.scan(Range::partition(keys::GUESS), Direction::Forward, usize::MAX).await?;
    let guesses =
        entries.iter().filter_map(|entry| Some((entry.key.rest().parse().ok()?, stored::parse(entry)?)));
    Ok(guesses.filter(|(id, _)| is_recent(*id, now_ms)).collect())
}

fn is_recent(id: RecordId, now_ms: u64) -> bool {
    id.created_ms().saturating_add(GUESS_WINDOW_MS) > now_ms
}
