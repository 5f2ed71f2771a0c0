//! What readers make of a store: merged commits, compacted ones, missing and damaged objects. And what it costs.

use std::collections::BTreeMap;

use bytes::Bytes;
use pollster::block_on;

use crate::body::{Contents, Identity, Record, decode, encode, range_order};
use crate::error::{DamageReason, LedgerError};
use crate::limits::MAX_PAGE_GETS;
use crate::name::{ObjectId, ObjectName};
use crate::testing::{ManualClock, MemoryStore, SeededRandom};
use crate::{Batch, Budget, Direction, Entry, Key, Ledger, Range, Stamp, Timing};

const T: u64 = 1_700_000_000_000;
const HOUR_MS: u64 = 3_600_000;

type TestLedger = Ledger<MemoryStore, ManualClock, SeededRandom>;

fn ledger() -> (TestLedger, ManualClock) {
    let clock = ManualClock::at(T);
    let random = SeededRandom::new(5);
    (Ledger::new(MemoryStore::new(), clock.clone(), random, Timing::replicated(60_000)), clock)
}

fn key(text: &str) -> Key {
    Key::parse(text).unwrap()
}

fn puts(entries: &[(&str, &str)]) -> Batch {
    let mut batch = Batch::new();
    entries.iter().for_each(|(text, value)| batch.put(key(text), *value));
    batch
}

/// One commit from a fresh view; returns the object's name.
fn commit(ledger: &TestLedger, batch: Batch) -> String {
    block_on(async {
        let mut view = ledger.view().await.unwrap();
        ledger.commit(&mut view, batch).await.unwrap().object.unwrap()
    })
}

fn scan(ledger: &TestLedger, range: Range, direction: Direction, limit: usize) -> Vec<String> {
    let entries =
        block_on(async { ledger.view().await.unwrap().scan(range, direction, limit).await.unwrap() });
    entries.iter().map(show).collect()
}

fn show(entry: &Entry) -> String {
    format!("{}={}", entry.key, String::from_utf8_lossy(&entry.value))
}

fn everything(ledger: &TestLedger) -> Vec<String> {
    scan(ledger, Range::all(), Direction::Forward, usize::MAX)
}

fn get(ledger: &TestLedger, key: &str) -> Result<Option<String>, LedgerError> {
    block_on(async { Ok(ledger.view().await.unwrap().get(key).await?.map(|entry| show(&entry))) })
}

/// The union of objects, cut into parts at the given keys, under the names that a compaction gives them.
fn merged(store: &MemoryStore, inputs: &[&str], cuts: &[&str]) -> Vec<(String, Vec<u8>)> {
    let stored = store.contents();
    let names: Vec<ObjectName> = inputs.iter().map(|name| ObjectName::parse(name).unwrap()).collect();
    let (mut records, mut ranges) = (BTreeMap::<Key, Record>::new(), Vec::new());
    for (text, name) in inputs.iter().zip(&names) {
        let contents = decode(name, Bytes::from(stored[*text].clone())).unwrap();
        ranges.extend(contents.ranges);
        for record in contents.records {
            if records.get(&record.key).is_none_or(|known| known.stamp < record.stamp) {
                records.insert(record.key.clone(), record);
            }
        }
    }
    ranges.sort_by(|a, b| range_order(a).cmp(&range_order(b)));
    let mut ids: Vec<ObjectId> = names.iter().map(ObjectName::id).collect();
    ids.sort_unstable();
    let part_of = |key: &Key| cuts.iter().filter(|cut| key.as_str() >= **cut).count();
    (0..=cuts.len())
        .map(|part| {
            let records = records.values().filter(|record| part_of(&record.key) == part).cloned().collect();
            // Enough for these tests: range tombstones stay with the first part.
            let ranges = if part == 0 { ranges.clone() } else { Vec::new() };
            let identity = Identity {
                id: ObjectId::of_part(ids[0].bits() + 77, part as u8),
                level: 1,
                parts: cuts.len() as u8 + 1,
                inputs: ids.clone(),
                made_ms: T,
                greatest: names.iter().map(ObjectName::greatest).max().unwrap(),
            };
            let (name, body) = encode(identity, &Contents { ranges, records }).unwrap();
            (name.to_string(), body)
        })
        .collect()
}

