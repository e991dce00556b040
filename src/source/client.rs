//! How the HTTP clients are made: what they send with every request, where they may connect to, whom they trust.

use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::HeaderValue;
use tokio::sync::OnceCell;
use tokio::task::spawn_blocking;

use super::body::{self, Limits};
use super::{Config, PROJECT_PAGE, guard};

/// The HTTP clients cannot be made.
#[derive(Debug, thiserror::Error)]
#[error("[http] {what}: {why}")]
pub struct ClientError {
    what: &'static str,
    why: String,
}

/// Makes ring the TLS provider of the process, as rustls wants to be told; again does nothing.
pub fn install_tls() {
    // The error means that somebody was here before.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// The clients, each made when it is first needed: to read whom the machine trusts takes milliseconds.
pub(super) struct Clients {
    config: Config,
    limits: Limits,
    open: Kind,
    guarded: Kind,
}

struct Kind {
    /// For http: it trusts nobody.
    plain: reqwest::Client,
    /// It trusts those whom the machine trusts.
    trusting: OnceCell<reqwest::Client>,
}

impl Clients {
    /// Clients by the configuration, or what is wrong with it.
    pub(super) fn new(config: &Config, limits: &Limits) -> Result<Self, ClientError> {
        install_tls();
        let kind = |is_guarded| {
            client(config, limits, is_guarded, false).map(|plain| Kind { plain, trusting: OnceCell::new() })
        };
        Ok(Self { config: config.clone(), limits: limits.clone(), open: kind(false)?, guarded: kind(true)? })
    }

    /// One that may connect to the local network, or may not; for https, or for http alone. A machine without trust roots
    /// still polls; its https fails poll by poll, and says why.
    pub(super) async fn get(&self, allow_private: bool, is_https: bool) -> &reqwest::Client {
        let has_proxy = self.config.proxy.is_some();
        // Behind a proxy only literal addresses can be checked: the names that are looked up here are the proxy's.
        let is_guarded = !allow_private && !has_proxy;
        let kind = if is_guarded { &self.guarded } else { &self.open };
        if !is_https && !has_proxy {
            return &kind.plain;
        }
        let make = async || {
            let (config, limits) = (self.config.clone(), self.limits.clone());
            spawn_blocking(move || client(&config, &limits, is_guarded, true).ok()).await.ok().flatten().ok_or(())
        };
        kind.trusting.get_or_try_init(make).await.unwrap_or(&kind.plain)
    }
}

/// A client by the configuration; a guarded one connects to no address of the local network.
fn client(
    config: &Config,
    limits: &Limits,
    is_guarded: bool,
    is_trusting: bool,
) -> Result<reqwest::Client, ClientError> {
    let contact = config.contact.as_deref().unwrap_or(PROJECT_PAGE);
    let agent = format!("tidings/{} (+{contact})", env!("CARGO_PKG_VERSION"));
    let agent =
        HeaderValue::from_str(&agent).map_err(|error| ClientError { what: "contact", why: error.to_string() })?;
    let proxy = config.proxy.as_deref().map(reqwest::Proxy::all).transpose();
    let proxy = proxy.map_err(|error| ClientError { what: "proxy", why: body::innermost(&error) })?;
    let mut builder = reqwest::Client::builder()
        .user_agent(agent)
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .connect_timeout(limits.connect)
        .pool_max_idle_per_host(config.per_host)
        .pool_idle_timeout(Duration::from_secs(20))
        .http2_max_header_list_size(u32::try_from(limits.header_bytes).unwrap_or(u32::MAX))
        // Decompressed by `body`, which counts both sides.
        .no_gzip()
        .no_brotli()
        .no_zstd()
        .no_deflate()
        // Only what the configuration says, never what the environment says.
        .no_proxy();
    if let Some(proxy) = proxy {
        builder = builder.proxy(proxy);
    }
    if is_guarded {
        builder = builder.dns_resolver(GuardedResolver);
    }
    if !is_trusting {
        builder = builder.tls_certs_only([]);
    }
    builder.build().map_err(|error| ClientError { what: "client", why: body::innermost(&error) })
}

/// The system's resolver, less the addresses of the local network.
struct GuardedResolver;

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let public = guard::keep_public(name.as_str(), found)?;
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}
