//! What maintenance costs and how full it leaves a store; single steps of it.

use pollster::block_on;

use crate::body::{Contents, Identity, Record, encode};
use crate::name::{ObjectId, ObjectName};
use crate::policy::{Policy, level};
use crate::testing::{Faults, ManualClock, MemoryStore, ModelStore, SeededRandom};
use crate::{Batch, Budget, Direction, Key, Ledger, LedgerError, Maintenance, Range, Stamp, Timing};

const T: u64 = 1_700_000_000_000;

type TestLedger = Ledger<MemoryStore, ManualClock, SeededRandom>;

fn local() -> (TestLedger, ManualClock) {
    let clock = ManualClock::at(T);
    (Ledger::new(MemoryStore::new(), clock.clone(), SeededRandom::new(5), Timing::local()), clock)
}

fn key(partition: &str, number: usize) -> Key {
    Key::new(partition, &format!("{number:08}")).unwrap()
}

fn put(partition: &str, number: usize, value: impl Into<Vec<u8>>) -> Batch {
    let mut batch = Batch::new();
    batch.put(key(partition, number), value);
    batch
}

fn commit(ledger: &TestLedger, batch: Batch) {
    block_on(async { ledger.commit(&mut ledger.view().await.unwrap(), batch).await.unwrap() });
}

fn maintain(ledger: &TestLedger) -> Maintenance {
    block_on(async { ledger.maintain(&mut ledger.view().await.unwrap(), Budget::default()).await.unwrap() })
}

/// Lets enough requests pass for all that there is to do. Graces grow, for erasing backs off.
fn maintain_long(ledger: &TestLedger, clock: &ManualClock) {
    for round in 0..6 {
        clock.advance((ledger.timing().grace_ms() + 10_000) << round);
        for _ in 0..100 {
            if !maintain(ledger).more_to_do {
                break;
            }
        }
    }
}

fn everything(ledger: &TestLedger) -> Vec<String> {
    let all = block_on(async {
        let view = ledger.view().await.unwrap();
        view.scan(Range::all(), Direction::Forward, usize::MAX).await.unwrap()
    });
    all.iter().map(|entry| format!("{}={}", entry.key, String::from_utf8_lossy(&entry.value))).collect()
}

fn random_bytes(random: &mut fastrand::Rng, count: usize) -> Vec<u8> {
    std::iter::repeat_with(|| random.u8(..)).take(count).collect()
}

#[test]
fn many_commits_become_few_objects_with_the_same_entries() {
    let (ledger, clock) = local();
    for number in 0..500 {
        commit(&ledger, put(["post", "feed", "dm/bob"][number % 3], number / 2, number.to_string()));
        clock.advance(1_000);
        maintain(&ledger);
    }
    let before = everything(&ledger);
    maintain_long(&ledger, &clock);
    assert_eq!(everything(&ledger), before);
    let usage = block_on(async { ledger.view().await.unwrap().usage() });
    assert!(usage.keys < 32, "{usage:?}");
    assert_eq!(usage.levels.iter().map(|level| level.objects).sum::<usize>(), usage.keys);
}

#[test]
fn nothing_is_removed_before_the_grace_is_over() {
    let (ledger, clock) = local();
    (0..16).for_each(|number| commit(&ledger, put("post", number, "x")));
    assert_eq!(maintain(&ledger).merged, 16);
    clock.advance(Timing::local().grace_ms() - 1);
    assert_eq!(maintain(&ledger), Maintenance::default());
    clock.advance(10_001);
    assert_eq!(maintain(&ledger).removed, 16);
    assert_eq!(ledger.store().contents().len(), 1);
}

#[test]
fn an_object_is_merged_only_when_its_own_inputs_are_gone() {
    let (ledger, clock) = local();
    let ledger = ledger.with_policy(Policy { commits: 2, youngs: 2, ..Policy::new() });
    for pair in 0..2 {
        (0..2).for_each(|number| commit(&ledger, put("post", 2 * pair + number, "x")));
        assert_eq!(maintain(&ledger).merged, 2);
    }
    assert_eq!(maintain(&ledger).merged, 0);
    clock.advance(Timing::local().grace_ms() + 10_000);
    let (first, second) = (maintain(&ledger), maintain(&ledger));
    assert_eq!((first.removed, first.merged), (2, 0));
    assert_eq!((second.removed, second.merged), (2, 2));
    assert_eq!(everything(&ledger).len(), 4);
}

