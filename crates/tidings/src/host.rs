//! What one request's instance has on the host's side.

use crate::app::Component;
use crate::guest_log::GuestLog;
use crate::interfaces::KeyValue;
use crate::limits;
use crate::outbound::{Hooks, Outbound};
use crate::store::Session;
use std::sync::Arc;
use wasmtime::component::{Linker, ResourceTable};
use wasmtime::{Engine, StoreLimits, StoreLimitsBuilder};
use wasmtime_wasi::{FsPerms, WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

/// The state behind one instance; gone with the request.
pub struct State {
    /// Who is running, and what it may do.
    pub component: Arc<Component>,
    /// The resources that the component holds.
    pub table: ResourceTable,
    /// Its way to the store.
    pub key_value: KeyValue,
    /// What bounds its memory.
    pub limits: StoreLimits,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    hooks: Hooks,
}

impl State {
    /// State for a fresh instance. The session is dropped if the component may not use the store.
    ///
    /// # Errors
    /// When a directory that the component may read is gone.
    pub fn new(component: &Arc<Component>, session: Session, outbound: &Outbound) -> wasmtime::Result<Self> {
        let mut wasi = WasiCtx::builder();
        wasi.stdout(GuestLog::new(&component.id, "stdout"));
        wasi.stderr(GuestLog::new(&component.id, "stderr"));
        wasi.envs(&component.environment);
        // No sockets: calling out goes through wasi:http, where grants and addresses are checked.
        wasi.allow_tcp(false).allow_udp(false).allow_ip_name_lookup(false);
        for mount in &component.files.mounts {
            wasi.preopened_dir(&mount.source, &mount.destination, FsPerms::ReadOnly)?;
        }
        Ok(Self {
            component: Arc::clone(component),
            table: ResourceTable::new(),
            key_value: KeyValue::new(component.may_store.then_some(session)),
            limits: StoreLimitsBuilder::new().memory_size(limits::INSTANCE_MEMORY_BYTES).memories(1).build(),
            wasi: wasi.build(),
            http: WasiHttpCtx::new(),
            hooks: Hooks { outbound: outbound.clone(), component: Arc::clone(component) },
        })
    }
}

/// Everything that components can import.
///
/// # Errors
/// When two interfaces collide, which would be a mistake in this program.
pub fn linker(engine: &Engine) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
    crate::interfaces::add_to_linker(&mut linker)?;
    Ok(linker)
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { ctx: &mut self.http, table: &mut self.table, hooks: &mut self.hooks }
    }
}
