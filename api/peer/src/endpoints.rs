//! One function for each endpoint: authenticate, decode, load, decide, save, reply.

use tidings_api_http::world::{AppLedger, AppView, now_ms, open_ledger};
use tidings_api_http::{Config, Failure, Reply, Request};
use tidings_protocol::{FriendshipMessage, Notification};
use tidings_social::peer::{self, VerifiedPeer};
use tidings_social::{Account, pulls};

fn ledger() -> Result<AppLedger, Failure> {
    Ok(open_ledger(&Config::load()?)?)
}

async fn account(view: &AppView<'_>) -> Result<Account, Failure> {
    Account::load(view).await?.ok_or_else(Failure::not_set_up)
}

async fn authenticate(
    view: &AppView<'_>,
    account: &Account,
    request: &Request,
) -> Result<VerifiedPeer, Failure> {
    Ok(peer::authenticate(view, account, request.parts(), now_ms()).await?)
}

/// `GET /.well-known/tidings`. Public: it says who is served here.
pub async fn discovery() -> Result<Reply, Failure> {
    let ledger = ledger()?;
    let view = ledger.view().await?;
    let account = account(&view).await?;
    Ok(Reply::json(200, &peer::discovery(&view, &account).await?))
}

/// `POST /p2p/v1/friendship`.
pub async fn friendship(request: &Request) -> Result<Reply, Failure> {
    let ledger = ledger()?;
    let mut view = ledger.view().await?;
    let account = account(&view).await?;
    let sender = authenticate(&view, &account, request).await?;
    let message: FriendshipMessage = request.json()?;
    let (answer, batch) = peer::receive_friendship(&view, &account, &sender, &message).await?;
    ledger.commit(&mut view, batch).await?;
    Ok(Reply::json(200, &answer))
}

/// `POST /p2p/v1/notifications`.
pub async fn notification(request: &Request) -> Result<Reply, Failure> {
    let ledger = ledger()?;
    let mut view = ledger.view().await?;
    let account = account(&view).await?;
    let sender = authenticate(&view, &account, request).await?;
    let notification: Notification = request.json()?;
    let (answer, batch) = peer::receive_notification(&view, &sender, notification, now_ms()).await?;
    ledger.commit(&mut view, batch).await?;
    Ok(Reply::json(200, &answer))
}

/// `GET /p2p/v1/changes`.
pub async fn changes(request: &Request) -> Result<Reply, Failure> {
    let ledger = ledger()?;
    let mut view = ledger.view().await?;
    let account = account(&view).await?;
    let sender = authenticate(&view, &account, request).await?;
    sender.require_friend()?;
    let (since, held) = (request.parameter("since"), request.parameter("held"));
    let (answer, batch) =
        pulls::answer(&view, sender.relation(), since.as_deref(), held.as_deref(), now_ms()).await?;
    ledger.commit(&mut view, batch).await?;
    Ok(Reply::json(200, &answer))
}
