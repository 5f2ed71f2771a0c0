//! What one deployment may send, and how it treats those who want to be left alone.

use super::*;
use crate::limits::{LISTINGS_MOST, OUTBOUND_HOUR, PAUSE_MS, UNSEEN_REFRESHES, UNSEEN_WRITES, rest_ms};
use crate::sync::{Outlook, Spent};

fn spend(world: &World, who: &str, minute: u64, requests: u32) {
    let mut batch = Batch::new();
    batch.put(keys::spent(minute, &format!("test{minute}")), format!("{{\"requests\":{requests}}}"));
    world.at(who).commit(batch);
}

fn spent(world: &World, who: &str) -> Spent {
    block_on(Spent::load(&world.at(who).view(), world.now_ms())).unwrap()
}

#[test]
fn every_request_is_counted_once_in_the_hour_that_it_is_sent_in() {
    let mut world = World::of_friends("alice", "bob");
    world.clock.advance(2 * HOUR_MS);
    assert_eq!(spent(&world, "alice").requests(), 0);
    for n in 0..5 {
        world.write("alice", &format!("post {n}"));
        world.refresh("alice", Scope::ALL);
        world.refresh("bob", Scope::DUE);
        world.clock.advance(MINUTE_MS);
    }
    let sent = |who: &str| u32::try_from(world.sent.iter().filter(|(from, _)| from == who).count()).unwrap();
    assert_eq!(sent("alice"), 10);
    for who in ["alice", "bob"] {
        assert_eq!(spent(&world, who).requests(), sent(who));
    }
}

#[test]
fn what_exceeds_the_hour_waits_its_turn_and_the_owner_is_told() {
    let mut world = World::with(&["alice", "bob", "carol", "dave"]);
    for other in ["bob", "carol", "dave"] {
        world.befriend("alice", other);
    }
    world.clock.advance(2 * HOUR_MS);
    world.sent.clear();
    spend(&world, "alice", world.now_ms() / MINUTE_MS - 10, OUTBOUND_HOUR - 2);
    world.write("alice", "for all");
    world.write("bob", "awaited");
    world.refresh("bob", Scope::DUE);
    let report = world.refresh("alice", Scope::DUE);
    let sent = world.sent.iter().filter(|(from, _)| from == "alice");
    let tasks: Vec<&Task> = sent.map(|(_, task)| task).collect();
    assert!(matches!(tasks[..], [Task::Pull(_), Task::Notify(_)]), "{tasks:?}");
    let held_back = report.held_back.unwrap();
    // Bob learned of it with the answer to his own notification.
    assert_eq!(held_back.requests, 1);
    assert_eq!(report.next_due_ms, Some(held_back.until_ms));
    assert_eq!(held_back.until_ms, (world.now_ms() / MINUTE_MS - 10 + 61) * MINUTE_MS);
    world.clock.advance(held_back.until_ms - world.now_ms());
    let report = world.refresh("alice", Scope::DUE);
    assert_eq!((report.delivered, report.held_back), (1, None));
}

#[test]
fn notes_of_hours_long_past_are_removed() {
    let mut world = World::of_friends("alice", "bob");
    for n in 0..200 {
        world.clock.advance(20 * MINUTE_MS);
        world.write("alice", &format!("post {n}"));
        world.refresh("alice", Scope::DUE);
        world.refresh("bob", Scope::DUE);
    }
    let view = world.at("alice").view();
    let notes =
        block_on(view.scan(tidings_ledger::Range::partition(keys::SPENT), Direction::Forward, usize::MAX));
    assert!(notes.unwrap().len() < 80);
}

#[test]
fn who_wants_to_be_left_alone_is_left_alone_also_when_the_owner_is_impatient() {
    for (status, seconds, wait_ms) in [(429, 600, 600_000), (503, u64::MAX / 1_000, PAUSE_MS)] {
        let mut world = World::of_friends("alice", "bob");
        world.refuse = Some(("bob".into(), status, seconds.saturating_mul(1_000)));
        world.write("alice", "news");
        world.refresh("alice", Scope::ALL);
        let sent = world.sent.len();
        world.refuse = None;
        world.clock.advance(wait_ms - 1_000);
        let report = world.refresh("alice", Scope::ALL);
        assert_eq!(world.sent.len(), sent);
        assert!(report.next_due_ms.is_some_and(|ms| ms <= world.now_ms() + 1_000));
        world.clock.advance(1_000);
        assert_eq!(world.refresh("alice", Scope::ALL).delivered, 1);
    }
}

