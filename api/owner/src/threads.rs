//! `/api/posts/{author}/{post}/...`: comments and reactions.

use crate::context::Context;
use crate::friends::friend_id;
use crate::posts::idempotency_key;
use tidings_api_http::outbound::Outbound;
use tidings_api_http::signin::Owner;
use tidings_api_http::world::{now_ms, random};
use tidings_api_http::{AppView, Failure, Reply};
use tidings_ledger::Batch;
use tidings_protocol::{Emoji, Fingerprint, RecordId};
use tidings_social::Relation;
use tidings_social::api::{CommentChange, HideRequest, NewComment, Person, ReactionChange, ThreadView};
use tidings_social::feed::page_limit;
use tidings_social::said::{self, Place, SaidError};
use tidings_social::sync::{Peers, Spent};
use tidings_social::threads::own;

/// A post in a path.
struct Post {
    /// `None` for the owner's own.
    poster: Option<Relation>,
    id: RecordId,
}

impl Post {
    async fn find(
        context: &Context<'_>,
        view: &AppView<'_>,
        owner: &Owner,
        [author, id]: [&str; 2],
    ) -> Result<Self, Failure> {
        let id = id.parse().map_err(|_| Failure::not_found(&context.request.path))?;
        let author: Fingerprint = friend_id(context, author)?;
        if author == owner.account.fingerprint() {
            return Ok(Self { poster: None, id });
        }
        Ok(Self { poster: Some(Relation::load(view, &author).await?), id })
    }

    /// That of a friend.
    fn place(&self) -> Option<Place<'_>> {
        Some(Place { poster: self.poster.as_ref()?, post: self.id })
    }
}

/// `GET /api/posts/{author}/{post}/thread`.
pub async fn show(context: &Context<'_>, post: [&str; 2]) -> Result<Reply, Failure> {
    let (owner, view) = context.owner().await?;
    let author = context.author(&view, &owner).await?;
    let post = Post::find(context, &view, &owner, post).await?;
    Ok(Reply::json(200, &thread(context, &view, author, &post).await?))
}

async fn thread(
    context: &Context<'_>,
    view: &AppView<'_>,
    owner: Person,
    post: &Post,
) -> Result<ThreadView, Failure> {
    let (limit, after) = (context.request.parameter("limit"), context.request.parameter("after"));
    let (limit, after) = (limit.as_deref(), after.as_deref());
    let relations = Relation::load_all(view).await?;
    match post.place() {
        Some(place) => Ok(said::thread(view, owner, &relations, place, limit, after).await?),
        None => Ok(own::thread(view, &owner, &relations, post.id, after, page_limit(limit)?).await?),
    }
}

/// `POST /api/posts/{author}/{post}/thread/refresh`: asks the poster's deployment, at most every 30 seconds.
pub async fn refresh(context: &Context<'_>, post: [&str; 2]) -> Result<Reply, Failure> {
    let (owner, mut view) = context.owner().await?;
    let author = context.author(&view, &owner).await?;
    let post = Post::find(context, &view, &owner, post).await?;
    if let Some(place) = post.place() {
        let relations = Relation::load_all(&view).await?;
        let account = &owner.account;
        let mut asking = said::ask(&view, account, place, now_ms()).await?;
        while let Some((question, batch)) = asking {
            let taken = Spent::take_one(context.ledger, &mut view, now_ms(), random(), batch).await?;
            if taken.is_err() {
                break;
            }
            let answered = Outbound.send_all(account, vec![question.request.clone()]).await;
            let Some((_, answer)) = answered.into_iter().next() else { break };
            let (batch, next) = said::take(&view, account, &relations, question, answer, now_ms()).await?;
            context.ledger.commit(&mut view, batch).await?;
            asking = next.map(|next| (next, Batch::new()));
        }
    }
    let reply = Reply::json(200, &thread(context, &view, author, &post).await?);
    context.keep(view);
    Ok(reply)
}

