//! What the owner chose: one entry for each choice, so that two changes at the same time do not undo each other.

use crate::api::{Settings, SettingsChange, WhoMayAsk};
use crate::keys;
use crate::limits::{FEED_DAYS_RANGE, FEED_POSTS, FEED_POSTS_RANGE};
use crate::stored;
use thiserror::Error;
use tidings_ledger::{Batch, KeyValue, LedgerError, View};

/// Whose friend requests are taken.
const WHO_MAY_ASK: &str = "who_may_ask";

/// How many of friends' posts are kept.
const FEED_POSTS_KEPT: &str = "feed_posts";

/// For how many days.
const FEED_DAYS_KEPT: &str = "feed_days";

/// Whether friends are told how far the owner has read.
const READ_MARKS: &str = "read_marks";

/// Whether a conversation stays here that a friend clears for both.
const KEEP_MY_COPY: &str = "keep_my_copy";

/// Why a choice is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SettingsError {
    /// The store cannot be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// Too few or too many posts.
    #[error("feed_posts has to be a number from {} to {}", FEED_POSTS_RANGE.start(), FEED_POSTS_RANGE.end())]
    Posts,
    /// Too short or too long a time.
    #[error("feed_days has to be 0 or a number from {} to {}", FEED_DAYS_RANGE.start(), FEED_DAYS_RANGE.end())]
    Days,
}

/// All settings; those that were never chosen have their defaults.
///
/// # Errors
/// When the store cannot be read.
pub async fn show<S: KeyValue>(view: &View<'_, S>) -> Result<Settings, LedgerError> {
    let posts: Option<u32> = stored::load(view, &keys::setting(FEED_POSTS_KEPT)).await?;
    let days: Option<u32> = stored::load(view, &keys::setting(FEED_DAYS_KEPT)).await?;
    Ok(Settings {
        who_may_ask: who_may_ask(view).await?,
        feed_posts: posts.unwrap_or(FEED_POSTS),
        feed_days: days.unwrap_or(0),
        read_marks: stored::load(view, &keys::setting(READ_MARKS)).await?.unwrap_or(true),
        keep_my_copy: stored::load(view, &keys::setting(KEEP_MY_COPY)).await?.unwrap_or(false),
    })
}

/// Makes a choice. It also gives the settings as they are from then on.
///
/// # Errors
/// When a number is out of range; then nothing is chosen.
pub async fn change<S: KeyValue>(
    view: &View<'_, S>,
    change: SettingsChange,
) -> Result<(Settings, Batch), SettingsError> {
    let mut settings = show(view).await?;
    let mut batch = Batch::new();
    if let Some(who_may_ask) = change.who_may_ask {
        settings.who_may_ask = who_may_ask;
        batch.put(keys::setting(WHO_MAY_ASK), stored::json(&who_may_ask));
    }
    if let Some(posts) = change.feed_posts {
        if !FEED_POSTS_RANGE.contains(&posts) {
            return Err(SettingsError::Posts);
        }
        settings.feed_posts = posts;
        batch.put(keys::setting(FEED_POSTS_KEPT), stored::json(&posts));
    }
    if let Some(days) = change.feed_days {
        if days != 0 && !FEED_DAYS_RANGE.contains(&days) {
            return Err(SettingsError::Days);
        }
        settings.feed_days = days;
        batch.put(keys::setting(FEED_DAYS_KEPT), stored::json(&days));
    }
    if let Some(read_marks) = change.read_marks {
        settings.read_marks = read_marks;
        batch.put(keys::setting(READ_MARKS), stored::json(&read_marks));
    }
    if let Some(keep_my_copy) = change.keep_my_copy {
        settings.keep_my_copy = keep_my_copy;
        batch.put(keys::setting(KEEP_MY_COPY), stored::json(&keep_my_copy));
    }
    if change.feed_posts.or(change.feed_days).is_some() {
        // Counted anew with the next refresh, and nothing is refused any more that may be kept now.
        batch.delete(keys::retention());
    }
    Ok((settings, batch))
}

/// Whose friend requests are taken.
pub(crate) async fn who_may_ask<S: KeyValue>(view: &View<'_, S>) -> Result<WhoMayAsk, LedgerError> {
    Ok(stored::load(view, &keys::setting(WHO_MAY_ASK)).await?.unwrap_or_default())
}
