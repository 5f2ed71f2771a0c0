//! One random history: what happens in it, and what must hold at its end.

use std::cell::RefCell;

use pollster::block_on;

use super::Mistake;
use super::chronicle::{Chronicle, Follower};
use super::request::{Reader, Store, Writer};
use crate::Timing;
use crate::limits::{MAX_KEYS_FOR_COMMITS, MAX_KEYS_FOR_FREEING};
use crate::policy::Policy;
use crate::testing::{Faults, ManualClock, ModelStore, SkewedClock, Task, interleave};

pub(super) const START_MS: u64 = 1_700_000_000_000;

/// One in so many histories is that of a store which is nearly full.
const CROWDED_EVERY: u64 = 101;

/// After so many long times of maintenance everything deleted has to be erased; one is nearly always enough.
const MAINTENANCES: usize = 3;

/// One random history, from its seed alone.
#[derive(Debug, Clone, Copy)]
pub(super) struct Schedule {
    pub seed: u64,
    pub timing: Timing,
    /// How many keys the store has that are somebody else's.
    pub foreign: usize,
    pub mistake: Option<Mistake>,
}

/// What the requests of one history share.
struct World {
    store: ModelStore,
    clock: ManualClock,
    random: fastrand::Rng,
    chronicle: RefCell<Chronicle>,
    /// One who asks what changed now and then, all the time.
    follower: RefCell<Follower>,
    /// What the follower once was: others who stopped asking and come back at the end.
    sleepers: Vec<Follower>,
}

impl Schedule {
    /// Every kind of store, in turn.
    pub fn of(seed: u64) -> Self {
        let timings =
            [Timing::local(), Timing::replicated(0), Timing::replicated(2_000), Timing::replicated(60_000)];
        let crowded = seed % CROWDED_EVERY == CROWDED_EVERY - 1;
        let foreign = if crowded { MAX_KEYS_FOR_COMMITS - (seed / CROWDED_EVERY % 24) as usize } else { 0 };
        Self { seed, timing: timings[(seed % 4) as usize], foreign, mistake: None }
    }

    /// Runs it and returns what was wrong.
    pub fn run(&self) -> Vec<String> {
        let mut random = fastrand::Rng::with_seed(self.seed);
        let clock = ManualClock::at(START_MS);
        let faults = Faults {
            staleness_ms: self.timing.staleness_ms,
            latency_ms: 50,
            failures: [0, 0, 30, 200][random.usize(0..4)],
            // A failed operation may happen as late as the request that asked for it may last.
            late_ms: self.timing.longest_request_ms - 5_000,
        };
        let mut world = World {
            store: ModelStore::new(random.u64(..), clock.clone(), faults),
            clock,
            chronicle: RefCell::new(Chronicle::new(self.timing.staleness_ms, self.foreign > 0)),
            follower: RefCell::default(),
            sleepers: vec![Follower::default()],
            random,
        };
        let deaths = [0, 20][world.random.usize(0..2)];
        for _ in 0..world.random.usize(2..8) {
            self.round(&mut world, deaths);
        }
        self.settle(&mut world);
        world.chronicle.into_inner().problems
    }

    /// Some requests at once, and a pause.
    fn round(&self, world: &mut World, deaths: u32) {
        let mut tasks: Vec<Task<'_>> = Vec::new();
        let World { store, clock, random, chronicle, follower, sleepers } = world;
        let chronicle = &*chronicle;
        for _ in 0..random.usize(1..4) {
            let reader = self.reader(store, clock, random);
            let writer = Writer { reader, random: random.fork(), chronicle };
            tasks.push(Box::pin(writer.run()));
        }
        if random.bool() {
            let reader = self.reader(store, clock, random);
            let follower = &*follower;
            tasks.push(Box::pin(async move { reader.follow(chronicle, follower).await }));
        }
        for _ in 0..random.usize(0..3) {
            let reader = self.reader(store, clock, random);
            tasks.push(Box::pin(async move {
                reader.maintain(chronicle).await;
            }));
        }
        interleave(tasks, random, deaths);
        if random.u8(0..4) == 0 {
            sleepers.push(follower.borrow().clone());
        }
        if self.foreign > 0 {
            chronicle.borrow_mut().check_keys(store.contents().len() + self.foreign, MAX_KEYS_FOR_FREEING);
        }
        let (settling_ms, grace_ms) = (self.timing.settling_ms(), self.timing.grace_ms());
        let pauses_ms = [0, 100, random.u64(0..=settling_ms), 2 * settling_ms, grace_ms, 2 * grace_ms];
        clock.advance(pauses_ms[random.usize(0..pauses_ms.len())]);
    }

