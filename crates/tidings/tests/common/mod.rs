//! What the host's integration tests share: apps made of the probe component, hosts that run them, and a client
//! that shows every byte.

#![allow(dead_code, unused_imports)] // Each test binary uses a part.

mod client;

pub use client::{Answer, Client, send};

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;
use tempfile::TempDir;
use tidings::server::{ServeOptions, Server};
use tokio::sync::oneshot;

/// The probe's binary, built when the environment does not name one.
pub fn probe() -> &'static Path {
    static PROBE: OnceLock<PathBuf> = OnceLock::new();
    PROBE.get_or_init(|| match std::env::var_os("TIDINGS_PROBE_WASM") {
        Some(path) => PathBuf::from(path),
        None => build_probe(),
    })
}

fn build_probe() -> PathBuf {
    let cargo = std::env::var_os("CARGO").unwrap_or("cargo".into());
    let output = Command::new(cargo)
        .args(["build", "--release", "--target", "wasm32-wasip2", "--package", "tidings-probe"])
        .args(["--message-format", "json-render-diagnostics"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stderr(Stdio::inherit())
        .output()
        .expect("cargo can be started");
    assert!(
        output.status.success(),
        "the probe component cannot be built; if the target is missing: rustup target add wasm32-wasip2"
    );
    let messages = String::from_utf8(output.stdout).unwrap();
    let files = messages.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let files = files.filter(|message| message["target"]["name"] == "tidings_probe");
    let mut files = files.filter_map(|message| Some(message["filenames"][0].as_str()?.to_owned()));
    PathBuf::from(files.next().expect("cargo tells where the probe is"))
}

/// Compiled components, kept for all tests and runs.
fn cache() -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("cache")
}

/// An app in a directory of its own: a manifest around the probe.
pub struct App {
    pub directory: TempDir,
}

/// A manifest with the probe under `/probe/...`; `component` is added to its table, `more` at the end.
pub fn manifest(variables: &str, component: &str, more: &str) -> String {
    format!(
        r#"
        spin_manifest_version = 2
        [application]
        name = "probe"
        [variables]
        {variables}
        [[trigger.http]]
        route = "/probe/..."
        component = "probe"
        [component.probe]
        source = "probe.wasm"
        {component}
        {more}
        "#
    )
}

/// What most tests need: a store.
pub const WITH_STORE: &str = "key_value_stores = [\"default\"]";

impl App {
    pub fn new(manifest: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        std::fs::copy(probe(), directory.path().join("probe.wasm")).unwrap();
        let app = Self { directory };
        app.write("spin.toml", manifest);
        app
    }

    pub fn write(&self, path: &str, text: &str) {
        let path = self.directory.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub fn options(&self) -> ServeOptions {
        ServeOptions {
            manifest: self.directory.path().join("spin.toml"),
            listen: "127.0.0.1".parse().unwrap(),
            port: 0,
            data: self.directory.path().join("data"),
            cache: cache(),
            variables: Vec::new(),
            allow_private_network: false,
            stale_seconds: 0.0,
            max_keys: None,
            handler_time: tidings::limits::HANDLER_TIME,
        }
    }

    /// Runs a host in this process; the app is gone with it.
    pub fn serve(self) -> Host {
        let mut host = Host::start(self.options());
        host.app = Some(self);
        host
    }

    /// Runs the program itself, as a user does.
    pub fn program(&self, arguments: &[&str]) -> Program {
        Program::start_with(self, arguments, |_| {})
    }
}

/// A host in this process; stopped in good order when dropped.
pub struct Host {
    pub url: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
    app: Option<App>,
}

impl Host {
    pub fn start(options: ServeOptions) -> Self {
        Self::try_start(options).unwrap()
    }

    pub fn try_start(options: ServeOptions) -> anyhow::Result<Self> {
        let (stop, stopped) = oneshot::channel();
        let (ready, is_ready) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            runtime.block_on(async {
                match Server::bind(options).await {
                    Ok(server) => {
                        ready.send(Ok(server.url())).unwrap();
                        server.run(async { _ = stopped.await }).await.unwrap();
                    }
                    Err(error) => ready.send(Err(error)).unwrap(),
                }
            });
            runtime.shutdown_background();
        });
        let url = is_ready.recv().unwrap()?;
        Ok(Self { url, stop: Some(stop), thread: Some(thread), app: None })
    }

    pub fn get(&self, path: &str) -> Answer {
        send(&self.url, "GET", path, &[], b"")
    }

    pub fn post(&self, path: &str, body: &[u8]) -> Answer {
        send(&self.url, "POST", path, &[], body)
    }

    /// Asks the host to stop, without waiting.
    pub fn ask_to_stop(&mut self) {
        if let Some(stop) = self.stop.take() {
            _ = stop.send(());
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.ask_to_stop();
        if let Some(thread) = self.thread.take() {
            _ = thread.join();
        }
    }
}

/// The program in a process of its own.
pub struct Program {
    pub url: String,
    /// What it printed to standard output until it was ready.
    pub first_line: String,
    pub child: Child,
    stdout: BufReader<std::process::ChildStdout>,
}

impl Program {
    fn command(app: &App, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tidings"));
        command.arg("serve").args(["--manifest", "spin.toml"]);
        for (name, value) in [("--port", "0"), ("--data", "data")] {
            if !arguments.contains(&name) {
                command.args([name, value]);
            }
        }
        if !arguments.contains(&"--cache") {
            command.arg("--cache").arg(cache());
        }
        command.args(arguments).current_dir(app.directory.path());
        command
    }

    /// Starts the program with something changed about it, and waits until it is ready.
    pub fn start_with(app: &App, arguments: &[&str], change: impl FnOnce(&mut Command)) -> Self {
        let mut command = Self::command(app, arguments);
        command
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(app.directory.path().join("log")).unwrap());
        change(&mut command);
        let mut child = command.spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut first_line = String::new();
        stdout.read_line(&mut first_line).unwrap();
        let url = first_line.trim().strip_prefix("listening on ").unwrap_or_default().to_owned();
        Self { url, first_line, child, stdout }
    }

    /// Runs the program where it must fail; what it wrote to standard error.
    pub fn fails(app: &App, arguments: &[&str]) -> String {
        let output = Self::command(app, arguments).output().unwrap();
        assert!(!output.status.success());
        assert!(output.stdout.is_empty());
        String::from_utf8(output.stderr).unwrap()
    }

    pub fn signal(&self, name: &str) {
        let status = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    /// Waits for the end; the exit code, and what else was printed to standard output.
    pub fn wait(mut self) -> (Option<i32>, String) {
        let mut rest = String::new();
        std::io::Read::read_to_string(&mut self.stdout, &mut rest).unwrap();
        (self.child.wait().unwrap().code(), rest)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// What the program has logged so far.
pub fn log(app: &App) -> String {
    std::fs::read_to_string(app.directory.path().join("log")).unwrap()
}

/// Tries until it is so, for ten seconds at most.
pub fn eventually(mut is_so: impl FnMut() -> bool) -> bool {
    (0..1_000).any(|_| {
        is_so() || {
            std::thread::sleep(Duration::from_millis(10));
            false
        }
    })
}
