//! What the owner says under friends' posts: comments and reactions.
//!
//! They are the owner's records and stay here. Each also goes into the outbox of the poster's deployment, from which it is taken
//! once that has it ([`outbox`]). What there is under a friend's post comes from the poster ([`opened`]); [`shown`] puts both
//! together.

pub(crate) mod opened;
pub(crate) mod outbox;
mod shown;

use crate::account::Account;
use crate::api::{CommentChange, CommentView, InteractionState, NewComment, NotificationEvent, Person};
use crate::keys;
use crate::limits::{COMMENTS_OF_ONE, IDEMPOTENCY_MS, REACTIONS_OF_ONE};
use crate::notifications;
use crate::posts::IdempotencyKey;
use crate::relation::Relation;
use crate::stored;
use crate::threads::own::Commented;
use std::collections::BTreeSet;
use thiserror::Error;
use tidings_ledger::{Batch, Direction, Entry, Key, KeyValue, LedgerError, Range, View};
use tidings_protocol::{
    Body, Comment, CommentRef, Emoji, Fingerprint, Interaction, Reaction, RecordId, Signed, SignedError,
    TextError, ThreadSummary,
};

pub use opened::{Question, ask, take};
pub use shown::{Gists, gists, thread};

/// Why something about comments and reactions is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SaidError {
    /// The store cannot be read or written.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The text is not acceptable.
    #[error("text {0}")]
    Text(TextError),
    /// The emoji is none.
    #[error("{0:?} is not one emoji")]
    Emoji(String),
    /// They are no friend.
    #[error("only friends can say something under each other's posts")]
    NotFriends,
    /// There is no such post here.
    #[error("there is no post {0} of theirs here")]
    NoPost(RecordId),
    /// There is no such comment, or it is not the owner's.
    #[error("there is no comment {0} of yours under this post")]
    Unknown(RecordId),
    /// The comment that is to be answered is not there.
    #[error("parent is no comment under this post")]
    Parent,
    /// The owner said too much under one post.
    #[error("there are {0} of yours under this post already")]
    TooMany(usize),
    /// The key was used for something else.
    #[error("the Idempotency-Key was used for another comment")]
    KeyReused,
    /// A record could not be signed.
    #[error("{0}")]
    Signing(#[from] SignedError),
}

/// Whose post, and which one.
#[derive(Debug, Clone, Copy)]
pub struct Place<'r> {
    /// The poster.
    pub poster: &'r Relation,
    /// Their post.
    pub post: RecordId,
}

impl Place<'_> {
    fn who(&self) -> &Fingerprint {
        &self.poster.fingerprint
    }

    /// Refuses what is no post of a friend's that is held here.
    async fn check<S: KeyValue>(&self, view: &View<'_, S>) -> Result<(), SaidError> {
        if !self.poster.is_friend() {
            return Err(SaidError::NotFriends);
        }
        let post = view.get(keys::feed(self.post, self.who()).as_str()).await?;
        if post.is_some() { Ok(()) } else { Err(SaidError::NoPost(self.post)) }
    }
}

/// What the owner said under one post.
#[derive(Debug, Default)]
pub(crate) struct Said {
    /// The comments; `None` for those that were withdrawn.
    pub(crate) comments: Vec<(RecordId, Option<Signed<Comment>>)>,
    /// Set or not.
    pub(crate) reactions: Vec<Signed<Reaction>>,
    /// What the poster's deployment did not take: ids of comments and emojis.
    pub(crate) refused: Vec<String>,
}

impl Said {
    pub(crate) async fn load<S: KeyValue>(
        view: &View<'_, S>,
        place: &Place<'_>,
    ) -> Result<Self, LedgerError> {
        let range = keys::said_under(place.who(), place.post);
        let entries = view.scan(range, Direction::Forward, usize::MAX).await?;
        let mut said = Self::default();
        entries.iter().for_each(|entry| said.add(entry));
        Ok(said)
    }

    pub(crate) fn add(&mut self, entry: &Entry) {
        match kind_of(&entry.key) {
            Some(("comment", id)) => {
                if let Ok(id) = id.parse() {
                    self.comments.push((id, stored::parse(entry)));
                }
            }
            Some(("reaction", _)) => self.reactions.extend(stored::parse::<Signed<Reaction>>(entry)),
            Some(("refused", what)) => self.refused.push(what.to_owned()),
            _ => {}
        }
    }

    fn comment(&self, id: RecordId) -> Option<&Signed<Comment>> {
        self.comments.iter().find(|(known, _)| *known == id)?.1.as_ref()
    }

