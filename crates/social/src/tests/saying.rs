//! Comments and reactions under friends' posts, from author to poster to reader.
//!
//! ```text
//! bob -- alice (poster) -- carol
//! ```

use super::*;
use crate::api::{
    CommentChange, CommentView, DeliveryState, InteractionState, NewComment, NotificationEvent, ThreadGist,
    ThreadView,
};
use crate::limits::{COMMENTS_OF_ONE, RESIGN_POSTS, RESIGN_STEP, THREAD_AGAIN_MS};
use crate::posts::IdempotencyKey;
use crate::said::{self, Place, SaidError};
use crate::{notifications, resigning};
use tidings_protocol::{Body, Comment, CommentRef, ThreadPage};

/// Alice, whose posts these are, and two friends of hers who do not know each other.
fn three() -> World {
    let mut world = World::with(&["alice", "bob", "carol"]);
    world.befriend("alice", "bob");
    world.befriend("alice", "carol");
    world
}

impl World {
    fn place_of<'r>(&self, poster: &'r Relation, post: RecordId) -> Place<'r> {
        Place { poster, post }
    }

    fn try_to_comment(
        &self,
        who: &str,
        poster: &str,
        post: RecordId,
        new: NewComment,
        key: Option<&str>,
    ) -> Result<threads::own::Commented, SaidError> {
        self.clock.advance(1);
        let writing = self.at(who);
        let (view, relation) = (writing.view(), writing.relation(&self.id(poster)));
        let key: Option<IdempotencyKey> = key.map(|key| key.parse().unwrap());
        let (account, place, now_ms) = (&writing.account, self.place_of(&relation, post), self.now_ms());
        let name = who.to_owned();
        let written = said::comment(&view, account, name, place, new, key.as_ref(), now_ms, self.bytes());
        let (written, batch) = block_on(written)?;
        writing.commit(batch);
        Ok(written)
    }

    /// Comments without giving it to anybody yet.
    fn comment(&self, who: &str, poster: &str, post: RecordId, text: &str) -> CommentView {
        let new = NewComment { text: text.to_owned(), parent: None };
        self.try_to_comment(who, poster, post, new, None).unwrap().comment
    }

    fn correct_comment(&self, who: &str, poster: &str, post: RecordId, id: RecordId, text: &str) {
        self.clock.advance(1);
        let writing = self.at(who);
        let (view, relation) = (writing.view(), writing.relation(&self.id(poster)));
        let (place, change) = (self.place_of(&relation, post), CommentChange { text: text.to_owned() });
        let edited = said::edit(&view, &writing.account, place, id, change, self.now_ms(), self.bytes());
        writing.commit(block_on(edited).unwrap().1);
    }

    fn withdraw_comment(&self, who: &str, poster: &str, post: RecordId, id: RecordId) {
        self.clock.advance(1);
        let writing = self.at(who);
        let (view, relation) = (writing.view(), writing.relation(&self.id(poster)));
        let place = self.place_of(&relation, post);
        writing.commit(block_on(said::withdraw(&view, place, id, self.now_ms(), self.bytes())).unwrap());
    }

    fn try_to_react(
        &self,
        who: &str,
        poster: &str,
        post: RecordId,
        emoji: &str,
        set: bool,
    ) -> Result<bool, SaidError> {
        self.clock.advance(1);
        let writing = self.at(who);
        let (view, relation) = (writing.view(), writing.relation(&self.id(poster)));
        let (account, place, now_ms) = (&writing.account, self.place_of(&relation, post), self.now_ms());
        let emoji = emoji.parse().unwrap();
        let said = said::react(&view, account, who.to_owned(), place, emoji, set, now_ms, self.bytes());
        let batch = block_on(said)?;
        let is_news = !batch.is_empty();
        writing.commit(batch);
        Ok(is_news)
    }

    /// What somebody sees under a friend's post without asking anybody.
    fn seen(&self, who: &str, poster: &str, post: RecordId) -> ThreadView {
        let reading = self.at(who);
        let relation = reading.relation(&self.id(poster));
        let place = self.place_of(&relation, post);
        let (view, relations) = (reading.view(), reading.relations());
        block_on(said::thread(&view, reading.person(), &relations, place, Some("100"), None)).unwrap()
    }

    /// Opens a thread: how many requests that took.
    fn open(&self, who: &str, poster: &str, post: RecordId) -> usize {
        self.open_through(who, poster, post, |page| page)
    }

    /// The same with what somebody on the way makes of the answer.
    fn open_through(
        &self,
        who: &str,
        poster: &str,
        post: RecordId,
        tamper: impl Fn(ThreadPage) -> ThreadPage,
    ) -> usize {
        let reading = self.at(who);
        let relation = reading.relation(&self.id(poster));
        let (place, relations) = (self.place_of(&relation, post), reading.relations());
        let asked = block_on(said::ask(&reading.view(), &reading.account, place, self.now_ms())).unwrap();
        let mut requests = 0;
        let mut asking = asked.map(|(question, batch)| {
            reading.commit(batch);
            question
        });
        while let Some(question) = asking {
            requests += 1;
            let answer = match self.deliver(who, &question.request) {
                PeerAnswer::Thread { page, tag } => PeerAnswer::Thread { page: Box::new(tamper(*page)), tag },
                other => other,
            };
            let view = reading.view();
            let taken = said::take(&view, &reading.account, &relations, question, answer, self.now_ms());
            let (batch, next) = block_on(taken).unwrap();
            reading.commit(batch);
            asking = next;
        }
        requests
    }

    fn own_thread(&self, poster: &str, post: RecordId) -> ThreadView {
        let own = self.at(poster);
        let (view, relations) = (own.view(), own.relations());
        block_on(threads::own::thread(&view, &own.person(), &relations, post, None, 100)).unwrap()
    }

    /// What the feed says about the newest post.
    fn gist(&self, who: &str) -> Option<ThreadGist> {
        self.at(who).feed("1", None).posts[0].thread.clone()
    }

    fn events(&self, who: &str) -> Vec<NotificationEvent> {
        let told = self.at(who);
        let request = notifications::NotificationRequest::parse(None, None).unwrap();
        let page = block_on(notifications::page(&told.view(), &told.account, request)).unwrap();
        page.notifications.into_iter().map(|noted| noted.event).collect()
    }
}

