//! Building: the three components, the frontend, and the program that runs them here.

use crate::frontend;
use crate::shell::{cargo, execute, progress, root};
use crate::tools;
use anyhow::{Context as _, Result};
use std::path::PathBuf;

/// The packages that spin.toml names, by their crate.
const COMPONENTS: [&str; 3] = ["tidings-api-owner", "tidings-api-peer", "tidings-frontend-server"];

/// Builds all that `serve`, `demo` and `test` need.
pub fn everything() -> Result<()> {
    components()?;
    frontend::build()?;
    program()?;
    Ok(())
}

/// Builds the components to where spin.toml looks for them.
fn components() -> Result<()> {
    tools::ensure_wasm_target()?;
    let mut cargo = cargo();
    cargo.args(["build", "--release", "--target", tools::WASM_TARGET]);
    // spin.toml names this folder, so that a target folder chosen elsewhere does not count here.
    cargo.arg("--target-dir").arg(root().join("target"));
    for package in COMPONENTS {
        cargo.args(["--package", package]);
    }
    if !component_files().iter().all(|file| file.exists()) {
        progress("building the components (the first time takes a few minutes)");
    }
    execute(&mut cargo)
}

/// Where the components end up.
fn component_files() -> Vec<PathBuf> {
    let folder = root().join("target").join(tools::WASM_TARGET).join("release");
    COMPONENTS.iter().map(|package| folder.join(package.replace('-', "_")).with_extension("wasm")).collect()
}

/// Builds the `tidings` program and tells where it is.
pub fn program() -> Result<PathBuf> {
    // The development profile: it starts as quickly, and what is slow in it is optimised by the workspace.
    let path = program_path()?;
    if !path.exists() {
        progress("building the tidings program (the first time takes a few minutes)");
    }
    let mut cargo = cargo();
    cargo.args(["build", "--package", "tidings"]);
    execute(&mut cargo)?;
    Ok(path)
}

/// The program lies beside this one: same profile, same target folder.
pub fn program_path() -> Result<PathBuf> {
    let here = std::env::current_exe().context("cannot tell where this program lies")?;
    let folder = here.parent().context("this program lies in no folder")?;
    Ok(folder.join(format!("tidings{}", std::env::consts::EXE_SUFFIX)))
}
