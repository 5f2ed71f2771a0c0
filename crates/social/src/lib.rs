//! The social rules of Tidings: identity, friends, posts, feed, comments, private messages, notifications.
//!
//! This crate decides without doing: stored facts, input and time go in; entries to commit and requests to send come
//! out. The edge (`api/`) commits and sends. So every rule here can be tested without a network, a clock or a host.
//!
//! Architecture invariant: nothing here knows HTTP, Spin, a clock or a source of randomness.

pub mod access;
pub mod account;
pub mod api;
pub mod audience;
pub mod certificates;
pub mod changes;
pub mod circles;
pub mod feed;
pub mod friends;
pub mod guesses;
pub mod heads;
mod held;
pub mod invitations;
mod keys;
pub mod limits;
pub mod messages;
pub mod notifications;
#[cfg(feature = "openapi")]
pub mod openapi;
pub mod peer;
pub mod polling;
pub mod posts;
pub mod profile;
pub mod public;
pub mod pulls;
pub mod relation;
pub mod resigning;
mod retention;
pub mod said;
pub mod settings;
pub mod setup;
mod spliced;
pub mod stance;
mod stored;
mod strangers;
pub mod sync;
pub mod threads;

#[cfg(test)]
mod tests;

pub use account::Account;
pub use relation::Relation;
pub use spliced::Spliced;
