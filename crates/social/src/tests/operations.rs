//! What requests take of the store: of the 40 operations that one may make, its upkeep needs some.

use super::audiences::{circle, only};
use super::*;
use crate::api::{Audience, CircleName, ClearFor, NewMessage, PostChange};
use crate::{circles, messages};

/// The most that a request may take, in store operations.
const MOST: u64 = 40;

/// What requests took, by what they were.
type Costs = BTreeMap<&'static str, u64>;

impl World {
    /// What the edge does for a request: looks, finds the owner, decides, commits; and then the store's upkeep with what is left.
    fn measured(
        &self,
        who: &str,
        what: &'static str,
        costs: &mut Costs,
        act: impl FnOnce(&TestView<'_>, &Account) -> Batch,
    ) {
        self.clock.advance(20_000);
        let ledger = &self.at(who).ledger;
        let _ = ledger.store().take_operations();
        let mut view = block_on(ledger.view()).unwrap();
        let account = block_on(Account::load(&view)).unwrap().unwrap();
        let batch = act(&view, &account);
        block_on(ledger.commit(&mut view, batch)).unwrap();
        let cost = ledger.store().take_operations().total();
        let most = costs.entry(what).or_default();
        *most = cost.max(*most);
        let operations = u32::try_from(MOST.saturating_sub(cost)).unwrap();
        if operations >= 4 {
            block_on(ledger.maintain(&mut view, Budget { operations, bytes: 4_000_000 })).unwrap();
        }
    }

    fn writes(&self, costs: &mut Costs, what: &'static str, audience: Option<Audience>) -> RecordId {
        let mut id = None;
        self.measured("alice", what, costs, |view, account| {
            let new = NewPost { text: "some words".repeat(20), warning: None, audience };
            let person = author(view, account);
            let written = own_posts::write(view, account, person, new, None, self.now_ms(), self.bytes());
            let (written, batch) = block_on(written).unwrap();
            id = Some(written.post.id);
            batch
        });
        id.unwrap()
    }

    fn sends(&self, costs: &mut Costs, from: &str, to: &str) -> RecordId {
        let mut id = None;
        self.measured(from, "send", costs, |view, account| {
            let relation = block_on(Relation::load(view, &self.id(to))).unwrap();
            let new = NewMessage { text: "some words".repeat(10) };
            let sent = messages::send(view, account, &relation, new, None, self.now_ms(), self.bytes());
            let (sent, batch) = block_on(sent).unwrap();
            id = Some(sent.message.id);
            batch
        });
        id.unwrap()
    }

    /// A friend's pull, as the edge answers it.
    fn is_pulled_by(&self, costs: &mut Costs, what: &'static str, who: &str, since: Option<&str>) -> String {
        let mut cursor = None;
        self.measured("alice", what, costs, |view, account| {
            let query = PullQuery::parse(since, None, None).unwrap();
            let relation = block_on(Relation::load(view, &self.id(who))).unwrap();
            let mut given = block_on(pulls::before_answer(view, &relation, &query)).unwrap();
            let answered = pulls::answer(view, account, &relation, &query, self.timing, self.now_ms());
            let (answer, batch) = block_on(answered).unwrap();
            cursor = Some(answer.cursor);
            given.merge(batch);
            given
        });
        cursor.unwrap()
    }
}

fn author(view: &TestView<'_>, account: &Account) -> Person {
    let summary = block_on(profile::summary(view, account)).unwrap();
    Person { id: summary.id, name: summary.name }
}

/// A day like many others, lived through after a past of `posts` and as many messages.
fn day(timing: Timing, past: usize) -> Costs {
    const NAMES: [&str; 9] = ["alice", "bob", "carol", "dan", "eve", "fay", "gus", "hal", "ida"];
    let mut world = World::timed(&NAMES, timing);
    for friend in &NAMES[1..] {
        world.befriend("alice", friend);
    }
    let choir = world.circle("alice", "Choir", &NAMES[1..5]);
    let bob_alone = only(world.id("bob"));
    let audiences = |number: usize| match number % 4 {
        0 => None,
        1 => Some(circle(choir)),
        2 => Some(bob_alone.clone()),
        _ => Some(Audience::Public {}),
    };
    let (mut then, mut costs) = (Costs::new(), Costs::new());
    for number in 0..past {
        world.writes(&mut then, "write", audiences(number));
        world.sends(&mut then, "alice", NAMES[1 + number % 8]);
    }
    let mut since = Some(world.is_pulled_by(&mut then, "begin", "bob", None));
    for number in 0..40 {
        let got = world.sends(&mut costs, "bob", "alice");
        world.refresh("bob", Scope::ALL);
        world.refresh("alice", Scope::ALL);
        let id = world.writes(
            &mut costs,
            ["write", "write for a circle", "write for one", "write for everybody"][number % 4],
            audiences(number),
        );
        for audience in [Some(only(world.id("bob"))), Some(circle(choir)), None] {
            world.measured("alice", "edit a post", &mut costs, |view, account| {
                let change = PostChange { text: format!("edited {number}"), warning: None, audience };
                let person = author(view, account);
                block_on(own_posts::edit(view, account, person, id, change, world.now_ms())).unwrap().1
            });
        }
        let message = world.sends(&mut costs, "alice", "bob");
        let bob = |view: &TestView<'_>| block_on(Relation::load(view, &world.id("bob"))).unwrap();
        world.measured("alice", "edit a message", &mut costs, |view, account| {
            let bob = bob(view);
            let new = NewMessage { text: format!("edited {number}") };
            let edited = messages::edit(view, account, &bob, message, new, world.now_ms());
            block_on(edited).unwrap().1
        });
        world.measured("alice", "conversation", &mut costs, |view, account| {
            let page = PageRequest::parse(Some("50"), None).unwrap();
            let bob = bob(view);
            let page = messages::conversation(view, account, &bob, &page, world.now_ms());
            assert!(!block_on(page).unwrap().messages.is_empty());
            Batch::new()
        });
        world.measured("alice", "conversations", &mut costs, |view, _| {
            let page = PageRequest::parse(Some("50"), None).unwrap();
            assert_eq!(block_on(messages::conversations(view, &page)).unwrap().conversations.len(), 8);
            Batch::new()
        });
        world.measured("alice", "read", &mut costs, |view, _| {
            let batch = block_on(messages::read(view, &bob(view), got)).unwrap();
            assert!(!batch.is_empty());
            batch
        });
        since = Some(world.is_pulled_by(&mut costs, "pull", "bob", since.as_deref()));
        let _ = world.is_pulled_by(&mut costs, "begin to pull", "carol", None);
        world.measured("alice", "circles", &mut costs, |view, _| {
            assert!(!block_on(circles::list(view)).unwrap().circles.is_empty());
            Batch::new()
        });
        world.measured("alice", "make a circle", &mut costs, |view, _| {
            let new = CircleName { name: format!("circle {number}") };
            block_on(circles::create(view, new, None, world.now_ms(), world.bytes())).unwrap().2
        });
        let member = world.id(NAMES[5 + number % 4]);
        world.measured("alice", "put into a circle", &mut costs, |view, _| {
            block_on(circles::add(view, choir, member, world.now_ms())).unwrap().1
        });
        world.measured("alice", "take out of a circle", &mut costs, |view, _| {
            block_on(circles::remove(view, choir, member, world.now_ms())).unwrap().1
        });
        world.measured("alice", "public posts", &mut costs, |view, account| {
            block_on(crate::public::page(view, account, None)).unwrap();
            Batch::new()
        });
        if number % 8 == 7 {
            for clear_for in [ClearFor::Me, ClearFor::Both] {
                world.measured("alice", "clear", &mut costs, |view, _| {
                    let bob = bob(view);
                    let cleared = messages::clear(view, &bob, clear_for, world.now_ms(), world.bytes());
                    block_on(cleared).unwrap()
                });
            }
        }
        world.measured("alice", "delete a post", &mut costs, |view, _| {
            block_on(own_posts::delete(view, id, world.now_ms())).unwrap()
        });
    }
    costs
}

#[test]
fn conversations_cost_few_operations_each() {
    // Over a stale store what was written of late waits to be merged, and is read piece by piece.
    for (store, timing, most) in
        [("strong", Timing::local(), 15), ("stale", Timing::replicated(60_000), MOST - 10)]
    {
        let costs = day(timing, 150);
        assert!(costs.values().all(|cost| *cost <= most), "{store}: {costs:#?}");
    }
}
