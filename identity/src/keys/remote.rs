//! An issuer's key set over the network, kept: fetched when it is old or when a token names a key it lacks.
//!
//! Invariants: one fetch at a time per issuer, and none sooner than [`RETRY_AFTER_SECONDS`] after the one before, however
//! many strangers present however many unknown keys; a fetch that began is finished even if who asked has gone; keys
//! that could not be renewed serve for [`STALE_FOR_SECONDS`] and not a second longer.

use crate::config::{ConfigFault, IssuerConfig, fetchable};
use crate::keys::{Algorithm, KeySet, KeysUnavailable, Pick, fetch};
use arc_swap::ArcSwapOption;
use reqwest::{Client, Url};
use sallyport_core::Moment;
use serde::Deserialize;
use std::sync::Arc;
use tokio::sync::{Mutex, OwnedMutexGuard};

const FRESH_FOR_SECONDS: i64 = 5 * 60;
const STALE_FOR_SECONDS: i64 = 60 * 60;
const RETRY_AFTER_SECONDS: i64 = 10;
const WELL_KNOWN: &str = ".well-known/openid-configuration";

pub(crate) struct RemoteKeys {
    issuer: String,
    jwks_url: Option<String>,
    on_loopback: bool,
    client: Client,
    kept: ArcSwapOption<Kept>,
    flight: Arc<Mutex<Flight>>,
}

struct Kept {
    keys: Arc<KeySet>,
    fetched: Moment,
}

/// The last attempt, successful or not.
#[derive(Default)]
struct Flight {
    tried: Option<Moment>,
    failure: Option<KeysUnavailable>,
}

impl RemoteKeys {
    pub(crate) fn new(config: &IssuerConfig) -> Result<Self, ConfigFault> {
        Ok(Self {
            issuer: config.issuer.clone(),
            jwks_url: config.jwks_url.clone(),
            on_loopback: config.on_loopback(),
            client: fetch::client(config)?,
            kept: ArcSwapOption::empty(),
            flight: Arc::default(),
        })
    }

    pub(crate) async fn keys_for(
        self: &Arc<Self>,
        kid: Option<&str>,
        algorithm: Algorithm,
        now: Moment,
    ) -> Result<Arc<KeySet>, KeysUnavailable> {
        let usable = self.usable(now);
        let fits = usable.as_ref().is_some_and(|kept| !matches!(kept.keys.pick(kid, algorithm), Pick::None));
        match usable {
            Some(kept) if fits && kept.age_seconds(now) < FRESH_FOR_SECONDS => {
                return Ok(Arc::clone(&kept.keys));
            }
            // Old keys that still fit wait for nobody: one caller renews them, the others go on.
            Some(kept) if fits => {
                if let Ok(flight) = Arc::clone(&self.flight).try_lock_owned() {
                    self.renew(flight, now).await;
                } else {
                    return Ok(Arc::clone(&kept.keys));
                }
            }
            _ => {
                let flight = Arc::clone(&self.flight).lock_owned().await;
                let known_by_now = self
                    .usable(now)
                    .is_some_and(|kept| !matches!(kept.keys.pick(kid, algorithm), Pick::None));
                if !known_by_now {
                    self.renew(flight, now).await;
                }
            }
        }
        match self.usable(now) {
            Some(kept) => Ok(Arc::clone(&kept.keys)),
            None => Err(self.flight.lock().await.failure.unwrap_or(KeysUnavailable("its keys are too old"))),
        }
    }

    fn usable(&self, now: Moment) -> Option<Arc<Kept>> {
        self.kept.load_full().filter(|kept| kept.age_seconds(now) < FRESH_FOR_SECONDS + STALE_FOR_SECONDS)
    }

    /// In a task of its own, so that a stranger who hangs up cannot keep the keys from being renewed.
    async fn renew(self: &Arc<Self>, mut flight: OwnedMutexGuard<Flight>, now: Moment) {
        let too_soon = |tried: Moment| (now.as_seconds() - tried.as_seconds()).abs() < RETRY_AFTER_SECONDS;
        if flight.tried.is_some_and(too_soon) {
            return;
        }
        flight.tried = Some(now);
        let this = Arc::clone(self);
        let task = tokio::spawn(async move {
            match this.fetch().await {
                Ok(keys) => {
                    flight.failure = None;
                    this.kept.store(Some(Arc::new(Kept { keys: Arc::new(keys), fetched: now })));
                }
                Err(failure) => {
                    tracing::warn!(
                        issuer = this.issuer,
                        reason = failure.0,
                        "an issuer's keys were not renewed"
                    );
                    flight.failure = Some(failure);
                }
            }
        });
        // A task that died stored nothing: the caller sees that there are no keys.
        let _ = task.await;
    }

    async fn fetch(&self) -> Result<KeySet, KeysUnavailable> {
        let url = match &self.jwks_url {
            Some(url) => self.allowed(url)?,
            None => self.discover().await?,
        };
        let document = fetch::document(&self.client, url).await?;
        KeySet::from_json(&document).ok_or(KeysUnavailable("its answer is not a key set"))
    }

    async fn discover(&self) -> Result<Url, KeysUnavailable> {
        #[derive(Deserialize)]
        struct Discovery {
            issuer: String,
            jwks_uri: String,
        }
        let url = self.allowed(&format!("{}/{WELL_KNOWN}", self.issuer.trim_end_matches('/')))?;
        let document = fetch::document(&self.client, url).await?;
        let discovery: Discovery = serde_json::from_slice(&document)
            .map_err(|_| KeysUnavailable("its discovery document is not one"))?;
        if discovery.issuer != self.issuer {
            return Err(KeysUnavailable("its discovery document names another issuer"));
        }
        self.allowed(&discovery.jwks_uri)
    }

    fn allowed(&self, url: &str) -> Result<Url, KeysUnavailable> {
        fetchable(url, self.on_loopback).ok_or(KeysUnavailable("it names a URL that is not https"))
    }
}

impl Kept {
    fn age_seconds(&self, now: Moment) -> i64 {
        // A clock that went back makes keys old, not young.
        (now.as_seconds() - self.fetched.as_seconds()).abs()
    }
}
