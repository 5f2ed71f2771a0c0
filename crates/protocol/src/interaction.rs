//! Comments and reactions: what people say about each other's posts.
//!
//! Each is a record of its author's, who gives it to the poster's deployment. That one shows it to everybody who may see the post,
//! together with its author's certificate, so that nobody has to believe the poster.

use crate::absent;
use crate::certificate::Certificate;
use crate::emoji::Emoji;
use crate::friendship::Friendship;
use crate::head::Head;
use crate::keys::{Fingerprint, PublicKey};
use crate::limits::{COMMENT_CHARS, FUTURE_TOLERANCE_MS, NAME_CHARS};
use crate::record::Body;
use crate::record_id::RecordId;
use crate::signed::{DeploymentDocument, Document, Signed};
use crate::text::{TextError, check_text};
use serde::{Deserialize, Serialize};

/// Which comment of a thread: two authors may have made the same id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CommentRef {
    /// Its id.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub id: RecordId,
    /// Who wrote it.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub author: Fingerprint,
}

/// A comment on a post, signed by its author's deployment key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comment {
    /// Its id, which tells when it was made.
    pub id: RecordId,
    /// The identity of its author.
    pub author: PublicKey,
    /// The deployment key that signed it.
    pub key: PublicKey,
    /// What its author is called, for readers who do not know them.
    pub name: String,
    /// Whose post it is about: nobody can put it under another one.
    pub poster: Fingerprint,
    /// Which post.
    pub post: RecordId,
    /// The comment that it answers. That one answers none: there is one level of threads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<CommentRef>,
    /// What it says.
    pub body: Body,
    /// When it was edited last, in unix milliseconds. Of two editions the greater one counts; one without is the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited_ms: Option<u64>,
}

impl Comment {
    /// Whether neither the comment nor this edition of it comes from the future of a reader whose clock says `now_ms`.
    #[must_use]
    pub fn is_in_time(&self, now_ms: u64) -> bool {
        let latest_ms = now_ms.saturating_add(FUTURE_TOLERANCE_MS);
        self.id.created_ms() <= latest_ms && self.edited_ms <= Some(latest_ms)
    }

    /// Checks what can be checked of its texts.
    ///
    /// # Errors
    /// The first rule that is broken, as (member, reason).
    pub fn check(&self) -> Result<(), (&'static str, TextError)> {
        check_text(&self.name, NAME_CHARS, false).map_err(|error| ("name", error))?;
        self.body.check().map_err(|error| ("text", error))?;
        let text = self.body.text.as_deref();
        text.map_or(Ok(()), |text| check_text(text, COMMENT_CHARS, true)).map_err(|error| ("text", error))
    }

    /// Which one it is.
    #[must_use]
    pub fn reference(&self) -> CommentRef {
        CommentRef { id: self.id, author: self.author.fingerprint() }
    }
}

impl Document for Comment {
    const TYPE: &'static str = "tidings/comment/v1";
}

impl DeploymentDocument for Comment {
    const KEY_MEMBER: Option<&'static str> = Some("key");
}

/// That somebody has one emoji under a post, or has it no more; signed by their deployment key. It sets a state: said twice, it
/// is the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reaction {
    /// The identity of who reacts.
    pub author: PublicKey,
    /// The deployment key that signed it.
    pub key: PublicKey,
    /// What they are called, for readers who do not know them.
    pub name: String,
    /// Whose post it is about.
    pub poster: Fingerprint,
    /// Which post.
    pub post: RecordId,
    /// The emoji.
    pub emoji: Emoji,
    /// Whether it is there from now on.
    pub set: bool,
    /// When it was said, in unix milliseconds. The greater one counts, for each emoji.
    pub at_ms: u64,
}

impl Reaction {
    /// Whether it does not come from the future of a reader whose clock says `now_ms`.
    #[must_use]
    pub fn is_in_time(&self, now_ms: u64) -> bool {
        self.at_ms <= now_ms.saturating_add(FUTURE_TOLERANCE_MS)
    }

    /// Checks the name.
    ///
    /// # Errors
    /// The first rule that is broken, as (member, reason).
    pub fn check(&self) -> Result<(), (&'static str, TextError)> {
        check_text(&self.name, NAME_CHARS, false).map_err(|error| ("name", error))
    }
}

impl Document for Reaction {
    const TYPE: &'static str = "tidings/reaction/v1";
}

impl DeploymentDocument for Reaction {
    const KEY_MEMBER: Option<&'static str> = Some("key");
}

/// One thing that its author tells the poster.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Interaction {
    /// A comment was written or edited.
    Comment {
        /// The signed comment.
        record: Signed<Comment>,
    },
    /// The sender withdrew a comment of theirs.
    CommentDeleted {
        /// Under which post.
        post: RecordId,
        /// Which one.
        id: RecordId,
    },
    /// A reaction was set or unset.
    Reaction {
        /// The signed reaction.
        record: Signed<Reaction>,
    },
}

