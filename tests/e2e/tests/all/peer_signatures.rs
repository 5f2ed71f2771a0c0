//! What a deployment refuses from others, and that a refused request changes nothing.

use tidings_e2e::{Call, Letter, Mode, Owner, Peer, Person, World, head_at, now_ms};
use tidings_protocol::{Notification, Stance, paths};
use tidings_social::api::FriendState;

tidings_e2e::tests![
    refuses_requests_that_are_not_signed_as_they_should_be,
    refuses_what_a_sender_may_not_say,
    refuses_a_superseded_certificate_and_its_key,
    a_replayed_notification_changes_nothing,
    a_replayed_friendship_message_changes_nothing,
];

/// Sends each, expects its status, and that the owner sees what they saw before.
fn changes_nothing(owner: &Owner, mode: Mode, attempts: Vec<(&str, Call, u16)>) {
    let before = owner.picture();
    for (what, call, status) in attempts {
        let answer = call.send();
        assert_eq!(answer.status, status, "{what}: {}", answer.text());
        answer.problem(status);
        assert!(answer.status != 401 || answer.header("www-authenticate").is_some(), "{what}");
    }
    mode.settle();
    assert_eq!(owner.picture(), before);
}

fn replace(call: Call, name: &str, value: &str) -> Call {
    call.without(name).header(name, value)
}

fn header_of(call: &Call, name: &str) -> String {
    call.headers.iter().find(|(n, _)| n == name).expect("it is there").1.clone()
}

fn refuses_requests_that_are_not_signed_as_they_should_be(mode: Mode) {
    let world = World::new(mode, 1);
    let alice = world.owner("Alice");
    let peer = Peer::start("Bob");
    peer.befriend(&alice, mode);
    let stranger = Person::new("Mallory");
    let good = || peer.notification(&alice, head_at(now_ms(), 1));
    let other = || peer.notification(&alice, head_at(now_ms(), 2)).sign();
    let end =
        || peer.letter_with(&alice, paths::FRIENDSHIP, &peer.stance(&alice, (1, 9), Stance::Ended, None));
    let aged = |by: i64| Letter { created_s: now_ms().div_ceil(1_000).saturating_add_signed(by), ..good() };

    let with_body = |call: Call| Call { body: other().body, ..call };
    let redirected = |path: &str| Call { path: path.to_owned(), ..good().sign() };
    let for_stranger = Letter { to: stranger.id(), ..good() };
    let readdressed = replace(for_stranger.clone().sign(), "tidings-to", &alice.id().to_string());
    let strangers_certificate = stranger.certificate(&peer.address, now_ms());
    let unsigned = end().call;
    let attempts = vec![
        ("unsigned", good().call, 401),
        ("unsigned end of the friendship", unsigned, 401),
        ("without signature", good().sign().without("signature"), 401),
        ("without what the signature covers", good().sign().without("signature-input"), 401),
        ("without digest", good().sign().without("content-digest"), 401),
        ("without receiver", good().sign().without("tidings-to"), 401),
        ("garbage for a signature", replace(good().sign(), "signature", "tidings=:AAAA:"), 401),
        ("no structured field", replace(good().sign(), "signature-input", "tidings=("), 401),
        ("another body", with_body(good().sign()), 401),
        (
            "another body and its digest",
            replace(with_body(good().sign()), "content-digest", &header_of(&other(), "content-digest")),
            401,
        ),
        ("another body of an end", Call { body: good().call.body, ..end().sign() }, 401),
        ("another path", redirected(paths::FRIENDSHIP), 401),
        ("a query that was not there", redirected("/p2p/v1/notifications?head=0"), 401),
        (
            "another query",
            Call {
                path: "/p2p/v1/changes?since=b".to_owned(),
                ..peer.letter(&alice, "GET", "/p2p/v1/changes?since=a").sign()
            },
            401,
        ),
        (
            "another method",
            Call {
                method: "POST".to_owned(),
                body: Some(Vec::new()),
                path: paths::FRIENDSHIP.to_owned(),
                ..peer.letter(&alice, "GET", paths::FRIENDSHIP).sign()
            },
            401,
        ),
        ("for somebody else", for_stranger.sign(), 403),
        ("for somebody else, readdressed", readdressed, 401),
        ("for two", good().sign().header("tidings-to", &stranger.id().to_string()), 401),
        ("too old", aged(-310).sign(), 401),
        ("from the future", aged(310).sign(), 401),
        (
            "too old, with a newer time written over it",
            {
                let old = aged(-310).sign();
                let input = header_of(&good().sign(), "signature-input");
                replace(old, "signature-input", &input)
            },
            401,
        ),
        ("by another key", Letter { key: stranger.key.clone(), ..good() }.sign(), 401),
        (
            "by another key without certificate",
            Letter { key: stranger.key.clone(), ..good().without_certificate() }.sign(),
            401,
        ),
        (
            "with a stranger's certificate",
            Letter { key: stranger.key.clone(), certificate: Some(strangers_certificate), ..good() }.sign(),
            401,
        ),
        ("without the certificate that it covers", good().sign().without("tidings-certificate"), 401),
        (
            "by nobody known",
            Letter { key: stranger.key.clone(), from: stranger.id(), certificate: None, ..good() }.sign(),
            401,
        ),
    ];
    changes_nothing(&alice, mode, attempts);

    // The very same requests, signed as they should be, are taken.
    let _ = good().without_certificate().send().expect(200);
    mode.eventually("alice hears of news", || alice.changes().dirty == 1);
    let _ = end().send().expect(200);
    mode.eventually("the friendship is over", || alice.friends().is_empty());
}

