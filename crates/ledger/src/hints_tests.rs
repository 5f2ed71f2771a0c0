//! What hints cost, and that they hide nothing.

use std::cell::RefCell;
use std::collections::BTreeMap;

use pollster::block_on;

use crate::testing::{
    Faults, ManualClock, MemoryStore, ModelStore, SeededRandom, SkewedClock, Task, interleave, pause,
};
use crate::{Batch, Clock, Direction, Key, KeyValue, Ledger, Promise, Pulse, Range, Timing, View};

const T: u64 = 1_700_000_000_000;
const LABEL: &str = "tab";

type TestLedger = Ledger<MemoryStore, ManualClock, SeededRandom>;

fn local() -> (TestLedger, ManualClock) {
    let clock = ManualClock::at(T);
    (Ledger::new(MemoryStore::new(), clock.clone(), SeededRandom::new(5), Timing::local()), clock)
}

fn put(number: usize) -> Batch {
    let mut batch = Batch::new();
    batch.put(Key::new("post", &format!("{number:08}")).unwrap(), "x");
    batch
}

fn commit(ledger: &TestLedger, number: usize) {
    block_on(async { ledger.commit(&mut ledger.view().await.unwrap(), put(number)).await.unwrap() });
}

/// A full poll.
fn poll(ledger: &TestLedger) -> Option<Promise> {
    block_on(async {
        let pulse = ledger.pulse().await.unwrap();
        let mut view = ledger.view().await.unwrap();
        ledger.promise(&mut view, pulse, LABEL, None, |_| b"value".to_vec()).await.unwrap()
    })
}

fn firm(ledger: &TestLedger) -> Option<Promise> {
    poll(ledger).filter(Promise::is_firm)
}

/// Polls until an answer may be repeated.
fn established(ledger: &TestLedger, clock: &ManualClock) -> Promise {
    for _ in 0..100 {
        if let Some(promise) = firm(ledger) {
            return promise;
        }
        clock.advance(10_000);
    }
    panic!("no answer may ever be repeated");
}

fn is_unchanged(ledger: &TestLedger, promise: &Promise) -> bool {
    block_on(ledger.unchanged(promise)).unwrap().is_some()
}

#[test]
fn an_unchanged_poll_is_two_gets() {
    let (ledger, clock) = local();
    commit(&ledger, 1);
    let promise = established(&ledger, &clock);
    ledger.store().take_operations();
    assert_eq!(block_on(ledger.unchanged(&promise)).unwrap(), Some(b"value".to_vec()));
    let operations = ledger.store().take_operations();
    assert_eq!((operations.gets, operations.total()), (2, 2));
}

#[test]
fn a_commit_is_two_sets_and_a_listing_while_watched_and_one_set_less_otherwise() {
    let (ledger, clock) = local();
    let cost = |number| {
        ledger.store().take_operations();
        commit(&ledger, number);
        let operations = ledger.store().take_operations();
        (operations.sets, operations.listings, operations.total())
    };
    assert_eq!(cost(1), (1, 1, 2));
    poll(&ledger);
    assert_eq!(cost(2), (2, 1, 3));
    clock.advance(super::hints::WATCH_MS + super::hints::WATCH_STEP_MS);
    assert_eq!(cost(3), (1, 1, 2), "the watch has expired");
}

#[test]
fn a_commit_ends_the_promise_until_it_has_settled() {
    let (ledger, clock) = local();
    let promise = established(&ledger, &clock);
    commit(&ledger, 1);
    assert!(!is_unchanged(&ledger, &promise));
    assert_eq!(firm(&ledger), None);
    clock.advance(Timing::local().appearing_ms());
    assert!(is_unchanged(&ledger, &firm(&ledger).unwrap()));
}

#[test]
fn a_reader_who_keeps_asking_is_never_without_an_established_watch() {
    let (ledger, clock) = local();
    let mut promise = established(&ledger, &clock);
    ledger.store().take_operations();
    let mut full_polls = 0;
    for _ in 0..3 * 60 {
        clock.advance(60_000);
        if !is_unchanged(&ledger, &promise) {
            full_polls += 1;
            promise = firm(&ledger).expect("the next watch was made in time");
        }
        assert!(ledger.store().contents().len() <= 3);
    }
    let sets = ledger.store().take_operations().sets;
    assert!(sets <= 9 && full_polls <= 2 * sets, "{sets} watches and {full_polls} full polls in three hours");
}

#[test]
fn ended_watches_promise_nothing_and_are_not_taken_for_those_of_another_label() {
    let (ledger, clock) = local();
    let promise = established(&ledger, &clock);
    block_on(async {
        let pulse = ledger.pulse().await.unwrap();
        let mut view = ledger.view().await.unwrap();
        let other = ledger.promise(&mut view, pulse, "other", None, |_| Vec::new()).await.unwrap().unwrap();
        assert!(!other.is_firm() && other.watch() != promise.watch());
        ledger.end_watches(&mut view).await.unwrap();
        assert_eq!(view.key_count(), 0);
    });
    assert!(!is_unchanged(&ledger, &promise));
}

