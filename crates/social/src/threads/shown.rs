//! What of a thread others are shown.

use super::under::{Reacted, Said, Under};
use crate::account::Account;
use crate::limits::SUMMARIES_BYTES;
use crate::relation::Relation;
use crate::resigning;
use crate::spliced::Spliced;
use crate::stored;
use std::collections::BTreeMap;
use tidings_ledger::{KeyValue, LedgerError, View};
use tidings_protocol::limits::SUMMARY_EMOJIS;
use tidings_protocol::{
    Certificate, Comment, CommentRef, Emoji, Fingerprint, ReactionCount, RecordId, RelayedComment, Signed,
    ThreadSummary,
};

/// Whose words are shown: the owner's, and those of who is a friend now.
pub(super) struct Voices<'r> {
    own: Fingerprint,
    friends: BTreeMap<Fingerprint, Voice<'r>>,
}

/// A friend, and the key with which others can verify them.
struct Voice<'r> {
    key: String,
    certificate: &'r Signed<Certificate>,
}

impl<'r> Voices<'r> {
    pub(super) fn of(account: &Account, relations: &'r [Relation]) -> Self {
        let friends = relations.iter().filter(|relation| relation.is_friend());
        let friends = friends.filter_map(|relation| {
            let certificate = relation.certificate.as_ref()?;
            let key = certificate.unverified().key.to_string();
            Some((relation.fingerprint, Voice { key, certificate }))
        });
        Self { own: account.fingerprint(), friends: friends.collect() }
    }

    /// Whether others can verify what `author` has signed with this key. What an earlier key of a friend's has signed they send
    /// again; what an earlier one of the owner's has signed is signed again when it leaves.
    pub(super) fn are_heard(&self, author: &Fingerprint, key: &str) -> bool {
        *author == self.own || self.friends.get(author).is_some_and(|voice| voice.key == key)
    }

    /// With which others verify them; `None` for the owner, whose they know.
    pub(super) fn certificate(&self, author: &Fingerprint) -> Option<&'r Signed<Certificate>> {
        self.friends.get(author).map(|voice| voice.certificate)
    }
}

impl Under {
    /// The comments that readers are shown, in their order.
    pub(super) fn shown_comments<'u>(
        &'u self,
        voices: &'u Voices<'_>,
    ) -> impl DoubleEndedIterator<Item = (&'u CommentRef, &'u Said)> {
        let there = self.comments.iter().filter_map(|(reference, said)| Some((reference, said.as_ref()?)));
        there.filter(|(reference, said)| {
            !self.hidden.contains(reference) && voices.are_heard(&reference.author, &said.key)
        })
    }

    /// The reactions that readers are shown.
    pub(super) fn shown_reactions<'u>(
        &'u self,
        voices: &'u Voices<'_>,
    ) -> impl Iterator<Item = (&'u Fingerprint, &'u Emoji, &'u Reacted)> {
        let set = self.reactions.iter().filter(|(_, reacted)| reacted.set);
        set.filter(|((author, _), reacted)| voices.are_heard(author, &reacted.key))
            .map(|((author, emoji), reacted)| (author, emoji, reacted))
    }

    fn summary(&self, account: &Account, voices: &Voices<'_>, post: RecordId) -> ThreadSummary {
        let reactions = counted(self.shown_reactions(voices).map(|(_, emoji, _)| emoji));
        let latest = self.shown_comments(voices).next_back().and_then(|(reference, said)| {
            let record = record_of(account, reference, said)?.read().ok()?;
            Some(RelayedComment { record, certificate: voices.certificate(&reference.author).cloned() })
        });
        let comments = u32::try_from(self.shown_comments(voices).count()).unwrap_or(u32::MAX);
        ThreadSummary { post, comments, reactions, latest }
    }
}

/// How often each emoji is there, those that are there most often first; as many kinds as a summary has.
pub(crate) fn counted<'e>(emojis: impl Iterator<Item = &'e Emoji>) -> Vec<ReactionCount> {
    let mut counts: BTreeMap<&Emoji, u32> = BTreeMap::new();
    for emoji in emojis {
        *counts.entry(emoji).or_default() += 1;
    }
    let mut counted: Vec<ReactionCount> =
        counts.into_iter().map(|(emoji, count)| ReactionCount { emoji: emoji.clone(), count }).collect();
    counted.sort_by_key(|one| std::cmp::Reverse(one.count));
    counted.truncate(SUMMARY_EMOJIS);
    counted
}

/// A comment as it leaves: the owner's own signed by the key in force.
pub(super) fn record_of(
    account: &Account,
    reference: &CommentRef,
    said: &Said,
) -> Option<Spliced<Signed<Comment>>> {
    let record = Spliced::of_stored(&said.record)?;
    let is_own = reference.author == account.fingerprint();
    Some(if is_own { resigning::record(account, record) } else { record })
}

/// What goes along with the posts on a page of a pull, in the order of `posts`. Once the newest comments have taken what there is
/// for them, further summaries only count. `posts` are those that the reader may see, so nothing else has a part in it.
pub(crate) async fn given_along<S: KeyValue>(
    view: &View<'_, S>,
    account: &Account,
    posts: &[RecordId],
) -> Result<Vec<ThreadSummary>, LedgerError> {
    let under = Under::load_many(view, &posts.iter().copied().collect()).await?;
    if under.is_empty() {
        return Ok(Vec::new());
    }
    let relations = Relation::load_all(view).await?;
    let voices = Voices::of(account, &relations);
    let mut bytes = 0;
    let mut along = Vec::new();
    for (post, under) in posts.iter().filter_map(|post| Some((post, under.get(post)?))) {
        let mut summary = under.summary(account, &voices, *post);
        let size = summary.latest.as_ref().map_or(0, |latest| stored::json(latest).len());
        if bytes + size > SUMMARIES_BYTES {
            summary.latest = None;
        } else {
            bytes += size;
        }
        along.push(summary);
    }
    Ok(along)
}
