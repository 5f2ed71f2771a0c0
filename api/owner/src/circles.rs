//! `/api/circles`: friends under a name, to write for.

use crate::context::Context;
use crate::posts::idempotency_key;
use tidings_api_http::world::{now_ms, random};
use tidings_api_http::{Failure, Reply};
use tidings_protocol::{Fingerprint, RecordId};
use tidings_social::api::CircleName;
use tidings_social::circles;

/// `GET /api/circles`.
pub async fn list(context: &Context<'_>) -> Result<Reply, Failure> {
    let (_, view) = context.owner().await?;
    Ok(Reply::json(200, &circles::list(&view).await?))
}

/// `POST /api/circles`.
pub async fn create(context: &Context<'_>) -> Result<Reply, Failure> {
    let (_, mut view) = context.owner().await?;
    let new: CircleName = context.request.json()?;
    let key = idempotency_key(context)?;
    let (circle, existed, batch) = circles::create(&view, new, key.as_ref(), now_ms(), random()).await?;
    context.ledger.commit(&mut view, batch).await?;
    context.keep(view);
    let location = format!("/api/circles/{}", circle.id);
    Ok(Reply::json(if existed { 200 } else { 201 }, &circle).with("location", location))
}

/// `PUT /api/circles/{id}`.
pub async fn rename(context: &Context<'_>, id: &str) -> Result<Reply, Failure> {
    let (_, mut view) = context.owner().await?;
    let new: CircleName = context.request.json()?;
    let (circle, batch) = circles::rename(&view, circle_id(context, id)?, new).await?;
    context.ledger.commit(&mut view, batch).await?;
    context.keep(view);
    Ok(Reply::json(200, &circle))
}

/// `DELETE /api/circles/{id}`. Friends learn once the reply is out what was taken from them, and nothing of the circle.
pub async fn delete(context: &Context<'_>, id: &str) -> Result<Reply, Failure> {
    let (_, mut view) = context.owner().await?;
    let batch = circles::delete(&view, circle_id(context, id)?, now_ms()).await?;
    context.ledger.commit(&mut view, batch).await?;
    context.keep(view);
    Ok(Reply::empty(204).then_refresh())
}

/// `PUT /api/circles/{id}/members/{member}`.
pub async fn add(context: &Context<'_>, id: &str, member: &str) -> Result<Reply, Failure> {
    let (_, mut view) = context.owner().await?;
    let (id, who) = (circle_id(context, id)?, member_id(context, member)?);
    let (circle, batch) = circles::add(&view, id, who, now_ms()).await?;
    context.ledger.commit(&mut view, batch).await?;
    context.keep(view);
    Ok(Reply::json(200, &circle).then_refresh())
}

/// `DELETE /api/circles/{id}/members/{member}`.
pub async fn remove(context: &Context<'_>, id: &str, member: &str) -> Result<Reply, Failure> {
    let (_, mut view) = context.owner().await?;
    let (id, who) = (circle_id(context, id)?, member_id(context, member)?);
    let (circle, batch) = circles::remove(&view, id, who, now_ms()).await?;
    context.ledger.commit(&mut view, batch).await?;
    context.keep(view);
    Ok(Reply::json(200, &circle).then_refresh())
}

fn circle_id(context: &Context<'_>, id: &str) -> Result<RecordId, Failure> {
    id.parse().map_err(|_| Failure::not_found(&context.request.path))
}

fn member_id(context: &Context<'_>, id: &str) -> Result<Fingerprint, Failure> {
    id.parse().map_err(|_| Failure::not_found(&context.request.path))
}
