//! What follows from the answers.

use super::plan::unanswered;
use super::{PeerAnswer, PeerRequest, Task};
use crate::account::Account;
use crate::api::RefreshReport;
use crate::friends;
use crate::invitations;
use crate::keys;
use crate::limits::{COMMIT_BYTES, FOREIGN_PROBLEM_CHARS, HEARD_STALE};
use crate::notifications;
use crate::relation::{Delivery, Look, Pull, Relation, Told};
use crate::stance::Heard;
use crate::stored;
use crate::strangers;
use std::collections::BTreeMap;
use tidings_ledger::{Batch, Direction, KeyValue, LedgerError, Range, View};
use tidings_protocol::{Certificate, Fingerprint, Friendship, FriendshipMessage, Head, Signed, Stance};

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
    let mut held = BTreeMap::new();
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
    account: &'a Account,
    pub(super) relation: Relation,
    pub(super) certificate: Certificate,
    pub(super) now_ms: u64,
    pub(super) report: &'a mut RefreshReport,
    /// The head that is held after a pull.
    pub(super) held: Option<Head>,
    /// What the records in the batch weigh.
    pub(super) bytes: usize,
    pub(super) batch: Batch,
}

impl<S: KeyValue> Settling<'_, '_, S> {
    async fn one(&mut self, request: PeerRequest, answer: PeerAnswer) -> Result<(), LedgerError> {
        let problem = answer.problem().map(|p| p.chars().take(FOREIGN_PROBLEM_CHARS).collect::<String>());
        match (request.task, answer) {
            (Task::Friendship(message), answer) => self.stance_sent(&message, answer, problem).await?,
            (Task::Discover, answer) => self.looked_for(answer, problem),
            (Task::Notify(notification), answer) => {
                self.report.delivered += u32::from(problem.is_none());
                let times = unanswered(&self.relation).map_or(1, |told| told.times.saturating_add(1));
                let told = Told { head: notification.head, at_ms: self.now_ms, times, problem };
                self.batch.put(keys::told(&self.relation.fingerprint), stored::json(&told));
                if let PeerAnswer::Notification(answer) = answer {
                    self.brought_along(answer.friendship).await?;
                }
            }
            (Task::Pull(request), answer) => self.pull_answered(request, answer, problem).await?,
        }
        Ok(())
    }

    /// What others owe us may come with any answer.
    pub(super) async fn brought_along(
        &mut self,
        friendship: Option<Signed<Friendship>>,
    ) -> Result<(), LedgerError> {
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
            delivery.attempts = 0;
            if self.relation.invitation.is_some() && message.invitation.is_some() {
                self.batch.delete(keys::invitation_of(&self.relation.fingerprint));
            }
        } else {
            delivery.attempts = delivery.attempts.saturating_add(1);
        }
        self.batch.put(keys::delivery(&self.relation.fingerprint), stored::json(&delivery));
        if let PeerAnswer::Friendship(answer) = answer {
            self.brought_along(answer.friendship).await?;
        }
        Ok(())
    }

    fn looked_for(&mut self, answer: PeerAnswer, problem: Option<String>) {
        let problem = match answer {
            PeerAnswer::Discovery(discovery) => {
                match friends::discovered(self.account, &self.certificate.address, &discovery) {
                    Ok(found) if found.unverified().identity == self.certificate.identity => {
                        friends::keep_verified(&self.relation, &discovery, &mut self.batch);
                        return;
                    }
                    Ok(_) => Some("somebody else is at that address".to_owned()),
                    Err(error) => Some(error.to_string()),
                }
            }
            _ => problem,
        };
        let attempts = self.relation.look.attempts.saturating_add(1);
        let look = Look { attempts, last_ms: self.now_ms, problem };
        self.batch.put(keys::look(&self.relation.fingerprint), stored::json(&look));
    }
}
