//! The files that a component may read, as directories that it sees read-only.
//!
//! A directory that the manifest places somewhere is shown as it is. Whatever else is named (single files, globs,
//! several sources for one place) is copied together into a temporary directory when the app starts.

use crate::manifest::FileEntry;
use anyhow::{Context as _, bail, ensure};
use std::path::{Component as Part, Path, PathBuf};
use tempfile::TempDir;

/// A directory of the machine, and where the component sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// On this machine.
    pub source: PathBuf,
    /// As the component sees it; absolute.
    pub destination: String,
}

/// What one component sees of the file system.
#[derive(Debug, Default)]
pub struct Files {
    /// All directories; no two have the same destination.
    pub mounts: Vec<Mount>,
    /// Copies live as long as this.
    _copies: Option<TempDir>,
}

impl Files {
    /// Prepares the `files` of one component; `base` is the manifest's directory.
    ///
    /// # Errors
    /// When a file does not exist, a pattern matches nothing, a path leads out of the app's directory, or a copy
    /// fails.
    pub fn prepare(base: &Path, entries: &[FileEntry]) -> anyhow::Result<Self> {
        if let Some(mounts) = as_they_are(base, entries) {
            return Ok(Self { mounts, _copies: None });
        }
        let copies = tempfile::Builder::new().prefix("tidings-files-").tempdir()?;
        for entry in entries {
            match entry {
                FileEntry::Pattern(pattern) => copy_pattern(base, pattern, copies.path())
                    .with_context(|| format!("in the files entry {pattern:?}"))?,
                FileEntry::Placement { source, destination } => {
                    let target = copies.path().join(relative(destination)?);
                    copy(&base.join(source), &target)
                        .with_context(|| format!("in the files entry for {}", source.display()))?;
                }
            }
        }
        let mount = Mount { source: copies.path().to_owned(), destination: "/".to_owned() };
        Ok(Self { mounts: vec![mount], _copies: Some(copies) })
    }
}

/// Mounts for entries that need no copies: directories, each in a place of its own.
fn as_they_are(base: &Path, entries: &[FileEntry]) -> Option<Vec<Mount>> {
    let mut mounts: Vec<Mount> = Vec::new();
    for entry in entries {
        let FileEntry::Placement { source, destination } = entry else { return None };
        let source = base.join(source);
        let is_new = mounts.iter().all(|mount| mount.destination != *destination);
        if !is_new || !destination.starts_with('/') || !source.is_dir() {
            return None;
        }
        mounts.push(Mount { source, destination: destination.clone() });
    }
    Some(mounts)
}

fn copy_pattern(base: &Path, pattern: &str, target: &Path) -> anyhow::Result<()> {
    ensure!(!pattern.starts_with('/') && relative(pattern).is_ok(), "leads out of the app's directory");
    let path = base.join(pattern);
    if path.exists() {
        return copy(&path, &target.join(pattern));
    }
    let base_pattern = glob::Pattern::escape(&base.to_string_lossy());
    let full_pattern = Path::new(&base_pattern).join(pattern);
    let mut found = false;
    for path in glob::glob(&full_pattern.to_string_lossy())? {
        let path = path?;
        if path.is_file() {
            copy(&path, &target.join(path.strip_prefix(base)?))?;
            found = true;
        }
    }
    ensure!(found, "matches no file in {}", base.display());
    Ok(())
}

/// Copies a file, or a directory with everything in it.
fn copy(source: &Path, target: &Path) -> anyhow::Result<()> {
    let metadata = source.metadata().with_context(|| format!("cannot read {}", source.display()))?;
    if metadata.is_dir() {
        std::fs::create_dir_all(target)?;
        for entry in std::fs::read_dir(source)? {
            let entry = entry?;
            copy(&entry.path(), &target.join(entry.file_name()))?;
        }
    } else {
        if let Some(parent) = target.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::copy(source, target).with_context(|| format!("cannot copy {}", source.display()))?;
    }
    Ok(())
}

/// A path without its leading slash, which must not lead upwards.
fn relative(path: &str) -> anyhow::Result<&Path> {
    let relative = Path::new(path.strip_prefix('/').unwrap_or(path));
    for part in relative.components() {
        if !matches!(part, Part::Normal(_) | Part::CurDir) {
            bail!("the path {path:?} leads out of the app's directory");
        }
    }
    Ok(relative)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn app() -> TempDir {
        let directory = tempfile::tempdir().unwrap();
        for (path, text) in
            [("dist/index.html", "index"), ("dist/assets/a.js", "a"), ("notes/one.txt", "one")]
        {
            let path = directory.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        directory
    }

    fn place(source: &str, destination: &str) -> FileEntry {
        FileEntry::Placement { source: source.into(), destination: destination.into() }
    }

    fn pattern(pattern: &str) -> FileEntry {
        FileEntry::Pattern(pattern.into())
    }

    fn seen(files: &Files, path: &str) -> Option<String> {
        assert_eq!(files.mounts.len(), 1);
        assert_eq!(files.mounts[0].destination, "/");
        std::fs::read_to_string(files.mounts[0].source.join(path)).ok()
    }

    #[test]
    fn shows_placed_directories_as_they_are() {
        let app = app();
        let files = Files::prepare(app.path(), &[place("dist", "/"), place("notes", "/notes")]).unwrap();
        let expected = [("dist", "/"), ("notes", "/notes")].map(|(source, destination)| Mount {
            source: app.path().join(source),
            destination: destination.into(),
        });
        assert_eq!(files.mounts, expected);
        assert!(Files::prepare(app.path(), &[]).unwrap().mounts.is_empty());
    }

    #[test]
    fn copies_files_directories_and_globs_under_their_own_paths() {
        let app = app();
        let entries = [pattern("dist/assets"), pattern("notes/*.txt")];
        let files = Files::prepare(app.path(), &entries).unwrap();
        assert_eq!(seen(&files, "dist/assets/a.js").as_deref(), Some("a"));
        assert_eq!(seen(&files, "notes/one.txt").as_deref(), Some("one"));
        assert_eq!(seen(&files, "dist/index.html"), None);
        let files = Files::prepare(app.path(), &[pattern("**/*")]).unwrap();
        assert_eq!(seen(&files, "dist/index.html").as_deref(), Some("index"));
    }

    #[test]
    fn merges_sources_with_the_same_place() {
        let app = app();
        let entries = [place("dist", "/"), place("notes/one.txt", "/two.txt"), place("notes", "/")];
        let files = Files::prepare(app.path(), &entries).unwrap();
        for (path, text) in [("index.html", "index"), ("two.txt", "one"), ("one.txt", "one")] {
            assert_eq!(seen(&files, path).as_deref(), Some(text), "{path}");
        }
    }

    #[test]
    fn refuses_what_is_missing_or_leads_out() {
        let app = app();
        for entry in [
            place("none", "/"),
            pattern("none/*"),
            pattern("../x"),
            pattern("/etc/passwd"),
            place("notes/one.txt", "/../x"),
        ] {
            assert!(Files::prepare(app.path(), std::slice::from_ref(&entry)).is_err(), "{entry:?}");
        }
    }
}
