//! What is done for the store once a reply is out.

use crate::world::{AppLedger, AppView};
use tidings_ledger::Budget;

/// Below this many operations nothing sensible can be merged or removed: something is read, something written.
const LEAST_OPERATIONS: u32 = 4;

/// From this many keys on maintenance goes on although a request has used up what it may do: else requests that are dear
/// because so much waits to be merged would leave it waiting for ever.
const KEYS_UNDER_PRESSURE: usize = 600;

/// What maintenance may do then: merge or remove what one merge takes.
const PRESSING: Budget = Budget { operations: 20, bytes: 1_000_000 };

/// Does one piece of the ledger's maintenance with the view that a request committed with, as far as the request's
/// share of store operations and bytes is not used up. Errors are for the log: whatever comes next goes on.
pub async fn maintain(ledger: &AppLedger, view: &mut AppView<'_>) {
    let budget = budget(ledger.store().left_of(Budget::default()), view.key_count());
    if budget.operations < LEAST_OPERATIONS {
        return;
    }
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

fn budget(left: Budget, keys: usize) -> Budget {
    if keys < KEYS_UNDER_PRESSURE {
        return left;
    }
    Budget { operations: left.operations.max(PRESSING.operations), bytes: left.bytes.max(PRESSING.bytes) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_is_left_but_goes_on_under_pressure() {
        let left = Budget { operations: 2, bytes: 3_000_000 };
        assert_eq!(budget(left, KEYS_UNDER_PRESSURE - 1), left);
        assert_eq!(budget(left, KEYS_UNDER_PRESSURE), Budget { operations: 20, bytes: 3_000_000 });
    }
}
