//! Who may not see a post cannot tell that there is one: whatever reaches them is the same, byte for byte, as if it had
//! never been written.

use super::audiences::{all_but, circle, only, three};
use super::under::{hand, react, say};
use super::*;
use crate::api::{Audience, NewComment};
use crate::threads;
use tidings_protocol::Interaction;

/// What happens at Alice's that is none of Carol's business.
type Secret = fn(&mut World, &mut Notes);

/// What secrets need to know of earlier ones.
#[derive(Default)]
struct Notes {
    circle: Option<RecordId>,
    posts: Vec<RecordId>,
}

/// Lives through one and the same time, with the secrets or without, and writes down all that Carol gets.
fn life(secrets: Option<&[Secret]>, is_merged: bool, visible: usize) -> Vec<String> {
    let mut world = three();
    let (mut notes, mut seen) = (Notes::default(), Vec::new());
    // A cursor from before everything, one that Carol moves on now and then, and one that never rests.
    let (early, mut late, mut newest) = (cursor(&world, None), None, None);
    for step in 0..visible {
        // Each step begins at its own time, with its own randomness, whatever has happened before.
        let begin = |world: &World, part: u64| {
            let step = u64::try_from(step).unwrap();
            world.clock.set(START_MS + HOUR_MS + step * 10 * MINUTE_MS + part * MINUTE_MS);
            world.random.reseed(10 * step + part);
        };
        begin(&world, 1);
        if let Some(secret) = secrets.and_then(|secrets| secrets.get(step % secrets.len())) {
            secret(&mut world, &mut notes);
        }
        // Bob looks. What Alice sends to him is no part of what Carol sees.
        begin(&world, 2);
        world.refresh("alice", Scope::DUE);
        world.refresh("bob", Scope::ALL);
        begin(&world, 4);
        let post = world.write("alice", &format!("for all {step}"));
        if step % 4 == 1 {
            say(&world, "bob", "alice", post, "what all may read");
            react(&world, "bob", "alice", post, ("👍", true));
        }
        begin(&world, 5);
        world.sent.clear();
        world.refresh("alice", Scope::DUE);
        let carol = world.id("carol");
        let told = world.at("carol").relation(&world.id("alice")).heard;
        seen.push(format!("heard {told:?}"));
        if is_merged && step % 7 == 6 {
            begin(&world, 6);
            world.compact("alice");
        }
        begin(&world, 7);
        for since in [None, Some(early.clone()), late.clone(), newest.clone()] {
            seen.extend(pages(&world, since));
        }
        newest = Some(cursor(&world, newest));
        if step % 5 == 0 {
            late = Some(cursor(&world, late));
        }
        begin(&world, 8);
        if step % 3 == 0 {
            world.refresh("carol", Scope::DUE);
        }
        let relation = world.at("alice").relation(&carol);
        let heads = block_on(Heads::load_for(&world.at("alice").view(), &relation)).unwrap();
        seen.push(format!("owed {:?}", heads.owed_to(&relation)));
    }
    seen
}

/// Where Carol stands after one page.
fn cursor(world: &World, since: Option<String>) -> String {
    world.answer("alice", "carol", since.as_deref()).unwrap().cursor
}

/// All that Carol is answered from there on: bodies and ETags.
fn pages(world: &World, mut since: Option<String>) -> Vec<String> {
    let mut pages = Vec::new();
    loop {
        match world.answer("alice", "carol", since.as_deref()) {
            Ok(answer) => {
                pages.push(format!("{} {}", answer.tag(), serde_json::to_string(&answer).unwrap()));
                since = Some(answer.cursor);
                if !answer.more {
                    return pages;
                }
            }
            Err(error) => {
                pages.push(error.to_string());
                return pages;
            }
        }
    }
}

const SECRETS: [Secret; 15] = [
    |world, notes| notes.circle = Some(world.circle("alice", "Choir", &["bob"])),
    |world, notes| {
        let audience = circle(notes.circle.unwrap());
        notes.posts.push(world.write_for("alice", "for the choir", audience));
    },
    |world, notes| notes.posts.push(world.write_for("alice", "for bob", only(world.id("bob")))),
    |world, notes| {
        for text in ["one", "two"] {
            say(world, "bob", "alice", notes.posts[0], text);
            own_comment(world, notes.posts[0], "three");
        }
        react(world, "bob", "alice", notes.posts[1], ("👍", true));
    },
    |world, notes| notes.posts.push(world.write_for("alice", "but carol", all_but(world.id("carol")))),
    |world, notes| drop(world.edit("alice", notes.posts[0], "for the choir, edited", None)),
    |world, notes| {
        let but_carol = Audience::Chosen {
            circles: vec![notes.circle.unwrap()],
            friends: Vec::new(),
            except: vec![world.id("carol")],
        };
        drop(world.edit("alice", notes.posts[1], "for others", Some(but_carol)));
    },
    |world, notes| {
        let said = say(world, "bob", "alice", notes.posts[0], "four");
        let alice = world.at("alice");
        let view = alice.view();
        let hidden = threads::own::hide(&view, notes.posts[0], said, true);
        alice.commit(block_on(hidden).unwrap());
        let withdrawn = Interaction::CommentDeleted { post: notes.posts[0], id: said.id };
        hand(world, "bob", "alice", vec![withdrawn]).unwrap();
    },
    |world, notes| world.take_from_circle("alice", notes.circle.unwrap(), "bob"),
    |world, notes| world.put_in_circle("alice", notes.circle.unwrap(), "bob"),
    |world, notes| {
        say(world, "bob", "alice", notes.posts[0], "five");
        react(world, "bob", "alice", notes.posts[0], ("👍", true));
    },
    |world, notes| world.delete_post("alice", notes.posts[2]),
    |world, notes| {
        for number in 0..12 {
            let audience = circle(notes.circle.unwrap());
            notes.posts.push(world.write_for(
                "alice",
                &format!("many {number} {}", "x".repeat(900)),
                audience,
            ));
        }
    },
    |world, notes| world.delete_circle("alice", notes.circle.unwrap()),
    |world, notes| notes.posts.drain(..).for_each(|id| delete_if_there(world, id)),
];

