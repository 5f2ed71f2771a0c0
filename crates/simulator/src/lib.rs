//! Years of use on virtual time, over stores that are as stale as the real ones may be.
//!
//! [`network`] lets many deployments befriend each other, write and lose touch, and compares what it came to with what
//! their owners did. [`capacity`] leads one busy person's ledger through a decade and says what it costs: keys, bytes, operations.
//!
//! Architecture invariant: nothing here reads a clock to decide anything or makes randomness but from a seed, so that a
//! seed and the same options lead to the same run.

pub mod capacity;
mod drive;
pub mod network;
mod progress;

pub use drive::drive;
