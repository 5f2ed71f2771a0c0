//! The two kinds of store that every test runs over.

use std::time::{Duration, Instant};

/// How long anything may take to come about.
const PATIENCE: Duration = Duration::from_secs(40);

/// How often it is looked at.
const GLANCE: Duration = Duration::from_millis(50);

/// Whether the hosts' stores answer reads as a local file does, or lag behind as replicated stores in clouds do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Every read sees every write.
    Strong,
    /// Reads and listings may be this many seconds old, each key by another time.
    Stale {
        /// The bound that both the host and the deployment are told.
        seconds: u64,
    },
}

impl Mode {
    /// The bound of the staleness in seconds.
    #[must_use]
    pub fn stale_seconds(self) -> u64 {
        match self {
            Self::Strong => 0,
            Self::Stale { seconds } => seconds,
        }
    }

    /// The name of the mode in names of tests.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Strong => "strong",
            Self::Stale { .. } => "stale",
        }
    }

    /// Waits until everything written before must be seen by every read: not at all over a strong store.
    pub fn settle(self) {
        if let Self::Stale { seconds } = self {
            // The bound is exact, and the clock of this process is the hosts' clock.
            std::thread::sleep(Duration::from_secs(seconds) + Duration::from_millis(20));
        }
    }

    /// Looks until it is so, and then until no read can miss it any more.
    ///
    /// # Panics
    /// When it does not come about in time.
    #[track_caller]
    pub fn eventually(self, what: &str, mut is_so: impl FnMut() -> bool) {
        let begun = Instant::now();
        while !is_so() {
            assert!(begun.elapsed() < PATIENCE, "within {PATIENCE:?} it did not come about that {what}");
            std::thread::sleep(GLANCE);
        }
        self.settle();
    }
}
