//! Friendship as a state machine: what two people have said last, what follows from it, and what may be said next.
//!
//! Nothing here knows of keys, stores or networks. `docs/protocol.md`, "Friendship", has the same as tables.
//!
//! Each side keeps the greatest stance of either person and ignores all others, so it does not matter how often and in
//! which order messages arrive: both sides hold the same two stances in the end, and the state follows from those. Inside a
//! generation `ended` is greater than every `wanted`, so it is final: what was ended begins anew only in a new generation,
//! and only if both want it there.

use crate::api::FriendState;
use tidings_protocol::StanceOrder;

/// What two people have said last about being friends, seen from one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Between {
    /// What this side said.
    pub ours: Option<StanceOrder>,
    /// What the other side said.
    pub theirs: Option<StanceOrder>,
}

/// What somebody wants to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    /// A request: in a new generation, or once more in the one where a request waits for its answer.
    Ask,
    /// Their request is accepted, in its generation.
    Join,
    /// It is over: a request is withdrawn or declined, or a friendship ends. In the generation that was reached.
    End,
}

/// What a stance that arrives changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// It counts from now on.
    News,
    /// A greater one, or this very one, is known.
    Known,
}

impl Between {
    /// The state of things; `None` when nothing is pending and they are no friends.
    ///
    /// Only stances of the greatest generation speak: an older one was answered, or given up, by whoever began the next.
    #[must_use]
    pub fn state(self) -> Option<FriendState> {
        let generation = self.generation();
        let says =
            |stance: Option<StanceOrder>| stance.filter(|s| s.generation == generation).map(|s| s.ended);
        match (says(self.ours), says(self.theirs)) {
            (Some(false), Some(false)) => Some(FriendState::Friends),
            (Some(false), None) => Some(FriendState::Outgoing),
            (None, Some(false)) => Some(FriendState::Incoming),
            _ => None,
        }
    }

    /// The greatest generation that either side spoke of; 0 before the first word.
    fn generation(self) -> u64 {
        self.ours.max(self.theirs).map_or(0, |stance| stance.generation)
    }

    /// What to sign in order to say it.
    #[must_use]
    pub fn say(self, said: Said) -> StanceOrder {
        let begins_anew = said == Said::Ask && self.state() != Some(FriendState::Outgoing);
        let generation = self.generation() + u64::from(begins_anew);
        let spoken = self.ours.filter(|ours| ours.generation == generation);
        let sequence = spoken.map_or(1, |ours| ours.sequence + 1);
        StanceOrder { generation, ended: said == Said::End, sequence }
    }

    /// What a stance of the other side changes.
    #[must_use]
    pub fn hear(self, came: StanceOrder) -> Heard {
        if self.theirs < Some(came) { Heard::News } else { Heard::Known }
    }

    /// The same after the other side said something.
    #[must_use]
    pub fn after_hearing(self, came: StanceOrder) -> Self {
        if self.hear(came) == Heard::News { Self { theirs: Some(came), ..self } } else { self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(generation: u64, sequence: u64, ended: bool) -> StanceOrder {
        StanceOrder { generation, ended, sequence }
    }

    const WANTED: bool = false;
    const ENDED: bool = true;

    fn between(ours: Option<StanceOrder>, theirs: Option<StanceOrder>) -> Between {
        Between { ours, theirs }
    }

    fn mirrored(state: Option<FriendState>) -> Option<FriendState> {
        match state {
            Some(FriendState::Incoming) => Some(FriendState::Outgoing),
            Some(FriendState::Outgoing) => Some(FriendState::Incoming),
            other => other,
        }
    }

    #[test]
    fn both_sides_read_the_same_two_stances_alike() {
        let mut stances = vec![None];
        for generation in 1..=3 {
            for sequence in 1..=3 {
                stances.extend([WANTED, ENDED].map(|ended| Some(at(generation, sequence, ended))));
            }
        }
        for ours in &stances {
            for theirs in &stances {
                let (here, there) = (between(*ours, *theirs), between(*theirs, *ours));
                assert_eq!(here.state(), mirrored(there.state()), "{ours:?} {theirs:?}");
                let friends = here.state() == Some(FriendState::Friends);
                let wanted = |s: &Option<StanceOrder>| s.filter(|s| !s.ended).map(|s| s.generation);
                assert_eq!(friends, wanted(ours).is_some() && wanted(ours) == wanted(theirs));
            }
        }
    }

    #[test]
    fn every_row_of_the_table_in_the_protocol() {
        use FriendState::{Friends, Incoming, Outgoing};
        let (one, none) = (Some(at(1, 1, WANTED)), None);
        let over = Some(at(1, 2, ENDED));
        for (ours, theirs, state) in [
            (none, none, None),
            (one, none, Some(Outgoing)),
            (none, one, Some(Incoming)),
            (one, one, Some(Friends)),
            (over, one, None),
            (one, over, None),
            (over, over, None),
            (over, none, None),
            (over, Some(at(2, 1, WANTED)), Some(Incoming)),
            (one, Some(at(2, 1, WANTED)), Some(Incoming)),
            (Some(at(2, 1, WANTED)), over, Some(Outgoing)),
            (Some(at(2, 1, WANTED)), Some(at(2, 3, WANTED)), Some(Friends)),
        ] {
            assert_eq!(between(ours, theirs).state(), state, "{ours:?} {theirs:?}");
        }
    }

    #[test]
    fn a_request_begins_a_generation_and_everything_else_stays_in_it() {
        let met = between(Some(at(2, 3, ENDED)), Some(at(4, 1, WANTED)));
        assert_eq!(met.say(Said::Join), at(4, 1, WANTED));
        assert_eq!(met.say(Said::End), at(4, 1, ENDED));
        let over = between(Some(at(2, 3, ENDED)), Some(at(2, 1, WANTED)));
        assert_eq!(over.say(Said::Ask), at(3, 1, WANTED));
        let friends = between(Some(at(2, 3, WANTED)), Some(at(2, 1, WANTED)));
        assert_eq!(friends.say(Said::End), at(2, 4, ENDED));
    }

    #[test]
    fn a_request_without_an_answer_is_made_again_in_its_generation() {
        let asked = between(Some(at(2, 1, WANTED)), Some(at(1, 2, ENDED)));
        assert_eq!(asked.say(Said::Ask), at(2, 2, WANTED));
    }

    #[test]
    fn what_is_over_does_not_come_back_in_the_same_generation() {
        let over = between(Some(at(1, 1, WANTED)), Some(at(1, 2, ENDED)));
        assert_eq!(over.hear(at(1, 3, WANTED)), Heard::Known);
        assert_eq!(over.after_hearing(at(1, 3, WANTED)).state(), None);
        assert_eq!(over.hear(at(2, 1, WANTED)), Heard::News);
        assert_eq!(over.hear(at(1, 1, WANTED)), Heard::Known);
    }

    #[test]
    fn of_several_words_in_a_generation_the_end_counts_whichever_comes_first() {
        let (wanted, ended) = (at(1, 9, WANTED), at(1, 1, ENDED));
        for order in [[wanted, ended], [ended, wanted]] {
            let heard = order.iter().fold(Between::default(), |known, came| known.after_hearing(*came));
            assert_eq!(heard.theirs, Some(ended));
        }
    }
}
