//! Build, test and run tasks: `cargo xtask <task>`.
//!
//! Each task does everything it needs by itself, from a fresh clone on a machine with Rust and Node on: it adds the
//! compilation target, installs the frontend's packages from the lock file, and builds what is out of date.

mod build;
mod demo;
mod frontend;
mod generate;
mod measure;
mod serve;
mod shell;
mod suite;
mod tidy;
mod tools;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Build, test and run Tidings.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Build the components, the frontend and the tidings program, as far as they are out of date.
    Build,
    /// Build, then run your own deployment on this machine.
    Serve(serve::ServeArgs),
    /// Build, then run three deployments that are friends already, to look around in.
    Demo(demo::DemoArgs),
    /// Run every check and test.
    Test(suite::TestArgs),
    /// Check what no compiler checks: which crate may know which, sizes of files, leftover marks.
    Tidy,
    /// Simulate years of use and see what they cost.
    Sim(measure::SimArgs),
    /// Run the ledger's benchmarks.
    Bench(measure::BenchArgs),
    /// Write the files that are made from the Rust types: docs/openapi.json and the frontend's types.
    Generate(generate::GenerateArgs),
}

fn main() -> ExitCode {
    let result = match Cli::parse().task {
        Task::Build => build::everything(),
        Task::Serve(args) => serve::run(&args),
        Task::Demo(args) => demo::run(&args),
        Task::Test(args) => suite::run(&args),
        Task::Tidy => tidy::run(),
        Task::Sim(args) => measure::simulate(&args),
        Task::Bench(args) => measure::bench(&args),
        Task::Generate(args) => generate::run(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}
