//! Invitations: the owner says yes in advance to whoever comes with a secret, once.
//!
//! The secret goes from hand to hand; the store has its hash, so that who reads the store cannot use it. Two people who use
//! the same one at the same moment over a stale store both become friends: each use has a key of its own, so the owner
//! sees both.

use crate::account::Account;
use crate::api::{
    InvitationList, InvitationState, InvitationView, IssuedInvitation, NewInvitation, NotificationEvent,
    Person,
};
use crate::keys;
use crate::limits::{
    DAY_MS, INVITATION_DAYS, INVITATION_DAYS_MOST, INVITATION_NOTE_CHARS, INVITATION_SHOWN_MS,
    INVITATIONS_OPEN,
};
use crate::notifications;
use crate::stored;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use thiserror::Error;
use tidings_ledger::{Batch, Direction, Entry, KeyValue, LedgerError, Range, View};
use tidings_protocol::limits::INVITATION_TOKEN_BYTES;
use tidings_protocol::{Fingerprint, Invitation, InvitationToken, TextError, check_text};

/// Why something about an invitation is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum InvitingError {
    /// The store cannot be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The note is not acceptable.
    #[error("note {0}")]
    Note(TextError),
    /// Too short or too long a time.
    #[error("an invitation can be used for 1 to {INVITATION_DAYS_MOST} days, not for {0}")]
    Days(u32),
    /// Too many can be used already.
    #[error("{INVITATIONS_OPEN} invitations can be used already: revoke one first")]
    TooMany,
    /// There is none with this id.
    #[error("there is no such invitation")]
    Unknown,
}

/// What is stored of an invitation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Issued {
    created_ms: u64,
    expires_ms: u64,
    note: Option<String>,
}

/// That somebody became a friend by one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Use {
    /// When, in unix milliseconds.
    pub(crate) at_ms: u64,
    /// Their name, as they gave it.
    pub(crate) name: String,
}

/// Makes an invitation; the link is told now and never again. Those that nobody needs to see any more are let go of.
///
/// # Errors
/// When something in it is not acceptable, or too many can be used already.
pub async fn issue<S: KeyValue>(
    view: &View<'_, S>,
    account: &Account,
    new: NewInvitation,
    now_ms: u64,
    secret: [u8; INVITATION_TOKEN_BYTES],
) -> Result<(IssuedInvitation, Batch), InvitingError> {
    let days = new.days.unwrap_or(INVITATION_DAYS);
    if !(1..=INVITATION_DAYS_MOST).contains(&days) {
        return Err(InvitingError::Days(days));
    }
    let note = new.note.map(|note| note.trim().to_owned()).filter(|note| !note.is_empty());
    if let Some(note) = &note {
        check_text(note, INVITATION_NOTE_CHARS, false).map_err(InvitingError::Note)?;
    }
    let mut batch = Batch::new();
    let mut open = 0;
    for known in load_all(view, now_ms).await? {
        open += usize::from(known.state == InvitationState::Open);
        if !is_shown(&known, now_ms) {
            remove(view, &known.id, &mut batch).await?;
        }
    }
    if open >= INVITATIONS_OPEN {
        return Err(InvitingError::TooMany);
    }
    let issued = Issued { created_ms: now_ms, expires_ms: now_ms + u64::from(days) * DAY_MS, note };
    let token = InvitationToken::from_bytes(secret);
    let id = token.hash();
    batch.put(keys::invitation(&id), stored::json(&issued));
    let link = Invitation { address: account.address().clone(), inviter: account.fingerprint(), token };
    let invitation = shown(id, issued, Vec::new(), now_ms);
    Ok((IssuedInvitation { link: link.to_string(), invitation }, batch))
}

/// The invitations that were made, the newest first.
///
/// # Errors
/// When the store cannot be read.
pub async fn list<S: KeyValue>(view: &View<'_, S>, now_ms: u64) -> Result<InvitationList, LedgerError> {
    let mut invitations = load_all(view, now_ms).await?;
    invitations.retain(|one| is_shown(one, now_ms));
    invitations.sort_by(|a, b| (b.created_ms, &b.id).cmp(&(a.created_ms, &a.id)));
    Ok(InvitationList { invitations })
}

/// Takes an invitation back. Who became a friend by it stays one.
///
/// # Errors
/// When there is none with this id.
pub async fn revoke<S: KeyValue>(view: &View<'_, S>, id: &str) -> Result<Batch, InvitingError> {
    let mut batch = Batch::freeing();
    remove(view, id, &mut batch).await?;
    if batch.is_empty() { Err(InvitingError::Unknown) } else { Ok(batch) }
}

