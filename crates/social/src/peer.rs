//! What others ask of this deployment: who may ask, and what follows.

use crate::account::Account;
use crate::api::{FriendState, Person, WhoMayAsk};
use crate::certificates;
use crate::friends::{self, StanceError};
use crate::heads::Heads;
use crate::invitations;
use crate::keys;
use crate::limits::{HEARD_MOST, HEARD_STALE, PACE_MS, PENDING_STRANGERS, STANCES_A_DAY};
use crate::notifications;
use crate::relation::Relation;
use crate::stance::{Heard, Said};
use crate::{profile, resigning, settings, strangers};
use thiserror::Error;
use tidings_ledger::{Batch, Direction, KeyValue, LedgerError, View};
use tidings_protocol::limits::{FUTURE_TOLERANCE_MS, INTERACTIONS_AT_ONCE};
use tidings_protocol::request_signature::{ClaimedRequest, RequestParts, RequestSignatureError};
use tidings_protocol::{
    Address, Certificate, Discovery, Friendship, FriendshipAnswer, FriendshipMessage, Notification,
    NotificationAnswer, PROTOCOL_VERSION, Profile, Signed, SignedError, Software, Stance, Standing,
};

/// Why a request of another deployment is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PeerError {
    /// The store cannot be read or written.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The request is not signed as it should be.
    #[error(transparent)]
    Signature(#[from] RequestSignatureError),
    /// It is signed by somebody whose key is not known, and brought no certificate.
    #[error("the sender is not known here: send the certificate along")]
    UnknownSender,
    /// It is signed by oneself.
    #[error("this request comes from the identity that is served here")]
    Oneself,
    /// The certificate was superseded: an old host, or a copy of it.
    #[error(
        "the sender's certificate (serial {got}) was superseded by one of serial {}, or its key is revoked",
        known.unverified().serial
    )]
    Superseded {
        /// The serial that came.
        got: u64,
        /// The one that is known, as proof.
        known: Box<Signed<Certificate>>,
    },
    /// Two different certificates of the same serial.
    #[error("another certificate of the serial {} is known for the sender", known.unverified().serial)]
    Conflicting {
        /// The one that is known, as proof.
        known: Box<Signed<Certificate>>,
        /// Whose they are, if it is a friend: the owner has to know.
        friend: Option<Person>,
    },
    /// The sender is on plain http, and this deployment is not on loopback.
    #[error(
        "the sender's address {0} uses plain http, which is only for deployments that are both on loopback"
    )]
    PlainHttp(Address),
    /// Only friends may ask this.
    #[error("only friends may do that")]
    NotAFriend,
    /// Too many strangers wait for an answer of the owner.
    #[error("{PENDING_STRANGERS} friend requests wait for an answer here already: try again in some days")]
    TooManyPending,
    /// Only people with an invitation may ask.
    #[error("friend requests are taken here with an invitation only, and there was none that is open")]
    InvitationRequired,
    /// This person changed their stance too often.
    #[error("the friendship was changed {STANCES_A_DAY} times within a day: try again later")]
    TooManyStances {
        /// When another change is taken, in seconds from now.
        retry_after_s: u64,
    },
    /// An answer could not be signed.
    #[error("{0}")]
    Signing(#[from] SignedError),
    /// The friendship in the message is not acceptable.
    #[error(transparent)]
    Stance(#[from] StanceError),
    /// A friend announces more than one can have to say.
    #[error("too many notifications within a short time: try again in {retry_after_s} s")]
    TooManyNotifications {
        /// When there is room for the next one, in seconds.
        retry_after_s: u64,
    },
    /// There are more comments and reactions in one request than there may be.
    #[error("at most {INTERACTIONS_AT_ONCE} comments and reactions go into one request")]
    TooManyAtOnce,
    /// A friend comments and reacts more than anybody does.
    #[error("too many comments and reactions within a short time: try again in {retry_after_s} s")]
    TooManyInteractions {
        /// When there is room for the next one, in seconds.
        retry_after_s: u64,
    },
    /// The head lies in the future.
    #[error("the head lies more than {} s in the future: is your clock right?", FUTURE_TOLERANCE_MS / 1_000)]
    FutureHead,
}

/// Somebody who has proved to be who they say. Only [`authenticate`] makes one, so a function that takes one cannot be
/// reached without.
#[derive(Debug, Clone)]
pub struct VerifiedPeer {
    relation: Relation,
    certificate: Signed<Certificate>,
}

/// Checks the signature of a request: with the certificate that came along if it is newer, with the known one
/// otherwise.
///
/// # Errors
/// See [`PeerError`]; nothing is to be committed then.
pub async fn authenticate<S: KeyValue>(
    view: &View<'_, S>,
    account: &Account,
    parts: RequestParts<'_>,
    now_ms: u64,
) -> Result<VerifiedPeer, PeerError> {
    let claimed = ClaimedRequest::parse(parts, &account.fingerprint(), now_ms / 1_000)?;
    if claimed.from == account.fingerprint() {
        return Err(PeerError::Oneself);
    }
    let relation = Relation::load(view, &claimed.from).await?;
    let certificate = match (&relation.certificate, &claimed.certificate) {
        (None, None) => return Err(PeerError::UnknownSender),
        (Some(known), None) => known.clone(),
        (None, Some(came)) => came.clone(),
        (Some(_), Some(came)) => came.clone(),
    };
    // Whoever is told that a certificate is not in force has shown to have its key.
    claimed.verify(&certificate.unverified().key)?;
    if let Some(known) = &relation.certificate {
        let (got, known) = (certificate.unverified().serial, Box::new(known.clone()));
        match certificate.standing(&known) {
            Standing::Same | Standing::Newer => {}
            Standing::Superseded => return Err(PeerError::Superseded { got, known }),
            Standing::Conflicting => {
                let friend = relation.is_friend().then(|| relation.person());
                return Err(PeerError::Conflicting { known, friend });
            }
        }
    }
    let address = &certificate.unverified().address;
    if !account.address().may_reach(address) {
        return Err(PeerError::PlainHttp(address.clone()));
    }
    Ok(VerifiedPeer { relation, certificate })
}

impl VerifiedPeer {
    /// What is known about them.
    #[must_use]
    pub fn relation(&self) -> &Relation {
        &self.relation
    }

    /// The certificate in force, with which their request was verified.
    pub(crate) fn certificate(&self) -> &Certificate {
        self.certificate.unverified()
    }

    /// What is to be committed of the certificate that came along, in whatever request: it is kept if it replaces the known
    /// one of somebody who is known.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn learn<S: KeyValue>(&self, view: &View<'_, S>, now_ms: u64) -> Result<Batch, LedgerError> {
        let mut batch = Batch::new();
        certificates::learn(view, &self.relation, &self.certificate, now_ms, &mut batch).await?;
        Ok(batch)
    }

    /// Refuses everybody who is no friend.
    ///
    /// # Errors
    /// [`PeerError::NotAFriend`].
    pub fn require_friend(&self) -> Result<(), PeerError> {
        if self.relation.is_friend() { Ok(()) } else { Err(PeerError::NotAFriend) }
    }
}

