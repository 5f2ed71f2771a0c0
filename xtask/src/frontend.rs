//! The frontend: built by npm, and only when something it is made of has changed.

use crate::shell::{execute, npm, progress, root};
use crate::tools;
use anyhow::{Context as _, Result};
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};
use std::path::{Path, PathBuf};

/// Folders of frontend/ that the built files are not made of.
const NOT_INPUTS: [&str; 4] = ["dev", "dist", "node_modules", "server"];

/// Builds frontend/dist unless it is what these inputs made already.
pub fn build() -> Result<()> {
    tools::ensure_npm_packages("frontend")?;
    let folder = root().join("frontend");
    let stamp_file = root().join("target/xtask/frontend.stamp");
    if std::fs::read_to_string(&stamp_file).ok() == Some(stamp(&folder)?) {
        return Ok(());
    }
    progress("building the frontend");
    tools::ensure_node()?;
    execute(npm("frontend").args(["run", "--silent", "build"]))?;
    let parent = stamp_file.parent().context("the stamp has a folder")?;
    std::fs::create_dir_all(parent)?;
    std::fs::write(&stamp_file, stamp(&folder)?).context("cannot write the stamp of the frontend")
}

/// One number for everything that was read and for what came of it. The built side is the index of the files, which
/// holds a tag of each: so a build by other hands is noticed as well.
fn stamp(folder: &Path) -> Result<String> {
    let mut inputs = Vec::new();
    collect(folder, &NOT_INPUTS, &mut inputs)?;
    inputs.sort();
    let mut hasher = DefaultHasher::new();
    for path in &inputs {
        path.strip_prefix(folder)?.hash(&mut hasher);
        std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?.hash(&mut hasher);
    }
    std::fs::read(folder.join("dist/files.json")).ok().hash(&mut hasher);
    Ok(format!("{:016x}", hasher.finish()))
}

/// Gathers the files below a folder, some of its direct children left out.
fn collect(folder: &Path, except: &[&str], files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))? {
        let entry = entry?;
        if except.iter().any(|name| entry.file_name() == *name) {
            continue;
        }
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), &[], files)?;
        } else {
            files.push(entry.path());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamp_follows_inputs_and_result_and_nothing_else() {
        let folder = std::env::temp_dir().join(format!("tidings-stamp-{}", std::process::id()));
        let write = |path: &str, text: &str| {
            let path = folder.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write("src/main.ts", "1");
        let first = stamp(&folder).unwrap();
        write("node_modules/x/index.js", "1");
        write("dist/assets/x.js", "1");
        assert_eq!(stamp(&folder).unwrap(), first);
        write("dist/files.json", "1");
        let built = stamp(&folder).unwrap();
        assert_ne!(built, first);
        write("src/main.ts", "2");
        assert_ne!(stamp(&folder).unwrap(), built);
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
