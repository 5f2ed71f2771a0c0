//! The object format: golden objects, round trips, mutations. `tests/golden/README.md` tells what the files are.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use bytes::Bytes;
use proptest::prelude::*;

use crate::body::{self, BodyError, Contents, Identity, RangeTombstone, Record, decode, encode, range_order};
use crate::key::{Key, Range};
use crate::limits::{MAX_INPUTS, MAX_NAME_BYTES, MAX_OBJECT_BYTES};
use crate::name::{NameError, ObjectId, ObjectName, Partitions, Tag};
use crate::stamp::Stamp;

const T: u64 = 1_700_000_000_000;

fn record(key: &str, stamp: Stamp, value: Option<&str>) -> Record {
    let value = value.map(|value| Bytes::copy_from_slice(value.as_bytes()));
    Record { key: Key::parse(key).unwrap(), stamp, value }
}

fn commit(id: u64, greatest: Stamp) -> Identity {
    Identity { id: ObjectId::new(id), level: 0, parts: 1, inputs: Vec::new(), made_ms: T + 5, greatest }
}

fn compaction(part: u8, parts: u8, inputs: u64, greatest: Stamp) -> Identity {
    let inputs = (1..=inputs).map(|input| ObjectId::new(input << 40)).collect();
    Identity {
        id: ObjectId::of_part(0x1234_5678_9abc, part),
        level: 2,
        parts,
        inputs,
        made_ms: T + 600_000,
        greatest,
    }
}

/// One of each kind of object.
fn golden() -> Vec<(&'static str, Identity, Contents)> {
    let stamp = Stamp::new(T, 3, 0xdead_beef);
    let later = Stamp::new(T + 1, 0, 1);
    let one = Contents { ranges: vec![], records: vec![record("post:0001", stamp, Some("Hello"))] };
    let several = Contents {
        ranges: vec![],
        records: vec![
            record("dm/bob:0001", stamp, Some("Hi Bob")),
            record("dm/bob:0002", stamp, None),
            record("post:ä", stamp, Some("")),
            record("profile:", stamp, Some("{}")),
        ],
    };
    let ranges = Contents {
        ranges: vec![
            RangeTombstone { range: Range::partition("dm/bob"), stamp },
            RangeTombstone { range: Range::prefix("post", "2023"), stamp },
        ],
        records: vec![record("dm/bob:0003", stamp, Some("Anew"))],
    };
    let merged = Contents {
        ranges: vec![RangeTombstone { range: Range::prefix("post", "00000000000000"), stamp }],
        records: vec![
            record("post:00000000000001", later, Some("one")),
            record("post:00000000000002", stamp, None),
            record("post:00000000000010", stamp, Some(&"ten ".repeat(50))),
        ],
    };
    let many = Contents {
        ranges: vec![],
        records: (0..9).map(|i| record(&format!("p{i}:x"), stamp, Some("v"))).collect(),
    };
    vec![
        ("commit_of_one_put", commit(7, stamp), one),
        ("commit_to_three_partitions", commit(8, stamp), several),
        ("commit_with_range_tombstones", commit(9, stamp), ranges),
        ("commit_to_more_partitions_than_a_name_tells", commit(10, stamp), many),
        ("second_of_two_parts_with_sixteen_inputs", compaction(1, 2, 16, later), merged),
        ("compaction_that_left_nothing", compaction(0, 1, 1, later), Contents::default()),
    ]
}

fn describe(contents: &Contents) -> String {
    let hex = |bytes: &[u8]| {
        bytes.iter().fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02x}").unwrap();
            text
        })
    };
    let mut text = String::new();
    for RangeTombstone { range, stamp } in &contents.ranges {
        writeln!(text, "range {stamp} {} {}", hex(range.start()), hex(range.end())).unwrap();
    }
    for Record { key, stamp, value } in &contents.records {
        match value {
            Some(value) => writeln!(text, "put {stamp} {} {}", hex(key.as_bytes()), hex(value)).unwrap(),
            None => writeln!(text, "tombstone {stamp} {}", hex(key.as_bytes())).unwrap(),
        }
    }
    text
}

fn golden_file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

/// Compares with a golden file; writes it first if that is asked for, which only a new version of the format may.
fn assert_golden(file: &str, bytes: &[u8]) {
    let path = golden_file(file);
    if std::env::var_os("TIDINGS_WRITE_GOLDEN").is_some() {
        fs::write(&path, bytes).unwrap();
    }
    let golden = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert_eq!(Bytes::from(golden), Bytes::copy_from_slice(bytes), "{file}");
}

