//! What friends say under somebody's posts, as the poster's deployment takes it.

use super::audiences::{only, three};
use super::*;
use crate::api::NotificationEvent;
use crate::limits::{
    COMMENTS_OF_ONE, COMMENTS_OF_POST, INTERACTIONS_MOST, PACE_MS, REACTION_MARKS_OF_ONE, REACTIONS_OF_ONE,
};
use crate::peer::VerifiedPeer;
use crate::threads::{self, StoredThread, ThreadError};
use tidings_protocol::limits::{ANSWER_BODY_BYTES, INTERACTIONS_AT_ONCE, THREAD_PAGE_COMMENTS};
use tidings_protocol::{
    Body, Comment, CommentRef, Emoji, Interaction, InteractionsMessage, Outcome, Reaction, ThreadPage,
};

/// A comment by somebody, as their client makes it.
pub(super) fn comment(world: &World, who: &str, poster: &str, post: RecordId, text: &str) -> Comment {
    world.clock.advance(1);
    let account = &world.at(who).account;
    Comment {
        id: RecordId::from_parts(world.now_ms(), world.bytes()),
        author: account.identity(),
        key: account.key(),
        name: who.to_owned(),
        poster: world.id(poster),
        post,
        parent: None,
        body: Body::text(text),
        edited_ms: None,
    }
}

pub(super) fn signed(world: &World, who: &str, comment: Comment) -> Interaction {
    let record = Signed::sign(comment, world.at(who).account.deployment_key()).unwrap();
    Interaction::Comment { record }
}

pub(super) fn reaction(
    world: &World,
    who: &str,
    poster: &str,
    post: RecordId,
    (emoji, set): (&str, bool),
) -> Interaction {
    world.clock.advance(1);
    let account = &world.at(who).account;
    let reaction = Reaction {
        author: account.identity(),
        key: account.key(),
        name: who.to_owned(),
        poster: world.id(poster),
        post,
        emoji: emoji.parse().unwrap(),
        set,
        at_ms: world.now_ms(),
    };
    Interaction::Reaction { record: Signed::sign(reaction, account.deployment_key()).unwrap() }
}

/// Somebody who proved to another one's deployment who they are.
pub(super) fn verified(world: &World, from: &str, to: &str) -> Result<VerifiedPeer, PeerError> {
    let (sender, receiver) = (&world.at(from).account, world.at(to));
    let parts =
        RequestParts { method: "POST", path: paths::INTERACTIONS, query: "", headers: &[], body: b"" };
    let (now_ms, own) = (world.now_ms(), sender.fingerprint());
    let certificate = Some(sender.certificate());
    let key = sender.deployment_key();
    let headers = sign_request(parts, &own, &world.id(to), certificate, key, now_ms / 1_000);
    let parts = RequestParts { headers: &headers, ..parts };
    block_on(peer::authenticate(&receiver.view(), &receiver.account, parts, now_ms))
}

/// Gives some of it to the poster's deployment.
pub(super) fn hand(
    world: &World,
    from: &str,
    to: &str,
    interactions: Vec<Interaction>,
) -> Result<Vec<Outcome>, PeerError> {
    let sender = verified(world, from, to)?;
    let receiver = world.at(to);
    let message = InteractionsMessage { interactions };
    let view = receiver.view();
    let received = threads::receive(&view, &receiver.account, &sender, &message, world.now_ms());
    let (answer, batch) = block_on(received)?;
    receiver.commit(batch);
    Ok(answer.outcomes)
}

/// Says something under a post, which has to be taken.
pub(super) fn say(world: &World, who: &str, poster: &str, post: RecordId, text: &str) -> CommentRef {
    let comment = comment(world, who, poster, post, text);
    let reference = comment.reference();
    assert_eq!(hand(world, who, poster, vec![signed(world, who, comment)]), Ok(vec![Outcome::Taken]));
    reference
}

pub(super) fn react(world: &World, who: &str, poster: &str, post: RecordId, emoji: (&str, bool)) -> Outcome {
    hand(world, who, poster, vec![reaction(world, who, poster, post, emoji)]).unwrap()[0]
}

