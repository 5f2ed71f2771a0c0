//! Answering pulls: what a friend may see, and of that what changed since their cursor.
//!
//! A reader begins with a *listing*: all posts there are, newest first, in pages that say between which ids they are
//! complete. So a new friend has the newest posts at once, and one who was away for too long, or whose cursor is not
//! known, lets go of what is not there any more. Then come the private messages to it, newest first, of which it lets go of
//! none. After that come *changes*, in the order of their stamps.
//!
//! A commit may land late and out of the order of stamps, so a cursor never passes the settled time; younger changes are
//! sent again with the next pull. It stands at the stamp of a change that was given, not at a time, so that the same
//! question has the same answer while nothing changes.

mod cursor;
mod letters;
mod restricted;

use crate::account::Account;
use crate::audience;
use crate::heads::Heads;
use crate::keys::{self, ToPost};
use crate::limits::{LISTINGS_MOST, PACE_MS};
use crate::relation::{Relation, Served};
use crate::resigning;
use crate::spliced::Spliced;
use crate::stored;
use crate::threads;
use cursor::{Place, Sealer};
use data_encoding::BASE64URL_NOPAD;
use restricted::{Restricted, Told};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;
use tidings_ledger::{Batch, KeyValue, LedgerError, Stamp, Timing, View};
use tidings_protocol::limits::{PULL_PAGE_BYTES, PULL_PAGE_CHANGES};
use tidings_protocol::{
    Change, DeploymentDocument, Friendship, Head, Listed, Message, Post, Profile, RecordId, Signed,
};

/// Bytes of an ETag: two that differ by chance would hide one change from one reader until the next.
const TAG_BYTES: usize = 12;

/// How soon a friend may come for what was found to be for them while they were answered, in milliseconds, once it can be seen.
const GIVEN_SOON_MS: u64 = 2_000;

/// What a change without a record takes on a page, in bytes.
const BARE_CHANGE_BYTES: usize = 64;

/// What a thread takes on a page without its newest comment, in bytes: the counts of as many emojis as a summary names.
const THREAD_CHANGE_BYTES: usize = 512;

/// Why a pull is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PullError {
    /// The store cannot be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The cursor is none that was given out here, or one that lies too far back.
    #[error("the cursor is not one that is known here: pull again without `since`")]
    Cursor,
    /// The reader begins again and again.
    #[error("too many pulls without `since` within a short time: try again in {retry_after_s} s")]
    TooOften {
        /// When it may begin again, in seconds.
        retry_after_s: u64,
    },
    /// The held head is none.
    #[error("held {0}")]
    Held(tidings_protocol::HeadError),
    /// The oldest id is none.
    #[error("oldest {0}")]
    Oldest(tidings_protocol::RecordIdError),
}

/// What a reader asks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PullQuery {
    since: Option<String>,
    held: Option<Head>,
    oldest: Option<RecordId>,
}

impl PullQuery {
    /// Reads the parameters as they come in a query.
    ///
    /// # Errors
    /// When one is not what it should be.
    pub fn parse(since: Option<&str>, held: Option<&str>, oldest: Option<&str>) -> Result<Self, PullError> {
        Ok(Self {
            since: since.map(str::to_owned),
            held: held.map(|text| text.parse().map_err(PullError::Held)).transpose()?,
            oldest: oldest.map(|text| text.parse().map_err(PullError::Oldest)).transpose()?,
        })
    }
}

/// How far back withdrawals are remembered: readers who have not come so far start over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Forgotten {
    /// The greatest stamp of a withdrawal that is not remembered any more, as a head.
    pub(crate) through: Head,
}

/// A [`Change`] as it goes out: records are the bytes that are stored, everything else is the wire type itself.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum StoredChange {
    /// One with a post.
    Post(WithRecord<Post>),
    /// One with a profile.
    Profile(WithRecord<Profile>),
    /// One with a private message to the reader.
    Message(WithRecord<Message>),
    /// One without a record.
    Other(Box<Change>),
}

