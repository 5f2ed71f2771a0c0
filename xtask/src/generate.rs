//! Files that are made from the Rust types, so that both sides of the API cannot drift apart:
//! docs/openapi.json from crates/social, and from that the TypeScript types of the frontend.

use crate::shell::{cargo, execute, npm, output, progress, root};
use crate::tools;
use anyhow::{Context as _, Result, bail};
use clap::Args;
use std::path::Path;

/// The API as OpenAPI 3.1.
const OPENAPI: &str = "docs/openapi.json";

/// The same as types of the frontend.
const TYPES: &str = "frontend/src/lib/api/schema.d.ts";

/// Arguments of `cargo xtask generate`.
#[derive(Debug, Args)]
pub struct GenerateArgs {
    /// Write nothing; fail if a file would change.
    #[arg(long)]
    pub check: bool,
}

/// Writes both files, or tells whether they are what would be written.
pub fn run(args: &GenerateArgs) -> Result<()> {
    tools::ensure_npm_packages("frontend")?;
    let openapi = openapi()?;
    if !args.check {
        write(&root().join(OPENAPI), &openapi)?;
        types(&root().join(OPENAPI), &root().join(TYPES))?;
        progress(&format!("wrote {OPENAPI} and {TYPES}"));
        return Ok(());
    }
    let scratch = root().join("target/xtask");
    let (fresh_openapi, fresh_types) = (scratch.join("openapi.json"), scratch.join("schema.d.ts"));
    write(&fresh_openapi, &openapi)?;
    types(&fresh_openapi, &fresh_types)?;
    let stale = [(OPENAPI, fresh_openapi), (TYPES, fresh_types)]
        .into_iter()
        .filter(|(path, fresh)| std::fs::read(root().join(path)).ok() != std::fs::read(fresh).ok());
    let stale: Vec<&str> = stale.map(|(path, _)| path).collect();
    if !stale.is_empty() {
        bail!("out of date: {}. Run `cargo xtask generate` and commit the result.", stale.join(", "));
    }
    Ok(())
}

/// The OpenAPI document, as the Rust types make it.
fn openapi() -> Result<String> {
    output(cargo().args([
        "run",
        "--quiet",
        "--package",
        "tidings-social",
        "--features",
        "openapi",
        "--bin",
        "openapi",
    ]))
}

/// Makes the TypeScript types from an OpenAPI document.
fn types(openapi: &Path, types: &Path) -> Result<()> {
    execute(
        npm("frontend")
            .args(["exec", "--no", "--", "openapi-typescript"])
            .arg(openapi)
            .arg("--output")
            .arg(types),
    )
    .context("openapi-typescript makes the types")
}

fn write(path: &Path, text: &str) -> Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}
