//! Some weeks of the decade, which is for `cargo xtask sim --capacity`.

#![allow(clippy::unwrap_used)] // Here a broken assumption is a failed test.

use tidings_simulator::capacity::{Options, Report, run};

/// What programs that read the figures rely on.
const FIELDS: [&str; 20] = [
    "amplification_images",
    "amplification_text",
    "bytes",
    "commits",
    "keys",
    "live_bytes_images",
    "live_bytes_text",
    "max_bytes_read_per_request",
    "max_gets_newest_page",
    "max_gets_point",
    "max_keys",
    "max_operations_per_request",
    "operations_per_commit",
    "read_operations_per_commit",
    "refused",
    "scale",
    "seconds",
    "seed",
    "newest_pages_over_bound",
    "points_over_bound",
];

fn live(seed: u64, scale: f64) -> Report {
    run(&Options { seed, scale, quiet: true }).unwrap()
}

#[test]
fn some_weeks_of_a_busy_person_keep_every_bound() {
    let report = live(1, 0.02);
    assert!(report.problems.is_empty(), "{report}\n{:#?}", report.problems);
    // What must have happened for this to mean anything.
    assert!(report.commits > 9_000, "{report}");
    assert!(report.newest_pages > 500 && report.points > 500, "{report}");
    assert!((400..=430).contains(&report.feed_entries), "{report}");
    assert!((8_900_000..9_300_000).contains(&report.live_bytes_images), "{report}");
    assert!(report.merged > report.commits / 2 && report.removed > report.commits / 2, "{report}");
}

#[test]
fn the_figures_are_a_flat_object() {
    let figures = serde_json::to_value(live(2, 0.001)).unwrap();
    let figures = figures.as_object().unwrap();
    for field in FIELDS {
        assert!(figures.get(field).is_some_and(serde_json::Value::is_number), "{field}");
    }
    let nested = figures.iter().filter(|(_, value)| value.is_object());
    assert_eq!(nested.count(), 0);
}

#[test]
fn the_same_seed_makes_the_same_run() {
    let figures = |seed| {
        let report = live(seed, 0.002);
        (report.keys, report.bytes, report.bytes_read, report.merged, report.live_entries)
    };
    assert_eq!(figures(5), figures(5));
    assert_ne!(figures(5), figures(6));
}
