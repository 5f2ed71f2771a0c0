//! Everything that can be said of a data file.

use super::file::DataFile;
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;
use std::path::PathBuf;
use tidings_ledger::inspect::{self, Held, ListedObject};
use tidings_ledger::limits::MAX_OBJECT_BYTES;
use tidings_ledger::{Damage, Stamp};
use time::OffsetDateTime;

/// Keys that the cloud hosts give.
pub(super) const KEYS_GIVEN: usize = 1_024;

/// What a data file holds.
#[derive(Debug, Serialize)]
pub(super) struct Survey {
    pub file: PathBuf,
    /// Keys of any kind.
    pub keys: usize,
    /// Keys that the cloud hosts give.
    pub keys_given: usize,
    /// Bytes of all values, whatever they are.
    pub bytes: u64,
    /// Objects by level; commits are level 0.
    pub levels: BTreeMap<u8, Level>,
    /// Entries by kind of partition: what stands before the first slash of its name. Entries that later ones replace
    /// count as well, wherever they are still stored.
    pub partitions: BTreeMap<String, Kind>,
    pub objects: Vec<Object>,
    /// Marks that carry nothing that is not elsewhere.
    pub hints: Vec<String>,
    /// Keys that are no objects of this version.
    pub unknown: Vec<Unknown>,
}

#[derive(Debug, Default, Serialize)]
pub(super) struct Level {
    pub objects: usize,
    pub bytes: u64,
    /// Average size, as a part of the largest there can be.
    pub fill: f64,
}

#[derive(Debug, Default, Serialize)]
pub(super) struct Kind {
    /// Different partitions.
    pub partitions: usize,
    pub values: usize,
    pub tombstones: usize,
    /// Bytes of keys and values.
    pub bytes: u64,
}

#[derive(Debug, Serialize)]
pub(super) struct Object {
    /// The store key.
    pub key: String,
    pub id: String,
    pub level: u8,
    /// Which of the parts of one compaction it is, from 1 on, and how many these are.
    pub part: (u64, u8),
    /// As its name tells.
    pub bytes: u32,
    /// When it was written.
    pub made: Moment,
    /// The identifiers of the objects that it replaces.
    pub inputs: Vec<String>,
    /// Whether others hold all that it holds.
    pub replaced: bool,
    /// What it holds, unless it is damaged.
    #[serde(flatten)]
    pub contents: Option<Contents>,
    /// What is wrong with it.
    pub damage: Option<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct Contents {
    pub values: usize,
    pub tombstones: usize,
    pub range_tombstones: usize,
    /// When the first and the last of its entries were committed.
    pub committed: Option<(Moment, Moment)>,
    pub partitions: Vec<String>,
    /// Its first and its last key.
    pub key_range: Option<(String, String)>,
}

#[derive(Debug, Serialize)]
pub(super) struct Unknown {
    pub key: String,
    pub bytes: u64,
    pub reason: String,
    /// Whether entries of the deployment's may be lost with it.
    pub may_lose_entries: bool,
}

/// A time in Unix milliseconds; shown as a date in UTC.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment(pub u64);

impl Survey {
    /// Lists a data file and reads every object in it, one after the other.
    ///
    /// # Errors
    /// When the file cannot be read. Damaged objects are no error.
    pub fn of(file: &DataFile) -> anyhow::Result<Self> {
        let keys = file.keys()?;
        let count = keys.len();
        let listed = inspect::listed(keys);
        let mut survey = Self {
            file: file.path().to_owned(),
            keys: count,
            keys_given: KEYS_GIVEN,
            bytes: 0,
            levels: BTreeMap::new(),
            partitions: BTreeMap::new(),
            objects: Vec::with_capacity(listed.objects.len()),
            hints: Vec::new(),
            unknown: Vec::new(),
        };
        // Partitions by name, to count each once.
        let mut partitions = BTreeMap::new();
        for object in &listed.objects {
            survey.add_object(object, file.value(&object.key)?, &mut partitions);
        }
        for (name, kind) in partitions {
            survey.add_partition(&name, &kind);
        }
        for hint in listed.hints {
            survey.bytes += file.value(&hint)?.len() as u64;
            survey.hints.push(hint);
        }
        for damage in listed.unknown {
            survey.add_unknown(damage, file)?;
        }
        for level in survey.levels.values_mut() {
            level.fill = level.bytes as f64 / level.objects as f64 / MAX_OBJECT_BYTES as f64;
        }
        survey.objects.sort_by_key(|object| (object.level, object.made.0));
        Ok(survey)
    }

