//! The issuer's signing keys: the newest signs, older ones stay published until their last token has ended.
//!
//! Kept in one versioned JSON file that only its owner may read, replaced in one step.

use crate::issuer::IssuerFault;
use crate::keys::{Algorithm, Jwk};
use crate::random;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::EncodingKey;
use sallyport_core::Moment;
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

pub(super) const FILE_NAME: &str = "issuer-keys.json";
const VERSION: u32 = 1;
const MAX_FILE_BYTES: u64 = 256 * 1024;
const OTHERS: u32 = 0o077;
const UNCOMPRESSED: u8 = 4;

/// Oldest first, never empty.
#[derive(Clone)]
pub(super) struct Ring {
    older: Vec<SigningKey>,
    newest: SigningKey,
}

#[derive(Clone)]
pub(super) struct SigningKey {
    pub(super) kid: String,
    pub(super) algorithm: Algorithm,
    pub(super) created: Moment,
    /// When the next one took over.
    retired: Option<Moment>,
    private: Zeroizing<Vec<u8>>,
    public: Jwk,
}

#[derive(Serialize, Deserialize)]
struct Document {
    version: u32,
    keys: Vec<StoredKey>,
}

#[derive(Serialize, Deserialize)]
struct StoredKey {
    algorithm: Algorithm,
    created: Moment,
    retired: Option<Moment>,
    pkcs8: StoredSecret,
}

#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(transparent)]
struct StoredSecret(String);

impl Ring {
    fn first(algorithm: Algorithm, now: Moment) -> Result<Self, IssuerFault> {
        Ok(Self { older: Vec::new(), newest: SigningKey::make(algorithm, now)? })
    }
    pub(super) fn newest(&self) -> &SigningKey {
        &self.newest
    }
    pub(super) fn public(&self) -> Vec<Jwk> {
        self.all().map(|key| key.public.clone()).collect()
    }
    pub(super) fn rotated(
        &self,
        algorithm: Algorithm,
        now: Moment,
        keep_for: i64,
    ) -> Result<Self, IssuerFault> {
        let mut outgoing = self.newest.clone();
        outgoing.retired = Some(now);
        let mut older = self.older.clone();
        older.push(outgoing);
        older.retain(|key| key.retired.is_none_or(|retired| retired.plus_seconds(keep_for) >= now));
        Ok(Self { older, newest: SigningKey::make(algorithm, now)? })
    }
    fn all(&self) -> impl Iterator<Item = &SigningKey> {
        self.older.iter().chain(std::iter::once(&self.newest))
    }
}

impl SigningKey {
    fn make(algorithm: Algorithm, now: Moment) -> Result<Self, IssuerFault> {
        let made = |_| IssuerFault::KeyMaking;
        let private = match algorithm {
            Algorithm::EdDsa => {
                Ed25519KeyPair::generate().and_then(|pair| pair.to_pkcs8v1()).map_err(made)?
            }
            Algorithm::ES256 => EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)
                .and_then(|pair| pair.to_pkcs8v1())
                .map_err(made)?,
            Algorithm::RS256 => return Err(IssuerFault::KeyMaking),
        };
        let private = Zeroizing::new(private.as_ref().to_vec());
        Self::from_private(algorithm, private, now, None).ok_or(IssuerFault::KeyMaking)
    }

    fn from_private(
        algorithm: Algorithm,
        private: Zeroizing<Vec<u8>>,
        created: Moment,
        retired: Option<Moment>,
    ) -> Option<Self> {
        let mut public = public_part(algorithm, &private)?;
        let kid = public.thumbprint()?;
        public.kid = Some(kid.clone());
        public.alg = Some(algorithm.as_str().to_owned());
        public.purpose = Some("sig".to_owned());
        Some(Self { kid, algorithm, created, retired, private, public })
    }

    /// Made for each use: it wipes itself, and an Ed25519 signature is cheap.
    pub(super) fn signing_key(&self) -> EncodingKey {
        match self.algorithm {
            Algorithm::EdDsa => EncodingKey::from_ed_der(&self.private),
            Algorithm::ES256 => EncodingKey::from_ec_der(&self.private),
            Algorithm::RS256 => EncodingKey::from_rsa_der(&self.private),
        }
    }
}

fn public_part(algorithm: Algorithm, private: &[u8]) -> Option<Jwk> {
    let text = |bytes: &[u8]| Some(URL_SAFE_NO_PAD.encode(bytes));
    match algorithm {
        Algorithm::EdDsa => {
            let pair = Ed25519KeyPair::from_pkcs8(private).ok()?;
            let x = text(pair.public_key().as_ref());
            Some(Jwk { kty: "OKP".into(), crv: Some("Ed25519".into()), x, ..Jwk::default() })
        }
        Algorithm::ES256 => {
            let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, private).ok()?;
            let (form, point) = pair.public_key().as_ref().split_first()?;
            let (x, y) = point.split_at_checked(point.len() / 2).filter(|_| *form == UNCOMPRESSED)?;
            Some(Jwk {
                kty: "EC".into(),
                crv: Some("P-256".into()),
                x: text(x),
                y: text(y),
                ..Jwk::default()
            })
        }
        Algorithm::RS256 => None,
    }
}

