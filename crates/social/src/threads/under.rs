//! All that is stored under a post.

use crate::keys;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use tidings_ledger::{Direction, Entry, KeyValue, LedgerError, View};
use tidings_protocol::{CommentRef, Emoji, Fingerprint, RecordId};

/// Up to so many posts are looked at each by itself; more of them lie close to each other, as the pages do that they are on.
const FEW: usize = 4;

/// A comment as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Said {
    /// Its record, and what of it is needed to decide about it.
    pub(super) record: Vec<u8>,
    /// The key that signed it, as text.
    pub(super) key: String,
    /// What it answers.
    pub(super) parent: Option<CommentRef>,
    /// Which edition it is.
    pub(super) edited_ms: Option<u64>,
}

/// A reaction as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reacted {
    /// Its record.
    pub(super) record: Vec<u8>,
    /// The key that signed it, as text.
    pub(super) key: String,
    /// Whether it is there.
    pub(super) set: bool,
    /// When that was said.
    pub(super) at_ms: u64,
}

/// What is under one post, whoever may see it.
#[derive(Debug, Clone, Default)]
pub(super) struct Under {
    /// Comments in their order; `None` for what was withdrawn.
    pub(super) comments: BTreeMap<CommentRef, Option<Said>>,
    /// Those that the owner hides.
    pub(super) hidden: BTreeSet<CommentRef>,
    /// Reactions, those that were taken back included.
    pub(super) reactions: BTreeMap<(Fingerprint, Emoji), Reacted>,
}

impl Under {
    /// What is stored under one post.
    pub(super) async fn load<S: KeyValue>(view: &View<'_, S>, post: RecordId) -> Result<Self, LedgerError> {
        let mut under = Self::default();
        for entry in view.scan(keys::under(post), Direction::Forward, usize::MAX).await? {
            if let Some((_, what)) = keys::parse_under(&entry.key) {
                under.add(what, &entry);
            }
        }
        Ok(under)
    }

    /// The same of several posts. Of those with nothing under them there is nothing.
    pub(super) async fn load_many<S: KeyValue>(
        view: &View<'_, S>,
        posts: &BTreeSet<RecordId>,
    ) -> Result<BTreeMap<RecordId, Self>, LedgerError> {
        let (Some(first), Some(last)) = (posts.first(), posts.last()) else { return Ok(BTreeMap::new()) };
        let ranges = if posts.len() <= FEW {
            posts.iter().map(|post| keys::under(*post)).collect()
        } else {
            vec![keys::under_all(*first, *last)]
        };
        let mut all: BTreeMap<RecordId, Self> = BTreeMap::new();
        for range in ranges {
            for entry in view.scan(range, Direction::Forward, usize::MAX).await? {
                let Some((post, what)) = keys::parse_under(&entry.key) else { continue };
                if posts.contains(&post) {
                    all.entry(post).or_default().add(what, &entry);
                }
            }
        }
        Ok(all)
    }

    fn add(&mut self, what: keys::Under, entry: &Entry) {
        match what {
            keys::Under::Comment(reference) => {
                self.comments.insert(reference, Said::stored(&entry.value));
            }
            keys::Under::Hidden(reference) => {
                self.hidden.insert(reference);
            }
            keys::Under::Reaction(author, emoji) => {
                if let Some(reacted) = Reacted::stored(&entry.value) {
                    self.reactions.insert((author, emoji), reacted);
                }
            }
        }
    }

    /// A comment that is there and was not withdrawn.
    pub(super) fn said(&self, reference: &CommentRef) -> Option<&Said> {
        self.comments.get(reference)?.as_ref()
    }

    /// Who wrote comments that are still there.
    pub(super) fn commenters(&self) -> BTreeSet<Fingerprint> {
        let there = self.comments.iter().filter(|(_, said)| said.is_some());
        there.map(|(reference, _)| reference.author).collect()
    }

    /// Comments by one author, withdrawn ones included.
    pub(super) fn comments_by(&self, author: &Fingerprint) -> usize {
        self.comments.keys().filter(|reference| reference.author == *author).count()
    }

    /// Reactions of one author but the one with `emoji`: all, those taken back included, and those that are set.
    pub(super) fn reactions_by(&self, author: &Fingerprint, but: &Emoji) -> (usize, usize) {
        let theirs = self.reactions.iter().filter(|((who, emoji), _)| who == author && emoji != but);
        let sets: Vec<bool> = theirs.map(|(_, reacted)| reacted.set).collect();
        (sets.len(), sets.iter().filter(|set| **set).count())
    }
}

impl Said {
    /// Takes apart what is stored; `None` for what was withdrawn, or is no comment.
    pub(super) fn stored(record: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Outline {
            key: String,
            #[serde(default)]
            parent: Option<CommentRef>,
            #[serde(default)]
            edited_ms: Option<u64>,
        }
        let Outline { key, parent, edited_ms } = serde_json::from_slice(record).ok()?;
        Some(Self { record: record.to_vec(), key, parent, edited_ms })
    }
}

impl Reacted {
    /// Takes apart what is stored.
    pub(super) fn stored(record: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Outline {
            key: String,
            set: bool,
            at_ms: u64,
        }
        let Outline { key, set, at_ms } = serde_json::from_slice(record).ok()?;
        Some(Self { record: record.to_vec(), key, set, at_ms })
    }
}

/// Whether there is anything under a post.
pub(super) async fn is_anything<S: KeyValue>(
    view: &View<'_, S>,
    post: RecordId,
) -> Result<bool, LedgerError> {
    Ok(!view.scan(keys::under(post), Direction::Forward, 1).await?.is_empty())
}
