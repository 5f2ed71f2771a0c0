//! The `tidings` program as a library: the embedded host that runs a deployment's components on one's own machine.
//!
//! `spin.toml` is the single description of a deployment. [`manifest`] reads it, [`app`] resolves it (variables,
//! templates, files, grants) into what can be run, [`engine`] compiles the components, and [`server`] answers
//! requests with a fresh instance each. What a component may touch is decided in three places only: [`interfaces`]
//! and [`variables`] for what it may read and write, [`outbound`] for whom it may call.
//!
//! [`client`] and [`identity`] are the other half of the program: what an owner does in a terminal. [`inspect`] looks at a data file.
//!
//! Architecture invariant: nothing but [`client`], [`identity`] and [`inspect`] knows what the components do. The host would run any Spin
//! application that keeps to HTTP triggers, key-value stores, variables and outgoing HTTP.

pub mod app;
pub mod cli;
pub mod client;
pub mod engine;
mod exchange;
pub mod files;
pub mod grants;
pub mod guest_log;
pub mod headers;
pub mod host;
pub mod identity;
pub mod inspect;
pub mod interfaces;
pub mod limits;
pub mod logging;
pub mod manifest;
pub mod networks;
pub mod outbound;
pub mod problem;
pub mod request_body;
pub mod routes;
pub mod server;
pub mod stale;
pub mod store;
pub mod variables;
