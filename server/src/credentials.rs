//! The vault as connectors see it: what a grant names, and nothing else.

use sallyport_api::credential;
use sallyport_core::approvals::BoxFuture;
use sallyport_core::{Fault, Grant, Secret};
use sallyport_relay::{Credential, Credentials};
use sallyport_store::Store;
use sallyport_vault::Vault;
use std::collections::BTreeMap;
use std::sync::Arc;

const NOT_AVAILABLE: &str = "the target's credential is not available";

pub struct SealedCredentials {
    pub store: Store,
    pub vault: Arc<Vault>,
}

impl Credentials for SealedCredentials {
    fn unseal<'a>(&'a self, grant: &'a Grant) -> BoxFuture<'a, Result<Credential, Fault>> {
        Box::pin(async move {
            let target = grant.target();
            let stored = self.store.target(target.name.as_str()).await;
            let stored = stored.map_err(|fault| Fault::ours(NOT_AVAILABLE, fault))?;
            let Some(stored) = stored
                .filter(|stored| stored.target.host == target.host && stored.target.port == target.port)
            else {
                return Err(Fault::ours(
                    NOT_AVAILABLE,
                    "the target was changed or removed after the session was admitted",
                ));
            };
            let Some(sealed) = stored.credential else { return Ok(Credential::default()) };
            let fields = credential::unseal(&self.vault, &target.name, &sealed);
            Ok(of_fields(fields.map_err(|fault| Fault::ours(NOT_AVAILABLE, fault))?))
        })
    }
}

pub fn of_fields(mut fields: BTreeMap<String, Secret>) -> Credential {
    let certificate = fields.remove("certificate").zip(fields.remove("key"));
    Credential { password: fields.remove("password"), certificate }
}
