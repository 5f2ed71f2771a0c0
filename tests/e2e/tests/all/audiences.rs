//! Posts for some, editions, circles, muting: between three deployments.

use serde_json::{Value, json};
use tidings_e2e::{Answer, Mode, Owner, World};
use tidings_protocol::{PublicPage, paths};
use tidings_social::api::{Audience, CircleList, CircleView, PostView, RefreshScope};
use uuid::Uuid;

tidings_e2e::tests![
    posts_for_some_come_to_them_alone_and_go_when_a_circle_or_an_audience_changes,
    what_an_audience_or_a_circle_cannot_be_is_refused,
    what_is_public_is_shown_to_anybody_and_nothing_else_is,
    a_muted_friend_is_left_out_of_the_feed_until_they_are_wanted_again,
];

fn write(owner: &Owner, body: &Value) -> Answer {
    owner.call("POST", "/api/posts").json(body).send()
}

fn circle(owner: &Owner, name: &str) -> CircleView {
    owner.call("POST", "/api/circles").json(&json!({ "name": name })).send().json(201)
}

fn member(owner: &Owner, method: &str, circle: &CircleView, who: &Owner) -> Answer {
    owner.call(method, &format!("/api/circles/{}/members/{}", circle.id, who.id())).send()
}

fn posts_for_some_come_to_them_alone_and_go_when_a_circle_or_an_audience_changes(mode: Mode) {
    let world = World::new(mode, 3);
    let [alice, bob, carol] = world.owners(["Alice", "Bob", "Carol"]);
    world.befriend(&alice, &bob);
    world.befriend(&alice, &carol);
    let choir = circle(&alice, "Choir");
    // A stale store may not show the circle yet.
    mode.eventually("bob is in the circle", || member(&alice, "PUT", &choir, &bob).status == 200);
    mode.settle();
    let audience = json!({ "to": "chosen", "circles": [choir.id] });
    let body = json!({ "text": "practice at **eight**", "warning": "singing", "audience": audience });
    let written: PostView = write(&alice, &body).json(201);
    let public: PostView = write(&alice, &json!({ "text": "hello all" })).json(201);
    let read = |who: &Owner, expected: &[&str]| {
        let _ = who.refresh(RefreshScope::All);
        who.texts() == expected
    };
    mode.eventually("bob reads both", || read(&bob, &["hello all", "practice at **eight**"]));
    mode.eventually("carol reads one", || read(&carol, &["hello all"]));
    let shown = &bob.feed()[1];
    assert_eq!((shown.id, shown.edited_ms, &shown.audience), (written.id, None, &None));
    assert_eq!(shown.body.read().unwrap().warning.as_deref(), Some("singing"));
    assert!(alice.feed()[1].audience.is_some());

    let edited = json!({ "text": "practice at nine" });
    let path = format!("/api/posts/{}", written.id);
    let edited: PostView = alice.call("PUT", &path).json(&edited).send().json(200);
    assert!(edited.edited_ms.is_some() && edited.audience == written.audience);
    mode.eventually("bob reads the edition", || read(&bob, &["hello all", "practice at nine"]));
    assert_eq!(bob.feed()[1].edited_ms, edited.edited_ms);

    mode.eventually("carol is in the circle", || member(&alice, "PUT", &choir, &carol).status == 200);
    mode.eventually("carol reads both", || read(&carol, &["hello all", "practice at nine"]));
    mode.settle();
    let _ = member(&alice, "DELETE", &choir, &bob).expect(200);
    mode.eventually("bob reads one", || read(&bob, &["hello all"]));

    mode.settle();
    let only_bob = json!({ "to": "chosen", "friends": [bob.id()] });
    let change = json!({ "text": "hello all", "audience": only_bob });
    let path = format!("/api/posts/{}", public.id);
    let _ = alice.call("PUT", &path).json(&change).send().expect(200);
    mode.eventually("carol has lost it", || read(&carol, &["practice at nine"]));
    mode.eventually("bob has it still", || read(&bob, &["hello all"]));
    mode.settle();
    let _ = alice.call("DELETE", &format!("/api/circles/{}", choir.id)).send().expect(204);
    mode.eventually("carol has nothing left", || read(&carol, &[]));
    mode.eventually("alice has all", || alice.texts().len() == 2);
}

