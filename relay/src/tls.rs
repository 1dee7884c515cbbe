//! TLS towards callers: the operator's certificate, or one made on first start by a small authority of our own.
//!
//! Files are read again when they change, without a restart. Invariant: only a certificate whose key fits is ever shown.

use arc_swap::ArcSwap;
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
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;
use x509_parser::prelude::FromDer;

const AUTHORITY_DAYS: u32 = 3650;
const CERTIFICATE_DAYS: u32 = 397;
/// A certificate of ours with less life than this is made anew.
const RENEW_BEFORE: Duration = Duration::from_secs(30 * 86_400);

#[derive(Debug, thiserror::Error)]
pub enum ServerTlsFault {
    #[error("{}: {source}", file.display())]
    File { file: PathBuf, source: io::Error },
    #[error("{}: it holds no usable certificate or key in PEM", .0.display())]
    Unusable(PathBuf),
    #[error("{} and {} cannot be used together: {problem}", certificate.display(), key.display())]
    Pair { certificate: PathBuf, key: PathBuf, problem: String },
    #[error("this build speaks no version of TLS: {0}")]
    Versions(String),
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
    /// Where the gateway's own are, made or not.
    pub fn in_folder(folder: &Path) -> Self {
        Self {
            certificate: folder.join("server.crt"),
            key: folder.join("server.key"),
            authority: Some(folder.join("ca.crt")),
        }
    }

    /// The authority and a certificate for loopback and `names`, made where they are missing, due or for other names.
    pub fn first_start(folder: &Path, names: &[String]) -> Result<Self, ServerTlsFault> {
        let failed = |source| ServerTlsFault::File { file: folder.to_path_buf(), source };
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
        let (authority, authority_key) = (folder.join("ca.crt"), folder.join("ca.key"));
        let made = Self::in_folder(folder);
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

    /// The pair as it is in the files now, if it can be shown to callers.
    pub fn read(&self) -> Result<Pair, ServerTlsFault> {
        let chain: Result<Vec<_>, _> =
            CertificateDer::pem_slice_iter(read(&self.certificate)?.as_bytes()).collect();
        let unusable = || ServerTlsFault::Unusable(self.certificate.clone());
        let chain = chain.map_err(|_| unusable())?;
        let until = chain.first().and_then(|first| ends(first)).ok_or_else(unusable)?;
        let key = PrivateKeyDer::from_pem_slice(read(&self.key)?.as_bytes())
            .map_err(|_| ServerTlsFault::Unusable(self.key.clone()))?;
        let keyed = CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider());
        let keyed = keyed.map_err(|fault| ServerTlsFault::Pair {
            certificate: self.certificate.clone(),
            key: self.key.clone(),
            problem: fault.to_string(),
        })?;
        Ok(Pair { keyed: Arc::new(keyed), until })
    }
}

/// A certificate with its key, and when it ends.
#[derive(Clone)]
pub struct Pair {
    keyed: Arc<CertifiedKey>,
    /// Seconds since 1970.
    pub until: i64,
}

/// What callers are shown: the last pair that was whole. New handshakes take the newest; those that are done keep theirs.
pub struct Shown {
    files: ServerCertificate,
    now: ArcSwap<CertifiedKey>,
}

impl Shown {
    pub fn open(files: ServerCertificate) -> Result<Arc<Self>, ServerTlsFault> {
        let now = ArcSwap::new(files.read()?.keyed);
        Ok(Arc::new(Self { files, now }))
    }
    pub fn files(&self) -> &ServerCertificate {
        &self.files
    }
    /// Takes what is in the files now, and says when it ends. What cannot be shown changes nothing.
    pub fn read_again(&self) -> Result<i64, ServerTlsFault> {
        let Pair { keyed, until } = self.files.read()?;
        self.now.store(keyed);
        Ok(until)
    }
    /// A server that speaks TLS 1.2 and 1.3. A client that names no protocol is served as well.
    pub fn server_config(self: &Arc<Self>, alpn: &[&[u8]]) -> Result<Arc<ServerConfig>, ServerTlsFault> {
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|fault| ServerTlsFault::Versions(fault.to_string()))?;
        let mut config = config.with_no_client_auth().with_cert_resolver(Arc::clone(self) as _);
        config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
        Ok(Arc::new(config))
    }
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.now.load_full())
    }
}

impl std::fmt::Debug for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shown").field("files", &self.files).finish_non_exhaustive()
    }
}

/// When a certificate ends, in seconds since 1970.
fn ends(der: &CertificateDer<'_>) -> Option<i64> {
    let (_, parsed) = x509_parser::certificate::X509Certificate::from_der(der).ok()?;
    Some(parsed.validity().not_after.timestamp())
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
        Shown::open(made).unwrap().server_config(&[b"test"]).unwrap();
    }

    #[test]
    fn what_cannot_be_shown_changes_nothing_and_says_which_file_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let made = ServerCertificate::first_start(&folder.path().join("tls"), &[]).unwrap();
        let other = ServerCertificate::first_start(&folder.path().join("other"), &[]).unwrap();
        let shown = Shown::open(made.clone()).unwrap();
        let leaf = || shown.now.load().cert.first().unwrap().clone();
        let first = leaf();
        fs::write(&made.certificate, "no certificate").unwrap();
        assert!(
            matches!(shown.read_again(), Err(ServerTlsFault::Unusable(file)) if file == made.certificate)
        );
        // The certificate came first and its key is not there yet: as any renewal looks in its middle.
        fs::copy(&other.certificate, &made.certificate).unwrap();
        let refused = shown.read_again().unwrap_err().to_string();
        assert!(refused.contains("server.crt") && refused.contains("server.key"), "{refused}");
        assert_eq!(leaf(), first);
        fs::copy(&other.key, &made.key).unwrap();
        let year = 300 * 86_400;
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs() as i64;
        assert!(shown.read_again().unwrap() > now + year);
        assert_ne!(leaf(), first);
    }
}
