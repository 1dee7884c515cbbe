//! The registry of connectors, as the control plane sees it.

use crate::credentials::of_fields;
use sallyport_api::house::{Protocols, Reading, Readings, SettingForm};
use sallyport_core::approvals::BoxFuture;
use sallyport_core::mask::survey::{Sampled, Sampling};
use sallyport_core::{Fault, Secret, Target};
use sallyport_relay::{ColumnPath, Connector, Route, StatementView};
use std::collections::BTreeMap;
use std::sync::Arc;

const UNSPOKEN: Fault = Fault::Client("no connector speaks this protocol");

pub struct Registry(pub Vec<Arc<dyn Connector>>);

impl Registry {
    pub fn find(&self, protocol: &str) -> Option<&Arc<dyn Connector>> {
        self.0.iter().find(|connector| connector.protocol() == protocol)
    }

    /// Every column of the database that the target opens by itself.
    pub async fn columns(
        &self,
        target: &Target,
        fields: BTreeMap<String, Secret>,
    ) -> Result<Vec<ColumnPath>, Fault> {
        let connector = self.find(&target.protocol).ok_or(UNSPOKEN)?;
        let database = target.database.clone().unwrap_or_default();
        connector.columns(Route::for_probe(Arc::new(target.clone()), database), of_fields(fields)).await
    }
}

impl Protocols for Registry {
    fn names(&self) -> Vec<String> {
        self.0.iter().map(|connector| connector.protocol().to_owned()).collect()
    }
    fn default_port(&self, protocol: &str) -> Option<u16> {
        Some(self.find(protocol)?.default_port())
    }
    fn settings(&self, protocol: &str) -> Option<Vec<SettingForm>> {
        let settings = self.find(protocol)?.settings().iter();
        let forms = settings.map(|setting| SettingForm {
            key: setting.key.to_owned(),
            help: setting.help.to_owned(),
            default: setting.default.map(str::to_owned),
            choices: setting.choices.iter().map(|choice| (*choice).to_owned()).collect(),
            secret: setting.secret,
        });
        Some(forms.collect())
    }
    fn validate(&self, target: &Target) -> Vec<(String, String)> {
        match self.find(&target.protocol) {
            Some(connector) => {
                connector.validate(target).into_iter().map(|fault| (fault.key, fault.problem)).collect()
            }
            None => vec![("protocol".to_owned(), format!("write one of {}", self.names().join(", ")))],
        }
    }
    fn probe(
        &self,
        target: Target,
        fields: BTreeMap<String, Secret>,
    ) -> BoxFuture<'_, Result<String, Fault>> {
        Box::pin(async move {
            let connector = self.find(&target.protocol).ok_or(UNSPOKEN)?;
            let database = target.database.clone().unwrap_or_default();
            connector.probe(Route::for_probe(Arc::new(target), database), of_fields(fields)).await
        })
    }
    fn sample(
        &self,
        target: Target,
        database: String,
        fields: BTreeMap<String, Secret>,
        how: Sampling,
    ) -> BoxFuture<'_, Result<Sampled, Fault>> {
        Box::pin(async move {
            let connector = self.find(&target.protocol).ok_or(UNSPOKEN)?;
            connector.sample(Route::for_probe(Arc::new(target), database), of_fields(fields), how).await
        })
    }
    fn read(
        &self,
        target: Arc<Target>,
        database: String,
        fields: BTreeMap<String, Secret>,
        text: String,
    ) -> BoxFuture<'_, Option<Readings>> {
        Box::pin(async move {
            let connector = self.find(&target.protocol)?;
            let route = Route::for_probe(target, database);
            let (views, note) = match connector.read_at(route, of_fields(fields), text.clone()).await {
                Ok(views) => (views, None),
                Err(fault) => {
                    let why = fault.public();
                    (connector.read(&text), Some(format!("names are as they are written, since {why}")))
                }
            };
            let part = |view: StatementView| Reading {
                text: view.text,
                effects: view.effects,
                filters: view.filters,
                problem: view.problem,
            };
            Some(Readings { parts: views.into_iter().map(part).collect(), note })
        })
    }
}
