//! Compiling components, and keeping what was compiled.

use crate::app::Component;
use crate::host::State;
use crate::limits;
use anyhow::{Context as _, anyhow};
use std::path::Path;
use wasmtime::component::Linker;
use wasmtime::{Cache, CacheConfig, Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};
use wasmtime_wasi_http::p2::bindings::ProxyPre;

/// Core instances, and tables, that one component may consist of. The tools make three or four.
const PARTS: u32 = 8;

/// Makes an engine that keeps compiled components in the directory `cache`.
///
/// # Errors
/// When the directory cannot be made or the machine cannot run compiled code.
pub fn new(cache: &Path) -> anyhow::Result<Engine> {
    let mut config = Config::new();
    let cache = open_cache(cache)
        .with_context(|| format!("cannot keep compiled components in {}", cache.display()))?;
    config.cache(Some(cache));
    // Without it a component in an endless loop could not be stopped.
    config.epoch_interruption(true);
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool()));
    let engine = Engine::new(&config).or_else(|error| {
        // Pooling reserves much address space, which some machines ration.
        tracing::warn!(%error, "instances cannot be pooled on this machine; requests will be slower");
        config.allocation_strategy(InstanceAllocationStrategy::OnDemand);
        Engine::new(&config)
    });
    let engine = engine.map_err(plain)?;
    start_ticking(&engine)?;
    Ok(engine)
}

/// The runtime's errors in the form that the rest of the program uses.
pub(crate) fn plain(error: wasmtime::Error) -> anyhow::Error {
    anyhow!("{error:#}")
}

fn open_cache(directory: &Path) -> anyhow::Result<Cache> {
    std::fs::create_dir_all(directory)?;
    let mut config = CacheConfig::new();
    config.with_directory(directory.canonicalize()?);
    Cache::new(config).map_err(plain)
}

fn pool() -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(limits::INSTANCES)
        .total_core_instances(limits::INSTANCES * PARTS)
        .total_memories(limits::INSTANCES)
        .total_tables(limits::INSTANCES * PARTS)
        .total_stacks(limits::INSTANCES)
        .max_core_instances_per_component(PARTS)
        .max_tables_per_component(PARTS)
        .max_memories_per_component(1)
        .max_memory_size(limits::INSTANCE_MEMORY_BYTES);
    pool
}

/// Lets busy components pause regularly, as long as the engine exists.
fn start_ticking(engine: &Engine) -> std::io::Result<()> {
    let engine = engine.weak();
    let tick = move || {
        while let Some(engine) = engine.upgrade() {
            engine.increment_epoch();
            drop(engine);
            std::thread::sleep(limits::TIME_SLICE);
        }
    };
    std::thread::Builder::new().name("ticker".to_owned()).spawn(tick).map(drop)
}

/// Compiles a component, or finds it compiled, and links it as far as can be done before a request.
///
/// # Errors
/// When the file is not a component, imports an interface that this host does not provide (the message names it),
/// or does not answer HTTP requests.
pub fn prepare(
    engine: &Engine,
    linker: &Linker<State>,
    component: &Component,
) -> anyhow::Result<ProxyPre<State>> {
    let in_component = || format!("in component {:?} ({})", component.id, component.source.display());
    let compiled = wasmtime::component::Component::from_file(engine, &component.source)
        .map_err(|error| anyhow!("it cannot be compiled: {error:#}"))
        .with_context(in_component)?;
    let linked = linker
        .instantiate_pre(&compiled)
        .map_err(|error| anyhow!("it imports what this host does not provide: {error:#}"))
        .with_context(in_component)?;
    ProxyPre::new(linked)
        .map_err(|error| anyhow!("it does not export wasi:http/incoming-handler@0.2: {error:#}"))
        .with_context(in_component)
}
