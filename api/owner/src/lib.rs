//! The component that the signed-in owner talks to: `/api/...`.
//!
//! It is the only one that may reach out: it sends what is owed to friends, pulls what is new, and looks up addresses.

// A native linker cannot name the export of a component, so natively there is no entry and only tests call the rest.
#![cfg_attr(not(target_family = "wasm"), allow(dead_code))]

mod certificate;
mod circles;
mod context;
mod conversations;
mod friends;
mod invitations;
mod notifications;
mod posts;
mod profile;
mod routes;
mod session;
mod settings;
mod setup;
mod status;
mod threads;

use context::Context;
use routes::{Endpoint, Names};
use spin_sdk::http::{IncomingRequest, ResponseOutparam};
#[cfg(target_family = "wasm")]
use spin_sdk::http_component;
use tidings_api_http::signin::Origin;
use tidings_api_http::world::open_ledger;
use tidings_api_http::{AppLedger, Config, Failure, Reply, Request};

/// The most of a body, in bytes: a post of the longest text with every character escaped, and some room.
const BODY_BYTES: usize = 128 * 1024;

#[cfg_attr(target_family = "wasm", http_component)]
async fn handle(incoming: IncomingRequest, out: ResponseOutparam) {
    let request = match Request::read(incoming, BODY_BYTES).await {
        Ok(request) => request,
        Err(failure) => return Reply::from(failure).send(out).await,
    };
    match open(&request) {
        Err(reply) => reply.send(out).await,
        Ok((endpoint, names, config, origin, ledger)) => {
            let context = Context::new(&request, config, origin, &ledger);
            let reply = respond(&context, endpoint, names).await.unwrap_or_else(Reply::from);
            let then = reply.then;
            reply.send(out).await;
            // The owner waits neither for friends nor for the store's maintenance.
            if let Err(failure) = context.after_reply(then).await {
                eprintln!("after the reply: {} ({:?})", failure.problem.detail, failure.log);
            }
        }
    }
}

/// What a request asks for, and what it takes to answer it; or the answer, if it takes nothing.
fn open(request: &Request) -> Result<(Endpoint, Names<'_>, Config, Origin, AppLedger), Reply> {
    let (endpoint, names) = routes::find(&request.method, &request.path)?;
    if endpoint == Endpoint::OpenApi {
        return Err(status::openapi());
    }
    let config = Config::load()?;
    let origin = Origin::of(request, &config)?;
    let ledger = open_ledger(&config).map_err(Failure::from)?;
    Ok((endpoint, names, config, origin, ledger))
}

async fn respond(
    context: &Context<'_>,
    endpoint: Endpoint,
    [id, second, third]: Names<'_>,
) -> Result<Reply, Failure> {
    match endpoint {
        Endpoint::SetupStatus => setup::status(context).await,
        Endpoint::Setup => setup::set_up(context).await,
        Endpoint::SessionStatus => session::status(context).await,
        Endpoint::SignIn => session::sign_in(context).await,
        Endpoint::SignOut => session::sign_out(context).await,
        Endpoint::ChangePassword => session::change_password(context).await,
        Endpoint::Certificate => certificate::show(context).await,
        Endpoint::ChangeCertificate => certificate::change(context).await,
        Endpoint::Profile => profile::show(context).await,
        Endpoint::ChangeProfile => profile::change(context).await,
        Endpoint::Posts => posts::list(context).await,
        Endpoint::WritePost => posts::write(context).await,
        Endpoint::EditPost => posts::edit(context, id).await,
        Endpoint::DeletePost => posts::delete(context, id).await,
        Endpoint::Thread => threads::show(context, [id, second]).await,
        Endpoint::RefreshThread => threads::refresh(context, [id, second]).await,
        Endpoint::WriteComment => threads::comment(context, [id, second]).await,
        Endpoint::EditComment => threads::edit(context, [id, second], third).await,
        Endpoint::WithdrawComment => threads::withdraw(context, [id, second], third).await,
        Endpoint::HideComment => threads::hide(context, [id, second]).await,
        Endpoint::React => threads::react(context, [id, second]).await,
        Endpoint::Feed => posts::feed(context).await,
        Endpoint::Refresh => posts::refresh(context).await,
        Endpoint::Changes => status::changes(context).await,
        Endpoint::Friends => friends::list(context).await,
        Endpoint::RequestFriend => friends::request(context).await,
        Endpoint::AcceptFriend => friends::accept(context, id).await,
        Endpoint::EndFriend => friends::end(context, id).await,
        Endpoint::Notifications => notifications::list(context).await,
        Endpoint::ReadNotifications => notifications::read(context).await,
        Endpoint::BlockFriend => friends::block(context, id).await,
        Endpoint::UnblockFriend => friends::unblock(context, id).await,
        Endpoint::MuteFriend => friends::mute(context, id).await,
        Endpoint::UnmuteFriend => friends::unmute(context, id).await,
        Endpoint::Circles => circles::list(context).await,
        Endpoint::CreateCircle => circles::create(context).await,
        Endpoint::RenameCircle => circles::rename(context, id).await,
        Endpoint::DeleteCircle => circles::delete(context, id).await,
        Endpoint::AddToCircle => circles::add(context, id, second).await,
        Endpoint::RemoveFromCircle => circles::remove(context, id, second).await,
        Endpoint::Conversations => conversations::list(context).await,
        Endpoint::Conversation => conversations::show(context, id).await,
        Endpoint::SendMessage => conversations::send(context, id).await,
        Endpoint::EditMessage => conversations::edit(context, id, second).await,
        Endpoint::WithdrawMessage => conversations::withdraw(context, id, second).await,
        Endpoint::ReadConversation => conversations::read(context, id).await,
        Endpoint::ClearConversation => conversations::clear(context, id).await,
        Endpoint::RetryConversation => conversations::retry(context, id).await,
        Endpoint::Invitations => invitations::list(context).await,
        Endpoint::Invite => invitations::issue(context).await,
        Endpoint::RevokeInvitation => invitations::revoke(context, id).await,
        Endpoint::Settings => settings::show(context).await,
        Endpoint::ChangeSettings => settings::change(context).await,
        Endpoint::Health => status::health(context).await,
        Endpoint::OpenApi => Ok(status::openapi()),
    }
}
