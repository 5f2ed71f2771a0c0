//! What is due.

use super::{Outlook, PeerRequest, PullRequest, Task};
use crate::account::Account;
use crate::api::{FriendState, HeldBack};
use crate::limits::{
    LOOK_ANYWAY_MS, PULL_AGAIN_MS, ROUND_PULLS, ROUND_REQUESTS, STALE_PULL_MS, TELL_AGAIN_MS, UNSEEN_MARGIN,
    UNSEEN_REFRESHES, UNSEEN_WRITES, delay, retry_ms,
};
use crate::relation::Relation;
use crate::resigning;
use tidings_protocol::{Fingerprint, FriendshipMessage, Head, Notification, RecordId};

/// How much to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scope {
    who: Option<Fingerprint>,
    eager: bool,
    stage: Stage,
}

/// Where in a request the work is, and what led to it. Only over a stale store does it make a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Nothing was sent yet.
    First,
    /// The same request goes on: it sees its own notes.
    Later,
    /// The request has written something, and tells of it. No other request does so unless this one fails.
    Telling,
}

impl Scope {
    /// What is due, what waits for another try, and a look at every friend.
    pub const ALL: Self = Self { who: None, eager: true, stage: Stage::First };

    /// What is due.
    pub const DUE: Self = Self { who: None, eager: false, stage: Stage::First };

    /// What concerns one person, whether or not another try is due.
    #[must_use]
    pub const fn only(who: Fingerprint) -> Self {
        Self { who: Some(who), eager: true, stage: Stage::First }
    }

    /// The same for a request that has written something.
    #[must_use]
    pub(crate) const fn telling(self) -> Self {
        Self { stage: Stage::Telling, ..self }
    }

    /// The same people, once the first round is over: what was brought forward was brought forward once.
    #[must_use]
    pub const fn later_rounds(self) -> Self {
        let stage = match self.stage {
            Stage::Telling => Stage::Telling,
            Stage::First | Stage::Later => Stage::Later,
        };
        Self { eager: false, stage, ..self }
    }

    /// How many requests a refresh may send in all, of those that are left for this hour. Over a stale store others may be
    /// under way that are not seen.
    pub(crate) fn share(self, outlook: &Outlook) -> usize {
        let left = outlook.spent.left();
        let shared = left.saturating_sub(UNSEEN_MARGIN);
        match (outlook.rest_ms, self.who, self.stage) {
            (0, _, _) | (_, Some(_), _) => left,
            (_, None, Stage::Telling) => shared / UNSEEN_WRITES,
            (_, None, _) => shared / UNSEEN_REFRESHES,
        }
    }

    /// Until when something rests because the store may hide that it was done, in unix milliseconds. What concerns one
    /// person, and what the owner asked for, does not.
    fn rests_until_ms(self, turn: Turn, head: Option<Head>, outlook: &Outlook, now_ms: u64) -> u64 {
        if outlook.rest_ms == 0 || self.who.is_some() || self.eager {
            return 0;
        }
        let resting_ms = match self.stage {
            Stage::First => outlook.resting_until_ms(now_ms),
            Stage::Later | Stage::Telling => 0,
        };
        match (turn, self.stage) {
            (Turn::Word | Turn::Notification, Stage::Telling) => 0,
            (_, Stage::Telling) => now_ms.saturating_add(outlook.rest_ms),
            // Whoever wrote it tells of it.
            (Turn::Notification, _) => {
                let written_ms = head.map_or(0, |head| head.ms()).min(now_ms);
                resting_ms.max(written_ms.saturating_add(outlook.rest_ms))
            }
            _ => resting_ms,
        }
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
    /// Stances, notifications, and comments and reactions (once for each friend), that have not arrived.
    pub waiting: u32,
    /// What is due and exceeds what may be sent within an hour.
    pub held_back: Option<HeldBack>,
}

/// Whose turn it is when not everything can be sent: the lesser one's. Words to people come first, then what the owner
/// waits for, then telling friends of changes, then looks at friends who said nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Turn {
    Word,
    Awaited,
    Notification,
    Look,
}

/// Something to do.
struct Chore {
    task: Task,
    due_ms: u64,
    turn: Turn,
}

/// Plans one round.
#[must_use]
pub fn plan(account: &Account, outlook: &Outlook, scope: Scope, now_ms: u64) -> Plan {
    plan_within(account, outlook, scope, scope.share(outlook), now_ms)
}

/// Plans one round of at most `share` requests.
pub(super) fn plan_within(
    account: &Account,
    outlook: &Outlook,
    scope: Scope,
    share: usize,
    now_ms: u64,
) -> Plan {
    let mut plan = Plan::default();
    let mut due = Vec::new();
    for relation in &outlook.relations {
        let Some(address) = relation.address().filter(|address| account.address().may_reach(address)) else {
            continue;
        };
        let wanted = scope.who.is_none_or(|who| who == relation.fingerprint);
        plan.dirty += u32::from(is_dirty(relation));
        let has_said = relation.is_friend() && !outlook.outbox.of(&relation.fingerprint).is_empty();
        plan.waiting +=
            u32::from(relation.owes_stance()) + u32::from(was_told_in_vain(relation)) + u32::from(has_said);
        for chore in chores(account, relation, outlook, now_ms, scope.eager && wanted) {
            let due_ms = chore.due_ms.max(scope.rests_until_ms(
                chore.turn,
                outlook.heads.of(relation),
                outlook,
                now_ms,
            ));
            if due_ms <= now_ms && wanted {
                let request = PeerRequest {
                    to: relation.fingerprint,
                    address: address.clone(),
                    with_certificate: matches!(chore.task, Task::Friendship(_))
                        || account.owes_certificate(relation),
                    task: chore.task,
                };
                due.push((chore.turn, chore.due_ms, request));
            } else {
                plan.will_be_due(due_ms);
            }
        }
    }
    // Those who have waited the longest come first, so that everybody's turn comes.
    due.sort_by_key(|(turn, due_ms, request)| (*turn, *due_ms, request.to));
    let left = if scope.share(outlook) == 0 { 0 } else { outlook.spent.left() };
    let more_at_ms = outlook.spent.more_at_ms().unwrap_or(now_ms);
    plan.take(due.into_iter().map(|(_, _, request)| request), (left, more_at_ms), share, now_ms);
    plan
}

