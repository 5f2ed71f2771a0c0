//! Stores, clocks and randomness for tests and simulations.

mod memory;
mod model;
mod schedule;
mod time;

pub use memory::{MemoryStore, Operations};
pub use model::{Faults, Held, ModelStore};
pub use schedule::{Task, interleave, pause};
pub use time::{ManualClock, SeededRandom, SkewedClock};
