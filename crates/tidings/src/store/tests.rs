use super::*;
use std::collections::BTreeSet;
use tempfile::TempDir;

const CURRENT: StoreOptions = StoreOptions { stale: Duration::ZERO, max_keys: None };

fn open(directory: &TempDir, options: StoreOptions) -> Arc<Store> {
    Store::open(directory.path(), options).unwrap()
}

fn directory() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// What Spin creates; written out once more so that a change of ours is noticed.
const SPINS_TABLE: &str = "CREATE TABLE IF NOT EXISTS spin_key_value (
    store TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (store, key))";

fn columns(connection: &Connection) -> Vec<(String, String, bool, i64)> {
    let mut statement = connection.prepare("PRAGMA table_info(spin_key_value)").unwrap();
    let rows =
        statement.query_map([], |row| Ok((row.get(1)?, row.get(2)?, row.get(3)?, row.get(5)?))).unwrap();
    rows.map(Result::unwrap).collect()
}

#[tokio::test]
async fn keeps_values_over_a_restart() {
    let directory = directory();
    let store = open(&directory, CURRENT);
    let mut session = store.session();
    session.set("a", b"1".to_vec()).await.unwrap();
    session.set("a", b"2".to_vec()).await.unwrap();
    session.set("empty", Vec::new()).await.unwrap();
    session.set("gone", b"x".to_vec()).await.unwrap();
    session.delete("gone").await.unwrap();
    session.delete("never there").await.unwrap();
    drop(session);
    store.close().await;
    drop(store);

    let store = open(&directory, CURRENT);
    let mut session = store.session();
    assert_eq!(session.get("a").await.unwrap(), Some(b"2".to_vec()));
    assert_eq!(session.get("empty").await.unwrap(), Some(Vec::new()));
    assert_eq!(session.get("gone").await.unwrap(), None);
    assert!(session.exists("a").await.unwrap());
    assert!(!session.exists("gone").await.unwrap());
    assert_eq!(session.keys().await.unwrap(), ["a", "empty"]);
    assert_eq!(session.operations(), 6);
}

#[tokio::test]
async fn data_moves_to_spin_and_back() {
    let directory = directory();
    let path = directory.path().join(FILE_NAME);
    let spin = Connection::open(&path).unwrap();
    spin.execute(SPINS_TABLE, []).unwrap();
    spin.execute("INSERT INTO spin_key_value VALUES ('default', 'from spin', x'01')", []).unwrap();
    spin.execute("INSERT INTO spin_key_value VALUES ('other', 'hidden', x'02')", []).unwrap();
    let layout = columns(&spin);
    spin.close().unwrap();

    let store = open(&directory, CURRENT);
    let mut session = store.session();
    assert_eq!(session.keys().await.unwrap(), ["from spin"]);
    assert_eq!(session.get("from spin").await.unwrap(), Some(vec![1]));
    session.set("from us", vec![3]).await.unwrap();
    store.close().await;

    assert!(!directory.path().join(format!("{FILE_NAME}-wal")).exists(), "the file is whole by itself");
    let spin = Connection::open(&path).unwrap();
    assert_eq!(columns(&spin), layout);
    assert_eq!(select(&spin, "from us").unwrap(), Some(vec![3]));
    let hidden: Vec<u8> = spin
        .query_row("SELECT value FROM spin_key_value WHERE store = 'other'", [], |row| row.get(0))
        .unwrap();
    assert_eq!(hidden, [2]);
}

#[test]
fn a_new_file_has_spins_layout() {
    let directory = directory();
    let ours = open_for_writing(&directory.path().join("ours")).unwrap();
    let spins = Connection::open_in_memory().unwrap();
    spins.execute(SPINS_TABLE, []).unwrap();
    assert_eq!(columns(&ours), columns(&spins));
}

#[test]
fn writes_wait_for_the_disk() {
    let directory = directory();
    let connection = open_for_writing(&directory.path().join(FILE_NAME)).unwrap();
    let journal: String = connection.query_row("PRAGMA journal_mode", [], |row| row.get(0)).unwrap();
    let synchronous: i64 = connection.query_row("PRAGMA synchronous", [], |row| row.get(0)).unwrap();
    assert_eq!((journal.as_str(), synchronous), ("wal", 2), "WAL with synchronous=FULL");
}

#[tokio::test]
async fn refuses_what_cloud_stores_refuse() {
    let directory = directory();
    let store = open(&directory, CURRENT);
    let mut session = store.session();
    let longest = "k".repeat(limits::KEY_BYTES);
    session.set(&longest, vec![0; limits::VALUE_BYTES]).await.unwrap();
    assert_eq!(session.get(&longest).await.unwrap().unwrap().len(), limits::VALUE_BYTES);
    let too_long = "k".repeat(limits::KEY_BYTES + 1);
    let expected = StoreError::KeyTooLong { got: limits::KEY_BYTES + 1 };
    assert_eq!(session.set(&too_long, Vec::new()).await, Err(expected.clone()));
    assert_eq!(session.get(&too_long).await, Err(expected.clone()));
    assert_eq!(session.exists(&too_long).await, Err(expected.clone()));
    assert_eq!(session.delete(&too_long).await, Err(expected));
    let expected = StoreError::ValueTooLong { got: limits::VALUE_BYTES + 1 };
    assert_eq!(session.set("k", vec![0; limits::VALUE_BYTES + 1]).await, Err(expected));
}

