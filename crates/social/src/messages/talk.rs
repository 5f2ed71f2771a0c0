//! What is known of conversations without reading their messages.

use crate::keys;
use crate::stored;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use tidings_ledger::{Direction, Entry, KeyValue, LedgerError, Range, View};
use tidings_protocol::{Fingerprint, RecordId};

/// The last message of one side, as lists show it: a hint that is written with each message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Last {
    /// Which one.
    pub(super) id: RecordId,
    /// How it begins; absent if it was withdrawn or has no text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) preview: Option<String>,
}

/// A message of either side, up to which something holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Marks {
    /// Of those that the owner wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) written: Option<RecordId>,
    /// Of those that the other one wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) received: Option<RecordId>,
}

impl Marks {
    /// The farther of both.
    pub(super) fn and(self, other: Self) -> Self {
        Self { written: self.written.max(other.written), received: self.received.max(other.received) }
    }
}

/// The owner's last wish to have the conversation cleared on both sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Wish {
    /// Which one.
    pub(super) id: RecordId,
    /// Whether the other one kept the messages all the same; absent before they answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) kept: Option<bool>,
}

/// What is known of one conversation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Talk {
    /// The owner's last message.
    pub(super) sent: Option<Last>,
    /// The other one's.
    pub(super) got: Option<Last>,
    /// Up to where the owner has read what came.
    pub(super) seen: Option<RecordId>,
    /// Up to where the other one says to have read what the owner wrote.
    pub(super) read: Option<RecordId>,
    /// What is not shown any more, nor taken.
    pub(super) cleared: Marks,
    /// The owner's wish to have it cleared on both sides.
    pub(super) wish: Option<Wish>,
    /// The last such wish of the other one's that was answered.
    pub(super) answered: Option<RecordId>,
}

impl Talk {
    pub(super) const SENT: &str = "sent";
    pub(super) const GOT: &str = "got";
    pub(super) const SEEN: &str = "seen";
    pub(super) const READ: &str = "read";
    pub(super) const CLEARED: &str = "cleared";
    pub(super) const WISH: &str = "wish";
    pub(super) const ANSWERED: &str = "answered";

    /// Of the conversation with `who`.
    pub(super) async fn load<S: KeyValue>(
        view: &View<'_, S>,
        who: &Fingerprint,
    ) -> Result<Self, LedgerError> {
        let mut talk = Self::default();
        for entry in view.scan(keys::talk_with(who), Direction::Forward, usize::MAX).await? {
            talk.add(&entry);
        }
        Ok(talk)
    }

    /// The entries of all conversations.
    pub(super) async fn entries<S: KeyValue>(view: &View<'_, S>) -> Result<Vec<Entry>, LedgerError> {
        view.scan(Range::partition(keys::TALK), Direction::Forward, usize::MAX).await
    }

    /// All conversations, by whom they are with.
    pub(super) fn of_all(entries: &[Entry]) -> BTreeMap<Fingerprint, Self> {
        let mut all: BTreeMap<Fingerprint, Self> = BTreeMap::new();
        for entry in entries {
            if let Some((who, _)) = keys::parse_talk(&entry.key) {
                all.entry(who).or_default().add(entry);
            }
        }
        all
    }

    fn add(&mut self, entry: &Entry) {
        match keys::parse_talk(&entry.key).map(|(_, what)| what) {
            Some(Self::SENT) => self.sent = stored::parse(entry),
            Some(Self::GOT) => self.got = stored::parse(entry),
            Some(Self::SEEN) => self.seen = stored::parse(entry),
            Some(Self::READ) => self.read = stored::parse(entry),
            Some(Self::CLEARED) => self.cleared = stored::parse(entry).unwrap_or_default(),
            Some(Self::WISH) => self.wish = stored::parse(entry),
            Some(Self::ANSWERED) => self.answered = stored::parse(entry),
            _ => {}
        }
    }

    /// The last message, and whether the owner wrote it.
    pub(super) fn last(&self) -> Option<(&Last, bool)> {
        let sent = self.sent.as_ref().map(|last| (last, true));
        let got = self.got.as_ref().map(|last| (last, false));
        sent.into_iter().chain(got).max_by_key(|(last, _)| last.id)
    }

    /// Whether something came that the owner has not read.
    pub(super) fn is_unread(&self) -> bool {
        self.got.as_ref().is_some_and(|got| Some(got.id) > self.seen)
    }
}