/// A page of a thread as a friend is given it.
pub(super) fn page(
    world: &World,
    poster: &str,
    reader: &str,
    post: RecordId,
    after: Option<&str>,
) -> Result<StoredThread, ThreadError> {
    let at = world.at(poster);
    let relation = at.relation(&world.id(reader));
    block_on(threads::page(&at.view(), &at.account, &relation, post, after))
}

/// The texts of the comments on the first page, each verified as its reader does it.
pub(super) fn texts(world: &World, poster: &str, reader: &str, post: RecordId) -> Vec<String> {
    let page = page(world, poster, reader, post, None).unwrap();
    let page: ThreadPage = serde_json::from_str(&serde_json::to_string(&page).unwrap()).unwrap();
    let place = (world.id(poster), post);
    let own = world.at(poster).account.certificate();
    let certificate = |author: &PublicKey| {
        let among = page.certificates.iter().find(|one| one.unverified().identity == *author);
        among.or(Some(own))
    };
    for record in &page.reactions {
        let certificate = certificate(&record.unverified().author);
        assert!(record.verify_relayed(place, certificate, world.now_ms()).is_ok());
    }
    let text = |record: &Signed<Comment>| {
        let certificate = certificate(&record.unverified().author);
        let comment = record.verify_relayed(place, certificate, world.now_ms()).unwrap();
        comment.body.text.clone().unwrap()
    };
    page.comments.iter().map(text).collect()
}

/// The emojis on the first page, in their order.
fn emojis(world: &World, poster: &str, reader: &str, post: RecordId) -> Vec<String> {
    let page = page(world, poster, reader, post, None).unwrap();
    page.reactions.iter().map(|record| record.read().unwrap().unverified().emoji.to_string()).collect()
}

pub(super) fn events(world: &World, who: &str) -> Vec<NotificationEvent> {
    let at = world.at(who);
    let request = crate::notifications::NotificationRequest::parse(Some("100"), None).unwrap();
    let page = block_on(crate::notifications::page(&at.view(), &at.account, request)).unwrap();
    let events = page.notifications.into_iter().map(|shown| shown.event);
    let about_posts = |event: &NotificationEvent| {
        matches!(event, NotificationEvent::Comment { .. } | NotificationEvent::Reaction { .. })
    };
    events.filter(about_posts).collect()
}

#[test]
fn what_friends_say_is_shown_to_all_who_may_see_the_post_and_can_be_verified() {
    let world = three();
    let post = world.write("alice", "hello");
    let first = say(&world, "bob", "alice", post, "hear, hear");
    let answer = Comment { parent: Some(first), ..comment(&world, "carol", "alice", post, "what bob says") };
    assert_eq!(
        hand(&world, "carol", "alice", vec![signed(&world, "carol", answer)]),
        Ok(vec![Outcome::Taken])
    );
    assert_eq!(react(&world, "carol", "alice", post, ("👍", true)), Outcome::Taken);
    for reader in ["bob", "carol"] {
        assert_eq!(texts(&world, "alice", reader, post), ["hear, hear", "what bob says"]);
        assert_eq!(emojis(&world, "alice", reader, post), ["👍"]);
    }
    let shown = page(&world, "alice", "bob", post, None).unwrap();
    assert_eq!(shown.certificates.len(), 2, "each once");
    assert_eq!(shown.tag(), page(&world, "alice", "carol", post, None).unwrap().tag());
    say(&world, "bob", "alice", post, "more");
    assert_ne!(shown.tag(), page(&world, "alice", "bob", post, None).unwrap().tag());
}

