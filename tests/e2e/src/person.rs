//! People: the keys that only their own client and their deployment have.

use std::time::{SystemTime, UNIX_EPOCH};
use tidings_protocol::{Address, Certificate, Fingerprint, PublicKey, Seed, Signed};

/// Somebody with an identity and a deployment key.
#[derive(Debug, Clone)]
pub struct Person {
    /// How they are called.
    pub name: String,
    /// Their identity.
    pub identity: Seed,
    /// The key of their deployment.
    pub key: Seed,
}

impl Person {
    /// Somebody new.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), identity: new_seed(), key: new_seed() }
    }

    /// The same person with another deployment key.
    #[must_use]
    pub fn with_new_key(&self) -> Self {
        Self { key: new_seed(), ..self.clone() }
    }

    /// The public key of their identity.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        self.identity.public_key()
    }

    /// The fingerprint of their identity.
    #[must_use]
    pub fn id(&self) -> Fingerprint {
        self.public_key().fingerprint()
    }

    /// Their signed word that their deployment key serves them at an address.
    #[must_use]
    pub fn certificate(&self, address: &Address, serial: u64) -> Signed<Certificate> {
        Certificate::issue(&self.identity, self.key.public_key(), address.clone(), serial).unwrap()
    }
}

fn new_seed() -> Seed {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).expect("this machine has a random source");
    Seed::from_bytes(bytes)
}

/// Unix milliseconds.
#[must_use]
pub fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is right");
    u64::try_from(since.as_millis()).expect("the clock is right")
}
