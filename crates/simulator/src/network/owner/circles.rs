//! What an owner's client asks about circles.

use super::super::world::World;
use super::{Answer, Trouble, ask};
use std::rc::Rc;
use tidings_protocol::{Fingerprint, RecordId};
use tidings_social::api::CircleName;
use tidings_social::circles::{self, CircleError};
use tidings_social::posts::IdempotencyKey;

impl From<CircleError> for Trouble {
    fn from(error: CircleError) -> Self {
        match error {
            CircleError::Ledger(error) => Self::Store(error),
            error => Self::Rules(error.to_string()),
        }
    }
}

/// `POST /api/circles`.
pub(in super::super) async fn make_circle(world: &Rc<World>, number: usize, key: String) -> Answer<RecordId> {
    ask(world, number, move |at, reply| async move {
        let key: IdempotencyKey = key.parse()?;
        let mut view = at.ledger.view().await?;
        let (now_ms, unique, name) =
            (at.now_ms(), at.deployment.bytes(), CircleName { name: "choir".into() });
        let (circle, _, batch) = circles::create(&view, name, Some(&key), now_ms, unique).await?;
        at.ledger.commit(&mut view, batch).await?;
        reply.send(circle.id);
        at.finish(view).await
    })
    .await
}

/// `PUT` or `DELETE /api/circles/{id}/members/{member}`. The friend is told once the reply is out.
pub(in super::super) async fn put_in_circle(
    world: &Rc<World>,
    number: usize,
    circle: RecordId,
    who: Fingerprint,
    is_in: bool,
) -> Answer<()> {
    ask(world, number, move |at, reply| async move {
        let mut view = at.ledger.view().await?;
        let account = at.account(&view).await?;
        let (_, batch) = if is_in {
            circles::add(&view, circle, who, at.now_ms()).await?
        } else {
            circles::remove(&view, circle, who, at.now_ms()).await?
        };
        at.ledger.commit(&mut view, batch).await?;
        reply.send(());
        at.refresh_after(view, &account).await
    })
    .await
}
