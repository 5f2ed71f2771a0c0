//! The account: whom this deployment serves.

use crate::access::Access;
use crate::keys;
use crate::stored;
use serde::{Deserialize, Serialize};
use tidings_ledger::{Batch, Direction, KeyValue, LedgerError, Range, View};
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

/// The owner of a deployment that is set up.
#[derive(Debug, Clone)]
pub struct Account {
    setup: RecordId,
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
                deployment_key: record.deployment_secret.parse().ok()?,
                certificate: record.certificate,
                access: record.access,
            })
        }) else {
            return Ok(None);
        };
        let chosen: Option<AccessRecord> = stored::load(view, &keys::access()).await?;
        Ok(Some(match chosen {
            Some(chosen) if chosen.setup == account.setup => Self { access: chosen.access, ..account },
            _ => account,
        }))
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
