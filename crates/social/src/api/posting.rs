//! Posts, whom they are for, and circles.

use super::{Person, ThreadGist};
use crate::spliced::Spliced;
use serde::{Deserialize, Serialize};
use tidings_protocol::{Body, Fingerprint, RecordId};

/// Whom a post is for. Friends never learn it: who may see a post does not see who else may.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "to", rename_all = "snake_case", deny_unknown_fields)]
pub enum Audience {
    /// All friends, those of later included.
    Friends {
        /// But for these.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
        except: Vec<Fingerprint>,
    },
    /// Some of them.
    Chosen {
        /// Who is in one of these circles, when they look.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
        circles: Vec<RecordId>,
        /// These friends.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
        friends: Vec<Fingerprint>,
        /// But not these, even if they are in a circle.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
        except: Vec<Fingerprint>,
    },
    /// Everybody: friends get it like a post for all of them, and whoever asks this deployment is shown it without signing in.
    Public {},
}

impl Default for Audience {
    fn default() -> Self {
        Self::Friends { except: Vec::new() }
    }
}

/// A post to write.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewPost {
    /// 1 to 5,000 characters; clients read it as the small part of Markdown that docs/protocol.md describes.
    pub text: String,
    /// What readers are warned of before they see the text: a line of up to 200 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warning: Option<String>,
    /// Whom it is for; all friends if it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<Audience>,
}

/// Another edition of a post.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct PostChange {
    /// 1 to 5,000 characters.
    pub text: String,
    /// Up to 200 characters; no warning if it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warning: Option<String>,
    /// Whom it is for from now on. It stays as it is if it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<Audience>,
}

/// A post as the owner sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PostView {
    /// Its id.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub id: RecordId,
    /// Who wrote it.
    pub author: Person,
    /// Whether the owner wrote it.
    pub mine: bool,
    /// When it was written.
    pub created_ms: u64,
    /// When this edition of it was written; null for the first one.
    #[serde(default)]
    pub edited_ms: Option<u64>,
    /// What it says.
    #[cfg_attr(feature = "openapi", schema(value_type = Body))]
    pub body: Spliced<Body>,
    /// Whom it is for, if the owner wrote it and it is not simply for all friends; null otherwise.
    #[serde(default)]
    pub audience: Option<Audience>,
    /// What there is under it; null if that is nothing, and in answers to whoever has just written or edited it.
    #[serde(default)]
    pub thread: Option<ThreadGist>,
}

impl PostView {
    /// Its text, if it has one that this version understands.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        self.body.read().ok()?.text
    }
}

/// A page of posts, newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PostPage {
    /// The posts.
    pub posts: Vec<PostView>,
    /// The value of `before` for the next page; null on the last one.
    pub next: Option<String>,
}

/// Some friends under one name. Nobody but the owner learns of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CircleView {
    /// Its id.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub id: RecordId,
    /// What the owner calls it.
    pub name: String,
    /// Who is in it, by fingerprint.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    pub members: Vec<Fingerprint>,
}

/// All circles; there are so few that one answer has them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CircleList {
    /// The oldest first.
    pub circles: Vec<CircleView>,
}

/// What a circle is to be called.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CircleName {
    /// 1 to 60 characters.
    pub name: String,
}
