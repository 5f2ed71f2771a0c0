//! The owner's own posts.

use crate::account::Account;
use crate::api::{NewPost, Person, PostPage, PostView};
use crate::feed::{PageError, PageRequest};
use crate::keys;
use crate::limits::{IDEMPOTENCY_KEY_BYTES, IDEMPOTENCY_MS};
use crate::spliced::Spliced;
use crate::stored;
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
    Text(#[from] TextError),
    /// The idempotency key is not acceptable.
    #[error("Idempotency-Key has to be 1 to {IDEMPOTENCY_KEY_BYTES} visible ASCII characters")]
    IdempotencyKey,
    /// The idempotency key was used for something else.
    #[error("this Idempotency-Key was used for a post with another text: take a new one for a new post")]
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

    fn unique(&self) -> [u8; 10] {
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

/// Writes a post. `unique` is random and counts when there is no idempotency key.
///
/// # Errors
/// When text or key are not acceptable.
pub async fn write<S: KeyValue>(
    view: &View<'_, S>,
    account: &Account,
    author: Person,
    new: NewPost,
    key: Option<&IdempotencyKey>,
    now_ms: u64,
    unique: [u8; 10],
) -> Result<(Written, Batch), PostError> {
    let body = Body::text(new.text);
    body.check()?;
    let id = match key {
        None => RecordId::from_parts(now_ms, unique),
        Some(key) => match key.time_ms().filter(|&ms| ms <= now_ms.saturating_add(FUTURE_TOLERANCE_MS)) {
            Some(ms) => RecordId::from_parts(ms, key.unique()),
            None => twins(view, key.unique(), now_ms)
                .await?
                .first()
                .copied()
                .unwrap_or_else(|| RecordId::from_parts(now_ms, key.unique())),
        },
    };
    if let Some(known) = stored::load::<Signed<Post>, _>(view, &keys::post(id)).await? {
        if known.unverified().body != body {
            return Err(PostError::KeyReused);
        }
        return Ok((Written { post: shown(id, author, &known.to_json())?, existed: true }, Batch::new()));
    }
    let post = Post { id, author: account.identity(), key: account.deployment_key().public_key(), body };
    let record = Signed::sign(post, account.deployment_key())?.to_json();
    let post = shown(id, author, &record)?;
    let mut batch = Batch::new();
    batch.put(keys::post(id), record);
    Ok((Written { post, existed: false }, batch))
}

/// A post of the owner's, as it is stored.
fn shown(id: RecordId, author: Person, record: &str) -> Result<PostView, PostError> {
    let body = Spliced::of_stored_post(record.as_bytes()).ok_or(PostError::Unknown(id))?;
    Ok(PostView::new(id, author, true, body))
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
        withdraw(*twin, now_ms, &mut batch);
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
    let recent = Range::partition(keys::POST).from(&keys::post(since));
    let entries = view.scan(recent, Direction::Forward, usize::MAX).await?;
    let ids = entries.iter().filter_map(|e| e.key.rest().parse::<RecordId>().ok());
    Ok(ids.filter(|id| id.unique() == unique).collect())
}

/// Withdraws a post.
///
/// # Errors
/// When there is no such post.
pub async fn delete<S: KeyValue>(view: &View<'_, S>, id: RecordId, now_ms: u64) -> Result<Batch, PostError> {
    let key = keys::post(id);
    if view.get(key.as_str()).await?.is_none() {
        return Err(PostError::Unknown(id));
    }
    let mut batch = Batch::freeing();
    withdraw(id, now_ms, &mut batch);
    Ok(batch)
}

/// Removes a post, and remembers that for friends who have it.
fn withdraw(id: RecordId, now_ms: u64, batch: &mut Batch) {
    batch.delete(keys::post(id));
    batch.put(keys::gone(now_ms, id), Vec::new());
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
    // One more than a page, to tell whether there is another.
    let step = crate::feed::own_posts(view, own, request.before, request.limit + 1).await?;
    Ok(step.found.cut(request.limit, |(id, _), body| PostView::new(id, author.clone(), true, body)))
}
