//! How far the world's clocks and copies may lie apart.

use crate::stamp::Stamp;

/// The times that the store and its hosts keep to, all in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// D: how old the answer of a read or a listing may be.
    pub staleness_ms: u64,
    /// e: how far the clocks of two instances may lie apart.
    pub clock_error_ms: u64,
    /// H: how long a request can take, and so how late a write that reported failure may land.
    pub longest_request_ms: u64,
}

impl Timing {
    /// One machine with a store that is never stale.
    pub const fn local() -> Self {
        Self { staleness_ms: 0, clock_error_ms: 0, longest_request_ms: 30_000 }
    }

    /// Many machines with a replicated store whose answers may be `staleness_ms` old.
    pub const fn replicated(staleness_ms: u64) -> Self {
        Self { staleness_ms, clock_error_ms: 60_000, longest_request_ms: 30_000 }
    }

    /// D + H + e: after this long nothing older can appear any more.
    pub const fn settling_ms(&self) -> u64 {
        self.staleness_ms.saturating_add(self.longest_request_ms).saturating_add(self.clock_error_ms)
    }

    /// The least stamp that may still appear at `now_ms`. A cursor given to a puller must not lie above it, or the
    /// puller could miss a commit that lands late.
    pub fn settled_before(&self, now_ms: u64) -> Stamp {
        Stamp::at_ms(now_ms.saturating_sub(self.settling_ms()))
    }
}
