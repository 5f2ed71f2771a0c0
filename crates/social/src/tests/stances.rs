//! Random histories of two people: what they decide, on what they know at that moment, and a network that loses, doubles,
//! delays and reorders. Seeds are printed; `TIDINGS_SEED` reruns one.

use crate::api::FriendState;
use crate::stance::{Between, Heard, Said};
use tidings_ledger::Random;
use tidings_ledger::testing::SeededRandom;
use tidings_protocol::StanceOrder;

const HISTORIES: u64 = 20_000;
const STEPS: u64 = 40;

/// One of the two: what they know now, what they have ever known (a stale store shows any of it), what they ever said.
#[derive(Default)]
struct Party {
    now: Between,
    pasts: Vec<Between>,
    said: Vec<(Said, StanceOrder)>,
}

impl Party {
    /// What was ever committed stays; the greatest of each counts.
    fn learn(&mut self, ours: Option<StanceOrder>, theirs: Option<StanceOrder>) {
        self.pasts.push(self.now);
        self.now = Between { ours: self.now.ours.max(ours), theirs: self.now.theirs.max(theirs) };
    }

    /// Decides on what a view shows, as the owner's side does.
    fn decide(&mut self, view: Between, wish: u64) -> Option<StanceOrder> {
        let said = match (view.state(), wish % 3) {
            (None, 0) | (Some(FriendState::Outgoing), 0) => Said::Ask,
            (Some(FriendState::Incoming), 0 | 1) => Said::Join,
            (Some(_), 2) => Said::End,
            _ => return None,
        };
        let order = view.say(said);
        self.said.push((said, order));
        self.learn(Some(order), None);
        Some(order)
    }

    fn hear(&mut self, came: StanceOrder) {
        let before = self.now;
        self.learn(None, Some(came));
        assert_eq!(before.after_hearing(came), self.now);
        assert_eq!(before.hear(came) == Heard::News, before != self.now);
    }

    fn ever_ended(&self, generation: u64) -> bool {
        self.said.iter().any(|(said, order)| *said == Said::End && order.generation == generation)
    }
}

fn mirrored(between: Between) -> Between {
    Between { ours: between.theirs, theirs: between.ours }
}

/// A history of both; `stale` is how often, of ten decisions, the view is an old one.
fn live(seed: u64, stale: u64) {
    let random = SeededRandom::new(seed);
    let draw = |below: u64| {
        let mut bytes = [0; 8];
        random.fill(&mut bytes);
        u64::from_le_bytes(bytes) % below.max(1)
    };
    let mut parties = [Party::default(), Party::default()];
    // What was ever sent to either: any of it may arrive at any time, any number of times, or never.
    let mut wires: [Vec<StanceOrder>; 2] = [Vec::new(), Vec::new()];
    for _ in 0..STEPS {
        let side = usize::from(draw(2) == 1);
        if draw(2) == 0 {
            let party = &mut parties[side];
            let old = draw(10) < stale;
            let view = if old { party.pasts.get(draw(party.pasts.len() as u64) as usize) } else { None };
            let view = *view.unwrap_or(&party.now);
            wires[1 - side].extend(party.decide(view, draw(3)));
        } else if !wires[side].is_empty() {
            let came = wires[side][draw(wires[side].len() as u64) as usize];
            parties[side].hear(came);
        }
        for party in &parties {
            if party.now.state() == Some(FriendState::Friends) {
                let generation = party.now.ours.unwrap().generation;
                assert!(!party.ever_ended(generation), "friends against one's own word");
            }
        }
    }
    // What is owed is delivered some day: the latest of each.
    for side in [0, 1] {
        if let Some(owed) = parties[side].now.ours {
            parties[1 - side].hear(owed);
        }
    }
    let settled = parties[0].now;
    assert_eq!(settled, mirrored(parties[1].now));
    if settled.state() == Some(FriendState::Friends) {
        let generation = settled.ours.unwrap().generation;
        assert!(parties.iter().all(|party| !party.ever_ended(generation)), "friends against somebody's word");
    }
    // Whatever comes again from the past changes nothing.
    for (party, wire) in parties.iter_mut().zip(wires) {
        wire.into_iter().for_each(|came| party.hear(came));
        assert!(party.now == settled || party.now == mirrored(settled));
    }
}

fn for_every_seed(stale: u64) {
    if let Some(seed) = std::env::var("TIDINGS_SEED").ok().and_then(|text| text.parse().ok()) {
        return live(seed, stale);
    }
    for seed in 0..HISTORIES {
        let lived = std::panic::catch_unwind(|| live(seed, stale));
        assert!(lived.is_ok(), "TIDINGS_SEED={seed} fails");
    }
}

#[test]
fn both_are_of_one_mind_in_the_end_and_nothing_comes_back() {
    for_every_seed(0);
}

#[test]
fn so_they_are_if_they_decide_on_what_a_stale_store_shows() {
    for_every_seed(4);
}
