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
pub(crate) type Place = (RecordId, Fingerprint);

/// A post's body, and where it belongs.
type Placed = (Place, Spliced<Body>);

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
    let (mut mine, mut theirs) = (Strand::new(request.before), Strand::new(request.before));
    let mut is_short = false;
    // Whichever has looked less far looks further, so that nothing is read which this page does not come to.
    loop {
        let through = mine.through.max(theirs.through);
        let is_full = mine.found(through) + theirs.found(through) > request.limit;
        let is_over = is_short || view.has_read_a_page();
        if through == Through::End || through != Through::Nothing && (is_full || is_over) {
            break;
        }
        is_short |= if theirs.through == through {
            theirs.extend(friends_posts(view, &friends, theirs.next()).await?)
        } else {
            mine.extend(own_posts(view, own, mine.next(), STEP).await?)
        };
    }
    Ok(mine.and(theirs).cut(request.limit, |(id, author), body| match friends.get(&author) {
        Some(name) => PostView::new(id, Person { id: author, name: name.clone() }, false, body),
        None => PostView::new(id, owner.clone(), true, body),
    }))
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
        self.posts.iter().filter(|(place, _)| through.covers(place)).count()
    }

    /// Takes one step more, and says whether it was a short one: the request has read as much as it should.
    fn extend(&mut self, Step { found, is_short }: Step) -> bool {
        self.posts.extend(found.posts);
        self.through = found.through.map_or(Through::End, Through::Place);
        is_short
    }

    /// Both together, as far as both have looked.
    fn and(self, other: Self) -> Found {
        let through = self.through.max(other.through);
        let mut posts: Vec<Placed> = self.posts.into_iter().chain(other.posts).collect();
        posts.retain(|(place, _)| through.covers(place));
        posts.sort_by(|(a, _), (b, _)| b.cmp(a));
        Found { posts, through: through.place() }
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
    pub(crate) fn cut(mut self, limit: usize, show: impl Fn(Place, Spliced<Body>) -> PostView) -> PostPage {
        let full = self.posts.len() > limit;
        self.posts.truncate(limit);
        let last = if full { self.posts.last().map(|(place, _)| *place) } else { self.through };
        let next = last.map(|(id, author)| format!("{id}.{author}"));
        PostPage { posts: self.posts.into_iter().map(|(place, body)| show(place, body)).collect(), next }
    }
}

/// What one look at a partition found.
pub(crate) struct Step {
    pub(crate) found: Found,
    /// Whether it ended early, to spare reads.
    is_short: bool,
}

/// At most `limit` of the owner's posts from `before` on.
pub(crate) async fn own_posts<S: KeyValue>(
    view: &View<'_, S>,
    own: Fingerprint,
    before: Option<Place>,
    limit: usize,
) -> Result<Step, LedgerError> {
    let all = Range::partition(keys::POST);
    let range = match before {
        None => all,
        Some((id, author)) if own < author => all.before(&keys::through(keys::POST, id)),
        Some((id, _)) => all.before(&keys::post(id)),
    };
    step(view, range, limit, |rest| Some((rest.parse().ok()?, own)), |_| true).await
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
    step(view, range, STEP, parse_place, |(_, author)| friends.contains_key(author)).await
}

async fn step<S: KeyValue>(
    view: &View<'_, S>,
    range: Range,
    limit: usize,
    place: impl Fn(&str) -> Option<Place>,
    is_shown: impl Fn(&Place) -> bool,
) -> Result<Step, LedgerError> {
    let page = view.page(range, Direction::Backward, limit).await?;
    let through = page.entries.last().filter(|_| page.more).and_then(|entry| place(entry.key.rest()));
    let placed = |entry: &Entry| {
        Some((place(entry.key.rest()).filter(&is_shown)?, Spliced::of_stored_post(&entry.value)?))
    };
    let posts = page.entries.iter().filter_map(placed).collect();
    Ok(Step { found: Found { posts, through }, is_short: page.more && page.entries.len() < limit })
}