#[test]
fn a_reader_who_begins_again_and_again_is_told_when_to_come_again() {
    let world = World::of_friends("alice", "bob");
    let pull = || {
        let (to, task) = (world.id("alice"), Task::Pull(PullRequest::default()));
        world.deliver("bob", &PeerRequest { to, address: address("alice"), task, with_certificate: false })
    };
    let begun = (0..LISTINGS_MOST + 3).filter(|_| matches!(pull(), PeerAnswer::Changes { .. })).count();
    assert_eq!(begun, LISTINGS_MOST as usize - 1, "and the one with which it began");
    assert!(matches!(pull(), PeerAnswer::Refused { status: 429, retry_after_ms: Some(1..=600_000), .. }));
    world.clock.advance(10 * MINUTE_MS);
    assert!(matches!(pull(), PeerAnswer::Changes { .. }));
}

#[test]
fn over_a_stale_store_nothing_is_due_before_what_was_noted_can_be_seen() {
    const REST_MS: u64 = rest_ms(60_000);
    let mut world = World::timed(&["alice", "bob"], Timing::replicated(60_000));
    world.befriend("alice", "bob");
    world.clock.advance(2 * HOUR_MS);
    world.refresh("alice", Scope::DUE);
    world.refresh("bob", Scope::DUE);
    world.clock.advance(2 * HOUR_MS);
    // Whoever writes tells of it; another request does so only if that one failed.
    world.write("bob", "news");
    let due_ms = world.now_ms() + REST_MS;
    let report = world.refresh("bob", Scope::DUE);
    assert_eq!((report.delivered, report.next_due_ms, report.rest_ms), (0, Some(due_ms), 0));
    world.clock.advance(REST_MS);
    let report = world.refresh("bob", Scope::DUE);
    assert_eq!((report.delivered, report.rest_ms), (1, REST_MS));
    let shown = |world: &World| {
        let alice = world.at("alice");
        block_on(crate::changes::show(&alice.view(), &alice.account, world.now_ms())).unwrap()
    };
    assert_eq!(shown(&world).next_due_ms, Some(world.now_ms()));
    let report = world.refresh("alice", Scope::DUE);
    assert_eq!((report.pulled.len(), report.rest_ms), (1, REST_MS));
    let seen_ms = world.now_ms() + REST_MS;
    assert!(report.next_due_ms.is_some_and(|ms| ms >= seen_ms), "{report:?}");
    // More news come at once, and wait; the owner does not have to.
    world.write("bob", "more news");
    world.refresh("bob", Scope::only(world.id("alice")));
    assert_eq!((shown(&world).dirty, shown(&world).next_due_ms), (1, Some(seen_ms)));
    assert_eq!(world.refresh("alice", Scope::DUE).pulled.len(), 0);
    assert_eq!(world.refresh("alice", Scope::ALL).pulled[0].changed, 1);
}

#[test]
fn refreshes_that_do_not_see_each_other_keep_to_the_hour_together() {
    let mut world = World::timed(&["alice", "bob"], Timing::replicated(60_000));
    world.befriend("alice", "bob");
    world.clock.advance(2 * HOUR_MS);
    spend(&world, "alice", world.now_ms() / MINUTE_MS - 10, OUTBOUND_HOUR - 100);
    let alice = world.at("alice");
    let mut outlook = block_on(Outlook::load(&alice.view(), world.now_ms())).unwrap();
    outlook.relations = vec![outlook.relations[0].clone(); 200];
    let plan = |outlook: &Outlook, scope| sync::plan(&alice.account, outlook, scope, world.now_ms());
    let sent = plan(&outlook, Scope::ALL).requests.len();
    assert!(sent > 2 && sent * UNSEEN_REFRESHES <= 50, "{sent}");
    assert_eq!(plan(&outlook, Scope::only(world.id("bob"))).requests.len(), crate::limits::ROUND_PULLS);
    // What is too little to be shared is left for what the owner does.
    spend(&world, "alice", world.now_ms() / MINUTE_MS - 5, 45);
    outlook.spent = spent(&world, "alice");
    let plan = plan(&outlook, Scope::ALL);
    assert!(plan.requests.is_empty() && plan.held_back.is_some());
}

/// The most requests within any hour if refreshes of these scopes begin within `hidden_ms` again and again, each takes all
/// that it may, and sees nothing of what was taken within `hidden_ms` before.
fn most_in_an_hour(scopes: &[Scope], hidden_ms: u64) -> usize {
    let world = World::timed(&["alice"], Timing::replicated(60_000));
    let mut outlook = block_on(Outlook::load(&world.at("alice").view(), world.now_ms())).unwrap();
    let mut taken: Vec<(u64, usize)> = Vec::new();
    let step_ms = hidden_ms / scopes.len() as u64;
    for (number, scope) in (0..4 * HOUR_MS / step_ms).zip(scopes.iter().cycle()) {
        let now_ms = world.now_ms() + number * step_ms;
        let counts = |at_ms: u64| at_ms + hidden_ms <= now_ms && at_ms / MINUTE_MS + 60 >= now_ms / MINUTE_MS;
        let seen = taken.iter().filter(|(at_ms, _)| counts(*at_ms));
        outlook.spent =
            Spent::of(seen.map(|(at_ms, requests)| (at_ms / MINUTE_MS, u32::try_from(*requests).unwrap())));
        taken.push((now_ms, scope.share(&outlook)));
    }
    let within = |from_ms: u64| {
        let hour = taken.iter().filter(|(at_ms, _)| (from_ms..from_ms + HOUR_MS).contains(at_ms));
        hour.map(|(_, requests)| requests).sum()
    };
    taken.iter().map(|(at_ms, _)| within(*at_ms)).max().unwrap()
}

