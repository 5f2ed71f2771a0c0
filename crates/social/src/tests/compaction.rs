//! Merging objects changes nothing that anybody sees.

use super::*;
use crate::changes;
use tidings_ledger::{Direction, Range};
use tidings_protocol::Change;

fn poll(world: &World, who: &str) -> crate::api::Changes {
    let deployment = world.at(who);
    block_on(changes::show(&deployment.view(), &deployment.account, world.now_ms())).unwrap()
}

/// Alice and Bob with a past, of which everything was pulled.
fn friends_with_a_past() -> World {
    let mut world = World::of_friends("alice", "bob");
    for n in 0..30 {
        world.write("alice", &format!("post {n}"));
        world.refresh("alice", Scope::DUE);
        world.refresh("bob", Scope::DUE);
    }
    world.sent.clear();
    world
}

#[test]
fn merging_raises_no_head_and_notifies_nobody() {
    let mut world = friends_with_a_past();
    let head = world.at("alice").head();
    let objects = world.at("alice").view().object_count();
    assert!(world.compact("alice") > 30);
    assert!(world.at("alice").view().object_count() < objects / 2);
    assert_eq!(world.at("alice").head(), head);
    let report = world.refresh("alice", Scope::DUE);
    assert_eq!((report.delivered, world.notifications_by("alice")), (0, 0));
}

#[test]
fn merging_with_what_only_the_owner_sees_raises_no_head() {
    let mut world = friends_with_a_past();
    // What Bob's posts leave at Alice's is later than anything of hers, and is merged with it.
    for n in 0..30 {
        world.write("bob", &format!("answer {n}"));
        world.refresh("bob", Scope::DUE);
        world.refresh("alice", Scope::DUE);
    }
    let head = world.at("alice").head();
    world.compact("alice");
    assert_eq!(world.at("alice").head(), head);
    world.refresh("alice", Scope::DUE);
    assert_eq!(world.notifications_by("alice"), 0);
}

#[test]
fn merging_changes_no_tag_that_an_open_client_polls() {
    let world = friends_with_a_past();
    let before = poll(&world, "alice");
    let tag = changes::content_tag(&before, world.now_ms());
    assert!(world.compact("alice") > 0);
    let after = poll(&world, "alice");
    assert_eq!(
        (&after.feed, &after.friends, &after.profile),
        (&before.feed, &before.friends, &before.profile)
    );
    assert_eq!(changes::content_tag(&after, world.now_ms()), tag);
    world.write("alice", "news");
    let news = poll(&world, "alice");
    assert_ne!(news.feed, after.feed);
    assert_eq!((news.friends, news.profile), (after.friends, after.profile));
}

#[test]
fn the_head_follows_posts_withdrawals_and_the_profile() {
    let world = friends_with_a_past();
    let mut head = world.at("alice").head();
    let mut rises = |what: &str| {
        let now = world.at("alice").head();
        assert!(now > head, "{what}");
        head = now;
    };
    let id = world.write("alice", "another");
    rises("a post");
    world.clock.advance(1);
    let alice = world.at("alice");
    alice.commit(block_on(own_posts::delete(&alice.view(), id, world.now_ms())).unwrap());
    rises("a withdrawal");
    world.clock.advance(1);
    let change = crate::api::ProfileChange { name: "Alice B.".into(), bio: String::new() };
    let changed = block_on(profile::change(&alice.view(), &alice.account, change, world.now_ms()));
    alice.commit(changed.unwrap().1);
    rises("a changed profile");
}

#[test]
fn who_has_no_friends_has_no_head() {
    let world = World::with(&["alice"]);
    world.write("alice", "to nobody");
    let alice = world.at("alice");
    alice.ledger.store().take_operations();
    assert_eq!(block_on(Heads::load(&alice.view(), &[])).unwrap(), Heads::default());
    assert_eq!(alice.ledger.store().take_operations().total(), 1, "the listing");
}

#[test]
fn the_first_head_is_that_of_the_latest_change_of_whatever_age_the_post_is() {
    let mut world = World::with(&["alice", "bob"]);
    let old = world.write("alice", "the oldest");
    for n in 0..40 {
        world.write("alice", &format!("post {n}"));
    }
    world.compact("alice");
    world.write("alice", "the newest");
    world.clock.advance(1);
    let alice = world.at("alice");
    alice.commit(block_on(own_posts::delete(&alice.view(), old, world.now_ms())).unwrap());
    let all = block_on(alice.view().changes(&keys::SHARED, Stamp::ZERO)).unwrap();
    let expected = all.items.iter().map(|item| item.stamp).max().unwrap();
    world.befriend("alice", "bob");
    let mut relations = world.at("alice").relations();
    relations.iter_mut().for_each(|relation| (relation.served, relation.told) = (None, None));
    let found = block_on(Heads::load(&world.at("alice").view(), &relations)).unwrap().of(&relations[0]);
    assert_eq!(found.map(|head| *head.as_bytes()), Some(expected.to_bytes()));
}

