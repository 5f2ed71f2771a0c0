//! What an open client polls.
//!
//! The tags are hashes of what is shown, not of what the store holds: compaction changes none of them.

use crate::account::Account;
use crate::api::{Changes, DeliveryState, FriendList};
use crate::friends;
use crate::keys;
use crate::limits::PAGE_MOST;
use crate::messages;
use crate::notifications;
use crate::profile;
use crate::relation::Relation;
use crate::stored;
use crate::sync::{Outlook, Scope, plan};
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use tidings_ledger::{Direction, KeyValue, LedgerError, Range, View};

/// Bytes of a tag: two that differ by chance would hide one change from one client until the next.
const TAG_BYTES: usize = 8;

/// Comments and reactions of the newest posts that are looked at, in each place where there are some.
const SAID_MOST: usize = 4 * PAGE_MOST;

/// Everything that [`show`] depends on, as far as the listing tells: while it stays the same, so does what is shown. It
/// also changes when objects are merged.
#[must_use]
pub fn listing_tag<S: KeyValue>(view: &View<'_, S>) -> String {
    let partitions = [
        keys::POST,
        keys::LIMITED,
        keys::PUBLIC,
        keys::GONE,
        keys::FEED,
        keys::FRIEND,
        keys::HEARD,
        keys::SERVED,
        keys::PROFILE,
        keys::NOTIFICATION,
        keys::READ,
        keys::CERTIFICATE,
        keys::HEADS,
        keys::TALK,
        keys::GIST,
        keys::SAID,
        keys::OUTBOX,
        keys::UNDER,
    ];
    tag(&view.fingerprint(Some(&partitions)))
}

/// Stands for what an open client was shown. Times that have come count as now, whatever the time is.
#[must_use]
pub fn content_tag(changes: &Changes, now_ms: u64) -> String {
    let next_due_ms = changes.next_due_ms.map(|due_ms| if due_ms <= now_ms { 0 } else { due_ms });
    tag(&stored::json(&Changes { next_due_ms, ..changes.clone() }))
}

/// What changed since the last look, as tags, and what is to be done.
///
/// # Errors
/// When the store cannot be read.
pub async fn show<S: KeyValue>(
    view: &View<'_, S>,
    account: &Account,
    now_ms: u64,
) -> Result<Changes, LedgerError> {
    let outlook = Outlook::load(view, now_ms).await?;
    let plan = plan(account, &outlook, Scope::DUE, now_ms);
    let relations = outlook.relations;
    let due_now = (!plan.requests.is_empty()).then_some(now_ms);
    let (newest, unread) = notifications::summary(view, account).await?;
    let (conversations, unread_conversations) = messages::tag(view, &relations).await?;
    Ok(Changes {
        feed: feed_tag(view, &relations).await?,
        profile: tag(&stored::json(&profile::show(view, account).await?)),
        friends: friends_tag(friends::show(relations)),
        conversations,
        unread_conversations,
        notifications: tag(&stored::json(&(newest, unread))),
        unread,
        dirty: plan.dirty,
        next_due_ms: due_now.or(plan.next_due_ms),
    })
}

/// Of the list of friends, without what moves with every exchange and tells the owner nothing new: when somebody was asked
/// last, and that they were told and have not come yet. With many friends that would be a reload every minute.
fn friends_tag(mut list: FriendList) -> String {
    for friend in &mut list.friends {
        friend.pull.last_ms = None;
        friend.owed = friend.owed.take().filter(|owed| owed.state == DeliveryState::Waiting);
    }
    tag(&stored::json(&list))
}

/// Of the newest page of one's own posts and of friends', of what is said under them, and of the names above them.
async fn feed_tag<S: KeyValue>(view: &View<'_, S>, relations: &[Relation]) -> Result<String, LedgerError> {
    let mut hash = Sha256::new();
    for partition in [keys::POST, keys::LIMITED, keys::PUBLIC, keys::FEED] {
        for entry in view.scan(Range::partition(partition), Direction::Backward, PAGE_MOST).await? {
            hash.update(entry.key.as_str());
            hash.update(entry.stamp.to_bytes());
        }
    }
    for partition in [keys::GIST, keys::SAID, keys::UNDER, keys::OUTBOX] {
        for entry in view.scan(Range::partition(partition), Direction::Backward, SAID_MOST).await? {
            hash.update(entry.key.as_str());
            hash.update(entry.stamp.to_bytes());
        }
    }
    for friend in relations.iter().filter(|relation| relation.is_friend() && !relation.is_muted()) {
        hash.update(format!("{}{}\n", friend.fingerprint, friend.name()));
    }
    Ok(HEXLOWER.encode(&hash.finalize()[..TAG_BYTES]))
}

fn tag(bytes: &[u8]) -> String {
    HEXLOWER.encode(&Sha256::digest(bytes)[..TAG_BYTES])
}
