//! Performing what the rules decide: commit, send, settle, until nothing is due or the time is up.

use crate::outbound;
use crate::reply::Failure;
use crate::world::{AppLedger, AppView, Stopwatch, now_ms};
use tidings_social::api::RefreshReport;
use tidings_social::limits::ROUNDS;
use tidings_social::sync::{self, Scope};
use tidings_social::{Account, Relation, pulls};

/// No new round begins after this, so that a request stays far from the hosts' limit of 30 s.
const ROUNDS_TIME_MS: u64 = 15_000;

/// What a refresh did, and the view that it ended with.
pub struct Refreshed<'l> {
    /// What the owner is told.
    pub report: RefreshReport,
    /// The latest view of the store.
    pub view: AppView<'l>,
    /// Whether anything was committed.
    pub has_committed: bool,
}

/// Does the network work in `scope`, beginning with what `view` shows.
///
/// # Errors
/// When the store fails. What was sent by then was sent; what was not is still owed.
pub async fn refresh<'l>(
    ledger: &'l AppLedger,
    view: AppView<'l>,
    account: &Account,
    scope: Scope,
) -> Result<Refreshed<'l>, Failure> {
    let time = Stopwatch::start();
    let mut report = RefreshReport::default();
    let (mut view, mut scope) = (view, scope);
    let mut has_committed = view.has_committed();
    for round in 0.. {
        let relations = Relation::load_all(&view).await?;
        let head = pulls::head(&view, &relations).await?;
        let plan = sync::plan(account, &relations, head, scope, now_ms());
        report.next_due_ms = plan.next_due_ms;
        report.waiting = plan.waiting;
        if plan.requests.is_empty() || round >= ROUNDS || time.elapsed_ms() > ROUNDS_TIME_MS {
            break;
        }
        let answers = outbound::send_all(account, plan.requests).await;
        view = ledger.view().await?;
        let batch = sync::settle(&view, account, answers, &mut report, now_ms()).await?;
        ledger.commit(&mut view, batch).await?;
        has_committed |= view.has_committed();
        view = ledger.view().await?;
        scope = scope.later_rounds();
    }
    Ok(Refreshed { report, view, has_committed })
}
