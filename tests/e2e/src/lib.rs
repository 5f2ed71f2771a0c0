//! Harness for end-to-end tests: whole deployments on loopback, their owners, and strangers with bad intentions.
//!
//! [`World`] is where a test begins. It starts the `tidings` program as a user would, one process for each deployment,
//! and ends them all. [`Owner`] is somebody at their own deployment; [`Peer`] is a deployment made by hand, which
//! signs what a real one never would.
//!
//! Architecture invariant: nothing here links the program under test; it is only spoken to. Only the past of a stopped
//! deployment is written by the rules and the ledger themselves (`data`), since no test can wait that long.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // Here a broken assumption is a failed test.

mod data;
mod deployment;
mod documented;
mod http;
mod mode;
mod owner;
mod peer;
mod person;
mod program;
mod suite;
mod together;
mod world;

pub use data::{Data, watch_in_the_past};
pub use deployment::{Deployment, free_port};
pub use documented::endpoints;
pub use http::{Answer, Call};
pub use mode::Mode;
pub use owner::{Owner, Picture, cookie_of};
pub use peer::{Letter, Peer, Received, head_at};
pub use person::{Person, now_ms};
pub use program::program;
pub use suite::{Test, run};
pub use together::at_once;
pub use world::World;
