//! Private messages, between three deployments.

use serde_json::json;
use tidings_e2e::{Answer, Mode, Owner, World};
use tidings_social::api::{
    ConversationList, ConversationPage, MessageState, MessageView, NotificationEvent, RefreshScope,
};
use uuid::Uuid;

tidings_e2e::tests![
    a_conversation_goes_both_ways_with_editions_marks_and_an_end,
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

fn list(of: &Owner) -> ConversationList {
    of.call("GET", "/api/conversations").send().json(200)
}

/// The same in pages of `limit`, none of which is longer.
fn in_pages(of: &Owner, with: &Owner, limit: usize) -> Vec<String> {
    let (mut texts, mut before) = (Vec::new(), String::new());
    loop {
        let path = path(with, &format!("messages?limit={limit}{before}"));
        let page: ConversationPage = of.call("GET", &path).send().json(200);
        assert!(page.messages.len() <= limit);
        texts.extend(page.messages.iter().map(|message| message.text().unwrap_or_else(|| "-".to_owned())));
        let Some(next) = page.next else { break };
        before = format!("&before={next}");
    }
    texts.reverse();
    texts
}

fn a_conversation_goes_both_ways_with_editions_marks_and_an_end(mode: Mode) {
    let world = World::new(mode, 3);
    let [alice, bob, carol] = world.owners(["Alice", "Bob", "Carol"]);
    world.befriend(&alice, &bob);
    world.befriend(&alice, &carol);
    let first: MessageView = tell(&alice, &bob, "frist").json(201);
    mode.settle();
    let second: MessageView = tell(&alice, &bob, "regret").json(201);
    assert!(second.id > first.id && second.state == Some(MessageState::Waiting));
    mode.eventually("bob has both", || has(&bob, &alice, &["frist", "regret"]));
    mode.eventually("bob sees one unread conversation", || {
        // Requests that did not see each other may have set the list back; the next one puts it right.
        let _ = bob.refresh(RefreshScope::All);
        let (list, changes) = (list(&bob), bob.changes());
        let first = &list.conversations[0];
        let last = first.last.as_ref().unwrap();
        (first.unread, last.text.as_deref(), last.mine) == (2, Some("regret"), false)
            && changes.unread_conversations == 1
            && bob.notifications().iter().any(|event| matches!(event, NotificationEvent::Message { .. }))
    });
    mode.eventually("alice sees that they arrived", || {
        // An answer over a stale store may note less than another one did; the next one makes up for it.
        let _ = bob.refresh(RefreshScope::All);
        page(&alice, &bob).messages.iter().all(|message| message.state == Some(MessageState::Delivered))
    });

    let edit = alice.call("PUT", &path(&bob, &format!("messages/{}", first.id)));
    let edited: MessageView = edit.json(&json!({ "text": "first" })).send().json(200);
    assert!(edited.edited_ms.is_some());
    mode.settle();
    let _ = alice.call("DELETE", &path(&bob, &format!("messages/{}", second.id))).send().expect(204);
    mode.eventually("bob has the edition", || has(&bob, &alice, &["first", "-"]));

    let read = bob.call("PUT", &path(&alice, "read")).json(&json!({ "through": second.id })).send();
    let _ = read.expect(204);
    mode.eventually("nothing is unread", || {
        bob.changes().unread_conversations == 0 && page(&bob, &alice).unread == 0
    });
    let _ = tell(&bob, &alice, "an answer").expect(201);
    mode.eventually("alice sees that bob read it", || {
        let _ = alice.refresh(RefreshScope::All);
        let page = page(&alice, &bob);
        page.messages.len() == 3 && page.messages[2].state == Some(MessageState::Read)
    });
    assert!(has(&carol, &alice, &[]) && list(&carol).conversations.is_empty());

    let more: Vec<String> = (0..12).map(|number| format!("line {number}")).collect();
    for text in &more {
        let _ = tell(&alice, &bob, text).expect(201);
    }
    let expected: Vec<&str> =
        ["first", "-", "an answer"].into_iter().chain(more.iter().map(String::as_str)).collect();
    mode.eventually("bob has it all, page by page", || {
        let _ = bob.refresh(RefreshScope::All);
        in_pages(&bob, &alice, 4) == expected
    });
    mode.settle();
    let _ = alice.call("DELETE", &format!("/api/friends/{}", bob.id())).send().expect(204);
    mode.eventually("they are no friends", || tell(&bob, &alice, "still there?").status == 409);
    mode.eventually("alice keeps hers", || thread(&alice, &bob) == expected);
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
