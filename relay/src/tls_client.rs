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
use tokio_rustls::rustls::client::{Resumption, WebPkiServerVerifier, verify_server_name};
use tokio_rustls::rustls::crypto::{
    CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature,
};
use tokio_rustls::rustls::server::ParsedCertificate;
use tokio_rustls::rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};
use x509_parser::oid_registry;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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

/// Whom to believe: authorities, and certificates that were named themselves, as a self-signed server's is.
pub struct Roots {
    store: RootCertStore,
    pinned: Vec<CertificateDer<'static>>,
}

/// Those of a PEM text, or the system's.
pub fn roots(pem: Option<(&str, &[u8])>) -> Result<Roots, TlsFault> {
    let mut store = RootCertStore::empty();
    let mut pinned = Vec::new();
    match pem {
        Some((name, text)) => {
            for certificate in CertificateDer::pem_slice_iter(text) {
                let certificate = certificate.map_err(|_| TlsFault::NoCertificate(name.to_owned()))?;
                store.add(certificate.clone()).map_err(|_| TlsFault::NoCertificate(name.to_owned()))?;
                pinned.push(certificate);
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
    Ok(Roots { store, pinned })
}

pub fn read_pem(file: &str) -> Result<Vec<u8>, TlsFault> {
    std::fs::read(Path::new(file)).map_err(|source| TlsFault::Read { file: file.to_owned(), source })
}

/// A mode together with those whom it believes: what a connector may keep. There is no secret in it.
#[derive(Clone, Debug)]
pub struct Trust(Arc<TargetVerifier>);

/// What a mode means with these roots.
pub fn trust(verify: Verify, roots: Option<Roots>) -> Result<Trust, TlsFault> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let (chain, pinned) = match (verify, roots) {
        (Verify::Nothing, _) => (None, Vec::new()),
        (Verify::Chain | Verify::ChainAndName, Some(roots)) => {
            let chain =
                WebPkiServerVerifier::builder_with_provider(Arc::new(roots.store), Arc::clone(&provider))
                    .build()
                    .map_err(|fault| TlsFault::Setup(fault.to_string()))?;
            (Some(chain), roots.pinned)
        }
        (Verify::Chain | Verify::ChainAndName, None) => return Err(TlsFault::NoRoots),
    };
    Ok(Trust(Arc::new(TargetVerifier { chain, pinned, names: verify == Verify::ChainAndName, provider })))
}

/// A client of the given mode. `identity` is a certificate chain and its key, both PEM.
pub fn client_config(
    verify: Verify,
    roots: Option<Roots>,
    identity: Option<&(Secret, Secret)>,
    alpn: &[&[u8]],
) -> Result<Arc<ClientConfig>, TlsFault> {
    client_of(&trust(verify, roots)?, identity, alpn)
}

/// A client that believes whom `trust` says. No session is resumed: each handshake looks at the certificate again.
pub fn client_of(
    trust: &Trust,
    identity: Option<&(Secret, Secret)>,
    alpn: &[&[u8]],
) -> Result<Arc<ClientConfig>, TlsFault> {
    let builder = ClientConfig::builder_with_provider(Arc::clone(&trust.0.provider))
        .with_safe_default_protocol_versions()
        .map_err(|fault| TlsFault::Setup(fault.to_string()))?;
    let builder = builder.dangerous().with_custom_certificate_verifier(Arc::clone(&trust.0) as Arc<_>);
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
    config.resumption = Resumption::disabled();
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

/// What each mode means. Signatures of the handshake are always checked, so that whoever answers holds the
/// certificate's key.
#[derive(Debug)]
struct TargetVerifier {
    /// Absent: any certificate is believed.
    chain: Option<Arc<WebPkiServerVerifier>>,
    /// Believed as they are, where a server presents exactly one of them. A self-signed certificate is usually marked
    /// as an authority, which no chain may end in.
    pinned: Vec<CertificateDer<'static>>,
    names: bool,
    provider: Arc<CryptoProvider>,
}

impl TargetVerifier {
    fn verify_pinned(
        &self,
        certificate: &CertificateDer<'_>,
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let (_, parsed) = x509_parser::parse_x509_certificate(certificate)
            .map_err(|_| Error::InvalidCertificate(CertificateError::BadEncoding))?;
        let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        if now < parsed.validity().not_before.timestamp() {
            return Err(Error::InvalidCertificate(CertificateError::NotValidYet));
        }
        if now > parsed.validity().not_after.timestamp() {
            return Err(Error::InvalidCertificate(CertificateError::Expired));
        }
        if self.names {
            verify_server_name(&ParsedCertificate::try_from(certificate)?, name)?;
        }
        Ok(ServerCertVerified::assertion())
    }
}

impl ServerCertVerifier for TargetVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(chain) = &self.chain else { return Ok(ServerCertVerified::assertion()) };
        if self.pinned.iter().any(|pinned| pinned == end_entity) {
            return self.verify_pinned(end_entity, server_name, now);
        }
        match chain.verify_server_cert(end_entity, intermediates, server_name, ocsp, now) {
            // The name is checked last: the chain was good.
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if !self.names => Ok(ServerCertVerified::assertion()),
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

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};
    use tokio::net::TcpListener;
    use tokio_rustls::TlsAcceptor;
    use tokio_rustls::rustls::ServerConfig;

    /// A server whose only certificate is one it signed itself, marked as an authority as `openssl req -x509` does.
    async fn self_signed(name: &str, days_left: i64) -> (std::net::SocketAddr, String) {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let now = std::time::SystemTime::now();
        let day = std::time::Duration::from_secs(86_400);
        params.not_before = (now - day * 10).into();
        params.not_after = if days_left > 0 { (now + day).into() } else { (now - day).into() };
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
            )
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            _ = TlsAcceptor::from(Arc::new(config)).accept(stream).await;
        });
        (address, certificate.pem())
    }

    async fn shakes(verify: Verify, address: std::net::SocketAddr, pem: &str, host: &str) -> bool {
        let roots = roots(Some(("test", pem.as_bytes()))).unwrap();
        let config = client_config(verify, Some(roots), None, &[]).unwrap();
        handshake(config, host, TcpStream::connect(address).await.unwrap()).await.is_ok()
    }

    #[tokio::test]
    async fn a_certificate_that_was_named_itself_is_believed_for_its_own_name_only() {
        let (address, pem) = self_signed("localhost", 1).await;
        assert!(shakes(Verify::ChainAndName, address, &pem, "localhost").await);
        let (address, pem) = self_signed("localhost", 1).await;
        assert!(!shakes(Verify::ChainAndName, address, &pem, "127.0.0.1").await, "another name was believed");
        let (address, pem) = self_signed("localhost", 1).await;
        assert!(shakes(Verify::Chain, address, &pem, "127.0.0.1").await);
    }

    #[tokio::test]
    async fn an_expired_or_another_certificate_is_not() {
        let (address, pem) = self_signed("localhost", 0).await;
        assert!(
            !shakes(Verify::Chain, address, &pem, "localhost").await,
            "an expired certificate was believed"
        );
        let (address, _) = self_signed("localhost", 1).await;
        let (_, other) = self_signed("localhost", 1).await;
        assert!(
            !shakes(Verify::Chain, address, &other, "localhost").await,
            "another certificate was believed"
        );
    }
}