#[test]
fn hints_are_keys_but_neither_objects_nor_damage() {
    let (ledger, clock) = local();
    established(&ledger, &clock);
    commit(&ledger, 1);
    ledger.store().insert("h.of-a-later-version", "?");
    ledger.store().insert("h.pulse", "not a stamp");
    let view = block_on(ledger.view()).unwrap();
    assert_eq!((view.damage(), view.object_count(), view.key_count()), (vec![], 1, 4));
    clock.advance(24 * 3_600_000);
    assert_eq!(firm(&ledger), None, "a pulse that is not understood never settles");
    commit(&ledger, 2);
    clock.advance(Timing::local().appearing_ms());
    assert!(firm(&ledger).is_none() && ledger.store().contents().contains_key("h.of-a-later-version"));
}

#[test]
fn nobody_watches_where_it_cannot_pay() {
    let clock = ManualClock::at(T);
    let timing = Timing::replicated(3_600_000);
    let ledger = Ledger::new(MemoryStore::new(), clock, SeededRandom::new(5), timing);
    assert_eq!(poll(&ledger), None);
    assert!(ledger.store().contents().is_empty());
}

#[test]
fn forms_are_read_back_and_have_one_spelling() {
    let watch = "1700000000000.1700001800000.tab";
    for text in [format!("{watch}.5."), format!("{watch}.5.none"), format!("{watch}.5.0000000000000000")] {
        assert_eq!(text.parse::<Promise>().unwrap().to_string(), text);
    }
    for wrong in ["", "1.2", "1.2.", "01.2.a", "1.2.a.b", "1.2.a/b", "1.2.abcdefghijklmnopq", "x.2.a"] {
        assert!(format!("{wrong}.5.none").parse::<Promise>().is_err(), "{wrong}");
    }
    for wrong in ["", ".", "5", "05.none", "5.never", "5.0"] {
        assert!(format!("{watch}.{wrong}").parse::<Promise>().is_err(), "{wrong}");
    }
}

/// What a wrong reader does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mistake {
    /// It repeats answers although the listing behind them may not have shown all that was announced.
    UnsettledPulse,
    /// It trusts a watch that not all requests know of.
    FreshWatch,
    /// It reads the pulse after the listing.
    PulseAfterListing,
}

/// Requests on one store, with clocks that lie apart, and one reader who polls.
struct Schedule {
    seed: u64,
    timing: Timing,
    mistake: Option<Mistake>,
}

/// Which keys were confirmed, and when.
type Confirmed = RefCell<BTreeMap<String, u64>>;

impl Schedule {
    /// Runs it and returns how often an answer was repeated, and what it hid.
    fn run(&self) -> (usize, Vec<String>) {
        let mut random = fastrand::Rng::with_seed(self.seed);
        let clock = ManualClock::at(T);
        let faults = Faults { staleness_ms: self.timing.staleness_ms, latency_ms: 400, ..Faults::default() };
        let store = ModelStore::new(random.u64(..), clock.clone(), faults);
        let confirmed = Confirmed::default();
        let (repeated, problems) = (RefCell::new(0), RefCell::new(Vec::new()));
        let mut number = 0;
        let mut reader = Reader::default();
        for _ in 0..60 {
            let mut tasks: Vec<Task<'_>> = Vec::new();
            if random.u32(0..4) == 0 {
                for _ in 0..random.usize(1..4) {
                    number += 1;
                    tasks.push(Box::pin(self.write(&store, &clock, &mut random, number, &confirmed)));
                }
            }
            let ledger = self.ledger(&store, &clock, &mut random);
            let reader = &mut reader;
            let (confirmed, repeated, problems) = (&confirmed, &repeated, &problems);
            tasks.push(Box::pin(async move {
                let Ok(again) = reader.poll(&ledger, self.mistake).await else { return };
                *repeated.borrow_mut() += usize::from(again);
                let seen_before = ledger.store().true_ms().saturating_sub(self.timing.staleness_ms);
                let hidden = confirmed.borrow();
                let mut hidden = hidden.iter().filter(|(key, at)| **at < seen_before && !reader.knows(key));
                if let Some((key, at)) = hidden.next().filter(|_| again) {
                    problems.borrow_mut().push(format!("{key} of {} ms ago", seen_before - at));
                }
            }));
            let deaths = [0, 20][random.usize(0..2)];
            interleave(tasks, &mut random, deaths);
            clock.advance([0, 4_000, 4_000, 30_000, random.u64(0..400_000)][random.usize(0..5)]);
        }
        (repeated.into_inner(), problems.into_inner())
    }

