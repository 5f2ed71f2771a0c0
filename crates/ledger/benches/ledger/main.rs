//! What the ledger's own work costs, apart from the host's: the store is in memory. `cargo bench -p tidings-ledger`.

#![allow(clippy::unwrap_used)] // A benchmark whose store fails has nothing to measure.

mod fixture;

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{BatchSize, Criterion};
use pollster::block_on;
use tidings_ledger::{Budget, Direction, Entry, Range, Stamp};

use crate::fixture::{BenchLedger, Fixture, PARTITION, UNMERGED, batch, key};

const SIZES: [usize; 3] = [100, 10_000, 1_000_000];
const PAGE: usize = 50;
const SCANNED: usize = 1_000;

/// The newest page of so many entries, and of how many it is compared with.
const COMPARED: [usize; 2] = [1_000, 1_000_000];
const ROUNDS: usize = 2_000;
/// What hosts are taken to need for an operation: nothing, which leaves the ledger's own part; and a tenth of a millisecond,
/// which is little for any store that is not in the component's own memory.
const HOSTS: [Duration; 2] = [Duration::ZERO, Duration::from_micros(100)];

fn newest_page(ledger: &BenchLedger) -> Vec<Entry> {
    block_on(async {
        let view = ledger.view().await.unwrap();
        view.scan(Range::partition(PARTITION), Direction::Backward, PAGE).await.unwrap()
    })
}

fn point_get(ledger: &BenchLedger, number: usize) -> Entry {
    block_on(async { ledger.view().await.unwrap().get(key(number)).await.unwrap().unwrap() })
}

fn scan(ledger: &BenchLedger, from: usize) -> Vec<Entry> {
    block_on(async {
        let range = Range::partition(PARTITION).from(&key(from));
        ledger.view().await.unwrap().scan(range, Direction::Forward, SCANNED).await.unwrap()
    })
}

/// What a puller asks who has seen all but what the latest commits brought.
fn changes(ledger: &BenchLedger, since: Stamp) -> usize {
    block_on(async { ledger.view().await.unwrap().changes(&[PARTITION], since).await.unwrap().items.len() })
}

fn reading(criterion: &mut Criterion, fixture: &Fixture) {
    let (ledger, entries) = (fixture.ledger(), fixture.entries);
    let since = newest_page(&ledger).get(UNMERGED).map_or(Stamp::ZERO, |entry| entry.stamp);
    assert_eq!(changes(&ledger, since), UNMERGED);
    let mut bench = |name: &str, run: &dyn Fn()| {
        criterion.bench_function(&format!("{name}/{entries}"), |b| b.iter(run));
    };
    bench("newest page", &|| {
        black_box(newest_page(&ledger));
    });
    if entries == COMPARED[0] {
        return;
    }
    bench("point get", &|| {
        black_box(point_get(&ledger, entries / 2));
    });
    bench("scan", &|| {
        black_box(scan(&ledger, entries / 2));
    });
    bench("changes", &|| {
        black_box(changes(&ledger, since));
    });
}

fn writing(criterion: &mut Criterion, fixture: Fixture) {
    let entries = fixture.entries;
    criterion.bench_function(&format!("commit/{entries}"), |b| {
        b.iter_batched(
            || (fixture.ledger(), batch(entries..entries + 1)),
            |(ledger, batch)| {
                block_on(async {
                    let mut view = ledger.view().await.unwrap();
                    ledger.commit(&mut view, batch).await.unwrap();
                });
                ledger
            },
            BatchSize::SmallInput,
        );
    });
    // As many commits as one step merges, with what is young already.
    let fixture = fixture.with_commits(16);
    criterion.bench_function(&format!("compaction/{entries}"), |b| {
        b.iter_batched(
            || fixture.ledger(),
            |ledger| {
                let done = block_on(async {
                    let mut view = ledger.view().await.unwrap();
                    ledger.maintain(&mut view, Budget::default()).await.unwrap()
                });
                assert!(done.merged > 1);
                (ledger, done)
            },
            BatchSize::SmallInput,
        );
    });
}

/// Store operations of the newest page of a large store in terms of that of a small one: what a request costs on a real host.
fn compare_operations(small: &Fixture, large: &Fixture) {
    let [small, large] = [small, large].map(|fixture| {
        let ledger = fixture.ledger();
        ledger.store().take_operations();
        newest_page(&ledger);
        ledger.store().take_operations()
    });
    let ratio = large as f64 / small as f64;
    println!(
        "newest page: {small} operations of {} entries, {large} of {}: {ratio:.2} times as many",
        COMPARED[0], COMPARED[1]
    );
    assert!(ratio <= 1.3);
}

/// The newest page of a large store in terms of that of a small one, measured in turns. Of each the lower quartile, which
/// what else the machine does hardly moves.
fn compare(small: &Fixture, large: &Fixture, host: Duration) {
    let ledgers = [small.ledger_on(host), large.ledger_on(host)];
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..ROUNDS {
        for (ledger, times) in ledgers.iter().zip(&mut times) {
            let start = Instant::now();
            black_box(newest_page(ledger));
            times.push(start.elapsed());
        }
    }
    let [small, large] = times.map(|mut times| {
        times.sort_unstable();
        times[ROUNDS / 4]
    });
    let ratio = large.as_secs_f64() / small.as_secs_f64();
    println!(
        "newest page, {host:?} an operation: {small:?} of {} entries, {large:?} of {}: {ratio:.2} times as long",
        COMPARED[0], COMPARED[1]
    );
}

fn main() {
    let mut criterion = Criterion::default()
        .sample_size(30)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args();
    let small = Fixture::of(COMPARED[0]);
    println!("{}", small.describe());
    reading(&mut criterion, &small);
    for entries in SIZES {
        let fixture = Fixture::of(entries);
        println!("{}", fixture.describe());
        reading(&mut criterion, &fixture);
        if entries == COMPARED[1] {
            compare_operations(&small, &fixture);
            HOSTS.into_iter().for_each(|host| compare(&small, &fixture, host));
        }
        writing(&mut criterion, fixture);
    }
    criterion.final_summary();
}
