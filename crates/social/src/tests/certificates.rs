use super::*;
use crate::api::NotificationEvent;
use crate::limits::{RESIGN_POSTS, RESIGN_STEP};
use crate::resigning;
use tidings_protocol::{Change, Notification, Post};

fn new_key(n: u8) -> Seed {
    Seed::from_bytes([n; 32])
}

fn elsewhere() -> Address {
    "https://elsewhere.example".parse().unwrap()
}

impl World {
    /// A signed request without effect but for its certificate.
    fn hello(&self, from: &str, to: &str) -> PeerAnswer {
        let task = Task::Pull(PullRequest::default());
        let address = self.at(to).account.address().clone();
        self.deliver(from, &PeerRequest { to: self.id(to), address, task, with_certificate: true })
    }
}

#[test]
fn a_friend_who_moves_is_followed_and_the_owner_is_told() {
    let mut world = World::of_friends("alice", "bob");
    world.write("alice", "before");
    world.install("alice", &new_key(9), &elsewhere(), Vec::new()).unwrap();
    world.refresh("alice", Scope::DUE);
    let event = &world.at("bob").notifications()[0];
    assert!(
        matches!(event, NotificationEvent::FriendMoved { address, .. } if *address == elsewhere()),
        "{event:?}"
    );
    world.write("alice", "after");
    world.refresh("alice", Scope::DUE);
    world.refresh("bob", Scope::DUE);
    assert_eq!(world.at("bob").feed_texts(), ["after", "before"]);
    assert_eq!(world.at("bob").relation(&world.id("alice")).address(), Some(&elsewhere()));
    assert_eq!(world.state("bob", "alice"), Some(FriendState::Friends));
}

#[test]
fn a_new_key_is_presented_once_to_each_friend() {
    let mut world = World::of_friends("alice", "bob");
    world.rekey("alice", &new_key(9));
    world.refresh("alice", Scope::DUE);
    let stances = |world: &World| {
        world
            .sent
            .iter()
            .filter(|(from, task)| from == "alice" && matches!(task, Task::Friendship(_)))
            .count()
    };
    assert_eq!(stances(&world), 1);
    assert!(matches!(world.at("bob").notifications()[0], NotificationEvent::FriendRekeyed { .. }));
    world.refresh("alice", Scope::ALL);
    assert_eq!(stances(&world), 1);
    // A friend who was down hears of it later.
    world.down.insert("bob".into());
    world.rekey("alice", &new_key(10));
    world.refresh("alice", Scope::DUE);
    world.down.clear();
    world.clock.advance(HOUR_MS);
    world.refresh("alice", Scope::DUE);
    assert_eq!(stances(&world), 3);
    assert_eq!(
        world.at("bob").relation(&world.id("alice")).certificate().unwrap().key,
        new_key(10).public_key()
    );
}

#[test]
fn an_old_host_is_shut_out_at_first_contact_and_its_owner_is_alarmed() {
    let mut world = World::of_friends("alice", "bob");
    let old = world.at("alice").account.clone();
    let stolen = old.key();
    world.install("alice", &new_key(9), &address("alice"), vec![stolen]).unwrap();
    world.refresh("alice", Scope::DUE);
    let installed = std::mem::replace(&mut world.deployments.get_mut("alice").unwrap().account, old);
    assert!(matches!(world.hello("alice", "bob"), PeerAnswer::Superseded { certificate, .. }
        if certificate == Box::new(installed.certificate().clone())));

    // A copy of the store from before, which does not know of the new certificate.
    let mut copy = World::of_friends("alice", "bob");
    copy.clock.advance(10);
    let (mut report, view) = (RefreshReport::default(), copy.at("alice").view());
    let proof =
        Certificate::issue(&copy.at("alice").identity, new_key(9).public_key(), elsewhere(), START_MS + 1);
    let request = PeerRequest {
        to: copy.id("bob"),
        address: address("bob"),
        task: Task::Pull(PullRequest::default()),
        with_certificate: true,
    };
    let settle = |certificate: Signed<Certificate>, report: &mut RefreshReport| {
        let answer = PeerAnswer::Superseded { certificate: Box::new(certificate), reason: "old".into() };
        let answers = vec![(request.clone(), answer)];
        block_on(sync::settle(&view, &copy.at("alice").account, answers, report, copy.now_ms())).unwrap()
    };
    // Nobody else's certificate alarms her.
    let forged =
        Certificate::issue(&new_key(77), new_key(9).public_key(), elsewhere(), START_MS + 1).unwrap();
    settle(forged, &mut report).into_iter().for_each(|batch| copy.at("alice").commit(batch));
    let before = copy.at("alice").notifications();
    settle(proof.unwrap(), &mut report).into_iter().for_each(|batch| copy.at("alice").commit(batch));
    let alarm = NotificationEvent::Superseded { serial: START_MS, address: elsewhere() };
    assert_eq!(copy.at("alice").notifications()[0], alarm);
    assert_eq!(copy.at("alice").notifications().len(), before.len() + 1);
    // Once she has a newer one of her own, it is no alarm any more.
    copy.clock.advance(10);
    copy.rekey("alice", &new_key(11));
    assert_eq!(copy.at("alice").notifications(), before);
}

