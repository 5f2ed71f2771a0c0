//! `tidings inspect`: real data files, written by the ledger through the real store.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // Here a broken assumption is a failed test.

use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;
use tempfile::TempDir;
use tidings::store::{FILE_NAME, Session, Store, StoreOptions};
use tidings_ledger::testing::{ManualClock, SeededRandom};
use tidings_ledger::{Batch, Budget, Key, KeyValue, Ledger, Range, StoreError, Timing};
use tokio::sync::Mutex;

/// 1 January 2026, noon.
const NOON_MS: u64 = 1_767_268_800_000;

/// The store on disk, as a ledger wants it.
struct OnDisk(Mutex<Session>);

impl KeyValue for OnDisk {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.0.lock().await.get(key).await.map_err(|error| StoreError::new(error.to_string()))
    }

    async fn set(&self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        self.0.lock().await.set(key, value.to_vec()).await.map_err(|error| StoreError::new(error.to_string()))
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.0.lock().await.delete(key).await.map_err(|error| StoreError::new(error.to_string()))
    }

    async fn keys(&self) -> Result<Vec<String>, StoreError> {
        self.0.lock().await.keys().await.map_err(|error| StoreError::new(error.to_string()))
    }
}

fn key(text: &str) -> Key {
    Key::parse(text).unwrap()
}

/// So many posts, one commit each, and a merge if there are enough; then a tombstone, a range and a stranger's key.
async fn write(store: &Arc<Store>, posts: usize) {
    let clock = ManualClock::at(NOON_MS);
    let on_disk = OnDisk(Mutex::new(store.session()));
    let ledger = Ledger::new(on_disk, clock.clone(), SeededRandom::new(1), Timing::local());
    for number in 0..posts {
        let mut view = ledger.view().await.unwrap();
        let mut batch = Batch::new();
        batch.put(key(&format!("post:{number:03}")), format!("this is a secret {number}"));
        ledger.commit(&mut view, batch).await.unwrap();
        clock.advance(1_000);
    }
    let mut view = ledger.view().await.unwrap();
    ledger.maintain(&mut view, Budget::default()).await.unwrap();
    let mut batch = Batch::new();
    batch.put(key("dm/bob:\u{1b}[2J"), "hello");
    batch.delete(key("post:000"));
    batch.delete_range(Range::partition("feed"));
    ledger.commit(&mut view, batch).await.unwrap();
    store.session().set("settings.json", b"{}".to_vec()).await.unwrap();
}

async fn data(posts: usize) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(directory.path(), StoreOptions::default()).unwrap();
    write(&store, posts).await;
    store.close().await;
    directory
}

