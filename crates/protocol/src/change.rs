//! One change in the answer to a pull.

use crate::interaction::ThreadSummary;
use crate::message::{Cleared, Clearing, Message};
use crate::record::{Post, Profile};
use crate::record_id::RecordId;
use crate::signed::Signed;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// One change in a pull answer.
///
/// Reading one never fails as long as it is JSON: what is of another kind or shape is one that is not known, so that the rest of
/// an answer is not lost with it. It is read from its own text, so how deep it nests does not matter to the others either.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[allow(clippy::large_enum_variant)] // They live as long as one answer is read, and most of them are records.
pub enum Change {
    /// A post was written or edited.
    Post {
        /// The signed post.
        record: Signed<Post>,
    },
    /// A post was withdrawn.
    PostDeleted {
        /// Which one.
        id: RecordId,
    },
    /// The profile was set or changed.
    Profile {
        /// The signed profile.
        record: Signed<Profile>,
    },
    /// The answerer wrote a private message to the reader, or edited one.
    Message {
        /// The signed message.
        record: Signed<Message>,
    },
    /// The answerer withdrew a private message to the reader.
    MessageDeleted {
        /// Which one.
        id: RecordId,
    },
    /// The answerer has read the reader's messages up to one.
    MessagesRead {
        /// The last one that was read.
        through: RecordId,
    },
    /// The answerer wishes that the reader lets go of what the two wrote to each other, up to some messages.
    ConversationCleared(Cleared),
    /// The answerer tells what became of such a wish of the reader's.
    Clearing(Clearing),
    /// What there is under a post has changed.
    Thread(ThreadSummary),
    /// An edition of a post that this version cannot read. It is among those that a page of a listing names.
    UnreadablePost {
        /// Which one.
        id: RecordId,
    },
    /// Anything else that this version cannot read.
    Unknown,
}

impl<'de> Deserialize<'de> for Change {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Box::<RawValue>::deserialize(deserializer)?;
        let unreadable = || named_post(text.get()).map_or(Self::Unknown, |id| Self::UnreadablePost { id });
        Ok(read(text.get()).unwrap_or_else(unreadable))
    }
}

/// The outermost members of a change.
#[derive(Deserialize)]
struct Outline<'a> {
    #[serde(borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    record: Option<&'a RawValue>,
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    through: Option<&'a RawValue>,
}

/// A change of a kind and shape that this version knows.
fn read(text: &str) -> Option<Change> {
    let outline: Outline<'_> = serde_json::from_str(text).ok()?;
    match &*outline.kind {
        "post" => Some(Change::Post { record: member(outline.record)? }),
        "post_deleted" => Some(Change::PostDeleted { id: member(outline.id)? }),
        "profile" => Some(Change::Profile { record: member(outline.record)? }),
        "message" => Some(Change::Message { record: member(outline.record)? }),
        "message_deleted" => Some(Change::MessageDeleted { id: member(outline.id)? }),
        "messages_read" => Some(Change::MessagesRead { through: member(outline.through)? }),
        "conversation_cleared" => Some(Change::ConversationCleared(serde_json::from_str(text).ok()?)),
        "thread" => Some(Change::Thread(serde_json::from_str(text).ok()?)),
        "clearing" => Some(Change::Clearing(serde_json::from_str(text).ok()?)),
        _ => None,
    }
}

fn member<'a, T: Deserialize<'a>>(text: Option<&'a RawValue>) -> Option<T> {
    serde_json::from_str(text?.get()).ok()
}

/// The id in a change of kind `post` that cannot be read otherwise.
fn named_post(text: &str) -> Option<RecordId> {
    #[derive(Deserialize)]
    struct Named {
        id: RecordId,
    }
    let outline: Outline<'_> = serde_json::from_str(text).ok()?;
    let named: Named = member(outline.record.filter(|_| outline.kind == "post"))?;
    Some(named.id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::Seed;
    use crate::record::Body;
    use proptest::prelude::*;

    fn post() -> Change {
        let seed = Seed::from_bytes([1; 32]);
        let id = RecordId::from_bytes([2; 16]);
        let post = Post {
            id,
            author: seed.public_key(),
            key: seed.public_key(),
            body: Body::text("hello"),
            edited_ms: None,
        };
        Change::Post { record: Signed::sign(post, &seed).unwrap() }
    }

    fn message() -> Change {
        let seed = Seed::from_bytes([1; 32]);
        let (id, author, to) =
            (RecordId::from_bytes([2; 16]), seed.public_key(), seed.public_key().fingerprint());
        let (key, body) = (seed.public_key(), Body::text("hello"));
        let message = Message { id, author, key, to, body, edited_ms: Some(7) };
        Change::Message { record: Signed::sign(message, &seed).unwrap() }
    }

    #[test]
    fn every_kind_comes_back() {
        let id = RecordId::from_bytes([3; 16]);
        let (written, received) = (Some(id), None);
        for change in [
            post(),
            message(),
            Change::PostDeleted { id },
            Change::MessageDeleted { id },
            Change::MessagesRead { through: id },
            Change::ConversationCleared(Cleared { id, written, received }),
            Change::Clearing(Clearing { id, kept: true }),
            Change::Thread(ThreadSummary { post: id, comments: 3, reactions: Vec::new(), latest: None }),
        ] {
            let text = serde_json::to_string(&change).unwrap();
            assert_eq!(serde_json::from_str::<Change>(&text).unwrap(), change, "{text}");
        }
    }

    #[test]
    fn an_unreadable_post_still_names_itself() {
        let id = RecordId::from_bytes([3; 16]);
        let read = |text: String| serde_json::from_str::<Change>(&text).unwrap();
        let deep = format!("{}0{}", "[".repeat(10_000), "]".repeat(10_000));
        let record = format!(r#"{{"id":"{id}","deep":{deep}}}"#);
        let post = format!(r#"{{"kind":"post","record":{record}}}"#);
        assert_eq!(read(post), Change::UnreadablePost { id });
        assert_eq!(read(format!(r#"{{"kind":"poll","record":{record}}}"#)), Change::Unknown);
    }

    proptest! {
        /// Mutated bytes of one change never touch its neighbour.
        #[test]
        fn whatever_json_stands_beside_a_change_it_is_read(
            at in any::<prop::sample::Index>(), by in "[\\PC]{0,3}", cut in 0usize..4,
        ) {
            let good = serde_json::to_string(&post()).unwrap();
            let start = at.index(good.len());
            let mut mutated = good.clone();
            mutated.replace_range(start..(start + cut).min(good.len()), &by);
            prop_assume!(serde_json::from_str::<Box<RawValue>>(&mutated).is_ok());
            let changes: Vec<Change> = serde_json::from_str(&format!("[{mutated},{good}]")).unwrap();
            prop_assert_eq!(&changes[1], &post());
        }
    }
}
