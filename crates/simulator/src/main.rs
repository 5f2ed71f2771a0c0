//! The program `tidings-simulator`, which `cargo xtask sim` builds and runs.

use anyhow::{Context as _, Result};
use clap::{Args, Parser, Subcommand};
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use tidings_simulator::capacity;

/// Years of use on virtual time.
#[derive(Debug, Parser)]
#[command(name = "tidings-simulator", arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    simulation: Simulation,
}

#[derive(Debug, Subcommand)]
enum Simulation {
    /// A decade of a busy person in one store: how many keys, bytes and operations it takes.
    Capacity(CapacityArgs),
}

#[derive(Debug, Args)]
struct CapacityArgs {
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

fn main() -> ExitCode {
    let Simulation::Capacity(args) = Cli::parse().simulation;
    match run(&args) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            // With nobody left to read standard error there is nobody to tell.
            let _ = writeln!(std::io::stderr(), "error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs and reports. Whether everything was as it has to be.
fn run(args: &CapacityArgs) -> Result<bool> {
    let options = capacity::Options { seed: args.seed, scale: args.scale, quiet: false };
    let report = capacity::run(&options)?;
    write!(std::io::stdout(), "{report}")?;
    if let Some(file) = &args.json {
        let json = serde_json::to_vec_pretty(&report)?;
        std::fs::write(file, json).with_context(|| format!("cannot write {}", file.display()))?;
    }
    for problem in &report.problems {
        writeln!(std::io::stderr(), "error: {problem}")?;
    }
    Ok(report.problems.is_empty())
}
