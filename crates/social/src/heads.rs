//! How far what a friend may see has come.
//!
//! A head is the stamp of a commit. That of what all friends may see is found among the entries themselves, so that a post is
//! a commit of a single partition, which costs readers the least. That of what a single friend may see is written down in the very
//! commit that changes it, as an entry without a value. So merging raises none, what is forgotten or cleared away changes
//! none, and what a friend may not see has no part in theirs.

use crate::keys;
use crate::relation::Relation;
use std::collections::BTreeMap;
use tidings_ledger::{Batch, Direction, Entry, KeyValue, LedgerError, Range, Stamp, View};
use tidings_protocol::{Fingerprint, Head};

/// To be called for every batch that changes what `who` may see and not all friends.
pub(crate) fn raise_for(who: &Fingerprint, batch: &mut Batch) {
    batch.put(keys::head_of(who), Vec::new());
}

/// The heads of what friends may see.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Heads {
    /// Of what all may see.
    pub(crate) all: Option<Head>,
    /// Of what single friends may see besides.
    of: BTreeMap<Fingerprint, Head>,
}

impl Heads {
    /// Those of everybody.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn load<S: KeyValue>(view: &View<'_, S>, relations: &[Relation]) -> Result<Self, LedgerError> {
        let mut friends = relations.iter().filter(|relation| relation.is_friend()).peekable();
        if friends.peek().is_none() {
            return Ok(Self::default());
        }
        let all = of_all(view, friends.filter_map(served_of_all).max()).await?;
        let of = view.scan(Range::partition(keys::HEADS), Direction::Forward, usize::MAX).await?;
        let of = of.iter().filter_map(|entry| Some((entry.key.rest().parse().ok()?, head(entry)))).collect();
        Ok(Self { all, of })
    }

    /// What of them concerns one friend.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn load_for<S: KeyValue>(view: &View<'_, S>, relation: &Relation) -> Result<Self, LedgerError> {
        if !relation.is_friend() {
            return Ok(Self::default());
        }
        let all = of_all(view, served_of_all(relation)).await?;
        let own = view.get(keys::head_of(&relation.fingerprint).as_str()).await?;
        let of = own.iter().map(|entry| (relation.fingerprint, head(entry))).collect();
        Ok(Self { all, of })
    }

    /// As far as the store shows it.
    pub(crate) fn visible_to(&self, who: &Fingerprint) -> Option<Head> {
        self.all.max(self.of.get(who).copied())
    }

    /// The head for somebody: never below one that they were told or served, whatever a stale store shows. `None` for who
    /// is no friend, and before anything was ever shared.
    #[must_use]
    pub fn of(&self, relation: &Relation) -> Option<Head> {
        let visible = self.visible_to(&relation.fingerprint);
        visible.max(relation.served_head()).max(relation.told_head()).filter(|_| relation.is_friend())
    }

    /// The head of what a friend has not pulled yet; `None` if there is nothing, or they are no friend.
    pub(crate) fn owed_to(&self, relation: &Relation) -> Option<Head> {
        self.of(relation).filter(|head| Some(*head) > relation.served_head())
    }
}

/// What of the head that a friend was served is that of what all may see.
fn served_of_all(relation: &Relation) -> Option<Head> {
    relation.served.as_ref().and_then(|served| served.of_all)
}

/// The greatest of `known`, once the head of what all friends may see, and what lies above it. The newest post's counts as
/// known as well, so that it does not matter how much lies above what friends have pulled: only edits and withdrawals of
/// older posts are above that.
async fn of_all<S: KeyValue>(view: &View<'_, S>, known: Option<Head>) -> Result<Option<Head>, LedgerError> {
    let post = view.scan(Range::partition(keys::POST), Direction::Backward, 1).await?;
    let glance = post.iter().map(|entry| entry.stamp).max();
    let known = known.map(|head| Stamp::from_bytes(*head.as_bytes()));
    let floor = match known.max(glance) {
        Some(stamp) => stamp,
        None => view.get(keys::profile().as_str()).await?.map_or(Stamp::ZERO, |entry| entry.stamp),
    };
    // A withdrawal has an entry; a deletion without one is no news to anybody.
    let above = view.changes(&keys::SHARED, floor).await?;
    let above = above.items.iter().filter(|item| item.value.is_some()).map(|item| item.stamp).max();
    let stamp = above.or((floor > Stamp::ZERO).then_some(floor));
    Ok(stamp.map(|stamp| Head::from_bytes(stamp.to_bytes())))
}

/// The head that an entry makes.
pub(crate) fn head(entry: &Entry) -> Head {
    Head::from_bytes(entry.stamp.to_bytes())
}
