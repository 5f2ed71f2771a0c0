//! One deployment: a `tidings serve` process of its own.

use crate::data::{self, Data};
use crate::http::Call;
use crate::mode::Mode;
use crate::program::{program, root};
use rustix::process::{Pid, Signal, kill_process};
use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::mpsc;
use std::time::Duration;
use tempfile::TempDir;
use tidings_protocol::Address;

/// How long a start may take; the first one compiles the components.
const START_TIME: Duration = Duration::from_secs(120);

/// How many ports are tried, should somebody else take them.
const START_TRIES: usize = 3;

/// How many of the last lines of its log a deployment shows when its test fails.
const LOG_LINES: usize = 150;

/// A deployment, running or stopped. Its process ends with it.
#[derive(Debug)]
pub struct Deployment {
    name: String,
    mode: Mode,
    port: u16,
    directory: TempDir,
    variables: Vec<(String, String)>,
    process: Option<Child>,
}

impl Deployment {
    /// Starts one with an empty store. `variables` come on top of those that loopback and the mode need.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn start(name: &str, mode: Mode, variables: &[(&str, &str)]) -> Self {
        let mut deployment = Self {
            name: name.to_owned(),
            mode,
            port: 0,
            directory: tempfile::tempdir().expect("there is room for a directory"),
            variables: Vec::new(),
            process: None,
        };
        deployment.set_variables(variables);
        let started = (0..START_TRIES).any(|_| {
            deployment.port = free_port();
            deployment.try_restart()
        });
        assert!(started, "{name} does not start");
        deployment
    }

    /// Its origin, such as `http://127.0.0.1:20001`.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Its address.
    #[must_use]
    pub fn address(&self) -> Address {
        self.origin().parse().expect("the origin of a deployment on loopback is an address")
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// A request to it.
    #[must_use]
    pub fn call(&self, method: &str, path: &str) -> Call {
        Call::new(method, &self.origin(), path)
    }

    /// Chooses the variables of the next start.
    pub fn set_variables(&mut self, variables: &[(&str, &str)]) {
        self.variables = variables.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
    }

    /// Starts it again, on the same port and with the same data. It may not be running.
    ///
    /// # Panics
    /// When it does not start.
    pub fn restart(&mut self) {
        assert!(self.try_restart(), "{} does not start again", self.name);
    }

    /// Ends it in good order.
    ///
    /// # Panics
    /// When it is not running, or does not end well.
    pub fn stop(&mut self) {
        let mut process = self.process.take().expect("it is running");
        let id = i32::try_from(process.id()).ok().and_then(Pid::from_raw).expect("processes have small ids");
        kill_process(id, Signal::TERM).expect("one may end one's own child");
        let status = process.wait().expect("one may wait for one's own child");
        assert!(status.success(), "{} ended with {status}", self.name);
    }

    /// Ends it at once, as loss of power does.
    ///
    /// # Panics
    /// When it is not running.
    pub fn kill(&mut self) {
        let mut process = self.process.take().expect("it is running");
        process.kill().and_then(|()| process.wait()).expect("one may kill one's own child");
    }

    /// Everything in its store.
    ///
    /// # Panics
    /// When it cannot be read.
    #[must_use]
    pub fn data(&self) -> Data {
        data::read(&self.data_path())
    }

    /// Replaces everything in its store. It may not be running.
    ///
    /// # Panics
    /// When it is, or the store cannot be written.
    pub fn set_data(&self, data: &Data) {
        assert!(self.process.is_none(), "{} is running", self.name);
        data::write(&self.data_path(), data);
    }

    /// How many store operations each request for this path with this answer took so far, as its log tells.
    #[must_use]
    pub fn store_operations(&self, path: &str, status: u16) -> Vec<u32> {
        let log = std::fs::read_to_string(self.log_path()).unwrap_or_default();
        let wanted = [format!("path=\"{path}\""), format!("status={status} ")];
        let lines = log.lines().filter(|line| wanted.iter().all(|part| line.contains(part)));
        let number = |line: &str| line.split("store_operations=").nth(1)?.split(' ').next()?.parse().ok();
        lines.filter_map(number).collect()
    }

    fn data_path(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    fn try_restart(&mut self) -> bool {
        assert!(self.process.is_none(), "{} is running already", self.name);
        let log =
            File::options().create(true).append(true).open(self.log_path()).expect("a log can be written");
        let mut command = Command::new(program());
        command.arg("serve").arg("--manifest").arg(root().join("spin.toml"));
        command.arg("--port").arg(self.port.to_string()).arg("--allow-private-network");
        command.arg("--data").arg(self.data_path()).arg("--cache").arg(cache());
        command.args(["--variable", "loopback_peers=http://127.0.0.1:*"]);
        let seconds = self.mode.stale_seconds().to_string();
        command.arg("--variable").arg(format!("store_staleness_seconds={seconds}"));
        command.arg("--stale-seconds").arg(seconds);
        for (name, value) in &self.variables {
            command.env(format!("SPIN_VARIABLE_{}", name.to_uppercase()), value);
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
        let mut process = command.spawn().expect("the program can be started");
        let line = first_line(&mut process);
        if line == format!("listening on {}\n", self.origin()) {
            self.process = Some(process);
            return true;
        }
        eprintln!("{} did not start on port {}, it said {line:?}", self.name, self.port);
        process.kill().and_then(|()| process.wait()).expect("one may kill one's own child");
        self.show_log();
        false
    }

    fn log_path(&self) -> PathBuf {
        self.directory.path().join("log")
    }

    fn show_log(&self) {
        let text = std::fs::read_to_string(self.log_path()).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        let last = lines[lines.len().saturating_sub(LOG_LINES)..].join("\n");
        // In one piece, since other tests are running.
        _ = std::io::stderr().write_all(format!("--- log of {}\n{last}\n---\n", self.name).as_bytes());
    }
}

impl Drop for Deployment {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            _ = process.kill().and_then(|()| process.wait());
        }
        if std::thread::panicking() {
            self.show_log();
        }
    }
}

/// A port that nobody listens on. It lies below those that the system gives to outgoing connections, so that it can be
/// left and taken again.
#[must_use]
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = u16::try_from(std::process::id() % 100).unwrap_or(0) * 100;
    loop {
        let port = 20_000 + (first + NEXT.fetch_add(1, Ordering::Relaxed)) % 12_000;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// Compiled components, kept for all deployments and runs.
fn cache() -> PathBuf {
    std::env::temp_dir().join(format!("tidings-e2e-cache-{}", rustix::process::getuid().as_raw()))
}

/// What it prints when it is ready; nothing if it never is.
fn first_line(process: &mut Child) -> String {
    let stdout = process.stdout.take().expect("standard output is a pipe");
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        _ = BufReader::new(stdout).read_line(&mut line);
        _ = sender.send(line);
    });
    receiver.recv_timeout(START_TIME).unwrap_or_default()
}
