//! The feed: what the owner and their friends wrote, newest first, from what is stored here.

use crate::account::Account;
use crate::api::{Person, PostPage, PostView};
use crate::keys;
use crate::limits::{PAGE_DEFAULT, PAGE_MOST};
use crate::relation::Relation;
use crate::spliced::Spliced;
use std::collections::HashMap;
use thiserror::Error;
use tidings_ledger::{Direction, Entry, KeyValue, LedgerError, Range, View};
use tidings_protocol::{Body, Fingerprint, RecordId};

/// Why a page is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PageError {
    /// The store cannot be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The limit is no number in range.
    #[error("limit has to be a number from 1 to {PAGE_MOST}")]
    Limit,
    /// The cursor is none that was given out.
    #[error("before has to be the `next` of an earlier page")]
    Before,
}

/// A place between two posts: before this one.
type Place = (RecordId, Fingerprint);

/// A post's body, and where it belongs.
type Placed = (Place, Spliced<Body>);

/// Which page is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest {
    pub(crate) limit: usize,
    before: Option<Place>,
}

impl PageRequest {
    /// Reads `limit` and `before` as they come in a query.
    ///
    /// # Errors
    /// [`PageError::Limit`] or [`PageError::Before`].
    pub fn parse(limit: Option<&str>, before: Option<&str>) -> Result<Self, PageError> {
        let limit = match limit {
            None => PAGE_DEFAULT,
            Some(text) => {
                text.parse().ok().filter(|n| (1..=PAGE_MOST).contains(n)).ok_or(PageError::Limit)?
            }
        };
        let before = before.map(|text| parse_place(text).ok_or(PageError::Before)).transpose()?;
        Ok(Self { limit, before })
    }
}

fn parse_place(text: &str) -> Option<Place> {
    let (id, author) = text.split_once('.')?;
    Some((id.parse().ok()?, author.parse().ok()?))
}

/// A page of the feed.
///
/// # Errors
/// When the store cannot be read.
pub async fn page<S: KeyValue>(
    view: &View<'_, S>,
    account: &Account,
    owner: Person,
    request: &PageRequest,
) -> Result<PostPage, PageError> {
    let friends: HashMap<Fingerprint, String> = Relation::load_all(view)
        .await?
        .into_iter()
        .filter(Relation::is_friend)
        .map(|relation| (relation.fingerprint, relation.name()))
        .collect();
    let own = account.fingerprint();
    let found = own_posts(view, own, request).await?.and(friends_posts(view, &friends, request).await?);
    Ok(found.cut(request.limit, |(id, author), body| match friends.get(&author) {
        Some(name) => PostView::new(id, Person { id: author, name: name.clone() }, false, body),
        None => PostView::new(id, owner.clone(), true, body),
    }))
}

/// Posts that follow each other, newest first.
#[derive(Default)]
pub(crate) struct Found {
    posts: Vec<Placed>,
    /// The last place that was looked at, if there may be more behind it.
    through: Option<Place>,
}

impl Found {
    /// Both together, as far as both have looked.
    fn and(self, other: Self) -> Self {
        let through = self.through.max(other.through);
        let mut posts: Vec<Placed> = self.posts.into_iter().chain(other.posts).collect();
        posts.retain(|(place, _)| Some(*place) >= through);
        posts.sort_by(|(a, _), (b, _)| b.cmp(a));
        Self { posts, through }
    }

    /// Cuts a page to `limit` posts, and says where the next begins if there may be more.
    pub(crate) fn cut(mut self, limit: usize, show: impl Fn(Place, Spliced<Body>) -> PostView) -> PostPage {
        let full = self.posts.len() > limit;
        self.posts.truncate(limit);
        let last = if full { self.posts.last().map(|(place, _)| *place) } else { self.through };
        let next = last.map(|(id, author)| format!("{id}.{author}"));
        PostPage { posts: self.posts.into_iter().map(|(place, body)| show(place, body)).collect(), next }
    }
}

/// One more than a page, so that [`Found::cut`] can tell whether there is another.
pub(crate) async fn own_posts<S: KeyValue>(
    view: &View<'_, S>,
    own: Fingerprint,
    request: &PageRequest,
) -> Result<Found, LedgerError> {
    let range = match request.before {
        None => Range::partition(keys::POST),
        Some((id, author)) if own < author => {
            Range::partition(keys::POST).before(&keys::through(keys::POST, id))
        }
        Some((id, _)) => Range::partition(keys::POST).before(&keys::post(id)),
    };
    let page = view.page(range, Direction::Backward, request.limit + 1).await?;
    let place = |e: &Entry| Some((e.key.rest().parse().ok()?, own));
    let placed = |e: &Entry| Some((place(e)?, Spliced::of_stored_post(&e.value)?));
    let through = page.entries.last().filter(|_| page.more).and_then(place);
    Ok(Found { posts: page.entries.iter().filter_map(placed).collect(), through })
}

/// Friends' posts; those of people who ceased to be friends are passed over.
async fn friends_posts<S: KeyValue>(
    view: &View<'_, S>,
    friends: &HashMap<Fingerprint, String>,
    request: &PageRequest,
) -> Result<Found, LedgerError> {
    let mut found = Found { posts: Vec::new(), through: request.before };
    loop {
        let all = Range::partition(keys::FEED);
        let end = found.through.map(|(id, author)| keys::feed(id, &author));
        let range = end.map_or(all.clone(), |end| all.before(&end));
        let page = view.page(range, Direction::Backward, request.limit + 1).await?;
        let place = |entry: &Entry| parse_place(entry.key.rest());
        found.through = page.entries.last().filter(|_| page.more).and_then(place);
        let known = |place: &Place| friends.contains_key(&place.1);
        found.posts.extend(
            page.entries.iter().filter_map(|entry| {
                Some((place(entry).filter(known)?, Spliced::of_stored_post(&entry.value)?))
            }),
        );
        // A short page with more behind it has read as much as one request should.
        let is_short = page.entries.len() <= request.limit;
        if is_short || found.through.is_none() || found.posts.len() > request.limit {
            return Ok(found);
        }
    }
}
