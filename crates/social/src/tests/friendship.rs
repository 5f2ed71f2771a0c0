use super::*;
use crate::friends::FriendError;
use crate::limits::{PENDING_STRANGERS, RETRY_MS, WITHDRAWN_MS};
use tidings_protocol::{Friendship, FriendshipMessage, Stance};

#[test]
fn a_request_and_its_acceptance_make_friends_on_both_sides() {
    let mut world = World::with(&["alice", "bob"]);
    world.request("alice", "bob");
    assert_eq!(world.state("alice", "bob"), Some(FriendState::Outgoing));
    assert_eq!(world.state("bob", "alice"), Some(FriendState::Incoming));
    let shown = world.at("bob").relation(&world.id("alice")).view().unwrap();
    assert_eq!(
        (shown.name.as_str(), shown.greeting.as_deref(), shown.verified),
        ("alice", Some("hello"), false)
    );
    assert_eq!(world.at("alice").relation(&world.id("bob")).view().unwrap().name, "bob");
    world.accept("bob", "alice");
    assert_eq!(world.state("alice", "bob"), Some(FriendState::Friends));
    assert_eq!(world.state("bob", "alice"), Some(FriendState::Friends));
}

#[test]
fn requests_that_cross_meet() {
    let mut world = World::with(&["alice", "bob"]);
    world.down.insert("alice".into());
    world.down.insert("bob".into());
    world.request("alice", "bob");
    world.request("bob", "alice");
    world.down.clear();
    world.clock.advance(RETRY_MS[0]);
    world.refresh("alice", Scope::DUE);
    assert_eq!(world.state("alice", "bob"), Some(FriendState::Friends));
    assert_eq!(world.state("bob", "alice"), Some(FriendState::Friends));
}

#[test]
fn the_same_request_twice_changes_nothing() {
    let mut world = World::with(&["alice", "bob"]);
    world.request("alice", "bob");
    let message = world.at("alice").relation(&world.id("bob")).ours.unwrap();
    let before = world.at("bob").view().fingerprint(None);
    world.request("alice", "bob");
    let request = PeerRequest {
        to: world.id("bob"),
        address: address("bob"),
        task: Task::Friendship(Box::new(FriendshipMessage { friendship: message, invitation: None })),
        with_certificate: true,
    };
    assert!(matches!(world.deliver("alice", &request), PeerAnswer::Friendship(_)));
    assert_eq!(world.at("bob").view().fingerprint(None), before);
}

#[test]
fn an_acceptance_that_could_not_be_delivered_comes_with_the_answer_to_the_next_request() {
    let mut world = World::with(&["alice", "bob"]);
    world.request("alice", "bob");
    world.refresh("bob", Scope::DUE);
    world.down.insert("alice".into());
    world.accept("bob", "alice");
    assert!(world.at("bob").relation(&world.id("alice")).owes_stance());
    world.down.clear();
    // Alice was down when Bob accepted; her own repeated request brings the answer along.
    let relation = world.at("alice").relation(&world.id("bob"));
    let mut batch = Batch::new();
    batch.put(keys::delivery(&relation.fingerprint), stored::json(&crate::relation::Delivery::default()));
    world.at("alice").commit(batch);
    world.refresh("alice", Scope::DUE);
    assert_eq!(world.state("alice", "bob"), Some(FriendState::Friends));
}

#[test]
fn a_request_is_accepted_only_from_somebody_found_at_their_address() {
    let mut world = World::with(&["alice", "bob"]);
    world.request("alice", "bob");
    world.down.insert("alice".into());
    world.refresh("bob", Scope::ALL);
    let bob = world.at("bob");
    let relation = bob.relation(&world.id("alice"));
    let refused = friends::accept(&bob.account, "bob", &relation, world.now_ms());
    assert!(matches!(refused, Err(FriendError::Unverified { .. })), "{refused:?}");
    assert_eq!(world.state("bob", "alice"), Some(FriendState::Incoming));
}

#[test]
fn ending_reaches_the_other_side_and_takes_the_posts_along() {
    let mut world = World::of_friends("alice", "bob");
    world.write("alice", "for friends");
    world.refresh("alice", Scope::DUE);
    world.refresh("bob", Scope::DUE);
    assert_eq!(world.at("bob").feed_texts(), ["for friends"]);
    world.end("alice", "bob");
    assert_eq!((world.state("alice", "bob"), world.state("bob", "alice")), (None, None));
    assert!(world.at("bob").feed_texts().is_empty());
    let pull = PeerRequest {
        to: world.id("alice"),
        address: address("alice"),
        task: Task::Pull(PullRequest::default()),
        with_certificate: false,
    };
    assert!(matches!(world.deliver("bob", &pull), PeerAnswer::Refused { status: 403, .. }));
}

#[test]
fn after_an_end_a_new_request_needs_a_new_acceptance() {
    let mut world = World::of_friends("alice", "bob");
    world.end("alice", "bob");
    world.request("alice", "bob");
    assert_eq!(world.state("bob", "alice"), Some(FriendState::Incoming));
    assert_eq!(world.at("alice").relation(&world.id("bob")).ours.unwrap().unverified().generation, 2);
    world.accept("bob", "alice");
    assert_eq!(world.state("alice", "bob"), Some(FriendState::Friends));
}

