//! A test authority and a certificate for loopback.

use anyhow::{Context, Result};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use std::path::{Path, PathBuf};

#[derive(Clone, Debug)]
pub struct TestCertificates {
    pub authority: PathBuf,
    pub certificate: PathBuf,
    pub key: PathBuf,
}

impl TestCertificates {
    pub fn make(folder: &Path) -> Result<Self> {
        let mut authority = CertificateParams::new(Vec::new()).context("make an authority")?;
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.distinguished_name.push(DnType::CommonName, "Sallyport test authority");
        let issuer = CertifiedIssuer::self_signed(authority, KeyPair::generate().context("make a key")?)
            .context("sign the authority")?;
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
        let mut leaf = CertificateParams::new(names).context("make a certificate")?;
        leaf.distinguished_name.push(DnType::CommonName, "localhost");
        let key = KeyPair::generate().context("make a key")?;
        let certificate = leaf.signed_by(&key, &issuer).context("sign the certificate")?;
        let made = Self {
            authority: folder.join("ca.crt"),
            certificate: folder.join("server.crt"),
            key: folder.join("server.key"),
        };
        std::fs::write(&made.authority, issuer.pem()).context("write the authority")?;
        std::fs::write(&made.certificate, certificate.pem()).context("write the certificate")?;
        std::fs::write(&made.key, key.serialize_pem()).context("write the key")?;
        Ok(made)
    }
}
