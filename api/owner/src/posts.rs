//! `/api/posts` and `/api/feed`.

use crate::context::Context;
use tidings_api_http::world::{now_ms, random};
use tidings_api_http::{Failure, Reply};
use tidings_protocol::RecordId;
use tidings_social::api::{NewPost, PostChange, RefreshRequest, RefreshScope};
use tidings_social::feed::{self, PageRequest};
use tidings_social::posts::{self, IdempotencyKey, PostError};
use tidings_social::sync::Scope;

/// `GET /api/posts`.
pub async fn list(context: &Context<'_>) -> Result<Reply, Failure> {
    let (owner, view) = context.owner().await?;
    let page = page_request(context)?;
    let author = context.author(&view, &owner).await?;
    Ok(Reply::json(200, &posts::page(&view, &owner.account, author, &page).await?))
}

/// `POST /api/posts`. Friends are told once the reply is out.
pub async fn write(context: &Context<'_>) -> Result<Reply, Failure> {
    let (owner, mut view) = context.owner().await?;
    let new: NewPost = context.request.json()?;
    let key = idempotency_key(context)?;
    let author = context.author(&view, &owner).await?;
    let (mut written, batch) =
        posts::write(&view, &owner.account, author, new, key.as_ref(), now_ms(), random()).await?;
    context.ledger.commit(&mut view, batch).await?;
    context.keep(view);
    if let Some(key) = key.as_ref().filter(|key| !written.existed && key.may_have_twins()) {
        let mut view = context.ledger.view().await?;
        let batch = posts::settle_twins(&view, key, &mut written, now_ms()).await?;
        context.ledger.commit(&mut view, batch).await?;
        context.keep(view);
    }
    let status = if written.existed { 200 } else { 201 };
    let location = format!("/api/posts/{}", written.post.id);
    Ok(Reply::json(status, &written.post).with("location", location).then_refresh())
}

/// `PUT /api/posts/{id}`. Friends are told once the reply is out.
pub async fn edit(context: &Context<'_>, id: &str) -> Result<Reply, Failure> {
    let (owner, mut view) = context.owner().await?;
    let id: RecordId = id.parse().map_err(|_| Failure::not_found(&context.request.path))?;
    let change: PostChange = context.request.json()?;
    let author = context.author(&view, &owner).await?;
    let (post, batch) = posts::edit(&view, &owner.account, author, id, change, now_ms()).await?;
    context.ledger.commit(&mut view, batch).await?;
    context.keep(view);
    Ok(Reply::json(200, &post).then_refresh())
}

/// `DELETE /api/posts/{id}`. Friends are told once the reply is out.
pub async fn delete(context: &Context<'_>, id: &str) -> Result<Reply, Failure> {
    let (_, mut view) = context.owner().await?;
    let id: RecordId = id.parse().map_err(|_| Failure::not_found(&context.request.path))?;
    let batch = posts::delete(&view, id, now_ms()).await?;
    context.ledger.commit(&mut view, batch).await?;
    context.keep(view);
    Ok(Reply::empty(204).then_refresh())
}

/// `GET /api/feed`.
pub async fn feed(context: &Context<'_>) -> Result<Reply, Failure> {
    let (owner, view) = context.owner().await?;
    let page = page_request(context)?;
    let author = context.author(&view, &owner).await?;
    Ok(Reply::json(200, &feed::page(&view, &owner.account, author, &page).await?))
}

/// `POST /api/feed/refresh`.
pub async fn refresh(context: &Context<'_>) -> Result<Reply, Failure> {
    let (owner, view) = context.owner().await?;
    let request: RefreshRequest = context.request.json()?;
    let scope = match request.scope {
        RefreshScope::All => Scope::ALL,
        RefreshScope::Due => Scope::DUE,
    };
    Ok(Reply::json(200, &context.refresh(view, &owner.account, scope).await?))
}

/// The page that is asked for.
pub fn page_request(context: &Context<'_>) -> Result<PageRequest, Failure> {
    let (limit, before) = (context.request.parameter("limit"), context.request.parameter("before"));
    Ok(PageRequest::parse(limit.as_deref(), before.as_deref())?)
}

/// The name that the client gave to this act, if it did.
pub(crate) fn idempotency_key(context: &Context<'_>) -> Result<Option<IdempotencyKey>, Failure> {
    if !context.request.has_header("idempotency-key") {
        return Ok(None);
    }
    let key = context.request.header("idempotency-key").unwrap_or_default();
    Ok(Some(key.parse::<IdempotencyKey>().map_err(|error: PostError| Failure::from(error))?))
}
