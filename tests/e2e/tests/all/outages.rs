//! Nothing is lost while somebody is away.

use tidings_e2e::{Mode, World};
use tidings_social::api::{DeliveryState, FriendState, FriendView, RefreshScope};

tidings_e2e::tests![
    a_friend_who_was_away_reads_what_was_posted_meanwhile,
    an_acceptance_is_delivered_once_the_requester_is_back,
    an_end_is_delivered_once_the_friend_is_back,
    a_friend_who_is_away_does_not_keep_others_waiting,
];

fn a_friend_who_was_away_reads_what_was_posted_meanwhile(mode: Mode) {
    let world = World::new(mode, 2);
    let [alice, mut bob] = world.friends(["Alice", "Bob"]);
    bob.deployment.stop();
    alice.post("while you were away");
    mode.settle();
    let report = alice.refresh(RefreshScope::All);
    assert!(report.waiting > 0 && report.pulled[0].problem.is_some(), "{report:?}");
    assert!(report.next_due_ms.is_some());
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
