//! One deployment: a host process, ended when this is dropped.

use anyhow::{Context as _, Result, bail};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a host may take to answer. The first start compiles the components.
const START_LIMIT: Duration = Duration::from_secs(60);

/// How long a host may take to finish what it is doing.
const STOP_LIMIT: Duration = Duration::from_secs(5);

/// How long to wait between two looks.
const PAUSE: Duration = Duration::from_millis(50);

/// A running host.
pub struct Deployment {
    process: Child,
    address: String,
    log: PathBuf,
}

impl Deployment {
    /// Starts a host for this app with its data in a folder.
    pub fn start(program: &Path, port: u16, folder: &Path) -> Result<Self> {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let log = folder.join("log.txt");
        let process = Command::new(program)
            .args(["serve", "--manifest", "spin.toml", "--listen", "127.0.0.1", "--port", &port.to_string()])
            .arg("--data")
            .arg(folder)
            .args([
                "--variable",
                "store_staleness_seconds=0",
                "--variable",
                "loopback_peers=http://127.0.0.1:*",
            ])
            .arg("--allow-private-network")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log)?)
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        Ok(Self { process, address: format!("http://127.0.0.1:{port}"), log })
    }

    /// Where it is reached.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Waits until it answers; fails when it has ended instead.
    pub fn wait_until_ready(&mut self) -> Result<()> {
        let start = Instant::now();
        while ureq::get(format!("{}/api/health", self.address)).call().is_err() {
            let ended = self.process.try_wait()?;
            if ended.is_some() || start.elapsed() > START_LIMIT {
                let log = std::fs::read_to_string(&self.log).unwrap_or_default();
                bail!("{} does not answer. Its log says:\n{log}", self.address);
            }
            std::thread::sleep(PAUSE);
        }
        // Somebody else may have had the port, and answered: then our own process has ended.
        std::thread::sleep(PAUSE);
        if let Some(status) = self.process.try_wait()? {
            let log = std::fs::read_to_string(&self.log).unwrap_or_default();
            bail!("the host at {} ended ({status}). Its log says:\n{log}", self.address);
        }
        Ok(())
    }

    /// Asks the process to end. In a terminal, Ctrl-C has told it already; this is for every other way to end.
    fn ask_to_end(&self) {
        let asked = Command::new("kill").arg(self.process.id().to_string()).stderr(Stdio::null()).status();
        // Where there is no such program, the process is ended the hard way below.
        drop(asked);
    }
}

impl Drop for Deployment {
    fn drop(&mut self) {
        self.ask_to_end();
        let start = Instant::now();
        while matches!(self.process.try_wait(), Ok(None)) {
            if start.elapsed() > STOP_LIMIT {
                // It may have ended this very moment, which is all that is wanted.
                let _ = self.process.kill();
                let _ = self.process.wait();
                return;
            }
            std::thread::sleep(PAUSE);
        }
    }
}
