//! Friends who were away, stores that hide something or start over: in the end everybody holds what there is.

use super::*;
use crate::limits::{LET_GO_POSTS, PULL_ONCE_MORE_TIMES};
use tidings_protocol::limits::PULL_PAGE_CHANGES;
use tidings_protocol::{Body, Change, Listed, Post};

/// Writes a post whose commit has not landed yet.
fn prepare(world: &World, who: &str, text: &str) -> tidings_ledger::Prepared {
    let writing = world.at(who);
    let (view, new) = (writing.view(), NewPost { text: text.to_owned(), ..NewPost::default() });
    let (account, person) = (&writing.account, writing.person());
    let written = own_posts::write(&view, account, person, new, None, world.now_ms(), world.bytes());
    let (_, batch) = block_on(written).unwrap();
    writing.ledger.prepare(&view, batch).unwrap().unwrap()
}

fn land(world: &World, who: &str, prepared: &tidings_ledger::Prepared) {
    let writing = world.at(who);
    block_on(writing.ledger.write(&mut writing.view(), prepared)).unwrap();
}

#[test]
fn what_a_stale_store_hid_below_the_head_is_found_when_it_must_have_appeared() {
    let mut world = World::timed(&["alice", "bob"], Timing::replicated(60_000));
    world.befriend("alice", "bob");
    world.clock.advance(HOUR_MS);
    let hidden = prepare(&world, "alice", "hidden");
    world.write("alice", "shown");
    world.refresh("alice", Scope::DUE);
    let report = world.refresh("bob", Scope::DUE);
    assert_eq!(world.at("bob").feed_texts(), ["shown"]);
    land(&world, "alice", &hidden);
    // Alice's side owes nothing: what Bob was served lies above.
    assert_eq!(
        world.refresh("alice", Scope::DUE).next_due_ms.map(|ms| ms > world.now_ms() + HOUR_MS),
        Some(true)
    );
    let settled_ms = world.now_ms() + world.timing.settling_ms() + 10;
    assert!(report.next_due_ms.is_some_and(|due_ms| due_ms <= settled_ms), "{report:?}");
    world.clock.advance(world.timing.settling_ms() + 10);
    let pulls = world.pulls_by("bob");
    world.refresh("bob", Scope::DUE);
    assert_eq!(world.at("bob").feed_texts(), ["shown", "hidden"]);
    assert_eq!(world.pulls_by("bob"), pulls + 1);
    world.clock.advance(HOUR_MS);
    world.refresh("bob", Scope::DUE);
    assert_eq!(world.pulls_by("bob"), pulls + 1, "once more is enough");
}

#[test]
fn a_store_that_is_never_stale_costs_one_pull() {
    let mut world = World::of_friends("alice", "bob");
    world.write("alice", "shown");
    world.refresh("alice", Scope::DUE);
    world.refresh("bob", Scope::DUE);
    let answer = world.answer("alice", "bob", None).unwrap();
    assert_eq!(answer.again_ms, None);
    world.clock.advance(HOUR_MS);
    let pulls = world.pulls_by("bob");
    world.refresh("bob", Scope::DUE);
    assert_eq!(world.pulls_by("bob"), pulls);
}

#[test]
fn who_wants_to_be_asked_once_more_without_end_is_not() {
    let world = World::of_friends("alice", "bob");
    world.clock.advance(HOUR_MS);
    let quiet = world.answer("alice", "bob", None).unwrap();
    for again_ms in [0, 1, u64::MAX] {
        for time in 1..=PULL_ONCE_MORE_TIMES + 3 {
            let answer = PullAnswer { again_ms: Some(again_ms), ..over_the_wire(&quiet) };
            super::pulling::bob_settles_answer(&world, answer);
            let pull = world.at("bob").relation(&world.id("alice")).pull.unwrap();
            assert_eq!(pull.once_more_ms.is_some(), time <= PULL_ONCE_MORE_TIMES, "{time}");
            assert!(
                pull.once_more_ms
                    .is_none_or(|ms| ms >= world.now_ms() + 2_000 && ms < world.now_ms() + HOUR_MS)
            );
        }
        super::pulling::bob_settles_answer(&world, over_the_wire(&quiet));
    }
}

