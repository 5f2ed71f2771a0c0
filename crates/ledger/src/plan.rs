//! What maintenance there is to do, from a listing alone.

use std::collections::{HashMap, HashSet};

use crate::limits::{FULL_OBJECT_BYTES, MAX_INPUTS, MAX_MERGE_BYTES, MERGE_FROM};
use crate::listing::{Listing, Replacement};
use crate::name::{ObjectId, ObjectName, Partitions, Span};
use crate::timing::Timing;

/// Coarseness of the time that compactions are made at, in milliseconds: those who compact the same within it agree.
pub(crate) const MADE_STEP_MS: u64 = 10_000;

/// The listing as maintenance sees it. Indexes are those of [`Listing::objects`].
pub(crate) struct Plan<'a> {
    pub listing: &'a Listing,
    pub timing: Timing,
    pub now_ms: u64,
    /// See [`MERGE_FROM`].
    pub merge_from: [usize; TIERS],
}

/// Inputs that may go once their replacement was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Removal {
    pub outputs: Vec<usize>,
    pub inputs: Vec<usize>,
}

impl Plan<'_> {
    /// What can be removed: inputs of compactions that are complete and older than the grace, unless own inputs of
    /// theirs are still listed. Those would be read again, had they nobody left who names them.
    pub fn removals(&self) -> Vec<Removal> {
        if self.is_suspended() {
            return Vec::new();
        }
        let by_id = self.indexes_by_id();
        let groups = self.listing.replacements();
        let removals = groups.filter_map(|group| self.removal(&group, &by_id));
        removals.collect()
    }

    fn removal(&self, group: &Replacement<'_>, by_id: &HashMap<ObjectId, Option<usize>>) -> Option<Removal> {
        let names = || group.members.iter().map(|member| self.name(*member));
        let made_ms = names().map(ObjectName::made_ms).max()?;
        let due_ms = made_ms.saturating_add(self.timing.grace_ms());
        // Where some are gone, another request just removes them: what is still listed may be stale.
        let begun = group.inputs.iter().any(|id| !self.listing.has(*id));
        let wait_ms = if begun { 2 * self.timing.staleness_ms } else { 0 };
        if due_ms.saturating_add(wait_ms) > self.now_ms {
            return None;
        }
        let greatest = names().map(ObjectName::greatest).min()?;
        let gone = |index: &usize| {
            let input = self.name(*index);
            // Otherwise it is not its input but another object that came by the same identifier.
            let is_input = input.greatest <= greatest && !group.members.contains(index);
            is_input && !input.inputs.iter().any(|id| self.listing.has(*id))
        };
        let listed = group.inputs.iter().filter_map(|id| *by_id.get(id)?);
        let inputs: Vec<usize> = listed.filter(gone).collect();
        (!inputs.is_empty()).then(|| Removal { outputs: group.members.to_vec(), inputs })
    }

    /// A clock that is too far ahead would end every grace early. If it is another's that is, time will tell.
    fn is_suspended(&self) -> bool {
        let latest_ms = self.now_ms.saturating_add(self.timing.clock_error_ms);
        self.listing.objects().iter().any(|object| {
            object.name.greatest.ms() > latest_ms
                || object.name.made_ms > latest_ms.saturating_add(MADE_STEP_MS)
        })
    }

    /// Merges that make fewer objects of many: of commits, and of compactions of about the same size. Oldest first.
    pub fn merges(&self) -> Vec<Vec<usize>> {
        let mut tiers: Vec<Vec<usize>> = vec![Vec::new(); TIERS];
        for index in self.candidates().filter(|index| self.name(*index).size_bytes < FULL_OBJECT_BYTES) {
            tiers[tier(self.name(index))].push(index);
        }
        // Younger ones are `fresh`; others may have merged them without being seen.
        tiers[0].retain(|index| self.age_in_stalenesses(*index) >= 2);
        let mut merges = Vec::new();
        for (members, least) in tiers.into_iter().zip(self.merge_from) {
            self.chunks(members, least, &mut merges);
        }
        merges
    }

    /// The merge of the youngest commits that should be visible to all. While time goes on they are always others, so
    /// that requests that do not know of each other merge different ones. None where nothing is ever stale.
    pub fn fresh(&self) -> Option<Vec<usize>> {
        let commit = |index: &usize| {
            let name = self.name(*index);
            name.level == 0 && name.size_bytes < FULL_OBJECT_BYTES && self.age_in_stalenesses(*index) == 1
        };
        let mut commits: Vec<usize> = self.candidates().filter(commit).collect();
        commits.sort_by_key(|index| (std::cmp::Reverse(self.name(*index).made_ms), *index));
        let count = self.fitting(commits.iter().copied());
        commits.truncate(count);
        (count >= self.merge_from[0]).then_some(commits)
    }

    /// 0: need not be visible yet; 1: visible, but others may have merged it unseen; 2: all is known.
    fn age_in_stalenesses(&self, index: usize) -> u64 {
        let age_ms = self.now_ms.saturating_sub(self.name(index).made_ms);
        age_ms.checked_div(self.timing.staleness_ms).unwrap_or(2).min(2)
    }

    /// Cuts a tier into merges, each of as many as one can take.
    fn chunks(&self, mut members: Vec<usize>, least: usize, merges: &mut Vec<Vec<usize>>) {
        members.sort_by_key(|index| (self.name(*index).made_ms, *index));
        let mut rest = members.as_slice();
        while rest.len() >= least {
            let count = self.fitting(rest.iter().copied());
            if count < 2 {
                return;
            }
            let (chunk, others) = rest.split_at(count);
            merges.push(chunk.to_vec());
            rest = others;
        }
    }

    /// Merges that bring tombstones together with what they hide, so that it is no longer stored.
    ///
    /// A merge is tried again when the tombstones have twice the age, since names tell only that objects may overlap.
    pub fn erasures(&self) -> Vec<Vec<usize>> {
        let candidates: Vec<usize> = self.candidates().collect();
        let due = |index: &&usize| {
            let name = self.name(**index);
            let wait_ms = self.timing.grace_ms().max(name.made_ms.saturating_sub(name.greatest.ms()));
            (name.kinds.tombstones || name.kinds.range_tombstones)
                && name.made_ms.saturating_add(wait_ms) <= self.now_ms
        };
        let plan = |tombstones: &usize| {
            let name = self.name(*tombstones);
            let mut plan = vec![*tombstones];
            plan.extend(candidates.iter().filter(|other| may_hide(name, self.name(**other))));
            plan[1..].sort_by_key(|index| (self.name(*index).made_ms, *index));
            plan.truncate(self.fitting(plan.iter().copied()));
            (plan.len() > 1).then_some(plan)
        };
        candidates.iter().filter(due).filter_map(plan).collect()
    }

    /// Objects that nothing listed replaces, and whose own inputs are gone. So an object is removed at least a grace after
    /// its inputs were: else a stale listing could show an input that nothing listed names any more.
    ///
    /// Those that a broken clock made are left alone: what is made of them would have to be as young.
    fn candidates(&self) -> impl Iterator<Item = usize> {
        let latest_ms = self.now_ms.saturating_add(self.timing.clock_error_ms).saturating_add(MADE_STEP_MS);
        let standing = self.listing.standing().into_iter();
        standing.filter(move |index| {
            let name = self.name(*index);
            name.made_ms <= latest_ms && !name.inputs.iter().any(|input| self.listing.has(*input))
        })
    }

    /// How many of the first objects can be merged at once.
    fn fitting(&self, indexes: impl Iterator<Item = usize>) -> usize {
        let mut bytes = 0;
        let fits = |index: &usize| {
            bytes += u64::from(self.name(*index).size_bytes);
            bytes <= MAX_MERGE_BYTES
        };
        indexes.take(MAX_INPUTS).take_while(fits).count()
    }

    /// How many commits others may have made that need not know of what was merged or removed meanwhile.
    pub fn unaware(&self) -> usize {
        if self.timing.staleness_ms == 0 {
            return 0;
        }
        let since_ms = self.now_ms.saturating_sub(self.timing.staleness_ms);
        let objects = self.listing.objects().iter();
        objects.filter(|object| object.name.level == 0 && object.name.made_ms > since_ms).count()
    }

    /// `None` stands for an identifier that several objects have: nothing can be said of it.
    fn indexes_by_id(&self) -> HashMap<ObjectId, Option<usize>> {
        let mut indexes = HashMap::new();
        for (index, object) in self.listing.objects().iter().enumerate() {
            indexes.entry(object.name.id).and_modify(|known| *known = None).or_insert(Some(index));
        }
        indexes
    }

    fn name(&self, index: usize) -> &ObjectName {
        &self.listing.objects()[index].name
    }
}

