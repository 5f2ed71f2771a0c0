//! What the deployment was told by variables of `spin.toml`.

use crate::reply::Failure;
use spin_sdk::variables;
use tidings_ledger::Timing;
use tidings_protocol::Address;

/// The longest staleness that makes sense, in seconds: a day.
const STALENESS_SECONDS_MOST: u64 = 86_400;

/// The configuration of a component.
#[derive(Clone)]
pub struct Config {
    /// `owner_password`; `None` if it is empty or this component may not see it.
    pub owner_password: Option<String>,
    /// `public_address`; `None` if it is empty.
    pub public_address: Option<Address>,
    /// From `store_staleness_seconds`.
    pub timing: Timing,
}

impl Config {
    /// Reads the variables.
    ///
    /// # Errors
    /// 503 with instructions when one of them is malformed.
    pub fn load() -> Result<Self, Failure> {
        Self::from_variables(|name| variables::get(name).ok())
    }

    fn from_variables(get: impl Fn(&str) -> Option<String>) -> Result<Self, Failure> {
        let text = |name: &str| get(name).filter(|value| !value.is_empty());
        let public_address = text("public_address")
            .map(|value| Address::from_typed(&value))
            .transpose()
            .map_err(|error| misconfigured(&format!("public_address {error}")))?;
        let seconds = text("store_staleness_seconds").unwrap_or_else(|| "60".to_owned());
        let seconds: u64 =
            seconds.parse().ok().filter(|s| *s <= STALENESS_SECONDS_MOST).ok_or_else(|| {
                misconfigured(&format!(
                    "store_staleness_seconds has to be a number from 0 to {STALENESS_SECONDS_MOST}"
                ))
            })?;
        let timing = if seconds == 0 { Timing::local() } else { Timing::replicated(seconds * 1_000) };
        Ok(Self { owner_password: text("owner_password"), public_address, timing })
    }
}

fn misconfigured(detail: &str) -> Failure {
    Failure::new(
        503,
        "misconfigured",
        "This deployment is not configured correctly",
        format!("The variable {detail}."),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(pairs: &[(&str, &str)]) -> Result<Config, Failure> {
        Config::from_variables(|name| pairs.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned()))
    }

    #[test]
    fn empty_variables_are_unset_and_the_store_counts_as_stale() {
        let config = config(&[("owner_password", ""), ("public_address", "")]).unwrap();
        assert!(config.owner_password.is_none() && config.public_address.is_none());
        assert_eq!(config.timing, Timing::replicated(60_000));
    }

    #[test]
    fn malformed_variables_are_named() {
        for (name, value) in [("public_address", "ftp://x"), ("store_staleness_seconds", "soon")] {
            let failure = config(&[(name, value)]).err().unwrap();
            assert_eq!(failure.problem.status, 503);
            assert!(failure.problem.detail.contains(name));
        }
        assert_eq!(config(&[("store_staleness_seconds", "0")]).unwrap().timing, Timing::local());
    }
}
