//! Hints: registers beside the objects that spare an unchanged reader the listing.
//!
//! They are overwritten, may be lost, and carry nothing that is not elsewhere: without them everything is as it was,
//! only dearer. A reader who asks often, such as an open client, leaves a [`Watch`]. While one is listed, every commit
//! sets the *pulse* to its stamp before it writes its object. A reader who read the pulse, then listed the store and
//! answered, may give the same answer again while the pulse stays the same: that costs two gets. A [`Promise`] says
//! from when on and for how long.
//!
//! `docs/storage.md` says when that is safe; all names and forms are in this file.

use std::fmt;
use std::str::FromStr;

use crate::error::LedgerError;
use crate::ledger::Ledger;
use crate::limits::MAX_KEYS_FOR_COMMITS;
use crate::stamp::Stamp;
use crate::store::{Clock, KeyValue, Random, StoreError};
use crate::timing::Timing;
use crate::view::View;

/// What the store key of every hint begins with. No object's name does.
const PREFIX: &str = "h.";
/// The pulse: the text of the stamp of a commit.
const PULSE: &str = "h.pulse";
/// A watch, followed by its text form.
const WATCH: &str = "h.watch.";

/// How long a watch stands, in milliseconds. Commits cost one more `set` for so long after the last reader has gone,
/// and a change whose pulse was lost is noticed after so long.
pub(crate) const WATCH_MS: u64 = 30 * 60_000;
/// Coarseness of the time at which watches are made, in milliseconds: readers that do not see each other's agree.
pub(crate) const WATCH_STEP_MS: u64 = 60_000;
/// How much earlier than needed a watch is renewed, in milliseconds: clients that are idle ask rarely.
const RENEW_EARLY_MS: u64 = 5 * 60_000;
/// Watches at the same time: several only while they are renewed, or after the label has changed.
const MAX_WATCHES: usize = 8;
/// Longest label of a watch, in bytes.
const MAX_LABEL_BYTES: usize = 16;

/// A mark that somebody reads often, so that commits tell of themselves by the pulse.
///
/// Text form: when it was made and when it expires, in Unix milliseconds, and a label of its maker's choice, with dots
/// between. Who wants to be sure that a watch is of their own making puts something into the label that tells.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Watch {
    expires_ms: u64,
    made_ms: u64,
    label: String,
}

impl Watch {
    fn key(&self) -> String {
        format!("{WATCH}{self}")
    }

    /// Whether every commit that is not seen by listings made at `listed_ms` knows of the watch.
    ///
    /// It appeared up to H after it was made, and was seen by all D later. Requests that began before, unaware, wrote
    /// up to 2H after that, and what they wrote is seen by all another D later: G covers this and the clocks.
    pub(crate) fn is_established(&self, timing: &Timing, listed_ms: u64) -> bool {
        self.made_ms.saturating_add(timing.finishing_ms()) <= listed_ms
    }

    /// Whether no commit can have taken it for expired yet.
    fn is_certain(&self, timing: &Timing, now_ms: u64) -> bool {
        now_ms.saturating_add(timing.clock_error_ms) < self.expires_ms
    }
}

impl fmt::Display for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.made_ms, self.expires_ms, self.label)
    }
}

/// Not the text form of a watch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a watch: expected two times and a label of at most {MAX_LABEL_BYTES} letters and digits")]
pub struct WatchError;

impl FromStr for Watch {
    type Err = WatchError;

    fn from_str(text: &str) -> Result<Self, WatchError> {
        let mut parts = text.split('.');
        let mut time = || parts.next().and_then(|part| part.parse().ok());
        let (Some(made_ms), Some(expires_ms), Some(label), None) =
            (time(), time(), parts.next(), parts.next())
        else {
            return Err(WatchError);
        };
        let watch = Self { expires_ms, made_ms, label: label.to_owned() };
        // One watch has one spelling.
        if is_label(label) && watch.to_string() == text { Ok(watch) } else { Err(WatchError) }
    }
}

