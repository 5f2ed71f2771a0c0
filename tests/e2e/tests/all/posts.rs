//! Writing, reading, withdrawing.

use tidings_e2e::{Mode, World, at_once};
use tidings_social::api::{PostPage, PostView, RefreshScope};
use uuid::Uuid;

tidings_e2e::tests![
    a_hundred_posts_written_at_the_same_time_are_all_there,
    the_same_idempotency_key_writes_one_post,
    the_same_idempotency_key_at_the_same_time_writes_one_post,
    an_idempotency_key_that_tells_no_time_writes_one_post,
    pages_neither_repeat_nor_skip,
    a_deleted_post_disappears_at_friends,
    a_changed_profile_reaches_friends,
    more_changes_than_fit_one_answer_come_page_by_page,
    nothing_changes_until_something_does,
    refuses_posts_that_are_empty_or_too_long,
];

fn a_hundred_posts_written_at_the_same_time_are_all_there(mode: Mode) {
    let world = World::new(mode, 1);
    let alice = world.owner("Alice");
    let ids = at_once(100, |number| alice.post(&format!("number {number}")).id);
    mode.settle();
    let mut expected: Vec<_> = ids.iter().enumerate().map(|(n, id)| (*id, format!("number {n}"))).collect();
    expected.sort_by(|a, b| b.cmp(a));
    let found: Vec<_> = alice.posts().iter().map(|post| (post.id, post.text().unwrap())).collect();
    assert_eq!(found, expected);
}

fn the_same_idempotency_key_writes_one_post(mode: Mode) {
    let world = World::new(mode, 1);
    let alice = world.owner("Alice");
    let key = Uuid::now_v7().to_string();
    let write = |text: &str| alice.post_call(text).header("idempotency-key", &key).send();
    let first: PostView = write("once").json(201);
    mode.settle();
    let again: PostView = write("once").json(200);
    assert_eq!(again, first);
    write("something else").problem(422);
    mode.settle();
    assert_eq!(alice.texts(), ["once"]);
    let other = alice.post_call("once").header("idempotency-key", &Uuid::now_v7().to_string()).send();
    assert_ne!(other.json::<PostView>(201).id, first.id);
    for key in ["", "with space", &"x".repeat(101)] {
        alice.post_call("never").header("idempotency-key", key).send().problem(422);
    }
}

fn the_same_idempotency_key_at_the_same_time_writes_one_post(mode: Mode) {
    let world = World::new(mode, 1);
    let alice = world.owner("Alice");
    let key = Uuid::now_v7().to_string();
    let answers = at_once(8, |_| alice.post_call("once").header("idempotency-key", &key).send());
    let ids: Vec<_> = answers
        .into_iter()
        .map(|answer| {
            let status = answer.status;
            assert!(matches!(status, 200 | 201), "{}", answer.text());
            answer.json::<PostView>(status).id
        })
        .collect();
    assert!(ids.iter().all(|id| *id == ids[0]));
    mode.settle();
    assert_eq!(alice.texts(), ["once"]);
}

/// At the same time over a stale store, only keys that tell their time can promise it: neither request sees the other.
fn an_idempotency_key_that_tells_no_time_writes_one_post(mode: Mode) {
    let world = World::new(mode, 1);
    let alice = world.owner("Alice");
    let write = |key: &str| alice.post_call(key).header("idempotency-key", key).send();
    let first: PostView = write("in-a-row").json(201);
    mode.settle();
    assert_eq!(write("in-a-row").json::<PostView>(200), first);
    assert_eq!(alice.texts(), ["in-a-row"]);
    if mode != Mode::Strong {
        return;
    }
    for round in 0..5 {
        let key = format!("at-once-{round}");
        let statuses = at_once(8, |_| write(&key).status);
        assert!(statuses.iter().all(|status| matches!(status, 200 | 201)), "{statuses:?}");
        assert_eq!(alice.texts().iter().filter(|text| **text == key).count(), 1, "round {round}");
    }
}

fn pages_neither_repeat_nor_skip(mode: Mode) {
    let world = World::new(mode, 2);
    let [alice, bob] = world.friends(["Alice", "Bob"]);
    let people = [&alice, &bob];
    for round in 0..4 {
        let _ = at_once(8, |number| people[number % 2].post(&format!("{round}.{number}")));
    }
    // Asked for, not waited for: what a stale store let a pull miss comes with the next one, which may be a day away.
    mode.eventually("everything is there", || {
        let _ = alice.refresh(RefreshScope::All);
        alice.texts().len() == 32
    });
    let all = alice.feed();
    assert!(all.windows(2).all(|pair| (pair[0].id, pair[0].author.id) > (pair[1].id, pair[1].author.id)));
    for limit in [1, 5, 31, 32, 33] {
        assert_eq!(alice.pages("/api/feed", limit), all, "pages of {limit}");
    }
    let own: Vec<_> = all.iter().filter(|post| post.mine).cloned().collect();
    for limit in [3, 16] {
        assert_eq!(alice.pages("/api/posts", limit), own, "pages of {limit}");
    }
    let default: PostPage = alice.call("GET", "/api/feed").send().json(200);
    // A page may end before it is full, and says so.
    assert!(all.starts_with(&default.posts));
    assert_eq!(default.next.is_some(), default.posts.len() < all.len());
    for query in ["limit=0", "limit=101", "limit=x", "before=x", "before=", "before=a.b"] {
        alice.call("GET", &format!("/api/feed?{query}")).send().problem(400);
    }
}