#[test]
fn two_certificates_of_one_serial_alarm_the_friend_and_the_first_stays() {
    let mut world = World::of_friends("alice", "bob");
    world.clock.advance(10);
    let mut thief = world.at("alice").account.clone();
    let certificate =
        Certificate::issue(&world.at("alice").identity, new_key(66).public_key(), elsewhere(), START_MS);
    let installed = crate::account::Installed::new(certificate.unwrap(), &new_key(66));
    thief = thief.install(&installed).0;
    let honest = std::mem::replace(&mut world.deployments.get_mut("alice").unwrap().account, thief);
    let letter = PeerRequest {
        to: world.id("bob"),
        address: address("bob"),
        task: Task::Notify(Notification { head: world.head_now() }),
        with_certificate: true,
    };
    for _ in 0..2 {
        assert!(matches!(world.deliver("alice", &letter), PeerAnswer::Superseded { .. }));
    }
    let event = &world.at("bob").notifications()[0];
    assert!(matches!(event, NotificationEvent::CertificateConflict { serial: START_MS, .. }), "{event:?}");
    let alarms = world
        .at("bob")
        .notifications()
        .iter()
        .filter(|event| matches!(event, NotificationEvent::CertificateConflict { .. }))
        .count();
    assert_eq!(alarms, 1);
    assert_eq!(world.at("bob").relation(&world.id("alice")).address(), Some(&address("alice")));
    world.deployments.get_mut("alice").unwrap().account = honest;
    assert!(matches!(world.hello("alice", "bob"), PeerAnswer::Changes { .. }));
}

#[test]
fn a_stranger_whose_identity_signs_twice_alarms_nobody() {
    let mut world = World::with(&["alice", "bob"]);
    world.request("alice", "bob");
    let before = world.at("bob").notifications();
    let certificate =
        Certificate::issue(&world.at("alice").identity, new_key(66).public_key(), elsewhere(), START_MS);
    let installed = crate::account::Installed::new(certificate.unwrap(), &new_key(66));
    let alice = world.deployments.get_mut("alice").unwrap();
    alice.account = alice.account.install(&installed).0;
    assert!(matches!(world.hello("alice", "bob"), PeerAnswer::Superseded { .. }));
    assert_eq!(world.at("bob").notifications(), before);
}

