//! The wire types of the owner API (`/api/...`): between an owner's client and their own deployment.
//!
//! `docs/openapi.json` and the frontend's TypeScript types are generated from these. Times are unix milliseconds.

mod exchange;
mod inviting;
mod messaging;
mod posting;
mod threads;

pub use exchange::{
    DeliveryState, DeliveryView, HeldBack, OwedView, PullView, Pulled, RefreshReport, RefreshRequest,
    RefreshScope,
};
pub use inviting::{
    InvitationList, InvitationState, InvitationView, IssuedInvitation, NewInvitation, Settings,
    SettingsChange, WhoMayAsk,
};
pub use messaging::{
    ClearFor, ClearRequest, ClearingView, ConversationList, ConversationPage, ConversationView, LastMessage,
    MessageState, MessageView, NewMessage, ReadThrough,
};
pub use posting::{Audience, CircleList, CircleName, CircleView, NewPost, PostChange, PostPage, PostView};
pub use threads::{
    CommentChange, CommentView, Commenter, HideRequest, InteractionState, NewComment, ReactionChange,
    ReactionView, ThreadGist, ThreadView,
};

use serde::{Deserialize, Serialize};
use tidings_protocol::{Address, Certificate, Emoji, Fingerprint, PublicKey, RecordId, Signed};

/// Whether somebody has set up this deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum SetupState {
    /// Nobody has: sign in with the first password and set it up.
    Unclaimed,
    /// It has an owner.
    Ready,
}

/// What anybody may know before signing in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SetupStatus {
    /// Whether it is set up.
    pub state: SetupState,
    /// The address that the certificate has to name.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub address: Address,
    /// Whether the login admin / password works right now.
    pub default_login: bool,
}

/// Claims a deployment. The identity's secret never appears here; the deployment key's does, once.
#[derive(Clone, Deserialize, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SetupRequest {
    /// The owner's name, 1 to 60 characters.
    pub name: String,
    /// The password to sign in with from now on, 8 to 200 characters.
    pub password: String,
    /// Names identity, deployment key and address; signed by the identity.
    #[cfg_attr(feature = "openapi", schema(value_type = CertificateDocument))]
    pub certificate: Signed<Certificate>,
    /// The seed of the deployment key (RFC 8032): base64url of 32 bytes.
    pub deployment_secret: String,
}

/// Puts a newer certificate in force: after the deployment was moved, or because its key may be in other hands.
#[derive(Clone, Deserialize, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CertificateChange {
    /// Signed by the owner's identity, of a greater serial than the one in force, for the address at which this
    /// deployment is reached.
    #[cfg_attr(feature = "openapi", schema(value_type = CertificateDocument))]
    pub certificate: Signed<Certificate>,
    /// The seed of the deployment key that the certificate names: base64url of 32 bytes. Left out if the key stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment_secret: Option<String>,
}

/// The certificate in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CertificateStatus {
    /// The certificate.
    #[cfg_attr(feature = "openapi", schema(value_type = CertificateDocument))]
    pub certificate: Signed<Certificate>,
    /// Whether records are still being signed again with its key, in the background.
    pub signing_again: bool,
    /// Whether it names the address at which this request arrived. If not, the deployment was moved and needs a new one.
    pub at_its_address: bool,
}

/// A certificate as it looks in JSON.
#[cfg(feature = "openapi")]
#[derive(utoipa::ToSchema)]
pub struct CertificateDocument {
    /// `tidings/certificate/v1`.
    #[schema(rename = "type")]
    pub document_type: String,
    /// The identity's public key, base64url.
    pub identity: String,
    /// The deployment key, base64url.
    pub key: String,
    /// The deployment's address.
    pub address: String,
    /// The greater of unix milliseconds and the last serial plus one.
    pub serial: u64,
    /// Deployment keys of this identity that are revoked, base64url; at most 8. Left out when there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub revoked: Vec<String>,
    /// Ed25519 by the identity over the RFC 8785 form without this member, base64url.
    pub signature: String,
}

