//! The owner's own posts.

use crate::account::Account;
use crate::api::{Audience, NewPost, Person, PostChange, PostPage, PostView};
use crate::audience::{self, AudienceError};
use crate::feed::{PageError, PageRequest, Shown};
use crate::keys;
use crate::limits::{IDEMPOTENCY_KEY_BYTES, IDEMPOTENCY_MS};
use crate::spliced::StoredPost;
use crate::stored;
use crate::threads::{self, Readers};
use std::str::FromStr;
use thiserror::Error;
use tidings_ledger::{Batch, Direction, KeyValue, LedgerError, Range, View};
use tidings_protocol::limits::FUTURE_TOLERANCE_MS;
use tidings_protocol::{Body, Post, RecordId, Signed, SignedError, TextError};

/// Why a post is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PostError {
    /// The store cannot be read or written.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The text is not acceptable.
    #[error("text {0}")]
    Text(TextError),
    /// The warning is not acceptable.
    #[error("warning {0}")]
    Warning(TextError),
    /// The audience is not acceptable.
    #[error(transparent)]
    Audience(#[from] AudienceError),
    /// The idempotency key is not acceptable.
    #[error("Idempotency-Key has to be 1 to {IDEMPOTENCY_KEY_BYTES} visible ASCII characters")]
    IdempotencyKey,
    /// The idempotency key was used for something else.
    #[error("this Idempotency-Key was used for another post: take a new one for a new post")]
    KeyReused,
    /// There is no such post.
    #[error("there is no post of yours with the id {0}")]
    Unknown(RecordId),
    /// A document could not be signed.
    #[error("{0}")]
    Signing(#[from] SignedError),
}

/// The name that a client gives to one act of writing, so that repeating it does not write twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey(String);

impl FromStr for IdempotencyKey {
    type Err = PostError;
    fn from_str(text: &str) -> Result<Self, PostError> {
        let acceptable =
            (1..=IDEMPOTENCY_KEY_BYTES).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
        if acceptable { Ok(Self(text.to_owned())) } else { Err(PostError::IdempotencyKey) }
    }
}

impl IdempotencyKey {
    /// The time in a UUIDv7, if that is what it is: then the id of a post follows from the key alone.
    fn time_ms(&self) -> Option<u64> {
        let uuid = uuid::Uuid::try_parse(&self.0).ok().filter(|uuid| uuid.get_version_num() == 7)?;
        let (seconds, nanoseconds) = uuid.get_timestamp()?.to_unix();
        Some(seconds * 1_000 + u64::from(nanoseconds) / 1_000_000)
    }

    /// Whether requests made twice at the same time may write twice, so that [`settle_twins`] has to look.
    #[must_use]
    pub fn may_have_twins(&self) -> bool {
        self.time_ms().is_none()
    }

    /// The same, unless it lies in the future.
    pub(crate) fn time_before(&self, now_ms: u64) -> Option<u64> {
        self.time_ms().filter(|&ms| ms <= now_ms.saturating_add(FUTURE_TOLERANCE_MS))
    }

    pub(crate) fn unique(&self) -> [u8; 10] {
        RecordId::unique_part(&self.0)
    }
}

/// A post that was written now or before.
#[derive(Debug, Clone, PartialEq)]
pub struct Written {
    /// The post.
    pub post: PostView,
    /// Whether it was there before.
    pub existed: bool,
}

/// A post of the owner's, as it is stored.
struct Known {
    record: Signed<Post>,
    audience: Audience,
}

impl Known {
    async fn load<S: KeyValue>(view: &View<'_, S>, id: RecordId) -> Result<Option<Self>, LedgerError> {
        if let Some(record) = stored::load(view, &keys::post(id)).await? {
            let is_public = view.get(keys::public(id).as_str()).await?.is_some();
            let audience = if is_public { Audience::Public {} } else { Audience::default() };
            return Ok(Some(Self { record, audience }));
        }
        let Some(record) = stored::load(view, &keys::limited(id)).await? else { return Ok(None) };
        // Without an audience nobody may see it, as nobody is meant.
        let nobody = Audience::Chosen { circles: Vec::new(), friends: Vec::new(), except: Vec::new() };
        let audience = stored::load(view, &keys::audience(id)).await?.unwrap_or(nobody);
        Ok(Some(Self { record, audience }))
    }
}

/// What a person wrote, as a body.
fn body_of(text: String, warning: Option<String>) -> Result<Body, PostError> {
    let body = Body::text(text);
    body.check().map_err(PostError::Text)?;
    let body = body.behind(warning);
    body.check().map_err(PostError::Warning)?;
    Ok(body)
}

/// Writes a post. `unique` is random and counts when there is no idempotency key.
///
/// # Errors
/// When text, warning, audience or key are not acceptable.
pub async fn write<S: KeyValue>(
    view: &View<'_, S>,
    account: &Account,
    author: Person,
    new: NewPost,
    key: Option<&IdempotencyKey>,
    now_ms: u64,
    unique: [u8; 10],
) -> Result<(Written, Batch), PostError> {
    let body = body_of(new.text, new.warning)?;
    let audience = new.audience.unwrap_or_default().in_order();
    let id = match key {
        None => RecordId::from_parts(now_ms, unique),
        Some(key) => match key.time_before(now_ms) {
            Some(ms) => RecordId::from_parts(ms, key.unique()),
            None => twins(view, key.unique(), now_ms)
                .await?
                .first()
                .copied()
                .unwrap_or_else(|| RecordId::from_parts(now_ms, key.unique())),
        },
    };
    if let Some(Known { record, audience: known }) = Known::load(view, id).await? {
        // Whoever repeats a request does not know of editions that came between, or of another audience.
        let is_first = record.unverified().edited_ms.is_none();
        if is_first && record.unverified().body != body {
            return Err(PostError::KeyReused);
        }
        let post = shown(id, author, &record.to_json(), known)?;
        return Ok((Written { post, existed: true }, Batch::new()));
    }
    let key = account.deployment_key().public_key();
    let post = Post { id, author: account.identity(), key, body, edited_ms: None };
    let record = Signed::sign(post, account.deployment_key())?.to_json();
    let mut batch = Batch::new();
    let readers = if audience.has_all_friends() { None } else { Some(readers_of(view, &audience).await?) };
    put(id, record.clone(), None, &audience, readers.as_ref(), now_ms, &mut batch);
    Ok((Written { post: shown(id, author, &record, audience)?, existed: false }, batch))
}

/// Everybody who may have to learn of a post that is not for all.
async fn readers_of<S: KeyValue>(view: &View<'_, S>, audience: &Audience) -> Result<Readers, PostError> {
    let readers = Readers::load(view).await?;
    audience.check(&readers.relations, &readers.circles)?;
    Ok(readers)
}

/// Puts a post, or another edition of one, where its audience says, and tells each friend what that means to them. `readers`
/// is there unless the post is and was for all friends.
fn put(
    id: RecordId,
    record: String,
    before: Option<&Audience>,
    after: &Audience,
    readers: Option<&Readers>,
    now_ms: u64,
    batch: &mut Batch,
) {
    if before.is_some_and(Audience::has_all_friends) || before.is_some() && after.has_all_friends() {
        clear(id, batch);
    }
    if before.map_or(after.is_public(), |before| before != after) {
        publish(id, before, after, batch);
    }
    if after.has_all_friends() {
        batch.put(keys::post(id), record);
    } else {
        batch.put(keys::limited(id), record);
        batch.put(keys::audience(id), stored::json(after));
    }
    let Some(Readers { relations, circles }) = readers else { return };
    for friend in relations.iter().filter(|relation| relation.is_friend()) {
        let who = &friend.fingerprint;
        let could = before.is_some_and(|audience| audience.includes(friend, circles));
        match (could, after.includes(friend, circles)) {
            // What is for all is in the partition for all.
            (true, true) if after.has_all_friends() => batch.delete(keys::to_post(who, id)),
            (_, true) if !after.has_all_friends() => audience::give(who, id, batch),
            (true, false) => audience::take(who, id, now_ms, batch),
            _ => {}
        }
    }
}

/// Names a post as one for everybody, or not any more. An edition that leaves the audience as it is names nothing: a request that does not
/// see yet that a post was taken from the public does not give it back.
fn publish(id: RecordId, before: Option<&Audience>, after: &Audience, batch: &mut Batch) {
    if after.is_public() {
        batch.put(keys::public(id), Vec::new());
    } else if after.has_all_friends() || before.is_some_and(Audience::has_all_friends) {
        // Whatever a stale store shows it as. One that is for some and stays so was taken from the public by what made it so.
        batch.delete(keys::public(id));
    }
}

/// Removes a post that is or becomes one for all friends, wherever it is: a stale store may not show where another request has put it.
/// One that is for some and stays so is never touched where all read: they would come across it.
fn clear(id: RecordId, batch: &mut Batch) {
    for key in [keys::post(id), keys::limited(id), keys::audience(id)] {
        batch.delete(key);
    }
}

/// Writes another edition of a post, or changes whom it is for. The same once more changes nothing.
///
/// # Errors
/// When there is no such post, or text, warning or audience are not acceptable.
pub async fn edit<S: KeyValue>(
    view: &View<'_, S>,
    account: &Account,
    author: Person,
    id: RecordId,
    change: PostChange,
    now_ms: u64,
) -> Result<(PostView, Batch), PostError> {
    let body = body_of(change.text, change.warning)?;
    let Known { record, audience: before } = Known::load(view, id).await?.ok_or(PostError::Unknown(id))?;
    let after = change.audience.map_or_else(|| before.clone(), Audience::in_order);
    let post = record.unverified();
    let mut batch = Batch::new();
    if post.body == body && before == after {
        return Ok((shown(id, author, &record.to_json(), before)?, batch));
    }
    let readers = if before.has_all_friends() && after.has_all_friends() {
        if post.body == body {
            // Friends see the same as before, and are told nothing.
            publish(id, Some(&before), &after, &mut batch);
            return Ok((shown(id, author, &record.to_json(), after)?, batch));
        }
        None
    } else if before == after {
        // A circle or a friend that it names may be gone by now.
        Some(Readers::load(view).await?)
    } else {
        Some(readers_of(view, &after).await?)
    };
    let text = if post.body == body {
        record.to_json()
    } else {
        let edited_ms = Some(now_ms.max(post.edited_ms.map_or(0, |edited_ms| edited_ms.saturating_add(1))));
        let key = account.deployment_key().public_key();
        let edition = Post { key, body, edited_ms, ..post.clone() };
        Signed::sign(edition, account.deployment_key())?.to_json()
    };
    put(id, text.clone(), Some(&before), &after, readers.as_ref(), now_ms, &mut batch);
    if let Some(readers) = readers.as_ref().filter(|_| before != after) {
        threads::follow(view, id, &after, readers, &mut batch).await?;
    }
    Ok((shown(id, author, &text, after)?, batch))
}

/// A post of the owner's, from its record.
fn shown(id: RecordId, author: Person, record: &str, audience: Audience) -> Result<PostView, PostError> {
    let StoredPost { body, edited_ms } = StoredPost::of(record.as_bytes()).ok_or(PostError::Unknown(id))?;
    let audience = Some(audience).filter(|audience| !audience.is_all_friends());
    Ok(PostView {
        id,
        author,
        mine: true,
        created_ms: id.created_ms(),
        edited_ms,
        body,
        audience,
        thread: None,
    })
}

/// After a post was written under a key that tells no time: the one that came first, if the same request, made twice
/// at the same time, wrote several; with the batch that removes the others. The earlier one may land after the later one
/// has looked, so whoever looks last, and finds them all, removes those of others as well.
///
/// # Errors
/// When the store cannot be read.
pub async fn settle_twins<S: KeyValue>(
    view: &View<'_, S>,
    key: &IdempotencyKey,
    written: &mut Written,
    now_ms: u64,
) -> Result<Batch, LedgerError> {
    let mut batch = Batch::new();
    if !key.may_have_twins() {
        return Ok(batch);
    }
    let twins = twins(view, key.unique(), now_ms).await?;
    for twin in twins.iter().skip(1) {
        if let Some(Known { audience, .. }) = Known::load(view, *twin).await? {
            withdraw(view, *twin, &audience, now_ms, &mut batch).await?;
        }
    }
    if let Some(&first) = twins.first().filter(|&&first| first < written.post.id) {
        written.post = PostView { id: first, created_ms: first.created_ms(), ..written.post.clone() };
        written.existed = true;
    }
    Ok(batch)
}

/// Recent posts with this unique part, the earliest first.
async fn twins<S: KeyValue>(
    view: &View<'_, S>,
    unique: [u8; 10],
    now_ms: u64,
) -> Result<Vec<RecordId>, LedgerError> {
    let since = RecordId::from_parts(now_ms.saturating_sub(IDEMPOTENCY_MS), [0; 10]);
    let mut twins = Vec::new();
    for partition in [keys::POST, keys::LIMITED] {
        let recent = Range::partition(partition).from(&keys::below(partition, since));
        let entries = view.scan(recent, Direction::Forward, usize::MAX).await?;
        let ids = entries.iter().filter_map(|e| e.key.rest().parse::<RecordId>().ok());
        twins.extend(ids.filter(|id| id.unique() == unique));
    }
    twins.sort_unstable();
    Ok(twins)
}

/// Withdraws a post.
///
/// # Errors
/// When there is no such post.
pub async fn delete<S: KeyValue>(view: &View<'_, S>, id: RecordId, now_ms: u64) -> Result<Batch, PostError> {
    let Known { audience, .. } = Known::load(view, id).await?.ok_or(PostError::Unknown(id))?;
    let mut batch = Batch::freeing();
    withdraw(view, id, &audience, now_ms, &mut batch).await?;
    Ok(batch)
}

/// Removes a post, and remembers that for friends who have it.
async fn withdraw<S: KeyValue>(
    view: &View<'_, S>,
    id: RecordId,
    audience: &Audience,
    now_ms: u64,
    batch: &mut Batch,
) -> Result<(), LedgerError> {
    if audience.has_all_friends() {
        clear(id, batch);
        batch.delete(keys::public(id));
        batch.put(keys::gone(now_ms, id), Vec::new());
        return threads::remove_all(view, id, None, batch).await;
    }
    let readers = Readers::load(view).await?;
    threads::remove_all(view, id, Some(&readers), batch).await?;
    batch.delete(keys::limited(id));
    batch.delete(keys::audience(id));
    for friend in readers.relations.iter().filter(|relation| audience.includes(relation, &readers.circles)) {
        audience::take(&friend.fingerprint, id, now_ms, batch);
    }
    Ok(())
}

/// One's own posts, newest first.
///
/// # Errors
/// When the page is not one, or the store cannot be read.
pub async fn page<S: KeyValue>(
    view: &View<'_, S>,
    account: &Account,
    author: Person,
    request: &PageRequest,
) -> Result<PostPage, PageError> {
    let own = account.fingerprint();
    let found = crate::feed::own_posts(view, own, request).await?;
    let mut page = found.cut(view, request.limit, |_| Shown { author: author.clone(), mine: true }).await?;
    let relations = crate::Relation::load_all(view).await?;
    crate::feed::add_threads(view, &author, &relations, &mut page).await?;
    Ok(page)
}
