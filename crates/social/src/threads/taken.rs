//! What a friend says under the owner's posts, as their deployment gives it to this one.

use super::place::{Place, Readers};
use super::under::{Reacted, Said, Under};
use crate::account::Account;
use crate::api::NotificationEvent;
use crate::heads::Heads;
use crate::keys;
use crate::limits::{
    COMMENTS_OF_ONE, COMMENTS_OF_POST, INTERACTIONS_MOST, PACE_MS, REACTION_MARKS_OF_ONE, REACTIONS_OF_ONE,
    REACTIONS_OF_POST,
};
use crate::notifications;
use crate::peer::{PeerError, VerifiedPeer};
use crate::relation::Relation;
use crate::resigning;
use crate::stored;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use tidings_ledger::{Batch, KeyValue, LedgerError, View};
use tidings_protocol::limits::{COMMENT_BYTES, INTERACTIONS_AT_ONCE, REACTION_BYTES};
use tidings_protocol::{
    Certificate, Comment, CommentRef, Emoji, Fingerprint, Interaction, InteractionsAnswer,
    InteractionsMessage, Outcome, Reaction, RecordId, Signed, UnderPost,
};

/// How much of one friend's came lately.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pace {
    /// When the first of those came that are counted, in unix milliseconds.
    since_ms: u64,
    /// How many.
    changes: u32,
}

impl Pace {
    /// As it is now, unless there were too many. Requests that do not see each other may count less than there was.
    async fn check<S: KeyValue>(
        view: &View<'_, S>,
        author: &Fingerprint,
        now_ms: u64,
    ) -> Result<Self, PeerError> {
        let known: Option<Self> = stored::load(view, &keys::pace_of(author)).await?;
        let fresh = Self { since_ms: now_ms, changes: 0 };
        let pace = known.filter(|pace| pace.since_ms.saturating_add(PACE_MS) > now_ms).unwrap_or(fresh);
        if pace.changes >= INTERACTIONS_MOST {
            let wait_ms = pace.since_ms.saturating_add(PACE_MS).saturating_sub(now_ms);
            return Err(PeerError::TooManyInteractions { retry_after_s: wait_ms.div_ceil(1_000) });
        }
        Ok(pace)
    }
}

/// Takes comments and reactions of a friend: each by itself, and all that follows from them in one batch.
///
/// # Errors
/// When the sender is no friend, or there is too much at once or within a short time.
pub async fn receive<S: KeyValue>(
    view: &View<'_, S>,
    account: &Account,
    sender: &VerifiedPeer,
    message: &InteractionsMessage,
    now_ms: u64,
) -> Result<(InteractionsAnswer, Batch), PeerError> {
    sender.require_friend()?;
    if message.interactions.len() > INTERACTIONS_AT_ONCE {
        return Err(PeerError::TooManyAtOnce);
    }
    let relation = sender.relation();
    let pace = Pace::check(view, &relation.fingerprint, now_ms).await?;
    let mut taking = Taking {
        view,
        account,
        relation,
        certificate: sender.certificate(),
        readers: Readers::load(view).await?,
        threads: BTreeMap::new(),
        now_ms,
    };
    let mut outcomes = Vec::with_capacity(message.interactions.len());
    for interaction in &message.interactions {
        outcomes.push(taking.take(interaction).await?);
    }
    let mut batch = taking.conclude(pace).await?;
    batch.merge(sender.learn(view, now_ms).await?);
    let friendship = relation.ours.as_ref().map(|ours| resigning::stance(account, ours));
    let head = Heads::load_for(view, relation).await?.owed_to(relation);
    Ok((InteractionsAnswer { outcomes, friendship, head }, batch))
}

/// One request's work.
struct Taking<'a, 'v, S> {
    view: &'a View<'v, S>,
    account: &'a Account,
    relation: &'a Relation,
    certificate: &'a Certificate,
    readers: Readers,
    threads: BTreeMap<RecordId, Option<Thread>>,
    now_ms: u64,
}

/// What is under one post, as this request leaves it.
struct Thread {
    place: Place,
    /// Whether the sender may see the post.
    is_for_them: bool,
    under: Under,
    /// What is to be written.
    batch: Batch,
    /// Whether it says more than that something was taken back.
    takes_room: bool,
    /// How many comments and reactions changed.
    changes: u32,
    /// Comments that were not there before.
    written: BTreeSet<RecordId>,
    withdrawn: BTreeSet<RecordId>,
    /// The last emoji that was not set before.
    set: Option<Emoji>,
    unset: BTreeSet<Emoji>,
}

