//! What one person says about being friends with another.

use crate::keys::{Fingerprint, PublicKey};
use crate::limits::{GREETING_BYTES, GREETING_CHARS, MAX_SAFE_INTEGER, NAME_CHARS};
use crate::signed::{DeploymentDocument, Document};
use crate::text::{TextError, check_bytes, check_optional_text, check_text};
use serde::{Deserialize, Serialize};

/// Whether one wants to be friends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stance {
    /// Wants it: a request, or the acceptance of one. Two of the same generation make a friendship.
    Wanted,
    /// Does not want it (any more): a cancelled or declined request, or an ended friendship.
    Ended,
}

/// The place of a stance among those of one person towards another: the greatest counts, however often and in
/// whatever order they arrive. It also holds all that the state of a friendship depends on.
///
/// The order of the members is the order of what counts: inside a generation an end comes after everything else, whatever
/// its sequence. So what is over stays over, also for somebody whose deployment could not see its own last word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StanceOrder {
    /// Counts the attempts at a friendship between two people.
    pub generation: u64,
    /// Whether it says that it is over.
    pub ended: bool,
    /// Counts one person's stances inside a generation.
    pub sequence: u64,
}

/// One person's current stance towards another. Of two by the same person to the same other, the one with the greater
/// [`StanceOrder`] counts and the other is ignored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Friendship {
    /// Who says it: an identity.
    pub from: PublicKey,
    /// To whom: the fingerprint of an identity.
    pub to: Fingerprint,
    /// Counts the attempts at a friendship between the two; both sides of one friendship have the same.
    pub generation: u64,
    /// Counts one person's messages inside a generation.
    pub sequence: u64,
    /// What is said.
    pub stance: Stance,
    /// The sender's name, for the screen of somebody who does not know them yet.
    pub name: String,
    /// A word to a stranger; only with a request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub greeting: Option<String>,
    /// When it was said, in unix milliseconds of the sender's clock.
    pub created_ms: u64,
}

impl Document for Friendship {
    const TYPE: &'static str = "tidings/friendship/v1";
}

impl DeploymentDocument for Friendship {
    const KEY_MEMBER: Option<&'static str> = None;
}

impl Friendship {
    /// Its place in the order of one person's stances towards another.
    #[must_use]
    pub fn order(&self) -> StanceOrder {
        let Self { generation, sequence, stance, .. } = *self;
        StanceOrder { generation, ended: stance == Stance::Ended, sequence }
    }

    /// Checks the texts and numbers.
    ///
    /// # Errors
    /// The first rule that is broken, as (member, reason).
    pub fn check(&self) -> Result<(), (&'static str, TextError)> {
        check_text(&self.name, NAME_CHARS, false).map_err(|e| ("name", e))?;
        if let Some(greeting) = &self.greeting {
            check_optional_text(greeting, GREETING_CHARS, true).map_err(|e| ("greeting", e))?;
            check_bytes(greeting, GREETING_BYTES).map_err(|e| ("greeting", e))?;
        }
        Ok(())
    }

    /// Whether its numbers are ones that every implementation can carry and that leave room to go on.
    #[must_use]
    pub fn numbers_in_range(&self) -> bool {
        let room = 1..=MAX_SAFE_INTEGER / 2;
        room.contains(&self.generation)
            && room.contains(&self.sequence)
            && self.created_ms <= MAX_SAFE_INTEGER
    }
}
