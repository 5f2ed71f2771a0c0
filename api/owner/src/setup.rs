//! `/api/setup`: becoming the owner, once.

use crate::context::{Context, setup_state};
use std::time::Duration;
use tidings_api_http::signin::{Owner, session_cookie};
use tidings_api_http::world::{Stopwatch, now_ms, random, sleep};
use tidings_api_http::{Failure, Reply};
use tidings_social::Account;
use tidings_social::access::{Access, AccessRandom};
use tidings_social::api::{SetupRequest, SetupStatus};
use tidings_social::setup::{self, Claim, SetupError};

/// How often a claim is written before the store counts as too slow. All tries stay far below a request's time.
const CLAIM_TRIES: usize = 4;

/// `GET /api/setup`. Public.
pub async fn status(context: &Context<'_>) -> Result<Reply, Failure> {
    let view = context.ledger.view().await?;
    let account = Account::load(&view).await?;
    let status = SetupStatus {
        state: setup_state(account.as_ref()),
        address: account.as_ref().map_or(&context.origin.address, Account::address).clone(),
        default_login: context.default_login(account.as_ref()),
    };
    Ok(Reply::json(200, &status))
}

/// `POST /api/setup`. With the first password.
pub async fn set_up(context: &Context<'_>) -> Result<Reply, Failure> {
    let ledger = context.ledger;
    let mut view = ledger.view().await?;
    if Account::load(&view).await?.is_some() {
        return Err(SetupError::AlreadySetUp.into());
    }
    context.found(&mut view).await?;
    let request: SetupRequest = context.request.json()?;
    let access = new_access(&request.password, context)?;
    let checked = setup::check(request, &context.origin.address, now_ms())?;
    let claim = claim_in_time(context).await?;
    sleep(Duration::from_millis(setup::wait_ms(context.config.timing.staleness_ms))).await;
    let mut view = ledger.view().await?;
    match setup::decide(&view, claim, &checked, access, now_ms()).await {
        Ok(batch) => {
            ledger.commit(&mut view, batch).await?;
        }
        Err(error) => {
            withdraw(context, claim).await?;
            return Err(error.into());
        }
    }
    let account = Account::load(&view).await?.ok_or_else(Failure::not_set_up)?;
    let cookie = session_cookie(&account, now_ms());
    let owner = Owner { account, reset: false };
    let status = context.session_status(&view, Some(&owner.account), Some(&owner)).await?;
    context.keep(view);
    Ok(Reply::json(201, &status).with("set-cookie", cookie))
}

/// Writes a claim so quickly that others can rely on having seen it. A busy store gets some tries.
async fn claim_in_time(context: &Context<'_>) -> Result<Claim, Failure> {
    for _ in 0..CLAIM_TRIES {
        let mut view = context.ledger.view().await?;
        let (claim, batch) = setup::claim(&view, now_ms(), random()).await?;
        let stopwatch = Stopwatch::start();
        context.ledger.commit(&mut view, batch).await?;
        if setup::claim_in_time(stopwatch.elapsed_ms()) {
            return Ok(claim);
        }
        withdraw(context, claim).await?;
    }
    let detail =
        "The store took too long to answer, so it cannot be told who was first. Try again in a moment.";
    Err(Failure::new(503, "store", "The store is not available", detail).with("retry-after", "2"))
}

async fn withdraw(context: &Context<'_>, claim: Claim) -> Result<(), Failure> {
    let mut view = context.ledger.view().await?;
    context.ledger.commit(&mut view, setup::withdraw(claim)).await?;
    Ok(())
}

/// Hashes a new password under the variable of now.
pub fn new_access(password: &str, context: &Context<'_>) -> Result<Access, Failure> {
    let random = AccessRandom { password_salt: random(), variable_salt: random(), session_secret: random() };
    Ok(Access::new(password, context.config.owner_password.as_deref(), &random)?)
}
