//! What there is under friends' posts as the owner sees it: what the poster shows, and what the owner said and the poster may not
//! have yet.

use super::opened::Opened;
use super::outbox::{Outbox, named};
use super::{Place, Said, SaidError, parse_place};
use crate::account::Account;
use crate::api::{CommentView, Commenter, InteractionState, Person, ReactionView, ThreadGist, ThreadView};
use crate::feed::{PageError, page_limit};
use crate::keys;
use crate::limits::REACTING_PEOPLE;
use crate::relation::Relation;
use crate::spliced::Spliced;
use crate::stored;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use tidings_ledger::{Direction, KeyValue, LedgerError, View};
use tidings_protocol::{
    Comment, CommentRef, Emoji, Fingerprint, PublicKey, Reaction, RecordId, Signed, ThreadSummary,
};

/// How people are shown.
pub(crate) struct People<'a> {
    pub(crate) own: Person,
    pub(crate) relations: &'a [Relation],
    /// Whose post it is.
    pub(crate) poster: Person,
}

impl People<'_> {
    pub(crate) fn show(&self, author: &PublicKey, name: &str) -> Commenter {
        let id = author.fingerprint();
        if id == self.own.id {
            return Commenter { id, name: self.own.name.clone(), friend_of: None };
        }
        match self.relations.iter().find(|relation| relation.fingerprint == id && relation.is_friend()) {
            Some(friend) => Commenter { id, name: friend.name(), friend_of: None },
            None => Commenter { id, name: name.to_owned(), friend_of: Some(self.poster.clone()) },
        }
    }

    /// Whether the owner wants to hear nothing from them.
    fn is_blocked(&self, author: &PublicKey) -> bool {
        let id = author.fingerprint();
        self.relations.iter().any(|relation| relation.fingerprint == id && relation.is_blocked())
    }

    pub(crate) fn comment(&self, comment: &Comment, state: Option<InteractionState>) -> Option<CommentView> {
        Some(CommentView {
            id: comment.id,
            author: self.show(&comment.author, &comment.name),
            mine: comment.author.fingerprint() == self.own.id,
            parent: comment.parent,
            created_ms: comment.id.created_ms(),
            edited_ms: comment.edited_ms,
            body: Spliced::of(&comment.body)?,
            hidden: false,
            state,
        })
    }
}

/// What of the owner's waits for a poster: ids of comments and emojis.
fn waiting(outbox: &Outbox, who: &Fingerprint, post: RecordId) -> BTreeSet<String> {
    let named = outbox.of(who).iter().filter_map(|(_, interaction)| named(interaction));
    named.filter(|(about, _)| *about == post).map(|(_, what)| what).collect()
}

fn state_of(said: &Said, waiting: &BTreeSet<String>, what: &str) -> InteractionState {
    if waiting.contains(what) {
        InteractionState::Waiting
    } else if said.refused.iter().any(|refused| refused == what) {
        InteractionState::Refused
    } else {
        InteractionState::Delivered
    }
}

/// One of the owner's own comments.
pub(super) fn own(
    account: &Account,
    place: Place<'_>,
    record: &Signed<Comment>,
    state: InteractionState,
) -> Result<CommentView, SaidError> {
    let comment = record.unverified();
    let own = Person { id: account.fingerprint(), name: comment.name.clone() };
    let people = People { own, relations: &[], poster: place.poster.person() };
    people.comment(comment, Some(state)).ok_or(SaidError::Unknown(comment.id))
}

/// One of them that was there before, and how far it has come.
pub(super) async fn known<S: KeyValue>(
    view: &View<'_, S>,
    account: &Account,
    place: Place<'_>,
    said: &Said,
    record: &Signed<Comment>,
) -> Result<CommentView, SaidError> {
    let waiting = waiting(&Outbox::load(view).await?, place.who(), place.post);
    own(account, place, record, state_of(said, &waiting, &record.unverified().id.to_string()))
}

