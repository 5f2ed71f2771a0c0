//! Random schedules against a store that does all that a replicated one may do: stale reads and listings, operations
//! that fail with effect, without, or late, requests that overlap and die anywhere, clocks that lie apart. What readers
//! see is compared with a chronicle of what writers did.
//!
//! The harness must be able to fail: deliberately wrong ledgers are run through it too, and each must be caught.

mod chronicle;
mod request;

use std::cell::RefCell;

use pollster::block_on;

use self::chronicle::{Chronicle, Follower};
use self::request::{Reader, Store, Writer};
use crate::Timing;
use crate::store::Clock as _;
use crate::testing::{Faults, ManualClock, ModelStore, SkewedClock, Task, interleave};

const START_MS: u64 = 1_700_000_000_000;

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

/// One random history, from its seed alone.
struct Schedule {
    seed: u64,
    timing: Timing,
    mistake: Option<Mistake>,
}

impl Schedule {
    /// Runs it and returns what was wrong.
    fn run(&self) -> Vec<String> {
        let mut random = fastrand::Rng::with_seed(self.seed);
        let clock = ManualClock::at(START_MS);
        let faults = Faults {
            staleness_ms: self.timing.staleness_ms,
            latency_ms: 50,
            failures: [0, 0, 30, 200][random.usize(0..4)],
            // A failed operation may happen as late as the request that asked for it may last.
            late_ms: self.timing.longest_request_ms - 5_000,
        };
        let store = ModelStore::new(random.u64(..), clock.clone(), faults);
        let chronicle = RefCell::new(Chronicle::new(self.timing.staleness_ms));
        let follower = RefCell::new(Follower::default());
        let deaths = [0, 20][random.usize(0..2)];

        for _ in 0..random.usize(2..8) {
            let mut tasks: Vec<Task<'_>> = Vec::new();
            for _ in 0..random.usize(1..4) {
                let writer = Writer {
                    reader: self.reader(&store, &clock, &mut random),
                    random: random.fork(),
                    chronicle: &chronicle,
                };
                tasks.push(Box::pin(writer.run()));
            }
            if random.bool() {
                let reader = self.reader(&store, &clock, &mut random);
                let (chronicle, follower) = (&chronicle, &follower);
                tasks.push(Box::pin(async move { reader.follow(chronicle, follower).await }));
            }
            for _ in 0..random.usize(0..3) {
                let reader = self.reader(&store, &clock, &mut random);
                let chronicle = &chronicle;
                tasks.push(Box::pin(async move {
                    reader.maintain(chronicle).await;
                }));
            }
            interleave(tasks, &mut random, deaths);
            let (settling_ms, grace_ms) = (self.timing.settling_ms(), self.timing.grace_ms());
            let pauses_ms = [0, 100, random.u64(0..=settling_ms), 2 * settling_ms, grace_ms, 2 * grace_ms];
            clock.advance(pauses_ms[random.usize(0..pauses_ms.len())]);
        }
        self.settle(&store, &clock, &mut random, &chronicle, &follower);
        chronicle.into_inner().problems
    }

    /// After writes have stopped and everything landed, all views and the follower hold the same: what was written.
    fn settle(
        &self,
        store: &ModelStore,
        clock: &ManualClock,
        random: &mut fastrand::Rng,
        chronicle: &RefCell<Chronicle>,
        follower: &RefCell<Follower>,
    ) {
        clock.advance(self.timing.settling_ms() + 1);
        let quiet = Faults { staleness_ms: self.timing.staleness_ms, ..Faults::default() };
        store.set_faults(quiet);
        let expected = chronicle.borrow_mut().expected(&store.ever_held());
        for _ in 0..3 {
            let reader = self.reader(store, clock, random);
            let live = block_on(reader.live());
            chronicle.borrow_mut().expect("a view at the end", &expected, live);
        }
        block_on(self.reader(store, clock, random).follow(chronicle, follower));
        let followed = Ok(follower.borrow().live());
        chronicle.borrow_mut().expect("the follower at the end", &expected, followed);

        self.maintain_long(store, clock, random, chronicle);
        let live = block_on(self.reader(store, clock, random).live());
        chronicle.borrow_mut().expect("a view after long maintenance", &expected, live);
        chronicle.borrow_mut().check_erased(&store.contents());
        let mut newcomer = RefCell::new(Follower::default());
        block_on(self.reader(store, clock, random).follow(chronicle, &newcomer));
        let followed = Ok(newcomer.get_mut().live());
        chronicle.borrow_mut().expect("a newcomer after long maintenance", &expected, followed);
        block_on(self.reader(store, clock, random).follow(chronicle, follower));
        let followed = Ok(follower.borrow().live());
        chronicle.borrow_mut().expect("the follower after long maintenance", &expected, followed);
    }

    /// Requests that come now and then, each with its piece of maintenance.
    fn maintain_long(
        &self,
        store: &ModelStore,
        clock: &ManualClock,
        random: &mut fastrand::Rng,
        chronicle: &RefCell<Chronicle>,
    ) {
        for round in 0..8 {
            clock.advance(self.timing.grace_ms() << round);
            for _ in 0..12 {
                clock.advance(random.u64(0..=self.timing.staleness_ms));
                let reader = self.reader(store, clock, random);
                if !block_on(reader.maintain(chronicle)).more_to_do {
                    break;
                }
            }
        }
    }

    fn reader(&self, store: &ModelStore, clock: &ManualClock, random: &mut fastrand::Rng) -> Reader {
        let error_ms = self.timing.clock_error_ms as i64;
        let clock = SkewedClock::new(clock.clone(), random.i64(-error_ms / 2..=error_ms / 2));
        let store = Store { store: store.request(), timing: self.timing, mistake: self.mistake };
        Reader::new(store, clock, random.u64(..), self.timing, self.mistake)
    }
}

fn schedules() -> u64 {
    let usual = if std::env::var_os("TIDINGS_LONG").is_some() { 20_000 } else { 2_000 };
    std::env::var("TIDINGS_SCHEDULES").ok().and_then(|count| count.parse().ok()).unwrap_or(usual)
}

#[test]
fn random_schedules_lose_nothing_and_tear_nothing() {
    let count = schedules();
    println!("seeds 0 to {}; TIDINGS_SCHEDULES sets how many", count - 1);
    let timings =
        [Timing::local(), Timing::replicated(0), Timing::replicated(2_000), Timing::replicated(60_000)];
    for seed in 0..count {
        let timing = timings[(seed % 4) as usize];
        let problems = Schedule { seed, timing, mistake: None }.run();
        assert!(problems.is_empty(), "seed {seed}, {timing:?}:\n{}", problems.join("\n"));
    }
}

fn is_caught(mistake: Mistake, complaint: &str) {
    let caught = (0..500).find_map(|seed| {
        let timing = Timing::replicated(2_000);
        let problems = Schedule { seed, timing, mistake: Some(mistake) }.run();
        problems.into_iter().find(|problem| problem.contains(complaint)).map(|problem| (seed, problem))
    });
    let (seed, problem) = caught.unwrap_or_else(|| panic!("{mistake:?} was not caught"));
    println!("{mistake:?} is caught by seed {seed}: {problem}");
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
