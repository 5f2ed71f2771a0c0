//! spin.toml says what is deployed and what each component may touch. These tests hold the built files against it.
//!
//! They need a build: `cargo xtask build`, or `cargo xtask test`, which does it first.

// The helpers below are as much tests as the functions marked so: to panic is how they report.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use wasmparser::{Parser, Payload};

/// What every host provides, from Spin 2 on. A trailing `@0.2.` stands for each release of WASI 0.2.
const PROVIDED: [&str; 9] = [
    "fermyon:spin/key-value@2.0.0",
    "fermyon:spin/variables@2.0.0",
    "wasi:cli/",
    "wasi:clocks/",
    "wasi:filesystem/",
    "wasi:http/",
    "wasi:io/",
    "wasi:random/",
    "wasi:sockets/",
];

#[derive(Deserialize)]
struct Manifest {
    spin_manifest_version: u64,
    variables: BTreeMap<String, Variable>,
    trigger: Trigger,
    component: BTreeMap<String, Component>,
}

#[derive(Deserialize)]
struct Variable {
    default: Option<String>,
    #[serde(default)]
    secret: bool,
}

#[derive(Deserialize)]
struct Trigger {
    http: Vec<HttpTrigger>,
}

#[derive(Deserialize)]
struct HttpTrigger {
    route: String,
    component: String,
}

#[derive(Deserialize)]
struct Component {
    source: String,
    #[serde(default)]
    key_value_stores: Vec<String>,
    #[serde(default)]
    allowed_outbound_hosts: Vec<String>,
    #[serde(default)]
    variables: BTreeMap<String, String>,
    #[serde(default)]
    files: Vec<Files>,
    build: Build,
}

#[derive(Deserialize)]
struct Files {
    source: String,
    destination: String,
}

