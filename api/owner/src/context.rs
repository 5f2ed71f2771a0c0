//! What every handler starts from.

use std::cell::{Cell, RefCell};
use tidings_api_http::signin::{Founder, Origin, Owner, guessing_network, require_founder, require_owner};
use tidings_api_http::world::{now_ms, random};
use tidings_api_http::{AppLedger, AppView, Config, Failure, Request, Then, effects, upkeep};
use tidings_social::Account;
use tidings_social::api::{Person, RefreshReport, SessionStatus, SetupState};
use tidings_social::sync::Scope;
use tidings_social::{guesses, profile, resigning};

/// A request, the configuration, and the store, whose view outlives the reply.
pub struct Context<'r> {
    /// The request.
    pub request: &'r Request,
    /// The configuration.
    pub config: Config,
    /// Where it comes from.
    pub origin: Origin,
    /// The store.
    pub ledger: &'r AppLedger,
    /// The latest view, for what is done once the reply is out.
    kept: RefCell<Option<AppView<'r>>>,
    has_committed: Cell<bool>,
}

impl<'r> Context<'r> {
    /// A request on its way.
    #[must_use]
    pub fn new(request: &'r Request, config: Config, origin: Origin, ledger: &'r AppLedger) -> Self {
        Self { request, config, origin, ledger, kept: RefCell::default(), has_committed: Cell::new(false) }
    }

    /// Keeps a view for what is done once the reply is out.
    pub fn keep(&self, view: AppView<'r>) {
        self.has_committed.set(self.has_committed.get() || view.has_committed());
        self.kept.replace(Some(view));
    }

    /// Does the network work in `scope`, beginning with what `view` shows.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn refresh(
        &self,
        view: AppView<'r>,
        account: &Account,
        scope: Scope,
    ) -> Result<RefreshReport, Failure> {
        let done = effects::refresh(self.ledger, view, account, scope).await?;
        self.keep(done.view);
        Ok(done.report)
    }

    /// What is done once the reply is out: network work if the reply asks for it, and a piece of the store's maintenance
    /// if anything was committed, or would have been. Should the host end the instance here, what is owed stays owed.
    ///
    /// # Errors
    /// When the store fails. Nobody waits for it any more, so it is for the log.
    pub async fn after_reply(&self, then: Then) -> Result<(), Failure> {
        if then == Then::MakeRoom {
            upkeep::make_room(self.ledger).await;
        }
        let Some(view) = self.kept.take() else { return Ok(()) };
        let account = Account::load(&view).await?;
        match account.as_ref().filter(|_| then == Then::Refresh) {
            Some(account) => self.refresh(view, account, Scope::DUE).await.map(|_| ())?,
            None => self.keep(view),
        }
        if let Some(account) = account.filter(Account::has_to_sign_again) {
            self.sign_again(&account).await?;
        }
        if let Some(mut view) = self.kept.take().filter(|_| self.has_committed.get()) {
            upkeep::maintain(self.ledger, &mut view).await;
        }
        Ok(())
    }

    /// Signs some posts again after the deployment key was replaced. A key that came meanwhile begins anew by itself.
    async fn sign_again(&self, account: &Account) -> Result<(), Failure> {
        let mut view = self.ledger.view().await?;
        let batch = resigning::step(&view, account).await?;
        self.ledger.commit(&mut view, batch).await?;
        self.keep(view);
        Ok(())
    }

    /// The signed-in owner, and a view of the store.
    ///
    /// # Errors
    /// 401, 403 or 409 as [`require_owner`] says.
    pub async fn owner(&self) -> Result<(Owner, AppView<'r>), Failure> {
        let mut view = self.ledger.view().await?;
        let account = Account::load(&view).await?;
        let owner = self.sign_in(&mut view, account).await?;
        Ok((owner, view))
    }

    /// The signed-in owner of `account`. Wrong passwords are counted, and not even tried beyond a number.
    ///
    /// # Errors
    /// 401, 403 or 409 as [`require_owner`] says; 429 after too many wrong passwords.
    pub async fn sign_in(&self, view: &mut AppView<'r>, account: Option<Account>) -> Result<Owner, Failure> {
        self.guarded(view, || require_owner(self.request, &self.config, &self.origin, account, now_ms()))
            .await
    }

    /// Somebody with the first password of a deployment that nobody has set up; counted likewise.
    ///
    /// # Errors
    /// 401 or 403 as [`require_founder`] says; 429 after too many wrong passwords.
    pub async fn found(&self, view: &mut AppView<'r>) -> Result<Founder, Failure> {
        self.guarded(view, || require_founder(self.request, &self.config, &self.origin)).await
    }

    async fn guarded<T>(
        &self,
        view: &mut AppView<'r>,
        try_password: impl FnOnce() -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let Some(network) = guessing_network(self.request, &self.origin) else { return try_password() };
        guesses::check(view, &network, now_ms()).await?;
        let tried = try_password();
        if tried.as_ref().is_err_and(|failure| failure.problem.status == 401) {
            let batch = guesses::note_wrong(view, &network, now_ms(), random()).await?;
            self.ledger.commit(view, batch).await?;
        }
        tried
    }

    /// The owner as the author of posts.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn author(&self, view: &AppView<'_>, owner: &Owner) -> Result<Person, Failure> {
        let summary = profile::summary(view, &owner.account).await?;
        Ok(Person { id: summary.id, name: summary.name })
    }

    /// Whether the login admin / password works right now.
    #[must_use]
    pub fn default_login(&self, account: Option<&Account>) -> bool {
        account.is_none() && self.origin.loopback && self.config.owner_password.is_none()
    }

    /// What a client is told about the session; `owner` is who is signed in.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn session_status(
        &self,
        view: &AppView<'_>,
        account: Option<&Account>,
        owner: Option<&Owner>,
    ) -> Result<SessionStatus, Failure> {
        let summary = match owner {
            Some(owner) => Some(profile::summary(view, &owner.account).await?),
            None => None,
        };
        Ok(SessionStatus {
            signed_in: owner.is_some(),
            setup: setup_state(account),
            default_login: self.default_login(account),
            address: account.map_or(&self.origin.address, Account::address).clone(),
            owner: summary,
            password_reset: owner.is_some_and(|owner| owner.reset),
        })
    }
}

/// Whether there is an account.
#[must_use]
pub fn setup_state(account: Option<&Account>) -> SetupState {
    if account.is_some() { SetupState::Ready } else { SetupState::Unclaimed }
}
