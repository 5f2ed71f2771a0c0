//! `cargo xtask sim` and `cargo xtask bench`: what it all costs, on virtual time and on this machine.

use crate::shell::{cargo, execute, progress};
use anyhow::Result;
use clap::Args;
use std::path::PathBuf;

/// Arguments of `cargo xtask sim`.
#[derive(Debug, Args)]
pub struct SimArgs {
    /// Live through a decade of a busy person's use and see that the store holds it.
    #[arg(long, required = true)]
    capacity: bool,

    /// Write the figures to this file as a flat JSON object.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,

    /// Where all randomness comes from: the same seed makes the same run.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,

    /// Live only this part of the decade, such as 0.02 for some ten weeks.
    #[arg(long, value_name = "PART", default_value_t = 1.0)]
    scale: f64,
}

/// Arguments of `cargo xtask bench`.
#[derive(Debug, Args)]
pub struct BenchArgs {
    /// Go on to criterion: part of a benchmark's name, --quick, --save-baseline NAME, --baseline NAME ...
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGUMENTS")]
    arguments: Vec<String>,
}

/// Builds the simulator for speed and runs it.
pub fn simulate(args: &SimArgs) -> Result<()> {
    progress("simulating; the whole decade takes some minutes");
    let mut cargo = cargo();
    cargo.args(["run", "--quiet", "--profile", "sim", "--package", "tidings-simulator", "--", "capacity"]);
    cargo.args(["--seed", &args.seed.to_string(), "--scale", &args.scale.to_string()]);
    if let Some(file) = &args.json {
        // The simulator is run from the root of the repository, this task may not be.
        cargo.arg("--json").arg(std::path::absolute(file)?);
    }
    execute(&mut cargo)
}

/// Runs the ledger's benchmarks.
pub fn bench(args: &BenchArgs) -> Result<()> {
    let mut cargo = cargo();
    // Only targets that are benchmarks: unit tests, which cargo would run as well, do not know criterion's arguments.
    execute(cargo.args(["bench", "--package", "tidings-ledger", "--bench", "*", "--"]).args(&args.arguments))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    enum Task {
        Sim(SimArgs),
        Bench(BenchArgs),
    }

    #[test]
    fn everything_behind_bench_goes_on() {
        let Ok(Task::Bench(args)) = Task::try_parse_from(["xtask", "bench", "page", "--quick"]) else {
            panic!("`bench` takes anything");
        };
        assert_eq!(args.arguments, ["page", "--quick"]);
    }

    #[test]
    fn a_simulation_has_to_be_chosen() {
        assert!(Task::try_parse_from(["xtask", "sim"]).is_err());
        let Ok(Task::Sim(args)) = Task::try_parse_from(["xtask", "sim", "--capacity"]) else {
            panic!("`sim --capacity` is complete");
        };
        assert_eq!((args.seed, args.scale), (1, 1.0));
    }
}
