//! The feed: what the owner and their friends wrote, newest first, from what is stored here.

use crate::account::Account;
use crate::api::{Audience, Person, PostPage, PostView};
use crate::keys;
use crate::limits::{PAGE_DEFAULT, PAGE_MOST};
use crate::public;
use crate::relation::Relation;
use crate::said;
use crate::spliced::StoredPost;
use crate::stored;
use crate::threads;
use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap, HashSet};
use thiserror::Error;
use tidings_ledger::{Direction, Entry, KeyValue, LedgerError, Range, View};
use tidings_protocol::{Fingerprint, RecordId};

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
    /// The same, in lists that begin with the oldest.
    #[error("after has to be the `next` of an earlier page")]
    After,
}

/// A place between two posts: before this one.
pub(crate) type Place = (RecordId, Fingerprint);

/// A post, and where it belongs.
struct Placed {
    place: Place,
    post: StoredPost,
    /// Whether it is one of the owner's that is not for all friends.
    is_limited: bool,
}

/// How a post is shown.
pub(crate) struct Shown {
    pub(crate) author: Person,
    pub(crate) mine: bool,
}

/// Which page is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest {
    pub(crate) limit: usize,
    pub(crate) before: Option<Place>,
}

impl PageRequest {
    /// Reads `limit` and `before` as they come in a query.
    ///
    /// # Errors
    /// [`PageError::Limit`] or [`PageError::Before`].
    pub fn parse(limit: Option<&str>, before: Option<&str>) -> Result<Self, PageError> {
        let limit = page_limit(limit)?;
        let before = before.map(|text| parse_place(text).ok_or(PageError::Before)).transpose()?;
        Ok(Self { limit, before })
    }
}

/// Reads `limit` as it comes in a query.
///
/// # Errors
/// [`PageError::Limit`].
pub fn page_limit(limit: Option<&str>) -> Result<usize, PageError> {
    match limit {
        None => Ok(PAGE_DEFAULT),
        Some(text) => text.parse().ok().filter(|n| (1..=PAGE_MOST).contains(n)).ok_or(PageError::Limit),
    }
}

fn parse_place(text: &str) -> Option<Place> {
    let (id, author) = text.split_once('.')?;
    Some((id.parse().ok()?, author.parse().ok()?))
}

/// A page of the feed. What muted friends wrote is left out.
///
/// # Errors
/// When the store cannot be read.
pub async fn page<S: KeyValue>(
    view: &View<'_, S>,
    account: &Account,
    owner: Person,
    request: &PageRequest,
) -> Result<PostPage, PageError> {
    let relations = Relation::load_all(view).await?;
    let friends: HashMap<Fingerprint, String> = relations
        .iter()
        .filter(|relation| relation.is_friend() && !relation.is_muted())
        .map(|relation| (relation.fingerprint, relation.name()))
        .collect();
    let shelves = [Shelf::Own(keys::POST), Shelf::Own(keys::LIMITED), Shelf::Friends(&friends)];
    let found = look(view, account.fingerprint(), shelves, request).await?;
    let shown = |author: Fingerprint| match friends.get(&author) {
        Some(name) => Shown { author: Person { id: author, name: name.clone() }, mine: false },
        None => Shown { author: owner.clone(), mine: true },
    };
    let mut page = found.cut(view, request.limit, shown).await?;
    add_threads(view, &owner, &relations, &mut page).await?;
    Ok(page)
}

/// Adds what there is under the posts.
pub(crate) async fn add_threads<S: KeyValue>(
    view: &View<'_, S>,
    owner: &Person,
    relations: &[Relation],
    page: &mut PostPage,
) -> Result<(), LedgerError> {
    let theirs = || page.posts.iter().filter(|post| !post.mine).map(|post| post.id);
    if let Some(bounds) = theirs().min().zip(theirs().max()) {
        let mut gists = said::gists(view, owner, relations, bounds).await?;
        for post in page.posts.iter_mut().filter(|post| !post.mine) {
            post.thread = gists.remove(&(post.id, post.author.id));
        }
    }
    let own: BTreeSet<RecordId> = page.posts.iter().filter(|post| post.mine).map(|post| post.id).collect();
    if !own.is_empty() {
        let mut gists = threads::own::gists(view, owner, relations, &own).await?;
        for post in page.posts.iter_mut().filter(|post| post.mine) {
            post.thread = gists.remove(&post.id);
        }
    }
    Ok(())
}

