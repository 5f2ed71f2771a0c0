//! Blocking, invitations, and what strangers may leave.

use super::*;
use crate::api::{InvitationState, NewInvitation, NotificationEvent, SettingsChange, WhoMayAsk};
use crate::friends::{Asking, FriendError};
use crate::limits::{
    DAY_MS, INVITATIONS_OPEN, PENDING_MS, PENDING_STRANGERS, STANCES_A_DAY, STRANGERS, WITHDRAWN_MS,
};
use crate::{invitations, settings};
use tidings_protocol::{FriendshipMessage, Invitation, InvitationToken, Notification};

impl World {
    fn block(&mut self, who: &str, other: &str) {
        let blocking = self.at(who);
        let relation = blocking.relation(&self.id(other));
        let view = blocking.view();
        let batch = friends::block(&view, &blocking.account, who, &relation, self.now_ms());
        blocking.commit(block_on(batch).unwrap());
        self.refresh(who, Scope::only(self.id(other)));
    }

    fn invite(&self, who: &str) -> Invitation {
        let inviting = self.at(who);
        let new = NewInvitation::default();
        let view = inviting.view();
        let issued = invitations::issue(&view, &inviting.account, new, self.now_ms(), self.bytes());
        let (issued, batch) = block_on(issued).unwrap();
        inviting.commit(batch);
        issued.link.parse().unwrap()
    }

    fn invitation_states(&self, who: &str) -> Vec<InvitationState> {
        let list = block_on(invitations::list(&self.at(who).view(), self.now_ms())).unwrap();
        list.invitations.into_iter().map(|one| one.state).collect()
    }

    fn ask_with(&mut self, from: &str, to: &str, token: Option<InvitationToken>) {
        let discovery = block_on(peer::discovery(&self.at(to).view(), &self.at(to).account)).unwrap();
        let asking = self.at(from);
        let relation = asking.relation(&self.id(to));
        let with = Asking { greeting: None, invitation: token };
        let batch = friends::request(&asking.account, from, &relation, &discovery, with, self.now_ms());
        asking.commit(batch.unwrap());
        self.refresh(from, Scope::only(self.id(to)));
    }

    fn let_ask(&self, who: &str, who_may_ask: WhoMayAsk) {
        let change = SettingsChange { who_may_ask: Some(who_may_ask), ..SettingsChange::default() };
        let (_, batch) = block_on(settings::change(&self.at(who).view(), change)).unwrap();
        self.at(who).commit(batch);
    }

    /// Sends somebody's latest stance once more, and whatever else a person without rights may try.
    fn knock(&self, from: &str, to: &str) -> Vec<PeerAnswer> {
        let mut tasks =
            vec![Task::Pull(PullRequest::default()), Task::Notify(Notification { head: self.head_now() })];
        if let Some(friendship) = self.at(from).relation(&self.id(to)).ours {
            tasks.push(Task::Friendship(Box::new(FriendshipMessage { friendship, invitation: None })));
        }
        let request =
            |task| PeerRequest { to: self.id(to), address: address(to), task, with_certificate: true };
        tasks.into_iter().map(|task| self.deliver(from, &request(task))).collect()
    }
}

/// All that alice, with whom it is over, can find out about bob, whatever she tries.
fn what_alice_sees(blocks: bool, were_friends: bool) -> Vec<String> {
    let mut world = World::with(&["alice", "bob"]);
    if were_friends {
        world.befriend("alice", "bob");
    } else {
        world.request("alice", "bob");
    }
    if blocks {
        world.block("bob", "alice");
    } else {
        world.end("bob", "alice");
    }
    let mut seen = Vec::new();
    let mut look = |world: &mut World| {
        let answers = world.knock("alice", "bob");
        let relation = world.at("alice").relation(&world.id("bob"));
        seen.push(format!("{answers:?} {:?} {:?}", relation.view(), relation.theirs));
    };
    look(&mut world);
    for _ in 0..4 {
        world.request("alice", "bob");
        look(&mut world);
        world.clock.advance(HOUR_MS);
        world.end("alice", "bob");
        look(&mut world);
    }
    world.request("alice", "bob");
    for _ in 0..3 {
        world.clock.advance(PENDING_MS / 2);
        world.refresh("bob", Scope::ALL);
        look(&mut world);
    }
    assert_eq!(world.at("bob").relation(&world.id("alice")).is_blocked(), blocks);
    seen
}

#[test]
fn who_is_blocked_sees_what_anybody_sees_with_whom_it_is_over() {
    for were_friends in [false, true] {
        let (blocked, ended) = (what_alice_sees(true, were_friends), what_alice_sees(false, were_friends));
        for (step, (blocked, ended)) in blocked.iter().zip(&ended).enumerate() {
            assert_eq!(blocked, ended, "step {step}");
        }
    }
}

