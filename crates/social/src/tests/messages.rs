//! Private messages between deployments.

use super::*;
use crate::api::{
    ClearFor, ConversationPage, MessageState, MessageView, NewMessage, NotificationEvent, SettingsChange,
};
use crate::limits::{LOOK_ANYWAY_MS, UNDELIVERABLE_MS};
use crate::messages::{self, MessageError};
use crate::posts::IdempotencyKey;
use crate::settings;
use tidings_protocol::{Body, Change, Message};

impl World {
    fn try_to_tell(
        &self,
        from: &str,
        to: &str,
        text: &str,
        key: Option<&str>,
    ) -> Result<MessageView, MessageError> {
        self.clock.advance(1);
        let (writing, new) = (self.at(from), NewMessage { text: text.to_owned() });
        let (view, relation) = (writing.view(), writing.relation(&self.id(to)));
        let key: Option<IdempotencyKey> = key.map(|key| key.parse().unwrap());
        let (account, now_ms) = (&writing.account, self.now_ms());
        let sent = messages::send(&view, account, &relation, new, key.as_ref(), now_ms, self.bytes());
        let (sent, batch) = block_on(sent)?;
        writing.commit(batch);
        Ok(sent.message)
    }

    /// Writes a message without telling anybody yet.
    fn tell(&self, from: &str, to: &str, text: &str) -> RecordId {
        self.try_to_tell(from, to, text, None).unwrap().id
    }

    fn correct(&self, who: &str, to: &str, id: RecordId, text: &str) -> Result<MessageView, MessageError> {
        self.clock.advance(1);
        let (writing, new) = (self.at(who), NewMessage { text: text.to_owned() });
        let relation = writing.relation(&self.id(to));
        let view = writing.view();
        let edited = messages::edit(&view, &writing.account, &relation, id, new, self.now_ms());
        let (message, batch) = block_on(edited)?;
        writing.commit(batch);
        Ok(message)
    }

    fn withdraw(&self, who: &str, to: &str, id: RecordId) {
        self.clock.advance(1);
        let writing = self.at(who);
        let relation = writing.relation(&self.id(to));
        writing.commit(block_on(messages::withdraw(&writing.view(), &relation, id)).unwrap());
    }

    fn clear(&self, who: &str, with: &str, clear_for: ClearFor) -> Result<(), MessageError> {
        self.clock.advance(1);
        let clearing = self.at(who);
        let relation = clearing.relation(&self.id(with));
        let view = clearing.view();
        let cleared = messages::clear(&view, &relation, clear_for, self.now_ms(), self.bytes());
        clearing.commit(block_on(cleared)?);
        Ok(())
    }

    fn read(&self, who: &str, with: &str, through: RecordId) {
        self.clock.advance(1);
        let reading = self.at(who);
        let relation = reading.relation(&self.id(with));
        reading.commit(block_on(messages::read(&reading.view(), &relation, through)).unwrap());
    }

    fn choose(&self, who: &str, change: SettingsChange) {
        let choosing = self.at(who);
        choosing.commit(block_on(settings::change(&choosing.view(), change)).unwrap().1);
    }

    fn page(&self, who: &str, with: &str, limit: &str, before: Option<&str>) -> ConversationPage {
        let (reading, request) = (self.at(who), PageRequest::parse(Some(limit), before).unwrap());
        let relation = reading.relation(&self.id(with));
        let (view, account) = (reading.view(), &reading.account);
        block_on(messages::conversation(&view, account, &relation, &request, self.now_ms())).unwrap()
    }

    /// All texts, the oldest first; what was withdrawn is a dash.
    fn thread(&self, who: &str, with: &str) -> Vec<String> {
        let mut texts = Vec::new();
        let mut before = None;
        loop {
            let page = self.page(who, with, "100", before.as_deref());
            texts.extend(page.messages.iter().map(|message| message.text().unwrap_or_else(|| "-".into())));
            before = page.next;
            if before.is_none() {
                texts.reverse();
                return texts;
            }
        }
    }

