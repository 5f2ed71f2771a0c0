//! What the deployments of one run share: time, chance, the network, and the memory of what happened.

use super::chronicle::Chronicle;
use super::deployment::Deployment;
use super::executor::Executor;
use super::meter::Meter;
use super::wires::{Cut, Weather};
use super::wrong::Wrong;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::ops::RangeInclusive;
use std::rc::Rc;
use tidings_ledger::Clock as _;
use tidings_ledger::testing::ManualClock;
use tidings_protocol::Address;

/// When runs begin, in unix milliseconds.
pub(super) const START_MS: u64 = 1_790_000_000_000;
pub(super) const MINUTE_MS: u64 = 60_000;
pub(super) const HOUR_MS: u64 = 60 * MINUTE_MS;
pub(super) const DAY_MS: u64 = 24 * HOUR_MS;

/// Lines of the history that are kept for a run that fails.
const HISTORY_LINES: usize = 4000;

/// The world of one run.
pub(super) struct World {
    pub clock: ManualClock,
    pub executor: Executor,
    pub wrong: Wrong,
    pub weather: Cell<Weather>,
    pub cuts: RefCell<Vec<Cut>>,
    pub meter: RefCell<Meter>,
    pub chronicle: RefCell<Chronicle>,
    /// Bytes of changes that a notification carries at most; 0 in the protocol as it is.
    pub carry_bytes: Cell<u64>,
    deployments: RefCell<Vec<Rc<Deployment>>>,
    random: RefCell<fastrand::Rng>,
    history: RefCell<VecDeque<String>>,
}

impl World {
    pub fn new(seed: u64, wrong: Wrong) -> Rc<Self> {
        let clock = ManualClock::at(START_MS);
        let mut random = fastrand::Rng::with_seed(seed);
        Rc::new(Self {
            executor: Executor::new(random.u64(..), clock.clone()),
            clock,
            wrong,
            weather: Cell::default(),
            cuts: RefCell::default(),
            meter: RefCell::default(),
            chronicle: RefCell::default(),
            carry_bytes: Cell::default(),
            deployments: RefCell::default(),
            random: RefCell::new(random),
            history: RefCell::default(),
        })
    }

    pub fn now_ms(&self) -> u64 {
        self.clock.now_ms()
    }

    pub fn add(&self, deployment: Deployment) {
        self.deployments.borrow_mut().push(Rc::new(deployment));
        self.chronicle.borrow_mut().add();
        self.meter.borrow_mut().add();
    }

    pub fn deployment(&self, number: usize) -> Rc<Deployment> {
        self.deployments.borrow()[number].clone()
    }

    pub fn deployments(&self) -> Vec<Rc<Deployment>> {
        self.deployments.borrow().clone()
    }

    pub fn find(&self, address: &Address) -> Option<usize> {
        self.deployments.borrow().iter().position(|deployment| deployment.address == *address)
    }

    pub fn is_cut(&self, a: usize, b: usize) -> bool {
        let now_ms = self.now_ms();
        self.cuts.borrow().iter().any(|cut| cut.parts(a, b, now_ms))
    }

    /// A number in a range.
    pub fn draw(&self, range: RangeInclusive<u64>) -> u64 {
        self.random.borrow_mut().u64(range)
    }

    /// Whether something with a chance of so many in a thousand happens.
    pub fn chance(&self, in_a_thousand: u32) -> bool {
        in_a_thousand > 0 && self.random.borrow_mut().u32(0..1_000) < in_a_thousand
    }

    /// Notes what happened, for people who look into a run that failed.
    pub fn note(&self, what: impl FnOnce() -> String) {
        let since_ms = self.now_ms() - START_MS;
        let (days, hours) = (since_ms / DAY_MS, since_ms % DAY_MS / HOUR_MS);
        let (minutes, rest_ms) = (since_ms % HOUR_MS / MINUTE_MS, since_ms % MINUTE_MS);
        let mut history = self.history.borrow_mut();
        history.push_back(format!(
            "day {days} {hours:02}:{minutes:02}:{:06.3}  {}",
            rest_ms as f64 / 1e3,
            what()
        ));
        if history.len() > HISTORY_LINES {
            history.pop_front();
        }
    }

    /// The last of what was noted that mentions all of these, at most `most` lines.
    pub fn recent(&self, words: &[String], most: usize) -> Vec<String> {
        let history = self.history.borrow();
        let about = |line: &&String| words.iter().all(|word| line.contains(word.as_str()));
        let mut lines: Vec<String> = history.iter().rev().filter(about).take(most).cloned().collect();
        lines.reverse();
        lines
    }
}
