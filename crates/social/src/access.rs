//! Who may act as the owner: passwords and sessions.

use crate::limits::{PASSWORD_CHARS_LEAST, PASSWORD_CHARS_MOST, SESSION_MS};
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use thiserror::Error;

/// The user name of HTTP Basic. A deployment has one owner, so there is one name.
pub const USER_NAME: &str = "admin";

/// The password that works on loopback before a deployment without `owner_password` is set up.
pub const DEFAULT_PASSWORD: &str = "password";

/// Why a password cannot be chosen.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PasswordError {
    /// Too short or too long.
    #[error(
        "the password has {got} characters, it needs at least {PASSWORD_CHARS_LEAST} and at most {PASSWORD_CHARS_MOST}"
    )]
    Length {
        /// Unicode scalar values found.
        got: usize,
    },
    /// The password everybody knows.
    #[error("the password is the default one that everybody knows: choose another")]
    Default,
    /// The hash could not be computed.
    #[error("the password could not be hashed")]
    Hash,
}

/// What is kept of the owner's password.
///
/// The password is hashed with Argon2id (RFC 9106) under the variable `owner_password` as a pepper, so a password
/// stops working when the variable is changed: that is how a lost one is reset.
#[derive(Clone, Serialize, Deserialize)]
pub struct Access {
    /// Argon2id of HMAC-SHA256(variable, password), as a PHC string.
    password: String,
    /// Argon2id of the variable at the time; absent if there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    variable: Option<String>,
    /// Signs sessions; a new one with every password, which ends all sessions. Base64url of 32 bytes.
    session_secret: String,
}

impl Access {
    /// Hashes a new password under the current variable.
    ///
    /// # Errors
    /// When the password is not acceptable.
    pub fn new(password: &str, variable: Option<&str>, random: &AccessRandom) -> Result<Self, PasswordError> {
        let got = password.chars().count();
        if !(PASSWORD_CHARS_LEAST..=PASSWORD_CHARS_MOST).contains(&got) {
            return Err(PasswordError::Length { got });
        }
        if password == DEFAULT_PASSWORD {
            return Err(PasswordError::Default);
        }
        Ok(Self {
            password: hash(&peppered(variable, password), &random.password_salt)?,
            variable: variable.map(|v| hash(v.as_bytes(), &random.variable_salt)).transpose()?,
            session_secret: BASE64URL_NOPAD.encode(&random.session_secret),
        })
    }

    /// Whether `password` signs the owner in, given the variable `owner_password` of now.
    #[must_use]
    pub fn check(&self, password: &str, variable: Option<&str>) -> PasswordCheck {
        if password.chars().count() > PASSWORD_CHARS_MOST {
            return PasswordCheck::Wrong;
        }
        if verify(&peppered(variable, password), &self.password) {
            return PasswordCheck::Right;
        }
        match variable {
            Some(variable) if same(variable, password) && !self.made_under(variable) => PasswordCheck::Reset,
            _ => PasswordCheck::Wrong,
        }
    }

    /// Whether the password was chosen while the variable had this value.
    fn made_under(&self, variable: &str) -> bool {
        self.variable.as_ref().is_some_and(|hash| verify(variable.as_bytes(), hash))
    }

    /// A session token that is valid for [`SESSION_MS`] from now.
    #[must_use]
    pub fn session(&self, now_ms: u64) -> String {
        let expires_ms = now_ms.saturating_add(SESSION_MS);
        format!("{expires_ms}.{}", BASE64URL_NOPAD.encode(&self.session_mac(expires_ms)))
    }

    /// Whether a session token was given by this deployment, under the password of now, and has not expired.
    #[must_use]
    pub fn check_session(&self, token: &str, now_ms: u64) -> bool {
        let Some((expires, mac)) = token.split_once('.') else { return false };
        let (Ok(expires_ms), Ok(mac)) = (expires.parse::<u64>(), BASE64URL_NOPAD.decode(mac.as_bytes()))
        else {
            return false;
        };
        expires_ms > now_ms && bool::from(mac.ct_eq(&self.session_mac(expires_ms)))
    }

    /// The label of watches that sessions under this password rest on (see [`crate::polling`]).
    pub(crate) fn watch_label(&self) -> String {
        HEXLOWER.encode(&mac(self.session_secret.as_bytes(), b"watch label")[..8])
    }

    /// The key that binds tags to sessions while a watch stands.
    pub(crate) fn watch_key(&self, watch: &str) -> [u8; 32] {
        mac(self.session_secret.as_bytes(), format!("watch {watch}").as_bytes())
    }

    /// Binds a text to a [watch's key](Self::watch_key).
    pub(crate) fn seal(key: &str, text: &str) -> [u8; 32] {
        mac(key.as_bytes(), text.as_bytes())
    }

    fn session_mac(&self, expires_ms: u64) -> [u8; 32] {
        mac(self.session_secret.as_bytes(), format!("session {expires_ms}").as_bytes())
    }
}

/// When a session token says that it expires. Proves nothing: see [`Access::check_session`].
pub(crate) fn session_expires_ms(token: &str) -> Option<u64> {
    token.split_once('.')?.0.parse().ok()
}

