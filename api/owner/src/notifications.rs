//! `/api/notifications`.

use crate::context::Context;
use tidings_api_http::world::now_ms;
use tidings_api_http::{Failure, Reply};
use tidings_social::api::{ReadRequest, Unread};
use tidings_social::notifications::{self, NotificationRequest};

/// `GET /api/notifications`.
pub async fn list(context: &Context<'_>) -> Result<Reply, Failure> {
    let (owner, view) = context.owner().await?;
    let (limit, before) = (context.request.parameter("limit"), context.request.parameter("before"));
    let request = NotificationRequest::parse(limit.as_deref(), before.as_deref())?;
    Ok(Reply::json(200, &notifications::page(&view, &owner.account, request).await?))
}

/// `PUT /api/notifications/read`.
pub async fn read(context: &Context<'_>) -> Result<Reply, Failure> {
    let (owner, mut view) = context.owner().await?;
    let ReadRequest { up_to } = context.request.json()?;
    let (unread, batch) = notifications::mark_read(&view, &owner.account, up_to, now_ms()).await?;
    context.ledger.commit(&mut view, batch).await?;
    context.keep(view);
    Ok(Reply::json(200, &Unread { unread }))
}
