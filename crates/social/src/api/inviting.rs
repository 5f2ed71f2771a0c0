//! Who may ask to be friends, and invitations.

use super::Person;
use serde::{Deserialize, Serialize};

/// Whose friend requests are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum WhoMayAsk {
    /// Anybody's.
    #[default]
    Anyone,
    /// Those of people with an invitation, who are friends at once.
    Invited,
}

/// What the owner chose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Settings {
    /// Whose friend requests are taken.
    pub who_may_ask: WhoMayAsk,
    /// How many of friends' posts are kept, the newest: 1,000 to 100,000; 20,000 by default.
    pub feed_posts: u32,
    /// For how many days they are kept: 7 to 3,650, or 0 for as long as there are not too many.
    pub feed_days: u32,
    /// Whether friends are told how far the owner has read what they wrote; true by default.
    pub read_marks: bool,
    /// Whether the owner's copy of a conversation stays when a friend clears it for both; false by default. They are told.
    pub keep_my_copy: bool,
}

/// A change of settings: members that are left out stay as they are.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SettingsChange {
    /// Whose friend requests are taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who_may_ask: Option<WhoMayAsk>,
    /// How many of friends' posts are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub feed_posts: Option<u32>,
    /// For how many days they are kept; 0 without end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub feed_days: Option<u32>,
    /// Whether friends are told how far the owner has read what they wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_marks: Option<bool>,
    /// Whether the owner's copy of a conversation stays when a friend clears it for both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep_my_copy: Option<bool>,
}

/// An invitation to make.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewInvitation {
    /// For whom it is, say; up to 100 characters, which only the owner sees.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// For how many days it can be used; 1 to 90, 7 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days: Option<u32>,
}

/// What has become of an invitation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum InvitationState {
    /// It can be used, once.
    Open,
    /// Somebody became a friend by it.
    Used,
    /// Its time is over.
    Expired,
}

/// An invitation that was made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct InvitationView {
    /// Its id: base64url of the hash of its secret.
    pub id: String,
    /// What the owner noted.
    pub note: Option<String>,
    /// When it was made.
    pub created_ms: u64,
    /// Until when it can be used.
    pub expires_ms: u64,
    /// What has become of it.
    pub state: InvitationState,
    /// Who became a friend by it: one, unless two used it at the same moment.
    pub used_by: Vec<Person>,
}

/// An invitation that was just made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct IssuedInvitation {
    /// The link. It is told only now, since only the hash of its secret is kept.
    pub link: String,
    /// The invitation.
    pub invitation: InvitationView,
}

/// The invitations that were made, the newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct InvitationList {
    /// Those that can be used, and for a month those that were used or are over.
    pub invitations: Vec<InvitationView>,
}
