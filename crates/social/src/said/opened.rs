//! Threads under friends' posts: asking the poster's deployment, and what is kept of the answers.

use super::{Place, SaidError};
use crate::account::Account;
use crate::keys;
use crate::limits::{THREAD_AGAIN_MS, THREAD_PAGES};
use crate::relation::Relation;
use crate::stored;
use crate::sync::{PeerAnswer, PeerRequest, Task, ThreadRequest};
use crate::threads;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use tidings_ledger::{Batch, Direction, KeyValue, LedgerError, View};
use tidings_protocol::limits::CURSOR_BYTES;
use tidings_protocol::{
    Certificate, Fingerprint, RecordId, RelayedComment, Signed, ThreadPage, ThreadSummary, UnderPost,
};

/// When the poster's deployment was asked last, and how that went.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Asked {
    /// When, in unix milliseconds.
    pub(crate) at_ms: u64,
    /// What went wrong, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) problem: Option<String>,
}

/// A page of a thread as it was shown. What could not be verified is not in it, and no certificates are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Page {
    /// Its ETag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tag: Option<String>,
    /// What it shows.
    pub(crate) page: ThreadPage,
}

/// All that is kept of one thread.
#[derive(Debug, Default)]
pub(crate) struct Opened {
    pub(crate) asked: Option<Asked>,
    pub(crate) pages: Vec<Page>,
}

impl Opened {
    pub(crate) async fn load<S: KeyValue>(
        view: &View<'_, S>,
        place: &Place<'_>,
    ) -> Result<Self, LedgerError> {
        let range = keys::opened_thread(place.who(), place.post);
        let mut opened = Self::default();
        for entry in view.scan(range, Direction::Forward, usize::MAX).await? {
            if entry.key.rest().ends_with("/asked") {
                opened.asked = stored::parse(&entry);
            } else {
                opened.pages.extend(stored::parse::<Page>(&entry));
            }
        }
        Ok(opened)
    }
}

/// A question for one page of a thread.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// What is sent.
    pub request: PeerRequest,
    number: usize,
    before: Vec<Page>,
}

/// The first question to the poster's deployment about a thread, and what is to be committed before it is sent; `None` if it was asked
/// within [`THREAD_AGAIN_MS`].
///
/// # Errors
/// When they are no friend, or the post is not here.
pub async fn ask<S: KeyValue>(
    view: &View<'_, S>,
    account: &Account,
    place: Place<'_>,
    now_ms: u64,
) -> Result<Option<(Question, Batch)>, SaidError> {
    place.check(view).await?;
    let opened = Opened::load(view, &place).await?;
    let address = place.poster.address().filter(|address| account.address().may_reach(address));
    let is_early = opened
        .asked
        .is_some_and(|asked| asked.at_ms <= now_ms && asked.at_ms.saturating_add(THREAD_AGAIN_MS) > now_ms);
    let Some(address) = address.filter(|_| !is_early && place.poster.paused_until_ms() <= now_ms) else {
        return Ok(None);
    };
    let task = ThreadRequest {
        post: place.post,
        after: None,
        tag: opened.pages.first().and_then(|page| page.tag.clone()),
    };
    let request = PeerRequest {
        to: *place.who(),
        address: address.clone(),
        with_certificate: account.owes_certificate(place.poster),
        task: Task::Thread(task),
    };
    let mut batch = Batch::new();
    let asked = Asked { at_ms: now_ms, problem: None };
    batch.put(keys::asked(place.who(), place.post), stored::json(&asked));
    Ok(Some((Question { request, number: 0, before: opened.pages }, batch)))
}

/// What follows from an answer: a batch, and the question for the next page if there is one.
///
/// # Errors
/// When the store cannot be read.
pub async fn take<S: KeyValue>(
    view: &View<'_, S>,
    account: &Account,
    relations: &[Relation],
    question: Question,
    answer: PeerAnswer,
    now_ms: u64,
) -> Result<(Batch, Option<Question>), LedgerError> {
    let Question { request, number, before } = question;
    let (mut batch, poster) = (Batch::new(), request.to);
    let Task::Thread(asked_for) = &request.task else { return Ok((batch, None)) };
    let post = asked_for.post;
    let problem = answer.problem();
    let next = match answer {
        PeerAnswer::Thread { page, tag } => {
            let page = Page { tag, page: verified(account, relations, (poster, post), *page, now_ms) };
            batch.put(keys::opened(&poster, post, number), stored::json(&page));
            if number == 0 {
                keep_gist(view, &page.page, (poster, post), &mut batch).await?;
            }
            page.page.next
        }
        PeerAnswer::Unchanged => before.get(number).and_then(|page| page.page.next.clone()),
        // It is gone, or it is not for the owner any more; the next pull says the same.
        PeerAnswer::Refused { status: 404, .. } => {
            super::drop_thread(&poster, post, &mut batch);
            return Ok((batch, None));
        }
        _ => {
            let asked = Asked { at_ms: now_ms, problem };
            batch.put(keys::asked(&poster, post), stored::json(&asked));
            return Ok((batch, None));
        }
    };
    let next = next.filter(|next| next.len() <= CURSOR_BYTES && number + 1 < THREAD_PAGES);
    let Some(after) = next else {
        // There were more pages once.
        for gone in number + 1..before.len() {
            batch.delete(keys::opened(&poster, post, gone));
        }
        return Ok((batch, None));
    };
    let tag = before.get(number + 1).and_then(|page| page.tag.clone());
    let task = Task::Thread(ThreadRequest { post, after: Some(after), tag });
    let request = PeerRequest { task, with_certificate: false, ..request };
    Ok((batch, Some(Question { request, number: number + 1, before })))
}

