//! Whom a post is for, and what follows from that for each friend.
//!
//! Posts that are not for all friends lie in a partition of their own, and each friend who may see one has an entry in
//! theirs (`to/<who>:post/<id>`). A pull reads what is for all and what is for its reader, and comes near nothing else: so
//! there is nothing that would have to be filtered out, and nothing from which a reader could tell what they do not see.
//! The entry only says where to look. Whether the friend may see the post is decided when they pull.

use crate::api::Audience;
use crate::circles::Circles;
use crate::heads;
use crate::keys;
use crate::limits::{AUDIENCE_PEOPLE, CIRCLES_MOST, COMPLETED_POSTS};
use crate::relation::Relation;
use crate::stored;
use std::collections::HashSet;
use thiserror::Error;
use tidings_ledger::{Batch, Direction, KeyValue, LedgerError, Range, View};
use tidings_protocol::{Fingerprint, RecordId};

/// Why an audience is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AudienceError {
    /// There is no such circle.
    #[error("audience names a circle that is none of yours: {0}")]
    Circle(RecordId),
    /// They are no friend.
    #[error("audience names somebody who is no friend of yours: {0}")]
    Friend(Fingerprint),
    /// Nobody is named.
    #[error("audience names neither a circle nor a friend")]
    Nobody,
    /// Too many are named.
    #[error(
        "audience names too many: {CIRCLES_MOST} circles, {AUDIENCE_PEOPLE} friends and {AUDIENCE_PEOPLE} exceptions at most"
    )]
    TooMany,
}

impl Audience {
    /// Whether it is simply all friends: such a post is stored as one that has no audience.
    #[must_use]
    pub fn is_all_friends(&self) -> bool {
        matches!(self, Self::Friends { except } if except.is_empty())
    }

    /// Whether it is all friends, and perhaps others too: such a post lies where all friends read.
    #[must_use]
    pub(crate) fn has_all_friends(&self) -> bool {
        self.is_all_friends() || self.is_public()
    }

    /// Whether it is everybody, friends or not.
    #[must_use]
    pub(crate) fn is_public(&self) -> bool {
        matches!(self, Self::Public {})
    }

    /// The same with every list in order and without repetitions.
    #[must_use]
    pub(crate) fn in_order(self) -> Self {
        fn list<T: Ord>(mut list: Vec<T>) -> Vec<T> {
            list.sort_unstable();
            list.dedup();
            list
        }
        match self {
            Self::Public {} => self,
            Self::Friends { except } => Self::Friends { except: list(except) },
            Self::Chosen { circles, friends, except } => {
                Self::Chosen { circles: list(circles), friends: list(friends), except: list(except) }
            }
        }
    }

    /// Checks that all who are named are there.
    pub(crate) fn check(&self, relations: &[Relation], circles: &Circles) -> Result<(), AudienceError> {
        let none = Vec::new();
        let (chosen, friends, except) = match self {
            Self::Public {} => return Ok(()),
            Self::Friends { except } => (&Vec::new(), &none, except),
            Self::Chosen { circles, friends, except } => (circles, friends, except),
        };
        if chosen.len() > CIRCLES_MOST || friends.len() > AUDIENCE_PEOPLE || except.len() > AUDIENCE_PEOPLE {
            return Err(AudienceError::TooMany);
        }
        if matches!(self, Self::Chosen { .. }) && chosen.is_empty() && friends.is_empty() {
            return Err(AudienceError::Nobody);
        }
        if let Some(unknown) = chosen.iter().find(|id| !circles.is_one(**id)) {
            return Err(AudienceError::Circle(*unknown));
        }
        // Who is left out may be no friend any more: the post stays hidden from them should they become one again.
        let is_friend = |who: &Fingerprint| relations.iter().any(|r| r.fingerprint == *who && r.is_friend());
        friends.iter().find(|who| !is_friend(who)).map_or(Ok(()), |who| Err(AudienceError::Friend(*who)))
    }

    /// Whether somebody may see the post.
    pub(crate) fn includes(&self, reader: &Relation, circles: &Circles) -> bool {
        let who = &reader.fingerprint;
        reader.is_friend()
            && match self {
                Self::Public {} => true,
                Self::Friends { except } => !except.contains(who),
                Self::Chosen { circles: chosen, friends, except } => {
                    !except.contains(who)
                        && (friends.contains(who) || chosen.iter().any(|id| circles.has(*id, reader)))
                }
            }
    }
}

/// Tells one friend that a post is there for them, or that there is another edition of it.
pub(crate) fn give(who: &Fingerprint, id: RecordId, batch: &mut Batch) {
    batch.put(keys::to_post(who, id), Vec::new());
    heads::raise_for(who, batch);
}

/// Takes a post from one friend, who is told so.
pub(crate) fn take(who: &Fingerprint, id: RecordId, now_ms: u64, batch: &mut Batch) {
    batch.delete(keys::to_post(who, id));
    batch.put(keys::to_gone(who, now_ms, id), Vec::new());
    heads::raise_for(who, batch);
}

/// Whom the posts that are not for all are for, the newest first; at most `limit`.
pub(crate) async fn of_posts<S: KeyValue>(
    view: &View<'_, S>,
    limit: usize,
) -> Result<Vec<(RecordId, Audience)>, LedgerError> {
    let entries = view.scan(Range::partition(keys::AUDIENCE), Direction::Backward, limit).await?;
    let parsed = entries.iter().map(|entry| Some((entry.key.rest().parse().ok()?, stored::parse(entry)?)));
    Ok(parsed.flatten().collect())
}

/// When a friend begins a listing, and until nobody can be writing any more who does not see that they are one: what is for
/// them, and was not given to them because they were no friend when it was written. Tells whether there was any.
pub(crate) async fn complete<S: KeyValue>(
    view: &View<'_, S>,
    reader: &Relation,
    batch: &mut Batch,
) -> Result<bool, LedgerError> {
    let posts = of_posts(view, COMPLETED_POSTS).await?;
    if posts.is_empty() {
        return Ok(false);
    }
    let circles = Circles::load(view).await?;
    let given = view.scan(keys::to_posts(&reader.fingerprint), Direction::Forward, usize::MAX).await?;
    let given: HashSet<&str> = given.iter().map(|entry| entry.key.as_str()).collect();
    let mut gave = false;
    for (id, audience) in posts {
        let key = keys::to_post(&reader.fingerprint, id);
        if !given.contains(key.as_str()) && audience.includes(reader, &circles) {
            give(&reader.fingerprint, id, batch);
            gave = true;
        }
    }
    Ok(gave)
}

/// A post that is not for all friends, if this reader may see it: its record as it is stored.
pub(crate) async fn visible<S: KeyValue>(
    view: &View<'_, S>,
    reader: &Relation,
    circles: &Circles,
    id: RecordId,
) -> Result<Option<tidings_ledger::Entry>, LedgerError> {
    let audience: Option<Audience> = stored::load(view, &keys::audience(id)).await?;
    match audience.filter(|audience| audience.includes(reader, circles)) {
        Some(_) => view.get(keys::limited(id).as_str()).await,
        None => Ok(None),
    }
}
