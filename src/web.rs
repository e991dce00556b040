//! Metrics and health over HTTP, for monitoring; off unless configured.
//!
//! What is told is made by others, when it is asked for; nothing here can change anything.

mod listen;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

pub use self::listen::Server;

/// `[web]` of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Config {
    /// Where it is served; `None`: nowhere.
    pub listen: Option<Listen>,
}

/// Where to listen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listen {
    /// An address.
    Tcp(SocketAddr),
    /// A unix socket, for those who may write to it: owner and group.
    Unix(PathBuf),
}

impl std::fmt::Display for Listen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// What is told.
pub trait Pages: Send + Sync + 'static {
    /// The metrics, in Prometheus' text format (version 0.0.4).
    fn metrics(&self) -> String;
    /// Why the process should be started again, when it should.
    fn is_alive(&self) -> Result<(), String>;
    /// Why nothing is published now, when nothing can be.
    fn is_ready(&self) -> Result<(), String>;
}

/// The media type of [`Pages::metrics`].
const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

fn router(pages: Arc<dyn Pages>) -> Router {
    let (metrics, alive, ready) = (pages.clone(), pages.clone(), pages);
    Router::new()
        .route("/metrics", get(async move || ([(header::CONTENT_TYPE, TEXT_FORMAT)], metrics.metrics())))
        .route("/livez", get(async move || health(alive.is_alive())))
        .route("/readyz", get(async move || health(ready.is_ready())))
}

fn health(is_well: Result<(), String>) -> Response {
    match is_well {
        Ok(()) => "ok\n".into_response(),
        Err(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")).into_response(),
    }
}