fn texts(comments: &[CommentView]) -> Vec<String> {
    comments.iter().map(|comment| comment.body.read().unwrap().text.unwrap()).collect()
}

#[test]
fn a_comment_is_shown_to_everybody_who_sees_the_post_with_whose_friend_wrote_it() {
    let mut world = three();
    let post = world.write("alice", "who comes along?");
    world.refresh("bob", Scope::ALL);
    world.refresh("carol", Scope::ALL);
    let comment = world.comment("bob", "alice", post, "I do");
    assert_eq!((comment.state, comment.mine), (Some(InteractionState::Waiting), true));
    assert_eq!(world.refresh("bob", Scope::DUE).delivered, 1);
    let seen = world.seen("bob", "alice", post);
    assert_eq!(seen.comments[0].state, Some(InteractionState::Delivered));
    let shown = world.own_thread("alice", post);
    assert_eq!(
        (texts(&shown.comments), shown.comments[0].author.friend_of.is_none()),
        (vec!["I do".into()], true)
    );
    assert!(world.events("alice").iter().any(|event| matches!(event, NotificationEvent::Comment { .. })));
    // It rides along with the next pull, and nobody is told for its sake.
    assert_eq!(world.notifications_by("alice"), 0);
    world.refresh("carol", Scope::ALL);
    let gist = world.gist("carol").unwrap();
    assert_eq!((gist.comments, gist.latest.unwrap().author.name), (1, "bob".into()));
    assert_eq!(world.open("carol", "alice", post), 1);
    let seen = world.seen("carol", "alice", post);
    let author = &seen.comments[0].author;
    assert_eq!((author.id, author.name.as_str()), (world.id("bob"), "bob"));
    assert_eq!(author.friend_of.as_ref().map(|of| of.id), Some(world.id("alice")));
    assert_eq!(world.gist("bob").unwrap().comments, 1);
}

