//! Where a connector may dial to. Made from a grant, or for an administrator's probe of a registered target.

use sallyport_core::{Grant, Target};
use std::sync::Arc;

#[derive(Clone, Debug)]
pub struct Route {
    target: Arc<Target>,
    database: String,
}

impl Route {
    pub fn of(grant: &Grant) -> Self {
        Self { target: Arc::clone(grant.target()), database: grant.database().to_owned() }
    }
    /// For what an administrator asks of a target: whether it can be reached, what its columns hold. No caller's bytes
    /// cross.
    pub fn for_probe(target: Arc<Target>, database: String) -> Self {
        Self { target, database }
    }
    pub fn target(&self) -> &Arc<Target> {
        &self.target
    }
    pub fn database(&self) -> &str {
        &self.database
    }
}