/// The owner's posts on a page, and one more if there is one.
pub(crate) async fn own_posts<S: KeyValue>(
    view: &View<'_, S>,
    own: Fingerprint,
    request: &PageRequest,
) -> Result<Found, LedgerError> {
    look(view, own, [Shelf::Own(keys::POST), Shelf::Own(keys::LIMITED)], request).await
}

/// Where posts are.
#[derive(Clone, Copy)]
enum Shelf<'f> {
    /// The owner's, in this partition.
    Own(&'static str),
    /// Those of these friends.
    Friends(&'f HashMap<Fingerprint, String>),
}

/// Looks through several shelves at once, newest first, until there is more than a page.
async fn look<S: KeyValue, const N: usize>(
    view: &View<'_, S>,
    own: Fingerprint,
    shelves: [Shelf<'_>; N],
    request: &PageRequest,
) -> Result<Found, LedgerError> {
    let mut strands = shelves.map(|shelf| (shelf, Strand::new(request.before)));
    let mut is_short = false;
    // Whichever has looked least far looks further, so that nothing is read which this page does not come to.
    while let Some((shelf, strand)) = {
        let through = strands.iter().map(|(_, strand)| strand.through).max().unwrap_or(Through::End);
        let found: usize = strands.iter().map(|(_, strand)| strand.found(through)).sum();
        let is_over = found > request.limit || is_short || view.has_read_a_page();
        let is_done = through == Through::End || through != Through::Nothing && is_over;
        // Of those that have looked equally far the last.
        strands.iter_mut().filter(|_| !is_done).rev().find(|(_, strand)| strand.through == through)
    } {
        let step = match shelf {
            Shelf::Own(partition) => own_step(view, own, partition, strand.next()).await?,
            Shelf::Friends(friends) => friends_posts(view, friends, strand.next()).await?,
        };
        is_short |= strand.extend(step);
    }
    Ok(strands
        .into_iter()
        .map(|(_, strand)| strand)
        .reduce(Strand::and)
        .map_or_else(Found::default, Strand::into))
}

/// How many posts of one partition are looked at before it is seen which one is behind.
const STEP: usize = 8;

/// How far back a partition was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Through {
    /// To its end.
    End,
    /// Down to this place.
    Place(Place),
    /// Not at all.
    Nothing,
}

impl Through {
    const fn place(self) -> Option<Place> {
        match self {
            Self::Place(place) => Some(place),
            Self::End | Self::Nothing => None,
        }
    }

    fn covers(self, place: &Place) -> bool {
        match self {
            Self::End => true,
            Self::Place(through) => *place >= through,
            Self::Nothing => false,
        }
    }
}

/// What was found in one partition so far.
struct Strand {
    before: Option<Place>,
    posts: Vec<Placed>,
    through: Through,
}

impl Strand {
    fn new(before: Option<Place>) -> Self {
        Self { before, posts: Vec::new(), through: Through::Nothing }
    }

    /// Where the next look begins.
    fn next(&self) -> Option<Place> {
        self.through.place().or(self.before)
    }

    /// How many of its posts `through` covers.
    fn found(&self, through: Through) -> usize {
        self.posts.iter().filter(|placed| through.covers(&placed.place)).count()
    }

    /// Takes one step more, and says whether it was a short one: the request has read as much as it should.
    fn extend(&mut self, Step { found, is_short }: Step) -> bool {
        self.posts.extend(found.posts);
        self.through = found.through.map_or(Through::End, Through::Place);
        is_short
    }

    /// Both together, as far as both have looked.
    fn and(self, other: Self) -> Self {
        let through = self.through.max(other.through);
        let posts = self.posts.into_iter().chain(other.posts);
        let posts = posts.filter(|placed| through.covers(&placed.place)).collect();
        Self { before: self.before, posts, through }
    }
}

impl From<Strand> for Found {
    fn from(Strand { mut posts, through, .. }: Strand) -> Self {
        // Two requests that did not see each other may have left one post in both places; it is for all then.
        posts.sort_by_key(|placed| (Reverse(placed.place), placed.is_limited));
        posts.dedup_by_key(|placed| placed.place);
        Self { posts, through: through.place() }
    }
}

/// Posts that follow each other, newest first.
#[derive(Default)]
pub(crate) struct Found {
    posts: Vec<Placed>,
    /// The last place that was looked at, if there may be more behind it.
    through: Option<Place>,
}

impl Found {
    /// Cuts a page to `limit` posts, and says where the next begins if there may be more.
    pub(crate) async fn cut<S: KeyValue>(
        mut self,
        view: &View<'_, S>,
        limit: usize,
        show: impl Fn(Fingerprint) -> Shown,
    ) -> Result<PostPage, PageError> {
        let full = self.posts.len() > limit;
        self.posts.truncate(limit);
        let last = if full { self.posts.last().map(|placed| placed.place) } else { self.through };
        let next = last.map(|(id, author)| format!("{id}.{author}"));
        let mut posts = Vec::with_capacity(self.posts.len());
        let ids = || self.posts.iter().map(|placed| placed.place.0);
        let public = match (ids().min(), ids().max()) {
            (Some(oldest), Some(newest)) => public::among(view, oldest, newest).await?,
            _ => HashSet::new(),
        };
        for Placed { place: (id, author), post: StoredPost { body, edited_ms }, is_limited } in self.posts {
            let Shown { author, mine } = show(author);
            let audience = if is_limited {
                stored::load(view, &keys::audience(id)).await?
            } else {
                (mine && public.contains(&id)).then_some(Audience::Public {})
            };
            let created_ms = id.created_ms();
            posts.push(PostView { id, author, mine, created_ms, edited_ms, body, audience, thread: None });
        }
        Ok(PostPage { posts, next })
    }
}

/// What one look at a partition found.
pub(crate) struct Step {
    pub(crate) found: Found,
    /// Whether it ended early, to spare reads.
    is_short: bool,
}

/// Some of the owner's posts from `before` on.
async fn own_step<S: KeyValue>(
    view: &View<'_, S>,
    own: Fingerprint,
    partition: &'static str,
    before: Option<Place>,
) -> Result<Step, LedgerError> {
    let all = Range::partition(partition);
    let range = match before {
        None => all,
        Some((id, author)) if own < author => all.before(&keys::through(partition, id)),
        Some((id, _)) => all.before(&keys::below(partition, id)),
    };
    step(view, range, |rest| Some((rest.parse().ok()?, own)), |_| true).await
}

/// Friends' posts; those of people who ceased to be friends are passed over.
async fn friends_posts<S: KeyValue>(
    view: &View<'_, S>,
    friends: &HashMap<Fingerprint, String>,
    before: Option<Place>,
) -> Result<Step, LedgerError> {
    let all = Range::partition(keys::FEED);
    let range = match before {
        None => all,
        Some((id, author)) => all.before(&keys::feed(id, &author)),
    };
    step(view, range, parse_place, |(_, author)| friends.contains_key(author)).await
}

async fn step<S: KeyValue>(
    view: &View<'_, S>,
    range: Range,
    place: impl Fn(&str) -> Option<Place>,
    is_shown: impl Fn(&Place) -> bool,
) -> Result<Step, LedgerError> {
    let page = view.page(range, Direction::Backward, STEP).await?;
    let through = page.entries.last().filter(|_| page.more).and_then(|entry| place(entry.key.rest()));
    let placed = |entry: &Entry| {
        let place = place(entry.key.rest()).filter(&is_shown)?;
        let is_limited = entry.key.partition() == keys::LIMITED;
        Some(Placed { place, post: StoredPost::of(&entry.value)?, is_limited })
    };
    let posts = page.entries.iter().filter_map(placed).collect();
    Ok(Step { found: Found { posts, through }, is_short: page.more && page.entries.len() < STEP })
}