/// Whether one is signed in, and what to show otherwise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SessionStatus {
    /// Whether this request was signed in.
    pub signed_in: bool,
    /// Whether the deployment is set up.
    pub setup: SetupState,
    /// Whether the login admin / password works right now.
    pub default_login: bool,
    /// Where this deployment is (going to be) known.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub address: Address,
    /// Who one is; only when signed in to a deployment that is set up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<OwnerSummary>,
    /// Whether one signed in with a changed `owner_password` and should choose a password of one's own again.
    pub password_reset: bool,
}

/// The owner in short.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OwnerSummary {
    /// The fingerprint of the identity.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub id: Fingerprint,
    /// The identity's public key.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub identity: PublicKey,
    /// The name.
    pub name: String,
    /// The address that friends know.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub address: Address,
}

/// A new password.
#[derive(Clone, Deserialize, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct PasswordChange {
    /// 8 to 200 characters, and not "password".
    pub password: String,
}

/// What one shows of oneself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ProfileView {
    /// The fingerprint of the identity.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub id: Fingerprint,
    /// The identity's public key.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub identity: PublicKey,
    /// The name.
    pub name: String,
    /// A few words; may be empty.
    pub bio: String,
    /// The safety code of the identity: 8 groups of 5 digits, for friends to compare in person or on the phone.
    pub safety_code: String,
    /// The address that friends know.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub address: Address,
}

/// A change of one's profile. Both members are set.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ProfileChange {
    /// 1 to 60 characters.
    pub name: String,
    /// Up to 500 characters.
    #[serde(default)]
    pub bio: String,
}

/// Somebody, in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Person {
    /// The fingerprint of the identity.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub id: Fingerprint,
    /// The name.
    pub name: String,
}

/// How far a friendship has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum FriendState {
    /// They ask; it is for the owner to accept or decline.
    Incoming,
    /// The owner asked; they have not answered.
    Outgoing,
    /// Both want it.
    Friends,
}

/// A friend, or somebody on the way to become one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FriendView {
    /// The fingerprint of their identity.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub id: Fingerprint,
    /// Their identity's public key.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub identity: PublicKey,
    /// Their name, as they give it.
    pub name: String,
    /// Where their deployment is.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub address: Address,
    /// How far it has come.
    pub state: FriendState,
    /// What the asking side wrote with the request.
    pub greeting: Option<String>,
    /// Whether this deployment has found that identity at that address.
    pub verified: bool,
    /// The safety code of their identity: 8 groups of 5 digits, to compare in person or on the phone.
    pub safety_code: String,
    /// When it came to this state.
    pub since_ms: u64,
    /// Whether the owner's last word (request, acceptance) has arrived.
    pub delivery: DeliveryView,
    /// That something changed here and they have not pulled it, although they were told, or could not be; null otherwise.
    pub owed: Option<OwedView>,
    /// How the last pull went.
    pub pull: PullView,
    /// Whether their posts are left out of the feed, and nothing that they write is told of.
    pub muted: bool,
}

/// Everybody who is or may become a friend.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FriendList {
    /// Requests first, then friends by name.
    pub friends: Vec<FriendView>,
    /// Those who are blocked, by name.
    pub blocked: Vec<BlockedView>,
}

/// Somebody from whom the owner wants to hear nothing more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BlockedView {
    /// The fingerprint of their identity.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub id: Fingerprint,
    /// Their name, as they gave it.
    pub name: String,
    /// Where their deployment was last known to be.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub address: Option<Address>,
    /// When they were blocked.
    pub since_ms: u64,
}

/// A friend request to send.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewFriend {
    /// Their address in any form people type, or an invitation of theirs.
    pub address: String,
    /// A word to them, up to 500 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub greeting: Option<String>,
}

