//! The `tidings` program: embedded host and terminal client.

use std::process::ExitCode;

fn main() -> ExitCode {
    tidings::cli::run()
}