fn what_an_audience_or_a_circle_cannot_be_is_refused(mode: Mode) {
    let world = World::new(mode, 1);
    let alice = world.owner("Alice");
    let nobody = "0".repeat(26);
    let stranger = "a".repeat(26);
    for audience in [
        json!({ "to": "chosen" }),
        json!({ "to": "chosen", "circles": [nobody] }),
        json!({ "to": "chosen", "friends": [stranger] }),
        json!({ "to": "chosen", "friends": [stranger], "colour": "red" }),
        json!({ "to": "public", "except": [stranger] }),
        json!({ "to": 7 }),
    ] {
        let status = write(&alice, &json!({ "text": "x", "audience": audience })).status;
        assert!((400..500).contains(&status), "{audience}: {status}");
    }
    for warning in ["", " ", "two\nlines", &"x".repeat(201)] {
        write(&alice, &json!({ "text": "x", "warning": warning })).problem(422);
    }
    alice.call("PUT", &format!("/api/posts/{nobody}")).json(&json!({ "text": "x" })).send().problem(404);
    for name in ["", " ", "two\nlines", &"x".repeat(61)] {
        alice.call("POST", "/api/circles").json(&json!({ "name": name })).send().problem(422);
    }
    let key = Uuid::now_v7().to_string();
    let create = |name: &str| {
        alice
            .call("POST", "/api/circles")
            .header("idempotency-key", &key)
            .json(&json!({ "name": name }))
            .send()
    };
    let first: CircleView = create("Choir").json(201);
    mode.settle();
    assert_eq!(create("Choir").json::<CircleView>(200), first);
    create("Work").problem(422);
    let path = format!("/api/circles/{}", first.id);
    alice.call("PUT", &format!("{path}/members/{stranger}")).send().problem(404);
    alice.call("PUT", &format!("/api/circles/{nobody}")).json(&json!({ "name": "x" })).send().problem(404);
    let renamed: CircleView = alice.call("PUT", &path).json(&json!({ "name": "Singers" })).send().json(200);
    mode.settle();
    let listed: CircleList = alice.call("GET", "/api/circles").send().json(200);
    assert_eq!(listed.circles, [renamed]);
}

fn what_is_public_is_shown_to_anybody_and_nothing_else_is(mode: Mode) {
    let world = World::new(mode, 2);
    let [alice, bob] = world.friends(["Alice", "Bob"]);
    let ask = |query: &str| alice.deployment.call("GET", &format!("{}{query}", paths::PUBLIC));
    let page = |query: &str| ask(query).send().json::<PublicPage>(200);
    let texts = |page: &PublicPage| -> Vec<String> {
        page.posts.iter().filter_map(|post| post.unverified().body.text.clone()).collect()
    };
    let nothing = ask("").send().expect(200);
    assert_eq!(nothing.header("cache-control"), Some("public, max-age=60"));
    alice.post("for friends");
    let public = json!({ "to": "public" });
    let body = json!({ "text": "hello world", "audience": public });
    let written: PostView = write(&alice, &body).json(201);
    assert_eq!(written.audience, Some(Audience::Public {}));
    mode.eventually("anybody reads it", || texts(&page("")) == ["hello world"]);
    mode.eventually("bob reads both", || {
        let _ = bob.refresh(RefreshScope::All);
        bob.texts() == ["hello world", "for friends"]
    });
    mode.settle();

    let shown = page("");
    let certificate = shown.certificate.verify(&alice.person.identity.public_key()).unwrap();
    assert_eq!((certificate.key, shown.name.as_str()), (alice.person.key.public_key(), "Alice"));
    assert_eq!(shown.posts[0].verify(&certificate.key).unwrap().id, written.id);
    let first = ask("").send().expect(200);
    let tag = first.header("etag").unwrap();
    let again = ask("").header("if-none-match", tag).send().expect(304);
    assert_eq!(
        (again.header("etag"), again.header("cache-control")),
        (Some(tag), Some("public, max-age=60"))
    );
    alice.post("for friends too");
    mode.settle();
    let later = ask("").send().expect(200);
    assert_eq!((later.header("etag"), &later.body), (Some(tag), &first.body), "the same bytes");
    assert_eq!(later.header_names(), first.header_names());
    assert!(page(&format!("?before={}", written.id)).posts.is_empty());
    ask("?before=x").send().problem(400);
    alice.deployment.call("POST", paths::PUBLIC).send().problem(405);
    assert!(alice.deployment.call("HEAD", paths::PUBLIC).send().expect(200).body.is_empty());

    let path = format!("/api/posts/{}", written.id);
    let change = json!({ "text": "hello friends", "audience": { "to": "friends" } });
    let _ = alice.call("PUT", &path).json(&change).send().expect(200);
    mode.eventually("nobody else reads it any more", || page("").posts.is_empty());
    mode.eventually("bob reads the edition", || {
        let _ = bob.refresh(RefreshScope::All);
        bob.reads("hello friends")
    });
    mode.settle();
    let change = json!({ "text": "hello friends", "audience": public });
    let _ = alice.call("PUT", &path).json(&change).send().expect(200);
    mode.eventually("anybody reads it again", || texts(&page("")) == ["hello friends"]);
    mode.settle();
    let _ = alice.delete_post(&written.id).expect(204);
    mode.eventually("it is gone", || page("").posts.is_empty());
}

fn a_muted_friend_is_left_out_of_the_feed_until_they_are_wanted_again(mode: Mode) {
    let world = World::new(mode, 2);
    let [alice, bob] = world.friends(["Alice", "Bob"]);
    alice.post("loud");
    mode.eventually("bob reads it", || {
        bob.tick();
        bob.reads("loud")
    });
    let path = format!("/api/friends/{}/mute", alice.id());
    let _ = bob.call("PUT", &path).send().expect(204);
    mode.eventually("bob reads nothing", || bob.texts().is_empty() && bob.friend(&alice.id()).unwrap().muted);
    let _ = bob.call("DELETE", &path).send().expect(204);
    mode.eventually("bob reads it again", || bob.texts() == ["loud"]);
    bob.call("PUT", &format!("/api/friends/{}/mute", "a".repeat(26))).send().problem(404);
}
