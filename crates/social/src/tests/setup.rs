use super::*;
use crate::api::SetupRequest;
use crate::limits::{CLAIM_LIFE_MS, CLAIM_WRITE_MS};
use crate::setup::{self, CheckedSetup, SetupError};

struct Empty {
    clock: ManualClock,
    random: SeededRandom,
    ledger: TestLedger,
}

impl Empty {
    fn new() -> Self {
        let (clock, random) = (ManualClock::at(START_MS), SeededRandom::new(3));
        let ledger = Ledger::new(MemoryStore::new(), clock.clone(), random.clone(), Timing::local());
        Self { clock, random, ledger }
    }

    fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.random.fill(&mut bytes);
        bytes
    }

    fn request(&self, name: &str) -> SetupRequest {
        let (identity, key) = (Seed::from_bytes(self.bytes()), Seed::from_bytes(self.bytes()));
        SetupRequest {
            name: name.into(),
            password: "correct horse".into(),
            certificate: Certificate::issue(&identity, key.public_key(), address("alice"), START_MS).unwrap(),
            deployment_secret: key.expose_text(),
        }
    }

    fn checked(&self, name: &str) -> CheckedSetup {
        setup::check(self.request(name), &address("alice"), START_MS).unwrap()
    }

    fn claim(&self) -> Result<setup::Claim, SetupError> {
        let mut view = block_on(self.ledger.view()).unwrap();
        let (claim, batch) = block_on(setup::claim(&view, self.clock.now_ms(), self.bytes()))?;
        block_on(self.ledger.commit(&mut view, batch)).unwrap();
        Ok(claim)
    }

    fn decide(&self, claim: setup::Claim, setup: &CheckedSetup) -> Result<(), SetupError> {
        let mut view = block_on(self.ledger.view()).unwrap();
        let batch = block_on(setup::decide(&view, claim, setup, ACCESS.clone(), self.clock.now_ms()))?;
        block_on(self.ledger.commit(&mut view, batch)).unwrap();
        Ok(())
    }
}

#[test]
fn of_many_claimants_exactly_one_wins_in_whatever_order_they_decide() {
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
        let empty = Empty::new();
        let setups: Vec<_> = ["a", "b", "c"].iter().map(|name| empty.checked(name)).collect();
        let claims: Vec<_> = setups.iter().map(|_| empty.claim().unwrap()).collect();
        empty.clock.advance(setup::wait_ms(0));
        let won: Vec<_> = order.iter().filter(|i| empty.decide(claims[**i], &setups[**i]).is_ok()).collect();
        assert_eq!(won.len(), 1);
    }
}

#[test]
fn a_second_setup_is_refused() {
    let empty = Empty::new();
    let setup = empty.checked("alice");
    let claim = empty.claim().unwrap();
    empty.decide(claim, &setup).unwrap();
    assert_eq!(empty.claim().unwrap_err(), SetupError::AlreadySetUp);
    assert_eq!(empty.decide(claim, &setup), Err(SetupError::AlreadySetUp));
}

#[test]
fn a_claim_left_behind_stands_in_the_way_only_for_a_while() {
    let empty = Empty::new();
    let setup = empty.checked("alice");
    empty.claim().unwrap();
    empty.clock.advance(1);
    let second = empty.claim().unwrap();
    assert_eq!(empty.decide(second, &setup), Err(SetupError::AnotherFirst));
    empty.clock.advance(CLAIM_LIFE_MS);
    let third = empty.claim().unwrap();
    // The second claimant gave up without withdrawing, and its claim has expired too by now.
    assert_eq!(empty.decide(third, &setup), Ok(()));
}

#[test]
fn a_claim_that_took_too_long_to_write_is_worth_nothing() {
    assert!(setup::claim_in_time(CLAIM_WRITE_MS) && !setup::claim_in_time(CLAIM_WRITE_MS + 1));
    assert!(setup::wait_ms(0) >= CLAIM_WRITE_MS);
    assert!(setup::wait_ms(2_000) >= CLAIM_WRITE_MS + 2_000);
}

#[test]
fn the_parts_of_a_setup_have_to_fit_together() {
    let empty = Empty::new();
    let check = |request| setup::check(request, &address("alice"), START_MS).err().unwrap();
    let other_key =
        SetupRequest { deployment_secret: Seed::from_bytes([9; 32]).expose_text(), ..empty.request("a") };
    assert_eq!(check(other_key), SetupError::OtherKey);
    assert!(matches!(check(SetupRequest { name: " ".into(), ..empty.request("a") }), SetupError::Name(_)));
    let no_secret = SetupRequest { deployment_secret: "short".into(), ..empty.request("a") };
    assert!(matches!(check(no_secret), SetupError::Secret(_)));
    let elsewhere = setup::check(empty.request("a"), &address("bob"), START_MS).err().unwrap();
    assert!(matches!(elsewhere, SetupError::Address { .. }));
    let early = setup::check(empty.request("a"), &address("alice"), START_MS - HOUR_MS).err().unwrap();
    assert_eq!(early, SetupError::Future);
}

#[test]
fn a_damaged_store_is_not_taken_for_an_empty_one() {
    let empty = Empty::new();
    let setup = empty.checked("alice");
    let claim = empty.claim().unwrap();
    empty.decide(claim, &setup).unwrap();
    let store = empty.ledger.store();
    for (name, mut bytes) in store.contents() {
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        store.insert(name, bytes);
    }
    assert_eq!(empty.claim().unwrap_err(), SetupError::Damaged);
}
