//! What an owner's client asks of their own deployment, and what `api/owner` does with it.

mod circles;
mod correspondence;
mod remarks;

pub(super) use circles::{make_circle, put_in_circle};
pub(super) use correspondence::{choose, clear, correct, read, take_back, tell, whole_conversation};
pub(super) use remarks::{comment, edit_comment, open_thread, react, withdraw_comment};

use super::deployment::{Deployment, OneClock};
use super::store::{OneLedger, OneView, maintain, make_room};
use super::wires::Line;
use super::world::World;
use futures::channel::oneshot;
use std::cell::RefCell;
use std::future::Future;
use std::rc::Rc;
use std::sync::LazyLock;
use tidings_ledger::{Batch, Clock as _, LedgerError};
use tidings_protocol::{Certificate, Fingerprint, PublicPage, RecordId};
use tidings_social::access::{Access, AccessRandom};
use tidings_social::api::{
    Audience, Changes, CircleView, FriendState, FriendView, NewInvitation, NewPost, Person, PostChange,
    PostView, ProfileChange, RefreshReport, SetupRequest,
};
use tidings_social::feed::{self, PageRequest};
use tidings_social::friends::{self, Asking, FriendError};
use tidings_social::messages::MessageError;
use tidings_social::posts::{self, IdempotencyKey, PostError};
use tidings_social::sync::{self, Outgoing, PeerAnswer, Scope, Spent, Task};
use tidings_social::{Account, Relation, changes, invitations, profile, public, setup};

/// A password that nobody uses here, hashed once: hashing is slow by design.
static ACCESS: LazyLock<Access> = LazyLock::new(|| {
    let random = AccessRandom { password_salt: [1; 16], variable_salt: [2; 16], session_secret: [3; 32] };
    #[allow(clippy::expect_used)] // A constant password of a length that is allowed.
    Access::new("nobody signs in here", None, &random).expect("a password")
});

/// What a client knows after a request.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Answer<T> {
    /// It was done.
    Done(T),
    /// It was not, for a good reason.
    Refused(String),
    /// Nobody knows.
    Silence,
}

impl<T> Answer<T> {
    /// What was done, if that is known.
    pub fn done(self) -> Option<T> {
        match self {
            Self::Done(value) => Some(value),
            _ => None,
        }
    }
}

/// Why a request of the owner ends early.
pub(super) enum Trouble {
    /// The store failed; whether anything was done is not known.
    Store(LedgerError),
    /// The rules, or another deployment, did not allow it.
    Rules(String),
}

impl From<LedgerError> for Trouble {
    fn from(error: LedgerError) -> Self {
        Self::Store(error)
    }
}

impl From<FriendError> for Trouble {
    fn from(error: FriendError) -> Self {
        match error {
            FriendError::Ledger(error) => Self::Store(error),
            error => Self::Rules(error.to_string()),
        }
    }
}

impl From<PostError> for Trouble {
    fn from(error: PostError) -> Self {
        match error {
            PostError::Ledger(error) => Self::Store(error),
            error => Self::Rules(error.to_string()),
        }
    }
}

impl From<MessageError> for Trouble {
    fn from(error: MessageError) -> Self {
        match error {
            MessageError::Ledger(error) => Self::Store(error),
            error => Self::Rules(error.to_string()),
        }
    }
}

fn rules(error: impl ToString) -> Trouble {
    Trouble::Rules(error.to_string())
}

/// Where the reply of a request goes; what is done after it is done all the same.
pub(super) struct Reply<T>(RefCell<Option<oneshot::Sender<Result<T, String>>>>);

impl<T> Reply<T> {
    pub fn send(&self, value: T) {
        self.give(Ok(value));
    }

    fn give(&self, result: Result<T, String>) {
        if let Some(sender) = self.0.borrow_mut().take() {
            // The client may have gone.
            let _ = sender.send(result);
        }
    }
}

/// One request of an owner, and the instance that serves it.
pub(super) struct Instance {
    world: Rc<World>,
    deployment: Rc<Deployment>,
    ledger: OneLedger,
    clock: OneClock,
}

