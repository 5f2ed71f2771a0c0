//! What follows from the answer to a pull.

use super::plan::is_dirty;
use super::settle::Settling;
use super::{PeerAnswer, PullRequest};
use crate::api::Pulled;
use crate::held;
use crate::keys;
use crate::limits::{COMMIT_BYTES, PULL_NOTE_MS, PULL_ONCE_MORE_MS, PULL_ONCE_MORE_TIMES, RECORD_BYTES};
use crate::messages::Letters;
use crate::relation::Pull;
use crate::said::{self, opened};
use crate::stored;
use std::collections::{BTreeMap, BTreeSet};
use tidings_ledger::{KeyValue, LedgerError};
use tidings_protocol::limits::{CURSOR_BYTES, FUTURE_TOLERANCE_MS, SUMMARY_EMOJIS};
use tidings_protocol::{Change, Message, Post, Profile, PullAnswer, RecordId, Signed, ThreadSummary};

/// What an answer amounts to: of each post the last word, and the profile.
#[derive(Default)]
struct News {
    /// The text of a post to hold; `None` for one that was withdrawn.
    posts: BTreeMap<RecordId, Option<String>>,
    profile: Option<String>,
    /// What there is under posts.
    threads: BTreeMap<RecordId, ThreadSummary>,
    /// What is about the conversation with them.
    letters: Letters,
    /// Every post that the answer speaks of, acceptable or not.
    named: BTreeSet<RecordId>,
    bytes: usize,
}

impl<S: KeyValue> Settling<'_, '_, S> {
    pub(super) async fn pull_answered(
        &mut self,
        request: PullRequest,
        answer: PeerAnswer,
        problem: Option<String>,
    ) -> Result<(), LedgerError> {
        match answer {
            PeerAnswer::Changes { answer, tag } => self.pulled(request, *answer, tag).await,
            PeerAnswer::Unchanged if request.tag.is_some() => {
                self.pulled_nothing();
                Ok(())
            }
            PeerAnswer::Refused { status: 400 | 410, .. } if request.since.is_some() => {
                self.start_over();
                Ok(())
            }
            _ => {
                let other = || "their deployment gave an answer to another question".to_owned();
                self.pull_failed(problem.unwrap_or_else(other));
                Ok(())
            }
        }
    }

    async fn pulled(
        &mut self,
        request: PullRequest,
        answer: PullAnswer,
        tag: Option<String>,
    ) -> Result<(), LedgerError> {
        if answer.cursor.len() > CURSOR_BYTES {
            self.pull_failed(format!("their deployment sent a cursor of more than {CURSOR_BYTES} bytes"));
            return Ok(());
        }
        let news = self.news(answer.changes);
        if news.bytes > COMMIT_BYTES {
            self.pull_failed(format!(
                "their deployment sent more than {COMMIT_BYTES} bytes of records at once"
            ));
            return Ok(());
        }
        let (mut changed, mut unfinished) = (self.take(&news).await?, false);
        if let Some(listed) = answer.listed {
            let (view, who) = (self.view, self.relation.fingerprint);
            let done = held::drop_others(view, &who, listed, &news.named, &mut self.batch).await?;
            changed += done.posts;
            unfinished = done.more;
        }
        let before = self.relation.pull.clone().unwrap_or_default();
        let mut pull = Pull { last_ms: self.now_ms, ..Pull::default() };
        if unfinished {
            // The same page once more: it says what else to let go of.
            pull = Pull { cursor: before.cursor.clone(), held: before.held, more: true, ..pull };
        } else {
            // An answer that leads to the same question again is worth recognising.
            pull.tag = tag.filter(|_| request.since.as_ref() == Some(&answer.cursor));
            pull.cursor = Some(answer.cursor);
            pull.held = before.held.max(answer.head);
            pull.more = answer.more;
            self.ask_once_more(&mut pull, &before, answer.again_ms, changed);
        }
        self.note_pull(pull, &before);
        self.brought_along(answer.friendship, None).await?;
        self.report_pull(changed, None);
        Ok(())
    }

    /// Nothing has changed since the last answer.
    fn pulled_nothing(&mut self) {
        let before = self.relation.pull.clone().unwrap_or_default();
        let once_more_ms = before.once_more_ms.filter(|at_ms| *at_ms > self.now_ms);
        let pull = Pull { last_ms: self.now_ms, attempts: 0, problem: None, once_more_ms, ..before.clone() };
        self.note_pull(pull, &before);
        self.report_pull(0, None);
    }

