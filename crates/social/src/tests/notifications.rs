use super::*;
use crate::api::DeliveryState;
use crate::limits::LOOK_ANYWAY_MS;
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
fn who_was_told_and_does_not_pull_is_reminded_once_a_day() {
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
    assert_eq!(again, [1440, 2880]);
}

#[test]
fn who_was_told_is_not_told_of_what_is_newer_before_they_have_pulled() {
    let mut world = World::of_friends("alice", "bob");
    world.write("alice", "first");
    world.refresh("alice", Scope::DUE);
    for n in 0..20 {
        world.write("alice", &format!("more {n}"));
        world.clock.advance(10 * MINUTE_MS);
        world.refresh("alice", Scope::ALL);
    }
    assert_eq!(world.notifications_by("alice"), 1);
    bob_looks(&mut world);
    assert_eq!(world.at("bob").feed_texts().len(), 21);
}

/// When Alice tried to tell Bob, in minutes after the first time.
fn tries(world: &mut World, days: u64, step_ms: u64) -> Vec<u64> {
    let begun_ms = world.now_ms();
    let mut tries = Vec::new();
    while world.now_ms() < begun_ms + days * 24 * HOUR_MS {
        let before = world.notifications_by("alice");
        world.refresh("alice", Scope::DUE);
        if world.notifications_by("alice") > before {
            tries.push((world.now_ms() - begun_ms) / MINUTE_MS);
        }
        world.clock.advance(step_ms);
    }
    tries
}

#[test]
fn who_cannot_be_reached_is_tried_ever_more_rarely_and_after_a_month_weekly_and_the_owner_learns_of_it() {
    let mut world = World::of_friends("alice", "bob");
    world.down.insert("bob".into());
    world.write("alice", "nobody hears it");
    assert_eq!(tries(&mut world, 3, 5 * MINUTE_MS), [0, 15, 75, 315, 1755, 3195]);
    let owed = |world: &World| world.at("alice").relation(&world.id("bob")).view().unwrap().owed.unwrap();
    let shown = owed(&world);
    assert_eq!((shown.attempts, shown.state), (6, crate::api::DeliveryState::Waiting));
    assert!(shown.problem.is_some() && shown.next_ms > world.now_ms());
    let later = tries(&mut world, 57, 2 * HOUR_MS);
    let gaps: Vec<u64> = later.windows(2).map(|pair| (pair[1] - pair[0]) / 60 / 24).collect();
    assert_eq!(gaps.iter().filter(|days| **days == 7).count(), 4, "{gaps:?}");
    assert!(gaps[..gaps.len() - 4].iter().all(|days| *days == 1), "{gaps:?}");
    let request = crate::notifications::NotificationRequest::parse(None, None).unwrap();
    let page =
        block_on(crate::notifications::page(&world.at("alice").view(), &world.at("alice").account, request))
            .unwrap();
    let told = page.notifications.iter().filter(|noted| {
        matches!(&noted.event, crate::api::NotificationEvent::Undeliverable { friend, .. } if friend.id == world.id("bob"))
    });
    assert_eq!(told.count(), 1);
    world.down.clear();
    world.clock.advance(7 * 24 * HOUR_MS);
    world.refresh("alice", Scope::DUE);
    assert_eq!(owed(&world).state, crate::api::DeliveryState::Delivered);
    bob_looks(&mut world);
    assert_eq!(world.at("bob").feed_texts(), ["nobody hears it"]);
    assert_eq!(world.at("alice").relation(&world.id("bob")).view().unwrap().owed, None);
}

#[test]
fn what_is_owed_comes_along_with_the_answer_to_the_friends_own_notification() {
    let mut world = World::of_friends("alice", "bob");
    world.write("alice", "never announced");
    world.write("bob", "announced");
    // Bob tells Alice, whose answer says that there is something to pull.
    let report = world.refresh("bob", Scope::DUE);
    assert_eq!(report.pulled.len(), 1);
    assert_eq!(world.at("bob").feed_texts(), ["announced", "never announced"]);
    assert_eq!(world.notifications_by("alice"), 0);
}