#[test]
fn a_head_is_the_latest_of_what_a_friend_may_see_and_one_alike_for_one_and_for_all() {
    let mut world = World::with(&["alice", "bob", "carol"]);
    world.befriend("alice", "bob");
    world.befriend("alice", "carol");
    let (bob, carol) = (world.id("bob"), world.id("carol"));
    let heads = |world: &World| {
        let alice = world.at("alice");
        let view = alice.view();
        let all = block_on(Heads::load(&view, &alice.relations())).unwrap();
        let of = |who: &Fingerprint| {
            let relation = alice.relation(who);
            let one = block_on(Heads::load_for(&view, &relation)).unwrap();
            assert_eq!(one.of(&relation), all.of(&relation));
            one.of(&relation)
        };
        (of(&bob), of(&carol))
    };
    let before = heads(&world);
    world.clock.advance(1);
    let mut batch = Batch::new();
    crate::heads::raise_for(&bob, &mut batch);
    world.at("alice").commit(batch);
    let for_bob = heads(&world);
    assert!(for_bob.0 > before.0 && for_bob.1 == before.1, "{for_bob:?}");
    world.write("alice", "for all");
    let for_all = heads(&world);
    assert!(for_all.0 > for_bob.0 && for_all.0 == for_all.1, "{for_all:?}");
}

#[test]
fn a_head_costs_little_however_much_a_friend_has_not_pulled() {
    let mut world = friends_with_a_past();
    for n in 0..60 {
        world.write("alice", &format!("unread {n}"));
        world.refresh("alice", Scope::DUE);
    }
    let alice = world.at("alice");
    let relations = alice.relations();
    alice.ledger.store().take_operations();
    block_on(Heads::load(&alice.view(), &relations)).unwrap();
    let gets = alice.ledger.store().take_operations().gets;
    assert!(gets <= 3, "{gets} gets");
}

#[test]
fn records_go_out_as_the_bytes_that_are_stored() {
    let world = friends_with_a_past();
    world.compact("alice");
    let alice = world.at("alice");
    let view = alice.view();
    let answer = world.answer("alice", "bob", None).unwrap();
    let sent = serde_json::to_string(&answer).unwrap();
    let posts = block_on(view.scan(Range::partition(keys::POST), Direction::Forward, usize::MAX)).unwrap();
    let profile = block_on(view.get(keys::profile().as_str())).unwrap();
    for entry in posts.iter().chain(&profile) {
        let stored = std::str::from_utf8(&entry.value).unwrap();
        assert!(sent.contains(&format!("\"record\":{stored}")), "{stored}");
    }
    assert_eq!(answer.changes.len(), posts.len() + 1);
    // Whoever reads it finds what is documented.
    assert!(over_the_wire(&answer).changes.iter().all(|change| *change != Change::Unknown));
    let page = serde_json::to_string(&alice.feed("100", None)).unwrap();
    for entry in posts {
        let stored: serde_json::Value = serde_json::from_slice(&entry.value).unwrap();
        assert!(page.contains(&format!("\"body\":{}", stored["body"])));
    }
}

#[test]
fn what_goes_out_is_what_the_wire_type_writes() {
    let world = friends_with_a_past();
    let alice = world.at("alice");
    let id = world.write("alice", "a mistake");
    let listing = world.answer("alice", "bob", None).unwrap();
    world.write("alice", "no mistake");
    alice.commit(block_on(own_posts::delete(&alice.view(), id, world.now_ms())).unwrap());
    for (answer, posts, deleted) in
        [(listing.clone(), 31, 0), (world.answer("alice", "bob", Some(&listing.cursor)).unwrap(), 31, 1)]
    {
        check_members(answer, posts, deleted);
    }
}

fn check_members(answer: pulls::StoredAnswer, posts: usize, deleted: usize) {
    let read = over_the_wire(&answer);
    let json = |value: &dyn Fn() -> serde_json::Result<serde_json::Value>| value().unwrap();
    assert_eq!(
        json(&|| serde_json::to_value(&read)),
        json(&|| serde_json::from_str(&serde_json::to_string(&answer)?))
    );
    // Member by member, so that none is forgotten when one is added.
    let PullAnswer { changes, listed, cursor, head, more, again_ms, friendship } = read;
    let wire = (listed, cursor, head, more, again_ms, friendship);
    let stored = (answer.listed, answer.cursor, answer.head, answer.more, answer.again_ms, answer.friendship);
    assert_eq!(wire, stored);
    let kinds = |wanted: fn(&Change) -> bool| changes.iter().filter(|change| wanted(change)).count();
    assert_eq!(kinds(|change| matches!(change, Change::Post { .. })), posts);
    assert_eq!(kinds(|change| matches!(change, Change::PostDeleted { .. })), deleted);
    assert_eq!(kinds(|change| matches!(change, Change::Profile { .. })), 1);
}

#[test]
fn a_record_that_is_not_understood_spoils_no_answer() {
    let world = friends_with_a_past();
    world.compact("alice");
    let alice = world.at("alice");
    let mut batch = Batch::new();
    let id = RecordId::from_parts(world.now_ms(), [9; 10]);
    batch.put(keys::post(id), r#"{"type":"tidings/post/v9","signature":"?"}"#);
    alice.commit(batch);
    let answer = world.answer("alice", "bob", None).unwrap();
    assert_eq!(over_the_wire(&answer).changes.len(), 31);
    assert_eq!(alice.feed_texts().len(), 30);
}