/// The comment that is answered by one that answers `parent`.
pub(super) async fn answered<S: KeyValue>(
    view: &View<'_, S>,
    account: &Account,
    place: Place<'_>,
    said: &Said,
    parent: CommentRef,
) -> Result<CommentRef, SaidError> {
    let of = |comment: &Comment| comment.parent.unwrap_or(parent);
    if let Some(own) = super::refers_to(parent, account).and_then(|id| said.comment(id)) {
        return Ok(of(own.unverified()));
    }
    let opened = Opened::load(view, &place).await?;
    let shown = opened.pages.iter().flat_map(|page| &page.page.comments).map(Signed::unverified);
    let gist: Option<ThreadSummary> = stored::load(view, &keys::gist(place.who(), place.post)).await?;
    let latest = gist.as_ref().and_then(|gist| gist.latest.as_ref()).map(|latest| latest.record.unverified());
    let found = shown.chain(latest).find(|comment| comment.reference() == parent);
    found.map(of).ok_or(SaidError::Parent)
}

/// A page of the thread under a friend's post, as far as it was asked for.
///
/// # Errors
/// When the page is none, or the store cannot be read.
pub async fn thread<S: KeyValue>(
    view: &View<'_, S>,
    own: Person,
    relations: &[Relation],
    place: Place<'_>,
    limit: Option<&str>,
    after: Option<&str>,
) -> Result<ThreadView, PageError> {
    let limit = page_limit(limit)?;
    let after = after.map(|text| keys::parse_reference(text).ok_or(PageError::After)).transpose()?;
    let Opened { asked, pages } = Opened::load(view, &place).await?;
    let said = Said::load(view, &place).await?;
    let waiting = waiting(&Outbox::load(view).await?, place.who(), place.post);
    let people = People { own, relations, poster: place.poster.person() };
    let mut comments: BTreeMap<CommentRef, &Comment> = BTreeMap::new();
    for record in pages.iter().flat_map(|page| &page.page.comments) {
        comments.insert(record.unverified().reference(), record.unverified());
    }
    for (id, own) in &said.comments {
        let at = CommentRef { id: *id, author: people.own.id };
        match own {
            Some(own) => comments.insert(at, own.unverified()),
            None => comments.remove(&at),
        };
    }
    comments.retain(|_, comment| !people.is_blocked(&comment.author));
    let mut views: Vec<CommentView> = Vec::new();
    let mut rest = comments.iter().filter(|(at, _)| Some(**at) > after).peekable();
    while let Some((_, comment)) = rest.next_if(|_| views.len() < limit) {
        let is_mine = comment.author.fingerprint() == people.own.id;
        let state = is_mine.then(|| state_of(&said, &waiting, &comment.id.to_string()));
        views.extend(people.comment(comment, state));
    }
    let next = views.last().filter(|_| rest.peek().is_some());
    let next = next.map(|last| format!("{}.{}", last.id, last.author.id));
    let reactions = if after.is_some() {
        Vec::new()
    } else {
        let shown = pages.iter().flat_map(|page| &page.page.reactions).map(Signed::unverified);
        reactions(&people, shown.filter(|one| !people.is_blocked(&one.author)), &said)
    };
    Ok(ThreadView {
        post: place.post,
        poster: people.poster,
        comments: views,
        reactions,
        next,
        asked_ms: asked.as_ref().map(|asked| asked.at_ms),
        problem: asked.and_then(|asked| asked.problem),
        can_comment: place.poster.is_friend(),
    })
}

/// The reactions of everybody, those that most people have first; of the owner's own what they said last.
fn reactions<'r>(
    people: &People<'_>,
    shown: impl Iterator<Item = &'r Reaction>,
    said: &Said,
) -> Vec<ReactionView> {
    let mut by_emoji: BTreeMap<Emoji, BTreeMap<Fingerprint, Commenter>> = BTreeMap::new();
    for reaction in shown.filter(|one| one.author.fingerprint() != people.own.id) {
        let who = people.show(&reaction.author, &reaction.name);
        by_emoji.entry(reaction.emoji.clone()).or_default().insert(who.id, who);
    }
    for own in said.reactions.iter().map(Signed::unverified).filter(|own| is_there(said, own)) {
        let who = people.show(&own.author, &own.name);
        by_emoji.entry(own.emoji.clone()).or_default().insert(who.id, who);
    }
    let mut views: Vec<ReactionView> = by_emoji
        .into_iter()
        .map(|(emoji, of)| ReactionView {
            emoji,
            count: u32::try_from(of.len()).unwrap_or(u32::MAX),
            mine: of.contains_key(&people.own.id),
            people: of.into_values().take(REACTING_PEOPLE).collect(),
        })
        .collect();
    views.sort_by_key(|view| Reverse(view.count));
    views
}

