//! The requests that a deployment may send: so many in any hour, whatever there is to do.
//!
//! What was spent is noted in entries with keys of their own, by minute, so that refreshes that overlap add up instead
//! of undoing each other. Over a store that is never stale every round is noted before it is sent, and then sees all that
//! were noted before: together they never exceed the hour. Over a stale one nobody can see that; there a small round
//! is noted with what came of it, and a large one, or any once half of the hour is spent, before it is sent.

use super::{PeerRequest, Task};
use crate::keys;
use crate::limits::{OUTBOUND_HOUR, RESERVED_REQUESTS, SPENT_STALE};
use crate::stored;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use tidings_ledger::{Batch, Clock, Direction, KeyValue, Ledger, LedgerError, Random, Range, Stamp, View};
use tidings_protocol::Fingerprint;

const MINUTE_MS: u64 = 60_000;

/// Minutes that count: any hour lies within so many, begun ones included.
const MINUTES: u64 = 61;

/// One note.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Note {
    /// How many requests.
    requests: u32,
    /// Whom this round is to tell that something changed: who claims it first, does it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tells: Vec<Fingerprint>,
}

/// What was spent within the last hour.
#[derive(Debug, Clone, Default)]
pub struct Spent {
    by_minute: BTreeMap<u64, u32>,
    /// By unique part of the key: when it was noted, and whom it tells.
    claims: BTreeMap<String, (Stamp, Vec<Fingerprint>)>,
    /// When the latest was noted, in unix milliseconds.
    latest_ms: u64,
    /// Notes that count no more.
    stale: usize,
}

impl Spent {
    /// What the store shows.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn load<S: KeyValue>(view: &View<'_, S>, now_ms: u64) -> Result<Self, LedgerError> {
        let mut spent = Self::default();
        let since = (now_ms / MINUTE_MS + 1).saturating_sub(MINUTES);
        for entry in view.scan(Range::partition(keys::SPENT), Direction::Forward, usize::MAX).await? {
            let Some((minute, unique)) = keys::parse_spent(&entry.key) else { continue };
            if minute < since {
                spent.stale += 1;
                continue;
            }
            let note: Note = stored::parse(&entry).unwrap_or_default();
            let requests = spent.by_minute.entry(minute).or_default();
            *requests = requests.saturating_add(note.requests);
            spent.latest_ms = spent.latest_ms.max(entry.stamp.ms());
            spent.claims.insert(unique.to_owned(), (entry.stamp, note.tells));
        }
        Ok(spent)
    }

    /// How many there were.
    #[must_use]
    pub fn requests(&self) -> u32 {
        self.by_minute.values().fold(0, |sum, requests| sum.saturating_add(*requests))
    }

    /// How many more there may be now.
    #[must_use]
    pub fn left(&self) -> usize {
        OUTBOUND_HOUR.saturating_sub(self.requests()) as usize
    }

    /// How many more were noted than there may be.
    pub(super) fn excess(&self) -> usize {
        self.requests().saturating_sub(OUTBOUND_HOUR) as usize
    }

    /// When the latest request was noted, in unix milliseconds; 0 before the first.
    pub(super) const fn latest_ms(&self) -> u64 {
        self.latest_ms
    }

    /// When there may be more again, in unix milliseconds.
    #[must_use]
    pub fn more_at_ms(&self) -> Option<u64> {
        let (first, _) = self.by_minute.iter().find(|(_, requests)| **requests > 0)?;
        Some((first + MINUTES) * MINUTE_MS)
    }

    /// Whether a round of so many requests is to be noted before it is sent.
    pub(super) fn is_reserved(&self, requests: usize) -> bool {
        requests >= RESERVED_REQUESTS || self.requests().saturating_mul(2) >= OUTBOUND_HOUR
    }

    /// Notes a round under a unique name; now and then it also removes notes that count no more.
    pub(super) fn note(&self, round: &Round, now_ms: u64, batch: &mut Batch) {
        let minute = now_ms / MINUTE_MS;
        if self.stale >= SPENT_STALE {
            batch.delete_range(keys::spent_before((minute + 1).saturating_sub(MINUTES)));
        }
        let note = Note { requests: round.requests, tells: round.tells.clone() };
        batch.put(keys::spent(minute, &round.unique), stored::json(&note));
    }

    /// Notes a single request that is about to be sent beside any round, whatever comes of it, under a random name; `with` is
    /// committed together with the note.
    /// `Err` is when there may be more again, in unix milliseconds, if nothing is left.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn take_one<'l, S: KeyValue, C: Clock, R: Random>(
        ledger: &'l Ledger<S, C, R>,
        view: &mut View<'l, S>,
        now_ms: u64,
        unique: [u8; 8],
        with: Batch,
    ) -> Result<Result<(), u64>, LedgerError> {
        let spent = Self::load(view, now_ms).await?;
        if spent.left() == 0 {
            return Ok(Err(spent.more_at_ms().unwrap_or(now_ms)));
        }
        let mut batch = with;
        spent.note(&Round { requests: 1, ..Round::new(&[], unique) }, now_ms, &mut batch);
        ledger.commit(view, batch).await?;
        // Whoever noted theirs meanwhile may have taken the last one.
        *view = ledger.view().await?;
        let spent = Self::load(view, now_ms).await?;
        Ok(if spent.excess() == 0 { Ok(()) } else { Err(spent.more_at_ms().unwrap_or(now_ms)) })
    }

    /// So many requests in each of some minutes.
    #[cfg(test)]
    pub(crate) fn of(notes: impl IntoIterator<Item = (u64, u32)>) -> Self {
        let mut spent = Self::default();
        for (minute, requests) in notes {
            *spent.by_minute.entry(minute).or_default() += requests;
        }
        spent
    }

    /// Whether somebody else, whom `before` did not show, claimed before this round to tell `who`.
    pub(super) fn is_told_by_another(&self, round: &Round, before: &Self, who: &Fingerprint) -> bool {
        let Some((own, _)) = self.claims.get(&round.unique) else { return false };
        let new = self.claims.iter().filter(|(unique, _)| !before.claims.contains_key(*unique));
        new.into_iter()
            .any(|(unique, (stamp, tells))| (stamp, unique) < (own, &round.unique) && tells.contains(who))
    }
}

/// A round of requests.
#[derive(Debug, Clone)]
pub(super) struct Round {
    unique: String,
    requests: u32,
    tells: Vec<Fingerprint>,
}

impl Round {
    pub(super) fn new(requests: &[PeerRequest], unique: [u8; 8]) -> Self {
        let tells = requests.iter().filter(|request| matches!(request.task, Task::Notify(_)));
        Self {
            unique: data_encoding::HEXLOWER.encode(&unique),
            requests: u32::try_from(requests.len()).unwrap_or(u32::MAX),
            tells: tells.map(|request| request.to).collect(),
        }
    }
}
