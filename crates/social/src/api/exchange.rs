//! What passes between deployments, as far as the owner sees it.

use serde::{Deserialize, Serialize};
use tidings_protocol::Fingerprint;

/// Whether something has arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// There is nothing that has not arrived.
    Delivered,
    /// Kept, and tried again.
    Waiting,
}

/// The delivery of the owner's last word to somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeliveryView {
    /// Whether it has arrived.
    pub state: DeliveryState,
    /// How often it was tried in vain.
    pub attempts: u32,
    /// When it will be tried again; null when it has arrived.
    pub next_ms: Option<u64>,
    /// What went wrong the last time.
    pub problem: Option<String>,
}

/// How the last pull from a friend went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PullView {
    /// When it was; null before the first.
    pub last_ms: Option<u64>,
    /// What went wrong; null when nothing did.
    pub problem: Option<String>,
}

/// Something that a friend has not pulled yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OwedView {
    /// Since when they are told, or tried to be told.
    pub since_ms: u64,
    /// Whether they know: then it is for them to pull.
    pub state: DeliveryState,
    /// How often they were told or tried to be told.
    pub attempts: u32,
    /// When they will be told again.
    pub next_ms: u64,
    /// What went wrong the last time; null when nothing did.
    pub problem: Option<String>,
}

/// What a refresh should do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum RefreshScope {
    /// What is due, and a look at every friend.
    #[default]
    All,
    /// Only what is due: friends who said that something changed, and what is to be sent.
    Due,
}

/// Asks for a refresh.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RefreshRequest {
    /// How much to do.
    #[serde(default)]
    pub scope: RefreshScope,
}

/// What a refresh did.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RefreshReport {
    /// The friends that were asked for news.
    pub pulled: Vec<Pulled>,
    /// How many requests and notifications arrived.
    pub delivered: u32,
    /// How many did not, and will be tried again.
    pub waiting: u32,
    /// When there will be more to do; null when nothing is planned.
    pub next_due_ms: Option<u64>,
    /// How long the client should wait before it asks for the next refresh of what is due, in milliseconds: until then a
    /// stale store may hide what this one did, so that it would be done again. 0 where nothing is hidden.
    pub rest_ms: u64,
    /// What is due and waits because too much was sent within the last hour; null when nothing does.
    pub held_back: Option<HeldBack>,
}

/// Requests that wait for the next hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HeldBack {
    /// How many.
    pub requests: u32,
    /// When there is room for some again.
    pub until_ms: u64,
}

/// One friend in a refresh.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Pulled {
    /// Who.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub friend: Fingerprint,
    /// Their name.
    pub name: String,
    /// How many changes came.
    pub changed: u32,
    /// What went wrong; null when nothing did.
    pub problem: Option<String>,
}
