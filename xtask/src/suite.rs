//! `cargo xtask test`: every check and test there is, in an order that finds cheap mistakes first.

use crate::shell::{cargo, command, execute, npm, root};
use crate::{build, generate, tidy, tools};
use anyhow::{Context as _, Result, bail};
use clap::Args;
use std::time::{Duration, Instant};

/// Set for every test when the long forms are wanted.
const LONG_VARIABLE: &str = "TIDINGS_LONG";

/// How many cases property tests try in their long form; by themselves they try 256. Read by proptest.
const LONG_CASES: (&str, &str) = ("PROPTEST_CASES", "4096");

/// Tells tests that run whole deployments where the program is.
const PROGRAM_VARIABLE: &str = "TIDINGS_PROGRAM";

/// The scripts that shellcheck reads.
const SCRIPTS: [&str; 5] =
    ["deploy.sh", ".ci/run", "tests/deploy/run.sh", "tests/deploy/spin", "tests/deploy/curl"];

/// Arguments of `cargo xtask test`.
#[derive(Debug, Args)]
pub struct TestArgs {
    /// Add the long forms of the tests.
    #[arg(long)]
    long: bool,

    /// Run only the steps whose name contains this.
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
}

/// One headline of the run.
struct Step {
    name: &'static str,
    /// Whether it makes no sense without a successful build.
    needs_build: bool,
    action: fn(&TestArgs) -> Result<()>,
}

/// What became of a step.
enum Outcome {
    Passed,
    Failed,
    NotRun,
}

const BUILD: &str = "build";

const STEPS: [Step; 13] = [
    Step { name: "formatting", needs_build: false, action: formatting },
    Step { name: "tidy", needs_build: false, action: |_| tidy::run() },
    Step { name: "shellcheck", needs_build: false, action: shellcheck },
    Step { name: "deploy.sh", needs_build: false, action: deploy_script },
    Step { name: BUILD, needs_build: false, action: |_| build::everything() },
    Step { name: "clippy", needs_build: false, action: clippy },
    Step { name: "generated files", needs_build: false, action: generated },
    Step { name: "frontend types", needs_build: false, action: |_| frontend("check") },
    Step { name: "frontend tests", needs_build: false, action: |_| frontend("test") },
    Step { name: "unit tests", needs_build: false, action: unit_tests },
    Step { name: "manifest", needs_build: true, action: manifest },
    Step { name: "end to end", needs_build: true, action: end_to_end },
    Step { name: "browser", needs_build: true, action: browser },
];

/// Runs the steps, all of them even if one fails, and sums up.
pub fn run(args: &TestArgs) -> Result<()> {
    let wanted = |step: &&Step| args.only.as_ref().is_none_or(|only| step.name.contains(only.as_str()));
    let mut results: Vec<(&str, Duration, Outcome)> = Vec::new();
    for step in STEPS.iter().filter(wanted) {
        let built =
            !results.iter().any(|(name, _, outcome)| *name == BUILD && matches!(outcome, Outcome::Failed));
        if step.needs_build && !built {
            results.push((step.name, Duration::ZERO, Outcome::NotRun));
            continue;
        }
        eprintln!("\n=== {}", step.name);
        let start = Instant::now();
        let outcome = match (step.action)(args) {
            Ok(()) => Outcome::Passed,
            Err(error) => {
                eprintln!("{} failed: {error:#}", step.name);
                Outcome::Failed
            }
        };
        results.push((step.name, start.elapsed(), outcome));
    }
    sum_up(&results)
}

/// Prints a line per step and fails unless all passed.
fn sum_up(results: &[(&str, Duration, Outcome)]) -> Result<()> {
    eprintln!("\n=== summary");
    for (name, duration, outcome) in results {
        let word = match outcome {
            Outcome::Passed => "passed",
            Outcome::Failed => "FAILED",
            Outcome::NotRun => "NOT RUN (the build failed)",
        };
        eprintln!("{:>7.1} s  {name:<24} {word}", duration.as_secs_f64());
    }
    let bad = results.iter().filter(|(.., outcome)| !matches!(outcome, Outcome::Passed)).count();
    match (results.len(), bad) {
        (0, _) => bail!("no step has such a name"),
        (_, 0) => Ok(()),
        (all, bad) => bail!("{bad} of {all} steps did not pass"),
    }
}