#[test]
fn the_later_edition_counts_and_what_was_withdrawn_stays_so() {
    let world = three();
    let post = world.write("alice", "hello");
    let first = comment(&world, "bob", "alice", post, "frist");
    let edition = |text: &str, at_ms: u64| {
        let edited = Comment { edited_ms: Some(at_ms), body: Body::text(text), ..first.clone() };
        signed(&world, "bob", edited)
    };
    let (older, newer) = (edition("first", world.now_ms() + 1), edition("First", world.now_ms() + 2));
    let all = vec![newer, signed(&world, "bob", first.clone()), older];
    assert_eq!(hand(&world, "bob", "alice", all.clone()), Ok(vec![Outcome::Taken; 3]));
    assert_eq!(texts(&world, "alice", "carol", post), ["First"]);
    let withdrawn = Interaction::CommentDeleted { post, id: first.id };
    assert_eq!(hand(&world, "bob", "alice", vec![withdrawn]), Ok(vec![Outcome::Taken]));
    assert!(texts(&world, "alice", "carol", post).is_empty());
    assert_eq!(hand(&world, "bob", "alice", all), Ok(vec![Outcome::Taken; 3]));
    assert!(texts(&world, "alice", "carol", post).is_empty(), "whatever comes later");
    // One that was withdrawn before it came.
    let late = comment(&world, "bob", "alice", post, "late");
    let withdrawn = Interaction::CommentDeleted { post, id: late.id };
    let both = vec![withdrawn, signed(&world, "bob", late)];
    assert_eq!(hand(&world, "bob", "alice", both), Ok(vec![Outcome::Taken; 2]));
    assert!(texts(&world, "alice", "carol", post).is_empty());
}

#[test]
fn a_reaction_sets_a_state_and_the_later_word_counts() {
    let world = three();
    let post = world.write("alice", "hello");
    let set = reaction(&world, "bob", "alice", post, ("👍", true));
    let unset = reaction(&world, "bob", "alice", post, ("👍", false));
    let again = reaction(&world, "bob", "alice", post, ("👍", true));
    let say = |what: &[&Interaction]| {
        let what = what.iter().map(|one| (*one).clone()).collect();
        assert!(hand(&world, "bob", "alice", what).unwrap().iter().all(|o| *o == Outcome::Taken));
        emojis(&world, "alice", "carol", post)
    };
    assert_eq!(say(&[&set, &set]), ["👍"]);
    assert!(say(&[&unset]).is_empty());
    assert!(say(&[&set]).is_empty(), "a late copy");
    assert_eq!(say(&[&again]), ["👍"]);
}

#[test]
fn what_is_not_acceptable_is_refused_and_all_else_is_taken() {
    let world = three();
    let post = world.write("alice", "hello");
    let good = comment(&world, "bob", "alice", post, "good");
    let first = good.reference();
    let answer = Comment { parent: Some(first), ..comment(&world, "bob", "alice", post, "answer") };
    let deep = Comment { parent: Some(answer.reference()), ..comment(&world, "bob", "alice", post, "deep") };
    let own = comment(&world, "bob", "alice", post, "of itself");
    let own = Comment { parent: Some(own.reference()), ..own };
    let moved = Comment { parent: None, edited_ms: Some(world.now_ms()), ..answer.clone() };
    let by_carol = comment(&world, "carol", "alice", post, "by carol");
    let to_carol = comment(&world, "bob", "carol", post, "to carol");
    let early = Comment {
        id: RecordId::from_parts(world.now_ms() + 400_000, [1; 10]),
        ..comment(&world, "bob", "alice", post, "early")
    };
    let long = comment(&world, "bob", "alice", post, &"x".repeat(2_001));
    let mut big = comment(&world, "bob", "alice", post, "big");
    big.body.body_type = "image/v1".into();
    big.body.text = None;
    big.body.other.insert("data".into(), "x".repeat(13_000).into());
    let lost = CommentRef { id: RecordId::from_parts(5, [1; 10]), author: world.id("carol") };
    let lost = Comment { parent: Some(lost), ..comment(&world, "bob", "alice", post, "to what is gone") };
    let cases = [
        (signed(&world, "bob", good), Outcome::Taken),
        (signed(&world, "bob", answer), Outcome::Taken),
        (signed(&world, "bob", deep), Outcome::Invalid),
        (signed(&world, "bob", own), Outcome::Invalid),
        (signed(&world, "bob", moved), Outcome::Invalid),
        (signed(&world, "carol", by_carol.clone()), Outcome::Invalid),
        (signed(&world, "bob", by_carol), Outcome::Invalid),
        (signed(&world, "bob", to_carol), Outcome::Invalid),
        (signed(&world, "bob", early), Outcome::Invalid),
        (signed(&world, "bob", long), Outcome::Invalid),
        (signed(&world, "bob", big), Outcome::Invalid),
        (signed(&world, "bob", lost), Outcome::Taken),
        (reaction(&world, "carol", "alice", post, ("👍", true)), Outcome::Invalid),
        (reaction(&world, "bob", "alice", post, ("👍", true)), Outcome::Taken),
    ];
    let (said, expected): (Vec<_>, Vec<_>) = cases.into_iter().unzip();
    assert_eq!(hand(&world, "bob", "alice", said), Ok(expected));
    assert_eq!(texts(&world, "alice", "carol", post), ["good", "answer", "to what is gone"]);
}

