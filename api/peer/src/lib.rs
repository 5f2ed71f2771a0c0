//! The component that other deployments talk to: `/p2p/v1/...` and `/.well-known/tidings`.
//!
//! It is open to the world, so it is granted no outbound network: whatever a stranger sends, nothing here can be made
//! to call somebody. What has to be answered later is stored, and the owner's side does it when it is awake.

// A native linker cannot name the export of a component, so natively there is no entry and only tests call the rest.
#![cfg_attr(not(target_family = "wasm"), allow(dead_code))]

mod endpoints;

use spin_sdk::http::{IncomingRequest, ResponseOutparam};
#[cfg(target_family = "wasm")]
use spin_sdk::http_component;
use tidings_api_http::world::open_ledger;
use tidings_api_http::{AppLedger, AppView, Config, Failure, Reply, Request, Then, upkeep};
use tidings_protocol::limits::REQUEST_BODY_BYTES;
use tidings_protocol::{RecordId, paths};

#[cfg_attr(target_family = "wasm", http_component)]
async fn handle(incoming: IncomingRequest, out: ResponseOutparam) {
    let request = match Request::read(incoming, REQUEST_BODY_BYTES).await {
        Ok(request) => request,
        Err(failure) => return Reply::from(failure).send(out).await,
    };
    match find(&request).and_then(|endpoint| Ok((endpoint, open_ledger(&Config::load()?)?))) {
        Err(failure) => Reply::from(failure).send(out).await,
        Ok((endpoint, ledger)) => {
            let mut kept = None;
            let reply = match respond(&ledger, endpoint, &request).await {
                Ok((reply, view)) => {
                    kept = Some(view);
                    reply
                }
                Err(failure) => failure.into(),
            };
            let then = reply.then;
            reply.send(out).await;
            // Nobody waits for the store's maintenance.
            match kept.filter(AppView::has_committed) {
                Some(mut view) => upkeep::maintain(&ledger, &mut view).await,
                None if then == Then::MakeRoom => upkeep::make_room(&ledger).await,
                None => {}
            }
        }
    }
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Endpoint {
    Discovery,
    Friendship,
    Notification,
    Changes,
    Interactions,
    Thread(RecordId),
    Public,
}

async fn respond<'l>(
    ledger: &'l AppLedger,
    endpoint: Endpoint,
    request: &Request,
) -> Result<(Reply, AppView<'l>), Failure> {
    match endpoint {
        Endpoint::Discovery => endpoints::discovery(ledger).await,
        Endpoint::Friendship => endpoints::friendship(ledger, request).await,
        Endpoint::Notification => endpoints::notification(ledger, request).await,
        Endpoint::Changes => endpoints::changes(ledger, request).await,
        Endpoint::Interactions => endpoints::interactions(ledger, request).await,
        Endpoint::Thread(post) => endpoints::thread(ledger, request, post).await,
        Endpoint::Public => endpoints::public(ledger, request).await,
    }
}

fn find(request: &Request) -> Result<Endpoint, Failure> {
    match (request.path.as_str(), request.method.as_str()) {
        (paths::DISCOVERY, "GET" | "HEAD") => Ok(Endpoint::Discovery),
        (paths::DISCOVERY, _) => Err(Failure::method_not_allowed(&["GET", "HEAD"])),
        (paths::FRIENDSHIP, "POST") => Ok(Endpoint::Friendship),
        (paths::NOTIFICATIONS, "POST") => Ok(Endpoint::Notification),
        (paths::INTERACTIONS, "POST") => Ok(Endpoint::Interactions),
        (paths::FRIENDSHIP | paths::NOTIFICATIONS | paths::INTERACTIONS, _) => {
            Err(Failure::method_not_allowed(&["POST"]))
        }
        (paths::CHANGES, "GET") => Ok(Endpoint::Changes),
        (paths::CHANGES, _) => Err(Failure::method_not_allowed(&["GET"])),
        (paths::PUBLIC, "GET" | "HEAD") => Ok(Endpoint::Public),
        (paths::PUBLIC, _) => Err(Failure::method_not_allowed(&["GET", "HEAD"])),
        (path, method) => match paths::post_of_thread(path) {
            None => Err(Failure::not_found(path)),
            Some(post) if method == "GET" => Ok(Endpoint::Thread(post)),
            Some(_) => Err(Failure::method_not_allowed(&["GET"])),
        },
    }
}
