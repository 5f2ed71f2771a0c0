//! What requests do: look around, decide, commit, look again.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use super::Mistake;
use super::chronicle::{Attempt, Chronicle, Follower, Live, Snapshot};
use crate::body::{Contents, Identity, decode, encode};
use crate::limits::{MAX_KEYS_FOR_COMMITS, MAX_KEYS_FOR_FREEING, MAX_NAME_BYTES, MAX_OBJECT_BYTES};
use crate::name::{ObjectId, ObjectName};
use crate::policy::Policy;
use crate::store::Clock as _;
use crate::testing::{ModelStore, SeededRandom, SkewedClock};
use crate::{
    Batch, Budget, Changes, Direction, Entry, Key, KeyValue, Ledger, LedgerError, Maintenance, Prepared,
    Range, Stamp, StoreError, Timing, View,
};

const PARTITIONS: [&str; 3] = ["post", "dm/bob", "dm/carol"];

/// The store as the ledger under test uses it: as it is, or so that the ledger makes a mistake.
pub(super) struct Store {
    pub store: ModelStore,
    pub timing: Timing,
    /// How many more keys there are, which are no objects.
    pub foreign: usize,
    pub mistake: Option<Mistake>,
}

const INDEX: &str = "index";

impl Store {
    async fn index(&self) -> Result<Vec<String>, StoreError> {
        let bytes = self.store.get(INDEX).await?.unwrap_or_default();
        Ok(String::from_utf8_lossy(&bytes).lines().map(str::to_owned).collect())
    }

    /// What compaction writes, if tombstones older than the grace were nothing but waste.
    fn without_old_tombstones(&self, key: &str, value: &[u8]) -> Option<(String, Vec<u8>)> {
        let name = ObjectName::parse(key).ok().filter(|name| name.level() > 0)?;
        let mut contents = decode(&name, Bytes::copy_from_slice(value)).ok()?;
        let horizon = Stamp::at_ms(self.store.true_ms() - self.timing.grace_ms());
        contents.records.retain(|record| record.value.is_some() || record.stamp > horizon);
        contents.ranges.retain(|range| range.stamp > horizon);
        let identity = Identity {
            id: name.id,
            level: name.level,
            parts: name.parts,
            inputs: name.inputs.to_vec(),
            made_ms: name.made_ms,
            greatest: name.greatest,
        };
        let (name, body) = encode(identity, &contents).ok()?;
        Some((name.to_string(), body))
    }
}

/// Leaves out the commits below the greatest stamp of all compactions, as if these had all of them.
fn uncovered(keys: Vec<String>) -> Vec<String> {
    let names: Vec<_> = keys.iter().filter_map(|key| ObjectName::parse(key).ok()).collect();
    let covered = names.iter().filter(|name| name.level() > 0).map(ObjectName::greatest).max();
    let kept = names.iter().filter(|name| name.level() > 0 || Some(name.greatest()) > covered);
    kept.map(ToString::to_string).collect()
}

impl KeyValue for Store {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.store.get(key).await
    }

    async fn set(&self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        assert!(key.len() <= MAX_NAME_BYTES, "a key of {} bytes: {key}", key.len());
        assert!(value.len() <= MAX_OBJECT_BYTES, "a value of {} bytes under {key}", value.len());
        if self.mistake == Some(Mistake::DropTombstonesByAge)
            && let Some((key, value)) = self.without_old_tombstones(key, value)
        {
            return self.store.set(&key, &value).await;
        }
        self.store.set(key, value).await?;
        if self.mistake == Some(Mistake::SharedIndex) {
            let mut index = self.index().await?;
            index.push(key.to_owned());
            self.store.set(INDEX, index.join("\n").as_bytes()).await?;
        }
        Ok(())
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.store.delete(key).await
    }

    async fn keys(&self) -> Result<Vec<String>, StoreError> {
        let mut keys = match self.mistake {
            Some(Mistake::SharedIndex) => self.index().await?,
            Some(Mistake::CoveredUpToStamp) => uncovered(self.store.keys().await?),
            _ => self.store.keys().await?,
        };
        keys.extend((0..self.foreign).map(|number| format!("foreign/{number}")));
        Ok(keys)
    }
}

/// One request's ledger, with its own clock.
pub(super) struct Reader {
    ledger: Ledger<Store, SkewedClock, SeededRandom>,
    clock: SkewedClock,
    mistake: Option<Mistake>,
}

