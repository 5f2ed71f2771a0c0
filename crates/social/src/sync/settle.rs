//! What follows from the answers.

use super::{PeerAnswer, PeerRequest, Task};
use crate::account::Account;
use crate::api::{FriendState, NotificationEvent, RefreshReport};
use crate::certificates;
use crate::friends::{self, FriendError};
use crate::invitations;
use crate::keys;
use crate::limits::{
    COMMIT_BYTES, FOREIGN_PROBLEM_CHARS, HEARD_STALE, PAUSE_MS, REMIND_MS, UNDELIVERABLE_MS,
};
use crate::notifications;
use crate::peer::PeerError;
use crate::relation::{Delivery, Look, Pause, Pull, Relation, Told, Untold};
use crate::retention;
use crate::said::outbox::{Handed, Handover, Tries};
use crate::stance::{Heard, Said};
use crate::stored;
use crate::strangers;
use std::collections::BTreeMap;
use tidings_ledger::{Batch, Direction, KeyValue, LedgerError, Range, View};
use tidings_protocol::limits::FUTURE_TOLERANCE_MS;
use tidings_protocol::{
    Certificate, Fingerprint, Friendship, FriendshipMessage, Head, RecordId, Signed, Stance, Standing,
};

/// Decides what to commit after one round, and adds to the report what the owner is told. What one person's answers
/// amount to is in one batch; there are several batches when together they may be too large for one commit.
///
/// What is stored is read again: it may have changed while the answers were on their way.
///
/// # Errors
/// When the store cannot be read.
pub async fn settle<S: KeyValue>(
    view: &View<'_, S>,
    account: &Account,
    answers: Vec<(PeerRequest, PeerAnswer)>,
    report: &mut RefreshReport,
    now_ms: u64,
) -> Result<Vec<Batch>, LedgerError> {
    let mut by_person: BTreeMap<Fingerprint, Vec<(PeerRequest, PeerAnswer)>> = BTreeMap::new();
    for (request, answer) in answers {
        by_person.entry(request.to).or_default().push((request, answer));
    }
    let (mut batches, mut batch, mut bytes) = (Vec::new(), Batch::new(), 0);
    // First, for what was just said wins over what is let go of.
    strangers::sweep(&Relation::load_all(view).await?, now_ms, &mut batch);
    let (mut held, floor) = (BTreeMap::new(), retention::floor(view, now_ms).await?);
    for (who, answers) in by_person {
        let relation = Relation::load(view, &who).await?;
        let Some(certificate) = relation.certificate().cloned() else { continue };
        let mut settling = Settling {
            view,
            account,
            relation,
            certificate,
            now_ms,
            report,
            floor,
            held: None,
            bytes: 0,
            batch: Batch::new(),
        };
        for (request, answer) in answers {
            settling.one(request, answer).await?;
        }
        held.extend(settling.held.map(|head| (who, head)));
        if bytes > 0 && bytes + settling.bytes > COMMIT_BYTES {
            batches.push(std::mem::take(&mut batch));
            bytes = 0;
        }
        bytes += settling.bytes;
        batch.merge(settling.batch);
    }
    sweep_heard(view, &held, &mut batch).await?;
    invitations::report_reused(view, now_ms, &mut batch).await?;
    batches.push(batch);
    Ok(batches)
}

/// Removes announcements of what is held by now, many at a time: a deletion costs more than what it removes, since
/// the store goes after whatever was deleted.
async fn sweep_heard<S: KeyValue>(
    view: &View<'_, S>,
    held: &BTreeMap<Fingerprint, Head>,
    batch: &mut Batch,
) -> Result<(), LedgerError> {
    if held.is_empty() {
        return Ok(());
    }
    let mut stale = Vec::new();
    for entry in view.scan(Range::partition(keys::HEARD), Direction::Forward, usize::MAX).await? {
        let Some((who, head)) = keys::parse_heard(&entry.key) else { continue };
        let held = match held.get(&who) {
            Some(held) => Some(*held),
            None => stored::load::<Pull, _>(view, &keys::pull(&who)).await?.and_then(|pull| pull.held),
        };
        if Some(head) <= held {
            stale.push(entry.key);
        }
    }
    if stale.len() >= HEARD_STALE {
        stale.into_iter().for_each(|key| batch.delete(key));
    }
    Ok(())
}

