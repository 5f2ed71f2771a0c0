//! Compaction: fewer and larger objects, in small steps that whatever request comes next can take.
//!
//! All that it knows is in the listing, so a step can die anywhere, and two can be taken at once: that costs space,
//! never data. Readers merge entries by stamp, so an entry that is stored twice is no harm; what was merged away is
//! removed when everybody can read what replaces it.

use std::sync::Arc;

use crate::body::Contents;
use crate::error::LedgerError;
use crate::ledger::Ledger;
use crate::limits::{
    FRESH_MERGE_EVERY, KEYS_IN_A_HURRY, MAX_INPUTS, MAX_MAINTENANCE_BYTES, MAX_MAINTENANCE_OPERATIONS,
    UNSEEN_OTHERS, UNSEEN_OTHERS_AT_LEISURE,
};
use crate::listing::Listing;
use crate::merge::{Input, Shape, merge, union};
use crate::overlap::{concern, lie_across, lowest_key_of, may_hide_some, meeting_point};
use crate::plan::{Plan, Removal, Task};
use crate::policy::level;
use crate::store::{Clock, KeyValue, Random};
use crate::view::View;

/// What one call of [`Ledger::maintain`] may do at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Store operations of any kind.
    pub operations: u32,
    /// Bytes read.
    pub bytes: u64,
}

impl Default for Budget {
    fn default() -> Self {
        Self { operations: MAX_MAINTENANCE_OPERATIONS, bytes: MAX_MAINTENANCE_BYTES }
    }
}

/// What one call of [`Ledger::maintain`] did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Maintenance {
    /// Objects that were merged into others.
    pub merged: usize,
    /// Objects that were removed.
    pub removed: usize,
    /// Whether the next request that calls may find something to do. No reason to call in a loop: it stays set while
    /// it is another's turn, or while damaged objects are in the way.
    pub more_to_do: bool,
}

/// A call of [`Ledger::maintain`].
struct Work<'w, S: KeyValue, C, R> {
    ledger: &'w Ledger<S, C, R>,
    left: Budget,
    done: Maintenance,
}

impl<S: KeyValue, C: Clock, R: Random> Ledger<S, C, R> {
    /// Does a bounded piece of what there is to do: removes objects that were merged long enough ago, and merges others.
    /// Best called after the reply of a request that committed. The view shows the same entries before and after.
    ///
    /// On a store with stale listings, requests that do not know of each other would all do the same work. So each does
    /// it with a chance that makes it likely to be done once.
    ///
    /// # Errors
    /// When the store fails. Nothing is harmed, and the next call goes on.
    pub async fn maintain(&self, view: &mut View<'_, S>, budget: Budget) -> Result<Maintenance, LedgerError> {
        let mut work = Work { ledger: self, left: budget, done: Maintenance::default() };
        work.remove_some(view).await?;
        work.merge_some(view).await?;
        Ok(work.done)
    }
}

