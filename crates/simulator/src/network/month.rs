//! What some weeks with many friends cost one deployment, every request counted.
//!
//! One deployment is observed; its friends run the same code over the same kind of store and have the same habits, but no
//! other friends. All stores are 60 s stale, and nothing fails.

use super::deployment::Deployment;
use super::meter::{Meter, Traffic};
use super::tab::{Asked, Paces, Tab};
use super::verify::{BUDGET_PER_HOUR, MOST_KEYS};
use super::wires::Weather;
use super::world::{DAY_MS, HOUR_MS, MINUTE_MS, START_MS, World};
use super::wrong::Wrong;
use super::{life, owner};
use crate::progress::Progress;
use serde::Serialize;
use std::cell::Cell;
use std::fmt;
use std::rc::Rc;
use tidings_ledger::testing::Faults;
use tidings_protocol::paths;
use tidings_social::sync::Scope;

/// Requests that a host's free tier answers in a month of [`MONTH_DAYS`], and days of that.
pub const FREE_REQUESTS: u64 = 100_000;
const MONTH_DAYS: u64 = 30;

/// How stale stores are, in milliseconds.
const STALENESS_MS: u64 = 60_000;
/// The part of a day within which people use it: from 7 to 23 o'clock.
const WAKING_MS: (u64, u64) = (7 * HOUR_MS, 23 * HOUR_MS);
/// How often a friend's open app looks; the observed one's does as [`Habits`] say.
const FRIENDS_POLL_MS: u64 = MINUTE_MS;
/// The one who is observed.
const OBSERVED: usize = 0;

/// What people do.
#[derive(Debug, Clone, Serialize)]
pub struct Habits {
    /// Where all randomness comes from.
    pub seed: u64,
    /// Friends of the observed one.
    pub friends: usize,
    /// Days that are observed.
    pub days: u64,
    /// Posts that everybody writes a day.
    pub changes_a_day: u64,
    /// Hours a day during which everybody has the app open and visible, all visits together.
    pub tab_hours: f64,
    /// Visits a day.
    pub visits: u64,
    /// Seconds between two polls of the open app: after opening it or writing, for some minutes more, and otherwise.
    #[serde(skip)]
    pub poll_seconds: (u64, u64, u64),
    /// Whether the observed one's app has network work done whenever some seems due, without the rest it is told to give.
    #[serde(skip)]
    pub is_impatient: bool,
    /// Bytes of changes that a notification carries at most, in the variant that [`super::comparison`] compares with; 0 in the
    /// protocol as it is.
    pub carry_bytes: u64,
    /// Whether to keep the progress to oneself.
    #[serde(skip)]
    pub quiet: bool,
}

/// What it cost. Flat, for programs that read it.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// What people did.
    #[serde(flatten)]
    pub habits: Habits,
    /// Requests that the host executed: of others, of the open app, and for its files.
    pub requests_in: u64,
    /// Of them polls of the open app.
    pub requests_in_polls: u64,
    /// Of them other requests of the app.
    pub requests_in_app: u64,
    /// Of them files of the app.
    pub requests_in_assets: u64,
    /// Of them notifications of friends.
    pub requests_in_notifications: u64,
    /// Of them pulls of friends.
    pub requests_in_pulls: u64,
    /// Requests to others.
    pub requests_out: u64,
    /// Of them notifications.
    pub requests_out_notifications: u64,
    /// Of them pulls.
    pub requests_out_pulls: u64,
    /// Most requests to others within any hour.
    pub peak_outbound_per_hour: usize,
    /// Bytes that left the host.
    pub egress_bytes: u64,
    /// Keys in its store at the end.
    pub keys: usize,
    /// Most keys there were.
    pub max_keys: usize,
    /// The same with a notification for each friend and change, each answered by a pull of the whole feed.
    pub naive_requests_in: u64,
    /// The same, to others.
    pub naive_requests_out: u64,
    /// The part of the free tier that a month of this takes.
    pub free_tier_share: f64,
    /// Seconds that the simulation took.
    pub seconds: f64,
}

