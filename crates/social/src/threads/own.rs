//! What the owner does under their own posts, and sees there.

pub use super::owners::{gists, thread};

use super::place::{Place, Readers};
use super::under::{Said, Under};
use super::{ThreadError, owners};
use crate::account::Account;
use crate::api::{CommentChange, CommentView, NewComment, Person};
use crate::keys;
use crate::limits::COMMENTS_OF_POST;
use crate::posts::IdempotencyKey;
use tidings_ledger::{Batch, KeyValue, View};
use tidings_protocol::limits::COMMENT_CHARS;
use tidings_protocol::{Body, Comment, CommentRef, Emoji, Reaction, RecordId, Signed, check_text};

/// A comment that was written now or before.
#[derive(Debug, Clone, PartialEq)]
pub struct Commented {
    /// The comment.
    pub comment: CommentView,
    /// Whether it was there before.
    pub existed: bool,
}

/// A text as the body of a comment.
fn body_of(text: String) -> Result<Body, ThreadError> {
    check_text(&text, COMMENT_CHARS, true)?;
    Ok(Body::text(text))
}

async fn place<S: KeyValue>(view: &View<'_, S>, post: RecordId) -> Result<Place, ThreadError> {
    Place::of(view, post).await?.ok_or(ThreadError::NoSuchPost)
}

/// Writes a comment of the owner's, who is called `me.name`, under their post. `unique` is random and counts when there is no
/// idempotency key. Its id lies above those of all comments that the store shows there, so that it comes after what it may answer.
///
/// # Errors
/// When there is no such post, the comment that it answers is not there, there are too many, or text or key are not acceptable.
#[allow(clippy::too_many_arguments)] // A create takes what it says, who says it where, and the three sources of its id.
pub async fn comment<S: KeyValue>(
    view: &View<'_, S>,
    account: &Account,
    me: &Person,
    post: RecordId,
    new: NewComment,
    key: Option<&IdempotencyKey>,
    now_ms: u64,
    unique: [u8; 10],
) -> Result<(Commented, Batch), ThreadError> {
    let body = body_of(new.text)?;
    let place = place(view, post).await?;
    let under = Under::load(view, post).await?;
    let unique = key.map_or(unique, IdempotencyKey::unique);
    let own = |reference: &&CommentRef| reference.author == me.id && reference.id.unique() == unique;
    if let Some(known) = under.comments.keys().find(own).filter(|_| key.is_some()) {
        let said = under.said(known).ok_or(ThreadError::NoSuchComment)?;
        let comment = owners::own_comment(me, *known, said).ok_or(ThreadError::NoSuchComment)?;
        // Whoever repeats a request does not know of editions that came between.
        if comment.edited_ms.is_none() && comment.body.read().ok() != Some(body) {
            return Err(ThreadError::KeyReused);
        }
        return Ok((Commented { comment, existed: true }, Batch::new()));
    }
    let parent = match new.parent {
        None => None,
        Some(parent) => {
            let answered = under.said(&parent).ok_or(ThreadError::Parent)?;
            Some(answered.parent.unwrap_or(parent))
        }
    };
    if under.comments.len() >= COMMENTS_OF_POST {
        return Err(ThreadError::TooMany);
    }
    let last_ms = under.comments.keys().next_back().map_or(0, |last| last.id.created_ms() + 1);
    let at_ms = key.and_then(|key| key.time_before(now_ms)).unwrap_or(now_ms);
    let id = RecordId::from_parts(at_ms.max(last_ms), unique);
    let comment = Comment {
        id,
        author: account.identity(),
        key: account.key(),
        name: me.name.clone(),
        poster: account.fingerprint(),
        post,
        parent,
        body,
        edited_ms: None,
    };
    let mut batch = Batch::new();
    let readers = Readers::load(view).await?;
    let others = under.commenters().into_iter().filter(|who| *who != me.id);
    place.tell(others, &readers, &mut batch);
    let comment = put(account, me, comment, &place, &readers, &mut batch)?;
    Ok((Commented { comment, existed: false }, batch))
}

/// Signs a comment, or another edition of one.
fn put(
    account: &Account,
    me: &Person,
    comment: Comment,
    place: &Place,
    readers: &Readers,
    batch: &mut Batch,
) -> Result<CommentView, ThreadError> {
    let (post, reference) = (comment.post, comment.reference());
    let record = Signed::sign(comment, account.deployment_key())?.to_json().into_bytes();
    let view = Said::stored(&record).and_then(|said| owners::own_comment(me, reference, &said));
    batch.put(keys::comment(post, reference), record);
    place.touch(post, readers, batch);
    view.ok_or(ThreadError::NoSuchComment)
}

