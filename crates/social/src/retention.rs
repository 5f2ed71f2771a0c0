//! How much of the past is kept: friends' posts within the owner's bounds, withdrawals for a season.
//!
//! Once a day, bit by bit: each refresh does one step, in one commit, and the next goes on from there. A step that is lost,
//! or done twice by refreshes that overlap, does no harm.

use crate::held;
use crate::keys;
use crate::limits::{DAY_MS, FORGET_FRIENDS, GONE_KEPT_MS, RETENTION_STEP};
use crate::pulls::Forgotten;
use crate::relation::Relation;
use crate::said;
use crate::settings;
use crate::stored;
use crate::threads;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use tidings_ledger::{Batch, Direction, Entry, Key, KeyValue, LedgerError, Range, View};
use tidings_protocol::{Fingerprint, Head, Listed, RecordId};

/// How far the work has come.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Progress {
    /// Friends' posts below this one are not kept, nor taken any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) floor: Option<RecordId>,
    /// Friends' posts are being counted, the newest first: how far that is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    counting: Option<Counting>,
    /// Whether there may be posts below the floor.
    #[serde(default)]
    removing: bool,
    /// Before this time there is nothing to do, in unix milliseconds.
    #[serde(default)]
    next_ms: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Counting {
    /// How many there are.
    posts: u32,
    /// Down to this one: the rest of its key.
    down_to: String,
}

impl Progress {
    pub(crate) async fn load<S: KeyValue>(view: &View<'_, S>) -> Result<Self, LedgerError> {
        Ok(stored::load(view, &keys::retention()).await?.unwrap_or_default())
    }
}

/// Friends' posts below this one are neither asked for nor taken. In steps of a day, so that the same question is asked for
/// a while.
///
/// # Errors
/// When the store cannot be read.
pub(crate) async fn floor<S: KeyValue>(
    view: &View<'_, S>,
    now_ms: u64,
) -> Result<Option<RecordId>, LedgerError> {
    let days = settings::show(view).await?.feed_days;
    let today_ms = now_ms - now_ms % DAY_MS;
    let too_old_ms = today_ms.saturating_sub(u64::from(days).saturating_mul(DAY_MS));
    let too_old = (days > 0).then(|| RecordId::from_parts(too_old_ms, [0; 10]));
    Ok(Progress::load(view).await?.floor.max(too_old))
}

/// Does one step; an empty batch when there is nothing to do.
///
/// # Errors
/// When the store cannot be read.
pub(crate) async fn step<S: KeyValue>(
    view: &View<'_, S>,
    relations: &[Relation],
    now_ms: u64,
) -> Result<Batch, LedgerError> {
    let mut batch = Batch::freeing();
    if let Some(former) = relations.iter().find(|relation| relation.leftover) {
        let_go_of_leftover(view, former, &mut batch).await?;
    }
    let before = Progress::load(view).await?;
    if before.next_ms > now_ms {
        return Ok(batch);
    }
    let mut progress = before.clone();
    if progress.removing {
        progress.removing = remove_below_floor(view, progress.floor, &mut batch).await?;
    } else {
        count(view, &mut progress, now_ms).await?;
    }
    if progress.counting.is_none() && !progress.removing {
        forget_withdrawals(view, now_ms, &mut batch).await?;
        forget_taken(view, relations, now_ms, &mut batch).await?;
        progress.next_ms = now_ms.saturating_add(DAY_MS);
    }
    if progress != before {
        batch.put(keys::retention(), stored::json(&progress));
    }
    Ok(batch)
}

/// Counts some more posts, and sets the floor when there are too many, or too old ones.
async fn count<S: KeyValue>(
    view: &View<'_, S>,
    progress: &mut Progress,
    now_ms: u64,
) -> Result<(), LedgerError> {
    let kept = settings::show(view).await?;
    let counting = progress.counting.take();
    let all = Range::partition(keys::FEED);
    let (mut posts, rest) = match &counting {
        None => (0, all),
        Some(Counting { posts, down_to }) => match Key::new(keys::FEED, down_to) {
            Ok(key) => (*posts, all.before(&key)),
            Err(_) => (0, all),
        },
    };
    let days_ms = u64::from(kept.feed_days).saturating_mul(DAY_MS);
    let too_old = RecordId::from_parts(now_ms.saturating_sub(days_ms), [0; 10]);
    let entries = view.scan(rest, Direction::Backward, RETENTION_STEP).await?;
    for entry in &entries {
        let Some((id, _)) = parse_feed(entry) else { continue };
        posts += 1;
        let is_old = kept.feed_days > 0 && id < too_old;
        if is_old || posts > kept.feed_posts {
            // Posts of one id, by different authors, stay or go together.
            progress.floor = progress.floor.max(Some(id.next()));
            progress.removing = true;
            return Ok(());
        }
    }
    let last = entries.last().filter(|_| entries.len() == RETENTION_STEP);
    progress.counting = last.map(|last| Counting { posts, down_to: last.key.rest().to_owned() });
    Ok(())
}