#[test]
fn the_same_question_has_the_same_answer_and_is_answered_unchanged() {
    let mut world = World::of_friends("alice", "bob");
    world.write("alice", "old");
    world.clock.advance(HOUR_MS);
    world.refresh("bob", Scope::ALL);
    world.refresh("bob", Scope::ALL);
    let cursor = world.at("bob").relation(&world.id("alice")).pull.unwrap();
    assert!(cursor.tag.is_some());
    let first = world.answer("alice", "bob", cursor.cursor.as_deref()).unwrap();
    world.clock.advance(HOUR_MS);
    let second = world.answer("alice", "bob", cursor.cursor.as_deref()).unwrap();
    assert_eq!(first, second);
    assert_eq!(cursor.tag, Some(first.tag()));
    world.clock.advance(24 * HOUR_MS);
    let report = world.refresh("bob", Scope::DUE);
    assert_eq!((report.pulled.len(), report.pulled[0].problem.as_ref()), (1, None));
    let after = world.at("bob").relation(&world.id("alice")).pull.unwrap();
    assert_eq!((after.cursor, after.tag), (cursor.cursor, cursor.tag));
    world.write("alice", "new");
    world.refresh("bob", Scope::ALL);
    assert_eq!(world.at("bob").feed_texts(), ["new", "old"]);
}

#[test]
fn a_friend_who_was_away_for_a_year_catches_up_in_pages_and_forgets_what_was_withdrawn() {
    let mut world = World::of_friends("alice", "bob");
    let early: Vec<RecordId> = (0..20).map(|n| world.write("alice", &format!("early {n}"))).collect();
    world.clock.advance(HOUR_MS);
    world.refresh("bob", Scope::ALL);
    assert_eq!(world.at("bob").feed_texts().len(), 20);
    world.clock.advance(24 * HOUR_MS);
    for id in &early[..10] {
        let alice = world.at("alice");
        alice.commit(block_on(own_posts::delete(&alice.view(), *id, world.now_ms())).unwrap());
        world.clock.advance(1_000);
    }
    let count = 2 * PULL_PAGE_CHANGES + 50;
    for n in 0..count {
        world.write("alice", &format!("late {n}"));
    }
    world.clock.advance(365 * 24 * HOUR_MS);
    assert!(world.compact("alice") > 0, "what the ledger merges, it forgets the deletions of");
    world.refresh("bob", Scope::DUE);
    let mut texts = all_texts(&world, "bob");
    assert_eq!(texts.len(), count + 10);
    texts.retain(|text| text.starts_with("early"));
    assert_eq!(texts.len(), 10);
}

pub(super) fn all_texts(world: &World, who: &str) -> Vec<String> {
    let (mut texts, mut before) = (Vec::new(), None);
    loop {
        let page = world.at(who).feed("100", before.as_deref());
        texts.extend(page.posts.iter().map(|post| post.text().unwrap()));
        before = page.next;
        if before.is_none() {
            return texts;
        }
    }
}

#[test]
fn an_unknown_cursor_starts_over_and_ends_with_what_there_is() {
    let mut world = World::of_friends("alice", "bob");
    let ids: Vec<RecordId> = (0..5).map(|n| world.write("alice", &format!("post {n}"))).collect();
    world.clock.advance(HOUR_MS);
    world.refresh("bob", Scope::ALL);
    // Alice's store was lost: what she has now she wrote again, and part of it never.
    let mut batch = Batch::new();
    ids[..3].iter().for_each(|id| batch.delete(keys::post(*id)));
    world.at("alice").commit(batch);
    let garbled =
        crate::relation::Pull { generation: 1, cursor: Some("garbled".into()), ..Default::default() };
    let mut batch = Batch::new();
    batch.put(keys::pull(&world.id("alice")), stored::json(&garbled));
    world.at("bob").commit(batch);
    let report = world.refresh("bob", Scope::ALL);
    assert_eq!(report.pulled[0].problem, None);
    assert_eq!(world.at("bob").feed_texts(), ["post 4", "post 3"]);
}

#[test]
fn letting_go_of_very_many_posts_takes_several_pulls() {
    let mut world = World::of_friends("alice", "bob");
    let who = world.id("alice");
    let count = 2 * LET_GO_POSTS + 10;
    let mut batch = Batch::new();
    for n in 0..count {
        let unique = u64::try_from(n).unwrap().to_be_bytes();
        let id = RecordId::from_parts(
            START_MS,
            [0, 0, unique[0], unique[1], unique[2], unique[3], unique[4], unique[5], unique[6], unique[7]],
        );
        batch.put(keys::feed(id, &who), b"{}".to_vec());
        batch.put(keys::held(&who, id), Vec::new());
        if n % 2_000 == 1_999 {
            world.at("bob").commit(std::mem::take(&mut batch));
        }
    }
    batch.put(keys::pull(&who), stored::json(&crate::relation::Pull::default()));
    world.at("bob").commit(batch);
    world.write("alice", "the only one");
    let before = world.pulls_by("bob");
    world.refresh("bob", Scope::ALL);
    assert!(world.pulls_by("bob") >= before + 3);
    let view = world.at("bob").view();
    let held = block_on(view.scan(keys::held_of(&who), Direction::Forward, usize::MAX)).unwrap();
    assert_eq!(held.len(), 1);
    assert_eq!(world.at("bob").feed_texts(), ["the only one"]);
}

