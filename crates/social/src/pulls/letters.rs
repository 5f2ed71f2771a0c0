//! Private messages to a reader, and what is told of the conversation with them.

use super::cursor::Place;
use super::{BARE_CHANGE_BYTES, Page, StoredChange, WithRecord};
use crate::keys;
use crate::messages;
use crate::spliced::Spliced;
use tidings_ledger::{Direction, KeyValue, LedgerError, Range, Stamp, View};
use tidings_protocol::limits::{PULL_PAGE_BYTES, PULL_PAGE_CHANGES};
use tidings_protocol::{Change, Fingerprint, RecordId};

/// Above the ids of all messages.
pub(super) const ABOVE_ALL: RecordId = RecordId::from_bytes([u8::MAX; 16]);

/// Whether there is any message to `reader`.
pub(super) async fn are_there<S: KeyValue>(
    view: &View<'_, S>,
    reader: &Fingerprint,
) -> Result<bool, LedgerError> {
    let last = view.scan(Range::partition(&keys::dm(reader)), Direction::Backward, 1).await?;
    Ok(!last.is_empty())
}

/// A page of all messages to `reader` below `before`, withdrawn ones included. What changes from `start` on is given
/// afterwards.
pub(super) async fn list<S: KeyValue>(
    view: &View<'_, S>,
    reader: &Fingerprint,
    start: Stamp,
    before: RecordId,
) -> Result<Page, LedgerError> {
    let partition = keys::dm(reader);
    let range = Range::partition(&partition).before(&keys::below(&partition, before));
    let page = view.page(range, Direction::Backward, PULL_PAGE_CHANGES).await?;
    let (mut changes, mut bytes, mut given, mut last) = (Vec::new(), 0, 0, None);
    for entry in &page.entries {
        bytes += entry.value.len().max(BARE_CHANGE_BYTES);
        if given > 0 && bytes > PULL_PAGE_BYTES {
            break;
        }
        given += 1;
        last = entry.key.rest().parse().ok().or(last);
        changes.extend(message(entry.key.rest(), &entry.value));
    }
    let unfinished = last.filter(|_| page.more || given < page.entries.len());
    let next = match unfinished {
        Some(before) => Place::Messages { start, before },
        None => Place::Changes { read: start, at: None },
    };
    Ok(Page { changes, threads: Vec::new(), listed: None, next, more: true })
}

/// Everything that is told of the conversation with `reader` beside its messages.
pub(super) async fn about<S: KeyValue>(
    view: &View<'_, S>,
    reader: &Fingerprint,
) -> Result<Vec<StoredChange>, LedgerError> {
    let about = view.scan(keys::about_conversation(reader), Direction::Forward, usize::MAX).await?;
    Ok(about
        .iter()
        .filter_map(|entry| change(entry.key.partition(), entry.key.rest(), &entry.value))
        .collect())
}

/// The change that an entry of `dm/<reader>`, or of what `to/<reader>` has about the conversation, makes.
pub(super) fn change(partition: &str, rest: &str, value: &[u8]) -> Option<StoredChange> {
    if partition.starts_with("dm/") {
        return message(rest, value);
    }
    let about = messages::change_about(rest, value).filter(|_| partition.starts_with("to/"))?;
    Some(StoredChange::Other(Box::new(about)))
}

/// A message, or that it was withdrawn.
fn message(id: &str, value: &[u8]) -> Option<StoredChange> {
    if value.is_empty() {
        return Some(StoredChange::Other(Box::new(Change::MessageDeleted { id: id.parse().ok()? })));
    }
    Some(StoredChange::Message(WithRecord { kind: "message", record: Spliced::of_stored(value)? }))
}
