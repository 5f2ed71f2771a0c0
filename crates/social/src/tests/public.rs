//! Posts for everybody: what anybody sees of them, and of nothing else.

use super::audiences::{all_but, circle, only, three};
use super::*;
use crate::api::Audience;
use crate::public::{self, PublicError};
use tidings_protocol::PublicPage;
use tidings_protocol::limits::PUBLIC_PAGE_POSTS;

const PUBLIC: Audience = Audience::Public {};

impl World {
    /// What anybody is answered, as bytes, and its ETag.
    fn public_bytes(&self, who: &str, before: Option<&str>) -> Result<(String, String), PublicError> {
        let at = self.at(who);
        let page = block_on(public::page(&at.view(), &at.account, before))?;
        Ok((serde_json::to_string(&page).unwrap(), page.tag()))
    }

    fn public_page(&self, who: &str, before: Option<&str>) -> PublicPage {
        serde_json::from_str(&self.public_bytes(who, before).unwrap().0).unwrap()
    }

    fn public_texts(&self, who: &str) -> Vec<String> {
        texts(&self.public_page(who, None))
    }

    /// All that anybody is answered, page by page, with the ETags.
    fn all_public_pages(&self, who: &str) -> Vec<(String, String)> {
        let mut pages = vec![self.public_bytes(who, None).unwrap()];
        loop {
            let last: PublicPage = serde_json::from_str(&pages.last().unwrap().0).unwrap();
            let Some(next) = last.next else { return pages };
            pages.push(self.public_bytes(who, Some(&next.to_string())).unwrap());
        }
    }
}

fn texts(page: &PublicPage) -> Vec<String> {
    page.posts.iter().map(|post| post.unverified().body.text.clone().unwrap()).collect()
}

#[test]
fn anybody_is_shown_what_is_for_everybody_and_friends_get_it_as_usual() {
    let mut world = three();
    world.write_for("alice", "for everybody", PUBLIC);
    world.write("alice", "for friends");
    world.write_for("alice", "for bob", only(world.id("bob")));
    for who in ["alice", "bob", "carol"] {
        world.refresh(who, Scope::DUE);
    }
    assert_eq!(world.public_texts("alice"), ["for everybody"]);
    assert_eq!(world.at("bob").feed_texts(), ["for bob", "for friends", "for everybody"]);
    assert_eq!(world.at("carol").feed_texts(), ["for friends", "for everybody"]);
    let own: Vec<_> = world.at("alice").feed("10", None).posts.into_iter().map(|p| p.audience).collect();
    assert_eq!(own, [Some(only(world.id("bob"))), None, Some(PUBLIC)]);
    assert!(world.at("carol").feed("10", None).posts.iter().all(|post| post.audience.is_none()));
    let page = world.public_page("alice", None);
    let alice = &world.at("alice").account;
    assert_eq!((page.certificate, page.name.as_str()), (alice.certificate().clone(), "alice"));
    assert!(page.posts[0].verify(&alice.key()).is_ok());
    assert_eq!(page.next, None);
}

#[test]
fn a_change_of_the_audience_makes_public_and_takes_back() {
    let mut world = three();
    let (bob, carol) = (world.id("bob"), world.id("carol"));
    let choir = world.circle("alice", "Choir", &["bob"]);
    let id = world.write("alice", "hello");
    let steps = [
        PUBLIC,
        Audience::default(),
        PUBLIC,
        only(bob),
        Audience::default(),
        only(carol),
        PUBLIC,
        all_but(bob),
        circle(choir),
        PUBLIC,
    ];
    for audience in steps {
        let edited = world.edit("alice", id, "hello", Some(audience.clone()));
        for who in ["alice", "bob", "carol"] {
            world.refresh(who, Scope::DUE);
        }
        let is_public = audience == PUBLIC;
        assert_eq!(world.public_texts("alice") == ["hello"], is_public, "{audience:?}");
        assert_eq!(edited.audience, Some(audience.clone()).filter(|a| *a != Audience::default()));
        let reads = |who: &str| world.at(who).feed_texts() == ["hello"];
        let expected = [
            audience != only(carol) && audience != all_but(bob),
            audience != only(bob) && audience != circle(choir),
        ];
        assert_eq!([reads("bob"), reads("carol")], expected, "{audience:?}");
    }
    world.edit("alice", id, "hello, edited", None);
    assert_eq!(world.public_texts("alice"), ["hello, edited"], "an edition stays public");
    world.delete_post("alice", id);
    assert!(world.public_texts("alice").is_empty());
    world.refresh("alice", Scope::DUE);
    world.refresh("bob", Scope::DUE);
    assert!(world.at("bob").feed_texts().is_empty());
}

#[test]
fn friends_are_told_nothing_when_a_post_becomes_public_or_is_no_longer() {
    let mut world = three();
    let id = world.write("alice", "hello");
    for who in ["alice", "bob", "carol"] {
        world.refresh(who, Scope::DUE);
    }
    world.clock.advance(MINUTE_MS);
    let before = world.answer("alice", "bob", None).unwrap();
    world.sent.clear();
    for audience in [PUBLIC, Audience::default()] {
        let edited = world.edit("alice", id, "hello", Some(audience));
        assert_eq!(edited.edited_ms, None, "the post says the same");
        world.refresh("alice", Scope::DUE);
        assert_eq!(world.notifications_by("alice"), 0);
        assert_eq!(world.answer("alice", "bob", None).unwrap(), before);
    }
}

