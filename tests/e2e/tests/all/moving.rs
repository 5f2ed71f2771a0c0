//! People move, keys are replaced, and copies of deployments are shut out.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tidings_e2e::{Deployment, Mode, Owner, Peer, World, head_at, now_ms, program};
use tidings_protocol::{Address, Certificate, PROBLEM_CONTENT_TYPE, Signed, recovery};
use tidings_social::api::{CertificateChange, FriendState, NotificationEvent, RefreshScope};

tidings_e2e::tests![
    a_person_with_nothing_but_the_words_is_a_friend_again_at_a_new_address,
    a_copy_of_the_data_takes_over_at_another_address_and_the_old_host_is_shut_out,
    a_revoked_key_is_refused_wherever_the_revocation_is_known,
    two_certificates_of_one_serial_alarm_the_owner,
    notifications_are_read_up_to_one,
];

/// How long an owner watches an open tab before they ask for everything.
const WATCHING: Duration = Duration::from_secs(8);

/// Waits at open tabs, whose owners lose patience: what failed once on a busy machine is tried again after a minute only,
/// unless they ask for everything.
#[track_caller]
fn watch<const N: usize>(mode: Mode, owners: [&Owner; N], what: &str, mut is_so: impl FnMut() -> bool) {
    let mut since = Instant::now();
    mode.eventually(what, || {
        let is_impatient = since.elapsed() > WATCHING;
        for owner in owners {
            owner.tick();
            if is_impatient {
                let _ = owner.refresh(RefreshScope::All);
            }
        }
        if is_impatient {
            since = Instant::now();
        }
        is_so()
    });
}

fn a_person_with_nothing_but_the_words_is_a_friend_again_at_a_new_address(mode: Mode) {
    let world = World::new(mode, 3);
    let [mut alice, bob] = world.friends(["Alice", "Bob"]);
    bob.post("for alice, wherever she is");
    alice.post("from before all was lost");
    watch(mode, [&alice, &bob], "bob reads her", || bob.reads("from before all was lost"));
    alice.come_to_rest();
    let directory = tempfile::tempdir().unwrap();
    let (words, friends) = (directory.path().join("words"), directory.path().join("friends.json"));
    std::fs::write(&words, recovery::words(&alice.person.identity).unwrap()).unwrap();
    std::fs::write(&friends, &alice.call("GET", "/api/friends").send().expect(200).body).unwrap();
    alice.deployment.kill();

    let fresh = world.unclaimed("Alice, anew", &[]);
    let set_up = Command::new(program())
        .args(["setup", &fresh.origin(), "--name", "Alice", "--words"])
        .arg(&words)
        .arg("--friends")
        .arg(&friends)
        .env("TIDINGS_PASSWORD", &alice.password)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&set_up.stdout);
    assert!(set_up.status.success(), "{printed}{}", String::from_utf8_lossy(&set_up.stderr));
    assert!(printed.contains(&alice.id().to_string()), "{printed}");
    mode.settle();

    let address = fresh.address();
    let alice = Owner::signed_in(fresh, alice.person.clone(), mode);
    watch(mode, [&alice], "they are friends again, with nothing to accept", || {
        alice.state_of(&bob) == Some(FriendState::Friends)
            && bob.state_of(&alice) == Some(FriendState::Friends)
    });
    watch(mode, [&bob], "bob follows her", || {
        bob.friend(&alice.id()).is_some_and(|friend| friend.address == address && friend.verified)
    });
    let moved = |event: &NotificationEvent| matches!(event, NotificationEvent::FriendMoved { .. });
    assert!(bob.notifications().iter().any(moved));
    alice.post("from the new place");
    watch(mode, [&alice, &bob], "posts go both ways", || {
        bob.reads("from the new place") && alice.reads("for alice, wherever she is")
    });
    // Over a stale store clocks may differ by more than this test takes, so it cannot be told from a post of the new place.
    if mode.stale_seconds() == 0 {
        assert!(bob.reads("from before all was lost"), "friends keep what they have");
    }
}

/// A certificate for another key at an address, with what installing it takes.
fn change_for(owner: &Owner, address: &Address, revoked: bool) -> CertificateChange {
    let (known, person) = (certificate_of(&owner.deployment), owner.person.with_new_key());
    let known = known.unverified();
    let certificate = Certificate::issue_revoking(
        &person.identity,
        person.key.public_key(),
        address.clone(),
        now_ms().max(known.serial + 1),
        if revoked { vec![known.key] } else { Vec::new() },
    );
    CertificateChange { certificate: certificate.unwrap(), deployment_secret: Some(person.key.expose_text()) }
}

fn certificate_of(deployment: &Deployment) -> Signed<Certificate> {
    let discovery: tidings_protocol::Discovery =
        deployment.call("GET", "/.well-known/tidings").send().json(200);
    discovery.certificate
}

