//! What the protocol costs beside the naive way, and beside notifications that carry what changed, under several habits.
//!
//! Everybody lives with the protocol as it is, and with the variant, from the same seed. The variant is kinder to carrying
//! than any real form could be (see `carry.rs`), so what it shows is the most that there is to be had.

use super::month::{self, Habits, Report};
use serde::{Serialize, Serializer};
use std::fmt;

/// Numbers of friends that are compared.
const FRIENDS: [usize; 3] = [20, 50, 150];
/// Posts that everybody writes a day that are compared.
const CHANGES_A_DAY: [u64; 4] = [1, 2, 5, 20];
/// Bytes of changes that fit into a notification beside all else: its body may have 16 KiB.
pub const CARRY_BYTES: u64 = 8 * 1024;

/// What the same habits cost with notifications that only say that there is something, and with such that carry it.
#[derive(Debug, Clone)]
pub struct Row {
    /// The protocol as it is.
    pub plain: Report,
    /// The variant.
    pub carrying: Report,
}

/// All that was compared.
#[derive(Debug, Clone)]
pub struct Comparison {
    /// One by one.
    pub rows: Vec<Row>,
}

/// Compares, with `habits` for all else than what is compared. What is found is handed to `tell` row by row.
pub fn run(habits: &Habits, mut tell: impl FnMut(&Row)) -> Comparison {
    let mut rows = Vec::new();
    for friends in FRIENDS {
        for changes_a_day in CHANGES_A_DAY {
            let of = |carry_bytes| Habits { friends, changes_a_day, carry_bytes, ..habits.clone() };
            let row = Row { plain: month::run(&of(0)), carrying: month::run(&of(CARRY_BYTES)) };
            tell(&row);
            rows.push(row);
        }
    }
    Comparison { rows }
}

/// The head of the table.
pub const HEAD: &str = "\
| friends | changes a day | requests in | naive | carrying | of 100,000 a month | requests out | naive | carrying | most in an hour | carrying | egress in kB | carrying |
|---|---|---|---|---|---|---|---|---|---|---|---|---|";

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { plain, carrying } = self;
        write!(f, "| {} | {} ", plain.habits.friends, plain.habits.changes_a_day)?;
        write!(f, "| {} | {} | {} ", plain.requests_in, plain.naive_requests_in, carrying.requests_in)?;
        write!(f, "| {:.0} % ", plain.free_tier_share * 100.0)?;
        write!(f, "| {} | {} | {} ", plain.requests_out, plain.naive_requests_out, carrying.requests_out)?;
        write!(f, "| {} | {} ", plain.peak_outbound_per_hour, carrying.peak_outbound_per_hour)?;
        write!(f, "| {} | {} |", plain.egress_bytes / 1_000, carrying.egress_bytes / 1_000)
    }
}

impl Serialize for Comparison {
    /// Flat, for programs that read it: `<friends>_friends_<changes>_changes_<figure>` and `..._carrying_<figure>`.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let figures = self.rows.iter().flat_map(|Row { plain, carrying }| {
            let Habits { friends, changes_a_day, .. } = plain.habits;
            let place = format!("{friends}_friends_{changes_a_day}_changes");
            let of = |name: String, report: &Report| {
                [
                    (format!("{name}_requests_in"), report.requests_in),
                    (format!("{name}_requests_out"), report.requests_out),
                    (format!("{name}_peak_outbound_per_hour"), report.peak_outbound_per_hour as u64),
                    (format!("{name}_egress_bytes"), report.egress_bytes),
                    (format!("{name}_naive_requests_in"), report.naive_requests_in),
                    (format!("{name}_naive_requests_out"), report.naive_requests_out),
                ]
            };
            [of(place.clone(), plain), of(format!("{place}_carrying"), carrying)].into_iter().flatten()
        });
        serializer.collect_map(figures)
    }
}
