//! How much a store holds after a decade: one busy person's commits, one by one, through the real ledger.
//!
//! [`Habits`] says what a busy person does, `calendar` when, `life` what each event reads and commits, and `deployment`
//! makes it a request over a store that is 60 s stale. A plain picture of what was written (`mirror`) is compared with
//! what is live at the end.

mod calendar;
mod content;
mod deployment;
mod habits;
mod life;
mod meter;
mod mirror;
mod report;
mod verify;

pub use habits::Habits;
pub use report::Report;

use crate::progress::Progress;
use anyhow::Result;
use calendar::{DAY_MS, START_MS};
use deployment::Deployment;
use life::Life;
use verify::Weight;

/// Small commits after the last busy day, an hour apart: what is to be merged and removed then is.
const QUIET_REQUESTS: usize = 200;
const QUIET_MS: u64 = 3_600_000;

/// Keys that the hosts give. When there are more, nothing that follows would happen.
const KEYS_GIVEN: usize = 1_024;

/// How a run is made.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where all randomness comes from.
    pub seed: u64,
    /// The part of the decade to live, above 0 and at most 1.
    pub scale: f64,
    /// Whether to keep the progress to oneself.
    pub quiet: bool,
}

/// Lives through it.
///
/// # Errors
/// When the scale is out of range, or the ledger fails in a way that it must not. Broken bounds are no error here but
/// [problems](Report::problems) of the report.
pub fn run(options: &Options) -> Result<Report> {
    let habits = Habits::decade().scaled(options.scale)?;
    let mut progress = Progress::new(options.quiet);
    let mut deployment = Deployment::new(options.seed, START_MS);
    let mut life = Life::new(&habits, &mut deployment);
    let appointments = calendar::appointments(&habits, &mut deployment.random);
    let all = appointments.len() as u64;
    for (done, appointment) in appointments.into_iter().enumerate() {
        if deployment.meter.max_keys > KEYS_GIVEN {
            break;
        }
        let now_ms = deployment.store.true_ms().max(appointment.at_ms);
        deployment.clock.set(now_ms);
        life.live(appointment.event, &mut deployment)?;
        progress.update(done as u64, all, || state_of(&deployment));
    }
    let keys_before_quiet = deployment.store.held().keys;
    for number in 0..QUIET_REQUESTS {
        deployment.clock.advance(QUIET_MS);
        let friend = life.friends()[number % life.friends().len()].fingerprint;
        deployment.quiet_request(&friend)?;
    }
    let weight = verify::weigh(&deployment);
    let mut report = figures(options, &deployment, &weight, keys_before_quiet);
    // The figures are of the moment after the last request; what it wrote has to become visible to be compared.
    deployment.clock.advance(deployment.settling_ms());
    let mut problems = report.broken_bounds();
    let is_broken = !problems.is_empty();
    if report.max_keys > KEYS_GIVEN {
        let commits = report.commits;
        problems.push(format!("given up after {commits} commits: a host has only {KEYS_GIVEN} keys"));
    }
    for samples in [&deployment.meter.pages, &deployment.meter.points] {
        if is_broken && samples.over_bound > 0 {
            problems.extend(samples.worst.iter().map(|worst| format!("the worst read was {worst}")));
        }
    }
    let wrong = deployment.meter.wrong_reads.iter().take(3);
    problems.extend(wrong.map(|read| format!("read something else than was written: {read}")));
    problems.extend(weight.damaged.iter().take(3).map(|damage| format!("damaged object: {damage}")));
    problems.extend(verify::compare(&mut deployment, &weight)?);
    report.problems = problems;
    report.seconds = progress.seconds();
    Ok(report)
}

fn state_of(deployment: &Deployment) -> String {
    let held = deployment.store.held();
    let day = deployment.store.true_ms().saturating_sub(START_MS) / DAY_MS;
    let commits = report::count(deployment.meter.commits);
    let per_commit = deployment.meter.writing_operations as f64 / deployment.meter.commits.max(1) as f64;
    format!(
        "day {day:>4}  {commits:>9} commits  {:>4} keys  {:>4} MB  {per_commit:.2} operations each ",
        held.keys,
        held.bytes / 1_000_000
    )
}

fn figures(options: &Options, deployment: &Deployment, weight: &Weight, keys_before_quiet: usize) -> Report {
    let Deployment { meter, mirror, store, .. } = deployment;
    let held = store.held();
    let is_image = |key: &tidings_ledger::Key| key.partition() == content::keys::BLOB;
    let live_bytes_images = mirror.live_bytes(is_image);
    let live_bytes_text = mirror.live_bytes(|key| !is_image(key));
    let per_commit = |operations: u64| operations as f64 / meter.commits.max(1) as f64;
    let ratio = |stored: u64, live: u64| stored as f64 / live.max(1) as f64;
    Report {
        seed: options.seed,
        scale: options.scale,
        keys: held.keys,
        bytes: held.bytes,
        max_operations_per_request: meter.max_operations_per_request,
        max_bytes_read_per_request: meter.max_bytes_read_per_request,
        operations_per_commit: per_commit(meter.writing_operations),
        read_operations_per_commit: per_commit(meter.reading_operations),
        commits: meter.commits,
        refused: meter.refused,
        unavailable: meter.unavailable,
        failed_maintenance: meter.failed_maintenance,
        max_keys: meter.max_keys,
        max_bytes: meter.max_bytes,
        keys_before_quiet,
        live_entries: mirror.live(),
        live_bytes_images,
        live_bytes_text,
        amplification_images: ratio(weight.stored_images, live_bytes_images),
        amplification_text: ratio(weight.stored_text, live_bytes_text),
        feed_entries: mirror.feed_count(),
        replaced_objects: weight.replaced_objects,
        bytes_written: meter.bytes_written,
        bytes_read: meter.bytes_read,
        merged: meter.merged,
        removed: meter.removed,
        newest_pages: meter.pages.count,
        mean_gets_newest_page: meter.pages.mean_gets(),
        max_gets_newest_page: meter.pages.max_gets,
        max_gets_newest_page_beyond_commits: meter.pages.max_gets_beyond_commits,
        newest_pages_over_bound: meter.pages.over_bound,
        points: meter.points.count,
        mean_gets_point: meter.points.mean_gets(),
        max_gets_point: meter.points.max_gets,
        max_gets_point_beyond_commits: meter.points.max_gets_beyond_commits,
        points_over_bound: meter.points.over_bound,
        seconds: 0.0,
        problems: Vec::new(),
    }
}
