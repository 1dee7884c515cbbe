//! The registry: a new protocol is one folder and one line here.

use sallyport_relay::Connector;
use std::sync::Arc;

pub const DEFAULT_PROTOCOL: &str = "postgres";
pub const DEFAULT_PORT: u16 = 15432;

/// Every protocol, each by one line.
pub fn all() -> Vec<Arc<dyn Connector>> {
    vec![Arc::new(sallyport_postgres::Postgres::new())]
}

pub fn names() -> Vec<&'static str> {
    vec!["postgres"]
}

pub fn is_known(protocol: &str) -> bool {
    names().contains(&protocol)
}
