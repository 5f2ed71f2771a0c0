//! Giving what the owner said to the posters' deployments.
//!
//! Each thing that was said has an entry of its own, which whoever saw it delivered takes out. So nothing is lost when requests
//! overlap or die, and what is given twice does no harm.

use crate::account::Account;
use crate::keys;
use crate::limits::{RETRY_MS, retry_ms};
use crate::stored;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use tidings_ledger::{Batch, Direction, Key, KeyValue, LedgerError, Range, View};
use tidings_protocol::limits::{INTERACTIONS_AT_ONCE, REQUEST_BODY_BYTES};
use tidings_protocol::{Fingerprint, Interaction, InteractionsMessage, Outcome, RecordId};

/// What the message takes beside its interactions, in bytes, rounded up.
const ENVELOPE_BYTES: usize = 256;

/// Attempts in vain to give somebody what was said under their posts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tries {
    /// How many since one arrived.
    pub(crate) attempts: u32,
    /// When the last one was made, in unix milliseconds.
    pub(crate) last_ms: u64,
    /// What went wrong.
    pub(crate) problem: Option<String>,
    /// When the first one was made, in unix milliseconds.
    pub(crate) since_ms: u64,
}

impl Tries {
    /// When the next attempt is due, in unix milliseconds.
    pub(crate) fn next_ms(&self) -> u64 {
        match self.attempts {
            0 => 0,
            attempts => retry_ms(&RETRY_MS, attempts, self.last_ms, Some(self.since_ms)),
        }
    }
}

/// What waits, by poster, the oldest first.
#[derive(Debug, Clone, Default)]
pub struct Outbox(BTreeMap<Fingerprint, Vec<(Key, Interaction)>>);

impl Outbox {
    /// What the store shows.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(crate) async fn load<S: KeyValue>(view: &View<'_, S>) -> Result<Self, LedgerError> {
        let mut outbox = Self::default();
        for entry in view.scan(Range::partition(keys::OUTBOX), Direction::Forward, usize::MAX).await? {
            let who = entry.key.rest().split('/').next().and_then(|who| who.parse().ok());
            let Some((who, interaction)) = who.zip(stored::parse(&entry)) else { continue };
            outbox.0.entry(who).or_default().push((entry.key, interaction));
        }
        Ok(outbox)
    }

    /// What waits for one poster.
    pub(crate) fn of(&self, who: &Fingerprint) -> &[(Key, Interaction)] {
        self.0.get(who).map_or(&[], Vec::as_slice)
    }

    /// As much of it as one request takes.
    pub(crate) fn next(&self, account: &Account, who: &Fingerprint) -> Option<Handover> {
        let (mut entries, mut interactions, mut bytes) = (Vec::new(), Vec::new(), ENVELOPE_BYTES);
        for (key, interaction) in self.of(who).iter().take(INTERACTIONS_AT_ONCE) {
            let interaction = signed_again(account, interaction.clone());
            bytes += stored::json(&interaction).len() + 1;
            if bytes > REQUEST_BODY_BYTES && !entries.is_empty() {
                break;
            }
            entries.push(key.clone());
            interactions.push(interaction);
        }
        let message = InteractionsMessage { interactions };
        (!entries.is_empty()).then_some(Handover { entries, message })
    }
}

/// By the key in force: nobody believes an earlier one.
fn signed_again(account: &Account, interaction: Interaction) -> Interaction {
    let key = account.deployment_key();
    match interaction {
        Interaction::Comment { record } if record.unverified().key != account.key() => {
            Interaction::Comment { record: record.signed_again(key).unwrap_or(record) }
        }
        Interaction::Reaction { record } if record.unverified().key != account.key() => {
            Interaction::Reaction { record: record.signed_again(key).unwrap_or(record) }
        }
        same => same,
    }
}

/// The post that something is about, and the id of the comment, or the emoji.
pub(crate) fn named(interaction: &Interaction) -> Option<(RecordId, String)> {
    match interaction {
        Interaction::Comment { record } => {
            Some((record.unverified().post, record.unverified().id.to_string()))
        }
        Interaction::Reaction { record } => {
            Some((record.unverified().post, record.unverified().emoji.to_string()))
        }
        Interaction::CommentDeleted { .. } => None,
    }
}

/// Some of what waits for one poster, on its way.
#[derive(Debug, Clone, PartialEq)]
pub struct Handover {
    /// Where it waits.
    entries: Vec<Key>,
    /// What is sent.
    pub message: InteractionsMessage,
}

/// What came of a handover.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Handed {
    /// Nothing of it waits any more.
    Over,
    /// The poster's deployment does not show a post that is held here: it may be stale, or the post is gone, as the next pull will
    /// tell.
    NotShown,
    /// The answer does not fit the question.
    Nonsense,
}

impl Handover {
    /// Takes out what is settled, and notes what was not taken.
    pub(crate) async fn settle<S: KeyValue>(
        &self,
        view: &View<'_, S>,
        poster: &Fingerprint,
        outcomes: &[Outcome],
        batch: &mut Batch,
    ) -> Result<Handed, LedgerError> {
        let Self { entries, message } = self;
        if outcomes.len() != entries.len() {
            return Ok(Handed::Nonsense);
        }
        let mut handed = Handed::Over;
        for ((key, interaction), outcome) in entries.iter().zip(&message.interactions).zip(outcomes) {
            // What was not there is withdrawn as well.
            let named = named(interaction);
            if let Some((post, _)) = named.as_ref().filter(|_| *outcome == Outcome::NoSuchPost)
                && view.get(keys::feed(*post, poster).as_str()).await?.is_some()
            {
                handed = Handed::NotShown;
                continue;
            }
            batch.delete(key.clone());
            if let Some((post, what)) = named.filter(|_| *outcome != Outcome::Taken) {
                batch.put(keys::said_refused(poster, post, &what), stored::json(outcome));
            }
        }
        Ok(handed)
    }
}
