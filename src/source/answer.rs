//! What a fetch brings: a document, the news that there is none, or an error that says when to try again.

use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use url::Url;

use crate::feed::Time;
use crate::store::Validators;

use super::body::BodyError;
use super::gate::TurnedAway;
use super::guard::LocalAddress;

/// What came back, when it was well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// Where and how.
    pub answer: Answer,
    /// The document; `None`: not modified.
    pub document: Option<Body>,
}

/// A document as fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body {
    /// Decompressed.
    pub bytes: Bytes,
    /// SHA-256 of it, hex.
    pub hash: String,
    /// `Content-Type`.
    pub content_type: Option<String>,
}

impl Body {
    /// A document with its hash.
    pub fn new(bytes: Vec<u8>, content_type: Option<String>) -> Self {
        let bytes = Bytes::from(bytes);
        let hash = HEXLOWER.encode(&Sha256::digest(&bytes));
        Self { bytes, hash, content_type }
    }
}

/// What the headers of an answer said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The address that answered.
    pub url: Url,
    /// How far permanent redirects (301, 308) alone led, when they led anywhere.
    pub moved_to: Option<Url>,
    /// The status, 200 for a file.
    pub status: u16,
    /// As received.
    pub validators: Validators,
    /// `Date`, else the time of asking.
    pub date: Time,
    /// For how long it stays fresh.
    pub freshness: Option<Duration>,
    /// Whether validators were sent.
    pub is_conditional: bool,
}

/// Why there is no document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// The local network.
    #[error(transparent)]
    Local(#[from] LocalAddress),
    /// The host rests, or polling ends; nothing was sent.
    #[error(transparent)]
    TurnedAway(#[from] TurnedAway),
    /// No connection, or it broke, or it timed out.
    #[error("{host} cannot be reached: {why}")]
    Network {
        /// The host.
        host: String,
        /// What happened.
        why: String,
    },
    /// The host is there, but not the one it claims to be.
    #[error("{host} has no valid certificate: {why}")]
    Tls {
        /// The host.
        host: String,
        /// What is wrong with it.
        why: String,
    },
    /// An answer that is not the document.
    #[error("{host} answered {status}")]
    Status {
        /// The host.
        host: String,
        /// The status.
        status: u16,
        /// `Retry-After`.
        retry_after: Option<Duration>,
    },
    /// An answer without a document in it.
    #[error("{host} answered {status} without a document")]
    Empty {
        /// The host.
        host: String,
        /// The status.
        status: u16,
    },
    /// Redirects that lead nowhere.
    #[error("{host} redirects {why}")]
    Redirect {
        /// The host of the last redirect.
        host: String,
        /// Where.
        why: String,
    },
    /// No whole body.
    #[error(transparent)]
    Body(#[from] BodyError),
    /// More headers than anyone needs.
    #[error("{host} sent more than {limit_bytes} bytes of headers")]
    Headers {
        /// The host.
        host: String,
        /// The limit.
        limit_bytes: usize,
    },
    /// Neither http nor https, nor an allowed file.
    #[error("{0}: addresses are not polled{hint}", hint = if .0 == "file" { "; `[http] allow-file = true` permits it" } else { "" })]
    Scheme(String),
    /// A file that cannot be read, of a feed or of a password.
    #[error("{path} cannot be read: {why}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
}

/// When it is worth trying again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// Later, and later each time.
    Backoff,
    /// Likewise, unless the network as a whole is down.
    Network,
    /// Nothing to this host for so long; `None`: for as long as it refused us often.
    Host(Option<Duration>),
    /// Nothing was sent; the host rests until then.
    At(Time),
    /// Gone for good, if it says so again.
    Gone,
}

impl FetchError {
    /// When it is worth trying again.
    pub fn retry(&self) -> Retry {
        match self {
            Self::Status { status: 429 | 503, retry_after, .. } => Retry::Host(*retry_after),
            Self::Status { status: 410, .. } => Retry::Gone,
            Self::TurnedAway(TurnedAway::Resting(resting)) => Retry::At(resting.until),
            Self::Network { .. } | Self::Body(BodyError::Silent(_)) => Retry::Network,
            _ => Retry::Backoff,
        }
    }

    /// The status of the answer, when there was one.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Status { status, .. } | Self::Empty { status, .. } => Some(*status),
            _ => None,
        }
    }
}