#[test]
fn what_is_served_is_signed_by_the_key_in_force_and_the_newest_posts_are_written_anew() {
    let mut world = World::of_friends("alice", "bob");
    let count = RESIGN_POSTS + RESIGN_STEP + 5;
    (0..count).for_each(|n| {
        world.write("alice", &format!("post {n}"));
    });
    world.rekey("alice", &new_key(9));
    let key = new_key(9).public_key();
    let all_signed = |world: &World| {
        let (mut since, mut posts) = (None, BTreeSet::new());
        for _ in 0..200 {
            let answer = over_the_wire(&world.answer("alice", "bob", since.as_deref()).unwrap());
            for change in &answer.changes {
                match change {
                    Change::Post { record } => {
                        assert_eq!(record.verify(&key).unwrap().key, key);
                        posts.insert(record.unverified().id);
                    }
                    Change::Profile { record } => assert!(record.verify(&key).is_ok()),
                    _ => {}
                }
            }
            if !answer.more {
                return posts.len();
            }
            since = Some(answer.cursor);
        }
        panic!("there is no end");
    };
    assert_eq!(all_signed(&world), count);

    let signed_anew = |world: &World| {
        let view = world.at("alice").view();
        let entries = block_on(view.scan(
            tidings_ledger::Range::partition(keys::POST),
            tidings_ledger::Direction::Forward,
            usize::MAX,
        ));
        let posts = entries.unwrap();
        posts.iter().filter(|e| stored::parse::<Signed<Post>>(e).unwrap().verify(&key).is_ok()).count()
    };
    let mut steps = 0;
    while world.at("alice").account.has_to_sign_again() && steps < 10 {
        world.clock.advance(1);
        let alice = world.at("alice");
        alice.commit(block_on(resigning::step(&alice.view(), &alice.account)).unwrap());
        // The last step is for what was said under friends' posts.
        assert_eq!(signed_anew(&world), ((steps + 1) * RESIGN_STEP).min(RESIGN_POSTS));
        let account = block_on(Account::load(&world.at("alice").view())).unwrap().unwrap();
        world.deployments.get_mut("alice").unwrap().account = account;
        steps += 1;
    }
    assert_eq!(steps * RESIGN_STEP, RESIGN_POSTS + RESIGN_STEP);
    assert_eq!(all_signed(&world), count);
    world.refresh("alice", Scope::DUE);
    // More pages than one refresh takes in: it says that there is more to do.
    while world.refresh("bob", Scope::DUE).next_due_ms == Some(world.now_ms()) {}
    assert_eq!(catching_up::all_texts(&world, "bob").len(), count);
}

#[test]
fn records_by_a_key_that_is_not_in_force_are_refused_and_held_ones_stay() {
    let mut world = World::of_friends("alice", "bob");
    world.write("alice", "held before");
    world.refresh("bob", Scope::ALL);
    let stolen = world.at("alice").account.deployment_key().clone();
    world.install("alice", &new_key(9), &address("alice"), vec![stolen.public_key()]).unwrap();
    world.refresh("alice", Scope::DUE);
    world.refresh("bob", Scope::DUE);
    let author = world.at("alice").account.identity();
    let by = |signer: &Seed, named: &Seed, text: &str| {
        let id = RecordId::from_parts(world.now_ms(), world.bytes());
        let post = Post {
            id,
            author,
            key: named.public_key(),
            body: tidings_protocol::Body::text(text),
            edited_ms: None,
        };
        Change::Post { record: Signed::sign(post, signer).unwrap() }
    };
    let current = new_key(9);
    let changes = vec![
        by(&stolen, &stolen, "by the stolen key"),
        by(&current, &stolen, "names the stolen key"),
        by(&current, &current, "real"),
    ];
    let (bob, mut report) = (world.at("bob"), RefreshReport::default());
    let answer = world.answer("alice", "bob", None).unwrap();
    let answer = PullAnswer { changes, listed: None, ..over_the_wire(&answer) };
    let request = PeerRequest {
        to: world.id("alice"),
        address: address("alice"),
        task: Task::Pull(PullRequest::default()),
        with_certificate: false,
    };
    let answers = vec![(request, PeerAnswer::Changes { answer: Box::new(answer), tag: None })];
    let batch =
        block_on(sync::settle(&bob.view(), &bob.account, answers, &mut report, world.now_ms())).unwrap();
    batch.into_iter().for_each(|batch| bob.commit(batch));
    let mut texts = bob.feed_texts();
    texts.sort();
    assert_eq!(texts, ["held before", "real"]);
}

