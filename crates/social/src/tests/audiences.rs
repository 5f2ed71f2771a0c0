//! Posts for some: who gets them, who loses them, and when.

use super::*;
use crate::api::{Audience, CircleName, PostChange, PostView};
use crate::audience::AudienceError;
use crate::circles::{self, CircleError};
use crate::posts::PostError;
use tidings_protocol::limits::PULL_PAGE_CHANGES;
use tidings_protocol::{Change, Post};

impl World {
    /// Writes a post for some, without telling anybody yet.
    pub(super) fn write_for(&self, who: &str, text: &str, audience: Audience) -> RecordId {
        self.try_write_for(who, text, audience).unwrap()
    }

    fn try_write_for(&self, who: &str, text: &str, audience: Audience) -> Result<RecordId, PostError> {
        self.clock.advance(1);
        let writing = self.at(who);
        let new = NewPost { text: text.to_owned(), warning: None, audience: Some(audience) };
        let (view, account, person) = (writing.view(), &writing.account, writing.person());
        let written = own_posts::write(&view, account, person, new, None, self.now_ms(), self.bytes());
        let (written, batch) = block_on(written)?;
        writing.commit(batch);
        Ok(written.post.id)
    }

    pub(super) fn edit(&self, who: &str, id: RecordId, text: &str, audience: Option<Audience>) -> PostView {
        self.clock.advance(1);
        let writing = self.at(who);
        let change = PostChange { text: text.to_owned(), warning: None, audience };
        let (view, account, person) = (writing.view(), &writing.account, writing.person());
        let edited = own_posts::edit(&view, account, person, id, change, self.now_ms());
        let (post, batch) = block_on(edited).unwrap();
        writing.commit(batch);
        post
    }

    pub(super) fn delete_post(&self, who: &str, id: RecordId) {
        let writing = self.at(who);
        writing.commit(block_on(own_posts::delete(&writing.view(), id, self.now_ms())).unwrap());
    }

    pub(super) fn circle(&self, who: &str, name: &str, members: &[&str]) -> RecordId {
        let at = self.at(who);
        let new = CircleName { name: name.to_owned() };
        let view = at.view();
        let created = circles::create(&view, new, None, self.now_ms(), self.bytes());
        let (circle, _, batch) = block_on(created).unwrap();
        at.commit(batch);
        members.iter().for_each(|member| self.put_in_circle(who, circle.id, member));
        circle.id
    }

    pub(super) fn put_in_circle(&self, who: &str, circle: RecordId, member: &str) {
        self.clock.advance(1);
        let at = self.at(who);
        at.commit(block_on(circles::add(&at.view(), circle, self.id(member), self.now_ms())).unwrap().1);
    }

    pub(super) fn take_from_circle(&self, who: &str, circle: RecordId, member: &str) {
        self.clock.advance(1);
        let at = self.at(who);
        at.commit(block_on(circles::remove(&at.view(), circle, self.id(member), self.now_ms())).unwrap().1);
    }

    pub(super) fn delete_circle(&self, who: &str, circle: RecordId) {
        let at = self.at(who);
        at.commit(block_on(circles::delete(&at.view(), circle, self.now_ms())).unwrap());
    }

    /// Alice tells everybody, and they look.
    fn settle(&mut self) {
        self.refresh("alice", Scope::DUE);
        for who in ["bob", "carol"] {
            self.refresh(who, Scope::DUE);
        }
    }

    fn feeds(&self) -> [Vec<String>; 2] {
        ["bob", "carol"].map(|who| self.at(who).feed_texts())
    }
}

/// Alice and two friends who know nothing of each other.
pub(super) fn three() -> World {
    let mut world = World::with(&["alice", "bob", "carol"]);
    world.befriend("alice", "bob");
    world.befriend("alice", "carol");
    world.sent.clear();
    world
}

pub(super) fn circle(id: RecordId) -> Audience {
    Audience::Chosen { circles: vec![id], friends: Vec::new(), except: Vec::new() }
}

pub(super) fn only(who: Fingerprint) -> Audience {
    Audience::Chosen { circles: Vec::new(), friends: vec![who], except: Vec::new() }
}

pub(super) fn all_but(who: Fingerprint) -> Audience {
    Audience::Friends { except: vec![who] }
}

