//! What people may leave here whom the owner never answered: so many, so much, for so long, so often.

use crate::api::FriendState;
use crate::keys;
use crate::limits::{DAY_MS, PENDING_MS, PENDING_STRANGERS, STANCES_A_DAY, STRANGERS, WITHDRAWN_MS};
use crate::peer::PeerError;
use crate::relation::Relation;
use crate::stored;
use tidings_ledger::Batch;

/// Whether another stranger finds room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Room {
    /// Among those who wait for an answer.
    pub(crate) to_wait: bool,
    /// Among those of whom anything is kept.
    pub(crate) at_all: bool,
}

/// Counts, without what is [stale](sweep).
pub(crate) fn room(relations: &[Relation], now_ms: u64) -> Room {
    let strangers = || relations.iter().filter(|r| is_stranger(r) && !is_stale(r, now_ms));
    let waiting = strangers().filter(|r| r.between().state() == Some(FriendState::Incoming)).count();
    let kept = strangers().count();
    Room { to_wait: waiting < PENDING_STRANGERS && kept < STRANGERS, at_all: kept < STRANGERS }
}

/// Lets go of requests that waited too long, and of strangers who took theirs back a while ago.
///
/// Of people whom the owner answered once, the answer stays: an older request must not come back to life.
pub(crate) fn sweep(relations: &[Relation], now_ms: u64, batch: &mut Batch) {
    for relation in relations.iter().filter(|relation| is_stale(relation, now_ms)) {
        let who = &relation.fingerprint;
        relation.spoken.iter().for_each(|spoken| batch.delete(&spoken.key));
        if is_stranger(relation) {
            if let Some(certificate) = relation.certificate() {
                batch.delete(keys::certificate(who, certificate.serial));
            }
            if relation.verified.is_some() {
                batch.delete(keys::verified(who));
            }
            batch.delete(keys::look(who));
        }
    }
}

/// Somebody to whom the owner never said anything.
fn is_stranger(relation: &Relation) -> bool {
    relation.ours.is_none() && !relation.is_blocked()
}

fn is_stale(relation: &Relation, now_ms: u64) -> bool {
    let Some(spoke_ms) = relation.spoken.iter().map(|spoken| spoken.at_ms).max() else {
        return false; // They have said nothing, so there is nothing of theirs.
    };
    let kept_ms = match relation.between().state() {
        Some(FriendState::Incoming) => PENDING_MS,
        _ if relation.ours.is_none() => WITHDRAWN_MS,
        _ => return false,
    };
    spoke_ms.saturating_add(kept_ms) <= now_ms
}

/// Refuses a change of stance by somebody who changed it too often within a day.
pub(crate) fn check_pace(relation: &Relation, now_ms: u64) -> Result<(), PeerError> {
    let times_ms = || relation.spoken.iter().map(|s| s.at_ms).filter(|at_ms| at_ms + DAY_MS > now_ms);
    if times_ms().count() < STANCES_A_DAY {
        return Ok(());
    }
    let oldest_ms = times_ms().min().unwrap_or(now_ms);
    let wait_ms = oldest_ms.saturating_add(DAY_MS).saturating_sub(now_ms);
    Err(PeerError::TooManyStances { retry_after_s: wait_ms.div_ceil(1_000) })
}

/// Makes room for a newer stance: of those of the last day a note stays, to be counted, and nothing of the others.
pub(crate) fn note_earlier(relation: &Relation, now_ms: u64, batch: &mut Batch) {
    for spoken in &relation.spoken {
        if spoken.at_ms.saturating_add(DAY_MS) <= now_ms {
            batch.delete(&spoken.key);
        } else if !spoken.is_note {
            batch.put(&spoken.key, stored::json(&spoken.at_ms));
        }
    }
}
