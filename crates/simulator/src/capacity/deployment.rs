//! One deployment's requests, one after the other, over the stale store.

use super::content::{Content, keys};
use super::meter::{Meter, sum};
use super::mirror::{Mirror, Writes};
use crate::drive;
use anyhow::{Context as _, Result, bail};
use std::collections::{BTreeMap, HashSet};
use std::fmt;
use tidings_ledger::testing::{Faults, ManualClock, ModelStore, Operations, SeededRandom, SkewedClock};
use tidings_ledger::{Budget, Direction, Key, Ledger, LedgerError, ObjectName, Range, Tag, Timing, View};
use tidings_protocol::RecordId;

/// D: how stale the store is, in milliseconds.
pub(super) const STALENESS_MS: u64 = 60_000;

/// How long after the time in its name a merge is written at most, in milliseconds: latencies and clocks.
const WRITING_MS: u64 = 5_000;

/// An operation takes up to so long, in milliseconds.
const LATENCY_MS: u64 = 20;

/// Clocks of two requests lie at most so far apart, in milliseconds: well kept ones. The ledger is told of a minute.
const CLOCK_ERROR_MS: i64 = 2_000;

/// Entries of a page.
const PAGE: usize = 50;

/// How often a request that could not read is made again, and after how long.
const TRIES: usize = 10;
const TRY_AGAIN_MS: u64 = 5_000;

/// What a request looks at before it commits.
#[derive(Debug, Clone)]
pub(super) enum Read {
    /// The newest page of a partition.
    Newest(String),
    /// One entry.
    Point(Key),
    /// All pieces of a picture.
    Picture(RecordId),
    /// All of a range, as the rules need it to decide.
    All(Range),
}

pub(super) struct Deployment {
    pub store: ModelStore,
    pub clock: ManualClock,
    pub random: fastrand::Rng,
    pub content: Content,
    pub mirror: Mirror,
    pub meter: Meter,
    timing: Timing,
}

type OneLedger = Ledger<ModelStore, SkewedClock, SeededRandom>;

impl Deployment {
    pub fn new(seed: u64, start_ms: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let clock = ManualClock::at(start_ms);
        let faults = Faults { staleness_ms: STALENESS_MS, latency_ms: LATENCY_MS, ..Faults::default() };
        Self {
            store: ModelStore::new(random.u64(..), clock.clone(), faults),
            clock,
            content: Content::new(random.fork()),
            random,
            mirror: Mirror::default(),
            meter: Meter::default(),
            timing: Timing::replicated(STALENESS_MS),
        }
    }

    /// Time in which everything becomes visible and everything that waits for it may happen.
    pub fn settling_ms(&self) -> u64 {
        self.timing.grace_ms()
    }

    /// What somebody looks at, and then what they do: each a request of its own, as the app makes them.
    pub fn request(&mut self, reads: &[Read], writes: Writes) -> Result<()> {
        let (needed, looks): (Vec<Read>, Vec<Read>) =
            reads.iter().cloned().partition(|read| matches!(read, Read::All(_)));
        for look in looks {
            self.persist(&[look], None)?;
        }
        self.persist(&needed, Some(writes))
    }

    /// A request, made again while what is listed cannot be read.
    fn persist(&mut self, reads: &[Read], mut writes: Option<Writes>) -> Result<()> {
        for _ in 0..TRIES {
            match drive(self.attempt(reads, &mut writes)) {
                Ok(()) => {
                    let held = self.store.held();
                    self.meter.max_keys = self.meter.max_keys.max(held.keys);
                    self.meter.max_bytes = self.meter.max_bytes.max(held.bytes);
                    return Ok(());
                }
                Err(LedgerError::Unavailable { .. }) => {
                    self.meter.unavailable += 1;
                    self.store.take_operations();
                    self.clock.advance(TRY_AGAIN_MS);
                }
                Err(error) => return Err(error).context("a request failed"),
            }
        }
        bail!("what is listed could not be read in {TRIES} requests")
    }

    /// A ledger as one request has it.
    pub fn ledger(&mut self) -> OneLedger {
        let ahead_ms = self.random.i64(-CLOCK_ERROR_MS / 2..=CLOCK_ERROR_MS / 2);
        let clock = SkewedClock::new(self.clock.clone(), ahead_ms);
        Ledger::new(self.store.request(), clock, SeededRandom::new(self.random.u64(..)), self.timing)
    }

    /// A fresh view, reads, and for who writes one commit and a piece of maintenance with what is left of the budget.
    async fn attempt(&mut self, reads: &[Read], writes: &mut Option<Writes>) -> Result<(), LedgerError> {
        let ledger = self.ledger();
        self.store.take_operations();
        let mut view = ledger.view().await?;
        let mut writing = self.store.take_operations();
        let mut reading = Operations::default();
        for read in reads {
            reading = sum(reading, self.read(&view, read).await?);
        }
        // Given away, since after a failure it would not be known whether the commit was made.
        let Some(writes) = writes.take() else {
            self.meter.request(sum(reading, writing), Operations::default());
            return Ok(());
        };
        match ledger.commit(&mut view, writes.batch()).await {
            Ok(committed) => {
                self.meter.commits += 1;
                self.mirror.apply(writes, committed.stamp, self.store.true_ms());
            }
            Err(LedgerError::Full { .. }) => self.meter.refused += 1,
            Err(error) => return Err(error),
        }
        writing = sum(writing, self.store.take_operations());
        match ledger.maintain(&mut view, budget_left(sum(reading, writing))).await {
            Ok(done) => {
                self.meter.merged += done.merged as u64;
                self.meter.removed += done.removed as u64;
            }
            Err(_) => self.meter.failed_maintenance += 1,
        }
        writing = sum(writing, self.store.take_operations());
        self.meter.request(reading, writing);
        Ok(())
    }

