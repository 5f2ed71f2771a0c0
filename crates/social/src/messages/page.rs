//! Conversations as the owner sees them.

use super::talk::{Last, Marks, Talk};
use super::{Through, id_of};
use crate::account::Account;
use crate::api::{
    ClearingView, ConversationList, ConversationPage, ConversationView, LastMessage, MessageState,
    MessageView, Person,
};
use crate::feed::{PageError, PageRequest, Place};
use crate::heads;
use crate::keys;
use crate::limits::{UNDELIVERABLE_MS, UNREAD_MOST};
use crate::relation::Relation;
use crate::spliced::{Spliced, StoredPost};
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use tidings_ledger::{Direction, Entry, KeyValue, LedgerError, Page, Range, View};
use tidings_protocol::{Fingerprint, Message, RecordId};

/// Bytes of a tag, as in [`crate::changes`].
const TAG_BYTES: usize = 8;

impl MessageView {
    /// One of the owner's that was just written.
    pub(super) fn waiting(message: &Message) -> Self {
        Self {
            id: message.id,
            mine: true,
            created_ms: message.id.created_ms(),
            edited_ms: message.edited_ms,
            body: Spliced::of(&message.body),
            state: Some(MessageState::Waiting),
        }
    }

    /// As it is stored; `None` for what is no message.
    fn stored(entry: &Entry, mine: bool) -> Option<Self> {
        let id = id_of(entry)?;
        let mut view =
            Self { id, mine, created_ms: id.created_ms(), edited_ms: None, body: None, state: None };
        if !entry.value.is_empty() {
            let StoredPost { body, edited_ms } = StoredPost::of(&entry.value)?;
            (view.body, view.edited_ms) = (Some(body), edited_ms);
        }
        Some(view)
    }
}

/// A message of the owner's, and how far it has come.
pub(super) fn own(
    relation: &Relation,
    read: Option<RecordId>,
    entry: &Entry,
    now_ms: u64,
) -> Option<MessageView> {
    let mut view = MessageView::stored(entry, true)?;
    let failed = relation.unanswered().filter(|told| told.problem.is_some()).is_some_and(|told| {
        let since_ms = told.failing_since_ms.unwrap_or(now_ms);
        now_ms.saturating_sub(since_ms) >= UNDELIVERABLE_MS
    });
    // With whom it is over, nobody knows what was served.
    view.state = match () {
        () if Some(view.id) <= read => Some(MessageState::Read),
        () if !relation.is_friend() => None,
        () if Some(heads::head(entry)) <= relation.served_head() => Some(MessageState::Delivered),
        () if failed => Some(MessageState::Failed),
        () => Some(MessageState::Waiting),
    };
    Some(view)
}

/// A page of a conversation, newest first.
///
/// # Errors
/// When the store cannot be read.
pub async fn conversation<S: KeyValue>(
    view: &View<'_, S>,
    account: &Account,
    relation: &Relation,
    request: &PageRequest,
    now_ms: u64,
) -> Result<ConversationPage, PageError> {
    let (own_id, who) = (account.fingerprint(), relation.fingerprint);
    let talk = Talk::load(view, &who).await?;
    let Marks { written, received } = talk.cleared;
    // One more than a page, to tell whether there is another.
    let limit = request.limit + 1;
    let sent = strand(view, &keys::dm(&who), own_id, written, request.before, limit).await?;
    let got = strand(view, &keys::inbox(&who), who, received, request.before, limit).await?;
    // Whatever lies before the place to which both were looked at belongs to the next page.
    let through = |page: &Page, author| {
        let last = page.entries.last().filter(|_| page.more)?;
        Some((id_of(last)?, author))
    };
    let through = through(&sent, own_id).max(through(&got, who));
    let sent = sent.entries.iter().filter_map(|entry| own(relation, talk.read, entry, now_ms));
    let got = got.entries.iter().filter_map(|entry| MessageView::stored(entry, false));
    let mut messages: Vec<MessageView> = sent.chain(got).collect();
    let place = |message: &MessageView| (message.id, if message.mine { own_id } else { who });
    messages.retain(|message| Some(place(message)) >= through);
    messages.sort_by_key(|message| std::cmp::Reverse(place(message)));
    let full = messages.len() > request.limit;
    messages.truncate(request.limit);
    let next = if full { messages.last().map(place) } else { through };
    Ok(ConversationPage {
        messages,
        next: next.map(|(id, author)| format!("{id}.{author}")),
        friend: relation.person(),
        can_write: relation.is_friend(),
        unread: unread(view, &who, &talk).await?,
        owed: relation.owed_view(),
        clearing: talk.wish.map(|wish| ClearingView { since_ms: wish.id.created_ms(), kept: wish.kept }),
    })
}

