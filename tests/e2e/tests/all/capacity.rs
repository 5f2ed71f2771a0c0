//! What the store costs: it holds any number of posts in few keys, and an unchanged poll reads two of them.

use std::collections::BTreeSet;
use tidings_e2e::{Mode, Peer, World, at_once, head_at, now_ms, watch_in_the_past};
use tidings_ledger::Timing;
use tidings_ledger::limits::MAX_KEYS_FOR_COMMITS;
use tidings_protocol::paths;
use tidings_social::api::{Changes, RefreshScope};

tidings_e2e::tests![
    a_deployment_takes_any_number_of_posts,
    a_full_store_refuses_posts_and_takes_withdrawals,
    an_unchanged_poll_reads_two_keys,
    a_new_password_ends_polls_of_old_sessions,
];

fn timing(mode: Mode) -> Timing {
    match mode {
        Mode::Strong => Timing::local(),
        Mode::Stale { seconds } => Timing::replicated(seconds * 1_000),
    }
}

/// All pages of a pull by a deployment made by hand; how many posts there were. Young ones are among all there is, and
/// again among what changed since.
fn pull_everything(peer: &Peer, from: &tidings_e2e::Owner) -> usize {
    let (mut posts, mut query) = (BTreeSet::new(), String::new());
    loop {
        let path = format!("{}{query}", paths::CHANGES);
        let page: serde_json::Value = peer.letter(from, "GET", &path).send().json(200);
        let changes = page["changes"].as_array().unwrap();
        let found = changes.iter().filter(|change| change["kind"] == "post");
        posts.extend(found.map(|change| change["record"]["id"].as_str().unwrap().to_owned()));
        if page["more"] != true {
            return posts.len();
        }
        query = format!("?since={}", page["cursor"].as_str().unwrap());
    }
}

/// More posts than the hosts give keys, as fast as four clients can write them.
fn a_deployment_takes_any_number_of_posts(mode: Mode) {
    const WRITERS: usize = 4;
    const EACH: usize = 340;
    // The hosts give 1,024 keys, and from 850 on posts are refused.
    const MOST_KEYS: usize = 750;
    // Where listings are stale, what was merged stays for minutes; the ledger's own tests are for that.
    if mode != Mode::Strong {
        return;
    }
    let world = World::new(mode, 2);
    let [alice, bob] = world.owners(["Alice", "Bob"]);
    let written = at_once(WRITERS, |writer| {
        let texts = (0..EACH).map(|number| format!("{writer}.{number}"));
        texts.map(|text| alice.post(&text).id).collect::<Vec<_>>()
    });
    let mut ids = written.concat();
    assert!(ids.len() > 1_300);
    let keys = alice.deployment.data().len();
    assert!(keys < MOST_KEYS, "{keys} keys");
    ids.sort_unstable_by(|a, b| b.cmp(a));
    assert_eq!(alice.posts().iter().map(|post| post.id).collect::<Vec<_>>(), ids);

    let peer = Peer::start("Carol");
    peer.befriend(&alice, mode);
    world.befriend(&bob, &alice);
    mode.eventually("a friend has pulled all of it", || {
        let _ = bob.refresh(RefreshScope::All);
        bob.feed().len() == ids.len()
    });
    assert_eq!(bob.feed().iter().map(|post| post.id).collect::<Vec<_>>(), ids);
    assert_eq!(pull_everything(&peer, &alice), ids.len());

    // From here on nothing changes that friends see, but much is merged.
    let _ = alice.refresh(RefreshScope::All);
    let told = peer.received(paths::NOTIFICATIONS).len();
    let now = now_ms();
    for number in 0..40 {
        let _ = peer.notification(&alice, head_at(now, number)).send().expect(200);
    }
    let report = alice.refresh(RefreshScope::Due);
    assert_eq!((report.delivered, report.waiting), (0, 0));
    assert_eq!(peer.received(paths::NOTIFICATIONS).len(), told);
    assert_eq!(bob.changes().dirty, 0);
    let keys = alice.deployment.data().len();
    assert!(keys < MOST_KEYS, "{keys} keys");
}

