//! A house small enough for a test: rules in a few lines, a journal and approvals in memory, a door that lets all in.

use crate::server::server;
use bytes::BytesMut;
use sallyport_core::access::Grant;
use sallyport_core::approvals::{Approvals, BoxFuture, Filed};
use sallyport_core::gate::Opening;
use sallyport_core::journal::Event;
use sallyport_core::judge::Facts;
use sallyport_core::mask::forms::{Form, MaskKey};
use sallyport_core::mask::token::Scope;
use sallyport_core::*;
use sallyport_postgres::seam::{CancelAsk, ClientSide, Stream};
use sallyport_postgres::serve::{self, Shared};
use sallyport_postgres::{cancel::Cancel, opinion, upstream};
use sallyport_relay::{Credential, Credentials, Ending, Route, Session};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Drops and truncates are denied, whole-table writes wait, what nobody understands is denied.
pub struct TestJudge {
    epoch: Arc<AtomicU64>,
    masks: Arc<AtomicBool>,
    rules: Rules,
    /// No rule lets anybody write.
    reads: Arc<AtomicBool>,
}

/// What else the rules of a house say.
#[derive(Clone, Copy, Default)]
struct Rules {
    /// What is masked may not be filtered by either.
    guards: bool,
    /// Values of every kind are masked wherever they stand.
    kinds: bool,
    /// One act that is denied, besides the rest: `delete public.cards`.
    forbids: &'static str,
    tokens: bool,
}

fn reason(rule: &str, message: &str) -> Reason {
    Reason { rules: vec![RuleId::new(rule)], message: message.into(), effect: None }
}

/// The rules of this house answer for what `hidden` does, and know it wrongly.
fn is_not_understood(effect: &Effect) -> bool {
    effect.action == Action::Unknown && effect.object.name() != "hidden"
}

impl Judge for TestJudge {
    fn epoch(&self) -> Epoch {
        Epoch(self.epoch.load(Ordering::SeqCst))
    }
    fn connect(&mut self, _: Moment) -> Result<Vec<RuleId>, Reason> {
        Ok(vec![RuleId::new("all-in")])
    }
    fn judge(&mut self, _: Moment, effects: &Effects, approvals: &[ApprovalFact]) -> Arc<Verdict> {
        let has = |action| effects.list().iter().any(|effect| effect.action == action);
        let forbidden = effects
            .list()
            .iter()
            .find(|effect| format!("{} {}", effect.action, effect.object) == self.rules.forbids);
        let verdict = if self.reads.load(Ordering::SeqCst) {
            // A rule book that takes everything for a read: what the second opinion is for.
            Verdict::Allow(Obligations { rules: vec![RuleId::new("reads")], ..Obligations::default() })
        } else if let Some(effect) = forbidden {
            Verdict::Deny(reason("forbidden", &format!("Forbidden: {effect}.")))
        } else if has(Action::Drop) || has(Action::Truncate) {
            Verdict::Deny(reason("no-drop", "Dropping is not allowed."))
        } else if effects.list().iter().any(is_not_understood) {
            Verdict::Deny(reason("no-unknown", "What cannot be understood does not run."))
        } else if effects.list().iter().any(|effect| effect.whole) && approvals.is_empty() {
            let defer = effects.list().iter().any(|effect| effect.object.name() == "plain");
            Verdict::Hold(HoldTerms {
                reason: reason("whole-waits", "Changing a whole table needs a person."),
                groups: vec!["dba".into()],
                expires_seconds: 60,
                defer,
            })
        } else {
            Verdict::Allow(Obligations { rules: vec![RuleId::new("rest")], ..Obligations::default() })
        };
        Arc::new(verdict)
    }
    fn see(&mut self, _: Moment, thing: &Sensitive<'_>) -> Sight {
        let masked = |form| Sight::Masked { form, rule: RuleId::new("mask") };
        let masks = self.masks.load(Ordering::SeqCst);
        match thing {
            Sensitive::Column { schema: "public", table, column } if masks && self.rules.tokens => {
                tokened(table, column)
            }
            Sensitive::Column { table: "customers", column: "email", .. } if masks => masked(Form::Redact),
            Sensitive::Column { table: "vault", column: "secret" | "extra" | "words", .. } if masks => {
                masked(Form::Redact)
            }
            Sensitive::Column { table: "customers", column: "card", .. } if masks => {
                masked(Form::Partial { keep: 4 })
            }
            Sensitive::Column { table: "customers", column: "balance" | "born", .. } if masks => {
                masked(Form::Redact)
            }
            Sensitive::Class(_) if self.rules.kinds => masked(Form::Redact),
            _ => Sight::Clear,
        }
    }
    fn could_permit(&mut self, action: Action, _: &[Object]) -> bool {
        !self.reads.load(Ordering::SeqCst) || matches!(action, Action::Read | Action::Call | Action::Set)
    }
    fn guard(&mut self) -> Guard {
        if self.rules.guards { Guard::Lasting } else { Guard::None }
    }
    fn filter(&mut self, now: Moment, thing: &Sensitive<'_>) -> Option<Reason> {
        let masked = matches!(self.see(now, thing), Sight::Masked { .. });
        (self.rules.guards && masked).then(|| reason("no-filter", "Use the key."))
    }
}

