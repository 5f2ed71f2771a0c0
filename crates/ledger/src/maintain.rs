//! Compaction: fewer and larger objects, in small steps that whatever request comes next can take.
//!
//! All that it knows is in the listing, so a step can die anywhere, and two can be taken at once: that costs space,
//! never data. Readers merge entries by stamp, so an entry that is stored twice is no harm; what was merged away is
//! removed when everybody can read what replaces it.

use std::sync::Arc;

use crate::error::LedgerError;
use crate::ledger::Ledger;
use crate::limits::{
    FRESH_MERGE_EVERY, FULL_OBJECT_BYTES, KEYS_IN_A_HURRY, MAX_MAINTENANCE_BYTES, MAX_MAINTENANCE_OPERATIONS,
    MAX_TRIES,
};
use crate::listing::Listing;
use crate::merge::{Input, merge};
use crate::plan::{MADE_STEP_MS, Plan, Removal};
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
        let mut done = Maintenance::default();
        let mut left = budget;
        self.remove_some(view, &mut left, &mut done).await?;
        self.merge_some(view, &mut left, &mut done).await?;
        let listing = view.listing();
        let plan = self.plan(&listing);
        done.more_to_do =
            !(plan.removals().is_empty() && plan.merges().is_empty() && plan.erasures().is_empty());
        Ok(done)
    }

    fn plan<'a>(&self, listing: &'a Listing) -> Plan<'a> {
        Plan { listing, timing: self.timing(), now_ms: self.now_ms(), merge_from: self.merge_from() }
    }

    async fn remove_some(
        &self,
        view: &mut View<'_, S>,
        left: &mut Budget,
        done: &mut Maintenance,
    ) -> Result<(), LedgerError> {
        let listing = view.listing();
        let plan = self.plan(&listing);
        let removals = plan.removals();
        if !self.is_my_turn(removals.len(), &plan) {
            return Ok(());
        }
        for removal in self.starting_anywhere(&removals).take(MAX_TRIES) {
            if self.remove(view, &listing, removal, left, done).await? {
                break;
            }
        }
        Ok(())
    }

    /// Removes inputs, having read what replaces them. Whether it could be read.
    async fn remove(
        &self,
        view: &mut View<'_, S>,
        listing: &Listing,
        removal: &Removal,
        left: &mut Budget,
        done: &mut Maintenance,
    ) -> Result<bool, LedgerError> {
        if read_all(view, listing, &removal.outputs, left, 1).await?.len() < removal.outputs.len() {
            return Ok(false);
        }
        let mut removed = Vec::new();
        let mut result = Ok(true);
        for index in removal.inputs.iter().take(left.operations as usize) {
            let input = listing.objects()[*index].text.as_str();
            left.operations -= 1;
            if let Err(error) = self.store().delete(input).await {
                result = Err(error.into());
                break;
            }
            removed.push(input);
        }
        view.forget(&removed);
        done.removed += removed.len();
        result
    }

    async fn merge_some(
        &self,
        view: &mut View<'_, S>,
        left: &mut Budget,
        done: &mut Maintenance,
    ) -> Result<(), LedgerError> {
        let listing = view.listing();
        let plan = self.plan(&listing);
        if let Some(fresh) = plan.fresh()
            && self.draw().is_multiple_of(FRESH_MERGE_EVERY)
        {
            self.merge_these(view, &listing, &fresh, left, done).await?;
            return Ok(());
        }
        let mut merges = plan.merges();
        if merges.is_empty() {
            merges = plan.erasures();
        }
        if !self.is_my_turn(merges.len(), &plan) {
            return Ok(());
        }
        for merge in self.starting_anywhere(&merges).take(MAX_TRIES) {
            if self.merge_these(view, &listing, merge, left, done).await? {
                break;
            }
        }
        Ok(())
    }

    /// Merges what can be read of some objects. What cannot is left as it is: damaged bytes are never merged.
    async fn merge_these(
        &self,
        view: &mut View<'_, S>,
        listing: &Listing,
        indexes: &[usize],
        left: &mut Budget,
        done: &mut Maintenance,
    ) -> Result<bool, LedgerError> {
        let size = |index: &usize| u64::from(listing.objects()[*index].name.size_bytes);
        // Each part but the last is nearly full, and merging may add to each entry what it shared with its commit.
        let outputs = 2 + indexes.iter().map(size).sum::<u64>() / u64::from(FULL_OBJECT_BYTES);
        let inputs = read_all(view, listing, indexes, left, outputs as u32).await?;
        if inputs.len() < 2 {
            return Ok(false);
        }
        let Some(outputs) = merge(&inputs, self.making_ms(&inputs)) else { return Ok(false) };
        if outputs.len() > left.operations as usize {
            return Ok(false);
        }
        for output in outputs {
            left.operations -= 1;
            self.store().set(&output.name, &output.body).await?;
            view.absorb(&output.name, output.contents);
        }
        done.merged += inputs.len();
        Ok(true)
    }

    /// When a compaction counts as made: not before it is, and not before its inputs were.
    fn making_ms(&self, inputs: &[Input]) -> u64 {
        let now_ms = self.now_ms().div_ceil(MADE_STEP_MS).saturating_mul(MADE_STEP_MS);
        inputs.iter().map(|input| input.name.made_ms).fold(now_ms, u64::max)
    }

    /// Whether this request shall do one of `tasks` that as many others as commits are unseen may see as well.
    fn is_my_turn(&self, tasks: usize, plan: &Plan<'_>) -> bool {
        let others = plan.unaware();
        tasks > 0
            && (others <= tasks
                || plan.listing.key_count() >= KEYS_IN_A_HURRY
                || self.draw() % (others as u64) < tasks as u64)
    }

    /// All tasks, from a random one on, so that others likely do another, and none that fails is in the way for ever.
    fn starting_anywhere<'t, T>(&self, tasks: &'t [T]) -> impl Iterator<Item = &'t T> {
        let start = if self.timing().staleness_ms == 0 && tasks.len() < 2 { 0 } else { self.draw() as usize };
        let start = start % tasks.len().max(1);
        tasks[start..].iter().chain(&tasks[..start])
    }
}

/// Reads objects within the budget; `reserved` operations are not for reading. Leaves out what cannot be read.
async fn read_all<S: KeyValue>(
    view: &View<'_, S>,
    listing: &Listing,
    indexes: &[usize],
    left: &mut Budget,
    reserved: u32,
) -> Result<Vec<Input>, LedgerError> {
    let mut inputs = Vec::with_capacity(indexes.len());
    for object in indexes.iter().map(|index| &listing.objects()[*index]) {
        let known = view.is_loaded(&object.text);
        let bytes = u64::from(object.name.size_bytes);
        if !known {
            if left.operations <= reserved || left.bytes < bytes {
                break;
            }
            left.operations -= 1;
            left.bytes -= bytes;
        }
        if let Some(contents) = view.read_object(object).await? {
            inputs.push(Input { name: object.name.clone(), contents: Arc::clone(&contents) });
        }
    }
    Ok(inputs)
}
