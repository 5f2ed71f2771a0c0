//! What a run came to, for people and for programs, and the bounds it has to keep.

use serde::Serialize;
use std::fmt;

/// The figures of a run. Flat, so that any program can read it.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The seed of the run; it and the scale lead to the same run.
    pub seed: u64,
    /// The part of the decade that was lived.
    pub scale: f64,
    /// Keys in the store at the end.
    pub keys: usize,
    /// Bytes of all values in the store at the end.
    pub bytes: u64,
    /// Most operations of one request.
    pub max_operations_per_request: u64,
    /// Most bytes read by one request.
    pub max_bytes_read_per_request: u64,
    /// Operations of listing, committing and maintaining per commit. Reads that a request made for itself are not in it.
    pub operations_per_commit: f64,
    /// Operations of reading entries per commit.
    pub read_operations_per_commit: f64,
    /// Commits.
    pub commits: u64,
    /// Commits that were refused because of too many keys.
    pub refused: u64,
    /// Requests that had to be made again because something listed could not be read yet.
    pub unavailable: u64,
    /// Calls of maintenance that failed.
    pub failed_maintenance: u64,
    /// Most keys there ever were.
    pub max_keys: usize,
    /// Most bytes of values there ever were.
    pub max_bytes: u64,
    /// Keys when the last busy day was over.
    pub keys_before_quiet: usize,
    /// Live entries at the end.
    pub live_entries: usize,
    /// Bytes of keys and values of live pictures.
    pub live_bytes_images: u64,
    /// Bytes of keys and values of everything else that is live.
    pub live_bytes_text: u64,
    /// Stored bytes of pictures, before compression, by live ones.
    pub amplification_images: f64,
    /// Stored bytes of everything else, before compression, by live ones.
    pub amplification_text: f64,
    /// Friends' posts at the end.
    pub feed_entries: usize,
    /// Objects at the end that others replace.
    pub replaced_objects: usize,
    /// Bytes written by all requests.
    pub bytes_written: u64,
    /// Bytes read by all requests.
    pub bytes_read: u64,
    /// Objects merged into others.
    pub merged: u64,
    /// Objects removed.
    pub removed: u64,
    /// Newest pages read.
    pub newest_pages: u64,
    /// Gets of a newest page, on average.
    pub mean_gets_newest_page: f64,
    /// Most gets of a newest page.
    pub max_gets_newest_page: u64,
    /// Most gets of a newest page, less one for each unmerged commit beyond the fourth.
    pub max_gets_newest_page_beyond_commits: u64,
    /// Newest pages that took more gets than allowed.
    pub newest_pages_over_bound: u64,
    /// Single entries read.
    pub points: u64,
    /// Gets of a single entry, on average.
    pub mean_gets_point: f64,
    /// Most gets of a single entry.
    pub max_gets_point: u64,
    /// Most gets of a single entry, less one for each unmerged commit beyond the fourth.
    pub max_gets_point_beyond_commits: u64,
    /// Single entries that took more gets than allowed.
    pub points_over_bound: u64,
    /// How long the run took, in seconds of real time.
    pub seconds: f64,
    /// What was wrong; empty when every bound was kept and nothing was lost or came back.
    pub problems: Vec<String>,
}

/// What must hold at the end of the decade. Where a part of it was lived, all that does not depend on the length holds.
const MAX_KEYS: u64 = 900;
const MAX_BYTES: u64 = 700_000_000;
const MAX_OPERATIONS_PER_REQUEST: u64 = 40;
const MAX_BYTES_READ_PER_REQUEST: u64 = 4_000_000;
const MAX_OPERATIONS_PER_COMMIT: f64 = 5.0;
const MAX_AMPLIFICATION_IMAGES: f64 = 1.15;
const MAX_AMPLIFICATION_TEXT: f64 = 1.3;

/// Below so many live bytes the youngest objects, which are never full, weigh too much to say anything.
const LEAST_WEIGHED_BYTES: u64 = 20_000_000;