/// Lives through it.
#[must_use]
pub fn run(habits: &Habits) -> Report {
    let mut progress = Progress::new(habits.quiet);
    let world = World::new(habits.seed, Wrong::Nothing);
    world.carry_bytes.set(habits.carry_bytes);
    world.weather.set(Weather { delay_ms: 200, ..Weather::default() });
    let store = Faults { staleness_ms: STALENESS_MS, latency_ms: 1, failures: 0, late_ms: 0 };
    for number in 0..=habits.friends {
        let (seed, clock) = (world.draw(0..=u64::MAX - 1), world.clock.clone());
        let timing = Wrong::Nothing.timing(STALENESS_MS);
        world.add(Deployment::new(number, seed, clock, store, timing, 0));
    }
    befriend_all(&world, habits.friends);
    let mut asked = Asked::default();
    let begin_ms = (world.now_ms() - START_MS).div_ceil(DAY_MS) * DAY_MS + START_MS;
    world.clock.set(begin_ms);
    restart(&world);
    let mut written = 0;
    for day in 0..habits.days {
        asked = sum(asked, live_a_day(&world, habits, begin_ms + day * DAY_MS));
        written += habits.changes_a_day;
        let keys = world.deployment(OBSERVED).held().keys;
        progress.update(day + 1, habits.days, || format!("day {}  {keys} keys ", day + 1));
    }
    report(&world, habits, asked, written, progress.seconds())
}

/// Everybody asks the observed one, one after the other, and is accepted.
fn befriend_all(world: &Rc<World>, friends: usize) {
    let shared = world.clone();
    world.executor.spawn(async move {
        for number in 0..=friends {
            while owner::set_up(&shared, number).await.done().is_none() {}
        }
        for number in 1..=friends {
            life::ask(&shared, number, OBSERVED).await;
            shared.executor.sleep(2 * MINUTE_MS).await;
            life::accept_all(&shared, OBSERVED).await;
            shared.executor.sleep(2 * MINUTE_MS).await;
            life::stay(&shared, number, Scope::DUE).await;
        }
        shared.executor.sleep(HOUR_MS).await;
    });
    world.executor.run();
}

/// Counts from now on.
fn restart(world: &World) {
    let mut meter = Meter::default();
    world.deployments().iter().for_each(|_| meter.add());
    world.meter.replace(meter);
}

fn live_a_day(world: &Rc<World>, habits: &Habits, midnight_ms: u64) -> Asked {
    let total = Rc::new(Cell::new(Asked::default()));
    for number in 0..=habits.friends {
        let (shared, habits, total) = (world.clone(), habits.clone(), total.clone());
        world.executor.spawn(async move {
            let paces = if number == OBSERVED {
                let (lively, calm, quiet) = habits.poll_seconds;
                let [lively_ms, calm_ms, quiet_ms] = [lively, calm, quiet].map(|seconds| seconds * 1_000);
                Paces { lively_ms, calm_ms, quiet_ms, is_impatient: habits.is_impatient }
            } else {
                let pace_ms = FRIENDS_POLL_MS;
                Paces { lively_ms: pace_ms, calm_ms: pace_ms, quiet_ms: pace_ms, is_impatient: false }
            };
            for (from_ms, until_ms, writes) in visits(&shared, &habits, midnight_ms) {
                shared.executor.sleep(from_ms.saturating_sub(shared.now_ms())).await;
                let mut tab = Tab::open(&shared, number, paces);
                tab.stay(until_ms, &writes).await;
                if number == OBSERVED {
                    total.set(sum(total.get(), tab.asked));
                }
            }
        });
    }
    world.executor.run();
    world.clock.set(world.now_ms().max(midnight_ms + DAY_MS));
    total.get()
}

/// When somebody has the app open on a day, and when they write in it.
fn visits(world: &World, habits: &Habits, midnight_ms: u64) -> Vec<(u64, u64, Vec<u64>)> {
    let visits = habits.visits.max(1);
    let each_ms = (habits.tab_hours * HOUR_MS as f64) as u64 / visits;
    let slot_ms = (WAKING_MS.1 - WAKING_MS.0) / visits;
    let mut writes_left = habits.changes_a_day;
    (0..visits)
        .map(|visit| {
            let slack_ms = slot_ms.saturating_sub(each_ms);
            let from_ms = midnight_ms + WAKING_MS.0 + visit * slot_ms + world.draw(0..=slack_ms);
            let count = writes_left.div_ceil(visits - visit);
            writes_left -= count;
            let mut writes: Vec<u64> =
                (0..count).map(|_| from_ms + world.draw(0..=each_ms / 10 * 9)).collect();
            writes.sort_unstable();
            (from_ms, from_ms + each_ms, writes)
        })
        .collect()
}