/// `POST /api/posts/{author}/{post}/comments`. The poster's deployment is given it once the reply is out.
pub async fn comment(context: &Context<'_>, path: [&str; 2]) -> Result<Reply, Failure> {
    let (owner, mut view) = context.owner().await?;
    let new: NewComment = context.request.json()?;
    let (key, me) = (idempotency_key(context)?, context.author(&view, &owner).await?);
    let post = Post::find(context, &view, &owner, path).await?;
    let account = &owner.account;
    let (written, batch) = match post.place() {
        Some(place) => {
            said::comment(&view, account, me.name, place, new, key.as_ref(), now_ms(), random()).await?
        }
        None => own::comment(&view, account, &me, post.id, new, key.as_ref(), now_ms(), random()).await?,
    };
    context.ledger.commit(&mut view, batch).await?;
    context.keep(view);
    let status = if written.existed { 200 } else { 201 };
    let location = format!("/api/posts/{}/{}/comments/{}", path[0], post.id, written.comment.id);
    Ok(Reply::json(status, &written.comment).with("location", location).then_refresh())
}

/// `PUT /api/posts/{author}/{post}/comments/{comment}`.
pub async fn edit(context: &Context<'_>, post: [&str; 2], comment: &str) -> Result<Reply, Failure> {
    let (owner, mut view) = context.owner().await?;
    let change: CommentChange = context.request.json()?;
    let comment = comment_id(context, comment)?;
    let post = Post::find(context, &view, &owner, post).await?;
    let account = &owner.account;
    let (comment, batch) = match post.place() {
        Some(place) => said::edit(&view, account, place, comment, change, now_ms(), random()).await?,
        None => {
            let me = context.author(&view, &owner).await?;
            own::edit(&view, account, &me, post.id, comment, change, now_ms()).await?
        }
    };
    context.ledger.commit(&mut view, batch).await?;
    context.keep(view);
    Ok(Reply::json(200, &comment).then_refresh())
}

/// `DELETE /api/posts/{author}/{post}/comments/{comment}`.
pub async fn withdraw(context: &Context<'_>, post: [&str; 2], comment: &str) -> Result<Reply, Failure> {
    let (owner, mut view) = context.owner().await?;
    let comment = comment_id(context, comment)?;
    let post = Post::find(context, &view, &owner, post).await?;
    let batch = match post.place() {
        Some(place) => said::withdraw(&view, place, comment, now_ms(), random()).await?,
        None => own::withdraw(&view, &owner.account, post.id, comment).await?,
    };
    context.ledger.commit(&mut view, batch).await?;
    context.keep(view);
    Ok(Reply::empty(204).then_refresh())
}

/// `PUT /api/posts/{author}/{post}/reactions`.
pub async fn react(context: &Context<'_>, post: [&str; 2]) -> Result<Reply, Failure> {
    let (owner, mut view) = context.owner().await?;
    let ReactionChange { emoji, set } = context.request.json()?;
    let me = context.author(&view, &owner).await?;
    let emoji: Emoji = emoji.parse().map_err(|_| SaidError::Emoji(emoji.chars().take(16).collect()))?;
    let post = Post::find(context, &view, &owner, post).await?;
    let account = &owner.account;
    let batch = match post.place() {
        Some(place) => said::react(&view, account, me.name, place, emoji, set, now_ms(), random()).await?,
        None => own::react(&view, account, &me, post.id, (emoji, set), now_ms()).await?,
    };
    context.ledger.commit(&mut view, batch).await?;
    context.keep(view);
    Ok(Reply::empty(204).then_refresh())
}

/// `PUT /api/posts/{author}/{post}/hidden`.
pub async fn hide(context: &Context<'_>, post: [&str; 2]) -> Result<Reply, Failure> {
    let (owner, mut view) = context.owner().await?;
    let HideRequest { comment, hidden } = context.request.json()?;
    let post = Post::find(context, &view, &owner, post).await?;
    if post.poster.is_some() {
        return Err(Failure::not_found(&context.request.path));
    }
    let batch = own::hide(&view, post.id, comment, hidden).await?;
    context.ledger.commit(&mut view, batch).await?;
    context.keep(view);
    Ok(Reply::empty(204))
}

fn comment_id(context: &Context<'_>, id: &str) -> Result<RecordId, Failure> {
    id.parse().map_err(|_| Failure::not_found(&context.request.path))
}
