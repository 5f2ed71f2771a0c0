//! What the owners did, as they themselves know it: what the network has to come to in the end.

use std::collections::{BTreeMap, BTreeSet};
use tidings_protocol::{Fingerprint, RecordId};
use tidings_social::api::{Audience, ClearFor};

/// How sure an owner is that something is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Sure {
    /// Never tried.
    No,
    /// Tried without ever getting an answer: either is right.
    Perhaps,
    /// Their deployment said so.
    Yes,
}

/// Comes before the number of an edition in a text.
const EDITION: &str = ", edition ";

/// Another edition of a text of which no two of a run are the same.
pub(super) fn edition(text: &str, number: u64) -> String {
    format!("{text}{EDITION}{number}")
}

/// The text of the first edition.
pub(super) fn first_edition(text: &str) -> &str {
    text.split(EDITION).next().unwrap_or(text)
}

/// A post that an owner wrote.
#[derive(Debug, Clone)]
pub(super) struct Written {
    /// No two posts of a run have the same.
    pub text: String,
    /// Its id, once it is known.
    pub id: Option<RecordId>,
    /// When it was written, in unix milliseconds.
    pub at_ms: u64,
    /// Whom it is for, if that is sure.
    pub audience: Option<Audience>,
    pub published: Sure,
    pub withdrawn: Sure,
    /// What it surely says by now, unless nobody knows.
    pub says: Option<String>,
}

/// A private message that an owner wrote.
#[derive(Debug, Clone)]
pub(super) struct Letter {
    /// To whom.
    pub to: Fingerprint,
    /// No two of one owner have the same.
    pub text: String,
    /// What it may say instead by now: it says the last of these that is sure, or one that was tried later.
    pub editions: Vec<(String, Sure)>,
    /// Its id, once it is known.
    pub id: Option<RecordId>,
    /// When it was written or edited last, in unix milliseconds.
    pub at_ms: u64,
    pub written: Sure,
    pub withdrawn: Sure,
}

/// A comment that an owner wrote.
#[derive(Debug, Clone)]
pub(super) struct Remark {
    /// Under whose post, and which one.
    pub about: (Fingerprint, RecordId),
    /// No two of one owner have the same.
    pub text: String,
    /// Its id, once it is known.
    pub id: Option<RecordId>,
    /// When it was written, in unix milliseconds.
    pub at_ms: u64,
    pub written: Sure,
    pub withdrawn: Sure,
    /// What it surely says by now, unless nobody knows.
    pub says: Option<String>,
}

impl Letter {
    /// Whether it may say this by now.
    pub fn may_say(&self, text: &str) -> bool {
        let sure = self.editions.iter().rposition(|(_, sure)| *sure == Sure::Yes);
        let later = self.editions.iter().skip(sure.unwrap_or(0));
        (sure.is_none() && text == self.text) || later.map(|(text, _)| text).any(|edition| edition == text)
    }
}

/// A conversation that an owner cleared.
#[derive(Debug, Clone)]
pub(super) struct Clear {
    pub with: Fingerprint,
    pub clear_for: ClearFor,
    /// What was in it long enough before for all copies of the store to show it: whose it was, and its id.
    pub seen: Vec<(bool, RecordId)>,
    /// When that was done or tried last, in unix milliseconds.
    pub until_ms: u64,
    pub done: Sure,
}

/// How far an owner has read what somebody wrote.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Read {
    /// Surely.
    pub through: Option<RecordId>,
    /// As far as that was ever tried.
    pub perhaps: Option<RecordId>,
}

/// What an owner chose before anything else; whether that was done is not known if it is absent.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Choice {
    pub read_marks: Option<bool>,
    pub keep_my_copy: Option<bool>,
}

/// What one owner did.
#[derive(Debug, Clone, Default)]
pub(super) struct Deeds {
    pub posts: Vec<Written>,
    pub letters: Vec<Letter>,
    /// The circle that they made, if they surely did.
    pub circle: Option<RecordId>,
    pub remarks: Vec<Remark>,
    /// Under which posts they set or unset a reaction.
    pub reacted: BTreeSet<(Fingerprint, RecordId)>,
    pub clears: Vec<Clear>,
    pub reads: BTreeMap<Fingerprint, Read>,
    pub choice: Choice,
    /// With whom they ended it, or meant to.
    pub ended: BTreeSet<Fingerprint>,
}

/// What all owners did.
#[derive(Debug, Default)]
pub(super) struct Chronicle {
    pub of: Vec<Deeds>,
}

impl Chronicle {
    /// The posts under which anybody said anything.
    pub fn talked_about(&self) -> BTreeSet<(Fingerprint, RecordId)> {
        let of = |deeds: &Deeds| {
            let commented: Vec<_> = deeds.remarks.iter().map(|remark| remark.about).collect();
            commented.into_iter().chain(deeds.reacted.clone())
        };
        self.of.iter().flat_map(of).collect()
    }

    pub fn add(&mut self) {
        self.of.push(Deeds::default());
    }

    /// What is wrong with somebody's own posts, given their texts.
    pub fn contradictions(&self, who: usize, shown: &[String]) -> Vec<String> {
        let mut wrong = Vec::new();
        for post in &self.of[who].posts {
            let Written { text, published, withdrawn, .. } = post;
            let mut editions = shown.iter().filter(|shown| first_edition(shown) == text);
            if let Some(says) = post.says.as_ref().filter(|_| *withdrawn == Sure::No)
                && let Some(other) = editions.clone().find(|shown| *shown != says)
            {
                wrong.push(format!("d{who} made '{says}' of '{other}', which is there"));
            }
            match (editions.by_ref().count(), published, withdrawn) {
                (0, Sure::Yes, Sure::No) => wrong.push(format!("d{who} lost its own post '{text}'")),
                (1, _, Sure::Yes) => wrong.push(format!("d{who} withdrew '{text}', and it is there")),
                (0 | 1, ..) => {}
                (count, ..) => wrong.push(format!("d{who} has its own post '{text}' {count} times")),
            }
        }
        let known = |text: &&String| self.of[who].posts.iter().any(|post| post.text == first_edition(text));
        wrong.extend(
            shown.iter().filter(|text| !known(text)).map(|text| format!("d{who} never wrote '{text}'")),
        );
        wrong
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str, published: Sure, withdrawn: Sure) -> Written {
        let says = Some(text.to_owned());
        Written { text: text.to_owned(), says, id: None, at_ms: 0, audience: None, published, withdrawn }
    }

    #[test]
    fn tells_what_is_lost_doubled_back_or_made_up_from_what_may_be() {
        let mut chronicle = Chronicle::default();
        chronicle.add();
        chronicle.of[0].posts = vec![
            written("kept", Sure::Yes, Sure::No),
            written("gone", Sure::Yes, Sure::Yes),
            written("perhaps", Sure::Perhaps, Sure::No),
            written("perhaps gone", Sure::Yes, Sure::Perhaps),
        ];
        let wrong = |shown: &[&str]| {
            let shown: Vec<String> = shown.iter().map(|text| (*text).to_owned()).collect();
            chronicle.contradictions(0, &shown).len()
        };
        assert_eq!(wrong(&["kept"]), 0);
        assert_eq!(wrong(&["kept", "perhaps", "perhaps gone"]), 0);
        assert_eq!(wrong(&[]), 1, "lost");
        assert_eq!(wrong(&["kept", "gone"]), 1, "came back");
        assert_eq!(wrong(&["kept", "kept"]), 1, "doubled");
        assert_eq!(wrong(&["kept", "made up"]), 1, "made up");
    }
}
