//! `/api/conversations`: private messages.

use crate::context::Context;
use crate::friends::friend_id;
use crate::posts::{idempotency_key, page_request};
use tidings_api_http::world::{now_ms, random};
use tidings_api_http::{AppView, Failure, Reply};
use tidings_protocol::RecordId;
use tidings_social::Relation;
use tidings_social::api::{ClearRequest, NewMessage, ReadThrough};
use tidings_social::messages;
use tidings_social::sync::Scope;

/// `GET /api/conversations`.
pub async fn list(context: &Context<'_>) -> Result<Reply, Failure> {
    let (_, view) = context.owner().await?;
    Ok(Reply::json(200, &messages::conversations(&view, &page_request(context)?).await?))
}

/// `GET /api/conversations/{id}/messages`.
pub async fn show(context: &Context<'_>, id: &str) -> Result<Reply, Failure> {
    let (owner, view) = context.owner().await?;
    let (page, relation) = (page_request(context)?, with(context, &view, id).await?);
    let page = messages::conversation(&view, &owner.account, &relation, &page, now_ms()).await?;
    Ok(Reply::json(200, &page))
}

/// `POST /api/conversations/{id}/messages`. The friend is told once the reply is out.
pub async fn send(context: &Context<'_>, id: &str) -> Result<Reply, Failure> {
    let (owner, mut view) = context.owner().await?;
    let new: NewMessage = context.request.json()?;
    let (key, relation) = (idempotency_key(context)?, with(context, &view, id).await?);
    let account = &owner.account;
    let (sent, batch) =
        messages::send(&view, account, &relation, new, key.as_ref(), now_ms(), random()).await?;
    context.ledger.commit(&mut view, batch).await?;
    context.keep(view);
    let status = if sent.existed { 200 } else { 201 };
    let location = format!("/api/conversations/{}/messages/{}", relation.fingerprint, sent.message.id);
    Ok(Reply::json(status, &sent.message).with("location", location).then_refresh())
}

/// `PUT /api/conversations/{id}/messages/{message}`.
pub async fn edit(context: &Context<'_>, id: &str, message: &str) -> Result<Reply, Failure> {
    let (owner, mut view) = context.owner().await?;
    let new: NewMessage = context.request.json()?;
    let (message, relation) = (message_id(context, message)?, with(context, &view, id).await?);
    let edited = messages::edit(&view, &owner.account, &relation, message, new, now_ms()).await;
    let (message, batch) = edited?;
    context.ledger.commit(&mut view, batch).await?;
    context.keep(view);
    Ok(Reply::json(200, &message).then_refresh())
}

/// `DELETE /api/conversations/{id}/messages/{message}`.
pub async fn withdraw(context: &Context<'_>, id: &str, message: &str) -> Result<Reply, Failure> {
    let (_, mut view) = context.owner().await?;
    let (message, relation) = (message_id(context, message)?, with(context, &view, id).await?);
    let batch = messages::withdraw(&view, &relation, message).await?;
    context.ledger.commit(&mut view, batch).await?;
    context.keep(view);
    Ok(Reply::empty(204).then_refresh())
}

/// `PUT /api/conversations/{id}/read`.
pub async fn read(context: &Context<'_>, id: &str) -> Result<Reply, Failure> {
    let (_, mut view) = context.owner().await?;
    let read: ReadThrough = context.request.json()?;
    let relation = with(context, &view, id).await?;
    let batch = messages::read(&view, &relation, read.through).await?;
    context.ledger.commit(&mut view, batch).await?;
    context.keep(view);
    Ok(Reply::empty(204).then_refresh())
}

/// `POST /api/conversations/{id}/clear`.
pub async fn clear(context: &Context<'_>, id: &str) -> Result<Reply, Failure> {
    let (_, mut view) = context.owner().await?;
    let request: ClearRequest = context.request.json()?;
    let relation = with(context, &view, id).await?;
    let batch = messages::clear(&view, &relation, request.clear_for, now_ms(), random()).await?;
    context.ledger.commit(&mut view, batch).await?;
    context.keep(view);
    Ok(Reply::empty(204).then_refresh())
}

/// `POST /api/conversations/{id}/retry`: tells them at once, whenever that would be tried again.
pub async fn retry(context: &Context<'_>, id: &str) -> Result<Reply, Failure> {
    let (owner, view) = context.owner().await?;
    let who = with(context, &view, id).await?.fingerprint;
    Ok(Reply::json(200, &context.refresh(view, &owner.account, Scope::only(who)).await?))
}

/// The other one. There is no conversation with whom nothing was ever said.
async fn with(context: &Context<'_>, view: &AppView<'_>, id: &str) -> Result<Relation, Failure> {
    let relation = Relation::load(view, &friend_id(context, id)?).await?;
    if relation.certificate.is_none() {
        return Err(Failure::not_found(&context.request.path));
    }
    Ok(relation)
}

fn message_id(context: &Context<'_>, id: &str) -> Result<RecordId, Failure> {
    id.parse().map_err(|_| Failure::not_found(&context.request.path))
}