/// Makes a request of the owner of `number` to their own deployment: `work` replies, or fails.
pub(super) async fn ask<T: 'static, F: Future<Output = Result<(), Trouble>>>(
    world: &Rc<World>,
    number: usize,
    work: impl FnOnce(Rc<Instance>, Rc<Reply<T>>) -> F + 'static,
) -> Answer<T> {
    let (send, receive) = oneshot::channel();
    let deployment = world.deployment(number);
    let world_ = world.clone();
    world.executor.spawn_request(async move {
        let (ledger, clock) = deployment.instance();
        let instance = Rc::new(Instance { world: world_, deployment, ledger, clock });
        let reply = Rc::new(Reply(RefCell::new(Some(send))));
        match work(instance.clone(), reply.clone()).await {
            Ok(()) => {}
            Err(Trouble::Rules(reason)) => reply.give(Err(reason)),
            Err(Trouble::Store(error)) => {
                // Dropping the reply leaves the client in the dark, as an error of the store does.
                drop(reply);
                if matches!(error, LedgerError::Full { .. }) {
                    let _ = make_room(&instance.ledger).await;
                }
            }
        }
    });
    match receive.await {
        Ok(Ok(value)) => Answer::Done(value),
        Ok(Err(reason)) => Answer::Refused(reason),
        Err(oneshot::Canceled) => Answer::Silence,
    }
}

impl Instance {
    fn now_ms(&self) -> u64 {
        self.clock.now_ms()
    }

    fn line(&self) -> Line {
        Line { world: self.world.clone(), from: self.deployment.number, clock: self.clock.clone() }
    }

    async fn account(&self, view: &OneView<'_>) -> Result<Account, Trouble> {
        Account::load(view).await?.ok_or_else(|| rules("not set up"))
    }

    async fn own_name(&self, view: &OneView<'_>, account: &Account) -> Result<String, Trouble> {
        Ok(profile::summary(view, account).await?.name)
    }

    async fn author(&self, view: &OneView<'_>, account: &Account) -> Result<Person, Trouble> {
        Ok(Person { id: account.fingerprint(), name: self.own_name(view, account).await? })
    }

    async fn refresh<'l>(
        &'l self,
        view: OneView<'l>,
        account: &Account,
        scope: Scope,
    ) -> Result<(RefreshReport, OneView<'l>), Trouble> {
        let line = self.line();
        let (ledger, clock, random) = (&self.ledger, &self.clock, &*self.deployment);
        let done = sync::refresh(ledger, view, account, scope, &line, clock, random).await?;
        Ok((done.report, done.view))
    }

    /// What is done once a reply is out that asks for network work.
    async fn refresh_after(&self, view: OneView<'_>, account: &Account) -> Result<(), Trouble> {
        let (_, view) = self.refresh(view, account, Scope::DUE).await?;
        self.finish(view).await
    }

    async fn finish(&self, mut view: OneView<'_>) -> Result<(), Trouble> {
        Ok(maintain(&self.ledger, &mut view).await?)
    }
}

/// `POST /api/setup`.
pub(super) async fn set_up(world: &Rc<World>, number: usize) -> Answer<()> {
    ask(world, number, |at, reply| async move {
        let Deployment { identity, key, address, name, .. } = &*at.deployment;
        let certificate = Certificate::issue(identity, key.public_key(), address.clone(), at.now_ms());
        let request = SetupRequest {
            name: name.clone(),
            password: "nobody signs in here".to_owned(),
            certificate: certificate.map_err(rules)?,
            deployment_secret: key.expose_text(),
        };
        let checked = setup::check(request, address, at.now_ms()).map_err(rules)?;
        let mut view = at.ledger.view().await?;
        if Account::load(&view).await?.is_some() {
            reply.send(());
            return Ok(());
        }
        let claimed = setup::claim(&view, at.now_ms(), at.deployment.bytes()).await;
        let (claim, batch) = claimed.map_err(rules)?;
        at.ledger.commit(&mut view, batch).await?;
        at.world.executor.sleep(setup::wait_ms(at.ledger.timing().staleness_ms)).await;
        let mut view = at.ledger.view().await?;
        match setup::decide(&view, claim, &checked, ACCESS.clone(), at.now_ms()).await {
            Ok(batch) => {
                at.ledger.commit(&mut view, batch).await?;
                reply.send(());
                Ok(())
            }
            Err(error) => {
                at.ledger.commit(&mut view, setup::withdraw(claim)).await?;
                Err(rules(error))
            }
        }
    })
    .await
}

