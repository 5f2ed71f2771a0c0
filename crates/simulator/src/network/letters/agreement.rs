//! What of a conversation has to come of what both did.

use super::super::chronicle::{Clear, Deeds, Letter, Sure};
use super::super::world::{MINUTE_MS, World};
use super::{Conversation, Shown};
use tidings_protocol::{Fingerprint, RecordId};
use tidings_social::api::ClearFor;

/// What was cleared at a time may have ids of up to so much later: clocks lie apart, and what was tried may be done a while later.
const SLACK_MS: u64 = 10 * MINUTE_MS;

impl Clear {
    /// Whether a message may have been there by then.
    fn covers(&self, id: RecordId) -> bool {
        id.created_ms() <= self.until_ms + SLACK_MS
    }

    fn is_for_both(&self) -> bool {
        self.clear_for == ClearFor::Both
    }
}

/// One of two friends.
struct Side<'w> {
    name: String,
    id: Fingerprint,
    deeds: &'w Deeds,
    shows: &'w Conversation,
}

impl Side<'_> {
    /// What they wrote, as they show it.
    fn own(&self) -> impl Iterator<Item = &Shown> {
        self.shows.messages.iter().filter(|message| message.mine)
    }

    /// What they hold of the other one's.
    fn held(&self) -> impl Iterator<Item = &Shown> {
        self.shows.messages.iter().filter(|message| !message.mine)
    }

    /// How often they cleared the conversation, or tried to.
    fn clears(&self, with: &Side<'_>) -> impl Iterator<Item = &Clear> {
        self.deeds.clears.iter().filter(move |clear| clear.with == with.id)
    }

    /// Whether something may be gone from their copy: cleared by themselves, or as the other one wished.
    fn may_lack(&self, other: &Side<'_>, id: RecordId) -> bool {
        self.clears(other).any(|clear| clear.covers(id))
            || self.deeds.choice.keep_my_copy != Some(true)
                && other.clears(self).any(|clear| clear.is_for_both() && clear.covers(id))
    }

    /// Whether either of them ever meant to end it.
    fn was_ended_with(&self, other: &Side<'_>) -> bool {
        self.deeds.ended.contains(&other.id) || other.deeds.ended.contains(&self.id)
    }
}

/// What is wrong with what `a` shows of the conversation with `b`, a friend, who shows `theirs`.
pub(in super::super) fn problems(
    world: &World,
    (a, b): (usize, usize),
    ours: &Conversation,
    theirs: &Conversation,
) -> Vec<String> {
    let chronicle = world.chronicle.borrow();
    let side = |number: usize, shows| Side {
        name: format!("d{number}"),
        id: world.deployment(number).fingerprint(),
        deeds: &chronicle.of[number],
        shows,
    };
    let (a, b) = (side(a, ours), side(b, theirs));
    let mut wrong = Vec::new();
    if !ours.messages.is_sorted_by_key(|message| std::cmp::Reverse(message.id)) {
        wrong.push(format!("{}'s conversation with {} is out of order", a.name, b.name));
    }
    wrong.extend(copies(&a, &b));
    wrong.extend(own(&a, &b));
    wrong.extend(arrived(&a, &b));
    wrong.extend(cleared(&a, &b));
    wrong.extend(read(&a, &b));
    wrong
}

/// Whether `a` holds of `b` what they show, unless one of them cleared it.
fn copies(a: &Side<'_>, b: &Side<'_>) -> Vec<String> {
    let mut wrong = Vec::new();
    for message in b.own() {
        let held: Vec<&Shown> = a.held().filter(|other| other.id == message.id).collect();
        match held[..] {
            // What was withdrawn before it was pulled leaves nothing.
            [] if message.text.is_none() || a.may_lack(b, message.id) => {}
            [] => wrong.push(format!("{} lacks of {} {message:?}", a.name, b.name)),
            [one] if one.text == message.text => {}
            [one] => wrong.push(format!("{} has of {} {one:?} for {message:?}", a.name, b.name)),
            _ => wrong.push(format!("{} has {message:?} of {} {} times", a.name, b.name, held.len())),
        }
    }
    let is_known = |held: &&Shown| b.own().any(|message| message.id == held.id) || b.may_lack(a, held.id);
    wrong.extend(
        a.held().filter(|held| !is_known(held)).map(|m| format!("{} has of {} {m:?}", a.name, b.name)),
    );
    wrong
}

