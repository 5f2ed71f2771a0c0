//! Becoming friends, and ceasing to be: what the owner decides, and what others say. The rules behind it are those of
//! [`crate::stance`].

use crate::account::Account;
use crate::api::{FriendList, FriendState};
use crate::held;
use crate::keys;
use crate::limits::PENDING_MS;
use crate::relation::{Blocked, Look, Relation, Verified};
use crate::said::outbox::Tries;
use crate::stance::{Heard, Said};
use crate::stored;
use crate::strangers;
use crate::threads;
use std::collections::BTreeSet;
use thiserror::Error;
use tidings_ledger::{Batch, Direction, KeyValue, LedgerError, View};
use tidings_protocol::limits::{FRIENDSHIP_BYTES, GREETING_BYTES, GREETING_CHARS, NAME_CHARS};
use tidings_protocol::{
    Address, AddressError, Certificate, CertificateError, Discovery, Fingerprint, Friendship, Invitation,
    InvitationError, InvitationToken, Listed, PROTOCOL_VERSION, Signed, SignedError, Stance, Standing,
    TextError, check_bytes, check_text,
};

/// Why something about a friend is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FriendError {
    /// The store cannot be read or written.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// What was typed is no address.
    #[error("the address {0}")]
    Address(#[from] AddressError),
    /// What was pasted is no invitation.
    #[error("the invitation {0}")]
    Invitation(#[from] InvitationError),
    /// Somebody else is at the address of an invitation than who made it.
    #[error("the invitation is by somebody else than who is at {address} now: ask them for a new one")]
    OtherInviter {
        /// The address.
        address: Address,
    },
    /// The owner blocked them.
    #[error("you blocked {0}: unblock them first")]
    Blocked(String),
    /// One's own address or identity.
    #[error("that is your own deployment")]
    Oneself,
    /// Plain http from somewhere that is not loopback itself.
    #[error(
        "the deployment at {address} is reached by plain http, which only a deployment on loopback may do"
    )]
    PlainHttp {
        /// The address.
        address: Address,
    },
    /// There is something at the address, but no deployment, or one that is not set up.
    #[error("there is no Tidings deployment at {address}: {reason}")]
    NoDeployment {
        /// The address.
        address: Address,
        /// What was found instead.
        reason: String,
    },
    /// The deployment there speaks other versions of the protocol.
    #[error(
        "the deployment at {address} speaks the protocol versions {versions:?}, this one speaks {PROTOCOL_VERSION}"
    )]
    Version {
        /// The address.
        address: Address,
        /// What it speaks.
        versions: Vec<u32>,
    },
    /// The deployment goes by another address.
    #[error("the deployment at {address} calls itself {calls_itself}: use that address")]
    OtherAddress {
        /// The address that was asked.
        address: Address,
        /// The address in its certificate.
        calls_itself: Address,
    },
    /// The certificate there is broken.
    #[error("the deployment there has an unacceptable certificate: {0}")]
    Certificate(#[from] CertificateError),
    /// The certificate there was replaced, or contradicts the known one.
    #[error(
        "the deployment there has a certificate that was replaced or contradicts the one known here: it is an old copy, \
         or somebody else has their recovery words. Ask them for their address of now"
    )]
    OutOfForce,
    /// Nobody could be reached.
    #[error("could not reach {address}: {reason}")]
    Unreachable {
        /// The address.
        address: Address,
        /// What went wrong.
        reason: String,
    },
    /// Nobody with this id is or may become a friend.
    #[error("there is no friend or request with the id {0}")]
    Unknown(Fingerprint),
    /// They have not asked.
    #[error("{0} has not asked to be friends, so there is nothing to accept")]
    NotAsked(String),
    /// The requester was not found at the address they gave.
    #[error("{name} could not be found at {address}, so the request cannot be accepted now: {reason}")]
    Unverified {
        /// Their name.
        name: String,
        /// The address they gave.
        address: String,
        /// What went wrong.
        reason: String,
    },
    /// The greeting is not acceptable.
    #[error("greeting {0}")]
    Greeting(TextError),
    /// A document could not be signed.
    #[error("{0}")]
    Signing(#[from] SignedError),
}

