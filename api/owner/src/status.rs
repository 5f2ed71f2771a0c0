//! `/api/changes`, `/api/health` and `/api/openapi.json`.

use crate::context::{Context, setup_state};
use tidings_api_http::signin::{is_own_tag, known_tags, session_of};
use tidings_api_http::world::now_ms;
use tidings_api_http::{Failure, Reply};
use tidings_ledger::{Promise, Pulse};
use tidings_social::api::Health;
use tidings_social::polling::{PollTag, WatchRecord, watch_label};
use tidings_social::{Account, changes};

/// `GET /api/changes`. While nothing changed it costs an open client's session two gets.
pub async fn changes(context: &Context<'_>) -> Result<Reply, Failure> {
    let known = known_tags(context.request);
    for tag in &known {
        if is_unchanged(context, tag).await? {
            return Ok(unchanged(tag));
        }
    }
    // Who asks again is worth watching for; that takes the pulse of before the listing.
    let polls = !known.is_empty() && context.request.has_header("cookie");
    let pulse = if polls { Some(context.ledger.pulse().await?) } else { None };
    answer(context, &known, pulse).await
}

/// Whether the ledger's promise in a tag still holds, and it was given to this session.
async fn is_unchanged(context: &Context<'_>, tag: &PollTag) -> Result<bool, Failure> {
    let Some(promise) = tag.promise().filter(|promise| promise.is_firm()) else { return Ok(false) };
    let value = context.ledger.unchanged(promise).await?;
    let record = value.and_then(|bytes| WatchRecord::parse(&bytes));
    Ok(record.is_some_and(|record| is_own_tag(context.request, tag, &record, now_ms())))
}

/// The answer of somebody who has to look.
async fn answer(context: &Context<'_>, known: &[PollTag], pulse: Option<Pulse>) -> Result<Reply, Failure> {
    let (owner, mut view) = context.owner().await?;
    let (account, now_ms) = (&owner.account, now_ms());
    let listing = changes::listing_tag(&view);
    let same_listing = known.iter().find(|tag| tag.listing() == listing);
    let shown = match same_listing {
        None => Some(changes::show(&view, account, now_ms).await?),
        Some(_) => None,
    };
    let content = match (&shown, same_listing) {
        (Some(shown), _) => changes::content_tag(shown, now_ms),
        (None, Some(tag)) => tag.content().to_owned(),
        (None, None) => String::new(),
    };
    let same = known.iter().find(|tag| tag.content() == content);

    let session = session_of(context.request, &account.fingerprint());
    let promise = match (pulse, &session) {
        (Some(pulse), Some(_)) => {
            let own = |tag: &&PollTag| {
                tag.promise().is_some_and(|promise| {
                    is_own_tag(context.request, tag, &WatchRecord::new(account, promise.watch()), now_ms)
                })
            };
            let remembered = known.iter().find(own).and_then(PollTag::promise);
            let label = watch_label(account);
            let value = |watch: &_| WatchRecord::new(account, watch).to_bytes();
            // Polls are dearer without a promise, but work.
            context.ledger.promise(&mut view, pulse, &label, remembered, value).await.unwrap_or_else(
                |error| {
                    eprintln!("a poll goes without a promise: {error}");
                    None
                },
            )
        }
        _ => None,
    };
    if let Some(tag) = same.filter(|tag| !is_better(promise.as_ref(), tag.promise())) {
        return Ok(unchanged(tag));
    }
    let shown = match shown {
        Some(shown) => shown,
        None => changes::show(&view, account, now_ms).await?,
    };
    let tag = PollTag::new(listing, content);
    let tag = match (promise, session) {
        (Some(promise), Some(session)) => tag.with_promise(promise, account, &session),
        _ => tag,
    };
    Ok(tagged(Reply::json(200, &shown), &tag))
}

/// Whether it is worth a full answer to give the client a tag with another promise.
fn is_better(new: Option<&Promise>, known: Option<&Promise>) -> bool {
    match (new, known) {
        (Some(new), Some(known)) => new.is_firm() && new != known,
        (Some(_), None) => true,
        (None, _) => false,
    }
}

fn unchanged(tag: &PollTag) -> Reply {
    tagged(Reply::empty(304), tag)
}

/// The tag is for the client's next question; nothing may answer it in this deployment's place.
fn tagged(reply: Reply, tag: &PollTag) -> Reply {
    reply.with("etag", format!("\"{tag}\"")).with("cache-control", "private, no-cache")
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
