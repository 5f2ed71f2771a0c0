//! `/api/friends`: asking, accepting, ending, blocking.

use crate::context::Context;
use tidings_api_http::signin::Owner;
use tidings_api_http::world::{now_ms, random};
use tidings_api_http::{AppView, Failure, Reply, outbound};
use tidings_ledger::Batch;
use tidings_protocol::{Discovery, Fingerprint};
use tidings_social::api::{FriendView, NewFriend};
use tidings_social::friends::{self, Asking, FriendError};
use tidings_social::sync::{Scope, Spent};
use tidings_social::{Account, Relation, profile};

/// `GET /api/friends`.
pub async fn list(context: &Context<'_>) -> Result<Reply, Failure> {
    let (_, view) = context.owner().await?;
    Ok(Reply::json(200, &friends::list(&view).await?))
}

/// `POST /api/friends`: looks up who is at an address, and sends them a friend request.
pub async fn request(context: &Context<'_>) -> Result<Reply, Failure> {
    let (owner, mut view) = context.owner().await?;
    let new: NewFriend = context.request.json()?;
    let greeting = friends::greeting(new.greeting)?;
    let target = friends::target(&owner.account, &new.address)?;
    if let Err(more_at_ms) =
        Spent::take_one(context.ledger, &mut view, now_ms(), random(), Batch::new()).await?
    {
        return Err(Failure::budget_spent(more_at_ms.saturating_sub(now_ms())));
    }
    // Whoever is at no address, and asks again, leaves only notes, which are to be merged as everything else is.
    context.keep(view);
    let discovery = outbound::discover(&target.address).await?;
    let certificate = friends::discovered(&owner.account, &target.address, &discovery)?.unverified();
    target.check(certificate)?;
    let who = certificate.fingerprint();
    let mut view = context.ledger.view().await?;
    let relation = Relation::load(&view, &who).await?;
    let status = if relation.state().is_none() { 201 } else { 200 };
    let own_name = own_name(&view, &owner).await?;
    let asking = Asking { greeting, invitation: target.token() };
    let batch = friends::request(&owner.account, &own_name, &relation, &discovery, asking.clone(), now_ms())?;
    context.ledger.commit(&mut view, batch).await?;
    context.refresh(view, &owner.account, Scope::only(who)).await?;
    ask_above(context, &owner.account, &discovery, &asking, who).await?;
    Ok(Reply::json(status, &show(context, who).await?))
}

/// They may have ended a generation of which nothing is kept here any more; their answer says so. Then the request is made
/// once more, above that.
async fn ask_above(
    context: &Context<'_>,
    account: &Account,
    discovery: &Discovery,
    asking: &Asking,
    who: Fingerprint,
) -> Result<(), Failure> {
    let mut view = context.ledger.view().await?;
    let relation = Relation::load(&view, &who).await?;
    if relation.state().is_some() {
        return Ok(());
    }
    let own_name = profile::summary(&view, account).await?.name;
    let batch = friends::request(account, &own_name, &relation, discovery, asking.clone(), now_ms())?;
    context.ledger.commit(&mut view, batch).await?;
    context.refresh(view, account, Scope::only(who)).await?;
    Ok(())
}

/// `POST /api/friends/{id}/accept`: makes sure that the requester is where they say, then accepts.
pub async fn accept(context: &Context<'_>, id: &str) -> Result<Reply, Failure> {
    let (owner, view) = context.owner().await?;
    let who = friend_id(context, id)?;
    if !Relation::load(&view, &who).await?.is_verified() {
        context.refresh(view, &owner.account, Scope::only(who)).await?;
    }
    let mut view = context.ledger.view().await?;
    let relation = Relation::load(&view, &who).await?;
    let own_name = own_name(&view, &owner).await?;
    let batch = friends::accept(&owner.account, &own_name, &relation, now_ms())?;
    context.ledger.commit(&mut view, batch).await?;
    context.refresh(view, &owner.account, Scope::only(who)).await?;
    Ok(Reply::json(200, &show(context, who).await?))
}

/// `DELETE /api/friends/{id}`. They are told once the reply is out.
pub async fn end(context: &Context<'_>, id: &str) -> Result<Reply, Failure> {
    let (owner, mut view) = context.owner().await?;
    let who = friend_id(context, id)?;
    let relation = Relation::load(&view, &who).await?;
    let own_name = own_name(&view, &owner).await?;
    let batch = friends::end(&view, &owner.account, &own_name, &relation, now_ms()).await?;
    context.ledger.commit(&mut view, batch).await?;
    context.keep(view);
    Ok(Reply::empty(204).then_refresh())
}

/// `PUT /api/friends/{id}/block`. If anything was between them, they are told that it is over, once the reply is out.
pub async fn block(context: &Context<'_>, id: &str) -> Result<Reply, Failure> {
    let (owner, mut view) = context.owner().await?;
    let who = friend_id(context, id)?;
    let relation = Relation::load(&view, &who).await?;
    let own_name = own_name(&view, &owner).await?;
    let batch = friends::block(&view, &owner.account, &own_name, &relation, now_ms()).await?;
    context.ledger.commit(&mut view, batch).await?;
    context.keep(view);
    Ok(Reply::empty(204).then_refresh())
}

/// `DELETE /api/friends/{id}/block`. Nobody is told.
pub async fn unblock(context: &Context<'_>, id: &str) -> Result<Reply, Failure> {
    let (_, mut view) = context.owner().await?;
    let relation = Relation::load(&view, &friend_id(context, id)?).await?;
    context.ledger.commit(&mut view, friends::unblock(&relation)?).await?;
    context.keep(view);
    Ok(Reply::empty(204))
}

/// `PUT /api/friends/{id}/mute`. Nobody is told.
pub async fn mute(context: &Context<'_>, id: &str) -> Result<Reply, Failure> {
    set_muted(context, id, true).await
}

/// `DELETE /api/friends/{id}/mute`. Nobody is told.
pub async fn unmute(context: &Context<'_>, id: &str) -> Result<Reply, Failure> {
    set_muted(context, id, false).await
}

async fn set_muted(context: &Context<'_>, id: &str, muted: bool) -> Result<Reply, Failure> {
    let (_, mut view) = context.owner().await?;
    let relation = Relation::load(&view, &friend_id(context, id)?).await?;
    context.ledger.commit(&mut view, friends::mute(&relation, muted)?).await?;
    context.keep(view);
    Ok(Reply::empty(204))
}

async fn own_name(view: &AppView<'_>, owner: &Owner) -> Result<String, Failure> {
    Ok(profile::summary(view, &owner.account).await?.name)
}

/// The person in the path.
pub fn friend_id(context: &Context<'_>, id: &str) -> Result<Fingerprint, Failure> {
    id.parse().map_err(|_| Failure::not_found(&context.request.path))
}

async fn show(context: &Context<'_>, who: Fingerprint) -> Result<FriendView, Failure> {
    let view = context.ledger.view().await?;
    Relation::load(&view, &who).await?.view().ok_or_else(|| FriendError::Unknown(who).into())
}