#[test]
fn an_edition_that_says_nothing_of_the_audience_does_not_make_a_post_public_again() {
    let world = three();
    let id = world.write_for("alice", "hello", PUBLIC);
    let at = world.at("alice");
    // Begun before the owner thought better of it, as over a store that does not show that yet.
    let earlier = at.view();
    world.edit("alice", id, "hello", Some(Audience::default()));
    let change = crate::api::PostChange { text: "hello!".into(), ..Default::default() };
    let edited = own_posts::edit(&earlier, &at.account, at.person(), id, change, world.now_ms());
    at.commit(block_on(edited).unwrap().1);
    assert!(world.public_texts("alice").is_empty());
    assert_eq!(at.feed_texts(), ["hello!"]);
}

#[test]
fn pages_follow_each_other_and_one_that_is_full_is_not_the_last() {
    let world = World::with(&["alice"]);
    let write = |number: usize| world.write_for("alice", &format!("post {number}"), PUBLIC);
    for number in 0..PUBLIC_PAGE_POSTS {
        write(number);
    }
    assert_eq!(world.public_page("alice", None).next, None, "exactly one page");
    for number in PUBLIC_PAGE_POSTS..2 * PUBLIC_PAGE_POSTS + 5 {
        write(number);
    }
    let pages = world.all_public_pages("alice");
    let found: Vec<String> =
        pages.iter().flat_map(|(text, _)| texts(&serde_json::from_str(text).unwrap())).collect();
    let expected: Vec<String> = (0..2 * PUBLIC_PAGE_POSTS + 5).rev().map(|n| format!("post {n}")).collect();
    assert_eq!((pages.len(), found), (3, expected));
    for wrong in ["", "x", "0", "../.."] {
        assert!(matches!(world.public_bytes("alice", Some(wrong)), Err(PublicError::Before(_))), "{wrong}");
    }
    let lowest = "0".repeat(26);
    assert!(world.public_page("alice", Some(&lowest)).posts.is_empty());
}

#[test]
fn whatever_anybody_gets_is_the_same_as_if_there_were_only_public_posts() {
    let life = |is_hidden: bool, is_merged: bool| {
        let mut world = three();
        let (mut seen, mut hidden) = (Vec::new(), Vec::new());
        for number in 0..45_u64 {
            let begin = |part: u64| {
                world.clock.set(START_MS + HOUR_MS + number * 10 * MINUTE_MS + part * MINUTE_MS);
                world.random.reseed(10 * number + part);
            };
            begin(1);
            if is_hidden {
                let audience = match number % 4 {
                    0 => Audience::default(),
                    1 => only(world.id("bob")),
                    2 => all_but(world.id("carol")),
                    _ => circle(world.circle("alice", &format!("circle {number}"), &["bob"])),
                };
                hidden.push(world.write_for("alice", &format!("hidden {number}"), audience));
                if number % 3 == 0 {
                    world.edit("alice", hidden[usize::try_from(number / 2).unwrap()], "edited", None);
                }
                if number % 5 == 4 {
                    world.delete_post("alice", hidden.remove(1));
                }
                // One that was public for a moment when nobody looked.
                let moment = world.write_for("alice", "for a moment", PUBLIC);
                world.edit("alice", moment, "no longer", Some(Audience::default()));
                let moment = world.write_for("alice", "for a moment", PUBLIC);
                world.delete_post("alice", moment);
            }
            begin(3);
            let id = world.write_for("alice", &format!("public {number}"), PUBLIC);
            if number % 7 == 0 {
                begin(4);
                world.edit("alice", id, &format!("public {number}, edited"), None);
            }
            if is_merged && number % 9 == 8 {
                begin(5);
                world.compact("alice");
            }
            begin(7);
            seen.extend(world.all_public_pages("alice"));
            begin(8);
            if is_hidden {
                world.refresh("alice", Scope::DUE);
                world.refresh("bob", Scope::ALL);
            }
        }
        seen
    };
    for is_merged in [false, true] {
        let without = life(false, is_merged);
        let with = life(true, is_merged);
        assert!(without.len() > 60, "{}", without.len());
        for (number, (with, without)) in with.iter().zip(&without).enumerate() {
            assert_eq!(with, without, "answer {number}, merged: {is_merged}");
        }
        assert_eq!(with.len(), without.len());
    }
}

#[test]
fn public_posts_are_signed_by_the_key_in_force() {
    let mut world = three();
    world.write_for("alice", "hello", PUBLIC);
    world.clock.advance(1_000);
    let key = Seed::from_bytes([42; 32]);
    world.rekey("alice", &key);
    let page = world.public_page("alice", None);
    assert_eq!(page.posts[0].unverified().key, key.public_key());
    assert!(page.posts[0].verify(&key.public_key()).is_ok());
    assert_eq!(page.certificate.unverified().key, key.public_key());
}

#[test]
fn an_open_client_is_told_that_a_post_became_public() {
    let world = three();
    let id = world.write("alice", "hello");
    let alice = world.at("alice");
    let tag = || block_on(crate::changes::show(&alice.view(), &alice.account, world.now_ms())).unwrap().feed;
    let before = tag();
    world.edit("alice", id, "hello", Some(PUBLIC));
    let public = tag();
    assert_ne!(before, public);
    world.edit("alice", id, "hello", Some(Audience::default()));
    assert_ne!(public, tag());
}