impl<S: KeyValue, C: Clock, R: Random> Work<'_, S, C, R> {
    fn plan<'a>(&self, listing: &'a Listing) -> Plan<'a> {
        Plan::new(listing, self.ledger.timing(), self.ledger.now_ms(), self.ledger.policy())
    }

    async fn remove_some(&mut self, view: &mut View<'_, S>) -> Result<(), LedgerError> {
        let listing = view.listing();
        let plan = self.plan(&listing);
        let removals = plan.removals();
        self.done.more_to_do |= !removals.is_empty();
        if !self.is_my_turn(removals.len(), UNSEEN_OTHERS, &plan) {
            return Ok(());
        }
        if let Some(removal) = self.pick(&removals) {
            self.remove(view, &listing, removal).await?;
        }
        Ok(())
    }

    /// Removes inputs, if what replaces them can be read.
    async fn remove(
        &mut self,
        view: &mut View<'_, S>,
        listing: &Listing,
        removal: &Removal,
    ) -> Result<(), LedgerError> {
        if !self.can_read(view, listing, &removal.outputs, 1)
            || self.read_all(view, listing, &removal.outputs).await?.len() < removal.outputs.len()
        {
            return Ok(());
        }
        let mut removed = Vec::new();
        let mut result = Ok(());
        for index in removal.inputs.iter().take(self.left.operations as usize) {
            let input = listing.objects()[*index].text.as_str();
            self.left.operations -= 1;
            if let Err(error) = self.ledger.store().delete(input).await {
                result = Err(error.into());
                break;
            }
            removed.push(input);
        }
        view.forget(&removed);
        self.done.removed += removed.len();
        result
    }

    async fn merge_some(&mut self, view: &mut View<'_, S>) -> Result<(), LedgerError> {
        let listing = view.listing();
        let plan = self.plan(&listing);
        if let Some(Task::Merge { inputs, level }) = plan.fresh() {
            self.done.more_to_do = true;
            if self.ledger.draw().is_multiple_of(FRESH_MERGE_EVERY)
                && self.rewrite(view, &plan, &inputs, level).await?
            {
                return Ok(());
            }
        }
        let draw = self.ledger.draw();
        let stragglers = draw.is_multiple_of(plan.policy.stragglers_every);
        for (kind, tasks) in plan.kinds(stragglers.then_some(draw / plan.policy.stragglers_every)) {
            self.done.more_to_do |= !tasks.is_empty();
            let unseen = if kind.is_urgent() { UNSEEN_OTHERS } else { UNSEEN_OTHERS_AT_LEISURE };
            if !self.is_my_turn(tasks.len(), unseen, &plan) {
                continue;
            }
            let worked = match self.pick(&tasks) {
                None => false,
                Some(Task::Merge { inputs, level }) => self.rewrite(view, &plan, inputs, *level).await?,
                Some(Task::Fall { sources, level }) => self.fall(view, &plan, sources, *level).await?,
                Some(Task::Reconcile { pair }) => self.reconcile(view, &plan, pair).await?,
            };
            if worked {
                break;
            }
        }
        Ok(())
    }

    /// Merges what can be read of some objects. What cannot is left as it is: damaged bytes are never merged.
    async fn rewrite(
        &mut self,
        view: &mut View<'_, S>,
        plan: &Plan<'_>,
        indexes: &[usize],
        level: u8,
    ) -> Result<bool, LedgerError> {
        let outputs = self.likely_outputs(plan, indexes);
        let mut count = indexes.len();
        while count > 0 && !self.can_read(view, plan.listing, &indexes[..count], outputs) {
            count -= 1;
        }
        // Half a merge now costs more than a whole one with the next request; but some budgets are always small.
        if count < indexes.len()
            && (count < 2 || self.left.operations > MAX_INPUTS as u32 / 2 && count * 4 < indexes.len() * 3)
        {
            return Ok(false);
        }
        let inputs = self.read_all(view, plan.listing, &indexes[..count]).await?;
        let is_new = |input: &Input| input.name.level != level;
        if inputs.len() < 2 && !inputs.iter().any(is_new) {
            return Ok(false);
        }
        self.write(view, plan, &inputs, level, &[], indexes).await
    }

    /// Merges two bottom objects if they have something to do with each other, which their names could not tell.
    async fn reconcile(
        &mut self,
        view: &mut View<'_, S>,
        plan: &Plan<'_>,
        pair: &[usize; 2],
    ) -> Result<bool, LedgerError> {
        if !self.can_read(view, plan.listing, pair, self.likely_outputs(plan, pair)) {
            return Ok(false);
        }
        match self.read_all(view, plan.listing, pair).await?.as_slice() {
            inputs @ [a, b] if concern(&a.contents, &b.contents) => {
                self.write(view, plan, inputs, level::BOTTOM, &[], pair).await
            }
            _ => Ok(false),
        }
    }

    /// Merges objects with all that they meet at a resident level, or cuts them into pieces for which that can be done.
    async fn fall(
        &mut self,
        view: &mut View<'_, S>,
        plan: &Plan<'_>,
        sources: &[usize],
        level: u8,
    ) -> Result<bool, LedgerError> {
        if !self.can_read(view, plan.listing, sources, 1) {
            return Ok(false);
        }
        let mut inputs = self.read_all(view, plan.listing, sources).await?;
        if inputs.is_empty() {
            return Ok(false);
        }
        let contents = union(&inputs);
        let mut level = level;
        let mut met = self.met(plan, sources, &contents, level);
        if met.is_empty() && level == level::MIDDLE && holds_only_tombstones(&contents) {
            level = level::BOTTOM;
            met = self.met(plan, sources, &contents, level);
        }
        if met.iter().any(|meeting| !meeting.may_merge) {
            return Ok(false);
        }
        let indexes: Vec<usize> = met.iter().map(|meeting| meeting.index).collect();
        let all: Vec<usize> = sources.iter().chain(&indexes).copied().collect();
        if plan.sum(&all) > plan.policy.merge_bytes && met.len() > 1 || all.len() > MAX_INPUTS {
            let cuts = self.cuts(plan, &contents, &met);
            if !cuts.is_empty() {
                return self.write(view, plan, &inputs, level - 1, &cuts, sources).await;
            }
            let falling = Falling { inputs, contents: &contents, sources, level };
            return self.fall_among(view, plan, falling, &indexes).await;
        }
        if !self.can_read(view, plan.listing, &indexes, self.likely_outputs(plan, &all)) {
            return Ok(false);
        }
        let residents = self.read_all(view, plan.listing, &indexes).await?;
        let cuts = cuts_around_others(plan, level, &all, &residents);
        inputs.extend(residents);
        self.write(view, plan, &inputs, level, &cuts, &all).await
    }

    /// Merges what falls with some of what it may meet, where that is too much for one merge and no cut makes it less: the
    /// names of objects with several partitions do not tell where in these they lie. What really has a key of it comes
    /// first. Values that it does not come to replace or hide are found as [stragglers](Plan::kinds).
    async fn fall_among(
        &mut self,
        view: &mut View<'_, S>,
        plan: &Plan<'_>,
        falling: Falling<'_>,
        met: &[usize],
    ) -> Result<bool, LedgerError> {
        let Falling { mut inputs, contents, sources, level } = falling;
        let can_read = |count: &usize| {
            self.can_read(view, plan.listing, &met[..*count], self.likely_outputs(plan, &met[..*count]))
        };
        let readable = (1..=met.len()).rev().find(can_read).unwrap_or(0);
        let mut known = Vec::new();
        for index in &met[..readable] {
            let read = self.read_all(view, plan.listing, &[*index]).await?;
            known.extend(read.into_iter().map(|resident| (*index, resident)));
        }
        known.sort_by_key(|(_, resident)| {
            (!concern(contents, &resident.contents), resident.name.size_bytes())
        });
        let mut indexes = sources.to_vec();
        let mut residents = Vec::new();
        for (index, resident) in known {
            indexes.push(index);
            if indexes.len() <= MAX_INPUTS && plan.sum(&indexes) <= plan.policy.merge_bytes {
                residents.push(resident);
            } else {
                indexes.pop();
            }
        }
        if residents.is_empty() {
            return Ok(false);
        }
        let cuts = cuts_around_others(plan, level, &indexes, &residents);
        inputs.extend(residents);
        self.write(view, plan, &inputs, level, &cuts, &indexes).await
    }

    /// What of a level has keys in common with what falls: of tombstones alone, only what they may hide.
    fn met(&self, plan: &Plan<'_>, sources: &[usize], contents: &Contents, level: u8) -> Vec<Meeting> {
        let only_tombstones = holds_only_tombstones(contents);
        let residents = plan.residents(level).filter(|(index, _)| !sources.contains(index));
        let mut met: Vec<Meeting> = residents
            .filter_map(|(index, may_merge)| {
                let name = plan.name(index);
                let at = meeting_point(contents, name)?;
                (!only_tombstones || may_hide_some(contents, name)).then_some(Meeting {
                    at,
                    index,
                    may_merge,
                })
            })
            .collect();
        if let ([], level::BOTTOM, [source]) = (met.as_slice(), level, sources)
            && let Some((index, may_merge)) = plan.neighbour(plan.name(*source))
        {
            met.push(Meeting { at: lowest_key(contents).unwrap_or_default().to_vec(), index, may_merge });
        }
        met.sort();
        met
    }

    /// The keys before which to cut, so that each piece meets no more than can be merged at once.
    fn cuts(&self, plan: &Plan<'_>, contents: &Contents, met: &[Meeting]) -> Vec<Vec<u8>> {
        let lowest = lowest_key(contents);
        let size_of = |meeting: &Meeting| u64::from(plan.name(meeting.index).size_bytes);
        let all: u64 = met.iter().map(size_of).sum();
        // A tenth is for what is not spread evenly, and each piece brings its share.
        let room = plan.policy.merge_bytes / 10 * 9 * all / (all + contents.value_bytes()).max(1);
        let mut cuts: Vec<Vec<u8>> = Vec::new();
        let (mut bytes, mut count) = (0, 0);
        for meeting in met {
            let size = size_of(meeting);
            if count > 0 && (bytes + size > room || count + 2 > MAX_INPUTS) {
                (bytes, count) = (0, 0);
                if cuts.last().is_none_or(|last| *last < meeting.at) && Some(meeting.at.as_slice()) > lowest {
                    cuts.push(meeting.at.clone());
                }
            }
            bytes += size;
            count += 1;
        }
        // Pieces that are still too wide are cut again when it is their turn.
        let most = plan.policy.pieces.min(self.left.operations as usize).saturating_sub(1);
        let step = cuts.len().div_ceil(most.max(1)).max(1);
        cuts.into_iter().skip(step / 2).step_by(step).take(most).collect()
    }

    /// Writes the union of `inputs`. Whether it could be written.
    async fn write(
        &mut self,
        view: &mut View<'_, S>,
        plan: &Plan<'_>,
        inputs: &[Input],
        level: u8,
        cuts: &[Vec<u8>],
        indexes: &[usize],
    ) -> Result<bool, LedgerError> {
        let shape = Shape {
            made_ms: self.making_ms(inputs),
            level,
            below: plan.below(level, indexes),
            cuts: cuts.to_vec(),
            policy: plan.policy,
        };
        let Some(outputs) = merge(inputs, &shape) else { return Ok(false) };
        let is_idle = cuts.is_empty() && outputs.len() >= inputs.len() && have_settled(inputs, level);
        let is_torn = outputs.len() > 1 && inputs.iter().any(|input| plan.is_unsettled(&input.name));
        if is_idle || is_torn || outputs.len() > self.left.operations as usize {
            return Ok(false);
        }
        for output in outputs {
            self.left.operations -= 1;
            self.ledger.store().set(&output.name, &output.body).await?;
            view.absorb(&output.name, output.contents);
        }
        self.done.merged += inputs.len();
        self.done.more_to_do = true;
        Ok(true)
    }

    /// When a compaction counts as made: not before it is, and not before its inputs were.
    fn making_ms(&self, inputs: &[Input]) -> u64 {
        let step_ms = self.ledger.timing().made_step_ms();
        let now_ms = self.ledger.now_ms().div_ceil(step_ms).saturating_mul(step_ms);
        inputs.iter().map(|input| input.name.made_ms).fold(now_ms, u64::max)
    }

    /// How many objects their union is likely to be at most.
    fn likely_outputs(&self, plan: &Plan<'_>, indexes: &[usize]) -> u32 {
        // Parts are more than half full, but for the last, and for what tombstones send on down.
        2 + (2 * plan.sum(indexes) / plan.policy.object_bytes as u64) as u32
    }

    /// Whether this request shall do one of `tasks` that as many others as commits are unseen may see as well, and some
    /// that this one does not see either. To do twice what can be done a little later costs more than to wait.
    fn is_my_turn(&self, tasks: usize, unseen: usize, plan: &Plan<'_>) -> bool {
        let alone = plan.timing.staleness_ms == 0 || plan.listing.key_count() >= KEYS_IN_A_HURRY;
        let others = (plan.unaware() + 1).max(unseen) as u64;
        tasks > 0 && (alone || self.ledger.draw() % others < tasks as u64)
    }

    /// One of the tasks: others likely do another, and none that fails is in the way for ever.
    fn pick<'t, T>(&self, tasks: &'t [T]) -> Option<&'t T> {
        let index = if tasks.len() < 2 { 0 } else { self.ledger.draw() as usize % tasks.len() };
        tasks.get(index)
    }

    /// Whether all of some objects can be read within the budget, and `reserved` operations are left.
    fn can_read(&self, view: &View<'_, S>, listing: &Listing, indexes: &[usize], reserved: u32) -> bool {
        let unread = || {
            let objects = indexes.iter().map(|index| &listing.objects()[*index]);
            objects.filter(|object| !view.is_loaded(&object.text))
        };
        let bytes: u64 = unread().map(|object| u64::from(object.name.size_bytes)).sum();
        unread().count() as u64 + u64::from(reserved) <= u64::from(self.left.operations)
            && bytes <= self.left.bytes
    }

    /// Reads objects, which have to be within the budget. Leaves out what cannot be read.
    async fn read_all(
        &mut self,
        view: &View<'_, S>,
        listing: &Listing,
        indexes: &[usize],
    ) -> Result<Vec<Input>, LedgerError> {
        let mut inputs = Vec::with_capacity(indexes.len());
        for object in indexes.iter().map(|index| &listing.objects()[*index]) {
            if !view.is_loaded(&object.text) {
                self.left.operations = self.left.operations.saturating_sub(1);
                self.left.bytes = self.left.bytes.saturating_sub(u64::from(object.name.size_bytes));
            }
            if let Some(contents) = view.read_object(object).await? {
                inputs.push(Input { name: object.name.clone(), contents: Arc::clone(&contents) });
            }
        }
        Ok(inputs)
    }
}