impl StoredChange {
    /// The same with its record signed by the deployment key in force.
    fn signed_again(self, account: &Account) -> Self {
        match self {
            Self::Post(change) => Self::Post(change.signed_again(account)),
            Self::Profile(change) => Self::Profile(change.signed_again(account)),
            Self::Message(change) => Self::Message(change.signed_again(account)),
            Self::Other(change) => Self::Other(change),
        }
    }
}

/// A change with a record in it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(bound = "")]
pub struct WithRecord<T> {
    kind: &'static str,
    record: Spliced<Signed<T>>,
}

impl<T: DeploymentDocument> WithRecord<T> {
    fn signed_again(self, account: &Account) -> Self {
        Self { record: resigning::record(account, self.record), ..self }
    }
}

/// A [`PullAnswer`](tidings_protocol::PullAnswer) as it goes out. It has the same members; a test takes both apart side by side.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StoredAnswer {
    /// What changed, or what there is.
    pub changes: Vec<StoredChange>,
    /// Between which ids that is all there is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listed: Option<Listed>,
    /// Where the next pull goes on.
    pub cursor: String,
    /// The head that the reader holds then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub head: Option<Head>,
    /// Whether there is more.
    pub more: bool,
    /// When to ask once more, in milliseconds from now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub again_ms: Option<u64>,
    /// The owner's stance towards the reader.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub friendship: Option<Signed<Friendship>>,
}

impl StoredAnswer {
    /// Stands for all that the answer says, but for when to ask again: the content of an ETag.
    #[must_use]
    pub fn tag(&self) -> String {
        let timeless = stored::json(&Self { again_ms: None, ..self.clone() });
        BASE64URL_NOPAD.encode(&Sha256::digest(timeless)[..TAG_BYTES])
    }
}

fn head_at(stamp: Stamp) -> Head {
    Head::from_bytes(stamp.to_bytes())
}

fn stamp_of(head: Head) -> Stamp {
    Stamp::from_bytes(*head.as_bytes())
}

/// What is to be committed before a friend's pull is answered: who begins a listing is given what is for them and was not
/// given to them yet, and so finds it there.
///
/// # Errors
/// When the store cannot be read.
pub async fn before_answer<S: KeyValue>(
    view: &View<'_, S>,
    relation: &Relation,
    query: &PullQuery,
) -> Result<Batch, LedgerError> {
    let mut batch = Batch::new();
    if query.since.is_none() {
        audience::complete(view, relation, &mut batch).await?;
    }
    Ok(batch)
}

