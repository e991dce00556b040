//! A transport that counts its bytes, and refuses to read more than one stanza may take.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// How many bytes one stanza may take; servers pass on 256 or 512 KiB.
pub(super) const MAX_STANZA_BYTES: u64 = 1024 * 1024;

/// Anything that bytes go over.
pub(super) trait Transport: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Transport for T {}

/// The counts of a [`Metered`] transport.
#[derive(Debug)]
pub(super) struct Meter {
    read: AtomicU64,
    written: AtomicU64,
    read_limit: AtomicU64,
}

impl Meter {
    /// Bytes that came in so far.
    pub(super) fn read(&self) -> u64 {
        self.read.load(Relaxed)
    }

    /// Bytes that the system took so far.
    pub(super) fn written(&self) -> u64 {
        self.written.load(Relaxed)
    }

    /// A stanza is complete: the next one may take [`MAX_STANZA_BYTES`] again.
    pub(super) fn next_stanza(&self) {
        self.read_limit.store(self.read() + MAX_STANZA_BYTES, Relaxed);
    }
}

/// A transport with a [`Meter`].
pub(super) struct Metered {
    inner: Box<dyn Transport>,
    meter: Arc<Meter>,
}

impl Metered {
    /// Wraps a transport.
    pub(super) fn new(inner: impl Transport + 'static) -> Self {
        let meter =
            Meter { read: AtomicU64::new(0), written: AtomicU64::new(0), read_limit: AtomicU64::new(MAX_STANZA_BYTES) };
        Self { inner: Box::new(inner), meter: Arc::new(meter) }
    }

    /// What it wrapped.
    pub(super) fn into_inner(self) -> impl Transport + 'static {
        self.inner
    }

    /// The counts, shared.
    pub(super) fn meter(&self) -> Arc<Meter> {
        self.meter.clone()
    }
}

impl AsyncRead for Metered {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.meter.read() >= self.meter.read_limit.load(Relaxed) {
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, "a stanza over 1 MiB came in")));
        }
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(cx, buffer))?;
        self.meter.read.fetch_add((buffer.filled().len() - before) as u64, Relaxed);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Metered {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.inner).poll_write(cx, bytes))?;
        self.meter.written.fetch_add(written as u64, Relaxed);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    /// Only flushes: after `</stream>` the peer still sends what it has to say and closes then (RFC 6120 §4.4). Prosody throws its
    /// answers away when our half is closed before. Dropping closes.
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(cx)
    }
}