    /// Their store may have hidden something. Who keeps saying so although nothing comes of it is not believed.
    fn ask_once_more(&self, pull: &mut Pull, before: &Pull, again_ms: Option<u64>, changed: u32) {
        let Some(again_ms) = again_ms else { return };
        let times = if changed == 0 { before.once_more_times.saturating_add(1) } else { 1 };
        let again_ms = again_ms.clamp(*PULL_ONCE_MORE_MS.start(), *PULL_ONCE_MORE_MS.end());
        pull.once_more_times = times;
        pull.once_more_ms = (times <= PULL_ONCE_MORE_TIMES).then(|| self.now_ms.saturating_add(again_ms));
    }

    /// Writes down where the pulls stand, unless that is no news.
    fn note_pull(&mut self, mut pull: Pull, before: &Pull) {
        if !pull.more && is_dirty(&self.relation) && self.relation.heard > pull.held {
            // Their store is stale, and has not what they announced yet.
            pull.attempts = before.attempts.saturating_add(1);
        }
        let quiet =
            Pull { last_ms: before.last_ms, generation: before.generation, ..pull.clone() } == *before;
        if !quiet || self.relation.pull.is_none() || before.last_ms + PULL_NOTE_MS <= self.now_ms {
            self.put_pull(&pull);
        }
        self.held = pull.held;
    }

    /// An answer may be on its way while the owner ends the friendship: what it leaves is of no use to the next one.
    fn put_pull(&mut self, pull: &Pull) {
        let pull = Pull { generation: self.relation.generation(), ..pull.clone() };
        self.batch.put(keys::pull(&self.relation.fingerprint), stored::json(&pull));
    }

    /// They do not know the cursor, and will not come to know it: all there is, from the newest on.
    fn start_over(&mut self) {
        let before = self.relation.pull.clone().unwrap_or_default();
        self.put_pull(&Pull { held: before.held, more: true, last_ms: self.now_ms, ..Pull::default() });
        self.report_pull(0, None);
    }

    fn pull_failed(&mut self, problem: String) {
        let before = self.relation.pull.clone().unwrap_or_default();
        let attempts = before.attempts.saturating_add(1);
        let problem = Some(problem);
        let pull = Pull {
            last_ms: self.now_ms,
            attempts,
            problem: problem.clone(),
            failing_since_ms: before.failing_since_ms.or(Some(self.now_ms)),
            ..before
        };
        self.put_pull(&pull);
        self.report_pull(0, problem);
    }

    fn report_pull(&mut self, changed: u32, problem: Option<String>) {
        let (friend, name) = (self.relation.fingerprint, self.relation.name());
        match self.report.pulled.iter_mut().find(|pulled| pulled.friend == friend) {
            Some(pulled) => {
                pulled.changed += changed;
                pulled.problem = problem;
            }
            None => self.report.pulled.push(Pulled { friend, name, changed, problem }),
        }
    }

    /// What of an answer is theirs to say, and understood.
    fn news(&self, changes: Vec<Change>) -> News {
        let mut news = News::default();
        for change in changes {
            match change {
                Change::Post { record } => {
                    news.named.insert(record.unverified().id);
                    let Some(post) = self.own_post(&record) else { continue };
                    let text = record.to_json();
                    if text.len() <= RECORD_BYTES && Some(post.id) >= self.floor {
                        news.bytes += text.len();
                        news.posts.insert(post.id, Some(text));
                    }
                }
                Change::PostDeleted { id } => {
                    news.posts.insert(id, None);
                }
                Change::Profile { record } => {
                    let known = self.relation.profile.as_ref().map(|p| p.unverified().updated_ms);
                    if self.own_profile(&record).is_some_and(|profile| known <= Some(profile.updated_ms)) {
                        news.profile = Some(record.to_json());
                    }
                }
                Change::Message { record } => {
                    let Some(message) = self.own_message(&record) else { continue };
                    let text = record.to_json();
                    if text.len() <= RECORD_BYTES {
                        news.bytes += text.len();
                        news.letters.wrote(message.clone(), text);
                    }
                }
                Change::MessageDeleted { id } => news.letters.withdrew(id),
                Change::MessagesRead { through } => news.letters.read(through),
                Change::ConversationCleared(wish) => news.letters.wishes(wish),
                Change::Clearing(clearing) => news.letters.answered(clearing),
                Change::UnreadablePost { id } => {
                    news.named.insert(id);
                }
                Change::Thread(summary) => {
                    news.threads.insert(summary.post, summary);
                }
                Change::Unknown => {}
            }
        }
        news
    }