/// Answers a friend's pull, once [`before_answer`] is committed.
///
/// The batch notes how far the friend has come, if that is news.
///
/// # Errors
/// When the cursor is not known, or the store cannot be read.
pub async fn answer<S: KeyValue>(
    view: &View<'_, S>,
    account: &Account,
    relation: &Relation,
    query: &PullQuery,
    timing: Timing,
    now_ms: u64,
) -> Result<(StoredAnswer, Batch), PullError> {
    let sealer = Sealer::new(account.deployment_key(), relation.fingerprint);
    let settled = timing.settled_before(now_ms);
    let place = query.since.as_ref().map(|text| sealer.open(text).ok_or(PullError::Cursor)).transpose()?;
    let mut served = relation.served.clone().unwrap_or_default();
    if place.is_none() {
        count_listing(&mut served, now_ms)?;
    }
    let begins = account.begins(timing);
    let mut restricted = Restricted::new(view, relation);
    let mut page = match place {
        None => list(&mut restricted, begins, Stamp::ZERO, None, query.oldest).await?,
        Some(Place::Listing { start, before }) => {
            list(&mut restricted, begins, start, Some(before), query.oldest).await?
        }
        Some(Place::Messages { start, before }) => {
            letters::list(view, &relation.fingerprint, start, before).await?
        }
        Some(Place::Changes { read, at }) => {
            refuse_if_lost(view, relation, read).await?;
            changes(&mut restricted, settled, Pass { read, at, within: None }, query.oldest).await?
        }
        Some(Place::Within { read, at, after }) => {
            refuse_if_lost(view, relation, read).await?;
            // Repeated up to there, and not given again.
            let before = Stamp::last_before_ms(at.ms()).unwrap_or(Stamp::ZERO);
            let pass = Pass { read, at: Some(before), within: Some((at, after)) };
            changes(&mut restricted, settled, pass, query.oldest).await?
        }
    };
    // What this reads has no part in how long the page is.
    let heads = Heads::load_for(view, relation).await?;
    if place.is_none() {
        // Above what there is, or was, for this reader there is no place to stand at: a store that was set back shows by that.
        let visible = heads.visible_to(&relation.fingerprint).map(stamp_of);
        let start = visible.max(forgotten(view, relation).await?).unwrap_or(Stamp::ZERO);
        page.next = page.next.starting_at(settled.min(start));
    }
    let mut complete = None;
    if !page.more {
        complete = head_for(&heads, relation, settled);
        served.of_all = heads.all.max(served.of_all);
    }
    let mut changes: Vec<StoredChange> =
        page.changes.into_iter().map(|change| change.signed_again(account)).collect();
    // Read last: there are other people's words about posts that are not for this reader.
    let threads = threads::given_along(view, account, &page.threads).await?;
    changes.extend(threads.into_iter().map(|thread| StoredChange::Other(Box::new(Change::Thread(thread)))));
    let mut answer = StoredAnswer {
        changes,
        listed: page.listed,
        cursor: sealer.seal(page.next),
        head: complete,
        more: page.more,
        again_ms: complete.and_then(|head| again_ms(head, timing, now_ms)),
        friendship: relation.ours.as_ref().map(|ours| resigning::stance(account, ours)),
    };
    let is_due = place.is_some() && (!served.is_complete || relation.joined_ms.is_some());
    if served.first_ms == 0 {
        served.first_ms = now_ms;
    }
    // A request that did not see the friendship, or that they are in a circle, has begun before that could be seen, and what it
    // wrote can be seen by then.
    let seen_after = |at_ms: u64| at_ms.saturating_add(2 * timing.settling_ms());
    served.is_complete |= now_ms > seen_after(served.first_ms);
    let mut batch = note(relation, served, complete, query.held);
    if let Some(all_seen_ms) = relation.joined_ms.map(seen_after) {
        if now_ms > all_seen_ms {
            batch.delete(keys::joined(&relation.fingerprint));
        } else if timing.staleness_ms > 0 {
            answer.again_ms = answer.again_ms.max(Some(all_seen_ms - now_ms + 1));
        }
    }
    if is_due && audience::complete(view, relation, &mut batch).await? {
        // Nobody has to tell them of it if they come by once more.
        let soon_ms = timing.staleness_ms.saturating_add(GIVEN_SOON_MS);
        answer.again_ms = answer.again_ms.max(Some(soon_ms));
    }
    Ok((answer, batch))
}

/// A listing costs much more than the changes since, so a reader begins only so many.
fn count_listing(served: &mut Served, now_ms: u64) -> Result<(), PullError> {
    let until_ms = served.listings_since_ms.saturating_add(PACE_MS);
    if until_ms <= now_ms {
        (served.listings_since_ms, served.listings) = (now_ms, 0);
    }
    if served.listings >= LISTINGS_MOST {
        let wait_ms = until_ms.saturating_sub(now_ms);
        return Err(PullError::TooOften { retry_after_s: wait_ms.div_ceil(1_000) });
    }
    served.listings += 1;
    Ok(())
}