    async fn read(&mut self, view: &View<'_, ModelStore>, read: &Read) -> Result<Operations, LedgerError> {
        let settled_ms = self.store.true_ms().saturating_sub(2 * STALENESS_MS);
        match read {
            Read::Newest(partition) => {
                view.page(Range::partition(partition), Direction::Backward, PAGE).await?;
                let operations = self.store.take_operations();
                let around = Around::of(view, partition);
                self.meter.pages.add(operations.gets, around.unmerged(), || {
                    format!("newest page of {partition}, {around}")
                });
                Ok(operations)
            }
            Read::Point(key) => {
                let entry = view.get(key).await?;
                let operations = self.store.take_operations();
                let around = Around::of(view, key.partition());
                self.meter
                    .points
                    .add(operations.gets, around.unmerged(), || format!("entry {key}, {around}"));
                if self.mirror.contradicts(key, entry.as_ref(), settled_ms) {
                    self.meter.wrong_reads.push(format!("{key} at {}", self.store.true_ms()));
                }
                Ok(operations)
            }
            Read::Picture(id) => self.read_all(view, keys::pieces(*id)).await,
            Read::All(range) => self.read_all(view, range.clone()).await,
        }
    }

    async fn read_all(&self, view: &View<'_, ModelStore>, range: Range) -> Result<Operations, LedgerError> {
        view.scan(range, Direction::Forward, usize::MAX).await?;
        Ok(self.store.take_operations())
    }

    /// A request that changes next to nothing.
    pub fn quiet_request(&mut self, friend: &tidings_protocol::Fingerprint) -> Result<()> {
        let value = self.content.served(self.store.true_ms());
        self.request(&[], Writes::put(keys::served(friend)?, value))
    }
}

/// What a request that has done so much may still do.
fn budget_left(spent: Operations) -> Budget {
    let Budget { operations, bytes } = Budget::default();
    Budget {
        operations: operations.saturating_sub(u32::try_from(spent.total()).unwrap_or(u32::MAX)),
        bytes: bytes.saturating_sub(spent.bytes_read),
    }
}

/// The listed objects that may touch a partition.
#[derive(Debug, Default)]
struct Around {
    /// Unmerged commits: those that no listed object names as its input, and those whose merge is so young that it may
    /// not be readable yet, so that they are read in its place.
    commits: u64,
    /// Of them those with a young merge.
    just_merged: u64,
    /// Compactions that stand, by level.
    merged: BTreeMap<u8, u64>,
    /// Of them those whose inputs still wait for the end of their grace, so that nobody may merge them any further.
    in_grace: u64,
    /// Other objects that listed ones name as their inputs.
    named: u64,
}

impl Around {
    fn of(view: &View<'_, ModelStore>, partition: &str) -> Self {
        let objects = view.objects();
        let appeared_ms = view.made_at_ms().saturating_sub(STALENESS_MS + WRITING_MS);
        let (old, young): (Vec<_>, Vec<_>) =
            objects.iter().partition(|object| object.made_ms() <= appeared_ms);
        let inputs = |of: &[&ObjectName]| -> HashSet<_> {
            of.iter().flat_map(|object| object.inputs().iter().copied()).collect()
        };
        let (inputs, young_inputs) = (inputs(&old), inputs(&young));
        let listed: HashSet<_> = objects.iter().map(ObjectName::id).collect();
        let in_grace = |object: &ObjectName| object.inputs().iter().any(|input| listed.contains(input));
        let tag = Tag::of(partition);
        let mut around = Self::default();
        for object in objects.iter().filter(|object| object.partitions().may_contain(tag)) {
            match object.level() {
                _ if inputs.contains(&object.id()) => around.named += 1,
                0 => {
                    around.commits += 1;
                    around.just_merged += u64::from(young_inputs.contains(&object.id()));
                }
                _ if young_inputs.contains(&object.id()) => around.named += 1,
                level => {
                    around.in_grace += u64::from(in_grace(object));
                    *around.merged.entry(level).or_default() += 1;
                }
            }
        }
        around
    }

    /// What could not be merged any further so far.
    fn unmerged(&self) -> u64 {
        self.commits + self.in_grace
    }
}

impl fmt::Display for Around {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { commits, just_merged, named, in_grace, .. } = self;
        write!(
            f,
            "which {commits} unmerged commits touch ({just_merged} with a young merge), {in_grace} merged within the grace, {named} inputs"
        )?;
        for (level, count) in &self.merged {
            write!(f, ", {count} of level {level}")?;
        }
        Ok(())
    }
}
