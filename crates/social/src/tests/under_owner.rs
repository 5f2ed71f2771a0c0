//! What the owner does under their own posts, and sees there.

use super::audiences::{only, three};
use super::under::{events, react, say, texts};
use super::*;
use crate::api::{CommentChange, CommentView, NewComment, ThreadGist, ThreadView};
use crate::heads::Heads;
use crate::threads::ThreadError;
use crate::threads::own;
use tidings_protocol::CommentRef;

fn try_to_comment(
    world: &World,
    post: RecordId,
    text: &str,
    parent: Option<CommentRef>,
    key: Option<&str>,
) -> Result<(CommentView, bool), ThreadError> {
    world.clock.advance(1);
    let alice = world.at("alice");
    let new = NewComment { text: text.to_owned(), parent };
    let key = key.map(|key| key.parse().unwrap());
    let (view, me, now_ms) = (alice.view(), alice.person(), world.now_ms());
    let said = own::comment(&view, &alice.account, &me, post, new, key.as_ref(), now_ms, world.bytes());
    let (said, batch) = block_on(said)?;
    alice.commit(batch);
    Ok((said.comment, said.existed))
}

fn comment(world: &World, post: RecordId, text: &str) -> CommentView {
    try_to_comment(world, post, text, None, None).unwrap().0
}

fn thread(world: &World, post: RecordId, after: Option<&str>, limit: usize) -> ThreadView {
    let alice = world.at("alice");
    let (view, relations, me) = (alice.view(), alice.relations(), alice.person());
    block_on(own::thread(&view, &me, &relations, post, after, limit)).unwrap()
}

fn shown(world: &World, post: RecordId) -> Vec<(String, bool)> {
    let comments = thread(world, post, None, 100).comments.into_iter();
    comments.map(|comment| (comment.body.read().unwrap().text.unwrap(), comment.hidden)).collect()
}

fn gist(world: &World, post: RecordId) -> ThreadGist {
    let alice = world.at("alice");
    let (view, relations, me) = (alice.view(), alice.relations(), alice.person());
    let posts = BTreeSet::from([post]);
    block_on(own::gists(&view, &me, &relations, &posts)).unwrap().remove(&post).unwrap_or_default()
}

fn owed(world: &World, who: &str) -> Option<Head> {
    let alice = world.at("alice");
    let relation = alice.relation(&world.id(who));
    block_on(Heads::load_for(&alice.view(), &relation)).unwrap().owed_to(&relation)
}

#[test]
fn the_owner_comments_edits_and_withdraws_under_their_own_post() {
    let world = three();
    let post = world.write("alice", "hello");
    let bobs = say(&world, "bob", "alice", post, "hear, hear");
    let (answer, _) = try_to_comment(&world, post, "thank you", Some(bobs), None).unwrap();
    let reference = CommentRef { id: answer.id, author: answer.author.id };
    let (second, _) = try_to_comment(&world, post, "and more", Some(reference), None).unwrap();
    assert_eq!(second.parent, Some(bobs), "there is one level");
    assert!(answer.mine && answer.author.friend_of.is_none());
    let alice = world.at("alice");
    let change = |text: &str| {
        let (view, me) = (alice.view(), alice.person());
        let change = CommentChange { text: text.to_owned() };
        let edited = own::edit(&view, &alice.account, &me, post, answer.id, change, world.now_ms());
        let (shown, batch) = block_on(edited).unwrap();
        let is_empty = batch.is_empty();
        alice.commit(batch);
        (shown.edited_ms.is_some(), is_empty)
    };
    assert_eq!(change("thank you"), (false, true));
    assert_eq!(change("thanks"), (true, false));
    assert_eq!(texts(&world, "alice", "carol", post), ["hear, hear", "thanks", "and more"]);
    let withdraw = |id| block_on(own::withdraw(&alice.view(), &alice.account, post, id));
    alice.commit(withdraw(answer.id).unwrap());
    assert_eq!(texts(&world, "alice", "carol", post), ["hear, hear", "and more"]);
    assert!(withdraw(answer.id).unwrap().is_empty());
    assert_eq!(withdraw(bobs.id), Err(ThreadError::NoSuchComment), "not hers");
    let missing = try_to_comment(&world, post, "to what?", Some(reference), None);
    assert_eq!(missing.unwrap_err(), ThreadError::Parent);
    let nowhere = try_to_comment(&world, answer.id, "where?", None, None);
    assert_eq!(nowhere.unwrap_err(), ThreadError::NoSuchPost);
    assert!(matches!(try_to_comment(&world, post, " ", None, None), Err(ThreadError::Text(_))));
}

#[test]
fn the_same_key_writes_one_comment() {
    let world = three();
    let post = world.write("alice", "hello");
    for key in ["plain", "01920000-0000-7000-8000-000000000001"] {
        let (first, existed) = try_to_comment(&world, post, "once", None, Some(key)).unwrap();
        assert!(!existed);
        say(&world, "bob", "alice", post, "meanwhile");
        let (again, existed) = try_to_comment(&world, post, "once", None, Some(key)).unwrap();
        assert!(existed);
        assert_eq!(first, again);
        let other = try_to_comment(&world, post, "another", None, Some(key));
        assert_eq!(other.unwrap_err(), ThreadError::KeyReused);
    }
    assert_eq!(texts(&world, "alice", "bob", post), ["once", "meanwhile", "once", "meanwhile"]);
}

