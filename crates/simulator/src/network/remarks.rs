//! Comments and reactions: what owners say under each other's posts, and what has to come of it.

use super::chronicle::{Remark, Sure, edition, first_edition};
use super::life::{TRIES, WITHDRAWN_AFTER_MS, uuid7};
use super::owner::{self, Answer};
use super::world::World;
use std::collections::BTreeSet;
use std::rc::Rc;
use tidings_protocol::{Fingerprint, RecordId};
use tidings_social::api::{InteractionState, PostView, ThreadView};

/// Of the newest posts of a feed so many are talked about, so that people meet there.
const TALKED_ABOUT: u64 = 6;

/// A thread as somebody sees it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Shown {
    /// Who wrote which comment, and what it says.
    pub comments: BTreeSet<(Fingerprint, RecordId, String)>,
    /// Who has an emoji there.
    pub reactions: BTreeSet<Fingerprint>,
    /// The viewer's own that have not arrived, or were not taken.
    pub stuck: BTreeSet<RecordId>,
}

impl Shown {
    pub fn add(&mut self, page: &ThreadView) {
        for comment in &page.comments {
            let text = comment.body.read().ok().and_then(|body| body.text).unwrap_or_default();
            self.comments.insert((comment.author.id, comment.id, text));
            if comment.state.is_some_and(|state| state != InteractionState::Delivered) {
                self.stuck.insert(comment.id);
            }
        }
        self.reactions.extend(page.reactions.iter().flat_map(|view| &view.people).map(|who| who.id));
    }
}

/// Says something under a post of the feed, or takes something back, or opens a thread.
pub(super) async fn remark(world: &Rc<World>, number: usize) {
    match world.draw(0..=9) {
        0 | 1 => return withdraw(world, number).await,
        2 => return edit(world, number).await,
        _ => {}
    }
    let Some(feed) = owner::whole_feed(world, number).await.done() else { return };
    let Some(most) = (feed.len() as u64).min(TALKED_ABOUT).checked_sub(1) else { return };
    let post = &feed[world.draw(0..=most) as usize];
    let place = (post.author.id, post.id);
    match world.draw(0..=9) {
        0..6 => comment(world, number, place).await,
        6..9 if !post.mine => react(world, number, post).await,
        _ => {
            let answer = owner::open_thread(world, number, place).await;
            world.note(|| format!("d{number} opens the thread of {}: {}", post.id, answer.done().is_some()));
        }
    }
}

async fn comment(world: &Rc<World>, number: usize, about: (Fingerprint, RecordId)) {
    let place = world.chronicle.borrow().of[number].remarks.len();
    let text = format!("comment {place} of d{number}");
    world.chronicle.borrow_mut().of[number].remarks.push(Remark {
        about,
        text: text.clone(),
        id: None,
        at_ms: world.now_ms(),
        written: Sure::Perhaps,
        withdrawn: Sure::No,
        says: Some(text.clone()),
    });
    let key = uuid7(world);
    for _ in 0..TRIES {
        let answer = owner::comment(world, number, about, text.clone(), key.clone()).await;
        world.note(|| format!("d{number} comments '{text}' on {}: {answer:?}", about.1));
        match answer {
            Answer::Done(id) => {
                let mut chronicle = world.chronicle.borrow_mut();
                let remark = &mut chronicle.of[number].remarks[place];
                (remark.id, remark.written) = (Some(id), Sure::Yes);
                return;
            }
            Answer::Refused(_) => return,
            Answer::Silence => world.executor.sleep(world.draw(1_000..=60_000)).await,
        }
    }
}

async fn react(world: &Rc<World>, number: usize, post: &PostView) {
    let set = world.chance(700);
    world.chronicle.borrow_mut().of[number].reacted.insert((post.author.id, post.id));
    let answer = owner::react(world, number, (post.author.id, post.id), set).await;
    world.note(|| format!("d{number} sets a reaction to {} to {set}: {answer:?}", post.id));
}

