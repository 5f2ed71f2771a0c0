//! Certificates: the one thing an identity signs.

use crate::address::Address;
use crate::keys::{Fingerprint, PublicKey, Seed};
use crate::limits::MAX_SAFE_INTEGER;
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
        let certificate = Self { identity: identity.public_key(), key, address, serial };
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
}