fn compact(store: &MemoryStore, inputs: &[&str], cuts: &[&str]) -> Vec<String> {
    let outputs = merged(store, inputs, cuts);
    outputs.iter().for_each(|(name, body)| store.insert(name.clone(), body.clone()));
    outputs.into_iter().map(|(name, _)| name).collect()
}

#[test]
fn the_latest_commit_wins_in_every_question() {
    let (ledger, _) = ledger();
    commit(&ledger, puts(&[("a:1", "old"), ("a:2", "two"), ("b:1", "other")]));
    commit(&ledger, puts(&[("a:1", "new"), ("a:3", "three")]));
    let mut deletion = Batch::new();
    deletion.delete(key("a:2"));
    commit(&ledger, deletion);
    assert_eq!(get(&ledger, "a:1").unwrap().unwrap(), "a:1=new");
    assert_eq!(get(&ledger, "a:2").unwrap(), None);
    assert_eq!(get(&ledger, "no key").unwrap(), None);
    assert_eq!(scan(&ledger, Range::partition("a"), Direction::Forward, 9), ["a:1=new", "a:3=three"]);
    assert_eq!(scan(&ledger, Range::partition("a"), Direction::Backward, 1), ["a:3=three"]);
    assert_eq!(everything(&ledger), ["a:1=new", "a:3=three", "b:1=other"]);
}

#[test]
fn a_page_goes_on_where_the_last_one_ended() {
    let (ledger, _) = ledger();
    for i in 0..9 {
        commit(&ledger, puts(&[(&format!("a:{i}"), "x")]));
    }
    let page = scan(&ledger, Range::partition("a").before(&key("a:6")), Direction::Backward, 2);
    assert_eq!(page, ["a:5=x", "a:4=x"]);
    let page = scan(&ledger, Range::partition("a").after(&key("a:6")), Direction::Forward, 2);
    assert_eq!(page, ["a:7=x", "a:8=x"]);
    assert_eq!(scan(&ledger, Range::partition("a"), Direction::Forward, 0), Vec::<String>::new());
}

#[test]
fn a_range_tombstone_hides_what_was_there_and_nothing_later() {
    let (ledger, _) = ledger();
    commit(&ledger, puts(&[("a:1", "x"), ("a:2", "x"), ("b:1", "kept")]));
    let mut purge = puts(&[("a:2", "same commit")]);
    purge.delete_range(Range::partition("a"));
    let purge = commit(&ledger, purge);
    let since = ObjectName::parse(&purge).unwrap().greatest();
    commit(&ledger, puts(&[("a:3", "later")]));
    assert_eq!(everything(&ledger), ["a:2=same commit", "a:3=later", "b:1=kept"]);
    assert_eq!(get(&ledger, "a:1").unwrap(), None);
    assert_eq!(get(&ledger, "a:2").unwrap().unwrap(), "a:2=same commit");
    assert_eq!(scan(&ledger, Range::partition("a"), Direction::Backward, 1), ["a:3=later"]);
    block_on(async {
        let changes = ledger.view().await.unwrap().changes(&["a"], Stamp::ZERO).await.unwrap();
        assert_eq!(changes.items.len(), 2);
        assert_eq!((changes.ranges.len(), changes.ranges[0].stamp), (1, since));
        let none = ledger.view().await.unwrap().changes(&["b"], since).await.unwrap();
        assert!(none.items.is_empty() && none.ranges.is_empty());
    });
}