#[test]
fn inputs_stay_while_their_replacement_is_damaged_or_gone() {
    let (ledger, clock) = local();
    (0..16).for_each(|number| commit(&ledger, put("post", number, "x")));
    let commits = ledger.store().contents();
    maintain(&ledger);
    let (output, body) =
        ledger.store().contents().into_iter().find(|(key, _)| !commits.contains_key(key)).unwrap();
    clock.advance(10 * Timing::local().grace_ms());
    ledger.store().insert(output.clone(), vec![0; body.len()]);
    assert_eq!(maintain(&ledger).removed, 0);
    assert_eq!(everything(&ledger).len(), 16);
    ledger.store().insert(output, body);
    assert_eq!(maintain(&ledger).removed, 16);
    assert_eq!(everything(&ledger).len(), 16);
}

#[test]
fn damaged_objects_are_left_out_of_merges_and_stay() {
    let (ledger, clock) = local();
    (0..17).for_each(|number| commit(&ledger, put("post", number, "x")));
    let rotten = ledger.store().contents().into_keys().next().unwrap();
    ledger.store().insert(rotten.clone(), "rot");
    maintain_long(&ledger, &clock);
    assert_eq!(everything(&ledger).len(), 16);
    assert_eq!(ledger.store().contents()[&rotten], b"rot");
}

#[test]
fn a_stamp_from_the_future_suspends_removals_until_overtaken() {
    let (ledger, clock) = local();
    (0..16).for_each(|number| commit(&ledger, put("post", number, "x")));
    maintain(&ledger);
    let ahead = Ledger::new(
        ledger.store().clone(),
        ManualClock::at(T + 1_000_000_000),
        SeededRandom::new(6),
        Timing::local(),
    );
    commit(&ahead, put("post", 99, "from the future"));
    clock.advance(10 * Timing::local().grace_ms());
    assert_eq!(maintain(&ledger).removed, 0);
    clock.set(T + 1_000_000_001);
    assert_eq!(maintain(&ledger).removed, 16);
}

#[test]
fn two_who_compact_the_same_write_the_same() {
    let (ledger, _) = local();
    (0..16).for_each(|number| commit(&ledger, put("post", number, "x")));
    block_on(async {
        let (mut one, mut other) = (ledger.view().await.unwrap(), ledger.view().await.unwrap());
        ledger.maintain(&mut one, Budget::default()).await.unwrap();
        ledger.maintain(&mut other, Budget::default()).await.unwrap();
    });
    assert_eq!(ledger.store().contents().len(), 17);
}

#[test]
fn of_two_who_compact_the_same_at_different_times_one_is_read_and_both_become_one() {
    let (ledger, clock) = local();
    (0..16).for_each(|number| commit(&ledger, put("post", number, "x")));
    let before = everything(&ledger);
    block_on(async {
        let (mut one, mut other) = (ledger.view().await.unwrap(), ledger.view().await.unwrap());
        ledger.maintain(&mut one, Budget::default()).await.unwrap();
        clock.advance(5_000);
        ledger.maintain(&mut other, Budget::default()).await.unwrap();
    });
    assert_eq!(ledger.store().contents().len(), 18);
    ledger.store().take_operations();
    assert_eq!(everything(&ledger), before);
    assert_eq!(ledger.store().take_operations().gets, 1);
    // Commits that come later are merged with both.
    (16..26).for_each(|number| commit(&ledger, put("post", number, "x")));
    maintain_long(&ledger, &clock);
    assert_eq!((ledger.store().contents().len(), everything(&ledger).len()), (1, 26));
}

