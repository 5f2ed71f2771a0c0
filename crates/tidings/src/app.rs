//! An app that can be run: the manifest with its variables filled in, its grants parsed and its files found.

use crate::files::Files;
use crate::grants::Grants;
use crate::manifest::{self, Manifest, Route, Source};
use crate::routes::Routes;
use crate::variables::Variables;
use anyhow::{Context as _, ensure};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// An app, ready to be compiled and served.
#[derive(Debug)]
pub struct App {
    /// Its name.
    pub name: String,
    /// Which component answers what.
    pub routes: Routes,
    /// The components that some trigger names, by id.
    pub components: BTreeMap<String, Arc<Component>>,
}

/// One component and what it may do.
#[derive(Debug)]
pub struct Component {
    /// Its id in the manifest.
    pub id: String,
    /// The file that holds its binary.
    pub source: PathBuf,
    /// The variables it can read, with their values.
    pub variables: BTreeMap<String, String>,
    /// Its environment variables.
    pub environment: Vec<(String, String)>,
    /// The files it can read.
    pub files: Files,
    /// Whether it may use the store.
    pub may_store: bool,
    /// Whom it may call.
    pub grants: Grants,
}

impl App {
    /// Reads a manifest and resolves it. `given` are variables from the command line, `environment` looks up the
    /// process's environment.
    ///
    /// # Errors
    /// When the manifest is wrong or asks for what this host does not do, a variable is missing, or a file that it
    /// names does not exist.
    pub fn load(
        path: &Path,
        given: &[(String, String)],
        environment: impl Fn(&str) -> Option<String>,
    ) -> anyhow::Result<Self> {
        let manifest = Manifest::read(path)?;
        let base = path.parent().unwrap_or(Path::new("")).to_owned();
        let base = if base.as_os_str().is_empty() { PathBuf::from(".") } else { base };
        let variables = Variables::resolve(&manifest.variables, given, environment)?;

        let mut routes = Vec::new();
        let mut components = BTreeMap::new();
        for trigger in &manifest.trigger.http {
            let id = trigger.component_id()?;
            let Route::Pattern(pattern) = &trigger.route else { continue };
            routes.push((pattern.as_str(), id));
            if components.contains_key(id) {
                continue;
            }
            if let Some(declared) = manifest.component.get(id) {
                let component = Component::resolve(id, declared, &base, &variables)
                    .with_context(|| format!("in component {id:?} of {}", path.display()))?;
                components.insert(id.to_owned(), Arc::new(component));
            }
        }
        ensure!(
            !routes.is_empty(),
            "all triggers in {} are private, so nothing could be served",
            path.display()
        );
        Ok(Self { routes: Routes::new(routes)?, name: manifest.application.name, components })
    }
}

impl Component {
    fn resolve(
        id: &str,
        declared: &manifest::Component,
        base: &Path,
        variables: &Variables,
    ) -> anyhow::Result<Self> {
        let Source::Path(source) = &declared.source else {
            anyhow::bail!("`source` must be the path of a local file");
        };
        let source = base.join(source);
        ensure!(
            source.is_file(),
            "the file {} does not exist; build the app's components first",
            source.display()
        );
        let hosts: Vec<String> = declared
            .allowed_outbound_hosts
            .iter()
            .map(|entry| variables.expand(entry))
            .collect::<Result<_, _>>()
            .context("in allowed_outbound_hosts")?;
        let own_variables = declared
            .variables
            .iter()
            .map(|(name, template)| Ok((name.clone(), variables.expand(template)?)))
            .collect::<anyhow::Result<_>>()
            .context("in its variables")?;
        Ok(Self {
            id: id.to_owned(),
            source,
            variables: own_variables,
            environment: declared.environment.clone().into_iter().collect(),
            files: Files::prepare(base, &declared.files)?,
            may_store: !declared.key_value_stores.is_empty(),
            grants: Grants::parse(&hosts)?,
        })
    }
}