#[test]
fn a_post_reaches_exactly_those_it_is_for() {
    let mut world = three();
    let (bob, carol) = (world.id("bob"), world.id("carol"));
    let choir = world.circle("alice", "Choir", &["bob", "carol"]);
    world.write_for("alice", "for bob", only(bob));
    world.write_for("alice", "not for bob", all_but(bob));
    world.write_for("alice", "for the choir", circle(choir));
    let except = Audience::Chosen { circles: vec![choir], friends: Vec::new(), except: vec![carol] };
    world.write_for("alice", "for the choir without carol", except);
    world.write("alice", "for all");
    world.settle();
    let [bobs, carols] = world.feeds();
    assert_eq!(bobs, ["for all", "for the choir without carol", "for the choir", "for bob"]);
    assert_eq!(carols, ["for all", "for the choir", "not for bob"]);
    assert_eq!(world.at("alice").feed_texts().len(), 5);
    let shown = world.at("alice").feed("100", None).posts;
    assert_eq!(shown[0].audience, None);
    assert_eq!(shown[3].audience, Some(all_but(bob)));
    assert_eq!(world.at("bob").feed("100", None).posts[1].audience, None, "who else may see it is not told");
}

#[test]
fn only_those_who_may_see_a_post_are_told_of_it() {
    let mut world = three();
    world.write_for("alice", "for bob", only(world.id("bob")));
    world.refresh("alice", Scope::DUE);
    assert_eq!(world.notifications_by("alice"), 1);
    world.refresh("bob", Scope::DUE);
    world.refresh("carol", Scope::DUE);
    assert_eq!((world.pulls_by("bob"), world.pulls_by("carol")), (1, 0));
}

#[test]
fn an_edit_reaches_who_may_see_the_post_and_is_marked_with_its_time() {
    let mut world = three();
    let choir = world.circle("alice", "Choir", &["bob"]);
    let (first, second) = (world.write("alice", "for all"), world.write_for("alice", "some", circle(choir)));
    world.settle();
    let edited = world.edit("alice", first, "for all, edited", None);
    assert_eq!(edited.edited_ms, Some(world.now_ms()));
    world.edit("alice", second, "some, edited", None);
    world.settle();
    assert_eq!(world.feeds(), [vec!["some, edited", "for all, edited"], vec!["for all, edited"]]);
    let shown = &world.at("bob").feed("100", None).posts[1];
    assert_eq!((shown.id, shown.edited_ms, shown.created_ms), (first, edited.edited_ms, first.created_ms()));
    let again = world.edit("alice", first, "for all, edited", None);
    assert_eq!(again.edited_ms, edited.edited_ms, "the same once more is no edition");
    world.clock.advance(MINUTE_MS);
    world.settle();
    world.sent.clear();
    world.settle();
    assert_eq!(world.notifications_by("alice"), 0);
}

#[test]
fn an_edition_that_is_older_than_the_one_held_is_not_taken() {
    let mut world = three();
    let id = world.write("alice", "first");
    world.refresh("bob", Scope::ALL);
    let older = world.answer("alice", "bob", None).unwrap();
    world.edit("alice", id, "second", None);
    world.refresh("bob", Scope::ALL);
    super::pulling::bob_settles_answer(&world, over_the_wire(&older));
    assert_eq!(world.at("bob").feed_texts(), ["second"]);
}

#[test]
fn a_change_of_the_audience_gives_and_takes() {
    let mut world = three();
    let (bob, carol) = (world.id("bob"), world.id("carol"));
    let id = world.write("alice", "hello");
    world.settle();
    for (audience, expected) in [
        (only(bob), [true, false]),
        (only(carol), [false, true]),
        (all_but(carol), [true, false]),
        (Audience::default(), [true, true]),
        (all_but(bob), [false, true]),
        (Audience::default(), [true, true]),
    ] {
        world.edit("alice", id, "hello", Some(audience.clone()));
        world.settle();
        assert_eq!(world.feeds().map(|feed| feed == ["hello"]), expected, "{audience:?}");
        assert_eq!(world.at("alice").feed_texts(), ["hello"]);
    }
    world.edit("alice", id, "hello", Some(only(bob)));
    world.delete_post("alice", id);
    world.settle();
    assert_eq!(world.feeds(), [Vec::<String>::new(), Vec::new()]);
    assert!(world.at("alice").feed_texts().is_empty());
}

#[test]
fn a_change_of_a_circle_takes_effect_with_the_next_pull() {
    let mut world = three();
    let choir = world.circle("alice", "Choir", &["bob"]);
    world.write_for("alice", "one", circle(choir));
    world.write_for("alice", "two", circle(choir));
    let both =
        Audience::Chosen { circles: vec![choir], friends: vec![world.id("carol")], except: Vec::new() };
    world.write_for("alice", "three", both);
    world.settle();
    assert_eq!(world.feeds(), [vec!["three", "two", "one"], vec!["three"]]);
    world.put_in_circle("alice", choir, "carol");
    world.settle();
    assert_eq!(world.feeds(), [vec!["three", "two", "one"], vec!["three", "two", "one"]]);
    world.take_from_circle("alice", choir, "bob");
    world.settle();
    assert_eq!(world.feeds(), [vec![], vec!["three", "two", "one"]]);
    world.delete_circle("alice", choir);
    world.settle();
    assert_eq!(world.feeds(), [vec![], vec!["three"]]);
    assert_eq!(world.at("alice").feed_texts().len(), 3);
}