fn is_label(text: &str) -> bool {
    (1..=MAX_LABEL_BYTES).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// What the last commit that was watched left behind; different after each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pulse(Option<Stamp>);

impl Pulse {
    const NONE: &str = "none";

    fn of_stored(bytes: Option<Vec<u8>>) -> Self {
        let stamp = |bytes: Vec<u8>| Stamp::parse_bytes(&bytes);
        // What is not understood counts as never settled, until the next commit overwrites it.
        Self(bytes.map(|bytes| stamp(bytes).unwrap_or(Stamp::MAX)))
    }

    /// Whether all commits whose pulses landed before this one are seen by listings made at `listed_ms`.
    ///
    /// It landed up to H after its stamp. Those before it landed their objects up to H later, seen by all after D.
    pub(crate) fn is_settled(self, timing: &Timing, listed_ms: u64) -> bool {
        self.0.is_none_or(|stamp| stamp.ms().saturating_add(timing.appearing_ms()) <= listed_ms)
    }
}

impl fmt::Display for Pulse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(stamp) => stamp.fmt(f),
            None => f.write_str(Self::NONE),
        }
    }
}

impl FromStr for Pulse {
    type Err = crate::stamp::StampError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == Self::NONE { Ok(Self(None)) } else { Stamp::parse(text).map(|stamp| Self(Some(stamp))) }
    }
}

/// What goes along with an answer, so that it can be found unchanged later.
///
/// Text form: that of its watch, until when it holds in Unix milliseconds, and the pulse, with dots between; instead
/// of the pulse nothing if the answer must not be repeated, but the watch is worth remembering.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Promise {
    pub(crate) watch: Watch,
    pub(crate) until_ms: u64,
    pub(crate) pulse: Option<Pulse>,
}

impl Promise {
    /// Whether the answer may be repeated. Otherwise only the watch is remembered, and will be of use later.
    pub const fn is_firm(&self) -> bool {
        self.pulse.is_some()
    }

    /// The watch that it rests on.
    pub const fn watch(&self) -> &Watch {
        &self.watch
    }
}

impl fmt::Display for Promise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pulse = self.pulse.map(|pulse| pulse.to_string()).unwrap_or_default();
        write!(f, "{}.{}.{pulse}", self.watch, self.until_ms)
    }
}

/// Not the text form of a promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a promise: expected a watch, a time, and a pulse or nothing")]
pub struct PromiseError;

impl FromStr for Promise {
    type Err = PromiseError;

    fn from_str(text: &str) -> Result<Self, PromiseError> {
        let mut parts = text.rsplitn(3, '.');
        let (pulse, until, watch) = (parts.next(), parts.next(), parts.next());
        let pulse = match pulse.unwrap_or_default() {
            "" => None,
            pulse => Some(pulse.parse().map_err(|_| PromiseError)?),
        };
        let until_ms = until.and_then(|until| until.parse().ok()).ok_or(PromiseError)?;
        let watch = watch.and_then(|watch| watch.parse().ok()).ok_or(PromiseError)?;
        let promise = Self { watch, until_ms, pulse };
        if promise.to_string() == text { Ok(promise) } else { Err(PromiseError) }
    }
}

