//! Posts that are not for all friends, as one reader sees them.

use crate::audience;
use crate::circles::Circles;
use crate::keys::{self, ToPost};
use crate::relation::Relation;
use tidings_ledger::{Direction, Entry, Key, KeyValue, LedgerError, Page, Range, View};
use tidings_protocol::limits::PULL_PAGE_CHANGES;
use tidings_protocol::{Fingerprint, RecordId};

/// What of these posts a reader may see at this moment. Nothing is read for who has none.
pub(super) struct Restricted<'a, 'v, S> {
    view: &'a View<'v, S>,
    reader: &'a Relation,
    circles: Option<Circles>,
}

/// A post that may be on a page: as it is stored, if it is for all.
type Row = (RecordId, Option<Entry>);

/// What an entry of `to/<reader>` means to them now.
pub(super) enum Told {
    /// This is the post: its record as it is stored.
    Post(Entry),
    /// They have to let go of it.
    Gone(RecordId),
    /// Nothing: what it told of has changed since, and they are told of that elsewhere.
    Nothing,
}

impl<'a, 'v, S: KeyValue> Restricted<'a, 'v, S> {
    pub(super) fn new(view: &'a View<'v, S>, reader: &'a Relation) -> Self {
        Self { view, reader, circles: None }
    }

    pub(super) fn view(&self) -> &'a View<'v, S> {
        self.view
    }

    /// Who reads.
    pub(super) fn who(&self) -> &'a Fingerprint {
        &self.reader.fingerprint
    }

    /// A post, if they may see it.
    pub(super) async fn record(&mut self, id: RecordId) -> Result<Option<Entry>, LedgerError> {
        let circles = match self.circles.take() {
            Some(circles) => circles,
            None => Circles::load(self.view).await?,
        };
        let entry = audience::visible(self.view, self.reader, &circles, id).await?;
        self.circles = Some(circles);
        Ok(entry)
    }

    /// Looks at a post once more for them.
    pub(super) async fn told(&mut self, told: ToPost) -> Result<Told, LedgerError> {
        let (ToPost::Here(id) | ToPost::Gone(id)) = told;
        match (told, self.record(id).await?) {
            (ToPost::Here(_), Some(record)) => Ok(Told::Post(record)),
            // It was given back, or it is for all by now.
            (ToPost::Gone(_), Some(_)) => Ok(Told::Nothing),
            (_, None) if self.view.get(keys::post(id).as_str()).await?.is_some() => Ok(Told::Nothing),
            (_, None) => Ok(Told::Gone(id)),
        }
    }

    /// Whether what `key` says to have changed is under a post that they may see.
    pub(super) async fn may_see_thread(&mut self, key: &Key, post: RecordId) -> Result<bool, LedgerError> {
        if self.view.get(keys::post(post).as_str()).await?.is_some() {
            return Ok(true);
        }
        // What is under a post for some is told of where only they look.
        Ok(key.partition() != keys::THREAD && self.record(post).await?.is_some())
    }

    /// Whether the request has read as much as it should.
    pub(super) fn has_read_much(&self) -> bool {
        self.view.has_read_a_page()
    }

    /// The posts below `before` that may be on a page, newest first: those for all as they are stored, the others still to be
    /// looked up. And down to which one that is all there are, if there may be more.
    pub(super) async fn rows(
        &self,
        before: Option<RecordId>,
        oldest: Option<RecordId>,
    ) -> Result<(Vec<Row>, Option<RecordId>), LedgerError> {
        let who = &self.reader.fingerprint;
        let bound = |all: Range, key: &dyn Fn(RecordId) -> tidings_ledger::Key| {
            let all = before.map_or(all.clone(), |before| all.before(&key(before)));
            oldest.map_or(all.clone(), |oldest| all.from(&key(oldest)))
        };
        let posts = bound(Range::partition(keys::POST), &keys::post);
        let posts = self.view.page(posts, Direction::Backward, PULL_PAGE_CHANGES).await?;
        let theirs = bound(keys::to_posts(who), &|id| keys::to_post(who, id));
        let theirs = self.view.page(theirs, Direction::Backward, PULL_PAGE_CHANGES).await?;
        let floor = end(&posts).max(end(&theirs));
        let rows = posts.entries.into_iter().filter_map(|entry| Some((id_of(&entry)?, Some(entry))));
        let theirs = theirs.entries.iter().filter_map(|entry| Some((id_of(entry)?, None)));
        let mut rows: Vec<Row> = rows.chain(theirs).collect();
        // Of a post that is in both, the one for all stands.
        rows.sort_by_key(|(id, record)| std::cmp::Reverse((*id, record.is_some())));
        rows.dedup_by_key(|(id, _)| *id);
        rows.retain(|(id, _)| floor.is_none_or(|floor| *id >= floor));
        Ok((rows, floor))
    }
}

/// The last post of a page behind which there may be more.
fn end(page: &Page) -> Option<RecordId> {
    page.entries.last().filter(|_| page.more).and_then(id_of)
}

fn id_of(entry: &Entry) -> Option<RecordId> {
    match keys::parse_to(&entry.key) {
        Some(ToPost::Here(id)) => Some(id),
        Some(ToPost::Gone(_)) => None,
        None => entry.key.rest().parse().ok(),
    }
}
