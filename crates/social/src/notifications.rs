//! What the owner should know: requests, acceptances, moved friends, alarms.
//!
//! A notification's id is the time when it was noted and a hash of what happened, so that the same event, noted by two
//! requests that could not see each other, is shown once. They are noted in the commit of what they tell about.

use crate::account::Account;
use crate::api::{FriendState, NotificationEvent, NotificationPage, NotificationView};
use crate::feed::{PageError, page_limit};
use crate::keys;
use crate::limits::{NOTIFICATIONS_KEPT, REQUEST_NOTIFICATIONS_KEPT};
use crate::relation::Relation;
use crate::stored;
use std::collections::HashSet;
use thiserror::Error;
use tidings_ledger::{Batch, Direction, Entry, KeyValue, LedgerError, Range, View};
use tidings_protocol::limits::FUTURE_TOLERANCE_MS;
use tidings_protocol::{Friendship, RecordId, Signed};

/// Why notifications cannot be marked as read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NotificationError {
    /// The store cannot be read or written.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The id lies in the future, where it would hide what is yet to come.
    #[error("up_to lies in the future")]
    Future,
}

/// One notification, as it is stored.
struct Noted {
    id: RecordId,
    event: NotificationEvent,
}

impl NotificationEvent {
    /// What makes two notes one: what happened, but not how people are called. Of what others can bring about as often as
    /// they like only the latest is kept, so that nobody fills the list.
    fn identity(&self) -> String {
        match self {
            Self::FriendRequest { friend } => format!("friend_request {}", friend.id),
            Self::RequestAccepted { friend, generation } => {
                format!("request_accepted {} {generation}", friend.id)
            }
            Self::CertificateConflict { friend, .. } => format!("certificate_conflict {}", friend.id),
            Self::Superseded { serial, .. } => format!("superseded {serial}"),
            Self::FriendMoved { friend, .. } => format!("friend_moved {}", friend.id),
            Self::FriendRekeyed { friend, .. } => format!("friend_rekeyed {}", friend.id),
            Self::Undeliverable { friend, since_ms } => format!("undeliverable {} {since_ms}", friend.id),
            Self::InvitationUsed { friend, invitation, .. } => {
                format!("invitation_used {invitation} {}", friend.id)
            }
            Self::InvitationReused { invitation, friends } => {
                let mut ids: Vec<String> = friends.iter().map(|friend| friend.id.to_string()).collect();
                ids.sort_unstable();
                format!("invitation_reused {invitation} {}", ids.join(" "))
            }
            Self::Message { friend } => format!("message {}", friend.id),
            Self::Reply { poster, post, .. } => format!("reply {post} {}", poster.id),
            Self::Comment { friend, post, .. } => format!("comment {post} {}", friend.id),
            Self::Reaction { friend, post, .. } => format!("reaction {post} {}", friend.id),
            Self::Unknown => "unknown".to_owned(),
        }
    }

    /// What it belongs together with.
    fn group(&self) -> String {
        match self {
            Self::FriendRequest { .. } => "requests".to_owned(),
            Self::RequestAccepted { .. } => "acceptances".to_owned(),
            Self::FriendMoved { friend, .. }
            | Self::FriendRekeyed { friend, .. }
            | Self::Undeliverable { friend, .. } => format!("friend/{}", friend.id),
            Self::InvitationUsed { invitation, .. } | Self::InvitationReused { invitation, .. } => {
                format!("invitation/{invitation}")
            }
            Self::Message { .. } => "messages".to_owned(),
            Self::Comment { post, .. } | Self::Reaction { post, .. } => format!("post/{post}"),
            Self::Reply { poster, post, .. } => format!("post/{post}.{}", poster.id),
            // Alarms are for themselves.
            Self::CertificateConflict { .. } | Self::Superseded { .. } => self.identity(),
            Self::Unknown => "unknown".to_owned(),
        }
    }

    /// Whether anybody can bring it about.
    fn is_by_strangers(&self) -> bool {
        matches!(self, Self::FriendRequest { .. })
    }

    /// Whether it is told again each time it happens; all others are told once.
    fn is_renewed(&self) -> bool {
        matches!(
            self,
            Self::FriendRequest { .. }
                | Self::CertificateConflict { .. }
                | Self::FriendMoved { .. }
                | Self::FriendRekeyed { .. }
                | Self::Message { .. }
                | Self::Reply { .. }
                | Self::Comment { .. }
                | Self::Reaction { .. }
        )
    }
}

