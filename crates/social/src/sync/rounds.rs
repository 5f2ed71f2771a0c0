//! Doing what is due: plan, send, settle, commit, until nothing is due or the time is up.

use super::{Outlook, PeerAnswer, PeerRequest, Scope, plan, settle};
use crate::account::Account;
use crate::api::RefreshReport;
use crate::limits::{ROUNDS, ROUNDS_TIME_MS};
use tidings_ledger::{Clock, KeyValue, Ledger, LedgerError, Random, View};

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
    /// The latest view of the store.
    pub view: View<'l, S>,
    /// Whether anything was committed.
    pub has_committed: bool,
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
) -> Result<Refreshed<'l, S>, LedgerError> {
    let start_ms = clock.now_ms();
    let mut report = RefreshReport::default();
    let (mut view, mut scope) = (view, scope);
    let mut has_committed = view.has_committed();
    for round in 0.. {
        let outlook = Outlook::load(&view).await?;
        let plan = plan(account, &outlook, scope, clock.now_ms());
        report.next_due_ms = plan.next_due_ms;
        report.waiting = plan.waiting;
        let is_late = clock.now_ms().saturating_sub(start_ms) > ROUNDS_TIME_MS;
        if plan.requests.is_empty() || round >= ROUNDS || is_late {
            break;
        }
        let answers = peers.send_all(account, plan.requests).await;
        view = ledger.view().await?;
        for batch in settle(&view, account, answers, &mut report, clock.now_ms()).await? {
            ledger.commit(&mut view, batch).await?;
        }
        has_committed |= view.has_committed();
        view = ledger.view().await?;
        scope = scope.later_rounds();
    }
    Ok(Refreshed { report, view, has_committed })
}
