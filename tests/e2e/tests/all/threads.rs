//! Comments and reactions, between three deployments.
//!
//! ```text
//! bob -- alice (whose posts these are) -- carol
//! ```

use serde_json::json;
use tidings_e2e::{Answer, Mode, Owner, World};
use tidings_social::api::{
    CommentView, InteractionState, NotificationEvent, PostView, RefreshScope, ThreadView,
};
use uuid::Uuid;

tidings_e2e::tests![
    what_friends_say_under_a_post_reaches_everybody_who_sees_it,
    what_is_said_while_the_poster_is_away_waits_for_them,
    who_does_not_see_a_post_learns_nothing_of_what_is_said_under_it,
    what_cannot_be_said_is_refused,
];

fn path(poster: &Owner, post: &PostView, rest: &str) -> String {
    format!("/api/posts/{}/{}/{rest}", poster.id(), post.id)
}

fn comment(who: &Owner, poster: &Owner, post: &PostView, text: &str) -> Answer {
    let key = Uuid::now_v7().to_string();
    let call = who.call("POST", &path(poster, post, "comments")).header("idempotency-key", &key);
    call.json(&json!({ "text": text })).send()
}

fn react(who: &Owner, poster: &Owner, post: &PostView, emoji: &str, set: bool) {
    let change = json!({ "emoji": emoji, "set": set });
    let _ = who.call("PUT", &path(poster, post, "reactions")).json(&change).send().expect(204);
}

/// What somebody sees under a post without asking anybody.
fn shown(who: &Owner, poster: &Owner, post: &PostView) -> ThreadView {
    who.call("GET", &path(poster, post, "thread")).send().json(200)
}

fn texts(thread: &ThreadView) -> Vec<String> {
    thread.comments.iter().map(|comment| comment.body.read().unwrap().text.unwrap()).collect()
}

/// What the feed says there is under the post: how many comments.
fn counted(who: &Owner, post: &PostView) -> Option<u32> {
    let _ = who.refresh(RefreshScope::All);
    let feed = who.feed();
    feed.iter().find(|shown| shown.id == post.id)?.thread.as_ref().map(|thread| thread.comments)
}

fn three(world: &World) -> [Owner; 3] {
    let [alice, bob, carol] = world.owners(["Alice", "Bob", "Carol"]);
    world.befriend(&alice, &bob);
    world.befriend(&alice, &carol);
    [alice, bob, carol]
}

fn what_friends_say_under_a_post_reaches_everybody_who_sees_it(mode: Mode) {
    let world = World::new(mode, 3);
    let [alice, bob, carol] = three(&world);
    let post = alice.post("who comes along?");
    for friend in [&bob, &carol] {
        mode.eventually("the post arrives", || {
            friend.tick();
            friend.reads("who comes along?")
        });
    }
    let first: CommentView = comment(&bob, &alice, &post, "I do").json(201);
    react(&bob, &alice, &post, "👍", true);
    // Nobody has to come for it: the poster's deployment is given it.
    mode.eventually("alice has it", || {
        bob.tick();
        let thread = shown(&alice, &alice, &post);
        texts(&thread) == ["I do"] && thread.reactions.iter().any(|reaction| reaction.count == 1)
    });
    mode.eventually("bob knows that it is there", || {
        shown(&bob, &alice, &post).comments[0].state == Some(InteractionState::Delivered)
    });
    assert!(alice.notifications().iter().any(|event| {
        matches!(event, NotificationEvent::Comment { friend, post: about, .. } if friend.id == bob.id() && *about == post.id)
    }));
    mode.eventually("it rides along with carol's next pull", || counted(&carol, &post) == Some(1));
    let asked: ThreadView = carol.call("POST", &path(&alice, &post, "thread/refresh")).send().json(200);
    assert!(asked.asked_ms.is_some() && asked.problem.is_none(), "{:?}", asked.problem);
    mode.eventually("carol reads the thread", || texts(&shown(&carol, &alice, &post)) == ["I do"]);
    let stranger = &shown(&carol, &alice, &post).comments[0].author;
    assert_eq!((stranger.id, stranger.name.as_str()), (bob.id(), "Bob"));
    assert_eq!(stranger.friend_of.as_ref().map(|friend| friend.id), Some(alice.id()));
    // Who commented before is told of an answer.
    let parent = json!({ "id": first.id, "author": bob.id() });
    let answer = json!({ "text": "me too", "parent": parent });
    let _ = carol.call("POST", &path(&alice, &post, "comments")).json(&answer).send().expect(201);
    mode.eventually("bob is told", || {
        carol.tick();
        let _ = alice.refresh(RefreshScope::All);
        bob.tick();
        bob.notifications().iter().any(|event| matches!(event, NotificationEvent::Reply { .. }))
    });
    // Their authors take back what they said, and the poster hides.
    let _ = bob.call("DELETE", &path(&alice, &post, &format!("comments/{}", first.id))).send().expect(204);
    react(&bob, &alice, &post, "👍", false);
    mode.eventually("it is gone at alice's", || {
        bob.tick();
        let thread = shown(&alice, &alice, &post);
        texts(&thread) == ["me too"] && thread.reactions.is_empty()
    });
    let left = &shown(&alice, &alice, &post).comments[0];
    let hide = json!({ "comment": { "id": left.id, "author": left.author.id }, "hidden": true });
    let _ = alice.call("PUT", &path(&alice, &post, "hidden")).json(&hide).send().expect(204);
    mode.eventually("nothing is left for bob", || counted(&bob, &post).is_none_or(|comments| comments == 0));
}