/// `POST /api/posts`. Friends are told once the reply is out.
pub(super) async fn write(
    world: &Rc<World>,
    number: usize,
    text: String,
    audience: Audience,
    key: String,
) -> Answer<RecordId> {
    ask(world, number, |at, reply| async move {
        let key: IdempotencyKey = key.parse()?;
        let mut view = at.ledger.view().await?;
        let account = at.account(&view).await?;
        let author = at.author(&view, &account).await?;
        let (now_ms, unique) = (at.now_ms(), at.deployment.bytes());
        let new = NewPost { text, warning: None, audience: Some(audience) };
        let (mut written, batch) =
            posts::write(&view, &account, author, new, Some(&key), now_ms, unique).await?;
        at.ledger.commit(&mut view, batch).await?;
        if !written.existed && key.may_have_twins() {
            view = at.ledger.view().await?;
            let batch = posts::settle_twins(&view, &key, &mut written, at.now_ms()).await?;
            at.ledger.commit(&mut view, batch).await?;
        }
        reply.send(written.post.id);
        at.refresh_after(view, &account).await
    })
    .await
}

/// `PUT /api/posts/{id}`. Friends are told once the reply is out.
pub(super) async fn edit(
    world: &Rc<World>,
    number: usize,
    id: RecordId,
    text: String,
    audience: Audience,
) -> Answer<()> {
    ask(world, number, move |at, reply| async move {
        let mut view = at.ledger.view().await?;
        let account = at.account(&view).await?;
        let author = at.author(&view, &account).await?;
        let change = PostChange { text, warning: None, audience: Some(audience) };
        let (_, batch) = posts::edit(&view, &account, author, id, change, at.now_ms()).await?;
        at.ledger.commit(&mut view, batch).await?;
        reply.send(());
        at.refresh_after(view, &account).await
    })
    .await
}

/// `DELETE /api/posts/{id}`. Friends are told once the reply is out.
pub(super) async fn withdraw(world: &Rc<World>, number: usize, id: RecordId) -> Answer<()> {
    ask(world, number, move |at, reply| async move {
        let mut view = at.ledger.view().await?;
        let account = at.account(&view).await?;
        let batch = posts::delete(&view, id, at.now_ms()).await?;
        at.ledger.commit(&mut view, batch).await?;
        reply.send(());
        at.refresh_after(view, &account).await
    })
    .await
}

/// `PUT /api/profile`. Friends are told once the reply is out.
pub(super) async fn change_profile(
    world: &Rc<World>,
    number: usize,
    name: String,
    bio: String,
) -> Answer<()> {
    ask(world, number, |at, reply| async move {
        let mut view = at.ledger.view().await?;
        let account = at.account(&view).await?;
        let changed = profile::change(&view, &account, ProfileChange { name, bio }, at.now_ms()).await;
        let (_, batch) = changed.map_err(rules)?;
        at.ledger.commit(&mut view, batch).await?;
        reply.send(());
        at.refresh_after(view, &account).await
    })
    .await
}

/// `POST /api/feed/refresh`.
pub(super) async fn refresh(world: &Rc<World>, number: usize, scope: Scope) -> Answer<RefreshReport> {
    ask(world, number, move |at, reply| async move {
        let view = at.ledger.view().await?;
        let account = at.account(&view).await?;
        let (report, view) = at.refresh(view, &account, scope).await?;
        reply.send(report);
        at.finish(view).await
    })
    .await
}

/// `POST /api/friends`, with an address or a link.
pub(super) async fn befriend(world: &Rc<World>, number: usize, typed: String) -> Answer<()> {
    ask(world, number, move |at, reply| async move {
        let mut view = at.ledger.view().await?;
        let account = at.account(&view).await?;
        let target = friends::target(&account, &typed)?;
        let unique = at.deployment.bytes();
        if Spent::take_one(&at.ledger, &mut view, at.now_ms(), unique, Batch::new()).await?.is_err() {
            return Err(rules("too many requests to others within the last hour"));
        }
        drop(view);
        let received = at.line().exchange(&target.address, Outgoing::discovery()).await;
        let discovery = match Task::Discover.answered(received) {
            PeerAnswer::Discovery(discovery) => discovery,
            other => return Err(rules(other.problem().unwrap_or_default())),
        };
        let certificate = friends::discovered(&account, &target.address, &discovery)?.unverified();
        target.check(certificate)?;
        let who = certificate.fingerprint();
        let mut view = at.ledger.view().await?;
        let relation = Relation::load(&view, &who).await?;
        let own_name = at.own_name(&view, &account).await?;
        let greeting = friends::greeting(Some("hello".to_owned()))?;
        let asking = Asking { greeting, invitation: target.token() };
        let batch =
            friends::request(&account, &own_name, &relation, &discovery, asking.clone(), at.now_ms())?;
        at.ledger.commit(&mut view, batch).await?;
        at.refresh(view, &account, Scope::only(who)).await?;
        view = at.ledger.view().await?;
        let relation = Relation::load(&view, &who).await?;
        if relation.state().is_none() {
            // They have ended a generation of which nothing is kept here any more.
            let batch = friends::request(&account, &own_name, &relation, &discovery, asking, at.now_ms())?;
            at.ledger.commit(&mut view, batch).await?;
            (_, view) = at.refresh(view, &account, Scope::only(who)).await?;
        }
        reply.send(());
        at.finish(view).await
    })
    .await
}