    fn states(&self, who: &str, with: &str) -> Vec<MessageState> {
        let page = self.page(who, with, "100", None);
        page.messages.iter().rev().filter_map(|message| message.state).collect()
    }

    /// One tells what there is, the other one fetches it.
    fn pass_on(&mut self, from: &str, to: &str) {
        self.refresh(from, Scope::DUE);
        self.clock.advance(1);
        self.refresh(to, Scope::DUE);
    }

    fn message_notes(&self, who: &str) -> usize {
        let at = self.at(who);
        let request = crate::notifications::NotificationRequest::parse(None, None).unwrap();
        let page = block_on(crate::notifications::page(&at.view(), &at.account, request)).unwrap();
        let events = page.notifications.iter().map(|shown| &shown.event);
        events.filter(|event| matches!(event, NotificationEvent::Message { .. })).count()
    }
}

#[test]
fn a_conversation_is_the_same_on_both_sides_with_its_marks() {
    let mut world = World::of_friends("alice", "bob");
    world.tell("alice", "bob", "hello");
    assert_eq!(world.states("alice", "bob"), [MessageState::Waiting]);
    world.pass_on("alice", "bob");
    assert_eq!(world.states("alice", "bob"), [MessageState::Delivered]);
    let answer = world.tell("bob", "alice", "hello yourself");
    world.pass_on("bob", "alice");
    for (who, with) in [("alice", "bob"), ("bob", "alice")] {
        assert_eq!(world.thread(who, with), ["hello", "hello yourself"]);
    }
    assert_eq!((world.page("alice", "bob", "9", None).unread, world.message_notes("alice")), (1, 1));
    world.read("alice", "bob", answer);
    assert_eq!((world.page("alice", "bob", "9", None).unread, world.message_notes("alice")), (0, 0));
    world.pass_on("alice", "bob");
    assert_eq!(world.states("bob", "alice"), [MessageState::Read]);
    world.sent.clear();
    for _ in 0..3 {
        world.pass_on("bob", "alice");
        world.pass_on("alice", "bob");
    }
    assert_eq!(world.sent.len(), 0, "what came in is nothing to be told of");
}

#[test]
fn a_thousand_messages_sent_while_the_friend_is_down_arrive_in_order_once_each_in_few_requests() {
    let mut world = World::of_friends("alice", "bob");
    world.down.insert("bob".into());
    for n in 0..1_000 {
        world.tell("alice", "bob", &format!("message {n}"));
        if n % 250 == 249 {
            world.refresh("alice", Scope::DUE);
            world.compact("alice");
        }
    }
    world.clock.advance(HOUR_MS);
    world.down.clear();
    world.pass_on("alice", "bob");
    // A request takes only so much of what it may do; the next one goes on.
    while world.at("bob").relation(&world.id("alice")).pull.is_some_and(|pull| pull.more) {
        world.refresh("bob", Scope::DUE);
    }
    let expected: Vec<String> = (0..1_000).map(|n| format!("message {n}")).collect();
    assert_eq!(world.thread("bob", "alice"), expected);
    // All requests of the whole delivery: four times the friend was down, and then each page of 200.
    assert!(world.notifications_by("alice") <= 5, "{} notifications", world.notifications_by("alice"));
    assert!(world.pulls_by("bob") <= 8, "{} pulls", world.pulls_by("bob"));
    assert_eq!(world.sent.len(), world.notifications_by("alice") + world.pulls_by("bob"));
    world.sent.clear();
    for _ in 0..3 {
        world.pass_on("bob", "alice");
        world.pass_on("alice", "bob");
    }
    assert_eq!(world.sent.len(), 0, "and then there is nothing more to fetch");
    assert_eq!(world.page("bob", "alice", "1", None).unread, 100, "as many as are counted");
    assert!(world.states("alice", "bob").iter().all(|state| *state == MessageState::Delivered));
    // A friend who starts over has them all the same, and none twice.
    let lost = crate::relation::Pull { generation: 1, cursor: Some("lost".into()), ..Default::default() };
    let mut batch = Batch::new();
    batch.put(keys::pull(&world.id("alice")), stored::json(&lost));
    world.at("bob").commit(batch);
    world.refresh("bob", Scope::ALL);
    while world.at("bob").relation(&world.id("alice")).pull.is_some_and(|pull| pull.more) {
        world.refresh("bob", Scope::DUE);
    }
    assert_eq!(world.thread("bob", "alice"), expected);
}

