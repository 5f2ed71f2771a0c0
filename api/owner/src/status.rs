//! `/api/changes`, `/api/health` and `/api/openapi.json`.

use crate::context::{Context, setup_state};
use tidings_api_http::world::now_ms;
use tidings_api_http::{Failure, Reply};
use tidings_social::api::Health;
use tidings_social::{Account, changes};

/// `GET /api/changes`. While nothing changed it costs one listing and what signing in needs.
pub async fn changes(context: &Context<'_>) -> Result<Reply, Failure> {
    let (owner, view) = context.owner().await?;
    let etag = format!("\"{}\"", changes::tag(&view));
    let known = context.request.header("if-none-match").unwrap_or_default();
    let unchanged = known.split(',').any(|tag| tag.trim().trim_start_matches("W/") == etag);
    let reply = if unchanged {
        Reply::empty(304)
    } else {
        Reply::json(200, &changes::show(&view, &owner.account, now_ms()).await?)
    };
    // The tag is for the client's next question; nothing may answer it in this deployment's place.
    Ok(reply.with("etag", etag).with("cache-control", "private, no-cache"))
}

/// `GET /api/health`. Public.
pub async fn health(context: &Context<'_>) -> Result<Reply, Failure> {
    let view = context.ledger.view().await?;
    let account = Account::load(&view).await?;
    let version = env!("CARGO_PKG_VERSION").to_owned();
    Ok(Reply::json(200, &Health { status: "ok".into(), version, setup: setup_state(account.as_ref()) }))
}

/// `GET /api/openapi.json`. Public.
pub fn openapi() -> Reply {
    let mut reply = Reply::empty(200).with("content-type", "application/json");
    reply.body = include_bytes!("../../../docs/openapi.json").to_vec();
    reply.with("cache-control", "no-cache")
}