/// The invitation that `token` opens for `who` now; `None` if it opens none, or somebody else used it.
pub(crate) async fn open_to<S: KeyValue>(
    view: &View<'_, S>,
    token: &InvitationToken,
    who: &Fingerprint,
    now_ms: u64,
) -> Result<Option<InvitationView>, LedgerError> {
    let id = token.hash();
    let entries = view.scan(keys::invitation_with_uses(&id), Direction::Forward, usize::MAX).await?;
    let known = collect(&entries, now_ms).into_iter().find(|one| one.id == id);
    Ok(known.filter(|one| match one.state {
        InvitationState::Open => true,
        InvitationState::Used => one.used_by.iter().any(|person| person.id == *who),
        InvitationState::Expired => false,
    }))
}

/// Notes that somebody became a friend by an invitation.
pub(crate) async fn note_use<S: KeyValue>(
    view: &View<'_, S>,
    invitation: InvitationView,
    friend: Person,
    now_ms: u64,
    batch: &mut Batch,
) -> Result<(), LedgerError> {
    let used = Use { at_ms: now_ms, name: friend.name.clone() };
    batch.put(keys::invitation_use(&invitation.id, &friend.id), stored::json(&used));
    let InvitationView { id: invitation, note, .. } = invitation;
    let event = NotificationEvent::InvitationUsed { friend, invitation, note };
    notifications::note(view, &event, now_ms, batch).await
}

/// Tells the owner of invitations that several people used who could not see each other. Told once of each.
pub(crate) async fn report_reused<S: KeyValue>(
    view: &View<'_, S>,
    now_ms: u64,
    batch: &mut Batch,
) -> Result<(), LedgerError> {
    for InvitationView { id: invitation, used_by: friends, .. } in load_all(view, now_ms).await? {
        if friends.len() > 1 {
            let event = NotificationEvent::InvitationReused { invitation, friends };
            notifications::note(view, &event, now_ms, batch).await?;
        }
    }
    Ok(())
}

async fn remove<S: KeyValue>(view: &View<'_, S>, id: &str, batch: &mut Batch) -> Result<(), LedgerError> {
    for entry in view.scan(Range::partition(keys::INVITATION), Direction::Forward, usize::MAX).await? {
        if entry.key.rest().split('/').next() == Some(id) {
            batch.delete(entry.key);
        }
    }
    Ok(())
}

async fn load_all<S: KeyValue>(view: &View<'_, S>, now_ms: u64) -> Result<Vec<InvitationView>, LedgerError> {
    let entries = view.scan(Range::partition(keys::INVITATION), Direction::Forward, usize::MAX).await?;
    Ok(collect(&entries, now_ms))
}

fn is_shown(one: &InvitationView, now_ms: u64) -> bool {
    one.expires_ms.saturating_add(INVITATION_SHOWN_MS) > now_ms
}

fn collect(entries: &[Entry], now_ms: u64) -> Vec<InvitationView> {
    let mut issued: BTreeMap<&str, (Issued, Vec<Person>)> = BTreeMap::new();
    // An invitation comes before its uses. A use of one that was revoked at the same moment stands alone.
    for entry in entries {
        let mut parts = entry.key.rest().split('/');
        let id = parts.next().unwrap_or_default();
        match (parts.next(), parts.next().and_then(|who| who.parse().ok())) {
            (None, None) => {
                if let Some(one) = stored::parse(entry) {
                    issued.insert(id, (one, Vec::new()));
                }
            }
            (Some("used"), Some(who)) => {
                if let (Some((_, used_by)), Some(used)) = (issued.get_mut(id), stored::parse::<Use>(entry)) {
                    used_by.push(Person { id: who, name: used.name });
                }
            }
            _ => {}
        }
    }
    issued.into_iter().map(|(id, (one, used_by))| shown(id.to_owned(), one, used_by, now_ms)).collect()
}

fn shown(id: String, issued: Issued, used_by: Vec<Person>, now_ms: u64) -> InvitationView {
    let Issued { created_ms, expires_ms, note } = issued;
    let state = match (used_by.is_empty(), expires_ms > now_ms) {
        (false, _) => InvitationState::Used,
        (true, true) => InvitationState::Open,
        (true, false) => InvitationState::Expired,
    };
    InvitationView { id, note, created_ms, expires_ms, state, used_by }
}
