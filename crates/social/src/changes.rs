//! What an open client polls.

use crate::account::Account;
use crate::api::Changes;
use crate::keys;
use crate::pulls;
use crate::relation::Relation;
use crate::sync::{Scope, plan};
use data_encoding::HEXLOWER;
use tidings_ledger::{KeyValue, LedgerError, View};

/// Stands for everything that [`show`] depends on, and is taken from the listing alone: while it stays the same, an
/// open client has nothing to do.
#[must_use]
pub fn tag<S: KeyValue>(view: &View<'_, S>) -> String {
    tag_of(view, &[keys::POST, keys::FEED, keys::FRIEND, keys::HEARD, keys::SERVED, keys::PROFILE])
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
    let relations = Relation::load_all(view).await?;
    let plan = plan(account, &relations, pulls::head(view), Scope::DUE, now_ms);
    let due_now = (!plan.requests.is_empty()).then_some(now_ms);
    Ok(Changes {
        feed: tag_of(view, &[keys::POST, keys::FEED]),
        friends: tag_of(view, &[keys::FRIEND]),
        profile: tag_of(view, &[keys::PROFILE]),
        dirty: plan.dirty,
        next_due_ms: due_now.or(plan.next_due_ms),
    })
}

fn tag_of<S: KeyValue>(view: &View<'_, S>, partitions: &[&str]) -> String {
    HEXLOWER.encode(&view.fingerprint(Some(partitions)))
}
