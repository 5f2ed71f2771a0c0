//! A sorted, log-structured store over bare key-value registers.
//!
//! The hosts give last-write-wins registers: no compare-and-swap, no transaction, stale reads, about a thousand keys.
//! Here every commit writes one new object under a name that nobody else will ever write, and readers merge what they
//! find: of several entries for a key the greatest [`Stamp`] wins. So commits that overlap never lose each other, a
//! batch is seen whole or not at all, and no register is ever read, changed and written back. `docs/storage.md` has
//! the bytes and the rules.
//!
//! ```
//! use tidings_ledger::{Batch, Direction, Key, Ledger, Range, Timing};
//! use tidings_ledger::testing::{ManualClock, MemoryStore, SeededRandom};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # pollster::block_on(async {
//! let ledger =
//!     Ledger::new(MemoryStore::new(), ManualClock::at(1_000), SeededRandom::new(1), Timing::local());
//! let mut view = ledger.view().await?;
//! let mut batch = Batch::new();
//! batch.put(Key::new("post", "0001")?, "Hello");
//! batch.put(Key::new("dm/bob", "0001")?, "Hi Bob");
//! ledger.commit(&mut view, batch).await?;
//! let newest = view.scan(Range::partition("post"), Direction::Backward, 50).await?;
//! assert_eq!(newest[0].value, "Hello");
//! # Ok(())
//! # })
//! # }
//! ```
//!
//! Architecture invariant: nothing here knows what the entries mean, does input or output of its own, reads a clock
//! or makes randomness: all of it comes in through [`KeyValue`], [`Clock`] and [`Random`].

mod batch;
mod body;
mod changes;
mod cut;
mod digits;
mod error;
mod few;
#[cfg(test)]
mod format_tests;
mod hints;
#[cfg(test)]
mod hints_tests;
pub mod inspect;
mod key;
mod ledger;
pub mod limits;
mod listing;
mod maintain;
#[cfg(test)]
mod maintain_tests;
mod merge;
mod merging;
#[cfg(test)]
mod model_tests;
mod name;
mod overlap;
mod plan;
mod policy;
mod query;
mod reach;
#[cfg(test)]
mod reading_tests;
mod relations;
mod segment;
mod stamp;
mod store;
#[cfg(feature = "testing")]
pub mod testing;
mod timing;
mod view;

pub use batch::Batch;
pub use body::{BodyError, RangeTombstone};
pub use changes::{Change, Changes};
pub use error::{Damage, DamageReason, LedgerError};
pub use few::Few;
pub use hints::{Promise, PromiseError, Pulse, Watch, WatchError};
pub use key::{Key, KeyError, Range, SEPARATOR};
pub use ledger::{Committed, Ledger, Prepared};
pub use maintain::{Budget, Maintenance};
pub use name::{Kinds, NameError, ObjectId, ObjectName, Partitions, Tag, Tags};
pub use query::{Direction, Entry, Page};
pub use stamp::{Stamp, StampError};
pub use store::{Clock, KeyValue, Random, StoreError};
pub use timing::Timing;
pub use view::{LevelUsage, Usage, View};
