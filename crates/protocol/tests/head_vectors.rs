//! The golden vectors of heads and record ids in `tests/vectors/head-v1.json`: their spelling and their order.

#![allow(clippy::unwrap_used, clippy::expect_used)] // Here a broken assumption is a failed test.

mod vectors_of;

use data_encoding::HEXLOWER;
use serde_json::{Value, json};
use std::cmp::Ordering;
use std::fmt::Display;
use tidings_protocol::{Head, RecordId};
use vectors_of::{check_every_case, refused, text, unknown_kind};

#[test]
fn heads_and_record_ids_are_what_the_vectors_say() {
    check_every_case(include_str!("../../../tests/vectors/head-v1.json"), 78, outcome);
}

fn outcome(_vectors: &Value, case: &Value) -> Value {
    match text(case, "kind") {
        "head" => match text(case, "text").parse::<Head>() {
            Ok(head) => accepted(case, &head, head.as_bytes(), head.ms()),
            Err(_) => refused("spelling"),
        },
        "record_id" => match text(case, "text").parse::<RecordId>() {
            Ok(id) => accepted(case, &id, &id.to_bytes(), id.created_ms()),
            Err(_) => refused("spelling"),
        },
        "head_order" => order::<Head>(case),
        "record_id_order" => order::<RecordId>(case),
        "record_id_made" => {
            let unique = HEXLOWER.decode(text(case, "unique_hex").as_bytes()).unwrap().try_into().unwrap();
            let id = RecordId::from_parts(case["ms"].as_u64().unwrap(), unique);
            assert_eq!((id.created_ms(), id.unique()), (case["ms"].as_u64().unwrap(), unique));
            json!({ "text": id.to_string() })
        }
        _ => unknown_kind(case),
    }
}

fn accepted(case: &Value, value: &impl Display, bytes: &[u8], ms: u64) -> Value {
    assert_eq!(value.to_string(), text(case, "text"), "it is written as it was read");
    json!({ "outcome": "accept", "hex": HEXLOWER.encode(bytes), "ms": ms })
}

/// The order of the values, which has to be that of their texts too.
fn order<T: std::str::FromStr<Err: std::fmt::Debug> + Ord>(case: &Value) -> Value {
    let (first, second) = (text(case, "first"), text(case, "second"));
    let order = first.parse::<T>().unwrap().cmp(&second.parse::<T>().unwrap());
    assert_eq!(order, first.cmp(second), "{}", case["name"]);
    let name = match order {
        Ordering::Less => "before",
        Ordering::Equal => "same",
        Ordering::Greater => "after",
    };
    json!({ "order": name })
}
