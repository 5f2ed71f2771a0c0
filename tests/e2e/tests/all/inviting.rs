//! Who may become a friend, and how: invitations, blocking, limits on strangers.

use tidings_e2e::{Answer, Mode, Owner, Peer, World, at_once, head_at, now_ms};
use tidings_protocol::{FriendshipMessage, Invitation, Stance, paths};
use tidings_social::api::{
    FriendState, FriendView, InvitationState, IssuedInvitation, NewInvitation, WhoMayAsk,
};
use tidings_social::limits::{INVITATIONS_OPEN, STANCES_A_DAY};

tidings_e2e::tests![
    an_invitation_makes_friends_at_once,
    an_invitation_works_once,
    an_invitation_that_was_revoked_works_no_more,
    an_invitation_names_who_made_it,
    refuses_invitations_that_make_no_sense,
    with_invitations_only_nobody_else_may_ask,
    who_is_blocked_cannot_tell,
    who_is_blocked_is_heard_of_no_more,
    nobody_changes_their_mind_without_end,
    a_stranger_leaves_no_more_than_a_little,
];

fn issue(owner: &Owner, note: Option<&str>) -> IssuedInvitation {
    let new = NewInvitation { note: note.map(str::to_owned), days: None };
    owner.invite(&new).json(201)
}

fn are_friends(one: &Owner, other: &Owner) -> bool {
    one.state_of(other) == Some(FriendState::Friends) && other.state_of(one) == Some(FriendState::Friends)
}

fn an_invitation_makes_friends_at_once(mode: Mode) {
    let world = World::new(mode, 2);
    let [alice, bob] = world.owners(["Alice", "Bob"]);
    bob.post("written before");
    let issued = issue(&bob, Some("for Alice"));
    let invitation: Invitation = issued.link.parse().unwrap();
    assert_eq!((invitation.inviter, invitation.address), (bob.id(), bob.deployment.address()));
    assert_eq!(issued.invitation.state, InvitationState::Open);
    mode.settle();
    // The link cannot be had again: only the hash of its secret is kept.
    let list = bob.call("GET", "/api/invitations").send();
    assert!(!list.text().contains(&invitation.token.expose_text()), "{}", list.text());

    // Pasted as it came, with the white space of a mail around it; and asking twice does no harm.
    let friend: FriendView = alice.request(&format!(" {}\n", issued.link), Some("hello")).json(201);
    assert_eq!(friend.id, bob.id());
    mode.eventually("they are friends", || are_friends(&alice, &bob));
    let _ = alice.request(&issued.link, None).expect(200);
    let used = bob.invitations();
    assert_eq!((used[0].state, used[0].note.as_deref()), (InvitationState::Used, Some("for Alice")));
    assert_eq!(used[0].used_by.iter().map(|person| person.id).collect::<Vec<_>>(), [alice.id()]);
    mode.eventually("posts travel both ways", || {
        alice.tick();
        bob.tick();
        alice.reads("written before")
    });
    alice.post("thank you");
    mode.eventually("bob has looked who alice is, and reads her", || {
        bob.tick();
        bob.reads("thank you") && bob.friend(&alice.id()).is_some_and(|friend| friend.verified)
    });
}

fn an_invitation_works_once(mode: Mode) {
    let world = World::new(mode, 3);
    let [alice, bob, carol] = world.owners(["Alice", "Bob", "Carol"]);
    let link = issue(&bob, None).link;
    mode.settle();
    let _ = alice.request(&link, None).expect(201);
    mode.eventually("alice is a friend", || are_friends(&alice, &bob));
    // Anybody may ask here, so what is left of the second one is an ordinary request.
    let _ = carol.request(&link, None).expect(201);
    mode.eventually("carol waits", || bob.state_of(&carol) == Some(FriendState::Incoming));
    assert_eq!(carol.state_of(&bob), Some(FriendState::Outgoing));
    // A new one lets her in.
    let link = issue(&bob, None).link;
    mode.settle();
    let _ = carol.request(&link, None).expect(200);
    mode.eventually("carol is a friend", || are_friends(&carol, &bob));
}

fn an_invitation_that_was_revoked_works_no_more(mode: Mode) {
    let world = World::new(mode, 2);
    let [alice, bob] = world.owners(["Alice", "Bob"]);
    bob.let_ask(WhoMayAsk::Invited);
    let issued = issue(&bob, None);
    let path = format!("/api/invitations/{}", issued.invitation.id);
    mode.settle();
    let _ = bob.call("DELETE", &path).send().expect(204);
    mode.settle();
    bob.call("DELETE", &path).send().problem(404);
    assert!(bob.invitations().is_empty());
    let friend: FriendView = alice.request(&issued.link, None).json(201);
    let problem = friend.delivery.problem.unwrap_or_default();
    assert!(friend.state == FriendState::Outgoing && problem.contains("invitation"), "{problem}");
    mode.settle();
    assert!(bob.friends().is_empty());
}