#[test]
fn of_two_made_of_the_same_neither_is_removed_for_the_other() {
    let (ledger, clock) = local();
    let ledger = ledger.with_policy(Policy { object_bytes: 600, ..Policy::new() });
    (0..16).for_each(|number| commit(&ledger, put("post", number, "x".repeat(60))));
    block_on(async {
        let (mut one, mut other) = (ledger.view().await.unwrap(), ledger.view().await.unwrap());
        ledger.maintain(&mut one, Budget::default()).await.unwrap();
        clock.advance(5_000);
        ledger.maintain(&mut other, Budget::default()).await.unwrap();
    });
    clock.advance(Timing::local().grace_ms() + 10_000);
    assert_eq!(maintain(&ledger).removed, 16);
    let mut twins: Vec<String> = ledger.store().contents().into_keys().collect();
    assert!(twins.len() >= 4, "parts of both");
    // A part of one has gone on. Another listing may show it still, so neither can be spared.
    twins.sort_by_key(|twin| ObjectName::parse(twin).unwrap().made_ms());
    for gone in [&twins[0], &twins[twins.len() - 1]] {
        let body = ledger.store().remove(gone).unwrap();
        let mut view = block_on(ledger.view()).unwrap();
        let none = Budget { operations: 8, ..Budget::default() };
        assert_eq!(block_on(ledger.maintain(&mut view, none)).unwrap().removed, 0);
        ledger.store().insert(gone, body);
    }
}

#[test]
fn what_was_deleted_or_purged_is_no_longer_stored() {
    let (ledger, clock) = local();
    for number in 0..40 {
        commit(&ledger, put(["post", "feed"][number % 2], number, format!("secret {number}")));
    }
    maintain_long(&ledger, &clock);
    let mut batch = Batch::freeing();
    batch.delete(key("post", 4));
    batch.delete_range(Range::partition("feed"));
    commit(&ledger, batch);
    let before = everything(&ledger);
    maintain_long(&ledger, &clock);
    assert_eq!((before.len(), everything(&ledger)), (19, before));
    let holds = |text: &str| {
        let held = |body: &Vec<u8>| body.windows(text.len()).any(|window| window == text.as_bytes());
        ledger.store().contents().values().any(held)
    };
    assert!(!holds("secret 4") && !holds("secret 5") && !holds("secret 39"));
    assert!(holds("secret 38"));
}

#[test]
fn large_values_are_packed_and_merging_comes_to_an_end() {
    let (ledger, clock) = local();
    let mut random = fastrand::Rng::with_seed(3);
    let mut most = 0;
    for number in 0..60 {
        let size = [400_000, 520_000, 60_000, 900_000][number % 4];
        commit(&ledger, put("blob", number, random_bytes(&mut random, size)));
        clock.advance(60_000);
        ledger.store().take_operations();
        let done = maintain(&ledger);
        let operations = ledger.store().take_operations();
        assert!(operations.total() <= 41 && operations.bytes_read <= 4_000_000, "{operations:?} {done:?}");
        most = most.max(operations.total());
    }
    maintain_long(&ledger, &clock);
    assert!(!maintain(&ledger).more_to_do);
    assert_eq!(
        block_on(async { ledger.view().await.unwrap().usage() }).keys,
        ledger.store().contents().len()
    );
    assert!(ledger.store().contents().len() <= 60);
    assert!(ledger.store().contents().values().all(|body| body.len() <= 960_000));
    assert!(most > 1);
}

/// Puts a bottom object there, as an earlier compaction may have left it.
fn settle(ledger: &TestLedger, number: u64, entries: &[(&str, usize, &[u8])]) {
    let stamp = Stamp::at_ms(T - 1_000);
    let records = entries.iter().map(|(partition, number, value)| (key(partition, *number), value.to_vec()));
    let mut records: Vec<_> =
        records.map(|(key, value)| Record { key, stamp, value: Some(value.into()) }).collect();
    records.sort_by(|a, b| a.key.cmp(&b.key));
    let id = ObjectId::of_part(number, 0);
    let identity = Identity {
        id,
        level: level::BOTTOM,
        parts: 1,
        inputs: vec![ObjectId::new(number)],
        made_ms: T - 1_000_000,
        greatest: stamp,
    };
    let (name, body) = encode(identity, &Contents { ranges: Vec::new(), records }).unwrap();
    ledger.store().insert(name.to_string(), body);
}

