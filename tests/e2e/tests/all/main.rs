//! End-to-end tests: whole deployments over real HTTP, each test once over a strong and once over a stale store.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // Here a broken assumption is a failed test.

mod audiences;
mod capacity;
mod friendship;
mod inviting;
mod limits;
mod messages;
mod moving;
mod notifications;
mod outages;
mod peer_signatures;
mod posts;
mod pulling;
mod setup;
mod signin;
mod story;
mod terminal;
mod threads;

fn main() {
    tidings_e2e::run(
        [
            story::tests(),
            friendship::tests(),
            inviting::tests(),
            posts::tests(),
            audiences::tests(),
            messages::tests(),
            threads::tests(),
            notifications::tests(),
            pulling::tests(),
            outages::tests(),
            peer_signatures::tests(),
            setup::tests(),
            signin::tests(),
            limits::tests(),
            moving::tests(),
            terminal::tests(),
            capacity::tests(),
        ]
        .concat(),
    )
}
