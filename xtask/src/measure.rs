//! `cargo xtask sim` and `cargo xtask bench`: what it all costs, on virtual time and on this machine.

use crate::shell::{cargo, execute, root};
use anyhow::Result;
use clap::Args;

/// Arguments of `cargo xtask sim`.
#[derive(Debug, Args)]
#[command(disable_help_flag = true)]
pub struct SimArgs {
    /// Go on to the simulator: --capacity, or --friends NUMBER with --days NUMBER; --json FILE; --help tells the rest.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGUMENTS")]
    arguments: Vec<String>,
}

/// Arguments of `cargo xtask bench`.
#[derive(Debug, Args)]
pub struct BenchArgs {
    /// Go on to criterion: part of a benchmark's name, --quick, --save-baseline NAME, --baseline NAME ...
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGUMENTS")]
    arguments: Vec<String>,
}

/// Builds the simulator for speed and runs it where this task was called, so that paths mean what they say.
pub fn simulate(args: &SimArgs) -> Result<()> {
    let mut cargo = cargo();
    cargo
        .current_dir(std::env::current_dir()?)
        .arg("run")
        .arg("--manifest-path")
        .arg(root().join("Cargo.toml"));
    cargo.args(["--quiet", "--profile", "sim", "--package", "tidings-simulator", "--"]);
    execute(cargo.args(&args.arguments))
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
    fn everything_behind_sim_goes_on() {
        for arguments in
            [vec!["--capacity"], vec!["--friends", "150", "--json", "month.json"], vec!["--help"]]
        {
            let all = ["xtask", "sim"].iter().chain(&arguments);
            let Ok(Task::Sim(args)) = Task::try_parse_from(all) else { panic!("`sim` takes anything") };
            assert_eq!(args.arguments, arguments);
        }
    }
}
