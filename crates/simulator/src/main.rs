//! The program `tidings-simulator`, which `cargo xtask sim` builds and runs.

use anyhow::{Context as _, Result};
use clap::{Args, Parser};
use serde::Serialize;
use std::fmt::Display;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use tidings_simulator::capacity;
use tidings_simulator::network::month::{self, Habits};

/// Years of use on virtual time.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask sim", arg_required_else_help = true)]
struct Cli {
    #[command(flatten)]
    what: What,

    /// Write the figures to this file as a flat JSON object.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,

    /// Where all randomness comes from: the same seed makes the same run.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,

    /// With --capacity: live only this part of the decade, such as 0.02 for some ten weeks.
    #[arg(long, value_name = "PART", default_value_t = 1.0, requires = "capacity")]
    scale: f64,

    #[command(flatten)]
    habits: HabitArgs,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct What {
    /// Live through a decade of a busy person's use and see that the store holds it.
    #[arg(long)]
    capacity: bool,

    /// Live through some weeks with so many friends and see what they cost.
    #[arg(long, value_name = "NUMBER")]
    friends: Option<usize>,
}

/// With --friends.
#[derive(Debug, Args)]
struct HabitArgs {
    /// Days to live through.
    #[arg(long, value_name = "NUMBER", default_value_t = 30, conflicts_with = "capacity")]
    days: u64,

    /// Posts that everybody writes a day.
    #[arg(long, value_name = "NUMBER", default_value_t = 5, conflicts_with = "capacity")]
    changes: u64,

    /// Hours a day during which everybody has the app open and in view.
    #[arg(long, value_name = "HOURS", default_value_t = 2.0, conflicts_with = "capacity")]
    tab_hours: f64,

    /// Visits a day into which these hours are divided.
    #[arg(long, value_name = "NUMBER", default_value_t = 3, conflicts_with = "capacity")]
    visits: u64,

    /// Seconds between polls of the app for a minute after it was opened or something was written.
    #[arg(long, value_name = "SECONDS", default_value_t = 4, conflicts_with = "capacity")]
    lively_poll: u64,

    /// Seconds between its polls for two minutes more.
    #[arg(long, value_name = "SECONDS", default_value_t = 10, conflicts_with = "capacity")]
    calm_poll: u64,

    /// Seconds between its polls otherwise, while its owner is active.
    #[arg(long, value_name = "SECONDS", default_value_t = 20, conflicts_with = "capacity")]
    quiet_poll: u64,

    /// Have the app do network work whenever some seems due, without the rest that its deployment asks for.
    #[arg(long, conflicts_with = "capacity")]
    impatient: bool,
}

fn main() -> ExitCode {
    match run(&Cli::parse()) {
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
fn run(args: &Cli) -> Result<bool> {
    let problems = match args.what.friends {
        Some(friends) => {
            let report = month::run(&args.habits.of(friends, args.seed));
            tell(args, &report)?;
            report.problems()
        }
        None => {
            let options = capacity::Options { seed: args.seed, scale: args.scale, quiet: false };
            let report = capacity::run(&options)?;
            tell(args, &report)?;
            report.problems
        }
    };
    for problem in &problems {
        writeln!(std::io::stderr(), "error: {problem}")?;
    }
    Ok(problems.is_empty())
}

impl HabitArgs {
    fn of(&self, friends: usize, seed: u64) -> Habits {
        Habits {
            seed,
            friends,
            days: self.days,
            changes_a_day: self.changes,
            tab_hours: self.tab_hours,
            visits: self.visits,
            poll_seconds: (self.lively_poll.max(1), self.calm_poll.max(1), self.quiet_poll.max(1)),
            is_impatient: self.impatient,
            quiet: false,
        }
    }
}

/// Prints a report, and writes its figures to a file if that is wanted.
fn tell(args: &Cli, report: &(impl Display + Serialize)) -> Result<()> {
    write!(std::io::stdout(), "{report}")?;
    if let Some(file) = &args.json {
        let json = serde_json::to_vec_pretty(report)?;
        std::fs::write(file, json).with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(())
}