fn an_invitation_names_who_made_it(mode: Mode) {
    let world = World::new(mode, 3);
    let [alice, bob, carol] = world.owners(["Alice", "Bob", "Carol"]);
    let link = issue(&bob, None).link;
    // Somebody else is found where it leads to: nobody is asked, and nobody sees the secret.
    let elsewhere = link.replace(&bob.deployment.origin(), &carol.deployment.origin());
    let problem = alice.request(&elsewhere, None).problem(422);
    assert!(problem.problem_type.ends_with(":other-inviter"), "{}", problem.problem_type);
    let problem = bob.request(&link, None).problem(422);
    assert!(problem.problem_type.ends_with(":oneself"), "{}", problem.problem_type);
    for broken in [&link[..link.len() - 1], &link.replace("#invite=", "#invite=x"), "#invite="] {
        alice.request(broken, None).problem(422);
    }
    mode.settle();
    assert!(alice.friends().is_empty() && carol.friends().is_empty() && bob.friends().is_empty());
}

fn refuses_invitations_that_make_no_sense(mode: Mode) {
    let world = World::new(mode, 1);
    let alice = world.owner("Alice");
    for (note, days) in
        [(Some("x".repeat(101)), None), (Some("a\nb".into()), None), (None, Some(0)), (None, Some(91))]
    {
        alice.invite(&NewInvitation { note, days }).problem(422);
    }
    mode.settle();
    assert!(alice.invitations().is_empty());
    for _ in 0..INVITATIONS_OPEN {
        let _ = issue(&alice, None);
    }
    mode.settle();
    let problem = alice.invite(&NewInvitation::default()).problem(409);
    assert!(problem.problem_type.ends_with(":too-many-invitations"), "{}", problem.problem_type);
    assert_eq!(alice.invitations().len(), INVITATIONS_OPEN);
}

fn with_invitations_only_nobody_else_may_ask(mode: Mode) {
    let world = World::new(mode, 2);
    let [alice, bob] = world.owners(["Alice", "Bob"]);
    bob.let_ask(WhoMayAsk::Invited);
    mode.settle();
    let peer = Peer::start("Mallory");
    let problem = peer.request(&bob).send().problem(403);
    assert!(problem.problem_type.ends_with(":invitation-required"), "{}", problem.problem_type);
    let _ = alice.request(&bob.deployment.origin(), None).expect(201);
    mode.settle();
    assert!(bob.friends().is_empty());
    // With an invitation the same request goes through.
    let link = issue(&bob, None).link;
    mode.settle();
    let _ = alice.request(&link, None).expect(200);
    mode.eventually("they are friends", || are_friends(&alice, &bob));
    bob.let_ask(WhoMayAsk::Anyone);
    mode.settle();
    let _ = peer.request(&bob).send().expect(200);
}

/// What an answer shows of the answerer's mind: everything but who it is to, and the signature over that.
fn shape(answer: &Answer) -> (u16, Vec<String>, serde_json::Value) {
    let mut body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    if let Some(friendship) = body.get_mut("friendship").and_then(|value| value.as_object_mut()) {
        for (member, form) in [("to", 26), ("signature", 86)] {
            assert_eq!(friendship[member].as_str().map(str::len), Some(form));
            friendship.remove(member);
        }
        assert!(friendship.remove("created_ms").is_some());
    }
    for (name, text) in body.as_object_mut().into_iter().flatten() {
        if name == "yours" {
            *text = serde_json::Value::Null;
        }
    }
    (answer.status, answer.header_names().into_iter().map(str::to_owned).collect(), body)
}