impl std::fmt::Debug for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Access(secret)")
    }
}

/// The random bytes that a new password needs.
#[derive(Clone)]
pub struct AccessRandom {
    /// Salt of the password's hash.
    pub password_salt: [u8; 16],
    /// Salt of the variable's hash.
    pub variable_salt: [u8; 16],
    /// Signs the sessions.
    pub session_secret: [u8; 32],
}

/// What a password is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordCheck {
    /// It is the owner's.
    Right,
    /// It is the value to which `owner_password` was changed after the owner's password was chosen.
    Reset,
    /// Neither.
    Wrong,
}

/// Whether `password` is the first one of a deployment that nobody has set up: the variable, or on loopback without
/// a variable the default.
#[must_use]
pub fn check_first_password(password: &str, variable: Option<&str>, loopback: bool) -> bool {
    match variable {
        Some(variable) => same(variable, password),
        None => loopback && same(DEFAULT_PASSWORD, password),
    }
}

fn same(a: &str, b: &str) -> bool {
    a.as_bytes().ct_eq(b.as_bytes()).into()
}

fn peppered(variable: Option<&str>, password: &str) -> [u8; 32] {
    mac(variable.unwrap_or_default().as_bytes(), password.as_bytes())
}

/// HMAC-SHA-256 (RFC 2104).
pub(crate) fn mac(key: &[u8], message: &[u8]) -> [u8; 32] {
    #[allow(clippy::expect_used)] // HMAC takes keys of any length (RFC 2104 section 2).
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes any key");
    mac.update(message);
    mac.finalize().into_bytes().into()
}

/// Argon2id with 19 MiB, two passes, one lane: the second choice of RFC 9106 scaled to small machines, as OWASP's
/// password storage cheat sheet recommends; a component may use 128 MiB in all.
fn hasher() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::default())
}

fn hash(secret: &[u8], salt: &[u8; 16]) -> Result<String, PasswordError> {
    hasher()
        .hash_password_with_salt(secret, salt)
        .map(|hash| hash.to_string())
        .map_err(|_| PasswordError::Hash)
}

fn verify(secret: &[u8], hash: &str) -> bool {
    hasher().verify_password(secret, hash).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RANDOM: AccessRandom =
        AccessRandom { password_salt: [1; 16], variable_salt: [2; 16], session_secret: [3; 32] };

    #[test]
    fn the_chosen_password_is_right_and_others_are_wrong() {
        let access = Access::new("correct horse", None, &RANDOM).unwrap();
        assert_eq!(access.check("correct horse", None), PasswordCheck::Right);
        assert_eq!(access.check("correct horsf", None), PasswordCheck::Wrong);
        assert_eq!(access.check(DEFAULT_PASSWORD, None), PasswordCheck::Wrong);
        assert!(access.password.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
    }

    #[test]
    fn the_variable_signs_in_again_only_after_it_was_changed() {
        let access = Access::new("correct horse", Some("from-deploy"), &RANDOM).unwrap();
        assert_eq!(access.check("correct horse", Some("from-deploy")), PasswordCheck::Right);
        assert_eq!(access.check("from-deploy", Some("from-deploy")), PasswordCheck::Wrong);
        assert_eq!(access.check("changed", Some("changed")), PasswordCheck::Reset);
        assert_eq!(access.check("correct horse", Some("changed")), PasswordCheck::Wrong);
        assert_eq!(access.check("", None), PasswordCheck::Wrong);
    }

    #[test]
    fn refuses_passwords_that_are_short_long_or_known_to_everybody() {
        assert_eq!(Access::new("seven77", None, &RANDOM).unwrap_err(), PasswordError::Length { got: 7 });
        let long = "x".repeat(PASSWORD_CHARS_MOST + 1);
        assert_eq!(Access::new(&long, None, &RANDOM).unwrap_err(), PasswordError::Length { got: 201 });
        assert_eq!(Access::new(DEFAULT_PASSWORD, None, &RANDOM).unwrap_err(), PasswordError::Default);
    }

    #[test]
    fn the_first_password_is_the_variable_or_on_loopback_the_default() {
        assert!(check_first_password("password", None, true));
        assert!(!check_first_password("password", None, false));
        assert!(!check_first_password("password", Some("other"), true));
        assert!(check_first_password("other", Some("other"), false));
    }

    #[test]
    fn a_session_ends_with_its_time_with_the_password_and_with_any_alteration() {
        let access = Access::new("correct horse", None, &RANDOM).unwrap();
        let token = access.session(1_000);
        assert!(access.check_session(&token, 1_000));
        assert!(!access.check_session(&token, 1_000 + SESSION_MS));
        let later = token.replacen("2592001000", "2592001001", 1);
        assert_ne!(later, token);
        assert!(!access.check_session(&later, 1_000));
        let random = AccessRandom { session_secret: [4; 32], ..RANDOM };
        assert!(!Access::new("correct horse", None, &random).unwrap().check_session(&token, 1_000));
        for nonsense in ["", ".", "1.", "x.y", "99999999999999999999999.AAAA"] {
            assert!(!access.check_session(nonsense, 0), "{nonsense}");
        }
    }
}