/// `POST /p2p/v1/interactions`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InteractionsMessage {
    /// At most [`INTERACTIONS_AT_ONCE`](crate::limits::INTERACTIONS_AT_ONCE), the oldest first.
    pub interactions: Vec<Interaction>,
}

/// What became of one interaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It is there, or something later is.
    Taken,
    /// There is no such post for the sender (any more).
    NoSuchPost,
    /// There are too many under this post already.
    TooMany,
    /// It is not acceptable, whenever it comes.
    Invalid,
    /// Anything that this version does not know.
    #[serde(other)]
    Unknown,
}

/// The answer to an [`InteractionsMessage`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InteractionsAnswer {
    /// What became of each, in their order.
    pub outcomes: Vec<Outcome>,
    /// The answerer's own stance towards the sender.
    #[serde(default, deserialize_with = "absent::if_readable", skip_serializing_if = "Option::is_none")]
    pub friendship: Option<Signed<Friendship>>,
    /// How far the answerer's changes have come, as the sender may see them, if the sender has not pulled them: as good as
    /// a notification.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<Head>,
}

/// The answer to `GET /p2p/v1/posts/<id>/thread?after=<cursor>`: the comments in the order of their ids (of equal ids: of their
/// authors' fingerprints), and, on the first page, all reactions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ThreadPage {
    /// Comments.
    pub comments: Vec<Signed<Comment>>,
    /// Reactions that are set.
    #[serde(default, deserialize_with = "absent::or_default", skip_serializing_if = "Vec::is_empty")]
    pub reactions: Vec<Signed<Reaction>>,
    /// The certificates of their authors, each once; the poster's own is left out.
    #[serde(default, deserialize_with = "absent::or_default", skip_serializing_if = "Vec::is_empty")]
    pub certificates: Vec<Signed<Certificate>>,
    /// The value of `after` for the next page; absent on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// How many have one emoji under a post.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReactionCount {
    /// The emoji.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub emoji: Emoji,
    /// How many people.
    pub count: u32,
}

/// What there is under a post, as its poster counts it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ThreadSummary {
    /// Which post.
    pub post: RecordId,
    /// How many comments.
    pub comments: u32,
    /// The reactions, those that most people have first; at most
    /// [`SUMMARY_EMOJIS`](crate::limits::SUMMARY_EMOJIS).
    #[serde(default, deserialize_with = "absent::or_default", skip_serializing_if = "Vec::is_empty")]
    pub reactions: Vec<ReactionCount>,
    /// The newest comment.
    #[serde(default, deserialize_with = "absent::if_readable", skip_serializing_if = "Option::is_none")]
    pub latest: Option<RelayedComment>,
}

/// Somebody's comment out of the hands of somebody else.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RelayedComment {
    /// The comment.
    pub record: Signed<Comment>,
    /// Its author's certificate; absent if that is whoever shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<Signed<Certificate>>,
}

/// Why a record that somebody else shows is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RelayError {
    /// It is not about that post.
    #[error("is about another post")]
    AnotherPost,
    /// Its author's certificate does not come along, or is not theirs.
    #[error("comes without its author's certificate")]
    NoCertificate,
    /// The certificate, or the record, is not signed as it should be.
    #[error("is not signed by its author")]
    Signature,
    /// Its texts or its time are not acceptable.
    #[error("is not acceptable")]
    Unacceptable,
}

/// A record under a post.
pub trait UnderPost: Document {
    /// Its author's identity, the key that signed it, whose post and which post it is about.
    fn about(&self) -> (PublicKey, PublicKey, Fingerprint, RecordId);

    /// Whether its texts and times can be taken at `now_ms`.
    fn is_acceptable(&self, now_ms: u64) -> bool;
}

impl UnderPost for Comment {
    fn about(&self) -> (PublicKey, PublicKey, Fingerprint, RecordId) {
        (self.author, self.key, self.poster, self.post)
    }

    fn is_acceptable(&self, now_ms: u64) -> bool {
        self.is_in_time(now_ms) && self.check().is_ok()
    }
}

impl UnderPost for Reaction {
    fn about(&self) -> (PublicKey, PublicKey, Fingerprint, RecordId) {
        (self.author, self.key, self.poster, self.post)
    }

    fn is_acceptable(&self, now_ms: u64) -> bool {
        self.is_in_time(now_ms) && self.check().is_ok()
    }
}

