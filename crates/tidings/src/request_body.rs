//! The request's body on its way to the component, no longer than it may be.

use crate::limits;
use bytes::Bytes;
use http::HeaderMap;
use http::header::EXPECT;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use tokio::sync::Notify;
use wasmtime_wasi_http::Error;

/// Tells the server that a body turned out too long while the component was reading it.
#[derive(Debug, Clone, Default)]
pub struct TooLong(Arc<(AtomicBool, Notify)>);

impl TooLong {
    /// Whether the body has turned out too long.
    pub fn has_happened(&self) -> bool {
        self.0.0.load(Ordering::Acquire)
    }

    /// Waits until the body turns out too long; forever if it does not.
    pub async fn happens(&self) {
        self.0.1.notified().await;
    }

    fn tell(&self) {
        self.0.0.store(true, Ordering::Release);
        self.0.1.notify_one();
    }
}

/// A body that ends with an error when it exceeds its limit.
///
/// What is left of it when it is dropped is read and thrown away, within bounds: a client that is still sending
/// would otherwise find its connection reset before it could read the answer.
#[derive(Debug)]
pub struct LimitedBody<B: Leftover> {
    inner: Option<B>,
    left: u64,
    too_long: TooLong,
    /// Whether the client is sending. It may have asked to be told first (`Expect: 100-continue`), and reading is
    /// what tells it.
    sending: bool,
}

/// A body whose rest can be thrown away in the background.
pub trait Leftover: Body<Data = Bytes, Error: Into<Error>> + Unpin + Send + 'static {}
impl<B: Body<Data = Bytes, Error: Into<Error>> + Unpin + Send + 'static> Leftover for B {}

impl<B: Leftover> LimitedBody<B> {
    /// Takes a request's body and lets at most `limit` bytes of it through; tells `too_long` if there are more.
    pub fn new(body: B, headers: &HeaderMap, limit: u64, too_long: TooLong) -> Self {
        Self { inner: Some(body), left: limit, too_long, sending: !headers.contains_key(EXPECT) }
    }
}

impl<B: Leftover> Body for LimitedBody<B> {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        self.sending = true;
        let Some(inner) = &mut self.inner else { return Poll::Ready(None) };
        let frame = match Pin::new(inner).poll_frame(context) {
            Poll::Ready(Some(Ok(frame))) => frame,
            Poll::Ready(Some(Err(error))) => return Poll::Ready(Some(Err(error.into()))),
            Poll::Ready(None) => return Poll::Ready(None),
            Poll::Pending => return Poll::Pending,
        };
        let length = frame.data_ref().map_or(0, |data| data.len() as u64);
        match self.left.checked_sub(length) {
            Some(left) => {
                self.left = left;
                Poll::Ready(Some(Ok(frame)))
            }
            None => {
                self.too_long.tell();
                Poll::Ready(Some(Err(Error::HttpRequestBodySize(None))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.as_ref().map(Body::size_hint).unwrap_or_default()
    }
}

impl<B: Leftover> Drop for LimitedBody<B> {
    fn drop(&mut self) {
        let Some(inner) = self.inner.take() else { return };
        if !self.sending || inner.is_end_stream() {
            return;
        }
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(tokio::time::timeout(limits::DISCARD_TIME, discard(inner)));
        }
    }
}

async fn discard<B: Leftover>(mut body: B) {
    let mut left = limits::DISCARD_BYTES;
    while let Some(Ok(frame)) = body.frame().await {
        let length = frame.data_ref().map_or(0, |data| data.len() as u64);
        match left.checked_sub(length) {
            Some(rest) => left = rest,
            None => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::Full;
    use std::time::Duration;

    async fn read(length: usize, limit: u64) -> (bool, bool) {
        let too_long = TooLong::default();
        let body = Full::new(Bytes::from(vec![0; length]));
        let body = LimitedBody::new(body, &HeaderMap::new(), limit, too_long.clone());
        let whole = body.collect().await.is_ok();
        let told = tokio::time::timeout(Duration::from_millis(10), too_long.happens()).await.is_ok();
        assert_eq!(told, too_long.has_happened());
        (whole, told)
    }

    #[tokio::test]
    async fn lets_through_what_is_within_the_limit() {
        assert_eq!(read(0, 10).await, (true, false));
        assert_eq!(read(10, 10).await, (true, false));
    }

    #[tokio::test]
    async fn stops_and_tells_when_the_limit_is_exceeded() {
        assert_eq!(read(11, 10).await, (false, true));
    }
}