#[test]
fn only_a_newer_certificate_of_the_owners_for_this_address_is_installed() {
    let mut world = World::with(&["alice", "bob"]);
    world.clock.advance(1_000);
    let identity = world.at("alice").identity.clone();
    let stolen = world.at("alice").account.key();
    world.install("alice", &new_key(9), &address("alice"), vec![stolen]).unwrap();
    let serial = world.at("alice").account.certificate().unverified().serial;
    let try_it = |certificate: Signed<Certificate>, secret: Option<&Seed>| {
        let alice = world.at("alice");
        let change = CertificateChange { certificate, deployment_secret: secret.map(Seed::expose_text) };
        let (view, at) = (alice.view(), address("alice"));
        let installed = crate::certificates::install(&view, &alice.account, change, &at, world.now_ms());
        block_on(installed).map(|(_, batch)| batch.is_empty())
    };
    let key = new_key(8);
    let issue = |identity: &Seed, name: &str, serial| {
        Certificate::issue(identity, key.public_key(), address(name), serial).unwrap()
    };
    assert!(matches!(
        try_it(issue(&identity, "alice", serial), Some(&key)),
        Err(InstallError::NotNewer { .. })
    ));
    assert!(matches!(
        try_it(issue(&identity, "bob", serial + 1), Some(&key)),
        Err(InstallError::Address { .. })
    ));
    assert_eq!(try_it(issue(&new_key(1), "alice", serial + 1), Some(&key)), Err(InstallError::OtherIdentity));
    assert_eq!(try_it(issue(&identity, "alice", serial + 1), Some(&new_key(7))), Err(InstallError::OtherKey));
    assert_eq!(try_it(issue(&identity, "alice", serial + 1), None), Err(InstallError::OtherKey));
    assert_eq!(try_it(issue(&identity, "alice", serial + HOUR_MS), Some(&key)), Err(InstallError::Future));
    assert_eq!(try_it(issue(&identity, "alice", serial + 1), Some(&key)), Ok(false));
    let revoked = Certificate::issue(&identity, stolen, address("alice"), serial + 1).unwrap();
    assert!(matches!(try_it(revoked, None), Err(InstallError::NotNewer { .. })));
    let same = world.at("alice").account.certificate().clone();
    assert_eq!(try_it(same, Some(&new_key(9))), Ok(true));
}

#[test]
fn who_does_not_know_the_certificate_any_more_gets_it_again() {
    let mut world = World::of_friends("alice", "bob");
    // Bob restored an old backup: he knows Alice by a certificate of before.
    world.rekey("alice", &new_key(9));
    let relation = world.at("alice").relation(&world.id("bob"));
    let mut batch = Batch::new();
    world.at("alice").account.presented(&relation, &mut batch);
    world.at("alice").commit(batch);
    world.refresh("alice", Scope::ALL);
    world.clock.advance(HOUR_MS);
    world.refresh("alice", Scope::ALL);
    assert_eq!(
        world.at("bob").relation(&world.id("alice")).certificate().unwrap().key,
        new_key(9).public_key()
    );
}

/// Alice loses everything but her words, and sets up anew.
fn start_anew(world: &mut World) {
    let identity = world.at("alice").identity.clone();
    world.clock.advance(HOUR_MS);
    let mut fresh = world.found("alice");
    let key = new_key(50);
    let certificate = Certificate::issue(&identity, key.public_key(), elsewhere(), world.now_ms()).unwrap();
    fresh.account = install(&fresh.ledger, certificate, &key, Batch::new());
    fresh.identity = identity;
    world.deployments.insert("alice".into(), fresh);
}

#[test]
fn who_sets_up_anew_from_the_words_is_a_friend_again_with_nothing_to_accept() {
    let mut world = World::of_friends("alice", "bob");
    // Their friendship is not the first one.
    for _ in 0..3 {
        world.end("alice", "bob");
        world.befriend("bob", "alice");
    }
    let before = world.at("bob").relation(&world.id("alice")).between();
    start_anew(&mut world);
    assert_eq!(world.state("alice", "bob"), None);
    world.request("alice", "bob");
    assert_eq!(world.state("alice", "bob"), Some(FriendState::Friends));
    assert_eq!(world.state("bob", "alice"), Some(FriendState::Friends));
    let after = world.at("bob").relation(&world.id("alice")).between();
    assert_eq!(after.ours, before.ours, "Bob said nothing anew");
    assert!(after.theirs > before.theirs);
    assert!(matches!(world.at("bob").notifications()[0], NotificationEvent::FriendMoved { .. }));

    world.write("alice", "from the new place");
    world.refresh("alice", Scope::DUE);
    world.refresh("bob", Scope::DUE);
    assert!(world.at("bob").feed_texts().contains(&"from the new place".to_owned()));
    world.write("bob", "for a friend who moved");
    world.refresh("bob", Scope::DUE);
    world.refresh("alice", Scope::DUE);
    assert!(world.at("alice").feed_texts().contains(&"for a friend who moved".to_owned()));
}

