//! What is done for the store once a reply is out.

use crate::world::{AppLedger, AppView};
use tidings_ledger::Budget;

/// Below this many operations nothing sensible can be merged or removed: something is read, something written.
const LEAST_OPERATIONS: u32 = 4;

/// From this many keys on maintenance goes on although a request has used up what it may do: where so much waits to be merged
/// that every request reads as much, it would wait for ever.
const KEYS_UNDER_PRESSURE: usize = 600;

/// What maintenance may do then: merge or remove what one merge takes.
const PRESSING: Budget = Budget { operations: 20, bytes: 1_000_000 };

/// Does one piece of the ledger's maintenance with the view that a request committed with, as far as the request's
/// share of store operations and bytes is not used up. Errors are for the log: whatever comes next goes on.
pub async fn maintain(ledger: &AppLedger, view: &mut AppView<'_>) {
    let Some(budget) = budget(ledger.store().left_of(Budget::default()), view.key_count()) else { return };
    if let Err(error) = ledger.maintain(view, budget).await {
        eprintln!("maintenance of the store: {error}");
    }
}

/// Does a piece of maintenance for a request that was refused because the store is nearly full.
pub async fn make_room(ledger: &AppLedger) {
    match ledger.view().await {
        Ok(mut view) => maintain(ledger, &mut view).await,
        Err(error) => eprintln!("maintenance of the store: {error}"),
    }
}

/// What maintenance may do in a request that has so much left.
fn budget(left: Budget, keys: usize) -> Option<Budget> {
    match left.operations >= LEAST_OPERATIONS {
        true => Some(left),
        false => (keys >= KEYS_UNDER_PRESSURE).then_some(PRESSING),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_is_left_and_goes_on_without_only_under_pressure() {
        let left = |operations| Budget { operations, bytes: 3_000_000 };
        assert_eq!(budget(left(4), KEYS_UNDER_PRESSURE), Some(left(4)));
        assert_eq!(budget(left(3), KEYS_UNDER_PRESSURE - 1), None);
        assert_eq!(budget(left(3), KEYS_UNDER_PRESSURE), Some(PRESSING));
    }
}
