//! One request and its answer: the limits around it, the instance inside, the log line at its end.

use crate::headers;
use crate::host::State;
use crate::limits;
use crate::problem::Problem;
use crate::request_body::{LimitedBody, TooLong};
use crate::routes::RouteMatch;
use crate::server::{Runnable, Shared};
use http::header::CONTENT_LENGTH;
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::{Arc, OnceLock};
use std::time::Instant;
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tokio::time::timeout_at;
use wasmtime::Store;
use wasmtime::component::Resource;
use wasmtime_wasi_http::WasiHttpView as _;
use wasmtime_wasi_http::p2::bindings::http::types::{ErrorCode, Scheme};
use wasmtime_wasi_http::p2::body::HyperOutgoingBody;
use wasmtime_wasi_http::p2::types::{HostIncomingRequest, HostResponseOutparam};

/// A request that is being answered.
pub(crate) struct Exchange {
    begun: Instant,
    client: SocketAddr,
    method: String,
    path: String,
    component: Option<String>,
}

/// What the component answers, or why it does not.
type Answer = Result<Response<HyperOutgoingBody>, Problem>;

impl Exchange {
    pub(crate) fn new(request: &Request<Incoming>, client: SocketAddr) -> Self {
        Self {
            begun: Instant::now(),
            client,
            method: request.method().to_string(),
            // Without the query, which may hold secrets.
            path: request.uri().path().to_owned(),
            component: None,
        }
    }

    /// Answers in the component's place.
    pub(crate) fn refuse(self, problem: Problem) -> Response<HyperOutgoingBody> {
        self.log(problem.status(), 0);
        problem.response()
    }

    /// Lets a component answer.
    pub(crate) async fn run(
        mut self,
        shared: &Arc<Shared>,
        runnable: Runnable,
        route: &RouteMatch,
        request: Request<Incoming>,
    ) -> Response<HyperOutgoingBody> {
        self.component = Some(runnable.component.id.clone());
        let deadline = self.begun + shared.handler_time;
        let too_long = TooLong::default();
        let (mut parts, body) = request.into_parts();
        let declared =
            parts.headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
        let body = LimitedBody::new(body, &parts.headers, limits::REQUEST_BODY_BYTES, too_long.clone());
        if declared.is_some_and(|length: u64| length > limits::REQUEST_BODY_BYTES) {
            return self.refuse(Problem::BodyTooLarge);
        }
        if headers::set(&mut parts.headers, &parts.uri, route, self.client).is_err() {
            return self.refuse(Problem::BadRequest);
        }
        let waiting = timeout_at(deadline.into(), Arc::clone(&shared.slots).acquire_owned());
        let Ok(Ok(slot)) = waiting.await else { return self.refuse(Problem::Busy) };

        let (answer, answered) = oneshot::channel();
        let run = Run { shared: Arc::clone(shared), runnable, too_long, status: Arc::default(), slot };
        // A task of its own: the component may go on after its answer, and whether or not the client waits for it.
        let task = tokio::spawn(run.run(self, Request::from_parts(parts, body), deadline, answer));
        match answered.await {
            Ok(Ok(response)) => response,
            Ok(Err(problem)) => problem.response(),
            Err(_) => match task.await {
                Ok(problem) => problem.response(),
                Err(error) => {
                    tracing::error!(%error, "a request's task failed");
                    Problem::ComponentFailed.response()
                }
            },
        }
    }

    fn log(&self, status: StatusCode, operations: u32) {
        tracing::info!(
            method = self.method,
            path = self.path,
            component = self.component.as_deref().unwrap_or("-"),
            status = status.as_u16(),
            duration_ms = (self.begun.elapsed().as_secs_f64() * 100_000.0).round() / 100.0,
            store_operations = operations,
            "request"
        );
    }
}

/// One run of a component.
struct Run {
    shared: Arc<Shared>,
    runnable: Runnable,
    too_long: TooLong,
    /// The status of the component's answer, as soon as there is one.
    status: Arc<OnceLock<StatusCode>>,
    slot: OwnedSemaphorePermit,
}

