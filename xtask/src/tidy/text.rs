//! Sizes of files and leftover marks.

use crate::shell::{command, output, root};
use anyhow::{Context as _, Result};
use std::path::Path;

/// A file longer than this has more than one reason to change.
const LONGEST_FILE_LINES: usize = 600;

/// What people write.
const SOURCES: [&str; 9] = ["css", "html", "js", "mjs", "rs", "sh", "svelte", "toml", "ts"];

/// Written by `cargo xtask generate`: as long as it needs to be.
const GENERATED: [&str; 1] = ["frontend/src/lib/api/schema.d.ts"];

/// Marks of work that was put off. Spelled in halves, so that this file does not find itself.
const MARKS: [&str; 3] = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];

/// Every file that is too long, and every mark.
pub fn check() -> Result<Vec<String>> {
    // Tracked or about to be: whatever is not ignored.
    let list = output(command("git").args(["ls-files", "--cached", "--others", "--exclude-standard", "-z"]))
        .context("the tidy step asks git which files are ours")?;
    let mut findings = Vec::new();
    for path in list.split('\0').filter(|path| is_ours_to_read(path)) {
        // A file that git lists but that is gone from the disk is about to be removed.
        if let Ok(text) = std::fs::read_to_string(root().join(path)) {
            findings.extend(findings_in(path, &text));
        }
    }
    Ok(findings)
}

fn is_ours_to_read(path: &str) -> bool {
    let extension = Path::new(path).extension().and_then(|e| e.to_str()).unwrap_or_default();
    SOURCES.contains(&extension) && !GENERATED.contains(&path)
}

fn findings_in(path: &str, text: &str) -> Vec<String> {
    let mut findings = Vec::new();
    let lines = text.lines().count();
    if lines > LONGEST_FILE_LINES {
        findings.push(format!("{path}: {lines} lines, more than {LONGEST_FILE_LINES}"));
    }
    for (number, line) in text.lines().enumerate() {
        let mut words = line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        if let Some(mark) = words.find(|word| MARKS.contains(word)) {
            findings.push(format!("{path}:{}: {mark}", number + 1));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_marks_as_whole_words_with_their_line() {
        let text = format!("fn f() {{}}\n// {}: later\n// {}S are words\n", MARKS[0], MARKS[0]);
        assert_eq!(findings_in("a.rs", &text), [format!("a.rs:2: {}", MARKS[0])]);
    }

    #[test]
    fn finds_files_that_grew_too_long() {
        assert!(findings_in("a.rs", &"\n".repeat(LONGEST_FILE_LINES)).is_empty());
        assert_eq!(findings_in("a.rs", &"\n".repeat(LONGEST_FILE_LINES + 1)).len(), 1);
    }

    #[test]
    fn reads_sources_and_nothing_generated() {
        assert!(is_ours_to_read("crates/ledger/src/lib.rs"));
        assert!(is_ours_to_read("frontend/src/App.svelte"));
        assert!(!is_ours_to_read("Cargo.lock"));
        assert!(!is_ours_to_read(GENERATED[0]));
    }
}