/// One person's answers.
pub(super) struct Settling<'a, 'v, S> {
    pub(super) view: &'a View<'v, S>,
    pub(super) account: &'a Account,
    pub(super) relation: Relation,
    pub(super) certificate: Certificate,
    pub(super) now_ms: u64,
    pub(super) report: &'a mut RefreshReport,
    /// Posts below this one are not kept.
    pub(super) floor: Option<RecordId>,
    /// The head that is held after a pull.
    pub(super) held: Option<Head>,
    /// What the records in the batch weigh.
    pub(super) bytes: usize,
    pub(super) batch: Batch,
}

impl<S: KeyValue> Settling<'_, '_, S> {
    async fn one(&mut self, request: PeerRequest, answer: PeerAnswer) -> Result<(), LedgerError> {
        if let PeerAnswer::Superseded { certificate, .. } = &answer {
            let Self { view, account, now_ms, batch, .. } = self;
            certificates::superseded(view, account, certificate, *now_ms, batch).await?;
        }
        match &answer {
            // Whoever does not know us may have lost our certificate, or know a newer one: let them tell.
            PeerAnswer::Refused { status: 401, .. } if self.relation.presented.is_some() => {
                self.batch.delete(keys::presented(&self.relation.fingerprint));
            }
            answer if answer.problem().is_none() && request.with_certificate => {
                self.account.presented(&self.relation, &mut self.batch);
            }
            _ => {}
        }
        let problem = answer.problem().map(|p| p.chars().take(FOREIGN_PROBLEM_CHARS).collect::<String>());
        self.leave_alone(&answer);
        match (request.task, answer) {
            (Task::Friendship(message), answer) => self.stance_sent(&message, answer, problem).await?,
            (Task::Discover, answer) => self.looked_for(answer, problem).await?,
            (Task::Notify(notification), answer) => {
                self.told(notification.head, problem).await?;
                if let PeerAnswer::Notification(answer) = answer {
                    self.brought_along(answer.friendship, answer.head).await?;
                }
            }
            (Task::Pull(request), answer) => self.pull_answered(request, answer, problem).await?,
            (Task::Interact(handover), answer) => self.handed_over(&handover, answer, problem).await?,
            // Threads are asked for beside any round.
            (Task::Thread(_), _) => {}
        }
        Ok(())
    }

    /// Who asks too often, or too much of a busy deployment, is told when to come again.
    fn leave_alone(&mut self, answer: &PeerAnswer) {
        if let PeerAnswer::Refused { status: 429 | 503, retry_after_ms: Some(wait_ms), .. } = answer {
            let until_ms = self.now_ms.saturating_add((*wait_ms).min(PAUSE_MS));
            self.batch.put(keys::pause(&self.relation.fingerprint), stored::json(&Pause { until_ms }));
        }
    }

    /// A notification arrived, or did not.
    async fn told(&mut self, head: Head, problem: Option<String>) -> Result<(), LedgerError> {
        self.report.delivered += u32::from(problem.is_none());
        let now_ms = self.now_ms;
        // The round may have written down beforehand that it would arrive.
        let foretold = self.relation.told.clone().filter(|told| {
            told.head == head && told.problem.is_none() && told.at_ms.saturating_add(REMIND_MS) > now_ms
        });
        let is_foretold = foretold.is_some();
        let next = || Told::next(self.relation.unanswered(), head, now_ms);
        let mut told = foretold.unwrap_or_else(next);
        let Relation { fingerprint: who, untold, .. } = &self.relation;
        for untold in untold {
            self.batch.delete(keys::untold(who, untold.at_ms));
        }
        if let Some(problem) = problem {
            let since_ms = *told.failing_since_ms.get_or_insert(now_ms);
            let untold = Untold { at_ms: now_ms, problem, since_ms };
            self.batch.put(keys::untold(who, now_ms), stored::json(&untold));
            if !is_foretold {
                self.batch.put(keys::told(who), stored::json(&told));
            }
            return self.report_undeliverable(since_ms).await;
        }
        if !is_foretold || told.failing_since_ms.take().is_some() {
            self.batch.put(keys::told(who), stored::json(&told));
        }
        Ok(())
    }