/// Notes that something happened, and lets go of the oldest notes beyond [`NOTIFICATIONS_KEPT`].
///
/// # Errors
/// When the store cannot be read.
pub async fn note<S: KeyValue>(
    view: &View<'_, S>,
    event: &NotificationEvent,
    now_ms: u64,
    batch: &mut Batch,
) -> Result<(), LedgerError> {
    let unique = RecordId::unique_part(&event.identity());
    let known = load(view).await?;
    let twins: Vec<RecordId> =
        known.iter().map(|noted| noted.id).filter(|id| id.unique() == unique).collect();
    if !twins.is_empty() && !event.is_renewed() {
        return Ok(());
    }
    twins.iter().for_each(|twin| batch.delete(keys::notification(*twin)));
    let rest: Vec<&Noted> = known.iter().filter(|noted| !twins.contains(&noted.id)).collect();
    let by_strangers: Vec<&Noted> =
        rest.iter().copied().filter(|noted| noted.event.is_by_strangers()).collect();
    if event.is_by_strangers() {
        drop_oldest(&by_strangers, REQUEST_NOTIFICATIONS_KEPT, batch);
    }
    drop_oldest(&rest, NOTIFICATIONS_KEPT, batch);
    batch.put(keys::notification(RecordId::from_parts(now_ms, unique)), stored::json(event));
    Ok(())
}

/// Lets go of what was noted of something that is no news any more.
///
/// # Errors
/// When the store cannot be read.
pub(crate) async fn forget<S: KeyValue>(
    view: &View<'_, S>,
    event: &NotificationEvent,
    batch: &mut Batch,
) -> Result<(), LedgerError> {
    let unique = RecordId::unique_part(&event.identity());
    let known = load(view).await?;
    let twins = known.iter().filter(|noted| noted.id.unique() == unique);
    twins.for_each(|twin| batch.delete(keys::notification(twin.id)));
    Ok(())
}

/// Lets go of the notes of events that are no news any more.
///
/// # Errors
/// When the store cannot be read.
pub(crate) async fn forget_where<S: KeyValue>(
    view: &View<'_, S>,
    is_over: impl Fn(&NotificationEvent) -> bool,
    batch: &mut Batch,
) -> Result<(), LedgerError> {
    let known = load(view).await?;
    let over = known.iter().filter(|noted| is_over(&noted.event));
    over.for_each(|noted| batch.delete(keys::notification(noted.id)));
    Ok(())
}

/// Notes what somebody's new stance, `theirs`, means to the owner. `relation` is what was known before.
pub(crate) async fn note_stance<S: KeyValue>(
    view: &View<'_, S>,
    relation: &Relation,
    theirs: &Signed<Friendship>,
    now_ms: u64,
    batch: &mut Batch,
) -> Result<(), LedgerError> {
    let after = Relation { theirs: Some(theirs.clone()), ..relation.clone() };
    let friend = after.person();
    let event = match (relation.state(), after.state()) {
        (Some(FriendState::Outgoing), Some(FriendState::Friends)) => {
            NotificationEvent::RequestAccepted { friend, generation: theirs.unverified().generation }
        }
        (None, Some(FriendState::Incoming)) => NotificationEvent::FriendRequest { friend },
        _ => return Ok(()),
    };
    note(view, &event, now_ms, batch).await
}

/// Makes room for one more of at most `most`. `noted` is in the order of time.
fn drop_oldest(noted: &[&Noted], most: usize, batch: &mut Batch) {
    let excess = (noted.len() + 1).saturating_sub(most);
    noted.iter().take(excess).for_each(|noted| batch.delete(keys::notification(noted.id)));
}

/// All notifications, the oldest first. Of notes of the same event the first one counts, but of renewed ones the last.
async fn load<S: KeyValue>(view: &View<'_, S>) -> Result<Vec<Noted>, LedgerError> {
    let entries = view.scan(Range::partition(keys::NOTIFICATION), Direction::Forward, usize::MAX).await?;
    Ok(entries.iter().filter_map(parse).collect())
}

fn parse(entry: &Entry) -> Option<Noted> {
    let id = entry.key.rest().parse().ok()?;
    // What a later version noted is still something that happened.
    let event = stored::parse(entry).unwrap_or(NotificationEvent::Unknown);
    Some(Noted { id, event })
}

