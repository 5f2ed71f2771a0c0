//! The owner's own profile.

use crate::account::Account;
use crate::api::{OwnerSummary, ProfileChange, ProfileView};
use crate::keys;
use crate::stored;
use thiserror::Error;
use tidings_ledger::{Batch, KeyValue, LedgerError, View};
use tidings_protocol::{Profile, Signed, SignedError, TextError};

/// Why a change of the profile is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ProfileError {
    /// The store cannot be read or written.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A text is not acceptable.
    #[error("{member} {reason}")]
    Text {
        /// Which member.
        member: &'static str,
        /// What is wrong with it.
        reason: TextError,
    },
    /// A document could not be signed.
    #[error("{0}")]
    Signing(#[from] SignedError),
}

/// The owner's name and bio.
///
/// # Errors
/// When the store cannot be read.
pub async fn show<S: KeyValue>(view: &View<'_, S>, account: &Account) -> Result<ProfileView, LedgerError> {
    let (name, bio) = match load(view).await? {
        Some(profile) => (profile.unverified().name.clone(), profile.unverified().bio.clone()),
        None => (account.fingerprint().to_string()[..8].to_owned(), String::new()),
    };
    Ok(ProfileView {
        id: account.fingerprint(),
        identity: account.identity(),
        name,
        bio,
        safety_code: account.identity().safety_code(),
        address: account.address().clone(),
    })
}

/// The owner in short.
///
/// # Errors
/// When the store cannot be read.
pub async fn summary<S: KeyValue>(
    view: &View<'_, S>,
    account: &Account,
) -> Result<OwnerSummary, LedgerError> {
    let ProfileView { id, identity, name, address, .. } = show(view, account).await?;
    Ok(OwnerSummary { id, identity, name, address })
}

/// Changes name and bio. Nothing is to be committed when nothing changes.
///
/// # Errors
/// When a text is not acceptable.
pub async fn change<S: KeyValue>(
    view: &View<'_, S>,
    account: &Account,
    change: ProfileChange,
    now_ms: u64,
) -> Result<(ProfileView, Batch), ProfileError> {
    let (name, bio) = (change.name.trim().to_owned(), change.bio.trim().to_owned());
    Profile::check_fields(&name, &bio).map_err(|(member, reason)| ProfileError::Text { member, reason })?;
    let before = load(view).await?;
    let mut shown = show(view, account).await?;
    let mut batch = Batch::new();
    if before.is_none() || shown.name != name || shown.bio != bio {
        let updated_ms = before.map_or(now_ms, |p| now_ms.max(p.unverified().updated_ms + 1));
        let key = account.deployment_key().public_key();
        let profile =
            Profile { author: account.identity(), key, name: name.clone(), bio: bio.clone(), updated_ms };
        batch.put(keys::profile(), Signed::sign(profile, account.deployment_key())?.to_json());
    }
    shown.name = name;
    shown.bio = bio;
    Ok((shown, batch))
}

async fn load<S: KeyValue>(view: &View<'_, S>) -> Result<Option<Signed<Profile>>, LedgerError> {
    stored::load(view, &keys::profile()).await
}
