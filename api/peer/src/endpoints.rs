//! One function for each endpoint: authenticate, decode, load, decide, save, reply. Each hands on the view it worked
//! with, for what is done once the reply is out.

use tidings_api_http::world::now_ms;
use tidings_api_http::{AppLedger, AppView, Failure, Reply, Request};
use tidings_protocol::{FriendshipMessage, InteractionsMessage, Notification, RecordId};
use tidings_social::Account;
use tidings_social::certificates;
use tidings_social::peer::{self, VerifiedPeer};
use tidings_social::public;
use tidings_social::pulls::{self, PullQuery};
use tidings_social::threads;

/// A reply, and the view behind it.
type Answered<'l> = (Reply, AppView<'l>);

async fn account(view: &AppView<'_>) -> Result<Account, Failure> {
    Account::load(view).await?.ok_or_else(Failure::not_set_up)
}

/// Who sends a request. What its refusal means to the owner is committed.
async fn authenticate<'l>(
    ledger: &'l AppLedger,
    view: &mut AppView<'l>,
    account: &Account,
    request: &Request,
) -> Result<VerifiedPeer, Failure> {
    match peer::authenticate(view, account, request.parts(), now_ms()).await {
        Ok(sender) => Ok(sender),
        Err(refusal) => {
            let batch = certificates::alarm(view, &refusal, now_ms()).await?;
            ledger.commit(view, batch).await?;
            Err(refusal.into())
        }
    }
}

/// `GET /.well-known/tidings`. Public: it says who is served here.
pub async fn discovery(ledger: &AppLedger) -> Result<Answered<'_>, Failure> {
    let view = ledger.view().await?;
    let account = account(&view).await?;
    let reply = Reply::json(200, &peer::discovery(&view, &account).await?);
    Ok((reply, view))
}

/// `POST /p2p/v1/friendship`.
pub async fn friendship<'l>(ledger: &'l AppLedger, request: &Request) -> Result<Answered<'l>, Failure> {
    let mut view = ledger.view().await?;
    let account = account(&view).await?;
    let sender = authenticate(ledger, &mut view, &account, request).await?;
    let message: FriendshipMessage = request.json()?;
    let (answer, batch) = peer::receive_friendship(&view, &account, &sender, &message, now_ms()).await?;
    ledger.commit(&mut view, batch).await?;
    Ok((Reply::json(200, &answer), view))
}

/// `POST /p2p/v1/notifications`.
pub async fn notification<'l>(ledger: &'l AppLedger, request: &Request) -> Result<Answered<'l>, Failure> {
    let mut view = ledger.view().await?;
    let account = account(&view).await?;
    let sender = authenticate(ledger, &mut view, &account, request).await?;
    let notification: Notification = request.json()?;
    let (answer, batch) =
        peer::receive_notification(&view, &account, &sender, notification, now_ms()).await?;
    ledger.commit(&mut view, batch).await?;
    Ok((Reply::json(200, &answer), view))
}

/// `GET /p2p/v1/changes`.
pub async fn changes<'l>(ledger: &'l AppLedger, request: &Request) -> Result<Answered<'l>, Failure> {
    let mut view = ledger.view().await?;
    let account = account(&view).await?;
    let sender = authenticate(ledger, &mut view, &account, request).await?;
    sender.require_friend()?;
    let [since, held, oldest] = ["since", "held", "oldest"].map(|name| request.parameter(name));
    let query = PullQuery::parse(since.as_deref(), held.as_deref(), oldest.as_deref())?;
    let given = pulls::before_answer(&view, sender.relation(), &query).await?;
    ledger.commit(&mut view, given).await?;
    let (answer, mut batch) =
        pulls::answer(&view, &account, sender.relation(), &query, ledger.timing(), now_ms()).await?;
    batch.merge(sender.learn(&view, now_ms()).await?);
    ledger.commit(&mut view, batch).await?;
    Ok((tagged(request, &answer.tag(), || Reply::json(200, &answer)), view))
}

/// `POST /p2p/v1/interactions`.
pub async fn interactions<'l>(ledger: &'l AppLedger, request: &Request) -> Result<Answered<'l>, Failure> {
    let mut view = ledger.view().await?;
    let account = account(&view).await?;
    let sender = authenticate(ledger, &mut view, &account, request).await?;
    let message: InteractionsMessage = request.json()?;
    let (answer, batch) = threads::receive(&view, &account, &sender, &message, now_ms()).await?;
    ledger.commit(&mut view, batch).await?;
    Ok((Reply::json(200, &answer), view))
}

/// `GET /p2p/v1/posts/{id}/thread`.
pub async fn thread<'l>(
    ledger: &'l AppLedger,
    request: &Request,
    post: RecordId,
) -> Result<Answered<'l>, Failure> {
    let mut view = ledger.view().await?;
    let account = account(&view).await?;
    let sender = authenticate(ledger, &mut view, &account, request).await?;
    sender.require_friend()?;
    let after = request.parameter("after");
    let page = threads::page(&view, &account, sender.relation(), post, after.as_deref()).await?;
    let batch = sender.learn(&view, now_ms()).await?;
    ledger.commit(&mut view, batch).await?;
    Ok((tagged(request, &page.tag(), || Reply::json(200, &page)), view))
}

/// An answer with its tag; 304 if the asker knows it.
fn tagged(request: &Request, tag: &str, reply: impl FnOnce() -> Reply) -> Reply {
    let tag = format!("\"{tag}\"");
    let known = request.header("if-none-match") == Some(tag.as_str());
    let reply = if known { Reply::empty(304) } else { reply() };
    reply.with("etag", tag)
}

/// How long anybody may keep a page of public posts without asking again: who looks at it once more within a minute costs no
/// request, and what is public no longer is shown no longer than that.
const PUBLIC_CACHING: &str = "public, max-age=60";

/// `GET /p2p/v1/public`. Anybody may ask.
pub async fn public<'l>(ledger: &'l AppLedger, request: &Request) -> Result<Answered<'l>, Failure> {
    let view = ledger.view().await?;
    let account = account(&view).await?;
    let page = public::page(&view, &account, request.parameter("before").as_deref()).await?;
    let tag = format!("\"{}\"", page.tag());
    // Whoever stands between, and packs the answer for a browser, calls the tag a weak one.
    let known = request.header("if-none-match").unwrap_or_default();
    let known = known.split(',').any(|one| one.trim().trim_start_matches("W/") == tag);
    let reply = if known { Reply::empty(304) } else { Reply::json(200, &page) };
    Ok((reply.with("etag", tag).with("cache-control", PUBLIC_CACHING), view))
}
