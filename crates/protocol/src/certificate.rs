//! Certificates: the one thing an identity signs.

use crate::absent;
use crate::address::Address;
use crate::keys::{Fingerprint, PublicKey, Seed};
use crate::limits::{MAX_SAFE_INTEGER, REVOKED_KEYS};
use crate::signed::{Document, Signed, SignedError};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Why a certificate is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CertificateError {
    /// Form or signature.
    #[error("certificate: {0}")]
    Signed(#[from] SignedError),
    /// A serial that not every JSON implementation can carry.
    #[error("certificate: serial {got} is above {MAX_SAFE_INTEGER}")]
    Serial {
        /// The serial found.
        got: u64,
    },
    /// Identity and deployment key are the same, so a stolen host would be a stolen identity.
    #[error("certificate: identity and deployment key must differ")]
    SameKey,
    /// More revoked keys than a certificate may list.
    #[error("certificate: revokes {got} keys, at most {REVOKED_KEYS} are allowed")]
    TooManyRevoked {
        /// Keys found.
        got: usize,
    },
    /// A list of revoked keys with one twice, or with the identity or the deployment key of the certificate itself.
    #[error("certificate: `revoked` has to list other deployment keys, each once")]
    Revoked,
}

/// "I, this identity, am served by the holder of this deployment key, at this address." The greater serial wins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// The person: the key whose secret only the owner's client has.
    pub identity: PublicKey,
    /// The deployment key: signs requests and records, lives in the deployment's store.
    pub key: PublicKey,
    /// Where the deployment is.
    pub address: Address,
    /// The greater of unix milliseconds and the last serial plus one.
    pub serial: u64,
    /// Deployment keys of this identity that somebody else may have: none of them will ever count again. At most
    /// [`REVOKED_KEYS`]; each later certificate has to list them too.
    #[serde(default, deserialize_with = "absent::or_default", skip_serializing_if = "Vec::is_empty")]
    pub revoked: Vec<PublicKey>,
}

impl Document for Certificate {
    const TYPE: &'static str = "tidings/certificate/v1";
}

impl Certificate {
    /// Signs a certificate with the identity's seed, for a deployment key and an address.
    ///
    /// # Errors
    /// As for [`Signed::<Certificate>::verify_certificate`].
    pub fn issue(
        identity: &Seed,
        key: PublicKey,
        address: Address,
        serial: u64,
    ) -> Result<Signed<Self>, CertificateError> {
        Self::issue_revoking(identity, key, address, serial, Vec::new())
    }

    /// The same, and declares deployment keys stolen.
    ///
    /// # Errors
    /// As for [`Signed::<Certificate>::verify_certificate`].
    pub fn issue_revoking(
        identity: &Seed,
        key: PublicKey,
        address: Address,
        serial: u64,
        revoked: Vec<PublicKey>,
    ) -> Result<Signed<Self>, CertificateError> {
        let certificate = Self { identity: identity.public_key(), key, address, serial, revoked };
        certificate.check()?;
        Ok(Signed::sign(certificate, identity)?)
    }

    /// The fingerprint of the identity.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        self.identity.fingerprint()
    }

    fn check(&self) -> Result<(), CertificateError> {
        if self.serial > MAX_SAFE_INTEGER {
            return Err(CertificateError::Serial { got: self.serial });
        }
        if self.identity == self.key {
            return Err(CertificateError::SameKey);
        }
        if self.revoked.len() > REVOKED_KEYS {
            return Err(CertificateError::TooManyRevoked { got: self.revoked.len() });
        }
        let is_out_of_place = |(place, key): (usize, &PublicKey)| {
            *key == self.key || *key == self.identity || self.revoked.iter().take(place).any(|k| k == key)
        };
        if self.revoked.iter().enumerate().any(is_out_of_place) {
            return Err(CertificateError::Revoked);
        }
        Ok(())
    }
}

impl Signed<Certificate> {
    /// The certificate, once its own identity is known to have signed it.
    ///
    /// # Errors
    /// Says which of its rules it breaks.
    pub fn verify_certificate(&self) -> Result<&Certificate, CertificateError> {
        let certificate = self.verify(&self.unverified().identity)?;
        certificate.check()?;
        Ok(certificate)
    }
}

