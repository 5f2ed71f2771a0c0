//! The open app, as far as it makes requests: what `frontend/src/lib/state/live.svelte.ts` does, on virtual time.

use super::owner::{self, Answer};
use super::world::{MINUTE_MS, World};
use std::rc::Rc;
use tidings_social::api::Changes;
use tidings_social::sync::Scope;

/// Files of the app that a page load asks for if nothing is cached (page, script, style), and their compressed bytes.
pub(super) const ASSETS: u64 = 3;
const ASSET_BYTES: u64 = 50_000;
/// Headers of a reply to the owner, about, in bytes.
const REPLY_BYTES: u64 = 300;
/// After network work that brought nothing, the next piece waits at least so long, doubling up to the most.
const REFRESH_PAUSE_MS: u64 = 5_000;
const MOST_REFRESH_PAUSE_MS: u64 = 300_000;

/// How often the app asks, in milliseconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Paces {
    /// Within [`Self::LIVELY_MS`] of opening it or writing something.
    pub lively_ms: u64,
    /// Within [`Self::CALM_MS`] of that.
    pub calm_ms: u64,
    /// Otherwise, and while network work rests.
    pub quiet_ms: u64,
    /// Whether it has network work done whenever some seems due, however short a time ago it was.
    pub is_impatient: bool,
}

impl Paces {
    /// How long after that answers are expected, in milliseconds.
    const LIVELY_MS: u64 = MINUTE_MS;
    const CALM_MS: u64 = 3 * MINUTE_MS;
}

/// What the app asked its own deployment for.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Asked {
    /// Polls.
    pub polls: u64,
    /// Everything else of `/api/`.
    pub others: u64,
    /// Files.
    pub assets: u64,
    /// Bytes of the answers.
    pub bytes: u64,
}

/// The app in one tab.
pub(super) struct Tab {
    world: Rc<World>,
    number: usize,
    paces: Paces,
    listing: Option<String>,
    shown: Option<Changes>,
    lively_ms: u64,
    idle_refreshes: u32,
    refresh_not_before_ms: u64,
    rests_until_ms: u64,
    /// What was asked for so far.
    pub asked: Asked,
}

impl Tab {
    /// Loads the page: files, session, and then everything that is shown.
    pub fn open(world: &Rc<World>, number: usize, paces: Paces) -> Self {
        let asked =
            Asked { others: 1, assets: ASSETS, bytes: ASSET_BYTES + 2 * REPLY_BYTES, ..Asked::default() };
        Self {
            world: world.clone(),
            number,
            paces,
            listing: None,
            shown: None,
            lively_ms: world.now_ms(),
            idle_refreshes: 0,
            refresh_not_before_ms: 0,
            rests_until_ms: 0,
            asked,
        }
    }

    /// Keeps the app open until then. `write_at_ms` says when its owner writes something.
    pub async fn stay(&mut self, until_ms: u64, write_at_ms: &[u64]) {
        let mut writes = write_at_ms.iter().copied().peekable();
        while self.world.now_ms() < until_ms {
            while writes.next_if(|at_ms| *at_ms <= self.world.now_ms()).is_some() {
                self.asked.others += 1;
                self.asked.bytes += REPLY_BYTES;
                super::life::write(&self.world, self.number).await;
                self.lively_ms = self.world.now_ms();
            }
            self.ask().await;
            self.world.executor.sleep(self.pace_ms()).await;
        }
    }

    fn pace_ms(&self) -> u64 {
        let (now_ms, Paces { lively_ms, calm_ms, quiet_ms, .. }) = (self.world.now_ms(), self.paces);
        let since_ms = now_ms - self.lively_ms;
        let pace_ms = if since_ms < Paces::LIVELY_MS {
            lively_ms
        } else if since_ms < Paces::CALM_MS {
            calm_ms
        } else {
            quiet_ms
        };
        pace_ms.max(quiet_ms.min(self.rests_until_ms.saturating_sub(now_ms)))
    }

    async fn ask(&mut self) {
        self.poll().await;
        if !self.is_work_due() {
            return;
        }
        self.asked.others += 1;
        self.asked.bytes += REPLY_BYTES;
        let report = owner::refresh(&self.world, self.number, Scope::DUE).await.done();
        let achieved = report
            .as_ref()
            .is_some_and(|r| r.delivered > 0 || r.pulled.iter().any(|pulled| pulled.changed > 0));
        self.idle_refreshes = if achieved { 0 } else { self.idle_refreshes + 1 };
        let doublings = self.idle_refreshes.saturating_sub(1).min(10);
        let pause_ms = if achieved { 0 } else { REFRESH_PAUSE_MS << doublings };
        self.refresh_not_before_ms = self.world.now_ms() + pause_ms.min(MOST_REFRESH_PAUSE_MS);
        if let (Some(shown), Some(report)) = (&mut self.shown, report) {
            self.rests_until_ms = self.world.now_ms() + report.rest_ms;
            shown.next_due_ms = report.next_due_ms;
        }
        if achieved {
            self.poll().await;
        }
    }

    fn is_work_due(&self) -> bool {
        let now_ms = self.world.now_ms();
        let is_due = self.shown.as_ref().and_then(|shown| shown.next_due_ms).is_some_and(|ms| ms <= now_ms);
        is_due && (self.paces.is_impatient || now_ms >= self.refresh_not_before_ms.max(self.rests_until_ms))
    }

    async fn poll(&mut self) {
        self.asked.polls += 1;
        self.asked.bytes += REPLY_BYTES;
        let answer = owner::poll_with(&self.world, self.number, self.listing.clone()).await;
        let Answer::Done((listing, Some(changes))) = answer else { return };
        self.asked.bytes += 300;
        self.listing = Some(listing);
        let before = self.shown.replace(changes.clone());
        if before.as_ref().is_none_or(|before| before.dirty < changes.dirty) {
            self.idle_refreshes = 0;
            self.refresh_not_before_ms = 0;
        }
        let is_news =
            |part: fn(&Changes) -> &String| before.as_ref().is_none_or(|b| part(b) != part(&changes));
        if is_news(|changes| &changes.feed) {
            self.reload(owner::feed_bytes(&self.world, self.number).await).await;
        }
        if is_news(|changes| &changes.friends) {
            self.reload(owner::friends_bytes(&self.world, self.number).await).await;
        }
        // Profile and notifications are loaded by their own screens, which nobody opens here.
    }

    async fn reload(&mut self, bytes: Answer<u64>) {
        self.asked.others += 1;
        self.asked.bytes += REPLY_BYTES + bytes.done().unwrap_or(0);
    }
}
