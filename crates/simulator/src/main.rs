//! The program `tidings-simulator`, which `cargo xtask sim` builds and runs.

use anyhow::{Context as _, Result};
use clap::{Args, Parser};
use serde::Serialize;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use tidings_simulator::capacity;
use tidings_simulator::network::comparison;
use tidings_simulator::network::month::{self, Habits};

/// Days that are lived through if nothing else is said: a month, and enough to compare.
const MONTH_DAYS: u64 = 30;
const COMPARED_DAYS: u64 = 2;

/// What is taken for granted, for those who read the figures.
const HABITS: &str = "\
Habits with --friends, where no flag says otherwise: 30 days (--days); everybody, also each friend, writes 5 posts a day
(--changes), in 3 visits between 7 and 23 o'clock (--visits) that make 2 hours of open app together (--tab-hours). The
app polls every 4, 10 and 20 s (--lively-poll, --calm-poll, --quiet-poll). All stores are 60 s stale; nothing fails.
Naive is a notification for each friend and change, each answered by a pull.

The figures in the file of --friends: requests_in (and of them ..._polls, ..._app, ..._assets, ..._notifications,
..._pulls), requests_out (..._notifications, ..._pulls), peak_outbound_per_hour, egress_bytes, keys, max_keys,
naive_requests_in, naive_requests_out, free_tier_share, seconds, and the habits. With more than 450 requests to
others in any hour, or more than 900 keys, the command fails.";

/// Years of use on virtual time.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask sim", arg_required_else_help = true, after_help = HABITS)]
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

    /// Live through some days with several numbers of friends and changes, and see what the protocol costs beside the
    /// naive way, and beside notifications that carry what changed.
    #[arg(long)]
    compare: bool,
}

/// What people do, with --friends and --compare.
#[derive(Debug, Args)]
struct HabitArgs {
    /// Days to live through: 30, or 2 with --compare.
    #[arg(long, value_name = "NUMBER", conflicts_with = "capacity")]
    days: Option<u64>,

    /// Posts that everybody writes a day.
    #[arg(long, value_name = "NUMBER", default_value_t = 5, conflicts_with_all = ["capacity", "compare"])]
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

    /// Bytes of changes that a notification carries at most, in a variant of the protocol; 0 in the protocol as it is.
    #[arg(long, value_name = "BYTES", default_value_t = 0, conflicts_with_all = ["capacity", "compare"])]
    carry: u64,
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
            let report = month::run(&args.habits.of(friends, args.seed, MONTH_DAYS));
            write!(std::io::stdout(), "{report}")?;
            save(args, &report)?;
            report.problems()
        }
        None if args.what.compare => {
            writeln!(std::io::stdout(), "{}", comparison::HEAD)?;
            let comparison = comparison::run(&args.habits.of(0, args.seed, COMPARED_DAYS), |row| {
                // With nobody left to read it, the figures may still go to the file.
                let _ = writeln!(std::io::stdout(), "{row}");
            });
            save(args, &comparison)?;
            Vec::new()
        }
        None => {
            let options = capacity::Options { seed: args.seed, scale: args.scale, quiet: false };
            let report = capacity::run(&options)?;
            write!(std::io::stdout(), "{report}")?;
            save(args, &report)?;
            report.problems
        }
    };
    for problem in &problems {
        writeln!(std::io::stderr(), "error: {problem}")?;
    }
    Ok(problems.is_empty())
}

impl HabitArgs {
    fn of(&self, friends: usize, seed: u64, days: u64) -> Habits {
        Habits {
            seed,
            friends,
            days: self.days.unwrap_or(days),
            changes_a_day: self.changes,
            tab_hours: self.tab_hours,
            visits: self.visits,
            poll_seconds: (self.lively_poll.max(1), self.calm_poll.max(1), self.quiet_poll.max(1)),
            is_impatient: self.impatient,
            carry_bytes: self.carry,
            quiet: false,
        }
    }
}

/// Writes the figures of a report to a file if that is wanted.
fn save(args: &Cli, report: &impl Serialize) -> Result<()> {
    if let Some(file) = &args.json {
        let json = serde_json::to_vec_pretty(report)?;
        std::fs::write(file, json).with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(())
}