#[test]
fn pages_of_a_conversation_neither_repeat_nor_skip() {
    let mut world = World::of_friends("alice", "bob");
    for n in 0..20 {
        let (from, to) = if n % 3 == 0 { ("bob", "alice") } else { ("alice", "bob") };
        world.tell(from, to, &format!("message {n}"));
    }
    world.pass_on("alice", "bob");
    world.pass_on("bob", "alice");
    let expected: Vec<String> = (0..20).rev().map(|n| format!("message {n}")).collect();
    for limit in ["1", "3", "19", "20"] {
        let (mut seen, mut before) = (Vec::new(), None);
        loop {
            let page = world.page("bob", "alice", limit, before.as_deref());
            seen.extend(page.messages.iter().filter_map(MessageView::text));
            before = page.next;
            if before.is_none() {
                break;
            }
        }
        assert_eq!(seen, expected, "pages of {limit}");
    }
}

#[test]
fn edits_and_withdrawals_arrive_and_a_withdrawn_one_never_comes_back() {
    let mut world = World::of_friends("alice", "bob");
    let (first, second) = (world.tell("alice", "bob", "frist"), world.tell("alice", "bob", "regret"));
    world.pass_on("alice", "bob");
    assert!(world.correct("alice", "bob", first, "first").unwrap().edited_ms.is_some());
    world.withdraw("alice", "bob", second);
    world.pass_on("alice", "bob");
    for (who, with) in [("alice", "bob"), ("bob", "alice")] {
        assert_eq!(world.thread(who, with), ["first", "-"]);
    }
    assert!(world.page("bob", "alice", "9", None).messages[1].edited_ms.is_some());
    // Whatever was under way when it was withdrawn.
    let (alice, bob) = (world.at("alice"), world.id("bob"));
    let late = |id, text: &str| {
        let (author, key) = (alice.account.identity(), alice.account.deployment_key());
        let body = Body::text(text);
        let message = Message { id, author, key: key.public_key(), to: bob, body, edited_ms: None };
        Change::Message { record: Signed::sign(message, key).unwrap() }
    };
    let answer = over_the_wire(&world.answer("alice", "bob", None).unwrap());
    let changes = vec![late(first, "frist"), late(second, "regret")];
    super::pulling::bob_settles_answer(&world, PullAnswer { changes, listed: None, ..answer });
    assert_eq!(world.thread("bob", "alice"), ["first", "-"]);
}

#[test]
fn lists_show_the_last_message_whatever_is_done_to_earlier_ones() {
    let mut world = World::of_friends("alice", "bob");
    let first = world.tell("alice", "bob", "first");
    let second = world.tell("alice", "bob", "second");
    let last = |world: &World, who: &str| {
        let request = PageRequest::parse(None, None).unwrap();
        let list = block_on(messages::conversations(&world.at(who).view(), &request)).unwrap();
        list.conversations[0].last.clone().and_then(|last| last.text)
    };
    let both = |world: &World| [last(world, "alice"), last(world, "bob")];
    world.pass_on("alice", "bob");
    assert_eq!(both(&world), [Some("second".into()), Some("second".into())]);
    world.correct("alice", "bob", first, "first, edited").unwrap();
    world.pass_on("alice", "bob");
    assert_eq!(both(&world), [Some("second".into()), Some("second".into())]);
    world.correct("alice", "bob", second, "second, edited").unwrap();
    world.pass_on("alice", "bob");
    assert_eq!(both(&world), [Some("second, edited".into()), Some("second, edited".into())]);
    world.withdraw("alice", "bob", first);
    world.pass_on("alice", "bob");
    assert_eq!(both(&world), [Some("second, edited".into()), Some("second, edited".into())]);
    world.withdraw("alice", "bob", second);
    world.pass_on("alice", "bob");
    assert_eq!(both(&world), [None, None]);
}