/// `POST /api/friends/{id}/accept`.
pub(super) async fn accept(world: &Rc<World>, number: usize, who: Fingerprint) -> Answer<()> {
    ask(world, number, move |at, reply| async move {
        let view = at.ledger.view().await?;
        let account = at.account(&view).await?;
        if !Relation::load(&view, &who).await?.is_verified() {
            at.refresh(view, &account, Scope::only(who)).await?;
        }
        let mut view = at.ledger.view().await?;
        let relation = Relation::load(&view, &who).await?;
        let own_name = at.own_name(&view, &account).await?;
        let batch = friends::accept(&account, &own_name, &relation, at.now_ms())?;
        at.ledger.commit(&mut view, batch).await?;
        let (_, view) = at.refresh(view, &account, Scope::only(who)).await?;
        reply.send(());
        at.finish(view).await
    })
    .await
}

/// `DELETE /api/friends/{id}`. They are told once the reply is out.
pub(super) async fn end(world: &Rc<World>, number: usize, who: Fingerprint) -> Answer<()> {
    ask(world, number, move |at, reply| async move {
        let mut view = at.ledger.view().await?;
        let account = at.account(&view).await?;
        let relation = Relation::load(&view, &who).await?;
        let own_name = at.own_name(&view, &account).await?;
        let batch = friends::end(&view, &account, &own_name, &relation, at.now_ms()).await?;
        at.ledger.commit(&mut view, batch).await?;
        reply.send(());
        at.refresh_after(view, &account).await
    })
    .await
}

/// `POST /api/invitations`: a link that befriends whoever uses it first.
pub(super) async fn invite(world: &Rc<World>, number: usize) -> Answer<String> {
    ask(world, number, move |at, reply| async move {
        let mut view = at.ledger.view().await?;
        let account = at.account(&view).await?;
        let (new, random) = (NewInvitation::default(), at.deployment.bytes());
        let issued = invitations::issue(&view, &account, new, at.now_ms(), random).await;
        let (issued, batch) = issued.map_err(rules)?;
        at.ledger.commit(&mut view, batch).await?;
        reply.send(issued.link);
        at.finish(view).await
    })
    .await
}

/// `PUT /api/friends/{id}/block`. If anything was between them, they are told that it is over, once the reply is out.
pub(super) async fn block(world: &Rc<World>, number: usize, who: Fingerprint) -> Answer<()> {
    ask(world, number, move |at, reply| async move {
        let mut view = at.ledger.view().await?;
        let account = at.account(&view).await?;
        let relation = Relation::load(&view, &who).await?;
        let own_name = at.own_name(&view, &account).await?;
        let batch = friends::block(&view, &account, &own_name, &relation, at.now_ms()).await?;
        at.ledger.commit(&mut view, batch).await?;
        reply.send(());
        at.refresh_after(view, &account).await
    })
    .await
}

/// `GET /api/changes`, without a tag.
pub(super) async fn poll(world: &Rc<World>, number: usize) -> Answer<Changes> {
    ask(world, number, |at, reply| async move {
        let view = at.ledger.view().await?;
        let account = at.account(&view).await?;
        reply.send(changes::show(&view, &account, at.now_ms()).await?);
        Ok(())
    })
    .await
}

/// `GET /api/changes`, with the tag of the listing that the last answer came from: that of now, and what changed unless
/// it is the same one.
pub(super) async fn poll_with(
    world: &Rc<World>,
    number: usize,
    known: Option<String>,
) -> Answer<(String, Option<Changes>)> {
    ask(world, number, |at, reply| async move {
        let view = at.ledger.view().await?;
        let listing = changes::listing_tag(&view);
        if known.as_ref() == Some(&listing) {
            reply.send((listing, None));
            return Ok(());
        }
        let account = at.account(&view).await?;
        reply.send((listing, Some(changes::show(&view, &account, at.now_ms()).await?)));
        Ok(())
    })
    .await
}