    fn ledger(
        &self,
        store: &ModelStore,
        clock: &ManualClock,
        random: &mut fastrand::Rng,
    ) -> Ledger<ModelStore, SkewedClock, SeededRandom> {
        let error_ms = self.timing.clock_error_ms as i64 / 2;
        let clock = SkewedClock::new(clock.clone(), random.i64(-error_ms..=error_ms));
        Ledger::new(store.request(), clock, SeededRandom::new(random.u64(..)), self.timing)
    }

    /// A request that commits, some time after it listed the store.
    fn write<'a>(
        &self,
        store: &'a ModelStore,
        clock: &'a ManualClock,
        random: &mut fastrand::Rng,
        number: usize,
        confirmed: &'a Confirmed,
    ) -> impl Future<Output = ()> + use<'a> {
        let ledger = self.ledger(store, clock, random);
        let turns = random.usize(0..6);
        let most_ms = (self.timing.longest_request_ms - 10_000) / 6;
        let dawdle_ms = if random.bool() { 0 } else { random.u64(0..=most_ms) };
        async move {
            let mut view = ledger.view().await.unwrap();
            for _ in 0..turns {
                clock.advance(dawdle_ms);
                pause().await;
            }
            ledger.commit(&mut view, put(number)).await.unwrap();
            confirmed.borrow_mut().insert(format!("post:{number:08}"), clock.now_ms());
        }
    }
}

/// An open client: what it was shown last, and what it may ask with.
#[derive(Default)]
struct Reader {
    shown: Vec<Key>,
    promise: Option<Promise>,
}

impl Reader {
    fn knows(&self, key: &str) -> bool {
        self.shown.iter().any(|shown| shown.as_str() == key)
    }

    /// Whether it got the same answer again.
    async fn poll<S: KeyValue, C: Clock>(
        &mut self,
        ledger: &Ledger<S, C, SeededRandom>,
        mistake: Option<Mistake>,
    ) -> Result<bool, crate::LedgerError> {
        if let Some(promise) = &self.promise
            && ledger.unchanged(promise).await?.is_some()
        {
            return Ok(true);
        }
        let known = self.promise.take();
        let mut pulse = ledger.pulse().await?;
        let mut view = ledger.view().await?;
        if mistake == Some(Mistake::PulseAfterListing) {
            pulse = ledger.pulse().await?;
        }
        let all = view.scan(Range::all(), Direction::Forward, usize::MAX).await?;
        self.shown = all.into_iter().map(|entry| entry.key).collect();
        let promise = ledger.promise(&mut view, pulse, LABEL, known.as_ref(), |_| b"value".to_vec()).await?;
        self.promise = promise
            .map(|promise| mistake.map_or(promise.clone(), |it| it.make(promise, pulse, ledger, &view)));
        Ok(false)
    }
}

impl Mistake {
    /// A promise as somebody gives it who makes this mistake.
    fn make<S: KeyValue, C: Clock>(
        self,
        promise: Promise,
        pulse: Pulse,
        ledger: &Ledger<S, C, SeededRandom>,
        view: &View<'_, S>,
    ) -> Promise {
        let (timing, listed_ms) = (ledger.timing(), view.made_at_ms());
        let firm = match self {
            Self::FreshWatch => pulse.is_settled(&timing, listed_ms),
            Self::UnsettledPulse | Self::PulseAfterListing => {
                promise.watch.is_established(&timing, listed_ms)
            }
        };
        Promise { pulse: firm.then_some(pulse), ..promise }
    }
}

fn run_all(timing: Timing, mistake: Option<Mistake>, count: u64) -> (usize, Vec<(u64, String)>) {
    let (mut repeated, mut problems) = (0, Vec::new());
    for seed in 0..count {
        let (times, found) = Schedule { seed, timing, mistake }.run();
        repeated += times;
        problems.extend(found.into_iter().map(|problem| (seed, problem)));
    }
    (repeated, problems)
}

#[test]
fn a_stale_listing_never_hides_a_change_behind_a_repeated_answer() {
    for timing in [Timing::local(), Timing::replicated(2_000), Timing::replicated(60_000)] {
        let (repeated, problems) = run_all(timing, None, 150);
        assert!(problems.is_empty(), "{timing:?}, by seed: {problems:?}");
        assert!(repeated > 500, "{timing:?}: only {repeated} answers were repeated");
    }
}

#[test]
fn readers_that_trust_too_early_are_caught() {
    for mistake in [Mistake::UnsettledPulse, Mistake::FreshWatch, Mistake::PulseAfterListing] {
        let (_, problems) = run_all(Timing::replicated(60_000), Some(mistake), 150);
        assert!(!problems.is_empty(), "{mistake:?}");
    }
}