#[test]
fn who_commented_before_is_told_of_the_next_comment() {
    let mut world = three();
    let post = world.write("alice", "who comes along?");
    world.refresh("bob", Scope::ALL);
    world.refresh("carol", Scope::ALL);
    world.refresh("alice", Scope::DUE);
    world.comment("bob", "alice", post, "I do");
    world.refresh("bob", Scope::DUE);
    world.clock.advance(HOUR_MS);
    world.refresh("bob", Scope::DUE);
    world.comment("carol", "alice", post, "me too");
    world.refresh("carol", Scope::DUE);
    let before = world.notifications_by("alice");
    world.refresh("alice", Scope::DUE);
    assert_eq!(world.notifications_by("alice"), before + 1, "bob alone is told");
    world.refresh("bob", Scope::DUE);
    let reply = |event: &NotificationEvent| match event {
        NotificationEvent::Reply { author, poster, post } => Some((author.name.clone(), poster.id, *post)),
        _ => None,
    };
    let told: Vec<_> = world.events("bob").iter().filter_map(reply).collect();
    assert_eq!(told, [("carol".to_owned(), world.id("alice"), post)]);
    assert!(
        !world.events("carol").iter().any(|event| reply(event).is_some()),
        "nobody is told of themselves"
    );
}

#[test]
fn editions_withdrawals_and_hiding_reach_every_reader() {
    let mut world = three();
    let post = world.write("alice", "who comes along?");
    world.refresh("bob", Scope::ALL);
    world.refresh("carol", Scope::ALL);
    let [first, second] = ["I do", "to the sea"].map(|text| world.comment("bob", "alice", post, text).id);
    world.refresh("bob", Scope::DUE);
    world.correct_comment("bob", "alice", post, first, "I do!");
    world.refresh("bob", Scope::DUE);
    world.open("carol", "alice", post);
    assert_eq!(texts(&world.seen("carol", "alice", post).comments), ["I do!", "to the sea"]);
    assert!(world.seen("carol", "alice", post).comments[0].edited_ms.is_some());
    world.withdraw_comment("bob", "alice", post, first);
    assert_eq!(texts(&world.seen("bob", "alice", post).comments), ["to the sea"], "gone here at once");
    world.refresh("bob", Scope::DUE);
    world.clock.advance(THREAD_AGAIN_MS);
    world.open("carol", "alice", post);
    assert_eq!(texts(&world.seen("carol", "alice", post).comments), ["to the sea"]);
    let alice = world.at("alice");
    let hidden = CommentRef { id: second, author: world.id("bob") };
    alice.commit(block_on(threads::own::hide(&alice.view(), post, hidden, true)).unwrap());
    assert!(world.own_thread("alice", post).comments[0].hidden);
    world.clock.advance(THREAD_AGAIN_MS);
    world.open("carol", "alice", post);
    assert!(world.seen("carol", "alice", post).comments.is_empty());
    world.refresh("carol", Scope::ALL);
    assert_eq!(world.gist("carol"), None);
}

#[test]
fn a_reaction_is_a_state_and_counts_once() {
    let mut world = three();
    let post = world.write("alice", "spring");
    world.refresh("bob", Scope::ALL);
    world.refresh("carol", Scope::ALL);
    assert_eq!(world.try_to_react("bob", "alice", post, "❤️", true), Ok(true));
    assert_eq!(world.try_to_react("bob", "alice", post, "❤", true), Ok(false), "it is there already");
    assert_eq!(world.try_to_react("bob", "alice", post, "👍", true), Ok(true));
    world.refresh("bob", Scope::DUE);
    assert_eq!(world.try_to_react("carol", "alice", post, "❤", true), Ok(true));
    world.refresh("carol", Scope::DUE);
    let counted = |views: &[crate::api::ReactionView]| -> Vec<(String, u32, bool)> {
        views.iter().map(|view| (view.emoji.to_string(), view.count, view.mine)).collect()
    };
    world.open("carol", "alice", post);
    let seen = world.seen("carol", "alice", post);
    assert_eq!(counted(&seen.reactions), [("❤".into(), 2, true), ("👍".into(), 1, false)]);
    world.clock.advance(1);
    assert_eq!(world.try_to_react("carol", "alice", post, "❤", false), Ok(true));
    assert_eq!(
        counted(&world.gist("carol").unwrap().reactions),
        [("❤".into(), 1, false), ("👍".into(), 1, false)]
    );
    world.refresh("carol", Scope::DUE);
    let own = world.own_thread("alice", post);
    assert_eq!(counted(&own.reactions), [("❤".into(), 1, false), ("👍".into(), 1, false)]);
}