const TIERS: usize = MERGE_FROM.len();

/// Commits, then compactions by size, each tier for objects of four times the size.
fn tier(name: &ObjectName) -> usize {
    match (name.level, name.size_bytes) {
        (0, _) => 0,
        (_, ..16_384) => 1,
        (_, ..65_536) => 2,
        (_, ..262_144) => 3,
        _ => 4,
    }
}

/// Whether tombstones of one object may hide values of the other. Parts of one compaction hide nothing of each other.
fn may_hide(tombstones: &ObjectName, other: &ObjectName) -> bool {
    let siblings = tombstones.inputs == other.inputs && tombstones.id.group() == other.id.group();
    other.kinds.puts
        && tombstones.id != other.id
        && !(tombstones.level > 0 && siblings)
        && other.least_ms <= tombstones.greatest.ms()
        && may_share_keys(tombstones, other)
}

/// Whether two objects may have a key in common, as far as their names tell.
fn may_share_keys(a: &ObjectName, b: &ObjectName) -> bool {
    let one = |name: &ObjectName| matches!(&name.partitions, Partitions::Only(tags) if tags.len() == 1);
    if let (Partitions::Only(of_a), Partitions::Only(of_b)) = (&a.partitions, &b.partitions) {
        let of_a: HashSet<_> = of_a.iter().collect();
        if !of_b.iter().any(|tag| of_a.contains(tag)) {
            return false;
        }
    }
    if one(a) != one(b) {
        return true; // bounds within a partition and bounds of whole keys do not compare
    }
    let (a, b) = (Span::new(&[], &a.low, &a.high), Span::new(&[], &b.low, &b.high));
    a.low <= b.high && b.low <= a.high
}
