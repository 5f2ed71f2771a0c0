//! Becoming friends, and ceasing to be.

use tidings_e2e::{Mode, Owner, Peer, World, at_once, free_port};
use tidings_protocol::{Stance, paths};
use tidings_social::api::{DeliveryState, FriendState, FriendView, RefreshScope};

tidings_e2e::tests![
    requests_that_cross_make_a_friendship,
    the_same_request_twice_is_one_request,
    an_address_is_taken_in_every_form_that_people_type,
    refuses_to_befriend_oneself,
    refuses_addresses_where_no_deployment_is,
    a_requester_who_is_not_at_their_address_cannot_be_accepted,
    a_requester_at_somebody_elses_address_cannot_be_accepted,
    a_cancelled_request_disappears_on_both_sides,
    a_declined_request_disappears_on_both_sides,
    an_ended_friendship_takes_the_posts_away_and_can_begin_anew,
    the_program_signs_its_requests_and_sends_its_certificate_along,
    a_friend_with_a_new_deployment_key_is_found_again,
];

fn both_are_friends(one: &Owner, other: &Owner) -> bool {
    one.state_of(other) == Some(FriendState::Friends) && other.state_of(one) == Some(FriendState::Friends)
}

fn requests_that_cross_make_a_friendship(mode: Mode) {
    let world = World::new(mode, 2);
    let [alice, bob] = world.owners(["Alice", "Bob"]);
    let people = [(&alice, &bob), (&bob, &alice)];
    let answers = at_once(2, |number| {
        let (from, to) = people[number];
        from.request(&to.deployment.origin(), Some("hello")).status
    });
    assert!(answers.iter().all(|status| matches!(status, 200 | 201)), "{answers:?}");
    mode.eventually("they are friends", || {
        alice.tick();
        bob.tick();
        both_are_friends(&alice, &bob)
    });
    world.rest([&alice, &bob]);
    alice.post("we both asked");
    mode.eventually("posts travel", || {
        bob.tick();
        bob.reads("we both asked")
    });
}

fn the_same_request_twice_is_one_request(mode: Mode) {
    let world = World::new(mode, 2);
    let [alice, bob] = world.owners(["Alice", "Bob"]);
    let address = bob.deployment.origin();
    let first: FriendView = alice.request(&address, Some("first")).json(201);
    mode.settle();
    let again: FriendView = alice.request(&address, Some("second")).json(200);
    assert_eq!((again.id, again.since_ms, &again.greeting), (first.id, first.since_ms, &first.greeting));
    let at_once = at_once(4, |_| alice.request(&address, None).status);
    assert_eq!(at_once, [200; 4]);
    mode.eventually("bob sees a request", || !bob.friends().is_empty());
    let seen = bob.friends();
    assert_eq!(seen.len(), 1);
    assert_eq!((seen[0].state, seen[0].greeting.as_deref()), (FriendState::Incoming, Some("first")));

    // And a request to somebody who asked is an acceptance.
    let _ = bob.request(&alice.deployment.origin(), None).expect(200);
    mode.eventually("they are friends", || both_are_friends(&alice, &bob));
    let again: FriendView = alice.request(&address, None).json(200);
    assert_eq!(again.state, FriendState::Friends);
}

fn an_address_is_taken_in_every_form_that_people_type(mode: Mode) {
    let world = World::new(mode, 2);
    let [alice, bob] = world.owners(["Alice", "Bob"]);
    let port = bob.deployment.port();
    let typed = [
        format!("127.0.0.1:{port}"),
        format!("localhost:{port}"),
        format!("http://127.0.0.1:{port}/"),
        format!(" http://LOCALHOST:{port} "),
        format!("localhost:{port}/friends?from=a#page"),
    ];
    let mut status = 201;
    for typed in typed {
        let friend: FriendView = alice.request(&typed, None).json(status);
        assert_eq!((friend.id, &friend.address), (bob.id(), &bob.deployment.address()), "{typed}");
        mode.settle();
        status = 200;
    }
    assert_eq!(alice.friends().len(), 1);
}

