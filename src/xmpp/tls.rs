//! TLS of the account's stream: trust roots of the system and of `ca-file`, the certificate of the *domain*, channel binding.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, ProtocolVersion, RootCertStore};
use sasl::common::ChannelBinding;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::connect::LoginError;
use super::metered::Transport;
use super::{Config, StartError, Tls};

/// What a stream is secured with; made once, as reading the system's roots takes a while.
#[derive(Clone)]
pub(super) struct Security {
    connector: TlsConnector,
}

impl Security {
    /// Reads the trust roots.
    pub(super) fn new(config: &Config) -> Result<Self, StartError> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if let Some(path) = &config.ca_file {
            add_roots(&mut roots, path)?;
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut client = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| StartError::Tls(error.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        if config.tls == Tls::Direct {
            // XEP-0368 §2: lets one port serve several protocols.
            client.alpn_protocols = vec![b"xmpp-client".to_vec()];
        }
        Ok(Self { connector: TlsConnector::from(Arc::new(client)) })
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
