use super::*;
use crate::sync::Received;
use tidings_protocol::limits::PULL_PAGE_CHANGES;
use tidings_protocol::{Body, Change, Post};

fn pull(world: &World, since: Option<&str>) -> PullAnswer {
    over_the_wire(&world.answer("alice", "bob", since).unwrap())
}

fn posts_in(answer: &PullAnswer) -> usize {
    answer.changes.iter().filter(|change| matches!(change, Change::Post { .. })).count()
}

#[test]
fn many_changes_come_in_pages_and_each_once() {
    let mut world = World::with(&["alice", "bob"]);
    let count = 2 * PULL_PAGE_CHANGES + 50;
    for n in 0..count {
        world.write("alice", &format!("post {n}"));
    }
    // While hardly anything is merged, a request reads no more than it should: pages are short.
    let short = posts_in(&pull(&world, None));
    assert!((1..PULL_PAGE_CHANGES).contains(&short), "{short}");
    world.compact("alice");
    let first = pull(&world, None);
    assert!(first.more && first.head.is_none());
    assert_eq!(posts_in(&first), PULL_PAGE_CHANGES);
    world.befriend("alice", "bob");
    assert_eq!(world.pulls_by("bob"), 3 + 1, "all there is, and what was changed since");
    assert_eq!(posts_in_feed(&world, "bob"), count, "in short pages");
    world.compact("bob");
    assert_eq!(posts_in_feed(&world, "bob"), count);
}

/// How many posts there are, page by page, none of them twice.
fn posts_in_feed(world: &World, who: &str) -> usize {
    let mut seen = BTreeSet::new();
    let mut before = None;
    loop {
        let page = world.at(who).feed("100", before.as_deref());
        for post in page.posts {
            assert!(seen.insert(post.id), "a post was shown twice");
        }
        before = page.next;
        if before.is_none() {
            return seen.len();
        }
    }
}

#[test]
fn a_settled_cursor_repeats_nothing_and_a_young_one_repeats_what_may_land_late() {
    let world = World::of_friends("alice", "bob");
    world.clock.advance(HOUR_MS);
    world.write("alice", "young");
    let first = pull(&world, None);
    assert_eq!(posts_in(&first), 1);
    assert_eq!(
        posts_in(&pull(&world, Some(&first.cursor))),
        1,
        "it may have been overtaken by a late commit"
    );
    world.clock.advance(HOUR_MS);
    let settled = pull(&world, Some(&first.cursor));
    assert_eq!(posts_in(&settled), 1);
    let quiet = pull(&world, Some(&settled.cursor));
    assert_eq!((quiet.changes.len(), quiet.cursor, quiet.head), (0, settled.cursor, settled.head));
}

#[test]
fn a_pull_that_brings_nothing_writes_nothing_but_that_it_was_sent() {
    let mut world = World::of_friends("alice", "bob");
    // With the second the cursor has come to rest, and the answer is recognised from then on.
    for _ in 0..2 {
        world.clock.advance(MINUTE_MS);
        world.refresh("bob", Scope::ALL);
    }
    let partitions = [keys::FEED, keys::FRIEND, keys::HEARD, keys::HELD, keys::SERVED];
    let fingerprints = |world: &World| {
        let bobs = world.at("bob").view().fingerprint(Some(&partitions));
        (world.at("alice").view().fingerprint(None), bobs)
    };
    let before = fingerprints(&world);
    world.clock.advance(MINUTE_MS);
    world.refresh("bob", Scope::ALL);
    let after = fingerprints(&world);
    assert_eq!(before, after);
}

#[test]
fn a_withdrawn_post_disappears_with_the_next_pull() {
    let mut world = World::of_friends("alice", "bob");
    let id = world.write("alice", "a mistake");
    world.write("alice", "no mistake");
    world.refresh("bob", Scope::ALL);
    assert_eq!(world.at("bob").feed_texts(), ["no mistake", "a mistake"]);
    let alice = world.at("alice");
    alice.commit(block_on(own_posts::delete(&alice.view(), id, world.now_ms())).unwrap());
    world.refresh("alice", Scope::DUE);
    world.refresh("bob", Scope::DUE);
    assert_eq!(world.at("bob").feed_texts(), ["no mistake"]);
}