/// Removes some of the posts below the floor, the oldest first; whether there are more.
async fn remove_below_floor<S: KeyValue>(
    view: &View<'_, S>,
    floor: Option<RecordId>,
    batch: &mut Batch,
) -> Result<bool, LedgerError> {
    let Some(floor) = floor else { return Ok(false) };
    let below = Range::partition(keys::FEED).before(&keys::below(keys::FEED, floor));
    let entries = view.scan(below.clone(), Direction::Forward, RETENTION_STEP).await?;
    let Some(last) = entries.last() else { return Ok(false) };
    batch.delete_range(below.before(&last.key));
    batch.delete(&last.key);
    for (id, author) in entries.iter().filter_map(parse_feed) {
        batch.delete(keys::held(&author, id));
    }
    if let Some((id, _)) = parse_feed(last) {
        said::drop_older(view, id, batch).await?;
    }
    Ok(entries.len() == RETENTION_STEP)
}

fn parse_feed(entry: &Entry) -> Option<(RecordId, Fingerprint)> {
    let (id, author) = entry.key.rest().split_once('.')?;
    Some((id.parse().ok()?, author.parse().ok()?))
}

/// Lets go of some more of what somebody wrote who is no friend any more.
async fn let_go_of_leftover<S: KeyValue>(
    view: &View<'_, S>,
    former: &Relation,
    batch: &mut Batch,
) -> Result<(), LedgerError> {
    let who = &former.fingerprint;
    // Friends again: the listing that they begin with tells what to let go of.
    let mut is_done = former.is_friend();
    if !is_done {
        let held = held::drop_others(view, who, Listed::default(), &BTreeSet::new(), batch).await?;
        let said = threads::let_go_of_author(view, who, batch).await?;
        is_done = !held.more && !said;
    }
    if is_done {
        batch.delete(keys::leftover(who));
    }
    Ok(())
}

/// Forgets withdrawals that lie far back. Readers who have not come so far start over.
async fn forget_withdrawals<S: KeyValue>(
    view: &View<'_, S>,
    now_ms: u64,
    batch: &mut Batch,
) -> Result<(), LedgerError> {
    let old = keys::gone_before(now_ms.saturating_sub(GONE_KEPT_MS));
    forget_old(view, old, keys::forgotten(), batch).await
}

/// The same of what was taken from single friends; of some friends today, of others tomorrow.
async fn forget_taken<S: KeyValue>(
    view: &View<'_, S>,
    relations: &[Relation],
    now_ms: u64,
    batch: &mut Batch,
) -> Result<(), LedgerError> {
    let friends: Vec<&Relation> = relations.iter().filter(|relation| relation.is_friend()).collect();
    let days = friends.len().div_ceil(FORGET_FRIENDS).max(1);
    let today = usize::try_from(now_ms / DAY_MS).unwrap_or(usize::MAX) % days;
    for friend in friends.iter().skip(today * FORGET_FRIENDS).take(FORGET_FRIENDS) {
        let who = &friend.fingerprint;
        let old = keys::to_gone_before(who, now_ms.saturating_sub(GONE_KEPT_MS));
        forget_old(view, old, keys::forgotten_to(who), batch).await?;
    }
    Ok(())
}

async fn forget_old<S: KeyValue>(
    view: &View<'_, S>,
    old: Range,
    forgotten: Key,
    batch: &mut Batch,
) -> Result<(), LedgerError> {
    let entries = view.scan(old.clone(), Direction::Forward, RETENTION_STEP).await?;
    let (Some(last), Some(through)) = (entries.last(), entries.iter().map(|entry| entry.stamp).max()) else {
        return Ok(());
    };
    batch.delete_range(old.before(&last.key));
    batch.delete(&last.key);
    let through = Head::from_bytes(through.to_bytes());
    let known: Option<Forgotten> = stored::load(view, &forgotten).await?;
    let through = known.map_or(through, |known| known.through.max(through));
    batch.put(forgotten, stored::json(&Forgotten { through }));
    Ok(())
}