impl Report {
    /// Every bound that is broken, in words.
    pub(super) fn broken_bounds(&self) -> Vec<String> {
        let mut broken = Vec::new();
        let mut at_most = |what: &str, got: f64, most: f64| {
            if got > most {
                broken.push(format!("{what} is {}, the most allowed is {}", short(got), short(most)));
            }
        };
        at_most("keys", self.keys as f64, (MAX_KEYS - 1) as f64);
        at_most("bytes", self.bytes as f64, (MAX_BYTES - 1) as f64);
        let operations = self.max_operations_per_request as f64;
        at_most("max_operations_per_request", operations, MAX_OPERATIONS_PER_REQUEST as f64);
        let bytes_read = self.max_bytes_read_per_request as f64;
        at_most("max_bytes_read_per_request", bytes_read, MAX_BYTES_READ_PER_REQUEST as f64);
        at_most("operations_per_commit", self.operations_per_commit, MAX_OPERATIONS_PER_COMMIT);
        at_most("refused", self.refused as f64, 0.0);
        // While requests that do not know of each other move the same things, a read can meet both.
        let few = |reads: u64| reads.div_ceil(1_000) as f64;
        at_most("newest_pages_over_bound", self.newest_pages_over_bound as f64, few(self.newest_pages));
        at_most("points_over_bound", self.points_over_bound as f64, few(self.points));
        if self.live_bytes_images >= LEAST_WEIGHED_BYTES {
            at_most("amplification_images", self.amplification_images, MAX_AMPLIFICATION_IMAGES);
        }
        if self.live_bytes_text >= LEAST_WEIGHED_BYTES {
            at_most("amplification_text", self.amplification_text, MAX_AMPLIFICATION_TEXT);
        }
        broken
    }

    fn lines(&self) -> Vec<(&'static str, String, String)> {
        let line = |what, got: String, bound: &str| (what, got, bound.to_owned());
        let gets = |mean: f64, max: u64, beyond: u64| format!("{mean:.2} / {max} / {beyond}");
        vec![
            line("keys", count(self.keys as u64), "below 900"),
            line("bytes", count(self.bytes), "below 700,000,000"),
            line("keys at most, ever", count(self.max_keys as u64), ""),
            line("bytes at most, ever", count(self.max_bytes), ""),
            line("commits", count(self.commits), ""),
            line("refused (busy)", count(self.refused), "0"),
            line("made again (unavailable)", count(self.unavailable), ""),
            line("operations per commit", format!("{:.2}", self.operations_per_commit), "at most 5"),
            line("reading operations per commit", format!("{:.2}", self.read_operations_per_commit), ""),
            line("operations of a request, most", count(self.max_operations_per_request), "at most 40"),
            line(
                "bytes read by a request, most",
                count(self.max_bytes_read_per_request),
                "at most 4,000,000",
            ),
            line("live bytes of images", count(self.live_bytes_images), ""),
            line("live bytes of text", count(self.live_bytes_text), ""),
            line("amplification of images", format!("{:.3}", self.amplification_images), "at most 1.15"),
            line("amplification of text", format!("{:.3}", self.amplification_text), "at most 1.3"),
            line(
                "gets of a newest page *",
                gets(
                    self.mean_gets_newest_page,
                    self.max_gets_newest_page,
                    self.max_gets_newest_page_beyond_commits,
                ),
                "at most 8 beyond commits",
            ),
            line(
                "gets of one entry *",
                gets(self.mean_gets_point, self.max_gets_point, self.max_gets_point_beyond_commits),
                "at most 8 beyond commits",
            ),
            line("live entries", count(self.live_entries as u64), ""),
            line("of them friends' posts", count(self.feed_entries as u64), ""),
            line("objects merged, removed", format!("{}, {}", count(self.merged), count(self.removed)), ""),
            line("bytes written", count(self.bytes_written), ""),
            line("bytes read", count(self.bytes_read), ""),
        ]
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (what, got, bound) in self.lines() {
            writeln!(f, "{what:<32}{got:>20}    {bound}")?;
        }
        writeln!(f, "* mean / most / most less one for each unmerged commit beyond the fourth")?;
        writeln!(f, "seed {}, scale {}, {:.0} s", self.seed, self.scale, self.seconds)
    }
}

/// A number with its thousands apart.
pub(super) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn short(number: f64) -> String {
    if number.fract() == 0.0 { count(number as u64) } else { format!("{number:.3}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_stand_apart() {
        assert_eq!(["0", "999", "1,000", "700,000,000"], [0, 999, 1_000, 700_000_000].map(count));
    }
}