#[test]
fn a_listing_lets_go_only_of_what_lies_between_its_ends() {
    let mut world = World::of_friends("alice", "bob");
    let ids: Vec<RecordId> = (0..6).map(|n| world.write("alice", &format!("post {n}"))).collect();
    world.refresh("bob", Scope::ALL);
    let empty = over_the_wire(&world.answer("alice", "bob", None).unwrap());
    let listed = Some(Listed { from: Some(ids[1]), before: Some(ids[4]) });
    let kept: Vec<Change> = empty
        .changes
        .iter()
        .filter(|change| matches!(change, Change::Post { record } if record.unverified().id == ids[2]))
        .cloned()
        .collect();
    super::pulling::bob_settles_answer(&world, PullAnswer { changes: kept, listed, ..empty });
    assert_eq!(world.at("bob").feed_texts(), ["post 5", "post 4", "post 2", "post 0"]);
}

#[test]
fn a_post_written_again_after_its_withdrawal_is_there() {
    let mut world = World::of_friends("alice", "bob");
    let id = RecordId::from_parts(world.now_ms(), [1; 10]);
    let account = &world.at("alice").account;
    let (author, key) = (account.identity(), account.deployment_key().public_key());
    let post = Post { id, author, key, body: Body::text("here again"), edited_ms: None };
    let record = Signed::sign(post, account.deployment_key()).unwrap().to_json();
    for _ in 0..2 {
        world.clock.advance(1_000);
        let mut batch = Batch::new();
        batch.put(keys::post(id), record.clone());
        world.at("alice").commit(batch);
        world.refresh("alice", Scope::DUE);
        world.refresh("bob", Scope::ALL);
        assert_eq!(world.at("bob").feed_texts(), ["here again"]);
        let alice = world.at("alice");
        alice.commit(block_on(own_posts::delete(&alice.view(), id, world.now_ms())).unwrap());
    }
    world.clock.advance(1_000);
    let mut batch = Batch::new();
    batch.put(keys::post(id), record);
    world.at("alice").commit(batch);
    world.refresh("bob", Scope::ALL);
    assert_eq!(world.at("bob").feed_texts(), ["here again"]);
}

#[test]
fn an_answer_with_too_much_in_it_is_not_taken() {
    let mut world = World::of_friends("alice", "bob");
    world.write("alice", "small");
    world.refresh("bob", Scope::ALL);
    let account = &world.at("alice").account;
    let (author, key) = (account.identity(), account.deployment_key().public_key());
    let change = |n: u8| {
        let id = RecordId::from_parts(START_MS, [n; 10]);
        let body = Body::text("x".repeat(5_000));
        let post = Post { id, author, key, body, edited_ms: None };
        Change::Post { record: Signed::sign(post, account.deployment_key()).unwrap() }
    };
    let whole = over_the_wire(&world.answer("alice", "bob", None).unwrap());
    let answer = PullAnswer { changes: (0..200).map(change).collect(), listed: None, ..whole };
    let report = super::pulling::bob_settles_answer(&world, answer);
    assert!(report.pulled[0].problem.is_some());
    assert_eq!(world.at("bob").feed_texts(), ["small"]);
}

#[test]
fn a_pull_that_outlasts_a_friendship_does_not_spoil_the_next_one() {
    let mut world = World::of_friends("alice", "bob");
    world.write("alice", "from before");
    world.refresh("bob", Scope::ALL);
    world.clock.advance(HOUR_MS);
    let (bob, timing) = (world.at("bob"), Timing::local());
    let outlook = block_on(sync::Outlook::load(&bob.view(), world.now_ms())).unwrap();
    // What one request of bob's goes on to see, while another one ends it.
    let store = bob.ledger.store().clone();
    let ledger = Ledger::new(store, world.clock.clone(), world.random.clone(), timing);
    let view = block_on(ledger.view()).unwrap();
    let plan = sync::plan(&bob.account, &outlook, Scope::ALL, world.now_ms());
    let answers: Vec<_> = plan.requests.into_iter().map(|r| (r.clone(), world.deliver("bob", &r))).collect();
    world.end("bob", "alice");
    let bob = world.at("bob");
    let mut report = RefreshReport::default();
    for batch in block_on(sync::settle(&view, &bob.account, answers, &mut report, world.now_ms())).unwrap() {
        bob.commit(batch);
    }
    drop(view);
    world.befriend("alice", "bob");
    world.refresh("bob", Scope::ALL);
    assert_eq!(world.at("bob").feed_texts(), ["from before"]);
}