/// One of the comments that all copies of the store have seen, as they are.
fn settled_remark(world: &World, number: usize) -> Option<(usize, (Fingerprint, RecordId), RecordId)> {
    let now_ms = world.now_ms();
    let candidates: Vec<_> = {
        let chronicle = world.chronicle.borrow();
        let remarks = chronicle.of[number].remarks.iter().enumerate();
        remarks
            .filter(|(_, remark)| remark.withdrawn == Sure::No && remark.at_ms + WITHDRAWN_AFTER_MS < now_ms)
            .filter_map(|(place, remark)| Some((place, remark.about, remark.id?)))
            .collect()
    };
    let most = candidates.len().checked_sub(1)?;
    Some(candidates[world.draw(0..=most as u64) as usize])
}

async fn edit(world: &Rc<World>, number: usize) {
    let Some((place, about, id)) = settled_remark(world, number) else { return };
    let text = edition(&format!("comment {place} of d{number}"), world.draw(2..=99));
    for _ in 0..TRIES {
        {
            let remark = &mut world.chronicle.borrow_mut().of[number].remarks[place];
            (remark.at_ms, remark.says) = (world.now_ms(), None);
        }
        let answer = owner::edit_comment(world, number, about, id, text.clone()).await;
        world.note(|| format!("d{number} makes '{text}' of comment {place}: {answer:?}"));
        match answer {
            Answer::Done(()) => {
                world.chronicle.borrow_mut().of[number].remarks[place].says = Some(text);
                return;
            }
            Answer::Refused(_) => return,
            Answer::Silence => world.executor.sleep(world.draw(1_000..=60_000)).await,
        }
    }
}

async fn withdraw(world: &Rc<World>, number: usize) {
    let Some((place, about, id)) = settled_remark(world, number) else { return };
    for _ in 0..TRIES {
        world.chronicle.borrow_mut().of[number].remarks[place].withdrawn = Sure::Perhaps;
        let answer = owner::withdraw_comment(world, number, about, id).await;
        world.note(|| format!("d{number} withdraws comment {place}: {answer:?}"));
        match answer {
            Answer::Done(()) => {
                world.chronicle.borrow_mut().of[number].remarks[place].withdrawn = Sure::Yes;
                return;
            }
            Answer::Refused(_) => return,
            Answer::Silence => world.executor.sleep(world.draw(1_000..=60_000)).await,
        }
    }
}

/// What is wrong with what `reader` sees under a post of `poster`'s, who sees `theirs`.
pub(super) fn problems(
    world: &World,
    (reader, poster): (usize, usize),
    post: RecordId,
    ours: &Shown,
    theirs: &Shown,
) -> Vec<String> {
    let mut wrong = Vec::new();
    let name = |what: &str| format!("under {post} of d{poster}, d{reader} {what}");
    if !ours.stuck.is_empty() {
        wrong.push(name(&format!("has comments that did not arrive: {:?}", ours.stuck)));
    }
    for comment in theirs.comments.difference(&ours.comments) {
        wrong.push(name(&format!("lacks '{}'", comment.2)));
    }
    for comment in ours.comments.difference(&theirs.comments) {
        wrong.push(name(&format!("sees '{}', which the poster does not", comment.2)));
    }
    if ours.reactions != theirs.reactions {
        let (ours, theirs) = (ours.reactions.len(), theirs.reactions.len());
        wrong.push(name(&format!("sees {ours} reactions, the poster {theirs}")));
    }
    let own = world.deployment(reader).fingerprint();
    let about = (world.deployment(poster).fingerprint(), post);
    for remark in world.chronicle.borrow().of[reader].remarks.iter().filter(|remark| remark.about == about) {
        let Remark { text, written, withdrawn, says, .. } = remark;
        let mine = ours.comments.iter().filter(|(who, ..)| *who == own).map(|(_, _, shown)| shown);
        let mut editions = mine.filter(|shown| first_edition(shown) == text);
        if let Some(says) = says.as_ref().filter(|_| *withdrawn == Sure::No)
            && let Some(other) = editions.clone().find(|shown| *shown != says)
        {
            wrong.push(name(&format!("made '{says}' of '{other}', which is there")));
        }
        let count = editions.by_ref().count();
        match (count, written, withdrawn) {
            (0, Sure::Yes, Sure::No) => wrong.push(name(&format!("lost its own '{text}'"))),
            (1, _, Sure::Yes) => wrong.push(name(&format!("withdrew '{text}', and it is there"))),
            (0 | 1, ..) => {}
            (count, ..) => wrong.push(name(&format!("has its own '{text}' {count} times"))),
        }
    }
    wrong
}
