//! TLS towards targets. Three modes, each of which means what it says; there is none that falls back to clear text.

use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use sallyport_core::{Fault, Secret};
use sha2::{Digest, Sha256, Sha384, Sha512};
use std::path::Path;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::client::{WebPkiServerVerifier, verify_server_name};
use tokio_rustls::rustls::crypto::{
    CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature,
};
use tokio_rustls::rustls::server::ParsedCertificate;
use tokio_rustls::rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};
use x509_parser::oid_registry;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verify {
    /// Encrypts and believes any certificate: a man in the middle is not noticed.
    Nothing,
    /// The certificate comes from a believed authority.
    Chain,
    /// And it is for this host.
    ChainAndName,
}

/// Why a TLS setting cannot be used. Told to whoever registers the target.
#[derive(Debug, thiserror::Error)]
pub enum TlsFault {
    #[error("{file} cannot be read: {source}")]
    Read { file: String, source: std::io::Error },
    #[error("{0} holds no certificate in PEM")]
    NoCertificate(String),
    #[error("the system has no certificate authorities: name one with a CA file")]
    NoRoots,
    #[error("the client certificate or its key is not usable: {0}")]
    ClientCertificate(String),
    #[error("TLS cannot be set up: {0}")]
    Setup(String),
}

/// Authorities to believe: those of a PEM text, or the system's.
pub fn roots(pem: Option<(&str, &[u8])>) -> Result<RootCertStore, TlsFault> {
    let mut store = RootCertStore::empty();
    match pem {
        Some((name, text)) => {
            for certificate in CertificateDer::pem_slice_iter(text) {
                let certificate = certificate.map_err(|_| TlsFault::NoCertificate(name.to_owned()))?;
                store.add(certificate).map_err(|_| TlsFault::NoCertificate(name.to_owned()))?;
            }
            if store.is_empty() {
                return Err(TlsFault::NoCertificate(name.to_owned()));
            }
        }
        None => {
            store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            if store.is_empty() {
                return Err(TlsFault::NoRoots);
            }
        }
    }
    Ok(store)
}

pub fn read_pem(file: &str) -> Result<Vec<u8>, TlsFault> {
    std::fs::read(Path::new(file)).map_err(|source| TlsFault::Read { file: file.to_owned(), source })
}

/// A client of the given mode. `identity` is a certificate chain and its key, both PEM.
pub fn client_config(
    verify: Verify,
    roots: Option<RootCertStore>,
    identity: Option<&(Secret, Secret)>,
    alpn: &[&[u8]],
) -> Result<Arc<ClientConfig>, TlsFault> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|fault| TlsFault::Setup(fault.to_string()))?;
    let chain = match (verify, roots) {
        (Verify::Nothing, _) => None,
        (Verify::Chain | Verify::ChainAndName, Some(roots)) => Some(
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
                .build()
                .map_err(|fault| TlsFault::Setup(fault.to_string()))?,
        ),
        (Verify::Chain | Verify::ChainAndName, None) => return Err(TlsFault::NoRoots),
    };
    let verifier: Arc<dyn ServerCertVerifier> = match (verify, chain) {
        (Verify::ChainAndName, Some(chain)) => chain,
        (_, chain) => Arc::new(Lenient { chain, provider }),
    };
    let builder = builder.dangerous().with_custom_certificate_verifier(verifier);
    let mut config = match identity {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => {
            let wrong = |what: &str| TlsFault::ClientCertificate(what.to_owned());
            let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(certificate.expose()).collect();
            let chain = chain.map_err(|_| wrong("the certificate is not PEM"))?;
            let key = PrivateKeyDer::from_pem_slice(key.expose()).map_err(|_| wrong("the key is not PEM"))?;
            builder.with_client_auth_cert(chain, key).map_err(|fault| wrong(&fault.to_string()))?
        }
    };
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    Ok(Arc::new(config))
}

/// The handshake. `host` is what the certificate is held against, where the mode asks for it.
pub async fn handshake(
    config: Arc<ClientConfig>,
    host: &str,
    stream: TcpStream,
) -> Result<TlsStream<TcpStream>, Fault> {
    let name = ServerName::try_from(host.to_owned())
        .map_err(|_| Fault::Target("the target's host name is not valid for TLS"))?;
    TlsConnector::from(config).connect(name, stream).await.map_err(|fault| {
        tracing::warn!(host, %fault, "the TLS handshake with the target failed");
        Fault::Target("the TLS handshake with the target failed: its certificate was not accepted, or it speaks no TLS we do")
    })
}

/// `tls-server-end-point` of RFC 5929: the hash of the target's certificate, by the hash of its own signature.
pub fn server_end_point(stream: &TlsStream<TcpStream>) -> Option<Vec<u8>> {
    let certificate = stream.get_ref().1.peer_certificates()?.first()?;
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate).ok()?;
    let algorithm = &parsed.signature_algorithm.algorithm;
    let sha384 = [&oid_registry::OID_PKCS1_SHA384WITHRSA, &oid_registry::OID_SIG_ECDSA_WITH_SHA384];
    let sha512 = [&oid_registry::OID_PKCS1_SHA512WITHRSA, &oid_registry::OID_SIG_ECDSA_WITH_SHA512];
    let sha256 = [
        &oid_registry::OID_PKCS1_SHA256WITHRSA,
        &oid_registry::OID_SIG_ECDSA_WITH_SHA256,
        // MD5 and SHA-1 count as SHA-256 here, says the RFC.
        &oid_registry::OID_PKCS1_SHA1WITHRSA,
        &oid_registry::OID_PKCS1_MD5WITHRSAENC,
    ];
    if sha256.contains(&algorithm) {
        Some(Sha256::digest(certificate).to_vec())
    } else if sha384.contains(&algorithm) {
        Some(Sha384::digest(certificate).to_vec())
    } else if sha512.contains(&algorithm) {
        Some(Sha512::digest(certificate).to_vec())
    } else {
        // Ed25519 and PSS leave the hash undefined: no binding, and SCRAM says so.
        None
    }
}

/// Believes less than rustls would: any name, and where there is no chain to check, any certificate. Signatures of the
/// handshake are always checked, so that whoever answers holds the certificate's key.
#[derive(Debug)]
struct Lenient {
    chain: Option<Arc<WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Lenient {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(chain) = &self.chain else { return Ok(ServerCertVerified::assertion()) };
        match chain.verify_server_cert(end_entity, intermediates, server_name, ocsp, now) {
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => {
                // The name is checked last: the chain was good.
                let parsed = ParsedCertificate::try_from(end_entity)?;
                debug_assert!(verify_server_name(&parsed, server_name).is_err());
                Ok(ServerCertVerified::assertion())
            }
            other => other,
        }
    }
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }
    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }
    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