#[test]
fn two_refreshes_at_the_same_time_tell_a_friend_once() {
    let world = World::of_friends("alice", "bob");
    world.write("alice", "news");
    let alice = world.at("alice");
    let (sent, inner) = (RefCell::default(), RefCell::default());
    let (view, clock, random) = (alice.view(), &world.clock, &world.random);
    // The other refresh runs as a whole between the look of the first one and what it does.
    let peers = Network { world: &world, who: "alice", sent: &inner };
    let refreshed = block_on(sync::refresh(
        &alice.ledger,
        alice.view(),
        &alice.account,
        Scope::DUE,
        &peers,
        clock,
        random,
    ));
    assert_eq!(refreshed.unwrap().report.delivered, 1);
    world.clock.advance(1);
    let peers = Network { world: &world, who: "alice", sent: &sent };
    block_on(sync::refresh(&alice.ledger, view, &alice.account, Scope::DUE, &peers, clock, random)).unwrap();
    let notified = |sent: RefCell<Vec<(String, Task)>>| {
        sent.into_inner().iter().filter(|(_, task)| matches!(task, Task::Notify(_))).count()
    };
    assert_eq!((notified(inner), notified(sent)), (1, 0));
}

#[test]
fn a_friend_who_announces_without_end_is_told_when_to_come_again() {
    let mut world = World::of_friends("alice", "bob");
    world.clock.advance(MINUTE_MS);
    let head = |world: &World, n: u32| {
        let mut bytes = *world.head_now().as_bytes();
        bytes[8..].copy_from_slice(&n.to_be_bytes());
        Head::from_bytes(bytes)
    };
    for n in 0..crate::limits::HEARD_MOST {
        let head = head(&world, u32::try_from(n).unwrap());
        assert!(matches!(notify_bob(&world, head), PeerAnswer::Notification(_)), "{n}");
    }
    let refused = notify_bob(&world, head(&world, 1_000));
    let PeerAnswer::Refused { status: 429, retry_after_ms: Some(wait_ms), .. } = refused else {
        panic!("{refused:?}")
    };
    world.clock.advance(wait_ms);
    assert!(matches!(notify_bob(&world, head(&world, 1_001)), PeerAnswer::Notification(_)));
    let bob = world.at("bob");
    assert!(bob.relation(&world.id("alice")).heard_ms.len() < 10, "what counts no more is gone");
    assert!(is_dirty(&world));
    bob_looks(&mut world);
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

/// Chance for a refresh of `who`, during which, once it has looked, another one begins and ends.
struct AnotherMeanwhile<'w> {
    world: &'w World,
    who: &'w str,
}

impl Random for AnotherMeanwhile<'_> {
    fn fill(&self, bytes: &mut [u8]) {
        self.world.random.fill(bytes);
        self.world.clock.advance(1);
        let _ = refresh_beside(self.world, self.who, &self.world.random);
        self.world.clock.advance(1);
    }
}

fn refresh_beside(world: &World, who: &str, random: &impl Random) -> RefreshReport {
    let (sent, deployment) = (RefCell::default(), world.at(who));
    let peers = Network { world, who, sent: &sent };
    let view = deployment.view();
    let (ledger, account) = (&deployment.ledger, &deployment.account);
    block_on(sync::refresh(ledger, view, account, Scope::ALL, &peers, &world.clock, random)).unwrap().report
}

#[test]
fn two_refreshes_at_once_do_not_hide_that_a_friend_was_not_reached() {
    let mut world = World::of_friends("alice", "bob");
    let bob = world.id("bob");
    world.down.insert("bob".into());
    for round in 0..2 {
        world.write("alice", "while you were out");
        let report = refresh_beside(&world, "alice", &AnotherMeanwhile { world: &world, who: "alice" });
        assert_eq!((report.delivered, report.waiting), (0, 1), "round {round}");
        let owed = world.at("alice").relation(&bob).owed_view().unwrap();
        assert_eq!(owed.state, DeliveryState::Waiting);
        assert!(owed.problem.is_some() && owed.next_ms <= world.now_ms() + 4 * HOUR_MS, "{owed:?}");
        world.clock.advance(MINUTE_MS);
    }
    world.down.clear();
    let report = refresh_beside(&world, "alice", &AnotherMeanwhile { world: &world, who: "alice" });
    assert_eq!(report.waiting, 0);
    assert_eq!(world.at("alice").relation(&bob).untold, []);
    world.refresh("alice", Scope::ALL);
    assert_eq!(world.refresh("alice", Scope::ALL).delivered, 0, "they were reached");
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
