//! Who the server is: a certificate for 127.0.0.1 that it signs itself, made anew for every server.

use crate::sandbox::server::ServerError;
use rcgen::CertifiedKey;
use std::fmt;
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// A certificate and what answers with it.
pub(super) struct Identity {
    /// For a kubeconfig.
    pub(super) certificate_pem: String,
    pub(super) acceptor: TlsAcceptor,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").finish_non_exhaustive()
    }
}

fn failed(why: impl fmt::Display) -> ServerError {
    ServerError::Certificate {
        why: why.to_string(),
    }
}

impl Identity {
    /// A new one.
    pub(super) fn new() -> Result<Self, ServerError> {
        let names = ["127.0.0.1", "localhost"].map(str::to_owned);
        let CertifiedKey { cert, signing_key } =
            rcgen::generate_simple_self_signed(names).map_err(failed)?;
        let key = PrivateKeyDer::try_from(signing_key.serialize_der()).map_err(failed)?;
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(failed)?
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], key)
            .map_err(failed)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self {
            certificate_pem: cert.pem(),
            acceptor: TlsAcceptor::from(Arc::new(config)),
        })
    }
}