#[test]
fn friends_keep_the_earlier_posts_of_who_sets_up_anew_and_let_go_of_what_is_withdrawn_since() {
    let mut world = World::of_friends("alice", "bob");
    let withdrawn = world.write("alice", "withdrawn while she could");
    world.write("alice", "from the old place");
    world.refresh("bob", Scope::ALL);
    let alice = world.at("alice");
    alice.commit(block_on(own_posts::delete(&alice.view(), withdrawn, world.now_ms())).unwrap());
    world.refresh("bob", Scope::ALL);
    world.write("alice", "never seen by bob");
    start_anew(&mut world);
    world.request("alice", "bob");
    let early = world.write("alice", "a mistake at the new place");
    world.write("alice", "from the new place");
    for _ in 0..2 {
        // The first one looks whether she is there.
        world.refresh("bob", Scope::ALL);
    }
    let all = ["from the new place", "a mistake at the new place", "from the old place"];
    assert_eq!(world.at("bob").feed_texts(), all);

    // Starting over with the new place later on: it says what there is from its own beginning on, and nothing of before.
    let alice = world.at("alice");
    let mut batch = Batch::new();
    batch.delete(keys::post(early));
    alice.commit(batch);
    let (bob, who) = (world.at("bob"), world.id("alice"));
    let pull = crate::relation::Pull { cursor: Some("garbled".into()), ..bob.relation(&who).pull.unwrap() };
    let mut batch = Batch::new();
    batch.put(keys::pull(&who), stored::json(&pull));
    bob.commit(batch);
    world.refresh("bob", Scope::ALL);
    assert_eq!(world.at("bob").feed_texts(), ["from the new place", "from the old place"]);
}

#[test]
fn whom_a_friend_left_meanwhile_has_to_ask_anew() {
    let mut world = World::of_friends("alice", "bob");
    world.end("bob", "alice");
    start_anew(&mut world);
    world.request("alice", "bob");
    assert_eq!(world.state("bob", "alice"), Some(FriendState::Incoming));
    assert_eq!(world.state("alice", "bob"), Some(FriendState::Outgoing));
    world.accept("bob", "alice");
    world.refresh("alice", Scope::DUE);
    assert_eq!(world.state("alice", "bob"), Some(FriendState::Friends));
}

#[test]
fn a_stance_that_is_not_ones_own_moves_nothing() {
    let mut world = World::with(&["alice", "bob", "eve"]);
    world.down.insert("bob".into());
    world.request("alice", "bob");
    let alice = world.at("alice");
    let ours = alice.relation(&world.id("bob")).ours.unwrap();
    let high = |from: &str, to: &str, generation: u64| {
        let content = tidings_protocol::Friendship {
            from: world.at(from).account.identity(),
            to: world.id(to),
            generation,
            ..ours.unverified().clone()
        };
        Signed::sign(content, &new_key(1)).unwrap()
    };
    for yours in [high("eve", "bob", 9), high("alice", "eve", 9), high("alice", "bob", 1 << 53)] {
        let answer = tidings_protocol::FriendshipAnswer { friendship: None, head: None, yours: Some(yours) };
        let request = PeerRequest {
            to: world.id("bob"),
            address: address("bob"),
            task: Task::Friendship(Box::new(tidings_protocol::FriendshipMessage {
                friendship: ours.clone(),
                invitation: None,
            })),
            with_certificate: true,
        };
        let answers = vec![(request, PeerAnswer::Friendship(answer))];
        let mut report = RefreshReport::default();
        let view = alice.view();
        let settled = sync::settle(&view, &alice.account, answers, &mut report, world.now_ms());
        block_on(settled).unwrap().into_iter().for_each(|batch| alice.commit(batch));
        assert_eq!(alice.relation(&world.id("bob")).ours.as_ref(), Some(&ours));
    }
}
