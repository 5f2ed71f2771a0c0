//! Where a test begins: the deployments that it needs, within what the machine can bear.

use crate::deployment::Deployment;
use crate::mode::Mode;
use crate::owner::Owner;
use crate::person::Person;
use crate::together::at_once;
use std::sync::{Condvar, Mutex};
use tidings_social::api::FriendState;

/// The most deployments that run at the same time. Each is a process with about 100 MB.
const DEPLOYMENTS_MOST: usize = 16;

static ROOM: (Mutex<usize>, Condvar) = (Mutex::new(DEPLOYMENTS_MOST), Condvar::new());

/// Room for the deployments of one test. Its owners have to go before it does.
#[derive(Debug)]
pub struct World {
    mode: Mode,
    size: usize,
}

impl World {
    /// Waits for room for `size` deployments: all at once, so that no two tests wait for each other.
    ///
    /// # Panics
    /// When there can never be so much room.
    #[must_use]
    pub fn new(mode: Mode, size: usize) -> Self {
        assert!(size <= DEPLOYMENTS_MOST, "{size} deployments are too many");
        let (room, freed) = &ROOM;
        let room = room.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut room =
            freed.wait_while(room, |room| *room < size).unwrap_or_else(std::sync::PoisonError::into_inner);
        *room -= size;
        Self { mode, size }
    }

    /// The kind of store.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// A deployment that nobody has set up.
    #[must_use]
    pub fn unclaimed(&self, name: &str, variables: &[(&str, &str)]) -> Deployment {
        Deployment::start(name, self.mode, variables)
    }

    /// Somebody with a deployment that is set up.
    #[must_use]
    pub fn owner(&self, name: &str) -> Owner {
        let owner = Owner::set_up(self.unclaimed(name, &[]), Person::new(name), self.mode);
        self.mode.eventually("the deployment is set up", || owner.is_set_up());
        owner
    }

    /// Several people at a time.
    #[must_use]
    pub fn owners<const N: usize>(&self, names: [&str; N]) -> [Owner; N] {
        let owners = at_once(N, |number| self.owner(names[number]));
        owners.try_into().expect("as many owners as names")
    }

    /// Several people of whom each is a friend of each, with nothing left to do between them.
    #[must_use]
    pub fn friends<const N: usize>(&self, names: [&str; N]) -> [Owner; N] {
        let people = self.owners(names);
        for (number, one) in people.iter().enumerate() {
            for other in &people[number + 1..] {
                self.befriend(one, other);
            }
        }
        self.rest(people.each_ref());
        people
    }

    /// Lets several people's open tabs work until nothing is left to do for any of them.
    pub fn rest<const N: usize>(&self, people: [&Owner; N]) {
        let _ = at_once(N, |number| people[number].come_to_rest());
    }

    /// Makes two people friends, in the usual way.
    pub fn befriend(&self, one: &Owner, other: &Owner) {
        let _ = one.request(&other.deployment.origin(), None).expect(201);
        self.mode.eventually("the request arrives", || other.state_of(one) == Some(FriendState::Incoming));
        let _ = other.accept(&one.id()).expect(200);
        self.mode.eventually("both are friends", || {
            one.state_of(other) == Some(FriendState::Friends)
                && other.state_of(one) == Some(FriendState::Friends)
        });
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let (room, freed) = &ROOM;
        *room.lock().unwrap_or_else(std::sync::PoisonError::into_inner) += self.size;
        freed.notify_all();
    }
}