/// Requests first, then friends by name.
///
/// # Errors
/// When the store cannot be read.
pub async fn list<S: KeyValue>(view: &View<'_, S>) -> Result<FriendList, LedgerError> {
    Ok(show(Relation::load_all(view).await?))
}

pub(crate) fn show(relations: Vec<Relation>) -> FriendList {
    let mut friends: Vec<_> = relations.iter().filter_map(Relation::view).collect();
    let rank = |state| match state {
        FriendState::Incoming => 0,
        FriendState::Outgoing => 1,
        FriendState::Friends => 2,
    };
    friends.sort_by(|a, b| {
        (rank(a.state), a.name.to_lowercase(), a.id).cmp(&(rank(b.state), b.name.to_lowercase(), b.id))
    });
    let mut blocked: Vec<_> = relations.iter().filter_map(Relation::blocked_view).collect();
    blocked.sort_by_key(|one| (one.name.to_lowercase(), one.id));
    FriendList { friends, blocked }
}

/// Whom to befriend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Where they are.
    pub address: Address,
    /// Their invitation, if there is one.
    pub invitation: Option<Invitation>,
}

impl Target {
    /// Makes sure that whoever was [`discovered`] there is who made the invitation.
    ///
    /// # Errors
    /// [`FriendError::OtherInviter`].
    pub fn check(&self, found: &Certificate) -> Result<(), FriendError> {
        match &self.invitation {
            Some(invitation) if invitation.inviter != found.fingerprint() => {
                Err(FriendError::OtherInviter { address: self.address.clone() })
            }
            _ => Ok(()),
        }
    }

    /// What goes along with the request.
    #[must_use]
    pub fn token(&self) -> Option<InvitationToken> {
        self.invitation.as_ref().map(|invitation| invitation.token.clone())
    }
}

/// Whom to befriend, from what a person typed or pasted: an address, the address of a page there, or an invitation.
///
/// # Errors
/// When it is none of these, one's own, or out of reach for this deployment.
pub fn target(account: &Account, typed: &str) -> Result<Target, FriendError> {
    let target = if Invitation::is_meant(typed) {
        let invitation = Invitation::from_typed(typed)?;
        if invitation.inviter == account.fingerprint() {
            return Err(FriendError::Oneself);
        }
        Target { address: invitation.address.clone(), invitation: Some(invitation) }
    } else {
        Target { address: Address::from_page(typed)?, invitation: None }
    };
    let address = &target.address;
    if address == account.address() {
        return Err(FriendError::Oneself);
    }
    if !account.address().may_reach(address) {
        return Err(FriendError::PlainHttp { address: address.clone() });
    }
    Ok(target)
}

/// Checks a greeting; one of nothing but white space counts as none.
///
/// # Errors
/// When it is too long or has characters that do not belong there.
pub fn greeting(typed: Option<String>) -> Result<Option<String>, FriendError> {
    match typed.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()) {
        None => Ok(None),
        Some(text) => {
            check_text(&text, GREETING_CHARS, true).map_err(FriendError::Greeting)?;
            check_bytes(&text, GREETING_BYTES).map_err(FriendError::Greeting)?;
            Ok(Some(text))
        }
    }
}

/// The certificate in a discovery document that was fetched from `address`.
///
/// # Errors
/// When it is not the document of a deployment at this address that speaks our version.
pub fn discovered<'d>(
    account: &Account,
    address: &Address,
    discovery: &'d Discovery,
) -> Result<&'d Signed<Certificate>, FriendError> {
    if !discovery.versions.contains(&PROTOCOL_VERSION) {
        let versions = discovery.versions.iter().copied().take(16).collect();
        return Err(FriendError::Version { address: address.clone(), versions });
    }
    let certificate = discovery.certificate.verify_certificate()?;
    if certificate.fingerprint() == account.fingerprint() {
        return Err(FriendError::Oneself);
    }
    if certificate.address != *address {
        let calls_itself = certificate.address.clone();
        return Err(FriendError::OtherAddress { address: address.clone(), calls_itself });
    }
    Ok(&discovery.certificate)
}

