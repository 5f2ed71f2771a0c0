use super::*;
use crate::limits::{BETWEEN_NOTIFICATIONS_MS, LOOK_ANYWAY_MS};
use tidings_protocol::Notification;

/// Bob's open tab: it pulls when it is told to.
fn bob_looks(world: &mut World) {
    world.refresh("bob", Scope::DUE);
}

#[test]
fn a_post_costs_one_notification_and_one_pull() {
    let mut world = World::of_friends("alice", "bob");
    world.clock.advance(MINUTE_MS);
    world.write("alice", "news");
    world.refresh("alice", Scope::DUE);
    bob_looks(&mut world);
    assert_eq!(world.at("bob").feed_texts(), ["news"]);
    world.refresh("alice", Scope::DUE);
    bob_looks(&mut world);
    assert_eq!((world.notifications_by("alice"), world.pulls_by("bob"), world.sent.len()), (1, 1, 2));
}

#[test]
fn who_pulls_is_told_of_the_next_post_at_once() {
    let mut world = World::of_friends("alice", "bob");
    for n in 1..=3 {
        world.write("alice", &format!("post {n}"));
        world.refresh("alice", Scope::DUE);
        assert_eq!(world.notifications_by("alice"), n);
        bob_looks(&mut world);
        assert_eq!(world.at("bob").feed_texts().len(), n);
    }
}

#[test]
fn who_does_not_pull_is_told_again_ever_more_rarely() {
    let mut world = World::of_friends("alice", "bob");
    world.write("alice", "first");
    world.refresh("alice", Scope::DUE);
    let told_at = world.now_ms();
    let mut again = Vec::new();
    while world.now_ms() < told_at + 60 * HOUR_MS {
        world.clock.advance(5 * MINUTE_MS);
        let before = world.notifications_by("alice");
        world.refresh("alice", Scope::DUE);
        if world.notifications_by("alice") > before {
            again.push((world.now_ms() - told_at) / MINUTE_MS);
        }
    }
    assert_eq!(again, [15, 75, 315, 1755, 3195]);
}

#[test]
fn ten_minutes_lie_between_two_unanswered_notifications() {
    let mut world = World::of_friends("alice", "bob");
    world.write("alice", "first");
    world.refresh("alice", Scope::DUE);
    for n in 0..20 {
        world.write("alice", &format!("more {n}"));
        world.refresh("alice", Scope::DUE);
    }
    assert_eq!(world.notifications_by("alice"), 1);
    world.clock.advance(BETWEEN_NOTIFICATIONS_MS);
    world.refresh("alice", Scope::DUE);
    assert_eq!(world.notifications_by("alice"), 2);
    bob_looks(&mut world);
    assert_eq!(world.at("bob").feed_texts().len(), 21);
}

#[test]
fn a_friend_who_was_down_is_told_when_they_are_back() {
    let mut world = World::of_friends("alice", "bob");
    world.down.insert("bob".into());
    world.write("alice", "while you were out");
    let report = world.refresh("alice", Scope::DUE);
    assert_eq!((report.delivered, report.waiting), (0, 1));
    world.down.clear();
    // The owner may ask for another try; a friend who was reached is not told twice that way.
    let report = world.refresh("alice", Scope::ALL);
    assert_eq!((report.delivered, report.waiting), (1, 0));
    assert_eq!(world.refresh("alice", Scope::ALL).delivered, 0);
    bob_looks(&mut world);
    assert_eq!(world.at("bob").feed_texts(), ["while you were out"]);
}

#[test]
fn what_a_lost_notification_left_behind_is_found_within_a_day() {
    let mut world = World::of_friends("alice", "bob");
    world.write("alice", "never announced");
    bob_looks(&mut world);
    assert!(world.at("bob").feed_texts().is_empty());
    world.clock.advance(LOOK_ANYWAY_MS);
    bob_looks(&mut world);
    assert_eq!(world.at("bob").feed_texts(), ["never announced"]);
}

fn notify_bob(world: &World, head: Head) -> PeerAnswer {
    let task = Task::Notify(Notification { head });
    let request = PeerRequest { to: world.id("bob"), address: address("bob"), task, with_certificate: false };
    world.deliver("alice", &request)
}

fn is_dirty(world: &World) -> bool {
    world.clock.advance(1);
    let bob = world.at("bob");
    block_on(crate::changes::show(&bob.view(), &bob.account, world.now_ms())).unwrap().dirty == 1
}

#[test]
fn notifications_out_of_order_leave_the_friend_dirty_until_the_greatest_is_held() {
    let mut world = World::of_friends("alice", "bob");
    let mut heads = Vec::new();
    for n in 0..5 {
        world.write("alice", &format!("post {n}"));
        heads.push(world.at("alice").head().unwrap());
    }
    for index in [2, 4, 0, 3, 1, 4] {
        assert!(matches!(notify_bob(&world, heads[index]), PeerAnswer::Notification(_)));
        assert!(is_dirty(&world));
    }
    bob_looks(&mut world);
    assert!(!is_dirty(&world));
    assert_eq!(world.at("bob").feed_texts().len(), 5);
    let before = world.at("bob").view().fingerprint(None);
    for head in heads {
        assert!(matches!(notify_bob(&world, head), PeerAnswer::Notification(_)));
    }
    assert_eq!(world.at("bob").view().fingerprint(None), before, "a replay is not even written down");
}

#[test]
fn a_head_from_the_future_is_refused() {
    let world = World::of_friends("alice", "bob");
    let mut bytes = [0; 12];
    bytes[..6].copy_from_slice(&(world.now_ms() + 2 * HOUR_MS).to_be_bytes()[2..]);
    assert!(matches!(notify_bob(&world, Head::from_bytes(bytes)), PeerAnswer::Refused { .. }));
    assert!(!is_dirty(&world));
}

#[test]
fn an_announced_head_that_the_answer_has_not_yet_is_asked_for_again_soon() {
    let mut world = World::of_friends("alice", "bob");
    world.write("alice", "late");
    let head = world.at("alice").head().unwrap();
    let mut later = *head.as_bytes();
    later[5] += 1;
    notify_bob(&world, Head::from_bytes(later));
    bob_looks(&mut world);
    assert_eq!(world.pulls_by("bob"), 1);
    assert!(is_dirty(&world));
    bob_looks(&mut world);
    assert_eq!(world.pulls_by("bob"), 1, "not at once");
    world.clock.advance(2_000);
    bob_looks(&mut world);
    assert_eq!(world.pulls_by("bob"), 2);
}