/// Who is served here.
///
/// # Errors
/// When the store cannot be read.
pub async fn discovery<S: KeyValue>(view: &View<'_, S>, account: &Account) -> Result<Discovery, LedgerError> {
    let profile: Option<Signed<Profile>> = crate::stored::load(view, &keys::profile()).await?;
    Ok(Discovery {
        versions: vec![PROTOCOL_VERSION],
        capabilities: Vec::new(),
        certificate: account.certificate().clone(),
        name: profile.map(|p| p.unverified().name.clone()).unwrap_or_default(),
        software: Some(Software {
            name: "tidings".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }),
    })
}

/// Takes a friendship message: a request, an acceptance, or an end. A request with an invitation is accepted at once.
///
/// Whether the sender is blocked must not show: all that it changes is what the owner sees.
///
/// # Errors
/// When it is not acceptable, too many strangers wait already, or this sender changed their mind too often.
pub async fn receive_friendship<S: KeyValue>(
    view: &View<'_, S>,
    account: &Account,
    sender: &VerifiedPeer,
    message: &FriendshipMessage,
    now_ms: u64,
) -> Result<(FriendshipAnswer, Batch), PeerError> {
    let VerifiedPeer { relation, certificate } = sender;
    let mut batch = Batch::new();
    let (own, friendship) = (account.fingerprint(), &message.friendship);
    let heard =
        friends::take_stance(&own, relation, certificate.unverified(), friendship, now_ms, &mut batch)?;
    let stance = friendship.unverified();
    let asks = relation.between().after_hearing(stance.order()).state() == Some(FriendState::Incoming);
    let invitation = match &message.invitation {
        Some(token) if asks && !relation.is_blocked() => {
            invitations::open_to(view, token, &relation.fingerprint, now_ms).await?
        }
        _ => None,
    };
    if heard == Heard::News {
        strangers::check_pace(relation, now_ms)?;
        if invitation.is_none() {
            let asked_before = relation.between().state() == Some(FriendState::Incoming);
            if asks && !asked_before && settings::who_may_ask(view).await? == WhoMayAsk::Invited {
                return Err(PeerError::InvitationRequired);
            }
            let joins_those_who_wait = asks && !asked_before;
            let is_new = relation.theirs.is_none();
            if relation.ours.is_none() && (joins_those_who_wait || is_new) {
                let mut relations = Relation::load_all(view).await?;
                // What is kept of the sender stays, however stale: it is not new any more.
                relations.retain(|other| other.fingerprint != relation.fingerprint);
                strangers::sweep(&relations, now_ms, &mut batch);
                let room = strangers::room(&relations, now_ms);
                if asks && !room.to_wait {
                    return Err(PeerError::TooManyPending);
                }
                if !room.at_all {
                    return Ok((
                        FriendshipAnswer { friendship: None, head: None, yours: None },
                        Batch::new(),
                    ));
                }
            }
        }
        if stance.stance == Stance::Ended {
            let mut freeing = Batch::freeing();
            freeing.merge(batch);
            batch = freeing;
            friends::forget(view, relation, &mut batch).await?;
        }
        friends::keep_certificate(relation, certificate, &mut batch);
        if invitation.is_none() {
            notifications::note_stance(view, relation, friendship, now_ms, &mut batch).await?;
        }
    }
    batch.merge(sender.learn(view, now_ms).await?);
    let mut ours = relation.ours.as_ref().map(|ours| resigning::stance(account, ours));
    if let Some(invitation) = invitation {
        let name = profile::summary(view, account).await?.name;
        let met = Relation { theirs: Some(friendship.clone()), ..relation.clone() };
        ours = Some(friends::say(account, &name, &met, Said::Join, None, now_ms, &mut batch)?);
        invitations::note_use(view, invitation, met.person(), now_ms, &mut batch).await?;
    }
    let is_end = stance.stance == Stance::Ended;
    let owed = Heads::load_for(view, relation).await?.owed_to(relation);
    let head = owed.filter(|_| !is_end);
    let is_another = |theirs: &&Signed<Friendship>| {
        theirs.unverified().order() >= stance.order() && !theirs.says_the_same(friendship)
    };
    let yours = relation.theirs.as_ref().filter(is_another).cloned();
    Ok((FriendshipAnswer { friendship: ours, head, yours }, batch))
}

