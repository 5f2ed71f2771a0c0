//! Friends' posts that are held here: each in the feed, and in an index by author.

use crate::keys;
use crate::limits::LET_GO_POSTS;
use crate::said;
use crate::spliced::StoredPost;
use std::collections::BTreeSet;
use tidings_ledger::{Batch, Direction, KeyValue, LedgerError, Range, View};
use tidings_protocol::{Fingerprint, Listed, RecordId};

/// Takes in a post, or another edition of one; whether that is news. An edition that is older than the one that is held, which
/// a stale store may still serve, is none.
pub(crate) async fn take<S: KeyValue>(
    view: &View<'_, S>,
    author: &Fingerprint,
    id: RecordId,
    record: String,
    batch: &mut Batch,
) -> Result<bool, LedgerError> {
    let key = keys::feed(id, author);
    let known = view.get(key.as_str()).await?;
    if known.as_ref().is_some_and(|known| known.value == record.as_bytes()) {
        return Ok(false);
    }
    let edited_ms = |record: &[u8]| StoredPost::of(record).and_then(|post| post.edited_ms);
    if known.as_ref().is_some_and(|known| edited_ms(&known.value) > edited_ms(record.as_bytes())) {
        return Ok(false);
    }
    if known.is_none() {
        batch.put(keys::held(author, id), Vec::new());
    }
    batch.put(key, record);
    Ok(true)
}

/// Lets go of a post; whether it was there.
pub(crate) async fn drop<S: KeyValue>(
    view: &View<'_, S>,
    author: &Fingerprint,
    id: RecordId,
    batch: &mut Batch,
) -> Result<bool, LedgerError> {
    let is_held = view.get(keys::feed(id, author).as_str()).await?.is_some();
    if is_held {
        remove(author, id, batch);
        said::drop_thread(author, id, batch);
    }
    Ok(is_held)
}

/// What came of letting go of many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LetGo {
    /// How many are let go of with this batch.
    pub(crate) posts: u32,
    /// Whether there are more than one batch takes.
    pub(crate) more: bool,
}

/// Lets go of all posts of one author between two ids but those to `keep`; at most [`LET_GO_POSTS`] at a time.
pub(crate) async fn drop_others<S: KeyValue>(
    view: &View<'_, S>,
    author: &Fingerprint,
    between: Listed,
    keep: &BTreeSet<RecordId>,
    batch: &mut Batch,
) -> Result<LetGo, LedgerError> {
    let all = keys::held_of(author);
    let all = between.before.map_or(all.clone(), |before| all.before(&keys::held(author, before)));
    let range: Range = between.from.map_or(all.clone(), |from| all.from(&keys::held(author, from)));
    let entries = view.scan(range, Direction::Forward, LET_GO_POSTS + keep.len() + 1).await?;
    let others =
        entries.iter().filter_map(|entry| keys::parse_held(&entry.key)).filter(|id| !keep.contains(id));
    let mut done = LetGo { posts: 0, more: false };
    let mut gone = BTreeSet::new();
    for id in others {
        if gone.len() == LET_GO_POSTS {
            done.more = true;
            break;
        }
        remove(author, id, batch);
        gone.insert(id);
    }
    done.posts = u32::try_from(gone.len()).unwrap_or(u32::MAX);
    said::drop_threads(view, author, &gone, batch).await?;
    Ok(done)
}

fn remove(author: &Fingerprint, id: RecordId, batch: &mut Batch) {
    batch.delete(keys::feed(id, author));
    batch.delete(keys::held(author, id));
}
