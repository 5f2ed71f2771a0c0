//! A thread as a friend reads it.

use super::ThreadError;
use super::place::Place;
use super::shown::{Voices, record_of};
use super::under::Under;
use crate::account::Account;
use crate::circles::Circles;
use crate::keys;
use crate::relation::Relation;
use crate::resigning;
use crate::spliced::Spliced;
use crate::stored;
use data_encoding::BASE64URL_NOPAD;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use tidings_ledger::{KeyValue, View};
use tidings_protocol::limits::{THREAD_PAGE_BYTES, THREAD_PAGE_COMMENTS, THREAD_REACTIONS_BYTES};
use tidings_protocol::{Certificate, Comment, CommentRef, Fingerprint, Reaction, RecordId, Signed};

/// Bytes of an ETag, as in [`crate::pulls`].
const TAG_BYTES: usize = 12;

/// A [`ThreadPage`](tidings_protocol::ThreadPage) as it goes out: records are the bytes that are stored.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct StoredThread {
    /// Comments.
    pub comments: Vec<Spliced<Signed<Comment>>>,
    /// Reactions that are set.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reactions: Vec<Spliced<Signed<Reaction>>>,
    /// The certificates of their authors but the owner's, each once.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub certificates: Vec<Signed<Certificate>>,
    /// Where the next page goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

impl StoredThread {
    /// Stands for all that it says: the content of an ETag.
    #[must_use]
    pub fn tag(&self) -> String {
        BASE64URL_NOPAD.encode(&Sha256::digest(stored::json(self))[..TAG_BYTES])
    }
}

/// A page, while it is filled.
struct Filling<'v> {
    voices: &'v Voices<'v>,
    page: StoredThread,
    vouched: BTreeSet<Fingerprint>,
}

impl Filling<'_> {
    /// How much a record takes with what its reader verifies it with, if that does not come along already.
    fn size(&self, author: &Fingerprint, record: &str) -> usize {
        let certificate = self.voices.certificate(author).filter(|_| !self.vouched.contains(author));
        record.len() + certificate.map_or(0, |certificate| certificate.to_json().len())
    }

    fn vouch(&mut self, author: &Fingerprint) {
        if let Some(certificate) = self.voices.certificate(author)
            && self.vouched.insert(*author)
        {
            self.page.certificates.push(certificate.clone());
        }
    }
}

/// A page of what there is under a post, for a friend who reads it. Who may not see the post is answered as if there were none.
///
/// # Errors
/// [`ThreadError::NoSuchPost`] or [`ThreadError::After`].
pub async fn page<S: KeyValue>(
    view: &View<'_, S>,
    account: &Account,
    reader: &Relation,
    post: RecordId,
    after: Option<&str>,
) -> Result<StoredThread, ThreadError> {
    let after = after.map(|text| keys::parse_reference(text).ok_or(ThreadError::After)).transpose()?;
    let is_for_them = match Place::of(view, post).await? {
        None => false,
        Some(place @ Place::All) => place.is_for(reader, &Circles::default()),
        Some(place) => place.is_for(reader, &Circles::load(view).await?),
    };
    if !is_for_them {
        return Err(ThreadError::NoSuchPost);
    }
    let under = Under::load(view, post).await?;
    let relations = Relation::load_all(view).await?;
    let voices = Voices::of(account, &relations);
    let mut filling = Filling { voices: &voices, page: StoredThread::default(), vouched: BTreeSet::new() };
    let (mut bytes, mut last): (usize, Option<CommentRef>) = (0, None);
    for (reference, said) in under.shown_comments(&voices).filter(|(reference, _)| Some(**reference) > after)
    {
        let Some(record) = record_of(account, reference, said) else { continue };
        bytes += filling.size(&reference.author, record.text());
        let is_full = bytes > THREAD_PAGE_BYTES || filling.page.comments.len() == THREAD_PAGE_COMMENTS;
        if let Some(last) = last.filter(|_| is_full) {
            filling.page.next = Some(format!("{}.{}", last.id, last.author));
            break;
        }
        last = Some(*reference);
        filling.vouch(&reference.author);
        filling.page.comments.push(record);
    }
    if after.is_none() {
        let mut bytes = 0;
        for (author, _, reacted) in under.shown_reactions(&voices) {
            let Some(record) = Spliced::of_stored(&reacted.record) else { continue };
            let is_own = *author == account.fingerprint();
            let record = if is_own { resigning::record(account, record) } else { record };
            bytes += filling.size(author, record.text());
            if bytes > THREAD_REACTIONS_BYTES {
                break;
            }
            filling.vouch(author);
            filling.page.reactions.push(record);
        }
    }
    Ok(filling.page)
}