#[test]
fn what_is_said_while_the_poster_is_down_waits_and_arrives_once() {
    let mut world = three();
    let post = world.write("alice", "who comes along?");
    world.refresh("bob", Scope::ALL);
    world.down.insert("alice".into());
    for text in ["one", "two", "three"] {
        world.comment("bob", "alice", post, text);
        let report = world.refresh("bob", Scope::DUE);
        assert_eq!(report.waiting, 1);
    }
    assert!(
        world.seen("bob", "alice", post).comments.iter().all(|c| c.state == Some(InteractionState::Waiting))
    );
    world.down.clear();
    world.clock.advance(5 * HOUR_MS);
    let before = world.sent.len();
    assert_eq!(world.refresh("bob", Scope::DUE).waiting, 0);
    let handovers = world.sent[before..].iter().filter(|(_, task)| matches!(task, Task::Interact(_))).count();
    assert_eq!(handovers, 1, "in one request");
    assert_eq!(texts(&world.own_thread("alice", post).comments), ["one", "two", "three"]);
    assert_eq!(world.refresh("bob", Scope::ALL).delivered, 0, "nothing is left");
}

#[test]
fn what_the_poster_does_not_take_is_shown_as_such() {
    let mut world = three();
    let post = world.write("alice", "for a moment");
    world.refresh("bob", Scope::ALL);
    let alice = world.at("alice");
    alice.commit(block_on(own_posts::delete(&alice.view(), post, world.now_ms())).unwrap());
    let comment = world.comment("bob", "alice", post, "too late");
    world.refresh("bob", Scope::ALL);
    let waits = world.seen("bob", "alice", post).comments[0].state;
    assert_eq!(waits, Some(InteractionState::Waiting), "their store may have been stale");
    world.clock.advance(HOUR_MS);
    world.refresh("bob", Scope::DUE);
    assert!(matches!(
        world.try_to_comment("bob", "alice", post, NewComment { text: "again".into(), parent: None }, None),
        Err(SaidError::NoPost(_))
    ));
    let seen = world.seen("bob", "alice", post);
    assert_eq!((seen.comments[0].id, seen.comments[0].state), (comment.id, Some(InteractionState::Refused)));
}

#[test]
fn a_thread_is_asked_for_every_half_minute_at_most_and_conditionally() {
    let mut world = three();
    let post = world.write("alice", "who comes along?");
    world.refresh("bob", Scope::ALL);
    world.comment("bob", "alice", post, "I do");
    world.refresh("bob", Scope::DUE);
    world.refresh("carol", Scope::ALL);
    assert_eq!(world.open("carol", "alice", post), 1);
    assert_eq!(world.open("carol", "alice", post), 0);
    world.clock.advance(THREAD_AGAIN_MS);
    let carol = world.at("carol");
    let relation = carol.relation(&world.id("alice"));
    let place = world.place_of(&relation, post);
    let (question, _) =
        block_on(said::ask(&carol.view(), &carol.account, place, world.now_ms())).unwrap().unwrap();
    assert_eq!(world.deliver("carol", &question.request), PeerAnswer::Unchanged);
    world.comment("bob", "alice", post, "really");
    world.refresh("bob", Scope::DUE);
    assert!(matches!(world.deliver("carol", &question.request), PeerAnswer::Thread { .. }));
}