pub(super) fn open(path: &Path, algorithm: Algorithm, now: Moment) -> Result<Ring, IssuerFault> {
    match read(path) {
        Err(IssuerFault::File { source, .. }) if source.kind() == ErrorKind::NotFound => {
            let folder = path.parent().unwrap_or(Path::new("."));
            let fault =
                |source| IssuerFault::File { action: "make a folder for", path: path.to_owned(), source };
            std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(fault)?;
            create(path, &Ring::first(algorithm, now)?)?;
            // Another process may have been first: what is in the file counts, not what was made here.
            read(path)
        }
        other => other,
    }
}

fn read(path: &Path) -> Result<Ring, IssuerFault> {
    let fault = |action| move |source| IssuerFault::File { action, path: path.to_owned(), source };
    let file = File::open(path).map_err(fault("open"))?;
    let mode = file.metadata().map_err(fault("inspect"))?.mode() & 0o777;
    if mode & OTHERS != 0 {
        return Err(IssuerFault::NotPrivate { path: path.to_owned(), mode });
    }
    let mut text = Zeroizing::new(Vec::with_capacity(MAX_FILE_BYTES as usize));
    file.take(MAX_FILE_BYTES).read_to_end(&mut text).map_err(fault("read"))?;
    parse(&text, path)
}

fn parse(text: &[u8], path: &Path) -> Result<Ring, IssuerFault> {
    #[derive(Deserialize)]
    struct Versioned {
        version: u32,
    }
    let damaged = || IssuerFault::Damaged { path: path.to_owned() };
    let versioned: Versioned = serde_json::from_slice(text).map_err(|_| damaged())?;
    if versioned.version > VERSION {
        return Err(IssuerFault::Newer { path: path.to_owned() });
    }
    let document: Document = serde_json::from_slice(text).map_err(|_| damaged())?;
    let restore = |stored: StoredKey| {
        let private = Zeroizing::new(URL_SAFE_NO_PAD.decode(&stored.pkcs8.0).ok()?);
        SigningKey::from_private(stored.algorithm, private, stored.created, stored.retired)
    };
    let mut older: Vec<SigningKey> =
        document.keys.into_iter().map(restore).collect::<Option<_>>().ok_or_else(damaged)?;
    let newest = older.pop().ok_or_else(damaged)?;
    Ok(Ring { older, newest })
}

/// Replaces the file in one step.
pub(super) fn save(path: &Path, ring: &Ring) -> Result<(), IssuerFault> {
    let draft = write_draft(path, ring)?;
    std::fs::rename(&draft, path).and_then(|()| sync_folder(path)).map_err(unwritten(path))
}

/// Puts the file where none is. Loses quietly to another process that did the same.
fn create(path: &Path, ring: &Ring) -> Result<(), IssuerFault> {
    let draft = write_draft(path, ring)?;
    let placed = std::fs::hard_link(&draft, path);
    std::fs::remove_file(&draft).map_err(unwritten(path))?;
    match placed {
        Err(source) if source.kind() != ErrorKind::AlreadyExists => Err(unwritten(path)(source)),
        _ => sync_folder(path).map_err(unwritten(path)),
    }
}

fn write_draft(path: &Path, ring: &Ring) -> Result<PathBuf, IssuerFault> {
    let store = |key: &SigningKey| StoredKey {
        algorithm: key.algorithm,
        created: key.created,
        retired: key.retired,
        pkcs8: StoredSecret(URL_SAFE_NO_PAD.encode(&*key.private)),
    };
    let document = Document { version: VERSION, keys: ring.all().map(store).collect() };
    // Sized once, so that growing leaves no copy of a key behind.
    let mut text = Zeroizing::new(Vec::with_capacity(MAX_FILE_BYTES as usize));
    serde_json::to_writer_pretty(&mut *text, &document).map_err(|error| unwritten(path)(error.into()))?;
    let draft = draft_beside(path)?;
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(0o600).open(&draft).map_err(unwritten(path))?;
    if let Err(source) = file.write_all(&text).and_then(|()| file.sync_all()) {
        // The reason matters more than a draft that cannot be removed either.
        let _ = std::fs::remove_file(&draft);
        return Err(unwritten(path)(source));
    }
    Ok(draft)
}

fn unwritten(path: &Path) -> impl Fn(std::io::Error) -> IssuerFault {
    let path = path.to_owned();
    move |source| IssuerFault::File { action: "write", path: path.clone(), source }
}

fn sync_folder(path: &Path) -> std::io::Result<()> {
    File::open(path.parent().unwrap_or(Path::new("."))).and_then(|folder| folder.sync_all())
}

fn draft_beside(path: &Path) -> Result<PathBuf, IssuerFault> {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}", random::id()?));
    Ok(PathBuf::from(name))
}