fn who_is_blocked_cannot_tell(mode: Mode) {
    let world = World::new(mode, 1);
    let alice = world.owner("Alice");
    let (ended, blocked) = (Peer::start("Somebody"), Peer::start("Somebody"));
    for were_friends in [true, false] {
        let generation = if were_friends { 1 } else { 3 };
        for peer in [&ended, &blocked] {
            if were_friends {
                peer.befriend(&alice, mode);
            } else {
                let again = peer.stance(&alice, (generation, 1), Stance::Wanted, Some("again"));
                let _ = peer.letter_with(&alice, paths::FRIENDSHIP, &again).send().expect(200);
            }
        }
        mode.settle();
        let _ = alice.end(&ended.person.id()).expect(204);
        let _ = alice.block(&blocked.person.id()).expect(204);
        mode.settle();
        let try_everything = |peer: &Peer| {
            let say = |order, stance| {
                let message: FriendshipMessage = peer.stance(&alice, order, stance, Some("please"));
                peer.letter_with(&alice, paths::FRIENDSHIP, &message).send()
            };
            let mut seen = vec![
                peer.letter(&alice, "GET", paths::CHANGES).send(),
                peer.notification(&alice, head_at(now_ms(), 1)).send(),
                say((generation, 1), Stance::Wanted),
                say((generation + 1, 1), Stance::Wanted),
            ];
            mode.settle();
            seen.extend([
                say((generation + 1, 1), Stance::Wanted),
                peer.letter(&alice, "GET", paths::CHANGES).send(),
                peer.notification(&alice, head_at(now_ms(), 2)).send(),
                peer.letter(&alice, "GET", paths::CHANGES).without_certificate().send(),
                say((generation + 1, 2), Stance::Ended),
            ]);
            mode.settle();
            seen.push(say((generation + 1, 2), Stance::Wanted));
            seen.iter().map(shape).collect::<Vec<_>>()
        };
        assert_eq!(try_everything(&blocked), try_everything(&ended));
        mode.settle();
        let _ = alice.unblock(&blocked.person.id()).expect(204);
        mode.settle();
    }
}

fn who_is_blocked_is_heard_of_no_more(mode: Mode) {
    let world = World::new(mode, 2);
    let [alice, bob] = world.friends(["Alice", "Bob"]);
    bob.post("by bob");
    mode.eventually("the post arrives", || {
        alice.tick();
        alice.reads("by bob")
    });
    let _ = alice.block(&bob.id()).expect(204);
    mode.eventually("it is over for both", || alice.friends().is_empty() && bob.friends().is_empty());
    assert!(!alice.reads("by bob"));
    let listed = alice.friend_list();
    assert_eq!(
        listed.blocked.iter().map(|one| (one.id, one.name.as_str())).collect::<Vec<_>>(),
        [(bob.id(), "Bob")]
    );
    let _ = bob.request(&alice.deployment.origin(), Some("please")).expect(201);
    mode.settle();
    assert_eq!(bob.state_of(&alice), Some(FriendState::Outgoing));
    assert!(alice.friends().is_empty());
    alice.accept(&bob.id()).problem(404);
    alice.request(&bob.deployment.origin(), None).problem(409);
    let _ = alice.unblock(&bob.id()).expect(204);
    alice.unblock(&alice.id()).problem(404);
    mode.eventually("the request shows", || alice.state_of(&bob) == Some(FriendState::Incoming));
    let _ = alice.accept(&bob.id()).expect(200);
    mode.eventually("they are friends again", || are_friends(&alice, &bob));
}

fn nobody_changes_their_mind_without_end(mode: Mode) {
    let world = World::new(mode, 1);
    let alice = world.owner("Alice");
    let peer = Peer::start("Mallory");
    let say = |generation: u64, stance| {
        let sequence = if stance == Stance::Ended { 2 } else { 1 };
        peer.letter_with(
            &alice,
            paths::FRIENDSHIP,
            &peer.stance(&alice, (generation, sequence), stance, None),
        )
        .send()
    };
    let mut generation = 0;
    for number in 0..STANCES_A_DAY {
        let stance = if number % 2 == 0 { Stance::Wanted } else { Stance::Ended };
        generation += u64::from(stance == Stance::Wanted);
        let _ = say(generation, stance).expect(200);
        mode.settle();
    }
    let refused = say(generation + 1, Stance::Wanted);
    let problem = refused.problem(429);
    assert!(problem.problem_type.ends_with(":too-many-requests"), "{}", problem.problem_type);
    let seconds: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((80_000..=86_400).contains(&seconds), "{seconds}");
    // What is known already may be said as often as one likes: a lost answer is no change of mind.
    assert_eq!(at_once(3, |_| say(generation, Stance::Ended).status), [200; 3]);
    mode.settle();
    assert!(alice.friends().is_empty());
}

fn a_stranger_leaves_no_more_than_a_little(mode: Mode) {
    let world = World::new(mode, 1);
    let alice = world.owner("Alice");
    let peer = Peer::start("Mallory");
    let ask = |greeting: &str| {
        let message = peer.stance(&alice, (1, 1), Stance::Wanted, Some(greeting));
        peer.letter_with(&alice, paths::FRIENDSHIP, &message).send()
    };
    ask(&"x".repeat(501)).problem(422);
    // 500 characters, but 2,000 bytes.
    ask(&"\u{1F9D1}".repeat(500)).problem(422);
    mode.settle();
    assert!(alice.friends().is_empty());
    let _ = ask(&"\u{e9}".repeat(500)).expect(200);
    mode.settle();
    assert_eq!(alice.friends().len(), 1);
}
