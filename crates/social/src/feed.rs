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
    let mut posts = own_posts(view, own, request).await?;
    posts.extend(friends_posts(view, &friends, request).await?);
    posts.sort_by(|(a, _), (b, _)| b.cmp(a));
    let shown = posts.into_iter().map(|((id, author), body)| match friends.get(&author) {
        Some(name) => PostView::new(id, Person { id: author, name: name.clone() }, false, body),
        None => PostView::new(id, owner.clone(), true, body),
    });
    Ok(cut(shown.take(request.limit + 1).collect(), request.limit))
}

/// One more than a page, so that [`cut`] can tell whether there is another.
pub(crate) async fn own_posts<S: KeyValue>(
    view: &View<'_, S>,
    own: Fingerprint,
    request: &PageRequest,
) -> Result<Vec<Placed>, LedgerError> {
    let range = match request.before {
        None => Range::partition(keys::POST),
        Some((id, author)) if own < author => {
            Range::partition(keys::POST).before(&keys::through(keys::POST, id))
        }
        Some((id, _)) => Range::partition(keys::POST).before(&keys::post(id)),
    };
    let entries = view.scan(range, Direction::Backward, request.limit + 1).await?;
    let place = |text: &str| Some((text.parse().ok()?, own));
    let placed = |e: &Entry| Some((place(e.key.rest())?, Spliced::of_stored_post(&e.value)?));
    Ok(entries.iter().filter_map(placed).collect())
}

/// Friends' posts; those of people who ceased to be friends are passed over.
async fn friends_posts<S: KeyValue>(
    view: &View<'_, S>,
    friends: &HashMap<Fingerprint, String>,
    request: &PageRequest,
) -> Result<Vec<Placed>, LedgerError> {
    let mut posts = Vec::new();
    let mut end = request.before.map(|(id, author)| keys::feed(id, &author));
    loop {
        let all = Range::partition(keys::FEED);
        let range = end.as_ref().map_or(all.clone(), |end| all.before(end));
        let entries = view.scan(range, Direction::Backward, request.limit + 1).await?;
        let last_page = entries.len() <= request.limit;
        end = entries.last().map(|entry| entry.key.clone());
        let known = |place: &Place| friends.contains_key(&place.1);
        posts.extend(entries.iter().filter_map(|entry| {
            let place = parse_place(entry.key.rest()).filter(known)?;
            Some((place, Spliced::of_stored_post(&entry.value)?))
        }));
        if last_page || posts.len() > request.limit {
            return Ok(posts);
        }
    }
}

/// Cuts a page to `limit` posts, and says where the next begins if there were more.
pub(crate) fn cut(mut posts: Vec<PostView>, limit: usize) -> PostPage {
    let more = posts.len() > limit;
    posts.truncate(limit);
    let next = posts.last().filter(|_| more).map(|last| format!("{}.{}", last.id, last.author.id));
    PostPage { posts, next }
}
