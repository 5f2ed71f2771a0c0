//! Private messages: what owners write to each other, and what has to come of it.

use super::chronicle::{Letter, Sure};
use super::life::{TRIES, WITHDRAWN_AFTER_MS, uuid7};
use super::owner::{self, Answer};
use super::world::World;
use std::rc::Rc;
use tidings_protocol::{Fingerprint, RecordId};
use tidings_social::api::FriendState;

/// A message as somebody sees it: whose it is, and what it says unless it was withdrawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shown {
    pub id: RecordId,
    pub mine: bool,
    pub text: Option<String>,
}

/// Writes a few messages to a friend, or takes one back.
pub(super) async fn correspond(world: &Rc<World>, number: usize) {
    if world.chance(200) {
        return withdraw(world, number).await;
    }
    let Some(friends) = owner::friends_list(world, number).await.done() else { return };
    let friends: Vec<Fingerprint> = friends
        .iter()
        .filter(|friend| friend.state == FriendState::Friends)
        .map(|friend| friend.id)
        .collect();
    let Some(most) = friends.len().checked_sub(1) else { return };
    let to = friends[world.draw(0..=most as u64) as usize];
    for _ in 0..world.draw(1..=3) {
        write(world, number, to).await;
    }
}

async fn write(world: &Rc<World>, number: usize, to: Fingerprint) {
    let place = world.chronicle.borrow().of[number].letters.len();
    let text = format!("message {place} of d{number}");
    world.chronicle.borrow_mut().of[number].letters.push(Letter {
        to,
        text: text.clone(),
        id: None,
        at_ms: world.now_ms(),
        written: Sure::Perhaps,
        withdrawn: Sure::No,
    });
    let key = uuid7(world);
    for _ in 0..TRIES {
        let answer = owner::tell(world, number, to, text.clone(), key.clone()).await;
        world.note(|| format!("d{number} writes '{text}': {answer:?}"));
        if let Answer::Done(id) = answer {
            let mut chronicle = world.chronicle.borrow_mut();
            let letter = &mut chronicle.of[number].letters[place];
            (letter.id, letter.written) = (Some(id), Sure::Yes);
            return;
        }
        world.executor.sleep(world.draw(1_000..=60_000)).await;
    }
}

async fn withdraw(world: &Rc<World>, number: usize) {
    let now_ms = world.now_ms();
    let candidates: Vec<_> = {
        let chronicle = world.chronicle.borrow();
        let letters = chronicle.of[number].letters.iter().enumerate();
        letters
            .filter(|(_, letter)| letter.withdrawn == Sure::No && letter.at_ms + WITHDRAWN_AFTER_MS < now_ms)
            .filter_map(|(place, letter)| Some((place, letter.to, letter.id?)))
            .collect()
    };
    let Some(most) = candidates.len().checked_sub(1) else { return };
    let (place, to, id) = candidates[world.draw(0..=most as u64) as usize];
    for _ in 0..TRIES {
        world.chronicle.borrow_mut().of[number].letters[place].withdrawn = Sure::Perhaps;
        let answer = owner::take_back(world, number, to, id).await;
        world.note(|| format!("d{number} withdraws message {place}: {answer:?}"));
        if answer == Answer::Done(()) {
            world.chronicle.borrow_mut().of[number].letters[place].withdrawn = Sure::Yes;
            return;
        }
        world.executor.sleep(world.draw(1_000..=60_000)).await;
    }
}

/// What is wrong with what `a` shows of the conversation with `b`, a friend, who shows `theirs`.
pub(super) fn problems(
    world: &World,
    (a, b): (usize, usize),
    ours: &[Shown],
    theirs: &[Shown],
) -> Vec<String> {
    let mut wrong = Vec::new();
    if !ours.is_sorted_by_key(|message| std::cmp::Reverse(message.id)) {
        wrong.push(format!("d{a}'s conversation with d{b} is out of order"));
    }
    let written: Vec<&Shown> = theirs.iter().filter(|message| message.mine).collect();
    let held: Vec<&Shown> = ours.iter().filter(|message| !message.mine).collect();
    for message in &written {
        let count = held.iter().filter(|other| other.id == message.id).count();
        let is_same = held.iter().any(|other| other.id == message.id && other.text == message.text);
        // What was withdrawn before it was pulled leaves nothing.
        let may_lack = message.text.is_none() && count == 0;
        if !may_lack && (count != 1 || !is_same) {
            wrong.push(format!("d{a} has {count} of d{b}'s {message:?}, the same: {is_same}"));
        }
    }
    let is_known = |message: &&&Shown| written.iter().any(|other| other.id == message.id);
    wrong.extend(held.iter().filter(|m| !is_known(m)).map(|m| format!("d{a} has of d{b} {m:?}")));
    let to = world.deployment(b).fingerprint();
    for letter in world.chronicle.borrow().of[a].letters.iter().filter(|letter| letter.to == to) {
        let Letter { text, written, withdrawn, .. } = letter;
        let own = ours.iter().filter(|message| message.mine && message.text.as_ref() == Some(text)).count();
        match (own, written, withdrawn) {
            (0, Sure::Yes, Sure::No) => wrong.push(format!("d{a} lost its own '{text}'")),
            (1, _, Sure::Yes) => wrong.push(format!("d{a} withdrew '{text}', and it is there")),
            (0 | 1, ..) => {}
            (count, ..) => wrong.push(format!("d{a} has its own '{text}' {count} times")),
        }
    }
    wrong
}
