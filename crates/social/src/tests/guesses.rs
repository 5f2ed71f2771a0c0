use super::*;
use crate::guesses::{self, GuessError, Network};
use crate::limits::{FAMILIAR_KEPT, GUESS_WINDOW_MS, GUESSES_OF_ALL, GUESSES_OF_ONE};
use std::net::IpAddr;

fn network(number: u8) -> Network {
    Network::of(Some(IpAddr::from([203, 0, 113, number])))
}

impl World {
    fn may_try(&self, from: &Network) -> Result<(), GuessError> {
        block_on(guesses::check(&self.at("alice").view(), from, self.now_ms()))
    }

    /// What the edge does with a wrong password: not even heard when the door is shut.
    fn guess(&self, from: &Network) -> bool {
        let alice = self.at("alice");
        let heard = self.may_try(from).is_ok();
        if heard {
            let wrong =
                block_on(guesses::note_wrong(&alice.view(), from, self.now_ms(), self.bytes())).unwrap();
            alice.commit(wrong);
        }
        heard
    }

    fn sign_in(&self, from: &Network) {
        let alice = self.at("alice");
        alice.commit(block_on(guesses::note_right(&alice.view(), from, self.now_ms())).unwrap());
    }
}

#[test]
fn who_guesses_shuts_the_door_for_themselves_and_only_for_a_while() {
    let world = World::with(&["alice"]);
    let heard = (0..GUESSES_OF_ONE * 3).filter(|_| world.guess(&network(1))).count();
    assert_eq!(heard, GUESSES_OF_ONE);
    let before = world.at("alice").view().fingerprint(None);
    assert_eq!(
        world.may_try(&network(1)),
        Err(GuessError::TooMany { retry_after_s: GUESS_WINDOW_MS / 1_000 })
    );
    assert_eq!(world.at("alice").view().fingerprint(None), before);
    assert_eq!(world.may_try(&network(2)), Ok(()));
    world.clock.advance(GUESS_WINDOW_MS);
    assert_eq!(world.may_try(&network(1)), Ok(()));
    assert!(world.guess(&network(1)));
    let left = world.at("alice").view();
    let kept = block_on(left.scan(
        tidings_ledger::Range::partition(keys::GUESS),
        tidings_ledger::Direction::Forward,
        usize::MAX,
    ));
    assert_eq!(kept.unwrap().len(), 1, "what counts no more is let go of");
}

#[test]
fn many_networks_together_shut_it_for_strangers_and_not_where_the_owner_signed_in() {
    let world = World::with(&["alice"]);
    world.sign_in(&network(200));
    let heard = (0..=255)
        .cycle()
        .take(1_000)
        .filter(|number| *number < 200 && world.guess(&network(*number)))
        .count();
    assert_eq!(heard, GUESSES_OF_ALL);
    assert!(matches!(world.may_try(&network(201)), Err(GuessError::TooMany { .. })));
    assert_eq!(world.may_try(&network(200)), Ok(()));
    // Who shares the owner's network still has the small number there.
    let heard = (0..GUESSES_OF_ONE * 2).filter(|_| world.guess(&network(200))).count();
    assert_eq!(heard, GUESSES_OF_ONE);
}

#[test]
fn signing_in_is_written_down_once_a_day_and_few_networks_are_remembered() {
    let world = World::with(&["alice"]);
    world.sign_in(&network(1));
    let before = world.at("alice").view().fingerprint(None);
    world.sign_in(&network(1));
    assert_eq!(world.at("alice").view().fingerprint(None), before);
    for number in 0..100 {
        world.clock.advance(1);
        world.sign_in(&network(number));
    }
    let view = world.at("alice").view();
    let kept = block_on(view.scan(
        tidings_ledger::Range::partition(keys::FAMILIAR),
        tidings_ledger::Direction::Forward,
        usize::MAX,
    ));
    assert_eq!(kept.unwrap().len(), FAMILIAR_KEPT);
}

#[test]
fn one_person_has_a_whole_network_of_version_6_and_no_address_twice() {
    let of = |text: &str| Network::of(Some(text.parse().unwrap()));
    assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::9"));
    assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
    assert_eq!(of("::ffff:203.0.113.7"), of("203.0.113.7"));
    assert_ne!(of("203.0.113.7"), Network::of(None));
}
