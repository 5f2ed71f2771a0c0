//! What passes in pulls: pages, cursors, ETags, and what is asked for again or later.

use crate::notifications::post;
use serde_json::json;
use tidings_e2e::{Answer, Mode, Owner, Peer, World, at_once, head_at, now_ms};
use tidings_protocol::limits::PULL_PAGE_CHANGES;
use tidings_protocol::{Body, Change, Post, PullAnswer, RecordId, Signed, paths};
use tidings_social::api::{RefreshScope, Settings};
use tidings_social::limits::{FEED_POSTS, HEARD_MOST};

tidings_e2e::tests![
    an_unchanged_answer_has_its_etag_and_no_body,
    cursors_are_good_for_their_reader_alone,
    over_a_stale_store_a_reader_is_asked_to_come_once_more,
    a_deployment_pulls_once_more_when_it_is_asked_to,
    a_new_friend_has_the_newest_posts_first_and_then_all,
    a_withdrawn_post_disappears_with_the_next_pull_and_from_listings,
    a_friend_who_forgot_everything_is_read_from_the_beginning,
    who_wants_to_be_left_alone_is_left_alone,
    a_friend_who_announces_without_end_is_refused,
    what_is_owed_comes_along_with_answers,
    posts_at_the_same_time_tell_a_friend_hardly_more_than_once,
    how_much_of_friends_posts_is_kept_is_chosen_within_bounds,
];

fn pull(peer: &Peer, from: &Owner, query: &str) -> Answer {
    peer.letter(from, "GET", &format!("{}{query}", paths::CHANGES)).send()
}

fn read(answer: Answer) -> PullAnswer {
    answer.json(200)
}

fn posts_in(answer: &PullAnswer) -> Vec<RecordId> {
    let ids = answer.changes.iter().map(|change| match change {
        Change::Post { record } => Some(record.unverified().id),
        _ => None,
    });
    ids.flatten().collect()
}

fn an_unchanged_answer_has_its_etag_and_no_body(mode: Mode) {
    let world = World::new(mode, 1);
    let alice = world.owner("Alice");
    let peer = Peer::start("Bob");
    peer.befriend(&alice, mode);
    alice.post("something to read");
    mode.settle();
    let first = read(pull(&peer, &alice, ""));
    let query = format!("?since={}", first.cursor);
    let second = pull(&peer, &alice, &query).expect(200);
    let tag = second.header("etag").unwrap().to_owned();
    let again = |tag: &str| {
        let mut letter = peer.letter(&alice, "GET", &format!("{}{query}", paths::CHANGES));
        letter.call = letter.call.header("if-none-match", tag);
        letter.send()
    };
    let unchanged = again(&tag).expect(304);
    assert_eq!(unchanged.header("etag"), Some(tag.as_str()));
    let _ = again("\"another\"").expect(200);
    alice.post("something else");
    mode.settle();
    assert_ne!(again(&tag).expect(200).header("etag"), Some(tag.as_str()));
}

fn cursors_are_good_for_their_reader_alone(mode: Mode) {
    let world = World::new(mode, 1);
    let alice = world.owner("Alice");
    let (bob, carol) = (Peer::start("Bob"), Peer::start("Carol"));
    bob.befriend(&alice, mode);
    carol.befriend(&alice, mode);
    let cursor = read(pull(&bob, &alice, "")).cursor;
    let _ = pull(&bob, &alice, &format!("?since={cursor}")).expect(200);
    // The pulls before were noted.
    mode.settle();
    let before = alice.picture();
    for (peer, query) in [
        (&carol, format!("?since={cursor}")),
        (&bob, "?since=garbled".to_owned()),
        (&bob, format!("?since={}A", &cursor[..cursor.len() - 1])),
        (&bob, "?oldest=x".to_owned()),
        (&bob, "?held=x".to_owned()),
    ] {
        let problem = pull(peer, &alice, &query).problem(400);
        assert_eq!(problem.problem_type, "urn:tidings:problem:bad-cursor", "{query}");
    }
    mode.settle();
    assert_eq!(alice.picture(), before);
}

fn over_a_stale_store_a_reader_is_asked_to_come_once_more(mode: Mode) {
    let world = World::new(mode, 1);
    let alice = world.owner("Alice");
    let peer = Peer::start("Bob");
    peer.befriend(&alice, mode);
    let _ = alice.post("new");
    mode.settle();
    let answer = read(pull(&peer, &alice, ""));
    assert!(answer.head.is_some());
    assert_eq!(answer.again_ms.is_some(), mode != Mode::Strong, "{:?}", answer.again_ms);
}

