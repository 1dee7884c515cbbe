//! Where an issuer's keys come from: its key set over the network, or the issuer inside this process.

use crate::issuer::Issuer;
use crate::keys::{Algorithm, KeySet, RemoteKeys};
use sallyport_core::Moment;
use std::sync::Arc;

pub(crate) enum KeySource {
    Remote(Arc<RemoteKeys>),
    Embedded(Arc<Issuer>),
}

/// Why there are no keys, in words that may be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KeysUnavailable(pub(crate) &'static str);

impl KeySource {
    /// A set that holds a fitting key, if there is a way to get one.
    pub(crate) async fn keys_for(
        &self,
        kid: Option<&str>,
        algorithm: Algorithm,
        now: Moment,
    ) -> Result<Arc<KeySet>, KeysUnavailable> {
        match self {
            KeySource::Remote(remote) => remote.keys_for(kid, algorithm, now).await,
            KeySource::Embedded(issuer) => Ok(issuer.key_set()),
        }
    }
}
