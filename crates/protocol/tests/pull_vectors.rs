//! The golden vectors of pulls in `tests/vectors/pull-v1.json`: answers to `GET /p2p/v1/changes`, most of them with one
//! fault each, and what a reader takes of them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // Here a broken assumption is a failed test.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tidings_protocol::limits::CURSOR_BYTES;
use tidings_protocol::{
    Body, Change, Cleared, Clearing, Fingerprint, Message, Post, Profile, PublicKey, PullAnswer, RecordId,
    Seed, Signed,
};

#[derive(Serialize, Deserialize)]
struct Vectors {
    /// The friend's identity.
    identity: PublicKey,
    /// The friend's deployment key.
    key: PublicKey,
    /// Who reads.
    reader: Fingerprint,
    cases: Vec<Case>,
}

#[derive(Serialize, Deserialize)]
struct Case {
    name: String,
    /// The body of the answer: JSON, or its text where it nests too deep to be in a file that anything can read.
    answer: Value,
    /// `null` where the whole answer is refused.
    taken: Option<Taken>,
}

/// What a reader takes of an answer.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Taken {
    posts: Vec<RecordId>,
    deleted: Vec<RecordId>,
    profile: Option<String>,
    more: bool,
    /// Whatever of private messages there is.
    #[serde(default, skip_serializing_if = "Messages::is_empty")]
    messages: Messages,
}

/// What a reader takes of a conversation.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct Messages {
    /// Messages, and when they were edited last.
    written: Vec<(RecordId, Option<u64>)>,
    deleted: Vec<RecordId>,
    read_through: Option<RecordId>,
    cleared: Option<Cleared>,
    clearing: Option<Clearing>,
}