/// Whether `a` shows of their own what they wrote, edited and withdrew.
fn own(a: &Side<'_>, b: &Side<'_>) -> Vec<String> {
    let mut wrong = Vec::new();
    for letter in a.deeds.letters.iter().filter(|letter| letter.to == b.id) {
        let Letter { text, written, withdrawn, .. } = letter;
        let may_lack = letter.id.is_none_or(|id| a.may_lack(b, id));
        let is_it = |shown: &&Shown| match letter.id {
            Some(id) => shown.id == id,
            None => shown.text.as_ref() == Some(text),
        };
        let own: Vec<&Shown> = a.own().filter(is_it).collect();
        let says = own.first().and_then(|shown| shown.text.as_ref());
        match (own.len(), written, withdrawn) {
            (0, Sure::Yes, Sure::No) if !may_lack => wrong.push(format!("{} lost its own '{text}'", a.name)),
            (1, _, Sure::Yes) if says.is_some() => {
                wrong.push(format!("{} withdrew '{text}', and it is there", a.name));
            }
            (1, _, Sure::No) if says.is_none_or(|says| !letter.may_say(says)) => {
                wrong.push(format!("{}'s own '{text}' says {says:?}", a.name));
            }
            (0 | 1, ..) => {}
            (count, ..) => wrong.push(format!("{} has its own '{text}' {count} times", a.name)),
        }
    }
    wrong
}

/// Whether what `a` wrote is at `b`'s, whatever `a` has cleared for themselves since. When it was over for a while, what was on its
/// way may have been cleared as well.
fn arrived(a: &Side<'_>, b: &Side<'_>) -> Vec<String> {
    if a.was_ended_with(b) {
        return Vec::new();
    }
    let is_there = |id: RecordId| b.held().any(|held| held.id == id);
    let is_lost = |letter: &&Letter| {
        let id = letter.id.filter(|_| letter.written == Sure::Yes && letter.withdrawn == Sure::No);
        // What `a` clears for both before `b` has pulled it never gets there, whether they keep their copy or not.
        let is_for_both = |id: RecordId| a.clears(b).any(|clear| clear.is_for_both() && clear.covers(id));
        id.is_some_and(|id| !is_there(id) && !b.may_lack(a, id) && !is_for_both(id))
    };
    let letters = a.deeds.letters.iter().filter(|letter| letter.to == b.id);
    letters
        .filter(is_lost)
        .map(|letter| format!("{} never got '{}' of {}", b.name, letter.text, a.name))
        .collect()
}

/// Whether what `a` cleared is gone, also at `b`'s if it was for both, and whether `a` knows what became of that.
fn cleared(a: &Side<'_>, b: &Side<'_>) -> Vec<String> {
    let mut wrong = Vec::new();
    for clear in a.clears(b).filter(|clear| clear.done == Sure::Yes) {
        for (mine, id) in &clear.seen {
            if a.shows.messages.iter().any(|shown| (shown.mine, shown.id) == (*mine, *id)) {
                wrong.push(format!("{} cleared {id} with {}, and shows it", a.name, b.name));
            }
            let obeys = clear.is_for_both() && b.deeds.choice.keep_my_copy == Some(false);
            if obeys && b.shows.messages.iter().any(|shown| (shown.mine, shown.id) == (!*mine, *id)) {
                wrong.push(format!("{} cleared {id} for both, and {} shows it", a.name, b.name));
            }
        }
    }
    let is_sure = a.clears(b).any(|clear| clear.done == Sure::Yes && clear.is_for_both());
    match (a.shows.kept, b.deeds.choice.keep_my_copy) {
        (Some(Some(kept)), Some(keeps)) if kept == keeps => {}
        (None, _) if !is_sure => {}
        (Some(Some(_)), None) => {}
        (told, keeps) => {
            wrong.push(format!("{} was told {told:?} of what {} did with a wish: {keeps:?}", a.name, b.name));
        }
    }
    wrong
}

/// Whether `b` is told what `a` has read, if they are to be told.
fn read(a: &Side<'_>, b: &Side<'_>) -> Vec<String> {
    let Some(marks) = a.deeds.choice.read_marks else { return Vec::new() };
    let read = a.deeds.reads.get(&b.id).copied().unwrap_or_default();
    let is_wrong = |shown: &&Shown| {
        let must = marks && Some(shown.id) <= read.through;
        let may = marks && Some(shown.id) <= read.perhaps;
        must && !shown.is_read || shown.is_read && !may
    };
    let said = |shown: &Shown| {
        format!("{} shows {shown:?}, of which {} has read {read:?}, marks: {marks}", b.name, a.name)
    };
    b.own().filter(|shown| shown.text.is_some()).filter(is_wrong).map(said).collect()
}