fn a_copy_of_the_data_takes_over_at_another_address_and_the_old_host_is_shut_out(mode: Mode) {
    let world = World::new(mode, 3);
    let [mut alice, bob] = world.friends(["Alice", "Bob"]);
    alice.post("from the old place");
    watch(mode, [&alice, &bob], "bob reads it", || bob.reads("from the old place"));
    alice.deployment.stop();
    let data = alice.deployment.data();
    let mut elsewhere = world.unclaimed("Alice, elsewhere", &[]);
    elsewhere.stop();
    elsewhere.set_data(&data);
    elsewhere.restart();
    let address = elsewhere.address();
    let moved = Owner::signed_in(elsewhere, alice.person.clone(), mode);
    let change = change_for(&moved, &address, true);
    let at_old_address = change_for(&moved, &alice.deployment.address(), true);
    assert_eq!(moved.install(&at_old_address).status, 422);
    let _ = moved.install(&change).expect(200);
    mode.settle();
    assert_eq!(moved.install(&change).status, 200, "twice does no harm");
    moved.post("from the new place");
    watch(mode, [&moved, &bob], "bob follows", || bob.reads("from the new place"));
    assert!(bob.reads("from the old place"));
    let friend = bob.friend(&moved.id()).unwrap();
    assert_eq!((friend.address, friend.state), (address.clone(), FriendState::Friends));
    assert_eq!(friend.safety_code, moved.profile().safety_code);

    // The old host wakes up, and believes that nothing has happened.
    alice.deployment.restart();
    let is_alarm = |event: &NotificationEvent| matches!(event, NotificationEvent::Superseded { address: newer, .. } if *newer == address);
    mode.eventually("its owner is alarmed", || {
        let _ = alice.refresh(RefreshScope::All);
        alice.notifications().iter().any(is_alarm)
    });
    alice.post("by a thief");
    let _ = alice.refresh(RefreshScope::All);
    mode.settle();
    bob.come_to_rest();
    assert!(!bob.reads("by a thief"));
    assert!(!moved.notifications().iter().any(is_alarm));
}

fn a_revoked_key_is_refused_wherever_the_revocation_is_known(mode: Mode) {
    let world = World::new(mode, 1);
    let bob = world.owner("Bob");
    let mut peer = Peer::start("Alice");
    peer.befriend(&bob, mode);
    let stolen = peer.person.clone();
    let old = peer.certificate.clone();
    peer.person = stolen.with_new_key();
    peer.certificate = Certificate::issue_revoking(
        &peer.person.identity,
        peer.person.key.public_key(),
        peer.address.clone(),
        old.unverified().serial + 1,
        vec![stolen.key.public_key()],
    )
    .unwrap();
    peer.serve_discovery(Some(peer.discovery()));
    let head = |n| head_at(now_ms(), n);
    let _ = peer.notification(&bob, head(1)).send().expect(200);
    mode.settle();
    // The thief with the old certificate, without any, and with a newer serial for the stolen key.
    let mut letter = peer.notification(&bob, head(2));
    (letter.key, letter.certificate) = (stolen.key.clone(), Some(old.clone()));
    let problem = letter.clone().send().problem(403);
    assert!(problem.problem_type.ends_with(":superseded"), "{problem:?}");
    let proof: Signed<Certificate> = serde_json::from_value(problem.certificate.unwrap()).unwrap();
    assert_eq!(proof, peer.certificate);
    let _ = letter.clone().without_certificate().send().problem(401);
    letter.certificate = Some(stolen.certificate(&peer.address, old.unverified().serial + 2));
    let _ = letter.send().problem(403);
    let _ = peer.notification(&bob, head(3)).without_certificate().send().expect(200);
    assert!(bob.notifications().iter().any(|e| matches!(e, NotificationEvent::FriendRekeyed { .. })));
}

fn two_certificates_of_one_serial_alarm_the_owner(mode: Mode) {
    let world = World::new(mode, 1);
    let bob = world.owner("Bob");
    let peer = Peer::start("Alice");
    peer.befriend(&bob, mode);
    let other = peer.person.with_new_key();
    let mut letter = peer.notification(&bob, head_at(now_ms(), 1));
    letter.key = other.key.clone();
    letter.certificate = Some(other.certificate(&peer.address, peer.certificate.unverified().serial));
    for _ in 0..2 {
        let answer = letter.clone().send().expect(403);
        assert_eq!(answer.header("content-type"), Some(PROBLEM_CONTENT_TYPE));
        mode.settle();
    }
    let alarms = bob.notifications();
    let alarms = alarms.iter().filter(|e| matches!(e, NotificationEvent::CertificateConflict { .. }));
    assert_eq!(alarms.count(), 1);
    let _ = peer.notification(&bob, head_at(now_ms(), 2)).send().expect(200);
}

fn notifications_are_read_up_to_one(mode: Mode) {
    let world = World::new(mode, 1);
    let bob = world.owner("Bob");
    for name in ["Alice", "Carol"] {
        let _ = Peer::start(name).request(&bob).send().expect(200);
        mode.settle();
    }
    let page = || bob.call("GET", "/api/notifications?limit=1").send().json::<serde_json::Value>(200);
    let first = page();
    assert_eq!(
        (first["unread"].as_u64(), first["notifications"].as_array().map(Vec::len)),
        (Some(2), Some(1))
    );
    assert_eq!(bob.changes().unread, 2);
    let read = |up_to: &serde_json::Value| {
        bob.call("PUT", "/api/notifications/read").json(&serde_json::json!({ "up_to": up_to })).send()
    };
    let _ = read(&first["notifications"][0]["id"]).expect(200);
    mode.settle();
    assert_eq!((page()["unread"].as_u64(), bob.changes().unread), (Some(0), 0));
    let _ = read(&"vvvvvvvvvvvvvvvvvvvvvvvvvv".into()).problem(422);
    assert!(matches!(read(&"nonsense".into()).status, 400 | 422));
    let _ = bob.call("GET", "/api/notifications?before=x").send().problem(400);
    let _ = bob.deployment.call("GET", "/api/notifications").send().problem(401);
}