fn refuses_what_a_sender_may_not_say(mode: Mode) {
    let world = World::new(mode, 1);
    let alice = world.owner("Alice");
    let (peer, stranger) = (Peer::start("Bob"), Peer::start("Mallory"));
    peer.befriend(&alice, mode);
    let head = head_at(now_ms(), 1);
    let by_alice = Letter {
        from: alice.id(),
        key: alice.person.key.clone(),
        certificate: Some(alice.person.certificate(&alice.deployment.address(), 1)),
        ..peer.notification(&alice, head)
    };
    // What the stranger signed for alice, put into an envelope of the friend; and the reverse.
    let strangers = stranger.stance(&alice, (1, 1), Stance::Wanted, None);
    let friends = peer.stance(&alice, (5, 5), Stance::Ended, None);
    let mut unnamed = peer.stance(&alice, (5, 5), Stance::Ended, None).friendship.unverified().clone();
    unnamed.name = "\u{202e}".repeat(100);
    let unnamed = tidings_protocol::FriendshipMessage {
        invitation: None,
        friendship: tidings_protocol::Signed::sign(unnamed, &peer.person.key).unwrap(),
    };
    let post = |from: &Peer, path: &str, body: &str| {
        let letter = from.letter(&alice, "POST", path);
        Letter { call: letter.call.bytes(body), ..letter }.sign()
    };
    let message = |from: &Peer, message| from.letter_with(&alice, paths::FRIENDSHIP, message).sign();
    let attempts = vec![
        ("a notification of a stranger", stranger.notification(&alice, head).sign(), 403),
        ("a pull of a stranger", stranger.letter(&alice, "GET", paths::CHANGES).sign(), 403),
        ("a request by oneself", by_alice.sign(), 403),
        ("somebody else's friendship", message(&peer, &strangers), 422),
        ("a friend's friendship from a stranger", message(&stranger, &friends), 422),
        ("a name that is none", message(&peer, &unnamed), 422),
        ("news of tomorrow", peer.notification(&alice, head_at(now_ms() + 86_400_000, 0)).sign(), 422),
        ("no JSON", post(&peer, paths::NOTIFICATIONS, "{"), 400),
        ("another shape", post(&peer, paths::NOTIFICATIONS, "{\"head\":1}"), 422),
        ("an empty friendship", post(&peer, paths::FRIENDSHIP, "{}"), 422),
        ("a cursor of nobody", peer.letter(&alice, "GET", "/p2p/v1/changes?since=x").sign(), 400),
        ("a head that is none", peer.letter(&alice, "GET", "/p2p/v1/changes?held=x").sign(), 400),
    ];
    changes_nothing(&alice, mode, attempts);
}