#[tokio::test]
async fn refuses_keys_beyond_the_quota_but_not_changes() {
    let directory = directory();
    let store = open(&directory, StoreOptions { max_keys: Some(2), ..CURRENT });
    let mut session = store.session();
    session.set("a", vec![1]).await.unwrap();
    session.set("b", vec![1]).await.unwrap();
    assert_eq!(session.set("c", vec![1]).await, Err(StoreError::TooManyKeys { limit: 2 }));
    session.set("a", vec![2]).await.unwrap();
    session.delete("b").await.unwrap();
    session.set("c", vec![1]).await.unwrap();
    assert_eq!(session.keys().await.unwrap(), ["a", "c"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_writes_are_all_there() {
    let directory = directory();
    let store = open(&directory, CURRENT);
    let writers: Vec<_> = (0..200)
        .map(|number| {
            let mut session = store.session();
            tokio::spawn(async move { session.set(&format!("{number:03}"), vec![number as u8]).await })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap().unwrap();
    }
    let keys = store.session().keys().await.unwrap();
    assert_eq!(keys, (0..200).map(|number| format!("{number:03}")).collect::<Vec<_>>());
}

#[test]
fn refuses_a_directory_that_is_in_use() {
    let directory = directory();
    let store = open(&directory, CURRENT);
    let error = format!("{:#}", Store::open(directory.path(), CURRENT).unwrap_err());
    assert!(error.contains("in use by another host"), "{error}");
    drop(store);
}

#[tokio::test]
async fn operations_after_closing_fail() {
    let directory = directory();
    let store = open(&directory, CURRENT);
    store.close().await;
    store.close().await;
    assert_eq!(store.session().set("a", Vec::new()).await, Err(StoreError::Closed));
}

mod stale {
    use super::*;

    const STALE: StoreOptions = StoreOptions { stale: Duration::from_millis(400), max_keys: None };

    #[tokio::test]
    async fn own_writes_are_seen_at_once() {
        let directory = directory();
        let store = open(&directory, STALE);
        for round in 0..50 {
            let mut session = store.session();
            let value = vec![round];
            session.set("k", value.clone()).await.unwrap();
            assert_eq!(session.get("k").await.unwrap(), Some(value));
            assert!(session.exists("k").await.unwrap());
            assert_eq!(session.keys().await.unwrap(), ["k"]);
            session.delete("k").await.unwrap();
            assert_eq!(session.get("k").await.unwrap(), None);
            assert!(session.keys().await.unwrap().is_empty());
        }
    }

    #[tokio::test]
    async fn others_see_the_past_and_then_the_present() {
        let directory = directory();
        let store = open(&directory, STALE);
        store.session().set("k", b"old".to_vec()).await.unwrap();
        store.session().set("gone", b"x".to_vec()).await.unwrap();
        tokio::time::sleep(STALE.stale).await;
        store.session().set("k", b"new".to_vec()).await.unwrap();
        store.session().set("fresh", b"x".to_vec()).await.unwrap();
        store.session().delete("gone").await.unwrap();
        tokio::time::sleep(STALE.stale / 2).await;

        let (mut values, mut listings) = (BTreeSet::new(), BTreeSet::new());
        for _ in 0..200 {
            let mut session = store.session();
            values.insert(session.get("k").await.unwrap());
            listings.insert(session.keys().await.unwrap());
        }
        assert_eq!(values, [Some(b"new".to_vec()), Some(b"old".to_vec())].into());
        assert!(listings.len() > 2, "keys lag one by one: {listings:?}");
        assert!(listings.iter().all(|listing| listing.contains(&"k".to_owned())));

        tokio::time::sleep(STALE.stale).await;
        for _ in 0..50 {
            let mut session = store.session();
            assert_eq!(session.get("k").await.unwrap(), Some(b"new".to_vec()));
            assert_eq!(session.keys().await.unwrap(), ["fresh", "k"]);
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn no_request_sees_a_key_go_back_in_time() {
        let directory = directory();
        let store = open(&directory, STALE);
        let writer = {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                for number in 0u32..150 {
                    store.session().set("k", number.to_be_bytes().to_vec()).await.unwrap();
                    tokio::time::sleep(Duration::from_millis(4)).await;
                }
            })
        };
        let readers: Vec<_> = (0..8)
            .map(|_| {
                let mut session = store.session();
                tokio::spawn(async move {
                    let mut last = None;
                    for _ in 0..150 {
                        let seen = session.get("k").await.unwrap();
                        assert!(seen >= last, "{seen:?} after {last:?}");
                        last = seen;
                        tokio::time::sleep(Duration::from_millis(3)).await;
                    }
                })
            })
            .collect();
        for task in readers.into_iter().chain([writer]) {
            task.await.unwrap();
        }
    }
}