impl Messages {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

fn taken(vectors: &Vectors, answer: &Value) -> Option<Taken> {
    let text = answer.as_str().map_or_else(|| answer.to_string(), str::to_owned);
    let answer: PullAnswer = serde_json::from_str(&text).ok()?;
    if answer.cursor.len() > CURSOR_BYTES {
        return None;
    }
    let (posts, deleted, messages) = (Vec::new(), Vec::new(), Messages::default());
    let mut taken = Taken { posts, deleted, profile: None, more: answer.more, messages };
    for change in answer.changes {
        match change {
            Change::Post { record } => {
                let post = record.verify(&vectors.key).ok();
                let theirs = post.filter(|post| post.author == vectors.identity && post.body.check().is_ok());
                taken.posts.extend(theirs.map(|post| post.id));
            }
            Change::PostDeleted { id } => taken.deleted.push(id),
            Change::Profile { record } => {
                let profile = record.verify(&vectors.key).ok().filter(|p| p.author == vectors.identity);
                taken.profile = profile.map(|profile| profile.name.clone()).or(taken.profile);
            }
            Change::Message { record } => {
                let message = record.verify(&vectors.key).ok().filter(|message| {
                    let theirs = message.author == vectors.identity && message.key == vectors.key;
                    theirs && message.to == vectors.reader && message.body.check().is_ok()
                });
                taken.messages.written.extend(message.map(|message| (message.id, message.edited_ms)));
            }
            Change::MessageDeleted { id } => taken.messages.deleted.push(id),
            Change::MessagesRead { through } => taken.messages.read_through = Some(through),
            Change::ConversationCleared(cleared) => taken.messages.cleared = Some(cleared),
            Change::Clearing(clearing) => taken.messages.clearing = Some(clearing),
            // What a reader takes of a thread is in `interactions-v1.json`.
            Change::Thread(_) | Change::UnreadablePost { .. } | Change::Unknown => {}
        }
    }
    Some(taken)
}

#[test]
fn readers_take_of_each_answer_what_the_vectors_say() {
    let vectors: Vectors =
        serde_json::from_str(include_str!("../../../tests/vectors/pull-v1.json")).expect("a vector file");
    assert!(vectors.cases.len() >= 66);
    for case in &vectors.cases {
        assert_eq!(taken(&vectors, &case.answer), case.taken, "{}", case.name);
    }
}

/// The left side is what the file has to hold, for when the protocol gets another version.
#[test]
fn the_vectors_are_what_is_made_here() {
    let file: Value =
        serde_json::from_str(include_str!("../../../tests/vectors/pull-v1.json")).expect("a vector file");
    let made = serde_json::to_value(make()).unwrap();
    assert_eq!(made, file, "{}", serde_json::to_string_pretty(&made).unwrap());
}

fn make() -> Vectors {
    let [identity, key, other] = [1, 2, 3].map(|byte| Seed::from_bytes([byte; 32]));
    let id = |n: u8| RecordId::from_parts(1_790_000_000_000, [n; 10]);
    let post = |n: u8, author: &Seed, names: &Seed, signer: &Seed, text: &str| {
        let (author, key) = (author.public_key(), names.public_key());
        let post = Post { id: id(n), author, key, body: Body::text(text), edited_ms: None };
        let signed = Signed::sign(post, signer).unwrap();
        serde_json::from_str::<Value>(&signed.to_json()).unwrap()
    };
    let good = |n: u8| json!({ "kind": "post", "record": post(n, &identity, &key, &key, "hello") });
    let profile = Profile {
        author: identity.public_key(),
        key: key.public_key(),
        name: "Alice".into(),
        bio: String::new(),
        updated_ms: 1_790_000_000_000,
    };
    let profile: Value = serde_json::from_str(&Signed::sign(profile, &key).unwrap().to_json()).unwrap();
    let reader = other.public_key().fingerprint();
    let message = |author: &Seed, names: &Seed, signer: &Seed, to: Fingerprint, text: &str, edited_ms| {
        let (author, key, body) = (author.public_key(), names.public_key(), Body::text(text));
        let signed = Signed::sign(Message { id: id(5), author, key, to, body, edited_ms }, signer).unwrap();
        serde_json::from_str::<Value>(&signed.to_json()).unwrap()
    };
    let to_reader = |text: &str, edited_ms| message(&identity, &key, &key, reader, text, edited_ms);
    let answer = |changes: Value| json!({ "changes": changes, "cursor": "c", "more": false });
    let with = |name: &str, value: Value| {
        let mut answer = answer(json!([good(1)]));
        answer[name] = value;
        answer
    };
    let without = |name: &str| {
        let mut answer = answer(json!([good(1)]));
        answer.as_object_mut().unwrap().remove(name);
        answer
    };
    let altered = |change: &dyn Fn(&mut Value)| {
        let mut record = post(1, &identity, &key, &key, "hello");
        change(&mut record);
        answer(json!([{ "kind": "post", "record": record }, good(2)]))
    };
    let record = |record: Value| answer(json!([{ "kind": "post", "record": record }, good(2)]));
    let head = "06gc8k3c00000en5meig";
    let beside = |change: Value| answer(json!([change, good(1)]));
    let spoken = |record: Value| beside(json!({ "kind": "message", "record": record }));
    let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    // Canonical already: members in order, ASCII, small integers.
    let signed = |record: &str| {
        let signature = key.sign(record.as_bytes());
        format!(r#"{{"kind":"post","record":{{"signature":"{signature}",{}}}"#, &record[1..])
    };
    let whole = |body: Value| {
        let (author, key) = (identity.public_key(), key.public_key());
        json!({ "author": author, "body": body, "id": id(2), "key": key, "type": "tidings/post/v1" })
    };
    let with_body = |body: Value| beside(serde_json::from_str(&signed(&whole(body).to_string())).unwrap());
    let hello = json!({ "type": "text/v1", "text": "hello" });
    // Put in as text, so that nothing here has to nest as deep.
    let with_text = |change: &str| {
        let text = answer(json!(["?", good(1)])).to_string();
        json!(text.replace("\"?\"", change))
    };
    let cases = [
        ("one_post", answer(json!([good(1)]))),
        ("nothing", answer(json!([]))),
        (
            "post_profile_and_deletion",
            answer(json!([
                good(1), { "kind": "profile", "record": profile }, { "kind": "post_deleted", "id": id(9) }
            ])),
        ),
        (
            "all_optional_members",
            json!({
                "changes": [good(1)], "listed": { "from": id(1), "before": id(2) }, "cursor": "c", "head": head,
                "more": true, "again_ms": 91_000
            }),
        ),
        ("listed_without_bounds", with("listed", json!({}))),
        ("unknown_member", with("colour", json!("green"))),
        ("unknown_kind", answer(json!([{ "kind": "poll", "record": {} }, good(1)]))),
        ("member_added_to_a_signed_record", {
            let mut record = post(1, &identity, &key, &key, "hello");
            record["mood"] = json!("fine");
            answer(json!([{ "kind": "post", "record": record }, good(2)]))
        }),
        ("more_is_missing", without("more")),
        ("cursor_is_missing", without("cursor")),
        ("changes_are_missing", without("changes")),
        ("cursor_of_200_characters", with("cursor", json!("c".repeat(200)))),
        ("cursor_of_201_characters", with("cursor", json!("c".repeat(201)))),
        ("cursor_is_a_number", with("cursor", json!(7))),
        ("head_is_too_short", with("head", json!(&head[1..]))),
        ("head_in_upper_case", with("head", json!(head.to_uppercase()))),
        ("again_ms_is_negative", with("again_ms", json!(-1))),
        ("listed_from_is_no_id", with("listed", json!({ "from": "x" }))),
        ("deleted_id_is_no_id", answer(json!([{ "kind": "post_deleted", "id": "x" }]))),
        ("change_is_a_number", beside(json!(7))),
        ("change_is_null", beside(Value::Null)),
        ("change_is_a_list", beside(json!([]))),
        ("change_without_kind", beside(json!({ "record": post(2, &identity, &key, &key, "hello") }))),
        ("change_whose_kind_is_a_number", beside(json!({ "kind": 7 }))),
        ("post_without_record", beside(json!({ "kind": "post" }))),
        ("post_whose_record_is_null", beside(json!({ "kind": "post", "record": null }))),
        (
            "post_whose_record_is_of_another_version",
            beside(json!({ "kind": "post", "record": { "type": "tidings/post/v2" } })),
        ),
        ("post_whose_text_is_a_list", with_body(json!({ "type": "text/v1", "text": ["hello"] }))),
        ("post_whose_body_is_null", with_body(Value::Null)),
        (
            "profile_without_name",
            beside({
                let mut profile = profile.clone();
                profile.as_object_mut().unwrap().remove("name");
                json!({ "kind": "profile", "record": profile })
            }),
        ),
        ("post_with_a_body_of_another_type", with_body(json!({ "type": "poll/v1", "choices": ["a", "b"] }))),
        (
            "post_with_a_body_of_another_type_whose_text_is_a_list",
            with_body(json!({ "type": "rich/v1", "text": [{ "bold": "hello" }] })),
        ),
        (
            "unknown_kind_that_nests_1000_levels",
            with_text(&format!("{{\"kind\":\"poll\",\"deep\":{}}}", nested(999))),
        ),
        (
            "post_that_nests_1000_levels",
            with_text(&signed(
                &whole(hello).to_string().replace(r#""id""#, &format!(r#""deep":{},"id""#, nested(999))),
            )),
        ),
        (
            "optional_members_are_null",
            json!({
                "changes": [good(1)], "listed": null, "cursor": "c", "head": null, "more": null, "again_ms": null,
                "friendship": null
            }),
        ),
        ("cursor_is_null", with("cursor", Value::Null)),
        ("changes_are_null", with("changes", Value::Null)),
        ("friendship_of_an_unknown_shape", with("friendship", json!({ "stance": "maybe" }))),
        ("post_with_altered_text", altered(&|record| record["body"]["text"] = json!("hullo"))),
        ("post_with_altered_id", altered(&|record| record["id"] = json!(id(7)))),
        (
            "post_with_altered_signature",
            altered(&|record| {
                let text = record["signature"].as_str().unwrap().to_owned();
                let first = if text.starts_with('A') { "B" } else { "A" };
                record["signature"] = json!(format!("{first}{}", &text[1..]));
            }),
        ),
        ("post_signed_by_another_key", record(post(1, &identity, &key, &other, "hello"))),
        ("post_signed_by_the_identity", record(post(1, &identity, &key, &identity, "hello"))),
        ("post_by_another_author", record(post(1, &other, &key, &key, "hello"))),
        ("post_without_text", record(post(1, &identity, &key, &key, " "))),
        ("post_of_5001_characters", record(post(1, &identity, &key, &key, &"x".repeat(5_001)))),
        ("post_with_a_bidirectional_override", record(post(1, &identity, &key, &key, "a\u{202e}b"))),
        ("message", spoken(to_reader("hello", None))),
        ("message_that_was_edited", spoken(to_reader("hello", Some(1_790_000_000_001)))),
        ("message_whose_edited_ms_is_null", {
            let record = to_reader("hello", None);
            let mut bare = record.as_object().unwrap().clone();
            bare.remove("signature");
            bare.insert("edited_ms".into(), Value::Null);
            let signature = key.sign(Value::Object(bare.clone()).to_string().as_bytes());
            bare.insert("signature".into(), json!(signature));
            spoken(Value::Object(bare))
        }),
        ("message_whose_edited_ms_is_a_text", {
            let mut record = to_reader("hello", None);
            record["edited_ms"] = json!("7");
            spoken(record)
        }),
        (
            "message_to_somebody_else",
            spoken(message(&identity, &key, &key, key.public_key().fingerprint(), "hello", None)),
        ),
        ("message_by_another_author", spoken(message(&other, &key, &key, reader, "hello", None))),
        ("message_that_names_another_key", spoken(message(&identity, &other, &key, reader, "hello", None))),
        ("message_signed_by_another_key", spoken(message(&identity, &key, &other, reader, "hello", None))),
        ("message_with_altered_text", {
            let mut record = to_reader("hello", None);
            record["body"]["text"] = json!("hullo");
            spoken(record)
        }),
        ("message_without_text", spoken(to_reader(" ", None))),
        ("message_of_5000_characters", spoken(to_reader(&"x".repeat(5_000), None))),
        ("message_of_5001_characters", spoken(to_reader(&"x".repeat(5_001), None))),
        ("post_shown_as_a_message", spoken(post(1, &identity, &key, &key, "hello"))),
        ("message_deleted", beside(json!({ "kind": "message_deleted", "id": id(5) }))),
        ("message_deleted_without_id", beside(json!({ "kind": "message_deleted" }))),
        ("messages_read", beside(json!({ "kind": "messages_read", "through": id(5) }))),
        ("messages_read_through_no_id", beside(json!({ "kind": "messages_read", "through": 5 }))),
        (
            "conversation_cleared",
            beside(
                json!({ "kind": "conversation_cleared", "id": id(6), "written": id(5), "received": id(4) }),
            ),
        ),
        (
            "conversation_cleared_of_what_the_other_wrote",
            beside(
                json!({ "kind": "conversation_cleared", "id": id(6), "written": null, "received": id(4) }),
            ),
        ),
        (
            "conversation_cleared_without_id",
            beside(json!({ "kind": "conversation_cleared", "written": id(5) })),
        ),
        ("clearing_done", beside(json!({ "kind": "clearing", "id": id(6), "kept": false }))),
        ("clearing_kept", beside(json!({ "kind": "clearing", "id": id(6), "kept": true }))),
        ("clearing_that_does_not_say", beside(json!({ "kind": "clearing", "id": id(6) }))),
    ];
    let mut vectors =
        Vectors { identity: identity.public_key(), key: key.public_key(), reader, cases: Vec::new() };
    for (name, answer) in cases {
        let taken = taken(&vectors, &answer);
        vectors.cases.push(Case { name: name.to_owned(), answer, taken });
    }
    vectors
}
