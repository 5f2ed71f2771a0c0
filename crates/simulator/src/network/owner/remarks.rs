//! What an owner's client asks about comments and reactions.

use super::super::remarks::Shown;
use super::super::world::World;
use super::{Answer, Trouble, ask, rules};
use std::rc::Rc;
use tidings_ledger::Batch;
use tidings_protocol::{Fingerprint, RecordId};
use tidings_social::api::{CommentChange, NewComment, ThreadView};
use tidings_social::posts::IdempotencyKey;
use tidings_social::said::{self, Place, SaidError};
use tidings_social::sync::{Peers as _, Spent};
use tidings_social::threads::{self, ThreadError};
use tidings_social::{Account, Relation};

impl From<SaidError> for Trouble {
    fn from(error: SaidError) -> Self {
        match error {
            SaidError::Ledger(error) => Self::Store(error),
            error => Self::Rules(error.to_string()),
        }
    }
}

impl From<ThreadError> for Trouble {
    fn from(error: ThreadError) -> Self {
        match error {
            ThreadError::Ledger(error) => Self::Store(error),
            error => Self::Rules(error.to_string()),
        }
    }
}

/// `POST /api/posts/{author}/{post}/comments`. The poster's deployment is given it once the reply is out.
pub(in super::super) async fn comment(
    world: &Rc<World>,
    number: usize,
    (poster, post): (Fingerprint, RecordId),
    text: String,
    key: String,
) -> Answer<RecordId> {
    ask(world, number, move |at, reply| async move {
        let key: IdempotencyKey = key.parse()?;
        let mut view = at.ledger.view().await?;
        let account = at.account(&view).await?;
        let me = at.author(&view, &account).await?;
        let (now_ms, unique, new) = (at.now_ms(), at.deployment.bytes(), NewComment { text, parent: None });
        let (comment, batch) = if poster == account.fingerprint() {
            let written =
                threads::own::comment(&view, &account, &me, post, new, Some(&key), now_ms, unique).await?;
            (written.0.comment, written.1)
        } else {
            let relation = Relation::load(&view, &poster).await?;
            let place = Place { poster: &relation, post };
            let written =
                said::comment(&view, &account, me.name, place, new, Some(&key), now_ms, unique).await?;
            (written.0.comment, written.1)
        };
        at.ledger.commit(&mut view, batch).await?;
        reply.send(comment.id);
        at.refresh_after(view, &account).await
    })
    .await
}

/// `PUT /api/posts/{author}/{post}/comments/{comment}`.
pub(in super::super) async fn edit_comment(
    world: &Rc<World>,
    number: usize,
    (poster, post): (Fingerprint, RecordId),
    id: RecordId,
    text: String,
) -> Answer<()> {
    ask(world, number, move |at, reply| async move {
        let mut view = at.ledger.view().await?;
        let account = at.account(&view).await?;
        let (now_ms, unique, change) = (at.now_ms(), at.deployment.bytes(), CommentChange { text });
        let (_, batch) = if poster == account.fingerprint() {
            let me = at.author(&view, &account).await?;
            threads::own::edit(&view, &account, &me, post, id, change, now_ms).await?
        } else {
            let relation = Relation::load(&view, &poster).await?;
            let place = Place { poster: &relation, post };
            said::edit(&view, &account, place, id, change, now_ms, unique).await?
        };
        at.ledger.commit(&mut view, batch).await?;
        reply.send(());
        at.refresh_after(view, &account).await
    })
    .await
}

/// `DELETE /api/posts/{author}/{post}/comments/{comment}`.
pub(in super::super) async fn withdraw_comment(
    world: &Rc<World>,
    number: usize,
    (poster, post): (Fingerprint, RecordId),
    id: RecordId,
) -> Answer<()> {
    ask(world, number, move |at, reply| async move {
        let mut view = at.ledger.view().await?;
        let account = at.account(&view).await?;
        let batch = if poster == account.fingerprint() {
            threads::own::withdraw(&view, &account, post, id).await?
        } else {
            let relation = Relation::load(&view, &poster).await?;
            let place = Place { poster: &relation, post };
            said::withdraw(&view, place, id, at.now_ms(), at.deployment.bytes()).await?
        };
        at.ledger.commit(&mut view, batch).await?;
        reply.send(());
        at.refresh_after(view, &account).await
    })
    .await
}

/// `PUT /api/posts/{author}/{post}/reactions` under somebody else's post.
pub(in super::super) async fn react(
    world: &Rc<World>,
    number: usize,
    (poster, post): (Fingerprint, RecordId),
    set: bool,
) -> Answer<()> {
    ask(world, number, move |at, reply| async move {
        let mut view = at.ledger.view().await?;
        let account = at.account(&view).await?;
        let name = at.own_name(&view, &account).await?;
        let relation = Relation::load(&view, &poster).await?;
        let place = Place { poster: &relation, post };
        let (now_ms, unique) = (at.now_ms(), at.deployment.bytes());
        let emoji = "👍".parse().map_err(rules)?;
        let batch = said::react(&view, &account, name, place, emoji, set, now_ms, unique).await?;
        at.ledger.commit(&mut view, batch).await?;
        reply.send(());
        at.refresh_after(view, &account).await
    })
    .await
}

/// `POST /api/posts/{author}/{post}/thread/refresh`, and then the thread, page by page.
pub(in super::super) async fn open_thread(
    world: &Rc<World>,
    number: usize,
    (poster, post): (Fingerprint, RecordId),
) -> Answer<Shown> {
    ask(world, number, move |at, reply| async move {
        let mut view = at.ledger.view().await?;
        let account = at.account(&view).await?;
        let relations = Relation::load_all(&view).await?;
        if poster != account.fingerprint() {
            let relation = Relation::load(&view, &poster).await?;
            let place = Place { poster: &relation, post };
            let mut asking = said::ask(&view, &account, place, at.now_ms()).await?;
            while let Some((question, batch)) = asking {
                let unique = at.deployment.bytes();
                if Spent::take_one(&at.ledger, &mut view, at.now_ms(), unique, batch).await?.is_err() {
                    break;
                }
                let answered = at.line().send_all(&account, vec![question.request.clone()]).await;
                let Some((_, answer)) = answered.into_iter().next() else { break };
                let (batch, next) =
                    said::take(&view, &account, &relations, question, answer, at.now_ms()).await?;
                at.ledger.commit(&mut view, batch).await?;
                asking = next.map(|next| (next, Batch::new()));
            }
        }
        reply.send(whole_thread(&at, &view, &account, &relations, (poster, post)).await?);
        at.finish(view).await
    })
    .await
}

/// What is known here of a thread.
async fn whole_thread(
    at: &super::Instance,
    view: &super::OneView<'_>,
    account: &Account,
    relations: &[Relation],
    (poster, post): (Fingerprint, RecordId),
) -> Result<Shown, Trouble> {
    let me = at.author(view, account).await?;
    let (mut shown, mut after): (Shown, Option<String>) = (Shown::default(), None);
    loop {
        let page: ThreadView = if poster == account.fingerprint() {
            threads::own::thread(view, &me, relations, post, after.as_deref(), 20).await?
        } else {
            let relation = Relation::load(view, &poster).await?;
            let place = Place { poster: &relation, post };
            said::thread(view, me.clone(), relations, place, Some("20"), after.as_deref())
                .await
                .map_err(rules)?
        };
        shown.add(&page);
        after = page.next;
        if after.is_none() {
            return Ok(shown);
        }
    }
}