impl Reader {
    pub fn new(
        store: Store,
        clock: SkewedClock,
        seed: u64,
        timing: Timing,
        policy: Policy,
        mistake: Option<Mistake>,
    ) -> Self {
        let ledger = Ledger::new(store, clock.clone(), SeededRandom::new(seed), timing);
        Self { ledger: ledger.with_policy(policy), clock, mistake }
    }

    /// The true time.
    fn true_ms(&self) -> u64 {
        self.ledger.store().store.true_ms()
    }

    /// Looks at the store and does a piece of maintenance.
    pub async fn maintain(&self, chronicle: &RefCell<Chronicle>) -> Maintenance {
        let done = async {
            let mut view = self.ledger.view().await?;
            self.maintain_with(&mut view, Budget::default()).await
        };
        done.await.unwrap_or_else(|error| {
            chronicle.borrow_mut().note(&error);
            Maintenance { more_to_do: true, ..Maintenance::default() }
        })
    }

    async fn maintain_with(
        &self,
        view: &mut View<'_, Store>,
        budget: Budget,
    ) -> Result<Maintenance, LedgerError> {
        let done = self.ledger.maintain(view, budget).await?;
        if self.mistake == Some(Mistake::RemoveAtOnce) {
            let ids: BTreeSet<_> = view.objects().iter().flat_map(|name| name.inputs().to_vec()).collect();
            for name in view.objects().iter().filter(|name| ids.contains(&name.id())) {
                self.ledger.store().delete(&name.to_string()).await?;
            }
        }
        Ok(done)
    }

    pub async fn live(&self) -> Result<Live, LedgerError> {
        let view = self.ledger.view().await?;
        let entries = view.scan(Range::all(), Direction::Forward, usize::MAX).await?;
        Ok(entries.iter().map(|entry| (entry.key.to_string(), text(entry))).collect())
    }

    /// Pulls what changed since the follower's cursor, sometimes in slices.
    pub async fn follow(&self, chronicle: &RefCell<Chronicle>, follower: &RefCell<Follower>) {
        let pulled = async {
            let view = self.ledger.view().await?;
            let mut from = follower.borrow().cursor;
            loop {
                let changes = match from.ms() % 3 {
                    0 => view.changes(&PARTITIONS, from).await?,
                    limit => view.oldest_changes(&PARTITIONS, from, limit as usize).await?,
                };
                let settled = view.settled_before(view.made_at_ms());
                let next = match self.mistake {
                    Some(Mistake::CursorFollowsGreatestStamp) => changes.items.last().map(|item| item.stamp),
                    _ => Some(changes.until.map_or(settled, |until| until.min(settled))),
                };
                let until = changes.until;
                let mut follower = follower.borrow_mut();
                follower.merge(changes);
                follower.cursor = follower.cursor.max(next.unwrap_or(from));
                match until {
                    Some(until) => from = until,
                    None => return Ok(()),
                }
            }
        };
        if let Err(error) = pulled.await {
            chronicle.borrow_mut().note(&error);
        }
    }
}

fn text(entry: &Entry) -> String {
    String::from_utf8_lossy(&entry.value).into_owned()
}

/// A request that reads and writes.
pub(super) struct Writer<'c> {
    pub reader: Reader,
    pub random: fastrand::Rng,
    pub chronicle: &'c RefCell<Chronicle>,
}

impl Writer<'_> {
    pub async fn run(mut self) {
        if let Err(error) = self.serve().await {
            self.chronicle.borrow_mut().note(&error);
        }
    }

    async fn serve(&mut self) -> Result<(), LedgerError> {
        let began_ms = self.reader.true_ms();
        let chronicle = self.chronicle;
        // Apart from the writer, so that it can be used beside the view.
        let Self { reader, random, .. } = self;
        let mut view = reader.ledger.view().await?;
        let snapshot = look_around(&view, random, chronicle).await?;
        chronicle.borrow_mut().check(began_ms, &snapshot);
        for _ in 0..random.usize(0..3) {
            let (entries, range) = draw(random);
            let attempt = Attempt {
                stamp: Stamp::ZERO,
                objects: Vec::new(),
                entries,
                range,
                began_ms,
                acknowledged_ms: None,
            };
            if reader.write(&mut view, attempt, random, chronicle).await? {
                own_reads(&view, chronicle).await?;
            }
            if random.bool() {
                reader
                    .maintain_with(&mut view, Budget { operations: random.u32(0..=40), bytes: 10_000 })
                    .await?;
                own_reads(&view, chronicle).await?;
            }
        }
        Ok(())
    }
}

