//! The body of an answer, read and decompressed within limits.
//!
//! A body is given out whole or not at all: what was cut, too long or a bomb is an error.

use std::time::Duration;

use async_compression::tokio::bufread::{BrotliDecoder, GzipDecoder, ZstdDecoder};
use async_compression::zstd::DParameter;
use futures::{Stream, StreamExt};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::time::timeout;

/// What is asked for, and understood.
pub const ACCEPT_ENCODING: &str = "gzip, br, zstd";

/// How much and how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Name look-up, connection and TLS.
    pub connect: Duration,
    /// From then until the headers are there.
    pub headers: Duration,
    /// Between two pieces of a body.
    pub silence: Duration,
    /// A poll in all, redirects included, waiting for hosts left out.
    pub total: Duration,
    /// Bytes of a body on the wire.
    pub wire_bytes: usize,
    /// Bytes of a body decompressed.
    pub decoded_bytes: usize,
    /// Decoded bytes per wire byte, looked at after the first MiB.
    pub ratio: usize,
    /// Bytes of all headers of an answer.
    pub header_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            headers: Duration::from_secs(15),
            silence: Duration::from_secs(15),
            total: Duration::from_secs(60),
            wire_bytes: 10 << 20,
            decoded_bytes: 32 << 20,
            ratio: 200,
            header_bytes: 64 << 10,
        }
    }
}

/// Why there is no body.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// The connection ended before the body did, or the compression before its end.
    #[error("the answer was cut off: {why}")]
    Cut {
        /// What was missing.
        why: String,
    },
    /// Nothing came for too long.
    #[error("nothing came for {} s in the middle of the answer", .0.as_secs_f32())]
    Silent(Duration),
    /// More bytes than a feed has.
    #[error("the answer is longer than {limit_bytes} bytes{}", if *.is_decoded { " when decompressed" } else { "" })]
    TooLong {
        /// The limit.
        limit_bytes: usize,
        /// Whether it was passed by decompressing.
        is_decoded: bool,
    },
    /// A decompression bomb.
    #[error("the answer swells to more than {0} times its size")]
    Bomb(usize),
    /// A compression that was not asked for.
    #[error("the answer is encoded as {0:?}, which was not asked for")]
    Encoding(String),
}

/// Reads what comes over the wire.
pub async fn read<B: AsRef<[u8]>, E: std::error::Error>(
    mut pieces: impl Stream<Item = Result<B, E>> + Unpin,
    limits: &Limits,
) -> Result<Vec<u8>, BodyError> {
    let mut wire = Vec::new();
    loop {
        let next = timeout(limits.silence, pieces.next()).await.map_err(|_| BodyError::Silent(limits.silence))?;
        let Some(piece) = next else { return Ok(wire) };
        let piece = piece.map_err(|error| BodyError::Cut { why: innermost(&error) })?;
        if wire.len() + piece.as_ref().len() > limits.wire_bytes {
            return Err(BodyError::TooLong { limit_bytes: limits.wire_bytes, is_decoded: false });
        }
        wire.extend_from_slice(piece.as_ref());
    }
}

/// Undoes `Content-Encoding`.
pub async fn decode(wire: Vec<u8>, encoding: &str, limits: &Limits) -> Result<Vec<u8>, BodyError> {
    match encoding.trim().to_ascii_lowercase().as_str() {
        "" | "identity" => Ok(wire),
        "gzip" | "x-gzip" => {
            let mut decoder = GzipDecoder::new(&wire[..]);
            decoder.multiple_members(true);
            inflate(decoder, wire.len(), limits).await
        }
        "br" => inflate(BrotliDecoder::new(&wire[..]), wire.len(), limits).await,
        "zstd" => {
            // RFC 9659: a window of 8 MiB is all that a sender may ask for.
            let decoder = ZstdDecoder::with_params(&wire[..], &[DParameter::window_log_max(23)]);
            inflate(decoder, wire.len(), limits).await
        }
        other => Err(BodyError::Encoding(other.chars().filter(|c| !c.is_control()).take(40).collect())),
    }
}

async fn inflate(
    mut decoder: impl AsyncRead + Unpin,
    wire_bytes: usize,
    limits: &Limits,
) -> Result<Vec<u8>, BodyError> {
    let mut decoded = Vec::new();
    let mut buffer = vec![0; 64 << 10];
    loop {
        let read = decoder.read(&mut buffer).await.map_err(|error| BodyError::Cut { why: error.to_string() })?;
        if read == 0 {
            return Ok(decoded);
        }
        decoded.extend_from_slice(&buffer[..read]);
        if decoded.len() > limits.decoded_bytes {
            return Err(BodyError::TooLong { limit_bytes: limits.decoded_bytes, is_decoded: true });
        }
        if decoded.len() > 1 << 20 && decoded.len() > wire_bytes.saturating_mul(limits.ratio) {
            return Err(BodyError::Bomb(limits.ratio));
        }
        // Everything is in memory, so nothing above ever waits: let others have the thread.
        tokio::task::yield_now().await;
    }
}

/// The error at the bottom of a chain: the one that says what happened, without addresses.
pub fn innermost(error: &dyn std::error::Error) -> String {
    let mut inner = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    inner.to_string()
}
