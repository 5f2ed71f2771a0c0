//! What a listing of the store tells, and which objects it makes superfluous to read.

use std::sync::OnceLock;

use xxhash_rust::xxh3::Xxh3Default;

use crate::error::{Damage, DamageReason};
use crate::hints::{Watch, is_hint, watch_of};
use crate::name::{ObjectId, ObjectName};
use crate::relations::Relations;
use crate::stamp::Stamp;

/// A listed object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listed {
    /// Its name as listed.
    pub text: String,
    pub name: ObjectName,
}

/// All parts of one compaction. Indexes into [`Listing::objects`].
#[derive(Debug)]
pub(crate) struct Replacement<'a> {
    pub members: &'a [usize],
    pub inputs: &'a [ObjectId],
}

/// All objects of one listing, by name, and how they replace each other.
#[derive(Debug, Clone)]
pub(crate) struct Listing {
    objects: Vec<Listed>,
    unknown: Vec<Damage>,
    /// Store keys of hints, which carry nothing that is not elsewhere.
    hints: Vec<String>,
    /// Worked out when first needed.
    relations: OnceLock<Relations>,
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
        // Most stores list them in order, and each once.
        if !keys.is_sorted_by(|a, b| a < b) {
            keys.sort_unstable();
            keys.dedup();
        }
        let mut listing = Self {
            objects: Vec::with_capacity(keys.len()),
            unknown: Vec::new(),
            hints: Vec::new(),
            relations: OnceLock::new(),
        };
        keys.into_iter().for_each(|key| listing.sort_in(key));
        listing
    }

    /// Takes a key that comes behind all others of its kind.
    fn sort_in(&mut self, text: String) {
        if is_hint(&text) {
            self.hints.push(text);
            return;
        }
        match ObjectName::parse(&text) {
            Ok(name) => self.objects.push(Listed { text, name }),
            Err(error) => self.unknown.push(Damage { object: text, reason: DamageReason::Name(error) }),
        }
    }

    /// Adds a key that may be listed already.
    pub fn add(&mut self, key: &str) {
        if self.keys().any(|listed| listed == key) {
            return;
        }
        self.sort_in(key.to_owned());
        self.objects.sort_unstable_by(|a, b| a.text.cmp(&b.text));
        self.unknown.sort_unstable_by(|a, b| a.object.cmp(&b.object));
        self.hints.sort_unstable();
        self.relations = OnceLock::new();
    }

    /// Leaves out some keys.
    pub fn remove(&mut self, keys: &[&str]) {
        self.objects.retain(|object| !keys.contains(&object.text.as_str()));
        self.unknown.retain(|damage| !keys.contains(&damage.object.as_str()));
        self.hints.retain(|hint| !keys.contains(&hint.as_str()));
        self.relations = OnceLock::new();
    }

    fn relations(&self) -> &Relations {
        self.relations.get_or_init(|| Relations::of(&self.objects))
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
        self.objects.len() + self.unknown.len() + self.hints.len()
    }

    pub fn keys(&self) -> impl Iterator<Item = &str> {
        let unknown = self.unknown.iter().map(|damage| damage.object.as_str());
        let hints = self.hints.iter().map(String::as_str);
        self.objects.iter().map(|object| object.text.as_str()).chain(unknown).chain(hints)
    }

    /// The watches that stand, or have expired and were not deleted yet.
    pub fn watches(&self) -> Vec<Watch> {
        self.hints.iter().filter_map(|key| watch_of(key)).collect()
    }

    pub fn greatest(&self) -> Option<Stamp> {
        self.objects.iter().map(|object| object.name.greatest).max()
    }

    /// Whether an identifier is a listed object's, or that of an input, which may still be listed elsewhere.
    pub fn knows(&self, id: ObjectId) -> bool {
        self.objects.iter().any(|Listed { name, .. }| name.id == id || name.inputs.contains(&id))
    }

    /// Whether an object with this identifier is listed.
    pub fn has(&self, id: ObjectId) -> bool {
        self.relations().has(id)
    }

    /// Whether all inputs of `object` are listed, so that they can be read in its place.
    pub fn has_inputs_of(&self, object: &ObjectName) -> bool {
        !object.inputs.is_empty() && object.inputs.iter().all(|input| self.has(*input))
    }

    /// The objects that together hold all that matters, as far as is known: those that matter and that no usable
    /// objects replace. Indexes into [`Self::objects`].
    pub fn needed(&self, readability: &impl Readability) -> Vec<usize> {
        self.unreplaced(readability, true)
    }

    /// Those that matter and are not replaced: by what names them as inputs, and `for_reading` by what was made of the same.
    fn unreplaced(&self, readability: &impl Readability, for_reading: bool) -> Vec<usize> {
        let mattering =
            (0..self.objects.len()).filter(|&index| readability.matters(&self.objects[index].name));
        if self.relations().is_plain() {
            return mattering.collect();
        }
        let mut marks = Marks { for_reading, marks: vec![Mark::Unknown; self.objects.len()] };
        mattering.filter(|&index| self.mark(index, readability, &mut marks) != Mark::Replaced).collect()
    }

    /// Whether complete groups replace an object: those of their parts that matter are usable, or are replaced in
    /// turn. An object that would replace itself in a roundabout way does not: only broken names can say so.
    fn mark(&self, index: usize, readability: &impl Readability, marks: &mut Marks) -> Mark {
        if marks.marks[index] != Mark::Unknown {
            return marks.marks[index];
        }
        marks.marks[index] = Mark::InProgress;
        let object = &self.objects[index].name;
        let replaced = self.relations().naming(index, marks.for_reading).any(|members| {
            members.iter().all(|&part| {
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
        marks.marks[index] = if replaced { Mark::Replaced } else { Mark::Standing };
        marks.marks[index]
    }

    /// The objects that, as far as a listing tells, nothing replaces. Indexes into [`Self::objects`].
    pub fn standing(&self) -> Vec<usize> {
        self.unreplaced(&AllUsable(|_: &ObjectName| true), false)
    }

    /// The compactions of which all parts are listed.
    pub fn replacements(&self) -> impl Iterator<Item = Replacement<'_>> {
        self.compactions(true)
    }

    /// The compactions of which some parts are not listed: they were never written, or not all can see them yet.
    pub fn incomplete(&self) -> impl Iterator<Item = Replacement<'_>> {
        self.compactions(false)
    }

    fn compactions(&self, are_complete: bool) -> impl Iterator<Item = Replacement<'_>> {
        self.relations().groups(are_complete).map(|members| {
            let inputs = members.first().map(|member| &*self.objects[*member].name.inputs);
            Replacement { members, inputs: inputs.unwrap_or_default() }
        })
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

/// What was found of each object so far.
struct Marks {
    for_reading: bool,
    marks: Vec<Mark>,
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
