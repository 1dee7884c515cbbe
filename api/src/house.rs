//! Everything the control plane works on, handed in by the server. It owns no policy and no session itself.

use crate::auth::RoleGroups;
use crate::journal::AdminJournal;
use crate::sign_ins::SignIns;
use sallyport_core::approvals::BoxFuture;
use sallyport_core::mask::survey::{Sampled, Sampling};
use sallyport_core::time::Clock;
use sallyport_core::{ApprovalId, Caller, Denial, Effects, Fault, Moment, Secret, SessionId, Target};
use sallyport_identity::{Issuer, Verifier};
use sallyport_policy::RuleBook;
use sallyport_record::Recorder;
use sallyport_store::{Desk, Store};
use sallyport_vault::Vault;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use utoipa::ToSchema;

/// The parts of the house that the control plane reaches. Built once by the server.
pub struct House {
    pub store: Store,
    pub desk: Arc<Desk>,
    pub vault: Arc<Vault>,
    pub rules: Arc<RuleBook>,
    pub verifier: Arc<Verifier>,
    pub issuer: Arc<Issuer>,
    pub recorder: Arc<Recorder>,
    pub live: Arc<dyn Live>,
    pub protocols: Arc<dyn Protocols>,
    pub journal: Arc<AdminJournal>,
    pub clock: Arc<dyn Clock>,
    pub roles: RoleGroups,
    /// The address people type, without a slash at the end. The embedded issuer's name.
    pub public_url: String,
    /// The longest life of a token given here.
    pub max_token_seconds: i64,
    /// Where the rules are files on disk, they are changed there and not through the API.
    pub rules_on_disk: bool,
    /// Attempts, device codes and assertions that were used.
    pub sign_ins: SignIns,
}

/// A session that goes on now, on this node.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct LiveSession {
    #[schema(value_type = String)]
    pub id: SessionId,
    /// `issuer#subject`.
    pub caller: String,
    pub caller_name: String,
    pub target: String,
    pub protocol: String,
    pub database: String,
    pub peer: Option<String>,
    #[schema(value_type = i64)]
    pub started: Moment,
    /// When its identity ends, unless renewed.
    #[schema(value_type = i64)]
    pub until: Moment,
    /// Set while a command of it waits for a person.
    #[schema(value_type = Option<String>)]
    pub waiting: Option<ApprovalId>,
}

/// The sessions that go on. The server is behind it.
pub trait Live: Send + Sync {
    fn list(&self) -> Vec<LiveSession>;
    /// False where there is no such session.
    fn kill(&self, id: &SessionId, reason: &str) -> bool;
    /// `None` where there is no such session.
    fn renew(&self, id: &SessionId, proven: &Caller) -> Option<Result<Moment, Denial>>;
}

/// One setting of a target, as a connector declares it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SettingForm {
    pub key: String,
    pub help: String,
    pub default: Option<String>,
    /// The only values allowed; empty where any text is.
    pub choices: Vec<String>,
    /// Goes to the vault.
    pub secret: bool,
}

/// What a part of a text would do.
#[derive(Clone, Debug)]
pub struct Reading {
    pub text: String,
    pub effects: Option<Effects>,
    /// Columns by which it would filter: schema, table and column, as far as the text says.
    pub filters: Vec<Vec<String>>,
    pub problem: Option<String>,
}

/// The parts of a text.
#[derive(Clone, Debug)]
pub struct Readings {
    pub parts: Vec<Reading>,
    /// Where the target could not be asked: what that leaves open.
    pub note: Option<String>,
}

/// The connectors, without their names. The server's registry is behind it.
pub trait Protocols: Send + Sync {
    fn names(&self) -> Vec<String>;
    fn default_port(&self, protocol: &str) -> Option<u16>;
    /// `None` for a protocol that is not there.
    fn settings(&self, protocol: &str) -> Option<Vec<SettingForm>>;
    /// Key and problem of each setting that cannot be.
    fn validate(&self, target: &Target) -> Vec<(String, String)>;
    /// Reaches the target as a session would, and says in words what it found. `credential` by the names under which
    /// it was given.
    fn probe(
        &self,
        target: Target,
        credential: BTreeMap<String, Secret>,
    ) -> BoxFuture<'_, Result<String, Fault>>;
    /// Reads some rows and says what their columns seem to hold. Changes nothing, and no value comes back.
    fn sample(
        &self,
        target: Target,
        database: String,
        credential: BTreeMap<String, Secret>,
        how: Sampling,
    ) -> BoxFuture<'_, Result<Sampled, Fault>>;
    /// Splits a text and names what each part would do, as a session at the target would find it. `None` for a protocol
    /// that is not there.
    fn read(
        &self,
        target: Arc<Target>,
        database: String,
        credential: BTreeMap<String, Secret>,
        text: String,
    ) -> BoxFuture<'_, Option<Readings>>;
}
