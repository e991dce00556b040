//! TLS of the account's stream: trust roots of the system and of `ca-file`, the certificate of the *domain*, channel binding.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, ClientConnection, ProtocolVersion, RootCertStore};
use sasl::common::ChannelBinding;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tracing::warn;

use crate::feed::Time;

use super::connect::LoginError;
use super::metered::Transport;
use super::{Config, StartError, Tls};

/// What a stream is secured with; made once, as reading the system's roots takes a while.
#[derive(Clone)]
pub(super) struct Security {
    connector: TlsConnector,
    /// Judges a chain as the connector does, for another time; `None` where there are no roots.
    verifier: Option<Arc<WebPkiServerVerifier>>,
}

impl Security {
    /// Reads the trust roots.
    pub(super) fn new(config: &Config) -> Result<Self, StartError> {
        let mut roots = RootCertStore::empty();
        let system = rustls_native_certs::load_native_certs();
        roots.add_parsable_certificates(system.certs);
        if let Some(path) = &config.ca_file {
            add_roots(&mut roots, path)?;
        }
        if roots.is_empty() && config.tls != Tls::None {
            let why = system.errors.first().map_or_else(|| "there are none".to_owned(), ToString::to_string);
            warn!(why, "the system's trust roots cannot be read, so no certificate is trusted");
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let roots = Arc::new(roots);
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::clone(&roots), Arc::clone(&provider)).build();
        let mut client = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| StartError::Tls(error.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        if config.tls == Tls::Direct {
            // XEP-0368 §2: lets one port serve several protocols.
            client.alpn_protocols = vec![b"xmpp-client".to_vec()];
        }
        Ok(Self { connector: TlsConnector::from(Arc::new(client)), verifier: verifier.ok() })
    }

    /// When the first certificate of a chain that is good now ends, if it is not good any more at the time `by`.
    pub(super) fn end_of(&self, chain: &[CertificateDer<'_>], domain: &str, by: Time) -> Option<Time> {
        let (own, others) = chain.split_first()?;
        let name = ServerName::try_from(domain).ok()?;
        let by = UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(by.timestamp()).ok()?));
        match self.verifier.as_ref()?.verify_server_cert(own, others, &name, &[], by) {
            Err(rustls::Error::InvalidCertificate(CertificateError::ExpiredContext { not_after, .. })) => {
                Time::from_timestamp(i64::try_from(not_after.as_secs()).ok()?, 0)
            }
            _ => None,
        }
    }

    /// Runs the handshake; the certificate must be the domain's, wherever the connection leads.
    pub(super) async fn secure<T: Transport>(&self, transport: T, domain: &str) -> Result<TlsStream<T>, LoginError> {
        let name = ServerName::try_from(domain.to_owned())
            .map_err(|error| LoginError::Address(format!("{domain}: {error}")))?;
        self.connector
            .connect(name, transport)
            .await
            .map_err(|source| LoginError::Tls { domain: domain.to_owned(), source })
    }
}

fn add_roots(roots: &mut RootCertStore, path: &Path) -> Result<(), StartError> {
    let unusable = |reason: String| StartError::CaFile { path: path.to_owned(), reason };
    let certificates = CertificateDer::pem_file_iter(path).map_err(|error| unusable(error.to_string()))?;
    let mut has_any = false;
    for certificate in certificates {
        let certificate = certificate.map_err(|error| unusable(error.to_string()))?;
        roots.add(certificate).map_err(|error| unusable(error.to_string()))?;
        has_any = true;
    }
    if has_any { Ok(()) } else { Err(unusable("holds no certificate in PEM".to_owned())) }
}

/// RFC 9266: what a login is bound to; nothing below TLS 1.3.
pub(super) fn channel_binding(connection: &ClientConnection) -> ChannelBinding {
    if connection.protocol_version() != Some(ProtocolVersion::TLSv1_3) {
        return ChannelBinding::None;
    }
    match connection.export_keying_material([0; 32], b"EXPORTER-Channel-Binding", None) {
        Ok(key) => ChannelBinding::TlsExporter(key.to_vec()),
        Err(_) => ChannelBinding::None,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};

    use super::*;
    use crate::xmpp::Password;

    #[test]
    fn a_certificate_that_ends_soon_is_seen_beforehand() {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let root = params.self_signed(&key).unwrap().pem();
        let mut params = CertificateParams::new(vec!["a.test".to_owned()]).unwrap();
        params.not_before = date_time_ymd(2026, 1, 1);
        params.not_after = date_time_ymd(2026, 11, 30);
        let own_key = KeyPair::generate().unwrap();
        let own = params.signed_by(&own_key, &Issuer::new(CertificateParams::default(), key)).unwrap();

        let folder = tempfile::tempdir().unwrap();
        let ca_file = folder.path().join("ca.pem");
        fs::write(&ca_file, root).unwrap();
        let security = Security::new(&Config {
            jid: "bot@a.test".parse().unwrap(),
            password: Password::Environment,
            server: None,
            tls: Tls::StartTls,
            ca_file: Some(ca_file),
            allow_plain: false,
            settle: None,
        })
        .unwrap();
        let end = |domain: &str, by: &str| security.end_of(&[own.der().clone()], domain, by.parse().unwrap());
        assert_eq!(end("a.test", "2026-11-29T00:00:00Z"), None);
        assert_eq!(end("a.test", "2026-12-01T00:00:00Z"), Some("2026-11-30T00:00:00Z".parse().unwrap()));
        assert_eq!(security.end_of(&[], "a.test", "2026-12-01T00:00:00Z".parse().unwrap()), None);
    }
}
