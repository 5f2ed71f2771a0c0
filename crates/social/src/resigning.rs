//! Signing again what an earlier deployment key has signed.
//!
//! Others know only the deployment key in force, so whatever leaves the deployment is signed by that one. Profile and
//! stances are signed again when the key is replaced; posts when they are served. The newest posts are also written anew in
//! the background, a few with each request, and what the owner said under the newest posts of friends is given to their
//! deployments once more. Not all of it: what is written anew counts as changed, and every friend would pull the whole history
//! once more.

use crate::account::Account;
use crate::keys;
use crate::limits::{RESIGN_POSTS, RESIGN_STEP};
use crate::said;
use crate::spliced::Spliced;
use crate::stored;
use serde::{Deserialize, Serialize};
use tidings_ledger::{Batch, Direction, Key, KeyValue, LedgerError, Range, View};
use tidings_protocol::{
    DeploymentDocument, Friendship, Post, Profile, PublicKey, RecordId, Signed, SignedError,
};

/// How far the background has come.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Progress {
    /// Posts from here on, the newest first, are done.
    pub(crate) from: Option<RecordId>,
    /// How many were looked at.
    pub(crate) looked_at: usize,
    /// What the owner said is done from here on, backwards: the rest of its key. Posts come before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) said_from: Option<String>,
    /// How much of it was looked at.
    #[serde(default)]
    pub(crate) said_looked_at: usize,
    /// Whether all posts are done that are to be.
    #[serde(default)]
    pub(crate) posts_done: bool,
    /// Whether nothing is left to do.
    pub(crate) done: bool,
}

/// A stance of the owner's, signed by the key in force.
pub(crate) fn stance(account: &Account, stance: &Signed<Friendship>) -> Signed<Friendship> {
    // Nothing was ever signed by another key: that is known without looking.
    if account.progress().is_none() || stance.verify(&account.key()).is_ok() {
        return stance.clone();
    }
    stance.signed_again(account.deployment_key()).unwrap_or_else(|_| stance.clone())
}

/// A record of the owner's, signed by the key in force.
pub(crate) fn record<T: DeploymentDocument>(
    account: &Account,
    record: Spliced<Signed<T>>,
) -> Spliced<Signed<T>> {
    let bytes = record.text().as_bytes();
    if account.progress().is_none() || named_key(bytes) == Some(account.key()) {
        return record;
    }
    let again = signed_again::<T>(account, bytes);
    again.and_then(|again| Spliced::of_stored(again.as_bytes())).unwrap_or(record)
}

/// The key that a record names as its signer.
fn named_key(bytes: &[u8]) -> Option<PublicKey> {
    #[derive(Deserialize)]
    struct Outline {
        key: PublicKey,
    }
    serde_json::from_slice::<Outline>(bytes).ok().map(|outline| outline.key)
}

fn signed_again<T: DeploymentDocument>(account: &Account, bytes: &[u8]) -> Option<String> {
    let record: Signed<T> = serde_json::from_slice(bytes).ok()?;
    record.signed_again(account.deployment_key()).ok().map(|again| again.to_json())
}

/// Signs again what every friend needs: the profile, and the stances.
pub(crate) async fn at_once<S: KeyValue>(
    view: &View<'_, S>,
    account: &Account,
    batch: &mut Batch,
) -> Result<(), ResignError> {
    if let Some(profile) = stored::load::<Signed<Profile>, _>(view, &keys::profile()).await? {
        batch.put(keys::profile(), profile.signed_again(account.deployment_key())?.to_json());
    }
    for entry in view.scan(Range::partition(keys::FRIEND), Direction::Forward, usize::MAX).await? {
        let is_ours = entry.key.rest().split('/').nth(1) == Some("ours");
        if let Some(stance) = is_ours.then(|| stored::parse::<Signed<Friendship>>(&entry)).flatten() {
            batch.put(entry.key, stance.signed_again(account.deployment_key())?.to_json());
        }
    }
    Ok(())
}

/// Why signing again failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ResignError {
    /// The store cannot be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A document cannot be signed.
    #[error(transparent)]
    Signing(#[from] SignedError),
}

/// One step of the work in the background: at most [`RESIGN_STEP`] posts, or as much of what the owner said. The batch is empty when nothing is left.
///
/// # Errors
/// When the store cannot be read.
pub async fn step<S: KeyValue>(view: &View<'_, S>, account: &Account) -> Result<Batch, LedgerError> {
    let mut batch = Batch::new();
    let Some(before) = account.progress().filter(|progress| !progress.done) else { return Ok(batch) };
    if before.posts_done {
        said_step(view, account, before, &mut batch).await?;
        return Ok(batch);
    }
    let all = Range::partition(keys::POST);
    let range = before.from.map_or(all.clone(), |from| all.before(&keys::post(from)));
    let entries = view.scan(range, Direction::Backward, RESIGN_STEP).await?;
    let mut progress = before;
    for entry in &entries {
        progress.from = entry.key.rest().parse().ok().or(progress.from);
        if named_key(&entry.value) != Some(account.key())
            && let Some(again) = signed_again::<Post>(account, &entry.value)
        {
            batch.put(&entry.key, again);
        }
    }
    progress.looked_at += entries.len();
    progress.posts_done = entries.len() < RESIGN_STEP || progress.looked_at >= RESIGN_POSTS;
    account.note_progress(&progress, &mut batch);
    Ok(batch)
}

async fn said_step<S: KeyValue>(
    view: &View<'_, S>,
    account: &Account,
    mut progress: Progress,
    batch: &mut Batch,
) -> Result<(), LedgerError> {
    let all = Range::partition(keys::SAID);
    let from = progress.said_from.as_ref().and_then(|rest| Key::new(keys::SAID, rest).ok());
    let range = from.map_or(all.clone(), |from| all.before(&from));
    let entries = view.scan(range, Direction::Backward, RESIGN_STEP).await?;
    for entry in &entries {
        progress.said_from = Some(entry.key.rest().to_owned());
        if named_key(&entry.value).is_some_and(|key| key != account.key()) {
            said::say_again(account, entry, batch);
        }
    }
    progress.said_looked_at += entries.len();
    progress.done = entries.len() < RESIGN_STEP || progress.said_looked_at >= RESIGN_POSTS;
    account.note_progress(&progress, batch);
    Ok(())
}
