//! What the owner wrote for everybody, as anybody sees it.
//!
//! Which posts these are stands in a partition of its own. A page begins there and looks up nothing but what it names, and all
//! that it says follows from these posts alone: where it ends, where the next one begins, and the ETag.

use crate::account::Account;
use crate::keys;
use crate::profile;
use crate::resigning;
use crate::spliced::Spliced;
use crate::stored;
use data_encoding::BASE64URL_NOPAD;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::collections::HashSet;
use thiserror::Error;
use tidings_ledger::{Direction, KeyValue, LedgerError, Range, View};
use tidings_protocol::limits::PUBLIC_PAGE_POSTS;
use tidings_protocol::{Certificate, Post, RecordId, RecordIdError, Signed};

/// Bytes of an ETag: two that differ by chance would hide one change from one visitor until the next.
const TAG_BYTES: usize = 12;

/// Why a page is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PublicError {
    /// The store cannot be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// That is no id.
    #[error("before {0}")]
    Before(RecordIdError),
}

/// A [`PublicPage`](tidings_protocol::PublicPage) as it goes out: its records are the bytes that are stored.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StoredPublicPage {
    certificate: Signed<Certificate>,
    name: String,
    posts: Vec<Spliced<Signed<Post>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<RecordId>,
}

impl StoredPublicPage {
    /// Stands for all that the page says: the content of an ETag.
    #[must_use]
    pub fn tag(&self) -> String {
        BASE64URL_NOPAD.encode(&Sha256::digest(stored::json(self))[..TAG_BYTES])
    }
}

/// The newest posts for everybody below `before`, which is as it came in the query.
///
/// # Errors
/// When `before` is no id, or the store cannot be read.
pub async fn page<S: KeyValue>(
    view: &View<'_, S>,
    account: &Account,
    before: Option<&str>,
) -> Result<StoredPublicPage, PublicError> {
    let before: Option<RecordId> =
        before.map(|text| text.parse().map_err(PublicError::Before)).transpose()?;
    let (mut posts, mut last, mut next, mut below) = (Vec::new(), None, None, before);
    'page: loop {
        let all = Range::partition(keys::PUBLIC);
        let range = below.map_or(all.clone(), |below| all.before(&keys::public(below)));
        // One more than a page tells whether there is another. Never fewer than asked for, whatever the store had to read for them.
        let named = view.scan(range, Direction::Backward, PUBLIC_PAGE_POSTS + 1).await?;
        for id in named.iter().filter_map(|entry| entry.key.rest().parse().ok()) {
            // One that is named and not there was withdrawn by a request that did not see it named.
            let record = view.get(keys::post(id).as_str()).await?;
            let Some(record) = record.and_then(|entry| Spliced::of_stored(&entry.value)) else { continue };
            if posts.len() == PUBLIC_PAGE_POSTS {
                next = last;
                break 'page;
            }
            posts.push(resigning::record(account, record));
            last = Some(id);
        }
        below = named.last().and_then(|entry| entry.key.rest().parse().ok());
        if named.len() <= PUBLIC_PAGE_POSTS || below.is_none() {
            break;
        }
    }
    let name = profile::summary(view, account).await?.name;
    Ok(StoredPublicPage { certificate: account.certificate().clone(), name, posts, next })
}

/// Which posts are named as public ones from `oldest` up to `newest`, both included.
pub(crate) async fn among<S: KeyValue>(
    view: &View<'_, S>,
    oldest: RecordId,
    newest: RecordId,
) -> Result<HashSet<RecordId>, LedgerError> {
    let entries =
        view.scan(keys::between(keys::PUBLIC, oldest, newest), Direction::Backward, usize::MAX).await?;
    Ok(entries.iter().filter_map(|entry| entry.key.rest().parse().ok()).collect())
}