/// Whether a reaction of the owner's is set, and was not refused.
fn is_there(said: &Said, own: &Reaction) -> bool {
    own.set && !said.refused.iter().any(|what| what == own.emoji.as_str())
}

/// What there is under some posts of friends, in short.
pub type Gists = BTreeMap<(RecordId, Fingerprint), ThreadGist>;

/// What there is under friends' posts from one id to another, both included, in short. Nothing is read for posts under which nothing is.
///
/// # Errors
/// When the store cannot be read.
pub async fn gists<S: KeyValue>(
    view: &View<'_, S>,
    own: &Person,
    relations: &[Relation],
    (from, to): (RecordId, RecordId),
) -> Result<Gists, LedgerError> {
    let range = |partition| keys::between(partition, from, to);
    let mut said: BTreeMap<(RecordId, Fingerprint), (Said, u64)> = BTreeMap::new();
    for entry in view.scan(range(keys::SAID), Direction::Forward, usize::MAX).await? {
        let Some(place) = parse_place(&entry.key) else { continue };
        let (said, at_ms) = said.entry(place).or_default();
        said.add(&entry);
        *at_ms = (*at_ms).max(entry.stamp.ms());
    }
    let mut told: BTreeMap<(RecordId, Fingerprint), (ThreadSummary, u64)> = BTreeMap::new();
    for entry in view.scan(range(keys::GIST), Direction::Forward, usize::MAX).await? {
        if let Some((place, summary)) = parse_place(&entry.key).zip(stored::parse(&entry)) {
            told.insert(place, (summary, entry.stamp.ms()));
        }
    }
    let places: BTreeSet<_> = said.keys().chain(told.keys()).copied().collect();
    let mut gists = Gists::new();
    for place in places {
        let Some(poster) = relations.iter().find(|relation| relation.fingerprint == place.1) else {
            continue;
        };
        let people = People { own: own.clone(), relations, poster: poster.person() };
        let none = (Said::default(), 0);
        let (said, _) = said.get(&place).unwrap_or(&none);
        gists.insert(place, gist(&people, told.get(&place), said));
    }
    Ok(gists)
}

fn gist(people: &People<'_>, told: Option<&(ThreadSummary, u64)>, said: &Said) -> ThreadGist {
    let (summary, told_ms) = told.map_or((None, 0), |(summary, at_ms)| (Some(summary), *at_ms));
    let mut reactions: Vec<ReactionView> = summary
        .into_iter()
        .flat_map(|summary| &summary.reactions)
        .map(|one| ReactionView {
            emoji: one.emoji.clone(),
            count: one.count,
            mine: false,
            people: Vec::new(),
        })
        .collect();
    for own in said.reactions.iter().map(Signed::unverified) {
        let is_there = is_there(said, own);
        // What was said since the poster counted is not among it.
        let is_newer = own.at_ms >= told_ms;
        match reactions.iter_mut().find(|view| view.emoji == own.emoji) {
            Some(view) => {
                view.mine = is_there;
                view.count = match (is_newer, is_there) {
                    (true, true) => view.count.saturating_add(1),
                    (true, false) => view.count.saturating_sub(1),
                    (false, _) => view.count,
                };
            }
            None if is_there => {
                let emoji = own.emoji.clone();
                reactions.push(ReactionView { emoji, count: 1, mine: true, people: Vec::new() });
            }
            None => {}
        }
    }
    reactions.retain(|view| view.count > 0);
    reactions.sort_by_key(|view| Reverse(view.count));
    let shown = summary.and_then(|summary| summary.latest.as_ref()).map(|latest| latest.record.unverified());
    let own = said.comments.iter().filter_map(|(_, own)| own.as_ref()).map(Signed::unverified);
    let newer = own.filter(|own| own.id.created_ms() >= told_ms);
    let mut comments = summary.map_or(0, |summary| summary.comments);
    comments = comments.saturating_add(u32::try_from(newer.clone().count()).unwrap_or(u32::MAX));
    let is_shown = |comment: &&Comment| {
        let is_withdrawn = comment.author.fingerprint() == people.own.id
            && said.comments.iter().any(|(id, own)| *id == comment.id && own.is_none());
        !is_withdrawn && !people.is_blocked(&comment.author)
    };
    let latest = shown.into_iter().filter(is_shown).chain(newer).max_by_key(|comment| comment.id);
    ThreadGist { comments, reactions, latest: latest.and_then(|comment| people.comment(comment, None)) }
}