#[test]
fn a_view_that_lists_again_keeps_what_it_has_shown() {
    let (ledger, clock) = ledger();
    let gone = commit(&ledger, puts(&[("a:1", "x")]));
    let shown = commit(&ledger, puts(&[("b:1", "y")]));
    clock.advance(HOUR_MS);
    block_on(async {
        let view = ledger.view().await.unwrap();
        let before = view.get("b:1").await.unwrap();
        assert!(before.is_some());
        // One object goes away, and the next listing is staler than the first.
        ledger.store().remove(&gone);
        ledger.store().remove(&shown);
        ledger.store().take_operations();
        assert_eq!(view.get("a:1").await.unwrap(), None);
        assert_eq!(ledger.store().take_operations().listings, 1);
        assert_eq!(view.get("b:1").await.unwrap(), before);
    });
}

#[test]
fn a_view_that_comes_from_another_shows_what_is_new_and_reads_nothing_twice() {
    let (ledger, _) = ledger();
    commit(&ledger, puts(&[("a:1", "x"), ("a:2", "x")]));
    block_on(async {
        let mut view = ledger.view().await.unwrap();
        assert_eq!(view.scan(Range::partition("a"), Direction::Forward, 9).await.unwrap().len(), 2);
        ledger.commit(&mut view, puts(&[("a:3", "own")])).await.unwrap();
        commit(&ledger, puts(&[("a:4", "another's")]));
        ledger.store().take_operations();
        let view = ledger.view_again(view).await.unwrap();
        assert_eq!(view.scan(Range::partition("a"), Direction::Forward, 9).await.unwrap().len(), 4);
        let operations = ledger.store().take_operations();
        assert_eq!((operations.listings, operations.gets), (1, 1));
        assert!(view.has_committed());
        assert_eq!(view.operations(), 6, "two listings, two gets, and two for the commit at most");
    });
}

#[test]
fn changes_are_the_latest_states_in_order_of_their_stamps() {
    let (ledger, clock) = ledger();
    commit(&ledger, puts(&[("a:1", "x"), ("a:2", "x"), ("b:9", "x")]));
    let since = block_on(ledger.view()).unwrap().greatest().unwrap();
    clock.advance(5);
    commit(&ledger, puts(&[("a:2", "y"), ("c:1", "y")]));
    let mut deletion = Batch::new();
    deletion.delete(key("a:1"));
    commit(&ledger, deletion);
    block_on(async {
        let view = ledger.view().await.unwrap();
        ledger.store().take_operations();
        let changes = view.changes(&["a", "b"], since).await.unwrap();
        let told: Vec<_> = changes.items.iter().map(|c| (c.key.as_str(), c.value.is_some())).collect();
        assert_eq!(told, [("a:2", true), ("a:1", false)]);
        assert!(changes.items[0].stamp < changes.items[1].stamp);
        assert_eq!(ledger.store().take_operations().gets, 2, "older objects are not read");
        assert_eq!(view.head(&["a"]), Some(changes.items[1].stamp));
        assert_eq!(view.head(&["b"]), Some(since));
        assert_eq!(view.head(&["nobody"]), None);
    });
}

#[test]
fn a_page_ends_early_rather_than_read_too_much_and_the_next_goes_on() {
    let (ledger, _) = ledger();
    for number in 0..40 {
        commit(&ledger, puts(&[(&format!("a:{number:02}"), "x")]));
    }
    let page = |range: Range| {
        ledger.store().take_operations();
        let page =
            block_on(async { ledger.view().await.unwrap().page(range, Direction::Backward, 50).await })
                .unwrap();
        assert!(ledger.store().take_operations().total() <= 40);
        page
    };
    let first = page(Range::partition("a"));
    assert_eq!((first.entries.len(), first.more), (MAX_PAGE_GETS, true));
    let last = first.entries.last().unwrap().key.clone();
    let second = page(Range::partition("a").before(&last));
    assert_eq!((second.entries.len(), second.more), (40 - MAX_PAGE_GETS, false));
    let keys = first.entries.iter().chain(&second.entries).map(|entry| entry.key.to_string());
    assert!(keys.eq((0..40).rev().map(|number| format!("a:{number:02}"))));
}

