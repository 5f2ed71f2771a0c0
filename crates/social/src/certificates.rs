//! Certificates of others as they are replaced, and one's own.
//!
//! Friends pin an identity; of its certificates the one of the greatest serial counts, whatever way it came. Two different
//! ones of the same serial mean that somebody else signs too: the first one known stays, and the owner is alarmed.

use crate::account::{Account, Installed};
use crate::api::{CertificateChange, NotificationEvent};
use crate::friends::keep_certificate;
use crate::keys;
use crate::notifications;
use crate::peer::PeerError;
use crate::relation::Relation;
use crate::resigning::{self, ResignError};
use thiserror::Error;
use tidings_ledger::{Batch, KeyValue, LedgerError, View};
use tidings_protocol::limits::FUTURE_TOLERANCE_MS;
use tidings_protocol::{
    Address, Certificate, CertificateError, KeyError, Seed, Signed, SignedError, Standing,
};

/// Keeps a certificate that came, if it replaces the known one of somebody who is known, and tells the owner what that
/// means.
pub(crate) async fn learn<S: KeyValue>(
    view: &View<'_, S>,
    relation: &Relation,
    came: &Signed<Certificate>,
    now_ms: u64,
    batch: &mut Batch,
) -> Result<(), LedgerError> {
    let Some(known) = &relation.certificate else { return Ok(()) };
    if came.standing(known) != Standing::Newer {
        return Ok(());
    }
    keep_certificate(relation, came, batch);
    let (before, after) = (known.unverified(), came.unverified());
    let friend = relation.person();
    let event = if before.address != after.address {
        NotificationEvent::FriendMoved {
            friend,
            from: before.address.clone(),
            address: after.address.clone(),
        }
    } else if before.key != after.key {
        NotificationEvent::FriendRekeyed { friend, serial: after.serial }
    } else {
        return Ok(());
    };
    if relation.is_friend() {
        notifications::note(view, &event, now_ms, batch).await?;
    }
    Ok(())
}

/// What is to be committed although a request was refused: an alarm, if a friend's identity has signed twice.
///
/// # Errors
/// When the store cannot be read.
pub async fn alarm<S: KeyValue>(
    view: &View<'_, S>,
    refusal: &PeerError,
    now_ms: u64,
) -> Result<Batch, LedgerError> {
    let mut batch = Batch::new();
    if let PeerError::Conflicting { friend: Some(friend), known } = refusal {
        let serial = known.unverified().serial;
        let event = NotificationEvent::CertificateConflict { friend: friend.clone(), serial };
        notifications::note(view, &event, now_ms, &mut batch).await?;
    }
    Ok(batch)
}

/// Alarms the owner if `came`, with which a friend proved why they refuse this deployment, is proof: signed by the
/// owner's own identity, and newer than the certificate in force here, or another one of the same serial.
pub(crate) async fn superseded<S: KeyValue>(
    view: &View<'_, S>,
    account: &Account,
    came: &Signed<Certificate>,
    now_ms: u64,
    batch: &mut Batch,
) -> Result<(), LedgerError> {
    let is_own = came.verify_certificate().is_ok_and(|content| content.identity == account.identity());
    // The request may have been sent by an instance that could not see the newest certificate.
    let Some(account) = Account::load(view).await?.filter(|_| is_own) else { return Ok(()) };
    let standing = came.standing(account.certificate());
    if !matches!(standing, Standing::Newer | Standing::Conflicting) {
        return Ok(());
    }
    let address = came.unverified().address.clone();
    let serial = account.certificate().unverified().serial;
    notifications::note(view, &NotificationEvent::Superseded { serial, address }, now_ms, batch).await
}

/// Why a certificate of one's own is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum InstallError {
    /// The store cannot be read or written.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The certificate is not acceptable.
    #[error("{0}")]
    Certificate(#[from] CertificateError),
    /// Somebody else's identity signed it.
    #[error("the certificate is signed by another identity than the one that is served here")]
    OtherIdentity,
    /// The certificate names another address.
    #[error("the certificate names the address {got}, this deployment is at {expected}")]
    Address {
        /// The address in the certificate.
        got: Address,
        /// The address of this deployment.
        expected: Address,
    },
    /// The one in force has the same or a greater serial, or revokes the key.
    #[error(
        "the certificate has the serial {got}, which does not replace the one in force (serial {known}), or its key is revoked"
    )]
    NotNewer {
        /// The serial that came.
        got: u64,
        /// The serial in force.
        known: u64,
    },
    /// The serial lies in the future, where it could never be superseded.
    #[error("the certificate's serial lies in the future: is the clock of your device right?")]
    Future,
    /// The deployment secret is not one.
    #[error("deployment_secret {0}")]
    Secret(KeyError),
    /// The certificate names another deployment key than the one that is there.
    #[error("deployment_secret does not belong to the deployment key that the certificate names")]
    OtherKey,
    /// A document could not be signed.
    #[error("{0}")]
    Signing(#[from] SignedError),
}

impl From<ResignError> for InstallError {
    fn from(error: ResignError) -> Self {
        match error {
            ResignError::Ledger(error) => error.into(),
            ResignError::Signing(error) => error.into(),
        }
    }
}

/// Puts a newer certificate of the owner's in force, at the address at which this deployment is reached: after it was moved,
/// or when its key may be in other hands. What friends are told (profile, stances) is signed again in the same
/// commit; posts are signed again when they are served, and in the background.
///
/// # Errors
/// Says what is wrong with it.
pub async fn install<S: KeyValue>(
    view: &View<'_, S>,
    account: &Account,
    change: CertificateChange,
    address: &Address,
    now_ms: u64,
) -> Result<(Account, Batch), InstallError> {
    let certificate = change.certificate;
    let content = certificate.verify_certificate()?;
    if content.identity != account.identity() {
        return Err(InstallError::OtherIdentity);
    }
    if content.address != *address {
        return Err(InstallError::Address { got: content.address.clone(), expected: address.clone() });
    }
    let known = account.certificate();
    let (installed, mut batch) = match certificate.standing(known) {
        // Doing it twice does no harm.
        Standing::Same => return Ok((account.clone(), Batch::new())),
        Standing::Newer => {
            let key = match &change.deployment_secret {
                Some(text) => text.parse().map_err(InstallError::Secret)?,
                None => account.deployment_key().clone(),
            };
            check_key(&key, content)?;
            account.install(&Installed::new(certificate.clone(), &key))
        }
        Standing::Superseded | Standing::Conflicting => {
            return Err(InstallError::NotNewer { got: content.serial, known: known.unverified().serial });
        }
    };
    if content.serial > now_ms.saturating_add(FUTURE_TOLERANCE_MS) {
        return Err(InstallError::Future);
    }
    resigning::at_once(view, &installed, &mut batch).await?;
    Ok((installed, batch))
}

fn check_key(key: &Seed, content: &Certificate) -> Result<(), InstallError> {
    if key.public_key() == content.key { Ok(()) } else { Err(InstallError::OtherKey) }
}

impl Account {
    /// Whether a friend does not have the certificate in force yet, so that it has to go along.
    #[must_use]
    pub fn owes_certificate(&self, relation: &Relation) -> bool {
        relation.presented < Some(self.certificate().unverified().serial)
    }

    /// Notes that somebody has the certificate in force now, if that is news.
    pub(crate) fn presented(&self, relation: &Relation, batch: &mut Batch) {
        let serial = self.certificate().unverified().serial;
        if relation.presented != Some(serial) {
            batch.put(keys::presented(&relation.fingerprint), serial.to_string());
        }
    }
}
