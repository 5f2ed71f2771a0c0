//! Many deployments in one process, on virtual time: the real rules over the real ledger, with real signatures and
//! bodies, over stores that are stale and fail and a network that loses, doubles, delays, reorders and cuts off.
//!
//! Owners live for some days ([`life`]), then faults stop, everybody visits a few times, and what the network came to is
//! compared with what the owners did ([`verify`]). One seed reproduces a run exactly. What stands between HTTP and the
//! rules in the components (`api/`) is mirrored in [`endpoints`] and [`owner`]; everything else is the real code.

mod carry;
mod chronicle;
pub mod comparison;
mod deployment;
mod endpoints;
mod executor;
mod letters;
mod life;
mod meter;
pub mod month;
mod owner;
mod remarks;
mod store;
mod tab;
mod verify;
mod wires;
mod world;
mod wrong;

pub use wrong::Wrong;

use deployment::Deployment;
use std::fmt;
use std::rc::Rc;
use tidings_ledger::testing::Faults;
use tidings_social::sync::Scope;
use wires::{Cut, Weather};
use world::{DAY_MS, HOUR_MS, MINUTE_MS, START_MS, World};

/// Times for which somebody is cut off are drawn from these, in milliseconds.
const CUTS_MS: [u64; 4] = [10 * MINUTE_MS, 3 * HOUR_MS, DAY_MS, 3 * DAY_MS];

/// Visits of everybody once faults have stopped, and the time between them in milliseconds. What could not be delivered
/// is tried again daily at the rarest, so that this is long enough for a try, and for what follows from it.
const QUIET_VISITS: u64 = 6;
const QUIET_PAUSE_MS: u64 = 12 * HOUR_MS;

/// Visits of everybody once the last friendships are made: a wish of an earlier one comes with the first pull, its answer with one of
/// the next, and who is away when they are told of that needs another.
const ANSWERED_VISITS: u64 = 3;

/// Lines of history that a failed run shows.
const SHOWN_LINES: usize = 60;

/// How a run went.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Where all of it came from.
    pub seed: u64,
    /// How many deployments there were.
    pub deployments: usize,
    /// Posts that were published.
    pub posts: usize,
    /// Requests between deployments.
    pub requests: usize,
    /// Requests that died half way.
    pub died: u64,
    /// What went wrong; empty after a good run.
    pub problems: Vec<String>,
    /// The last of what happened to those that the problems are about.
    pub history: Vec<String>,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, deployments, posts, requests, died, .. } = self;
        writeln!(
            f,
            "seed {seed}: {deployments} deployments, {posts} posts, {requests} requests, {died} deaths"
        )?;
        self.history.iter().try_for_each(|line| writeln!(f, "  {line}"))?;
        self.problems.iter().try_for_each(|problem| writeln!(f, "WRONG: {problem}"))
    }
}

/// What a run is like, all of it drawn from its seed.
#[derive(Debug, Clone, Copy)]
struct Scenario {
    deployments: usize,
    staleness_ms: u64,
    days: u64,
    acts: u64,
    store: Faults,
    deaths: u32,
    weather: Weather,
    cuts: usize,
}

impl Scenario {
    fn draw(random: &mut fastrand::Rng) -> Self {
        let deployments = match random.u32(0..40) {
            0 => random.usize(16..=30),
            1..6 => random.usize(7..=15),
            _ => random.usize(2..=6),
        };
        let staleness_ms = [0, 2_000, 60_000][random.usize(0..3)];
        let is_rough = random.u32(0..4) > 0;
        let rough = |most: u32, random: &mut fastrand::Rng| if is_rough { random.u32(0..=most) } else { 0 };
        Self {
            deployments,
            staleness_ms,
            days: random.u64(1..=6),
            acts: if deployments > 15 { 6 } else { random.u64(6..=14) },
            store: Faults {
                staleness_ms,
                latency_ms: 4,
                failures: rough(12, random),
                late_ms: if staleness_ms == 0 { 5_000 } else { executor::REQUEST_MS },
            },
            deaths: rough(30, random),
            weather: Weather {
                lost_requests: rough(150, random),
                lost_answers: rough(150, random),
                doubled: rough(100, random),
                late: rough(100, random),
                late_ms: 10 * MINUTE_MS,
                delay_ms: 400,
            },
            cuts: random.usize(0..=deployments),
        }
    }
}