/// When nothing older than the head can appear any more, if a read may miss it until then. Over a store that is never
/// stale only a commit that hangs in the middle of its one write is missed; the next pull brings it.
fn again_ms(head: Head, timing: Timing, now_ms: u64) -> Option<u64> {
    let may_hide = timing.staleness_ms > 0 || timing.clock_error_ms > 0;
    let settled_ms = head.ms().saturating_add(timing.settling_ms()).saturating_add(1);
    may_hide.then(|| settled_ms.saturating_sub(now_ms)).filter(|wait_ms| *wait_ms > 0)
}

/// A piece of an answer.
struct Page {
    changes: Vec<StoredChange>,
    /// Posts whose threads go along, as far as there are any: those on the page of a listing, those that the reader is given
    /// because they are for them, and those under which something changed.
    threads: Vec<RecordId>,
    listed: Option<Listed>,
    next: Place,
    more: bool,
}

/// Refuses a cursor above everything there is (the store was set back), and one from before a withdrawal that is not
/// remembered any more.
async fn refuse_if_lost<S: KeyValue>(
    view: &View<'_, S>,
    reader: &Relation,
    read: Stamp,
) -> Result<(), PullError> {
    let forgotten = forgotten(view, reader).await?;
    if Some(read) > view.greatest() || Some(read) < forgotten { Err(PullError::Cursor) } else { Ok(()) }
}

/// The last of the withdrawals that concern a reader and are not remembered any more.
async fn forgotten<S: KeyValue>(view: &View<'_, S>, reader: &Relation) -> Result<Option<Stamp>, LedgerError> {
    let of_all: Option<Forgotten> = stored::load(view, &keys::forgotten()).await?;
    let of_theirs: Option<Forgotten> = stored::load(view, &keys::forgotten_to(&reader.fingerprint)).await?;
    Ok(of_all.max(of_theirs).map(|forgotten| stamp_of(forgotten.through)))
}

/// A page of all posts there are, below `before`; on the first one with the profile, and what is to be told of the
/// conversation. Private messages, and what changes from `start` on, are given afterwards.
///
/// It ends at `begins`, where this deployment does. What its owner wrote before, at one whose data is lost, it cannot know of, and so it
/// does not say that there is nothing: friends keep what they have of it.
async fn list<S: KeyValue>(
    restricted: &mut Restricted<'_, '_, S>,
    begins: RecordId,
    start: Stamp,
    before: Option<RecordId>,
    oldest: Option<RecordId>,
) -> Result<Page, LedgerError> {
    let mut changes = Vec::new();
    let (view, reader) = (restricted.view(), restricted.who());
    if before.is_none() {
        let profile = view.get(keys::profile().as_str()).await?;
        changes.extend(profile.and_then(|profile| profile_change(&profile.value)));
    }
    let (rows, floor) = restricted.rows(before, oldest).await?;
    let (mut bytes, mut given, mut last, mut is_cut) = (0, 0, None, false);
    let mut threads = Vec::new();
    for (id, stored) in rows {
        is_cut = given == PULL_PAGE_CHANGES || given > 0 && stored.is_none() && restricted.has_read_much();
        if is_cut {
            break;
        }
        let stored = match stored {
            Some(stored) => Some(stored),
            None => restricted.record(id).await?,
        };
        // What they may not see has no part in the page, not even in where it ends.
        let Some(stored) = stored else { continue };
        bytes += stored.value.len();
        if given > 0 && bytes > PULL_PAGE_BYTES {
            is_cut = true;
            break;
        }
        given += 1;
        last = Some(id);
        threads.push(id);
        changes.extend(post_change(&stored.value));
    }
    // What this reads has no part in how long the page is.
    if before.is_none() {
        changes.extend(letters::about(view, reader).await?);
    }
    let unfinished = last.or(floor).filter(|_| is_cut || floor.is_some());
    // An idempotency key may have put a post before the setup.
    let begins = last.map_or(begins, |last| begins.min(last));
    let listed =
        Listed { from: unfinished.or(Some(oldest.map_or(begins, |oldest| oldest.max(begins)))), before };
    let (next, more) = match (unfinished, before) {
        (Some(before), _) => (Place::Listing { start, before }, true),
        (None, _) if letters::are_there(view, reader).await? => {
            (Place::Messages { start, before: letters::ABOVE_ALL }, true)
        }
        // One page is a picture of one moment, so nothing has changed meanwhile.
        (None, before) => (Place::Changes { read: start, at: None }, before.is_some()),
    };
    Ok(Page { changes, threads, listed: Some(listed), next, more })
}