#[test]
fn what_two_requests_that_did_not_see_each_other_left_of_a_list_is_put_right_by_the_next() {
    let world = World::of_friends("alice", "bob");
    let first = world.tell("alice", "bob", "first");
    let since = world.at("bob").relation(&world.id("alice")).pull.unwrap().cursor;
    let early = over_the_wire(&world.answer("alice", "bob", since.as_deref()).unwrap());
    let second = world.tell("alice", "bob", "second");
    let late = over_the_wire(&world.answer("alice", "bob", since.as_deref()).unwrap());
    let bob = world.at("bob");
    let (view, relation) = (bob.view(), bob.relation(&world.id("alice")));
    super::pulling::bob_settles_answer(&world, late.clone());
    // A request that began before, and lands after.
    let letters = |answer: &PullAnswer| {
        let mut letters = messages::Letters::default();
        for change in &answer.changes {
            if let Change::Message { record } = change {
                letters.wrote(Message::clone(record.unverified()), record.to_json());
            }
        }
        letters
    };
    let mut batch = Batch::new();
    block_on(letters(&early).take(&view, &relation, world.now_ms(), &mut batch)).unwrap();
    bob.commit(batch);
    let got = |world: &World| {
        let request = PageRequest::parse(None, None).unwrap();
        let list = block_on(messages::conversations(&world.at("bob").view(), &request)).unwrap();
        list.conversations[0].last.clone().unwrap().text.unwrap()
    };
    assert_eq!(got(&world), "first", "the list was set back");
    super::pulling::bob_settles_answer(&world, late);
    assert_eq!(got(&world), "second");
    // And what was read does not become unread.
    world.read("bob", "alice", second);
    world.read("bob", "alice", first);
    assert_eq!(world.page("bob", "alice", "9", None).unread, 0);
}

#[test]
fn the_same_idempotency_key_makes_one_message_and_a_new_one_comes_after_all_others() {
    let world = World::of_friends("alice", "bob");
    let ms = world.now_ms() + 10_000;
    let uuid = |ms: u64, n: u64| {
        uuid::Builder::from_unix_timestamp_millis(ms, &[u8::try_from(n).unwrap(); 10]).into_uuid()
    };
    let (ahead, behind) = (uuid(ms, 1).to_string(), uuid(ms - 60_000, 2).to_string());
    let first = world.try_to_tell("alice", "bob", "from a clock ahead", Some(&ahead)).unwrap();
    assert_eq!(first.created_ms, ms);
    let second = world.try_to_tell("alice", "bob", "from a clock behind", Some(&behind)).unwrap();
    assert!(second.id > first.id);
    let third = world.try_to_tell("alice", "bob", "plain", Some("a-key")).unwrap();
    for (key, text, id) in [
        (&*ahead, "from a clock ahead", first.id),
        (&*behind, "from a clock behind", second.id),
        ("a-key", "plain", third.id),
    ] {
        assert_eq!(world.try_to_tell("alice", "bob", text, Some(key)).unwrap().id, id);
        let other = world.try_to_tell("alice", "bob", "something else", Some(key));
        assert_eq!(other, Err(MessageError::KeyReused));
    }
    assert_eq!(world.thread("alice", "bob").len(), 3);
}

