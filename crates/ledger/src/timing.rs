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

    /// D + 2H + e: after this long a compaction is visible to all, or never will be. It is written up to H after the
    /// time in its name.
    pub const fn appearing_ms(&self) -> u64 {
        self.settling_ms().saturating_add(self.longest_request_ms)
    }

    /// G: how long what was merged stays beside what replaces it, counted from the time in the name of the latter.
    ///
    /// G = 2D + 4H + 2e where answers may be stale or clocks differ. A request writes the replacement up to H after that
    /// time, the store does it up to H later, and shows it to all another D later. Until then requests begin that do
    /// not know of it; they last up to H, and what they themselves merged appears up to H + D after that. Clocks may lie
    /// e apart, at the beginning and at the end.
    ///
    /// On one machine whose store is never stale a second is enough to spare readers the trouble: who loses an object
    /// that it knew from an older listing lists again, and finds what took its place.
    pub const fn grace_ms(&self) -> u64 {
        if self.is_strict() { 1_000 } else { self.finishing_ms() }
    }

    /// How long the parts of a compaction may still appear, and those who saw some of them may still act on that: 2D + 4H +
    /// 2e.
    pub const fn finishing_ms(&self) -> u64 {
        let lag_ms = self.staleness_ms.saturating_add(self.clock_error_ms);
        lag_ms.saturating_mul(2).saturating_add(self.longest_request_ms.saturating_mul(4))
    }

    /// Coarseness of the time that compactions are made at, in milliseconds: those who compact the same within it agree.
    pub const fn made_step_ms(&self) -> u64 {
        if self.is_strict() { 1_000 } else { 10_000 }
    }

    /// Whether all see the same at once, by one clock.
    const fn is_strict(&self) -> bool {
        self.staleness_ms == 0 && self.clock_error_ms == 0
    }

    /// The least stamp that may still appear at `now_ms`. A cursor given to a puller must not lie above it, or the
    /// puller could miss a commit that lands late.
    pub fn settled_before(&self, now_ms: u64) -> Stamp {
        Stamp::at_ms(now_ms.saturating_sub(self.settling_ms()))
    }
}