    /// What the owner said under their posts arrived, or did not.
    async fn handed_over(
        &mut self,
        handover: &Handover,
        answer: PeerAnswer,
        problem: Option<String>,
    ) -> Result<(), LedgerError> {
        let who = self.relation.fingerprint;
        let problem = match answer {
            PeerAnswer::Interactions(answer) => {
                let handed = handover.settle(self.view, &who, &answer.outcomes, &mut self.batch).await?;
                self.brought_along(answer.friendship, answer.head).await?;
                match handed {
                    Handed::Over => {
                        self.report.delivered += 1;
                        if self.relation.outbox != Tries::default() {
                            self.batch.delete(keys::tries(&who));
                        }
                        return Ok(());
                    }
                    Handed::NotShown => Some("their deployment does not show that post".to_owned()),
                    Handed::Nonsense => {
                        Some("their deployment gave an answer to another question".to_owned())
                    }
                }
            }
            _ => problem,
        };
        let before = &self.relation.outbox;
        let since_ms = if before.attempts == 0 { self.now_ms } else { before.since_ms };
        let attempts = before.attempts.saturating_add(1);
        let tries = Tries { attempts, last_ms: self.now_ms, problem, since_ms };
        self.batch.put(keys::tries(&who), stored::json(&tries));
        self.report_undeliverable(since_ms).await
    }

    /// The owner learns once of what could not be delivered for a long time.
    async fn report_undeliverable(&mut self, since_ms: u64) -> Result<(), LedgerError> {
        if self.now_ms.saturating_sub(since_ms) < UNDELIVERABLE_MS {
            return Ok(());
        }
        let event = NotificationEvent::Undeliverable { friend: self.relation.person(), since_ms };
        notifications::note(self.view, &event, self.now_ms, &mut self.batch).await
    }

    /// What others owe us may come with any answer: their stance, and that there is something to pull.
    pub(super) async fn brought_along(
        &mut self,
        friendship: Option<Signed<Friendship>>,
        head: Option<Head>,
    ) -> Result<(), LedgerError> {
        let known = self.relation.heard.max(self.relation.pull.as_ref().and_then(|pull| pull.held));
        let in_time = |head: &Head| head.ms() <= self.now_ms.saturating_add(FUTURE_TOLERANCE_MS);
        if let Some(head) =
            head.filter(|head| self.relation.is_friend() && Some(*head) > known).filter(in_time)
        {
            self.batch.put(keys::heard(&self.relation.fingerprint, head), Vec::new());
        }
        let Some(friendship) = friendship else { return Ok(()) };
        let own = self.account.fingerprint();
        let taken = friends::take_stance(
            &own,
            &self.relation,
            &self.certificate,
            &friendship,
            self.now_ms,
            &mut self.batch,
        );
        // A stance that is not theirs is as good as none.
        if taken == Ok(Heard::News) {
            let Self { view, relation, now_ms, batch, .. } = self;
            notifications::note_stance(view, relation, &friendship, *now_ms, batch).await?;
        }
        if taken == Ok(Heard::News) && friendship.unverified().stance == Stance::Ended {
            friends::forget(self.view, &self.relation, &mut self.batch).await?;
        }
        Ok(())
    }

    async fn stance_sent(
        &mut self,
        message: &FriendshipMessage,
        answer: PeerAnswer,
        problem: Option<String>,
    ) -> Result<(), LedgerError> {
        self.report.delivered += u32::from(problem.is_none());
        let mut delivery = Delivery { last_ms: self.now_ms, problem, ..self.relation.delivery.clone() };
        if delivery.problem.is_none() {
            delivery.arrived = delivery.arrived.max(Some(message.friendship.unverified().order()));
            (delivery.attempts, delivery.failing_since_ms) = (0, None);
            // With a `yours` there is more to say, and the invitation goes along with that.
            let is_said = !matches!(&answer, PeerAnswer::Friendship(answer) if answer.yours.is_some());
            if is_said && self.relation.invitation.is_some() && message.invitation.is_some() {
                self.batch.delete(keys::invitation_of(&self.relation.fingerprint));
            }
        } else {
            let since_ms = *delivery.failing_since_ms.get_or_insert(self.now_ms);
            delivery.attempts = delivery.attempts.saturating_add(1);
            self.report_undeliverable(since_ms).await?;
        }
        self.batch.put(keys::delivery(&self.relation.fingerprint), stored::json(&delivery));
        if let PeerAnswer::Friendship(answer) = answer {
            if let Some(yours) = &answer.yours {
                self.go_on_above(yours, answer.friendship.as_ref());
            }
            self.brought_along(answer.friendship, answer.head).await?;
        }
        Ok(())
    }

