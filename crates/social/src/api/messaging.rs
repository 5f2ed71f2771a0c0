//! Private messages and conversations.

use super::{OwedView, Person};
use crate::spliced::Spliced;
use serde::{Deserialize, Serialize};
use tidings_protocol::{Body, RecordId};

/// A private message to write, or another edition of one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewMessage {
    /// 1 to 5,000 characters.
    pub text: String,
}

/// How far a message of the owner's has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum MessageState {
    /// It is here, and goes to its receiver as soon as they can be reached.
    Waiting,
    /// Their deployment was given it, in this edition.
    Delivered,
    /// They say that they have read it.
    Read,
    /// They could not be reached for 30 days. It is still tried.
    Failed,
}

/// A private message as the owner sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MessageView {
    /// Its id; unique among those of one author in one conversation.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub id: RecordId,
    /// Whether the owner wrote it.
    pub mine: bool,
    /// When it was written.
    pub created_ms: u64,
    /// When it was edited last; null if it never was.
    pub edited_ms: Option<u64>,
    /// What it says; null once it was withdrawn.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Body>))]
    pub body: Option<Spliced<Body>>,
    /// How far it has come; null for those of the other one, and for the owner's own once they are no friends any more.
    pub state: Option<MessageState>,
}

impl MessageView {
    /// Its text, if it has one that this version understands.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        self.body.as_ref()?.read().ok()?.text
    }
}

/// What came of the owner's last wish to have a conversation cleared on both sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ClearingView {
    /// When the owner wished it.
    pub since_ms: u64,
    /// Whether the other one kept their copy all the same; null before they answered.
    pub kept: Option<bool>,
}

/// A page of a conversation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ConversationPage {
    /// Messages, newest first.
    pub messages: Vec<MessageView>,
    /// The value of `before` for the next page; null on the last one.
    pub next: Option<String>,
    /// With whom.
    pub friend: Person,
    /// Whether they are a friend, so that something can be written to them.
    pub can_write: bool,
    /// How many of their messages the owner has not read, up to 100.
    pub unread: u32,
    /// That they could not be told of something, or have not come for it yet; null otherwise.
    pub owed: Option<OwedView>,
    /// What came of the owner's last wish to clear it for both; null if there never was one.
    pub clearing: Option<ClearingView>,
}

/// The last message of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LastMessage {
    /// Its id.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub id: RecordId,
    /// Whether the owner wrote it.
    pub mine: bool,
    /// When it was written.
    pub created_ms: u64,
    /// Its first 120 characters; null if it was withdrawn, or has none that this version understands.
    pub text: Option<String>,
}

/// One conversation in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ConversationView {
    /// With whom.
    pub friend: Person,
    /// Whether they are a friend, so that something can be written to them.
    pub can_write: bool,
    /// How many of their messages the owner has not read, up to 100.
    pub unread: u32,
    /// The last message.
    pub last: Option<LastMessage>,
}

/// A page of conversations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ConversationList {
    /// Conversations, the one with the latest message first.
    pub conversations: Vec<ConversationView>,
    /// The value of `before` for the next page; null on the last one.
    pub next: Option<String>,
}

/// Up to which message the owner has read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ReadThrough {
    /// The last message of theirs that was read; all before it count as read too.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub through: RecordId,
}

/// For whom a conversation is cleared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ClearFor {
    /// For the owner alone.
    Me,
    /// For the other one too, who may choose to keep their copy.
    Both,
}

/// A wish to clear a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ClearRequest {
    /// For whom.
    #[serde(rename = "for")]
    pub clear_for: ClearFor,
}
