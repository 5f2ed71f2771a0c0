//! What `api/peer` does between HTTP and the rules: authenticate, decode, decide, save, answer.

use super::deployment::{Deployment, OneClock};
use super::store::{OneLedger, OneView, maintain, make_room};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tidings_ledger::{Clock as _, LedgerError};
use tidings_protocol::request_signature::{RequestParts, RequestSignatureError};
use tidings_protocol::{FriendshipMessage, InteractionsMessage, Notification, Problem, paths};
use tidings_social::Account;
use tidings_social::peer::{self, PeerError, VerifiedPeer};
use tidings_social::pulls::{self, PullError, PullQuery};
use tidings_social::sync::{Outgoing, Received};
use tidings_social::threads::{self, ThreadError};

/// Why a request is not answered with what it asks for.
struct Failure {
    status: u16,
    detail: String,
    retry_after_s: Option<u64>,
    /// The store is nearly full: room has to be made although nothing was committed.
    is_full: bool,
}

impl Failure {
    fn new(status: u16, error: impl ToString) -> Self {
        Self { status, detail: error.to_string(), retry_after_s: None, is_full: false }
    }

    fn received(&self) -> Received {
        let problem = Problem::new(self.status, "simulated", "Refused", self.detail.clone());
        let mut received = received(self.status, &problem);
        received.headers.extend(self.retry_after_s.map(|s| ("retry-after".to_owned(), s.to_string())));
        received
    }
}

impl From<LedgerError> for Failure {
    fn from(error: LedgerError) -> Self {
        let is_full = matches!(error, LedgerError::Full { .. });
        let retry_after_s = Some(if is_full { 60 } else { 2 });
        Self { is_full, retry_after_s, ..Self::new(503, error) }
    }
}

impl From<PeerError> for Failure {
    fn from(error: PeerError) -> Self {
        match error {
            PeerError::Ledger(error) => error.into(),
            PeerError::Signature(RequestSignatureError::Misaddressed { .. }) => Self::new(403, error),
            PeerError::Signature(_) | PeerError::UnknownSender => Self::new(401, error),
            PeerError::Stance(_) | PeerError::FutureHead | PeerError::TooManyAtOnce => Self::new(422, error),
            PeerError::TooManyStances { retry_after_s }
            | PeerError::TooManyNotifications { retry_after_s }
            | PeerError::TooManyInteractions { retry_after_s } => {
                Self { retry_after_s: Some(retry_after_s), ..Self::new(429, error) }
            }
            _ => Self::new(403, error),
        }
    }
}

impl From<PullError> for Failure {
    fn from(error: PullError) -> Self {
        match error {
            PullError::Ledger(error) => error.into(),
            PullError::TooOften { retry_after_s } => {
                Self { retry_after_s: Some(retry_after_s), ..Self::new(429, error) }
            }
            _ => Self::new(400, error),
        }
    }
}

fn received(status: u16, body: &impl Serialize) -> Received {
    // Our wire types are structs with text keys, which always have a JSON form.
    let body = serde_json::to_vec(body).unwrap_or_default();
    let headers = vec![("content-length".to_owned(), body.len().to_string())];
    Received { status, headers, body }
}

impl From<ThreadError> for Failure {
    fn from(error: ThreadError) -> Self {
        match error {
            ThreadError::Ledger(error) => error.into(),
            ThreadError::NoSuchPost => Self::new(404, error),
            _ => Self::new(400, error),
        }
    }
}

/// An answer with its tag; without a body, if the asker knows it.
fn tagged(request: &Outgoing, tag: &str, answer: &impl Serialize) -> Received {
    let tag = format!("\"{tag}\"");
    let is_known = request.headers.iter().any(|(name, value)| name == "if-none-match" && *value == tag);
    let mut received = received(200, answer);
    if is_known {
        received = Received { status: 304, headers: Vec::new(), body: Vec::new() };
    }
    received.headers.push(("etag".to_owned(), tag));
    received
}

