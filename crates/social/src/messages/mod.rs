//! Private messages: one to one, each signed by its author, held by both.
//!
//! What the owner wrote lies in a partition of each friend's stream, what came in another one that nobody pulls. A withdrawn
//! message leaves an empty entry in its place, so a friend learns of it however long they were away. Who clears a
//! conversation for themselves changes nothing that the other one is given.

mod page;
mod taken;
mod talk;

pub(crate) use page::change_about;
pub use page::{conversation, conversations, tag};
pub(crate) use taken::Letters;

use crate::account::Account;
use crate::api::{ClearFor, MessageView, NewMessage, NotificationEvent};
use crate::heads;
use crate::keys;
use crate::limits::{IDEMPOTENCY_MS, MESSAGE_PREVIEW_CHARS};
use crate::notifications;
use crate::posts::IdempotencyKey;
use crate::relation::Relation;
use crate::settings;
use crate::stored;
use serde::{Deserialize, Serialize};
use talk::{Last, Marks, Talk, Wish};
use thiserror::Error;
use tidings_ledger::{Batch, Direction, Entry, KeyValue, LedgerError, Range, Stamp, View};
use tidings_protocol::{Body, Cleared, Fingerprint, Message, RecordId, Signed, SignedError, TextError};

/// Why something about private messages is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MessageError {
    /// The store cannot be read or written.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The text is not acceptable.
    #[error("text {0}")]
    Text(#[from] TextError),
    /// The idempotency key was used for something else.
    #[error(
        "this Idempotency-Key was used for a message with another text: take a new one for a new message"
    )]
    KeyReused,
    /// Nothing goes to, or comes from, who is no friend.
    #[error("you are no friends: nothing can be written to them")]
    NotFriends,
    /// There is no such message of the owner's.
    #[error("there is no message of yours with the id {0}")]
    Unknown(RecordId),
    /// A document could not be signed.
    #[error("{0}")]
    Signing(#[from] SignedError),
}

/// A place in a conversation, as it is stored and sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Through {
    /// The last message that counts.
    pub(crate) through: RecordId,
}

/// A message that was written now or before.
#[derive(Debug, Clone, PartialEq)]
pub struct Sent {
    /// The message.
    pub message: MessageView,
    /// Whether it was there before.
    pub existed: bool,
}

/// Writes a message to a friend. `unique` is random and counts when there is no idempotency key.
///
/// Its id lies above those of all earlier ones to this friend that the store shows, so that they are read in the order in
/// which they were written, whatever the clocks of clients say.
///
/// # Errors
/// When they are no friend, or text or key are not acceptable.
pub async fn send<S: KeyValue>(
    view: &View<'_, S>,
    account: &Account,
    relation: &Relation,
    new: NewMessage,
    key: Option<&IdempotencyKey>,
    now_ms: u64,
    unique: [u8; 10],
) -> Result<(Sent, Batch), MessageError> {
    let body = Body::text(new.text);
    body.check()?;
    let who = relation.fingerprint;
    let last = last_id(view, &keys::dm(&who)).await?;
    let unique = key.map_or(unique, IdempotencyKey::unique);
    let told_ms = key.and_then(|key| key.time_before(now_ms));
    let mut id = RecordId::from_parts(told_ms.unwrap_or(now_ms), unique);
    // Above all others it is new. Otherwise the same request may have made one, at its place or above it.
    let since_ms = told_ms.unwrap_or_else(|| now_ms.saturating_sub(IDEMPOTENCY_MS));
    if key.is_some()
        && last.is_some_and(|last| last.created_ms() >= since_ms)
        && let Some(known) = same_unique(view, &who, since_ms, unique).await?
    {
        return Ok((repeated(relation, &known, &body, now_ms)?, Batch::new()));
    }
    if !relation.is_friend() {
        return Err(MessageError::NotFriends);
    }
    if let Some(last) = last.filter(|last| *last >= id) {
        id = RecordId::from_parts(last.created_ms().saturating_add(1), unique);
    }
    let message = Message {
        id,
        author: account.identity(),
        key: account.deployment_key().public_key(),
        to: who,
        body,
        edited_ms: None,
    };
    let mut batch = Batch::new();
    put(account, &message, &mut batch)?;
    Ok((Sent { message: MessageView::waiting(&message), existed: false }, batch))
}

/// What was written by an earlier request with the same key.
fn repeated(relation: &Relation, known: &Entry, body: &Body, now_ms: u64) -> Result<Sent, MessageError> {
    let message: Signed<Message> = stored::parse(known).ok_or(MessageError::KeyReused)?;
    if message.unverified().body != *body {
        return Err(MessageError::KeyReused);
    }
    let message = page::own(relation, None, known, now_ms).ok_or(MessageError::KeyReused)?;
    Ok(Sent { message, existed: true })
}

