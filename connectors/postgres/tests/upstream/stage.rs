//! What the tests share: targets, credentials, and a limit on everything.

use sallyport_core::{Fault, Secret, Target, TargetName};
use sallyport_postgres::seam::TargetSide;
use sallyport_postgres::upstream;
use sallyport_relay::{Credential, Route};
use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

pub const LIMIT: Duration = Duration::from_secs(30);

pub async fn bounded<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(LIMIT, what).await.expect("in time")
}

pub fn target(host: &str, port: u16, account: &str, settings: &[(&str, &str)]) -> Target {
    Target {
        name: TargetName::new("shop"),
        protocol: "postgres".into(),
        host: host.into(),
        port,
        account: account.into(),
        database: None,
        labels: BTreeMap::new(),
        strict: false,
        record_result_bytes: 0,
        classes: BTreeMap::new(),
        settings: settings.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect(),
    }
}

pub fn route(target: Target) -> Route {
    Route::for_probe(Arc::new(target), "postgres".into())
}

pub fn password(text: &str) -> Credential {
    Credential { password: Some(Secret::new(text)), certificate: None }
}

pub async fn connect(target: Target, credential: &Credential) -> Result<TargetSide, Fault> {
    let wanted = [("application_name".to_owned(), "upstream test".to_owned())];
    bounded(upstream::connect(&route(target), credential, &wanted)).await
}

/// What a client would read of the refusal.
pub async fn refused(target: Target, credential: &Credential) -> String {
    connect(target, credential).await.expect_err("must be refused").public()
}