#[test]
fn reads_the_golden_objects() {
    let mut count = 0;
    for file in fs::read_dir(golden_file("")).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "name") {
            let text = fs::read_to_string(&path).unwrap();
            let name = ObjectName::parse(text.trim_end()).unwrap();
            let contents =
                decode(&name, Bytes::from(fs::read(path.with_extension("body")).unwrap())).unwrap();
            let expected = fs::read_to_string(path.with_extension("txt")).unwrap();
            assert_eq!(describe(&contents), expected, "{}", path.display());
            count += 1;
        }
    }
    assert!(count >= golden().len());
}

#[test]
fn writes_the_golden_objects() {
    for (case, identity, contents) in golden() {
        let (name, bytes) = encode(identity, &contents).unwrap();
        assert_golden(&format!("{case}.name"), format!("{name}\n").as_bytes());
        assert_golden(&format!("{case}.body"), &bytes);
        assert_golden(&format!("{case}.txt"), describe(&contents).as_bytes());
    }
}

/// Bodies with one fault each, under a matching name and with a matching checksum where that is not the fault.
fn faulty_bodies() -> Vec<(&'static str, BodyError, ObjectName, Vec<u8>)> {
    let stamp = Stamp::new(T, 0, 1);
    let contents = Contents {
        ranges: vec![],
        records: vec![record("a:1", stamp, Some("x")), record("a:2", stamp, Some("y"))],
    };
    let (name, good) = encode(commit(7, stamp), &contents).unwrap();
    // Behind 12 bytes of magic and checksum: flags, stamp, number of ranges, number of entries, first entry.
    const FLAGS: usize = 12;
    const RANGES: usize = FLAGS + 13;
    const ENTRIES: usize = RANGES + 1;
    const FIRST: usize = ENTRIES + 1;
    let altered = |change: &dyn Fn(&mut Vec<u8>)| {
        let (mut name, mut bytes) = (name.clone(), good.clone());
        change(&mut bytes);
        name.size_bytes = bytes.len() as u32;
        body::tests_reseal(&name, &mut bytes);
        (name, bytes)
    };
    type Change<'a> = &'a dyn Fn(&mut Vec<u8>);
    let sealed: [(&str, BodyError, Change<'_>); 13] = [
        ("reserved_compression", BodyError::Unsupported { flags: 0x11, compression: 1 }, &|b| b[FLAGS] |= 1),
        ("reserved_flag", BodyError::Unsupported { flags: 0x90, compression: 0 }, &|b| b[FLAGS] |= 0x80),
        ("count_too_large", BodyError::Malformed("cut short"), &|b| b[ENTRIES] = 3),
        ("count_too_small", BodyError::Malformed("bytes behind the end"), &|b| b[ENTRIES] = 1),
        ("number_not_shortest", BodyError::Malformed("number not in shortest form"), &|b| {
            b.splice(ENTRIES..FIRST, [0x82, 0]);
        }),
        ("number_too_large", BodyError::Malformed("number too large"), &|b| {
            b.splice(ENTRIES..FIRST, [0xff, 0xff, 0xff, 1]);
        }),
        ("unknown_kind", BodyError::Malformed("unknown kind of entry"), &|b| b[FIRST + 5] = 2),
        ("key_not_utf8", BodyError::Malformed("key not UTF-8"), &|b| b[FIRST + 4] = 0xff),
        ("key_without_partition", BodyError::Malformed("not a key"), &|b| b[FIRST + 2] = b':'),
        ("key_prefix_too_long", BodyError::Malformed("key prefix or length"), &|b| b[FIRST] = 1),
        ("keys_not_ascending", BodyError::Malformed("keys not ascending"), &|b| b[FIRST + 10] = b'1'),
        ("stamp_outside_the_name", BodyError::DisagreesWithName, &|b| b[FLAGS + 6] ^= 1),
        ("key_outside_the_name", BodyError::DisagreesWithName, &|b| b[FIRST + 10] = b'9'),
    ];
    let mut cases: Vec<_> = sealed
        .into_iter()
        .map(|(case, error, change)| {
            let (name, bytes) = altered(change);
            (case, error, name, bytes)
        })
        .collect();
    let mut flipped = good.clone();
    flipped[FIRST + 7] ^= 1;
    cases.push(("checksum", BodyError::Checksum, name.clone(), flipped));
    let mut other = name.clone();
    other.id = ObjectId::new(8);
    cases.push(("under_another_name", BodyError::Checksum, other, good.clone()));
    let cut = BodyError::Size { expected: good.len(), got: good.len() - 1 };
    cases.push(("cut_short", cut, name.clone(), good[..good.len() - 1].to_vec()));
    let mut later = good;
    later[3] = 2;
    cases.push(("later_version", BodyError::NotAnObject, name, later));
    cases
}

#[test]
fn refuses_the_golden_faults() {
    for (case, error, name, bytes) in faulty_bodies() {
        assert_golden(&format!("invalid/{case}.name"), format!("{name}\n").as_bytes());
        assert_golden(&format!("invalid/{case}.body"), &bytes);
        assert_eq!(decode(&name, Bytes::from(bytes)), Err(error), "{case}");
    }
}

#[test]
fn refuses_malformed_names() {
    let names = fs::read_to_string(golden_file("invalid/names.txt")).unwrap();
    let mut count = 0;
    for line in names.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (fault, name) = line.split_once(' ').unwrap();
        let error = ObjectName::parse(name).expect_err(fault);
        let told = match error {
            NameError::Foreign => "foreign".to_owned(),
            NameError::OtherVersion => "other-version".to_owned(),
            NameError::TooLong { .. } => "too-long".to_owned(),
            NameError::Malformed(field) => field.replace(' ', "-"),
        };
        assert_eq!(told, fault, "{name}");
        count += 1;
    }
    assert!(count >= 20, "only {count} names");
}

