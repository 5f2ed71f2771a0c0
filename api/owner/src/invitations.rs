//! `/api/invitations`: making, listing and revoking them.

use crate::context::Context;
use tidings_api_http::world::{now_ms, random};
use tidings_api_http::{Failure, Reply};
use tidings_social::api::NewInvitation;
use tidings_social::invitations;

/// `GET /api/invitations`.
pub async fn list(context: &Context<'_>) -> Result<Reply, Failure> {
    let (_, view) = context.owner().await?;
    Ok(Reply::json(200, &invitations::list(&view, now_ms()).await?))
}

/// `POST /api/invitations`. The link is told now and never again.
pub async fn issue(context: &Context<'_>) -> Result<Reply, Failure> {
    let (owner, mut view) = context.owner().await?;
    let new: NewInvitation = context.request.json()?;
    let (issued, batch) = invitations::issue(&view, &owner.account, new, now_ms(), random()).await?;
    context.ledger.commit(&mut view, batch).await?;
    context.keep(view);
    let location = format!("/api/invitations/{}", issued.invitation.id);
    Ok(Reply::json(201, &issued).with("location", location).with("cache-control", "no-store"))
}

/// `DELETE /api/invitations/{id}`.
pub async fn revoke(context: &Context<'_>, id: &str) -> Result<Reply, Failure> {
    let (_, mut view) = context.owner().await?;
    let batch = invitations::revoke(&view, id).await?;
    context.ledger.commit(&mut view, batch).await?;
    context.keep(view);
    Ok(Reply::empty(204))
}