fn refuses_to_befriend_oneself(mode: Mode) {
    let world = World::new(mode, 1);
    let alice = world.owner("Alice");
    let port = alice.deployment.port();
    for typed in [alice.deployment.origin(), format!("localhost:{port}"), format!("127.0.0.1:{port}/")] {
        alice.request(&typed, None).problem(422);
    }
    // A copy of the deployment at another address serves the same identity.
    let copy = Peer::start("Alice");
    let mut discovery = copy.discovery();
    discovery.certificate = alice.person.certificate(&copy.address, 1);
    copy.serve_discovery(Some(discovery));
    let problem = alice.request(copy.address.as_str(), None).problem(422);
    assert!(problem.detail.contains("own deployment"), "{}", problem.detail);
    mode.settle();
    assert!(alice.friends().is_empty());
}

fn refuses_addresses_where_no_deployment_is(mode: Mode) {
    let world = World::new(mode, 2);
    let alice = world.owner("Alice");
    for typed in ["", "  ", "not an address", "ftp://127.0.0.1", "http://a@127.0.0.1:1", "http://bob.example"]
    {
        alice.request(typed, None).problem(422);
    }
    let nobody = format!("http://127.0.0.1:{}", free_port());
    let problem = alice.request(&nobody, None).problem(502);
    assert!(problem.detail.contains(&nobody), "{}", problem.detail);

    let peer = Peer::start("Mallory");
    peer.serve_discovery(None);
    alice.request(peer.address.as_str(), None).problem(422);
    let unclaimed = world.unclaimed("bob", &[]);
    alice.request(&unclaimed.origin(), None).problem(422);
    // One that goes by another address, one with a certificate that is not its own, one that speaks another version.
    let mut elsewhere = peer.discovery();
    elsewhere.certificate = peer.person.certificate(&unclaimed.address(), 1);
    let mut forged = serde_json::to_value(peer.discovery()).unwrap();
    forged["certificate"]["serial"] = 7.into();
    let forged = serde_json::from_value(forged).unwrap();
    let mut newer = peer.discovery();
    newer.versions = vec![2];
    for discovery in [elsewhere, forged, newer] {
        peer.serve_discovery(Some(discovery));
        alice.request(peer.address.as_str(), None).problem(422);
    }
    mode.settle();
    assert!(alice.friends().is_empty());
    assert!(peer.received(paths::FRIENDSHIP).is_empty());
}

fn a_requester_who_is_not_at_their_address_cannot_be_accepted(mode: Mode) {
    let world = World::new(mode, 1);
    let alice = world.owner("Alice");
    let mut ghost = Peer::start("Ghost");
    let nowhere = format!("http://127.0.0.1:{}", free_port()).parse().unwrap();
    ghost.certificate = ghost.person.certificate(&nowhere, 1);
    cannot_be_accepted(&alice, &ghost, mode);
}

fn a_requester_at_somebody_elses_address_cannot_be_accepted(mode: Mode) {
    let world = World::new(mode, 2);
    let [alice, bob] = world.owners(["Alice", "Bob"]);
    let mut mallory = Peer::start("Bob");
    mallory.certificate = mallory.person.certificate(&bob.deployment.address(), 1);
    cannot_be_accepted(&alice, &mallory, mode);
}

fn cannot_be_accepted(alice: &Owner, requester: &Peer, mode: Mode) {
    let _ = requester.request(alice).send().expect(200);
    let id = requester.person.id();
    mode.eventually("the request is shown", || alice.friend(&id).is_some());
    for _ in 0..2 {
        assert!(!alice.friend(&id).unwrap().verified);
        alice.accept(&id).problem(502);
        mode.settle();
    }
    let friend = alice.friend(&id).unwrap();
    assert_eq!((friend.state, friend.verified), (FriendState::Incoming, false));
    requester.letter(alice, "GET", paths::CHANGES).send().problem(403);
}

fn a_cancelled_request_disappears_on_both_sides(mode: Mode) {
    let world = World::new(mode, 2);
    let [alice, bob] = world.owners(["Alice", "Bob"]);
    let _ = alice.request(&bob.deployment.origin(), None).expect(201);
    mode.eventually("bob sees it", || bob.friend(&alice.id()).is_some());
    let _ = alice.end(&bob.id()).expect(204);
    mode.eventually("nobody sees it", || alice.friends().is_empty() && bob.friends().is_empty());
    alice.end(&bob.id()).problem(404);
    bob.accept(&alice.id()).problem(404);
    // She may change her mind.
    let _ = alice.request(&bob.deployment.origin(), None).expect(201);
    mode.eventually("bob sees it again", || bob.state_of(&alice) == Some(FriendState::Incoming));
}

