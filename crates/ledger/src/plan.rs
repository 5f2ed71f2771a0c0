//! What maintenance there is to do, from a listing alone.

mod fragments;

use std::collections::{HashMap, HashSet};

use crate::limits::{KEYS_ARE_SCARCE, KEYS_TO_COME_BACK, MAX_INPUTS};
use crate::listing::{Listing, Replacement};
use crate::name::{ObjectId, ObjectName};
use crate::overlap::{has_one_partition, has_tombstones, lie_across, may_concern, may_hide, may_share_keys};
use crate::policy::{Policy, level};
use crate::timing::Timing;

/// The listing as maintenance sees it. Indexes are those of [`Listing::objects`].
pub(crate) struct Plan<'a> {
    pub listing: &'a Listing,
    pub timing: Timing,
    pub now_ms: u64,
    pub policy: Policy,
    /// What nothing listed replaces.
    standing: Vec<usize>,
    /// Those of them that may be merged: see [`Plan::may_merge`]. Ascending.
    candidates: Vec<usize>,
    /// Parts of compactions that are not complete. They replace nothing, so nothing waits for them.
    unfinished: HashSet<usize>,
    stored_bytes: u64,
}

/// Inputs that may go once their replacement was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Removal {
    pub outputs: Vec<usize>,
    pub inputs: Vec<usize>,
}

/// A piece of work on some objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Task {
    /// Write their union, to be of that level.
    Merge { inputs: Vec<usize>, level: u8 },
    /// Merge them with all that they meet at that resident level, or cut them into pieces for which that can be done.
    Fall { sources: Vec<usize>, level: u8 },
    /// Merge two bottom objects if they have a key in common.
    Reconcile { pair: [usize; 2] },
}

/// What tasks are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Commits,
    Falling,
    Young,
    Middle,
    Fragments,
    Stragglers,
}

impl Kind {
    /// The most urgent first.
    const ALL: [Self; 6] =
        [Self::Commits, Self::Falling, Self::Young, Self::Middle, Self::Fragments, Self::Stragglers];

    /// Whether every read costs more until it is done.
    pub fn is_urgent(self) -> bool {
        matches!(self, Self::Commits | Self::Young)
    }
}

impl<'a> Plan<'a> {
    pub fn new(listing: &'a Listing, timing: Timing, now_ms: u64, policy: Policy) -> Self {
        let standing = listing.standing();
        let unfinished = listing.incomplete().flat_map(|group| group.members.iter().copied()).collect();
        let mut plan = Self {
            listing,
            timing,
            now_ms,
            policy,
            standing,
            candidates: Vec::new(),
            unfinished,
            stored_bytes: 0,
        };
        plan.candidates = plan.standing.iter().copied().filter(|index| plan.may_merge(*index)).collect();
        plan.stored_bytes = plan.sum(&plan.standing);
        plan
    }

    /// What can be removed: inputs of compactions that are complete and older than the grace, unless own inputs of
    /// theirs are still listed. Those would be read again, had they nobody left who names them. And the parts of
    /// compactions that were never finished.
    pub fn removals(&self) -> Vec<Removal> {
        if self.is_suspended() {
            return Vec::new();
        }
        let by_id = self.indexes_by_id();
        let replaced = self.listing.replacements().filter_map(|group| self.removal(&group, &by_id));
        let unfinished = self.listing.incomplete().filter_map(|group| self.unfinished(&group, &by_id));
        replaced.chain(unfinished).collect()
    }