#[test]
fn nobody_puts_words_into_somebody_elses_mouth() {
    let mut world = three();
    let post = world.write("alice", "who comes along?");
    world.refresh("bob", Scope::ALL);
    world.refresh("carol", Scope::ALL);
    world.comment("bob", "alice", post, "I do");
    world.refresh("bob", Scope::DUE);
    let forged = |page: ThreadPage| {
        let alice = &world.at("alice").account;
        let honest = page.comments[0].unverified().clone();
        let made_up = Comment { key: alice.key(), body: Body::text("I never come"), ..honest.clone() };
        let changed = Signed::sign(made_up, alice.deployment_key()).unwrap();
        let elsewhere = Comment { post: RecordId::from_bytes([3; 16]), ..honest };
        let elsewhere = Signed::sign(elsewhere, alice.deployment_key()).unwrap();
        ThreadPage { comments: [vec![changed, elsewhere], page.comments].concat(), ..page }
    };
    world.open_through("carol", "alice", post, forged);
    assert_eq!(texts(&world.seen("carol", "alice", post).comments), ["I do"]);
    world.clock.advance(THREAD_AGAIN_MS);
    let naked = |page: ThreadPage| ThreadPage { certificates: Vec::new(), ..page };
    let bob = world.at("bob");
    bob.commit(Batch::new());
    world.comment("bob", "alice", post, "still");
    world.refresh("bob", Scope::DUE);
    world.open_through("carol", "alice", post, naked);
    assert!(world.seen("carol", "alice", post).comments.is_empty(), "nothing proves who wrote them");
}

#[test]
fn a_repeated_request_comments_once() {
    let mut world = three();
    let post = world.write("alice", "who comes along?");
    world.refresh("bob", Scope::ALL);
    let new = |text: &str| NewComment { text: text.to_owned(), parent: None };
    for key in ["a-key-of-some-client", "0199a2b4-6c00-7000-8000-0123456789ab"] {
        let first = world.try_to_comment("bob", "alice", post, new("I do"), Some(key)).unwrap();
        let again = world.try_to_comment("bob", "alice", post, new("I do"), Some(key)).unwrap();
        assert_eq!((first.existed, again.existed, first.comment.id), (false, true, again.comment.id));
        let other = world.try_to_comment("bob", "alice", post, new("I do not"), Some(key));
        assert_eq!(other.unwrap_err(), SaidError::KeyReused);
    }
    assert_eq!(world.seen("bob", "alice", post).comments.len(), 2);
}

#[test]
fn an_answer_to_an_answer_answers_what_that_one_did() {
    let mut world = three();
    let post = world.write("alice", "who comes along?");
    world.refresh("bob", Scope::ALL);
    world.refresh("carol", Scope::ALL);
    let first = world.comment("bob", "alice", post, "I do");
    world.refresh("bob", Scope::DUE);
    world.open("carol", "alice", post);
    let top = CommentRef { id: first.id, author: world.id("bob") };
    let answer = NewComment { text: "with whom?".into(), parent: Some(top) };
    let answer = world.try_to_comment("carol", "alice", post, answer, None).unwrap().comment;
    let below = CommentRef { id: answer.id, author: world.id("carol") };
    let again = NewComment { text: "and when?".into(), parent: Some(below) };
    let again = world.try_to_comment("carol", "alice", post, again, None).unwrap().comment;
    assert_eq!((answer.parent, again.parent), (Some(top), Some(top)));
    let nowhere = CommentRef { id: RecordId::from_bytes([1; 16]), author: world.id("bob") };
    let lost = NewComment { text: "hm".into(), parent: Some(nowhere) };
    assert_eq!(world.try_to_comment("carol", "alice", post, lost, None).unwrap_err(), SaidError::Parent);
    world.refresh("carol", Scope::DUE);
    assert_eq!(world.own_thread("alice", post).comments.len(), 3);
}

