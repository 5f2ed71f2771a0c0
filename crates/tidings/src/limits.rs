//! Every limit of the embedded host, with its unit and its reason.
//!
//! Where a cloud host has a limit the local one has the same, so that what works here works there.

use std::time::Duration;

/// How long a component may take for one request. The cloud hosts end a request after as long.
pub const HANDLER_TIME: Duration = Duration::from_secs(30);

/// Linear memory of one instance, in bytes: 128 MiB, as on Akamai Functions.
pub const INSTANCE_MEMORY_BYTES: usize = 128 << 20;

/// Body of one request, in bytes: 10 MiB, as on Akamai Functions. Beyond it the answer is 413.
pub const REQUEST_BODY_BYTES: u64 = 10 << 20;

/// Instances that live at once. Requests beyond it wait for a free one, at most for [`HANDLER_TIME`].
///
/// Each reserves 4 GiB of address space (not memory), which this number keeps to about 1 TiB.
pub const INSTANCES: u32 = 200;

/// Connections that are open at once. Further ones wait in the listener's queue.
pub const CONNECTIONS: usize = 1_000;

/// How long a client may take to send the head of a request; also how long an idle connection is kept.
pub const REQUEST_HEAD_TIME: Duration = Duration::from_secs(60);

/// How long a shutdown waits for requests that have begun.
pub const SHUTDOWN_TIME: Duration = Duration::from_secs(30);

/// How often a busy component must let others run.
pub const TIME_SLICE: Duration = Duration::from_millis(10);

/// Length of a key in the store, in bytes: the least that any of the hosts gives.
pub const KEY_BYTES: usize = 255;

/// Length of a value in the store, in bytes: 1 MB, as on every cloud host.
pub const VALUE_BYTES: usize = 1_000_000;

/// Stores that one request may hold open, as in Spin.
pub const OPEN_STORES: usize = 256;

/// Writes that are made durable together, at most.
pub const GROUP_COMMIT_WRITES: usize = 256;

/// Writes that wait for the writer; whoever brings a further one waits too.
pub const WRITE_QUEUE: usize = 1_024;

/// Connections for reading that are kept open to the store.
pub const IDLE_READERS: usize = 8;

/// How long an outgoing connection may take, name resolution and TLS included, unless the request says otherwise.
pub const CONNECT_TIME: Duration = Duration::from_secs(10);

/// How long the first byte of an outgoing request's response may take, unless the request says otherwise.
pub const FIRST_BYTE_TIME: Duration = Duration::from_secs(30);

/// How long a gap within an outgoing request's response may last, unless the request says otherwise.
pub const BETWEEN_BYTES_TIME: Duration = Duration::from_secs(30);

/// The greatest staleness that can be rehearsed, in seconds: an hour. History is kept in memory for as long.
pub const STALE_SECONDS: f64 = 3_600.0;

/// Length of one line that a component prints, in bytes. Longer ones are cut up.
pub const LOG_LINE_BYTES: usize = 4_096;

/// How much of a body that nobody wants is read and thrown away, in bytes, before the connection is closed.
pub const DISCARD_BYTES: u64 = 64 << 20;

/// How long a body that nobody wants is read and thrown away.
pub const DISCARD_TIME: Duration = Duration::from_secs(10);

/// How long after a setup a deployment may say that nobody has set it up: twice what the stores of the cloud hosts may be
/// stale, and some.
pub const SETUP_SEEN_TIME: Duration = Duration::from_secs(150);

/// How often it is asked meanwhile.
pub const SETUP_GLANCE: Duration = Duration::from_secs(2);