fn inspect(file: &Path, options: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tidings")).arg("inspect").arg(file).args(options).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn json(output: &Output) -> Value {
    assert!(output.status.success(), "{}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Alters the last byte of the first commit's body.
fn damage(directory: &Path) -> String {
    let connection = rusqlite::Connection::open(directory.join(FILE_NAME)).unwrap();
    let commit = "SELECT key FROM spin_key_value WHERE key LIKE 't1-%' ORDER BY key LIMIT 1";
    let key: String = connection.query_row(commit, [], |row| row.get(0)).unwrap();
    let get = "SELECT value FROM spin_key_value WHERE key = ?1";
    let mut body: Vec<u8> = connection.query_row(get, [&key], |row| row.get(0)).unwrap();
    *body.last_mut().unwrap() ^= 1;
    let set = "UPDATE spin_key_value SET value = ?2 WHERE key = ?1";
    connection.execute(set, rusqlite::params![key, body]).unwrap();
    key
}

#[tokio::test]
async fn tells_what_a_file_holds() {
    let directory = data(40).await;
    let survey = json(&inspect(directory.path(), &["--json", "--check"]));
    let objects = survey["objects"].as_array().unwrap();
    assert_eq!(survey["keys"], objects.len() + 1);
    assert_eq!(survey["keys_given"], 1_024);

    let merged = objects.iter().find(|object| object["level"] != 0).expect("a merge of forty commits");
    let inputs = merged["inputs"].as_array().unwrap();
    assert!(inputs.len() > 1);
    let replaced = objects.iter().filter(|object| object["replaced"] == true);
    assert!(replaced.clone().count() >= inputs.len(), "they wait for their grace to end");
    assert!(replaced.clone().all(|object| object["values"] == 1 && object["tombstones"] == 0));
    assert_eq!(merged["partitions"], serde_json::json!(["post"]));
    assert_eq!(merged["part"], serde_json::json!([1, 1]));

    let last = objects.iter().find(|object| object["range_tombstones"] == 1).unwrap();
    assert_eq!((&last["values"], &last["tombstones"]), (&1.into(), &1.into()));
    assert_eq!(last["committed"][0], "2026-01-01T12:00:40Z");
    assert_eq!(last["key_range"][1], "post:000");

    let commits = &survey["levels"]["0"];
    assert_eq!(commits["objects"], 41);
    assert!(commits["fill"].as_f64().unwrap() < 0.001);
    assert_eq!(survey["partitions"]["dm"]["partitions"], 1);
    assert_eq!(survey["unknown"][0]["key"], "settings.json");
    assert_eq!(survey["unknown"][0]["may_lose_entries"], false);
}

#[tokio::test]
async fn prints_tables_that_show_no_values_and_move_no_cursor() {
    let directory = data(3).await;
    let output = inspect(&directory.path().join(FILE_NAME), &[]);
    assert!(output.status.success());
    let printed = text(&output.stdout);
    for part in ["of 1024", "level  objects", "standing", "settings.json", "post:001", "no object is damaged"]
    {
        assert!(printed.contains(part), "{part}\n{printed}");
    }
    assert!(printed.contains("dm/bob:\\u{1b}[2J") && !printed.contains('\u{1b}'), "{printed}");
    assert!(!printed.contains("secret"), "{printed}");
}

#[tokio::test]
async fn lists_what_is_damaged_and_fails_only_when_asked_to_check() {
    let directory = data(3).await;
    let damaged = damage(directory.path());
    let output = inspect(directory.path(), &[]);
    assert!(output.status.success());
    let printed = text(&output.stdout);
    assert!(printed.contains("DAMAGED"), "{printed}");
    assert!(printed.contains(&format!("{damaged}  the checksum does not match")), "{printed}");

    assert_eq!(inspect(directory.path(), &["--check"]).status.code(), Some(1));
    let survey = json(&inspect(directory.path(), &["--json"]));
    let objects = survey["objects"].as_array().unwrap();
    let found: Vec<_> = objects.iter().filter(|object| object["damage"].is_string()).collect();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["key"], damaged);
    assert!(found[0].get("values").is_none(), "nothing is said of what cannot be read");
    let values: i64 = objects.iter().filter_map(|object| object["values"].as_i64()).sum();
    assert_eq!(values, 3, "the others are read all the same");
}

#[tokio::test]
async fn reads_a_file_that_is_in_use() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(directory.path(), StoreOptions::default()).unwrap();
    write(&store, 2).await;
    let survey = json(&inspect(directory.path(), &["--json"]));
    assert_eq!(survey["keys"], 4);
    store.session().set("another", b"x".to_vec()).await.unwrap();
    assert_eq!(json(&inspect(directory.path(), &["--json"]))["keys"], 5);
    store.close().await;
}

#[tokio::test]
async fn leaves_a_file_and_its_directory_as_they_are() {
    let directory = data(2).await;
    let names = || {
        let entries = directory.path().read_dir().unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let path = directory.path().join(FILE_NAME);
    let (before, bytes) = (names(), std::fs::read(&path).unwrap());
    assert_eq!(json(&inspect(&path, &["--json"]))["keys"], 4);
    assert_eq!(names(), before);
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
}

#[test]
fn says_what_is_wrong_with_a_file_and_makes_none() {
    let directory = tempfile::tempdir().unwrap();
    let missing = directory.path().join("none.db");
    let output = inspect(&missing, &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("there is no data file"), "{}", text(&output.stderr));
    assert!(text(&inspect(directory.path(), &[]).stderr).contains(FILE_NAME));
    assert!(!missing.exists() && directory.path().read_dir().unwrap().next().is_none());

    let other = directory.path().join("other.txt");
    std::fs::write(&other, "a letter to a friend, not a database at all".repeat(30)).unwrap();
    let output = inspect(&other, &[]);
    assert!(text(&output.stderr).contains("file is not a database"), "{}", text(&output.stderr));

    let empty = directory.path().join("empty.db");
    rusqlite::Connection::open(&empty).unwrap().execute("CREATE TABLE t (x)", []).unwrap();
    let output = inspect(&empty, &[]);
    assert!(text(&output.stderr).contains("no key-value store"), "{}", text(&output.stderr));
}
