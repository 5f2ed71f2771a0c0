//! The network between the deployments: it loses, doubles, delays, reorders, and cuts off.

use super::deployment::OneClock;
use super::world::World;
use super::{carry, endpoints};
use futures::channel::oneshot;
use futures::future::{Either, join_all, select};
use std::pin::pin;
use std::rc::Rc;
use tidings_ledger::Clock as _;
use tidings_protocol::Address;
use tidings_social::Account;
use tidings_social::sync::{Outgoing, PeerAnswer, PeerRequest, Peers, Received};

/// How long a deployment waits for an answer, in milliseconds (as in `api/http/src/outbound.rs`).
const ANSWER_MS: u64 = 6_000;

/// What may go wrong on the way, and how often. Chances are in a thousand.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Weather {
    /// Requests that never arrive.
    pub lost_requests: u32,
    /// Answers that never arrive.
    pub lost_answers: u32,
    /// Requests that arrive twice.
    pub doubled: u32,
    /// Requests that arrive after their sender has given up: up to [`Self::late_ms`] later.
    pub late: u32,
    /// How late, in milliseconds.
    pub late_ms: u64,
    /// How long a message takes otherwise at most, in milliseconds.
    pub delay_ms: u64,
}

/// A time during which somebody cannot be reached, and reaches nobody.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cut {
    /// Who.
    pub who: usize,
    /// From whom; everybody, if nobody is named.
    pub from: Option<usize>,
    /// From when, in unix milliseconds.
    pub since_ms: u64,
    /// Until when.
    pub until_ms: u64,
}

impl Cut {
    pub fn parts(&self, a: usize, b: usize, now_ms: u64) -> bool {
        let between = match self.from {
            None => self.who == a || self.who == b,
            Some(other) => (self.who, other) == (a, b) || (self.who, other) == (b, a),
        };
        between && (self.since_ms..self.until_ms).contains(&now_ms)
    }
}

/// The other deployments, as one of them reaches them.
pub(super) struct Line {
    pub world: Rc<World>,
    /// Whose line it is.
    pub from: usize,
    /// The clock of the request that uses it.
    pub clock: OneClock,
}

impl Peers for Line {
    async fn send_all(
        &self,
        account: &Account,
        requests: Vec<PeerRequest>,
    ) -> Vec<(PeerRequest, PeerAnswer)> {
        let wrong = self.world.wrong;
        let answers = join_all(requests.into_iter().map(|request| async move {
            let outgoing = wrong.sent(account, &request).outgoing(account, self.clock.now_ms());
            let received = self.exchange(&request.address, outgoing).await;
            let answer = wrong.believed(&request, request.task.answered(received));
            (request, answer)
        }))
        .await;
        wrong.before_settling(self, account, &answers).await;
        answers
    }
}

impl Line {
    /// Sends one request and waits for the answer, but not for long.
    pub async fn exchange(&self, address: &Address, outgoing: Outgoing) -> Result<Received, String> {
        let (world, from) = (&self.world, self.from);
        world.meter.borrow_mut().sent(from, world.now_ms(), &outgoing);
        let Some(to) = world.find(address) else { return Err("there is no such host".to_owned()) };
        if world.is_cut(from, to) {
            world.executor.sleep(world.draw(0..=ANSWER_MS)).await;
            return Err("the network is down".to_owned());
        }
        let weather = world.weather.get();
        let (send, answer) = oneshot::channel();
        let copies = 1 + u32::from(world.chance(weather.doubled));
        let mut send = Some(send);
        for _ in 0..copies {
            if !world.chance(weather.lost_requests) {
                let delay_ms = if world.chance(weather.late) {
                    ANSWER_MS + world.draw(0..=weather.late_ms)
                } else {
                    world.draw(0..=weather.delay_ms)
                };
                world.executor.spawn(deliver(
                    world.clone(),
                    from,
                    to,
                    outgoing.clone(),
                    delay_ms,
                    send.take(),
                ));
            }
        }
        drop(send);
        let silence = pin!(world.executor.sleep(ANSWER_MS));
        let answer = pin!(async {
            match answer.await {
                Ok(received) => received,
                // Lost on the way, or its server died: nobody is told, so nothing comes.
                Err(oneshot::Canceled) => std::future::pending().await,
            }
        });
        match select(answer, silence).await {
            Either::Left((received, _)) => Ok(received),
            Either::Right(((), _)) => Err("no answer in time".to_owned()),
        }
    }
}

/// Brings a request to its receiver some time later, and the answer back.
async fn deliver(
    world: Rc<World>,
    from: usize,
    to: usize,
    request: Outgoing,
    delay_ms: u64,
    answer: Option<oneshot::Sender<Received>>,
) {
    world.executor.sleep(delay_ms).await;
    if world.is_cut(from, to) {
        return;
    }
    world.meter.borrow_mut().arrived(to, &request);
    let server = world.clone();
    world.executor.spawn_request(async move {
        let deployment = server.deployment(to);
        let world = server.clone();
        let request = carry::bring(&server, from, to, request).await;
        endpoints::serve(&deployment, &request, |received| {
            world.note(|| format!("d{to} answers {} to d{from}'s {}", received.status, request.path));
            world.meter.borrow_mut().answered(to, &received);
            if world.chance(world.weather.get().lost_answers) {
                return;
            }
            let back = world.clone();
            world.executor.spawn(async move {
                back.executor.sleep(back.draw(0..=back.weather.get().delay_ms)).await;
                if let Some(answer) = answer.filter(|_| !back.is_cut(from, to)) {
                    // Whoever asked may have given up.
                    let _ = answer.send(received);
                }
            });
        })
        .await;
    });
}
