//! What follows from the answers.

use super::plan::{is_dirty, unanswered};
use super::{PeerAnswer, PeerRequest, Task};
use crate::account::Account;
use crate::api::{Pulled, RefreshReport};
use crate::friends;
use crate::keys;
use crate::limits::{FOREIGN_PROBLEM_CHARS, HEARD_STALE, PULL_NOTE_MS, RECORD_BYTES};
use crate::notifications;
use crate::relation::{Delivery, Look, Pull, Relation, Told};
use crate::stance::Heard;
use crate::stored;
use crate::strangers;
use std::collections::BTreeMap;
use tidings_ledger::{Batch, Direction, Key, KeyValue, LedgerError, Range, View};
use tidings_protocol::limits::{CURSOR_BYTES, FUTURE_TOLERANCE_MS};
use tidings_protocol::{
    Certificate, Change, Fingerprint, Friendship, FriendshipMessage, Head, Post, Profile, PullAnswer, Signed,
    Stance,
};

/// Decides what to commit after one round, and adds to the report what the owner is told.
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
) -> Result<Batch, LedgerError> {
    let mut by_person: BTreeMap<Fingerprint, Vec<(PeerRequest, PeerAnswer)>> = BTreeMap::new();
    for (request, answer) in answers {
        by_person.entry(request.to).or_default().push((request, answer));
    }
    let mut batch = Batch::new();
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
            batch: Batch::new(),
        };
        for (request, answer) in answers {
            settling.one(request, answer).await?;
        }
        held.extend(settling.held.map(|head| (who, head)));
        batch.merge(settling.batch);
    }
    sweep_heard(view, &held, &mut batch).await?;
    let mut stale = Batch::new();
    strangers::sweep(&Relation::load_all(view).await?, now_ms, &mut stale);
    stale.merge(batch); // What was just said wins over what is let go of.
    Ok(stale)
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
struct Settling<'a, 'v, S> {
    view: &'a View<'v, S>,
    account: &'a Account,
    relation: Relation,
    certificate: Certificate,
    now_ms: u64,
    report: &'a mut RefreshReport,
    /// The head that is held after a pull.
    held: Option<Head>,
    batch: Batch,
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
            (Task::Pull { .. }, PeerAnswer::Changes(answer)) => self.pulled(answer).await?,
            (Task::Pull { since, .. }, answer) => self.pull_failed(since, &answer, problem),
        }
        Ok(())
    }

    /// What others owe us may come with any answer.
    async fn brought_along(&mut self, friendship: Option<Signed<Friendship>>) -> Result<(), LedgerError> {
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

    fn report_pull(&mut self, changed: u32, problem: Option<String>) {
        let (friend, name) = (self.relation.fingerprint, self.relation.name());
        match self.report.pulled.iter_mut().find(|pulled| pulled.friend == friend) {
            Some(pulled) => {
                pulled.changed += changed;
                pulled.problem = problem;
            }
            None => self.report.pulled.push(Pulled { friend, name, changed, problem }),
        }
    }

    fn pull_failed(&mut self, since: Option<String>, answer: &PeerAnswer, problem: Option<String>) {
        let before = self.relation.pull.clone().unwrap_or_default();
        let attempts = before.attempts.saturating_add(1);
        // A cursor that they do not know any more will not become known: start over.
        let refused = matches!(answer, PeerAnswer::Refused { status: 400 | 410, .. });
        let cursor = before.cursor.clone().filter(|_| !(refused && since.is_some()));
        let problem =
            problem.or_else(|| Some("their deployment gave an answer to another question".to_owned()));
        let pull = Pull { cursor, last_ms: self.now_ms, attempts, problem: problem.clone(), ..before };
        self.batch.put(keys::pull(&self.relation.fingerprint), stored::json(&pull));
        self.report_pull(0, problem);
    }

    async fn pulled(&mut self, answer: PullAnswer) -> Result<(), LedgerError> {
        if answer.cursor.len() > CURSOR_BYTES {
            let problem = format!("their deployment sent a cursor of more than {CURSOR_BYTES} bytes");
            self.pull_failed(
                None,
                &PeerAnswer::Refused { status: 200, reason: String::new() },
                Some(problem),
            );
            return Ok(());
        }
        let before = self.relation.pull.clone().unwrap_or_default();
        let mut changed = 0;
        for change in answer.changes {
            if let Some((key, value)) = self.accept(change) {
                changed += u32::from(self.put_if_new(key, value).await?);
            }
        }
        let held = before.held.max(answer.head);
        let mut pull = Pull {
            cursor: Some(answer.cursor),
            held,
            more: answer.more,
            last_ms: self.now_ms,
            ..Pull::default()
        };
        if !answer.more && is_dirty(&self.relation) && self.relation.heard > held {
            // Their store is stale, and has not what they announced yet.
            pull.attempts = before.attempts.saturating_add(1);
        }
        let quiet = Pull { last_ms: before.last_ms, ..pull.clone() } == before;
        if !quiet || self.relation.pull.is_none() || before.last_ms + PULL_NOTE_MS <= self.now_ms {
            self.batch.put(keys::pull(&self.relation.fingerprint), stored::json(&pull));
        }
        self.held = held;
        self.brought_along(answer.friendship).await?;
        self.report_pull(changed, None);
        Ok(())
    }

    /// The entry that a change amounts to; `None` for what is not theirs to say, or not understood.
    fn accept(&self, change: Change) -> Option<(Key, Option<String>)> {
        let who = &self.relation.fingerprint;
        match change {
            Change::Post { record } => {
                let post = self.own_post(&record)?;
                let text = record.to_json();
                (text.len() <= RECORD_BYTES).then(|| (keys::feed(post.id, who), Some(text)))
            }
            Change::PostDeleted { id } => Some((keys::feed(id, who), None)),
            Change::Profile { record } => {
                let profile = self.own_profile(&record)?;
                let known = self.relation.profile.as_ref().map(|p| p.unverified().updated_ms);
                (known <= Some(profile.updated_ms))
                    .then(|| (keys::friend_profile(who), Some(record.to_json())))
            }
            Change::Unknown => None,
        }
    }

    fn own_post<'r>(&self, record: &'r Signed<Post>) -> Option<&'r Post> {
        let post = record.verify(&self.certificate.key).ok()?;
        let theirs = post.author == self.certificate.identity;
        let in_time = post.id.created_ms() <= self.now_ms.saturating_add(FUTURE_TOLERANCE_MS);
        (theirs && in_time && post.body.check().is_ok()).then_some(post)
    }

    fn own_profile<'r>(&self, record: &'r Signed<Profile>) -> Option<&'r Profile> {
        let profile = record.verify(&self.certificate.key).ok()?;
        let theirs = profile.author == self.certificate.identity;
        let in_time = profile.updated_ms <= self.now_ms.saturating_add(FUTURE_TOLERANCE_MS);
        (theirs && in_time && Profile::check_fields(&profile.name, &profile.bio).is_ok()).then_some(profile)
    }

    /// Records are repeated in pulls; only what differs is written.
    async fn put_if_new(&mut self, key: Key, value: Option<String>) -> Result<bool, LedgerError> {
        let known = self.view.get(key.as_str()).await?;
        match value {
            Some(value) if known.as_ref().is_none_or(|known| known.value != value.as_bytes()) => {
                self.batch.put(key, value);
                Ok(true)
            }
            None if known.is_some() => {
                self.batch.delete(key);
                Ok(true)
            }
            _ => Ok(false),
        }
    }
}