#[test]
fn the_longest_name_fits() {
    let stamp = Stamp::MAX;
    let records = (0..8).map(|i| record(&format!("long/partition/{i}:x"), stamp, None)).collect();
    let (name, _) =
        encode(compaction(63, 64, MAX_INPUTS as u64, stamp), &Contents { ranges: vec![], records }).unwrap();
    let text = name.to_string();
    assert!(matches!(&name.partitions, Partitions::Only(tags) if tags.len() == 8));
    assert!(text.len() > 250 && text.len() <= MAX_NAME_BYTES, "{}", text.len());
    assert_eq!(ObjectName::parse(&text), Ok(name));
}

#[test]
fn refuses_more_than_an_object_can_hold() {
    let stamp = Stamp::new(T, 0, 0);
    let of =
        |bytes| Contents { ranges: vec![], records: vec![record("a:1", stamp, Some(&"x".repeat(bytes)))] };
    let (_, smallest) = encode(commit(1, stamp), &of(MAX_OBJECT_BYTES - 100)).unwrap();
    let overhead = smallest.len() - (MAX_OBJECT_BYTES - 100);
    let (name, largest) = encode(commit(1, stamp), &of(MAX_OBJECT_BYTES - overhead)).unwrap();
    assert_eq!(largest.len(), MAX_OBJECT_BYTES);
    assert!(decode(&name, Bytes::from(largest)).is_ok());
    assert!(encode(commit(1, stamp), &of(MAX_OBJECT_BYTES - overhead + 1)).is_err());
}

#[test]
fn partitions_that_share_a_tag_are_told_as_any() {
    let tag_of = |i: u32| Tag::of(&format!("p{i}"));
    let first = tag_of(0);
    let twin = (1..).find(|i| tag_of(*i) == first).unwrap();
    let stamp = Stamp::ZERO;
    let mut records = vec![record("p0:x", stamp, None), record(&format!("p{twin}:x"), stamp, None)];
    records.sort_by(|a, b| a.key.cmp(&b.key));
    let (name, _) = encode(commit(1, stamp), &Contents { ranges: vec![], records }).unwrap();
    assert_eq!(name.partitions, Partitions::Any);
}

fn any_key() -> impl Strategy<Value = Key> {
    let partition = prop_oneof!["[a-c]", "dm/[a-z]{1,12}", "[^:]{1,20}"];
    (partition, prop_oneof!["[0-9]{0,20}", "[ab]{0,3}", ".{0,40}"])
        .prop_map(|(partition, rest)| Key::new(&partition, &rest).unwrap())
}

fn any_stamp() -> impl Strategy<Value = Stamp> {
    (0..3_u64, any::<u16>(), any::<u32>()).prop_map(|(ms, counter, tie)| Stamp::new(T + ms, counter, tie))
}

fn any_range() -> impl Strategy<Value = Range> {
    prop_oneof![
        any_key().prop_map(|key| Range::key(&key)),
        any_key().prop_map(|key| Range::partition(key.partition())),
        any_key().prop_map(|key| Range::prefix(key.partition(), key.rest())),
        (any_key(), any_key())
            .prop_map(|(a, b)| Range::all().from(&a.clone().min(b.clone())).before(&a.max(b))),
        Just(Range::all()),
    ]
    .prop_filter("not empty", |range| !range.is_empty())
}