/// Three rules: addresses, money and the rest.
fn tokened(table: &str, column: &str) -> Sight {
    let rule = match (table, column) {
        ("people", "mail") | ("sales", "buyer" | "seller") | ("held", "buyer") => "tok-mail",
        ("people", "pay" | "account" | "ref") => "tok-money",
        ("people", "mobile" | "card") => "tok-phone",
        _ => return Sight::Clear,
    };
    Sight::Masked { form: Form::Token { scope: Scope::Session }, rule: RuleId::new(rule) }
}

#[derive(Clone, Default)]
pub struct Log(pub Arc<Mutex<Vec<serde_json::Value>>>);

struct TestJournal(Log);

impl Journal for TestJournal {
    fn append(&mut self, _: Moment, event: &Event<'_>) -> Result<u64, JournalFault> {
        let mut log = self.0.0.lock().unwrap();
        log.push(serde_json::to_value(event).unwrap());
        Ok(log.len() as u64 - 1)
    }
    fn append_row(
        &mut self,
        at: Moment,
        of: CommandNo,
        bytes: &[u8],
        cells: &[Cell],
        _: &[bool],
    ) -> Result<u64, JournalFault> {
        let cells = cells.iter().map(|cell| cell.of(bytes).map(String::from_utf8_lossy)).collect();
        self.append(at, &Event::Row { of, cells })
    }
    fn flush(&mut self) -> Result<Flush, JournalFault> {
        Ok(Flush::Done)
    }
    fn close(&mut self, _: Moment, _: &str) -> Result<(), JournalFault> {
        Ok(())
    }
}

#[derive(Default)]
pub struct Desk {
    waiting: Mutex<HashMap<String, watch::Sender<Option<Outcome>>>>,
    pub requests: Mutex<Vec<HoldRequest>>,
    /// Nothing can be filed or looked up.
    pub down: AtomicBool,
    granted: Mutex<Vec<Digest>>,
    pub withdrawn: Mutex<Vec<String>>,
}

fn fact(id: &str, digest: Digest) -> ApprovalFact {
    ApprovalFact {
        id: ApprovalId::new(id),
        digest,
        approver: "issuer#boss".into(),
        groups: vec!["dba".into()],
        at: Moment(0),
        reason: "it may".into(),
    }
}

impl Desk {
    /// Decides the request with this id.
    pub fn approve(&self, id: &str) {
        let digest = self.requests.lock().unwrap()[id[1..].parse::<usize>().unwrap()].digest;
        self.waiting.lock().unwrap()[id].send_replace(Some(Outcome::Approved(fact(id, digest))));
    }
    pub fn refuse(&self, id: &str) {
        let outcome =
            Outcome::Refused { by: "issuer#boss".into(), reason: "not today".into(), at: Moment(0) };
        self.waiting.lock().unwrap()[id].send_replace(Some(outcome));
    }
    pub fn grant_later(&self, id: &str) {
        let digest = self.requests.lock().unwrap()[id[1..].parse::<usize>().unwrap()].digest;
        self.granted.lock().unwrap().push(digest);
    }
}