#[test]
fn the_oldest_changes_do_not_tell_what_was_replaced_or_deleted_since() {
    let (ledger, clock) = ledger();
    let mut batch = Batch::new();
    for number in 0..30 {
        clock.advance(1_000);
        commit(&ledger, puts(&[(&format!("a:{number:02}"), "old")]));
    }
    for _ in 0..40 {
        clock.advance(ledger.timing().grace_ms() + 10_000);
        block_on(async {
            ledger.maintain(&mut ledger.view().await.unwrap(), Budget::default()).await.unwrap();
        });
    }
    batch.delete(key("a:03"));
    batch.put(key("a:04"), "new");
    commit(&ledger, batch);
    block_on(async {
        let view = ledger.view().await.unwrap();
        let first = view.oldest_changes(&["a"], Stamp::ZERO, 1).await.unwrap();
        let told: Vec<_> = first.items.iter().map(|item| item.key.rest().to_owned()).collect();
        assert!(!told.contains(&"03".to_owned()) || first.until.is_none(), "{told:?}");
        let rest = match first.until {
            Some(until) => view.oldest_changes(&["a"], until, 100).await.unwrap().items,
            None => Vec::new(),
        };
        let all: Vec<_> = first.items.into_iter().chain(rest).collect();
        assert_eq!(all, view.changes(&["a"], Stamp::ZERO).await.unwrap().items);
        assert_eq!(all.len(), 30);
    });
}

#[test]
fn a_view_sees_its_own_commits_and_goes_above_them() {
    let (ledger, clock) = ledger();
    block_on(async {
        let mut view = ledger.view().await.unwrap();
        let first = ledger.commit(&mut view, puts(&[("a:1", "x")])).await.unwrap();
        clock.set(T - 5_000);
        let second = ledger.commit(&mut view, puts(&[("a:1", "y")])).await.unwrap();
        assert!(second.stamp > first.stamp);
        ledger.store().take_operations();
        assert_eq!(show(&view.get("a:1").await.unwrap().unwrap()), "a:1=y");
        assert_eq!(ledger.store().take_operations().total(), 0);
        let nothing = ledger.commit(&mut view, Batch::new()).await.unwrap();
        assert_eq!((nothing.stamp, nothing.object), (second.stamp, None));
        assert_eq!(ledger.store().take_operations().total(), 0);
        assert_eq!((view.object_count(), view.key_count()), (2, 2));
    });
}

#[test]
fn a_commit_goes_above_a_stamp_from_the_far_future() {
    let (ledger, clock) = ledger();
    clock.set(u64::MAX);
    commit(&ledger, puts(&[("a:1", "from the end of time")]));
    clock.set(T);
    commit(&ledger, puts(&[("a:1", "from today")]));
    assert_eq!(get(&ledger, "a:1").unwrap().unwrap(), "a:1=from today");
}

#[test]
fn costs_what_it_must() {
    let (ledger, _) = ledger();
    let store = ledger.store().clone();
    for i in 0..4 {
        commit(&ledger, puts(&[(&format!("post:{i:04}"), "x")]));
    }
    for i in 0..20 {
        commit(&ledger, puts(&[(&format!("dm/bob:{i:04}"), "x")]));
    }
    block_on(async {
        store.take_operations();
        let mut view = ledger.view().await.unwrap();
        let operations = store.take_operations();
        assert_eq!((operations.listings, operations.total()), (1, 1));

        view.get("post:0002").await.unwrap().unwrap();
        assert_eq!(store.take_operations().total(), 1, "only one object can have the key");
        view.scan(Range::partition("post"), Direction::Backward, 50).await.unwrap();
        let operations = store.take_operations();
        assert_eq!((operations.gets, operations.total()), (3, 3), "one is known already");
        view.scan(Range::partition("dm/bob"), Direction::Backward, 5).await.unwrap();
        assert_eq!(store.take_operations().total(), 5, "a page reads no further than it must");
        view.get("nobody:1").await.unwrap();
        view.head(&["post"]);
        view.fingerprint(None);
        assert_eq!(store.take_operations().total(), 0);

        ledger.commit(&mut view, puts(&[("post:9", "x"), ("dm/bob:9", "x")])).await.unwrap();
        let operations = store.take_operations();
        assert_eq!((operations.sets, operations.total()), (1, 1));
    });
}

