//! Setting up a deployment: once, whoever comes first.
//!
//! The store has no compare-and-swap, so exclusion comes from time (Lamport, "A fast mutual exclusion algorithm", 1987,
//! calls the idea Fischer's): every claimant writes a claim, waits until every earlier claim must be visible, and goes
//! on only if its own is the first. A claimant whose write took longer than [`CLAIM_WRITE_MS`] gives up.

use crate::access::Access;
use crate::account::SetupRecord;
use crate::api::SetupRequest;
use crate::keys;
use crate::limits::{CLAIM_LIFE_MS, CLAIM_STALENESS_MS, CLAIM_WRITE_MS};
use crate::stored;
use thiserror::Error;
use tidings_ledger::{Batch, Direction, KeyValue, LedgerError, Range, View};
use tidings_protocol::limits::FUTURE_TOLERANCE_MS;
use tidings_protocol::{
    Address, CertificateError, KeyError, Profile, RecordId, Seed, Signed, SignedError, TextError,
};

/// Why a setup is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SetupError {
    /// The store cannot be read or written.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// Parts of the store are damaged, so that nobody can tell whether it has an owner.
    #[error(
        "the store holds damaged objects, so it cannot be told whether this deployment has an owner already"
    )]
    Damaged,
    /// It has an owner.
    #[error("this deployment is set up already")]
    AlreadySetUp,
    /// Somebody else's claim came first.
    #[error("somebody else is setting up this deployment at this very moment")]
    AnotherFirst,
    /// The name is not acceptable.
    #[error("name {0}")]
    Name(TextError),
    /// The certificate is not acceptable.
    #[error("{0}")]
    Certificate(#[from] CertificateError),
    /// The certificate names another address.
    #[error("the certificate names the address {got}, this deployment is at {expected}")]
    Address {
        /// The address in the certificate.
        got: Address,
        /// The address of this deployment.
        expected: Address,
    },
    /// The certificate's serial lies in the future, where it could never be superseded.
    #[error("the certificate's serial lies in the future: is the clock of your device right?")]
    Future,
    /// The deployment secret is not one.
    #[error("deployment_secret {0}")]
    Secret(KeyError),
    /// The certificate names another deployment key.
    #[error("deployment_secret does not belong to the deployment key that the certificate names")]
    OtherKey,
    /// A document could not be signed.
    #[error("{0}")]
    Signing(#[from] SignedError),
}

/// A setup whose parts fit together.
#[derive(Clone)]
pub struct CheckedSetup {
    request: SetupRequest,
    deployment_key: Seed,
}

/// Checks everything about a setup that needs no store.
///
/// # Errors
/// Says which part is wrong.
pub fn check(request: SetupRequest, address: &Address, now_ms: u64) -> Result<CheckedSetup, SetupError> {
    Profile::check_fields(&request.name, "").map_err(|(_, error)| SetupError::Name(error))?;
    let certificate = request.certificate.verify_certificate()?;
    if certificate.address != *address {
        return Err(SetupError::Address { got: certificate.address.clone(), expected: address.clone() });
    }
    if certificate.serial > now_ms.saturating_add(FUTURE_TOLERANCE_MS) {
        return Err(SetupError::Future);
    }
    let deployment_key: Seed = request.deployment_secret.parse().map_err(SetupError::Secret)?;
    if deployment_key.public_key() != certificate.key {
        return Err(SetupError::OtherKey);
    }
    Ok(CheckedSetup { request, deployment_key })
}

/// A claim to be the one who sets up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim(RecordId);

/// Writes a claim, if nobody was there before.
///
/// # Errors
/// When the deployment has an owner, or it cannot be told.
pub async fn claim<S: KeyValue>(
    view: &View<'_, S>,
    now_ms: u64,
    unique: [u8; 10],
) -> Result<(Claim, Batch), SetupError> {
    refuse_if_owned(view).await?;
    let claim = Claim(RecordId::from_parts(now_ms, unique));
    let mut batch = Batch::new();
    batch.put(keys::claim(claim.0), b"{}".to_vec());
    Ok((claim, batch))
}

/// How long a claimant waits before [`decide`], in milliseconds, over a store that may be `staleness_ms` stale.
#[must_use]
pub fn wait_ms(staleness_ms: u64) -> u64 {
    CLAIM_WRITE_MS + staleness_ms.min(CLAIM_STALENESS_MS)
}

/// Whether a claim that took `took_ms` to write is good for anything.
#[must_use]
pub fn claim_in_time(took_ms: u64) -> bool {
    took_ms <= CLAIM_WRITE_MS
}

/// Takes a claim back.
#[must_use]
pub fn withdraw(claim: Claim) -> Batch {
    let mut batch = Batch::freeing();
    batch.delete(keys::claim(claim.0));
    batch
}

/// Sets up the deployment, if the claim is the first one. To be asked with a fresh view after [`wait_ms`].
///
/// # Errors
/// When somebody else was first, or it cannot be told.
pub async fn decide<S: KeyValue>(
    view: &View<'_, S>,
    claim: Claim,
    setup: &CheckedSetup,
    access: Access,
    now_ms: u64,
) -> Result<Batch, SetupError> {
    refuse_if_owned(view).await?;
    let mut batch = Batch::new();
    for entry in view.scan(Range::partition(keys::CLAIM), Direction::Forward, usize::MAX).await? {
        let Ok(other) = entry.key.rest().parse::<RecordId>() else { continue };
        if other < claim.0 && other.created_ms().saturating_add(CLAIM_LIFE_MS) > now_ms {
            return Err(SetupError::AnotherFirst);
        }
        batch.delete(entry.key);
    }
    batch.delete(keys::claim(claim.0));
    let certificate = setup.request.certificate.clone();
    let profile = Profile {
        author: certificate.unverified().identity,
        key: certificate.unverified().key,
        name: setup.request.name.trim().to_owned(),
        bio: String::new(),
        updated_ms: now_ms,
    };
    batch.put(keys::profile(), Signed::sign(profile, &setup.deployment_key)?.to_json());
    let deployment_secret = setup.deployment_key.expose_text();
    batch.put(keys::setup(claim.0), stored::json(&SetupRecord { certificate, deployment_secret, access }));
    Ok(batch)
}

async fn refuse_if_owned<S: KeyValue>(view: &View<'_, S>) -> Result<(), SetupError> {
    if !view.scan(Range::partition(keys::SETUP), Direction::Forward, 1).await?.is_empty() {
        return Err(SetupError::AlreadySetUp);
    }
    // The account may be in what cannot be read; then absence proves nothing.
    if view.damage().iter().any(tidings_ledger::Damage::may_lose_entries) {
        return Err(SetupError::Damaged);
    }
    Ok(())
}
