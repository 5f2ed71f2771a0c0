//! What people say about posts: comments and reactions.

use super::Person;
use crate::spliced::Spliced;
use serde::{Deserialize, Serialize};
use tidings_protocol::{Body, CommentRef, Emoji, Fingerprint, RecordId};

/// A comment to write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewComment {
    /// 1 to 2,000 characters; clients read it as the text of a post.
    pub text: String,
    /// The comment that it answers; of one that is an answer itself, the one that this one answers counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<CommentRef>,
}

/// Another edition of a comment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CommentChange {
    /// 1 to 2,000 characters.
    pub text: String,
}

/// Sets or unsets a reaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ReactionChange {
    /// One emoji.
    pub emoji: String,
    /// Whether it is there from now on.
    pub set: bool,
}

/// Hides a comment from everybody else, or shows it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct HideRequest {
    /// Which one.
    pub comment: CommentRef,
    /// Whether it is hidden from now on.
    pub hidden: bool,
}

/// Somebody who said something about a post.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Commenter {
    /// Their fingerprint.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub id: Fingerprint,
    /// Their name: as the owner knows them, or as they call themselves.
    pub name: String,
    /// Whose friend they are, if the owner does not know them; null for friends and for the owner.
    pub friend_of: Option<Person>,
}

/// How far a comment or a reaction of the owner's has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum InteractionState {
    /// It is here, and goes to the poster's deployment as soon as that can be reached.
    Waiting,
    /// The poster's deployment has it.
    Delivered,
    /// The poster's deployment did not take it: the post is not there any more, or there are too many under it.
    Refused,
}

/// A comment as the owner sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CommentView {
    /// Its id; unique among those of one author.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub id: RecordId,
    /// Who wrote it.
    pub author: Commenter,
    /// Whether the owner wrote it.
    pub mine: bool,
    /// The comment that it answers; null for one that answers the post.
    pub parent: Option<CommentRef>,
    /// When it was written.
    pub created_ms: u64,
    /// When it was edited last; null if it never was.
    pub edited_ms: Option<u64>,
    /// What it says.
    #[cfg_attr(feature = "openapi", schema(value_type = Body))]
    pub body: Spliced<Body>,
    /// Whether the owner, whose post it is, hides it from everybody else.
    pub hidden: bool,
    /// How far it has come, if the owner wrote it under somebody else's post; null otherwise.
    pub state: Option<InteractionState>,
}

/// One emoji under a post.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReactionView {
    /// The emoji.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub emoji: Emoji,
    /// How many people have it there, the owner included.
    pub count: u32,
    /// Whether the owner does.
    pub mine: bool,
    /// Who does, as far as is known: in a thread that was opened, at most 50 of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub people: Vec<Commenter>,
}

/// What there is under a post, in short.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ThreadGist {
    /// How many comments.
    pub comments: u32,
    /// The reactions, those that most people have first.
    pub reactions: Vec<ReactionView>,
    /// The newest comment, as far as it is known.
    pub latest: Option<CommentView>,
}

/// What there is under a post.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ThreadView {
    /// Which post.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub post: RecordId,
    /// Whose it is.
    pub poster: Person,
    /// A page of comments, in the order in which they were written.
    pub comments: Vec<CommentView>,
    /// On the first page, all reactions.
    pub reactions: Vec<ReactionView>,
    /// The value of `after` for the next page; null on the last one.
    pub next: Option<String>,
    /// When the poster's deployment was asked last, in unix milliseconds; null for the owner's own posts, and before it was.
    pub asked_ms: Option<u64>,
    /// Why it could not be asked the last time; null if it could.
    pub problem: Option<String>,
    /// Whether the owner can say something under it: it is their own, or that of a friend.
    pub can_comment: bool,
}
