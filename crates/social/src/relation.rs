//! All that is stored about one other person, and what follows from it.

use crate::api::{
    BlockedView, DeliveryState, DeliveryView, FriendState, FriendView, OwedView, Person, PullView,
};
use crate::keys;
use crate::limits::{REMIND_MS, RETRY_MS, TELL_AGAIN_MS, retry_ms};
use crate::said::outbox::Tries;
use crate::stance::Between;
use crate::stored;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use tidings_ledger::{Direction, Entry, Key, KeyValue, LedgerError, Range, View};
use tidings_protocol::{
    Address, Certificate, Fingerprint, Friendship, Head, InvitationToken, Profile, PublicKey, Signed,
    StanceOrder,
};

/// That this deployment has found an identity at an address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Verified {
    /// The serial of the certificate found there.
    pub(crate) serial: u64,
    /// The name found there.
    pub(crate) name: String,
}

/// Attempts in vain to find somebody at the address in their certificate.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Look {
    /// How many.
    pub(crate) attempts: u32,
    /// When the last one was made, in unix milliseconds.
    pub(crate) last_ms: u64,
    /// What went wrong.
    pub(crate) problem: Option<String>,
}

/// How far the delivery of the owner's stance has come.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Delivery {
    /// The stance that arrived last.
    pub(crate) arrived: Option<StanceOrder>,
    /// Attempts in vain since.
    pub(crate) attempts: u32,
    /// When the last attempt was made, in unix milliseconds.
    pub(crate) last_ms: u64,
    /// What went wrong.
    pub(crate) problem: Option<String>,
    /// When the first attempt in vain was made, in unix milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) failing_since_ms: Option<u64>,
}

/// That the owner wants to hear nothing more from somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Blocked {
    /// Since when, in unix milliseconds.
    pub(crate) at_ms: u64,
}

/// A stance of theirs that was stored, or the note that one was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Spoken {
    /// Where it is.
    pub(crate) key: Key,
    /// When it came, in unix milliseconds of this side's clock.
    pub(crate) at_ms: u64,
    /// Whether only the note is left.
    pub(crate) is_note: bool,
}

/// The last notification to a friend.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Told {
    /// The head that it carried.
    pub(crate) head: Head,
    /// When it was sent, in unix milliseconds.
    pub(crate) at_ms: u64,
    /// How often the friend was told since they last pulled; of those that did not arrive only the last in a row.
    pub(crate) times: u32,
    /// Since when the friend is told without pulling, in unix milliseconds.
    #[serde(default)]
    pub(crate) since_ms: u64,
    /// What went wrong, if it did not arrive; kept as an [`Untold`].
    #[serde(skip)]
    pub(crate) problem: Option<String>,
    /// Since when none has arrived, in unix milliseconds; counts only while there is a problem.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) failing_since_ms: Option<u64>,
}

/// A notification that did not arrive. It counts until somebody who knows of it tells the friend again, so that of two who
/// tell them at once neither hides what became of the other's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Untold {
    /// When it was tried, in unix milliseconds.
    pub(crate) at_ms: u64,
    /// What went wrong.
    pub(crate) problem: String,
    /// Since when none has arrived, in unix milliseconds.
    pub(crate) since_ms: u64,
}

impl Told {
    /// The next one, which is sent now and taken to arrive.
    pub(crate) fn next(unanswered: Option<&Self>, head: Head, now_ms: u64) -> Self {
        let since_ms = unanswered.map_or(now_ms, |told| told.since_ms);
        let times = unanswered.map_or(1, |told| told.times.saturating_add(1));
        let failing = unanswered.filter(|told| told.problem.is_some());
        let failing_since_ms = failing.and_then(|told| told.failing_since_ms);
        Self { head, at_ms: now_ms, times, since_ms, problem: None, failing_since_ms }
    }

    /// When the friend is to be told again.
    pub(crate) fn next_ms(&self) -> u64 {
        match self.problem {
            None => self.at_ms.saturating_add(REMIND_MS),
            Some(_) => retry_ms(&TELL_AGAIN_MS, self.times, self.at_ms, self.failing_since_ms),
        }
    }
}