#[test]
fn hidden_comments_are_shown_to_the_owner_alone() {
    let world = three();
    let post = world.write("alice", "hello");
    let rude = say(&world, "bob", "alice", post, "rude");
    say(&world, "carol", "alice", post, "kind");
    let alice = world.at("alice");
    let hide = |hidden| alice.commit(block_on(own::hide(&alice.view(), post, rude, hidden)).unwrap());
    hide(true);
    assert_eq!(shown(&world, post), [("rude".into(), true), ("kind".into(), false)]);
    for reader in ["bob", "carol"] {
        assert_eq!(texts(&world, "alice", reader, post), ["kind"]);
    }
    assert_eq!(gist(&world, post).comments, 1);
    hide(true);
    hide(false);
    assert_eq!(texts(&world, "alice", "carol", post), ["rude", "kind"]);
    let other = CommentRef { author: world.id("carol"), ..rude };
    let missing = block_on(own::hide(&alice.view(), post, other, true));
    assert_eq!(missing.unwrap_err(), ThreadError::NoSuchComment);
}

#[test]
fn the_owner_sees_a_thread_in_pages_and_its_gist() {
    let mut world = three();
    let post = world.write("alice", "hello");
    assert_eq!(gist(&world, post), ThreadGist::default());
    for number in 0..5 {
        let who = ["bob", "carol"][number % 2];
        say(&world, who, "alice", post, &format!("{number}"));
    }
    comment(&world, post, "5");
    react(&world, "bob", "alice", post, ("🎉", true));
    react(&world, "bob", "alice", post, ("👍", true));
    let alice = world.at("alice");
    let emoji: tidings_protocol::Emoji = "👍".parse().unwrap();
    let react_self = |set| {
        let (view, me) = (alice.view(), alice.person());
        let reacted = own::react(&view, &alice.account, &me, post, (emoji.clone(), set), world.now_ms());
        let batch = block_on(reacted).unwrap();
        let is_empty = batch.is_empty();
        alice.commit(batch);
        is_empty
    };
    assert!(react_self(false), "nothing to take back");
    assert!(!react_self(true));
    assert!(react_self(true));
    let (mut read, mut after) = (Vec::new(), None::<String>);
    loop {
        let page = thread(&world, post, after.as_deref(), 4);
        assert_eq!(page.reactions.is_empty(), after.is_some());
        if after.is_none() {
            let shown = page.reactions.iter().map(|r| (r.emoji.to_string(), r.count, r.mine, r.people.len()));
            assert_eq!(shown.collect::<Vec<_>>(), [("👍".into(), 2, true, 2), ("🎉".into(), 1, false, 1)]);
        }
        read.extend(page.comments.iter().map(|comment| comment.body.read().unwrap().text.unwrap()));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(read, ["0", "1", "2", "3", "4", "5"]);
    let short = gist(&world, post);
    assert_eq!((short.comments, short.reactions.len()), (6, 2));
    assert!(short.latest.unwrap().mine);
    react_self(false);
    world.end("alice", "bob");
    assert_eq!(shown(&world, post).len(), 3, "of who is no friend any more nothing is shown");
    assert!(gist(&world, post).reactions.is_empty());
}

#[test]
fn earlier_commenters_are_told_of_a_new_comment_and_of_nothing_else() {
    let mut world = three();
    let post = world.write("alice", "hello");
    let settle = |world: &mut World| {
        for who in ["bob", "carol"] {
            world.refresh("alice", Scope::DUE);
            world.refresh(who, Scope::DUE);
        }
    };
    settle(&mut world);
    assert_eq!((owed(&world, "bob"), owed(&world, "carol")), (None, None));
    let bobs = say(&world, "bob", "alice", post, "first");
    react(&world, "carol", "alice", post, ("👍", true));
    assert_eq!((owed(&world, "bob"), owed(&world, "carol")), (None, None));
    say(&world, "carol", "alice", post, "second");
    assert!(owed(&world, "bob").is_some());
    assert_eq!(owed(&world, "carol"), None, "not who says it");
    settle(&mut world);
    assert_eq!(owed(&world, "bob"), None);
    comment(&world, post, "third");
    assert!(owed(&world, "bob").is_some() && owed(&world, "carol").is_some());
    settle(&mut world);
    let alice = world.at("alice");
    alice.commit(block_on(own::hide(&alice.view(), post, bobs, true)).unwrap());
    assert_eq!((owed(&world, "bob"), owed(&world, "carol")), (None, None), "hiding rides along");
    // Who may not see the post any more is not told.
    world.edit("alice", post, "hello", Some(only(world.id("carol"))));
    settle(&mut world);
    comment(&world, post, "fourth");
    assert!(owed(&world, "bob").is_none() && owed(&world, "carol").is_some());
    assert!(events(&world, "alice").len() >= 3);
}
