//! Certificates.

use super::*;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use std::path::PathBuf;
use std::sync::Arc;

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("testdata/tls")
        .join(name)
}

/// A server that shows this certificate.
fn server(certificate: &str) -> backend::Backend {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let chain = CertificateDer::pem_file_iter(file(certificate))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let key = PrivateKeyDer::from_pem_file(file("server.key.pem")).unwrap();
    let config = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    backend::start_with_tls(Arc::new(config))
}

fn with_authority() -> GitEnvironment {
    GitEnvironment {
        authorities: Some(file("authority.pem")),
        ..GitEnvironment::default()
    }
}

fn untrusted(error: &JournalError) -> String {
    assert!(matches!(error, JournalError::Untrusted { .. }), "{error:?}");
    assert!(!error.is_retryable());
    error.to_string()
}

#[test]
fn a_private_authority_is_named_by_variable_or_configuration() {
    if no_git() {
        return;
    }
    let server = server("server.pem");
    record(&clone_of(&server.url()), with_authority()).unwrap();
    let path = file("authority.pem");
    let configured = with_settings(&[("http.sslCAInfo", path.to_str().unwrap())]);
    let clone = clone_of(&server.url());
    let journal = open(clone.dir(), configured).unwrap();
    record_with(&journal, &[transition(2, 10, 20)]).unwrap();
    assert_eq!(commits(server.fixture.repository()), 2);
}

#[test]
fn an_unknown_authority_is_named_with_the_way_out() {
    let server = server("server.pem");
    let error = record(&clone_of(&server.url()), GitEnvironment::default()).unwrap_err();
    let text = untrusted(&error);
    assert!(text.contains("authority that is not known"), "{text}");
    assert!(help(&error).contains("http.sslCAInfo"));
}

#[test]
fn an_expired_certificate_is_called_expired() {
    let server = server("expired.pem");
    let error = record(&clone_of(&server.url()), with_authority()).unwrap_err();
    assert_eq!(
        untrusted(&error),
        "origin cannot be trusted: the certificate of 127.0.0.1 has expired"
    );
}

#[test]
fn another_hosts_certificate_is_not_believed() {
    let server = server("elsewhere.pem");
    let error = record(&clone_of(&server.url()), with_authority()).unwrap_err();
    let text = untrusted(&error);
    assert!(text.contains("not that of 127.0.0.1"), "{text}");
}

#[test]
fn switching_the_check_off_is_refused_before_anything_is_sent() {
    let server = server("server.pem");
    let by_variable = GitEnvironment {
        no_verify: true,
        ..with_authority()
    };
    for environment in [by_variable, with_settings(&[("http.sslVerify", "false")])] {
        let error = record(&clone_of(&server.url()), environment).unwrap_err();
        let text = untrusted(&error);
        assert!(text.contains("is not followed"), "{text}");
    }
    assert!(server.requests().is_empty());
}

#[test]
fn a_file_of_authorities_that_is_none_is_named() {
    let server = server("server.pem");
    for path in [file("README.md"), file("nowhere.pem")] {
        let environment = GitEnvironment {
            authorities: Some(path.clone()),
            ..GitEnvironment::default()
        };
        let error = record(&clone_of(&server.url()), environment).unwrap_err();
        assert!(untrusted(&error).contains(path.to_str().unwrap()));
    }
}
