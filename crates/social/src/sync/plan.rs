//! What is due.

use super::{Outlook, PeerRequest, PullRequest, Task};
use crate::account::Account;
use crate::api::FriendState;
use crate::limits::{
    BETWEEN_NOTIFICATIONS_MS, LOOK_ANYWAY_MS, PULL_AGAIN_MS, ROUND_REQUESTS, STALE_PULL_MS, TELL_AGAIN_MS,
    delay,
};
use crate::relation::{Relation, Told};
use tidings_protocol::{Fingerprint, FriendshipMessage, Head, Notification};

/// How much to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scope {
    who: Option<Fingerprint>,
    eager: bool,
}

impl Scope {
    /// What is due, what waits for another try, and a look at every friend.
    pub const ALL: Self = Self { who: None, eager: true };

    /// What is due.
    pub const DUE: Self = Self { who: None, eager: false };

    /// What concerns one person, whether or not another try is due.
    #[must_use]
    pub const fn only(who: Fingerprint) -> Self {
        Self { who: Some(who), eager: true }
    }

    /// The same people, once the first round is over: what was brought forward was brought forward once.
    #[must_use]
    pub const fn later_rounds(self) -> Self {
        Self { eager: false, ..self }
    }
}

/// What to send now, and when there will be more.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Plan {
    /// Requests that are due. They do not depend on each other, so they are sent at the same time.
    pub requests: Vec<PeerRequest>,
    /// When the next request will be due, in unix milliseconds; may be past if some found no room in this round.
    pub next_due_ms: Option<u64>,
    /// Friends with news that were not pulled yet.
    pub dirty: u32,
    /// Stances and notifications that have not arrived.
    pub waiting: u32,
}

/// Plans one round.
#[must_use]
pub fn plan(account: &Account, outlook: &Outlook, scope: Scope, now_ms: u64) -> Plan {
    let mut plan = Plan::default();
    for relation in &outlook.relations {
        let Some(address) = relation.address().filter(|address| account.address().may_reach(address)) else {
            continue;
        };
        let wanted = scope.who.is_none_or(|who| who == relation.fingerprint);
        plan.dirty += u32::from(is_dirty(relation));
        plan.waiting += u32::from(relation.owes_stance()) + u32::from(was_told_in_vain(relation));
        for (task, due_ms) in tasks(relation, outlook.head, now_ms, scope.eager && wanted) {
            if due_ms <= now_ms && wanted && plan.requests.len() < ROUND_REQUESTS {
                plan.requests.push(PeerRequest {
                    to: relation.fingerprint,
                    address: address.clone(),
                    // Who has our stance has our certificate, since it travelled along.
                    with_certificate: matches!(task, Task::Friendship(_)),
                    task,
                });
            } else {
                plan.next_due_ms = Some(plan.next_due_ms.map_or(due_ms, |known: u64| known.min(due_ms)));
            }
        }
    }
    plan
}

/// What there is to do for one person, each with the time from which on it is due. `eager` brings waiting ones forward.
fn tasks(relation: &Relation, head: Option<Head>, now_ms: u64, eager: bool) -> Vec<(Task, u64)> {
    let hurry = |due_ms: u64| if eager { due_ms.min(now_ms) } else { due_ms };
    let mut tasks = Vec::new();
    if let Some(ours) = relation.ours.as_ref().filter(|_| relation.owes_stance()) {
        let invitation = relation.invitation.clone().filter(|_| !ours.unverified().order().ended);
        let message = FriendshipMessage { friendship: ours.clone(), invitation };
        tasks.push((Task::Friendship(Box::new(message)), hurry(relation.next_delivery_ms())));
    }
    match relation.state() {
        // Strangers who ask, and friends who come with a new certificate: who is at the address that it names?
        Some(FriendState::Incoming | FriendState::Friends) if !relation.is_verified() => {
            tasks.push((Task::Discover, hurry(relation.next_look_ms())));
        }
        // A friend who does not know yet that they are one would refuse both.
        Some(FriendState::Friends) if !relation.owes_stance() => {
            tasks.extend(notification(relation, head).map(|(task, due_ms)| {
                (task, if was_told_in_vain(relation) { hurry(due_ms) } else { due_ms })
            }));
            tasks.push((pull(relation), hurry(pull_due_ms(relation))));
        }
        _ => {}
    }
    tasks
}

/// A friend is owed a notification while the head is above what they pulled. While one is unanswered they are told of
/// a newer head after [`BETWEEN_NOTIFICATIONS_MS`], and of the same one after [`TELL_AGAIN_MS`].
fn notification(relation: &Relation, head: Option<Head>) -> Option<(Task, u64)> {
    let head = head?;
    let served = relation.served_head();
    if Some(head) <= served {
        return None;
    }
    let since_ms = relation.ours.as_ref().map_or(0, |ours| ours.unverified().created_ms);
    let due_ms = match unanswered(relation) {
        // Nobody tells a new friend of what was there before: they pull it because they are one.
        None if served.is_none() && head.ms() <= since_ms => {
            since_ms.saturating_add(delay(&TELL_AGAIN_MS, 1))
        }
        None => 0,
        Some(told) if told.head == head => told.at_ms.saturating_add(delay(&TELL_AGAIN_MS, told.times)),
        Some(told) => told.at_ms.saturating_add(BETWEEN_NOTIFICATIONS_MS),
    };
    Some((Task::Notify(Notification { head }), due_ms))
}

/// The last notification, if the friend has not pulled what it spoke of.
pub(super) fn unanswered(relation: &Relation) -> Option<&Told> {
    relation.told.as_ref().filter(|told| Some(told.head) > relation.served_head())
}

fn was_told_in_vain(relation: &Relation) -> bool {
    relation.is_friend() && unanswered(relation).is_some_and(|told| told.problem.is_some())
}

fn pull(relation: &Relation) -> Task {
    let Some(pull) = relation.pull.clone() else { return Task::Pull(PullRequest::default()) };
    Task::Pull(PullRequest { since: pull.cursor, held: pull.held, oldest: None, tag: pull.tag })
}

fn pull_due_ms(relation: &Relation) -> u64 {
    let Some(pull) = &relation.pull else { return 0 };
    if pull.more && pull.attempts == 0 {
        return 0;
    }
    if pull.problem.is_some() {
        return pull.last_ms.saturating_add(delay(&PULL_AGAIN_MS, pull.attempts));
    }
    let due_ms = match (is_dirty(relation), pull.attempts) {
        (true, 0) => 0,
        (true, attempts) => pull.last_ms.saturating_add(delay(&STALE_PULL_MS, attempts)),
        (false, _) => pull.last_ms.saturating_add(LOOK_ANYWAY_MS),
    };
    pull.once_more_ms.map_or(due_ms, |once_more_ms| once_more_ms.min(due_ms))
}

/// Whether a friend has something that was not pulled yet.
pub(super) fn is_dirty(relation: &Relation) -> bool {
    let held = relation.pull.as_ref().and_then(|pull| pull.held);
    relation.is_friend() && (relation.pull.is_none() || relation.heard > held)
}