/// How long somebody wants to be left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pause {
    /// Until when, in unix milliseconds.
    pub(crate) until_ms: u64,
}

/// How far the pulls from a friend have come.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pull {
    /// The friendship it belongs to: one that ended and began anew starts over.
    #[serde(default)]
    pub(crate) generation: u64,
    /// Where the next one goes on.
    pub(crate) cursor: Option<String>,
    /// The head up to which everything is held.
    pub(crate) held: Option<Head>,
    /// Whether the last answer said that there is more.
    #[serde(default)]
    pub(crate) more: bool,
    /// When the last one was made, in unix milliseconds; of those that brought nothing only some are written down.
    pub(crate) last_ms: u64,
    /// Attempts since that failed, or that did not bring what was announced.
    pub(crate) attempts: u32,
    /// What went wrong.
    pub(crate) problem: Option<String>,
    /// Since when they fail, in unix milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) failing_since_ms: Option<u64>,
    /// When to ask once more because their store may have been hiding something, in unix milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) once_more_ms: Option<u64>,
    /// How often in a row they said so although that brought nothing.
    #[serde(default)]
    pub(crate) once_more_times: u32,
    /// The ETag of the answer to the question that will be asked next, if it was asked before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tag: Option<String>,
}

/// What a friend has pulled from here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Served {
    /// The head that the last complete answer carried.
    pub(crate) head: Option<Head>,
    /// What was the head of what all friends may see then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) of_all: Option<Head>,
    /// The head that the friend said to hold.
    pub(crate) held: Option<Head>,
    /// When the friend began the first of the listings that are counted, in unix milliseconds.
    #[serde(default)]
    pub(crate) listings_since_ms: u64,
    /// How many they began since.
    #[serde(default)]
    pub(crate) listings: u32,
    /// When the friend pulled first, in unix milliseconds.
    #[serde(default)]
    pub(crate) first_ms: u64,
    /// Whether everything that was written by who did not see yet that they are a friend was given to them.
    #[serde(default)]
    pub(crate) is_complete: bool,
}

/// Another person: friend, requester, requested, or somebody with whom it ended.
#[derive(Debug, Clone)]
pub struct Relation {
    /// Who.
    pub fingerprint: Fingerprint,
    /// Their certificate of the greatest serial.
    pub certificate: Option<Signed<Certificate>>,
    /// The owner's stance towards them.
    pub ours: Option<Signed<Friendship>>,
    /// Their stance towards the owner.
    pub theirs: Option<Signed<Friendship>>,
    /// The serial of the owner's certificate that they are known to have.
    pub(crate) presented: Option<u64>,
    pub(crate) verified: Option<Verified>,
    pub(crate) profile: Option<Signed<Profile>>,
    pub(crate) look: Look,
    pub(crate) delivery: Delivery,
    pub(crate) told: Option<Told>,
    /// The notifications that did not arrive, by time.
    pub(crate) untold: Vec<Untold>,
    /// Attempts to give them what the owner said under their posts.
    pub(crate) outbox: Tries,
    pub(crate) pull: Option<Pull>,
    pub(crate) heard: Option<Head>,
    /// When their announcements that are still there were written down, in unix milliseconds.
    pub(crate) heard_ms: Vec<u64>,
    pub(crate) pause: Option<Pause>,
    pub(crate) served: Option<Served>,
    pub(crate) blocked: Option<Blocked>,
    /// Whether their posts are left out of the feed.
    pub(crate) muted: bool,
    /// When they were put into a circle, in unix milliseconds, until everybody who writes must have seen that.
    pub(crate) joined_ms: Option<u64>,
    /// Goes along with the owner's request until that has arrived.
    pub(crate) invitation: Option<InvitationToken>,
    /// All stances of theirs of the last day, in their order, and the latest.
    pub(crate) spoken: Vec<Spoken>,
    /// Whether posts or comments of theirs are still held although they are no friend.
    pub(crate) leftover: bool,
}