    fn reaction(&self, emoji: &Emoji) -> Option<&Reaction> {
        self.reactions.iter().map(Signed::unverified).find(|reaction| reaction.emoji == *emoji)
    }
}

/// Writes a comment on a friend's post. `unique` is random and counts when there is no idempotency key.
///
/// # Errors
/// When they are no friend, the post is not here, or text, parent or key are not acceptable.
#[allow(clippy::too_many_arguments)] // All of it is what one comment is made of.
pub async fn comment<S: KeyValue>(
    view: &View<'_, S>,
    account: &Account,
    name: String,
    place: Place<'_>,
    new: NewComment,
    key: Option<&IdempotencyKey>,
    now_ms: u64,
    unique: [u8; 10],
) -> Result<(Commented, Batch), SaidError> {
    let body = Body::text(new.text);
    let said = Said::load(view, &place).await?;
    let unique = key.map_or(unique, IdempotencyKey::unique);
    let told_ms = key.and_then(|key| key.time_before(now_ms));
    let id = RecordId::from_parts(told_ms.unwrap_or(now_ms), unique);
    let since_ms = now_ms.saturating_sub(IDEMPOTENCY_MS);
    let is_same = |known: &RecordId| match told_ms {
        Some(_) => *known == id,
        None => known.unique() == unique && known.created_ms() >= since_ms,
    };
    if key.is_some()
        && let Some((_, known)) = said.comments.iter().find(|(known, _)| is_same(known))
    {
        let known = known.as_ref().ok_or(SaidError::KeyReused)?;
        let is_first = known.unverified().edited_ms.is_none();
        if is_first && known.unverified().body != body {
            return Err(SaidError::KeyReused);
        }
        let comment = shown::known(view, account, place, &said, known).await?;
        return Ok((Commented { comment, existed: true }, Batch::new()));
    }
    place.check(view).await?;
    if said.comments.len() >= COMMENTS_OF_ONE {
        return Err(SaidError::TooMany(COMMENTS_OF_ONE));
    }
    let parent = match new.parent {
        Some(parent) => Some(shown::answered(view, account, place, &said, parent).await?),
        None => None,
    };
    let comment = Comment {
        id,
        author: account.identity(),
        key: account.key(),
        name,
        poster: *place.who(),
        post: place.post,
        parent,
        body,
        edited_ms: None,
    };
    let (record, batch) = put(account, place, comment, now_ms, unique)?;
    let comment = shown::own(account, place, &record, InteractionState::Waiting)?;
    Ok((Commented { comment, existed: false }, batch))
}

/// Signs a comment, or another edition of one, and lays it into the outbox.
fn put(
    account: &Account,
    place: Place<'_>,
    comment: Comment,
    now_ms: u64,
    unique: [u8; 10],
) -> Result<(Signed<Comment>, Batch), SaidError> {
    comment.check().map_err(|(_, error)| SaidError::Text(error))?;
    let id = comment.id;
    let record = Signed::sign(comment, account.deployment_key())?;
    let mut batch = Batch::new();
    batch.put(keys::said_comment(place.who(), place.post, id), record.to_json());
    batch.delete(keys::said_refused(place.who(), place.post, &id.to_string()));
    lay_out(place, &Interaction::Comment { record: record.clone() }, now_ms, unique, &mut batch);
    Ok((record, batch))
}

/// Lays something into the outbox of the poster's deployment.
fn lay_out(place: Place<'_>, interaction: &Interaction, now_ms: u64, unique: [u8; 10], batch: &mut Batch) {
    let id = RecordId::from_parts(now_ms, unique);
    batch.put(keys::outbox(place.who(), id), stored::json(interaction));
}

/// Writes another edition of one's own comment. Nothing is to be committed when nothing changes.
///
/// # Errors
/// When they are no friend, there is no such comment, or the text is not acceptable.
pub async fn edit<S: KeyValue>(
    view: &View<'_, S>,
    account: &Account,
    place: Place<'_>,
    id: RecordId,
    change: CommentChange,
    now_ms: u64,
    unique: [u8; 10],
) -> Result<(CommentView, Batch), SaidError> {
    let body = Body::text(change.text);
    let said = Said::load(view, &place).await?;
    let known = said.comment(id).ok_or(SaidError::Unknown(id))?;
    if known.unverified().body == body {
        return Ok((shown::known(view, account, place, &said, known).await?, Batch::new()));
    }
    place.check(view).await?;
    let before = known.unverified();
    let edited_ms =
        Some(before.edited_ms.map_or(now_ms, |before_ms| now_ms.max(before_ms.saturating_add(1))));
    let comment = Comment { body, edited_ms, key: account.key(), ..before.clone() };
    let (record, batch) = put(account, place, comment, now_ms, unique)?;
    Ok((shown::own(account, place, &record, InteractionState::Waiting)?, batch))
}

