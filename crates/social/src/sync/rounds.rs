//! Doing what is due: plan, send, settle, commit, until nothing is due or the time is up.

use super::budget::Round;
use super::plan::plan_within;
use super::{Outlook, PeerAnswer, PeerRequest, Scope, Spent, Task, settle};
use crate::account::Account;
use crate::api::RefreshReport;
use crate::keys;
use crate::limits::{ROUNDS, ROUNDS_OPERATIONS, ROUNDS_TIME_MS};
use crate::relation::{Relation, Told};
use crate::retention;
use crate::stored;
use tidings_ledger::{Batch, Clock, KeyValue, Ledger, LedgerError, Random, View};

/// The other deployments, as far as one can reach them.
#[allow(async_fn_in_trait)] // Components are single-threaded; who needs `Send` gets it from the concrete type.
pub trait Peers {
    /// Sends all requests at the same time, waits for each as long as is sensible, and brings what came back.
    ///
    /// [`PeerRequest::outgoing`] and [`Task::answered`](super::Task::answered) say how they go over the wire.
    async fn send_all(&self, account: &Account, requests: Vec<PeerRequest>)
    -> Vec<(PeerRequest, PeerAnswer)>;
}

/// What a refresh did, and the view that it ended with.
pub struct Refreshed<'l, S> {
    /// What the owner is told.
    pub report: RefreshReport,
    /// The latest view of the store. It tells whether anything was committed.
    pub view: View<'l, S>,
}

/// Does the network work in `scope`, beginning with what `view` shows.
///
/// # Errors
/// When the store fails. What was sent by then was sent; what was not is still owed.
pub async fn refresh<'l, S: KeyValue, C: Clock, R: Random>(
    ledger: &'l Ledger<S, C, R>,
    view: View<'l, S>,
    account: &Account,
    scope: Scope,
    peers: &impl Peers,
    clock: &impl Clock,
    random: &impl Random,
) -> Result<Refreshed<'l, S>, LedgerError> {
    let start_ms = clock.now_ms();
    let mut report = RefreshReport::default();
    let (mut view, mut scope) = (view, scope);
    if view.has_committed() {
        scope = scope.telling();
    }
    let (mut share, mut begun) = (None, None);
    for round in 0.. {
        let now_ms = clock.now_ms();
        let outlook = Outlook::load(&view, now_ms).await?;
        let left = *share.get_or_insert_with(|| scope.share(&outlook));
        let begun = *begun.get_or_insert(view.operations());
        let plan = plan_within(account, &outlook, scope, left, now_ms);
        report.next_due_ms = plan.next_due_ms.map(|due_ms| match report.rest_ms {
            0 => due_ms,
            rest_ms => due_ms.max(now_ms.saturating_add(rest_ms)),
        });
        report.waiting = plan.waiting;
        report.held_back = plan.held_back;
        let is_late = now_ms.saturating_sub(start_ms) > ROUNDS_TIME_MS;
        let has_done_much = view.operations().saturating_sub(begun) >= ROUNDS_OPERATIONS;
        if plan.requests.is_empty() || round >= ROUNDS || is_late || has_done_much {
            if !plan.requests.is_empty() {
                report.next_due_ms = Some(now_ms.saturating_add(report.rest_ms));
            }
            let batch = retention::step(&view, &outlook.relations, now_ms).await?;
            ledger.commit(&mut view, batch).await?;
            break;
        }
        let mut requests = plan.requests;
        share = Some(left.saturating_sub(requests.len()));
        report.rest_ms = outlook.rest_ms;
        let mut unique = [0; 8];
        random.fill(&mut unique);
        let note = Round::new(&requests, unique);
        let strict = ledger.timing().staleness_ms == 0 && ledger.timing().clock_error_ms == 0;
        let is_noted = strict || outlook.spent.is_reserved(requests.len());
        let mut unsent = Batch::new();
        if is_noted {
            ledger.commit(&mut view, claim(&outlook, &note, &requests, now_ms)).await?;
            if strict {
                view = ledger.view_again(view).await?;
                let now = Spent::load(&view, now_ms).await?;
                requests.retain(|request| {
                    !matches!(request.task, Task::Notify(_))
                        || !now.is_told_by_another(&note, &outlook.spent, &request.to)
                });
                unsent = leave_out(&outlook, &mut requests, now.excess());
            }
        }
        let answers = peers.send_all(account, requests).await;
        view = ledger.view_again(view).await?;
        let mut batches = settle(&view, account, answers, &mut report, clock.now_ms()).await?;
        if let Some(last) = batches.last_mut() {
            last.merge(unsent);
            if !is_noted {
                outlook.spent.note(&note, now_ms, last);
            }
        }
        for batch in batches {
            ledger.commit(&mut view, batch).await?;
        }
        view = ledger.view_again(view).await?;
        scope = scope.later_rounds();
    }
    Ok(Refreshed { report, view })
}

/// What is written down before a round is sent: what it costs, and whom it tells.
///
/// Notifications are taken to arrive, so that what came of those that did need not be written. Should this request die
/// before it has sent them, those friends are reminded a day later, or find it themselves when they look.
fn claim(outlook: &Outlook, note: &Round, requests: &[PeerRequest], now_ms: u64) -> Batch {
    let mut batch = Batch::new();
    outlook.spent.note(note, now_ms, &mut batch);
    for request in requests {
        let Task::Notify(notification) = &request.task else { continue };
        let relation = outlook.relations.iter().find(|relation| relation.fingerprint == request.to);
        let unanswered = relation.and_then(Relation::unanswered);
        let told = Told::next(unanswered, notification.head, now_ms);
        batch.put(keys::told(&request.to), stored::json(&told));
        for untold in relation.iter().flat_map(|relation| &relation.untold) {
            batch.delete(keys::untold(&request.to, untold.at_ms));
        }
    }
    batch
}

/// Leaves out so many requests for which others, who noted theirs meanwhile, have left no room in this hour. Every round
/// sees those that were noted before it, so all that are sent fit. Of those left out nobody is told after all.
fn leave_out(outlook: &Outlook, requests: &mut Vec<PeerRequest>, excess: usize) -> Batch {
    let mut batch = Batch::new();
    for request in requests.split_off(requests.len().saturating_sub(excess)) {
        let Task::Notify(_) = &request.task else { continue };
        let relation = outlook.relations.iter().find(|relation| relation.fingerprint == request.to);
        match relation.and_then(|relation| relation.told.as_ref()) {
            Some(told) => batch.put(keys::told(&request.to), stored::json(told)),
            None => batch.delete(keys::told(&request.to)),
        }
        for untold in relation.iter().flat_map(|relation| &relation.untold) {
            batch.put(keys::untold(&request.to, untold.at_ms), stored::json(untold));
        }
    }
    batch
}