fn a_full_store_refuses_posts_and_takes_withdrawals(mode: Mode) {
    let world = World::new(mode, 1);
    let mut alice = world.owner("Alice");
    let posts: Vec<_> = (0..3).map(|number| alice.post(&format!("number {number}"))).collect();
    mode.settle();
    alice.deployment.stop();
    let own = alice.deployment.data();
    let mut full = own.clone();
    // Somebody else's keys: nothing can be merged away.
    let others = (own.len()..MAX_KEYS_FOR_COMMITS).map(|number| (format!("other-{number}"), b"x".to_vec()));
    full.extend(others);
    alice.deployment.set_data(&full);
    alice.deployment.restart();
    for _ in 0..3 {
        let refused = alice.post_call("one more").send();
        let problem = refused.problem(503);
        assert_eq!(problem.problem_type, "urn:tidings:problem:store-full");
        assert_eq!(refused.header("retry-after"), Some("60"));
    }
    let _ = alice.delete_post(&posts[0].id).expect(204);
    mode.settle();
    assert_eq!(alice.texts(), ["number 2", "number 1"]);
    assert!(!alice.deployment.data().is_empty());
    alice.deployment.stop();
    let mut roomy = alice.deployment.data();
    roomy.retain(|key, _| !key.starts_with("other-"));
    alice.deployment.set_data(&roomy);
    alice.deployment.restart();
    alice.post("room again");
    mode.settle();
    assert_eq!(alice.texts(), ["room again", "number 2", "number 1"]);
}

/// Somebody whose client was open for a while, and a tag that promises.
fn with_an_open_client(world: &World, mode: Mode) -> (tidings_e2e::Owner, String) {
    let mut alice = world.owner("Alice");
    alice.deployment.stop();
    watch_in_the_past(&alice, timing(mode), timing(mode).finishing_ms() + 60_000);
    alice.deployment.restart();
    let first = alice.call("GET", "/api/changes").send().expect(200).header("etag").unwrap().to_owned();
    // Nothing has changed, but who asks again is given a better tag.
    let again = ask(&alice, &first).expect(200).header("etag").unwrap().to_owned();
    assert_ne!(again, first);
    (alice, again)
}

fn ask(owner: &tidings_e2e::Owner, tag: &str) -> tidings_e2e::Answer {
    owner.call("GET", "/api/changes").header("if-none-match", tag).send()
}

fn an_unchanged_poll_reads_two_keys(mode: Mode) {
    let world = World::new(mode, 1);
    let (alice, tag) = with_an_open_client(&world, mode);
    for _ in 0..3 {
        assert_eq!(ask(&alice, &tag).expect(304).header("etag"), Some(tag.as_str()));
    }
    mode.eventually("the log says what they cost", || {
        let costs = alice.deployment.store_operations("/api/changes", 304);
        costs.len() == 3 && costs.iter().all(|cost| *cost == 2)
    });
    // The tag is good for this session alone.
    let elsewhere = alice.deployment.call("GET", "/api/changes").header("if-none-match", &tag);
    elsewhere.clone().send().problem(401);
    let (name, session) = alice.cookie.split_once('=').unwrap();
    let forged = format!("{name}={}", session.replacen('1', "2", 1));
    elsewhere.header("cookie", &forged).send().problem(401);

    alice.post("news");
    mode.settle();
    let news = ask(&alice, &tag).expect(200);
    let newer = news.header("etag").unwrap().to_owned();
    assert_ne!(newer, tag);
    let changes: Changes = news.json(200);
    assert_eq!(changes, Changes { next_due_ms: changes.next_due_ms, ..alice.changes() });
    // Until the news has settled, polls look; it is the same all the same.
    let _ = ask(&alice, &newer).expect(304);
}

fn a_new_password_ends_polls_of_old_sessions(mode: Mode) {
    let world = World::new(mode, 1);
    let (mut alice, tag) = with_an_open_client(&world, mode);
    let _ = ask(&alice, &tag).expect(304);
    let old = alice.call("GET", "/api/changes").header("if-none-match", &tag);
    let _ = alice.change_password("another good one").expect(200);
    mode.settle();
    old.send().problem(401);
    let answer = ask(&alice, &tag);
    assert!(matches!(answer.status, 200 | 304));
    assert_ne!(alice.deployment.store_operations("/api/changes", answer.status).last(), Some(&2));
}