fn a_deployment_pulls_once_more_when_it_is_asked_to(mode: Mode) {
    let world = World::new(mode, 1);
    let alice = world.owner("Alice");
    let peer = Peer::start("Bob");
    peer.befriend(&alice, mode);
    let head = head_at(now_ms(), 1);
    peer.want_to_be_asked_again(Some(1_000));
    peer.serve_changes(vec![Change::Post { record: post(&peer, 1, "shown") }], head);
    let _ = peer.notification(&alice, head).send().expect(200);
    mode.eventually("the first pull", || {
        alice.tick();
        alice.reads("shown")
    });
    // What was hidden appears below the head that alice holds.
    let hidden = Change::Post { record: post(&peer, 2, "hidden") };
    peer.serve_changes(vec![Change::Post { record: post(&peer, 1, "shown") }, hidden], head);
    peer.want_to_be_asked_again(None);
    mode.eventually("the second pull", || {
        alice.tick();
        alice.reads("hidden")
    });
    alice.come_to_rest();
}

fn a_new_friend_has_the_newest_posts_first_and_then_all(mode: Mode) {
    // Writing that many takes long; the pages of other stores are the same.
    if mode != Mode::Strong {
        return;
    }
    let world = World::new(mode, 2);
    let [alice, bob] = world.owners(["Alice", "Bob"]);
    let count = PULL_PAGE_CHANGES + 20;
    let ids: Vec<RecordId> = (0..count).map(|number| alice.post(&format!("number {number}")).id).collect();
    let peer = Peer::start("Carol");
    peer.befriend(&alice, mode);
    let newest_first: Vec<RecordId> = ids.iter().rev().copied().collect();
    // A page may be short, where commits that nobody has merged yet have to be read one by one.
    let mut read_so_far = Vec::new();
    let mut cursor = None;
    while read_so_far.len() < count {
        let query = cursor.map(|cursor| format!("?since={cursor}")).unwrap_or_default();
        let page = read(pull(&peer, &alice, &query));
        let posts = posts_in(&page);
        assert!(!posts.is_empty() && posts.len() <= PULL_PAGE_CHANGES);
        read_so_far.extend(posts);
        assert_eq!(read_so_far, newest_first[..read_so_far.len()]);
        if read_so_far.len() < count {
            assert!(page.more && page.head.is_none());
            assert_eq!(page.listed.unwrap().from, read_so_far.last().copied());
        }
        cursor = Some(page.cursor);
    }
    let some = read(pull(&peer, &alice, &format!("?oldest={}", ids[count - 3])));
    assert_eq!(posts_in(&some).len(), 3);
    world.befriend(&alice, &bob);
    mode.eventually("bob holds all of it", || {
        bob.tick();
        bob.feed().len() == count
    });
}

fn a_withdrawn_post_disappears_with_the_next_pull_and_from_listings(mode: Mode) {
    let world = World::new(mode, 2);
    let [alice, bob] = world.friends(["Alice", "Bob"]);
    let (mistake, _) = (alice.post("a mistake"), alice.post("no mistake"));
    mode.eventually("bob reads both", || {
        bob.tick();
        bob.texts().len() == 2
    });
    let _ = alice.delete_post(&mistake.id).expect(204);
    mode.eventually("bob holds one", || {
        bob.tick();
        bob.texts() == ["no mistake"]
    });
    let peer = Peer::start("Carol");
    peer.befriend(&alice, mode);
    let listing = read(pull(&peer, &alice, ""));
    assert_eq!(posts_in(&listing).len(), 1);
    assert!(!listing.changes.iter().any(|change| matches!(change, Change::PostDeleted { .. })));
}

fn a_friend_who_forgot_everything_is_read_from_the_beginning(mode: Mode) {
    let world = World::new(mode, 1);
    let alice = world.owner("Alice");
    let peer = Peer::start("Bob");
    peer.befriend(&alice, mode);
    let (kept, lost) = (post(&peer, 1, "kept"), post(&peer, 2, "lost"));
    let changes = [&kept, &lost].map(|record| Change::Post { record: record.clone() });
    peer.serve_changes(changes.to_vec(), head_at(now_ms(), 1));
    mode.eventually("alice holds both", || {
        let _ = alice.refresh(RefreshScope::All);
        alice.texts().len() == 2
    });
    peer.forget_cursors(true);
    peer.serve_changes(vec![Change::Post { record: kept }], head_at(now_ms(), 2));
    mode.eventually("alice holds what there is", || {
        let report = alice.refresh(RefreshScope::All);
        assert!(report.pulled.iter().all(|pulled| pulled.problem.is_none()), "{report:?}");
        alice.texts() == ["kept"]
    });
}

