//! The golden vectors in `tests/vectors/`, which every implementation of the protocol has to reproduce. The frontend's
//! own tests check the same files.

#![allow(clippy::unwrap_used)] // A vector that is not there or not whole fails the test, which is what it is for.

use serde_json::Value;
use tidings_protocol::{Address, Certificate, Seed, Signed, recovery};

fn seed(vector: &Value, member: &str) -> Seed {
    let bytes = data_encoding::HEXLOWER.decode(vector[member].as_str().unwrap().as_bytes()).unwrap();
    Seed::from_bytes(bytes.try_into().unwrap())
}

#[test]
fn reproduces_the_certificate_vector() {
    let vector: Value =
        serde_json::from_str(include_str!("../../../tests/vectors/certificate-v1.json")).unwrap();
    let identity = seed(&vector, "seed_hex");
    let words = vector["words"].as_str().unwrap();
    assert_eq!(recovery::words(&identity).unwrap(), words);
    assert_eq!(recovery::seed(words).unwrap().expose(), identity.expose());

    let key = seed(&vector, "deployment_secret_hex").public_key();
    let address: Address = vector["address"].as_str().unwrap().parse().unwrap();
    let serial = vector["serial"].as_u64().unwrap();
    let issued = Certificate::issue(&identity, key, address, serial).unwrap();
    assert_eq!(serde_json::to_value(&issued).unwrap(), vector["certificate"]);

    let read: Signed<Certificate> = serde_json::from_value(vector["certificate"].clone()).unwrap();
    let certificate = read.verify_certificate().unwrap();
    assert_eq!(certificate.fingerprint().to_string(), vector["fingerprint"].as_str().unwrap());
}
