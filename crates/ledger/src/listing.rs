//! What a listing of the store tells, and which objects it makes superfluous to read.

use std::collections::{HashMap, HashSet};

use xxhash_rust::xxh3::Xxh3Default;

use crate::error::{Damage, DamageReason};
use crate::name::{ObjectId, ObjectName};
use crate::stamp::Stamp;

/// A listed object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listed {
    /// Its name as listed.
    pub text: String,
    pub name: ObjectName,
}

/// The objects that one compaction wrote together; they replace its inputs only as a whole.
#[derive(Debug)]
struct Group {
    members: Vec<usize>,
    complete: bool,
}

/// All parts of one compaction. Indexes into [`Listing::objects`].
#[derive(Debug)]
pub(crate) struct Replacement<'a> {
    pub members: &'a [usize],
    pub inputs: &'a [ObjectId],
}

/// All objects of one listing, by name, and how they replace each other.
#[derive(Debug)]
pub(crate) struct Listing {
    objects: Vec<Listed>,
    unknown: Vec<Damage>,
    groups: Vec<Group>,
    /// Which groups name an object as their input.
    named_by: HashMap<ObjectId, Vec<usize>>,
    ids: HashSet<ObjectId>,
}

/// Whether an object may serve in place of its inputs.
pub(crate) trait Readability {
    /// Whether the object has something that is asked for.
    fn matters(&self, object: &ObjectName) -> bool;
    /// Whether the object could be read, or was not tried yet.
    fn usable(&self, object: &Listed) -> bool;
}

impl Listing {
    pub fn new(mut keys: Vec<String>) -> Self {
        keys.sort_unstable();
        keys.dedup();
        let (mut objects, mut unknown) = (Vec::with_capacity(keys.len()), Vec::new());
        for text in keys {
            match ObjectName::parse(&text) {
                Ok(name) => objects.push(Listed { text, name }),
                Err(error) => unknown.push(Damage { object: text, reason: DamageReason::Name(error) }),
            }
        }
        let groups = groups_of(&objects);
        let mut named_by: HashMap<ObjectId, Vec<usize>> = HashMap::new();
        for (index, group) in groups.iter().enumerate() {
            for input in group.inputs(&objects) {
                named_by.entry(*input).or_default().push(index);
            }
        }
        let ids = objects.iter().map(|object| object.name.id).collect();
        Self { objects, unknown, groups, named_by, ids }
    }

    pub fn objects(&self) -> &[Listed] {
        &self.objects
    }

    /// Store keys that are no objects of this version.
    pub fn unknown(&self) -> &[Damage] {
        &self.unknown
    }

    /// Number of keys in the store, whatever they are.
    pub fn key_count(&self) -> usize {
        self.objects.len() + self.unknown.len()
    }

    pub fn keys(&self) -> impl Iterator<Item = &str> {
        let unknown = self.unknown.iter().map(|damage| damage.object.as_str());
        self.objects.iter().map(|object| object.text.as_str()).chain(unknown)
    }

    pub fn greatest(&self) -> Option<Stamp> {
        self.objects.iter().map(|object| object.name.greatest).max()
    }

    /// Whether an identifier is a listed object's, or that of an input, which may still be listed elsewhere.
    pub fn knows(&self, id: ObjectId) -> bool {
        self.ids.contains(&id) || self.named_by.contains_key(&id)
    }

    /// Whether an object with this identifier is listed.
    pub fn has(&self, id: ObjectId) -> bool {
        self.ids.contains(&id)
    }

    /// Whether all inputs of `object` are listed, so that they can be read in its place.
    pub fn has_inputs_of(&self, object: &ObjectName) -> bool {
        !object.inputs.is_empty() && object.inputs.iter().all(|input| self.ids.contains(input))
    }

    /// The objects that together hold all that matters, as far as is known: those that matter and that no usable
    /// objects replace. Indexes into [`Self::objects`].
    pub fn needed(&self, readability: &impl Readability) -> Vec<usize> {
        let mut marks = vec![Mark::Unknown; self.objects.len()];
        (0..self.objects.len())
            .filter(|&index| readability.matters(&self.objects[index].name))
            .filter(|&index| self.mark(index, readability, &mut marks) != Mark::Replaced)
            .collect()
    }