/// Withdraws one's own comment: here at once, at the poster's deployment as soon as that can be reached.
///
/// # Errors
/// When there is no such comment.
pub async fn withdraw<S: KeyValue>(
    view: &View<'_, S>,
    place: Place<'_>,
    id: RecordId,
    now_ms: u64,
    unique: [u8; 10],
) -> Result<Batch, SaidError> {
    let said = Said::load(view, &place).await?;
    said.comment(id).ok_or(SaidError::Unknown(id))?;
    let mut batch = Batch::freeing();
    // That it was there stays known: an edition that comes late must not bring it back.
    batch.put(keys::said_comment(place.who(), place.post, id), Vec::new());
    batch.delete(keys::said_refused(place.who(), place.post, &id.to_string()));
    let withdrawal = Interaction::CommentDeleted { post: place.post, id };
    lay_out(place, &withdrawal, now_ms, unique, &mut batch);
    Ok(batch)
}

/// Sets or unsets a reaction. Nothing is to be committed if it is so already.
///
/// # Errors
/// When they are no friend, or the post is not here.
#[allow(clippy::too_many_arguments)] // All of it is what one reaction is made of.
pub async fn react<S: KeyValue>(
    view: &View<'_, S>,
    account: &Account,
    name: String,
    place: Place<'_>,
    emoji: Emoji,
    set: bool,
    now_ms: u64,
    unique: [u8; 10],
) -> Result<Batch, SaidError> {
    let said = Said::load(view, &place).await?;
    let known = said.reaction(&emoji);
    let is_refused = said.refused.iter().any(|what| what == emoji.as_str());
    if known.is_some_and(|known| known.set) == set && !is_refused {
        return Ok(Batch::new());
    }
    place.check(view).await?;
    let others =
        said.reactions.iter().map(Signed::unverified).filter(|other| other.set && other.emoji != emoji);
    if set && others.count() >= REACTIONS_OF_ONE {
        return Err(SaidError::TooMany(REACTIONS_OF_ONE));
    }
    let at_ms = known.map_or(now_ms, |known| now_ms.max(known.at_ms.saturating_add(1)));
    let reaction = Reaction {
        author: account.identity(),
        key: account.key(),
        name,
        poster: *place.who(),
        post: place.post,
        emoji: emoji.clone(),
        set,
        at_ms,
    };
    let record = Signed::sign(reaction, account.deployment_key())?;
    let mut batch = Batch::new();
    batch.put(keys::said_reaction(place.who(), place.post, &emoji), record.to_json());
    batch.delete(keys::said_refused(place.who(), place.post, emoji.as_str()));
    lay_out(place, &Interaction::Reaction { record }, now_ms, unique, &mut batch);
    Ok(batch)
}

/// Has the poster's deployment given once more what the owner said under posts that have just come: they were friends before, and
/// it may have let go of that.
pub(crate) async fn say_again_under<S: KeyValue>(
    view: &View<'_, S>,
    account: &Account,
    poster: &Fingerprint,
    posts: &BTreeSet<RecordId>,
    batch: &mut Batch,
) -> Result<(), LedgerError> {
    let (Some(first), Some(last)) = (posts.first(), posts.last()) else { return Ok(()) };
    for entry in view.scan(keys::between(keys::SAID, *first, *last), Direction::Forward, usize::MAX).await? {
        if parse_place(&entry.key).is_some_and(|(post, who)| who == *poster && posts.contains(&post)) {
            say_again(account, &entry, batch);
        }
    }
    Ok(())
}