impl Approvals for Desk {
    fn file(&self, request: HoldRequest) -> BoxFuture<'_, Result<Filed, Fault>> {
        Box::pin(async move {
            if self.down.load(Ordering::SeqCst) {
                return Err(Fault::ours("The approvals cannot be reached.", "the test says so"));
            }
            let mut requests = self.requests.lock().unwrap();
            let id = format!("A{}", requests.len());
            requests.push(request);
            self.waiting.lock().unwrap().insert(id.clone(), watch::channel(None).0);
            Ok(Filed {
                id: ApprovalId::new(id.clone()),
                link: format!("http://127.0.0.1/approvals/{id}"),
                already: false,
            })
        })
    }
    fn wait(&self, id: ApprovalId) -> BoxFuture<'_, Result<Outcome, Fault>> {
        let mut decided = self.waiting.lock().unwrap()[id.as_str()].subscribe();
        Box::pin(async move { Ok(decided.wait_for(Option::is_some).await.unwrap().clone().unwrap()) })
    }
    fn redeem(&self, digest: Digest, _: String) -> BoxFuture<'_, Result<Option<ApprovalFact>, Fault>> {
        let mut granted = self.granted.lock().unwrap();
        let found = granted.iter().position(|known| *known == digest).map(|at| granted.remove(at));
        Box::pin(async move { Ok(found.map(|digest| fact("A-later", digest))) })
    }
    fn withdraw(&self, id: &ApprovalId, _: &str) {
        self.withdrawn.lock().unwrap().push(id.as_str().to_owned());
    }
}

struct Now;

impl Clock for Now {
    fn now(&self) -> Moment {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        Moment(since.as_micros() as i64)
    }
}

struct NoPassword;

impl Credentials for NoPassword {
    fn unseal<'a>(&'a self, _: &'a Grant) -> BoxFuture<'a, Result<Credential, Fault>> {
        Box::pin(async { Ok(Credential::default()) })
    }
}

/// A running house. Each test has its own, all have one PostgreSQL.
pub struct Stage {
    pub port: u16,
    pub log: Log,
    pub desk: Arc<Desk>,
    pub epoch: Arc<AtomicU64>,
    /// What the rules say of the columns of customers from now on.
    pub masks: Arc<AtomicBool>,
    /// No rule lets anybody write, from the next epoch on.
    pub reads: Arc<AtomicBool>,
    pub kill: Arc<Mutex<Vec<watch::Sender<Option<String>>>>>,
    _runtime: tokio::runtime::Runtime,
}

#[derive(Clone)]
struct House {
    log: Log,
    desk: Arc<Desk>,
    epoch: Arc<AtomicU64>,
    kill: Arc<Mutex<Vec<watch::Sender<Option<String>>>>>,
    masks: Arc<AtomicBool>,
    target_port: u16,
    shared: Arc<Shared>,
    rules: Rules,
    sessions: Arc<AtomicU64>,
    reads: Arc<AtomicBool>,
}

pub fn stage(masks: bool) -> Stage {
    stage_at(masks, server().port)
}

/// A house where what is masked may not be filtered by either.
pub fn guarded_stage() -> Stage {
    stage_of(true, Rules { guards: true, ..Rules::default() }, server().port)
}

/// A house where people are seen as tokens, and may be filtered by or not.
pub fn token_stage(guards: bool) -> Stage {
    stage_of(true, Rules { guards, tokens: true, ..Rules::default() }, server().port)
}

/// A house where values are masked by their kind, and no column by its name.
pub fn stage_by_kind() -> Stage {
    stage_of(false, Rules { kinds: true, ..Rules::default() }, server().port)
}

/// A house whose target is anything that listens on this port.
pub fn stage_at(masks: bool, target_port: u16) -> Stage {
    stage_of(masks, Rules::default(), target_port)
}

/// A house in which no rule lets anybody write.
pub fn reading_stage() -> Stage {
    let stage = stage(false);
    stage.reads.store(true, Ordering::SeqCst);
    stage
}

/// A house where this one act is denied: `delete public.cards`.
pub fn forbidding_stage(act: &'static str) -> Stage {
    stage_of(false, Rules { forbids: act, ..Rules::default() }, server().port)
}

fn stage_of(masks: bool, rules: Rules, target_port: u16) -> Stage {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let shared = Shared {
        cancels: Default::default(),
        catalogs: Default::default(),
        readings: Arc::new(sallyport_sql::Cache::default()),
    };
    let house = House {
        log: Log::default(),
        desk: Arc::default(),
        epoch: Arc::new(AtomicU64::new(1)),
        rules,
        sessions: Arc::default(),
        reads: Arc::default(),
        kill: Arc::default(),
        masks: Arc::new(AtomicBool::new(masks)),
        target_port,
        shared: Arc::new(shared),
    };
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let port = listener.local_addr().unwrap().port();
    let accepting = house.clone();
    runtime.spawn(async move {
        while let Ok((stream, peer)) = listener.accept().await {
            tokio::spawn(accepting.clone().serve(stream, peer));
        }
    });
    let House { log, desk, epoch, masks, reads, kill, .. } = house;
    Stage { port, log, desk, epoch, masks, reads, kill, _runtime: runtime }
}

