//! What components print, as log lines of their own.

use crate::limits;
use bytes::Bytes;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

/// One output of one instance. Everything that is printed to it is logged line by line.
#[derive(Debug, Clone)]
pub struct GuestLog(Arc<Lines>);

#[derive(Debug)]
struct Lines {
    component: String,
    output: &'static str,
    /// A line that has begun. Components may write it in pieces, and open the output anew for each.
    begun: Mutex<Vec<u8>>,
}

impl GuestLog {
    /// The log for an output (`"stdout"` or `"stderr"`) of a component.
    pub fn new(component: &str, output: &'static str) -> Self {
        Self(Arc::new(Lines { component: component.to_owned(), output, begun: Mutex::default() }))
    }

    fn write(&self, bytes: &[u8]) {
        let mut begun = self.0.begun.lock().unwrap_or_else(PoisonError::into_inner);
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            begun.extend_from_slice(part);
            if part.ends_with(b"\n") || begun.len() >= limits::LOG_LINE_BYTES {
                self.0.log(&begun);
                begun.clear();
            }
        }
    }
}

impl Lines {
    fn log(&self, line: &[u8]) {
        let line = String::from_utf8_lossy(line);
        tracing::info!(component = self.component, output = self.output, "{}", line.trim_end());
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        let rest = std::mem::take(self.begun.get_mut().unwrap_or_else(PoisonError::into_inner));
        if !rest.is_empty() {
            self.log(&rest);
        }
    }
}

impl IsTerminal for GuestLog {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for GuestLog {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

impl OutputStream for GuestLog {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        GuestLog::write(self, &bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(limits::LOG_LINE_BYTES)
    }
}

#[async_trait::async_trait]
impl Pollable for GuestLog {
    async fn ready(&mut self) {}
}

impl AsyncWrite for GuestLog {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        GuestLog::write(&self, bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