/// Something that the owner should know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum NotificationEvent {
    /// Somebody asks to be friends.
    FriendRequest {
        /// Who, as they call themselves.
        friend: Person,
    },
    /// Somebody accepted the owner's request.
    RequestAccepted {
        /// Who.
        friend: Person,
        /// The generation of the friendship: counts the attempts at one between the two.
        generation: u64,
    },
    /// Alarm: there are two different certificates of the same serial for somebody. Their recovery words may have been
    /// stolen. The one that was known first stays in force.
    CertificateConflict {
        /// Whose.
        friend: Person,
        /// The serial of both.
        serial: u64,
    },
    /// Alarm: a newer certificate of the owner's own identity is in force elsewhere. This deployment is shut out: the owner
    /// has moved, or somebody else has the recovery words.
    Superseded {
        /// The serial of this deployment's certificate.
        serial: u64,
        /// The address in the other one.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        address: Address,
    },
    /// A friend is at another address now.
    FriendMoved {
        /// Who.
        friend: Person,
        /// Where they were.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        from: Address,
        /// Where they are.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        address: Address,
    },
    /// A friend has another deployment key at the same address.
    FriendRekeyed {
        /// Who.
        friend: Person,
        /// The serial of the certificate that says so.
        serial: u64,
    },
    /// What is meant for a friend has not arrived for a long time.
    Undeliverable {
        /// Who.
        friend: Person,
        /// Since when, in unix milliseconds.
        since_ms: u64,
    },
    /// Somebody became a friend by an invitation.
    InvitationUsed {
        /// Who.
        friend: Person,
        /// Which one.
        invitation: String,
        /// What the owner noted about it.
        note: Option<String>,
    },
    /// One invitation was used by several people who could not see each other.
    InvitationReused {
        /// Which one.
        invitation: String,
        /// Who used it.
        friends: Vec<Person>,
    },
    /// Somebody commented on a friend's post after the owner did. There is one for each post, of the latest.
    Reply {
        /// Who commented.
        author: Person,
        /// Whose post it is.
        poster: Person,
        /// Which post.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        post: RecordId,
    },
    /// A friend commented on a post of the owner's. There is one for each friend and post, of the latest.
    Comment {
        /// Who.
        friend: Person,
        /// Under which post.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        post: RecordId,
        /// Which comment.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        comment: RecordId,
    },
    /// A friend reacted to a post of the owner's. There is one for each friend and post, of the latest.
    Reaction {
        /// Who.
        friend: Person,
        /// To which post.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        post: RecordId,
        /// With which emoji.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        emoji: Emoji,
    },
    /// A friend wrote something to the owner. There is one for each friend, of the latest; it goes when all was read.
    Message {
        /// Who.
        friend: Person,
    },
    /// A kind that this version does not know.
    #[serde(other)]
    Unknown,
}

/// A notification as the owner sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NotificationView {
    /// Its id, which tells when it was noted.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub id: RecordId,
    /// When it was noted.
    pub created_ms: u64,
    /// Whether the owner has read it, or a later one.
    pub read: bool,
    /// The same for notifications that belong together, so that a client may show those that follow each other as one: messages,
    /// requests, acceptances, what concerns one friend, the uses of one invitation. It stays the same, and means nothing else.
    pub group: String,
    /// What happened.
    pub event: NotificationEvent,
}

/// A page of notifications, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NotificationPage {
    /// The notifications.
    pub notifications: Vec<NotificationView>,
    /// The value of `before` for the next page; null on the last one.
    pub next: Option<String>,
    /// How many are unread in all.
    pub unread: u32,
}

/// Marks notifications as read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ReadRequest {
    /// The id of the last one that was read; all before it count as read too.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub up_to: RecordId,
}

/// How many notifications stay unread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Unread {
    /// How many.
    pub unread: u32,
}

/// What an open client polls. The tags change when what they stand for changes, and mean nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Changes {
    /// Of the feed and one's own posts.
    pub feed: String,
    /// Of the list of friends, but for when they were asked last, and that they were told of something.
    pub friends: String,
    /// Of one's profile.
    pub profile: String,
    /// Of the conversations.
    pub conversations: String,
    /// In how many conversations there is something unread.
    pub unread_conversations: u32,
    /// Of the notifications.
    pub notifications: String,
    /// How many notifications are unread.
    pub unread: u32,
    /// How many friends have news that was not pulled yet.
    pub dirty: u32,
    /// When a refresh of what is due has something to do; null when nothing is planned.
    pub next_due_ms: Option<u64>,
}

/// Whether the deployment works.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Health {
    /// Always `ok`: otherwise there is a problem instead of this.
    pub status: String,
    /// The version of Tidings.
    pub version: String,
    /// Whether it is set up.
    pub setup: SetupState,
}