#[test]
fn the_hour_holds_however_long_a_few_refreshes_at_a_time_do_not_see_each_other() {
    let (refresh, write) = (Scope::ALL, Scope::DUE.telling());
    let hour = OUTBOUND_HOUR as usize;
    let with_write = |others| [vec![write], vec![refresh; others]].concat();
    for scopes in [vec![refresh; 8], vec![write; 2], with_write(1), with_write(4), vec![refresh]] {
        let most = most_in_an_hour(&scopes, rest_ms(60_000));
        assert!((hour * 8 / 10..=hour).contains(&most), "{scopes:?}: {most}");
    }
    // Beyond that it gives way by little, and the hosts allow 500.
    for scopes in [with_write(5), [vec![write], with_write(3)].concat()] {
        let most = most_in_an_hour(&scopes, rest_ms(60_000));
        assert!((hour + 1..=500).contains(&most), "{scopes:?}: {most}");
    }
}

#[test]
fn the_hour_holds_for_many_that_begin_at_once() {
    let world = World::timed(&["alice"], Timing::replicated(60_000));
    let outlook = block_on(Outlook::load(&world.at("alice").view(), world.now_ms())).unwrap();
    let hour = OUTBOUND_HOUR as usize;
    assert!(Scope::ALL.share(&outlook) * UNSEEN_REFRESHES <= hour);
    assert!(Scope::DUE.telling().share(&outlook) * UNSEEN_WRITES <= hour);
}

#[test]
fn a_request_beside_any_round_is_counted_whatever_comes_of_it() {
    let world = World::of_friends("alice", "bob");
    world.clock.advance(2 * HOUR_MS);
    let take = |world: &World| {
        let (mut view, now_ms) = (world.at("alice").view(), world.now_ms());
        let unique = now_ms.to_be_bytes();
        block_on(Spent::take_one(&world.at("alice").ledger, &mut view, now_ms, unique, Batch::new())).unwrap()
    };
    assert_eq!(take(&world), Ok(()));
    assert_eq!(spent(&world, "alice").requests(), 1);
    world.clock.advance(1_000);
    let minute = world.now_ms() / MINUTE_MS;
    spend(&world, "alice", minute, OUTBOUND_HOUR - 2);
    assert_eq!(take(&world), Ok(()));
    assert_eq!(take(&world), Err((minute + 61) * MINUTE_MS));
    assert_eq!(spent(&world, "alice").requests(), OUTBOUND_HOUR);
}

/// Chance for a refresh of `who`, during which, once it has looked, another one notes what it is about to send.
struct Meanwhile<'w> {
    world: &'w World,
    who: &'w str,
    requests: u32,
}

impl Random for Meanwhile<'_> {
    fn fill(&self, bytes: &mut [u8]) {
        self.world.random.fill(bytes);
        spend(self.world, self.who, self.world.now_ms() / MINUTE_MS, self.requests);
    }
}

#[test]
fn refreshes_that_overlap_over_a_strong_store_never_exceed_the_hour() {
    let mut world = World::with(&["alice", "bob", "carol"]);
    world.befriend("alice", "bob");
    world.befriend("alice", "carol");
    world.clock.advance(2 * HOUR_MS);
    world.write("alice", "for both");
    spend(&world, "alice", world.now_ms() / MINUTE_MS - 10, OUTBOUND_HOUR - 4);
    let alice = world.at("alice");
    let sent = RefCell::default();
    let peers = Network { world: &world, who: "alice", sent: &sent };
    let random = Meanwhile { world: &world, who: "alice", requests: 3 };
    let done =
        sync::refresh(&alice.ledger, alice.view(), &alice.account, Scope::DUE, &peers, &world.clock, &random);
    let report = block_on(done).unwrap().report;
    // The other one, which noted first, sends three of the last four.
    assert_eq!((sent.borrow().len(), report.delivered), (1, 1));
    assert!(report.held_back.is_some_and(|held_back| held_back.requests == 1), "{report:?}");
    world.clock.advance(2 * HOUR_MS);
    assert_eq!(world.refresh("alice", Scope::DUE).delivered, 1);
}