#[test]
fn who_is_blocked_is_heard_of_no_more_and_after_unblocking_again() {
    let mut world = World::of_friends("alice", "bob");
    world.write("alice", "for friends");
    world.refresh("alice", Scope::DUE);
    world.refresh("bob", Scope::DUE);
    world.block("bob", "alice");
    assert!(world.at("bob").feed_texts().is_empty());
    let list = block_on(friends::list(&world.at("bob").view())).unwrap();
    assert_eq!((list.friends.len(), list.blocked[0].name.as_str()), (0, "alice"));
    assert_eq!(world.state("alice", "bob"), None);
    world.request("alice", "bob");
    assert_eq!(world.state("alice", "bob"), Some(FriendState::Outgoing));
    assert_eq!(world.state("bob", "alice"), None);
    let relation = world.at("bob").relation(&world.id("alice"));
    let refused = friends::accept(&world.at("bob").account, "bob", &relation, world.now_ms());
    assert!(matches!(refused, Err(FriendError::Unknown(_))), "{refused:?}");

    world.at("bob").commit(friends::unblock(&relation).unwrap());
    assert_eq!(world.state("bob", "alice"), Some(FriendState::Incoming));
    world.accept("bob", "alice");
    assert_eq!(world.state("alice", "bob"), Some(FriendState::Friends));
}

#[test]
fn nobody_asks_whom_they_block() {
    let mut world = World::of_friends("alice", "bob");
    world.block("bob", "alice");
    let discovery = block_on(peer::discovery(&world.at("alice").view(), &world.at("alice").account)).unwrap();
    let bob = world.at("bob");
    let relation = bob.relation(&world.id("alice"));
    let asked =
        friends::request(&bob.account, "bob", &relation, &discovery, Asking::default(), world.now_ms());
    assert!(matches!(asked, Err(FriendError::Blocked(_))), "{asked:?}");
}

#[test]
fn an_invitation_makes_friends_at_once_and_works_once() {
    let mut world = World::with(&["alice", "bob", "carol"]);
    let invitation = world.invite("bob");
    world.ask_with("alice", "bob", Some(invitation.token.clone()));
    assert_eq!(world.state("alice", "bob"), Some(FriendState::Friends));
    assert_eq!(world.state("bob", "alice"), Some(FriendState::Friends));
    assert!(!world.at("bob").relation(&world.id("alice")).is_verified());
    assert_eq!(world.invitation_states("bob"), [InvitationState::Used]);
    let request = crate::notifications::NotificationRequest::parse(None, None).unwrap();
    let told =
        block_on(crate::notifications::page(&world.at("bob").view(), &world.at("bob").account, request))
            .unwrap();
    assert!(matches!(told.notifications[0].event, NotificationEvent::InvitationUsed { .. }), "{told:?}");
    assert_eq!(told.notifications.len(), 1);
    // The secret is let go of, and posts flow once bob's side has looked who alice is.
    assert!(world.at("alice").relation(&world.id("bob")).invitation.is_none());
    world.write("alice", "hello");
    world.refresh("alice", Scope::DUE);
    world.refresh("bob", Scope::DUE);
    assert_eq!(world.at("bob").feed_texts(), ["hello"]);

    world.ask_with("carol", "bob", Some(invitation.token));
    assert_eq!(world.state("carol", "bob"), Some(FriendState::Outgoing));
    assert_eq!(world.state("bob", "carol"), Some(FriendState::Incoming));
}

