//! The account: whom this deployment serves.

use crate::access::Access;
use crate::keys;
use crate::resigning::Progress;
use crate::stored;
use serde::{Deserialize, Serialize};
use tidings_ledger::{Batch, Direction, KeyValue, LedgerError, Range, Timing, View};
use tidings_protocol::{Address, Certificate, Fingerprint, PublicKey, RecordId, Seed, Signed};

/// What setup writes, once.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct SetupRecord {
    pub(crate) certificate: Signed<Certificate>,
    pub(crate) deployment_secret: String,
    pub(crate) access: Access,
}

/// A password chosen after setup. It names the setup it belongs to, so that it cannot open another one.
#[derive(Clone, Serialize, Deserialize)]
struct AccessRecord {
    setup: RecordId,
    access: Access,
}

/// A certificate that was installed after setup, with its key. Like a password it names the setup that it belongs to.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Installed {
    setup: Option<RecordId>,
    certificate: Signed<Certificate>,
    deployment_secret: String,
}

impl Installed {
    /// One that belongs to no setup yet.
    pub(crate) fn new(certificate: Signed<Certificate>, key: &Seed) -> Self {
        Self { setup: None, certificate, deployment_secret: key.expose_text() }
    }
}

/// The owner of a deployment that is set up.
#[derive(Debug, Clone)]
pub struct Account {
    setup: RecordId,
    /// How far signing again has come; `None` while the key is the first one.
    progress: Option<Progress>,
    certificate: Signed<Certificate>,
    deployment_key: Seed,
    /// How the owner signs in.
    pub access: Access,
}

impl Account {
    /// The account in force: that of the first setup. `None` if nobody has set up this deployment.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn load<S: KeyValue>(view: &View<'_, S>) -> Result<Option<Self>, LedgerError> {
        let entries = view.scan(Range::partition(keys::SETUP), Direction::Forward, 1).await?;
        let Some(account) = entries.first().and_then(|entry| {
            let record: SetupRecord = stored::parse(entry)?;
            Some(Self {
                setup: entry.key.rest().parse().ok()?,
                progress: None,
                deployment_key: record.deployment_secret.parse().ok()?,
                certificate: record.certificate,
                access: record.access,
            })
        }) else {
            return Ok(None);
        };
        let account = account.with_installed(view).await?;
        let chosen: Option<AccessRecord> = stored::load(view, &keys::access()).await?;
        Ok(Some(match chosen {
            Some(chosen) if chosen.setup == account.setup => Self { access: chosen.access, ..account },
            _ => account,
        }))
    }

    /// The same with the newest certificate that was installed for this setup, if there is one.
    async fn with_installed<S: KeyValue>(mut self, view: &View<'_, S>) -> Result<Self, LedgerError> {
        let entries = view.scan(Range::partition(keys::CERTIFICATE), Direction::Forward, usize::MAX).await?;
        let first_key = self.key();
        for entry in &entries {
            if let Some(progress) = keys::is_progress(&entry.key).then(|| stored::parse(entry)).flatten() {
                if keys::serial_of(&entry.key) == Some(self.certificate.unverified().serial) {
                    self.progress = Some(progress);
                }
                continue;
            }
            let Some(installed) = stored::parse::<Installed>(entry) else { continue };
            let is_newer = installed.certificate.unverified().serial > self.certificate.unverified().serial;
            let belongs = installed.setup == Some(self.setup)
                && installed.certificate.unverified().identity == self.identity();
            if let Some(key) = installed.deployment_secret.parse().ok().filter(|_| is_newer && belongs) {
                self.deployment_key = key;
                self.certificate = installed.certificate;
                self.progress = (self.key() != first_key).then(Progress::default);
            }
        }
        Ok(self)
    }

    /// The least id that a post has which was written here, or at a deployment whose data came here: that of the setup's time,
    /// less what clocks of instances differ by. What is older is of a deployment before, all of whose data is lost.
    pub(crate) fn begins(&self, timing: Timing) -> RecordId {
        RecordId::from_parts(self.setup.created_ms().saturating_sub(timing.clock_error_ms), [0; 10])
    }

    /// The account with another certificate, and what puts it in force. The one before, with its secret, is let go of.
    pub(crate) fn install(&self, installed: &Installed) -> (Self, Batch) {
        let installed = Installed { setup: Some(self.setup), ..installed.clone() };
        let serial = installed.certificate.unverified().serial;
        let mut batch = Batch::new();
        batch.put(keys::own_certificate(serial), stored::json(&installed));
        let before = self.certificate.unverified().serial;
        batch.delete(keys::own_certificate(before));
        batch.delete(keys::progress(before));
        let mut account = Self { certificate: installed.certificate, ..self.clone() };
        if let Ok(key) = installed.deployment_secret.parse() {
            account.deployment_key = key;
        }
        account.progress = (account.key() != self.key() || self.progress.is_some()).then(Progress::default);
        (account, batch)
    }

    /// How far signing again has come; `None` while the key is the first one.
    pub(crate) fn progress(&self) -> Option<Progress> {
        self.progress.clone()
    }

    /// Whether posts are yet to be signed again.
    #[must_use]
    pub fn has_to_sign_again(&self) -> bool {
        self.progress.as_ref().is_some_and(|progress| !progress.done)
    }

    pub(crate) fn note_progress(&self, progress: &Progress, batch: &mut Batch) {
        batch.put(keys::progress(self.certificate.unverified().serial), stored::json(progress));
    }

    /// The public deployment key.
    #[must_use]
    pub fn key(&self) -> PublicKey {
        self.certificate.unverified().key
    }

    /// Replaces the way of signing in.
    #[must_use]
    pub fn change_access(&self, access: Access) -> Batch {
        let mut batch = Batch::new();
        batch.put(keys::access(), stored::json(&AccessRecord { setup: self.setup, access }));
        batch
    }

    /// Identity, deployment key and address, signed by the identity.
    #[must_use]
    pub fn certificate(&self) -> &Signed<Certificate> {
        &self.certificate
    }

    /// The owner's identity.
    #[must_use]
    pub fn identity(&self) -> PublicKey {
        self.certificate.unverified().identity
    }

    /// The fingerprint of the owner's identity.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        self.identity().fingerprint()
    }

    /// The address that friends know.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.certificate.unverified().address
    }

    /// The secret that signs requests and records.
    #[must_use]
    pub fn deployment_key(&self) -> &Seed {
        &self.deployment_key
    }
}