#[test]
fn what_falls_onto_more_than_one_merge_takes_comes_down_where_it_hides_something() {
    let (ledger, clock) = local();
    let mut random = fastrand::Rng::with_seed(4);
    let mut large = || random_bytes(&mut random, 450_000);
    // Names of objects with several partitions do not tell which of their keys lie where.
    for number in 0..4 {
        let (first, second) = (large(), large());
        let other = ["dm/a", "dm/c", "dm/d", "dm/e"][number];
        settle(&ledger, 1_000 + number as u64, &[("dm/b", number, &first), (other, number, &second)]);
    }
    let is_held = |number| everything_stored(&ledger).iter().any(|known| *known == key("dm/b", number));
    assert!(is_held(2));
    let mut batch = Batch::new();
    batch.delete(key("dm/b", 2));
    commit(&ledger, batch);
    maintain_long(&ledger, &clock);
    let levels = block_on(async { ledger.view().await.unwrap().usage() }).levels;
    assert_eq!(levels[usize::from(level::TO_BOTTOM)].objects, 0, "{levels:?}");
    assert!(!is_held(2));
    assert_eq!(everything(&ledger).len(), 7);
}

/// The keys of all values that any object still has.
fn everything_stored(ledger: &TestLedger) -> Vec<Key> {
    let mut keys = Vec::new();
    for (name, body) in ledger.store().contents() {
        let name = crate::name::ObjectName::parse(&name).unwrap();
        let contents = crate::segment::Stored::open(&name, &name.to_string(), body.into()).unwrap();
        let contents = crate::segment::Segment::Stored(contents).contents();
        let values = contents.records.iter().filter(|record| record.value.is_some());
        keys.extend(values.map(|record| record.key.clone()));
    }
    keys
}

#[test]
fn a_small_budget_is_kept_and_gets_on_all_the_same() {
    let (ledger, clock) = local();
    (0..64).for_each(|number| commit(&ledger, put("post", number, "x")));
    for round in 0..400 {
        let budget = Budget { operations: round % 12, bytes: 1_000 };
        let mut view = block_on(ledger.view()).unwrap();
        ledger.store().take_operations();
        block_on(ledger.maintain(&mut view, budget)).unwrap();
        let spent = ledger.store().take_operations();
        assert!(spent.total() <= u64::from(budget.operations), "{spent:?} of {budget:?}");
        assert!(spent.bytes_read <= budget.bytes, "{spent:?} of {budget:?}");
        clock.advance(5_000);
    }
    assert_eq!(everything(&ledger).len(), 64);
    assert!(ledger.store().contents().len() < 40);
}

/// One commit a second, each with its piece of maintenance, and now and then a hundred at once.
#[test]
fn a_busy_replicated_store_stays_below_its_limit_at_few_operations_a_commit() {
    let timing = Timing::replicated(60_000);
    let clock = ManualClock::at(T);
    let faults = Faults { staleness_ms: 60_000, ..Faults::default() };
    let store = ModelStore::new(1, clock.clone(), faults);
    let mut random = fastrand::Rng::with_seed(2);
    let (mut commits, mut most_keys, mut most_operations, mut total) = (0, 0, 0, 0);
    let mut request = |number: usize, random: &mut fastrand::Rng| {
        let ledger = Ledger::new(store.request(), clock.clone(), SeededRandom::new(random.u64(..)), timing);
        let value = random_bytes(random, 300);
        let before = store.take_operations().total();
        let spent = block_on(async {
            let mut view = ledger.view().await?;
            ledger.commit(&mut view, put("feed", number, value)).await?;
            let committing = store.take_operations().total();
            ledger.maintain(&mut view, Budget::default()).await?;
            Ok::<_, LedgerError>((committing, store.take_operations().total()))
        });
        let (committing, maintaining) = spent.unwrap();
        assert_eq!((before, committing), (0, 2));
        assert!(maintaining <= 40, "{maintaining}");
        commits += 1;
        total += committing + maintaining;
        most_operations = most_operations.max(maintaining);
    };
    let mut number = 0;
    for second in 0..1_500 {
        let burst = if second % 600 == 450 { 100 } else { 1 };
        for _ in 0..burst {
            request(number, &mut random);
            number += 1;
        }
        clock.advance(1_000);
        if second % 10 == 0 {
            most_keys = most_keys.max(store.contents().len());
        }
    }
    let amortised = total as f64 / f64::from(commits);
    println!(
        "{commits} commits, {most_keys} keys at most, {amortised:.2} operations a commit, {most_operations} at once"
    );
    assert!(most_keys < 900, "{most_keys} keys");
    assert!(amortised <= 5.0, "{amortised} operations a commit");
}