/// Lives through the run of a seed.
#[must_use]
pub fn run(seed: u64, wrong: Wrong) -> Outcome {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut scenario = Scenario::draw(&mut random);
    if wrong == Wrong::BelievesFreshStore {
        // Of what is a minute stale few would notice: friends look again, and most had not come any further.
        scenario.store.staleness_ms = 5 * MINUTE_MS;
    }
    let world = World::new(random.u64(..), wrong);
    for number in 0..scenario.deployments {
        // Clocks of different hosts may lie apart by less than what a signature allows.
        let ahead_ms = random.i64(-60_000..=60_000);
        let timing = wrong.timing(scenario.staleness_ms);
        let clock = world.clock.clone();
        world.add(Deployment::new(number, random.u64(..), clock, scenario.store, timing, ahead_ms));
    }
    world.weather.set(scenario.weather);
    world.executor.set_deaths(scenario.deaths);
    *world.cuts.borrow_mut() = (0..scenario.cuts).map(|_| cut(&scenario, &mut random)).collect();
    for number in 0..scenario.deployments {
        world.executor.spawn(life::live(world.clone(), number, scenario.acts, scenario.days));
    }
    world.executor.run();
    calm(&world, &scenario);
    let mut problems = verify::problems(&world);
    if problems.is_empty() {
        problems = stuck(&world);
    }
    outcome(seed, &world, problems)
}

fn cut(scenario: &Scenario, random: &mut fastrand::Rng) -> Cut {
    let who = random.usize(0..scenario.deployments);
    let other = random.usize(0..scenario.deployments);
    let since_ms = START_MS + random.u64(0..=scenario.days * DAY_MS);
    let from = (random.bool() && other != who).then_some(other);
    Cut { who, from, since_ms, until_ms: since_ms + CUTS_MS[random.usize(0..CUTS_MS.len())] }
}

/// Faults stop, and everybody visits a few times.
fn calm(world: &Rc<World>, scenario: &Scenario) {
    world.weather.set(Weather { delay_ms: scenario.weather.delay_ms, ..Weather::default() });
    world.executor.set_deaths(0);
    world.cuts.borrow_mut().clear();
    for deployment in world.deployments() {
        deployment.set_faults(Faults { failures: 0, ..scenario.store });
        world.clock.set(world.now_ms() + deployment.settling_ms());
    }
    world.note(|| "faults stop".to_owned());
    quiet_days(world, QUIET_VISITS);
}

/// Everybody visits so often, for what is due.
fn quiet_days(world: &Rc<World>, visits: u64) {
    for deployment in world.deployments() {
        let (world_, number) = (world.clone(), deployment.number);
        world.executor.spawn(async move {
            for _ in 0..visits {
                world_.executor.sleep(world_.draw(QUIET_PAUSE_MS / 2..=QUIET_PAUSE_MS)).await;
                life::stay(&world_, number, Scope::DUE).await;
            }
        });
    }
    world.executor.run();
    // Whoever looks then is not shown less than the last visitor was.
    let settling_ms = world.deployments().iter().map(|deployment| deployment.settling_ms()).max();
    world.clock.set(world.now_ms() + settling_ms.unwrap_or_default());
}

/// Whether something cannot go on: requests that are accepted now have to become friendships, and two between whom
/// nothing is have to be able to befriend each other.
fn stuck(world: &Rc<World>) -> Vec<String> {
    let (mut waiting, apart) = verify::open_ends(world);
    if let Some((a, b)) = apart {
        let world_ = world.clone();
        world.executor.spawn(async move { life::ask(&world_, a, b).await });
        world.executor.run();
        world.clock.set(world.now_ms() + HOUR_MS);
        waiting.push((b, a));
    }
    for deployment in world.deployments() {
        let (world_, number) = (world.clone(), deployment.number);
        world.executor.spawn(async move { life::accept_all(&world_, number).await });
    }
    world.executor.run();
    quiet_days(world, ANSWERED_VISITS);
    let mut problems = verify::problems(world);
    for (a, b) in waiting {
        if !verify::are_friends(world, a, b) {
            problems.push(format!("d{a} accepted d{b}, and they are no friends"));
        }
    }
    problems
}

fn outcome(seed: u64, world: &World, problems: Vec<String>) -> Outcome {
    let posts = world.chronicle.borrow().of.iter().map(|deeds| deeds.posts.len()).sum();
    let requests = world.meter.borrow().of.iter().map(|traffic| traffic.sent_at_ms.len()).sum();
    let words = problems.first().map(|problem| names_in(problem)).unwrap_or_default();
    Outcome {
        seed,
        deployments: world.deployments().len(),
        posts,
        requests,
        died: world.executor.died(),
        history: if problems.is_empty() { Vec::new() } else { world.recent(&words, SHOWN_LINES) },
        problems,
    }
}

/// The deployments that a sentence is about.
fn names_in(sentence: &str) -> Vec<String> {
    let words = sentence.split(|c: char| !c.is_ascii_alphanumeric());
    let is_name = |word: &&str| {
        word.strip_prefix('d').is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
    };
    words.filter(is_name).map(ToOwned::to_owned).collect()
}
