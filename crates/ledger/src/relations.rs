//! Which of the listed objects replace which others, as their names tell. A listing has hundreds of objects that name
//! thousands of inputs, most of them long gone, and every request works it out: so it is kept flat and small.

use crate::listing::Listed;
use crate::name::ObjectId;

/// How objects replace each other. Objects are indexes into a listing.
#[derive(Debug, Clone, Default)]
pub(crate) struct Relations {
    ids: Ids,
    /// The members of all groups, one group behind the other, each ascending.
    members: Vec<usize>,
    groups: Vec<Group>,
    /// Which groups name which listed objects as their inputs: (object, group), ascending.
    named: Vec<(usize, usize)>,
    /// Which groups were made of the same as which listed objects, and before them: (object, group), ascending.
    twins: Vec<(usize, usize)>,
}

/// The objects that one compaction wrote together; they replace its inputs only as a whole.
#[derive(Debug, Clone, Copy)]
struct Group {
    start: usize,
    end: usize,
    is_complete: bool,
}

impl Relations {
    pub fn of(objects: &[Listed]) -> Self {
        let mut relations = Self { ids: Ids::of(objects), ..Self::default() };
        relations.group(objects);
        for (index, group) in relations.groups.iter().enumerate() {
            let inputs = objects[relations.members[group.start]].name.inputs.iter();
            relations
                .named
                .extend(inputs.flat_map(|id| relations.ids.find(*id)).map(|object| (object, index)));
        }
        relations.named.sort_unstable();
        relations.find_twins(objects);
        relations
    }

    /// Requests that did not know of each other may have merged the same, at different times: then the inputs of two groups
    /// are the same, and so is what they hold. The first that is complete can be read in the place of those made after it.
    fn find_twins(&mut self, objects: &[Listed]) {
        let name_of = |group: usize| &objects[self.members[self.groups[group].start]].name;
        let mut groups: Vec<usize> = (0..self.groups.len()).collect();
        groups.sort_unstable_by_key(|group| {
            let name = name_of(*group);
            (&*name.inputs, name.made_ms, name.id.group(), *group)
        });
        let mut twins = Vec::new();
        for same in groups.chunk_by(|a, b| name_of(*a).inputs == name_of(*b).inputs) {
            let Some(first) = same.iter().position(|group| self.groups[*group].is_complete) else { continue };
            for later in same[first + 1..].iter().map(|group| self.groups[*group]) {
                twins
                    .extend(self.members[later.start..later.end].iter().map(|object| (*object, same[first])));
            }
        }
        twins.sort_unstable();
        self.twins = twins;
    }

    /// Objects of one compaction have number of parts, hash and inputs in common.
    fn group(&mut self, objects: &[Listed]) {
        let merged = objects.iter().enumerate().filter(|(_, object)| object.name.level > 0);
        let mut merged: Vec<(u64, usize)> =
            merged.map(|(index, object)| (object.name.id.group(), index)).collect();
        // But for chance the hash tells all.
        let rest = |index: usize| (objects[index].name.parts, &*objects[index].name.inputs);
        merged.sort_unstable_by(|a, b| {
            a.0.cmp(&b.0).then_with(|| rest(a.1).cmp(&rest(b.1))).then_with(|| a.1.cmp(&b.1))
        });
        self.members.extend(merged.iter().map(|(_, index)| *index));
        let mut start = 0;
        for members in merged.chunk_by(|a, b| a.0 == b.0 && rest(a.1) == rest(b.1)) {
            let part_of = |(_, index): &(u64, usize)| 1_u64 << objects[*index].name.id.part();
            let found = members.iter().fold(0, |found, member| found | part_of(member));
            let is_complete = found.count_ones() == u32::from(rest(members[0].1).0);
            self.groups.push(Group { start, end: start + members.len(), is_complete });
            start += members.len();
        }
    }

    /// Whether an object with this identifier is listed.
    pub fn has(&self, id: ObjectId) -> bool {
        self.ids.find(id).next().is_some()
    }

    /// Whether nothing listed can be read in the place of a listed object.
    pub fn is_plain(&self) -> bool {
        self.named.is_empty() && self.twins.is_empty()
    }

    /// The members of each complete group that names `object` as an input, and, `for_reading`, of one made of the same. That
    /// must not lead to removals: of two that stood for each other in different listings, both might go.
    pub fn naming(&self, object: usize, for_reading: bool) -> impl Iterator<Item = &[usize]> {
        let twins: &[(usize, usize)] = if for_reading { &self.twins } else { &[] };
        let groups = groups_of(object, &self.named).chain(groups_of(object, twins));
        let groups = groups.map(|group| &self.groups[group]);
        groups.filter(|group| group.is_complete).map(|group| &self.members[group.start..group.end])
    }

    /// The members of each group of which all parts are listed, or of each other one.
    pub fn groups(&self, is_complete: bool) -> impl Iterator<Item = &[usize]> {
        let groups = self.groups.iter().filter(move |group| group.is_complete == is_complete);
        groups.map(|group| &self.members[group.start..group.end])
    }
}

/// The groups beside an object in a list of such pairs, ascending.
fn groups_of(object: usize, pairs: &[(usize, usize)]) -> impl Iterator<Item = usize> {
    let start = pairs.partition_point(|(other, _)| *other < object);
    pairs[start..].iter().take_while(move |(other, _)| *other == object).map(|(_, group)| *group)
}

/// Finds objects by their identifiers, of which two may share one. A table with linear probing: identifiers are random
/// already, and a listing asks for thousands.
#[derive(Debug, Clone, Default)]
struct Ids {
    /// An identifier and an object each. The size is a power of two, and at most half of the places are taken.
    places: Vec<Option<(ObjectId, u32)>>,
}

impl Ids {
    fn of(objects: &[Listed]) -> Self {
        let mut ids = Self { places: vec![None; (2 * objects.len()).next_power_of_two()] };
        for (object, index) in objects.iter().zip(0..) {
            let mut place = ids.place_of(object.name.id);
            while ids.places[place].is_some() {
                place = (place + 1) % ids.places.len();
            }
            ids.places[place] = Some((object.name.id, index));
        }
        ids
    }

    fn place_of(&self, id: ObjectId) -> usize {
        // The lowest bits are the number of a part, and mostly zero.
        ((id.group() ^ id.bits() << 20) as usize) & (self.places.len() - 1)
    }

    fn find(&self, id: ObjectId) -> impl Iterator<Item = usize> {
        let count = self.places.len();
        let start = if count == 0 { 0 } else { self.place_of(id) };
        let places = (start..start + count).map_while(move |place| self.places[place & (count - 1)]);
        places.filter(move |(other, _)| *other == id).map(|(_, index)| index as usize)
    }
}