#[test]
fn a_compacted_object_is_read_in_place_of_its_inputs() {
    for cuts in [&[][..], &["a:2"]] {
        let (ledger, _) = ledger();
        let store = ledger.store().clone();
        let first = commit(&ledger, puts(&[("a:1", "x"), ("a:2", "x")]));
        let second = commit(&ledger, puts(&[("a:2", "y"), ("a:3", "y")]));
        let before = everything(&ledger);
        compact(&store, &[&first, &second], cuts);
        commit(&ledger, puts(&[("a:3", "z")]));
        store.take_operations();
        assert_eq!(everything(&ledger), ["a:1=x", "a:2=y", "a:3=z"]);
        assert_eq!(store.take_operations().gets, 2 + cuts.len() as u64);
        store.remove(&first);
        store.remove(&second);
        assert_eq!(everything(&ledger), ["a:1=x", "a:2=y", "a:3=z"]);
        assert_eq!(before, ["a:1=x", "a:2=y", "a:3=y"]);
    }
}

#[test]
fn half_a_compaction_replaces_nothing() {
    let (ledger, _) = ledger();
    let store = ledger.store().clone();
    let input = commit(&ledger, puts(&[("a:1", "x"), ("a:2", "x")]));
    let parts = compact(&store, &[&input], &["a:2"]);
    store.remove(&parts[1]);
    assert_eq!(everything(&ledger), ["a:1=x", "a:2=x"]);
}

#[test]
fn an_unreadable_compaction_falls_back_to_its_inputs() {
    for damaged in [false, true] {
        let (ledger, clock) = ledger();
        let store = ledger.store().clone();
        let first = commit(&ledger, puts(&[("a:1", "x")]));
        let second = commit(&ledger, puts(&[("a:2", "x")]));
        let parts = compact(&store, &[&first, &second], &["a:2"]);
        clock.advance(HOUR_MS);
        // A `None` under a listed name: listed by a store that answers reads from elsewhere.
        let listing = HalfReadable { store: store.clone(), unreadable: parts[1].clone(), damaged };
        let random = SeededRandom::new(9);
        let reader = Ledger::new(listing, clock.clone(), random, Timing::replicated(60_000));
        block_on(async {
            let view = reader.view().await.unwrap();
            let all = view.scan(Range::partition("a"), Direction::Forward, 9).await.unwrap();
            assert_eq!(all.iter().map(show).collect::<Vec<_>>(), ["a:1=x", "a:2=x"]);
            assert_eq!(view.get("a:2").await.unwrap().map(|entry| show(&entry)).unwrap(), "a:2=x");
            assert_eq!(view.damage().len(), usize::from(damaged));
        });
        // With an input gone, the part is all there is of it.
        store.remove(&second);
        block_on(async {
            let view = reader.view().await.unwrap();
            let answer = view.scan(Range::partition("a"), Direction::Forward, 9).await;
            if damaged {
                assert_eq!(answer.unwrap().len(), 1, "damage is reported and skipped");
                assert!(view.damage()[0].may_lose_entries());
            } else {
                assert_eq!(answer, Err(LedgerError::Unavailable { object: parts[1].clone() }));
                let operations = store.take_operations();
                assert!(operations.listings >= 2, "it listed again before giving up");
            }
            assert_eq!(view.get("a:1").await.unwrap().map(|entry| show(&entry)).unwrap(), "a:1=x");
        });
    }
}

/// Lists everything and cannot read one object.
struct HalfReadable {
    store: MemoryStore,
    unreadable: String,
    damaged: bool,
}

impl crate::KeyValue for HalfReadable {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, crate::StoreError> {
        let value = self.store.get(key).await?;
        Ok(match (key == self.unreadable, self.damaged) {
            (true, false) => None,
            (true, true) => value.map(|mut bytes| {
                bytes[20] ^= 1;
                bytes
            }),
            (false, _) => value,
        })
    }

