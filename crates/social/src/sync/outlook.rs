//! What is known before something is decided.

use super::Spent;
use crate::heads::Heads;
use crate::limits::rest_ms;
use crate::relation::Relation;
use crate::retention;
use crate::said::outbox::Outbox;
use tidings_ledger::{KeyValue, LedgerError, View};
use tidings_protocol::RecordId;

/// Everything that [`plan`](super::plan) decides from.
#[derive(Debug, Clone)]
pub struct Outlook {
    /// Everybody.
    pub relations: Vec<Relation>,
    /// How far what they may see has come.
    pub heads: Heads,
    /// What the owner said under friends' posts, and their deployments do not have yet.
    pub outbox: Outbox,
    /// What was sent within the last hour.
    pub spent: Spent,
    /// Friends' posts that are older than this one are not kept.
    pub floor: Option<RecordId>,
    /// How long the store may hide what network work has noted, in milliseconds; 0 if it is never stale.
    pub rest_ms: u64,
}

impl Outlook {
    /// What the store shows.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn load<S: KeyValue>(view: &View<'_, S>, now_ms: u64) -> Result<Self, LedgerError> {
        let relations = Relation::load_all(view).await?;
        let heads = Heads::load(view, &relations).await?;
        let outbox = Outbox::load(view).await?;
        let spent = Spent::load(view, now_ms).await?;
        let floor = retention::floor(view, now_ms).await?;
        let rest_ms = rest_ms(view.timing().staleness_ms);
        Ok(Self { relations, heads, outbox, spent, floor, rest_ms })
    }

    /// Until when network work that somebody else did here lately may be hidden in part, in unix milliseconds. Clocks of
    /// instances may lie apart; nobody waits longer for that.
    pub(super) fn resting_until_ms(&self, now_ms: u64) -> u64 {
        match self.rest_ms {
            0 => 0,
            rest_ms => self.spent.latest_ms().min(now_ms).saturating_add(rest_ms),
        }
    }
}
