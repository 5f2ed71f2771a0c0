//! Fewer objects where that costs readers nothing: what lies across each other, what fits together.

use std::collections::HashMap;

use super::{Plan, Task, resident_level};
use crate::limits::{KEYS_ARE_SCARCE, MAX_INPUTS};
use crate::name::{Partitions, Tag};
use crate::overlap::{are_one_family, has_one_partition, lie_across, name_tells_all};
use crate::policy::level;

impl Plan<'_> {
    /// Resident objects that lie across each other, and neighbours that fit into one object.
    pub(super) fn fragments(&self) -> Vec<Task> {
        let mut tasks = Vec::new();
        for level in [level::BOTTOM, level::MIDDLE] {
            // Bounds compare within a partition, and between objects that have several.
            let mut classes: HashMap<_, Vec<usize>> = HashMap::new();
            for index in self.standing.iter().copied() {
                let name = self.name(index);
                if resident_level(name) == Some(level) && !name.is_empty() {
                    let class = has_one_partition(name).then_some(&name.partitions);
                    classes.entry(class).or_default().push(index);
                }
            }
            for mut members in classes.into_values() {
                members.sort_by(|a, b| {
                    let (of_a, of_b) = (self.name(*a), self.name(*b));
                    (&of_a.low, &of_a.high, a).cmp(&(&of_b.low, &of_b.high, b))
                });
                self.fragments_of(&members, level, &mut tasks);
            }
        }
        if tasks.is_empty() && self.has_many_keys() {
            tasks = self.packs();
        }
        tasks.sort_by_key(|task| match task {
            Task::Merge { inputs, .. } | Task::Fall { sources: inputs, .. } => inputs.first().copied(),
            Task::Reconcile { pair } => pair.first().copied(),
        });
        tasks
    }

    fn fragments_of(&self, sorted: &[usize], level: u8, tasks: &mut Vec<Task>) {
        let mut rest = sorted;
        while let [first, others @ ..] = rest {
            let across = others.first().filter(|next| lie_across(self.name(*first), self.name(**next)));
            let count = match across {
                Some(_) => 2,
                None => self.joinable(rest, level).or_else(|| self.repackable(rest, level)).unwrap_or(1),
            };
            let (inputs, behind) = rest.split_at(count);
            let fits = self.sum(inputs) <= self.policy.merge_bytes;
            if count > 1 && fits && inputs.iter().all(|index| self.candidates.binary_search(index).is_ok()) {
                tasks.push(Task::Merge { inputs: inputs.to_vec(), level });
                rest = behind;
            } else {
                rest = others;
            }
        }
    }

    /// How many of the first neighbours fit into one object, if that is worth it: to rewrite much to save a key pays only
    /// where there are many.
    fn joinable(&self, sorted: &[usize], level: u8) -> Option<usize> {
        let bytes = self.room_of(sorted, level);
        let fits = |count: &usize| {
            let inputs = &sorted[..*count];
            self.sum(inputs) <= bytes / 20 * 19 && self.stay_together(inputs)
        };
        let count = (2..=sorted.len().min(MAX_INPUTS)).take_while(fits).last()?;
        let saved = count as u64 - 1;
        (self.has_many_keys() || self.sum(&sorted[..count]) <= saved * bytes / 2).then_some(count)
    }

    /// How many of the first neighbours become one object less when they are packed anew. Large entries leave room unused.
    fn repackable(&self, sorted: &[usize], level: u8) -> Option<usize> {
        let saves = |count: &usize| {
            let inputs = &sorted[..*count];
            let room = (*count as u64 - 1) * (self.room_of(sorted, level) / 5 * 4);
            self.sum(inputs) <= room.min(self.policy.merge_bytes) && self.stay_together(inputs)
        };
        let mut counts = 3..=sorted.len().min(5);
        if self.has_many_keys() { counts.find(saves) } else { None }
    }

    /// How large an object of neighbours may become: those have one partition all of them, or several each.
    fn room_of(&self, sorted: &[usize], level: u8) -> u64 {
        let alone = sorted.first().is_some_and(|index| has_one_partition(self.name(*index)));
        let policy = &self.policy;
        (if alone { policy.object_bytes_at(level) } else { policy.shared_bytes_at(level) }) as u64
    }

    /// Whether the union of neighbours is not cut between them because of their partitions, and still tells these.
    fn stay_together(&self, inputs: &[usize]) -> bool {
        let names = || inputs.iter().map(|index| self.name(*index));
        let small = self.sum(inputs) < self.policy.bulk_bytes as u64;
        let tell = names().any(|name| name.partitions == Partitions::Any) || name_tells_all(names());
        tell && (small || are_one_family(names()))
    }

    /// Small bottom objects of different partitions, together. They need not be neighbours: as long as the name tells all
    /// partitions, nobody reads the object for another.
    ///
    /// Nor does anybody read one more for it, if nothing else at the bottom has those partitions: a name that tells one
    /// partition tells how far its keys reach, and others do not.
    fn packs(&self) -> Vec<Task> {
        let bytes = self.policy.shared_bytes_at(level::BOTTOM) as u64;
        let mut holders: HashMap<Tag, usize> = HashMap::new();
        for (index, _) in self.residents(level::BOTTOM) {
            match &self.name(index).partitions {
                Partitions::Only(tags) => tags.iter().for_each(|tag| *holders.entry(*tag).or_default() += 1),
                // It may have any.
                Partitions::Any => return Vec::new(),
            }
        }
        let is_small = |index: &usize| u64::from(self.name(*index).size_bytes) * 5 < bytes * 3;
        let is_alone = |index: &usize| match &self.name(*index).partitions {
            Partitions::Only(tags) => tags.iter().all(|tag| holders.get(tag) == Some(&1)),
            Partitions::Any => false,
        };
        let candidates = self.residents(level::BOTTOM).filter(|(_, may_merge)| *may_merge);
        let mut rest: Vec<usize> =
            candidates.map(|(index, _)| index).filter(|index| is_small(index) && is_alone(index)).collect();
        rest.sort_by_key(|index| (self.name(*index).size_bytes, *index));
        let mut tasks = Vec::new();
        while rest.len() > 1 {
            let mut pack = Vec::new();
            let mut left = Vec::new();
            for index in rest {
                pack.push(index);
                let fits = pack.len() <= MAX_INPUTS
                    && self.sum(&pack) <= bytes / 20 * 19
                    && name_tells_all(pack.iter().map(|index| self.name(*index)));
                if !fits {
                    left.extend(pack.pop());
                }
            }
            if pack.is_empty() {
                break; // partitions that no name tells
            }
            if pack.len() > 1 {
                tasks.push(Task::Merge { inputs: pack, level: level::BOTTOM });
            }
            rest = left;
        }
        tasks
    }

    fn has_many_keys(&self) -> bool {
        self.listing.key_count() * 2 >= KEYS_ARE_SCARCE
    }
}