#[test]
fn nothing_goes_to_or_comes_from_who_is_no_friend_and_both_keep_what_there_is() {
    let mut world = World::of_friends("alice", "bob");
    let id = world.tell("alice", "bob", "before");
    world.pass_on("alice", "bob");
    world.tell("bob", "alice", "on its way");
    world.end("alice", "bob");
    world.pass_on("bob", "alice");
    assert_eq!(world.thread("alice", "bob"), ["before"]);
    assert_eq!(world.thread("bob", "alice"), ["before", "on its way"]);
    for (who, with) in [("alice", "bob"), ("bob", "alice")] {
        assert_eq!(world.try_to_tell(who, with, "after", None), Err(MessageError::NotFriends));
        assert!(!world.page(who, with, "9", None).can_write);
    }
    assert_eq!(world.correct("alice", "bob", id, "changed"), Err(MessageError::NotFriends));
    assert_eq!(world.clear("alice", "bob", ClearFor::Both), Err(MessageError::NotFriends));
    // Friends again: what was on its way arrives, what is there is not there twice.
    world.befriend("alice", "bob");
    world.refresh("alice", Scope::ALL);
    assert_eq!(world.thread("alice", "bob"), ["before", "on its way"]);
    assert_eq!(world.thread("bob", "alice"), ["before", "on its way"]);
}

#[test]
fn messages_that_are_not_the_senders_or_for_somebody_else_are_passed_over() {
    let mut world = World::with(&["alice", "bob", "carol"]);
    world.befriend("alice", "bob");
    let message = |author: &str, signer: &str, to: &str, at_ms: u64, text: &str| {
        let key = world.at(signer).account.deployment_key();
        let message = Message {
            id: RecordId::from_parts(at_ms, world.bytes()),
            author: world.at(author).account.identity(),
            key: key.public_key(),
            to: world.id(to),
            body: Body::text(text),
            edited_ms: None,
        };
        Change::Message { record: Signed::sign(message, key).unwrap() }
    };
    let (now_ms, far_ms) = (world.now_ms(), world.now_ms() + 301_000);
    let changes = vec![
        message("alice", "alice", "bob", now_ms, "good"),
        message("alice", "alice", "carol", now_ms, "to carol"),
        message("carol", "alice", "bob", now_ms, "by carol"),
        message("alice", "carol", "bob", now_ms, "signed by carol"),
        message("alice", "alice", "bob", far_ms, "from the future"),
        message("alice", "alice", "bob", now_ms, " "),
    ];
    let answer = over_the_wire(&world.answer("alice", "bob", None).unwrap());
    super::pulling::bob_settles_answer(&world, PullAnswer { changes, listed: None, ..answer });
    assert_eq!(world.thread("bob", "alice"), ["good"]);
}

#[test]
fn clearing_for_oneself_takes_nothing_from_the_friend() {
    let mut world = World::of_friends("alice", "bob");
    world.tell("alice", "bob", "pulled");
    world.tell("bob", "alice", "an answer");
    world.pass_on("alice", "bob");
    world.pass_on("bob", "alice");
    world.down.insert("bob".into());
    world.tell("alice", "bob", "not pulled yet");
    world.clear("alice", "bob", ClearFor::Me).unwrap();
    assert!(world.thread("alice", "bob").is_empty());
    world.down.clear();
    world.clock.advance(HOUR_MS);
    world.pass_on("alice", "bob");
    assert_eq!(world.thread("bob", "alice"), ["pulled", "an answer", "not pulled yet"]);
    // The repeats that pulls bring while they may bring something do not undo it.
    world.refresh("alice", Scope::ALL);
    assert!(world.thread("alice", "bob").is_empty());
    world.tell("bob", "alice", "and on");
    world.pass_on("bob", "alice");
    assert_eq!(world.thread("alice", "bob"), ["and on"]);
}