impl<T: UnderPost> Signed<T> {
    /// The content of a record about the post `post` of `poster`, once its author is known to have signed it: the identity that it
    /// names signed `certificate`, and the key in there signed the record.
    ///
    /// # Errors
    /// See [`RelayError`].
    pub fn verify_relayed(
        &self,
        (poster, post): (Fingerprint, RecordId),
        certificate: Option<&Signed<Certificate>>,
        now_ms: u64,
    ) -> Result<&T, RelayError> {
        let (author, key, about_poster, about_post) = self.unverified().about();
        if (about_poster, about_post) != (poster, post) {
            return Err(RelayError::AnotherPost);
        }
        let certificate = certificate
            .filter(|certificate| certificate.unverified().identity == author)
            .ok_or(RelayError::NoCertificate)?;
        let certificate = certificate.verify(&author).map_err(|_| RelayError::Signature)?;
        if certificate.key != key {
            return Err(RelayError::Signature);
        }
        let content = self.verify(&key).map_err(|_| RelayError::Signature)?;
        if content.is_acceptable(now_ms) { Ok(content) } else { Err(RelayError::Unacceptable) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::Seed;

    const POST: RecordId = RecordId::from_bytes([2; 16]);
    const NOW_MS: u64 = 1_790_000_000_000;

    fn certificate(identity: &Seed, key: &Seed) -> Signed<Certificate> {
        let certificate = Certificate {
            identity: identity.public_key(),
            key: key.public_key(),
            address: "https://bob.example".parse().unwrap(),
            serial: 7,
            revoked: Vec::new(),
        };
        Signed::sign(certificate, identity).unwrap()
    }

    fn comment(identity: &Seed, key: &Seed, poster: Fingerprint) -> Comment {
        Comment {
            id: RecordId::from_parts(NOW_MS, [1; 10]),
            author: identity.public_key(),
            key: key.public_key(),
            name: "Bob".into(),
            poster,
            post: POST,
            parent: None,
            body: Body::text("hear, hear"),
            edited_ms: None,
        }
    }

    #[test]
    fn a_relayed_comment_counts_only_with_its_authors_certificate_and_for_its_post() {
        let [identity, key, other] = [1, 2, 3].map(|byte| Seed::from_bytes([byte; 32]));
        let poster = other.public_key().fingerprint();
        let record = Signed::sign(comment(&identity, &key, poster), &key).unwrap();
        let theirs = certificate(&identity, &key);
        let place = (poster, POST);
        assert!(record.verify_relayed(place, Some(&theirs), NOW_MS).is_ok());
        let refused = |place, certificate: Option<&Signed<Certificate>>, now_ms| {
            record.verify_relayed(place, certificate, now_ms).unwrap_err()
        };
        assert_eq!(refused(place, None, NOW_MS), RelayError::NoCertificate);
        assert_eq!(refused(place, Some(&certificate(&other, &key)), NOW_MS), RelayError::NoCertificate);
        assert_eq!(refused(place, Some(&certificate(&identity, &other)), NOW_MS), RelayError::Signature);
        let another = RecordId::from_bytes([9; 16]);
        assert_eq!(refused((poster, another), Some(&theirs), NOW_MS), RelayError::AnotherPost);
        let oneself = identity.public_key().fingerprint();
        assert_eq!(refused((oneself, POST), Some(&theirs), NOW_MS), RelayError::AnotherPost);
        assert_eq!(refused(place, Some(&theirs), NOW_MS - 400_000), RelayError::Unacceptable);
        let long = Comment { body: Body::text("x".repeat(COMMENT_CHARS + 1)), ..record.unverified().clone() };
        let long = Signed::sign(long, &key).unwrap();
        assert_eq!(long.verify_relayed(place, Some(&theirs), NOW_MS).unwrap_err(), RelayError::Unacceptable);
    }

    #[test]
    fn a_certificate_that_its_identity_did_not_sign_proves_nothing() {
        let [identity, key, thief] = [1, 2, 3].map(|byte| Seed::from_bytes([byte; 32]));
        let poster = thief.public_key().fingerprint();
        let record = Signed::sign(comment(&identity, &thief, poster), &thief).unwrap();
        let content =
            Certificate { key: thief.public_key(), ..certificate(&identity, &key).unverified().clone() };
        let forged = Signed::sign(content, &thief).unwrap();
        let refused = record.verify_relayed((poster, POST), Some(&forged), NOW_MS).unwrap_err();
        assert_eq!(refused, RelayError::Signature);
    }

    #[test]
    fn every_interaction_comes_back() {
        let seed = Seed::from_bytes([1; 32]);
        let poster = seed.public_key().fingerprint();
        let (author, key, name) = (seed.public_key(), seed.public_key(), "Bob".to_owned());
        let emoji = "👍".parse().unwrap();
        let reaction = Reaction { author, key, name, poster, post: POST, emoji, set: true, at_ms: 7 };
        for interaction in [
            Interaction::Comment { record: Signed::sign(comment(&seed, &seed, poster), &seed).unwrap() },
            Interaction::CommentDeleted { post: POST, id: POST },
            Interaction::Reaction { record: Signed::sign(reaction, &seed).unwrap() },
        ] {
            let text = serde_json::to_string(&interaction).unwrap();
            assert_eq!(serde_json::from_str::<Interaction>(&text).unwrap(), interaction, "{text}");
        }
        assert_eq!(serde_json::from_str::<Outcome>("\"no-such-post\"").unwrap(), Outcome::NoSuchPost);
        assert_eq!(serde_json::from_str::<Outcome>("\"later\"").unwrap(), Outcome::Unknown);
    }
}