#[test]
fn a_changed_profile_reaches_the_friend() {
    let mut world = World::of_friends("alice", "bob");
    let alice = world.at("alice");
    let change = crate::api::ProfileChange { name: "Alice B.".into(), bio: "moved".into() };
    let (_, batch) =
        block_on(profile::change(&alice.view(), &alice.account, change, world.now_ms())).unwrap();
    alice.commit(batch);
    world.refresh("alice", Scope::DUE);
    world.refresh("bob", Scope::DUE);
    assert_eq!(world.at("bob").relation(&world.id("alice")).name(), "Alice B.");
}

#[test]
fn malformed_questions_are_refused() {
    let world = World::of_friends("alice", "bob");
    let good = pull(&world, None).cursor;
    let future = Stamp::at_ms(world.now_ms() + HOUR_MS).text();
    for since in ["", "x", "..", &future, &good[1..], &format!("{good}."), &format!("{good} ")] {
        assert_eq!(world.answer("alice", "bob", Some(since)).unwrap_err(), PullError::Cursor, "{since:?}");
    }
    assert_eq!(
        world.answer("bob", "alice", Some(&good)).unwrap_err(),
        PullError::Cursor,
        "not of this store"
    );
    assert!(matches!(PullQuery::parse(None, Some("x"), None), Err(PullError::Held(_))));
    assert!(matches!(PullQuery::parse(None, None, Some("x")), Err(PullError::Oldest(_))));
}

/// What Bob keeps of an answer that a hostile or broken deployment of Alice's gives.
fn bob_settles(world: &World, changes: Vec<Change>) -> RefreshReport {
    let answer = PullAnswer { changes, listed: None, ..pull(world, None) };
    bob_settles_answer(world, answer)
}

pub(super) fn bob_settles_answer(world: &World, answer: PullAnswer) -> RefreshReport {
    let request = PeerRequest {
        to: world.id("alice"),
        address: address("alice"),
        task: Task::Pull(PullRequest::default()),
        with_certificate: false,
    };
    let bob = world.at("bob");
    let mut report = RefreshReport::default();
    let answers = vec![(request, PeerAnswer::Changes { answer: Box::new(answer), tag: None })];
    let view = bob.view();
    let settled = sync::settle(&view, &bob.account, answers, &mut report, world.now_ms());
    block_on(settled).unwrap().into_iter().for_each(|batch| bob.commit(batch));
    report
}

fn post(world: &World, author: &str, signer: &str, at_ms: u64, text: &str) -> Change {
    let post = Post {
        id: RecordId::from_parts(at_ms, world.bytes()),
        author: world.at(author).account.identity(),
        key: world.at(author).account.deployment_key().public_key(),
        body: Body::text(text),
        edited_ms: None,
    };
    Change::Post { record: Signed::sign(post, world.at(signer).account.deployment_key()).unwrap() }
}

#[test]
fn what_is_forged_future_or_malformed_is_left_out_and_the_rest_is_kept() {
    let world = World::of_friends("alice", "bob");
    let now_ms = world.now_ms();
    let changes = vec![
        post(&world, "bob", "alice", now_ms, "in somebody else's name"),
        post(&world, "alice", "bob", now_ms, "signed by somebody else"),
        post(&world, "alice", "alice", now_ms + 2 * HOUR_MS, "from the future"),
        post(&world, "alice", "alice", now_ms, " "),
        Change::Unknown,
        post(&world, "alice", "alice", now_ms, "good"),
    ];
    let report = bob_settles(&world, changes);
    assert_eq!(report.pulled[0].changed, 1);
    assert_eq!(world.at("bob").feed_texts(), ["good"]);
}

#[test]
fn nobody_can_withdraw_somebody_elses_post() {
    let mut world = World::with(&["alice", "bob", "carol"]);
    world.befriend("alice", "bob");
    world.befriend("carol", "bob");
    let id = world.write("carol", "carol's");
    world.refresh("bob", Scope::ALL);
    bob_settles(&world, vec![Change::PostDeleted { id }]);
    assert_eq!(world.at("bob").feed_texts(), ["carol's"]);
}