#[test]
fn clearing_for_both_clears_the_friends_copy_too_unless_they_keep_it_and_tells_which() {
    for keep in [false, true] {
        let mut world = World::of_friends("alice", "bob");
        world.choose("bob", SettingsChange { keep_my_copy: Some(keep), ..Default::default() });
        world.tell("alice", "bob", "one");
        world.tell("bob", "alice", "two");
        world.pass_on("alice", "bob");
        world.pass_on("bob", "alice");
        world.clear("alice", "bob", ClearFor::Both).unwrap();
        assert!(world.thread("alice", "bob").is_empty());
        assert_eq!(world.page("alice", "bob", "9", None).clearing.unwrap().kept, None);
        world.tell("bob", "alice", "crosses it");
        world.pass_on("alice", "bob");
        let left: &[&str] = if keep { &["one", "two", "crosses it"] } else { &["crosses it"] };
        assert_eq!(world.thread("bob", "alice"), left);
        world.pass_on("bob", "alice");
        assert_eq!(world.page("alice", "bob", "9", None).clearing.unwrap().kept, Some(keep));
        assert_eq!(world.thread("alice", "bob"), ["crosses it"]);
        // It was done once: what is written later stays.
        world.tell("alice", "bob", "and on");
        world.pass_on("alice", "bob");
        assert_eq!(world.thread("bob", "alice").last().unwrap(), "and on");
        assert_eq!(world.message_notes("alice"), 1);
    }
}

#[test]
fn a_wish_to_clear_that_the_friend_has_not_heard_of_is_part_of_the_next() {
    let mut world = World::of_friends("alice", "bob");
    world.tell("alice", "bob", "one");
    world.tell("bob", "alice", "two");
    world.pass_on("alice", "bob");
    world.pass_on("bob", "alice");
    world.down.insert("bob".into());
    world.clear("alice", "bob", ClearFor::Both).unwrap();
    world.tell("alice", "bob", "three");
    world.clear("alice", "bob", ClearFor::Both).unwrap();
    world.down.clear();
    world.clock.advance(HOUR_MS);
    world.pass_on("alice", "bob");
    assert!(world.thread("bob", "alice").is_empty());
    world.pass_on("bob", "alice");
    assert_eq!(world.page("alice", "bob", "9", None).clearing.unwrap().kept, Some(false));
}

#[test]
fn clearing_for_oneself_takes_nothing_from_a_friend_whose_answer_was_lost() {
    let mut world = World::of_friends("alice", "bob");
    let since = world.at("bob").relation(&world.id("alice")).pull.unwrap().cursor;
    world.tell("alice", "bob", "lost on its way");
    // Bob's deployment asks, and the answer never gets there.
    let alice = world.at("alice");
    let query = PullQuery::parse(since.as_deref(), None, None).unwrap();
    let (view, relation) = (alice.view(), alice.relation(&world.id("bob")));
    let answered = pulls::answer(&view, &alice.account, &relation, &query, world.timing, world.now_ms());
    alice.commit(block_on(answered).unwrap().1);
    world.clear("alice", "bob", ClearFor::Me).unwrap();
    assert!(world.thread("alice", "bob").is_empty());
    world.refresh("bob", Scope::ALL);
    assert_eq!(world.thread("bob", "alice"), ["lost on its way"]);
}

#[test]
fn who_wants_no_read_marks_gives_none() {
    let mut world = World::of_friends("alice", "bob");
    world.choose("bob", SettingsChange { read_marks: Some(false), ..Default::default() });
    let id = world.tell("alice", "bob", "hello");
    world.pass_on("alice", "bob");
    world.read("bob", "alice", id);
    world.sent.clear();
    world.pass_on("bob", "alice");
    assert_eq!((world.notifications_by("bob"), world.page("bob", "alice", "9", None).unread), (0, 0));
    assert_eq!(world.states("alice", "bob"), [MessageState::Delivered]);
}