fn own_comment(world: &World, post: RecordId, text: &str) {
    world.clock.advance(1);
    let alice = world.at("alice");
    let new = NewComment { text: text.to_owned(), parent: None };
    let (view, account, me) = (alice.view(), &alice.account, alice.person());
    let said = threads::own::comment(&view, account, &me, post, new, None, world.now_ms(), world.bytes());
    alice.commit(block_on(said).unwrap().1);
}

fn delete_if_there(world: &World, id: RecordId) {
    let alice = world.at("alice");
    if let Ok(batch) = block_on(own_posts::delete(&alice.view(), id, world.now_ms())) {
        alice.commit(batch);
    }
}

#[test]
fn whatever_an_outsider_gets_is_the_same_as_if_there_was_nothing_to_hide() {
    for is_merged in [false, true] {
        let without = life(None, is_merged, 45);
        let with = life(Some(&SECRETS), is_merged, 45);
        assert!(without.len() > 200, "{}", without.len());
        for (number, (with, without)) in with.iter().zip(&without).enumerate() {
            // The tag comes first, and differs with anything else.
            let differs = with.bytes().zip(without.bytes()).skip(16).position(|(a, b)| a != b);
            let from = differs.map_or(0, |at| at.saturating_sub(60));
            let shown = |text: &str| text.chars().skip(from).take(300).collect::<String>();
            assert!(
                with == without,
                "answer {number}, merged: {is_merged}\n{}\n{}",
                shown(with),
                shown(without)
            );
        }
        assert_eq!(with.len(), without.len());
    }
}

#[test]
fn pages_of_a_long_past_are_the_same_whatever_is_hidden_in_it() {
    let past = |is_hidden: bool| {
        let world = three();
        for number in 0..450 {
            let at_ms = START_MS + HOUR_MS + number * MINUTE_MS;
            world.clock.set(at_ms);
            world.random.reseed(number);
            world.write("alice", &format!("for all {number}"));
            if is_hidden && number % 3 == 0 {
                world.clock.set(at_ms + 1_000);
                world.write_for("alice", &"for bob ".repeat(100), only(world.id("bob")));
            }
            if number % 50 == 49 {
                world.clock.set(at_ms + 2_000);
                world.random.reseed(1_000 + number);
                for _ in 0..10 {
                    world.clock.advance(1_000);
                    let alice = world.at("alice");
                    block_on(alice.ledger.maintain(&mut alice.view(), Budget::default())).unwrap();
                }
            }
        }
        world.clock.set(START_MS + 100 * HOUR_MS);
        (pages(&world, None), pages(&world, Some(cursor(&world, None))))
    };
    let (with, without) = (past(true), past(false));
    assert!(with.0.len() >= 3, "{}", with.0.len());
    assert!(with == without);
}

#[test]
fn what_is_forgotten_of_others_ends_no_cursor() {
    let day_ms = 24 * HOUR_MS;
    let outcome = |is_hidden: bool| {
        let mut world = three();
        let cursors = ["bob", "carol"].map(|who| world.answer("alice", who, None).unwrap().cursor);
        world.clock.set(START_MS + HOUR_MS);
        if is_hidden {
            let id = world.write_for("alice", "for bob", only(world.id("bob")));
            world.delete_post("alice", id);
        }
        for day in 1..100 {
            world.clock.set(START_MS + HOUR_MS + day * day_ms);
            world.random.reseed(day);
            world.refresh("alice", Scope::DUE);
        }
        ["bob", "carol"].map(|who| {
            let since = &cursors[usize::from(who == "carol")];
            world.answer("alice", who, Some(since)).map(|answer| serde_json::to_string(&answer).unwrap())
        })
    };
    let ([bob, carol], [_, without]) = (outcome(true), outcome(false));
    assert_eq!(bob, Err(PullError::Cursor), "who missed that it was taken from them starts over");
    assert_eq!(carol, without);
}