    /// Whether complete groups replace an object: those of their parts that matter are usable, or are replaced in
    /// turn. An object that would replace itself in a roundabout way does not: only broken names can say so.
    fn mark(&self, index: usize, readability: &impl Readability, marks: &mut [Mark]) -> Mark {
        if marks[index] != Mark::Unknown {
            return marks[index];
        }
        marks[index] = Mark::InProgress;
        let object = &self.objects[index].name;
        let groups = self.named_by.get(&object.id).map(Vec::as_slice).unwrap_or_default();
        let replaced = groups.iter().map(|group| &self.groups[*group]).any(|group| {
            group.complete
                && group.members.iter().all(|&part| {
                    let listed = &self.objects[part];
                    if listed.name.greatest < object.greatest {
                        return false; // not its output: a chance collision of identifiers
                    }
                    if !readability.matters(&listed.name) {
                        return true; // its name, written after the union was made, says that nothing is left
                    }
                    match self.mark(part, readability, marks) {
                        Mark::Replaced => true,
                        Mark::InProgress => false,
                        Mark::Standing | Mark::Unknown => readability.usable(listed),
                    }
                })
        });
        marks[index] = if replaced { Mark::Replaced } else { Mark::Standing };
        marks[index]
    }

    /// The objects that, as far as a listing tells, nothing replaces. Indexes into [`Self::objects`].
    pub fn standing(&self) -> Vec<usize> {
        self.needed(&AllUsable(|_: &ObjectName| true))
    }

    /// The compactions of which all parts are listed.
    pub fn replacements(&self) -> impl Iterator<Item = Replacement<'_>> {
        self.groups
            .iter()
            .filter(|group| group.complete)
            .map(|group| Replacement { members: &group.members, inputs: group.inputs(&self.objects) })
    }

    /// A hash of the names of those objects that matter and that no listed object replaces.
    pub fn fingerprint(&self, matters: impl Fn(&ObjectName) -> bool) -> [u8; 16] {
        let mut hash = Xxh3Default::new();
        for index in self.needed(&AllUsable(matters)) {
            hash.update(self.objects[index].text.as_bytes());
            hash.update(b"\n");
        }
        hash.digest128().to_be_bytes()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    Unknown,
    InProgress,
    Replaced,
    Standing,
}

/// What a listing alone suggests: every object can be read.
struct AllUsable<F>(F);

impl<F: Fn(&ObjectName) -> bool> Readability for AllUsable<F> {
    fn matters(&self, object: &ObjectName) -> bool {
        (self.0)(object)
    }

    fn usable(&self, _: &Listed) -> bool {
        true
    }
}

impl Group {
    fn inputs<'a>(&self, objects: &'a [Listed]) -> &'a [ObjectId] {
        self.members.first().map(|member| objects[*member].name.inputs.as_slice()).unwrap_or_default()
    }
}

/// Objects of one compaction have level, number of parts, hash and inputs in common.
fn groups_of(objects: &[Listed]) -> Vec<Group> {
    let mut members: HashMap<_, Vec<usize>> = HashMap::new();
    for (index, Listed { name, .. }) in objects.iter().enumerate().filter(|(_, object)| object.name.level > 0)
    {
        let of = (name.level, name.parts, name.id.group(), name.inputs.as_slice());
        members.entry(of).or_default().push(index);
    }
    let mut groups: Vec<_> = members
        .into_iter()
        .map(|((_, parts, ..), members)| {
            let numbers: HashSet<_> = members.iter().map(|member| objects[*member].name.id.part()).collect();
            Group { complete: numbers.len() == usize::from(parts), members }
        })
        .collect();
    // Hash maps have no order, answers shall not depend on it.
    groups.sort_unstable_by(|a, b| a.members.cmp(&b.members));
    groups
}