fn sum(a: Asked, b: Asked) -> Asked {
    Asked {
        polls: a.polls + b.polls,
        others: a.others + b.others,
        assets: a.assets + b.assets,
        bytes: a.bytes + b.bytes,
    }
}

fn report(world: &World, habits: &Habits, asked: Asked, written: u64, seconds: f64) -> Report {
    let meter = world.meter.borrow();
    let traffic: &Traffic = &meter.of[OBSERVED];
    let of =
        |counts: &std::collections::BTreeMap<&'static str, u64>, path| counts.get(path).copied().unwrap_or(0);
    let from_others: u64 = traffic.arrived.values().sum();
    let of_app = asked.polls + asked.others + asked.assets;
    let requests_in = from_others + of_app;
    // Each change of the observed one is told to each friend, who pulls; each change of a friend is told, and pulled.
    let each_way = 2 * written * habits.friends as u64;
    let deployment = world.deployment(OBSERVED);
    let months = habits.days.max(1) as f64 / MONTH_DAYS as f64;
    Report {
        habits: habits.clone(),
        requests_in,
        requests_in_polls: asked.polls,
        requests_in_app: asked.others,
        requests_in_assets: asked.assets,
        requests_in_notifications: of(&traffic.arrived, paths::NOTIFICATIONS),
        requests_in_pulls: of(&traffic.arrived, paths::CHANGES),
        requests_out: traffic.sent_at_ms.len() as u64,
        requests_out_notifications: of(&traffic.sent, paths::NOTIFICATIONS),
        requests_out_pulls: of(&traffic.sent, paths::CHANGES),
        peak_outbound_per_hour: traffic.peak_per_hour(),
        egress_bytes: traffic.egress_bytes + asked.bytes,
        keys: deployment.held().keys,
        max_keys: deployment.most_keys(),
        naive_requests_in: each_way + of_app,
        naive_requests_out: each_way,
        free_tier_share: requests_in as f64 / months / FREE_REQUESTS as f64,
        seconds,
    }
}

impl Report {
    /// What is beyond its bounds.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let peak = self.peak_outbound_per_hour;
        if peak > BUDGET_PER_HOUR {
            problems.push(format!("{peak} requests to others within an hour, {BUDGET_PER_HOUR} are allowed"));
        }
        if self.max_keys > MOST_KEYS {
            problems.push(format!("{} keys, {MOST_KEYS} are allowed", self.max_keys));
        }
        problems
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Habits { friends, days, changes_a_day, tab_hours, visits, .. } = self.habits;
        writeln!(
            f,
            "{days} days with {friends} friends; everybody writes {changes_a_day} a day, in {visits} visits of together {tab_hours} h\n"
        )?;
        for (what, count, naive) in [
            ("requests in", self.requests_in, Some(self.naive_requests_in)),
            ("  polls of the open app", self.requests_in_polls, None),
            ("  other requests of the app", self.requests_in_app, None),
            ("  files of the app", self.requests_in_assets, None),
            ("  notifications", self.requests_in_notifications, None),
            ("  pulls", self.requests_in_pulls, None),
            ("requests out", self.requests_out, Some(self.naive_requests_out)),
            ("  notifications", self.requests_out_notifications, None),
            ("  pulls", self.requests_out_pulls, None),
            ("most out within an hour", self.peak_outbound_per_hour as u64, None),
            ("egress in kB", self.egress_bytes / 1_000, None),
            ("keys", self.keys as u64, None),
        ] {
            match naive {
                Some(naive) => writeln!(f, "{what:<28} {count:>9}   naively {naive:>9}")?,
                None => writeln!(f, "{what:<28} {count:>9}")?,
            }
        }
        writeln!(
            f,
            "\n{:.0} % of the free tier's {FREE_REQUESTS} requests a month",
            self.free_tier_share * 100.0
        )
    }
}
