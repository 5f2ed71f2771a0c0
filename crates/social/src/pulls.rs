//! Answering pulls: what a friend may see of what changed since their cursor.
//!
//! A commit may land late and out of the order of stamps, so a cursor never passes the settled time; younger changes
//! are sent again with the next pull. A pass over many changes is paged by a second position that lives only inside
//! the pass. `docs/protocol.md` calls the cursor opaque; its form is private to this file.

use crate::keys;
use crate::relation::{Relation, Served};
use crate::stored;
use thiserror::Error;
use tidings_ledger::{Batch, KeyValue, LedgerError, Stamp, View};
use tidings_protocol::limits::{PULL_PAGE_BYTES, PULL_PAGE_CHANGES};
use tidings_protocol::{Change, Head, PullAnswer};

/// Why a pull is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PullError {
    /// The store cannot be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The cursor is none that was given out here: start without one.
    #[error("the cursor is not one that was given out here: pull again without `since`")]
    Cursor,
    /// The held head is none.
    #[error("held {0}")]
    Held(tidings_protocol::HeadError),
}

/// Where a reader stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cursor {
    /// All changes up to here were read.
    read: Stamp,
    /// Inside a pass: up to where all changes will have been read at its end, and how far the pass has come.
    pass: Option<(Stamp, Stamp)>,
}

impl Cursor {
    const START: Self = Self { read: Stamp::ZERO, pass: None };

    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.');
        let mut stamp = || parts.next().and_then(|part| Stamp::parse(part).ok());
        let cursor = match (stamp(), stamp(), stamp()) {
            (Some(read), None, _) => Self { read, pass: None },
            (Some(read), Some(until), Some(at)) => Self { read, pass: Some((until, at)) },
            _ => return None,
        };
        (cursor.text() == text).then_some(cursor)
    }

    fn text(&self) -> String {
        match self.pass {
            None => self.read.text(),
            Some((until, at)) => format!("{}.{}.{}", self.read.text(), until.text(), at.text()),
        }
    }
}

/// The head of what friends may see.
#[must_use]
pub fn head<S: KeyValue>(view: &View<'_, S>) -> Option<Head> {
    view.head(&keys::SHARED).map(|stamp| Head::from_bytes(stamp.to_bytes()))
}

/// Answers a friend's pull.
///
/// The batch notes how far the friend has come, if that is news.
///
/// # Errors
/// When the query is not one, or the store cannot be read.
pub async fn answer<S: KeyValue>(
    view: &View<'_, S>,
    relation: &Relation,
    since: Option<&str>,
    held: Option<&str>,
    now_ms: u64,
) -> Result<(PullAnswer, Batch), PullError> {
    let cursor = since.map_or(Some(Cursor::START), Cursor::parse).ok_or(PullError::Cursor)?;
    let held = held.map(|text| text.parse::<Head>().map_err(PullError::Held)).transpose()?;
    let head = head(view);
    let (until, at) = cursor.pass.unwrap_or((view.settled_before(now_ms), cursor.read));
    let mut changed = view.changes(&keys::SHARED, at).await?.items.into_iter().peekable();
    let mut changes = Vec::new();
    let (mut bytes, mut last) = (0, at);
    let mut more = false;
    while let Some(item) = changed.peek() {
        // Changes of one commit share a stamp and stay on one page, since a page ends at a stamp.
        let size = item.value.as_ref().map_or(64, |value| value.len());
        let full = bytes + size > PULL_PAGE_BYTES || changes.len() >= PULL_PAGE_CHANGES;
        if full && item.stamp != last && !changes.is_empty() {
            more = true;
            break;
        }
        bytes += size;
        last = item.stamp;
        changes.extend(change(item));
        changed.next();
    }
    let next = if more {
        Cursor { read: cursor.read, pass: Some((until, last)) }
    } else {
        Cursor { read: cursor.read.max(until.min(last)), pass: None }
    };
    let complete = head.filter(|_| !more);
    let batch = note(relation, complete, held);
    let answer =
        PullAnswer { changes, cursor: next.text(), head: complete, more, friendship: relation.ours.clone() };
    Ok((answer, batch))
}

fn change(item: &tidings_ledger::Change) -> Option<Change> {
    match (item.key.partition(), &item.value) {
        (keys::POST, Some(value)) => Some(Change::Post { record: serde_json::from_slice(value).ok()? }),
        (keys::POST, None) => Some(Change::PostDeleted { id: item.key.rest().parse().ok()? }),
        (keys::PROFILE, Some(value)) => Some(Change::Profile { record: serde_json::from_slice(value).ok()? }),
        _ => None,
    }
}

fn note(relation: &Relation, head: Option<Head>, held: Option<Head>) -> Batch {
    let known = relation.served.as_ref();
    let served =
        Served { head: head.max(known.and_then(|s| s.head)), held: held.max(known.and_then(|s| s.held)) };
    let mut batch = Batch::new();
    // A greater `held` alone is no news: the friend holds what it was served, or asks for it again.
    if known.is_none_or(|known| known.head != served.head) {
        batch.put(keys::served(&relation.fingerprint), stored::json(&served));
    }
    batch
}