fn any_contents() -> impl Strategy<Value = Contents> {
    let value = proptest::option::of(proptest::collection::vec(any::<u8>(), 0..50));
    let records = proptest::collection::btree_map(any_key(), (any_stamp(), value), 0..30);
    let ranges = proptest::collection::vec((any_range(), any_stamp()), 0..3);
    (records, ranges, any_stamp(), any::<bool>()).prop_map(|(records, ranges, shared, is_shared)| {
        let stamp_of = |stamp| if is_shared { shared } else { stamp };
        let mut ranges: Vec<_> = ranges
            .into_iter()
            .map(|(range, stamp)| RangeTombstone { range, stamp: stamp_of(stamp) })
            .collect();
        ranges.sort_by(|a, b| range_order(a).cmp(&range_order(b)));
        ranges.dedup();
        let records = records
            .into_iter()
            .map(|(key, (stamp, value))| Record {
                key,
                stamp: stamp_of(stamp),
                value: value.map(Bytes::from),
            })
            .collect();
        Contents { ranges, records }
    })
}

fn any_identity() -> impl Strategy<Value = Identity> {
    (any::<u64>(), 1..=64_u8, 1..=16_u64, any_stamp()).prop_map(|(id, parts, inputs, greatest)| {
        compaction((id % u64::from(parts)) as u8, parts, inputs, greatest)
    })
}

proptest! {
    #[test]
    fn objects_are_read_back(identity in any_identity(), contents in any_contents()) {
        let (name, bytes) = encode(identity, &contents).unwrap();
        prop_assert_eq!(contents.encoded_bytes(), bytes.len());
        let text = name.to_string();
        prop_assert!(text.len() <= MAX_NAME_BYTES);
        prop_assert_eq!(ObjectName::parse(&text), Ok(name.clone()));
        let read = decode(&name, Bytes::from(bytes)).unwrap();
        prop_assert_eq!(read.records, contents.records);
        for (read, written) in read.ranges.iter().zip(&contents.ranges) {
            prop_assert_eq!((range_order(read), read.stamp), (range_order(written), written.stamp));
        }
    }

    /// A name may promise more than there is, never less.
    #[test]
    fn names_admit_all_they_hold(contents in any_contents(), identity in any_identity(), asked in any_range()) {
        let (name, _) = encode(identity, &contents).unwrap();
        for record in contents.records.iter().filter(|record| asked.contains(record.key.as_str())) {
            prop_assert!(name.overlaps(&asked), "{record:?} in {asked:?}");
            prop_assert!(name.touches(record.key.partition()));
            prop_assert!(name.overlaps(&Range::key(&record.key)));
            let span = name.span(asked.only_partition()).unwrap();
            prop_assert!(span.low.as_slice() <= record.key.as_bytes());
            prop_assert!(span.high.as_slice() >= record.key.as_bytes());
        }
        for RangeTombstone { range, .. } in &contents.ranges {
            if range.start() < asked.end() && asked.start() < range.end() {
                prop_assert!(name.overlaps(&asked), "{range:?} and {asked:?}");
            }
        }
    }

    #[test]
    fn mutated_bodies_never_panic(
        contents in any_contents(),
        identity in any_identity(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in proptest::option::of(any::<prop::sample::Index>()),
    ) {
        let (mut name, good) = encode(identity, &contents).unwrap();
        let mut bytes = good.clone();
        for (index, byte) in changes {
            let index = index.index(bytes.len());
            bytes[index] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        // As it is, the checksum or the size tells. Sealed again, the reader itself must hold.
        if bytes != good {
            prop_assert!(decode(&name, Bytes::from(bytes.clone())).is_err());
        }
        name.size_bytes = bytes.len() as u32;
        body::tests_reseal(&name, &mut bytes);
        let _ = decode(&name, Bytes::from(bytes));
    }

    #[test]
    fn arbitrary_names_never_panic(text in ".{0,300}", tail in "[-0-9A-Za-z_.*]{0,260}") {
        let _ = ObjectName::parse(&text);
        let _ = ObjectName::parse(&format!("t1{tail}"));
    }

    #[test]
    fn a_mutated_name_is_refused_or_is_another(
        contents in any_contents(),
        identity in any_identity(),
        place in any::<prop::sample::Index>(),
        byte in proptest::sample::select(b"-09AZ_az.*/".to_vec()),
        insert: bool,
    ) {
        let (name, body) = encode(identity, &contents).unwrap();
        let mut bytes = name.to_string().into_bytes();
        let place = place.index(bytes.len());
        if insert { bytes.insert(place, byte) } else { bytes[place] = byte }
        let text = String::from_utf8(bytes).unwrap();
        if let Ok(parsed) = ObjectName::parse(&text) {
            prop_assert_eq!(parsed.to_string(), text);
            if parsed != name {
                prop_assert!(decode(&parsed, Bytes::from(body)).is_err());
            }
        }
    }
}
