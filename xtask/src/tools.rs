//! Tools that a task needs: found, installed where that is ours to do, or asked for in words.

use crate::shell::{self, answers, command, execute, output, progress};
use anyhow::{Context as _, Result, bail};
use std::path::{Path, PathBuf};

/// The compilation target of the components.
pub const WASM_TARGET: &str = "wasm32-wasip2";

/// The oldest Node that the frontend's tools run on: major and minor version.
const OLDEST_NODE: (u32, u32) = (20, 19);

/// Where a Chromium may be, first come first served.
const CHROMIUM_PATHS: [&str; 4] = [
    "/usr/bin/chromium",
    "/usr/bin/chromium-browser",
    "/usr/bin/google-chrome",
    "/usr/bin/google-chrome-stable",
];

/// Makes sure that the toolchain can compile components.
pub fn ensure_wasm_target() -> Result<()> {
    if wasm_target_dir()?.is_dir() {
        return Ok(());
    }
    if !answers("rustup") {
        bail!(
            "the Rust toolchain lacks the target {WASM_TARGET}, and there is no rustup to add it with. \
             Install Rust through https://rustup.rs, or the target through your system's packages."
        );
    }
    progress(&format!("adding the Rust target {WASM_TARGET}"));
    execute(command("rustup").args(["target", "add", WASM_TARGET]))
}

/// Where the toolchain would keep the target.
fn wasm_target_dir() -> Result<PathBuf> {
    // Started through rustup, the answer stands in the environment; asking rustc would take longer than all the rest.
    let toolchain = std::env::var_os("RUSTUP_HOME").zip(std::env::var_os("RUSTUP_TOOLCHAIN"));
    let sysroot = match toolchain {
        Some((home, name)) => PathBuf::from(home).join("toolchains").join(name),
        None => PathBuf::from(output(command("rustc").args(["--print", "sysroot"]))?.trim()),
    };
    Ok(sysroot.join("lib/rustlib").join(WASM_TARGET))
}

/// Makes sure that cargo has a subcommand that comes as a component of the toolchain, like `fmt` of rustfmt.
pub fn ensure_rust_component(subcommand: &str, component: &str) -> Result<()> {
    let quiet = std::process::Stdio::null;
    let mut cargo = shell::cargo();
    let probe = cargo.args([subcommand, "--version"]).stdout(quiet()).stderr(quiet());
    if probe.status().is_ok_and(|status| status.success()) {
        return Ok(());
    }
    if !answers("rustup") {
        bail!(
            "`cargo {subcommand}` is missing: install {component} through your system's packages, or use rustup."
        );
    }
    progress(&format!("adding the Rust component {component}"));
    execute(command("rustup").args(["component", "add", component]))
}

/// Makes sure that Node and npm are there and new enough.
pub fn ensure_node() -> Result<()> {
    let hint = format!(
        "Install Node {}.{} or later with npm: https://nodejs.org, or your system's packages.",
        OLDEST_NODE.0, OLDEST_NODE.1
    );
    let version =
        output(command("node").arg("--version")).with_context(|| format!("Node is missing. {hint}"))?;
    if parse_node_version(&version).is_none_or(|version| version < OLDEST_NODE) {
        bail!("Node {} is too old. {hint}", version.trim());
    }
    if !answers("npm") {
        bail!("npm is missing. {hint}");
    }
    Ok(())
}

fn parse_node_version(version: &str) -> Option<(u32, u32)> {
    let mut numbers = version.trim().strip_prefix('v')?.split('.').map(|n| n.parse().ok());
    Some((numbers.next()??, numbers.next()??))
}

/// A Chromium for the browser tests, installed if need be.
pub fn ensure_chromium() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("CHROMIUM") {
        return Ok(path.into());
    }
    let find = || CHROMIUM_PATHS.iter().map(PathBuf::from).find(|path| path.exists());
    if let Some(path) = find() {
        return Ok(path);
    }
    // Without a font of its own a browser shows boxes.
    apt_install(&["chromium", "fonts-liberation"], "set the variable CHROMIUM to where one is")?;
    find().context("apt installed chromium, but it is in none of the usual places: set the variable CHROMIUM")
}

/// shellcheck, installed if need be.
pub fn ensure_shellcheck() -> Result<()> {
    if answers("shellcheck") {
        return Ok(());
    }
    apt_install(&["shellcheck"], "see https://www.shellcheck.net")
}

/// Installs Debian packages when that is ours to do: as root, on Debian or a relative of it.
fn apt_install(packages: &[&str], otherwise: &str) -> Result<()> {
    let names = packages.join(" ");
    let debian = Path::new("/etc/debian_version").exists() && answers("apt-get");
    let root = output(command("id").arg("-u")).is_ok_and(|id| id.trim() == "0");
    if !debian || !root {
        bail!(
            "missing: {names}. Only root on Debian gets it installed by this task. \
             Install it (`sudo apt-get install {names}`, or your system's way), or {otherwise}."
        );
    }
    progress(&format!("installing {names} through apt"));
    execute(command("apt-get").args(["update", "-q"]))?;
    let mut install = command("apt-get");
    install.env("DEBIAN_FRONTEND", "noninteractive").args(["install", "-q", "-y", "--no-install-recommends"]);
    execute(install.args(packages))
}

/// Makes sure that a folder's npm packages are those of its lock file.
pub fn ensure_npm_packages(folder: &str) -> Result<()> {
    let modified =
        |path: &str| shell::root().join(folder).join(path).metadata().and_then(|meta| meta.modified()).ok();
    let locked =
        modified("package-lock.json").with_context(|| format!("{folder}/package-lock.json is missing"))?;
    // npm writes this file last, so it is there only after an installation that went through.
    if modified("node_modules/.package-lock.json").is_some_and(|installed| installed >= locked) {
        return Ok(());
    }
    ensure_node()?;
    progress(&format!("installing the packages of {folder} from its lock file"));
    execute(shell::npm(folder).args(["ci", "--no-audit", "--no-fund"]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_node_versions() {
        assert_eq!(parse_node_version("v20.19.2\n"), Some((20, 19)));
        assert_eq!(parse_node_version("v9.1.0"), Some((9, 1)));
        assert_eq!(parse_node_version("20.1"), None);
    }

    #[test]
    fn an_older_node_compares_less() {
        for old in ["v18.20.4", "v20.9.0"] {
            assert!(parse_node_version(old).unwrap() < OLDEST_NODE, "{old}");
        }
        for fine in ["v20.19.0", "v22.1.0"] {
            assert!(parse_node_version(fine).unwrap() >= OLDEST_NODE, "{fine}");
        }
    }
}
