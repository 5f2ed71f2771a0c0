//! The data file of a deployment that is stopped: what no client could bring about within a test, such as a long past.

use crate::owner::Owner;
use crate::person::now_ms;
use pollster::block_on;
use rusqlite::{Connection, params};
use std::collections::BTreeMap;
use std::path::Path;
use tidings_ledger::testing::{ManualClock, MemoryStore, SeededRandom};
use tidings_ledger::{Ledger, Promise, Timing};
use tidings_social::Account;
use tidings_social::polling::{WatchRecord, watch_label};

/// Name of the file in a data directory.
const FILE_NAME: &str = "sqlite_key_value.db";

/// Keys and values of a store, as the host keeps them.
pub type Data = BTreeMap<String, Vec<u8>>;

/// Everything in the store of a data directory.
///
/// # Panics
/// When there is no such store.
#[must_use]
pub fn read(directory: &Path) -> Data {
    let file = Connection::open(directory.join(FILE_NAME)).unwrap();
    let mut statement =
        file.prepare("SELECT key, value FROM spin_key_value WHERE store = 'default'").unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    rows.map(Result::unwrap).collect()
}

/// Replaces everything in the store of a data directory.
///
/// # Panics
/// When it cannot be written.
pub fn write(directory: &Path, data: &Data) {
    let mut file = Connection::open(directory.join(FILE_NAME)).unwrap();
    let change = file.transaction().unwrap();
    change.execute("DELETE FROM spin_key_value WHERE store = 'default'", []).unwrap();
    for (key, value) in data {
        let insert = "INSERT INTO spin_key_value (store, key, value) VALUES ('default', ?1, ?2)";
        change.execute(insert, params![key, value]).unwrap();
    }
    change.commit().unwrap();
}

/// The ledger of a stopped deployment, at a time of one's choice.
struct Past {
    store: MemoryStore,
    ledger: Ledger<MemoryStore, ManualClock, SeededRandom>,
}

impl Past {
    fn of(owner: &Owner, at_ms: u64, timing: Timing) -> Self {
        let (store, clock) = (MemoryStore::new(), ManualClock::at(at_ms));
        for (key, value) in owner.deployment.data() {
            store.insert(key, value);
        }
        let ledger = Ledger::new(store.clone(), clock, SeededRandom::new(at_ms), timing);
        Self { store, ledger }
    }

    fn keep(&self, owner: &Owner) {
        owner.deployment.set_data(&self.store.contents());
    }
}

/// Lets somebody have begun to watch a stopped deployment some time ago, as an open client does.
///
/// # Panics
/// When it cannot be watched.
pub fn watch_in_the_past(owner: &Owner, timing: Timing, ago_ms: u64) {
    let past = Past::of(owner, now_ms() - ago_ms, timing);
    let promise: Promise = block_on(async {
        let pulse = past.ledger.pulse().await.unwrap();
        let mut view = past.ledger.view().await.unwrap();
        let account = Account::load(&view).await.unwrap().unwrap();
        let value = |watch: &_| WatchRecord::new(&account, watch).to_bytes();
        let promise = past.ledger.promise(&mut view, pulse, &watch_label(&account), None, value).await;
        promise.unwrap().unwrap()
    });
    assert!(!promise.is_firm(), "it has just begun");
    past.keep(owner);
}