    /// Records are repeated in pulls; only what differs is written. How many did.
    async fn take(&mut self, news: &News) -> Result<u32, LedgerError> {
        let (view, who) = (self.view, self.relation.fingerprint);
        let (mut changed, mut come) = (0, BTreeSet::new());
        for (id, post) in &news.posts {
            if post.is_some() && view.get(keys::feed(*id, &who).as_str()).await?.is_none() {
                come.insert(*id);
            }
            let is_news = match post {
                Some(text) => held::take(view, &who, *id, text.clone(), &mut self.batch).await?,
                None => held::drop(view, &who, *id, &mut self.batch).await?,
            };
            changed += u32::from(is_news);
        }
        said::say_again_under(view, self.account, &who, &come, &mut self.batch).await?;
        if let Some(profile) = &news.profile
            && self.relation.profile.as_ref().is_none_or(|known| known.to_json() != *profile)
        {
            self.batch.put(keys::friend_profile(&who), profile.clone());
            changed += 1;
        }
        let Self { relation, now_ms, batch, .. } = self;
        changed += news.letters.take(view, relation, *now_ms, batch).await?;
        for summary in news.threads.values() {
            let is_new = news.posts.get(&summary.post).map(Option::is_some);
            changed += u32::from(self.took_thread(summary, is_new).await?);
        }
        self.bytes += news.bytes;
        Ok(changed)
    }

    /// Takes what there is under a post that is held, or comes with the same answer; whether that is news.
    async fn took_thread(
        &mut self,
        summary: &ThreadSummary,
        comes: Option<bool>,
    ) -> Result<bool, LedgerError> {
        let Self { view, account, relation, now_ms, batch, .. } = self;
        let (who, post) = (relation.fingerprint, summary.post);
        let is_held = match comes {
            Some(comes) => comes,
            None => view.get(keys::feed(post, &who).as_str()).await?.is_some(),
        };
        if !is_held {
            return Ok(false);
        }
        let latest = opened::verified_latest(account, relation, summary, *now_ms);
        let mut reactions = summary.reactions.clone();
        reactions.truncate(SUMMARY_EMOJIS);
        let summary = ThreadSummary { latest, reactions, ..summary.clone() };
        said::note_reply(view, account, relation, &summary, *now_ms, batch).await?;
        opened::put_gist(view, &who, &summary, batch).await
    }

    fn own_post<'r>(&self, record: &'r Signed<Post>) -> Option<&'r Post> {
        let post = record.verify(&self.certificate.key).ok()?;
        let theirs = post.author == self.certificate.identity && post.key == self.certificate.key;
        (theirs && post.is_in_time(self.now_ms) && post.body.check().is_ok()).then_some(post)
    }

    fn own_message<'r>(&self, record: &'r Signed<Message>) -> Option<&'r Message> {
        let message = record.verify(&self.certificate.key).ok()?;
        let theirs = message.author == self.certificate.identity && message.key == self.certificate.key;
        let until_ms = self.now_ms.saturating_add(FUTURE_TOLERANCE_MS);
        let in_time = message.id.created_ms() <= until_ms && message.edited_ms <= Some(until_ms);
        let is_ours = message.to == self.account.fingerprint();
        (theirs && is_ours && in_time && message.body.check().is_ok()).then_some(message)
    }

    fn own_profile<'r>(&self, record: &'r Signed<Profile>) -> Option<&'r Profile> {
        let profile = record.verify(&self.certificate.key).ok()?;
        let theirs = profile.author == self.certificate.identity && profile.key == self.certificate.key;
        let in_time = profile.updated_ms <= self.now_ms.saturating_add(FUTURE_TOLERANCE_MS);
        (theirs && in_time && Profile::check_fields(&profile.name, &profile.bio).is_ok()).then_some(profile)
    }
}