    /// After writes have stopped and everything landed, all views and all followers hold the same: what was written.
    fn settle(&self, world: &mut World) {
        world.clock.advance(self.timing.settling_ms() + 1);
        let quiet = Faults { staleness_ms: self.timing.staleness_ms, ..Faults::default() };
        world.store.set_faults(quiet);
        world.chronicle.get_mut().settle(&world.store.ever_held());
        for _ in 0..3 {
            self.expect_view(world, "a view at the end");
        }
        self.expect_follower(world, "the follower at the end");
        let sleeper = world.random.usize(0..world.sleepers.len());
        let sleeper = world.sleepers.swap_remove(sleeper);
        self.expect_sleeper(world, "a sleeper at the end", sleeper);

        // What maintenance looks at is drawn, so that how long it takes to come to everything is a matter of luck.
        let mut unerased = Vec::new();
        for _ in 0..MAINTENANCES {
            self.maintain_long(world);
            unerased = world.chronicle.get_mut().unerased(&world.store.contents());
            // Where keys are scarce for good, little is moved.
            if self.foreign > 0 || unerased.is_empty() {
                unerased.clear();
                break;
            }
        }
        self.expect_view(world, "a view after long maintenance");
        unerased.into_iter().for_each(|problem| world.chronicle.get_mut().complain(problem));
        self.expect_follower(world, "the follower after long maintenance");
        self.expect_sleeper(world, "a newcomer after long maintenance", Follower::default());
        for sleeper in std::mem::take(&mut world.sleepers) {
            self.expect_sleeper(world, "a sleeper after long maintenance", sleeper);
        }
    }

    fn expect_view(&self, world: &mut World, who: &str) {
        let live = block_on(self.reader(&world.store, &world.clock, &mut world.random).live());
        world.chronicle.get_mut().expect(who, live);
    }

    fn expect_follower(&self, world: &mut World, who: &str) {
        let reader = self.reader(&world.store, &world.clock, &mut world.random);
        block_on(reader.follow(&world.chronicle, &world.follower));
        world.chronicle.get_mut().expect(who, Ok(world.follower.get_mut().live()));
    }

    /// One who goes on from a cursor of long ago, and asks a second time.
    fn expect_sleeper(&self, world: &mut World, who: &str, sleeper: Follower) {
        let mut sleeper = RefCell::new(sleeper);
        for _ in 0..2 {
            let reader = self.reader(&world.store, &world.clock, &mut world.random);
            block_on(reader.follow(&world.chronicle, &sleeper));
            world.chronicle.get_mut().expect(who, Ok(sleeper.get_mut().live()));
        }
    }

    /// Requests that come now and then, each with its piece of maintenance.
    fn maintain_long(&self, world: &mut World) {
        // What names alone cannot tell is tried again and again. In the end what was moved last gets time to be removed.
        let busy = Policy { stragglers_every: 1, ..self.policy() };
        let rest = Policy { straggling_ms: u64::MAX, ..busy };
        let rounds = [0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7].map(|doublings| (doublings, busy));
        for (doublings, policy) in rounds.into_iter().chain([(0, rest); 4]) {
            world.clock.advance((self.timing.grace_ms() + 10_000) << doublings);
            // Where one call draws something with nothing to do, the next may draw something else.
            let mut idle = 0;
            for _ in 0..24 {
                world.clock.advance(world.random.u64(0..=self.timing.staleness_ms));
                let reader = self.reader_with(&world.store, &world.clock, &mut world.random, policy);
                let more_to_do = block_on(reader.maintain(&world.chronicle)).more_to_do;
                idle = if more_to_do { 0 } else { idle + 1 };
                if idle == 4 {
                    break;
                }
            }
        }
    }

    /// Sizes so small that a few commits are moved through all levels, or so large that little is.
    fn policy(&self) -> Policy {
        let mut random = fastrand::Rng::with_seed(self.seed ^ 1);
        let mut between = |least: usize, most: usize| random.usize(least..=most);
        Policy {
            commits: between(2, 5),
            young_weight: between(1, 3),
            youngs: between(2, 3),
            young_bytes: between(50, 400) as u64,
            young_share: between(2, 8) as u64,
            middle_bytes: between(100, 800) as u64,
            middle_share: between(2, 8) as u64,
            large_commit_bytes: between(150, 500) as u64,
            object_bytes: between(200, 800),
            bulk_bytes: between(100, 400),
            merge_bytes: between(800, 4_000) as u64,
            pieces: between(2, 24),
            straggling_ms: self.timing.grace_ms() * between(1, 4) as u64,
            stragglers_every: between(1, 4) as u64,
        }
    }

    fn reader(&self, store: &ModelStore, clock: &ManualClock, random: &mut fastrand::Rng) -> Reader {
        self.reader_with(store, clock, random, self.policy())
    }

    fn reader_with(
        &self,
        store: &ModelStore,
        clock: &ManualClock,
        random: &mut fastrand::Rng,
        policy: Policy,
    ) -> Reader {
        let error_ms = self.timing.clock_error_ms as i64;
        let clock = SkewedClock::new(clock.clone(), random.i64(-error_ms / 2..=error_ms / 2));
        let (foreign, mistake) = (self.foreign, self.mistake);
        let store = Store { store: store.request(), timing: self.timing, foreign, mistake };
        Reader::new(store, clock, random.u64(..), self.timing, policy, mistake)
    }
}
