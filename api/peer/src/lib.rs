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
use tidings_api_http::{Failure, Reply, Request};
use tidings_protocol::limits::REQUEST_BODY_BYTES;
use tidings_protocol::paths;

#[cfg_attr(target_family = "wasm", http_component)]
async fn handle(incoming: IncomingRequest, out: ResponseOutparam) {
    let reply = match Request::read(incoming, REQUEST_BODY_BYTES).await {
        Ok(request) => respond(&request).await.unwrap_or_else(Reply::from),
        Err(failure) => failure.into(),
    };
    reply.send(out).await;
}

async fn respond(request: &Request) -> Result<Reply, Failure> {
    match (request.path.as_str(), request.method.as_str()) {
        (paths::DISCOVERY, "GET" | "HEAD") => endpoints::discovery().await,
        (paths::DISCOVERY, _) => Err(Failure::method_not_allowed(&["GET", "HEAD"])),
        (paths::FRIENDSHIP, "POST") => endpoints::friendship(request).await,
        (paths::NOTIFICATIONS, "POST") => endpoints::notification(request).await,
        (paths::FRIENDSHIP | paths::NOTIFICATIONS, _) => Err(Failure::method_not_allowed(&["POST"])),
        (paths::CHANGES, "GET") => endpoints::changes(request).await,
        (paths::CHANGES, _) => Err(Failure::method_not_allowed(&["GET"])),
        (path, _) => Err(Failure::not_found(path)),
    }
}