/// Those that are shown, the oldest first. That an earlier certificate was replaced is no alarm any more.
async fn shown<S: KeyValue>(view: &View<'_, S>, account: &Account) -> Result<Vec<Noted>, LedgerError> {
    let own_serial = account.certificate().unverified().serial;
    let mut noted = load(view).await?;
    noted.retain(
        |one| !matches!(one.event, NotificationEvent::Superseded { serial, .. } if serial < own_serial),
    );
    let mut seen = HashSet::new();
    noted.retain(|one| one.event.is_renewed() || seen.insert(one.id.unique()));
    noted.reverse();
    noted.retain(|one| !one.event.is_renewed() || seen.insert(one.id.unique()));
    noted.reverse();
    Ok(noted)
}

/// Up to where the owner has read.
async fn read_mark<S: KeyValue>(view: &View<'_, S>) -> Result<Option<RecordId>, LedgerError> {
    let marks = view.scan(Range::partition(keys::READ), Direction::Backward, 1).await?;
    Ok(marks.first().and_then(|entry| entry.key.rest().parse().ok()))
}

/// Which page of the notifications is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotificationRequest {
    limit: usize,
    before: Option<RecordId>,
}

impl NotificationRequest {
    /// Reads `limit` and `before` as they come in a query.
    ///
    /// # Errors
    /// [`PageError::Limit`] or [`PageError::Before`].
    pub fn parse(limit: Option<&str>, before: Option<&str>) -> Result<Self, PageError> {
        let limit = page_limit(limit)?;
        let before = before.map(|text| text.parse().map_err(|_| PageError::Before)).transpose()?;
        Ok(Self { limit, before })
    }
}

/// A page of notifications, newest first, and how many are unread in all.
///
/// # Errors
/// When the store cannot be read.
pub async fn page<S: KeyValue>(
    view: &View<'_, S>,
    account: &Account,
    request: NotificationRequest,
) -> Result<NotificationPage, LedgerError> {
    let mark = read_mark(view).await?;
    let all = shown(view, account).await?;
    let unread = count(all.iter().filter(|noted| Some(noted.id) > mark).count());
    let mut wanted = all.into_iter().rev().filter(|noted| request.before.is_none_or(|id| noted.id < id));
    let notifications: Vec<NotificationView> = wanted
        .by_ref()
        .take(request.limit)
        .map(|Noted { id, event }| NotificationView {
            id,
            created_ms: id.created_ms(),
            read: Some(id) <= mark,
            group: event.group(),
            event,
        })
        .collect();
    let next = notifications.last().map(|last| last.id.to_string()).filter(|_| wanted.next().is_some());
    Ok(NotificationPage { notifications, next, unread })
}

/// Marks everything up to `up_to` as read. Tells how many stay unread. The mark never goes back.
///
/// # Errors
/// When it lies in the future, or the store cannot be read.
pub async fn mark_read<S: KeyValue>(
    view: &View<'_, S>,
    account: &Account,
    up_to: RecordId,
    now_ms: u64,
) -> Result<(u32, Batch), NotificationError> {
    // Whether it is there is not asked: a stale store may not show it yet.
    if up_to.created_ms() > now_ms.saturating_add(FUTURE_TOLERANCE_MS) {
        return Err(NotificationError::Future);
    }
    let all = shown(view, account).await?;
    let mark = read_mark(view).await?;
    let mut batch = Batch::new();
    if Some(up_to) > mark {
        // Keys of their own: two requests at the same time may not undo each other.
        batch.put(keys::read(up_to), b"{}".to_vec());
        if let Some(mark) = mark {
            batch.delete(keys::read(mark));
        }
    }
    let mark = mark.max(Some(up_to));
    Ok((count(all.iter().filter(|noted| Some(noted.id) > mark).count()), batch))
}

/// The newest notification, and how many are unread: what an open client has to know.
pub(crate) async fn summary<S: KeyValue>(
    view: &View<'_, S>,
    account: &Account,
) -> Result<(Option<RecordId>, u32), LedgerError> {
    let mark = read_mark(view).await?;
    let all = shown(view, account).await?;
    let unread = count(all.iter().filter(|noted| Some(noted.id) > mark).count());
    Ok((all.last().map(|noted| noted.id), unread))
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
