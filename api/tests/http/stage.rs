//! A whole house on loopback, with people of every role, an agent and a target, and a client to talk to it.

use reqwest::{Method, RequestBuilder, Response};
use sallyport_api::{
    AdminJournal, House, Live, LiveSession, Protocols, Reading, Readings, RoleGroups, SettingForm, SignIns,
    router,
};
use sallyport_core::approvals::BoxFuture;
use sallyport_core::mask::survey::{CellKind, Sampled, SampledColumn, Sampling, Survey, Unread};
use sallyport_core::time::Clock;
use sallyport_core::{
    Action, Caller, Denial, Effect, Effects, Fault, Moment, Object, ObjectKind, Secret, SessionId, Target,
};
use sallyport_identity::{Issuer, IssuerSettings, Verifier, password};
use sallyport_policy::{PACKS, RuleBook};
use sallyport_record::{Options, Recorder, SystemClock, signing_key};
use sallyport_store::{Agent, Desk, DeskTerms, Person, Store};
use sallyport_vault::Vault;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::TempDir;

pub const PASSWORD: &str = "correct horse battery";

/// Sessions that a test says go on.
#[derive(Default)]
pub struct Floor {
    pub sessions: Mutex<Vec<LiveSession>>,
    pub killed: Mutex<Vec<(SessionId, String)>>,
}

impl Live for Floor {
    fn list(&self) -> Vec<LiveSession> {
        self.sessions.lock().unwrap().clone()
    }
    fn kill(&self, id: &SessionId, reason: &str) -> bool {
        let there = self.list().iter().any(|live| live.id == *id);
        if there {
            self.killed.lock().unwrap().push((id.clone(), reason.into()));
        }
        there
    }
    fn renew(&self, id: &SessionId, proven: &Caller) -> Option<Result<Moment, Denial>> {
        self.list().iter().any(|live| live.id == *id).then_some(Ok(proven.expires))
    }
}

/// A protocol of one setting, whose targets are reached if their password is right.
pub struct Plain;

impl Protocols for Plain {
    fn names(&self) -> Vec<String> {
        vec!["plain".into()]
    }
    fn default_port(&self, _: &str) -> Option<u16> {
        Some(4242)
    }
    fn settings(&self, protocol: &str) -> Option<Vec<SettingForm>> {
        let form = |key: &str, secret| SettingForm {
            key: key.into(),
            help: "help".into(),
            default: None,
            choices: if secret { Vec::new() } else { vec!["on".into(), "off".into()] },
            secret,
        };
        (protocol == "plain").then(|| vec![form("tls", false), form("pin", true)])
    }
    fn validate(&self, target: &Target) -> Vec<(String, String)> {
        let broken = target.host == "broken.example";
        if broken { vec![("tls".into(), "not with this host".into())] } else { Vec::new() }
    }
    fn probe(&self, _: Target, credential: BTreeMap<String, Secret>) -> BoxFuture<'_, Result<String, Fault>> {
        Box::pin(async move {
            match credential.get("password").and_then(Secret::expose_str) {
                Some(secret) if secret == super::secrets::CANARY => Ok("plain 1.0".into()),
                _ => Err(Fault::Target("it refused the password")),
            }
        })
    }
    /// One table: two columns, and a third that may not be read.
    fn sample(
        &self,
        _: Target,
        _: String,
        _: BTreeMap<String, Secret>,
        how: Sampling,
    ) -> BoxFuture<'_, Result<Sampled, Fault>> {
        let column = |name: &str, cells: &[&str]| {
            let mut survey = Survey::of(name, CellKind::Text);
            cells.iter().take(how.rows as usize).for_each(|cell| survey.cell(cell.as_bytes()));
            SampledColumn {
                path: ["public".into(), "carts".into(), name.into()],
                kind: "text".into(),
                sampled: survey.sampled(),
                proposals: survey.proposals(),
            }
        };
        let mails = ["ann@example.com", "bo@example.org", "cy@example.net", "none"];
        let columns = vec![column("contact", &mails), column("a.b", &mails), column("id", &["7", "8"])];
        let path = vec!["public".into(), "carts".into(), "secret".into()];
        let unread = vec![Unread { path, why: "the account may not read it".into() }];
        let fault = how.schemas.contains(&"gone".to_owned());
        Box::pin(async move {
            if fault { Err(Fault::Target("it refused")) } else { Ok(Sampled { columns, tables: 1, unread }) }
        })
    }
    fn read(
        &self,
        _: Arc<Target>,
        _: String,
        _: BTreeMap<String, Secret>,
        text: String,
    ) -> BoxFuture<'_, Option<Readings>> {
        let table = Object::new(ObjectKind::Table, ["public", "carts"]);
        let effects =
            text.strip_prefix("delete").map(|_| Effects::new(vec![Effect::new(Action::Delete, table)]));
        let problem = effects.is_none().then(|| "not understood".to_string());
        let parts = vec![Reading { text, effects, filters: Vec::new(), problem }];
        Box::pin(async { Some(Readings { parts, note: None }) })
    }
}

pub struct Stage {
    pub base: String,
    pub store: Store,
    pub desk: Arc<Desk>,
    pub floor: Arc<Floor>,
    pub recorder: Arc<Recorder>,
    pub folder: TempDir,
    pub journal: Arc<AdminJournal>,
    issuer: Arc<Issuer>,
    client: reqwest::Client,
}