/// Keeps the certificate in a discovery document that was found at the very address it names.
pub(crate) fn keep_verified(relation: &Relation, discovery: &Discovery, batch: &mut Batch) {
    let certificate = &discovery.certificate;
    let serial = certificate.unverified().serial;
    if is_out_of_force(relation, certificate) {
        return; // An old copy of the deployment answers there, or one of somebody else who has the identity.
    }
    keep_certificate(relation, certificate, batch);
    // Somebody else's text, shown in our owner's list: one that breaks the rules for names is none.
    let acceptable = check_text(&discovery.name, NAME_CHARS, false).is_ok();
    let name = if acceptable { discovery.name.clone() } else { relation.name() };
    batch.put(keys::verified(&relation.fingerprint), stored::json(&Verified { serial, name }));
    if relation.look != Look::default() {
        batch.delete(keys::look(&relation.fingerprint));
    }
}

/// Whether a certificate cannot count beside the known one.
pub(crate) fn is_out_of_force(relation: &Relation, came: &Signed<Certificate>) -> bool {
    let standing = relation.certificate.as_ref().map(|known| came.standing(known));
    matches!(standing, Some(Standing::Superseded | Standing::Conflicting))
}

/// Keeps a certificate that replaces the known one, and lets go of that.
pub(crate) fn keep_certificate(relation: &Relation, certificate: &Signed<Certificate>, batch: &mut Batch) {
    let serial = certificate.unverified().serial;
    match &relation.certificate {
        Some(known) if certificate.standing(known) != Standing::Newer => return,
        Some(known) => {
            batch.delete(keys::certificate(&relation.fingerprint, known.unverified().serial));
        }
        None => {}
    }
    batch.put(keys::certificate(&relation.fingerprint, serial), certificate.to_json());
}

/// What goes along with a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asking {
    /// A word to them.
    pub greeting: Option<String>,
    /// The secret of their invitation.
    pub invitation: Option<InvitationToken>,
}

/// Asks somebody, who was just [`discovered`] at their address, to be friends. If they asked already, this
/// accepts; if nothing is to be said, the batch only keeps the certificate. A request that waits for an answer is made
/// again if there is an invitation now, or if it has waited so long that they will have let go of it.
///
/// # Errors
/// When they are blocked, or the request cannot be signed.
pub fn request(
    account: &Account,
    own_name: &str,
    relation: &Relation,
    discovery: &Discovery,
    asking: Asking,
    now_ms: u64,
) -> Result<Batch, FriendError> {
    if relation.is_blocked() {
        return Err(FriendError::Blocked(relation.name()));
    }
    let mut batch = Batch::new();
    if is_out_of_force(relation, &discovery.certificate) {
        return Err(FriendError::OutOfForce);
    }
    keep_verified(relation, discovery, &mut batch);
    let Asking { greeting, invitation } = asking;
    let said = match relation.state() {
        Some(FriendState::Friends) => None,
        Some(FriendState::Incoming) => Some(Said::Join),
        Some(FriendState::Outgoing) => {
            (invitation.is_some() || asked_long_ago(relation, now_ms)).then_some(Said::Ask)
        }
        None => Some(Said::Ask),
    };
    if let Some(said) = said {
        say(account, own_name, relation, said, greeting, now_ms, &mut batch)?;
    }
    if let (Some(Said::Ask), Some(token)) = (said, invitation) {
        batch.put(keys::invitation_of(&relation.fingerprint), stored::json(&token));
    }
    Ok(batch)
}

fn asked_long_ago(relation: &Relation, now_ms: u64) -> bool {
    let asked_ms = relation.ours.as_ref().map(|ours| ours.unverified().created_ms);
    asked_ms.is_some_and(|asked_ms| asked_ms.saturating_add(PENDING_MS) <= now_ms)
}

