//! What every handler starts from.

use tidings_api_http::signin::{Origin, Owner, require_owner};
use tidings_api_http::world::{now_ms, open_ledger};
use tidings_api_http::{AppLedger, AppView, Config, Failure, Request};
use tidings_social::Account;
use tidings_social::api::{Person, SessionStatus, SetupState};
use tidings_social::profile;

/// A request, the configuration, and the store.
pub struct Context<'r> {
    /// The request.
    pub request: &'r Request,
    /// The configuration.
    pub config: Config,
    /// Where it comes from.
    pub origin: Origin,
    /// The store.
    pub ledger: AppLedger,
}

impl<'r> Context<'r> {
    /// Reads the configuration and opens the store.
    ///
    /// # Errors
    /// 503 when the deployment is misconfigured, or may not be used from where the request comes from.
    pub fn open(request: &'r Request) -> Result<Self, Failure> {
        let config = Config::load()?;
        let origin = Origin::of(request, &config)?;
        let ledger = open_ledger(&config)?;
        Ok(Self { request, config, origin, ledger })
    }

    /// The signed-in owner, and a view of the store.
    ///
    /// # Errors
    /// 401, 403 or 409 as [`require_owner`] says.
    pub async fn owner(&self) -> Result<(Owner, AppView<'_>), Failure> {
        let view = self.ledger.view().await?;
        let account = Account::load(&view).await?;
        let owner = require_owner(self.request, &self.config, &self.origin, account, now_ms())?;
        Ok((owner, view))
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
