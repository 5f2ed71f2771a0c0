//! Dependencies point one way: api, tidings, simulator -> social -> ledger, protocol. Never back.
//!
//! Architecture invariant: the three inner crates decide without doing. Nothing that reads, writes, waits, connects or
//! throws dice may be among what they are built from, however deep. And only the components know spin-sdk, so that
//! moving to its next generation stays one small change.

use crate::shell::{cargo, output};
use crate::tools::WASM_TARGET;
use anyhow::Result;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Which of our own crates each of them may know. A crate that is missing here is a finding.
const MAY_KNOW: [(&str, &[&str]); 12] = [
    ("tidings-protocol", &[]),
    ("tidings-ledger", &[]),
    ("tidings-social", &["tidings-ledger", "tidings-protocol"]),
    ("tidings-api-http", &["tidings-social", "tidings-ledger", "tidings-protocol"]),
    ("tidings-api-owner", &["tidings-api-http", "tidings-social", "tidings-ledger", "tidings-protocol"]),
    ("tidings-api-peer", &["tidings-api-http", "tidings-social", "tidings-ledger", "tidings-protocol"]),
    ("tidings-frontend-server", &[]),
    ("tidings-simulator", &["tidings-social", "tidings-ledger", "tidings-protocol"]),
    ("tidings", &["tidings-social", "tidings-ledger", "tidings-protocol"]),
    // The component that the host's own tests run.
    ("tidings-probe", &[]),
    ("tidings-e2e", &["tidings", "tidings-social", "tidings-ledger", "tidings-protocol"]),
    // Only its demo, which is an owner's client: every task starts with building the rest, and waits for none of these.
    ("xtask", &["tidings-social", "tidings-protocol"]),
];

/// The crates without input and output.
const PURE: [&str; 3] = ["tidings-protocol", "tidings-ledger", "tidings-social"];

/// What would give a pure crate hands.
const INPUT_OUTPUT: [&str; 15] = [
    "async-std",
    "getrandom",
    "hyper",
    "mio",
    "reqwest",
    "rusqlite",
    "smol",
    "socket2",
    "spin-sdk",
    "tokio",
    "ureq",
    "wasi",
    "wasip2",
    "wasmtime",
    "wasmtime-wasi",
];

/// The crates that may know spin-sdk.
const COMPONENTS: [&str; 5] =
    ["tidings-api-http", "tidings-api-owner", "tidings-api-peer", "tidings-frontend-server", "tidings-probe"];

/// Every arrow that points the wrong way.
pub fn check() -> Result<Vec<String>> {
    let metadata = output(cargo().args(["metadata", "--no-deps", "--format-version", "1", "--quiet"]))?;
    let mut graph = Graph { declared: declared(&serde_json::from_str(&metadata)?), ..Graph::default() };
    for pure in PURE {
        graph.built_from.insert(pure.to_owned(), built_from(pure)?);
    }
    Ok(findings(&graph))
}

/// What depends on what, by name.
#[derive(Debug, Default)]
struct Graph {
    /// The crates of this workspace and everything that each declares, tests included.
    declared: BTreeMap<String, BTreeSet<String>>,
    /// What the pure crates are built from, however deep, tests left out.
    built_from: BTreeMap<String, BTreeSet<String>>,
}

/// What the crates of the workspace declare.
fn declared(metadata: &Value) -> BTreeMap<String, BTreeSet<String>> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let name = |value: &Value| value["name"].as_str().map(str::to_owned).unwrap_or_default();
    let packages = list(&metadata["packages"]);
    packages.iter().map(|p| (name(p), list(&p["dependencies"]).iter().map(name).collect())).collect()
}

/// What a crate is built from as part of a component. Asked crate by crate: looked at all together, one crate would be
/// charged with the features that another one turns on.
fn built_from(name: &str) -> Result<BTreeSet<String>> {
    let tree = output(cargo().args([
        "tree",
        "--quiet",
        "--package",
        name,
        "--edges",
        "normal",
        "--target",
        WASM_TARGET,
        "--prefix",
        "none",
        "--format",
        "{p}",
    ]))?;
    // Lines like: serde v1.0.229 (*)
    Ok(tree.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect())
}

fn findings(graph: &Graph) -> Vec<String> {
    let mut findings = Vec::new();
    for (name, dependencies) in &graph.declared {
        let Some((_, allowed)) = MAY_KNOW.iter().find(|(crate_name, _)| crate_name == name) else {
            findings.push(format!("{name}: say in xtask/src/tidy/arrows.rs which crates it may know"));
            continue;
        };
        for dependency in dependencies.iter().filter(|d| graph.declared.contains_key(*d)) {
            // A crate may name itself: that is how its tests turn on its own features.
            if dependency != name && !allowed.contains(&dependency.as_str()) {
                findings.push(format!("{name} must not know {dependency}: the arrow points the wrong way"));
            }
        }
        if dependencies.contains("spin-sdk") && !COMPONENTS.contains(&name.as_str()) {
            findings.push(format!("{name} must not know spin-sdk: only the components do"));
        }
    }
    for pure in PURE.iter().filter(|pure| graph.declared.contains_key(**pure)) {
        for forbidden in INPUT_OUTPUT {
            if graph.built_from.get(*pure).is_some_and(|names| names.contains(forbidden)) {
                findings.push(format!(
                    "{pure} decides without doing, but is built from {forbidden}: \
                     `cargo tree -p {pure} -e normal --target {WASM_TARGET} -i {forbidden}` shows how"
                ));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(declared: &[(&str, &[&str])], built_from: &[(&str, &[&str])]) -> Graph {
        let map = |pairs: &[(&str, &[&str])]| {
            let entry = |(name, list): &(&str, &[&str])| {
                ((*name).to_owned(), list.iter().map(|s| (*s).to_owned()).collect())
            };
            pairs.iter().map(entry).collect()
        };
        Graph { declared: map(declared), built_from: map(built_from) }
    }

    #[test]
    fn accepts_arrows_that_point_inwards() {
        let graph = graph(&[("tidings-social", &["tidings-ledger", "serde"]), ("tidings-ledger", &[])], &[]);
        assert!(findings(&graph).is_empty());
    }

    #[test]
    fn finds_an_arrow_that_points_back() {
        let graph = graph(&[("tidings-ledger", &["tidings-social"]), ("tidings-social", &[])], &[]);
        assert_eq!(
            findings(&graph),
            ["tidings-ledger must not know tidings-social: the arrow points the wrong way"]
        );
    }

    #[test]
    fn finds_spin_outside_the_components() {
        let graph = graph(&[("tidings", &["spin-sdk"]), ("tidings-api-peer", &["spin-sdk"])], &[]);
        assert_eq!(findings(&graph), ["tidings must not know spin-sdk: only the components do"]);
    }

    #[test]
    fn finds_hands_of_a_pure_crate() {
        let graph = graph(&[("tidings-protocol", &[])], &[("tidings-protocol", &["serde", "tokio"])]);
        let findings = findings(&graph);
        assert_eq!(findings.len(), 1);
        assert!(findings[0].starts_with("tidings-protocol decides without doing, but is built from tokio"));
    }

    #[test]
    fn finds_a_crate_that_nobody_placed() {
        let graph = graph(&[("newcomer", &[])], &[]);
        assert_eq!(findings(&graph).len(), 1);
    }

    #[test]
    fn reads_what_crates_declare() {
        let metadata = serde_json::json!({ "packages": [
            { "name": "ours", "dependencies": [{ "name": "x" }, { "name": "y", "kind": "dev" }] }
        ] });
        assert_eq!(declared(&metadata)["ours"].len(), 2);
    }
}
