//! Threads under the owner's posts, as the owner sees them.

use super::ThreadError;
use super::place::Place;
use super::under::{Said, Under};
use crate::api::{CommentView, Commenter, Person, ReactionView, ThreadGist, ThreadView};
use crate::keys;
use crate::limits::REACTING_PEOPLE;
use crate::relation::Relation;
use crate::spliced::StoredPost;
use std::collections::{BTreeMap, BTreeSet};
use tidings_ledger::{KeyValue, LedgerError, View};
use tidings_protocol::{CommentRef, Emoji, Fingerprint, RecordId};

/// Everybody whose words the owner sees here: themselves, and who is a friend now.
struct People<'p> {
    me: &'p Person,
    friends: BTreeMap<Fingerprint, String>,
}

impl<'p> People<'p> {
    fn of(me: &'p Person, relations: &[Relation]) -> Self {
        let friends = relations.iter().filter(|relation| relation.is_friend());
        Self { me, friends: friends.map(|friend| (friend.fingerprint, friend.name())).collect() }
    }

    fn commenter(&self, id: &Fingerprint) -> Option<Commenter> {
        let name = if *id == self.me.id { &self.me.name } else { self.friends.get(id)? };
        Some(Commenter { id: *id, name: name.clone(), friend_of: None })
    }

    fn comment(&self, under: &Under, reference: CommentRef, said: &Said) -> Option<CommentView> {
        let author = self.commenter(&reference.author)?;
        let mine = reference.author == self.me.id;
        let view = view_of(author, mine, reference, said)?;
        Some(CommentView { hidden: under.hidden.contains(&reference), ..view })
    }

    /// What of the comments is shown, in their order.
    fn comments(&self, under: &Under) -> impl DoubleEndedIterator<Item = CommentView> {
        under.comments.iter().filter_map(|(reference, said)| self.comment(under, *reference, said.as_ref()?))
    }

    /// The reactions, those that most people have first, and who has them.
    fn reactions(&self, under: &Under, with_people: bool) -> Vec<ReactionView> {
        let mut by_emoji: BTreeMap<&Emoji, Vec<Commenter>> = BTreeMap::new();
        for ((author, emoji), _) in under.reactions.iter().filter(|(_, reacted)| reacted.set) {
            if let Some(commenter) = self.commenter(author) {
                by_emoji.entry(emoji).or_default().push(commenter);
            }
        }
        let mut reactions: Vec<ReactionView> = by_emoji
            .into_iter()
            .map(|(emoji, mut people)| ReactionView {
                emoji: emoji.clone(),
                count: u32::try_from(people.len()).unwrap_or(u32::MAX),
                mine: people.iter().any(|one| one.id == self.me.id),
                people: {
                    people.truncate(if with_people { REACTING_PEOPLE } else { 0 });
                    people
                },
            })
            .collect();
        reactions.sort_by_key(|reaction| std::cmp::Reverse(reaction.count));
        reactions
    }
}

/// A comment of the owner's under their own post.
pub(super) fn own_comment(me: &Person, reference: CommentRef, said: &Said) -> Option<CommentView> {
    view_of(Commenter { id: me.id, name: me.name.clone(), friend_of: None }, true, reference, said)
}

fn view_of(author: Commenter, mine: bool, reference: CommentRef, said: &Said) -> Option<CommentView> {
    let StoredPost { body, edited_ms } = StoredPost::of(&said.record)?;
    Some(CommentView {
        id: reference.id,
        author,
        mine,
        parent: said.parent,
        created_ms: reference.id.created_ms(),
        edited_ms,
        body,
        hidden: false,
        state: None,
    })
}

/// A page of what there is under a post of the owner's: at most `limit` comments after a place that an earlier page named, in the order
/// in which they were written, and on the first page all reactions. What the owner hides is among them, and marked.
///
/// # Errors
/// [`ThreadError::NoSuchPost`] or [`ThreadError::After`].
pub async fn thread<S: KeyValue>(
    view: &View<'_, S>,
    me: &Person,
    relations: &[Relation],
    post: RecordId,
    after: Option<&str>,
    limit: usize,
) -> Result<ThreadView, ThreadError> {
    let after = after.map(|text| keys::parse_reference(text).ok_or(ThreadError::After)).transpose()?;
    Place::of(view, post).await?.ok_or(ThreadError::NoSuchPost)?;
    let under = Under::load(view, post).await?;
    let people = People::of(me, relations);
    let place = |comment: &CommentView| CommentRef { id: comment.id, author: comment.author.id };
    let mut wanted = people.comments(&under).filter(|comment| Some(place(comment)) > after);
    let comments: Vec<CommentView> = wanted.by_ref().take(limit).collect();
    let next = comments.last().map(place).filter(|_| wanted.next().is_some());
    Ok(ThreadView {
        post,
        poster: me.clone(),
        reactions: if after.is_none() { people.reactions(&under, true) } else { Vec::new() },
        comments,
        next: next.map(|last| format!("{}.{}", last.id, last.author)),
        asked_ms: None,
        problem: None,
        can_comment: true,
    })
}

/// What there is under posts of the owner's, in short; of those with nothing under them there is nothing.
///
/// # Errors
/// When the store cannot be read.
pub async fn gists<S: KeyValue>(
    view: &View<'_, S>,
    me: &Person,
    relations: &[Relation],
    posts: &BTreeSet<RecordId>,
) -> Result<BTreeMap<RecordId, ThreadGist>, LedgerError> {
    let people = People::of(me, relations);
    let under = Under::load_many(view, posts).await?;
    let gist = |under: &Under| {
        let shown = || people.comments(under).filter(|comment| !comment.hidden);
        ThreadGist {
            comments: u32::try_from(shown().count()).unwrap_or(u32::MAX),
            reactions: people.reactions(under, false),
            latest: shown().next_back(),
        }
    };
    Ok(under.iter().map(|(post, under)| (*post, gist(under))).collect())
}
