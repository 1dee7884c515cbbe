//! One protocol. Registered by one line in `server`.

use crate::door::{Credential, Door};
use crate::route::Route;
use sallyport_core::approvals::BoxFuture;
use sallyport_core::mask::survey::{Sampled, Sampling};
use sallyport_core::{Effects, Fault, Target};
use serde::Serialize;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpStream;

/// One setting of a target of this protocol. Forms, validation and which fields are secret all come from it.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Setting {
    pub key: &'static str,
    pub help: &'static str,
    pub default: Option<&'static str>,
    /// The only values allowed; empty where any text is.
    pub choices: &'static [&'static str],
    /// Goes to the vault, never to the store or an answer.
    pub secret: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize)]
#[error("{key}: {problem}")]
pub struct SettingFault {
    pub key: String,
    pub problem: String,
}

/// What a piece of text would do, for `policy explain` and tools: no session, no target.
#[derive(Clone, Debug, Serialize)]
pub struct StatementView {
    pub text: String,
    #[serde(skip)]
    pub effects: Option<Effects>,
    /// Columns by which it would choose, join, order or group rows: schema, table and column, as far as the text says.
    /// A column `*` is any of the table's.
    #[serde(skip)]
    pub filters: Vec<Vec<String>>,
    /// Set where the text cannot be understood.
    pub problem: Option<String>,
}

/// Schema, table and column.
pub type ColumnPath = (String, String, String);

/// What every connection of a listener shares.
pub struct House {
    pub door: Arc<dyn Door>,
    /// Absent where the listener is loopback and says that it may do without.
    pub tls: Option<Arc<tokio_rustls::rustls::ServerConfig>>,
    pub require_tls: bool,
}

pub trait Connector: Send + Sync {
    fn protocol(&self) -> &'static str;
    fn default_port(&self) -> u16;
    /// What TLS negotiates for it.
    fn alpn(&self) -> &'static [&'static [u8]];
    fn settings(&self) -> &'static [Setting];
    /// What the settings' schema alone cannot say.
    fn validate(&self, target: &Target) -> Vec<SettingFault>;
    /// One accepted connection, from its first byte to its last. Never returns an error: it has told the peer.
    fn serve(&self, stream: TcpStream, peer: SocketAddr, house: Arc<House>) -> BoxFuture<'static, ()>;
    /// Reaches the target as a session would, and says in words what it found.
    fn probe(&self, route: Route, credential: Credential) -> BoxFuture<'_, Result<String, Fault>>;
    /// Reads some rows of its tables on a connection of the gateway's own, and says what their columns seem to hold.
    /// Changes nothing there. No value comes back.
    fn sample(
        &self,
        route: Route,
        credential: Credential,
        how: Sampling,
    ) -> BoxFuture<'_, Result<Sampled, Fault>>;
    /// Every column that rules can speak of.
    fn columns(&self, route: Route, credential: Credential) -> BoxFuture<'_, Result<Vec<ColumnPath>, Fault>>;
    /// Splits and names what a text would do, by the text alone: names stay as they are written.
    fn read(&self, text: &str) -> Vec<StatementView>;
    /// The same as a session at this target would find it. Nothing of the text reaches the target.
    fn read_at(
        &self,
        route: Route,
        credential: Credential,
        text: String,
    ) -> BoxFuture<'_, Result<Vec<StatementView>, Fault>>;
}