impl<S: KeyValue, C: Clock, R: Random> Ledger<S, C, R> {
    /// The pulse now: one `get`. To be read before the view that is answered from is made.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn pulse(&self) -> Result<Pulse, LedgerError> {
        Ok(Pulse::of_stored(self.store().get(PULSE).await?))
    }

    /// Promises that what is answered from `view` can be found unchanged later, `pulse` having been read before.
    ///
    /// Makes sure that a watch with this label stands for long enough to be renewed in time. Mostly without any
    /// operation; otherwise it sets one with the value that `value` gives it, and deletes those that have expired.
    /// `known` is an earlier promise, whose watch the listing may not show yet.
    ///
    /// `None` where watching does not pay: the store lags so much that no watch would ever be established, or has no
    /// room.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn promise(
        &self,
        view: &mut View<'_, S>,
        pulse: Pulse,
        label: &str,
        known: Option<&Promise>,
        value: impl FnOnce(&Watch) -> Vec<u8>,
    ) -> Result<Option<Promise>, LedgerError> {
        let (timing, now_ms, listed_ms) = (self.timing(), self.now_ms(), view.made_at_ms());
        let renew_ms = renew_ms(&timing);
        if renew_ms >= WATCH_MS || !is_label(label) {
            return Ok(None);
        }
        self.delete_watches(view, |watch| watch.expires_ms.saturating_add(timing.finishing_ms()) <= now_ms)
            .await?;
        let listed = view.listing().watches();
        let others = listed.len();
        let mut own: Vec<Watch> = listed.into_iter().chain(known.map(|known| known.watch.clone())).collect();
        own.retain(|watch| watch.label == label && watch.is_certain(&timing, now_ms));
        let lasts = own.iter().any(|watch| watch.expires_ms > now_ms.saturating_add(renew_ms));
        if !lasts && others < MAX_WATCHES && view.key_count() < MAX_KEYS_FOR_COMMITS {
            let made_ms = now_ms.div_ceil(WATCH_STEP_MS).saturating_mul(WATCH_STEP_MS);
            let watch =
                Watch { expires_ms: made_ms.saturating_add(WATCH_MS), made_ms, label: label.to_owned() };
            self.store().set(&watch.key(), &value(&watch)).await?;
            view.absorb_hint(&watch.key());
            own.push(watch);
        }
        let established = |watch: &Watch| watch.is_established(&timing, listed_ms);
        let Some(watch) = own.iter().max_by_key(|watch| (established(watch), watch.expires_ms)) else {
            return Ok(None);
        };
        // It holds until its successor takes over, or until it is time to make one.
        let successor =
            own.iter().map(|other| other.expires_ms).max().filter(|last| *last > watch.expires_ms);
        let until_ms = match successor {
            Some(_) => watch.expires_ms,
            None => watch.expires_ms.saturating_sub(renew_ms),
        };
        let firm = established(watch) && pulse.is_settled(&timing, listed_ms);
        Ok(Some(Promise { watch: watch.clone(), until_ms, pulse: firm.then_some(pulse) }))
    }

    /// The value of a promise's watch, if nothing was committed since the answer that it went along with: two gets.
    /// `None` when the answer has to be made anew.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn unchanged(&self, promise: &Promise) -> Result<Option<Vec<u8>>, LedgerError> {
        let now_ms = self.now_ms();
        let Some(pulse) = promise.pulse.filter(|_| now_ms < promise.until_ms) else { return Ok(None) };
        if !promise.watch.is_certain(&self.timing(), now_ms) {
            return Ok(None);
        }
        let Some(value) = self.store().get(&promise.watch.key()).await? else { return Ok(None) };
        Ok((self.pulse().await? == pulse).then_some(value))
    }

    /// Ends all listed watches: what was answered while they stood is not repeated from then on.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn end_watches(&self, view: &mut View<'_, S>) -> Result<(), LedgerError> {
        self.delete_watches(view, |_| true).await
    }

    async fn delete_watches(
        &self,
        view: &mut View<'_, S>,
        which: impl Fn(&Watch) -> bool,
    ) -> Result<(), LedgerError> {
        let keys: Vec<String> =
            view.listing().watches().iter().filter(|watch| which(watch)).map(Watch::key).collect();
        for key in &keys {
            self.store().delete(key).await?;
        }
        if !keys.is_empty() {
            view.forget(&keys.iter().map(String::as_str).collect::<Vec<_>>());
        }
        Ok(())
    }

    /// Tells those who watch, as far as `view` shows any, that a commit with this stamp is coming.
    pub(crate) async fn announce(&self, view: &View<'_, S>, stamp: Stamp) -> Result<(), StoreError> {
        let now_ms = self.now_ms();
        if view.listing().watches().iter().any(|watch| now_ms < watch.expires_ms) {
            self.store().set(PULSE, stamp.text().as_bytes()).await?;
        }
        Ok(())
    }
}

/// How long before a watch expires the next one has to be made, so that it is established in time.
fn renew_ms(timing: &Timing) -> u64 {
    timing
        .finishing_ms()
        .saturating_add(timing.clock_error_ms)
        .saturating_add(WATCH_STEP_MS)
        .saturating_add(RENEW_EARLY_MS)
}

/// Whether a store key is a hint's.
pub(crate) fn is_hint(key: &str) -> bool {
    key.starts_with(PREFIX)
}

/// The watch of a hint's store key, if it is one.
pub(crate) fn watch_of(key: &str) -> Option<Watch> {
    key.strip_prefix(WATCH)?.parse().ok()
}