/// Where a page of changes begins.
#[derive(Clone, Copy)]
struct Pass {
    /// All up to here was read.
    read: Stamp,
    /// How far the pass has come.
    at: Option<Stamp>,
    /// The commit in the middle of which it stands, and the last post of it that was given.
    within: Option<(Stamp, RecordId)>,
}

impl Pass {
    /// Whether the reader was given this in the same pass.
    fn has_given(&self, item: &tidings_ledger::Change) -> bool {
        self.within.is_some_and(|(commit, after)| match keys::parse_to(&item.key) {
            _ if item.stamp != commit => item.stamp < commit,
            Some(ToPost::Here(id)) => id <= after,
            _ => true,
        })
    }
}

/// A page of what changed for the reader.
///
/// Only what the reader is given moves the cursor and fills the page: nothing else may show.
async fn changes<S: KeyValue>(
    restricted: &mut Restricted<'_, '_, S>,
    settled: Stamp,
    pass: Pass,
    oldest: Option<RecordId>,
) -> Result<Page, LedgerError> {
    let partitions = keys::shared_with(restricted.who());
    let partitions: Vec<&str> = partitions.iter().map(String::as_str).collect();
    let since = pass.at.unwrap_or(pass.read);
    let found = restricted.view().oldest_changes(&partitions, since, PULL_PAGE_CHANGES + 1).await?;
    let (mut changes, mut threads, mut count) = (Vec::new(), Vec::new(), 0);
    let (mut bytes, mut last, mut more, mut given) = (0, None, false, None);
    let (mut settled_read, mut within) = (pass.read, None);
    for item in found.items.iter().filter(|item| !pass.has_given(item)) {
        let here = keys::parse_to(&item.key).filter(|told| matches!(told, ToPost::Here(_))).is_some();
        let is_many = count >= PULL_PAGE_CHANGES || here && restricted.has_read_much();
        let Some((given_now, size)) = change(restricted, item, oldest).await? else { continue };
        // Changes of one commit share a stamp and stay on one page, since a page ends at a stamp; but not posts of which
        // somebody may see many at once from then on.
        let is_full = bytes + size > PULL_PAGE_BYTES || is_many;
        if is_full && count > 0 && (last != Some(item.stamp) || here) {
            more = true;
            within = given.filter(|_| last == Some(item.stamp)).map(|after| (item.stamp, after));
            break;
        }
        if last != Some(item.stamp) {
            given = None;
        }
        if let Some(ToPost::Here(id)) = keys::parse_to(&item.key) {
            given = Some(id);
        }
        last = Some(item.stamp);
        // What an earlier page of this pass has given may have been joined by something since.
        if pass.at.is_none() && item.stamp <= settled {
            settled_read = item.stamp;
        }
        bytes += size;
        count += 1;
        match given_now {
            Given::Change(change) => {
                // Who is given the post may not know yet what there is under it.
                let is_post = matches!(*change, StoredChange::Post(_));
                threads.extend(given.filter(|_| here && is_post));
                changes.push(*change);
            }
            Given::Thread(post) => threads.push(post),
        }
    }
    // The newest first: if not all newest comments fit, those of the newest posts do.
    threads.sort_unstable_by_key(|post| std::cmp::Reverse(*post));
    threads.dedup();
    let read = settled_read;
    if let Some((at, after)) = within {
        return Ok(Page { changes, threads, listed: None, next: Place::Within { read, at, after }, more });
    }
    if let Some(until) = found.until.filter(|_| !more) {
        // The store was not read any further for this page.
        (last, more) = (Some(until), true);
    }
    let at = last.filter(|last| more && *last > read);
    Ok(Page { changes, threads, listed: None, next: Place::Changes { read, at }, more })
}