impl Relation {
    /// Nothing is known about them.
    #[must_use]
    pub fn stranger(fingerprint: Fingerprint) -> Self {
        Self {
            fingerprint,
            certificate: None,
            ours: None,
            theirs: None,
            presented: None,
            verified: None,
            profile: None,
            look: Look::default(),
            delivery: Delivery::default(),
            told: None,
            untold: Vec::new(),
            outbox: Tries::default(),
            pull: None,
            heard: None,
            heard_ms: Vec::new(),
            pause: None,
            served: None,
            blocked: None,
            muted: false,
            joined_ms: None,
            invitation: None,
            spoken: Vec::new(),
            leftover: false,
        }
    }

    /// What is stored about `who`.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn load<S: KeyValue>(view: &View<'_, S>, who: &Fingerprint) -> Result<Self, LedgerError> {
        let mut relation = Self::stranger(*who);
        for entry in view.scan(keys::friend(who), Direction::Forward, usize::MAX).await? {
            relation.add(&entry);
        }
        for entry in view.scan(keys::heard_from(who), Direction::Forward, usize::MAX).await? {
            relation.add_heard(&entry);
        }
        relation.served = stored::load(view, &keys::served(who)).await?;
        Ok(relation.of_now())
    }

    /// What is stored about everybody, by fingerprint.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn load_all<S: KeyValue>(view: &View<'_, S>) -> Result<Vec<Self>, LedgerError> {
        let mut all: BTreeMap<Fingerprint, Self> = BTreeMap::new();
        for entry in view.scan(Range::partition(keys::FRIEND), Direction::Forward, usize::MAX).await? {
            if let Some(who) = owner_of(&entry) {
                all.entry(who).or_insert_with(|| Self::stranger(who)).add(&entry);
            }
        }
        for entry in view.scan(Range::partition(keys::HEARD), Direction::Forward, usize::MAX).await? {
            if let Some(relation) = owner_of(&entry).and_then(|who| all.get_mut(&who)) {
                relation.add_heard(&entry);
            }
        }
        for entry in view.scan(Range::partition(keys::SERVED), Direction::Forward, usize::MAX).await? {
            if let Some(relation) = owner_of(&entry).and_then(|who| all.get_mut(&who)) {
                relation.served = stored::parse(&entry);
            }
        }
        Ok(all.into_values().map(Self::of_now).collect())
    }

    /// Without what an earlier friendship left behind: a pull that was under way when it ended may be noted after that.
    fn of_now(mut self) -> Self {
        if let (Some(told), Some(untold)) = (&mut self.told, self.untold.last()) {
            told.at_ms = told.at_ms.max(untold.at_ms);
            told.problem = Some(untold.problem.clone());
            told.failing_since_ms = Some(untold.since_ms);
        }
        let generation = self.generation();
        self.pull = self.pull.take().filter(|pull| pull.generation == generation);
        self
    }

    /// That of the owner's stance; 0 before there was one.
    pub(crate) fn generation(&self) -> u64 {
        self.ours.as_ref().map_or(0, |ours| ours.unverified().generation)
    }

    /// Entries come in the order of their keys, so of several certificates or stances the greatest stays.
    fn add(&mut self, entry: &Entry) {
        let mut parts = entry.key.rest().split('/').skip(1);
        match parts.next() {
            Some("certificate") => self.certificate = stored::parse(entry).or(self.certificate.take()),
            Some("ours") => self.ours = stored::parse(entry).or(self.ours.take()),
            Some("theirs") => self.add_theirs(entry),
            Some("blocked") => self.blocked = stored::parse(entry),
            Some("muted") => self.muted = true,
            Some("joined") => self.joined_ms = Some(entry.stamp.ms()),
            Some("invitation") => self.invitation = stored::parse(entry),
            Some("verified") => self.verified = stored::parse(entry),
            Some("profile") => self.profile = stored::parse(entry),
            Some("look") => self.look = stored::parse(entry).unwrap_or_default(),
            Some("delivery") => self.delivery = stored::parse(entry).unwrap_or_default(),
            Some("presented") => self.presented = stored::parse(entry),
            Some("told") => self.told = stored::parse(entry),
            Some("untold") => self.untold.extend(stored::parse::<Untold>(entry)),
            Some("outbox") => self.outbox = stored::parse(entry).unwrap_or_default(),
            Some("pull") => self.pull = stored::parse(entry),
            Some("pause") => self.pause = stored::parse(entry),
            Some("leftover") => self.leftover = true,
            _ => {}
        }
    }

    fn add_theirs(&mut self, entry: &Entry) {
        let noted_ms: Option<u64> = stored::parse(entry);
        self.spoken.push(Spoken {
            key: entry.key.clone(),
            at_ms: noted_ms.unwrap_or(entry.stamp.ms()),
            is_note: noted_ms.is_some(),
        });
        if noted_ms.is_none() {
            self.theirs = stored::parse(entry).or(self.theirs.take());
        }
    }

    fn add_heard(&mut self, entry: &Entry) {
        let head = entry.key.rest().split('/').nth(1).and_then(|text| text.parse().ok());
        self.heard = self.heard.max(head);
        self.heard_ms.push(entry.stamp.ms());
    }

    /// What both have said last.
    #[must_use]
    pub fn between(&self) -> Between {
        let order = |stance: &Option<Signed<Friendship>>| stance.as_ref().map(|f| f.unverified().order());
        Between { ours: order(&self.ours), theirs: order(&self.theirs) }
    }

    /// How far it has come, for the owner; `None` when nothing is pending and they are no friends. With somebody who is
    /// blocked there is nothing, whatever they say.
    #[must_use]
    pub fn state(&self) -> Option<FriendState> {
        if self.is_blocked() { None } else { self.between().state() }
    }

    /// Whether the owner wants to hear nothing more from them. They must not be able to tell.
    #[must_use]
    pub fn is_blocked(&self) -> bool {
        self.blocked.is_some()
    }

    /// Whether they are a friend whose posts the owner does not want to see for now. They cannot tell.
    #[must_use]
    pub fn is_muted(&self) -> bool {
        self.muted && self.is_friend()
    }

    /// Whether they are friends.
    #[must_use]
    pub fn is_friend(&self) -> bool {
        self.state() == Some(FriendState::Friends)
    }

    /// Their certificate, taken apart.
    #[must_use]
    pub fn certificate(&self) -> Option<&Certificate> {
        self.certificate.as_ref().map(Signed::unverified)
    }

    /// Their identity.
    #[must_use]
    pub fn identity(&self) -> Option<PublicKey> {
        self.certificate().map(|c| c.identity)
    }

    /// Where their deployment is.
    #[must_use]
    pub fn address(&self) -> Option<&Address> {
        self.certificate().map(|c| &c.address)
    }

    /// Whether this deployment has found that identity, with that certificate, at that address.
    #[must_use]
    pub fn is_verified(&self) -> bool {
        match (&self.verified, self.certificate()) {
            (Some(verified), Some(certificate)) => verified.serial == certificate.serial,
            _ => false,
        }
    }

    /// Their name: from their profile, as they gave it with their request, as their deployment tells everybody, or a
    /// piece of their fingerprint.
    #[must_use]
    pub fn name(&self) -> String {
        let from_profile = self.profile.as_ref().map(|p| p.unverified().name.clone());
        let from_stance = || self.theirs.as_ref().map(|f| f.unverified().name.clone());
        let from_discovery = || self.verified.as_ref().map(|v| v.name.clone());
        from_profile
            .or_else(from_stance)
            .or_else(from_discovery)
            .unwrap_or_else(|| self.fingerprint.to_string()[..8].to_owned())
    }

    /// Who they are, in short.
    #[must_use]
    pub fn person(&self) -> Person {
        Person { id: self.fingerprint, name: self.name() }
    }

    /// The head up to which they have pulled.
    pub(crate) fn served_head(&self) -> Option<Head> {
        self.served.as_ref().and_then(|served| served.head)
    }

    /// The head that they were told last.
    pub(crate) fn told_head(&self) -> Option<Head> {
        self.told.as_ref().map(|told| told.head)
    }

    /// The last notification, if the friend has not pulled what it spoke of.
    pub(crate) fn unanswered(&self) -> Option<&Told> {
        self.told.as_ref().filter(|told| self.is_friend() && Some(told.head) > self.served_head())
    }

    /// Until when they want to be left alone, in unix milliseconds.
    pub(crate) fn paused_until_ms(&self) -> u64 {
        self.pause.map_or(0, |pause| pause.until_ms)
    }

    /// Whether the owner's stance has not arrived yet.
    #[must_use]
    pub fn owes_stance(&self) -> bool {
        self.ours.as_ref().is_some_and(|ours| Some(ours.unverified().order()) > self.delivery.arrived)
    }

    /// When the next attempt to deliver the owner's stance is due.
    pub(crate) fn next_delivery_ms(&self) -> u64 {
        let Delivery { attempts, last_ms, failing_since_ms, .. } = self.delivery;
        if attempts == 0 { 0 } else { retry_ms(&RETRY_MS, attempts, last_ms, failing_since_ms) }
    }

    /// When the next attempt to find them at their address is due.
    pub(crate) fn next_look_ms(&self) -> u64 {
        let Look { attempts, last_ms, .. } = self.look;
        if attempts == 0 { 0 } else { retry_ms(&RETRY_MS, attempts, last_ms, None) }
    }

    /// That something was told to them, or could not be, that they have not pulled.
    pub(crate) fn owed_view(&self) -> Option<OwedView> {
        self.unanswered().map(|told| OwedView {
            since_ms: told.since_ms,
            state: if told.problem.is_some() { DeliveryState::Waiting } else { DeliveryState::Delivered },
            attempts: told.times,
            next_ms: told.next_ms().max(self.paused_until_ms()),
            problem: told.problem.clone(),
        })
    }

    /// As the owner sees somebody who is blocked; `None` for everybody else.
    #[must_use]
    pub fn blocked_view(&self) -> Option<BlockedView> {
        let Blocked { at_ms } = self.blocked.as_ref()?;
        let (id, name, address) = (self.fingerprint, self.name(), self.address().cloned());
        Some(BlockedView { id, name, address, since_ms: *at_ms })
    }

    /// As the owner sees it; `None` when there is nothing to show.
    #[must_use]
    pub fn view(&self) -> Option<FriendView> {
        let state = self.state()?;
        let certificate = self.certificate()?;
        let asking = match state {
            FriendState::Outgoing => &self.ours,
            FriendState::Incoming | FriendState::Friends => &self.theirs,
        };
        let created_ms = |f: &Option<Signed<Friendship>>| f.as_ref().map_or(0, |f| f.unverified().created_ms);
        let since_ms = match state {
            FriendState::Friends => created_ms(&self.ours).max(created_ms(&self.theirs)),
            _ => created_ms(asking),
        };
        let waiting = self.owes_stance();
        Some(FriendView {
            id: self.fingerprint,
            identity: certificate.identity,
            name: self.name(),
            address: certificate.address.clone(),
            state,
            greeting: asking.as_ref().and_then(|f| f.unverified().greeting.clone()),
            verified: self.is_verified(),
            safety_code: certificate.identity.safety_code(),
            since_ms,
            delivery: DeliveryView {
                state: if waiting { DeliveryState::Waiting } else { DeliveryState::Delivered },
                attempts: if waiting { self.delivery.attempts } else { 0 },
                next_ms: waiting.then(|| self.next_delivery_ms()),
                problem: self.delivery.problem.clone().filter(|_| waiting),
            },
            muted: self.is_muted(),
            owed: self.owed_view(),
            pull: PullView {
                last_ms: self.pull.as_ref().map(|p| p.last_ms),
                problem: self.pull.as_ref().and_then(|p| p.problem.clone()),
            },
        })
    }
}

/// The person an entry of `friend`, `heard` or `served` is about.
fn owner_of(entry: &Entry) -> Option<Fingerprint> {
    entry.key.rest().split('/').next()?.parse().ok()
}
