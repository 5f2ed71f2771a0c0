//! Requests that components send.
//!
//! Two checks stand before every connection. The manifest must grant scheme, host and port. Then the name is
//! resolved, and only addresses of the public internet are connected to, the very ones that were checked; so a name
//! that resolves differently a moment later changes nothing. Redirects are not followed here: a component that
//! follows one sends a new request, which passes through the same two checks.

use crate::limits;
use crate::networks::is_public;
use bytes::Bytes;
use http::uri::{PathAndQuery, Scheme};
use http::{Request, Response, Uri};
use http_body_util::BodyExt as _;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Sleep, timeout};
use tokio_rustls::TlsConnector;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

/// What all outgoing requests share.
#[derive(Clone)]
pub struct Outbound {
    tls: TlsConnector,
    allow_private: bool,
}

impl std::fmt::Debug for Outbound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outbound").field("allow_private", &self.allow_private).finish_non_exhaustive()
    }
}

impl Outbound {
    /// Prepares TLS with the certificate authorities that the machine trusts, or Mozilla's where it names none.
    ///
    /// # Errors
    /// When the TLS library does not work.
    pub fn new(allow_private: bool) -> anyhow::Result<Self> {
        let mut roots = rustls::RootCertStore::empty();
        let native = rustls_native_certs::load_native_certs();
        for error in &native.errors {
            tracing::debug!(%error, "some certificate authorities of the machine could not be read");
        }
        let (added, _) = roots.add_parsable_certificates(native.certs);
        if added == 0 {
            roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self { tls: TlsConnector::from(Arc::new(config)), allow_private })
    }

    /// Sends a request whose URI is absolute and granted. Returns the response and what drives its connection.
    async fn send(
        self,
        request: Request<WasiBody>,
        times: Times,
    ) -> Result<(Response<WasiBody>, Driver), Error> {
        let uri = request.uri().clone();
        let connect = timeout(times.connect, self.connect(&uri));
        let stream = connect.await.map_err(|_| Error::ConnectionTimeout)??;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        // Spawned rather than awaited: the body of the request goes out while the response comes in.
        let driver = Driver(tokio::spawn(connection));
        let request = origin_form(request);
        let response = timeout(times.first_byte, sender.send_request(request))
            .await
            .map_err(|_| Error::ConnectionReadTimeout)??;
        let response = response.map(|body| TimedBody::new(body, times.between_bytes).boxed_unsync());
        Ok((response, driver))
    }

    async fn connect(&self, uri: &Uri) -> Result<Box<dyn Stream>, Error> {
        let host = uri.host().ok_or(Error::HttpRequestUriInvalid)?;
        let name = host.trim_start_matches('[').trim_end_matches(']');
        let use_tls = uri.scheme() == Some(&Scheme::HTTPS);
        let port = uri.port_u16().unwrap_or(if use_tls { 443 } else { 80 });
        let addresses = self.resolve(name, port).await?;
        let stream = connect_to_any(&addresses).await?;
        // Small requests must not wait for acknowledgements of earlier ones.
        stream.set_nodelay(true).map_err(Error::Connect)?;
        if !use_tls {
            return Ok(Box::new(stream));
        }
        let server = ServerName::try_from(name.to_owned()).map_err(|_| Error::HttpRequestUriInvalid)?;
        let stream = self.tls.connect(server, stream).await.map_err(Error::Tls)?;
        Ok(Box::new(stream))
    }

    /// The addresses of a name that may be connected to.
    async fn resolve(&self, name: &str, port: u16) -> Result<Vec<SocketAddr>, Error> {
        let found = tokio::net::lookup_host((name, port)).await;
        let found: Vec<SocketAddr> = found
            .map_err(|error| Error::DnsError { rcode: Some(error.to_string()), info_code: None })?
            .collect();
        let allowed: Vec<SocketAddr> =
            found.iter().copied().filter(|address| self.allow_private || is_public(address.ip())).collect();
        if allowed.is_empty() && !found.is_empty() {
            tracing::warn!(
                host = name,
                "refused an outgoing connection to a private network; --allow-private-network would allow it"
            );
            return Err(Error::DestinationIpProhibited);
        }
        Ok(allowed)
    }
}

/// How long the parts of a request may take.
#[derive(Debug, Clone, Copy)]
struct Times {
    connect: Duration,
    first_byte: Duration,
    between_bytes: Duration,
}

