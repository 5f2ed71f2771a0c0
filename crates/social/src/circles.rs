//! Circles: friends under a name, to write for. Nobody but the owner learns of them.

use crate::api::{Audience, CircleList, CircleName, CircleView};
use crate::audience;
use crate::keys;
use crate::limits::{CIRCLE_NAME_CHARS, CIRCLES_MOST, SHIFTS_MOST};
use crate::posts::IdempotencyKey;
use crate::relation::Relation;
use crate::stored;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use thiserror::Error;
use tidings_ledger::{Batch, Direction, KeyValue, LedgerError, Range, View};
use tidings_protocol::{Fingerprint, RecordId, TextError, check_text};

/// Why a circle is refused, or a change of one.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CircleError {
    /// The store cannot be read or written.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The name is not acceptable.
    #[error("name {0}")]
    Name(#[from] TextError),
    /// There is no such circle.
    #[error("there is no circle of yours with the id {0}")]
    Unknown(RecordId),
    /// They are no friend.
    #[error("{0} is no friend of yours")]
    NoFriend(Fingerprint),
    /// There are as many as there may be.
    #[error("there are {CIRCLES_MOST} circles already: delete one of them first")]
    TooMany,
    /// Too many posts would have to be taken back at once.
    #[error(
        "this would take more than {SHIFTS_MOST} posts from friends at once: take some of them out of the circle first"
    )]
    TooMuch,
    /// The idempotency key was used for something else.
    #[error("this Idempotency-Key was used for a circle of another name: take a new one for a new circle")]
    KeyReused,
}

/// A circle as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Named {
    name: String,
}

/// That somebody is in a circle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Member {
    /// The friendship in which they were put there: who becomes a friend again is in no circle.
    generation: u64,
}

#[derive(Debug, Clone, Default)]
struct Circle {
    name: String,
    members: BTreeMap<Fingerprint, Member>,
}

/// All circles.
#[derive(Debug, Clone, Default)]
pub struct Circles {
    all: BTreeMap<RecordId, Circle>,
}

impl Circles {
    /// What is stored.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn load<S: KeyValue>(view: &View<'_, S>) -> Result<Self, LedgerError> {
        let mut circles = Self::default();
        for entry in view.scan(Range::partition(keys::CIRCLE), Direction::Forward, usize::MAX).await? {
            match keys::parse_circle(&entry.key) {
                Some((id, None)) => {
                    if let Some(Named { name }) = stored::parse(&entry) {
                        circles.all.insert(id, Circle { name, members: BTreeMap::new() });
                    }
                }
                // The circle comes first; who is left of one that was deleted meanwhile is in none.
                Some((id, Some(who))) => {
                    if let (Some(circle), Some(member)) = (circles.all.get_mut(&id), stored::parse(&entry)) {
                        circle.members.insert(who, member);
                    }
                }
                None => {}
            }
        }
        Ok(circles)
    }

    /// What is stored, if this circle is among it.
    async fn load_with<S: KeyValue>(view: &View<'_, S>, id: RecordId) -> Result<Self, CircleError> {
        let circles = Self::load(view).await?;
        if circles.is_one(id) { Ok(circles) } else { Err(CircleError::Unknown(id)) }
    }

    /// Whether there is such a circle.
    pub(crate) fn is_one(&self, id: RecordId) -> bool {
        self.all.contains_key(&id)
    }

    /// Whether somebody is in a circle.
    pub(crate) fn has(&self, id: RecordId, who: &Relation) -> bool {
        let member = self.all.get(&id).and_then(|circle| circle.members.get(&who.fingerprint));
        who.is_friend() && member.is_some_and(|member| member.generation == who.generation())
    }

    /// As the owner sees it.
    fn view(&self, id: RecordId, relations: &[Relation]) -> Option<CircleView> {
        let name = self.all.get(&id)?.name.clone();
        let inside = relations.iter().filter(|relation| self.has(id, relation));
        Some(CircleView { id, name, members: inside.map(|relation| relation.fingerprint).collect() })
    }

    /// The same with somebody in a circle, or out of it.
    fn with(&self, id: RecordId, who: Fingerprint, member: Option<Member>) -> Self {
        let mut circles = self.clone();
        if let Some(circle) = circles.all.get_mut(&id) {
            match member {
                Some(member) => circle.members.insert(who, member),
                None => circle.members.remove(&who),
            };
        }
        circles
    }
}

/// All circles, for the owner.
///
/// # Errors
/// When the store cannot be read.
pub async fn list<S: KeyValue>(view: &View<'_, S>) -> Result<CircleList, LedgerError> {
    let circles = Circles::load(view).await?;
    let relations = Relation::load_all(view).await?;
    Ok(CircleList { circles: circles.all.keys().filter_map(|id| circles.view(*id, &relations)).collect() })
}

