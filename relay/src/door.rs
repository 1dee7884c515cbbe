//! Authenticate, authorise, open the recording, build the gate: in one call, so that no step can be forgotten.

use sallyport_core::approvals::BoxFuture;
use sallyport_core::{Fault, Gate, Grant, Secret};
use std::net::SocketAddr;
use tokio::sync::watch;

/// What a caller presented, as a connector understood it. Nothing of it is trusted yet.
#[derive(Debug)]
pub struct Claim {
    pub protocol: &'static str,
    /// The token, in the place where the protocol has a password.
    pub token: Secret,
    pub target: String,
    pub database: Option<String>,
    pub peer: SocketAddr,
    /// What the client program calls itself.
    pub client: Option<String>,
    /// The name the caller logs in with. Recorded, never believed.
    pub user: Option<String>,
}

/// The one way in.
pub trait Door: Send + Sync {
    fn admit(&self, claim: Claim) -> BoxFuture<'_, Result<Session, Fault>>;
}

/// An admitted caller. The grant inside the gate is the proof.
pub struct Session {
    pub gate: Gate,
    pub credentials: std::sync::Arc<dyn Credentials>,
    pub ending: Ending,
}

/// The vault, as far as a connector sees it.
pub trait Credentials: Send + Sync {
    fn unseal<'a>(&'a self, grant: &'a Grant) -> BoxFuture<'a, Result<Credential, Fault>>;
}

/// What the gateway proves itself with to a target. Never printed.
#[derive(Clone, Debug, Default)]
pub struct Credential {
    pub password: Option<Secret>,
    /// A client certificate chain and its key, both PEM.
    pub certificate: Option<(Secret, Secret)>,
}

/// Tells a live session that it is over: killed by a person, its grant gone, its token expired, the gateway stopping.
#[derive(Clone, Debug)]
pub struct Ending(watch::Receiver<Option<String>>);

impl Ending {
    pub fn new() -> (watch::Sender<Option<String>>, Ending) {
        let (sender, receiver) = watch::channel(None);
        (sender, Ending(receiver))
    }
    /// Resolves with the reason, in words for the caller. Cancel-safe.
    pub async fn wait(&mut self) -> String {
        match self.0.wait_for(Option::is_some).await {
            Ok(reason) => reason.clone().unwrap_or_default(),
            Err(_) => "The gateway is stopping.".to_owned(),
        }
    }
}
