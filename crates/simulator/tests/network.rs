//! Networks of whole deployments, lived through with faults.

#![allow(clippy::unwrap_used)] // Here a broken assumption is a failed test.

use tidings_simulator::network::{Outcome, Wrong, run};

/// Runs of the normal tests.
const SEEDS: u64 = 300;
/// Runs of the long form.
const LONG_SEEDS: u64 = 10_000;
/// A wrong variant has to be noticed within so many runs.
const SEEDS_TO_NOTICE: u64 = 400;

#[test]
fn networks_come_to_what_their_owners_did() {
    let seeds = match std::env::var("TIDINGS_SEED") {
        Ok(seed) => vec![seed.parse().unwrap()],
        Err(_) if std::env::var_os("TIDINGS_LONG").is_some() => (0..LONG_SEEDS).collect(),
        Err(_) => (0..SEEDS).collect::<Vec<u64>>(),
    };
    let bad: Vec<Outcome> = seeds
        .into_iter()
        .map(|seed| run(seed, Wrong::Nothing))
        .filter(|run| !run.problems.is_empty())
        // The long form takes half an hour: nobody waits for its end to see what went wrong.
        .inspect(|run| eprintln!("{run}"))
        .collect();
    let seeds: Vec<u64> = bad.iter().map(|outcome| outcome.seed).collect();
    assert!(bad.is_empty(), "TIDINGS_SEED=n runs one of these again: {seeds:?}");
}

#[test]
fn every_deliberate_mistake_is_noticed() {
    for wrong in Wrong::ALL {
        let noticed = (0..SEEDS_TO_NOTICE).any(|seed| !run(seed, wrong).problems.is_empty());
        assert!(noticed, "nothing noticed {wrong:?}");
    }
}

#[test]
fn the_same_seed_makes_the_same_network() {
    let of = |seed| format!("{}", run(seed, Wrong::Nothing));
    assert_eq!(of(7), of(7));
    assert_ne!(of(7), of(8));
}
