//! The harness of every connector: the door it goes through, the bytes it may write, TLS, dialling, listening.
//!
//! A connector reads from peers as it likes. It writes to them through an [`Outbox`], which takes only what the gate
//! cleared, and to a target only once the entries behind it are in the recording.

pub mod connector;
pub mod crew;
pub mod dial;
pub mod door;
pub mod listen;
pub mod outbox;
pub mod route;
pub mod tls;
pub mod tls_client;

pub use connector::{ColumnPath, Connector, House, Setting, SettingFault, StatementView};
pub use crew::{Crew, at_length};
pub use door::{Claim, Credential, Credentials, Door, Ending, Session};
pub use outbox::Outbox;
pub use route::Route;
