//! The component that the signed-in owner talks to: `/api/...`.
//!
//! It is the only one that may reach out: it sends what is owed to friends, pulls what is new, and looks up addresses.

// A native linker cannot name the export of a component, so natively there is no entry and only tests call the rest.
#![cfg_attr(not(target_family = "wasm"), allow(dead_code))]

mod context;
mod friends;
mod posts;
mod profile;
mod routes;
mod session;
mod setup;
mod status;

use context::Context;
use routes::Endpoint;
use spin_sdk::http::{IncomingRequest, ResponseOutparam};
#[cfg(target_family = "wasm")]
use spin_sdk::http_component;
use tidings_api_http::{Failure, Reply, Request, effects};
use tidings_social::sync::Scope;

/// The most of a body, in bytes: a post of the longest text with every character escaped, and some room.
const BODY_BYTES: usize = 128 * 1024;

#[cfg_attr(target_family = "wasm", http_component)]
async fn handle(incoming: IncomingRequest, out: ResponseOutparam) {
    let request = match Request::read(incoming, BODY_BYTES).await {
        Ok(request) => request,
        Err(failure) => return Reply::from(failure).send(out).await,
    };
    let reply = respond(&request).await.unwrap_or_else(Reply::from);
    let then_refresh = reply.then_refresh;
    reply.send(out).await;
    if then_refresh {
        // The owner does not wait for friends. Should the host end the instance here, what is owed stays owed.
        if let Err(failure) = refresh_after(&request).await {
            eprintln!("after the reply: {} ({:?})", failure.problem.detail, failure.log);
        }
    }
}

async fn respond(request: &Request) -> Result<Reply, Failure> {
    let (endpoint, id) = routes::find(&request.method, &request.path)?;
    if endpoint == Endpoint::OpenApi {
        return Ok(status::openapi());
    }
    let context = Context::open(request)?;
    let id = id.unwrap_or_default();
    match endpoint {
        Endpoint::SetupStatus => setup::status(&context).await,
        Endpoint::Setup => setup::set_up(&context).await,
        Endpoint::SessionStatus => session::status(&context).await,
        Endpoint::SignIn => session::sign_in(&context).await,
        Endpoint::SignOut => session::sign_out(&context).await,
        Endpoint::ChangePassword => session::change_password(&context).await,
        Endpoint::Profile => profile::show(&context).await,
        Endpoint::ChangeProfile => profile::change(&context).await,
        Endpoint::Posts => posts::list(&context).await,
        Endpoint::WritePost => posts::write(&context).await,
        Endpoint::DeletePost => posts::delete(&context, id).await,
        Endpoint::Feed => posts::feed(&context).await,
        Endpoint::Refresh => posts::refresh(&context).await,
        Endpoint::Changes => status::changes(&context).await,
        Endpoint::Friends => friends::list(&context).await,
        Endpoint::RequestFriend => friends::request(&context).await,
        Endpoint::AcceptFriend => friends::accept(&context, id).await,
        Endpoint::EndFriend => friends::end(&context, id).await,
        Endpoint::Health => status::health(&context).await,
        Endpoint::OpenApi => Ok(status::openapi()),
    }
}

async fn refresh_after(request: &Request) -> Result<(), Failure> {
    let context = Context::open(request)?;
    let view = context.ledger.view().await?;
    if let Some(account) = tidings_social::Account::load(&view).await? {
        effects::refresh(&context.ledger, &account, Scope::DUE).await?;
    }
    Ok(())
}
