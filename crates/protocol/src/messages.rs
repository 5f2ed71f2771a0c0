//! The bodies of requests and answers between deployments.
//!
//! An optional member that is `null` is as good as absent.

use crate::absent;
use crate::certificate::Certificate;
use crate::change::Change;
use crate::friendship::Friendship;
use crate::head::Head;
use crate::invitation::InvitationToken;
use crate::record::Post;
use crate::record_id::RecordId;
use crate::signed::Signed;
use serde::{Deserialize, Serialize};

/// Where the endpoints are.
pub mod paths {
    /// The discovery document (RFC 8615).
    pub const DISCOVERY: &str = "/.well-known/tidings";
    /// Takes a [`super::FriendshipMessage`].
    pub const FRIENDSHIP: &str = "/p2p/v1/friendship";
    /// Takes a [`super::Notification`]: "something changed".
    pub const NOTIFICATIONS: &str = "/p2p/v1/notifications";
    /// Answers with a [`super::PullAnswer`]: what changed.
    pub const CHANGES: &str = "/p2p/v1/changes";
    /// Takes a [`super::super::InteractionsMessage`]: comments and reactions.
    pub const INTERACTIONS: &str = "/p2p/v1/interactions";
    /// Below it, `<record id>/thread` answers with a [`super::super::ThreadPage`]: what there is under a post.
    pub const POSTS: &str = "/p2p/v1/posts";

    /// The path of the thread under a post.
    #[must_use]
    pub fn thread_of(post: crate::RecordId) -> String {
        format!("{POSTS}/{post}/thread")
    }

    /// The post in such a path.
    #[must_use]
    pub fn post_of_thread(path: &str) -> Option<crate::RecordId> {
        path.strip_prefix(POSTS)?.strip_prefix('/')?.strip_suffix("/thread")?.parse().ok()
    }
    /// Answers anybody with a [`super::PublicPage`].
    pub const PUBLIC: &str = "/p2p/v1/public";
}

/// `GET /.well-known/tidings`: who is served here, and what it speaks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Discovery {
    /// The protocol versions spoken here, in no order.
    pub versions: Vec<u32>,
    /// Optional abilities by name; unknown ones are ignored.
    #[serde(default, deserialize_with = "absent::or_default")]
    pub capabilities: Vec<String>,
    /// Identity, deployment key and address, signed by the identity.
    pub certificate: Signed<Certificate>,
    /// The owner's name.
    pub name: String,
    /// What runs here; for people who look for faults, never for decisions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub software: Option<Software>,
}

/// A program and its version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Software {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// `POST /p2p/v1/friendship`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FriendshipMessage {
    /// The sender's stance towards the receiver.
    pub friendship: Signed<Friendship>,
    /// The token of an invitation by the receiver, if one brought the sender here. It stays out of the signed
    /// friendship, which is kept and passed on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invitation: Option<InvitationToken>,
}

/// The answer to a friendship message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FriendshipAnswer {
    /// The answerer's own stance towards the sender, if there is one: what it owes arrives with any answer.
    #[serde(default, deserialize_with = "absent::if_readable", skip_serializing_if = "Option::is_none")]
    pub friendship: Option<Signed<Friendship>>,
    /// How far the answerer's changes have come, as the sender may see them, if the sender is a friend who has not pulled
    /// them: as good as a notification.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<Head>,
    /// The latest stance of the sender that the answerer holds, if it is above the one in the message, or another one of
    /// the same numbers: who has lost everything but the recovery words learns how far they had come, and goes on above
    /// it. An earlier key of theirs may have signed it, so only its numbers count.
    #[serde(default, deserialize_with = "absent::if_readable", skip_serializing_if = "Option::is_none")]
    pub yours: Option<Signed<Friendship>>,
}

/// `POST /p2p/v1/notifications`: something changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notification {
    /// How far the sender's changes have come, as this receiver may see them.
    pub head: Head,
}

/// The answer to a notification.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NotificationAnswer {
    /// How far the answerer has come with the notifier's changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<Head>,
    /// The answerer's own stance towards the notifier.
    #[serde(default, deserialize_with = "absent::if_readable", skip_serializing_if = "Option::is_none")]
    pub friendship: Option<Signed<Friendship>>,
    /// How far the answerer's changes have come, as the sender may see them, if the sender is a friend who has not pulled
    /// them: as good as a notification.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<Head>,
}

/// The answer to `GET /p2p/v1/changes?since=<cursor>&held=<head>&oldest=<record id>`.
///
/// Without `since` it is a page of a *listing*: all posts there are, newest first. The cursors of a listing lead
/// through it, and on to what changed since it began.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PullAnswer {
    /// What changed since the cursor, oldest change first. Some may have been sent before: they are merged.
    pub changes: Vec<Change>,
    /// On a page of a listing: between which ids the posts in `changes` are all there are. A reader lets go of every
    /// other one that it holds there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listed: Option<Listed>,
    /// Where the next pull goes on. Opaque to the reader.
    pub cursor: String,
    /// The head that a reader holds once it has all changes up to here; absent before anything was ever shared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<Head>,
    /// Whether there is more right now: pull again at once.
    #[serde(default, deserialize_with = "absent::or_default")]
    pub more: bool,
    /// After this many milliseconds nothing can appear any more that is older than `head`: until then the answerer's
    /// store may be hiding it. Pull once more then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again_ms: Option<u64>,
    /// The answerer's own stance towards the reader.
    #[serde(default, deserialize_with = "absent::if_readable", skip_serializing_if = "Option::is_none")]
    pub friendship: Option<Signed<Friendship>>,
}

/// A piece of the order of record ids.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// The least id inside; absent where it reaches down to the oldest one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<RecordId>,
    /// The first id above; absent where it reaches up to the newest one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<RecordId>,
}

/// The answer to `GET /p2p/v1/public?before=<record id>`: what the owner wrote for everybody, the newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PublicPage {
    /// Identity, deployment key and address, signed by the identity.
    pub certificate: Signed<Certificate>,
    /// The owner's name.
    pub name: String,
    /// The posts, signed by the deployment key in the certificate.
    pub posts: Vec<Signed<Post>>,
    /// The value of `before` for the next page; absent on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<RecordId>,
}
