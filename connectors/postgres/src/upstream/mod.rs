//! Reaching a target: dial, TLS, login, up to its first ReadyForQuery.
//!
//! Not here: what a session says afterwards. Invariants: the credential leaves only in a form and over a connection
//! that the target's settings allow, nothing that a target sends before it is ready is kept without a bound, and no
//! word of its errors reaches a client.

mod auth;
mod cancel;
mod line;
pub(crate) mod startup;
mod tls;
mod trust;

pub use cancel::cancel;

use crate::config::PostgresSettings;
use crate::seam::TargetSide;
use line::Line;
use sallyport_core::Fault;
use sallyport_relay::{Credential, Route};
use std::fmt;
use std::time::Duration;
use tokio::time::timeout;

/// For all of it: the name, the dial, TLS, the login, the target's own start of a session.
const REACHING: Duration = Duration::from_secs(15);

const SLOW: Fault = Fault::Target("the target did not answer in time");

/// How the target was satisfied about who we are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    /// It asked for nothing beyond the connection itself.
    Unasked,
    Password,
    Md5,
    Scram,
    ScramPlus,
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Proof::Unasked => "no password asked",
            Proof::Password => "a password in clear",
            Proof::Md5 => "MD5",
            Proof::Scram => "SCRAM-SHA-256",
            Proof::ScramPlus => "SCRAM-SHA-256-PLUS",
        })
    }
}

/// A target that let us in, and how.
#[derive(Debug)]
pub(crate) struct Reached {
    pub side: TargetSide,
    /// `TLS 1.3`, or None for clear text.
    pub tls: Option<&'static str>,
    pub proof: Proof,
}

/// Opens a session at the route's target with `parameters` besides user and database.
pub async fn connect(
    route: &Route,
    credential: &Credential,
    parameters: &[(String, String)],
) -> Result<TargetSide, Fault> {
    Ok(reach(route, credential, parameters).await?.side)
}

pub(crate) async fn reach(
    route: &Route,
    credential: &Credential,
    parameters: &[(String, String)],
) -> Result<Reached, Fault> {
    timeout(REACHING, log_in(route, credential, parameters)).await.map_err(|_| SLOW)?
}

async fn log_in(
    route: &Route,
    credential: &Credential,
    parameters: &[(String, String)],
) -> Result<Reached, Fault> {
    let target = route.target();
    let settings = PostgresSettings::of(target)?;
    let packet = startup::packet(&target.account, route.database(), parameters)?;
    let opened = tls::open(route, &settings, credential.certificate.as_ref(), REACHING).await?;
    let tls = opened.tls.as_ref().map(|tls| tls.version);
    let mut line = Line::new(opened.stream, target.name.clone());
    line.send(&packet).await?;
    let login = auth::Login { account: &target.account, credential, settings: &settings, tls: opened.tls };
    let proof = auth::prove(&mut line, login).await?;
    let side = startup::finish(line).await?;
    Ok(Reached { side, tls, proof })
}