/// At most `limit` messages by `author` in a partition, before a place and above what was cleared.
async fn strand<S: KeyValue>(
    view: &View<'_, S>,
    partition: &str,
    author: Fingerprint,
    cleared: Option<RecordId>,
    before: Option<Place>,
    limit: usize,
) -> Result<Page, LedgerError> {
    let all = Range::partition(partition);
    let all = cleared.map_or(all.clone(), |cleared| all.from(&keys::through(partition, cleared)));
    let range = match before {
        None => all,
        Some((id, other)) if author < other => all.before(&keys::through(partition, id)),
        Some((id, _)) => all.before(&keys::below(partition, id)),
    };
    view.page(range, Direction::Backward, limit).await
}

/// How many messages the owner has not read, up to [`UNREAD_MOST`].
async fn unread<S: KeyValue>(view: &View<'_, S>, who: &Fingerprint, talk: &Talk) -> Result<u32, LedgerError> {
    if !talk.is_unread() {
        return Ok(0);
    }
    let partition = keys::inbox(who);
    let all = Range::partition(&partition);
    let range = talk.seen.map_or(all.clone(), |seen| all.from(&keys::through(&partition, seen)));
    let page = view.page(range, Direction::Backward, UNREAD_MOST).await?;
    let there = page.entries.iter().filter(|entry| !entry.value.is_empty()).count();
    Ok(u32::try_from(there).unwrap_or(u32::MAX))
}

/// A page of the conversations, the one with the latest message first. It ends early where counting what is unread would
/// read too much for one request.
///
/// # Errors
/// When the store cannot be read.
pub async fn conversations<S: KeyValue>(
    view: &View<'_, S>,
    request: &PageRequest,
) -> Result<ConversationList, PageError> {
    let relations: BTreeMap<Fingerprint, Relation> = Relation::load_all(view)
        .await?
        .into_iter()
        .map(|relation| (relation.fingerprint, relation))
        .collect();
    let talks = Talk::of_all(&Talk::entries(view).await?);
    let placed = |(who, talk): (Fingerprint, Talk)| Some(((talk.last()?.0.id, who), talk));
    let mut all: Vec<(Place, Talk)> = talks.into_iter().filter_map(placed).collect();
    all.retain(|(place, _)| request.before.is_none_or(|before| *place < before));
    all.sort_by_key(|(place, _)| std::cmp::Reverse(*place));
    let (mut conversations, mut last) = (Vec::new(), None);
    for ((id, who), talk) in all {
        let is_over = talk.is_unread() && view.has_read_a_page();
        if conversations.len() == request.limit || is_over && !conversations.is_empty() {
            let next = last.map(|(id, who): Place| format!("{id}.{who}"));
            return Ok(ConversationList { conversations, next });
        }
        let relation = relations.get(&who).cloned().unwrap_or_else(|| Relation::stranger(who));
        conversations.push(ConversationView {
            friend: relation.person(),
            can_write: relation.is_friend(),
            unread: unread(view, &who, &talk).await?,
            last: talk.last().map(|(Last { id, preview }, mine)| LastMessage {
                id: *id,
                mine,
                created_ms: id.created_ms(),
                text: preview.clone(),
            }),
        });
        last = Some((id, who));
    }
    Ok(ConversationList { conversations, next: None })
}

/// Stands for all that is shown of conversations: another one when anything of it changed; and in how many there is
/// something unread.
///
/// # Errors
/// When the store cannot be read.
pub async fn tag<S: KeyValue>(
    view: &View<'_, S>,
    relations: &[Relation],
) -> Result<(String, u32), LedgerError> {
    let mut hash = Sha256::new();
    let entries = Talk::entries(view).await?;
    for entry in &entries {
        hash.update(entry.key.as_str());
        hash.update(entry.stamp.to_bytes());
    }
    let talks = Talk::of_all(&entries);
    for relation in relations.iter().filter(|relation| talks.contains_key(&relation.fingerprint)) {
        let Person { id, name } = relation.person();
        let owed = relation.owed_view().and_then(|owed| owed.problem);
        let served = relation.served_head().map(|head| head.to_string());
        let told = (id, name, relation.is_friend(), owed, served);
        hash.update(crate::stored::json(&told));
    }
    let unread = talks.values().filter(|talk| talk.is_unread()).count();
    Ok((HEXLOWER.encode(&hash.finalize()[..TAG_BYTES]), u32::try_from(unread).unwrap_or(u32::MAX)))
}

/// What of `to/<who>` is told of a conversation, as a change.
pub(crate) fn change_about(entry_key: &str, value: &[u8]) -> Option<tidings_protocol::Change> {
    use tidings_protocol::Change;
    match entry_key {
        "conversation/read" => {
            let Through { through } = serde_json::from_slice(value).ok()?;
            Some(Change::MessagesRead { through })
        }
        "conversation/clear" => Some(Change::ConversationCleared(serde_json::from_slice(value).ok()?)),
        "conversation/cleared" => Some(Change::Clearing(serde_json::from_slice(value).ok()?)),
        _ => None,
    }
}