    async fn set(&self, key: &str, value: &[u8]) -> Result<(), crate::StoreError> {
        self.store.set(key, value).await
    }

    async fn delete(&self, key: &str) -> Result<(), crate::StoreError> {
        self.store.delete(key).await
    }

    async fn keys(&self) -> Result<Vec<String>, crate::StoreError> {
        self.store.keys().await
    }
}

#[test]
fn a_young_commit_that_cannot_be_read_yet_is_not_there_and_an_old_one_must_be() {
    let (ledger, clock) = ledger();
    commit(&ledger, puts(&[("a:1", "x")]));
    let late = commit(&ledger, puts(&[("a:2", "x")]));
    let listing = HalfReadable { store: ledger.store().clone(), unreadable: late.clone(), damaged: false };
    let reader = Ledger::new(listing, clock.clone(), SeededRandom::new(9), Timing::replicated(60_000));
    block_on(async {
        clock.set(T + 149_999);
        let view = reader.view().await.unwrap();
        assert_eq!(view.scan(Range::partition("a"), Direction::Forward, 9).await.unwrap().len(), 1);
        clock.set(T + 150_000);
        let view = reader.view().await.unwrap();
        let unavailable = Err(LedgerError::Unavailable { object: late });
        assert_eq!(view.scan(Range::partition("a"), Direction::Forward, 9).await, unavailable);
        assert!(view.get("a:1").await.unwrap().is_some(), "the rest can still be asked for");
    });
}

#[test]
fn an_object_that_went_away_under_a_view_is_found_by_listing_again() {
    let (ledger, clock) = ledger();
    let store = ledger.store().clone();
    let first = commit(&ledger, puts(&[("a:1", "x"), ("a:2", "x")]));
    let mut deletion = Batch::new();
    deletion.delete(key("a:2"));
    let second = commit(&ledger, deletion);
    clock.advance(HOUR_MS);
    block_on(async {
        let mut view = ledger.view().await.unwrap();
        ledger.commit(&mut view, puts(&[("a:3", "own")])).await.unwrap();
        compact(&store, &[&first, &second], &[]);
        store.remove(&first);
        store.remove(&second);
        let all = view.scan(Range::partition("a"), Direction::Forward, 9).await.unwrap();
        assert_eq!(all.iter().map(show).collect::<Vec<_>>(), ["a:1=x", "a:3=own"]);
    });
}

#[test]
fn damaged_and_foreign_keys_are_reported_skipped_and_left_alone() {
    let (ledger, _) = ledger();
    let store = ledger.store().clone();
    commit(&ledger, puts(&[("a:1", "x")]));
    let damaged = commit(&ledger, puts(&[("a:2", "x")]));
    store.insert(damaged.clone(), "rubbish");
    store.insert("settings", "not ours");
    store.insert("t2-from-the-future", "x");
    block_on(async {
        let mut view = ledger.view().await.unwrap();
        assert_eq!((view.object_count(), view.key_count()), (2, 4));
        assert_eq!(view.damage().len(), 2);
        assert_eq!(view.scan(Range::all(), Direction::Forward, 9).await.unwrap().len(), 1);
        let damage = view.damage();
        assert_eq!(damage.len(), 3);
        let lossy: Vec<_> =
            damage.iter().filter(|d| d.may_lose_entries()).map(|d| d.object.as_str()).collect();
        assert_eq!(lossy, ["t2-from-the-future", damaged.as_str()]);
        assert!(matches!(damage[2].reason, DamageReason::Body(_)));
        ledger.commit(&mut view, puts(&[("a:2", "again")])).await.unwrap();
    });
    assert_eq!(store.contents().len(), 5);
    assert_eq!(everything(&ledger), ["a:1=x", "a:2=again"]);
}