/// How many bytes the first page of the feed has that the app asks for.
pub(super) async fn feed_bytes(world: &Rc<World>, number: usize) -> Answer<u64> {
    ask(world, number, |at, reply| async move {
        let view = at.ledger.view().await?;
        let account = at.account(&view).await?;
        let author = at.author(&view, &account).await?;
        let request = PageRequest::parse(Some("20"), None).map_err(rules)?;
        let page = feed::page(&view, &account, author, &request).await.map_err(rules)?;
        reply.send(serde_json::to_vec(&page).map_err(rules)?.len() as u64);
        Ok(())
    })
    .await
}

/// How many bytes the list of friends has.
pub(super) async fn friends_bytes(world: &Rc<World>, number: usize) -> Answer<u64> {
    ask(world, number, |at, reply| async move {
        let view = at.ledger.view().await?;
        reply.send(serde_json::to_vec(&friends::list(&view).await?).map_err(rules)?.len() as u64);
        Ok(())
    })
    .await
}

/// `GET /api/friends`.
pub(super) async fn friends_list(world: &Rc<World>, number: usize) -> Answer<Vec<FriendView>> {
    ask(world, number, |at, reply| async move {
        let view = at.ledger.view().await?;
        reply.send(friends::list(&view).await?.friends);
        Ok(())
    })
    .await
}

/// All of `GET /api/feed`, page by page, newest first.
pub(super) async fn whole_feed(world: &Rc<World>, number: usize) -> Answer<Vec<PostView>> {
    ask(world, number, |at, reply| async move {
        let view = at.ledger.view().await?;
        let account = at.account(&view).await?;
        let author = at.author(&view, &account).await?;
        let (mut posts, mut before) = (Vec::new(), None);
        loop {
            let request = PageRequest::parse(Some("30"), before.as_deref()).map_err(rules)?;
            let page = feed::page(&view, &account, author.clone(), &request).await.map_err(rules)?;
            posts.extend(page.posts);
            match page.next {
                Some(next) => before = Some(next),
                None => break,
            }
        }
        reply.send(posts);
        Ok(())
    })
    .await
}

/// All of `GET /p2p/v1/public`, page by page, as anybody sees it.
pub(super) async fn all_public(world: &Rc<World>, number: usize) -> Answer<Vec<RecordId>> {
    ask(world, number, |at, reply| async move {
        let view = at.ledger.view().await?;
        let account = at.account(&view).await?;
        let (mut posts, mut before): (Vec<RecordId>, Option<String>) = (Vec::new(), None);
        loop {
            let page = public::page(&view, &account, before.as_deref()).await.map_err(rules)?;
            let page: PublicPage =
                serde_json::to_vec(&page).and_then(|bytes| serde_json::from_slice(&bytes)).map_err(rules)?;
            posts.extend(page.posts.iter().map(|post| post.unverified().id));
            before = page.next.map(|next| next.to_string());
            if before.is_none() {
                break;
            }
        }
        reply.send(posts);
        Ok(())
    })
    .await
}

/// What a deployment knows, for comparing it with others in the end.
pub(super) struct Knowledge {
    /// Whom it knows, and how far it has come with them.
    pub states: Vec<(Fingerprint, FriendState)>,
    /// Whom its owner has blocked.
    pub blocked: Vec<Fingerprint>,
    /// The owner's circles.
    pub circles: Vec<CircleView>,
    /// Friends' names.
    pub names: Vec<(Fingerprint, String)>,
    /// The owner's own name.
    pub own_name: String,
    /// What is still to be done.
    pub changes: Changes,
    /// What could not be read.
    pub damage: Vec<String>,
}

/// Looks at what a deployment holds.
pub(super) async fn know(world: &Rc<World>, number: usize) -> Answer<Knowledge> {
    ask(world, number, |at, reply| async move {
        let view = at.ledger.view().await?;
        let account = at.account(&view).await?;
        let relations = Relation::load_all(&view).await?;
        let known = |r: &Relation| Some((r.fingerprint, r.state()?));
        let is_friend = |r: &&Relation| r.is_friend();
        let knowledge = Knowledge {
            states: relations.iter().filter_map(known).collect(),
            circles: tidings_social::circles::list(&view).await?.circles,
            blocked: relations.iter().filter(|r| r.is_blocked()).map(|r| r.fingerprint).collect(),
            names: relations.iter().filter(is_friend).map(|r| (r.fingerprint, r.name())).collect(),
            own_name: at.own_name(&view, &account).await?,
            changes: changes::show(&view, &account, at.now_ms()).await?,
            damage: view.damage().iter().map(|damage| format!("{damage:?}")).collect(),
        };
        reply.send(knowledge);
        Ok(())
    })
    .await
}
