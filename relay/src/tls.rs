//! TLS towards callers: the operator's certificate, or one made on first start by a small authority of our own.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose,
};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use x509_parser::prelude::FromDer;

const AUTHORITY_DAYS: u32 = 3650;
const CERTIFICATE_DAYS: u32 = 397;
/// A certificate with less life than this is made anew on start.
const RENEW_BEFORE: Duration = Duration::from_secs(30 * 86_400);

#[derive(Debug, thiserror::Error)]
pub enum ServerTlsFault {
    #[error("{}: {source}", file.display())]
    File { file: PathBuf, source: io::Error },
    #[error("{}: it holds no usable certificate or key in PEM", .0.display())]
    Unusable(PathBuf),
    #[error("the certificate and the key cannot be used together: {0}")]
    Pair(String),
    #[error("a certificate cannot be made: {0}")]
    Making(#[from] rcgen::Error),
}

/// Where the certificate is, and the authority that callers can believe.
#[derive(Clone, Debug)]
pub struct ServerCertificate {
    pub certificate: PathBuf,
    pub key: PathBuf,
    /// Ours; absent where the operator named a certificate.
    pub authority: Option<PathBuf>,
}

impl ServerCertificate {
    /// The authority and a certificate for loopback and `names`, made where they are missing, due or for other names.
    pub fn first_start(folder: &Path, names: &[String]) -> Result<Self, ServerTlsFault> {
        let failed = |source| ServerTlsFault::File { file: folder.to_path_buf(), source };
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
        let (authority, authority_key) = (folder.join("ca.crt"), folder.join("ca.key"));
        let made = Self {
            certificate: folder.join("server.crt"),
            key: folder.join("server.key"),
            authority: Some(authority.clone()),
        };
        if !authority.exists() || !authority_key.exists() {
            let key = KeyPair::generate()?;
            let issuer = CertifiedIssuer::self_signed(authority_params(), &key)?;
            write_private(&authority_key, &key.serialize_pem())?;
            write(&authority, &issuer.pem(), 0o644)?;
            _ = fs::remove_file(&made.certificate);
        }
        let mut wanted: Vec<String> = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).to_vec();
        wanted.extend(names.iter().cloned());
        if !still_good(&made.certificate, &made.key, &wanted) {
            let key = KeyPair::from_pem(&read(&authority_key)?)?;
            let issuer = Issuer::new(authority_params(), key);
            let leaf_key = KeyPair::generate()?;
            let leaf = leaf_params(&wanted)?.signed_by(&leaf_key, &issuer)?;
            write_private(&made.key, &leaf_key.serialize_pem())?;
            write(&made.certificate, &leaf.pem(), 0o644)?;
        }
        Ok(made)
    }

    /// A server that speaks TLS 1.2 and 1.3. A client that names no protocol is served as well.
    pub fn server_config(&self, alpn: &[&[u8]]) -> Result<Arc<ServerConfig>, ServerTlsFault> {
        let chain: Result<Vec<_>, _> =
            CertificateDer::pem_slice_iter(read(&self.certificate)?.as_bytes()).collect();
        let chain = chain.map_err(|_| ServerTlsFault::Unusable(self.certificate.clone()))?;
        let key = PrivateKeyDer::from_pem_slice(read(&self.key)?.as_bytes())
            .map_err(|_| ServerTlsFault::Unusable(self.key.clone()))?;
        let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|fault| ServerTlsFault::Pair(fault.to_string()))?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(|fault| ServerTlsFault::Pair(fault.to_string()))?;
        config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
        Ok(Arc::new(config))
    }
}

fn authority_params() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.distinguished_name.push(DnType::CommonName, "Sallyport authority of this gateway");
    live(&mut params, AUTHORITY_DAYS);
    params
}

fn leaf_params(names: &[String]) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(names.to_vec())?;
    params.distinguished_name.push(DnType::CommonName, "Sallyport");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.use_authority_key_identifier_extension = true;
    live(&mut params, CERTIFICATE_DAYS);
    Ok(params)
}

/// From an hour ago, because clocks differ.
fn live(params: &mut CertificateParams, days: u32) {
    let now = SystemTime::now();
    params.not_before = (now - Duration::from_secs(3600)).into();
    params.not_after = (now + Duration::from_secs(u64::from(days) * 86_400)).into();
}

fn still_good(certificate: &Path, key: &Path, names: &[String]) -> bool {
    let Ok(text) = fs::read(certificate) else { return false };
    if !key.exists() {
        return false;
    }
    let Ok(der) = CertificateDer::from_pem_slice(&text) else { return false };
    let Ok((_, parsed)) = x509_parser::certificate::X509Certificate::from_der(&der) else { return false };
    let soon = SystemTime::now() + RENEW_BEFORE;
    let soon = soon.duration_since(SystemTime::UNIX_EPOCH).map_or(i64::MAX, |since| since.as_secs() as i64);
    if parsed.validity().not_after.timestamp() < soon {
        return false;
    }
    let Ok(Some(held)) = parsed.subject_alternative_name() else { return false };
    let held: Vec<String> = held.value.general_names.iter().map(spelled).collect();
    names.iter().all(|name| held.iter().any(|held| held == name))
}

fn spelled(name: &x509_parser::extensions::GeneralName<'_>) -> String {
    use x509_parser::extensions::GeneralName;
    match name {
        GeneralName::DNSName(name) => (*name).to_owned(),
        GeneralName::IPAddress(bytes) => match (<[u8; 4]>::try_from(*bytes), <[u8; 16]>::try_from(*bytes)) {
            (Ok(four), _) => std::net::IpAddr::from(four).to_string(),
            (_, Ok(sixteen)) => std::net::IpAddr::from(sixteen).to_string(),
            _ => String::new(),
        },
        _ => String::new(),
    }
}

fn read(file: &Path) -> Result<String, ServerTlsFault> {
    fs::read_to_string(file).map_err(|source| ServerTlsFault::File { file: file.to_path_buf(), source })
}

fn write_private(file: &Path, text: &str) -> Result<(), ServerTlsFault> {
    write(file, text, 0o600)
}

fn write(file: &Path, text: &str, mode: u32) -> Result<(), ServerTlsFault> {
    let failed = |source| ServerTlsFault::File { file: file.to_path_buf(), source };
    _ = fs::remove_file(file);
    let mut out =
        fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(file).map_err(failed)?;
    out.write_all(text.as_bytes()).map_err(failed)?;
    out.sync_all().map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn made_once_kept_and_made_anew_for_other_names() {
        let folder = tempfile::tempdir().unwrap();
        let tls = folder.path().join("tls");
        let made = ServerCertificate::first_start(&tls, &[]).unwrap();
        let first = fs::read(&made.certificate).unwrap();
        assert_eq!(fs::metadata(&made.key).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(tls.join("ca.key")).unwrap().permissions().mode() & 0o777, 0o600);
        ServerCertificate::first_start(&tls, &[]).unwrap();
        assert_eq!(fs::read(&made.certificate).unwrap(), first, "a good certificate was made anew");
        let authority = fs::read(tls.join("ca.crt")).unwrap();
        ServerCertificate::first_start(&tls, &["db.example.com".to_owned()]).unwrap();
        assert_ne!(fs::read(&made.certificate).unwrap(), first);
        assert_eq!(fs::read(tls.join("ca.crt")).unwrap(), authority, "the authority changed");
        made.server_config(&[b"test"]).unwrap();
    }
}