#[test]
fn a_post_that_is_not_for_the_sender_is_to_them_as_if_there_were_none() {
    let world = three();
    let secret = world.write_for("alice", "for carol", only(world.id("carol")));
    say(&world, "carol", "alice", secret, "thanks");
    let never = RecordId::from_parts(world.now_ms(), [9; 10]);
    let answer_to = |post| {
        let said = vec![
            signed(&world, "bob", comment(&world, "bob", "alice", post, "me too")),
            reaction(&world, "bob", "alice", post, ("👍", true)),
            Interaction::CommentDeleted { post, id: never },
            // What is not acceptable is so whatever it is about.
            signed(&world, "carol", comment(&world, "carol", "alice", post, "not bob's")),
        ];
        let sender = verified(&world, "bob", "alice").unwrap();
        let alice = world.at("alice");
        let view = alice.view();
        let message = InteractionsMessage { interactions: said };
        let received = threads::receive(&view, &alice.account, &sender, &message, world.now_ms());
        let (answer, batch) = block_on(received).unwrap();
        assert!(batch.is_empty());
        let shown = page(&world, "alice", "bob", post, None).unwrap_err();
        (serde_json::to_string(&answer).unwrap(), shown)
    };
    assert_eq!(answer_to(secret), answer_to(never));
    assert_eq!(answer_to(secret).1, ThreadError::NoSuchPost);
    assert_eq!(texts(&world, "alice", "carol", secret), ["thanks"]);
}

#[test]
fn who_may_not_see_a_post_any_more_may_still_take_back_what_they_said() {
    let world = three();
    let post = world.write("alice", "hello");
    let said = say(&world, "bob", "alice", post, "hm");
    react(&world, "bob", "alice", post, ("👍", true));
    world.edit("alice", post, "hello", Some(only(world.id("carol"))));
    assert_eq!(texts(&world, "alice", "carol", post), ["hm"]);
    let back = vec![
        Interaction::CommentDeleted { post, id: said.id },
        reaction(&world, "bob", "alice", post, ("👍", false)),
        reaction(&world, "bob", "alice", post, ("👎", true)),
    ];
    assert_eq!(hand(&world, "bob", "alice", back), Ok(vec![Outcome::NoSuchPost; 3]));
    assert!(texts(&world, "alice", "carol", post).is_empty());
    assert!(emojis(&world, "alice", "carol", post).is_empty());
}

