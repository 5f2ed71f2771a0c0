//! Private messages: what one person writes to one other, and what the two tell each other about it.

use crate::keys::{Fingerprint, PublicKey};
use crate::record::Body;
use crate::record_id::RecordId;
use crate::signed::{DeploymentDocument, Document};
use serde::{Deserialize, Serialize};

/// A private message, signed by its author's deployment key. Only its receiver is ever given it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// Its id, which tells when it was made; of one author's messages to one receiver the later has the greater.
    pub id: RecordId,
    /// The identity of its author.
    pub author: PublicKey,
    /// The deployment key that signed it.
    pub key: PublicKey,
    /// Whom it is for: nobody can pass it off as written to somebody else.
    pub to: Fingerprint,
    /// What it says.
    pub body: Body,
    /// When it was edited last, in unix milliseconds. Of two editions the greater one counts; one without is the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited_ms: Option<u64>,
}

impl Document for Message {
    const TYPE: &'static str = "tidings/message/v1";
}

impl DeploymentDocument for Message {
    const KEY_MEMBER: Option<&'static str> = Some("key");
}

/// A wish to have a conversation cleared on both sides, or what was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cleared {
    /// Names the wish; it tells when it was made.
    pub id: RecordId,
    /// The last message by the one who wishes that is to go; absent for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub written: Option<RecordId>,
    /// The last message by the other one that is to go; absent for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub received: Option<RecordId>,
}

/// What became of the other one's wish to have a conversation cleared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clearing {
    /// Which wish.
    pub id: RecordId,
    /// Whether the messages were kept all the same.
    pub kept: bool,
}
