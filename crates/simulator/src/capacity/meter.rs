//! What was counted.

use tidings_ledger::testing::Operations;

/// What requests cost.
#[derive(Debug, Clone, Default)]
pub(super) struct Meter {
    /// Commits that were made.
    pub commits: u64,
    /// Commits that were refused because of too many keys.
    pub refused: u64,
    /// Requests that could not read what was listed, and were made again.
    pub unavailable: u64,
    /// Calls of `maintain` that failed.
    pub failed_maintenance: u64,
    /// Objects merged into others.
    pub merged: u64,
    /// Objects removed.
    pub removed: u64,
    /// Operations of listing, committing and maintaining, all requests together.
    pub writing_operations: u64,
    /// Operations of reading entries, all requests together.
    pub reading_operations: u64,
    /// Bytes read by all requests.
    pub bytes_read: u64,
    /// Bytes written by all requests.
    pub bytes_written: u64,
    pub max_operations_per_request: u64,
    pub max_bytes_read_per_request: u64,
    /// Most keys there ever were.
    pub max_keys: usize,
    /// Most bytes there ever were.
    pub max_bytes: u64,
    /// Newest pages that were read.
    pub pages: Samples,
    /// Single entries that were read.
    pub points: Samples,
    /// Reads that were not what they had to be.
    pub wrong_reads: Vec<String>,
}

/// What reads of one kind cost.
#[derive(Debug, Clone, Default)]
pub(super) struct Samples {
    pub count: u64,
    /// Gets of all of them.
    pub gets: u64,
    /// Most gets of one.
    pub max_gets: u64,
    /// Most gets of one, less those that unmerged commits allow beyond the first four.
    pub max_gets_beyond_commits: u64,
    /// How many took more gets than allowed.
    pub over_bound: u64,
    /// The worst one.
    pub worst: Option<String>,
}

/// Gets that a newest page or a single entry may take, while at most [`FREE_COMMITS`] commits touch the partition.
pub(super) const MAX_GETS: u64 = 8;

/// Unmerged commits that cost no further get.
const FREE_COMMITS: u64 = 4;

impl Samples {
    /// A read of `what` that took so many gets while so many unmerged commits may have touched its partition.
    pub fn add(&mut self, gets: u64, unmerged: u64, what: impl FnOnce() -> String) {
        self.count += 1;
        self.gets += gets;
        self.max_gets = self.max_gets.max(gets);
        let beyond = gets.saturating_sub(unmerged.saturating_sub(FREE_COMMITS));
        self.over_bound += u64::from(beyond > MAX_GETS);
        if beyond > self.max_gets_beyond_commits {
            self.max_gets_beyond_commits = beyond;
            self.worst = Some(format!("{gets} gets of the {}", what()));
        }
    }

    /// Gets that one took on average.
    pub fn mean_gets(&self) -> f64 {
        self.gets as f64 / self.count.max(1) as f64
    }
}

impl Meter {
    /// A request has ended, having done so much.
    pub fn request(&mut self, reading: Operations, writing: Operations) {
        let operations = reading.total() + writing.total();
        let bytes_read = reading.bytes_read + writing.bytes_read;
        self.reading_operations += reading.total();
        self.writing_operations += writing.total();
        self.bytes_read += bytes_read;
        self.bytes_written += writing.bytes_written;
        self.max_operations_per_request = self.max_operations_per_request.max(operations);
        self.max_bytes_read_per_request = self.max_bytes_read_per_request.max(bytes_read);
    }
}

/// Both together.
pub(super) fn sum(a: Operations, b: Operations) -> Operations {
    Operations {
        gets: a.gets + b.gets,
        sets: a.sets + b.sets,
        deletes: a.deletes + b.deletes,
        listings: a.listings + b.listings,
        bytes_read: a.bytes_read + b.bytes_read,
        bytes_written: a.bytes_written + b.bytes_written,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commits_beyond_the_fourth_allow_a_get_each() {
        let mut samples = Samples::default();
        samples.add(8, 4, String::new);
        samples.add(12, 8, String::new);
        assert_eq!(samples.over_bound, 0);
        samples.add(9, 4, || "nine".to_owned());
        assert_eq!((samples.over_bound, samples.max_gets, samples.max_gets_beyond_commits), (1, 12, 9));
        assert_eq!(samples.worst.as_deref(), Some("9 gets of the nine"));
    }
}
