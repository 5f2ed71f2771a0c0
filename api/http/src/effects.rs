//! Performing what the rules decide: requests to other deployments.

use crate::outbound::Outbound;
use crate::reply::Failure;
use crate::world::{AppLedger, AppView, SpinStore, SystemClock, SystemRandom};
use tidings_social::Account;
use tidings_social::sync::{self, Refreshed, Scope};

/// Does the network work in `scope`, beginning with what `view` shows.
///
/// # Errors
/// When the store fails. What was sent by then was sent; what was not is still owed.
pub async fn refresh<'l>(
    ledger: &'l AppLedger,
    view: AppView<'l>,
    account: &Account,
    scope: Scope,
) -> Result<Refreshed<'l, SpinStore>, Failure> {
    Ok(sync::refresh(ledger, view, account, scope, &Outbound, &SystemClock, &SystemRandom).await?)
}