/// Writes another edition of a comment of the owner's. The same once more changes nothing.
///
/// # Errors
/// When there is no such comment, or the text is not acceptable.
pub async fn edit<S: KeyValue>(
    view: &View<'_, S>,
    account: &Account,
    me: &Person,
    post: RecordId,
    id: RecordId,
    change: CommentChange,
    now_ms: u64,
) -> Result<(CommentView, Batch), ThreadError> {
    let body = body_of(change.text)?;
    let place = place(view, post).await?;
    let under = Under::load(view, post).await?;
    let reference = CommentRef { id, author: me.id };
    let said = under.said(&reference).ok_or(ThreadError::NoSuchComment)?;
    let known: Signed<Comment> =
        serde_json::from_slice(&said.record).map_err(|_| ThreadError::NoSuchComment)?;
    let known = known.unverified();
    if known.body == body {
        let comment = owners::own_comment(me, reference, said).ok_or(ThreadError::NoSuchComment)?;
        return Ok((comment, Batch::new()));
    }
    let edited_ms = Some(known.edited_ms.map_or(now_ms, |before_ms| now_ms.max(before_ms.saturating_add(1))));
    let (key, name) = (account.key(), me.name.clone());
    let edition = Comment { body, edited_ms, key, name, ..known.clone() };
    let mut batch = Batch::new();
    let shown = put(account, me, edition, &place, &Readers::load(view).await?, &mut batch)?;
    Ok((shown, batch))
}

/// Withdraws a comment of the owner's. Once more changes nothing.
///
/// # Errors
/// When there is no such comment.
pub async fn withdraw<S: KeyValue>(
    view: &View<'_, S>,
    account: &Account,
    post: RecordId,
    id: RecordId,
) -> Result<Batch, ThreadError> {
    let place = place(view, post).await?;
    let reference = CommentRef { id, author: account.fingerprint() };
    let mut batch = Batch::freeing();
    let known = view.get(keys::comment(post, reference).as_str()).await?;
    if !known.ok_or(ThreadError::NoSuchComment)?.value.is_empty() {
        batch.put(keys::comment(post, reference), Vec::new());
        place.touch(post, &Readers::load(view).await?, &mut batch);
    }
    Ok(batch)
}

/// Sets or unsets a reaction of the owner's to their post.
///
/// # Errors
/// When there is no such post, or there are too many.
pub async fn react<S: KeyValue>(
    view: &View<'_, S>,
    account: &Account,
    me: &Person,
    post: RecordId,
    (emoji, set): (Emoji, bool),
    now_ms: u64,
) -> Result<Batch, ThreadError> {
    let place = place(view, post).await?;
    let under = Under::load(view, post).await?;
    let known = under.reactions.get(&(me.id, emoji.clone()));
    if known.is_some_and(|known| known.set) == set {
        return Ok(Batch::new());
    }
    if !under.has_room_for_reaction(&me.id, &emoji, set) {
        return Err(ThreadError::TooMany);
    }
    let reaction = Reaction {
        author: account.identity(),
        key: account.key(),
        name: me.name.clone(),
        poster: account.fingerprint(),
        post,
        emoji: emoji.clone(),
        set,
        at_ms: known.map_or(now_ms, |known| now_ms.max(known.at_ms.saturating_add(1))),
    };
    let mut batch = if set { Batch::new() } else { Batch::freeing() };
    let record = Signed::sign(reaction, account.deployment_key())?.to_json();
    batch.put(keys::reaction(post, &me.id, &emoji), record);
    place.touch(post, &Readers::load(view).await?, &mut batch);
    Ok(batch)
}

/// Hides a comment under the owner's post from everybody but the owner, or shows it again.
///
/// # Errors
/// When there is no such comment.
pub async fn hide<S: KeyValue>(
    view: &View<'_, S>,
    post: RecordId,
    reference: CommentRef,
    hidden: bool,
) -> Result<Batch, ThreadError> {
    let place = place(view, post).await?;
    let known = view.get(keys::comment(post, reference).as_str()).await?;
    if known.is_none_or(|known| known.value.is_empty()) {
        return Err(ThreadError::NoSuchComment);
    }
    let was_hidden = view.get(keys::hidden(post, reference).as_str()).await?.is_some();
    let mut batch = if hidden { Batch::new() } else { Batch::freeing() };
    match (was_hidden, hidden) {
        (false, true) => batch.put(keys::hidden(post, reference), Vec::new()),
        (true, false) => batch.delete(keys::hidden(post, reference)),
        _ => return Ok(batch),
    }
    place.touch(post, &Readers::load(view).await?, &mut batch);
    Ok(batch)
}
