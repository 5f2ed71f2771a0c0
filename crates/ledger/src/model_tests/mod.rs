//! Random schedules against a store that does all that a replicated one may do: stale reads and listings, operations
//! that fail with effect, without, or late, requests that overlap and die anywhere, clocks that lie apart. What readers
//! see is compared with a chronicle of what writers did.
//!
//! The harness must be able to fail: deliberately wrong ledgers are run through it too, and each must be caught.

mod chronicle;
mod request;
mod schedule;

use std::num::NonZero;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use self::schedule::{START_MS, Schedule};
use crate::Timing;
use crate::store::Clock as _;
use crate::testing::{ManualClock, SkewedClock};

/// What a wrong ledger does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mistake {
    /// It stamps commits by its clock alone, even below what it has seen.
    StampByClockAlone,
    /// It finds its objects through an index that every commit reads, extends and writes back.
    SharedIndex,
    /// It writes each entry of a batch as an object of its own.
    ObjectPerEntry,
    /// It removes what it merged at once, without a grace.
    RemoveAtOnce,
    /// It leaves out tombstones when they are old, whatever they still hide elsewhere.
    DropTombstonesByAge,
    /// It takes what it merged for everything below its greatest stamp.
    CoveredUpToStamp,
    /// It gives pullers the greatest stamp they were shown as their cursor.
    CursorFollowsGreatestStamp,
}

/// How many histories the usual tests run, and the long ones.
const SCHEDULES: u64 = 20_000;
const LONG_SCHEDULES: u64 = 1_000_000;

/// Runs one seed alone, and says more about it.
const SEED_VARIABLE: &str = "TIDINGS_SEED";

fn number_from(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

fn seeds() -> Range<u64> {
    if let Some(seed) = number_from(SEED_VARIABLE) {
        return seed..seed + 1;
    }
    let usual = if std::env::var_os("TIDINGS_LONG").is_some() { LONG_SCHEDULES } else { SCHEDULES };
    0..number_from("TIDINGS_SCHEDULES").unwrap_or(usual)
}

/// Runs a history; a panic is a problem like others.
fn problems_of(schedule: Schedule) -> Vec<String> {
    catch_unwind(AssertUnwindSafe(|| schedule.run())).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or_default();
        vec![format!("panicked: {text}")]
    })
}

/// The first of some histories, run on all cores, with a problem that `counts`, and its problems.
fn first_caught(
    seeds: Range<u64>,
    schedule: impl Fn(u64) -> Schedule + Sync,
    counts: impl Fn(&str) -> bool + Sync,
) -> Option<(Schedule, Vec<String>)> {
    let (next, found) = (AtomicU64::new(seeds.start), AtomicBool::new(false));
    let first: Mutex<Option<(Schedule, Vec<String>)>> = Mutex::new(None);
    let work = || {
        // Seeds are given out ascending, and each that was is run to its end: what is found is the least.
        while !found.load(Ordering::Relaxed) {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end {
                return;
            }
            let schedule = schedule(seed);
            let problems = problems_of(schedule);
            if problems.iter().any(|problem| counts(problem)) {
                found.store(true, Ordering::Relaxed);
                let mut first = first.lock().unwrap();
                if first.as_ref().is_none_or(|(other, _)| seed < other.seed) {
                    *first = Some((schedule, problems));
                }
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, NonZero::get) {
            scope.spawn(work);
        }
    });
    first.into_inner().unwrap()
}

#[test]
fn random_schedules_lose_nothing_and_tear_nothing() {
    let seeds = seeds();
    println!("seeds {seeds:?}; TIDINGS_SCHEDULES sets how many");
    if let Some((schedule, problems)) = first_caught(seeds, Schedule::of, |_| true) {
        panic!("{schedule:?}:\n{}\n{SEED_VARIABLE}={} runs it alone", problems.join("\n"), schedule.seed);
    }
}

/// Runs a wrong ledger until its mistake shows as expected.
fn is_caught(mistake: Mistake, complaint: &str) {
    let timing = Timing::replicated(2_000);
    let schedule = |seed| Schedule { seed, timing, foreign: 0, mistake: Some(mistake) };
    let caught = first_caught(0..SCHEDULES, schedule, |problem| problem.contains(complaint));
    let (schedule, problems) = caught.unwrap_or_else(|| panic!("{mistake:?} was not caught"));
    let problem = problems.iter().find(|problem| problem.contains(complaint));
    println!("{mistake:?} is caught by seed {}: {}", schedule.seed, problem.unwrap());
}

#[test]
fn a_stamp_below_what_was_seen_is_caught() {
    is_caught(Mistake::StampByClockAlone, "was replaced by");
}

#[test]
fn a_shared_index_is_caught() {
    is_caught(Mistake::SharedIndex, "lost");
}

#[test]
fn a_torn_batch_is_caught() {
    is_caught(Mistake::ObjectPerEntry, "torn");
}

#[test]
fn removal_without_a_grace_is_caught() {
    is_caught(Mistake::RemoveAtOnce, "lost");
}

#[test]
fn tombstones_dropped_by_age_alone_are_caught() {
    is_caught(Mistake::DropTombstonesByAge, "lost or kept something");
}

#[test]
fn skipping_what_lies_below_a_stamp_is_caught() {
    is_caught(Mistake::CoveredUpToStamp, "lost");
}

#[test]
fn a_cursor_that_follows_the_greatest_stamp_is_caught() {
    is_caught(Mistake::CursorFollowsGreatestStamp, "the follower at the end");
}

#[test]
fn virtual_time_passes_only_when_told() {
    let clock = ManualClock::at(START_MS);
    let behind = SkewedClock::new(clock.clone(), -5);
    clock.advance(10);
    assert_eq!((clock.now_ms(), behind.now_ms()), (START_MS + 10, START_MS + 5));
}