/// The message to somebody with this unique part, written at a time or later.
async fn same_unique<S: KeyValue>(
    view: &View<'_, S>,
    who: &Fingerprint,
    since_ms: u64,
    unique: [u8; 10],
) -> Result<Option<Entry>, LedgerError> {
    let since = RecordId::from_parts(since_ms, [0; 10]);
    let recent = Range::partition(&keys::dm(who)).from(&keys::message_to(who, since));
    let entries = view.scan(recent, Direction::Forward, usize::MAX).await?;
    Ok(entries.into_iter().find(|entry| id_of(entry).is_some_and(|id| id.unique() == unique)))
}

/// Signs a message, or another edition of one, and has its receiver told.
fn put(account: &Account, message: &Message, batch: &mut Batch) -> Result<(), SignedError> {
    let record = Signed::sign(message.clone(), account.deployment_key())?.to_json();
    batch.put(keys::message_to(&message.to, message.id), record);
    heads::raise_for(&message.to, batch);
    let last = Last { id: message.id, preview: preview(&message.body) };
    batch.put(keys::talk(&message.to, Talk::SENT), stored::json(&last));
    Ok(())
}

/// Writes another edition of one's own message. Nothing is to be committed when nothing changes.
///
/// # Errors
/// When they are no friend, there is no such message, or the text is not acceptable.
pub async fn edit<S: KeyValue>(
    view: &View<'_, S>,
    account: &Account,
    relation: &Relation,
    id: RecordId,
    new: NewMessage,
    now_ms: u64,
) -> Result<(MessageView, Batch), MessageError> {
    let body = Body::text(new.text);
    body.check()?;
    let who = relation.fingerprint;
    let known = own(view, &who, id).await?;
    let before: Signed<Message> = stored::parse(&known).ok_or(MessageError::Unknown(id))?;
    if !relation.is_friend() {
        return Err(MessageError::NotFriends);
    }
    let before = before.unverified();
    if before.body == body {
        let shown = page::own(relation, None, &known, now_ms).ok_or(MessageError::Unknown(id))?;
        return Ok((shown, Batch::new()));
    }
    let edited_ms = Some(before.edited_ms.map_or(now_ms, |before_ms| now_ms.max(before_ms + 1)));
    let key = account.deployment_key().public_key();
    let message = Message { body, edited_ms, key, ..before.clone() };
    let mut batch = Batch::new();
    put(account, &message, &mut batch)?;
    // Only the last one is told of in the list.
    match Talk::load(view, &who).await?.sent {
        Some(sent) if sent.id == id => {}
        Some(sent) => batch.put(keys::talk(&who, Talk::SENT), stored::json(&sent)),
        None => batch.delete(keys::talk(&who, Talk::SENT)),
    }
    Ok((MessageView::waiting(&message), batch))
}

/// Withdraws one's own message: here at once, at its receiver's with their next pull if they are still a friend.
///
/// # Errors
/// When there is no such message.
pub async fn withdraw<S: KeyValue>(
    view: &View<'_, S>,
    relation: &Relation,
    id: RecordId,
) -> Result<Batch, MessageError> {
    let who = relation.fingerprint;
    let known = own(view, &who, id).await?;
    let mut batch = Batch::freeing();
    if known.value.is_empty() {
        return Ok(batch);
    }
    batch.put(keys::message_to(&who, id), Vec::new());
    heads::raise_for(&who, &mut batch);
    if Talk::load(view, &who).await?.sent.is_some_and(|sent| sent.id == id) {
        batch.put(keys::talk(&who, Talk::SENT), stored::json(&Last { id, preview: None }));
    }
    Ok(batch)
}

async fn own<S: KeyValue>(
    view: &View<'_, S>,
    who: &Fingerprint,
    id: RecordId,
) -> Result<Entry, MessageError> {
    view.get(keys::message_to(who, id).as_str()).await?.ok_or(MessageError::Unknown(id))
}

/// Notes that the owner has read what a friend wrote up to a message. The friend is told unless the owner chose otherwise.
///
/// # Errors
/// When the store cannot be read.
pub async fn read<S: KeyValue>(
    view: &View<'_, S>,
    relation: &Relation,
    through: RecordId,
) -> Result<Batch, MessageError> {
    let who = relation.fingerprint;
    let mut batch = Batch::new();
    let talk = Talk::load(view, &who).await?;
    // What is yet to come was not read.
    let Some(got) = talk.got.as_ref() else { return Ok(batch) };
    let through = through.min(got.id);
    if Some(through) <= talk.seen {
        return Ok(batch);
    }
    batch.put(keys::talk(&who, Talk::SEEN), stored::json(&through));
    if through == got.id {
        let event = NotificationEvent::Message { friend: relation.person() };
        notifications::forget(view, &event, &mut batch).await?;
    }
    if relation.is_friend() && settings::show(view).await?.read_marks {
        batch.put(keys::read_mark(&who), stored::json(&Through { through }));
        heads::raise_for(&who, &mut batch);
    }
    Ok(batch)
}