impl Reader {
    /// Commits; tries once more with the same bytes if the store failed. Returns whether it was confirmed.
    async fn write(
        &self,
        view: &mut View<'_, Store>,
        mut attempt: Attempt,
        random: &mut fastrand::Rng,
        chronicle: &RefCell<Chronicle>,
    ) -> Result<bool, LedgerError> {
        match self.mistake {
            Some(Mistake::StampByClockAlone) => {
                let stamp = Stamp::following(None, self.clock.now_ms(), random.u32(..));
                attempt.stamp = stamp.unwrap_or(Stamp::MAX);
                self.write_raw(vec![batch_of(&attempt)], attempt, random, chronicle).await?;
                return Ok(false); // the view does not know of it
            }
            Some(Mistake::ObjectPerEntry) => {
                let stamp = Stamp::following(view.greatest(), self.clock.now_ms(), random.u32(..));
                attempt.stamp = stamp.unwrap_or(Stamp::MAX);
                let batches = attempt.entries.iter().map(|(key, value)| {
                    let mut batch = Batch::new();
                    add(&mut batch, key, value);
                    batch
                });
                self.write_raw(batches.collect(), attempt.clone(), random, chronicle).await?;
                return Ok(false);
            }
            _ => {}
        }
        let batch = batch_of(&attempt);
        let limit = if batch.is_freeing() { MAX_KEYS_FOR_FREEING } else { MAX_KEYS_FOR_COMMITS };
        let full = view.key_count() >= limit;
        let prepared = self.ledger.prepare(view, batch);
        if full == prepared.is_ok() {
            chronicle.borrow_mut().complain(format!("{} keys listed: {prepared:?}", view.key_count()));
        }
        let Some(prepared) = prepared? else { return Ok(false) };
        attempt.stamp = prepared.stamp();
        attempt.objects = vec![prepared.object().to_owned()];
        let index = record(chronicle, attempt);
        let written = self.confirm(view, &prepared, random).await;
        if written.is_ok() {
            chronicle.borrow_mut().attempts[index].acknowledged_ms = Some(self.true_ms());
        }
        written.map(|()| true)
    }

    async fn confirm(
        &self,
        view: &mut View<'_, Store>,
        prepared: &Prepared,
        random: &mut fastrand::Rng,
    ) -> Result<(), LedgerError> {
        let written = self.ledger.write(view, prepared).await;
        if written.is_err() && random.bool() {
            self.ledger.write(view, prepared).await?;
            return Ok(());
        }
        written.map(|_| ())
    }

    /// Writes batches the wrong way: one object each, with the attempt's stamp.
    async fn write_raw(
        &self,
        batches: Vec<Batch>,
        mut attempt: Attempt,
        random: &mut fastrand::Rng,
        chronicle: &RefCell<Chronicle>,
    ) -> Result<(), LedgerError> {
        let objects: Vec<(String, Vec<u8>)> = batches
            .into_iter()
            .map(|batch| object_of(batch.into_contents(attempt.stamp), attempt.stamp, random.u64(..)))
            .collect();
        attempt.objects = objects.iter().map(|(name, _)| name.clone()).collect();
        let index = record(chronicle, attempt);
        for (name, body) in &objects {
            self.ledger.store().set(name, body).await?;
        }
        chronicle.borrow_mut().attempts[index].acknowledged_ms = Some(self.true_ms());
        Ok(())
    }
}

fn object_of(contents: Contents, stamp: Stamp, id: u64) -> (String, Vec<u8>) {
    let (id, made_ms) = (ObjectId::new(id), stamp.ms());
    let identity = Identity { id, level: 0, parts: 1, inputs: Vec::new(), made_ms, greatest: stamp };
    let (name, body) = encode(identity, &contents).unwrap();
    (name.to_string(), body)
}

fn record(chronicle: &RefCell<Chronicle>, attempt: Attempt) -> usize {
    let mut chronicle = chronicle.borrow_mut();
    chronicle.attempts.push(attempt);
    chronicle.attempts.len() - 1
}

