//! What is kept of the past.

use super::*;
use crate::api::SettingsChange;
use crate::limits::{DAY_MS, GONE_KEPT_MS, LET_GO_POSTS, RETENTION_STEP};
use crate::retention::{self, Progress};
use crate::settings::{self, SettingsError};
use tidings_ledger::Range;

/// Lets Bob hold so many posts of Alice's, one a minute, without her having them.
fn hold(world: &World, count: usize) -> Vec<RecordId> {
    let (bob, alice) = (world.at("bob"), world.id("alice"));
    let first_ms = world.now_ms() - u64::try_from(count).unwrap() * MINUTE_MS;
    let ids: Vec<RecordId> = (0..u64::try_from(count).unwrap())
        .map(|n| RecordId::from_parts(first_ms + n * MINUTE_MS, [7; 10]))
        .collect();
    for chunk in ids.chunks(2_000) {
        let mut batch = Batch::new();
        for id in chunk {
            batch.put(keys::feed(*id, &alice), r#"{"body":{"type":"text/v1","text":"old"}}"#);
            batch.put(keys::held(&alice, *id), Vec::new());
        }
        bob.commit(batch);
    }
    ids
}

fn keep(world: &World, posts: u32, days: u32) {
    let bob = world.at("bob");
    let change =
        SettingsChange { feed_posts: Some(posts), feed_days: Some(days), ..SettingsChange::default() };
    bob.commit(block_on(settings::change(&bob.view(), change)).unwrap().1);
}

/// All steps of a day; how many there were.
fn steps(world: &World) -> usize {
    let bob = world.at("bob");
    let mut steps = 0;
    loop {
        let batch = block_on(retention::step(&bob.view(), &bob.relations(), world.now_ms())).unwrap();
        if batch.is_empty() {
            return steps;
        }
        bob.commit(batch);
        steps += 1;
    }
}

fn entries(world: &World, partition: &str) -> usize {
    let view = world.at("bob").view();
    block_on(view.scan(Range::partition(partition), Direction::Forward, usize::MAX)).unwrap().len()
}

fn floor(world: &World) -> Option<RecordId> {
    block_on(Progress::load(&world.at("bob").view())).unwrap().floor
}

#[test]
fn the_newest_posts_stay_and_the_rest_goes_bit_by_bit() {
    let world = World::of_friends("alice", "bob");
    let ids = hold(&world, 2 * RETENTION_STEP + 700);
    keep(&world, 1_000, 0);
    // Two to find the floor, two to remove what is below.
    assert_eq!(steps(&world), 4);
    assert_eq!((entries(&world, keys::FEED), entries(&world, keys::HELD)), (1_000, 1_000));
    let oldest_kept = ids[ids.len() - 1_000];
    assert_eq!(floor(&world), Some(ids[ids.len() - 1_001].next()));
    assert!(floor(&world).unwrap() < oldest_kept);
    assert_eq!(steps(&world), 0, "once a day");
    world.clock.advance(DAY_MS);
    assert!(steps(&world) >= 1);
    assert_eq!(entries(&world, keys::FEED), 1_000);
}

#[test]
fn posts_beyond_an_age_go_however_few_there_are() {
    let world = World::of_friends("alice", "bob");
    let ids = hold(&world, 100);
    world.clock.advance(7 * DAY_MS - 50 * MINUTE_MS);
    keep(&world, 20_000, 7);
    steps(&world);
    let kept = entries(&world, keys::FEED);
    assert_eq!(kept, 50);
    assert_eq!(entries(&world, keys::HELD), kept);
    assert!(floor(&world) > Some(ids[49]) && floor(&world) <= Some(ids[50]));
}

#[test]
fn what_is_not_kept_is_neither_asked_for_nor_taken() {
    let mut world = World::of_friends("alice", "bob");
    for n in 0..10 {
        world.write("alice", &format!("early {n}"));
        world.clock.advance(DAY_MS);
    }
    world.refresh("bob", Scope::ALL);
    assert_eq!(world.at("bob").feed_texts().len(), 10);
    keep(&world, 20_000, 7);
    world.refresh("bob", Scope::ALL);
    world.refresh("bob", Scope::ALL);
    assert_eq!(world.at("bob").feed_texts().len(), 6);
    // Starting over does not bring them back.
    let mut batch = Batch::new();
    batch.delete(keys::pull(&world.id("alice")));
    world.at("bob").commit(batch);
    world.sent.clear();
    world.refresh("bob", Scope::ALL);
    assert!(world.sent.iter().all(|(_, task)| matches!(task, Task::Pull(pull) if pull.oldest.is_some())));
    assert_eq!(world.at("bob").feed_texts().len(), 6);
    let everything = over_the_wire(&world.answer("alice", "bob", None).unwrap());
    super::pulling::bob_settles_answer(&world, everything);
    assert_eq!(world.at("bob").feed_texts().len(), 6);
}

#[test]
fn posts_that_are_too_old_are_not_even_taken() {
    let mut world = World::of_friends("alice", "bob");
    world.write("alice", "old");
    world.clock.advance(9 * DAY_MS);
    world.write("alice", "new");
    keep(&world, 20_000, 7);
    world.refresh("bob", Scope::ALL);
    assert_eq!(world.at("bob").feed_texts(), ["new"]);
    assert_eq!(entries(&world, keys::FEED), 1);
}

#[test]
fn another_choice_is_made_within_bounds_and_begins_anew() {
    let world = World::of_friends("alice", "bob");
    hold(&world, 1_500);
    keep(&world, 1_000, 0);
    steps(&world);
    assert!(floor(&world).is_some());
    keep(&world, 2_000, 0);
    assert_eq!(floor(&world), None);
    let view = world.at("bob").view();
    for (posts, days) in [(Some(999), None), (Some(100_001), None), (None, Some(6)), (None, Some(3_651))] {
        let change = SettingsChange { feed_posts: posts, feed_days: days, ..SettingsChange::default() };
        let refused = block_on(settings::change(&view, change)).unwrap_err();
        assert!(matches!(refused, SettingsError::Posts | SettingsError::Days), "{refused:?}");
    }
}

#[test]
fn very_many_posts_of_a_former_friend_go_bit_by_bit_and_are_not_shown_meanwhile() {
    let mut world = World::of_friends("alice", "bob");
    hold(&world, LET_GO_POSTS + 500);
    world.end("bob", "alice");
    assert!(world.at("bob").feed_texts().is_empty());
    for _ in 0..3 {
        world.refresh("bob", Scope::ALL);
    }
    assert_eq!((entries(&world, keys::FEED), entries(&world, keys::HELD)), (0, 0));
    assert!(!world.at("bob").relation(&world.id("alice")).leftover);
}

#[test]
fn withdrawals_are_forgotten_after_a_season_and_who_missed_them_starts_over() {
    let mut world = World::of_friends("alice", "bob");
    let id = world.write("alice", "a mistake");
    world.write("alice", "no mistake");
    world.clock.advance(HOUR_MS);
    world.refresh("bob", Scope::ALL);
    let cursor = world.at("bob").relation(&world.id("alice")).pull.unwrap().cursor.unwrap();
    world.clock.advance(HOUR_MS);
    let alice = world.at("alice");
    alice.commit(block_on(own_posts::delete(&alice.view(), id, world.now_ms())).unwrap());
    world.clock.advance(GONE_KEPT_MS);
    assert!(world.answer("alice", "bob", Some(&cursor)).is_ok());
    world.clock.advance(DAY_MS);
    let alice = world.at("alice");
    let batch = block_on(retention::step(&alice.view(), &alice.relations(), world.now_ms())).unwrap();
    alice.commit(batch);
    assert_eq!(world.answer("alice", "bob", Some(&cursor)).unwrap_err(), PullError::Cursor);
    world.refresh("bob", Scope::DUE);
    assert_eq!(world.at("bob").feed_texts(), ["no mistake"]);
    let after = world.at("bob").relation(&world.id("alice")).pull.unwrap().cursor.unwrap();
    world.clock.advance(GONE_KEPT_MS + DAY_MS);
    assert!(world.answer("alice", "bob", Some(&after)).is_ok(), "a quiet year takes nobody's place away");
}