/// Accepts a request.
///
/// # Errors
/// When they have not asked, or were not found at their address yet.
pub fn accept(
    account: &Account,
    own_name: &str,
    relation: &Relation,
    now_ms: u64,
) -> Result<Batch, FriendError> {
    let mut batch = Batch::new();
    match relation.state() {
        Some(FriendState::Friends) => return Ok(batch),
        Some(FriendState::Incoming) => {}
        Some(FriendState::Outgoing) => return Err(FriendError::NotAsked(relation.name())),
        None => return Err(FriendError::Unknown(relation.fingerprint)),
    }
    if !relation.is_verified() {
        return Err(FriendError::Unverified {
            name: relation.name(),
            address: relation.address().map(ToString::to_string).unwrap_or_default(),
            reason: relation
                .delivery
                .problem
                .clone()
                .unwrap_or_else(|| "their address was not checked yet".into()),
        });
    }
    say(account, own_name, relation, Said::Join, None, now_ms, &mut batch)?;
    Ok(batch)
}

/// Cancels or declines a request, or ends a friendship and lets go of their posts.
///
/// # Errors
/// When there is nothing to end.
pub async fn end<S: KeyValue>(
    view: &View<'_, S>,
    account: &Account,
    own_name: &str,
    relation: &Relation,
    now_ms: u64,
) -> Result<Batch, FriendError> {
    if relation.state().is_none() {
        return Err(FriendError::Unknown(relation.fingerprint));
    }
    let mut batch = Batch::freeing();
    say(account, own_name, relation, Said::End, None, now_ms, &mut batch)?;
    forget(view, relation, &mut batch).await?;
    Ok(batch)
}

/// Hears nothing more from somebody: ends what there is, and hides whatever they say from now on. They are told of the end
/// as by [`end`], and cannot tell that there is more to it.
///
/// # Errors
/// When nothing is known about them.
pub async fn block<S: KeyValue>(
    view: &View<'_, S>,
    account: &Account,
    own_name: &str,
    relation: &Relation,
    now_ms: u64,
) -> Result<Batch, FriendError> {
    if relation.is_blocked() {
        return Ok(Batch::new());
    }
    let mut batch = match relation.state() {
        Some(_) => end(view, account, own_name, relation, now_ms).await?,
        None if relation.ours.is_some() || relation.theirs.is_some() => Batch::freeing(),
        None => return Err(FriendError::Unknown(relation.fingerprint)),
    };
    batch.put(keys::blocked(&relation.fingerprint), stored::json(&Blocked { at_ms: now_ms }));
    Ok(batch)
}

/// Hears from somebody again. What they asked meanwhile, and did not take back, is shown then.
///
/// # Errors
/// When they are not blocked.
pub fn unblock(relation: &Relation) -> Result<Batch, FriendError> {
    if !relation.is_blocked() {
        return Err(FriendError::Unknown(relation.fingerprint));
    }
    let mut batch = Batch::freeing();
    batch.delete(keys::blocked(&relation.fingerprint));
    Ok(batch)
}

/// Removes what was pulled from somebody, and where the pulls stood, and what they said under the owner's posts.
pub(crate) async fn forget<S: KeyValue>(
    view: &View<'_, S>,
    relation: &Relation,
    batch: &mut Batch,
) -> Result<(), LedgerError> {
    let who = &relation.fingerprint;
    let done = held::drop_others(view, who, Listed::default(), &BTreeSet::new(), batch).await?;
    let said = threads::let_go_of_author(view, who, batch).await?;
    if done.more || said {
        // The rest is shown to nobody any more, and goes bit by bit.
        batch.put(keys::leftover(who), Vec::new());
    }
    for entry in view.scan(keys::heard_from(who), Direction::Forward, usize::MAX).await? {
        batch.delete(entry.key);
    }
    for key in [keys::pull(who), keys::told(who), keys::served(who), keys::invitation_of(who)] {
        batch.delete(key);
    }
    for untold in &relation.untold {
        batch.delete(keys::untold(who, untold.at_ms));
    }
    if relation.outbox != Tries::default() {
        batch.delete(keys::tries(who));
    }
    if relation.muted {
        batch.delete(keys::muted(who));
    }
    Ok(())
}

