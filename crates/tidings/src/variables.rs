//! The app's variables, and templates that refer to them.
//!
//! A variable's value comes from `--variable`, then from the environment's `SPIN_VARIABLE_<NAME>`, then from the
//! manifest's default. A template is text with `{{ name }}` in it, where `name` is a variable of the app.

use crate::manifest::VariableDeclaration;
use anyhow::{Context as _, bail, ensure};
use std::collections::BTreeMap;

/// Prefix of the environment variables that set variables of the app.
pub const ENVIRONMENT_PREFIX: &str = "SPIN_VARIABLE_";

/// The resolved variables of an app. `Debug` shows names only, for some values are secrets.
#[derive(Clone, Default)]
pub struct Variables(BTreeMap<String, String>);

impl std::fmt::Debug for Variables {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Variables {
    /// Gives every declared variable its value; `environment` looks up the process's environment.
    ///
    /// # Errors
    /// When a required variable has no value (the message says how to set it), when a name is malformed, or when
    /// `given` sets a variable that the manifest does not declare.
    pub fn resolve(
        declared: &BTreeMap<String, VariableDeclaration>,
        given: &[(String, String)],
        environment: impl Fn(&str) -> Option<String>,
    ) -> anyhow::Result<Self> {
        for (name, _) in given {
            ensure!(declared.contains_key(name), "the manifest declares no variable {name:?}");
        }
        let mut values = BTreeMap::new();
        for (name, declaration) in declared {
            ensure!(is_name(name), "the variable name {name:?} is not in lower_snake_case");
            let environment_name = format!("{ENVIRONMENT_PREFIX}{}", name.to_ascii_uppercase());
            let given = given.iter().rev().find(|(given, _)| given == name).map(|(_, value)| value.clone());
            let value =
                given.or_else(|| environment(&environment_name)).or_else(|| declaration.default.clone());
            match value {
                Some(value) => _ = values.insert(name.clone(), value),
                None if declaration.required => bail!(
                    "the required variable {name:?} is not set; set it with --variable {name}=VALUE \
                     or in the environment with {environment_name}=VALUE"
                ),
                None => bail!(
                    "the variable {name:?} has neither a default nor `required = true` in the manifest, and is not set"
                ),
            }
        }
        Ok(Self(values))
    }

    /// Fills in a template.
    ///
    /// # Errors
    /// When braces do not match or a name is not a variable of the app.
    pub fn expand(&self, template: &str) -> anyhow::Result<String> {
        let mut text = String::with_capacity(template.len());
        let mut rest = template;
        while let Some((literal, after)) = rest.split_once("{{") {
            let (expression, after) =
                after.split_once("}}").with_context(|| format!("unmatched \"{{{{\" in {template:?}"))?;
            let name = expression.trim();
            let value = self.0.get(name).with_context(|| {
                format!("{template:?} refers to {name:?}, which is not a variable of the app")
            })?;
            text.push_str(literal);
            text.push_str(value);
            rest = after;
        }
        text.push_str(rest);
        Ok(text)
    }
}

/// Whether a name may be a variable's: lower-case words of letters and digits, joined by single underscores, each
/// beginning with a letter.
pub fn is_name(name: &str) -> bool {
    name.split('_').all(|word| {
        word.starts_with(|c: char| c.is_ascii_lowercase())
            && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declared(text: &str) -> BTreeMap<String, VariableDeclaration> {
        toml::from_str(text).unwrap()
    }

    fn given(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn command_line_goes_before_environment_goes_before_default() {
        let declared = declared("a = { default = '1' }\nb = { default = '1' }\nc = { default = '1' }");
        let environment =
            |name: &str| ["SPIN_VARIABLE_A", "SPIN_VARIABLE_B"].contains(&name).then(|| "2".into());
        let variables = Variables::resolve(&declared, &given(&[("a", "3")]), environment).unwrap();
        assert_eq!(variables.expand("{{ a }}{{b}}{{  c }}").unwrap(), "321");
    }

    #[test]
    fn last_of_several_settings_wins() {
        let variables =
            Variables::resolve(&declared("a = {}"), &given(&[("a", "1"), ("a", "2")]), |_| None).unwrap();
        assert_eq!(variables.expand("{{ a }}").unwrap(), "2");
    }

    #[test]
    fn missing_required_variable_says_how_to_set_it() {
        let error =
            Variables::resolve(&declared("owner_word = { required = true }"), &[], |_| None).unwrap_err();
        let error = error.to_string();
        assert!(error.contains("--variable owner_word="), "{error}");
        assert!(error.contains("SPIN_VARIABLE_OWNER_WORD="), "{error}");
    }

    #[test]
    fn refuses_undeclared_and_malformed_names() {
        assert!(Variables::resolve(&BTreeMap::new(), &given(&[("a", "1")]), |_| None).is_err());
        assert!(Variables::resolve(&declared("Bad = { default = '1' }"), &[], |_| None).is_err());
        for (name, good) in [
            ("a", true),
            ("a1_b2", true),
            ("", false),
            ("_a", false),
            ("a__b", false),
            ("a_", false),
            ("a-b", false),
        ] {
            assert_eq!(is_name(name), good, "{name:?}");
        }
    }

    #[test]
    fn refuses_broken_templates() {
        let variables = Variables::default();
        assert!(variables.expand("{{ a").is_err());
        assert!(variables.expand("{{ a }}").unwrap_err().to_string().contains("\"a\""));
        assert_eq!(variables.expand("plain } text").unwrap(), "plain } text");
    }

    #[test]
    fn debug_does_not_show_values() {
        let variables = Variables::resolve(&declared("a = { default = 'word' }"), &[], |_| None).unwrap();
        assert!(!format!("{variables:?}").contains("word"));
    }
}