    /// Whether something is there that cannot be read and may have been the deployment's.
    pub fn is_damaged(&self) -> bool {
        self.unknown.iter().any(|unknown| unknown.may_lose_entries)
            || self.objects.iter().any(|object| object.damage.is_some())
    }

    fn add_object(&mut self, listed: &ListedObject, body: Vec<u8>, partitions: &mut BTreeMap<String, Kind>) {
        let ListedObject { key, name, is_replaced } = listed;
        self.bytes += body.len() as u64;
        let level = self.levels.entry(name.level()).or_default();
        level.objects += 1;
        level.bytes += body.len() as u64;
        let (contents, damage) = match inspect::held(key, body) {
            Ok((_, held)) => {
                for (name, of) in &held.partitions {
                    let kind = partitions.entry(name.clone()).or_default();
                    kind.values += of.values;
                    kind.tombstones += of.tombstones;
                    kind.bytes += of.content_bytes;
                }
                (Some(Contents::of(held)), None)
            }
            Err(reason) => (None, Some(reason.to_string())),
        };
        self.objects.push(Object {
            key: key.clone(),
            id: name.id().to_string(),
            level: name.level(),
            // A compaction's identifiers end in the number of the part.
            part: (if name.level() == 0 { 1 } else { (name.id().bits() & 63) + 1 }, name.parts()),
            bytes: name.size_bytes(),
            made: Moment(name.made_ms()),
            inputs: name.inputs().iter().map(ToString::to_string).collect(),
            replaced: *is_replaced,
            contents,
            damage,
        });
    }

    fn add_partition(&mut self, name: &str, of: &Kind) {
        let kind = name.split('/').next().unwrap_or(name);
        let kind = self.partitions.entry(kind.to_owned()).or_default();
        kind.partitions += 1;
        kind.values += of.values;
        kind.tombstones += of.tombstones;
        kind.bytes += of.bytes;
    }

    fn add_unknown(&mut self, damage: Damage, file: &DataFile) -> anyhow::Result<()> {
        let bytes = file.value(&damage.object)?.len() as u64;
        self.bytes += bytes;
        let may_lose_entries = damage.may_lose_entries();
        let reason = damage.reason.to_string();
        self.unknown.push(Unknown { key: damage.object, bytes, reason, may_lose_entries });
        Ok(())
    }
}

impl Contents {
    fn of(held: Held) -> Self {
        let moment = |stamp: Stamp| Moment(stamp.ms());
        Self {
            values: held.values,
            tombstones: held.tombstones,
            range_tombstones: held.range_tombstones,
            committed: held.stamps.map(|(first, last)| (moment(first), moment(last))),
            partitions: held.partitions.into_keys().collect(),
            key_range: held.keys.map(|(first, last)| (first.to_string(), last.to_string())),
        }
    }
}

impl std::fmt::Display for Moment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let nanoseconds = i128::from(self.0) * 1_000_000;
        match OffsetDateTime::from_unix_timestamp_nanos(nanoseconds) {
            Ok(at) => write!(
                f,
                "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z",
                at.year(),
                u8::from(at.month()),
                at.day(),
                at.hour(),
                at.minute(),
                at.second()
            ),
            // Behind the year 9999: no calendar helps with that.
            Err(_) => write!(f, "{} ms", self.0),
        }
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_dates_as_far_as_there_are_any() {
        assert_eq!(Moment(0).to_string(), "1970-01-01T00:00:00Z");
        assert_eq!(Moment(1_767_225_600_999).to_string(), "2026-01-01T00:00:00Z");
        assert_eq!(Moment(1 << 48).to_string(), "281474976710656 ms");
    }
}
