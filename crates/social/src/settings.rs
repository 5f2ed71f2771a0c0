//! What the owner chose: one entry for each choice, so that two changes at the same time do not undo each other.

use crate::api::{Settings, SettingsChange, WhoMayAsk};
use crate::keys;
use crate::stored;
use tidings_ledger::{Batch, KeyValue, LedgerError, View};

/// Whose friend requests are taken.
const WHO_MAY_ASK: &str = "who_may_ask";

/// All settings; those that were never chosen have their defaults.
///
/// # Errors
/// When the store cannot be read.
pub async fn show<S: KeyValue>(view: &View<'_, S>) -> Result<Settings, LedgerError> {
    Ok(Settings { who_may_ask: who_may_ask(view).await? })
}

/// Makes a choice. It also gives the settings as they are from then on.
///
/// # Errors
/// When the store cannot be read.
pub async fn change<S: KeyValue>(
    view: &View<'_, S>,
    change: SettingsChange,
) -> Result<(Settings, Batch), LedgerError> {
    let mut settings = show(view).await?;
    let mut batch = Batch::new();
    if let Some(who_may_ask) = change.who_may_ask {
        settings.who_may_ask = who_may_ask;
        batch.put(keys::setting(WHO_MAY_ASK), stored::json(&who_may_ask));
    }
    Ok((settings, batch))
}

/// Whose friend requests are taken.
pub(crate) async fn who_may_ask<S: KeyValue>(view: &View<'_, S>) -> Result<WhoMayAsk, LedgerError> {
    Ok(stored::load(view, &keys::setting(WHO_MAY_ASK)).await?.unwrap_or_default())
}
