//! `tidings inspect`: what a data file holds, read and checked object by object.
//!
//! It only looks: the file is opened for reading, also while a host is using it, and what is damaged stays as it is.

mod file;
mod print;
mod survey;

use crate::cli::InspectArgs;
use file::DataFile;
use std::io::Write as _;
use std::process::ExitCode;
use survey::Survey;

/// Reads a data file and prints what it holds. The exit code tells about damage only if that was asked for.
///
/// # Errors
/// When there is no such file, it is no data file, or it cannot be read.
pub fn run(args: &InspectArgs) -> anyhow::Result<ExitCode> {
    let file = DataFile::open(&args.file)?;
    let mut survey = Survey::of(&file);
    if file.has_changed_hands() {
        survey = Survey::of(&DataFile::open(&args.file)?);
    }
    let survey = survey?;
    let mut stdout = std::io::stdout().lock();
    if args.json {
        serde_json::to_writer_pretty(&mut stdout, &survey)?;
        writeln!(stdout)?;
    } else {
        write!(stdout, "{}", print::Tables(&survey))?;
    }
    stdout.flush()?;
    Ok(if args.check && survey.is_damaged() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