impl House {
    async fn serve(self, mut stream: TcpStream, peer: SocketAddr) {
        stream.set_nodelay(true).unwrap();
        let mut packet = loop {
            let length = stream.read_u32().await.unwrap() as usize;
            let mut packet = vec![0; length - 4];
            stream.read_exact(&mut packet).await.unwrap();
            if packet != 80_877_103u32.to_be_bytes() {
                break packet;
            }
            stream.write_all(b"N").await.unwrap();
        };
        let rest = packet.split_off(4);
        if packet == 80_877_102u32.to_be_bytes() {
            let pid = u32::from_be_bytes(rest[..4].try_into().unwrap());
            let ask = CancelAsk { pid, key: Secret::new(&rest[4..]) };
            if let Cancel::Pass(passage) = self.shared.cancels.ask(&ask) {
                passage.tell(async |route, key| upstream::cancel(&route, &key).await.unwrap()).await;
            }
            return;
        }
        let target = Target {
            name: TargetName::new("test"),
            protocol: "postgres".into(),
            host: "127.0.0.1".into(),
            port: self.target_port,
            account: "postgres".into(),
            database: None,
            labels: Default::default(),
            strict: false,
            record_result_bytes: 4096,
            classes: Default::default(),
            settings: [("sslmode".to_owned(), "disable".to_owned())].into(),
        };
        let caller = Caller {
            subject: "agent".into(),
            issuer: "issuer".into(),
            kind: CallerKind::Agent,
            name: "agent".into(),
            groups: vec![],
            attributes: Default::default(),
            chain: vec![],
            owner: None,
            expires: Moment(i64::MAX),
            token_id: None,
            account_since: None,
        };
        let facts = Facts {
            caller: Arc::new(caller),
            target: Arc::new(target),
            database: "postgres".into(),
            peer: None,
        };
        let mut judge =
            TestJudge { epoch: self.epoch, masks: self.masks, rules: self.rules, reads: self.reads };
        let session = SessionId::new(format!("s{}", self.sessions.fetch_add(1, Ordering::SeqCst)));
        let grant = Grant::admit(&mut judge, facts, session, Moment(0)).unwrap();
        let route = Route::of(&grant);
        let mut gate = Gate::open(Opening {
            grant,
            judge: Box::new(judge),
            journal: Box::new(TestJournal(self.log)),
            approvals: self.desk,
            clock: Arc::new(Now),
            mask_key: MaskKey::new([7; 32]),
            peer: None,
            client: None,
        })
        .unwrap();
        let (kill, ending) = Ending::new();
        self.kill.lock().unwrap().push(kill);
        let parameters = opinion::parameters(&mut gate, &[]);
        let target = upstream::connect(&route, &Credential::default(), &parameters).await.unwrap();
        let client = ClientSide {
            stream: Stream::Plain(stream),
            leftover: BytesMut::new(),
            protocol_minor: 0,
            parameters: vec![],
            peer,
        };
        let session = Session { gate, credentials: Arc::new(NoPassword), ending };
        serve::run(client, target, session, &self.shared).await;
    }
}

impl Stage {
    pub fn psql(&self, sql: &[&str]) -> (String, String) {
        let mut psql = std::process::Command::new("psql");
        psql.args([
            "-X",
            "-A",
            "-t",
            "-q",
            "-h",
            "127.0.0.1",
            "-p",
            &self.port.to_string(),
            "-U",
            "me",
            "postgres",
        ]);
        psql.env("PGSSLMODE", "disable").env("PGGSSENCMODE", "disable");
        for sql in sql {
            psql.args(["-c", sql]);
        }
        let output = psql.output().unwrap();
        (
            String::from_utf8_lossy(&output.stdout).trim().to_owned(),
            String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        )
    }
    /// Everything recorded so far, as one text.
    pub fn recorded(&self) -> String {
        self.log.0.lock().unwrap().iter().map(|event| format!("{event}\n")).collect()
    }
}

/// Looks again and again until it is so, for as long as a slow machine may take.
pub fn until(what: &str, mut ready: impl FnMut() -> bool) {
    let started = std::time::Instant::now();
    while !ready() {
        assert!(started.elapsed() < std::time::Duration::from_secs(30), "{what}");
        std::thread::yield_now();
    }
}