    /// The parts of a compaction whose author died. While all its inputs are listed they hold nothing else, and none
    /// of them was merged, so that no part can be missing because it was removed.
    fn unfinished(
        &self,
        group: &Replacement<'_>,
        by_id: &HashMap<ObjectId, Option<usize>>,
    ) -> Option<Removal> {
        let made_ms = group.members.iter().map(|member| self.name(*member).made_ms).max()?;
        let inputs = group.inputs.iter().map(|id| by_id.get(id).copied().flatten());
        let inputs: Vec<usize> = inputs.collect::<Option<_>>()?;
        let is_old = made_ms.saturating_add(self.timing.finishing_ms()) <= self.now_ms;
        is_old.then(|| Removal { outputs: inputs, inputs: group.members.to_vec() })
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
                || object.name.made_ms > latest_ms.saturating_add(self.timing.made_step_ms())
        })
    }

    /// Whether an object's own inputs are gone. So an object is removed at least a grace after its inputs were: else a
    /// stale listing could show an input that nothing listed names any more.
    ///
    /// Those that a broken clock made are left alone: what is made of them would have to be as young.
    fn may_merge(&self, index: usize) -> bool {
        let name = self.name(index);
        let latest_ms =
            self.now_ms.saturating_add(self.timing.clock_error_ms).saturating_add(self.timing.made_step_ms());
        name.made_ms <= latest_ms && !name.inputs.iter().any(|input| self.listing.has(*input))
    }

    /// What there is to do of each kind, the most urgent kind first. Each kind is looked for when it is asked for.
    ///
    /// Stragglers are looked for with a random number.
    pub fn kinds(&self, stragglers: Option<u64>) -> impl Iterator<Item = (Kind, Vec<Task>)> {
        let waiting = self.listing.objects().len() - self.standing.len();
        let scarce = self.listing.key_count() >= KEYS_ARE_SCARCE && waiting >= KEYS_TO_COME_BACK;
        Kind::ALL.into_iter().map(move |kind| {
            let tasks = match kind {
                Kind::Commits => self.commits(),
                Kind::Falling => self.falls(scarce),
                Kind::Young => self.youngs(),
                // Takes more keys until the grace is over, as falling does.
                Kind::Middle if scarce => Vec::new(),
                Kind::Middle => self.middles(),
                Kind::Fragments => self.fragments(),
                Kind::Stragglers => stragglers.map(|draw| self.stragglers(draw)).unwrap_or_default(),
            };
            (kind, tasks)
        })
    }

    /// Merges of commits, with the young objects that there are. As soon as there are enough, or when they have
    /// tombstones, so that what these hide does not stay.
    fn commits(&self) -> Vec<Task> {
        let mut rest: Vec<usize> = self.at(level::COMMIT).filter(|index| !self.is_large(*index)).collect();
        // Younger ones are `fresh`; others may have merged them without being seen.
        rest.retain(|index| self.age_in_stalenesses(*index) >= 2);
        self.sort_by_age(&mut rest);
        let mut with: Vec<usize> = self.at(level::YOUNG).collect();
        let young_limit = self.policy.young_limit(self.stored_bytes);
        if with.len() >= self.policy.youngs || self.sum(&with) > young_limit {
            with.clear();
        }
        let mut tasks = Vec::new();
        while !rest.is_empty()
            && rest.len() + with.len() * self.policy.young_weight >= self.policy.commits.min(MAX_INPUTS)
            || rest.iter().any(|index| self.is_overdue(*index))
        {
            let count = self.fitting(with.iter().chain(&rest).copied()).saturating_sub(with.len());
            let others = rest.split_off(count.min(rest.len()));
            if rest.is_empty() {
                break;
            }
            let inputs: Vec<usize> = with.drain(..).chain(std::mem::replace(&mut rest, others)).collect();
            let level = if self.sum(&inputs) > young_limit { level::TO_MIDDLE } else { level::YOUNG };
            tasks.push(Task::Merge { inputs, level });
        }
        tasks
    }

    /// Whether an object has tombstones and is visible to all for so long that what they hide can go.
    fn is_overdue(&self, index: usize) -> bool {
        let name = self.name(index);
        has_tombstones(name) && name.made_ms.saturating_add(self.timing.grace_ms()) <= self.now_ms
    }

    /// The merge of the youngest commits that should be visible to all. While time goes on they are always others, so
    /// that requests that do not know of each other merge different ones. None where nothing is ever stale.
    pub fn fresh(&self) -> Option<Task> {
        let mut inputs: Vec<usize> = self
            .at(level::COMMIT)
            .filter(|index| !self.is_large(*index) && self.age_in_stalenesses(*index) == 1)
            .collect();
        inputs.sort_by_key(|index| (std::cmp::Reverse(self.name(*index).made_ms), *index));
        let count = self.fitting(inputs.iter().copied());
        inputs.truncate(count);
        (count >= self.policy.commits.min(MAX_INPUTS)).then_some(Task::Merge { inputs, level: level::YOUNG })
    }

    /// 0: need not be visible yet; 1: likely visible, but others may have merged it unseen; 2: all is known. What has
    /// tombstones may become several parts, and so has to have settled.
    fn age_in_stalenesses(&self, index: usize) -> u64 {
        let name = self.name(index);
        let age_ms = self.now_ms.saturating_sub(name.made_ms);
        if has_tombstones(name) && self.is_unsettled(name) {
            return 0;
        }
        age_ms.checked_div(self.timing.staleness_ms).unwrap_or(2).min(2)
    }

    /// Whether some may not see a commit yet. Merged into several parts, of which they may see some, it would be torn.
    pub fn is_unsettled(&self, name: &ObjectName) -> bool {
        name.level == level::COMMIT
            && self.timing.staleness_ms > 0
            && name.made_ms.saturating_add(self.timing.settling_ms()) > self.now_ms
    }

    /// What is on its way down, unless those it might meet are not to be merged yet.
    fn falls(&self, scarce: bool) -> Vec<Task> {
        // Tombstones alone are worth it always: they make room.
        let wanted = |index: &usize| !scarce || !self.name(*index).kinds.puts;
        let mut tasks: Vec<Task> = Vec::new();
        for index in self.at(level::TO_BOTTOM).filter(wanted) {
            tasks.push(Task::Fall { sources: vec![index], level: level::BOTTOM });
        }
        let mut rest: Vec<usize> = self.at(level::TO_MIDDLE).filter(wanted).collect();
        self.sort_by_age(&mut rest);
        while !rest.is_empty() {
            let first = rest.remove(0);
            let mut sources = vec![first];
            // Those that lie across each other fall together. Pieces of one object do not: they were cut apart.
            let (across, others): (Vec<usize>, Vec<usize>) =
                rest.into_iter().partition(|other| lie_across(self.name(first), self.name(*other)));
            sources.extend(across);
            rest = others;
            let count = self.sources_fitting(&sources);
            rest.extend(sources.split_off(count));
            tasks.push(Task::Fall { sources, level: level::MIDDLE });
        }
        let large: Vec<usize> =
            self.at(level::COMMIT).filter(|index| self.is_large(*index) && wanted(index)).collect();
        tasks.extend(self.large_commits(large));
        tasks.retain(|task| !self.is_blocked(task));
        tasks
    }

    /// Large commits fall by themselves, some at a time.
    fn large_commits(&self, mut rest: Vec<usize>) -> Vec<Task> {
        rest.retain(|index| !self.is_unsettled(self.name(*index)));
        self.sort_by_age(&mut rest);
        let mut tasks = Vec::new();
        while rest.len() >= 4
            || self.sum(&rest) * 4 > self.policy.merge_bytes
            || rest.iter().any(|index| self.is_overdue(*index))
        {
            let others = rest.split_off(self.sources_fitting(&rest));
            let sources = std::mem::replace(&mut rest, others);
            tasks.push(Task::Fall { sources, level: level::MIDDLE });
        }
        tasks
    }

    /// How many of the first objects can fall together and still leave room for what they meet.
    fn sources_fitting(&self, sources: &[usize]) -> usize {
        let mut bytes = 0;
        let fits = |index: &&usize| {
            bytes += u64::from(self.name(**index).size_bytes);
            bytes * 2 <= self.policy.merge_bytes
        };
        sources.iter().take(MAX_INPUTS / 2).take_while(fits).count().max(1)
    }

    fn is_blocked(&self, task: &Task) -> bool {
        let Task::Fall { sources, level } = task else { return false };
        let waits = |source: &usize| {
            let mut waiting = self.residents(*level).filter(|(_, may_merge)| !may_merge);
            waiting.any(|(other, _)| may_share_keys(self.name(*source), self.name(other)))
                || *level == level::BOTTOM
                    && self.neighbour(self.name(*source)).is_some_and(|(_, may_merge)| !may_merge)
        };
        sources.iter().any(waits)
    }

    /// The bottom object right below an object in its only partition, if there is room in it, and whether it may be
    /// merged. Most new entries come behind all others of their partition and fill it up.
    pub fn neighbour(&self, name: &ObjectName) -> Option<(usize, bool)> {
        let is_below = |index: usize| {
            let other = self.name(index);
            has_one_partition(other) && other.partitions == name.partitions && other.high <= name.low
        };
        let below =
            self.residents(level::BOTTOM).filter(|(index, _)| has_one_partition(name) && is_below(*index));
        let nearest = below.max_by_key(|(index, _)| &self.name(*index).high)?;
        let has_room = (self.name(nearest.0).size_bytes as usize) < self.policy.object_bytes / 10 * 9;
        has_room.then_some(nearest)
    }

    /// Young objects that became too many or too large, or that may hide values of each other.
    fn youngs(&self) -> Vec<Task> {
        let mut inputs: Vec<usize> = self.at(level::YOUNG).collect();
        let limit = self.policy.young_limit(self.stored_bytes);
        let too_large = self.sum(&inputs) > limit;
        let hide = |a: &usize| inputs.iter().any(|b| may_hide(self.name(*a), self.name(*b)));
        if !(too_large || inputs.len() >= self.policy.youngs || inputs.iter().any(hide)) {
            return Vec::new();
        }
        self.sort_by_age(&mut inputs);
        inputs.truncate(self.fitting(inputs.iter().copied()));
        let level = if too_large { level::TO_MIDDLE } else { level::YOUNG };
        if inputs.len() < 2 && !too_large { Vec::new() } else { vec![Task::Merge { inputs, level }] }
    }

    /// The middle object with the oldest entries, when there is too much in the middle and nothing else is on its way.
    fn middles(&self) -> Vec<Task> {
        let is_middle = |index: &&usize| self.name(**index).level == level::MIDDLE;
        let middles: Vec<usize> = self.standing.iter().filter(is_middle).copied().collect();
        let falling = self.standing.iter().any(|index| self.name(*index).level == level::TO_BOTTOM);
        if falling || self.sum(&middles) <= self.policy.middle_limit(self.stored_bytes) {
            return Vec::new();
        }
        let mut tasks: Vec<usize> = self.at(level::MIDDLE).collect();
        tasks.sort_by_key(|index| (self.name(*index).least_ms, *index));
        let falls = tasks.into_iter().map(|index| Task::Fall { sources: vec![index], level: level::BOTTOM });
        falls.filter(|task| !self.is_blocked(task)).take(1).collect()
    }

    /// What has not moved for long and may hide values of others, or have some that others hide: requests that did not
    /// know of each other may have let them pass each other. Names only tell what may be, so it is done rarely, and of
    /// the bottom objects for one that `draw` picks.
    fn stragglers(&self, draw: u64) -> Vec<Task> {
        let is_old = |index: &usize| {
            self.name(*index).made_ms.saturating_add(self.policy.straggling_ms) <= self.now_ms
        };
        let old: Vec<usize> = self.candidates.iter().copied().filter(is_old).collect();
        let (bottoms, uppers): (Vec<usize>, Vec<usize>) =
            old.into_iter().partition(|index| self.name(*index).level >= level::BOTTOM);
        let meet = |a: usize, b: usize| may_concern(self.name(a), self.name(b));
        let mut tasks = Vec::new();
        for index in uppers {
            if !self.standing.iter().any(|other| meet(index, *other)) {
                continue;
            }
            let fall = |level| Task::Fall { sources: vec![index], level };
            tasks.extend(match self.name(index).level {
                level::COMMIT if self.is_large(index) => Some(fall(level::MIDDLE)),
                level::COMMIT | level::YOUNG => {
                    Some(Task::Merge { inputs: vec![index], level: level::TO_MIDDLE })
                }
                level::MIDDLE => Some(fall(level::BOTTOM)),
                _ => None, // falls anyway
            });
        }
        tasks.retain(|task| !self.is_blocked(task));
        if let Some(picked) = bottoms.get(draw as usize % bottoms.len().max(1)) {
            let others = bottoms.iter().filter(|other| meet(*picked, **other));
            tasks.extend(others.map(|other| Task::Reconcile { pair: [*picked, *other] }));
        }
        tasks
    }

    /// Candidates of a level.
    fn at(&self, level: u8) -> impl Iterator<Item = usize> {
        self.candidates.iter().copied().filter(move |index| self.name(*index).level == level)
    }

    fn is_large(&self, index: usize) -> bool {
        u64::from(self.name(index).size_bytes) >= self.policy.large_commit_bytes
    }

    fn sort_by_age(&self, indexes: &mut [usize]) {
        indexes.sort_by_key(|index| (self.name(*index).made_ms, *index));
    }

    /// Bytes of some objects together.
    pub fn sum(&self, indexes: &[usize]) -> u64 {
        indexes.iter().map(|index| u64::from(self.name(*index).size_bytes)).sum()
    }

    /// How many of the first objects can be merged at once.
    fn fitting(&self, indexes: impl Iterator<Item = usize>) -> usize {
        let mut bytes = 0;
        let fits = |index: &usize| {
            bytes += u64::from(self.name(*index).size_bytes);
            bytes <= self.policy.merge_bytes
        };
        indexes.take(MAX_INPUTS).take_while(fits).count()
    }

    /// Standing objects of a resident level, each with whether it may be merged now.
    pub fn residents(&self, level: u8) -> impl Iterator<Item = (usize, bool)> {
        let members = self.standing.iter().copied();
        members
            .filter(move |index| resident_level(self.name(*index)) == Some(level))
            .map(|index| (index, self.candidates.binary_search(&index).is_ok()))
            .filter(|(index, may_merge)| *may_merge || !self.unfinished.contains(index))
    }

    /// The names of what stands below a level, but for `inputs`.
    pub fn below(&self, level: u8, inputs: &[usize]) -> Vec<&'a ObjectName> {
        let lower = self.standing.iter().filter(|index| self.name(**index).level > level);
        lower.filter(|index| !inputs.contains(index)).map(|index| self.name(*index)).collect()
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

    pub fn name(&self, index: usize) -> &'a ObjectName {
        &self.listing.objects()[index].name
    }
}

/// The level at which an object stays, if it is not on its way. Older versions knew more levels; all of them stay.
fn resident_level(name: &ObjectName) -> Option<u8> {
    match name.level {
        level::YOUNG => Some(level::YOUNG),
        level::MIDDLE => Some(level::MIDDLE),
        level::BOTTOM.. => Some(level::BOTTOM),
        _ => None,
    }
}
