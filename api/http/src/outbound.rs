//! Carrying requests to other deployments: all at the same time, with a limit of time and size for each.

use crate::world::{now_ms, sleep};
use futures::StreamExt;
use futures::future::{Either, join_all, select};
use spin_sdk::http::{IncomingResponse, Method, Request as SpinRequest, SendError, send};
use std::pin::pin;
use std::time::Duration;
use tidings_protocol::limits::ANSWER_BODY_BYTES;
use tidings_protocol::{Address, Discovery};
use tidings_social::Account;
use tidings_social::friends::FriendError;
use tidings_social::sync::{Outgoing, PeerAnswer, PeerRequest, Peers, Received, Task};

/// How long another deployment may take to answer. One that is slower is asked again later.
const ANSWER_TIME: Duration = Duration::from_secs(6);

/// The other deployments, over the host's outbound HTTP.
#[derive(Debug, Clone, Copy)]
pub struct Outbound;

impl Peers for Outbound {
    async fn send_all(
        &self,
        account: &Account,
        requests: Vec<PeerRequest>,
    ) -> Vec<(PeerRequest, PeerAnswer)> {
        join_all(requests.into_iter().map(|request| async move {
            let received = exchange(&request.address, request.outgoing(account, now_ms())).await;
            let answer = request.task.answered(received);
            (request, answer)
        }))
        .await
    }
}

/// Fetches a discovery document.
///
/// # Errors
/// [`FriendError::Unreachable`] or [`FriendError::NoDeployment`].
pub async fn discover(address: &Address) -> Result<Discovery, FriendError> {
    let answer = Task::Discover.answered(exchange(address, Outgoing::discovery()).await);
    let address = address.clone();
    match answer {
        PeerAnswer::Discovery(discovery) => Ok(discovery),
        PeerAnswer::Unreachable { reason } => Err(FriendError::Unreachable { address, reason }),
        PeerAnswer::Refused { status, reason, .. } => {
            Err(FriendError::NoDeployment { address, reason: format!("it answered {status}, {reason}") })
        }
        _ => Err(FriendError::NoDeployment { address, reason: "it answered something else".into() }),
    }
}

/// Sends one request and waits for the answer, but not for long.
async fn exchange(address: &Address, outgoing: Outgoing) -> Result<Received, String> {
    let work = pin!(converse(address, outgoing));
    match select(work, pin!(sleep(ANSWER_TIME))).await {
        Either::Left((answered, _)) => answered,
        Either::Right(((), _)) => Err(format!("no answer within {} seconds", ANSWER_TIME.as_secs())),
    }
}

/// The answer. Redirects are not followed: an address is what its certificate says.
async fn converse(address: &Address, outgoing: Outgoing) -> Result<Received, String> {
    let query = if outgoing.query.is_empty() { String::new() } else { format!("?{}", outgoing.query) };
    let url = address.join(&format!("{}{query}", outgoing.path));
    let mut builder = SpinRequest::builder();
    let method = if outgoing.method == "POST" { Method::Post } else { Method::Get };
    builder.method(method).uri(url);
    for (name, value) in outgoing.headers {
        builder.header(name, value);
    }
    let request = builder.body(outgoing.body).build();
    let response: IncomingResponse = send(request).await.map_err(|error: SendError| match error {
        SendError::Http(code) => format!("{code:?}"),
        other => other.to_string(),
    })?;
    let status = response.status();
    let fields = response.headers().entries().into_iter();
    let headers = fields
        .map(|(name, value)| (name.to_ascii_lowercase(), String::from_utf8_lossy(&value).into_owned()))
        .collect();
    let mut body = Vec::new();
    let mut stream = pin!(response.take_body_stream());
    while let Some(chunk) = stream.next().await {
        body.extend(chunk.map_err(|_| "the connection broke off".to_owned())?);
        if body.len() > ANSWER_BODY_BYTES {
            return Err(format!("the answer has more than {ANSWER_BODY_BYTES} bytes"));
        }
    }
    Ok(Received { status, headers, body })
}
