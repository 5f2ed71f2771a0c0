//! What no compiler checks: which crate may know which, how large a file may grow, and what must not be left lying.

mod arrows;
mod text;

use anyhow::{Result, bail};

/// Runs all checks and fails with every finding, not just the first.
pub fn run() -> Result<()> {
    let mut findings = arrows::check()?;
    findings.extend(text::check()?);
    if findings.is_empty() {
        return Ok(());
    }
    for finding in &findings {
        eprintln!("  {finding}");
    }
    bail!("{} finding(s) above", findings.len());
}
