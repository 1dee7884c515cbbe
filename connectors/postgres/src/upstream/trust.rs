//! Whom targets are believed by, read and parsed once for each kind of settings instead of at every connection.
//!
//! What is kept holds no secret: a client certificate's key is put to it for one connection and goes with that. The
//! settings themselves are the key, so that changed ones find nothing; a CA file is looked at each time, and one that
//! is not the same any more is read again.

use crate::config::{ALPN, PostgresSettings};
use sallyport_core::Secret;
use sallyport_relay::tls_client::{self, TlsFault, Trust};
use std::collections::HashMap;
use std::os::unix::fs::MetadataExt;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio_rustls::rustls::ClientConfig;

/// More kinds of settings than this and all of them are read anew.
const MOST_KEPT: usize = 64;
/// The system's authorities are many files; they change with its updates.
const SYSTEM_AGE: Duration = Duration::from_secs(300);

/// What tells a file from the one that was there before: device, inode, length, and both times with nanoseconds.
type Stamp = [i64; 7];

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    settings: PostgresSettings,
    file: Option<Stamp>,
}

#[derive(Clone, Debug)]
struct Kept {
    trust: Trust,
    /// For a connection without a certificate of its own, which most are.
    plain: Arc<ClientConfig>,
    read: Instant,
}

#[derive(Debug, Default)]
pub(super) struct Trusts(Mutex<HashMap<Key, Kept>>);

impl Trusts {
    pub fn of_process() -> &'static Trusts {
        static ALL: LazyLock<Trusts> = LazyLock::new(Trusts::default);
        &ALL
    }

    /// The TLS client for these settings, where nothing has to be read for it.
    pub fn at_hand(&self, settings: &PostgresSettings) -> Option<Arc<ClientConfig>> {
        if settings.ca_file().is_some() {
            return None;
        }
        let key = Key { settings: settings.clone(), file: None };
        self.kept(&key).map(|kept| kept.plain)
    }

    /// The TLS client for these settings, or None for clear text. Reads files: not for an async thread.
    pub fn client(
        &self,
        settings: &PostgresSettings,
        identity: Option<&(Secret, Secret)>,
    ) -> Result<Option<Arc<ClientConfig>>, TlsFault> {
        if settings.tls.is_none() {
            return Ok(None);
        }
        // The stamp is older than what is read under it: a file that changes in between is read again next time.
        let file = settings.ca_file().map(stamp).transpose()?;
        let key = Key { settings: settings.clone(), file };
        let kept = match self.kept(&key) {
            Some(kept) => kept,
            None => self.keep(key, settings)?,
        };
        match identity {
            None => Ok(Some(kept.plain)),
            Some(_) => tls_client::client_of(&kept.trust, identity, &[ALPN]).map(Some),
        }
    }

    fn kept(&self, key: &Key) -> Option<Kept> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(key).filter(|kept| !key.settings.is_of_system() || kept.read.elapsed() < SYSTEM_AGE).cloned()
    }

    fn keep(&self, key: Key, settings: &PostgresSettings) -> Result<Kept, TlsFault> {
        let read = Instant::now();
        let trust = settings.trust()?;
        let plain = tls_client::client_of(&trust, None, &[ALPN])?;
        let kept = Kept { trust, plain, read };
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // What the settings or the file were before is of no use any more.
        all.retain(|other, _| other.settings != key.settings);
        if all.len() >= MOST_KEPT {
            all.clear();
        }
        all.insert(key, kept.clone());
        Ok(kept)
    }
}

fn stamp(file: &str) -> Result<Stamp, TlsFault> {
    let seen = std::fs::metadata(file).map_err(|source| TlsFault::Read { file: file.to_owned(), source })?;
    let number = |value: u64| i64::from_ne_bytes(value.to_ne_bytes());
    Ok([
        number(seen.dev()),
        number(seen.ino()),
        number(seen.size()),
        seen.mtime(),
        seen.mtime_nsec(),
        seen.ctime(),
        seen.ctime_nsec(),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use sallyport_core::{Target, TargetName};
    use std::path::Path;

    fn settings(given: &[(&str, &str)]) -> PostgresSettings {
        let target = Target {
            name: TargetName::new("t"),
            protocol: "postgres".into(),
            host: "db.example".into(),
            port: 1,
            account: "a".into(),
            database: None,
            labels: Default::default(),
            strict: false,
            record_result_bytes: 0,
            classes: Default::default(),
            settings: given.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect(),
        };
        PostgresSettings::of(&target).unwrap()
    }

    fn pem() -> String {
        rcgen::generate_simple_self_signed(["db.example".to_owned()]).unwrap().cert.pem()
    }

    fn client(trusts: &Trusts, settings: &PostgresSettings) -> Arc<ClientConfig> {
        trusts.client(settings, None).unwrap().unwrap()
    }

    #[test]
    fn equal_settings_are_read_once_and_changed_ones_anew() {
        let trusts = Trusts::default();
        let (one, other) = (pem(), pem());
        let first = settings(&[("sslmode", "verify-full"), ("ca_pem", &one)]);
        assert!(trusts.at_hand(&first).is_none());
        let made = client(&trusts, &first);
        assert!(Arc::ptr_eq(&made, &client(&trusts, &first)));
        assert!(Arc::ptr_eq(&made, &trusts.at_hand(&first).unwrap()));
        for changed in [
            settings(&[("sslmode", "verify-ca"), ("ca_pem", &one)]),
            settings(&[("sslmode", "verify-full"), ("ca_pem", &other)]),
            settings(&[("sslmode", "require")]),
        ] {
            assert!(!Arc::ptr_eq(&made, &client(&trusts, &changed)), "{changed:?}");
        }
        assert!(trusts.client(&settings(&[("sslmode", "disable")]), None).unwrap().is_none());
    }

    #[test]
    fn a_file_that_changed_is_read_again_and_one_that_is_gone_is_missed() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ca.pem");
        let write = |to: &Path, text: &str| std::fs::write(to, text).unwrap();
        write(&file, &pem());
        let trusts = Trusts::default();
        let settings = settings(&[("sslmode", "verify-full"), ("ca_file", file.to_str().unwrap())]);
        let made = client(&trusts, &settings);
        assert!(Arc::ptr_eq(&made, &client(&trusts, &settings)));
        assert!(trusts.at_hand(&settings).is_none(), "the file has to be looked at");
        // Put in its place, as those who renew certificates do.
        let next = folder.path().join("next.pem");
        write(&next, &pem());
        std::fs::rename(&next, &file).unwrap();
        let again = client(&trusts, &settings);
        assert!(!Arc::ptr_eq(&made, &again));
        write(&file, "no certificate");
        assert!(trusts.client(&settings, None).is_err());
        std::fs::remove_file(&file).unwrap();
        assert!(trusts.client(&settings, None).is_err());
    }
}