#[test]
fn names_that_replace_each_other_in_a_circle_lose_nothing() {
    let (ledger, _) = ledger();
    let store = ledger.store().clone();
    let contents = |key: &str| Contents {
        ranges: vec![],
        records: vec![Record {
            key: Key::parse(key).unwrap(),
            stamp: Stamp::at_ms(T),
            value: Some(Bytes::from("x")),
        }],
    };
    let (a, b) = (ObjectId::of_part(1, 0), ObjectId::of_part(2, 0));
    for (id, input, entry) in [(a, b, "a:1"), (b, a, "a:1")] {
        let greatest = Stamp::at_ms(T);
        let identity = Identity { id, level: 1, parts: 1, inputs: vec![input], made_ms: T, greatest };
        let (name, body) = encode(identity, &contents(entry)).unwrap();
        store.insert(name.to_string(), body);
    }
    assert_eq!(everything(&ledger), ["a:1=x"]);
}

#[test]
fn under_pressure_only_freeing_commits_are_taken_and_then_none() {
    let (ledger, _) = ledger();
    let store = ledger.store().clone();
    (0..849).for_each(|i| store.insert(format!("foreign-{i}"), ""));
    commit(&ledger, puts(&[("a:1", "x")]));
    let mut deletion = Batch::freeing();
    deletion.delete(key("a:1"));
    block_on(async {
        let mut view = ledger.view().await.unwrap();
        store.take_operations();
        let refused = ledger.commit(&mut view, puts(&[("a:2", "x")])).await;
        assert_eq!(refused, Err(LedgerError::Full { keys: 850, limit: 850 }));
        assert_eq!(store.take_operations().total(), 0);
        ledger.commit(&mut view, deletion.clone()).await.unwrap();
        (0..49).for_each(|i| store.insert(format!("more-{i}"), ""));
        let mut view = ledger.view().await.unwrap();
        let refused = ledger.commit(&mut view, deletion).await;
        assert_eq!(refused, Err(LedgerError::Full { keys: 900, limit: 900 }));
        assert!(view.get("a:1").await.unwrap().is_none());
    });
}

#[test]
fn refuses_a_commit_that_no_object_can_hold() {
    let (ledger, _) = ledger();
    block_on(async {
        let mut view = ledger.view().await.unwrap();
        let mut batch = Batch::new();
        batch.put(key("a:1"), vec![0; 960_000]);
        ledger.store().take_operations();
        let refused = ledger.commit(&mut view, batch).await;
        assert!(matches!(refused, Err(LedgerError::TooLarge { bytes, limit: 960_000 }) if bytes > 960_000));
        assert_eq!(ledger.store().take_operations().total(), 0);
    });
}

#[test]
fn a_fingerprint_tells_whether_anything_touched_the_partitions() {
    let (ledger, _) = ledger();
    let print = |partitions: Option<&[&str]>| block_on(ledger.view()).unwrap().fingerprint(partitions);
    let first = commit(&ledger, puts(&[("a:1", "x")]));
    let (a, all) = (print(Some(&["a"])), print(None));
    assert_eq!(print(Some(&["a"])), a);
    commit(&ledger, puts(&[("b:1", "x")]));
    assert_eq!(print(Some(&["a"])), a);
    assert_ne!(print(None), all);
    commit(&ledger, puts(&[("c:1", "x"), ("a:2", "x")]));
    assert_ne!(print(Some(&["a"])), a);
    // Once compacted, the inputs' later removal changes nothing.
    compact(ledger.store(), &[&first], &[]);
    let compacted = print(Some(&["a"]));
    ledger.store().remove(&first);
    assert_eq!(print(Some(&["a"])), compacted);
}

#[test]
fn a_prepared_commit_can_be_written_again() {
    let (ledger, _) = ledger();
    block_on(async {
        let mut view = ledger.view().await.unwrap();
        let prepared = ledger.prepare(&view, puts(&[("a:1", "x")])).unwrap().unwrap();
        let first = ledger.write(&mut view, &prepared).await.unwrap();
        assert_eq!(ledger.write(&mut view, &prepared).await.unwrap(), first);
        assert_eq!(ledger.view().await.unwrap().object_count(), 1);
    });
}
