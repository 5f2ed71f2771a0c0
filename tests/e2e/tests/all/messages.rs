//! Private messages, between three deployments.

use serde_json::json;
use tidings_e2e::{Answer, Mode, Owner, World};
use tidings_social::api::{ConversationPage, MessageView, RefreshScope};
use uuid::Uuid;

tidings_e2e::tests![
    a_conversation_is_cleared_for_both_unless_the_other_one_keeps_it,
    what_is_written_while_a_friend_is_down_waits_for_them,
    what_a_message_cannot_be_is_refused,
];

fn path(with: &Owner, rest: &str) -> String {
    format!("/api/conversations/{}/{rest}", with.id())
}

fn tell(from: &Owner, to: &Owner, text: &str) -> Answer {
    let key = Uuid::now_v7().to_string();
    let call = from.call("POST", &path(to, "messages")).header("idempotency-key", &key);
    call.json(&json!({ "text": text })).send()
}

fn page(of: &Owner, with: &Owner) -> ConversationPage {
    of.call("GET", &path(with, "messages?limit=100")).send().json(200)
}

/// The texts, oldest first; a dash for what was withdrawn.
fn thread(of: &Owner, with: &Owner) -> Vec<String> {
    let text = |message: &MessageView| message.text().unwrap_or_else(|| "-".to_owned());
    page(of, with).messages.iter().rev().map(text).collect()
}

/// Whether somebody who looks has this thread by now.
fn has(who: &Owner, with: &Owner, expected: &[&str]) -> bool {
    let _ = who.refresh(RefreshScope::All);
    thread(who, with) == expected
}

fn a_conversation_is_cleared_for_both_unless_the_other_one_keeps_it(mode: Mode) {
    let world = World::new(mode, 3);
    let [alice, bob, carol] = world.owners(["Alice", "Bob", "Carol"]);
    world.befriend(&alice, &bob);
    world.befriend(&alice, &carol);
    let _ = carol.call("PUT", "/api/settings").json(&json!({ "keep_my_copy": true })).send().expect(200);
    for friend in [&bob, &carol] {
        let _ = tell(&alice, friend, "forget this").expect(201);
        mode.eventually("it arrives", || has(friend, &alice, &["forget this"]));
        let clear = alice.call("POST", &path(friend, "clear")).json(&json!({ "for": "both" })).send();
        let _ = clear.expect(204);
        mode.eventually("it is gone at alice's", || thread(&alice, friend).is_empty());
    }
    mode.eventually("bob has let go of it", || has(&bob, &alice, &[]));
    for (friend, kept) in [(&bob, false), (&carol, true)] {
        mode.eventually("alice is told which", || {
            let _ = friend.refresh(RefreshScope::All);
            let _ = alice.refresh(RefreshScope::All);
            page(&alice, friend).clearing.is_some_and(|clearing| clearing.kept == Some(kept))
        });
    }
    assert_eq!(thread(&carol, &alice), ["forget this"]);
}

fn what_is_written_while_a_friend_is_down_waits_for_them(mode: Mode) {
    let world = World::new(mode, 2);
    let [alice, mut bob] = world.friends(["Alice", "Bob"]);
    bob.deployment.stop();
    let texts: Vec<String> = (0..5).map(|n| format!("message {n}")).collect();
    let _ = tell(&alice, &bob, &texts[0]).expect(201);
    mode.eventually("alice sees that it does not go out", || {
        page(&alice, &bob).owed.is_some_and(|owed| owed.problem.is_some())
    });
    for text in &texts[1..] {
        let _ = tell(&alice, &bob, text).expect(201);
    }
    mode.eventually("alice shows all", || thread(&alice, &bob) == texts);
    bob.deployment.restart();
    let expected: Vec<&str> = texts.iter().map(String::as_str).collect();
    mode.eventually("all are there, in order and once", || {
        let _ = alice.call("POST", &path(&bob, "retry")).send().expect(200);
        has(&bob, &alice, &expected)
    });
}

fn what_a_message_cannot_be_is_refused(mode: Mode) {
    let world = World::new(mode, 2);
    let [alice, bob] = world.friends(["Alice", "Bob"]);
    for text in [String::new(), " ".to_owned(), "x".repeat(5_001), "a\u{202e}b".to_owned()] {
        tell(&alice, &bob, &text).problem(422);
    }
    let key = Uuid::now_v7().to_string();
    let send = |text: &str| {
        let call = alice.call("POST", &path(&bob, "messages")).header("idempotency-key", &key);
        call.json(&json!({ "text": text })).send()
    };
    let first: MessageView = send(&"x".repeat(5_000)).json(201);
    mode.settle();
    assert_eq!(send(&"x".repeat(5_000)).json::<MessageView>(200).id, first.id);
    send("something else").problem(422);
    let stranger = "a".repeat(26);
    let to_stranger = alice.call("POST", &format!("/api/conversations/{stranger}/messages"));
    to_stranger.json(&json!({ "text": "hello" })).send().problem(404);
    let unknown = path(&bob, &format!("messages/{}", "0".repeat(26)));
    alice.call("PUT", &unknown).json(&json!({ "text": "hello" })).send().problem(404);
    alice.call("DELETE", &unknown).send().problem(404);
    for wrong in [json!({}), json!({ "for": "nobody" }), json!({ "for": "me", "and": "them" })] {
        let status = alice.call("POST", &path(&bob, "clear")).json(&wrong).send().status;
        assert!((400..500).contains(&status), "{wrong}: {status}");
    }
    alice.call("GET", &path(&bob, "messages?limit=0")).send().problem(400);
}
