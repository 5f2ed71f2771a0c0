//! `/api/session` and `/api/password`: signing in and out.

use crate::context::Context;
use crate::setup::new_access;
use tidings_api_http::signin::{Owner, ended_cookie, guessing_network, session_cookie};
use tidings_api_http::world::now_ms;
use tidings_api_http::{Failure, Reply};
use tidings_social::Account;
use tidings_social::api::PasswordChange;
use tidings_social::guesses;

/// `GET /api/session`. Public: who is not signed in is told so.
pub async fn status(context: &Context<'_>) -> Result<Reply, Failure> {
    let mut view = context.ledger.view().await?;
    let account = Account::load(&view).await?;
    let owner = match context.sign_in(&mut view, account.clone()).await {
        Err(failure) if failure.problem.status == 429 => return Err(failure),
        tried => tried.ok(),
    };
    Ok(Reply::json(200, &context.session_status(&view, account.as_ref(), owner.as_ref()).await?))
}

/// `POST /api/session`. Before setup the first password is checked and nothing is handed out.
pub async fn sign_in(context: &Context<'_>) -> Result<Reply, Failure> {
    let mut view = context.ledger.view().await?;
    let Some(account) = Account::load(&view).await? else {
        context.found(&mut view).await?;
        return Ok(Reply::json(200, &context.session_status(&view, None, None).await?));
    };
    let owner = context.sign_in(&mut view, Some(account)).await?;
    if let Some(network) = guessing_network(context.request, &context.origin) {
        let batch = guesses::note_right(&view, &network, now_ms()).await?;
        context.ledger.commit(&mut view, batch).await?;
    }
    let status = context.session_status(&view, Some(&owner.account), Some(&owner)).await?;
    Ok(Reply::json(200, &status).with("set-cookie", session_cookie(&owner.account, now_ms())))
}

/// `DELETE /api/session`.
pub async fn sign_out(context: &Context<'_>) -> Result<Reply, Failure> {
    let (owner, _) = context.owner().await?;
    Ok(Reply::empty(204).with("set-cookie", ended_cookie(&owner.account)))
}

/// `PUT /api/password`. All sessions end; this one gets a new cookie.
pub async fn change_password(context: &Context<'_>) -> Result<Reply, Failure> {
    let (owner, mut view) = context.owner().await?;
    let change: PasswordChange = context.request.json()?;
    let access = new_access(&change.password, context)?;
    context.ledger.commit(&mut view, owner.account.change_access(access.clone())).await?;
    // Open clients sign in with what their watches hold. Should this fail, the commit has told them all the same.
    if let Err(error) = context.ledger.end_watches(&mut view).await {
        eprintln!("watches of the old password: {error}");
    }
    let mut account = owner.account;
    account.access = access;
    let owner = Owner { account, reset: false };
    let status = context.session_status(&view, Some(&owner.account), Some(&owner)).await?;
    context.keep(view);
    Ok(Reply::json(200, &status).with("set-cookie", session_cookie(&owner.account, now_ms())))
}
