//! `spin.toml`, manifest version 2, as it is written: no templates resolved, no file looked at.
//!
//! What this host does not support is refused by name instead of being ignored, so that an app never runs with less
//! than its manifest says. Build commands, descriptions and tool settings have no meaning at run time and are skipped.

use anyhow::{Context as _, bail, ensure};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The one manifest version that is understood.
pub const MANIFEST_VERSION: u64 = 2;

/// The one store label that exists without further configuration, in Spin as here.
pub const DEFAULT_STORE: &str = "default";

/// A whole manifest.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Always [`MANIFEST_VERSION`].
    pub spin_manifest_version: u64,
    /// Name and other words about the app.
    pub application: Application,
    /// The app's variables by name.
    #[serde(default)]
    pub variables: BTreeMap<String, VariableDeclaration>,
    /// What makes components run.
    #[serde(default)]
    pub trigger: Triggers,
    /// The components by id.
    #[serde(default)]
    pub component: BTreeMap<String, Component>,
}

/// The table `[application]`.
#[derive(Debug, Deserialize)]
pub struct Application {
    /// The app's name, for the logs.
    pub name: String,
}

/// A variable of the app.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VariableDeclaration {
    /// What it is if nobody sets it.
    pub default: Option<String>,
    /// Whether somebody must set it.
    #[serde(default)]
    pub required: bool,
    /// Whether its value must never be shown. (This host shows no values at all.)
    #[serde(default)]
    pub secret: bool,
    /// For people.
    #[serde(default)]
    pub description: Option<String>,
}

/// The tables `[[trigger.*]]`.
#[derive(Debug, Default, Deserialize)]
pub struct Triggers {
    /// Requests over HTTP.
    #[serde(default)]
    pub http: Vec<HttpTrigger>,
    /// Everything that this host does not do.
    #[serde(flatten)]
    pub unsupported: BTreeMap<String, toml::Value>,
}

/// One `[[trigger.http]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpTrigger {
    /// A name for the trigger; nothing refers to it.
    #[serde(default)]
    pub id: Option<String>,
    /// The paths it answers.
    pub route: Route,
    /// The component that answers.
    pub component: ComponentReference,
    /// How the component is called; only Spin's default way is known here.
    #[serde(default)]
    pub executor: Option<Executor>,
}

/// What a trigger answers.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum Route {
    /// A pattern of paths; see [`crate::routes`].
    Pattern(String),
    /// `{ private = true }`: nothing from outside.
    Private {
        /// Must be true.
        private: bool,
    },
}

/// The component of a trigger.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum ComponentReference {
    /// The id of a `[component.<id>]`.
    Id(String),
    /// A component written into the trigger itself, which is not supported.
    Inline(toml::Table),
}

/// How a component is called.
#[derive(Debug, Clone, Deserialize)]
pub struct Executor {
    /// `http` or `spin`: through `wasi:http/incoming-handler`.
    #[serde(rename = "type")]
    pub kind: String,
}

/// One `[component.<id>]`.
#[derive(Debug, Deserialize)]
pub struct Component {
    /// Where the component's binary is.
    pub source: Source,
    /// Variables that the component can read, as templates.
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
    /// Environment variables of the component.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// Files that the component can read.
    #[serde(default)]
    pub files: Vec<FileEntry>,
    /// Stores that the component can use.
    #[serde(default)]
    pub key_value_stores: Vec<String>,
    /// Places that the component can reach, as templates; see [`crate::grants`].
    #[serde(default)]
    pub allowed_outbound_hosts: Vec<String>,
    /// Everything else; checked against what may be skipped.
    #[serde(flatten)]
    pub others: BTreeMap<String, toml::Value>,
}

/// Where a component's binary is.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum Source {
    /// A file, relative to the manifest.
    Path(PathBuf),
    /// A download or a registry, which is not supported.
    Elsewhere(toml::Table),
}

/// Files that a component can read.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum FileEntry {
    /// A file, a directory or a glob pattern, relative to the manifest; seen by the component under the same path.
    Pattern(String),
    /// A file or directory that the component sees somewhere else.
    Placement {
        /// Relative to the manifest.
        source: PathBuf,
        /// Absolute, as the component sees it.
        destination: String,
    },
}

/// Keys of a component that say nothing about how it runs.
const SKIPPED_KEYS: [&str; 5] = ["build", "description", "profile", "targets", "tool"];

impl Manifest {
    /// Reads and checks a manifest file.
    ///
    /// # Errors
    /// When the file cannot be read, is not a manifest of version 2, or asks for what this host does not do.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read the manifest {}", path.display()))?;
        Self::parse(&text).with_context(|| format!("in the manifest {}", path.display()))
    }

    /// Parses and checks a manifest.
    ///
    /// # Errors
    /// When it is not a manifest of version 2, or asks for what this host does not do.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        check_version(text)?;
        let manifest: Manifest = toml::from_str(text)?;
        manifest.check_triggers()?;
        for (id, component) in &manifest.component {
            component.check().with_context(|| format!("in component {id:?}"))?;
        }
        Ok(manifest)
    }

    fn check_triggers(&self) -> anyhow::Result<()> {
        if let Some(kind) = self.trigger.unsupported.keys().next() {
            bail!("triggers of the type {kind:?} are not supported by this host; only \"http\" is");
        }
        ensure!(!self.trigger.http.is_empty(), "there is no [[trigger.http]], so nothing could be served");
        for trigger in &self.trigger.http {
            let id = trigger.component_id()?;
            ensure!(
                self.component.contains_key(id),
                "a [[trigger.http]] names the component {id:?}, but there is no [component.{id}]"
            );
            if let Route::Private { private: false } = trigger.route {
                bail!("the route of component {id:?} must be a path or {{ private = true }}");
            }
            if let Some(executor) = &trigger.executor {
                ensure!(
                    matches!(executor.kind.as_str(), "http" | "spin"),
                    "the executor {:?} of component {id:?} is not supported by this host",
                    executor.kind
                );
            }
        }
        Ok(())
    }
}

