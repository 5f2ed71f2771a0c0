//! Invitations: links by which somebody lets others befriend them at once.
//!
//! The secret stands in the fragment (RFC 3986 section 3.5), which browsers send to nobody: not to the deployment that the
//! link leads to, and not in a `Referer`.

use crate::address::{Address, AddressError};
use crate::encoding::BASE64URL_NOPAD;
use crate::keys::{Fingerprint, KeyError};
use crate::limits::INVITATION_TOKEN_BYTES;
use sha2::{Digest, Sha256};
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// What the fragment of an invitation begins with.
const MARK: &str = "#invite=";

/// Why a text is no invitation.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum InvitationError {
    /// The part before the fragment is no address.
    #[error("leads to an address that {0}")]
    Address(#[from] AddressError),
    /// The part after `#invite=` is not whole.
    #[error("is not whole: copy the link again, to its very end")]
    Broken,
}

/// The secret of an invitation. On the wire: base64url without padding, 22 characters. Deployments keep its hash alone.
#[derive(Clone, PartialEq, Eq)]
pub struct InvitationToken([u8; INVITATION_TOKEN_BYTES]);

impl InvitationToken {
    /// Takes random bytes, fit for secrets.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; INVITATION_TOKEN_BYTES]) -> Self {
        Self(bytes)
    }

    /// What the deployment that gave it out knows it by: base64url of SHA-256 over its bytes, 43 characters.
    #[must_use]
    pub fn hash(&self) -> String {
        BASE64URL_NOPAD.encode(&Sha256::digest(self.0))
    }

    /// The text that goes over the wire.
    #[must_use]
    pub fn expose_text(&self) -> String {
        BASE64URL_NOPAD.encode(&self.0)
    }
}

impl FromStr for InvitationToken {
    type Err = KeyError;
    fn from_str(text: &str) -> Result<Self, KeyError> {
        let bytes = BASE64URL_NOPAD
            .decode(text.as_bytes())
            .map_err(|_| KeyError::Encoding { expected: "base64url without padding" })?;
        let got = bytes.len();
        bytes.try_into().map(Self).map_err(|_| KeyError::Length { got, expected: INVITATION_TOKEN_BYTES })
    }
}

/// Secrets do not end up in logs.
impl fmt::Debug for InvitationToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InvitationToken(..)")
    }
}

impl serde::Serialize for InvitationToken {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.expose_text())
    }
}

impl<'de> serde::Deserialize<'de> for InvitationToken {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text: std::borrow::Cow<'de, str> = serde::Deserialize::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// An invitation: `https://bob.example/#invite=<fingerprint>.<token>`.
#[derive(Clone, PartialEq, Eq)]
pub struct Invitation {
    /// Where the one who invites is.
    pub address: Address,
    /// Who they are, so that nobody else can stand in for them at that address.
    pub inviter: Fingerprint,
    /// The secret.
    pub token: InvitationToken,
}

impl Invitation {
    /// Whether somebody typed an invitation, however broken, rather than an address.
    #[must_use]
    pub fn is_meant(typed: &str) -> bool {
        typed.contains(MARK)
    }

    /// Takes a link as people paste it: with or without scheme, with white space around it.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn from_typed(typed: &str) -> Result<Self, InvitationError> {
        let (place, secret) = typed.trim().split_once(MARK).ok_or(InvitationError::Broken)?;
        let (inviter, token) = secret.split_once('.').ok_or(InvitationError::Broken)?;
        Ok(Self {
            address: Address::from_page(place)?,
            inviter: inviter.parse().map_err(|_| InvitationError::Broken)?,
            token: token.parse().map_err(|_| InvitationError::Broken)?,
        })
    }
}

impl fmt::Debug for Invitation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Invitation({} at {})", self.inviter, self.address)
    }
}

/// The link. Whoever has it can use it, so it is shown to the owner and stored nowhere.
impl fmt::Display for Invitation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{MARK}{}.{}", self.address, self.inviter, self.token.expose_text())
    }
}

impl FromStr for Invitation {
    type Err = InvitationError;
    fn from_str(text: &str) -> Result<Self, InvitationError> {
        Self::from_typed(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::Seed;

    fn invitation() -> Invitation {
        Invitation {
            address: "https://bob.example".parse().unwrap(),
            inviter: Seed::from_bytes([3; 32]).public_key().fingerprint(),
            token: InvitationToken::from_bytes([7; 16]),
        }
    }

    #[test]
    fn a_link_is_taken_as_people_paste_it() {
        let link = invitation().to_string();
        assert!(link.starts_with("https://bob.example/#invite="), "{link}");
        let bare = link.trim_start_matches("https://").to_owned();
        for typed in [&link, &format!(" {link}\n"), &bare, &link.replace("bob.example/", "BOB.example")] {
            assert_eq!(Invitation::from_typed(typed).unwrap(), invitation(), "{typed}");
            assert!(Invitation::is_meant(typed));
        }
    }

    #[test]
    fn a_link_that_was_cut_short_or_altered_is_refused() {
        let link = invitation().to_string();
        for length in link.find('=').unwrap()..link.len() {
            assert_eq!(Invitation::from_typed(&link[..length]), Err(InvitationError::Broken), "{length}");
        }
        assert_eq!(Invitation::from_typed(&format!("{link}x")), Err(InvitationError::Broken));
        assert!(Invitation::from_typed(&link.replace("https", "http")).is_err());
        assert!(!Invitation::is_meant("https://bob.example/"));
    }

    #[test]
    fn the_token_shows_in_no_log_and_has_one_spelling() {
        let token = InvitationToken::from_bytes([7; 16]);
        assert!(!format!("{token:?} {:?}", invitation()).contains(&token.expose_text()));
        assert_eq!(token.expose_text().parse::<InvitationToken>().unwrap(), token);
        assert!("BwcHBwcHBwcHBwcHBwcHBx".parse::<InvitationToken>().is_err());
        assert_eq!(token.hash().len(), 43);
    }
}