fn formatting(_: &TestArgs) -> Result<()> {
    tools::ensure_rust_component("fmt", "rustfmt")?;
    execute(cargo().args(["fmt", "--all", "--check"])).context("`cargo fmt --all` puts it right")
}

fn shellcheck(_: &TestArgs) -> Result<()> {
    tools::ensure_shellcheck()?;
    execute(command("shellcheck").args(SCRIPTS))
}

fn deploy_script(_: &TestArgs) -> Result<()> {
    execute(command("bash").arg("tests/deploy/run.sh"))
}

fn clippy(_: &TestArgs) -> Result<()> {
    tools::ensure_rust_component("clippy", "clippy")?;
    execute(cargo().args(["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"]))
}

fn generated(_: &TestArgs) -> Result<()> {
    generate::run(&generate::GenerateArgs { check: true })
}

fn frontend(script: &str) -> Result<()> {
    tools::ensure_npm_packages("frontend")?;
    tools::ensure_node()?;
    execute(npm("frontend").args(["run", "--silent", script]))
}

fn unit_tests(args: &TestArgs) -> Result<()> {
    // The manifest test and the end-to-end tests want a build, so they are steps of their own. The program is tested by
    // itself: beside the others its dependencies would get more features, and wasmtime would be compiled once more.
    execute(test(args).args(["--package", "tidings"]))?;
    let mut cargo = test(args);
    let others = ["tidings", "tidings-e2e", "xtask"].into_iter().flat_map(|package| ["--exclude", package]);
    execute(cargo.arg("--workspace").args(others))?;
    execute(test(args).args(["--package", "xtask", "--bins"]))
}

fn manifest(args: &TestArgs) -> Result<()> {
    execute(test(args).args(["--package", "xtask", "--test", "manifest"]))
}

fn end_to_end(args: &TestArgs) -> Result<()> {
    // The suite runs each test twice by itself: as it is, and over a store whose reads are stale.
    execute(test(args).env(PROGRAM_VARIABLE, build::program_path()?).args(["--package", "tidings-e2e"]))
}

fn browser(args: &TestArgs) -> Result<()> {
    let folder = "tests/browser";
    if !root().join(folder).is_dir() {
        bail!("{folder} is missing");
    }
    tools::ensure_npm_packages(folder)?;
    tools::ensure_node()?;
    let chromium = tools::ensure_chromium()?;
    execute(npm(folder).args(["run", "--silent", "check"]))?;
    let mut npm = npm(folder);
    npm.args(["run", "--silent", "test"]).env("CHROMIUM", chromium);
    npm.env(PROGRAM_VARIABLE, build::program_path()?);
    execute(with_length(&mut npm, args))
}

/// `cargo test`, told whether the long forms are wanted.
fn test(args: &TestArgs) -> std::process::Command {
    let mut cargo = cargo();
    cargo.arg("test");
    with_length(&mut cargo, args);
    cargo
}

fn with_length<'a>(command: &'a mut std::process::Command, args: &TestArgs) -> &'a mut std::process::Command {
    if args.long {
        command.env(LONG_VARIABLE, "1").env(LONG_CASES.0, LONG_CASES.1);
    } else {
        command.env_remove(LONG_VARIABLE);
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_steps_are_told_apart_and_build_is_one() {
        let mut names: Vec<_> = STEPS.iter().map(|step| step.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), STEPS.len());
        assert!(names.contains(&BUILD));
    }

    #[test]
    fn sums_up_as_failed_unless_every_step_passed() {
        let result = |outcome| vec![("x", Duration::ZERO, outcome)];
        assert!(sum_up(&result(Outcome::Passed)).is_ok());
        assert!(sum_up(&result(Outcome::Failed)).is_err());
        assert!(sum_up(&result(Outcome::NotRun)).is_err());
        assert!(sum_up(&[]).is_err());
    }
}
