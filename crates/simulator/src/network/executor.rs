//! Tasks on virtual time: whose turn it is, is drawn; when nobody can go on, the clock is put forward.

use std::cell::{Cell, RefCell};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use tidings_ledger::Clock as _;
use tidings_ledger::testing::ManualClock;

/// How long a host lets a request run, in milliseconds (H).
pub(super) const REQUEST_MS: u64 = 30_000;

type Ready = Arc<Mutex<Vec<u64>>>;

/// Puts its task in the queue of those that can go on.
struct TaskWaker {
    task: u64,
    ready: Ready,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner).push(self.task);
    }
}

struct Task {
    future: Pin<Box<dyn Future<Output = ()>>>,
    waker: Waker,
    /// Only requests die: by chance, or because the host gives them no more time.
    until_ms: Option<u64>,
}

/// Runs tasks. Clones are the same executor.
#[derive(Clone)]
pub(super) struct Executor(Rc<Inner>);

struct Inner {
    clock: ManualClock,
    random: RefCell<fastrand::Rng>,
    tasks: RefCell<BTreeMap<u64, Task>>,
    ready: Ready,
    timers: RefCell<BinaryHeap<Reverse<(u64, u64)>>>,
    sleepers: RefCell<BTreeMap<u64, Waker>>,
    drawn: Cell<u64>,
    deaths: Cell<u32>,
    died: Cell<u64>,
}

impl Executor {
    pub fn new(seed: u64, clock: ManualClock) -> Self {
        Self(Rc::new(Inner {
            clock,
            random: RefCell::new(fastrand::Rng::with_seed(seed)),
            tasks: RefCell::default(),
            ready: Ready::default(),
            timers: RefCell::default(),
            sleepers: RefCell::default(),
            drawn: Cell::new(0),
            deaths: Cell::new(0),
            died: Cell::new(0),
        }))
    }

    /// How many turns of requests in ten thousand are their last.
    pub fn set_deaths(&self, deaths: u32) {
        self.0.deaths.set(deaths);
    }

    /// How many requests died.
    pub fn died(&self) -> u64 {
        self.0.died.get()
    }

    /// Begins something that lasts as long as it takes.
    pub fn spawn(&self, future: impl Future<Output = ()> + 'static) {
        self.begin(future, None);
    }

    /// Begins a request, which may die at any operation, and does so when its time is up.
    pub fn spawn_request(&self, future: impl Future<Output = ()> + 'static) {
        self.begin(future, Some(self.0.clock.now_ms() + REQUEST_MS));
    }

    fn begin(&self, future: impl Future<Output = ()> + 'static, until_ms: Option<u64>) {
        let task = self.draw_number();
        let waker = Waker::from(Arc::new(TaskWaker { task, ready: self.0.ready.clone() }));
        waker.wake_by_ref();
        self.0.tasks.borrow_mut().insert(task, Task { future: Box::pin(future), waker, until_ms });
    }

    fn draw_number(&self) -> u64 {
        let number = self.0.drawn.get();
        self.0.drawn.set(number + 1);
        number
    }

    /// Waits.
    pub async fn sleep(&self, ms: u64) {
        let until_ms = self.0.clock.now_ms() + ms;
        let mut timer = None;
        poll_fn(|context| {
            if self.0.clock.now_ms() >= until_ms {
                return Poll::Ready(());
            }
            let number = *timer.get_or_insert_with(|| {
                let number = self.draw_number();
                self.0.timers.borrow_mut().push(Reverse((until_ms, number)));
                number
            });
            self.0.sleepers.borrow_mut().insert(number, context.waker().clone());
            Poll::Pending
        })
        .await;
    }

    /// Goes on until there is nothing left to do.
    pub fn run(&self) {
        loop {
            self.wake_sleepers();
            let Some(task) = self.draw_ready() else {
                let next = self.0.timers.borrow().peek().map(|Reverse((at_ms, _))| *at_ms);
                match next {
                    Some(at_ms) => self.0.clock.set(at_ms.max(self.0.clock.now_ms())),
                    None => break,
                }
                continue;
            };
            self.turn(task);
        }
        // What waits for something that can no longer come would only keep its world alive.
        self.0.tasks.borrow_mut().clear();
    }

    fn wake_sleepers(&self) {
        let now_ms = self.0.clock.now_ms();
        let mut timers = self.0.timers.borrow_mut();
        while timers.peek().is_some_and(|Reverse((at_ms, _))| *at_ms <= now_ms) {
            let Some(Reverse((_, number))) = timers.pop() else { break };
            if let Some(waker) = self.0.sleepers.borrow_mut().remove(&number) {
                waker.wake();
            }
        }
    }

    fn draw_ready(&self) -> Option<u64> {
        let mut ready = self.0.ready.lock().unwrap_or_else(PoisonError::into_inner);
        if ready.is_empty() {
            return None;
        }
        let turn = self.0.random.borrow_mut().usize(0..ready.len());
        Some(ready.swap_remove(turn))
    }

    fn turn(&self, number: u64) {
        // The task may spawn others, so nothing is borrowed while it has its turn.
        let Some(mut task) = self.0.tasks.borrow_mut().remove(&number) else { return };
        if let Some(until_ms) = task.until_ms
            && (self.0.clock.now_ms() > until_ms || self.is_last_turn())
        {
            self.0.died.set(self.0.died.get() + 1);
            drop(task);
            return;
        }
        let waker = task.waker.clone();
        if task.future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending() {
            self.0.tasks.borrow_mut().insert(number, task);
        }
    }

    fn is_last_turn(&self) -> bool {
        self.0.random.borrow_mut().u32(0..10_000) < self.0.deaths.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_passes_only_when_nobody_can_go_on() {
        let clock = ManualClock::at(1_000);
        let executor = Executor::new(1, clock.clone());
        let order = Rc::new(RefCell::new(Vec::new()));
        for ms in [500, 20, 300] {
            let (executor_, order) = (executor.clone(), order.clone());
            executor.spawn(async move {
                executor_.sleep(ms).await;
                order.borrow_mut().push(ms);
            });
        }
        executor.run();
        assert_eq!((order.take(), clock.now_ms()), (vec![20, 300, 500], 1_500));
    }

    #[test]
    fn a_request_gets_no_more_time_than_its_host_gives() {
        let executor = Executor::new(1, ManualClock::at(0));
        let ended = Rc::new(Cell::new(false));
        let (executor_, ended_) = (executor.clone(), ended.clone());
        executor.spawn_request(async move {
            executor_.sleep(REQUEST_MS + 1).await;
            ended_.set(true);
        });
        executor.run();
        assert_eq!((ended.get(), executor.died()), (false, 1));
    }
}
