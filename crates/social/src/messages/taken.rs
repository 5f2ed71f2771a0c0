//! What a friend's answers to pulls bring of a conversation.

use super::talk::{Last, Marks, Talk, Wish};
use super::{id_of, let_go, preview};
use crate::api::NotificationEvent;
use crate::heads;
use crate::keys;
use crate::notifications;
use crate::relation::Relation;
use crate::settings;
use crate::stored;
use std::collections::BTreeMap;
use tidings_ledger::{Batch, Direction, Entry, KeyValue, LedgerError, Range, View};
use tidings_protocol::{Cleared, Clearing, Fingerprint, Message, RecordId, Signed};

/// What of an answer is about the conversation: of each message the last word.
#[derive(Default)]
pub(crate) struct Letters {
    /// A message and its text; `None` for one that was withdrawn.
    messages: BTreeMap<RecordId, Option<(Message, String)>>,
    read_through: Option<RecordId>,
    cleared: Option<Cleared>,
    clearing: Option<Clearing>,
}

impl Letters {
    /// A message that was verified.
    pub(crate) fn wrote(&mut self, message: Message, text: String) {
        self.messages.insert(message.id, Some((message, text)));
    }

    /// A message was withdrawn.
    pub(crate) fn withdrew(&mut self, id: RecordId) {
        self.messages.insert(id, None);
    }

    /// They have read so far.
    pub(crate) fn read(&mut self, through: RecordId) {
        self.read_through = self.read_through.max(Some(through));
    }

    /// They wish to have it cleared.
    pub(crate) fn wishes(&mut self, cleared: Cleared) {
        self.cleared = Some(cleared);
    }

    /// They answered such a wish.
    pub(crate) fn answered(&mut self, clearing: Clearing) {
        self.clearing = Some(clearing);
    }

    fn is_empty(&self) -> bool {
        let Self { messages, read_through, cleared, clearing } = self;
        messages.is_empty() && read_through.is_none() && cleared.is_none() && clearing.is_none()
    }

    /// Takes it in; how many messages that changed. From who is no friend nothing is taken.
    pub(crate) async fn take<S: KeyValue>(
        &self,
        view: &View<'_, S>,
        relation: &Relation,
        now_ms: u64,
        batch: &mut Batch,
    ) -> Result<u32, LedgerError> {
        if self.is_empty() || !relation.is_friend() {
            return Ok(0);
        }
        let who = relation.fingerprint;
        let mut talk = Talk::load(view, &who).await?;
        if let Some(wish) = self.cleared.filter(|wish| Some(wish.id) > talk.answered) {
            answer(view, relation, &mut talk, wish, now_ms, batch).await?;
        }
        if let Some(through) = self.read_through.filter(|through| Some(*through) > talk.read) {
            batch.put(keys::talk(&who, Talk::READ), stored::json(&through));
        }
        if let (Some(Clearing { id, kept }), Some(wish)) = (self.clearing, talk.wish)
            && wish == (Wish { id, kept: None })
        {
            batch.put(keys::talk(&who, Talk::WISH), stored::json(&Wish { id, kept: Some(kept) }));
        }
        self.take_messages(view, relation, &talk, now_ms, batch).await
    }

