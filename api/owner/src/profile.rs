//! `/api/profile`.

use crate::context::Context;
use tidings_api_http::world::now_ms;
use tidings_api_http::{Failure, Reply};
use tidings_social::api::ProfileChange;
use tidings_social::profile;

/// `GET /api/profile`.
pub async fn show(context: &Context<'_>) -> Result<Reply, Failure> {
    let (owner, view) = context.owner().await?;
    Ok(Reply::json(200, &profile::show(&view, &owner.account).await?))
}

/// `PUT /api/profile`. Friends are told once the reply is out.
pub async fn change(context: &Context<'_>) -> Result<Reply, Failure> {
    let (owner, mut view) = context.owner().await?;
    let change: ProfileChange = context.request.json()?;
    let (shown, batch) = profile::change(&view, &owner.account, change, now_ms()).await?;
    context.ledger.commit(&mut view, batch).await?;
    context.keep(view);
    Ok(Reply::json(200, &shown).then_refresh())
}