#[test]
fn what_cannot_be_delivered_for_long_has_failed_and_is_still_delivered_some_day() {
    let mut world = World::of_friends("alice", "bob");
    world.down.insert("bob".into());
    world.tell("alice", "bob", "are you there?");
    world.refresh("alice", Scope::DUE);
    assert!(world.page("alice", "bob", "9", None).owed.unwrap().problem.is_some());
    for _ in 0..=UNDELIVERABLE_MS / LOOK_ANYWAY_MS {
        world.clock.advance(LOOK_ANYWAY_MS);
        world.refresh("alice", Scope::DUE);
    }
    assert_eq!(world.states("alice", "bob"), [MessageState::Failed]);
    world.down.clear();
    world.refresh("alice", Scope::only(world.id("bob")));
    world.refresh("bob", Scope::DUE);
    assert_eq!(world.states("alice", "bob"), [MessageState::Delivered]);
    assert_eq!(world.thread("bob", "alice"), ["are you there?"]);
}

#[test]
fn a_friend_learns_nothing_of_what_is_written_to_others() {
    let answers = |writes: bool| {
        let mut world = World::with(&["alice", "bob", "carol"]);
        world.befriend("alice", "bob");
        world.befriend("alice", "carol");
        world.clock.advance(HOUR_MS);
        world.write("alice", "for all");
        let (mut seen, mut since) = (Vec::new(), None);
        for n in 0..4 {
            if writes {
                // At the same times, and with the same random bytes drawn, something for carol alone is written or not.
                let (alice, carol) = (world.at("alice"), world.id("carol"));
                let (view, relation) = (alice.view(), alice.relation(&carol));
                let new = NewMessage { text: format!("secret {n}") };
                let (account, now_ms) = (&alice.account, world.now_ms());
                let sent = messages::send(&view, account, &relation, new, None, now_ms, [n; 10]);
                alice.commit(block_on(sent).unwrap().1);
            }
            world.clock.advance(MINUTE_MS);
            let answer = world.answer("alice", "bob", since.as_deref()).unwrap();
            since = Some(answer.cursor.clone());
            seen.push((answer.changes.len(), answer.more, answer.listed, answer.again_ms));
            let alice = world.at("alice");
            let relations = alice.relations();
            let heads = block_on(Heads::load(&alice.view(), &relations)).unwrap();
            let bob = alice.relation(&world.id("bob"));
            assert_eq!(heads.of(&bob), answer.head);
            let repeated = world.answer("alice", "bob", since.as_deref()).unwrap();
            assert_eq!(answer.head, repeated.head);
            if n > 0 {
                assert_eq!(answer.tag(), repeated.tag(), "it stands where it stood");
            }
        }
        world.sent.clear();
        world.refresh("alice", Scope::DUE);
        (seen, world.notifications_by("alice"))
    };
    assert_eq!(answers(true), answers(false));
}

#[test]
fn lists_show_the_latest_conversation_first_with_what_is_unread() {
    let mut world = World::with(&["alice", "bob", "carol"]);
    world.befriend("alice", "bob");
    world.befriend("alice", "carol");
    world.tell("bob", "alice", "from bob");
    world.tell("carol", "alice", "from carol");
    world.pass_on("bob", "alice");
    world.pass_on("carol", "alice");
    world.tell("alice", "bob", "to bob");
    let list = |limit: &str, before: Option<&str>| {
        let request = PageRequest::parse(Some(limit), before).unwrap();
        block_on(messages::conversations(&world.at("alice").view(), &request)).unwrap()
    };
    let all = list("9", None);
    let shown = |list: &crate::api::ConversationList| {
        let of = |c: &crate::api::ConversationView| {
            let last = c.last.clone().unwrap();
            (c.friend.name.clone(), last.text.unwrap(), last.mine, c.unread)
        };
        list.conversations.iter().map(of).collect::<Vec<_>>()
    };
    let (to_bob, from_carol) =
        (("bob".into(), "to bob".into(), true, 1), ("carol".into(), "from carol".into(), false, 1));
    assert_eq!(shown(&all), [to_bob.clone(), from_carol.clone()]);
    let first = list("1", None);
    assert_eq!(shown(&first), [to_bob]);
    assert_eq!(shown(&list("1", first.next.as_deref())), [from_carol]);
}