impl<S: KeyValue> Taking<'_, '_, S> {
    /// What becomes of one interaction. One that is not acceptable is so whatever it is about, so that this tells nothing of it.
    async fn take(&mut self, interaction: &Interaction) -> Result<Outcome, LedgerError> {
        let author = self.relation.fingerprint;
        let outcome = match interaction {
            Interaction::Comment { record } => match self.verified(record, COMMENT_BYTES) {
                None => Outcome::Invalid,
                Some(comment) => match self.thread(comment.post).await? {
                    Some(thread) if thread.is_for_them => thread.take_comment(comment, record),
                    _ => Outcome::NoSuchPost,
                },
            },
            Interaction::CommentDeleted { post, id } => match self.thread(*post).await? {
                None => Outcome::NoSuchPost,
                Some(thread) => thread.withdraw(*post, CommentRef { id: *id, author }),
            },
            Interaction::Reaction { record } => match self.verified(record, REACTION_BYTES) {
                None => Outcome::Invalid,
                Some(reaction) => match self.thread(reaction.post).await? {
                    None => Outcome::NoSuchPost,
                    Some(thread) => thread.take_reaction(reaction, record),
                },
            },
        };
        Ok(outcome)
    }

    /// The content of a record of the sender's about a post of the owner's.
    fn verified<'r, T: UnderPost>(&self, record: &'r Signed<T>, most_bytes: usize) -> Option<&'r T> {
        let content = record.verify(&self.certificate.key).ok()?;
        let (author, key, poster, _) = content.about();
        let is_theirs = author == self.certificate.identity && key == self.certificate.key;
        let is_about_ours = poster == self.account.fingerprint();
        let is_acceptable = content.is_acceptable(self.now_ms) && record.to_json().len() <= most_bytes;
        (is_theirs && is_about_ours && is_acceptable).then_some(content)
    }

    /// What is under a post; `None` if there is no such post.
    async fn thread(&mut self, post: RecordId) -> Result<Option<&mut Thread>, LedgerError> {
        if !self.threads.contains_key(&post) {
            let thread = match Place::of(self.view, post).await? {
                None => None,
                Some(place) => Some(Thread {
                    is_for_them: place.is_for(self.relation, &self.readers.circles),
                    under: Under::load(self.view, post).await?,
                    place,
                    batch: Batch::freeing(),
                    takes_room: false,
                    changes: 0,
                    written: BTreeSet::new(),
                    withdrawn: BTreeSet::new(),
                    set: None,
                    unset: BTreeSet::new(),
                }),
            };
            self.threads.insert(post, thread);
        }
        Ok(self.threads.get_mut(&post).and_then(Option::as_mut))
    }

    /// All that follows from what was taken.
    async fn conclude(&mut self, mut pace: Pace) -> Result<Batch, LedgerError> {
        let (author, own) = (self.relation.fingerprint, self.account.fingerprint());
        let threads = std::mem::take(&mut self.threads).into_iter();
        let threads = threads.filter_map(|(post, thread)| Some((post, thread?)));
        let threads: Vec<_> = threads.filter(|(_, thread)| thread.changes > 0).collect();
        // What only takes back is taken when the store is nearly full, too.
        let takes_room = threads.iter().any(|(_, thread)| thread.takes_room);
        let mut batch = if takes_room { Batch::new() } else { Batch::freeing() };
        let mut changes = 0;
        for (post, thread) in threads {
            changes += thread.changes;
            thread.place.touch(post, &self.readers, &mut batch);
            batch.put(keys::by(&author, post), Vec::new());
            if !thread.written.is_empty() {
                let others =
                    thread.under.commenters().into_iter().filter(|who| *who != author && *who != own);
                thread.place.tell(others, &self.readers, &mut batch);
            }
            self.note(post, &thread, &mut batch).await?;
            batch.merge(thread.batch);
        }
        if changes > 0 {
            pace.changes = pace.changes.saturating_add(changes);
            batch.put(keys::pace_of(&author), stored::json(&pace));
        }
        Ok(batch)
    }

    /// Notes what the owner should know, and lets go of what is no news any more.
    async fn note(&self, post: RecordId, thread: &Thread, batch: &mut Batch) -> Result<(), LedgerError> {
        let (view, author) = (self.view, self.relation.fingerprint);
        if !thread.withdrawn.is_empty() || !thread.unset.is_empty() {
            let is_over = |event: &NotificationEvent| match event {
                NotificationEvent::Comment { friend, post: about, comment } => {
                    (friend.id, *about) == (author, post) && thread.withdrawn.contains(comment)
                }
                NotificationEvent::Reaction { friend, post: about, emoji } => {
                    (friend.id, *about) == (author, post) && thread.unset.contains(emoji)
                }
                _ => false,
            };
            notifications::forget_where(view, is_over, batch).await?;
        }
        if self.relation.is_muted() {
            return Ok(());
        }
        let friend = self.relation.person();
        if let Some(comment) = thread.written.last() {
            let event = NotificationEvent::Comment { friend: friend.clone(), post, comment: *comment };
            notifications::note(view, &event, self.now_ms, batch).await?;
        }
        if let Some(emoji) = &thread.set {
            let event = NotificationEvent::Reaction { friend, post, emoji: emoji.clone() };
            notifications::note(view, &event, self.now_ms, batch).await?;
        }
        Ok(())
    }
}