fn refuses_a_superseded_certificate_and_its_key(mode: Mode) {
    let world = World::new(mode, 1);
    let alice = world.owner("Alice");
    let mut peer = Peer::start("Bob");
    peer.befriend(&alice, mode);
    let (old_person, old_certificate) = (peer.person.clone(), peer.certificate.clone());
    let serial = old_certificate.unverified().serial + 1;
    peer.person = peer.person.with_new_key();
    peer.certificate = peer.person.certificate(&peer.address, serial);
    peer.serve_discovery(Some(peer.discovery()));
    let head = head_at(now_ms(), 1);
    peer.serve_changes(Vec::new(), head);
    let _ = peer.notification(&alice, head).send().expect(200);
    mode.settle();
    alice.come_to_rest();

    let by_old_key = |certificate| Letter {
        key: old_person.key.clone(),
        certificate,
        ..peer.notification(&alice, head_at(now_ms(), 2))
    };
    let conflicting = peer.person.with_new_key();
    let conflict = conflicting.certificate(&peer.address, serial);
    let by_conflicting = Letter {
        key: conflicting.key.clone(),
        certificate: Some(conflict),
        ..peer.notification(&alice, head_at(now_ms(), 2))
    };
    let attempts = vec![
        ("with the old certificate", by_old_key(Some(old_certificate)).sign(), 403),
        ("by the old key", by_old_key(None).sign(), 401),
    ];
    changes_nothing(&alice, mode, attempts);

    // Of two certificates of the same serial one is not by the person's own deployment: the owner is told.
    let unread = alice.changes().unread;
    by_conflicting.sign().send().problem(403);
    mode.eventually("alice is alarmed", || alice.changes().unread == unread + 1);
}

fn a_replayed_notification_changes_nothing(mode: Mode) {
    let world = World::new(mode, 1);
    let alice = world.owner("Alice");
    let peer = Peer::start("Bob");
    peer.befriend(&alice, mode);
    let (earlier, head) = (head_at(now_ms(), 1), head_at(now_ms(), 2));
    let older = peer.notification(&alice, earlier).sign();
    let recorded = peer.notification(&alice, head).sign();
    let _ = recorded.clone().send().expect(200);
    mode.eventually("alice hears of news", || alice.changes().dirty == 1);
    peer.serve_changes(Vec::new(), head);
    alice.come_to_rest();
    let before = alice.picture();
    for call in [&recorded, &recorded, &older] {
        let _ = call.clone().send().expect(200);
    }
    mode.settle();
    assert_eq!(alice.picture(), before);
    assert_eq!(alice.changes().dirty, 0);
}

fn a_replayed_friendship_message_changes_nothing(mode: Mode) {
    let world = World::new(mode, 1);
    let alice = world.owner("Alice");
    let peer = Peer::start("Bob");
    let recorded = peer.request(&alice).sign();
    let _ = recorded.clone().send().expect(200);
    mode.eventually("the request is shown", || !alice.friends().is_empty());
    alice.come_to_rest();
    let before = alice.picture();
    let _ = recorded.clone().send().expect(200);
    mode.settle();
    assert_eq!(alice.picture(), before);

    let id = peer.person.id();
    let _ = alice.accept(&id).expect(200);
    mode.eventually("they are friends", || {
        alice.friend(&id).is_some_and(|f| f.state == FriendState::Friends)
    });
    let end = peer.stance(&alice, (1, 2), Stance::Ended, None);
    let _ = peer.letter_with(&alice, paths::FRIENDSHIP, &end).send().expect(200);
    mode.eventually("it is over", || alice.friends().is_empty());
    let _ = recorded.send().expect(200);
    mode.settle();
    assert!(alice.friends().is_empty(), "an old request revives nothing");
    let notification = Notification { head: head_at(now_ms(), 1) };
    peer.letter_with(&alice, paths::NOTIFICATIONS, &notification).send().problem(403);
}
