//! Nothing is lost while somebody is away.

use crate::notifications::post;
use std::time::{Duration, Instant};
use tidings_e2e::{Mode, Peer, World, head_at, now_ms};
use tidings_protocol::Change;
use tidings_social::api::{DeliveryState, FriendState, FriendView, RefreshScope};

tidings_e2e::tests![
    a_friend_who_was_away_reads_what_was_posted_meanwhile,
    an_acceptance_is_delivered_once_the_requester_is_back,
    an_end_is_delivered_once_the_friend_is_back,
    a_friend_who_is_away_does_not_keep_others_waiting,
    a_friend_who_never_answers_is_not_waited_for,
];

fn a_friend_who_was_away_reads_what_was_posted_meanwhile(mode: Mode) {
    let world = World::new(mode, 2);
    let [alice, mut bob] = world.friends(["Alice", "Bob"]);
    bob.deployment.stop();
    alice.post("while you were away");
    mode.settle();
    // What follows the post may still be trying.
    mode.eventually("alice's side knows that bob is not there", || {
        let report = alice.refresh(RefreshScope::All);
        assert!(report.next_due_ms.is_some());
        report.waiting > 0 && report.pulled[0].problem.is_some()
    });
    let owed = alice.friend(&bob.id()).unwrap().owed.unwrap();
    assert_eq!(owed.state, DeliveryState::Waiting);
    assert!(owed.problem.is_some() && owed.attempts > 0 && owed.next_ms > owed.since_ms);
    bob.deployment.restart();
    mode.eventually("alice tells bob", || {
        let _ = alice.refresh(RefreshScope::All);
        bob.changes().dirty == 1
    });
    mode.eventually("bob reads it", || {
        bob.tick();
        bob.reads("while you were away")
    });
    mode.eventually("nothing waits at alice's", || alice.refresh(RefreshScope::All).waiting == 0);
    mode.eventually("nothing is owed", || alice.friend(&bob.id()).unwrap().owed.is_none());
}

fn an_acceptance_is_delivered_once_the_requester_is_back(mode: Mode) {
    let world = World::new(mode, 2);
    let [mut alice, bob] = world.owners(["Alice", "Bob"]);
    let _ = alice.request(&bob.deployment.origin(), None).expect(201);
    mode.eventually("bob has found alice at her address", || {
        bob.tick();
        bob.friend(&alice.id()).is_some_and(|friend| friend.verified)
    });
    alice.deployment.stop();
    let accepted: FriendView = bob.accept(&alice.id()).json(200);
    assert_eq!((accepted.state, accepted.delivery.state), (FriendState::Friends, DeliveryState::Waiting));
    assert!(accepted.delivery.problem.is_some() && accepted.delivery.next_ms.is_some());
    mode.settle();
    alice.deployment.restart();
    assert_eq!(alice.state_of(&bob), Some(FriendState::Outgoing));
    mode.eventually("alice learns it", || {
        let _ = bob.refresh(RefreshScope::All);
        alice.state_of(&bob) == Some(FriendState::Friends)
    });
    assert_eq!(bob.friend(&alice.id()).unwrap().delivery.state, DeliveryState::Delivered);
}

fn an_end_is_delivered_once_the_friend_is_back(mode: Mode) {
    let world = World::new(mode, 2);
    let [alice, mut bob] = world.friends(["Alice", "Bob"]);
    bob.deployment.kill();
    let _ = alice.end(&bob.id()).expect(204);
    mode.eventually("it is over for alice", || alice.friends().is_empty());
    bob.deployment.restart();
    assert_eq!(bob.state_of(&alice), Some(FriendState::Friends));
    mode.eventually("bob learns it", || {
        let _ = alice.refresh(RefreshScope::All);
        bob.friends().is_empty()
    });
}

/// ```text
/// bob (away) -- alice -- carol
/// ```
fn a_friend_who_is_away_does_not_keep_others_waiting(mode: Mode) {
    let world = World::new(mode, 3);
    let [alice, mut bob, carol] = world.owners(["Alice", "Bob", "Carol"]);
    world.befriend(&alice, &bob);
    world.befriend(&alice, &carol);
    world.rest([&alice, &bob, &carol]);
    bob.deployment.stop();
    carol.post("carol is here");
    alice.post("for whoever is here");
    for (reader, text) in [(&alice, "carol is here"), (&carol, "for whoever is here")] {
        mode.eventually("the post arrives", || {
            reader.tick();
            reader.reads(text)
        });
    }
}

/// Each answer has six seconds, and all are waited for at the same time.
fn a_friend_who_never_answers_is_not_waited_for(mode: Mode) {
    let world = World::new(mode, 1);
    let alice = world.owner("Alice");
    let (silent, other) = (Peer::start("Bob"), Peer::start("Carol"));
    silent.befriend(&alice, mode);
    other.befriend(&alice, mode);
    let head = head_at(now_ms(), 1);
    other.serve_changes(vec![Change::Post { record: post(&other, 1, "carol is here") }], head);
    silent.keep_silent(Duration::from_secs(9));
    let begun = Instant::now();
    let report = alice.refresh(RefreshScope::All);
    // The silence of the one is as long as it is; the machine may be slow on top of that.
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    let problem = |id| report.pulled.iter().find(|pulled| pulled.friend == id).unwrap().problem.clone();
    assert!(problem(silent.person.id()).is_some_and(|problem| problem.contains("6 seconds")), "{report:?}");
    assert_eq!(problem(other.person.id()), None);
    mode.settle();
    assert!(alice.reads("carol is here"));
}
