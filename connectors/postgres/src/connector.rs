//! The connector as the registry knows it: from an accepted connection to the end of its session.

use crate::cancel::{Cancel, Cancels};
use crate::catalog::{self, Catalogs};
use crate::seam::{Arrival, CancelAsk, ClientSide, TargetSide};
use crate::serve::{self, Shared};
use crate::{claim, config, opinion, probe, refusal, sample, upstream};
use sallyport_core::approvals::BoxFuture;
use sallyport_core::mask::survey::{Sampled, Sampling};
use sallyport_core::{Fault, Grant, Target};
use sallyport_relay::{
    Claim, ColumnPath, Connector, Credential, Credentials, House, Route, Session, Setting, SettingFault,
    StatementView,
};
use sallyport_sql::Names;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

/// Reaching a target, its TLS and its login included.
const REACHING: Duration = Duration::from_secs(20);
/// Telling a client why its startup failed.
const TELLING: Duration = Duration::from_secs(3);

/// How many analysed texts all sessions together keep.
const READINGS: usize = 8192;

/// PostgreSQL. One for the process.
#[derive(Clone)]
pub struct Postgres {
    shared: Arc<Shared>,
}

impl Default for Postgres {
    fn default() -> Self {
        Self::new()
    }
}

impl Postgres {
    pub fn new() -> Self {
        let shared = Shared {
            cancels: Cancels::default(),
            catalogs: Catalogs::default(),
            readings: Arc::new(sallyport_sql::Cache::new(READINGS)),
        };
        Self { shared: Arc::new(shared) }
    }

    /// What follows on a startup that could be read.
    pub async fn receive(&self, arrival: Arrival, house: &House) {
        match arrival {
            // The client may wait for the end of its connection: then its cancel has met what it was for.
            Arrival::Cancel(ask, _open) => self.cancel(&ask).await,
            Arrival::Client(side, claim) => {
                // Each step has its own space, given back before the next: a session lives long.
                if let Some((side, target, session)) = Box::pin(self.admit(*side, *claim, house)).await {
                    Box::pin(serve::run(side, target, session, &self.shared)).await;
                }
            }
        }
    }

    async fn cancel(&self, ask: &CancelAsk) {
        let Cancel::Pass(passage) = self.shared.cancels.ask(ask) else { return };
        let tell = async |route: Route, key| {
            let passed = tokio::time::timeout(REACHING, upstream::cancel(&route, &key)).await;
            if !matches!(passed, Ok(Ok(()))) {
                tracing::warn!(target = %route.target().name, "a cancel could not be passed on");
            }
        };
        passage.tell(tell).await;
    }

    /// None: the client may not come in, or the target could not be reached, and it knows.
    async fn admit(
        &self,
        mut side: ClientSide,
        claim: Claim,
        house: &House,
    ) -> Option<(ClientSide, TargetSide, Session)> {
        let peer = side.peer;
        let mut session = match house.door.admit(claim).await {
            Ok(session) => session,
            Err(fault) => {
                tracing::info!(%peer, %fault, "not admitted");
                tell(&mut side, &refusal::not_admitted(&fault)).await;
                return None;
            }
        };
        // Taken out first: a session is one task's own, and not shared while that task waits.
        let (grant, credentials) = (session.gate.grant().clone(), Arc::clone(&session.credentials));
        let parameters = opinion::parameters(&mut session.gate, &side.parameters);
        let reached = reach(&grant, credentials.as_ref(), &parameters).await;
        drop((grant, credentials));
        match reached {
            Ok(target) => Some((side, target, session)),
            Err(fault) => {
                tracing::warn!(session = %session.gate.grant().session(), %fault, "the target could not be reached");
                tell(&mut side, &refusal::fatal(&fault)).await;
                if let Err(fault) = session.gate.close(&fault.public()) {
                    tracing::error!(%fault, "the recording could not be closed");
                }
                None
            }
        }
    }

    /// What a text would do where these are the names.
    fn statements(text: &str, names: &dyn Names) -> Vec<StatementView> {
        match sallyport_sql::analyze(text) {
            Ok(analysis) => analysis
                .statements
                .iter()
                .map(|statement| StatementView {
                    text: text.get(statement.range.clone()).unwrap_or(text).trim().to_owned(),
                    effects: Some(statement.effects_with(names)),
                    filters: filters(statement),
                    problem: None,
                })
                .collect(),
            Err(fault) => {
                let (text, problem) = (text.to_owned(), Some(fault.to_string()));
                vec![StatementView { text, effects: None, filters: Vec::new(), problem }]
            }
        }
    }
}