impl From<Option<RequestOptions>> for Times {
    fn from(options: Option<RequestOptions>) -> Self {
        let options = options.unwrap_or_default();
        Self {
            connect: options.connect_timeout.unwrap_or(limits::CONNECT_TIME),
            first_byte: options.first_byte_timeout.unwrap_or(limits::FIRST_BYTE_TIME),
            between_bytes: options.between_bytes_timeout.unwrap_or(limits::BETWEEN_BYTES_TIME),
        }
    }
}

/// What a component's outgoing requests pass through.
#[derive(Debug, Clone)]
pub struct Hooks {
    /// What is shared.
    pub outbound: Outbound,
    /// What the component may reach.
    pub component: Arc<crate::app::Component>,
}

type Sending = dyn Future<Output = Result<(Response<WasiBody>, Box<dyn Future<Output = Result<(), Error>> + Send>), Error>>
    + Send;

impl WasiHttpHooks for Hooks {
    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<Sending> {
        let granted = self.component.grants.allow(request.uri());
        let (outbound, component) = (self.outbound.clone(), self.component.id.clone());
        Box::new(async move {
            if !granted {
                let to = request.uri().authority().map(ToString::to_string);
                tracing::warn!(component, to, "refused an outgoing request that the manifest does not grant");
                return Err(Error::HttpRequestDenied);
            }
            let (response, driver) = outbound.send(request, options.into()).await?;
            Ok((response, Box::new(driver) as Box<dyn Future<Output = _> + Send>))
        })
    }
}

/// A connection, plain or TLS.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Tries addresses one after the other, as long as the caller waits. Each but the last gets a part of the time only,
/// so that one that never answers does not use it up.
async fn connect_to_any(addresses: &[SocketAddr]) -> Result<TcpStream, Error> {
    let mut failure = Error::DestinationNotFound;
    for (index, address) in addresses.iter().enumerate() {
        let is_last = index + 1 == addresses.len();
        let connecting = TcpStream::connect(address);
        let result = if is_last {
            connecting.await
        } else {
            timeout(limits::CONNECT_TIME / 5, connecting)
                .await
                .unwrap_or(Err(std::io::ErrorKind::TimedOut.into()))
        };
        match result {
            Ok(stream) => return Ok(stream),
            Err(error) => failure = connect_error(error),
        }
    }
    Err(failure)
}

fn connect_error(error: std::io::Error) -> Error {
    match error.kind() {
        std::io::ErrorKind::ConnectionRefused => Error::ConnectionRefused,
        std::io::ErrorKind::TimedOut => Error::ConnectionTimeout,
        std::io::ErrorKind::HostUnreachable | std::io::ErrorKind::NetworkUnreachable => {
            Error::DestinationIpUnroutable
        }
        _ => Error::Connect(error),
    }
}

/// To the server itself one sends the path alone.
fn origin_form(mut request: Request<WasiBody>) -> Request<WasiBody> {
    let path = request.uri().path_and_query().cloned().unwrap_or(PathAndQuery::from_static("/"));
    *request.uri_mut() = Uri::from(path);
    request
}

/// Keeps a connection going; ends it when dropped.
struct Driver(tokio::task::JoinHandle<Result<(), hyper::Error>>);

impl Future for Driver {
    type Output = Result<(), Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context).map(|joined| match joined {
            Ok(result) => result.map_err(Error::from),
            Err(_) => Err(Error::ConnectionTerminated),
        })
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A response's body that fails when it pauses for too long.
struct TimedBody {
    inner: hyper::body::Incoming,
    pause: Duration,
    deadline: Pin<Box<Sleep>>,
}

impl TimedBody {
    fn new(inner: hyper::body::Incoming, pause: Duration) -> Self {
        Self { inner, pause, deadline: Box::pin(tokio::time::sleep(pause)) }
    }
}

impl http_body::Body for TimedBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, Error>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.inner).poll_frame(context) {
            let deadline = Instant::now() + self.pause;
            self.deadline.as_mut().reset(deadline.into());
            return Poll::Ready(frame.map(|frame| frame.map_err(Error::from)));
        }
        self.deadline.as_mut().poll(context).map(|()| Some(Err(Error::ConnectionReadTimeout)))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.inner.size_hint()
    }
}
