//! What both API components share: requests and replies, authentication, problem details, the store adapter, effects.
//!
//! Architecture invariant: `api/` is the only place that knows spin-sdk.

pub mod config;
pub mod effects;
pub mod outbound;
mod problems;
pub mod reply;
pub mod request;
pub mod signin;
pub mod upkeep;
pub mod world;

pub use config::Config;
pub use reply::{Failure, Reply, Then};
pub use request::Request;
pub use world::{AppLedger, AppView};