#[test]
fn only_friends_may_say_something_and_only_so_much_at_once_and_in_a_while() {
    let mut world = three();
    let post = world.write("alice", "hello");
    let many = |count: usize| -> Vec<Interaction> {
        (0..count).map(|_| signed(&world, "bob", comment(&world, "bob", "alice", post, "x"))).collect()
    };
    let too_many = many(INTERACTIONS_AT_ONCE + 1);
    assert_eq!(hand(&world, "bob", "alice", too_many), Err(PeerError::TooManyAtOnce));
    // Editing counts as much as writing.
    let first = comment(&world, "bob", "alice", post, "0");
    let mut taken = 0;
    let refused = loop {
        let edited_ms = Some(world.now_ms());
        let edition = Comment { edited_ms, body: Body::text(format!("{taken}")), ..first.clone() };
        match hand(&world, "bob", "alice", vec![signed(&world, "bob", edition)]) {
            Ok(_) => taken += 1,
            Err(error) => break error,
        }
        world.clock.advance(1_000);
    };
    assert_eq!(taken, INTERACTIONS_MOST);
    let wait_s = PACE_MS / 1_000 - u64::from(INTERACTIONS_MOST);
    assert_eq!(refused, PeerError::TooManyInteractions { retry_after_s: wait_s });
    say(&world, "carol", "alice", post, "others may");
    world.clock.advance(wait_s * 1_000);
    say(&world, "bob", "alice", post, "again");
    world.end("alice", "bob");
    let late = vec![signed(&world, "bob", comment(&world, "bob", "alice", post, "late"))];
    assert_eq!(hand(&world, "bob", "alice", late), Err(PeerError::NotAFriend));
}

#[test]
fn there_is_a_limit_to_what_is_said_under_one_post() {
    let world = three();
    let post = world.write("alice", "hello");
    let fill = |who: &str, count: usize| {
        let mut batch = Batch::new();
        for number in 0..count {
            let one = comment(&world, who, "alice", post, &format!("{number}"));
            let record = Signed::sign(one.clone(), world.at(who).account.deployment_key()).unwrap();
            batch.put(keys::comment(post, one.reference()), record.to_json());
        }
        world.at("alice").commit(batch);
    };
    let next = |who: &str| {
        let one = comment(&world, who, "alice", post, "one more");
        hand(&world, who, "alice", vec![signed(&world, who, one)]).unwrap()[0]
    };
    fill("bob", COMMENTS_OF_ONE - 1);
    assert_eq!([next("bob"), next("bob"), next("carol")], [Outcome::Taken, Outcome::TooMany, Outcome::Taken]);
    fill("alice", COMMENTS_OF_POST - COMMENTS_OF_ONE - 1);
    assert_eq!(next("carol"), Outcome::TooMany);
    let emoji = |number: usize| char::from_u32(0x1f600 + u32::try_from(number).unwrap()).unwrap().to_string();
    for number in 0..REACTIONS_OF_ONE {
        assert_eq!(react(&world, "bob", "alice", post, (&emoji(number), true)), Outcome::Taken);
    }
    assert_eq!(react(&world, "bob", "alice", post, (&emoji(60), true)), Outcome::TooMany);
    for number in 0..REACTION_MARKS_OF_ONE {
        assert_eq!(react(&world, "bob", "alice", post, (&emoji(number), false)), Outcome::Taken);
    }
    assert_eq!(react(&world, "bob", "alice", post, (&emoji(60), true)), Outcome::TooMany, "marks stay");
    assert_eq!(react(&world, "bob", "alice", post, (&emoji(0), true)), Outcome::Taken);
    assert_eq!(react(&world, "carol", "alice", post, (&emoji(60), true)), Outcome::Taken);
}