/// How a run ended.
enum Ended {
    /// By itself: well, or with a trap.
    Alone(wasmtime::Result<()>),
    /// Stopped: the request's body was too long, and there was no answer yet.
    TooLong,
    /// Stopped: the time was up.
    Late,
}

/// An instance's state, with the request and the place for the answer in it.
type Instance = (Store<State>, Resource<HostIncomingRequest>, Resource<HostResponseOutparam>);

impl Run {
    /// Runs the component to its end. The problem it returns is the answer if the component gave none.
    async fn run(
        self,
        exchange: Exchange,
        request: Request<LimitedBody<Incoming>>,
        deadline: Instant,
        answer: oneshot::Sender<Answer>,
    ) -> Problem {
        let (ended, operations) = match self.instance(request, answer) {
            Ok((mut store, request, out)) => {
                let ended = self.call(&mut store, request, out, deadline).await;
                (ended, store.data().key_value.operations())
            }
            Err(error) => (Ended::Alone(Err(error)), 0),
        };
        let problem = self.judge(ended);
        exchange.log(self.status.get().copied().unwrap_or(problem.status()), operations);
        drop(self.slot);
        problem
    }

    fn instance(
        &self,
        request: Request<LimitedBody<Incoming>>,
        answer: oneshot::Sender<Answer>,
    ) -> wasmtime::Result<Instance> {
        let state = State::new(&self.runnable.component, self.shared.store.session(), &self.shared.outbound)?;
        let mut store = Store::new(self.runnable.prepared.engine(), state);
        store.limiter(|state| &mut state.limits);
        store.set_epoch_deadline(1);
        store.epoch_deadline_async_yield_and_update(1);
        let request = store.data_mut().http().new_incoming_request(Scheme::Http, request)?;
        let (status, too_long) = (Arc::clone(&self.status), self.too_long.clone());
        let component = Arc::clone(&self.runnable.component);
        let take = move |result: Result<Response<HyperOutgoingBody>, ErrorCode>| {
            // What a component says about a body that the host cut off is not what the client should hear.
            if too_long.has_happened() {
                return;
            }
            let result = result.map_err(|code| {
                tracing::error!(component = component.id, ?code, "the component answered with an error code");
                Problem::ComponentFailed
            });
            let is = result.as_ref().map_or_else(|problem| problem.status(), Response::status);
            // A component can answer once only, so nothing can be in there yet; nor does anybody else send.
            let _ = status.set(is);
            let _ = answer.send(result);
        };
        let out = store.data_mut().http().new_response_outparam_from_callback(take)?;
        Ok((store, request, out))
    }

    async fn call(
        &self,
        store: &mut Store<State>,
        request: Resource<HostIncomingRequest>,
        out: Resource<HostResponseOutparam>,
        deadline: Instant,
    ) -> Ended {
        let running = async {
            let proxy = self.runnable.prepared.instantiate_async(&mut *store).await?;
            proxy.wasi_http_incoming_handler().call_handle(&mut *store, request, out).await
        };
        let mut running = pin!(timeout_at(deadline.into(), running));
        loop {
            tokio::select! {
                biased;
                () = self.too_long.happens() => {
                    if self.status.get().is_none() {
                        return Ended::TooLong;
                    }
                }
                result = &mut running => return result.map_or(Ended::Late, Ended::Alone),
            }
        }
    }

    /// Tells the log what went wrong, and what the client hears if it has heard nothing yet.
    fn judge(&self, ended: Ended) -> Problem {
        let component = &self.runnable.component.id;
        let answered = self.status.get().is_some();
        match ended {
            Ended::TooLong => Problem::BodyTooLarge,
            Ended::Late => {
                tracing::error!(component, answered, "the component was stopped because its time was up");
                Problem::Timeout
            }
            Ended::Alone(result) => {
                match result {
                    Ok(()) if answered => {}
                    Ok(()) => tracing::error!(component, "the component ended without an answer"),
                    // Printed with `?`, because the text has many lines and the log has one.
                    Err(error) => {
                        let error = format!("{error:#}");
                        tracing::error!(component, answered, ?error, "the component failed");
                    }
                }
                if self.too_long.has_happened() { Problem::BodyTooLarge } else { Problem::ComponentFailed }
            }
        }
    }
}