#[test]
fn who_was_taken_out_sees_nothing_even_before_they_learn_of_it() {
    let mut world = three();
    let choir = world.circle("alice", "Choir", &["bob"]);
    world.settle();
    world.write_for("alice", "too late", circle(choir));
    world.take_from_circle("alice", choir, "bob");
    let answer = world.answer("alice", "bob", None).unwrap();
    assert!(!serde_json::to_string(&answer).unwrap().contains("too late"));
}

#[test]
fn who_comes_into_a_circle_with_a_long_past_gets_all_of_it_in_pages() {
    let mut world = three();
    let choir = world.circle("alice", "Choir", &["carol"]);
    let count = 2 * PULL_PAGE_CHANGES + 30;
    for number in 0..count {
        world.write_for("alice", &format!("post {number}"), circle(choir));
        if number % 100 == 99 {
            world.compact("alice");
        }
    }
    world.compact("alice");
    world.refresh("bob", Scope::ALL);
    world.put_in_circle("alice", choir, "bob");
    world.write("alice", "for all");
    world.refresh("alice", Scope::DUE);
    let mut cursor = world.at("bob").relation(&world.id("alice")).pull.unwrap().cursor;
    let (mut given, mut pages) = (Vec::new(), 0);
    loop {
        let page = over_the_wire(&world.answer("alice", "bob", cursor.as_deref()).unwrap());
        given.extend(page.changes.iter().filter_map(|change| match change {
            Change::Post { record } => Some(Post::clone(record.unverified()).id),
            _ => None,
        }));
        pages += 1;
        cursor = Some(page.cursor);
        if !page.more {
            break;
        }
    }
    assert_eq!((given.len(), given.iter().collect::<BTreeSet<_>>().len()), (count + 1, count + 1));
    assert!((3..30).contains(&pages), "{pages}");
    world.refresh("bob", Scope::DUE);
    assert_eq!(world.at("bob").feed_texts().len(), 100, "a page");
    // And in a listing, which begins with the newest.
    let listed = over_the_wire(&world.answer("alice", "bob", None).unwrap());
    assert_eq!((listed.changes.len(), listed.more), (PULL_PAGE_CHANGES + 1, true), "with the profile");
}

#[test]
fn a_listing_has_what_is_for_its_reader_among_what_is_for_all() {
    let world = three();
    let (bob, carol) = (world.id("bob"), world.id("carol"));
    for number in 0..6 {
        world.write("alice", &format!("for all {number}"));
        world.write_for("alice", &format!("for bob {number}"), only(bob));
        world.write_for("alice", &format!("for carol {number}"), only(carol));
    }
    let listed = over_the_wire(&world.answer("alice", "bob", None).unwrap());
    let texts: Vec<String> = listed
        .changes
        .iter()
        .filter_map(|change| match change {
            Change::Post { record } => record.unverified().body.text.clone(),
            _ => None,
        })
        .collect();
    let expected: Vec<String> =
        (0..6).rev().flat_map(|n| [format!("for bob {n}"), format!("for all {n}")]).collect();
    assert_eq!(texts, expected);
}

#[test]
fn a_friend_of_later_gets_what_all_but_others_may_see() {
    let mut world = World::with(&["alice", "bob", "carol"]);
    world.befriend("alice", "bob");
    world.write_for("alice", "not for bob", all_but(world.id("bob")));
    world.befriend("alice", "carol");
    world.settle();
    world.settle();
    assert_eq!(world.feeds(), [vec![], vec!["not for bob"]]);
}

#[test]
fn who_becomes_a_friend_again_is_in_no_circle() {
    let mut world = three();
    let choir = world.circle("alice", "Choir", &["bob", "carol"]);
    world.write_for("alice", "for the choir", circle(choir));
    world.settle();
    world.end("alice", "bob");
    assert_eq!(world.at("bob").feed_texts(), Vec::<String>::new());
    world.befriend("bob", "alice");
    world.settle();
    assert_eq!(world.feeds(), [vec![], vec!["for the choir"]]);
    let listed = block_on(circles::list(&world.at("alice").view())).unwrap();
    assert_eq!(listed.circles[0].members, [world.id("carol")]);
}

#[test]
fn an_audience_names_what_is_there() {
    let world = three();
    let (nobody, stranger) = (RecordId::from_bytes([1; 16]), Seed::from_bytes([9; 32]));
    let stranger = stranger.public_key().fingerprint();
    let refused = |audience| world.try_write_for("alice", "x", audience).unwrap_err();
    assert_eq!(refused(circle(nobody)), AudienceError::Circle(nobody).into());
    assert_eq!(refused(only(stranger)), AudienceError::Friend(stranger).into());
    let empty = Audience::Chosen { circles: Vec::new(), friends: Vec::new(), except: Vec::new() };
    assert_eq!(refused(empty), AudienceError::Nobody.into());
    let many = Audience::Friends { except: vec![stranger; 1] };
    assert!(world.try_write_for("alice", "x", many).is_ok(), "who is left out may be anybody");
}