#[test]
fn what_cannot_be_said_is_refused_before_anything_is_kept() {
    let mut world = three();
    let post = world.write("alice", "who comes along?");
    world.refresh("bob", Scope::ALL);
    let new = |text: String| NewComment { text, parent: None };
    let refused = |text: String| world.try_to_comment("bob", "alice", post, new(text), None).unwrap_err();
    assert!(matches!(refused(" ".into()), SaidError::Text(_)));
    assert!(matches!(refused("x".repeat(2_001)), SaidError::Text(_)));
    let elsewhere = RecordId::from_bytes([9; 16]);
    let nowhere = world.try_to_comment("bob", "alice", elsewhere, new("hm".into()), None);
    assert_eq!(nowhere.unwrap_err(), SaidError::NoPost(elsewhere));
    for _ in 0..COMMENTS_OF_ONE {
        world.comment("bob", "alice", post, "again");
    }
    assert_eq!(refused("once more".into()), SaidError::TooMany(COMMENTS_OF_ONE));
    world.end("bob", "alice");
    let ended = world.try_to_comment("bob", "alice", post, new("good bye".into()), None);
    assert_eq!(ended.unwrap_err(), SaidError::NotFriends);
}

#[test]
fn after_a_change_of_key_what_was_said_is_given_again() {
    let mut world = three();
    let post = world.write("alice", "who comes along?");
    world.refresh("bob", Scope::ALL);
    world.refresh("carol", Scope::ALL);
    world.comment("bob", "alice", post, "I do");
    assert_eq!(world.try_to_react("bob", "alice", post, "👍", true), Ok(true));
    world.refresh("bob", Scope::DUE);
    world.rekey("bob", &Seed::from_bytes([77; 32]));
    world.refresh("bob", Scope::ALL);
    let mut steps = 0;
    while world.at("bob").account.has_to_sign_again() {
        let bob = world.at("bob");
        bob.commit(block_on(resigning::step(&bob.view(), &bob.account)).unwrap());
        let account = block_on(Account::load(&bob.view())).unwrap().unwrap();
        world.deployments.get_mut("bob").unwrap().account = account;
        steps += 1;
        assert!(steps <= 2 * RESIGN_POSTS / RESIGN_STEP, "it ends");
    }
    world.refresh("bob", Scope::ALL);
    world.open("carol", "alice", post);
    let seen = world.seen("carol", "alice", post);
    assert_eq!((texts(&seen.comments), seen.reactions.len()), (vec!["I do".to_owned()], 1));
}

#[test]
fn what_is_known_of_a_thread_goes_with_its_post() {
    let mut world = three();
    let post = world.write("alice", "for a while");
    world.refresh("bob", Scope::ALL);
    world.refresh("carol", Scope::ALL);
    world.comment("bob", "alice", post, "nice");
    world.refresh("bob", Scope::DUE);
    world.refresh("carol", Scope::ALL);
    world.open("carol", "alice", post);
    let alice = world.at("alice");
    alice.commit(block_on(own_posts::delete(&alice.view(), post, world.now_ms())).unwrap());
    world.refresh("carol", Scope::ALL);
    let carol = world.at("carol").view();
    for partition in [keys::GIST, keys::OPENED] {
        let left =
            block_on(carol.scan(tidings_ledger::Range::partition(partition), Direction::Forward, 9)).unwrap();
        assert_eq!(left, [], "{partition}");
    }
    let kept = world.at("bob").view();
    let own =
        block_on(kept.scan(tidings_ledger::Range::partition(keys::SAID), Direction::Forward, 9)).unwrap();
    assert_eq!(own.len(), 1, "what somebody said stays theirs");
}

#[test]
fn a_comment_costs_its_author_few_operations() {
    let mut world = three();
    let post = world.write("alice", "who comes along?");
    world.refresh("bob", Scope::ALL);
    let bob = world.at("bob");
    let relation = bob.relation(&world.id("alice"));
    let mut view = bob.view();
    let place = world.place_of(&relation, post);
    let new = NewComment { text: "I do".into(), parent: None };
    let written = said::comment(&view, &bob.account, "bob".into(), place, new, None, world.now_ms(), [7; 10]);
    let (_, batch) = block_on(written).unwrap();
    block_on(bob.ledger.commit(&mut view, batch)).unwrap();
    assert!(view.operations() <= 14, "{}", view.operations());
    let owed = world.at("bob").relation(&world.id("alice")).owed_view();
    assert!(owed.is_none_or(|owed| owed.state == DeliveryState::Delivered));
}