fn a_declined_request_disappears_on_both_sides(mode: Mode) {
    let world = World::new(mode, 2);
    let [alice, bob] = world.owners(["Alice", "Bob"]);
    let _ = alice.request(&bob.deployment.origin(), None).expect(201);
    mode.eventually("bob sees it", || bob.friend(&alice.id()).is_some());
    let _ = bob.end(&alice.id()).expect(204);
    mode.eventually("nobody sees it", || alice.friends().is_empty() && bob.friends().is_empty());
}

fn an_ended_friendship_takes_the_posts_away_and_can_begin_anew(mode: Mode) {
    let world = World::new(mode, 2);
    let [alice, bob] = world.friends(["Alice", "Bob"]);
    alice.post("by alice");
    bob.post("by bob");
    for (reader, text) in [(&alice, "by bob"), (&bob, "by alice")] {
        mode.eventually("the post arrives", || {
            reader.tick();
            reader.reads(text)
        });
        reader.come_to_rest();
    }
    let _ = bob.end(&alice.id()).expect(204);
    mode.eventually("they are strangers", || alice.friends().is_empty() && bob.friends().is_empty());
    assert_eq!((alice.texts(), bob.texts()), (vec!["by alice".to_owned()], vec!["by bob".to_owned()]));
    alice.post("bob does not read this yet");
    assert_eq!(bob.refresh(RefreshScope::All).pulled.len(), 0);
    mode.settle();
    assert_eq!(bob.texts(), ["by bob"]);

    world.befriend(&alice, &bob);
    mode.eventually("everything comes back", || {
        alice.tick();
        bob.tick();
        alice.texts().len() == 3 && bob.texts().len() == 3
    });
}

fn the_program_signs_its_requests_and_sends_its_certificate_along(mode: Mode) {
    let world = World::new(mode, 1);
    let alice = world.owner("Alice");
    let peer = Peer::start("Bob");
    let _ = alice.request(peer.address.as_str(), Some("hello")).expect(201);
    let requests = peer.received(paths::FRIENDSHIP);
    assert_eq!(requests.len(), 1);
    assert!(requests[0].is_signed_by(&alice.person, &peer.person.id()));
    let has = |name: &str| requests[0].headers.iter().any(|(n, _)| n.eq_ignore_ascii_case(name));
    assert!(has("tidings-certificate"));
    assert!(!has("cookie") && !has("authorization") && !has("forwarded"));
    mode.settle();
    assert_eq!(alice.friend(&peer.person.id()).unwrap().delivery.state, DeliveryState::Delivered);

    // The acceptance makes them friends; every request from then on is signed as well.
    let acceptance = peer.stance(&alice, (1, 1), Stance::Wanted, None);
    let _ = peer.letter_with(&alice, paths::FRIENDSHIP, &acceptance).send().expect(200);
    mode.settle();
    alice.post("hello Bob");
    mode.eventually("the peer is told", || {
        alice.tick();
        !peer.received(paths::NOTIFICATIONS).is_empty() && !peer.received(paths::CHANGES).is_empty()
    });
    for path in [paths::NOTIFICATIONS, paths::CHANGES] {
        assert!(
            peer.received(path).iter().all(|r| r.is_signed_by(&alice.person, &peer.person.id())),
            "{path}"
        );
    }
}

fn a_friend_with_a_new_deployment_key_is_found_again(mode: Mode) {
    let world = World::new(mode, 1);
    let alice = world.owner("Alice");
    let mut peer = Peer::start("Bob");
    peer.befriend(&alice, mode);
    let serial = peer.certificate.unverified().serial + 1;
    peer.person = peer.person.with_new_key();
    peer.certificate = peer.person.certificate(&peer.address, serial);
    peer.serve_discovery(Some(peer.discovery()));
    // The first contact brings the new certificate; after it, the new key is enough.
    let _ = peer.letter(&alice, "GET", paths::CHANGES).send().expect(200);
    let head = tidings_e2e::head_at(tidings_e2e::now_ms(), 0);
    let _ = peer.notification(&alice, head).send().expect(200);
    mode.settle();
    let _ = peer.notification(&alice, head).without_certificate().send().expect(200);
    let pulls = peer.received(paths::CHANGES).len();
    mode.eventually("alice looks again who is there, and pulls", || {
        alice.tick();
        peer.received(paths::CHANGES).len() > pulls
    });
    assert!(alice.friend(&peer.person.id()).unwrap().verified);
}