/// What Bob keeps of an answer as it comes over the wire.
fn bob_reads(world: &World, answer: &str) -> RefreshReport {
    let received = Received { status: 200, headers: Vec::new(), body: answer.into() };
    match Task::Pull(PullRequest::default()).answered(Ok(received)) {
        PeerAnswer::Changes { answer, .. } => bob_settles_answer(world, *answer),
        other => panic!("the whole answer is lost: {other:?}"),
    }
}

#[test]
fn a_change_that_cannot_be_read_is_passed_over_alone_and_the_cursor_moves_on() {
    let world = World::of_friends("alice", "bob");
    let now_ms = world.now_ms();
    let good = serde_json::to_string(&post(&world, "alice", "alice", now_ms, "good")).unwrap();
    let nested = format!("{}0{}", "[".repeat(1_000), "]".repeat(1_000));
    let unreadable = [
        "7".to_owned(),
        "null".to_owned(),
        "[]".to_owned(),
        "{}".to_owned(),
        r#"{"kind":7}"#.to_owned(),
        r#"{"kind":"post"}"#.to_owned(),
        r#"{"kind":"post","record":7}"#.to_owned(),
        r#"{"kind":"post_deleted","id":"x"}"#.to_owned(),
        r#"{"kind":"profile","record":{"type":"tidings/profile/v2"}}"#.to_owned(),
        good.replace(r#""text":"good""#, r#""text":{"parts":["good"]}"#),
        good.replace(r#""text":"good""#, &format!(r#""text":"good","deep":{nested}"#)),
        format!(r#"{{"kind":"poll","record":{nested}}}"#),
    ];
    for (number, change) in unreadable.iter().enumerate() {
        world.clock.advance(1_000);
        let text = format!("post {number}");
        let next = serde_json::to_string(&post(&world, "alice", "alice", world.now_ms(), &text)).unwrap();
        let answer =
            format!(r#"{{"changes":[{change},{next}],"cursor":"after {number}","friendship":{{}}}}"#);
        let report = bob_reads(&world, &answer);
        assert_eq!((report.pulled[0].changed, &report.pulled[0].problem), (1, &None), "{change}");
        assert_eq!(world.at("bob").feed_texts()[0], text, "{change}");
        let pull = world.at("bob").relation(&world.id("alice")).pull.unwrap();
        assert_eq!(pull.cursor.unwrap(), format!("after {number}"), "{change}");
    }
}

#[test]
fn a_listed_post_that_cannot_be_read_leaves_what_was_held_of_it() {
    let mut world = World::of_friends("alice", "bob");
    let id = world.write("alice", "an edition that can be read");
    let gone = world.write("alice", "gone");
    world.refresh("bob", Scope::ALL);
    assert_eq!(world.at("bob").feed_texts().len(), 2);
    let answer = format!(
        r#"{{"changes":[{{"kind":"post","record":{{"id":"{id}","body":7}}}}],"listed":{{}},"cursor":"c"}}"#
    );
    bob_reads(&world, &answer);
    assert_eq!(world.at("bob").feed_texts(), ["an edition that can be read"], "without {gone}");
}

#[test]
fn a_post_of_a_later_kind_of_body_is_kept_as_it_is() {
    let world = World::of_friends("alice", "bob");
    let alice = &world.at("alice").account;
    let body = r#"{"type":"rich/v1","text":[{"bold":"hello"}]}"#;
    let post = Post {
        id: RecordId::from_parts(world.now_ms(), world.bytes()),
        author: alice.identity(),
        key: alice.deployment_key().public_key(),
        body: serde_json::from_str(body).unwrap(),
        edited_ms: None,
    };
    let change = Change::Post { record: Signed::sign(post, alice.deployment_key()).unwrap() };
    let changes = serde_json::to_string(&[change]).unwrap();
    bob_reads(&world, &format!(r#"{{"changes":{changes},"cursor":"c"}}"#));
    let shown = world.at("bob").feed("10", None);
    assert_eq!(shown.posts[0].body.text(), r#"{"text":[{"bold":"hello"}],"type":"rich/v1"}"#);
}