impl Thread {
    fn take_comment(&mut self, comment: &Comment, record: &Signed<Comment>) -> Outcome {
        let reference = comment.reference();
        if !self.may_answer(comment) {
            return Outcome::Invalid;
        }
        match self.under.comments.get(&reference) {
            // Withdrawn for good.
            Some(None) => return Outcome::Taken,
            Some(Some(known)) => {
                if known.parent != comment.parent {
                    return Outcome::Invalid;
                }
                // The same edition, signed by another key, is one that others can verify again.
                let is_same = known.edited_ms == comment.edited_ms && known.key == comment.key.to_string();
                if known.edited_ms > comment.edited_ms || is_same {
                    return Outcome::Taken;
                }
            }
            None => {
                if !self.has_room_for_comment(&reference.author) {
                    return Outcome::TooMany;
                }
                self.written.insert(comment.id);
            }
        }
        let record = record.to_json().into_bytes();
        self.under.comments.insert(reference, Said::stored(&record));
        self.batch.put(keys::comment(comment.post, reference), record);
        self.takes_room = true;
        self.changes += 1;
        Outcome::Taken
    }

    /// There is one level of threads. What a comment answers may have been withdrawn, or be still to come.
    fn may_answer(&self, comment: &Comment) -> bool {
        comment.parent.is_none_or(|parent| {
            let answered = self.under.said(&parent);
            parent != comment.reference() && answered.is_none_or(|answered| answered.parent.is_none())
        })
    }

    fn has_room_for_comment(&self, author: &Fingerprint) -> bool {
        self.under.comments.len() < COMMENTS_OF_POST && self.under.comments_by(author) < COMMENTS_OF_ONE
    }

    /// Whoever may not see the post any more may still take back what they said, and is answered as if there were none.
    fn withdraw(&mut self, post: RecordId, reference: CommentRef) -> Outcome {
        let outcome = if self.is_for_them { Outcome::Taken } else { Outcome::NoSuchPost };
        let is_new = match self.under.comments.get(&reference) {
            Some(None) => return outcome,
            Some(Some(_)) => false,
            None => true,
        };
        // A mark, so that a late copy does not bring it back; of what was never here, within the limits.
        if is_new && !(self.is_for_them && self.has_room_for_comment(&reference.author)) {
            return outcome;
        }
        self.under.comments.insert(reference, None);
        self.batch.put(keys::comment(post, reference), Vec::new());
        self.batch.delete(keys::hidden(post, reference));
        self.written.remove(&reference.id);
        self.withdrawn.insert(reference.id);
        self.changes += 1;
        outcome
    }

    fn take_reaction(&mut self, reaction: &Reaction, record: &Signed<Reaction>) -> Outcome {
        let (author, emoji) = (reaction.author.fingerprint(), &reaction.emoji);
        let outcome = if self.is_for_them { Outcome::Taken } else { Outcome::NoSuchPost };
        let known = self.under.reactions.get(&(author, emoji.clone()));
        let was_set = known.is_some_and(|known| known.set);
        // As with a comment.
        if !self.is_for_them && (reaction.set || !was_set) {
            return outcome;
        }
        if let Some(known) = known {
            let is_same = known.at_ms == reaction.at_ms && known.key == reaction.key.to_string();
            if known.at_ms > reaction.at_ms || is_same {
                return outcome;
            }
        }
        if !self.has_room_for_reaction(&author, reaction) {
            return if reaction.set { Outcome::TooMany } else { outcome };
        }
        let record = record.to_json().into_bytes();
        if let Some(reacted) = Reacted::stored(&record) {
            self.under.reactions.insert((author, emoji.clone()), reacted);
        }
        self.batch.put(keys::reaction(reaction.post, &author, emoji), record);
        self.takes_room |= reaction.set;
        self.changes += 1;
        match (was_set, reaction.set) {
            (false, true) => {
                self.unset.remove(emoji);
                self.set = Some(emoji.clone());
            }
            (true, false) => {
                self.set = self.set.take().filter(|set| set != emoji);
                self.unset.insert(emoji.clone());
            }
            _ => {}
        }
        outcome
    }

    fn has_room_for_reaction(&self, author: &Fingerprint, reaction: &Reaction) -> bool {
        self.under.has_room_for_reaction(author, &reaction.emoji, reaction.set)
    }
}

impl Under {
    /// Whether `author` may set this emoji, or leave a mark that they took it back.
    pub(super) fn has_room_for_reaction(&self, author: &Fingerprint, emoji: &Emoji, set: bool) -> bool {
        let is_known = self.reactions.contains_key(&(*author, emoji.clone()));
        let (marks, sets) = self.reactions_by(author, emoji);
        let fits = is_known || marks < REACTION_MARKS_OF_ONE && self.reactions.len() < REACTIONS_OF_POST;
        fits && (!set || sets < REACTIONS_OF_ONE)
    }
}