#[test]
fn two_who_use_one_invitation_unseen_by_each_other_are_friends_and_the_owner_is_told() {
    let mut world = World::with(&["alice", "bob", "carol"]);
    let invitation = world.invite("bob");
    world.ask_with("alice", "bob", Some(invitation.token.clone()));
    // As a commit that could not see the other one does.
    let (id, carol) = (invitation.token.hash(), world.id("carol"));
    let mut batch = Batch::new();
    batch.put(keys::invitation_use(&id, &carol), br#"{"at_ms":1,"name":"carol"}"#.to_vec());
    world.at("bob").commit(batch);
    let reused = |world: &World| {
        let request = crate::notifications::NotificationRequest::parse(None, None).unwrap();
        let told =
            block_on(crate::notifications::page(&world.at("bob").view(), &world.at("bob").account, request))
                .unwrap();
        let reused = |event: &NotificationEvent| matches!(event, NotificationEvent::InvitationReused { friends, .. } if friends.len() == 2);
        told.notifications.iter().filter(|one| reused(&one.event)).count()
    };
    for _ in 0..3 {
        world.refresh("bob", Scope::ALL);
        assert_eq!(reused(&world), 1);
    }
}

#[test]
fn an_invitation_lets_a_request_in_that_waits_already() {
    let mut world = World::with(&["alice", "bob"]);
    world.request("alice", "bob");
    let invitation = world.invite("bob");
    world.ask_with("alice", "bob", Some(invitation.token));
    assert_eq!(world.state("bob", "alice"), Some(FriendState::Friends));
    assert_eq!(world.state("alice", "bob"), Some(FriendState::Friends));
}

#[test]
fn an_invitation_works_for_somebody_who_lost_what_was_said_before() {
    let mut world = World::of_friends("alice", "bob");
    world.end("alice", "bob");
    let alice = world.at("alice");
    let relation = alice.relation(&world.id("bob"));
    let mut batch = Batch::new();
    batch.delete(keys::ours(&world.id("bob"), relation.between().ours.unwrap()));
    batch.delete(keys::delivery(&world.id("bob")));
    relation.spoken.iter().for_each(|spoken| batch.delete(&spoken.key));
    alice.commit(batch);
    let invitation = world.invite("bob");
    world.let_ask("bob", WhoMayAsk::Invited);
    world.ask_with("alice", "bob", Some(invitation.token));
    assert_eq!(world.state("alice", "bob"), Some(FriendState::Friends));
    assert_eq!(world.state("bob", "alice"), Some(FriendState::Friends));
}

#[test]
fn an_answer_that_was_lost_costs_no_second_invitation() {
    let mut world = World::with(&["alice", "bob"]);
    let invitation = world.invite("bob");
    world.down.insert("bob".into());
    world.ask_with("alice", "bob", Some(invitation.token.clone()));
    assert_eq!(world.state("alice", "bob"), Some(FriendState::Outgoing));
    world.down.clear();
    // It arrives, and nobody hears of it.
    let friendship = world.at("alice").relation(&world.id("bob")).ours.unwrap();
    let message = FriendshipMessage { friendship, invitation: Some(invitation.token) };
    let request = PeerRequest {
        to: world.id("bob"),
        address: address("bob"),
        task: Task::Friendship(Box::new(message)),
        with_certificate: true,
    };
    let _ = world.deliver("alice", &request);
    world.refresh("alice", Scope::ALL);
    assert_eq!(world.state("alice", "bob"), Some(FriendState::Friends));
    assert_eq!(world.invitation_states("bob"), [InvitationState::Used]);
}

#[test]
fn an_invitation_is_worth_nothing_when_it_is_over_revoked_or_for_somebody_blocked() {
    let mut world = World::with(&["alice", "bob", "carol", "dave"]);
    world.let_ask("bob", WhoMayAsk::Invited);
    let revoked = world.invite("bob");
    let bob = world.at("bob");
    bob.commit(block_on(invitations::revoke(&bob.view(), &revoked.token.hash())).unwrap());
    world.ask_with("alice", "bob", Some(revoked.token));
    assert_eq!(world.state("bob", "alice"), None);

    let expired = world.invite("bob");
    world.clock.advance(7 * DAY_MS);
    world.ask_with("carol", "bob", Some(expired.token));
    assert_eq!(world.state("bob", "carol"), None);
    assert_eq!(world.invitation_states("bob"), [InvitationState::Expired]);

    let mut world = World::of_friends("bob", "dave");
    world.block("bob", "dave");
    let open = world.invite("bob");
    world.ask_with("dave", "bob", Some(open.token));
    assert_eq!(world.state("dave", "bob"), Some(FriendState::Outgoing));
    assert_eq!(world.invitation_states("bob"), [InvitationState::Open]);
}

#[test]
fn with_invitations_only_others_are_refused_and_friends_may_still_leave() {
    let mut world = World::with(&["alice", "bob", "carol"]);
    world.befriend("carol", "bob");
    world.let_ask("bob", WhoMayAsk::Invited);
    let before = world.at("bob").view().fingerprint(None);
    world.request("alice", "bob");
    assert_eq!(world.at("bob").view().fingerprint(None), before);
    let problem = world.at("alice").relation(&world.id("bob")).view().unwrap().delivery.problem.unwrap();
    assert!(problem.contains("invitation"), "{problem}");
    world.end("carol", "bob");
    assert_eq!(world.state("bob", "carol"), None);
    // Whom bob asks himself needs no invitation to say yes.
    world.end("alice", "bob");
    world.request("bob", "alice");
    world.accept("alice", "bob");
    assert_eq!(world.state("bob", "alice"), Some(FriendState::Friends));
}

#[test]
fn only_so_many_invitations_are_open_and_each_link_names_who_made_it() {
    let world = World::with(&["bob"]);
    for _ in 0..INVITATIONS_OPEN {
        assert_eq!(world.invite("bob").inviter, world.id("bob"));
    }
    let bob = world.at("bob");
    let more = |now_ms| {
        let new = NewInvitation::default();
        block_on(invitations::issue(&bob.view(), &bob.account, new, now_ms, world.bytes()))
    };
    assert_eq!(more(world.now_ms()).unwrap_err(), invitations::InvitingError::TooMany);
    let later_ms = world.now_ms() + 40 * DAY_MS;
    let (_, batch) = more(later_ms).unwrap();
    bob.commit(batch);
    let left = block_on(invitations::list(&bob.view(), later_ms)).unwrap();
    assert_eq!(left.invitations.len(), 1);
}

#[test]
fn a_request_that_waited_two_weeks_is_let_go_of_and_can_be_made_again() {
    let mut world = World::with(&["alice", "bob"]);
    world.request("alice", "bob");
    world.clock.advance(PENDING_MS);
    let mut batch = Batch::new();
    crate::strangers::sweep(&world.at("bob").relations(), world.now_ms(), &mut batch);
    world.at("bob").commit(batch);
    assert!(world.at("bob").relations().is_empty());
    assert_eq!(world.state("alice", "bob"), Some(FriendState::Outgoing));
    world.request("alice", "bob");
    assert_eq!(world.state("bob", "alice"), Some(FriendState::Incoming));
    world.accept("bob", "alice");
    assert_eq!(world.state("alice", "bob"), Some(FriendState::Friends));
}

#[test]
fn a_late_copy_of_a_request_that_was_withdrawn_changes_nothing() {
    let mut world = World::with(&["alice", "bob"]);
    world.down.insert("bob".into());
    world.request("alice", "bob");
    let friendship = world.at("alice").relation(&world.id("bob")).ours.unwrap();
    world.end("alice", "bob");
    world.down.clear();
    world.refresh("alice", Scope::ALL);
    let late = PeerRequest {
        to: world.id("bob"),
        address: address("bob"),
        task: Task::Friendship(Box::new(FriendshipMessage { friendship, invitation: None })),
        with_certificate: true,
    };
    assert!(matches!(world.deliver("alice", &late), PeerAnswer::Friendship(_)));
    assert_eq!(world.state("bob", "alice"), None);
    world.clock.advance(WITHDRAWN_MS);
    let mut batch = Batch::new();
    crate::strangers::sweep(&world.at("bob").relations(), world.now_ms(), &mut batch);
    world.at("bob").commit(batch);
    assert!(world.at("bob").relations().is_empty());
}

#[test]
fn nobody_changes_their_mind_without_end() {
    let mut world = World::with(&["alice", "bob"]);
    for _ in 0..STANCES_A_DAY {
        world.request("alice", "bob");
        world.end("alice", "bob");
    }
    let relation = world.at("bob").relation(&world.id("alice"));
    assert_eq!(relation.spoken.len(), STANCES_A_DAY);
    assert_eq!(relation.spoken.iter().filter(|spoken| !spoken.is_note).count(), 1);
    let before = world.at("bob").view().fingerprint(None);
    world.request("alice", "bob");
    assert_eq!(world.at("bob").view().fingerprint(None), before);
    // A day later there is room again, and the last word arrives.
    world.clock.advance(DAY_MS);
    world.refresh("alice", Scope::ALL);
    assert_eq!(world.state("bob", "alice"), Some(FriendState::Incoming));
    assert_eq!(world.at("bob").relation(&world.id("alice")).spoken.len(), 1);
}

#[test]
fn strangers_who_come_and_go_leave_no_more_than_those_who_stay() {
    let names: Vec<String> = (0..STRANGERS + 20).map(|n| format!("stranger{n}")).collect();
    let mut all: Vec<&str> = names.iter().map(String::as_str).collect();
    all.push("bob");
    let mut world = World::with(&all);
    for name in &names {
        world.request(name, "bob");
        world.end(name, "bob");
    }
    assert_eq!(world.at("bob").relations().len(), STRANGERS);
    // A day later they are forgotten with the next stranger, and there is room for as many as may wait.
    world.clock.advance(WITHDRAWN_MS);
    world.request(&names[0], "bob");
    assert_eq!(world.at("bob").relations().len(), 1);
    for name in &names[1..=PENDING_STRANGERS] {
        world.request(name, "bob");
    }
    assert_eq!(world.at("bob").relations().len(), PENDING_STRANGERS);
}