fn batch_of(attempt: &Attempt) -> Batch {
    let deletes = attempt.entries.values().all(Option::is_none);
    let mut batch = if deletes { Batch::freeing() } else { Batch::new() };
    attempt.entries.iter().for_each(|(key, value)| add(&mut batch, key, value));
    attempt.range.iter().for_each(|range| batch.delete_range(range.clone()));
    batch
}

fn add(batch: &mut Batch, key: &Key, value: &Option<String>) {
    match value {
        Some(value) => batch.put(key.clone(), value.as_str()),
        None => batch.delete(key.clone()),
    }
}

/// A few puts and deletions on few keys, so that they meet; now and then a purge.
fn draw(random: &mut fastrand::Rng) -> (BTreeMap<Key, Option<String>>, Option<Range>) {
    let value = format!("{:016x}", random.u64(..));
    let entries = (0..random.usize(1..5))
        .map(|_| {
            let key = Key::new(PARTITIONS[random.usize(0..3)], &random.u8(0..4).to_string()).unwrap();
            (key, (random.u8(0..3) > 0).then(|| value.clone()))
        })
        .collect();
    let range = (random.u8(0..12) == 0).then(|| Range::partition(PARTITIONS[random.usize(0..3)]));
    (entries, range)
}

/// Reads all keys in every way there is; they must agree, for a view is one moment.
async fn look_around(
    view: &View<'_, Store>,
    random: &mut fastrand::Rng,
    chronicle: &RefCell<Chronicle>,
) -> Result<Snapshot, LedgerError> {
    // Which question comes first decides which objects the others find read already.
    let key = Key::new(PARTITIONS[random.usize(0..3)], &random.u8(0..4).to_string()).unwrap();
    let got = view.get(&key).await?;
    let partition = PARTITIONS[random.usize(0..3)];
    let limit = random.usize(1..5);
    let mut page = view.scan(Range::partition(partition), Direction::Backward, limit).await?;
    let changes = view.changes(&PARTITIONS, Stamp::ZERO).await?;
    let sliced = in_slices(view, limit).await?;
    let all = view.scan(Range::all(), Direction::Forward, usize::MAX).await?;

    let mut live: Vec<(Key, Stamp)> = changes
        .items
        .iter()
        .filter(|change| change.value.is_some())
        .map(|change| (change.key.clone(), change.stamp))
        .collect();
    live.sort();
    let as_pair = |entry: &Entry| (entry.key.clone(), entry.stamp);
    page.reverse();
    let in_partition: Vec<_> = live.iter().filter(|(key, _)| key.partition() == partition).cloned().collect();
    let newest = &in_partition[in_partition.len().saturating_sub(limit)..];
    let agree = all.iter().map(as_pair).eq(live.iter().cloned())
        && sliced == changes
        && page.iter().map(as_pair).eq(newest.iter().cloned())
        && got.as_ref().map(as_pair).as_ref() == live.iter().find(|(live, _)| *live == key);
    if !agree {
        chronicle
            .borrow_mut()
            .complain(format!("one view, several answers: {got:?} {page:?} {all:?} {changes:?}"));
    }
    Ok(Snapshot::of(&changes))
}

/// All changes, by questions for a few at a time. What one view tells in slices it tells once, and in its latest state.
async fn in_slices(view: &View<'_, Store>, limit: usize) -> Result<Changes, LedgerError> {
    let mut all = Changes::default();
    let mut since = Some(Stamp::ZERO);
    while let Some(stamp) = since {
        let slice = view.oldest_changes(&PARTITIONS, stamp, limit).await?;
        all.items.extend(slice.items);
        all.ranges.extend(slice.ranges);
        since = slice.until;
    }
    Ok(all)
}

/// A request reads its own confirmed writes.
async fn own_reads(view: &View<'_, Store>, chronicle: &RefCell<Chronicle>) -> Result<(), LedgerError> {
    let Some(stamp) = view.greatest() else { return Ok(()) };
    let own = chronicle.borrow().attempts.iter().find(|attempt| attempt.stamp == stamp).cloned();
    let Some(own) = own else { return Ok(()) };
    for (key, value) in &own.entries {
        let got = view.get(key).await?.as_ref().map(text);
        if got != *value {
            chronicle.borrow_mut().complain(format!("own write of {key} not read: {value:?}, got {got:?}"));
        }
    }
    Ok(())
}
