//! The server: accepts connections, finds the component for each request, and runs a fresh instance of it.

use crate::app::{self, App};
use crate::exchange::Exchange;
use crate::host::{self, State};
use crate::outbound::Outbound;
use crate::problem::Problem;
use crate::routes::Routes;
use crate::store::{Store, StoreOptions};
use crate::{engine, limits};
use anyhow::Context as _;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use std::collections::HashMap;
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};
use wasmtime_wasi_http::p2::bindings::ProxyPre;
use wasmtime_wasi_http::p2::body::HyperOutgoingBody;

/// What is served, where and how.
#[derive(Debug, Clone)]
pub struct ServeOptions {
    /// The manifest file.
    pub manifest: PathBuf,
    /// The address to listen on.
    pub listen: IpAddr,
    /// The port to listen on; 0 for a free one.
    pub port: u16,
    /// The data directory.
    pub data: PathBuf,
    /// Where compiled components are kept.
    pub cache: PathBuf,
    /// Variables that were given on the command line.
    pub variables: Vec<(String, String)>,
    /// Whether components may reach addresses that are not public.
    pub allow_private_network: bool,
    /// How old reads of the store may be, in seconds.
    pub stale_seconds: f64,
    /// The greatest number of keys in the store.
    pub max_keys: Option<u64>,
    /// How long a component may take for a request; [`limits::HANDLER_TIME`] except in tests.
    pub handler_time: Duration,
}

/// A server that listens, with everything compiled.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    shared: Arc<Shared>,
}

/// What all requests share.
pub(crate) struct Shared {
    routes: Routes,
    components: HashMap<String, Runnable>,
    /// As many permits as there may be instances.
    pub(crate) slots: Arc<Semaphore>,
    pub(crate) handler_time: Duration,
    pub(crate) store: Arc<Store>,
    pub(crate) outbound: Outbound,
}

/// A component that is ready to be instantiated.
#[derive(Clone)]
pub(crate) struct Runnable {
    pub(crate) component: Arc<app::Component>,
    pub(crate) prepared: ProxyPre<State>,
}

impl Server {
    /// Opens the port, reads the manifest, opens the store and compiles the components.
    ///
    /// # Errors
    /// When any of these fails; the message says what to do where there is something to do.
    pub async fn bind(options: ServeOptions) -> anyhow::Result<Self> {
        let address = SocketAddr::new(options.listen, options.port);
        let listener =
            TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))?;
        let address = listener.local_addr()?;
        // Compiling takes long and would keep others waiting.
        let shared = tokio::task::spawn_blocking(move || Shared::prepare(&options)).await??;
        Ok(Self { listener, address, shared: Arc::new(shared) })
    }

    /// The address that the server listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address as a URL without a path.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Serves until `stop` is done, then lets requests that have begun finish (for at most
    /// [`limits::SHUTDOWN_TIME`]) and closes the store.
    ///
    /// # Errors
    /// None at present; a failing connection concerns itself alone.
    pub async fn run(self, stop: impl Future<Output = ()>) -> anyhow::Result<()> {
        let Self { listener, shared, .. } = self;
        let connections = GracefulShutdown::new();
        let places = Arc::new(Semaphore::new(limits::CONNECTIONS));
        let accept = async {
            loop {
                let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
                match listener.accept().await {
                    Ok((stream, client)) => {
                        let connection = connections.watch(connection(Arc::clone(&shared), stream, client));
                        tokio::spawn(async move {
                            if let Err(error) = connection.await {
                                tracing::debug!(%error, %client, "a connection ended badly");
                            }
                            drop(place);
                        });
                    }
                    Err(error) => {
                        // Too many open files, most likely: waiting lets some of them close.
                        tracing::warn!(%error, "cannot accept connections");
                        tokio::time::sleep(Duration::from_millis(100)).await;
                    }
                }
            }
        };
        tokio::select! {
            () = stop => {}
            () = accept => {}
        }
        drop(listener);
        tracing::info!("stopping; requests that have begun may finish");
        let deadline = Instant::now() + limits::SHUTDOWN_TIME;
        let finished = timeout_at(deadline, async {
            connections.shutdown().await;
            // A component may go on after its answer; it holds a slot until it is done.
            let _ = shared.slots.acquire_many(limits::INSTANCES).await;
        });
        if finished.await.is_err() {
            tracing::warn!("some requests did not finish in time");
        }
        shared.store.close().await;
        Ok(())
    }
}

impl Shared {
    fn prepare(options: &ServeOptions) -> anyhow::Result<Self> {
        let app = App::load(&options.manifest, &options.variables, |name| std::env::var(name).ok())?;
        let stale = Duration::from_secs_f64(options.stale_seconds);
        let store = Store::open(&options.data, StoreOptions { stale, max_keys: options.max_keys })?;
        let engine = engine::new(&options.cache)?;
        let linker = host::linker(&engine).map_err(engine::plain)?;
        let begun = std::time::Instant::now();
        let mut components = HashMap::new();
        for (id, component) in app.components {
            let prepared = engine::prepare(&engine, &linker, &component)?;
            components.insert(id, Runnable { component, prepared });
        }
        tracing::info!(
            app = app.name,
            components = components.len(),
            compile_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
            "ready"
        );
        Ok(Self {
            routes: app.routes,
            components,
            slots: Arc::new(Semaphore::new(limits::INSTANCES as usize)),
            handler_time: options.handler_time,
            store,
            outbound: Outbound::new(options.allow_private_network)?,
        })
    }

    async fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
        client: SocketAddr,
    ) -> Response<HyperOutgoingBody> {
        let exchange = Exchange::new(&request, client);
        let route = self.routes.find(request.uri().path());
        let found = route.and_then(|route| Some((self.components.get(&route.component)?.clone(), route)));
        match found {
            Some((runnable, route)) => exchange.run(&self, runnable, &route, request).await,
            None => exchange.refuse(Problem::NoRoute),
        }
    }
}

type Connection<S> = http1::Connection<TokioIo<TcpStream>, S>;

fn connection(
    shared: Arc<Shared>,
    stream: TcpStream,
    client: SocketAddr,
) -> Connection<
    impl Service<
        Request<Incoming>,
        Response = Response<HyperOutgoingBody>,
        Error = Infallible,
        Future: Send + 'static,
    >,
> {
    // Answers that go out in several small writes must not wait for acknowledgements.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "cannot set TCP_NODELAY");
    }
    let service = service_fn(move |request| {
        let shared = Arc::clone(&shared);
        async move { Ok::<_, Infallible>(shared.answer(request, client).await) }
    });
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits::REQUEST_HEAD_TIME)
        .serve_connection(TokioIo::new(stream), service)
}

/// A future that is done when the process is asked to stop, by Ctrl-C or SIGTERM.
///
/// # Errors
/// When the process cannot listen to signals.
pub fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        Ok(async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        })
    }
    #[cfg(not(unix))]
    {
        Ok(async {
            // Without signals there is nothing to wait for but the end of the process.
            if tokio::signal::ctrl_c().await.is_err() {
                std::future::pending::<()>().await;
            }
        })
    }
}
