//! Threads as they ride along with pulls.

use super::audiences::{circle, only, three};
use super::under::{react, say};
use super::*;
use tidings_protocol::{Change, ThreadSummary};

/// What somebody is answered from a place on, and where they stand then.
fn pull(world: &World, who: &str, since: &mut Option<String>) -> Vec<Change> {
    let mut changes = Vec::new();
    loop {
        let answer = world.answer("alice", who, since.as_deref()).unwrap();
        let bytes = serde_json::to_vec(&answer).unwrap().len();
        assert!(bytes < tidings_protocol::limits::ANSWER_BODY_BYTES, "{bytes}");
        let more = answer.more;
        changes.extend(over_the_wire(&answer).changes);
        *since = Some(answer.cursor);
        if !more {
            return changes;
        }
    }
}

fn threads(changes: Vec<Change>) -> Vec<ThreadSummary> {
    let threads = changes.into_iter().filter_map(|change| match change {
        Change::Thread(summary) => Some(summary),
        _ => None,
    });
    threads.collect()
}

/// Post, comments, reactions, and the text of the newest comment.
type Short = (RecordId, u32, Vec<(String, u32)>, Option<String>);

fn short(summaries: &[ThreadSummary]) -> Vec<Short> {
    let short = summaries.iter().map(|summary| {
        let reactions = summary.reactions.iter().map(|r| (r.emoji.to_string(), r.count)).collect();
        let latest = summary.latest.as_ref();
        let latest = latest.map(|latest| latest.record.unverified().body.text.clone().unwrap());
        (summary.post, summary.comments, reactions, latest)
    });
    short.collect()
}

#[test]
fn what_changes_under_a_post_rides_along_with_the_next_pull() {
    let world = three();
    let post = world.write("alice", "hello");
    let mut bob = None;
    assert!(threads(pull(&world, "bob", &mut bob)).is_empty());
    say(&world, "carol", "alice", post, "one");
    let last = say(&world, "carol", "alice", post, "two");
    react(&world, "bob", "alice", post, ("🎉", true));
    react(&world, "carol", "alice", post, ("👍", true));
    react(&world, "bob", "alice", post, ("👍", true));
    let told = threads(pull(&world, "bob", &mut bob));
    let reactions = vec![("👍".to_owned(), 2), ("🎉".to_owned(), 1)];
    assert_eq!(short(&told), [(post, 2, reactions.clone(), Some("two".into()))]);
    let latest = told[0].latest.as_ref().unwrap();
    let place = (world.id("alice"), post);
    assert!(latest.record.verify_relayed(place, latest.certificate.as_ref(), world.now_ms()).is_ok());
    // A listing has it too.
    assert_eq!(threads(pull(&world, "bob", &mut None)), told);
    world.clock.advance(HOUR_MS);
    pull(&world, "bob", &mut bob);
    let withdrawn = tidings_protocol::Interaction::CommentDeleted { post, id: last.id };
    super::under::hand(&world, "carol", "alice", vec![withdrawn]).unwrap();
    let told = threads(pull(&world, "bob", &mut bob));
    assert_eq!(short(&told), [(post, 1, reactions, Some("one".into()))]);
    world.delete_post("alice", post);
    assert!(threads(pull(&world, "bob", &mut bob)).is_empty());
}

#[test]
fn the_index_follows_the_audience() {
    let world = three();
    let [bob, carol] = ["bob", "carol"].map(|who| world.id(who));
    let post = world.write("alice", "hello");
    let (mut bobs, mut carols) = (None, None);
    let mut told = |world: &World| {
        world.clock.advance(HOUR_MS);
        let told = [("bob", &mut bobs), ("carol", &mut carols)].map(|(who, since)| {
            let counts = threads(pull(world, who, since)).into_iter().map(|summary| summary.comments);
            counts.collect::<Vec<u32>>()
        });
        // What is younger than a while is repeated.
        world.clock.advance(HOUR_MS);
        pull(world, "bob", &mut bobs);
        pull(world, "carol", &mut carols);
        told
    };
    told(&world);
    say(&world, "bob", "alice", post, "one");
    assert_eq!(told(&world), [vec![1], vec![1]]);
    world.edit("alice", post, "hello", Some(only(bob)));
    assert_eq!(told(&world), [vec![1], vec![]], "given with the post");
    say(&world, "bob", "alice", post, "two");
    assert_eq!(told(&world), [vec![2], vec![]]);
    world.edit("alice", post, "hello", Some(only(carol)));
    assert_eq!(told(&world), [vec![], vec![2]]);
    say(&world, "carol", "alice", post, "three");
    assert_eq!(told(&world), [vec![], vec![3]]);
    world.edit("alice", post, "hello", Some(crate::api::Audience::default()));
    assert_eq!(told(&world), [vec![3], vec![3]]);
    // Who comes into a circle finds what is under its posts.
    let choir = world.circle("alice", "Choir", &["carol"]);
    let sung = world.write_for("alice", "la", circle(choir));
    say(&world, "carol", "alice", sung, "la la");
    assert_eq!(told(&world), [vec![], vec![1]]);
    world.put_in_circle("alice", choir, "bob");
    assert_eq!(told(&world)[0], [1]);
    world.take_from_circle("alice", choir, "bob");
    say(&world, "carol", "alice", sung, "la la la");
    assert_eq!(told(&world), [vec![], vec![2]]);
    world.delete_post("alice", sung);
    assert_eq!(told(&world), [const { Vec::<u32>::new() }; 2]);
    let left = world.at("alice").view();
    let all = tidings_ledger::Range::partition(keys::UNDER);
    let left = block_on(left.scan(all, Direction::Forward, usize::MAX)).unwrap();
    assert!(left.iter().all(|entry| keys::parse_under(&entry.key).is_some_and(|(of, _)| of == post)));
}

#[test]
fn the_end_of_a_friendship_shows_in_what_rides_along() {
    let mut world = three();
    let post = world.write("alice", "hello");
    say(&world, "bob", "alice", post, "hm");
    say(&world, "carol", "alice", post, "hm!");
    let mut carol = None;
    pull(&world, "carol", &mut carol);
    world.clock.advance(HOUR_MS);
    pull(&world, "carol", &mut carol);
    world.end("alice", "bob");
    let told = threads(pull(&world, "carol", &mut carol));
    assert_eq!(short(&told), [(post, 1, Vec::new(), Some("hm!".into()))]);
}

#[test]
fn many_threads_fill_pages_and_the_newest_comments_come_first() {
    let world = three();
    let posts: Vec<RecordId> = (0..250)
        .map(|number| {
            world.clock.advance(10_000);
            let post = world.write("alice", &format!("post {number}"));
            say(&world, "bob", "alice", post, &"\u{1f600}".repeat(1_000));
            post
        })
        .collect();
    world.compact("alice");
    let listed = threads(pull(&world, "carol", &mut None));
    let counted: BTreeSet<RecordId> = listed.iter().map(|summary| summary.post).collect();
    assert_eq!(counted, posts.iter().copied().collect());
    assert!(listed.iter().all(|summary| summary.comments == 1));
    assert!(listed[0].latest.is_some() && listed[50].latest.is_none());
    assert_eq!(listed[0].post, posts[249]);
}