impl HttpTrigger {
    /// The id of the component that answers.
    ///
    /// # Errors
    /// When the component is written inline.
    pub fn component_id(&self) -> anyhow::Result<&str> {
        match &self.component {
            ComponentReference::Id(id) => Ok(id),
            ComponentReference::Inline(_) => bail!(
                "a [[trigger.http]] holds an inline component, which this host does not support; \
                 give it a [component.<id>] of its own and name that id"
            ),
        }
    }
}

impl Component {
    fn check(&self) -> anyhow::Result<()> {
        if let Source::Elsewhere(_) = self.source {
            bail!("`source` must be the path of a local file; downloads and registries are not supported");
        }
        for label in &self.key_value_stores {
            ensure!(
                label == DEFAULT_STORE,
                "the key-value store {label:?} does not exist; this host has the store {DEFAULT_STORE:?} only"
            );
        }
        for (key, value) in &self.others {
            let empty = value.as_array().is_some_and(Vec::is_empty);
            let known = SKIPPED_KEYS.contains(&key.as_str());
            ensure!(known || empty, "`{key}` is not supported by this host");
        }
        Ok(())
    }
}

/// Looks at the version first, so that a manifest of another version gets one clear answer.
fn check_version(text: &str) -> anyhow::Result<()> {
    #[derive(Deserialize)]
    struct Version {
        spin_manifest_version: Option<toml::Value>,
    }
    let Version { spin_manifest_version: found } = toml::from_str(text)?;
    match found {
        Some(toml::Value::Integer(2)) => Ok(()),
        Some(other) => bail!("expected spin_manifest_version = {MANIFEST_VERSION}, got {other}"),
        None => {
            bail!("there is no spin_manifest_version; expected spin_manifest_version = {MANIFEST_VERSION}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = r#"
        spin_manifest_version = 2
        [application]
        name = "small"
        version = "1.0.0"
        [variables]
        word = { default = "hello", secret = true }
        [[trigger.http]]
        route = "/..."
        component = "all"
        [component.all]
        source = "all.wasm"
        files = ["a/*", { source = "dist", destination = "/" }]
        key_value_stores = ["default"]
        sqlite_databases = []
        [component.all.build]
        command = "cargo build"
    "#;

    fn error_of(text: &str) -> String {
        format!("{:#}", Manifest::parse(text).unwrap_err())
    }

    #[test]
    fn reads_a_manifest() {
        let manifest = Manifest::parse(SMALL).unwrap();
        assert_eq!(manifest.application.name, "small");
        assert!(manifest.variables["word"].secret);
        let component = &manifest.component["all"];
        assert_eq!(component.files[0], FileEntry::Pattern("a/*".into()));
        assert_eq!(
            component.files[1],
            FileEntry::Placement { source: "dist".into(), destination: "/".into() }
        );
    }

    #[test]
    fn refuses_other_versions() {
        assert!(error_of("spin_manifest_version = 1").contains("got 1"));
        assert!(error_of("spin_version = \"1\"").contains("no spin_manifest_version"));
        assert!(error_of("spin_manifest_version = \"2\"").contains("got \"2\""));
    }

    #[test]
    fn refuses_what_is_not_supported_by_name() {
        let cases = [
            ("key_value_stores = [\"default\"]", "key_value_stores = [\"other\"]", "\"other\""),
            ("sqlite_databases = []", "sqlite_databases = [\"default\"]", "sqlite_databases"),
            ("sqlite_databases = []", "dependencies = { a = \"1\" }", "dependencies"),
            ("sqlite_databases = []", "spelling_mistake = true", "spelling_mistake"),
            ("source = \"all.wasm\"", "source = { url = \"https://x.example\" }", "local file"),
            ("component = \"all\"", "component = { source = \"x.wasm\" }", "inline"),
            ("component = \"all\"", "component = \"none\"", "[component.none]"),
            ("component = \"all\"", "component = \"all\"\nexecutor = { type = \"wagi\" }", "wagi"),
            ("[[trigger.http]]", "[[trigger.redis]]\nchannel = \"c\"\n[[trigger.http]]", "redis"),
            ("route = \"/...\"", "route = { private = false }", "private = true"),
        ];
        for (from, to, expected) in cases {
            let text = SMALL.replace(from, to);
            assert_ne!(text, SMALL);
            let error = error_of(&text);
            assert!(error.contains(expected), "{to}: {error}");
        }
    }

    #[test]
    fn refuses_an_app_without_routes() {
        assert!(error_of("spin_manifest_version = 2\n[application]\nname = \"x\"").contains("trigger.http"));
    }
}