#[derive(Deserialize)]
struct Build {
    command: String,
    watch: Vec<String>,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn manifest() -> Manifest {
    toml::from_str(&std::fs::read_to_string(root().join("spin.toml")).unwrap()).unwrap()
}

/// The interfaces that a built component asks its host for.
fn imports(component: &Component) -> BTreeSet<String> {
    let path = root().join(&component.source);
    let bytes = std::fs::read(&path)
        .unwrap_or_else(|error| panic!("{} ({error}): run `cargo xtask build` first", path.display()));
    let mut imports = BTreeSet::new();
    // A component holds modules and further components; only what the outermost asks for concerns the host.
    let mut depth = 0_u32;
    for payload in Parser::new(0).parse_all(&bytes) {
        match payload.unwrap() {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if depth == 0 => {
                imports.extend(section.into_iter().map(|import| import.unwrap().name.name.to_owned()));
            }
            _ => {}
        }
    }
    imports
}

fn is_provided(import: &str) -> bool {
    PROVIDED.iter().any(|provided| match provided.strip_suffix('/') {
        Some(_) => import.starts_with(provided) && import.contains("@0.2."),
        None => import == *provided,
    })
}

#[test]
fn every_component_and_file_it_names_exists_after_a_build() {
    for (id, component) in manifest().component {
        assert!(root().join(&component.source).is_file(), "{id}: {} is missing", component.source);
        for files in &component.files {
            assert!(root().join(&files.source).is_dir(), "{id}: {} is missing", files.source);
        }
        assert!(
            component.build.command.contains("--target wasm32-wasip2"),
            "{id}: {}",
            component.build.command
        );
        for watched in &component.build.watch {
            let found = glob::glob(root().join(watched).to_str().unwrap()).unwrap().next().is_some();
            // The frontend may come to have a public folder, and a configuration in another language.
            assert!(found || id == "frontend", "{id}: nothing matches the watched {watched}");
        }
    }
}

#[test]
fn every_route_leads_to_a_component_and_every_component_has_one() {
    let manifest = manifest();
    assert_eq!(manifest.spin_manifest_version, 2);
    let routes: BTreeMap<&str, &str> =
        manifest.trigger.http.iter().map(|t| (t.route.as_str(), t.component.as_str())).collect();
    assert_eq!(
        routes,
        BTreeMap::from([
            ("/...", "frontend"),
            ("/.well-known/tidings", "peer"),
            ("/api/...", "owner"),
            ("/p2p/v1/...", "peer"),
        ])
    );
    let reached: BTreeSet<&str> = routes.into_values().collect();
    assert_eq!(reached, manifest.component.keys().map(String::as_str).collect());
}

#[test]
fn every_path_reaches_its_component_in_the_router_that_spin_uses() {
    // As Spin does it: in the order of the manifest. See the comment at the catch-all in spin.toml.
    let mut router = routefinder::Router::new();
    for trigger in manifest().trigger.http {
        router.add(trigger.route.replace("/...", "/*"), trigger.component).unwrap();
    }
    for (path, component) in [
        ("/", "frontend"),
        ("/friends", "frontend"),
        ("/assets/index.js", "frontend"),
        ("/.well-known/other", "frontend"),
        ("/p2p/v2/x", "frontend"),
        ("/apiary", "frontend"),
        ("/api", "owner"),
        ("/api/health", "owner"),
        ("/api/friends/x/accept", "owner"),
        ("/p2p/v1/notice", "peer"),
        ("/.well-known/tidings", "peer"),
    ] {
        assert_eq!(router.best_match(path).unwrap().handler(), component, "{path}");
    }
}

#[test]
fn components_import_only_what_spin_2_and_3_provide() {
    for (id, component) in manifest().component {
        let imports = imports(&component);
        assert!(!imports.is_empty(), "{id} imports nothing: is it a component?");
        for import in imports {
            assert!(is_provided(&import), "{id} imports {import}, which some hosts lack");
        }
    }
}

#[test]
fn the_component_open_to_the_world_cannot_reach_out_and_never_sees_the_password() {
    let manifest = manifest();
    let peer = &manifest.component["peer"];
    assert!(peer.allowed_outbound_hosts.is_empty());
    assert!(!peer.variables.values().any(|template| template.contains("owner_password")));
    let imports = imports(peer);
    let outgoing = imports.iter().find(|import| import.starts_with("wasi:http/outgoing-handler"));
    assert_eq!(outgoing, None);
}

#[test]
fn the_frontend_has_neither_store_nor_variables_nor_network() {
    let manifest = manifest();
    let frontend = &manifest.component["frontend"];
    assert!(frontend.key_value_stores.is_empty() && frontend.allowed_outbound_hosts.is_empty());
    assert!(frontend.variables.is_empty());
    for import in imports(frontend) {
        assert!(!import.starts_with("fermyon:spin/"), "{import}");
        assert!(!import.starts_with("wasi:http/outgoing-handler"), "{import}");
        assert!(!import.starts_with("wasi:sockets/"), "{import}");
    }
}

#[test]
fn only_the_owner_reaches_out_and_plain_http_is_granted_by_nobody_by_default() {
    let manifest = manifest();
    assert_eq!(manifest.component["owner"].allowed_outbound_hosts, ["https://*:*", "{{ loopback_peers }}"]);
    assert_eq!(manifest.variables["loopback_peers"].default.as_deref(), Some("https://localhost"));
}

#[test]
fn every_variable_has_a_default_and_the_password_is_secret_and_unset() {
    let manifest = manifest();
    for (name, variable) in &manifest.variables {
        assert!(variable.default.is_some(), "{name} has no default: `spin up` would refuse to start");
    }
    let password = &manifest.variables["owner_password"];
    assert!(password.secret);
    assert_eq!(password.default.as_deref(), Some(""));
}

#[test]
fn every_template_names_a_declared_variable() {
    let manifest = manifest();
    for (id, component) in &manifest.component {
        for template in component.variables.values().chain(&component.allowed_outbound_hosts) {
            for part in template.split("{{").skip(1) {
                let name = part.split("}}").next().unwrap().trim();
                assert!(manifest.variables.contains_key(name), "{id} asks for {name}, which is not declared");
            }
        }
    }
}

#[test]
fn the_index_of_the_frontend_names_what_lies_beside_it() {
    let manifest = manifest();
    let [files] = &manifest.component["frontend"].files[..] else { panic!("one folder of files") };
    assert_eq!(files.destination, "/");
    let dist = root().join(&files.source);
    let index = std::fs::read(dist.join("files.json")).expect("run `cargo xtask build` first");
    let index: serde_json::Value = serde_json::from_slice(&index).unwrap();
    let size_on_disk = |path: &str| std::fs::metadata(format!("{}{path}", dist.display())).unwrap().len();
    let entries = index["files"].as_object().unwrap();
    assert!(entries.contains_key("/index.html"));
    for (path, entry) in entries {
        assert_eq!(entry["size"].as_u64(), Some(size_on_disk(path)), "{path}");
        for (field, suffix) in [("br", ".br"), ("gzip", ".gz")] {
            if let Some(size) = entry[field].as_u64() {
                assert_eq!(size, size_on_disk(&format!("{path}{suffix}")), "{path}{suffix}");
            }
        }
        let hashed = path.starts_with("/assets/");
        assert_eq!(entry["cache"] == "immutable", hashed, "{path}: everything in assets has a hashed name");
    }
}