/// Clears a conversation: what is there now goes. For both, the friend is asked to do the same, and answers whether they did.
///
/// For oneself alone, whatever the friend may not hold yet is still given to them; until they surely do it is only hidden here.
///
/// # Errors
/// When it is to be for both and they are no friend.
pub async fn clear<S: KeyValue>(
    view: &View<'_, S>,
    relation: &Relation,
    clear_for: ClearFor,
    now_ms: u64,
    unique: [u8; 10],
) -> Result<Batch, MessageError> {
    let who = relation.fingerprint;
    if clear_for == ClearFor::Both && !relation.is_friend() {
        return Err(MessageError::NotFriends);
    }
    let written = last_id(view, &keys::dm(&who)).await?;
    let received = last_id(view, &keys::inbox(&who)).await?;
    let talk = Talk::load(view, &who).await?;
    let mut batch = Batch::freeing();
    let is_theirs_too = clear_for == ClearFor::Me && relation.is_friend();
    let spared = if is_theirs_too { first_not_held(view, relation).await? } else { None };
    let_go(&who, &talk, Marks { written, received }, spared, &mut batch);
    let event = NotificationEvent::Message { friend: relation.person() };
    notifications::forget(view, &event, &mut batch).await?;
    if clear_for == ClearFor::Both {
        let id = RecordId::from_parts(now_ms, unique);
        // A wish that they have not answered may be one that they have not heard of, and this one takes its place.
        let is_open = talk.wish.is_some_and(|wish| wish.kept.is_none());
        let before: Option<Cleared> = stored::load(view, &keys::wish_to_clear(&who)).await?;
        let before = before.filter(|_| is_open).map_or_else(Marks::default, |before| Marks {
            written: before.written,
            received: before.received,
        });
        let Marks { written, received } = before.and(Marks { written, received });
        batch.put(keys::wish_to_clear(&who), stored::json(&Cleared { id, written, received }));
        batch.put(keys::talk(&who, Talk::WISH), stored::json(&Wish { id, kept: None }));
        heads::raise_for(&who, &mut batch);
    }
    Ok(batch)
}

/// The first of the owner's messages, or of their editions and withdrawals, that a friend may not hold yet. That they were served one
/// is not enough, since the answer may have been lost; and what they say to hold may lack what the store hid while it was made.
async fn first_not_held<S: KeyValue>(
    view: &View<'_, S>,
    relation: &Relation,
) -> Result<Option<RecordId>, LedgerError> {
    let held = relation.served.as_ref().and_then(|served| served.held);
    let surely_ms = held.map_or(0, |held| held.ms().saturating_sub(view.timing().settling_ms()));
    let surely = Stamp::last_before_ms(surely_ms).unwrap_or(Stamp::ZERO);
    let own = keys::dm(&relation.fingerprint);
    let later = view.changes(&[&own], surely).await?;
    Ok(later
        .items
        .iter()
        .filter(|item| item.value.is_some())
        .filter_map(|item| item.key.rest().parse().ok())
        .min())
}

/// Lets go of a conversation up to some messages. From the one that is `spared` on the owner's own are only hidden.
fn let_go(who: &Fingerprint, talk: &Talk, through: Marks, spared: Option<RecordId>, batch: &mut Batch) {
    let (own, theirs) = (keys::dm(who), keys::inbox(who));
    if let Some(written) = through.written {
        let end = keys::through(&own, written);
        let end = spared.map_or(end.clone(), |spared| end.min(keys::below(&own, spared)));
        batch.delete_range(Range::partition(&own).before(&end));
    }
    if let Some(received) = through.received {
        batch.delete_range(Range::partition(&theirs).before(&keys::through(&theirs, received)));
        batch.put(keys::talk(who, Talk::SEEN), stored::json(&talk.seen.max(Some(received))));
    }
    if talk.sent.as_ref().is_some_and(|sent| Some(sent.id) <= through.written) {
        batch.delete(keys::talk(who, Talk::SENT));
    }
    if talk.got.as_ref().is_some_and(|got| Some(got.id) <= through.received) {
        batch.delete(keys::talk(who, Talk::GOT));
    }
    batch.put(keys::talk(who, Talk::CLEARED), stored::json(&talk.cleared.and(through)));
}

/// The id of the last message in a partition.
async fn last_id<S: KeyValue>(view: &View<'_, S>, partition: &str) -> Result<Option<RecordId>, LedgerError> {
    let last = view.scan(Range::partition(partition), Direction::Backward, 1).await?;
    Ok(last.first().and_then(id_of))
}

fn id_of(entry: &Entry) -> Option<RecordId> {
    entry.key.rest().parse().ok()
}

/// The beginning of a text, for lists; `None` where there is none that this version understands.
fn preview(body: &Body) -> Option<String> {
    body.text.as_ref().map(|text| text.chars().take(MESSAGE_PREVIEW_CHARS).collect())
}
