//! Being told, often and at the same time.

use tidings_e2e::{Mode, Peer, World, at_once, head_at, now_ms};
use tidings_protocol::{Body, Change, Post, RecordId, Signed, paths};
use tidings_social::api::RefreshScope;

tidings_e2e::tests![
    a_hundred_overlapping_notifications_are_answered_and_one_pull_brings_everything,
    posts_that_are_not_the_friends_own_are_not_taken,
    a_friend_is_told_once_of_many_posts_and_pulls_them_all,
];

/// A post as a deployment made by hand signs it.
pub(crate) fn post(peer: &Peer, number: u8, text: &str) -> Signed<Post> {
    let id = RecordId::from_parts(now_ms(), [number; 10]);
    let (author, key) = (peer.person.public_key(), peer.person.key.public_key());
    Signed::sign(Post { id, author, key, body: Body::text(text), edited_ms: None }, &peer.person.key).unwrap()
}

fn a_hundred_overlapping_notifications_are_answered_and_one_pull_brings_everything(mode: Mode) {
    let world = World::new(mode, 1);
    let alice = world.owner("Alice");
    let peer = Peer::start("Bob");
    peer.befriend(&alice, mode);
    let now = now_ms();
    let statuses = at_once(100, |number| {
        peer.notification(&alice, head_at(now, u16::try_from(number).unwrap())).send().status
    });
    assert_eq!(statuses, [200; 100]);
    mode.eventually("alice hears of news", || alice.changes().dirty == 1);

    let texts: Vec<String> = (0..20).map(|number| format!("number {number}")).collect();
    let changes = (0..20).map(|n| Change::Post { record: post(&peer, n, &texts[usize::from(n)]) }).collect();
    peer.serve_changes(changes, head_at(now, 99));
    let pulls = peer.received(paths::CHANGES).len();
    let report = alice.refresh(RefreshScope::All);
    assert_eq!((report.pulled.len(), report.pulled[0].changed), (1, 20));
    mode.settle();
    assert_eq!(peer.received(paths::CHANGES).len(), pulls + 1);
    assert_eq!(alice.changes().dirty, 0);
    assert!(texts.iter().all(|text| alice.reads(text)));
}

fn posts_that_are_not_the_friends_own_are_not_taken(mode: Mode) {
    let world = World::new(mode, 1);
    let alice = world.owner("Alice");
    let (peer, stranger) = (Peer::start("Bob"), Peer::start("Mallory"));
    peer.befriend(&alice, mode);
    let sign = |post: Post, by: &Peer| Signed::sign(post, &by.person.key).unwrap();
    let content = |post: Signed<Post>| post.unverified().clone();
    let good = post(&peer, 1, "good");
    let for_stranger = Post { author: stranger.person.public_key(), ..content(post(&peer, 2, "not his")) };
    let tomorrow = RecordId::from_parts(now_ms() + 86_400_000, [3; 10]);
    let changes = vec![
        Change::Post { record: post(&stranger, 4, "a stranger's") },
        Change::Post { record: sign(for_stranger, &peer) },
        Change::Post { record: sign(content(post(&peer, 5, "by another key")), &stranger) },
        Change::Post { record: sign(Post { id: tomorrow, ..content(post(&peer, 3, "of tomorrow")) }, &peer) },
        Change::Post { record: post(&peer, 6, &"x".repeat(5_001)) },
        Change::Unknown,
        Change::Post { record: good },
    ];
    let head = head_at(now_ms(), 1);
    peer.serve_changes(changes, head);
    let _ = peer.notification(&alice, head).send().expect(200);
    mode.eventually("the good one arrives", || {
        alice.tick();
        alice.reads("good")
    });
    assert_eq!(alice.texts(), ["good"]);
}

fn a_friend_is_told_once_of_many_posts_and_pulls_them_all(mode: Mode) {
    let world = World::new(mode, 1);
    let alice = world.owner("Alice");
    let peer = Peer::start("Bob");
    peer.befriend(&alice, mode);
    let before = peer.received(paths::NOTIFICATIONS).len();
    alice.post("number 0");
    mode.eventually("he is told", || peer.received(paths::NOTIFICATIONS).len() > before);
    alice.come_to_rest();
    for number in 1..5 {
        alice.post(&format!("number {number}"));
    }
    mode.settle();
    alice.come_to_rest();
    assert_eq!(peer.received(paths::NOTIFICATIONS).len(), before + 1, "he has not answered the first");
    let pulled: serde_json::Value = peer.letter(&alice, "GET", paths::CHANGES).send().json(200);
    let posts = pulled["changes"].as_array().unwrap().iter().filter(|change| change["kind"] == "post");
    assert_eq!(posts.count(), 5);
}
