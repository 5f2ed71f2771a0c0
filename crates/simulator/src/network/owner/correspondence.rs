//! What an owner's client asks about private messages.

use super::super::letters::{Conversation, Shown};
use super::super::world::World;
use super::{Answer, ask, rules};
use std::rc::Rc;
use tidings_protocol::{Fingerprint, RecordId};
use tidings_social::api::{ClearFor, MessageState, MessageView, NewMessage, SettingsChange};
use tidings_social::feed::PageRequest;
use tidings_social::posts::IdempotencyKey;
use tidings_social::{Relation, messages, settings};

/// `POST /api/conversations/{id}/messages`. The friend is told once the reply is out.
pub(in super::super) async fn tell(
    world: &Rc<World>,
    number: usize,
    to: Fingerprint,
    text: String,
    key: String,
) -> Answer<RecordId> {
    ask(world, number, move |at, reply| async move {
        let key: IdempotencyKey = key.parse()?;
        let mut view = at.ledger.view().await?;
        let account = at.account(&view).await?;
        let relation = Relation::load(&view, &to).await?;
        let (now_ms, unique, new) = (at.now_ms(), at.deployment.bytes(), NewMessage { text });
        let sent = messages::send(&view, &account, &relation, new, Some(&key), now_ms, unique).await;
        let (sent, batch) = sent?;
        at.ledger.commit(&mut view, batch).await?;
        reply.send(sent.message.id);
        at.refresh_after(view, &account).await
    })
    .await
}

/// `DELETE /api/conversations/{id}/messages/{message}`. The friend is told once the reply is out.
pub(in super::super) async fn take_back(
    world: &Rc<World>,
    number: usize,
    to: Fingerprint,
    id: RecordId,
) -> Answer<()> {
    ask(world, number, move |at, reply| async move {
        let mut view = at.ledger.view().await?;
        let account = at.account(&view).await?;
        let relation = Relation::load(&view, &to).await?;
        let batch = messages::withdraw(&view, &relation, id).await?;
        at.ledger.commit(&mut view, batch).await?;
        reply.send(());
        at.refresh_after(view, &account).await
    })
    .await
}

/// `GET /api/conversations/{id}/messages`, page by page.
pub(in super::super) async fn whole_conversation(
    world: &Rc<World>,
    number: usize,
    with: Fingerprint,
) -> Answer<Conversation> {
    ask(world, number, move |at, reply| async move {
        let view = at.ledger.view().await?;
        let account = at.account(&view).await?;
        let relation = Relation::load(&view, &with).await?;
        let (mut all, mut before): (Vec<Shown>, Option<String>) = (Vec::new(), None);
        let kept = loop {
            let request = PageRequest::parse(Some("20"), before.as_deref()).map_err(rules)?;
            let page = messages::conversation(&view, &account, &relation, &request, at.now_ms());
            let page = page.await.map_err(rules)?;
            let shown = |message: &MessageView| Shown {
                id: message.id,
                mine: message.mine,
                text: message.text(),
                is_read: message.state == Some(MessageState::Read),
            };
            all.extend(page.messages.iter().map(shown));
            before = page.next;
            if before.is_none() {
                break page.clearing.map(|clearing| clearing.kept);
            }
        };
        reply.send(Conversation { messages: all, kept });
        Ok(())
    })
    .await
}

/// `PUT /api/settings`: whether friends are told what was read, and whether they may clear what is here.
pub(in super::super) async fn choose(
    world: &Rc<World>,
    number: usize,
    read_marks: bool,
    keep_my_copy: bool,
) -> Answer<()> {
    ask(world, number, move |at, reply| async move {
        let mut view = at.ledger.view().await?;
        let change = SettingsChange {
            read_marks: Some(read_marks),
            keep_my_copy: Some(keep_my_copy),
            ..SettingsChange::default()
        };
        let (_, batch) = settings::change(&view, change).await.map_err(rules)?;
        at.ledger.commit(&mut view, batch).await?;
        reply.send(());
        at.finish(view).await
    })
    .await
}

/// `PUT /api/conversations/{id}/messages/{message}`. The friend is told once the reply is out.
pub(in super::super) async fn correct(
    world: &Rc<World>,
    number: usize,
    to: Fingerprint,
    id: RecordId,
    text: String,
) -> Answer<()> {
    ask(world, number, move |at, reply| async move {
        let mut view = at.ledger.view().await?;
        let account = at.account(&view).await?;
        let relation = Relation::load(&view, &to).await?;
        let new = NewMessage { text };
        let (_, batch) = messages::edit(&view, &account, &relation, id, new, at.now_ms()).await?;
        at.ledger.commit(&mut view, batch).await?;
        reply.send(());
        at.refresh_after(view, &account).await
    })
    .await
}

/// `PUT /api/conversations/{id}/read`. The friend is told once the reply is out.
pub(in super::super) async fn read(
    world: &Rc<World>,
    number: usize,
    with: Fingerprint,
    through: RecordId,
) -> Answer<()> {
    ask(world, number, move |at, reply| async move {
        let mut view = at.ledger.view().await?;
        let account = at.account(&view).await?;
        let relation = Relation::load(&view, &with).await?;
        let batch = messages::read(&view, &relation, through).await?;
        at.ledger.commit(&mut view, batch).await?;
        reply.send(());
        at.refresh_after(view, &account).await
    })
    .await
}

/// `POST /api/conversations/{id}/clear`. The friend is told once the reply is out.
pub(in super::super) async fn clear(
    world: &Rc<World>,
    number: usize,
    with: Fingerprint,
    clear_for: ClearFor,
) -> Answer<()> {
    ask(world, number, move |at, reply| async move {
        let mut view = at.ledger.view().await?;
        let account = at.account(&view).await?;
        let relation = Relation::load(&view, &with).await?;
        let (now_ms, unique) = (at.now_ms(), at.deployment.bytes());
        let batch = messages::clear(&view, &relation, clear_for, now_ms, unique).await?;
        at.ledger.commit(&mut view, batch).await?;
        reply.send(());
        at.refresh_after(view, &account).await
    })
    .await
}