/// Takes a notification: the friend stays dirty until the owner's side holds that head.
///
/// # Errors
/// When the sender is no friend, or the head lies in the future.
pub async fn receive_notification<S: KeyValue>(
    view: &View<'_, S>,
    account: &Account,
    sender: &VerifiedPeer,
    notification: Notification,
    now_ms: u64,
) -> Result<(NotificationAnswer, Batch), PeerError> {
    sender.require_friend()?;
    let relation = &sender.relation;
    let Notification { head } = notification;
    if head.ms() > now_ms.saturating_add(FUTURE_TOLERANCE_MS) {
        return Err(PeerError::FutureHead);
    }
    let held = relation.pull.as_ref().and_then(|pull| pull.held);
    let mut batch = Batch::new();
    if Some(head) > held.max(relation.heard) {
        check_pace(relation, now_ms)?;
        if relation.heard_ms.len() >= HEARD_STALE {
            forget_heard(view, relation, now_ms, &mut batch).await?;
        }
        batch.put(keys::heard(&relation.fingerprint, head), Vec::new());
    }
    batch.merge(sender.learn(view, now_ms).await?);
    let owed = Heads::load_for(view, relation).await?.owed_to(relation);
    let friendship = relation.ours.as_ref().map(|ours| resigning::stance(account, ours));
    Ok((NotificationAnswer { held, friendship, head: owed }, batch))
}

/// Refuses a friend who announced too much too fast. What they announced is counted by the entries that it left.
fn check_pace(relation: &Relation, now_ms: u64) -> Result<(), PeerError> {
    let mut recent: Vec<u64> =
        relation.heard_ms.iter().copied().filter(|at_ms| at_ms.saturating_add(PACE_MS) > now_ms).collect();
    if recent.len() < HEARD_MOST {
        return Ok(());
    }
    recent.sort_unstable();
    let first_ms = recent.get(recent.len() - HEARD_MOST).copied().unwrap_or(now_ms);
    let wait_ms = first_ms.saturating_add(PACE_MS).saturating_sub(now_ms);
    Err(PeerError::TooManyNotifications { retry_after_s: wait_ms.div_ceil(1_000) })
}

/// Removes announcements that are not counted any more: a greater one takes their place.
async fn forget_heard<S: KeyValue>(
    view: &View<'_, S>,
    relation: &Relation,
    now_ms: u64,
    batch: &mut Batch,
) -> Result<(), LedgerError> {
    let entries = view.scan(keys::heard_from(&relation.fingerprint), Direction::Forward, usize::MAX).await?;
    let old = entries.into_iter().filter(|entry| entry.stamp.ms().saturating_add(PACE_MS) <= now_ms);
    old.for_each(|entry| batch.delete(entry.key));
    Ok(())
}