fn who_wants_to_be_left_alone_is_left_alone(mode: Mode) {
    const SECONDS: u64 = 8;
    let world = World::new(mode, 1);
    let alice = world.owner("Alice");
    let peer = Peer::start("Bob");
    peer.befriend(&alice, mode);
    peer.want_to_be_left_alone(Some(SECONDS));
    let asked = || peer.received(paths::CHANGES).len();
    let before = asked();
    let begun = std::time::Instant::now();
    let report = alice.refresh(RefreshScope::All);
    assert!(report.pulled[0].problem.as_ref().is_some_and(|problem| problem.contains("429")), "{report:?}");
    mode.settle();
    let _ = alice.refresh(RefreshScope::All);
    if begun.elapsed().as_secs() < SECONDS {
        assert_eq!(asked(), before + 1);
    }
    peer.want_to_be_left_alone(None);
    mode.eventually("he is asked again", || {
        let _ = alice.refresh(RefreshScope::All);
        asked() > before + 1
    });
    assert!(begun.elapsed().as_secs() >= SECONDS - 1);
}

fn a_friend_who_announces_without_end_is_refused(mode: Mode) {
    let world = World::new(mode, 1);
    let alice = world.owner("Alice");
    let peer = Peer::start("Bob");
    peer.befriend(&alice, mode);
    let now = now_ms();
    let most = u16::try_from(HEARD_MOST).unwrap();
    for number in 0..most {
        let _ = peer.notification(&alice, head_at(now, number)).send().expect(200);
    }
    mode.settle();
    let refused = peer.notification(&alice, head_at(now, most)).send();
    let wait_s: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=600).contains(&wait_s));
    assert_eq!(refused.problem(429).problem_type, "urn:tidings:problem:too-many-requests");
    assert_eq!(alice.changes().dirty, 1);
}

fn what_is_owed_comes_along_with_answers(mode: Mode) {
    let world = World::new(mode, 1);
    let alice = world.owner("Alice");
    let peer = Peer::start("Bob");
    peer.befriend(&alice, mode);
    let notify = |number| -> serde_json::Value {
        peer.notification(&alice, head_at(now_ms(), number)).send().json(200)
    };
    assert_eq!(notify(1)["head"], serde_json::Value::Null);
    alice.post("news");
    mode.settle();
    assert!(notify(2)["head"].is_string());
    mode.settle();
    let _ = pull(&peer, &alice, "").expect(200);
    mode.settle();
    assert_eq!(notify(3)["head"], serde_json::Value::Null);
}

fn posts_at_the_same_time_tell_a_friend_hardly_more_than_once(mode: Mode) {
    // Over a stale store nobody can know of what another request is about to send.
    if mode != Mode::Strong {
        return;
    }
    let world = World::new(mode, 1);
    let alice = world.owner("Alice");
    let peer = Peer::start("Bob");
    peer.befriend(&alice, mode);
    let told = || peer.received(paths::NOTIFICATIONS).len();
    let before = told();
    let _ = at_once(8, |number| alice.post(&format!("number {number}")).id);
    mode.eventually("he is told", || told() > before);
    alice.come_to_rest();
    // A claim whose write hangs while another one overtakes it is not seen in time.
    assert!(told() - before <= 3, "{} notifications of 8 posts", told() - before);
}

fn how_much_of_friends_posts_is_kept_is_chosen_within_bounds(mode: Mode) {
    let world = World::new(mode, 1);
    let alice = world.owner("Alice");
    let peer = Peer::start("Bob");
    peer.befriend(&alice, mode);
    let settings = || -> Settings { alice.call("GET", "/api/settings").send().json(200) };
    let choose = |change: serde_json::Value| alice.call("PUT", "/api/settings").json(&change).send();
    assert_eq!((settings().feed_posts, settings().feed_days), (FEED_POSTS, 0));
    for wrong in [json!({ "feed_posts": 999 }), json!({ "feed_posts": 100_001 }), json!({ "feed_days": 6 })] {
        choose(wrong).problem(422);
    }
    let chosen: Settings = choose(json!({ "feed_days": 7 })).json(200);
    assert_eq!((chosen.feed_posts, chosen.feed_days), (FEED_POSTS, 7));
    mode.settle();
    assert_eq!(settings(), chosen);
    // What is older goes, and is not taken again.
    let old = |number: u8, days: u64| {
        let id = RecordId::from_parts(now_ms() - days * 86_400_000, [number; 10]);
        let (author, key) = (peer.person.public_key(), peer.person.key.public_key());
        let post = Post { id, author, key, body: Body::text(format!("{days} days old")), edited_ms: None };
        Change::Post { record: Signed::sign(post, &peer.person.key).unwrap() }
    };
    peer.serve_changes(vec![old(1, 8), old(2, 6)], head_at(now_ms(), 1));
    mode.eventually("only what is kept is there", || {
        let _ = alice.refresh(RefreshScope::All);
        alice.texts() == ["6 days old"]
    });
    mode.eventually("older posts are not asked for", || {
        let _ = alice.refresh(RefreshScope::All);
        peer.received(paths::CHANGES).last().is_some_and(|pull| pull.query.contains("oldest="))
    });
}
