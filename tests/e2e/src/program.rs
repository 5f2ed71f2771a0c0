//! What is under test, and where it is.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Names the program, when it is not the one in the workspace's target directory.
const PROGRAM_VARIABLE: &str = "TIDINGS_PROGRAM";

/// The folder of the workspace.
#[must_use]
pub fn root() -> &'static Path {
    static ROOT: OnceLock<PathBuf> = OnceLock::new();
    ROOT.get_or_init(|| {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        here.ancestors().nth(2).expect("this package lies two folders deep").to_owned()
    })
}

/// The `tidings` program, once it and everything that the manifest names are known to be there.
///
/// # Panics
/// With an instruction, when something is missing.
#[must_use]
pub fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let manifest = root().join("spin.toml");
        let text = std::fs::read_to_string(&manifest).expect("the workspace has a manifest");
        let sources = text.lines().filter_map(|line| line.strip_prefix("source = \""));
        for source in sources.filter_map(|rest| rest.strip_suffix('"')) {
            must_be_there(&root().join(source));
        }
        let program = std::env::var_os(PROGRAM_VARIABLE)
            .map_or_else(|| root().join("target/debug/tidings"), PathBuf::from);
        must_be_there(&program);
        program
    })
}

fn must_be_there(path: &Path) {
    assert!(path.is_file(), "{} is missing: run `cargo xtask build` first", path.display());
}