/// Serves one request: `reply` sends the answer, after which a piece of the store's maintenance follows.
pub(super) async fn serve(deployment: &Deployment, request: &Outgoing, reply: impl FnOnce(Received)) {
    let (ledger, clock) = deployment.instance();
    match respond(&ledger, &clock, request).await {
        Ok((answer, mut view)) => {
            reply(answer);
            if view.has_committed() {
                // Whatever comes next goes on with it.
                let _ = maintain(&ledger, &mut view).await;
            }
        }
        Err(failure) => {
            reply(failure.received());
            if failure.is_full {
                let _ = make_room(&ledger).await;
            }
        }
    }
}

async fn respond<'l>(
    ledger: &'l OneLedger,
    clock: &OneClock,
    request: &Outgoing,
) -> Result<(Received, OneView<'l>), Failure> {
    let mut view = ledger.view().await?;
    let Some(account) = Account::load(&view).await? else {
        return Err(Failure::new(409, "nobody has set up this deployment"));
    };
    if request.path == paths::DISCOVERY {
        let answer = received(200, &peer::discovery(&view, &account).await?);
        return Ok((answer, view));
    }
    let sender = authenticate(&view, &account, clock, request).await?;
    let (answer, batch) = match &*request.path {
        paths::FRIENDSHIP => {
            let message: FriendshipMessage = body(request)?;
            let received_ =
                peer::receive_friendship(&view, &account, &sender, &message, clock.now_ms()).await?;
            (received(200, &received_.0), received_.1)
        }
        paths::NOTIFICATIONS => {
            let notification: Notification = body(request)?;
            let received_ =
                peer::receive_notification(&view, &account, &sender, notification, clock.now_ms()).await?;
            (received(200, &received_.0), received_.1)
        }
        paths::CHANGES => {
            sender.require_friend()?;
            let [since, held, oldest] = ["since", "held", "oldest"].map(|name| parameter(request, name));
            let query = PullQuery::parse(since.as_deref(), held.as_deref(), oldest.as_deref())?;
            let (relation, timing) = (sender.relation(), ledger.timing());
            let given = pulls::before_answer(&view, relation, &query).await?;
            ledger.commit(&mut view, given).await?;
            let (answer, batch) =
                pulls::answer(&view, &account, relation, &query, timing, clock.now_ms()).await?;
            (tagged(request, &answer.tag(), &answer), batch)
        }
        paths::INTERACTIONS => {
            let message: InteractionsMessage = body(request)?;
            let taken = threads::receive(&view, &account, &sender, &message, clock.now_ms()).await?;
            (received(200, &taken.0), taken.1)
        }
        path => {
            let Some(post) = paths::post_of_thread(path) else {
                return Err(Failure::new(404, format!("there is nothing at {path}")));
            };
            sender.require_friend()?;
            let after = parameter(request, "after");
            let page = threads::page(&view, &account, sender.relation(), post, after.as_deref()).await?;
            (tagged(request, &page.tag(), &page), sender.learn(&view, clock.now_ms()).await?)
        }
    };
    ledger.commit(&mut view, batch).await?;
    Ok((answer, view))
}

async fn authenticate(
    view: &OneView<'_>,
    account: &Account,
    clock: &OneClock,
    request: &Outgoing,
) -> Result<VerifiedPeer, PeerError> {
    let Outgoing { method, path, query, headers, body } = request;
    let parts = RequestParts { method, path, query, headers, body };
    peer::authenticate(view, account, parts, clock.now_ms()).await
}

fn body<T: DeserializeOwned>(request: &Outgoing) -> Result<T, Failure> {
    serde_json::from_slice(&request.body).map_err(|error| Failure::new(400, error))
}

fn parameter(request: &Outgoing, name: &str) -> Option<String> {
    let mut pairs = form_urlencoded::parse(request.query.as_bytes());
    pairs.find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
}