#[test]
fn circles_have_names_and_a_bound_and_friends_in_them() {
    let world = three();
    let alice = world.at("alice");
    let name = |name: &str| CircleName { name: name.to_owned() };
    let create = |new: &str, key: Option<&str>| {
        let key = key.map(|key| key.parse().unwrap());
        let created =
            block_on(circles::create(&alice.view(), name(new), key.as_ref(), world.now_ms(), world.bytes()));
        created.map(|(circle, existed, batch)| {
            alice.commit(batch);
            (circle, existed)
        })
    };
    let (choir, existed) = create("Choir", Some("a-key")).unwrap();
    assert!(!existed);
    assert_eq!(create("Choir", Some("a-key")), Ok((choir.clone(), true)));
    assert_eq!(create("Work", Some("a-key")), Err(CircleError::KeyReused));
    assert!(matches!(create(" ", None), Err(CircleError::Name(_))));
    let (renamed, batch) = block_on(circles::rename(&alice.view(), choir.id, name("Singers"))).unwrap();
    alice.commit(batch);
    assert_eq!((renamed.id, renamed.name.as_str()), (choir.id, "Singers"));
    let stranger = Seed::from_bytes([9; 32]).public_key().fingerprint();
    let added = block_on(circles::add(&alice.view(), choir.id, stranger, world.now_ms()));
    assert_eq!(added.unwrap_err(), CircleError::NoFriend(stranger));
    for number in 1..crate::limits::CIRCLES_MOST {
        create(&format!("circle {number}"), None).unwrap();
    }
    assert_eq!(create("one more", None), Err(CircleError::TooMany));
    world.delete_circle("alice", choir.id);
    create("one more", None).unwrap();
    let deleted = block_on(circles::delete(&alice.view(), choir.id, world.now_ms()));
    assert_eq!(deleted.unwrap_err(), CircleError::Unknown(choir.id));
}

#[test]
fn a_muted_friend_is_held_and_not_shown() {
    let mut world = three();
    let alice = world.id("alice");
    world.write("alice", "loud");
    world.settle();
    let bob = world.at("bob");
    bob.commit(friends::mute(&bob.relation(&alice), true).unwrap());
    assert!(bob.feed_texts().is_empty());
    assert!(bob.relation(&alice).view().unwrap().muted);
    world.write("alice", "louder");
    world.settle();
    let bob = world.at("bob");
    assert!(bob.feed_texts().is_empty());
    bob.commit(friends::mute(&bob.relation(&alice), false).unwrap());
    assert_eq!(bob.feed_texts(), ["louder", "loud"]);
    bob.commit(friends::mute(&bob.relation(&alice), true).unwrap());
    world.end("bob", "alice");
    world.befriend("bob", "alice");
    assert!(!world.at("bob").relation(&alice).is_muted(), "who becomes a friend again is heard");
}

#[test]
fn a_post_written_by_who_did_not_see_that_somebody_joined_reaches_them() {
    let mut world = World::timed(&["alice", "bob"], Timing::replicated(60_000));
    world.befriend("alice", "bob");
    world.clock.advance(2 * HOUR_MS);
    world.refresh("bob", Scope::ALL);
    let circle = world.circle("alice", "choir", &[]);
    // This request looks, and writes later.
    let alice = world.at("alice");
    let mut view = alice.view();
    world.put_in_circle("alice", circle, "bob");
    let audience = Audience::Chosen { circles: vec![circle], friends: Vec::new(), except: Vec::new() };
    let new = NewPost { text: "for the choir".into(), warning: None, audience: Some(audience) };
    world.clock.advance(1);
    let (account, person) = (&alice.account, alice.person());
    let written = own_posts::write(&view, account, person, new, None, world.now_ms(), world.bytes());
    let (_, batch) = block_on(written).unwrap();
    block_on(alice.ledger.commit(&mut view, batch)).unwrap();
    let mut pulls = 0;
    while world.at("bob").feed_texts().is_empty() {
        world.clock.advance(3 * MINUTE_MS);
        world.refresh("bob", Scope::ALL);
        pulls += 1;
        assert!(pulls <= 3, "it is given with one pull and comes with the next");
    }
    world.clock.advance(HOUR_MS);
    world.refresh("bob", Scope::ALL);
    let joined = keys::joined(&world.id("bob"));
    let left = block_on(world.at("alice").view().get(joined.as_str())).unwrap();
    assert_eq!(left, None, "nobody looks any more");
}
