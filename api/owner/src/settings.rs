//! `/api/settings`.

use crate::context::Context;
use tidings_api_http::{Failure, Reply};
use tidings_social::api::SettingsChange;
use tidings_social::settings;

/// `GET /api/settings`.
pub async fn show(context: &Context<'_>) -> Result<Reply, Failure> {
    let (_, view) = context.owner().await?;
    Ok(Reply::json(200, &settings::show(&view).await?))
}

/// `PUT /api/settings`.
pub async fn change(context: &Context<'_>) -> Result<Reply, Failure> {
    let (_, mut view) = context.owner().await?;
    let change: SettingsChange = context.request.json()?;
    let (settings, batch) = settings::change(&view, change).await?;
    context.ledger.commit(&mut view, batch).await?;
    context.keep(view);
    Ok(Reply::json(200, &settings))
}
