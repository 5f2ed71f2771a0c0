//! What all of this is for: a post travels from one deployment to a friend's screen on another.

use tidings_e2e::{Mode, Owner, Person, World, at_once};
use tidings_protocol::{Discovery, paths};
use tidings_social::api::{DeliveryState, FriendState, RefreshScope, SessionStatus, SetupState};

tidings_e2e::tests![
    a_post_travels_from_one_deployment_to_a_friends_feed_on_another,
    everything_is_still_there_after_both_were_restarted,
    in_a_triangle_posts_reach_friends_and_nobody_else,
    discovery_tells_who_is_served_with_a_certificate_that_verifies,
    a_post_that_was_acknowledged_survives_a_kill,
];

fn a_post_travels_from_one_deployment_to_a_friends_feed_on_another(mode: Mode) {
    let world = World::new(mode, 2);
    let deployment = world.unclaimed("alice", &[]);
    let before: SessionStatus = deployment.call("GET", "/api/session").send().json(200);
    assert_eq!((before.signed_in, before.setup, before.default_login), (false, SetupState::Unclaimed, true));
    assert_eq!(before.address, deployment.address());
    let first = deployment.call("POST", "/api/session").basic("admin", "password").send();
    assert_eq!(first.header("set-cookie"), None, "there is no session before there is an owner");
    let first: SessionStatus = first.json(200);
    assert_eq!(first.setup, SetupState::Unclaimed);

    let alice = Owner::set_up(deployment, Person::new("Alice"), mode);
    let bob = world.owner("Bob");
    mode.eventually("alice is set up", || alice.is_set_up());
    let session = alice.session();
    assert!(session.signed_in && !session.default_login && !session.password_reset);
    let owner = session.owner.unwrap();
    assert_eq!((owner.id, owner.name.as_str()), (alice.id(), "Alice"));

    // alice -- request --> bob
    let _ = alice.request(&bob.deployment.origin(), Some("It is me, Alice")).expect(201);
    mode.eventually("bob sees the request", || bob.friend(&alice.id()).is_some());
    let asked = bob.friend(&alice.id()).unwrap();
    assert_eq!((asked.name.as_str(), asked.greeting.as_deref()), ("Alice", Some("It is me, Alice")));
    assert_eq!((asked.state, &asked.address), (FriendState::Incoming, &alice.deployment.address()));
    let asking = alice.friend(&bob.id()).unwrap();
    assert_eq!((asking.state, asking.delivery.state), (FriendState::Outgoing, DeliveryState::Delivered));

    // bob -- acceptance --> alice, who asks nobody
    let _ = bob.accept(&alice.id()).expect(200);
    mode.eventually("alice learns that bob accepted", || alice.state_of(&bob) == Some(FriendState::Friends));
    let (a, b) = (alice.friend(&bob.id()).unwrap(), bob.friend(&alice.id()).unwrap());
    assert!(a.verified && b.verified);
    assert_eq!(b.delivery.state, DeliveryState::Delivered);
    world.rest([&alice, &bob]);
    assert_eq!(alice.friend(&bob.id()).unwrap().name, "Bob");

    // alice -- "something changed" --> bob -- pull --> alice
    let post = alice.post("Good morning, Bob");
    mode.eventually("bob hears of news", || bob.changes().dirty == 1);
    assert!(!bob.reads("Good morning, Bob"), "a notification alone brings no post");
    mode.eventually("bob reads the post", || {
        bob.tick();
        bob.reads("Good morning, Bob")
    });
    let seen = bob.feed().remove(0);
    assert_eq!((seen.id, seen.author.id, seen.mine), (post.id, alice.id(), false));
    assert_eq!((seen.author.name.as_str(), seen.created_ms), ("Alice", post.created_ms));
    assert!(alice.feed()[0].mine);
    bob.come_to_rest();
    assert_eq!(bob.changes().dirty, 0);
}

fn everything_is_still_there_after_both_were_restarted(mode: Mode) {
    let world = World::new(mode, 2);
    let [mut alice, mut bob] = world.friends(["Alice", "Bob"]);
    alice.post("from alice");
    bob.post("from bob");
    for owner in [&alice, &bob] {
        mode.eventually("both read both posts", || {
            owner.tick();
            owner.texts().len() == 2
        });
        owner.come_to_rest();
    }
    let before = (alice.picture(), bob.picture());
    alice.deployment.stop();
    bob.deployment.stop();
    alice.deployment.restart();
    bob.deployment.restart();
    assert_eq!((alice.picture(), bob.picture()), before);
    assert!(alice.session().signed_in, "sessions are not kept in memory");
    // And they go on from there.
    alice.post("after the restart");
    mode.eventually("bob reads on", || {
        bob.tick();
        bob.reads("after the restart")
    });
}

/// ```text
/// alice -- bob    carol
///      \_________/
/// ```
fn in_a_triangle_posts_reach_friends_and_nobody_else(mode: Mode) {
    let world = World::new(mode, 3);
    let [alice, bob, carol] = world.owners(["Alice", "Bob", "Carol"]);
    world.befriend(&alice, &bob);
    world.befriend(&alice, &carol);
    world.rest([&alice, &bob, &carol]);
    alice.post("for both");
    carol.post("for alice alone");
    for (reader, text) in [(&bob, "for both"), (&carol, "for both"), (&alice, "for alice alone")] {
        mode.eventually("the post arrives", || {
            reader.tick();
            reader.reads(text)
        });
    }
    let report = bob.refresh(RefreshScope::All);
    assert_eq!(report.pulled.iter().map(|p| p.friend).collect::<Vec<_>>(), [alice.id()]);
    mode.settle();
    assert_eq!(bob.texts(), ["for both"]);

    // Once they are friends, it does.
    world.befriend(&carol, &bob);
    mode.eventually("bob reads carol", || {
        bob.tick();
        bob.reads("for alice alone")
    });
}

fn discovery_tells_who_is_served_with_a_certificate_that_verifies(mode: Mode) {
    let world = World::new(mode, 1);
    let deployment = world.unclaimed("alice", &[]);
    deployment.call("GET", paths::DISCOVERY).send().problem(409);
    let alice = Owner::set_up(deployment, Person::new("Alice"), mode);
    mode.eventually("she is set up", || alice.is_set_up());
    let discovery: Discovery = alice.deployment.call("GET", paths::DISCOVERY).send().json(200);
    let certificate = discovery.certificate.verify_certificate().unwrap();
    assert_eq!(certificate.identity, alice.person.public_key());
    assert_eq!(certificate.key, alice.person.key.public_key());
    assert_eq!(certificate.address, alice.deployment.address());
    assert_eq!((discovery.versions.as_slice(), discovery.name.as_str()), ([1].as_slice(), "Alice"));
}

fn a_post_that_was_acknowledged_survives_a_kill(mode: Mode) {
    let world = World::new(mode, 1);
    let mut alice = world.owner("Alice");
    for round in 0..3 {
        let texts: Vec<String> = (0..5).map(|number| format!("{round}.{number}")).collect();
        let acknowledged = at_once(texts.len(), |number| alice.post(&texts[number]).id);
        alice.deployment.kill();
        alice.deployment.restart();
        let posts = alice.posts();
        assert_eq!(posts.len(), 5 * (round + 1));
        assert!(acknowledged.iter().all(|id| posts.iter().any(|post| post.id == *id)));
    }
}