/// Leaves what a friend writes out of the feed from now on, or takes it in again. It is held all the same, and they cannot tell.
///
/// # Errors
/// When they are no friend.
pub fn mute(relation: &Relation, muted: bool) -> Result<Batch, FriendError> {
    if !relation.is_friend() {
        return Err(FriendError::Unknown(relation.fingerprint));
    }
    let mut batch = Batch::new();
    match (relation.muted, muted) {
        (false, true) => batch.put(keys::muted(&relation.fingerprint), Vec::new()),
        (true, false) => batch.delete(keys::muted(&relation.fingerprint)),
        _ => {}
    }
    Ok(batch)
}

/// Signs what the owner says, to be kept and delivered.
pub(crate) fn say(
    account: &Account,
    own_name: &str,
    relation: &Relation,
    said: Said,
    greeting: Option<String>,
    now_ms: u64,
    batch: &mut Batch,
) -> Result<Signed<Friendship>, SignedError> {
    let between = relation.between();
    let order = between.say(said);
    let friendship = Friendship {
        from: account.identity(),
        to: relation.fingerprint,
        generation: order.generation,
        sequence: order.sequence,
        stance: if order.ended { Stance::Ended } else { Stance::Wanted },
        name: own_name.to_owned(),
        greeting,
        created_ms: now_ms,
    };
    let signed = Signed::sign(friendship, account.deployment_key())?;
    if let Some(before) = between.ours {
        batch.delete(keys::ours(&relation.fingerprint, before));
    }
    batch.put(keys::ours(&relation.fingerprint, order), signed.to_json());
    let fresh = crate::relation::Delivery { arrived: relation.delivery.arrived, ..Default::default() };
    batch.put(keys::delivery(&relation.fingerprint), stored::json(&fresh));
    Ok(signed)
}

/// Why somebody's stance is not taken.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum StanceError {
    /// It is from or to somebody else than the message around it.
    #[error("the friendship is not from the sender to the receiver of this message")]
    OtherPeople,
    /// The deployment key of the sender did not sign it.
    #[error("the friendship: {0}")]
    Signature(#[from] SignedError),
    /// A text in it is not acceptable.
    #[error("the friendship: {member} {reason}")]
    Text {
        /// Which member.
        member: &'static str,
        /// What is wrong with it.
        reason: TextError,
    },
    /// More than is kept for somebody.
    #[error("the friendship has {got} bytes, at most {FRIENDSHIP_BYTES} are allowed")]
    TooLarge {
        /// Bytes of its JSON.
        got: usize,
    },
    /// Numbers out of range.
    #[error("the friendship: generation, sequence or created_ms is out of range")]
    Numbers,
}

/// Takes somebody's stance, sent by them or brought along with an answer, if it is [news](Heard::News).
///
/// # Errors
/// When it is not theirs, or not acceptable.
pub(crate) fn take_stance(
    own: &Fingerprint,
    relation: &Relation,
    certificate: &Certificate,
    friendship: &Signed<Friendship>,
    now_ms: u64,
    batch: &mut Batch,
) -> Result<Heard, StanceError> {
    let content = friendship.verify(&certificate.key)?;
    if content.from != certificate.identity || content.to != *own {
        return Err(StanceError::OtherPeople);
    }
    content.check().map_err(|(member, reason)| StanceError::Text { member, reason })?;
    if !content.numbers_in_range() {
        return Err(StanceError::Numbers);
    }
    let text = friendship.to_json();
    if text.len() > FRIENDSHIP_BYTES {
        return Err(StanceError::TooLarge { got: text.len() });
    }
    let heard = relation.between().hear(content.order());
    if heard == Heard::News {
        strangers::note_earlier(relation, now_ms, batch);
        batch.put(keys::theirs(&relation.fingerprint, content.order()), text);
    }
    Ok(heard)
}
