//! Private messages: what owners do with them. What has to come of it is in [`agreement`].

mod agreement;

pub(super) use agreement::problems;

use super::chronicle::{Clear, Letter, Sure};
use super::life::{TRIES, WITHDRAWN_AFTER_MS, uuid7};
use super::owner::{self, Answer};
use super::world::World;
use super::wrong::Wrong;
use std::rc::Rc;
use tidings_protocol::{Fingerprint, RecordId};
use tidings_social::api::{ClearFor, FriendState};

/// A message as somebody sees it: whose it is, and what it says unless it was withdrawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shown {
    pub id: RecordId,
    pub mine: bool,
    pub text: Option<String>,
    /// Whether the other one has read it, as far as is known.
    pub is_read: bool,
}

/// A conversation as somebody sees it.
#[derive(Debug, Clone, Default)]
pub(super) struct Conversation {
    /// Newest first.
    pub messages: Vec<Shown>,
    /// What became of the last wish to clear it for both, if there was one: whether the other one kept it, once they have said.
    pub kept: Option<Option<bool>>,
}

/// Chooses for once and all what friends learn of one's reading, and whether they may clear what is here.
pub(super) async fn choose(world: &Rc<World>, number: usize) {
    let (read_marks, keep_my_copy) = (world.chance(700), world.chance(300));
    for _ in 0..TRIES {
        let keeps = keep_my_copy && world.wrong != Wrong::ClearsWhatIsKept;
        if owner::choose(world, number, read_marks, keeps).await == Answer::Done(()) {
            let choice = &mut world.chronicle.borrow_mut().of[number].choice;
            (choice.read_marks, choice.keep_my_copy) = (Some(read_marks), Some(keep_my_copy));
            return;
        }
        world.executor.sleep(world.draw(1_000..=60_000)).await;
    }
}

/// Does something about a conversation.
pub(super) async fn correspond(world: &Rc<World>, number: usize) {
    match world.draw(0..=99) {
        0..12 => return withdraw(world, number).await,
        12..24 => return correct(world, number).await,
        _ => {}
    }
    let Some(friends) = owner::friends_list(world, number).await.done() else { return };
    let friends: Vec<Fingerprint> = friends
        .iter()
        .filter(|friend| friend.state == FriendState::Friends)
        .map(|friend| friend.id)
        .collect();
    let Some(most) = friends.len().checked_sub(1) else { return };
    let with = friends[world.draw(0..=most as u64) as usize];
    match world.draw(0..=99) {
        0..30 => read(world, number, with).await,
        30..50 => clear(world, number, with).await,
        _ => {
            for _ in 0..world.draw(1..=3) {
                write(world, number, with).await;
            }
        }
    }
}

async fn write(world: &Rc<World>, number: usize, to: Fingerprint) {
    let place = world.chronicle.borrow().of[number].letters.len();
    let text = format!("message {place} of d{number}");
    world.chronicle.borrow_mut().of[number].letters.push(Letter {
        to,
        text: text.clone(),
        editions: Vec::new(),
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

/// One of the messages that all copies of the store have seen, as they are.
fn settled_letter(world: &World, number: usize) -> Option<(usize, Fingerprint, RecordId)> {
    let now_ms = world.now_ms();
    let candidates: Vec<_> = {
        let chronicle = world.chronicle.borrow();
        let letters = chronicle.of[number].letters.iter().enumerate();
        letters
            .filter(|(_, letter)| letter.withdrawn == Sure::No && letter.at_ms + WITHDRAWN_AFTER_MS < now_ms)
            .filter_map(|(place, letter)| Some((place, letter.to, letter.id?)))
            .collect()
    };
    let most = candidates.len().checked_sub(1)?;
    Some(candidates[world.draw(0..=most as u64) as usize])
}

async fn withdraw(world: &Rc<World>, number: usize) {
    let Some((place, to, id)) = settled_letter(world, number) else { return };
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

async fn correct(world: &Rc<World>, number: usize) {
    let Some((place, to, id)) = settled_letter(world, number) else { return };
    let edition = world.chronicle.borrow().of[number].letters[place].editions.len();
    let text = format!("message {place} of d{number}, edited {edition}");
    world.chronicle.borrow_mut().of[number].letters[place].editions.push((text.clone(), Sure::Perhaps));
    for _ in 0..TRIES {
        // From now on it is as if it was written just now.
        world.chronicle.borrow_mut().of[number].letters[place].at_ms = world.now_ms();
        let answer = owner::correct(world, number, to, id, text.clone()).await;
        world.note(|| format!("d{number} edits message {place}: {answer:?}"));
        if answer == Answer::Done(()) {
            world.chronicle.borrow_mut().of[number].letters[place].editions[edition].1 = Sure::Yes;
            return;
        }
        world.executor.sleep(world.draw(1_000..=60_000)).await;
    }
}

/// Reads what there is of a friend's.
async fn read(world: &Rc<World>, number: usize, with: Fingerprint) {
    let Some(conversation) = owner::whole_conversation(world, number, with).await.done() else { return };
    let newest = conversation.messages.iter().find(|message| !message.mine);
    let Some(through) = newest.map(|message| message.id) else { return };
    // Whatever instance answers has seen it by then.
    world.executor.sleep(WITHDRAWN_AFTER_MS).await;
    for _ in 0..TRIES {
        {
            let mut chronicle = world.chronicle.borrow_mut();
            let read = chronicle.of[number].reads.entry(with).or_default();
            read.perhaps = read.perhaps.max(Some(through));
        }
        let answer = owner::read(world, number, with, through).await;
        world.note(|| format!("d{number} has read up to {through}: {answer:?}"));
        if answer == Answer::Done(()) {
            let mut chronicle = world.chronicle.borrow_mut();
            let read = chronicle.of[number].reads.entry(with).or_default();
            read.through = read.through.max(Some(through));
            return;
        }
        world.executor.sleep(world.draw(1_000..=60_000)).await;
    }
}

async fn clear(world: &Rc<World>, number: usize, with: Fingerprint) {
    let Some(conversation) = owner::whole_conversation(world, number, with).await.done() else { return };
    let seen = conversation.messages.iter().map(|message| (message.mine, message.id)).collect();
    world.executor.sleep(WITHDRAWN_AFTER_MS).await;
    let clear_for = if world.chance(500) { ClearFor::Both } else { ClearFor::Me };
    let place = {
        let clears = &mut world.chronicle.borrow_mut().of[number].clears;
        clears.push(Clear { with, clear_for, seen, until_ms: world.now_ms(), done: Sure::Perhaps });
        clears.len() - 1
    };
    for _ in 0..TRIES {
        let answer = owner::clear(world, number, with, clear_for).await;
        world.note(|| format!("d{number} clears for {clear_for:?} what is with {with}: {answer:?}"));
        {
            let clear = &mut world.chronicle.borrow_mut().of[number].clears[place];
            clear.until_ms = world.now_ms();
            if answer == Answer::Done(()) {
                clear.done = Sure::Yes;
            }
        }
        // Who refuses does so since they are no friends any more: nothing was done, and nothing will be.
        if answer != Answer::Silence {
            return;
        }
        world.executor.sleep(world.draw(1_000..=60_000)).await;
    }
}