fn a_deleted_post_disappears_at_friends(mode: Mode) {
    let world = World::new(mode, 2);
    let [alice, bob] = world.friends(["Alice", "Bob"]);
    let (kept, regretted) = (alice.post("kept"), alice.post("regretted"));
    mode.eventually("bob reads both", || {
        bob.tick();
        bob.texts().len() == 2
    });
    bob.come_to_rest();
    let _ = alice.delete_post(&regretted.id).expect(204);
    mode.eventually("it is gone at alice's", || alice.texts() == ["kept"]);
    mode.eventually("it is gone at bob's", || {
        let _ = bob.refresh(RefreshScope::All);
        bob.texts() == ["kept"]
    });
    alice.delete_post(&regretted.id).problem(404);
    bob.delete_post(&kept.id).problem(404);
    assert!(bob.reads("kept"));
}

fn a_changed_profile_reaches_friends(mode: Mode) {
    let world = World::new(mode, 2);
    let [alice, bob] = world.friends(["Alice", "Bob"]);
    alice.post("by whatever name");
    mode.eventually("bob reads it", || {
        bob.tick();
        bob.reads("by whatever name")
    });
    bob.come_to_rest();
    let changed = alice.change_profile("  Alice Liddell ", "Down the rabbit hole");
    assert_eq!((changed.name.as_str(), changed.bio.as_str()), ("Alice Liddell", "Down the rabbit hole"));
    mode.eventually("alice sees it", || alice.profile() == changed);
    mode.eventually("bob sees it", || {
        let _ = bob.refresh(RefreshScope::All);
        bob.friend(&alice.id()).unwrap().name == "Alice Liddell"
    });
    assert_eq!(bob.feed()[0].author.name, "Alice Liddell");
    assert_eq!(alice.session().owner.unwrap().name, "Alice Liddell");
    let long = "x".repeat(61);
    for name in ["", " ", &long, "line\nbreak"] {
        alice.call("PUT", "/api/profile").json(&serde_json::json!({ "name": name })).send().problem(422);
    }
}

fn more_changes_than_fit_one_answer_come_page_by_page(mode: Mode) {
    const EACH: usize = 50;
    let world = World::new(mode, 2);
    let [alice, bob] = world.owners(["Alice", "Bob"]);
    let _ = at_once(5, |writer| {
        for number in 0..EACH {
            alice.post(&format!("{writer}.{number}"));
        }
    });
    world.befriend(&alice, &bob);
    mode.eventually("bob has all", || {
        bob.tick();
        bob.texts().len() == 5 * EACH
    });
    bob.come_to_rest();
    let (written, read) = (alice.posts(), bob.feed());
    let ids = |posts: &[PostView]| posts.iter().map(|post| post.id).collect::<Vec<_>>();
    assert_eq!(ids(&read), ids(&written));
}

fn nothing_changes_until_something_does(mode: Mode) {
    let world = World::new(mode, 1);
    let alice = world.owner("Alice");
    let ask = |tag: &str| alice.call("GET", "/api/changes").header("if-none-match", tag).send();
    let first = alice.call("GET", "/api/changes").send().expect(200);
    // Who asks again is given a tag that rests on a watch.
    let tag = ask(first.header("etag").unwrap()).expect(200).header("etag").unwrap().to_owned();
    for _ in 0..3 {
        let unchanged = ask(&tag).expect(304);
        assert_eq!(unchanged.header("etag"), Some(tag.as_str()));
    }
    let before = alice.changes();
    alice.post("news");
    mode.settle();
    let changed = ask(&tag).expect(200);
    let tag = changed.header("etag").unwrap().to_owned();
    let after = alice.changes();
    assert_ne!(after.feed, before.feed);
    assert_eq!((&after.friends, &after.profile), (&before.friends, &before.profile));
    let _ = ask(&format!("\"other\", W/{tag}")).expect(304);
    alice.change_profile("Alice L.", "");
    mode.settle();
    let _ = ask(&tag).expect(200);
    let last = alice.changes();
    assert_ne!(last.profile, after.profile);
    assert_eq!(last.feed, after.feed);
}

fn refuses_posts_that_are_empty_or_too_long(mode: Mode) {
    let world = World::new(mode, 1);
    let alice = world.owner("Alice");
    for text in [String::new(), "  \n ".to_owned(), "x".repeat(5_001), "bell\u{7}".to_owned()] {
        alice.post_call(&text).send().problem(422);
    }
    let longest = "\u{1f980}".repeat(5_000);
    alice.post(&longest);
    alice.post("<script>alert(1)</script> & \"quoted\"");
    mode.settle();
    assert_eq!(alice.texts(), ["<script>alert(1)</script> & \"quoted\"", longest.as_str()]);
}
