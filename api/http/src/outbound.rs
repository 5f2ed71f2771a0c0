//! Requests to other deployments: written as HTTP, signed, sent at the same time, and read within limits.

use crate::world::{now_ms, sleep};
use futures::StreamExt;
use futures::future::{Either, join_all, select};
use serde::Serialize;
use serde::de::DeserializeOwned;
use spin_sdk::http::{IncomingResponse, Method, Request as SpinRequest, SendError, send};
use std::pin::pin;
use std::time::Duration;
use tidings_protocol::limits::ANSWER_BODY_BYTES;
use tidings_protocol::request_signature::{RequestParts, sign_request};
use tidings_protocol::{Address, Discovery, Problem, paths};
use tidings_social::Account;
use tidings_social::friends::FriendError;
use tidings_social::sync::{PeerAnswer, PeerRequest, Task};
use url::form_urlencoded;

/// How long another deployment may take to answer. One that is slower is asked again later.
const ANSWER_TIME: Duration = Duration::from_secs(6);

/// Characters of a foreign error text that are kept.
const REASON_CHARS: usize = 200;

/// Sends all requests at the same time and waits for all answers.
pub async fn send_all(account: &Account, requests: Vec<PeerRequest>) -> Vec<(PeerRequest, PeerAnswer)> {
    join_all(requests.into_iter().map(|request| async move {
        let answer = send_one(account, &request).await;
        (request, answer)
    }))
    .await
}

/// Fetches a discovery document.
///
/// # Errors
/// [`FriendError::Unreachable`] or [`FriendError::NoDeployment`].
pub async fn discover(address: &Address) -> Result<Discovery, FriendError> {
    let outgoing =
        Outgoing { method: Method::Get, path: paths::DISCOVERY, query: String::new(), body: Vec::new() };
    let address = address.clone();
    match exchange(&address, outgoing, Vec::new(), PeerAnswer::Discovery).await {
        PeerAnswer::Discovery(discovery) => Ok(discovery),
        PeerAnswer::Unreachable { reason } => Err(FriendError::Unreachable { address, reason }),
        PeerAnswer::Refused { status, reason } => {
            Err(FriendError::NoDeployment { address, reason: format!("it answered {status}, {reason}") })
        }
        _ => Err(FriendError::NoDeployment { address, reason: "it answered something else".into() }),
    }
}

/// A request before it is signed.
struct Outgoing {
    method: Method,
    path: &'static str,
    query: String,
    body: Vec<u8>,
}

impl Outgoing {
    fn post(path: &'static str, body: &impl Serialize) -> Self {
        // Our wire types are structs with text keys, which always have a JSON form.
        let body = serde_json::to_vec(body).unwrap_or_default();
        Self { method: Method::Post, path, query: String::new(), body }
    }

    fn get(path: &'static str, query: String) -> Self {
        Self { method: Method::Get, path, query, body: Vec::new() }
    }
}

async fn send_one(account: &Account, request: &PeerRequest) -> PeerAnswer {
    let address = &request.address;
    match &request.task {
        Task::Discover => {
            exchange(
                address,
                Outgoing::get(paths::DISCOVERY, String::new()),
                Vec::new(),
                PeerAnswer::Discovery,
            )
            .await
        }
        Task::Friendship(message) => {
            let outgoing = Outgoing::post(paths::FRIENDSHIP, message);
            let headers = signature(account, request, &outgoing);
            exchange(address, outgoing, headers, PeerAnswer::Friendship).await
        }
        Task::Notify(notification) => {
            let outgoing = Outgoing::post(paths::NOTIFICATIONS, notification);
            let headers = signature(account, request, &outgoing);
            exchange(address, outgoing, headers, PeerAnswer::Notification).await
        }
        Task::Pull { since, held } => {
            let mut query = form_urlencoded::Serializer::new(String::new());
            if let Some(since) = since {
                query.append_pair("since", since);
            }
            if let Some(held) = held {
                query.append_pair("held", &held.to_string());
            }
            let outgoing = Outgoing::get(paths::CHANGES, query.finish());
            let headers = signature(account, request, &outgoing);
            exchange(address, outgoing, headers, PeerAnswer::Changes).await
        }
    }
}

fn signature(account: &Account, request: &PeerRequest, outgoing: &Outgoing) -> Vec<(String, String)> {
    let parts = RequestParts {
        method: &outgoing.method.to_string(),
        path: outgoing.path,
        query: &outgoing.query,
        headers: &[],
        body: &outgoing.body,
    };
    let certificate = request.with_certificate.then(|| account.certificate());
    let from = account.fingerprint();
    sign_request(parts, &from, &request.to, certificate, account.deployment_key(), now_ms() / 1_000)
}

async fn exchange<T: DeserializeOwned>(
    address: &Address,
    outgoing: Outgoing,
    headers: Vec<(String, String)>,
    answer: impl FnOnce(T) -> PeerAnswer,
) -> PeerAnswer {
    let work = pin!(converse(address, outgoing, headers));
    let answered = match select(work, pin!(sleep(ANSWER_TIME))).await {
        Either::Left((answered, _)) => answered,
        Either::Right(((), _)) => Err(format!("no answer within {} seconds", ANSWER_TIME.as_secs())),
    };
    match answered {
        Err(reason) => PeerAnswer::Unreachable { reason },
        Ok((status @ 200..=299, body)) => match serde_json::from_slice(&body) {
            Ok(value) => answer(value),
            Err(error) => {
                PeerAnswer::Refused { status, reason: format!("but not in the expected form: {error}") }
            }
        },
        Ok((status, body)) => {
            let told = serde_json::from_slice::<Problem>(&body).map(|problem| problem.detail);
            let reason = told.unwrap_or_else(|_| "without a reason".to_owned());
            PeerAnswer::Refused { status, reason: reason.chars().take(REASON_CHARS).collect() }
        }
    }
}

/// Status and body of the answer. Redirects are not followed: an address is what its certificate says.
async fn converse(
    address: &Address,
    outgoing: Outgoing,
    headers: Vec<(String, String)>,
) -> Result<(u16, Vec<u8>), String> {
    let query = if outgoing.query.is_empty() { String::new() } else { format!("?{}", outgoing.query) };
    let url = address.join(&format!("{}{query}", outgoing.path));
    let mut builder = SpinRequest::builder();
    builder.method(outgoing.method).uri(url).header("accept", "application/json");
    if !outgoing.body.is_empty() {
        builder.header("content-type", "application/json");
        builder.header("content-length", outgoing.body.len().to_string());
    }
    for (name, value) in headers {
        builder.header(name, value);
    }
    let request = builder.body(outgoing.body).build();
    let response: IncomingResponse = send(request).await.map_err(|error: SendError| match error {
        SendError::Http(code) => format!("{code:?}"),
        other => other.to_string(),
    })?;
    let status = response.status();
    let mut body = Vec::new();
    let mut stream = pin!(response.take_body_stream());
    while let Some(chunk) = stream.next().await {
        body.extend(chunk.map_err(|_| "the connection broke off".to_owned())?);
        if body.len() > ANSWER_BODY_BYTES {
            return Err(format!("the answer has more than {ANSWER_BODY_BYTES} bytes"));
        }
    }
    Ok((status, body))
}