/// What is on its way to a level.
struct Falling<'f> {
    inputs: Vec<Input>,
    /// Their union.
    contents: &'f Contents,
    sources: &'f [usize],
    level: u8,
}

/// An object that has keys in common with something, from this one on.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Meeting {
    at: Vec<u8>,
    index: usize,
    may_merge: bool,
}

/// Keys before which to cut the union of some residents of a level, so that it does not reach across others that lie
/// between and are not part of it.
fn cuts_around_others(plan: &Plan<'_>, level: u8, inputs: &[usize], residents: &[Input]) -> Vec<Vec<u8>> {
    let mut outlines: Vec<_> = residents
        .iter()
        .filter_map(|input| {
            Some((lowest_key(&input.contents)?, highest_key(&input.contents)?, &input.contents))
        })
        .collect();
    outlines.sort_by_key(|(low, ..)| *low);
    let others: Vec<_> = plan.residents(level).filter(|(index, _)| !inputs.contains(index)).collect();
    let lies_between = |(_, high, contents): &(&[u8], &[u8], &Arc<Contents>), low: &[u8]| {
        others.iter().any(|(index, _)| {
            let start = lowest_key_of(plan.name(*index), contents);
            start.is_some_and(|start| *high < start.as_slice() && start.as_slice() < low)
        })
    };
    let pairs = outlines.windows(2).filter(|pair| pair[0].1 < pair[1].0 && lies_between(&pair[0], pair[1].0));
    pairs.map(|pair| pair[1].0.to_vec()).collect()
}

fn highest_key(contents: &Contents) -> Option<&[u8]> {
    let records = contents.records.last().map(|record| record.key.as_bytes());
    let ranges = contents.ranges.iter().map(|tombstone| tombstone.range.end());
    records.into_iter().chain(ranges).max()
}

/// Whether objects are at their level and have nothing to do with each other. If merging makes no fewer of them, it would be
/// done again and again.
fn have_settled(inputs: &[Input], level: u8) -> bool {
    let concerns = |a: &Input, b: &Input| lie_across(&a.name, &b.name) || concern(&a.contents, &b.contents);
    inputs.iter().all(|input| input.name.level == level)
        && !inputs.iter().enumerate().any(|(index, a)| inputs[index + 1..].iter().any(|b| concerns(a, b)))
}

fn holds_only_tombstones(contents: &Contents) -> bool {
    contents.records.iter().all(|record| record.value.is_none())
}

fn lowest_key(contents: &Contents) -> Option<&[u8]> {
    let records = contents.records.first().map(|record| record.key.as_bytes());
    let ranges = contents.ranges.iter().map(|tombstone| tombstone.range.start());
    records.into_iter().chain(ranges).min()
}