#[test]
fn a_long_thread_comes_in_pages_that_have_everything_once() {
    let world = three();
    let post = world.write("alice", "hello");
    let mut batch = Batch::new();
    let mut written = Vec::new();
    for number in 0..COMMENTS_OF_POST {
        let who = ["alice", "bob", "carol"][number % 3];
        let text = format!("{number} {}", "\u{1f600}".repeat(if number < 100 { 1_900 } else { 10 }));
        let one = comment(&world, who, "alice", post, &text);
        let record = Signed::sign(one.clone(), world.at(who).account.deployment_key()).unwrap();
        batch.put(keys::comment(post, one.reference()), record.to_json());
        written.push(text);
        if number % 100 == 99 {
            world.at("alice").commit(std::mem::take(&mut batch));
        }
    }
    for number in 0..80 {
        let emoji: Emoji = char::from_u32(0x1f600 + number).unwrap().to_string().parse().unwrap();
        let record = reaction(&world, "bob", "alice", post, (emoji.as_str(), true));
        let Interaction::Reaction { record } = record else { unreachable!() };
        batch.put(keys::reaction(post, &world.id("bob"), &emoji), record.to_json());
    }
    world.at("alice").commit(batch);
    let (mut read, mut after, mut pages) = (Vec::new(), None::<String>, 0);
    loop {
        let page = page(&world, "alice", "bob", post, after.as_deref()).unwrap();
        let bytes = serde_json::to_vec(&page).unwrap().len();
        assert!(bytes < ANSWER_BODY_BYTES && page.comments.len() <= THREAD_PAGE_COMMENTS, "{bytes}");
        assert_eq!(page.reactions.is_empty(), after.is_some());
        let text = |record: Signed<Comment>| record.unverified().body.text.clone().unwrap();
        read.extend(page.comments.iter().map(|record| text(record.read().unwrap())));
        pages += 1;
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(read, written);
    assert!(pages >= 4, "{pages}");
    assert_eq!(page(&world, "alice", "bob", post, Some("x")), Err(ThreadError::After));
}

#[test]
fn the_owner_is_told_once_for_each_friend_and_post_and_not_of_what_is_gone() {
    let mut world = three();
    let (post, other) = (world.write("alice", "hello"), world.write("alice", "other"));
    say(&world, "bob", "alice", post, "one");
    let last = say(&world, "bob", "alice", post, "two");
    react(&world, "bob", "alice", post, ("👍", true));
    react(&world, "bob", "alice", post, ("🎉", true));
    say(&world, "carol", "alice", other, "three");
    let [bob, carol] = ["bob", "carol"].map(|who| world.id(who));
    let shown = |world: &World| -> Vec<(Fingerprint, RecordId, Option<String>)> {
        let shown = events(world, "alice").into_iter().map(|event| match event {
            NotificationEvent::Comment { friend, post, .. } => (friend.id, post, None),
            NotificationEvent::Reaction { friend, post, emoji } => (friend.id, post, Some(emoji.to_string())),
            _ => unreachable!(),
        });
        shown.collect()
    };
    let party = Some("🎉".to_owned());
    assert_eq!(shown(&world), [(carol, other, None), (bob, post, party), (bob, post, None)]);
    react(&world, "bob", "alice", post, ("🎉", false));
    hand(&world, "bob", "alice", vec![Interaction::CommentDeleted { post, id: last.id }]).unwrap();
    assert_eq!(shown(&world), [(carol, other, None)]);
    world.delete_post("alice", other);
    assert!(shown(&world).is_empty());
    let alice = world.at("alice");
    alice.commit(friends::mute(&alice.relation(&bob), true).unwrap());
    say(&world, "bob", "alice", post, "quietly");
    react(&world, "bob", "alice", post, ("👍", true));
    assert!(shown(&world).is_empty(), "of a muted friend nothing is told");
    assert_eq!(texts(&world, "alice", "carol", post), ["one", "quietly"]);
    say(&world, "carol", "alice", post, "four");
    world.end("carol", "alice");
    assert!(shown(&world).is_empty());
}

#[test]
fn what_others_said_before_a_change_of_key_is_shown_once_they_send_it_again() {
    let mut world = three();
    let post = world.write("alice", "hello");
    let first = comment(&world, "bob", "alice", post, "hear, hear");
    hand(&world, "bob", "alice", vec![signed(&world, "bob", first.clone())]).unwrap();
    react(&world, "bob", "alice", post, ("👍", true));
    let seed = Seed::from_bytes(world.bytes());
    world.clock.advance(1_000);
    world.rekey("bob", &seed);
    // The next request shows it.
    say(&world, "bob", "alice", post, "new key");
    assert_eq!(texts(&world, "alice", "carol", post), ["new key"]);
    assert!(emojis(&world, "alice", "carol", post).is_empty());
    let again = Comment { key: world.at("bob").account.key(), ..first };
    hand(&world, "bob", "alice", vec![signed(&world, "bob", again)]).unwrap();
    assert_eq!(texts(&world, "alice", "carol", post), ["hear, hear", "new key"]);
    // What the poster said is signed again when it leaves.
    let alice = world.at("alice");
    let new = crate::api::NewComment { text: "mine".into(), parent: None };
    let (view, me) = (alice.view(), alice.person());
    let said =
        threads::own::comment(&view, &alice.account, &me, post, new, None, world.now_ms() + 1, world.bytes());
    alice.commit(block_on(said).unwrap().1);
    let seed = Seed::from_bytes(world.bytes());
    world.clock.advance(1_000);
    world.rekey("alice", &seed);
    assert_eq!(texts(&world, "alice", "carol", post), ["hear, hear", "new key", "mine"]);
}

#[test]
fn when_it_is_over_what_they_said_is_gone_at_once_and_removed() {
    let mut world = three();
    let posts: Vec<RecordId> = (0..60).map(|number| world.write("alice", &format!("{number}"))).collect();
    for post in &posts {
        world.clock.advance(PACE_MS / 60);
        say(&world, "bob", "alice", *post, "hm");
        react(&world, "bob", "alice", *post, ("👍", true));
    }
    say(&world, "carol", "alice", posts[0], "stays");
    world.refresh("bob", Scope::ALL);
    world.end("bob", "alice");
    for post in [posts[0], posts[59]] {
        assert!(!texts(&world, "alice", "carol", post).contains(&"hm".to_owned()));
        assert!(emojis(&world, "alice", "carol", post).is_empty());
    }
    let left = |world: &World| {
        let view = world.at("alice").view();
        let under = view.scan(tidings_ledger::Range::partition(keys::UNDER), Direction::Forward, usize::MAX);
        block_on(under).unwrap().len()
    };
    assert_eq!(left(&world), 21, "as many as one step takes");
    world.refresh("alice", Scope::ALL);
    assert_eq!(left(&world), 1, "the rest with the next one");
    let by = keys::by_author(&world.id("bob"));
    let alice = world.at("alice");
    assert!(block_on(alice.view().scan(by, Direction::Forward, 1)).unwrap().is_empty());
    assert!(!alice.relation(&world.id("bob")).leftover);
    assert_eq!(texts(&world, "alice", "carol", posts[0]), ["stays"]);
    // Friends again: they begin anew.
    world.befriend("bob", "alice");
    assert_eq!(texts(&world, "alice", "bob", posts[0]), ["stays"]);
}

#[test]
fn taking_and_showing_cost_few_operations() {
    let world = three();
    let post = world.write("alice", "hello");
    let limited = world.write_for(
        "alice",
        "for both",
        crate::api::Audience::Chosen {
            circles: Vec::new(),
            friends: vec![world.id("bob"), world.id("carol")],
            except: Vec::new(),
        },
    );
    for number in 0..150 {
        world.clock.advance(10_000);
        let who = ["bob", "carol"][number % 2];
        say(&world, who, "alice", [post, limited][number % 3 % 2], "as people do");
        let alice = world.at("alice");
        block_on(alice.ledger.maintain(&mut alice.view(), Budget::default())).unwrap();
    }
    let alice = world.at("alice");
    let count = || alice.ledger.store().take_operations().total();
    for place in [post, limited] {
        let many: Vec<_> = (0..INTERACTIONS_AT_ONCE)
            .map(|_| signed(&world, "bob", comment(&world, "bob", "alice", place, "x")))
            .collect();
        world.clock.advance(PACE_MS);
        count();
        let sender = verified(&world, "bob", "alice").unwrap();
        count();
        let (mut view, message) = (alice.view(), InteractionsMessage { interactions: many });
        let received = threads::receive(&view, &alice.account, &sender, &message, world.now_ms());
        let (_, batch) = block_on(received).unwrap();
        block_on(alice.ledger.commit(&mut view, batch)).unwrap();
        let taking = count();
        assert!(taking <= 40, "{taking} to take");
        page(&world, "alice", "carol", place, None).unwrap();
        let showing = count();
        assert!(showing <= 40, "{showing} to show");
    }
}