/// Makes an empty circle. `unique` is random and counts when there is no idempotency key. Tells whether it existed before.
///
/// # Errors
/// When the name is not acceptable, or there are too many.
pub async fn create<S: KeyValue>(
    view: &View<'_, S>,
    new: CircleName,
    key: Option<&IdempotencyKey>,
    now_ms: u64,
    unique: [u8; 10],
) -> Result<(CircleView, bool, Batch), CircleError> {
    check_text(&new.name, CIRCLE_NAME_CHARS, false)?;
    let circles = Circles::load(view).await?;
    // There are few, so one that the same key has made is found whatever time it has.
    let unique = key.map_or(unique, IdempotencyKey::unique);
    if let Some((id, known)) = circles.all.iter().find(|(id, _)| id.unique() == unique) {
        if known.name != new.name {
            return Err(CircleError::KeyReused);
        }
        let relations = Relation::load_all(view).await?;
        let shown = circles.view(*id, &relations).ok_or(CircleError::Unknown(*id))?;
        return Ok((shown, true, Batch::new()));
    }
    if circles.all.len() >= CIRCLES_MOST {
        return Err(CircleError::TooMany);
    }
    let at_ms = key.and_then(|key| key.time_before(now_ms)).unwrap_or(now_ms);
    let id = RecordId::from_parts(at_ms, unique);
    let mut batch = Batch::new();
    batch.put(keys::circle(id), stored::json(&Named { name: new.name.clone() }));
    Ok((CircleView { id, name: new.name, members: Vec::new() }, false, batch))
}

/// Calls a circle by another name.
///
/// # Errors
/// When there is no such circle, or the name is not acceptable.
pub async fn rename<S: KeyValue>(
    view: &View<'_, S>,
    id: RecordId,
    new: CircleName,
) -> Result<(CircleView, Batch), CircleError> {
    check_text(&new.name, CIRCLE_NAME_CHARS, false)?;
    let relations = Relation::load_all(view).await?;
    let shown = Circles::load(view).await?.view(id, &relations).ok_or(CircleError::Unknown(id))?;
    let mut batch = Batch::new();
    if shown.name != new.name {
        batch.put(keys::circle(id), stored::json(&Named { name: new.name.clone() }));
    }
    Ok((CircleView { name: new.name, ..shown }, batch))
}

/// Deletes a circle. Who could see a post only because of it cannot any more.
///
/// # Errors
/// When there is no such circle, or too much would have to be taken back at once.
pub async fn delete<S: KeyValue>(
    view: &View<'_, S>,
    id: RecordId,
    now_ms: u64,
) -> Result<Batch, CircleError> {
    let before = Circles::load_with(view, id).await?;
    let mut after = before.clone();
    after.all.remove(&id);
    let relations = Relation::load_all(view).await?;
    let inside: Vec<&Relation> = relations.iter().filter(|relation| before.has(id, relation)).collect();
    let mut batch = Batch::freeing();
    shift(view, id, &inside, (&before, &after), now_ms, &mut batch).await?;
    batch.delete_range(keys::circle_with_members(id));
    Ok(batch)
}

/// Puts a friend into a circle. They may see its posts from now on, the newest of the earlier ones as well.
///
/// # Errors
/// When there is no such circle, or they are no friend.
pub async fn add<S: KeyValue>(
    view: &View<'_, S>,
    id: RecordId,
    who: Fingerprint,
    now_ms: u64,
) -> Result<(CircleView, Batch), CircleError> {
    let before = Circles::load_with(view, id).await?;
    let relations = Relation::load_all(view).await?;
    let friend = relations.iter().find(|relation| relation.fingerprint == who && relation.is_friend());
    let friend = friend.ok_or(CircleError::NoFriend(who))?;
    let member = Member { generation: friend.generation() };
    let after = before.with(id, who, Some(member));
    let mut batch = Batch::new();
    if !before.has(id, friend) {
        batch.put(keys::circle_member(id, &who), stored::json(&member));
        batch.put(keys::joined(&who), Vec::new());
        shift(view, id, &[friend], (&before, &after), now_ms, &mut batch).await?;
    }
    Ok((after.view(id, &relations).ok_or(CircleError::Unknown(id))?, batch))
}

/// Takes somebody out of a circle. They cannot see its posts any more, those that they have included.
///
/// # Errors
/// When there is no such circle, or too much would have to be taken back at once.
pub async fn remove<S: KeyValue>(
    view: &View<'_, S>,
    id: RecordId,
    who: Fingerprint,
    now_ms: u64,
) -> Result<(CircleView, Batch), CircleError> {
    let before = Circles::load_with(view, id).await?;
    let after = before.with(id, who, None);
    let relations = Relation::load_all(view).await?;
    let mut batch = Batch::freeing();
    if let Some(friend) = relations.iter().find(|r| r.fingerprint == who && before.has(id, r)) {
        shift(view, id, &[friend], (&before, &after), now_ms, &mut batch).await?;
    }
    batch.delete(keys::circle_member(id, &who));
    Ok((after.view(id, &relations).ok_or(CircleError::Unknown(id))?, batch))
}

/// Gives friends the posts that they may see after a change of a circle and could not before, and takes the others from them.
async fn shift<S: KeyValue>(
    view: &View<'_, S>,
    id: RecordId,
    friends: &[&Relation],
    (before, after): (&Circles, &Circles),
    now_ms: u64,
    batch: &mut Batch,
) -> Result<(), CircleError> {
    let (mut given, mut taken) = (0, 0);
    for (post, audience) in audience::of_posts(view, usize::MAX).await? {
        if !matches!(&audience, Audience::Chosen { circles, .. } if circles.contains(&id)) {
            continue;
        }
        for friend in friends {
            match (audience.includes(friend, before), audience.includes(friend, after)) {
                (false, true) if given < SHIFTS_MOST => {
                    audience::give(&friend.fingerprint, post, batch);
                    given += 1;
                }
                (true, false) => {
                    audience::take(&friend.fingerprint, post, now_ms, batch);
                    taken += 1;
                }
                _ => {}
            }
        }
        if taken > SHIFTS_MOST {
            return Err(CircleError::TooMuch);
        }
    }
    Ok(())
}
