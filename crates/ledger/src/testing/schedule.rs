//! Requests that take turns in an order drawn from a seed.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

/// A request.
pub type Task<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

/// Lets others have their turn once.
pub async fn pause() {
    let mut paused = false;
    poll_fn(|context| {
        if std::mem::replace(&mut paused, true) {
            return Poll::Ready(());
        }
        // Other executors than `interleave` only come back when woken.
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Runs all tasks to their end, each turn being a random one's. A task whose turn it is dies instead with a chance of
/// `deaths` in a thousand; it is dropped where it stands, between two operations. Returns how many died.
///
/// Tasks wait for nothing but their turn.
pub fn interleave(tasks: Vec<Task<'_>>, random: &mut fastrand::Rng, deaths: u32) -> usize {
    let (mut tasks, mut died) = (tasks, 0);
    let mut context = Context::from_waker(Waker::noop());
    while !tasks.is_empty() {
        let turn = random.usize(0..tasks.len());
        let dies = random.u32(0..1000) < deaths;
        if dies {
            died += 1;
        }
        if dies || tasks[turn].as_mut().poll(&mut context).is_ready() {
            drop(tasks.swap_remove(turn));
        }
    }
    died
}