/// Signs something that was said once more, by the key in force, and has it given to the poster's deployment again: nobody believes
/// an earlier key. That it was withdrawn is said again as well. Done twice it is the same.
pub(crate) fn say_again(account: &Account, entry: &Entry, batch: &mut Batch) {
    let Some((post, poster)) = parse_place(&entry.key) else { return };
    let key = account.deployment_key();
    let interaction = match kind_of(&entry.key) {
        Some(("comment", id)) if entry.value.is_empty() => {
            let Ok(id) = id.parse() else { return };
            Interaction::CommentDeleted { post, id }
        }
        Some(("comment", _)) => {
            let record =
                stored::parse::<Signed<Comment>>(entry).and_then(|record| record.signed_again(key).ok());
            let Some(record) = record else { return };
            batch.put(entry.key.clone(), record.to_json());
            Interaction::Comment { record }
        }
        Some(("reaction", _)) => {
            let record =
                stored::parse::<Signed<Reaction>>(entry).and_then(|record| record.signed_again(key).ok());
            let Some(record) = record else { return };
            batch.put(entry.key.clone(), record.to_json());
            Interaction::Reaction { record }
        }
        // It may be taken now.
        _ => return batch.delete(entry.key.clone()),
    };
    let unique = RecordId::unique_part(&format!("{} {}", entry.key.as_str(), account.key()));
    batch.put(
        keys::outbox(&poster, RecordId::from_parts(post.created_ms(), unique)),
        stored::json(&interaction),
    );
}

/// Has the owner know that somebody commented after them on a friend's post: `summary` is what a pull brought.
pub(crate) async fn note_reply<S: KeyValue>(
    view: &View<'_, S>,
    account: &Account,
    poster: &Relation,
    summary: &ThreadSummary,
    now_ms: u64,
    batch: &mut Batch,
) -> Result<(), LedgerError> {
    let place = Place { poster, post: summary.post };
    let Some(latest) = summary.latest.as_ref().map(|latest| latest.record.unverified()) else {
        return Ok(());
    };
    let author = latest.author.fingerprint();
    let known: Option<ThreadSummary> = stored::load(view, &keys::gist(place.who(), place.post)).await?;
    let known = known.and_then(|known| known.latest).map(|latest| latest.record.unverified().id);
    if author == account.fingerprint() || poster.is_muted() || known >= Some(latest.id) {
        return Ok(());
    }
    let said = Said::load(view, &place).await?;
    let mut own = said.comments.iter().filter(|(_, own)| own.is_some());
    let relation = Relation::load(view, &author).await?;
    if relation.is_blocked() || relation.is_muted() || !own.any(|(id, _)| *id < latest.id) {
        return Ok(());
    }
    let name = if relation.is_friend() { relation.name() } else { latest.name.clone() };
    let author = Person { id: author, name };
    let event = NotificationEvent::Reply { author, poster: poster.person(), post: place.post };
    notifications::note(view, &event, now_ms, batch).await
}

/// Removes what is held of threads under a friend's post that is let go of.
pub(crate) fn drop_thread(poster: &Fingerprint, post: RecordId, batch: &mut Batch) {
    batch.delete(keys::gist(poster, post));
    batch.delete_range(keys::opened_thread(poster, post));
}

/// The same for several of one friend's posts. Most have nothing.
pub(crate) async fn drop_threads<S: KeyValue>(
    view: &View<'_, S>,
    poster: &Fingerprint,
    posts: &BTreeSet<RecordId>,
    batch: &mut Batch,
) -> Result<(), LedgerError> {
    let (Some(first), Some(last)) = (posts.first(), posts.last()) else { return Ok(()) };
    for partition in [keys::GIST, keys::OPENED] {
        for entry in
            view.scan(keys::between(partition, *first, *last), Direction::Forward, usize::MAX).await?
        {
            if parse_place(&entry.key).is_some_and(|(post, who)| who == *poster && posts.contains(&post)) {
                batch.delete(entry.key);
            }
        }
    }
    Ok(())
}

/// Removes what is held of threads under friends' posts up to one, whoever wrote it.
pub(crate) async fn drop_older<S: KeyValue>(
    view: &View<'_, S>,
    through: RecordId,
    batch: &mut Batch,
) -> Result<(), LedgerError> {
    for partition in [keys::GIST, keys::OPENED] {
        let range = Range::partition(partition).before(&keys::through(partition, through));
        if !view.scan(range.clone(), Direction::Forward, 1).await?.is_empty() {
            batch.delete_range(range);
        }
    }
    Ok(())
}

/// The id of a comment, if it is the owner's.
fn refers_to(comment: CommentRef, account: &Account) -> Option<RecordId> {
    (comment.author == account.fingerprint()).then_some(comment.id)
}

/// What a key of `said` stands for, and the id of the comment or the emoji.
fn kind_of(key: &Key) -> Option<(&str, &str)> {
    key.rest().split_once('/')?.1.split_once('/')
}

/// Which post of whom a key of `said`, `gist` or `opened` is about.
pub(crate) fn parse_place(key: &Key) -> Option<(RecordId, Fingerprint)> {
    let (id, who) = key.rest().split('/').next()?.split_once('.')?;
    Some((id.parse().ok()?, who.parse().ok()?))
}