impl Connector for Postgres {
    fn protocol(&self) -> &'static str {
        claim::PROTOCOL
    }
    fn default_port(&self) -> u16 {
        5432
    }
    fn alpn(&self) -> &'static [&'static [u8]] {
        &[claim::ALPN]
    }
    fn settings(&self) -> &'static [Setting] {
        config::SETTINGS
    }
    fn validate(&self, target: &Target) -> Vec<SettingFault> {
        config::validate(target)
    }
    fn serve(&self, stream: TcpStream, peer: SocketAddr, house: Arc<House>) -> BoxFuture<'static, ()> {
        let postgres = self.clone();
        Box::pin(async move {
            if let Some(arrival) = Box::pin(claim::arrive(stream, peer, &house)).await {
                Box::pin(postgres.receive(arrival, &house)).await;
            }
        })
    }
    fn probe(&self, route: Route, credential: Credential) -> BoxFuture<'_, Result<String, Fault>> {
        Box::pin(probe::probe(route, credential))
    }
    fn sample(
        &self,
        route: Route,
        credential: Credential,
        how: Sampling,
    ) -> BoxFuture<'_, Result<Sampled, Fault>> {
        Box::pin(async move { sample::sample(&route, &credential, &how).await })
    }
    fn columns(&self, route: Route, credential: Credential) -> BoxFuture<'_, Result<Vec<ColumnPath>, Fault>> {
        Box::pin(async move {
            let snapshot = catalog::read_once(&route, &credential).await?;
            let relations = snapshot.relations().filter(|relation| !relation.is_of_system());
            let path = |relation: &catalog::Relation, column: &String| {
                (relation.schema.clone(), relation.name.clone(), column.clone())
            };
            Ok(relations.flat_map(|one| one.visible().map(move |(_, column, _)| path(one, column))).collect())
        })
    }
    fn read(&self, text: &str) -> Vec<StatementView> {
        struct Nothing;
        impl Names for Nothing {
            fn relations(&self, _: Option<&str>, _: &str) -> Vec<(String, String)> {
                Vec::new()
            }
        }
        Self::statements(text, &Nothing)
    }
    fn read_at(
        &self,
        route: Route,
        credential: Credential,
        text: String,
    ) -> BoxFuture<'_, Result<Vec<StatementView>, Fault>> {
        Box::pin(async move {
            let snapshot = catalog::read_once(&route, &credential).await?;
            Ok(Self::statements(&text, &snapshot))
        })
    }
}

/// What a statement compares, as far as its text says.
fn filters(statement: &sallyport_sql::Statement) -> Vec<Vec<String>> {
    let tables = || statement.relations.reads.union(&statement.relations.writes);
    let column = |table: &sallyport_sql::TableName, column: &str| {
        let mut path = table.path();
        path.push(if column == table.name { "*" } else { column }.to_owned());
        path
    };
    let mut all: Vec<Vec<String>> = Vec::new();
    for site in &statement.filters.sites {
        match &site.table {
            Some(table) => all.push(column(table, &site.column)),
            None => all.extend(tables().map(|table| column(table, &site.column))),
        }
    }
    if statement.filters.wide {
        all.extend(tables().map(|table| column(table, "*")));
    }
    all
}

async fn reach(
    grant: &Grant,
    credentials: &dyn Credentials,
    parameters: &[(String, String)],
) -> Result<TargetSide, Fault> {
    let credential = credentials.unseal(grant).await?;
    tokio::time::timeout(REACHING, upstream::connect(&Route::of(grant), &credential, parameters))
        .await
        .map_err(|_| Fault::Target("the target did not answer in time"))?
}

/// The last words to a client that is not admitted. They are the gateway's own.
async fn tell(side: &mut ClientSide, words: &[u8]) {
    let say = async {
        side.stream.write_all(words).await?;
        side.stream.flush().await?;
        side.stream.shutdown().await
    };
    _ = tokio::time::timeout(TELLING, say).await;
}