    /// They hold another stance of ours than the one they were sent, and one that counts, so it was lost here: we say the same again, above
    /// it. While they still want to be friends, that makes us friends again with nothing to accept.
    fn go_on_above(&mut self, yours: &Signed<Friendship>, theirs: Option<&Signed<Friendship>>) {
        let (Some(ours), said) = (self.relation.ours.clone(), yours.unverified()) else { return };
        let is_own = said.from == self.account.identity() && said.to == self.relation.fingerprint;
        if !is_own
            || !said.numbers_in_range()
            || said.order() < ours.unverified().order()
            || yours.says_the_same(&ours)
        {
            return;
        }
        let theirs =
            theirs.filter(|f| f.verify(&self.certificate.key).is_ok_and(Friendship::numbers_in_range));
        let met = Relation {
            ours: Some(yours.clone()),
            theirs: theirs.cloned().or_else(|| self.relation.theirs.clone()),
            ..self.relation.clone()
        };
        let again = match (ours.unverified().stance, met.between().state()) {
            (Stance::Ended, _) => Said::End,
            (Stance::Wanted, Some(FriendState::Friends | FriendState::Incoming)) => Said::Join,
            (Stance::Wanted, Some(FriendState::Outgoing) | None) => Said::Ask,
        };
        let (name, greeting) = (ours.unverified().name.clone(), ours.unverified().greeting.clone());
        let mut batch = Batch::new();
        // What cannot be signed was not said: the next attempt finds the same.
        if friends::say(self.account, &name, &met, again, greeting, self.now_ms, &mut batch).is_ok() {
            batch.delete(keys::ours(&self.relation.fingerprint, ours.unverified().order()));
            self.batch.merge(batch);
        }
    }

    async fn looked_for(&mut self, answer: PeerAnswer, problem: Option<String>) -> Result<(), LedgerError> {
        let problem = match answer {
            PeerAnswer::Discovery(discovery) => {
                match friends::discovered(self.account, &self.certificate.address, &discovery) {
                    Ok(found) if found.unverified().identity != self.certificate.identity => {
                        Some("somebody else is at that address".to_owned())
                    }
                    Ok(found) if friends::is_out_of_force(&self.relation, found) => {
                        self.alarm_if_conflicting(found).await?;
                        Some(FriendError::OutOfForce.to_string())
                    }
                    Ok(found) => {
                        let Self { view, relation, now_ms, batch, .. } = self;
                        certificates::learn(view, relation, found, *now_ms, batch).await?;
                        friends::keep_verified(relation, &discovery, batch);
                        return Ok(());
                    }
                    Err(error) => Some(error.to_string()),
                }
            }
            _ => problem,
        };
        let attempts = self.relation.look.attempts.saturating_add(1);
        let look = Look { attempts, last_ms: self.now_ms, problem };
        self.batch.put(keys::look(&self.relation.fingerprint), stored::json(&look));
        Ok(())
    }

    /// Two different certificates of a friend of the same serial are an alarm wherever they are found.
    async fn alarm_if_conflicting(&mut self, found: &Signed<Certificate>) -> Result<(), LedgerError> {
        let Self { view, relation, now_ms, batch, .. } = self;
        let Some(known) = relation.certificate.as_ref().filter(|_| relation.is_friend()) else {
            return Ok(());
        };
        if found.standing(known) != Standing::Conflicting {
            return Ok(());
        }
        let (friend, known) = (Some(relation.person()), Box::new(known.clone()));
        batch.merge(certificates::alarm(view, &PeerError::Conflicting { known, friend }, *now_ms).await?);
        Ok(())
    }
}
