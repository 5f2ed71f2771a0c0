//! A data file, open for looking at.

use crate::store::FILE_NAME;
use anyhow::{Context as _, bail};
use rusqlite::{Connection, OpenFlags, OptionalExtension as _};
use std::io::Read as _;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

const TABLE: &str = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'spin_key_value'";
const KEYS: &str = "SELECT key FROM spin_key_value WHERE store = 'default' ORDER BY key";
const VALUE: &str = "SELECT value FROM spin_key_value WHERE store = 'default' AND key = ?1";

/// How long a host that is just tidying up may keep others out.
const BUSY_TIME: Duration = Duration::from_secs(10);

/// Bytes of a database file's header, where in it the versions for writing and reading are, and the one with a log.
const HEADER_BYTES: usize = 100;
const VERSIONS: Range<usize> = 18..20;
const LOGGED: u8 = 2;

/// The store in a data file as of one moment, whatever is written meanwhile.
#[derive(Debug)]
pub(super) struct DataFile {
    path: PathBuf,
    /// Whether it was opened as one that a host may be using.
    is_shared: bool,
    connection: Connection,
}

impl DataFile {
    /// Opens a data file, or the one in a data directory. Never makes one.
    ///
    /// # Errors
    /// When it is not there or is none.
    pub fn open(given: &Path) -> anyhow::Result<Self> {
        let path = if given.is_dir() { given.join(FILE_NAME) } else { given.to_owned() };
        if !path.try_exists().with_context(|| format!("cannot look for {}", path.display()))? {
            bail!("there is no data file {}", path.display());
        }
        let open = || -> anyhow::Result<Self> {
            let is_shared = has_log(&path) || !wants_log(&path)?;
            let connection = connect(&path, is_shared)?;
            Ok(Self { path: path.clone(), is_shared, connection })
        };
        open().with_context(|| format!("cannot read the data file {}", path.display()))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether a host took it into use since it was opened as one that nobody changes: what was read may be nonsense.
    pub fn has_changed_hands(&self) -> bool {
        !self.is_shared && has_log(&self.path)
    }

    /// All keys, ascending.
    ///
    /// # Errors
    /// When the database fails.
    pub fn keys(&self) -> anyhow::Result<Vec<String>> {
        let mut statement = self.connection.prepare_cached(KEYS)?;
        let keys = statement.query_map([], |row| row.get(0))?;
        Ok(keys.collect::<Result<_, _>>()?)
    }

    /// The value of a key that was listed.
    ///
    /// # Errors
    /// When the database fails.
    pub fn value(&self, key: &str) -> anyhow::Result<Vec<u8>> {
        Ok(self.connection.prepare_cached(VALUE)?.query_row([key], |row| row.get(0))?)
    }
}

/// A file that no host is using has no log beside it, but wants one: to share it with others, SQLite would make a log and
/// leave it there. So it is opened as one that nobody changes, which needs no log.
fn connect(path: &Path, is_shared: bool) -> anyhow::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = if is_shared {
        Connection::open_with_flags(path, flags)?
    } else {
        Connection::open_with_flags(unchanging(path), flags | OpenFlags::SQLITE_OPEN_URI)?
    };
    connection.busy_timeout(BUSY_TIME)?;
    // From here on all that is read is of one moment.
    connection.execute_batch("BEGIN")?;
    if connection.query_row(TABLE, [], |_| Ok(())).optional()?.is_none() {
        bail!("it holds no key-value store (there is no table spin_key_value)");
    }
    Ok(connection)
}

fn has_log(path: &Path) -> bool {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    Path::new(&log).exists()
}

/// Whether it is a database whose users write to a log first, as the file itself tells (<https://sqlite.org/fileformat2.html>,
/// 1.3.3).
fn wants_log(path: &Path) -> anyhow::Result<bool> {
    let mut header = Vec::with_capacity(HEADER_BYTES);
    std::fs::File::open(path)?.take(HEADER_BYTES as u64).read_to_end(&mut header)?;
    Ok(header.get(VERSIONS).is_some_and(|versions| versions == [LOGGED, LOGGED]))
}

/// The file as a URI that tells SQLite that nobody changes it.
fn unchanging(path: &Path) -> String {
    let mut uri = "file:".to_owned();
    for byte in path.to_string_lossy().bytes() {
        match byte {
            b'/' | b'.' | b'-' | b'_' | b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => uri.push(char::from(byte)),
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri + "?immutable=1"
}
