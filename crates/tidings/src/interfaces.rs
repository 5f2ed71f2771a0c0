//! The interfaces `fermyon:spin/key-value@2.0.0` and `fermyon:spin/variables@2.0.0`, as components see them.

use crate::host::State;
use crate::limits;
use crate::manifest::DEFAULT_STORE;
use crate::store::{Session, StoreError};
use crate::variables::is_name;
use bindings::fermyon::spin::key_value::{Error, Host, HostStore};
use bindings::fermyon::spin::variables;
use std::collections::BTreeMap;
use wasmtime::component::{HasData, Linker, Resource, ResourceTable};

#[allow(missing_docs)] // The generated code has the WIT file's comments where they matter.
mod bindings {
    wasmtime::component::bindgen!({
        path: "wit",
        world: "host",
        imports: { default: async | trappable },
        with: { "fermyon:spin/key-value.store": super::OpenStore },
    });
}

/// A store that a component has opened. There is only one, so there is nothing to tell apart.
#[derive(Debug)]
pub struct OpenStore;

/// What one request's component may do with the store.
#[derive(Debug)]
pub struct KeyValue {
    /// The request's way to the store; `None` when the manifest grants the component no store.
    session: Option<Session>,
    open: usize,
}

impl KeyValue {
    /// Access through `session`, or none.
    pub fn new(session: Option<Session>) -> Self {
        Self { session, open: 0 }
    }

    /// How many store operations the request has asked for.
    pub fn operations(&self) -> u32 {
        self.session.as_ref().map_or(0, Session::operations)
    }
}

/// What the interface works on: the request's access, and the table of its open stores.
pub struct View<'a> {
    access: &'a mut KeyValue,
    table: &'a mut ResourceTable,
}

struct HasKeyValue;

impl HasData for HasKeyValue {
    type Data<'a> = View<'a>;
}

struct HasVariables;

impl HasData for HasVariables {
    type Data<'a> = VariablesView<'a>;
}

/// The component's variables by name, with their values.
pub struct VariablesView<'a>(&'a BTreeMap<String, String>);

/// Makes both interfaces available to components.
///
/// # Errors
/// When they are in the linker already.
pub fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    bindings::fermyon::spin::key_value::add_to_linker::<_, HasKeyValue>(linker, |state| View {
        access: &mut state.key_value,
        table: &mut state.table,
    })?;
    variables::add_to_linker::<_, HasVariables>(linker, |state| VariablesView(&state.component.variables))
}

impl View<'_> {
    /// A resource exists only if `open` has found a session, so the error is for a damaged host alone.
    fn session(&mut self) -> Result<&mut Session, Error> {
        self.access.session.as_mut().ok_or(Error::AccessDenied)
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        Error::Other(error.to_string())
    }
}

impl Host for View<'_> {}

impl HostStore for View<'_> {
    async fn open(&mut self, label: String) -> wasmtime::Result<Result<Resource<OpenStore>, Error>> {
        if self.access.session.is_none() || label != DEFAULT_STORE {
            return Ok(Err(Error::AccessDenied));
        }
        if self.access.open >= limits::OPEN_STORES {
            return Ok(Err(Error::StoreTableFull));
        }
        self.access.open += 1;
        Ok(Ok(self.table.push(OpenStore)?))
    }

    async fn get(
        &mut self,
        _: Resource<OpenStore>,
        key: String,
    ) -> wasmtime::Result<Result<Option<Vec<u8>>, Error>> {
        Ok(match self.session() {
            Ok(session) => session.get(&key).await.map_err(Error::from),
            Err(error) => Err(error),
        })
    }

    async fn set(
        &mut self,
        _: Resource<OpenStore>,
        key: String,
        value: Vec<u8>,
    ) -> wasmtime::Result<Result<(), Error>> {
        Ok(match self.session() {
            Ok(session) => session.set(&key, value).await.map_err(Error::from),
            Err(error) => Err(error),
        })
    }

    async fn delete(&mut self, _: Resource<OpenStore>, key: String) -> wasmtime::Result<Result<(), Error>> {
        Ok(match self.session() {
            Ok(session) => session.delete(&key).await.map_err(Error::from),
            Err(error) => Err(error),
        })
    }

    async fn exists(&mut self, _: Resource<OpenStore>, key: String) -> wasmtime::Result<Result<bool, Error>> {
        Ok(match self.session() {
            Ok(session) => session.exists(&key).await.map_err(Error::from),
            Err(error) => Err(error),
        })
    }

    async fn get_keys(&mut self, _: Resource<OpenStore>) -> wasmtime::Result<Result<Vec<String>, Error>> {
        Ok(match self.session() {
            Ok(session) => session.keys().await.map_err(Error::from),
            Err(error) => Err(error),
        })
    }

    async fn drop(&mut self, store: Resource<OpenStore>) -> wasmtime::Result<()> {
        self.table.delete(store)?;
        self.access.open = self.access.open.saturating_sub(1);
        Ok(())
    }
}

impl variables::Host for VariablesView<'_> {
    async fn get(&mut self, name: String) -> wasmtime::Result<Result<String, variables::Error>> {
        Ok(match self.0.get(&name) {
            Some(value) => Ok(value.clone()),
            None if is_name(&name) => {
                Err(variables::Error::Undefined(format!("the component has no variable {name:?}")))
            }
            None => Err(variables::Error::InvalidName(format!("{name:?} is not in lower_snake_case"))),
        })
    }
}