fn what_is_said_while_the_poster_is_away_waits_for_them(mode: Mode) {
    let world = World::new(mode, 2);
    let [mut alice, bob] = world.friends(["Alice", "Bob"]);
    let post = alice.post("back in a week");
    mode.eventually("the post arrives", || {
        bob.tick();
        bob.reads("back in a week")
    });
    alice.deployment.stop();
    for text in ["one", "two", "three"] {
        let _ = comment(&bob, &alice, &post, text).expect(201);
    }
    mode.eventually("bob shows all of it, as waiting", || {
        let thread = shown(&bob, &alice, &post);
        let waits = |comment: &CommentView| comment.state == Some(InteractionState::Waiting);
        texts(&thread) == ["one", "two", "three"] && thread.comments.iter().all(waits)
    });
    alice.deployment.restart();
    mode.eventually("it arrives, in order and once", || {
        let _ = bob.refresh(RefreshScope::All);
        texts(&shown(&alice, &alice, &post)) == ["one", "two", "three"]
    });
    mode.eventually("nothing waits", || bob.refresh(RefreshScope::All).waiting == 0);
}

fn who_does_not_see_a_post_learns_nothing_of_what_is_said_under_it(mode: Mode) {
    let world = World::new(mode, 3);
    let [alice, bob, carol] = three(&world);
    let for_bob = json!({ "text": "for bob", "audience": { "to": "chosen", "friends": [bob.id()] } });
    let post: PostView = alice.call("POST", "/api/posts").json(&for_bob).send().json(201);
    mode.eventually("bob has it", || {
        bob.tick();
        bob.reads("for bob")
    });
    let _ = comment(&bob, &alice, &post, "thanks").expect(201);
    mode.eventually("alice has it", || {
        bob.tick();
        texts(&shown(&alice, &alice, &post)) == ["thanks"]
    });
    let _ = carol.refresh(RefreshScope::All);
    assert!(carol.feed().iter().all(|shown| shown.id != post.id));
    let refused = carol.call("POST", &path(&alice, &post, "thread/refresh")).send().problem(404);
    assert_eq!(refused.slug(), Some("not-found"));
    let _ = comment(&carol, &alice, &post, "and I?").expect(404);
}

fn what_cannot_be_said_is_refused(mode: Mode) {
    let world = World::new(mode, 1);
    let alice = world.owner("Alice");
    let post = alice.post("here I am");
    mode.settle();
    let _ = comment(&alice, &alice, &post, "first!").expect(201);
    for (text, status) in [(String::new(), 422), ("x".repeat(2_001), 422), ("x".repeat(2_000), 201)] {
        let _ = comment(&alice, &alice, &post, &text).expect(status);
    }
    for emoji in ["", "no", "👍👍"] {
        let change = json!({ "emoji": emoji, "set": true });
        let _ = alice.call("PUT", &path(&alice, &post, "reactions")).json(&change).send().expect(422);
    }
    let nowhere = format!("/api/posts/{}/{}/comments", alice.id(), "0".repeat(26));
    let _ = alice.call("POST", &nowhere).json(&json!({ "text": "hm" })).send().expect(404);
    let nobody = format!("/api/posts/{}/{}/comments", "nobody", post.id);
    let _ = alice.call("POST", &nobody).json(&json!({ "text": "hm" })).send().expect(404);
    let page = alice.call("GET", &path(&alice, &post, "thread?limit=0")).send().problem(400);
    assert_eq!(page.slug(), Some("bad-page"));
    react(&alice, &alice, &post, "🎉", true);
    mode.eventually("both are there", || {
        let thread = shown(&alice, &alice, &post);
        thread.comments.len() == 2 && thread.reactions.len() == 1 && thread.reactions[0].mine
    });
}