/// What of a page its authors have signed, whoever shows it.
fn verified(
    account: &Account,
    relations: &[Relation],
    place: (Fingerprint, RecordId),
    page: ThreadPage,
    now_ms: u64,
) -> ThreadPage {
    let certificates: BTreeMap<Fingerprint, &Signed<Certificate>> =
        page.certificates.iter().map(|shown| (shown.unverified().fingerprint(), shown)).collect();
    let known = Known { account, relations, certificates, place, now_ms };
    let mut comments = page.comments;
    comments.retain(|record| known.is_by_its_author(record));
    let mut reactions = page.reactions;
    reactions.retain(|record| record.unverified().set && known.is_by_its_author(record));
    ThreadPage { comments, reactions, certificates: Vec::new(), next: page.next }
}

/// What proves who wrote something.
struct Known<'a> {
    account: &'a Account,
    relations: &'a [Relation],
    certificates: BTreeMap<Fingerprint, &'a Signed<Certificate>>,
    place: (Fingerprint, RecordId),
    now_ms: u64,
}

impl Known<'_> {
    /// With one's own certificate, the poster's known one, or the one that came along, unless a newer one of that person is known
    /// here.
    fn certificate(&self, author: &Fingerprint) -> Option<&Signed<Certificate>> {
        if *author == self.account.fingerprint() {
            return Some(self.account.certificate());
        }
        let relation = self.relations.iter().find(|relation| relation.fingerprint == *author);
        let known = relation.and_then(|relation| relation.certificate.as_ref());
        let shown = self.certificates.get(author).copied();
        match (known, shown) {
            (Some(known), Some(shown)) if known.unverified().serial < shown.unverified().serial => {
                Some(shown)
            }
            (Some(known), _) => Some(known),
            (None, shown) => shown,
        }
    }

    fn is_by_its_author<T: UnderPost>(&self, record: &Signed<T>) -> bool {
        let author = record.unverified().about().0.fingerprint();
        record.verify_relayed(self.place, self.certificate(&author), self.now_ms).is_ok()
    }
}

/// The newest comment in a summary, if its author has signed it.
pub(crate) fn verified_latest(
    account: &Account,
    relation: &Relation,
    summary: &ThreadSummary,
    now_ms: u64,
) -> Option<RelayedComment> {
    let latest = summary.latest.as_ref()?;
    let certificates =
        latest.certificate.iter().map(|shown| (shown.unverified().fingerprint(), shown)).collect();
    let place = (relation.fingerprint, summary.post);
    let relations = std::slice::from_ref(relation);
    let known = Known { account, relations, certificates, place, now_ms };
    let record = latest.record.clone();
    known.is_by_its_author(&record).then_some(RelayedComment { record, certificate: None })
}

/// Who opened a thread knows more than the last pull told.
async fn keep_gist<S: KeyValue>(
    view: &View<'_, S>,
    page: &ThreadPage,
    (poster, post): (Fingerprint, RecordId),
    batch: &mut Batch,
) -> Result<(), LedgerError> {
    if page.next.is_some() {
        return Ok(());
    }
    let reactions = threads::counted(page.reactions.iter().map(|reaction| &reaction.unverified().emoji));
    let latest =
        page.comments.last().map(|record| RelayedComment { record: record.clone(), certificate: None });
    let comments = u32::try_from(page.comments.len()).unwrap_or(u32::MAX);
    let summary = ThreadSummary { post, comments, reactions, latest };
    put_gist(view, &poster, &summary, batch).await?;
    Ok(())
}

/// Keeps what there is under a friend's post; whether that is news.
pub(crate) async fn put_gist<S: KeyValue>(
    view: &View<'_, S>,
    poster: &Fingerprint,
    summary: &ThreadSummary,
    batch: &mut Batch,
) -> Result<bool, LedgerError> {
    let key = keys::gist(poster, summary.post);
    let known = view.get(key.as_str()).await?;
    if summary.comments == 0 && summary.reactions.is_empty() {
        if known.is_some() {
            batch.delete(key);
        }
        return Ok(known.is_some());
    }
    let text = stored::json(summary);
    if known.is_some_and(|known| known.value == text) {
        return Ok(false);
    }
    batch.put(key, text);
    Ok(true)
}