pub fn now() -> Moment {
    SystemClock.now()
}

impl Stage {
    pub async fn new() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let store = Store::open(&format!("sqlite://{}", path("house.db").display())).await.unwrap();
        let terms =
            DeskTerms { link_base: base.clone(), poll: Duration::from_millis(20), ..DeskTerms::default() };
        let desk = Arc::new(Desk::new(store.clone(), clock.clone(), terms));
        let settings: IssuerSettings =
            serde_json::from_value(json!({ "issuer": base, "audience": "sallyport" })).unwrap();
        let issuer = Arc::new(Issuer::open(path("keys"), settings, now()).unwrap());
        let record = path("record");
        std::fs::create_dir(&record).unwrap();
        let key = signing_key(&record.join("log.key")).unwrap();
        let recorder = Arc::new(Recorder::open(&record, key, Options::default()).unwrap());
        let floor = Arc::new(Floor::default());
        let pack = PACKS.iter().find(|pack| pack.name == "agents-write-with-approval").unwrap();
        let journal = Arc::new(AdminJournal::new(recorder.house_journal().unwrap(), clock.clone()));
        let house = House {
            store: store.clone(),
            desk: desk.clone(),
            vault: Arc::new(Vault::open(path("vault.key")).unwrap()),
            rules: Arc::new(RuleBook::load(vec![pack.file()]).unwrap()),
            verifier: Arc::new(Verifier::new(Vec::new(), Some(issuer.clone())).unwrap()),
            issuer: issuer.clone(),
            recorder: recorder.clone(),
            live: floor.clone(),
            protocols: Arc::new(Plain),
            journal: journal.clone(),
            clock,
            roles: RoleGroups::default(),
            public_url: base.clone(),
            max_token_seconds: 7200,
            rules_on_disk: false,
            sign_ins: SignIns::new(&issuer, &base),
        };
        let service = router(house).into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, service).await });
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let stage = Self { base, store, desk, floor, recorder, folder, journal, issuer, client };
        stage.people().await;
        stage
    }
    async fn people(&self) {
        let hash = password::hash(&Secret::new(PASSWORD)).unwrap();
        let roles =
            [("root", "admins"), ("eye", "auditors"), ("ann", "approvers"), ("bob", "dba"), ("meg", "staff")];
        for (name, group) in roles {
            let person = Person {
                name: name.into(),
                display: name.to_uppercase(),
                email: None,
                password_hash: Some(hash.clone()),
                groups: vec![group.into()],
                attributes: BTreeMap::new(),
                disabled: false,
                revision: 0,
                created: now(),
                updated: now(),
            };
            self.store.add_person(&person, now()).await.unwrap();
        }
        let agent = Agent {
            name: "bot".into(),
            display: "Bot".into(),
            owner: self.principal("meg"),
            secret_hash: Some(hash),
            public_keys: Vec::new(),
            // Groups that carry roles are worth nothing to an agent.
            groups: vec!["admins".into(), "auditors".into(), "approvers".into()],
            attributes: BTreeMap::new(),
            disabled: false,
            revision: 0,
            created: now(),
            updated: now(),
        };
        self.store.add_agent(&agent, now()).await.unwrap();
    }
    pub fn principal(&self, name: &str) -> String {
        format!("{}#{name}", self.base)
    }
    /// A token as the embedded issuer gives it, without the cost of a password.
    pub async fn token(&self, name: &str) -> String {
        let request = match self.store.person(name).await.unwrap() {
            Some(person) => {
                json!({ "id": person.name, "since": person.created, "name": person.display, "password_hash": null, "groups": person.groups })
            }
            None => Value::Null,
        };
        let request = match serde_json::from_value::<sallyport_identity::PersonAccount>(request) {
            Ok(person) => person.token_request(600),
            Err(_) => {
                let agent = self.store.agent(name).await.unwrap().unwrap();
                let account = json!({ "id": agent.name, "since": agent.created, "name": agent.display, "secret_hash": null,
                                      "groups": agent.groups, "owner": agent.owner });
                serde_json::from_value::<sallyport_identity::AgentAccount>(account)
                    .unwrap()
                    .token_request(600)
            }
        };
        self.issuer.issue(&request, now()).unwrap().token.expose_str().unwrap().to_owned()
    }
    pub fn ask(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base))
    }
    pub async fn send(&self, who: &str, method: &str, path: &str, body: Value) -> (u16, Value) {
        let token = self.token(who).await;
        let mut request = self.ask(method.parse().unwrap(), path).bearer_auth(token);
        if !body.is_null() {
            request = request.json(&body);
        }
        answer(request.send().await.unwrap()).await
    }
    pub async fn get(&self, who: &str, path: &str) -> (u16, Value) {
        self.send(who, "GET", path, Value::Null).await
    }
    /// Everything that was journaled as changed: by, action, object, detail.
    pub fn journaled(&self) -> Vec<Value> {
        let own = self.recorder.recordings().unwrap();
        let own = own.iter().find(|stored| stored.session.as_str().starts_with("house-")).unwrap();
        let entries = self.recorder.read(&own.session).unwrap();
        let values = entries.map(|entry| entry.unwrap().value().unwrap());
        values.filter(|value| value["event"] == "change").collect()
    }
}

pub async fn answer(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

pub fn target(host: &str, credential: Value) -> Value {
    json!({ "protocol": "plain", "host": host, "account": "app", "settings": { "tls": "on" }, "credential": credential })
}
