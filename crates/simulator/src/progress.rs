//! Telling people how far a long run has come.

use std::io::Write as _;
use std::time::{Duration, Instant};

/// How often a line is written.
const EVERY: Duration = Duration::from_secs(3);

/// Writes to standard error now and then how much is done and how long the rest will take.
///
/// The real clock decides when a line is due, and nothing else.
#[derive(Debug)]
pub(crate) struct Progress {
    quiet: bool,
    start: Instant,
    next: Instant,
}

impl Progress {
    /// Begins; says nothing at all if `quiet`.
    pub fn new(quiet: bool) -> Self {
        let start = Instant::now();
        Self { quiet, start, next: start + EVERY }
    }

    /// Writes a line if one is due. `note` is only made then.
    pub fn update(&mut self, done: u64, all: u64, note: impl FnOnce() -> String) {
        let now = Instant::now();
        if self.quiet || now < self.next || done == 0 {
            return;
        }
        self.next = now + EVERY;
        let elapsed = (now - self.start).as_secs_f64();
        let left = elapsed * all.saturating_sub(done) as f64 / done as f64;
        let percent = 100.0 * done as f64 / all.max(1) as f64;
        // Nobody needs to read it.
        let _ = writeln!(std::io::stderr(), "{percent:5.1} %  {}  {} left", note(), minutes(left));
    }

    /// Seconds since the beginning.
    pub fn seconds(&self) -> f64 {
        self.start.elapsed().as_secs_f64()
    }
}

fn minutes(seconds: f64) -> String {
    let seconds = seconds.round() as u64;
    format!("{}:{:02}", seconds / 60, seconds % 60)
}
