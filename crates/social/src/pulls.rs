//! Answering pulls: what a friend may see of what changed since their cursor.
//!
//! A commit may land late and out of the order of stamps, so a cursor never passes the settled time; younger changes
//! are sent again with the next pull. A pass over many changes is paged by a second position that lives only inside
//! the pass. `docs/protocol.md` calls the cursor opaque; its form is private to this file.

use crate::keys;
use crate::relation::{Relation, Served};
use crate::spliced::Spliced;
use crate::stored;
use serde::Serialize;
use thiserror::Error;
use tidings_ledger::{Batch, Changes, Direction, KeyValue, LedgerError, Range, Stamp, View};
use tidings_protocol::limits::{PULL_PAGE_BYTES, PULL_PAGE_CHANGES};
use tidings_protocol::{Change, Friendship, Head, Post, Profile, Signed};

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

/// A [`Change`] as it goes out: records are the bytes that are stored, everything else is the wire type itself.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum StoredChange {
    /// One with a post.
    Post(WithRecord<Post>),
    /// One with a profile.
    Profile(WithRecord<Profile>),
    /// One without a record.
    Other(Box<Change>),
}

/// A change with a record in it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(bound = "")]
pub struct WithRecord<T> {
    kind: &'static str,
    record: Spliced<Signed<T>>,
}

/// A [`PullAnswer`](tidings_protocol::PullAnswer) as it goes out. It has the same members; a test takes both apart side by side.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StoredAnswer {
    /// What changed.
    pub changes: Vec<StoredChange>,
    /// Where the next pull goes on.
    pub cursor: String,
    /// The head that the reader holds then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub head: Option<Head>,
    /// Whether there is more.
    pub more: bool,
    /// The owner's stance towards the reader.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub friendship: Option<Signed<Friendship>>,
}

/// The head of what friends may see: the greatest stamp of an entry, tombstones included. `None` while there is nobody
/// who may see anything, or nothing to see.
///
/// It comes from entries, not from objects, so merging objects does not change it. It never lies below a head that a
/// friend was told or served, so it does not go down either when a tombstone is dropped.
///
/// # Errors
/// When the store cannot be read.
pub async fn head<S: KeyValue>(
    view: &View<'_, S>,
    relations: &[Relation],
) -> Result<Option<Head>, LedgerError> {
    let friends: Vec<&Relation> = relations.iter().filter(|relation| relation.is_friend()).collect();
    if friends.is_empty() {
        return Ok(None);
    }
    let known = friends.iter().map(|friend| friend.served_head().max(friend.told_head())).max().flatten();
    newest(view, known).await
}

/// The greatest of `known` and the heads above it. What is newest at a glance counts as known as well, so that it does not
/// matter how much lies above what friends have pulled: only edits and withdrawals of older posts are above that.
async fn newest<S: KeyValue>(view: &View<'_, S>, known: Option<Head>) -> Result<Option<Head>, LedgerError> {
    let post = view.scan(Range::partition(keys::POST), Direction::Backward, 1).await?;
    let glance = post.iter().map(|entry| entry.stamp).max();
    let known = known.map(|head| Stamp::from_bytes(*head.as_bytes()));
    let floor = match known.max(glance) {
        Some(stamp) => stamp,
        None => view.get(keys::profile().as_str()).await?.map_or(Stamp::ZERO, |entry| entry.stamp),
    };
    let above = greatest(&view.changes(&keys::SHARED, floor).await?);
    Ok(above.or((floor > Stamp::ZERO).then_some(floor)).map(head_at))
}

fn greatest(changes: &Changes) -> Option<Stamp> {
    let items = changes.items.iter().map(|item| item.stamp);
    items.chain(changes.ranges.iter().map(|range| range.stamp)).max()
}

fn head_at(stamp: Stamp) -> Head {
    Head::from_bytes(stamp.to_bytes())
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
) -> Result<(StoredAnswer, Batch), PullError> {
    let cursor = since.map_or(Some(Cursor::START), Cursor::parse).ok_or(PullError::Cursor)?;
    let held = held.map(|text| text.parse::<Head>().map_err(PullError::Held)).transpose()?;
    let (until, at) = cursor.pass.unwrap_or((view.settled_before(now_ms), cursor.read));
    let found = view.changes(&keys::SHARED, at).await?;
    let newest = greatest(&found).map(head_at);
    let mut changed = found.items.into_iter().peekable();
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
    let complete = if more { None } else { head_for(view, relation, newest, now_ms).await? };
    let batch = note(relation, complete, held);
    let answer = StoredAnswer {
        changes,
        cursor: next.text(),
        head: complete,
        more,
        friendship: relation.ours.clone(),
    };
    Ok((answer, batch))
}

/// The head that a friend holds who was just given everything, of which `newest` is the latest. It never goes below what
/// they were served, nor below what they were told as soon as that must have been among what they were given: the
/// entry itself may be gone, as tombstones are some day.
///
/// What the friend says of itself counts for nothing here: a cursor is easily made up.
async fn head_for<S: KeyValue>(
    view: &View<'_, S>,
    relation: &Relation,
    newest_given: Option<Head>,
    now_ms: u64,
) -> Result<Option<Head>, LedgerError> {
    let settled = head_at(view.settled_before(now_ms));
    let told = relation.told_head().filter(|told| *told <= settled);
    let known = relation.served_head().max(told);
    if newest_given.is_some() { Ok(newest_given.max(known)) } else { newest(view, known).await }
}

fn change(item: &tidings_ledger::Change) -> Option<StoredChange> {
    match (item.key.partition(), &item.value) {
        (keys::POST, Some(value)) => {
            Some(StoredChange::Post(WithRecord { kind: "post", record: Spliced::of_stored(value)? }))
        }
        (keys::POST, None) => {
            Some(StoredChange::Other(Box::new(Change::PostDeleted { id: item.key.rest().parse().ok()? })))
        }
        (keys::PROFILE, Some(value)) => {
            Some(StoredChange::Profile(WithRecord { kind: "profile", record: Spliced::of_stored(value)? }))
        }
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