#[test]
fn a_declined_request_is_over_for_both() {
    let mut world = World::with(&["alice", "bob"]);
    world.request("alice", "bob");
    world.end("bob", "alice");
    assert_eq!((world.state("alice", "bob"), world.state("bob", "alice")), (None, None));
}

#[test]
fn replayed_and_reordered_messages_are_ignored() {
    let mut world = World::with(&["alice", "bob"]);
    world.request("alice", "bob");
    let first = world.at("alice").relation(&world.id("bob")).ours.unwrap();
    world.end("alice", "bob");
    assert_eq!(world.state("bob", "alice"), None);
    let replay = PeerRequest {
        to: world.id("bob"),
        address: address("bob"),
        task: Task::Friendship(Box::new(FriendshipMessage { friendship: first, invitation: None })),
        with_certificate: true,
    };
    assert!(matches!(world.deliver("alice", &replay), PeerAnswer::Friendship(_)));
    assert_eq!(world.state("bob", "alice"), None);
}

#[test]
fn nobody_speaks_for_somebody_else() {
    let world = World::with(&["alice", "bob", "eve"]);
    let friendship = Friendship {
        from: world.at("alice").account.identity(),
        to: world.id("bob"),
        generation: 1,
        sequence: 1,
        stance: Stance::Wanted,
        name: "alice".into(),
        greeting: None,
        created_ms: START_MS,
    };
    let forged = Signed::sign(friendship, world.at("eve").account.deployment_key()).unwrap();
    let request = PeerRequest {
        to: world.id("bob"),
        address: address("bob"),
        task: Task::Friendship(Box::new(FriendshipMessage { friendship: forged, invitation: None })),
        with_certificate: true,
    };
    let before = world.at("bob").view().fingerprint(None);
    assert!(matches!(world.deliver("eve", &request), PeerAnswer::Refused { .. }));
    assert_eq!(world.at("bob").view().fingerprint(None), before);
}

#[test]
fn strangers_do_not_pull_or_notify() {
    let world = World::with(&["alice", "bob"]);
    for task in [
        Task::Pull(PullRequest::default()),
        Task::Notify(tidings_protocol::Notification { head: world.head_now() }),
    ] {
        let request =
            PeerRequest { to: world.id("alice"), address: address("alice"), task, with_certificate: true };
        assert!(matches!(world.deliver("bob", &request), PeerAnswer::Refused { status: 403, .. }));
    }
}

#[test]
fn a_crowd_of_strangers_is_refused_and_a_known_requester_is_not() {
    let names: Vec<String> = (0..=PENDING_STRANGERS).map(|n| format!("stranger{n}")).collect();
    let mut all: Vec<&str> = names.iter().map(String::as_str).collect();
    all.push("bob");
    let mut world = World::with(&all);
    for name in &names {
        world.request(name, "bob");
    }
    let waiting =
        world.at("bob").relations().iter().filter(|r| r.state() == Some(FriendState::Incoming)).count();
    assert_eq!(waiting, PENDING_STRANGERS);
    let last = names.last().unwrap();
    let problem = world.at(last).relation(&world.id("bob")).view().unwrap().delivery.problem.unwrap();
    assert!(problem.contains("403"), "{problem}");
    world.end(&names[0], "bob");
    world.request(&names[0], "bob");
    assert_eq!(world.state("bob", &names[0]), Some(FriendState::Incoming));
}

#[test]
fn a_stranger_who_asks_again_long_after_taking_it_back_is_seen() {
    let mut world = World::with(&["alice", "bob"]);
    world.request("alice", "bob");
    world.end("alice", "bob");
    world.clock.advance(2 * WITHDRAWN_MS);
    world.request("alice", "bob");
    let asking = world.at("bob").relation(&world.id("alice")).view().unwrap();
    assert_eq!(asking.state, FriendState::Incoming);
    world.accept("bob", "alice");
    assert_eq!(world.state("alice", "bob"), Some(FriendState::Friends));
}

#[test]
fn a_friend_with_a_newer_certificate_is_found_again_and_the_old_one_is_shut_out() {
    let mut world = World::of_friends("alice", "bob");
    let old = world.at("bob").account.clone();
    world.rekey("bob", &Seed::from_bytes([77; 32]));
    world.write("bob", "with a new key");
    let pull_alice = || PeerRequest {
        to: world.id("alice"),
        address: address("alice"),
        task: Task::Pull(PullRequest::default()),
        with_certificate: true,
    };
    let notify = PeerRequest {
        task: Task::Notify(tidings_protocol::Notification { head: world.head_now() }),
        ..pull_alice()
    };
    assert!(matches!(world.deliver("bob", &notify), PeerAnswer::Notification(_)));
    assert!(!world.at("alice").relation(&world.id("bob")).is_verified());
    world.refresh("alice", Scope::DUE);
    assert!(world.at("alice").relation(&world.id("bob")).is_verified());
    assert_eq!(world.at("alice").feed_texts(), ["with a new key"]);

    let pull_alice = PeerRequest { task: Task::Pull(PullRequest::default()), ..notify };
    assert!(matches!(world.deliver("bob", &pull_alice), PeerAnswer::Changes { .. }));
    world.deployments.get_mut("bob").unwrap().account = old;
    assert!(matches!(world.deliver("bob", &pull_alice), PeerAnswer::Superseded { .. }));
}