impl Plan {
    fn will_be_due(&mut self, due_ms: u64) {
        self.next_due_ms = Some(self.next_due_ms.map_or(due_ms, |known| known.min(due_ms)));
    }

    /// Takes what fits into this round, this share and this hour.
    fn take(
        &mut self,
        due: impl Iterator<Item = PeerRequest>,
        (left, more_at_ms): (usize, u64),
        share: usize,
        now_ms: u64,
    ) {
        let (mut pulls, mut held_back) = (0, 0);
        for request in due {
            let is_pull = matches!(request.task, Task::Pull(_));
            if self.requests.len() >= left {
                held_back += 1;
                self.will_be_due(more_at_ms);
            } else if self.requests.len() < ROUND_REQUESTS.min(share) && (!is_pull || pulls < ROUND_PULLS) {
                pulls += usize::from(is_pull);
                self.requests.push(request);
            } else {
                self.will_be_due(now_ms);
            }
        }
        self.held_back = (held_back > 0).then_some(HeldBack { requests: held_back, until_ms: more_at_ms });
    }
}

/// What there is to do for one person, each with the time from which on it is due. `eager` brings waiting ones forward, but
/// not before the time until which they want to be left alone.
fn chores(account: &Account, relation: &Relation, outlook: &Outlook, now_ms: u64, eager: bool) -> Vec<Chore> {
    let hurry = |due_ms: u64| if eager { due_ms.min(now_ms) } else { due_ms };
    let mut chores = Vec::new();
    let mut add = |task, due_ms: u64, turn| {
        chores.push(Chore { task, due_ms: due_ms.max(relation.paused_until_ms()), turn });
    };
    // A new certificate travels with the stance that they have already: it changes nothing else.
    let owes_certificate = relation.state().is_some() && account.owes_certificate(relation);
    if let Some(ours) = relation.ours.as_ref().filter(|_| relation.owes_stance() || owes_certificate) {
        let invitation = relation.invitation.clone().filter(|_| !ours.unverified().order().ended);
        let message = FriendshipMessage { friendship: resigning::stance(account, ours), invitation };
        add(Task::Friendship(Box::new(message)), hurry(relation.next_delivery_ms()), Turn::Word);
    }
    match relation.state() {
        // Strangers who ask, and friends who come with a new certificate: who is at the address that it names?
        Some(FriendState::Incoming | FriendState::Friends) if !relation.is_verified() => {
            add(Task::Discover, hurry(relation.next_look_ms()), Turn::Awaited);
        }
        // A friend who does not know yet that they are one, or who we are now, would refuse both.
        Some(FriendState::Friends) if !relation.owes_stance() && !owes_certificate => {
            if let Some((task, due_ms)) = notification(relation, outlook.heads.owed_to(relation)) {
                let due_ms = if was_told_in_vain(relation) { hurry(due_ms) } else { due_ms };
                add(task, due_ms, Turn::Notification);
            }
            if let Some(handover) = outlook.outbox.next(account, &relation.fingerprint) {
                let due_ms = relation.outbox.next_ms();
                add(Task::Interact(Box::new(handover)), hurry(due_ms), Turn::Word);
            }
            let due_ms = pull_due_ms(relation);
            let is_news = relation.pull.as_ref().is_none_or(|pull| pull.more) || is_dirty(relation);
            add(
                pull(relation, outlook.floor),
                hurry(due_ms),
                if is_news || eager { Turn::Awaited } else { Turn::Look },
            );
        }
        _ => {}
    }
    chores
}

/// A friend is owed a notification while the head of what they may see is above what they pulled. Once one arrived they know that there is
/// something, and are only reminded; one that did not arrive is tried again.
fn notification(relation: &Relation, owed: Option<Head>) -> Option<(Task, u64)> {
    let head = owed?;
    let served = relation.served_head();
    let since_ms = relation.ours.as_ref().map_or(0, |ours| ours.unverified().created_ms);
    let due_ms = match relation.unanswered() {
        // Nobody tells a new friend of what was there before: they pull it because they are one.
        None if served.is_none() && head.ms() <= since_ms => {
            since_ms.saturating_add(delay(&TELL_AGAIN_MS, 1))
        }
        None => 0,
        Some(told) => told.next_ms(),
    };
    Some((Task::Notify(Notification { head }), due_ms))
}

fn was_told_in_vain(relation: &Relation) -> bool {
    relation.unanswered().is_some_and(|told| told.problem.is_some())
}

fn pull(relation: &Relation, oldest: Option<RecordId>) -> Task {
    let pull = relation.pull.clone().unwrap_or_default();
    Task::Pull(PullRequest { since: pull.cursor, held: pull.held, oldest, tag: pull.tag })
}

fn pull_due_ms(relation: &Relation) -> u64 {
    let Some(pull) = &relation.pull else { return 0 };
    if pull.more && pull.attempts == 0 {
        return 0;
    }
    if pull.problem.is_some() {
        return retry_ms(&PULL_AGAIN_MS, pull.attempts, pull.last_ms, pull.failing_since_ms);
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