/// How a certificate stands to another one of the same person, which is known already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// They say the same.
    Same,
    /// It replaces the known one.
    Newer,
    /// The known one has replaced it, or revoked its key.
    Superseded,
    /// Another one of the same serial, or of another identity: whoever signs has signed twice, or somebody else signs.
    Conflicting,
}

impl Signed<Certificate> {
    /// How `self`, which came, stands to `known`. Both are verified.
    #[must_use]
    pub fn standing(&self, known: &Self) -> Standing {
        let (came, known_content) = (self.unverified(), known.unverified());
        if came.identity != known_content.identity {
            return Standing::Conflicting;
        }
        match came.serial.cmp(&known_content.serial) {
            std::cmp::Ordering::Less => Standing::Superseded,
            std::cmp::Ordering::Greater if known_content.revoked.contains(&came.key) => Standing::Superseded,
            std::cmp::Ordering::Greater => Standing::Newer,
            std::cmp::Ordering::Equal if self.says_the_same(known) => Standing::Same,
            std::cmp::Ordering::Equal => Standing::Conflicting,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issued_certificate_verifies_and_an_altered_one_does_not() {
        let identity = Seed::from_bytes([1; 32]);
        let key = Seed::from_bytes([2; 32]).public_key();
        let address: Address = "https://bob.example".parse().unwrap();
        let certificate = Certificate::issue(&identity, key, address, 17).unwrap();
        assert_eq!(certificate.verify_certificate().unwrap().serial, 17);
        let altered = certificate.to_json().replace("bob.example", "eve.example");
        let altered: Signed<Certificate> = serde_json::from_str(&altered).unwrap();
        assert!(altered.verify_certificate().is_err());
    }

    #[test]
    fn refuses_one_key_for_both_uses_and_a_serial_that_json_cannot_carry() {
        let identity = Seed::from_bytes([1; 32]);
        let address: Address = "https://bob.example".parse().unwrap();
        let same = Certificate::issue(&identity, identity.public_key(), address.clone(), 1);
        assert_eq!(same.unwrap_err(), CertificateError::SameKey);
        let key = Seed::from_bytes([2; 32]).public_key();
        let serial = Certificate::issue(&identity, key, address, MAX_SAFE_INTEGER + 1);
        assert!(matches!(serial, Err(CertificateError::Serial { .. })));
    }

    fn revoking(serial: u64, key: u8, revoked: &[u8]) -> Result<Signed<Certificate>, CertificateError> {
        let public = |n: &u8| Seed::from_bytes([*n; 32]).public_key();
        let (identity, address) = (Seed::from_bytes([1; 32]), "https://bob.example".parse().unwrap());
        let revoked = revoked.iter().map(public).collect();
        Certificate::issue_revoking(&identity, public(&key), address, serial, revoked)
    }

    #[test]
    fn revokes_other_keys_each_once_and_not_too_many() {
        assert!(revoking(1, 2, &[3, 4]).unwrap().verify_certificate().is_ok());
        for revoked in [&[2][..], &[1], &[3, 3]] {
            assert_eq!(revoking(1, 2, revoked).unwrap_err(), CertificateError::Revoked);
        }
        let many: Vec<u8> = (10..10 + REVOKED_KEYS as u8 + 1).collect();
        assert_eq!(revoking(1, 2, &many).unwrap_err(), CertificateError::TooManyRevoked { got: 9 });
        assert!(!revoking(1, 2, &[]).unwrap().to_json().contains("revoked"));
    }

    #[test]
    fn the_greater_serial_replaces_and_a_revoked_key_never_comes_back() {
        let of = |serial, key, revoked: &[u8]| revoking(serial, key, revoked).unwrap();
        let known = of(5, 2, &[3]);
        assert_eq!(known.standing(&known), Standing::Same);
        assert_eq!(of(6, 4, &[3]).standing(&known), Standing::Newer);
        assert_eq!(of(6, 2, &[]).standing(&known), Standing::Newer);
        assert_eq!(of(4, 4, &[]).standing(&known), Standing::Superseded);
        assert_eq!(of(6, 3, &[]).standing(&known), Standing::Superseded);
        assert_eq!(of(5, 4, &[3]).standing(&known), Standing::Conflicting);
    }
}