    async fn take_messages<S: KeyValue>(
        &self,
        view: &View<'_, S>,
        relation: &Relation,
        talk: &Talk,
        now_ms: u64,
        batch: &mut Batch,
    ) -> Result<u32, LedgerError> {
        let who = relation.fingerprint;
        let held = self.held(view, &who).await?;
        let (mut changed, mut is_news, mut last) = (0, false, talk.got.clone());
        for (id, message) in &self.messages {
            if Some(*id) <= talk.cleared.received {
                continue;
            }
            let known = held.get(id);
            // Also of what is held already: two settlements that did not see each other may have left an earlier one.
            let is_there = message.is_some() || known.is_some();
            if is_there && Some(*id) > last.as_ref().map(|last| last.id) {
                let shown = message.as_ref().filter(|_| known.is_none_or(|known| !known.value.is_empty()));
                let preview = shown.and_then(|(message, _)| preview(&message.body));
                last = Some(Last { id: *id, preview });
            }
            let value = match (message, known) {
                // Withdrawn for good, or never known.
                (_, Some(known)) if known.value.is_empty() => continue,
                (None, None) => continue,
                (None, Some(_)) => Vec::new(),
                (Some((message, text)), known) => {
                    if known.is_some_and(|known| !is_later(message, known)) {
                        continue;
                    }
                    text.clone().into_bytes()
                }
            };
            batch.put(keys::message_from(&who, *id), value);
            changed += 1;
            is_news |= known.is_none() && Some(*id) > talk.seen;
            if Some(*id) == last.as_ref().map(|last| last.id) {
                let preview = message.as_ref().and_then(|(message, _)| preview(&message.body));
                last = Some(Last { id: *id, preview });
            }
        }
        if let Some(last) = last.filter(|last| Some(last) != talk.got.as_ref()) {
            batch.put(keys::talk(&who, Talk::GOT), stored::json(&last));
        }
        if is_news && !relation.is_muted() {
            let event = NotificationEvent::Message { friend: relation.person() };
            notifications::note(view, &event, now_ms, batch).await?;
        }
        Ok(changed)
    }

    /// What is held of the messages that this is about.
    async fn held<S: KeyValue>(
        &self,
        view: &View<'_, S>,
        who: &Fingerprint,
    ) -> Result<BTreeMap<RecordId, Entry>, LedgerError> {
        let (Some((first, _)), Some((last, _))) =
            (self.messages.first_key_value(), self.messages.last_key_value())
        else {
            return Ok(BTreeMap::new());
        };
        let partition = keys::inbox(who);
        let range = Range::partition(&partition)
            .from(&keys::message_from(who, *first))
            .before(&keys::through(&partition, *last));
        let entries = view.scan(range, Direction::Forward, usize::MAX).await?;
        Ok(entries.into_iter().filter_map(|entry| Some((id_of(&entry)?, entry))).collect())
    }
}

/// Whether a message is a later edition than the one that is held. One that was only signed anew is not.
fn is_later(message: &Message, held: &Entry) -> bool {
    let held: Option<Signed<Message>> = stored::parse(held);
    held.is_none_or(|held| message.edited_ms > held.unverified().edited_ms)
}

/// Does as the other one wishes, unless the owner keeps their copy, and has them told which.
async fn answer<S: KeyValue>(
    view: &View<'_, S>,
    relation: &Relation,
    talk: &mut Talk,
    wish: Cleared,
    now_ms: u64,
    batch: &mut Batch,
) -> Result<(), LedgerError> {
    let who = relation.fingerprint;
    let kept = settings::show(view).await?.keep_my_copy;
    if !kept {
        // What is yet to be written stays, whatever they say.
        let now = RecordId::from_parts(now_ms, [u8::MAX; 10]);
        let at_most = |id: Option<RecordId>| id.map(|id| id.min(now));
        let through = Marks { written: at_most(wish.received), received: at_most(wish.written) };
        let_go(&who, talk, through, None, batch);
        talk.cleared = talk.cleared.and(through);
        talk.seen = talk.seen.max(through.received);
        talk.got = talk.got.take().filter(|got| Some(got.id) > through.received);
        if !talk.is_unread() {
            let event = NotificationEvent::Message { friend: relation.person() };
            notifications::forget(view, &event, batch).await?;
        }
    }
    batch.put(keys::talk(&who, Talk::ANSWERED), stored::json(&wish.id));
    batch.put(keys::wish_answered(&who), stored::json(&Clearing { id: wish.id, kept }));
    heads::raise_for(&who, batch);
    Ok(())
}