/// The head that a friend holds who was just given everything that `heads` tells of. It never goes below what they were
/// served, nor below what they were told as soon as that must have been among what they were given, whatever a stale store
/// hides.
///
/// What the friend says of itself counts for nothing here: a cursor is easily made up.
fn head_for(heads: &Heads, relation: &Relation, settled: Stamp) -> Option<Head> {
    let settled = head_at(settled);
    let told = relation.told_head().filter(|told| *told <= settled);
    heads.visible_to(&relation.fingerprint).max(relation.served_head()).max(told)
}

/// What a reader is given because an entry changed.
enum Given {
    /// This.
    Change(Box<StoredChange>),
    /// What there is under a post by now.
    Thread(RecordId),
}

/// What a changed entry means to the reader, and about how many bytes of an answer that takes. Of a thread that is what it takes
/// without its newest comment: what there is to read about it is read when the page is composed.
async fn change<S: KeyValue>(
    restricted: &mut Restricted<'_, '_, S>,
    item: &tidings_ledger::Change,
    oldest: Option<RecordId>,
) -> Result<Option<(Given, usize)>, LedgerError> {
    let Some(value) = &item.value else { return Ok(None) };
    let wanted = |id: &RecordId| Some(*id) >= oldest;
    let deleted = |id| StoredChange::Other(Box::new(Change::PostDeleted { id }));
    let sized = |change: Option<StoredChange>, bytes: usize| {
        Ok(change.map(|change| (Given::Change(Box::new(change)), bytes.max(BARE_CHANGE_BYTES))))
    };
    if let Some(post) = keys::parse_thread(&item.key) {
        let is_shown = wanted(&post) && restricted.may_see_thread(&item.key, post).await?;
        return Ok(is_shown.then_some((Given::Thread(post), THREAD_CHANGE_BYTES)));
    }
    match item.key.partition() {
        keys::POST => {
            let id: Option<RecordId> = item.key.rest().parse().ok();
            sized(id.filter(wanted).and_then(|_| post_change(value)), value.len())
        }
        keys::GONE => sized(keys::parse_gone(&item.key).filter(wanted).map(deleted), 0),
        keys::PROFILE => sized(profile_change(value), value.len()),
        _ => {
            let told = keys::parse_to(&item.key).filter(|(ToPost::Here(id) | ToPost::Gone(id))| wanted(id));
            let Some(told) = told else {
                return sized(letters::change(item.key.partition(), item.key.rest(), value), value.len());
            };
            match restricted.told(told).await? {
                Told::Post(stored) => sized(post_change(&stored.value), stored.value.len()),
                Told::Gone(id) => sized(Some(deleted(id)), 0),
                Told::Nothing => Ok(None),
            }
        }
    }
}

fn post_change(value: &[u8]) -> Option<StoredChange> {
    Some(StoredChange::Post(WithRecord { kind: "post", record: Spliced::of_stored(value)? }))
}

fn profile_change(value: &[u8]) -> Option<StoredChange> {
    Some(StoredChange::Profile(WithRecord { kind: "profile", record: Spliced::of_stored(value)? }))
}

fn note(relation: &Relation, mut served: Served, head: Option<Head>, held: Option<Head>) -> Batch {
    let known = relation.served.as_ref();
    (served.head, served.held) = (head.max(served.head), held.max(served.held));
    let mut batch = Batch::new();
    // A greater `held` alone is no news: the friend holds what it was served, or asks for it again.
    let is_news = |known: &Served| {
        (known.head, known.listings, known.is_complete) != (served.head, served.listings, served.is_complete)
    };
    if known.is_none_or(is_news) {
        batch.put(keys::served(&relation.fingerprint), stored::json(&served));
    }
    batch
}
