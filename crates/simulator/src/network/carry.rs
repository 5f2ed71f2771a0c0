//! A variant of the protocol, to see what it would save: a notification that carries what changed.
//!
//! It is kinder to carrying than any real form of it could be. The receiver of a notification is given, in the same
//! request, what its next pull would have brought, made and taken in by the real code; so it holds everything up to the
//! head, the sender knows that it does, and the daily look is put off. Only the bytes count. Whether the sender's store
//! may hide something older is left to the next notification or look.

use super::deployment::Deployment;
use super::endpoints;
use super::world::World;
use std::cell::RefCell;
use std::rc::Rc;
use tidings_ledger::{Clock as _, LedgerError};
use tidings_protocol::{Head, Notification, paths};
use tidings_social::Account;
use tidings_social::api::RefreshReport;
use tidings_social::sync::{self, Outgoing, Outlook, PeerAnswer, PeerRequest, Scope, Task};

/// How often the sender's store is looked at until it shows what the sender has just written.
const TRIES: u32 = 60;

/// Gives the receiver of a notification what it carries, if notifications carry anything. What is left of it then has
/// nothing to announce any more.
pub(super) async fn bring(world: &Rc<World>, from: usize, to: usize, request: Outgoing) -> Outgoing {
    if request.path != paths::NOTIFICATIONS || world.carry_bytes.get() == 0 {
        return request;
    }
    let Ok(Notification { head }) = serde_json::from_slice(&request.body) else { return request };
    // What fails is pulled, as if it had not been carried.
    take_in(world, from, to, head).await.ok().flatten().unwrap_or(request)
}

async fn take_in(
    world: &Rc<World>,
    from: usize,
    to: usize,
    head: Head,
) -> Result<Option<Outgoing>, LedgerError> {
    let (reader, writer) = (world.deployment(to), world.deployment(from));
    let (ledger, clock) = reader.instance();
    let mut view = ledger.view().await?;
    let Some(account) = Account::load(&view).await? else { return Ok(None) };
    let outlook = Outlook::load(&view, clock.now_ms()).await?;
    let plan = sync::plan(&account, &outlook, Scope::only(writer.fingerprint()), clock.now_ms());
    // Who has never pulled is given a listing, which is never carried.
    let is_next = |request: &&PeerRequest| matches!(&request.task, Task::Pull(pull) if pull.since.is_some());
    let Some(pull) = plan.requests.iter().find(is_next) else { return Ok(None) };
    let outgoing = pull.outgoing(&account, clock.now_ms());
    // The request that sends a notification sees what it tells of, which another one at its side may not.
    for _ in 0..TRIES {
        let received = RefCell::new(None);
        endpoints::serve(&writer, &outgoing, |answer| *received.borrow_mut() = Some(answer)).await;
        let Some(received) = received.take() else { return Ok(None) };
        let bytes = received.body.len() as u64;
        let mut answer = pull.task.answered(Ok(received));
        let PeerAnswer::Changes { answer: changes, .. } = &mut answer else { continue };
        if changes.head < Some(head) {
            continue;
        }
        if bytes > world.carry_bytes.get() {
            return Ok(None);
        }
        changes.again_ms = None;
        world.meter.borrow_mut().of[from].egress_bytes += bytes;
        let (mut report, answers) = (RefreshReport::default(), vec![(pull.clone(), answer)]);
        for batch in sync::settle(&view, &account, answers, &mut report, clock.now_ms()).await? {
            ledger.commit(&mut view, batch).await?;
        }
        return announce_nothing(&writer, &reader).await;
    }
    Ok(None)
}

/// A notification by `writer` of what its receiver has long had.
async fn announce_nothing(writer: &Deployment, reader: &Deployment) -> Result<Option<Outgoing>, LedgerError> {
    let (ledger, clock) = writer.instance();
    let Some(account) = Account::load(&ledger.view().await?).await? else { return Ok(None) };
    let request = PeerRequest {
        to: reader.fingerprint(),
        address: reader.address.clone(),
        task: Task::Notify(Notification { head: Head::from_bytes([0; 12]) }),
        with_certificate: false,
    };
    Ok(Some(request.outgoing(&account, clock.now_ms())))
}
