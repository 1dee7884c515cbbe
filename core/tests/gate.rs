//! The gate's invariants, held against small in-memory parts that count and refuse on demand.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test stops where it is wrong"
)]

use sallyport_core::approvals::{BoxFuture, Filed};
use sallyport_core::event::Done;
use sallyport_core::gate::Opening;
use sallyport_core::journal::Event;
use sallyport_core::judge::Facts;
use sallyport_core::mask::forms::{Form, MaskKey};
use sallyport_core::mask::plan::{ColumnRef, Origin};
use sallyport_core::*;
use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

#[derive(Default)]
struct World {
    journal: Mutex<Vec<String>>,
    journal_broken: AtomicBool,
    epoch: AtomicU64,
    shut: AtomicBool,
    now: AtomicI64,
    outcome: Mutex<Option<Outcome>>,
    earlier: Mutex<Option<ApprovalFact>>,
    withdrawn: Mutex<Vec<String>>,
    asked: AtomicU64,
    masked: AtomicBool,
    max_rows: Mutex<Option<u64>>,
}

struct Part(Arc<World>);

impl Journal for Part {
    fn append(&mut self, _: Moment, event: &Event<'_>) -> Result<u64, JournalFault> {
        if self.0.journal_broken.load(SeqCst) {
            return Err(JournalFault::Poisoned);
        }
        let mut lines = self.0.journal.lock().unwrap();
        lines.push(serde_json::to_string(event).unwrap());
        Ok(lines.len() as u64 - 1)
    }
    fn append_row(
        &mut self,
        _: Moment,
        of: CommandNo,
        bytes: &[u8],
        _: &[Cell],
        _: &[bool],
    ) -> Result<u64, JournalFault> {
        if self.0.journal_broken.load(SeqCst) {
            return Err(JournalFault::Poisoned);
        }
        let mut lines = self.0.journal.lock().unwrap();
        lines.push(format!("row of {of}: {}", String::from_utf8_lossy(bytes)));
        Ok(lines.len() as u64 - 1)
    }
    fn flush(&mut self) -> Result<Flush, JournalFault> {
        Ok(Flush::Done)
    }
    fn close(&mut self, _: Moment, _: &str) -> Result<(), JournalFault> {
        Ok(())
    }
}

/// A command's text says what the rules think of it: the effect's object is `allow`, `deny` or `hold`.
impl Judge for Part {
    fn epoch(&self) -> Epoch {
        Epoch(self.0.epoch.load(SeqCst))
    }
    fn connect(&mut self, _: Moment) -> Result<Vec<RuleId>, Reason> {
        self.0.asked.fetch_add(1, SeqCst);
        if self.0.shut.load(SeqCst) { Err(reason("the door is shut")) } else { Ok(Vec::new()) }
    }
    fn judge(&mut self, _: Moment, effects: &Effects, approvals: &[ApprovalFact]) -> Arc<Verdict> {
        Arc::new(match effects.list()[0].object.name() {
            "deny" => Verdict::Deny(reason("no")),
            "hold" if approvals.is_empty() => Verdict::Hold(HoldTerms {
                reason: reason("ask"),
                groups: vec!["dba".into()],
                expires_seconds: 60,
                defer: false,
            }),
            _ => Verdict::Allow(Obligations {
                max_rows: *self.0.max_rows.lock().unwrap(),
                ..Obligations::default()
            }),
        })
    }
    fn see(&mut self, _: Moment, _: &Sensitive<'_>) -> Sight {
        if self.0.masked.load(SeqCst) {
            Sight::Masked { form: Form::Redact, rule: RuleId::new("hide") }
        } else {
            Sight::Clear
        }
    }
}

impl Approvals for Part {
    fn file(&self, _: HoldRequest) -> BoxFuture<'_, Result<Filed, Fault>> {
        Box::pin(async { Ok(Filed { id: ApprovalId::new("a1"), link: String::new(), already: false }) })
    }
    fn wait(&self, _: ApprovalId) -> BoxFuture<'_, Result<Outcome, Fault>> {
        Box::pin(async { Ok(self.0.outcome.lock().unwrap().clone().expect("an outcome is set")) })
    }
    fn redeem(&self, _: Digest, _: String) -> BoxFuture<'_, Result<Option<ApprovalFact>, Fault>> {
        Box::pin(async { Ok(self.0.earlier.lock().unwrap().take()) })
    }
    fn withdraw(&self, id: &ApprovalId, _: &str) {
        self.0.withdrawn.lock().unwrap().push(id.as_str().into());
    }
}

impl Clock for Part {
    fn now(&self) -> Moment {
        Moment(self.0.now.load(SeqCst))
    }
}

#[derive(Debug)]
struct Rewriter;

impl RowCodec for Rewriter {
    fn rebuild(
        &self,
        _: &Row<'_>,
        edits: &[event::Edit],
        new: &[u8],
        out: &mut Vec<u8>,
        cells: &mut Vec<Cell>,
    ) {
        assert!(!edits.is_empty());
        out.extend_from_slice(new);
        cells.push(Cell::new(0, u32::try_from(new.len()).unwrap()));
    }
}

fn reason(message: &str) -> Reason {
    Reason { rules: vec![RuleId::new("rule")], message: message.into(), effect: None }
}

fn open(world: &Arc<World>) -> Gate {
    open_with(world, Arc::new(Part(Arc::clone(world))))
}

fn open_with(world: &Arc<World>, approvals: Arc<dyn Approvals>) -> Gate {
    let part = || Part(Arc::clone(world));
    let caller: Caller = serde_json::from_value(serde_json::json!({
        "subject": "ann", "issuer": "idp", "kind": "person", "name": "Ann", "groups": [], "attributes": {},
        "chain": [], "owner": null, "expires": 1_000_000, "token_id": null,
    }))
    .unwrap();
    let target: Target = serde_json::from_value(serde_json::json!({
        "name": "db", "protocol": "postgres", "host": "h", "port": 5432, "account": "app", "record_result_bytes": 10,
    }))
    .unwrap();
    let facts =
        Facts { caller: Arc::new(caller), target: Arc::new(target), database: "d".into(), peer: None };
    let grant = Grant::admit(&mut part(), facts, SessionId::new("s"), Moment(0)).unwrap();
    Gate::open(Opening {
        grant,
        judge: Box::new(part()),
        journal: Box::new(part()),
        approvals,
        clock: Arc::new(part()),
        mask_key: MaskKey::new([1; 32]),
        peer: None,
        client: None,
    })
    .unwrap()
}

fn effects(verdict: &str) -> Effects {
    Effects::new(vec![Effect::new(Action::Read, Object::new(ObjectKind::Table, [verdict]))])
}

fn frame<'a>(
    kind: CommandKind,
    text: &'a str,
    effects: &'a Effects,
    parameters: Parameters<'a>,
) -> Frame<'a, Ask<'a>> {
    let command = Command { kind, protocol: "test", text, effects, parameters, context: "" };
    Frame { bytes: text.as_bytes(), event: Ask::Command(command) }
}

fn run<'a>(text: &'a str, effects: &'a Effects) -> Frame<'a, Ask<'a>> {
    frame(CommandKind::Run, text, effects, Parameters::default())
}

fn cleared(ruling: Ruling<'_>) -> CommandNo {
    match ruling {
        Ruling::Clear(cleared) => cleared.command().unwrap(),
        other => panic!("not cleared: {other:?}"),
    }
}

fn denied(ruling: Ruling<'_>) -> Denial {
    match ruling {
        Ruling::Deny(denial) => denial,
        other => panic!("not denied: {other:?}"),
    }
}

fn held(ruling: Ruling<'_>) -> Box<Hold> {
    match ruling {
        Ruling::Hold(hold) => hold,
        other => panic!("not held: {other:?}"),
    }
}

/// Every future here is ready at once.
fn now<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("it waits"),
    }
}

fn last(world: &World) -> String {
    world.journal.lock().unwrap().last().cloned().unwrap_or_default()
}

fn approve(hold: &Hold) -> ApprovalFact {
    ApprovalFact {
        id: ApprovalId::new("a1"),
        digest: hold.request().digest,
        approver: "idp#bob".into(),
        groups: vec!["dba".into()],
        at: Moment(1),
        reason: "checked twice".into(),
    }
}

#[test]
fn an_entry_precedes_what_is_cleared_and_settled() {
    let world = Arc::new(World::default());
    let mut gate = open(&world);
    let allow = effects("allow");
    let before = now(gate.settle()).unwrap();
    let Ruling::Clear(one) = gate.ask(run("select 1", &allow)) else { panic!("not cleared") };
    assert!(last(&world).contains("select 1"));
    assert!(!before.covers(one.entries()), "what was settled before does not cover it");
    assert!(now(gate.settle()).unwrap().covers(one.entries()));
    assert!(!denied(gate.ask(run("select 2", &effects("deny")))).fatal);
    assert!(last(&world).contains("\"deny\""));
}

#[test]
fn an_append_error_denies_everything_from_then_on() {
    let world = Arc::new(World::default());
    let mut gate = open(&world);
    let allow = effects("allow");
    world.journal_broken.store(true, SeqCst);
    assert!(denied(gate.ask(run("select 1", &allow))).fatal);
    world.journal_broken.store(false, SeqCst);
    assert!(denied(gate.ask(run("select 1", &allow))).fatal);
    assert!(gate.answer(Frame { bytes: b"x", event: Answer::Housekeeping("ready") }).is_err());
    assert!(denied(gate.ask(Frame { bytes: b"x", event: Ask::Housekeeping("sync") })).fatal);
}

#[test]
fn rules_that_change_are_asked_at_the_door_again() {
    let world = Arc::new(World::default());
    let mut gate = open(&world);
    let allow = effects("allow");
    let asked = world.asked.load(SeqCst);
    world.epoch.store(1, SeqCst);
    cleared(gate.ask(run("select 1", &allow)));
    assert_eq!(world.asked.load(SeqCst), asked + 1);
    world.epoch.store(2, SeqCst);
    world.shut.store(true, SeqCst);
    assert!(denied(gate.ask(run("select 1", &allow))).fatal);
}

#[test]
fn a_session_ends_with_its_token() {
    let world = Arc::new(World::default());
    let mut gate = open(&world);
    world.now.store(1_000_000, SeqCst);
    assert!(denied(gate.ask(run("select 1", &effects("allow")))).fatal);
}

#[test]
fn an_approved_command_crosses_and_no_other() {
    let world = Arc::new(World::default());
    let mut gate = open(&world);
    let hold_effects = effects("hold");
    let mut hold = held(gate.ask(run("drop 1", &hold_effects)));
    *world.outcome.lock().unwrap() = Some(Outcome::Approved(approve(&hold)));
    now(hold.wait()).unwrap();
    assert_eq!(cleared(gate.resume(hold, run("drop 1", &hold_effects))), CommandNo(1));
    assert!(last(&world).contains("\"approved\""));

    let value =
        |bytes: &'static [u8]| Parameters { bytes, cells: &[const { Cell::new(0, 1) }], binary: &[false] };
    for (text, parameter) in [("drop 2", &b"a"[..]), ("drop 1", b"b")] {
        let asked = frame(CommandKind::Run, "drop 1", &hold_effects, value(b"a"));
        let mut hold = held(gate.ask(asked));
        *world.outcome.lock().unwrap() = Some(Outcome::Approved(approve(&hold)));
        now(hold.wait()).unwrap();
        let parameters =
            Parameters { bytes: parameter, cells: &[const { Cell::new(0, 1) }], binary: &[false] };
        let denial = denied(gate.resume(hold, frame(CommandKind::Run, text, &hold_effects, parameters)));
        assert_eq!(denial.reason.rules, [RuleId::new("approval-of-another")]);
    }
}

#[test]
fn every_other_end_of_waiting_denies() {
    let world = Arc::new(World::default());
    let mut gate = open(&world);
    let hold_effects = effects("hold");
    let refused = Outcome::Refused { by: "bob".into(), reason: "not today".into(), at: Moment(7) };
    for (outcome, word) in
        [(refused, "refused"), (Outcome::Expired, "expired"), (Outcome::Withdrawn, "withdrawn")]
    {
        let mut hold = held(gate.ask(run("drop", &hold_effects)));
        *world.outcome.lock().unwrap() = Some(outcome);
        now(hold.wait()).unwrap();
        denied(gate.resume(hold, run("drop", &hold_effects)));
        assert!(last(&world).contains(word), "{word}");
    }
    let hold = held(gate.ask(run("drop", &hold_effects)));
    denied(gate.resume(hold, run("drop", &hold_effects)));
}

#[test]
fn a_dropped_hold_is_withdrawn_and_a_deferred_one_is_redeemed() {
    let world = Arc::new(World::default());
    let mut gate = open(&world);
    let hold_effects = effects("hold");
    let mut hold = held(gate.ask(run("drop", &hold_effects)));
    now(hold.file()).unwrap();
    drop(hold);
    assert_eq!(*world.withdrawn.lock().unwrap(), ["a1"]);

    let mut hold = held(gate.ask(run("drop", &hold_effects)));
    now(hold.file()).unwrap();
    let fact = approve(&hold);
    assert_eq!(hold.into_deferral().approval, Some(ApprovalId::new("a1")));
    assert_eq!(world.withdrawn.lock().unwrap().len(), 1, "a deferred request stands");
    *world.earlier.lock().unwrap() = Some(fact);
    let mut hold = held(gate.ask(run("drop", &hold_effects)));
    assert!(now(hold.file()).unwrap().already);
    cleared(gate.resume(hold, run("drop", &hold_effects)));
}

#[test]
fn preparing_runs_nothing_and_is_not_held() {
    let world = Arc::new(World::default());
    let mut gate = open(&world);
    let hold_effects = effects("hold");
    cleared(gate.ask(frame(CommandKind::Prepare, "drop", &hold_effects, Parameters::default())));
}

fn plan(gate: &mut Gate) -> Plan {
    gate.plan(&[ColumnInfo {
        name: "c",
        origin: Origin::Derived(Vec::new()),
        shape: CellShape::Text,
        narrow: None,
        binary: false,
    }])
}

#[test]
fn rows_are_kept_to_the_limit_and_counted() {
    let world = Arc::new(World::default());
    *world.max_rows.lock().unwrap() = Some(3);
    let mut gate = open(&world);
    let of = cleared(gate.ask(run("select", &effects("allow"))));
    let plan = plan(&mut gate);
    assert!(plan.is_empty());
    assert!(
        gate.answer(Frame { bytes: b"many", event: Answer::Rows { of, plan: &plan, count: 1 } }).is_err()
    );
    let row = Row { bytes: b"12345678", cells: &[const { Cell::new(0, 8) }] };
    let answer = |gate: &mut Gate| {
        let event = Answer::Row { of, plan: &plan, row, codec: &Rewriter };
        gate.answer(Frame { bytes: row.bytes, event }).map(|cleared| cleared.bytes().to_vec())
    };
    assert_eq!(answer(&mut gate).unwrap(), b"12345678");
    assert_eq!(last(&world), "row of 1: 12345678");
    answer(&mut gate).unwrap();
    assert!(last(&world).contains("truncated"));
    assert!(gate.is_recorded_enough(of));
    let run = gate.answer(Frame { bytes: b"x", event: Answer::Rows { of, plan: &plan, count: 1 } });
    assert!(run.is_ok());
    assert!(answer(&mut gate).unwrap_err().fatal, "the fourth row is over the limit");
}

#[test]
fn masks_reach_rows_records_and_parameters() {
    let world = Arc::new(World::default());
    world.masked.store(true, SeqCst);
    let mut gate = open(&world);
    let text = b"ann@example.com";
    let cells = [Cell::new(0, 15)];
    let parameters = Parameters { bytes: text, cells: &cells, binary: &[false] };
    let of = cleared(gate.ask(frame(CommandKind::Run, "select $1", &effects("allow"), parameters)));
    assert!(!last(&world).contains("ann@"));
    let plan = plan(&mut gate);
    let row = Row { bytes: text, cells: &cells };
    let event = Answer::Row { of, plan: &plan, row, codec: &Rewriter };
    assert_eq!(gate.answer(Frame { bytes: text, event }).unwrap().bytes(), b"[redacted]");
    assert_eq!(last(&world), "row of 1: [redacted]");

    world.epoch.store(1, SeqCst);
    cleared(gate.ask(run("select", &effects("allow"))));
    let event = Answer::Row { of, plan: &plan, row, codec: &Rewriter };
    assert!(gate.answer(Frame { bytes: text, event }).unwrap_err().fatal, "a plan of older rules");
}

#[test]
fn the_last_entry_is_written_however_a_session_ends() {
    let world = Arc::new(World::default());
    open(&world).close("done").unwrap();
    assert!(last(&world).contains("\"closed\"") && last(&world).contains("done"));
    drop(open(&world));
    assert!(last(&world).contains("\"closed\"") && last(&world).contains("dropped"));
}

#[test]
fn an_approval_that_came_too_late_stands_in_the_record() {
    let world = Arc::new(World::default());
    let mut gate = open(&world);
    let hold_effects = effects("hold");
    let mut hold = held(gate.ask(run("update t", &hold_effects)));
    *world.outcome.lock().unwrap() = Some(Outcome::Approved(approve(&hold)));
    now(hold.wait()).unwrap();
    world.shut.store(true, SeqCst);
    world.epoch.store(1, SeqCst);
    assert!(denied(gate.resume(hold, run("update t", &hold_effects))).fatal);
    assert!(
        last(&world).contains("\"resolved\"") && last(&world).contains("the door is shut"),
        "{}",
        last(&world)
    );
}

#[test]
fn a_value_that_is_bound_as_a_number_is_masked_as_well() {
    let world = Arc::new(World::default());
    let mut gate = open(&world);
    let card = 4_111_111_111_111_111i64.to_be_bytes();
    let parameters = Parameters { bytes: &card, cells: &[Cell::new(0, 8)], binary: &[true] };
    cleared(gate.ask(frame(CommandKind::Run, "insert $1", &effects("allow"), parameters)));
    assert!(last(&world).contains("[redacted]"), "{}", last(&world));
}

#[test]
fn rows_of_no_running_command_do_not_cross() {
    let world = Arc::new(World::default());
    let mut gate = open(&world);
    let of = cleared(gate.ask(run("select", &effects("allow"))));
    let plan = plan(&mut gate);
    let done = Answer::Done { of, outcome: Done::default() };
    _ = gate.answer(Frame { bytes: b"", event: done }).unwrap();
    let entries = world.journal.lock().unwrap().len();
    let row = Row { bytes: b"1", cells: &[const { Cell::new(0, 1) }] };
    for of in [of, CommandNo(0), CommandNo(99)] {
        for event in [
            Answer::Row { of, plan: &plan, row, codec: &Rewriter },
            Answer::Rows { of, plan: &plan, count: 1 },
            Answer::Output { of },
        ] {
            let denial = gate.answer(Frame { bytes: b"1", event }).unwrap_err();
            assert!(denial.fatal && denial.reason.rules == [RuleId::new("answer-without-command")]);
        }
    }
    assert_eq!(world.journal.lock().unwrap().len(), entries, "what did not cross is not recorded as seen");
}

#[test]
fn columns_of_a_plan_of_older_rules_do_not_cross() {
    let world = Arc::new(World::default());
    let mut gate = open(&world);
    let of = cleared(gate.ask(run("select", &effects("allow"))));
    let before = plan(&mut gate);
    // Nothing was asked since: the answer itself has to notice.
    world.epoch.store(1, SeqCst);
    world.masked.store(true, SeqCst);
    let columns = Answer::Columns { of, plan: &before };
    assert!(gate.answer(Frame { bytes: b"T", event: columns }).unwrap_err().fatal);
    let row = Row { bytes: b"1", cells: &[const { Cell::new(0, 1) }] };
    let event = Answer::Row { of, plan: &before, row, codec: &Rewriter };
    assert!(gate.answer(Frame { bytes: b"1", event }).unwrap_err().fatal);
    let after = plan(&mut gate);
    let columns = Answer::Columns { of, plan: &after };
    assert_eq!(gate.answer(Frame { bytes: b"T", event: columns }).unwrap().bytes(), b"T");
    world.epoch.store(2, SeqCst);
    world.shut.store(true, SeqCst);
    assert!(gate.renew().unwrap_err().fatal, "the door would not open any more");
}

#[test]
fn columns_are_recorded_once_until_they_change() {
    let world = Arc::new(World::default());
    let mut gate = open(&world);
    let count = |world: &World| {
        world.journal.lock().unwrap().iter().filter(|line| line.contains("\"event\":\"columns\"")).count()
    };
    let say = |gate: &mut Gate| {
        let of = cleared(gate.ask(run("select", &effects("allow"))));
        let origin = Origin::Column(ColumnRef { schema: "s", table: "t", column: "c" });
        let plan = gate.plan(&[ColumnInfo {
            name: "c",
            origin,
            shape: CellShape::Text,
            narrow: None,
            binary: false,
        }]);
        _ = gate.answer(Frame { bytes: b"T", event: Answer::Columns { of, plan: &plan } }).unwrap();
        _ = gate.answer(Frame { bytes: b"", event: Answer::Done { of, outcome: Done::default() } }).unwrap();
    };
    say(&mut gate);
    say(&mut gate);
    assert_eq!(count(&world), 1, "the same columns were written again");
    // The same names, under rules that mask them now, are other columns.
    world.epoch.store(1, SeqCst);
    world.masked.store(true, SeqCst);
    say(&mut gate);
    assert_eq!(count(&world), 2);
    gate.rest().unwrap();
    say(&mut gate);
    assert_eq!(count(&world), 3, "a rested session remembers nothing and says them anew");
}

#[test]
fn what_was_prepared_has_an_entry_of_its_outcome_only_where_it_failed() {
    let world = Arc::new(World::default());
    let mut gate = open(&world);
    let allow = effects("allow");
    let prepare = |gate: &mut Gate| {
        cleared(gate.ask(frame(CommandKind::Prepare, "select", &allow, Parameters::default())))
    };
    let (good, bad) = (prepare(&mut gate), prepare(&mut gate));
    let entries = world.journal.lock().unwrap().len();
    let outcome = Done { tag: "PARSE", ..Done::default() };
    _ = gate.answer(Frame { bytes: b"1", event: Answer::Done { of: good, outcome } }).unwrap();
    assert_eq!(world.journal.lock().unwrap().len(), entries);
    let outcome = Done { error: Some(("42601", "syntax error")), ..Done::default() };
    _ = gate.answer(Frame { bytes: b"E", event: Answer::Done { of: bad, outcome } }).unwrap();
    assert!(last(&world).contains("syntax error") && !gate.is_in_flight(good));
}

#[test]
fn many_commands_in_flight_end_in_any_order() {
    let world = Arc::new(World::default());
    let mut gate = open(&world);
    let (allow, hold_effects) = (effects("allow"), effects("hold"));
    let mut hold = held(gate.ask(run("update", &hold_effects)));
    *world.outcome.lock().unwrap() = Some(Outcome::Approved(approve(&hold)));
    now(hold.wait()).unwrap();
    let mut all: Vec<CommandNo> = (0..1000).map(|_| cleared(gate.ask(run("select", &allow)))).collect();
    // It waited while the others were asked, and comes before them.
    all.push(cleared(gate.resume(hold, run("update", &hold_effects))));
    let mut order: Vec<usize> = (0..all.len()).map(|at| (at * 577) % all.len()).collect();
    order.dedup();
    for at in order {
        let of = all[at];
        assert!(gate.is_in_flight(of), "{of}");
        _ = gate.answer(Frame { bytes: b"abc", event: Answer::Output { of } }).unwrap();
        _ = gate.answer(Frame { bytes: b"", event: Answer::Done { of, outcome: Done::default() } }).unwrap();
        assert!(!gate.is_in_flight(of) && last(&world).contains("\"bytes_out\":3"), "{}", last(&world));
    }
}

#[test]
fn who_decided_when_and_why_stands_in_the_record() {
    let world = Arc::new(World::default());
    let mut gate = open(&world);
    let hold_effects = effects("hold");
    let mut hold = held(gate.ask(run("drop", &hold_effects)));
    *world.outcome.lock().unwrap() = Some(Outcome::Approved(approve(&hold)));
    now(hold.wait()).unwrap();
    cleared(gate.resume(hold, run("drop", &hold_effects)));
    let said = r#""outcome":"approved","by":"idp#bob","reason":"checked twice","verdict":"allow","at":1"#;
    assert!(last(&world).contains(said), "{}", last(&world));

    let mut hold = held(gate.ask(run("drop", &hold_effects)));
    *world.outcome.lock().unwrap() =
        Some(Outcome::Refused { by: "idp#eve".into(), reason: "no".into(), at: Moment(9) });
    now(hold.wait()).unwrap();
    denied(gate.resume(hold, run("drop", &hold_effects)));
    assert!(last(&world).contains(r#""by":"idp#eve","reason":"no","verdict":"deny","at":9"#));

    // Given and spent, and then the caller left: the record says both.
    let mut hold = held(gate.ask(run("drop", &hold_effects)));
    *world.outcome.lock().unwrap() = Some(Outcome::Approved(approve(&hold)));
    now(hold.wait()).unwrap();
    gate.abandon(hold, "the client left").unwrap();
    let said = r#""outcome":"approved","by":"idp#bob","reason":"checked twice (but: the client left)""#;
    assert!(last(&world).contains(said), "{}", last(&world));
}

#[test]
fn an_approval_is_for_the_context_that_it_was_asked_in() {
    let world = Arc::new(World::default());
    let mut gate = open(&world);
    let hold_effects = effects("hold");
    let asks = |context: &'static str, hold_effects| {
        let command = Command {
            kind: CommandKind::Run,
            protocol: "test",
            text: "drop",
            effects: hold_effects,
            parameters: Parameters::default(),
            context,
        };
        Frame { bytes: b"drop", event: Ask::Command(command) }
    };
    for (asked, run, passes) in [("a", "a", true), ("a", "b", false), ("a", "", false), ("", "", true)] {
        let mut hold = held(gate.ask(asks("", &hold_effects)));
        hold.in_context(asked.into());
        let filed = now(hold.file()).unwrap();
        hold.in_context("too late".into());
        gate.held(&hold, &filed).unwrap();
        assert!(last(&world).contains(&hold.request().digest.to_string()), "{}", last(&world));
        *world.outcome.lock().unwrap() = Some(Outcome::Approved(approve(&hold)));
        now(hold.wait()).unwrap();
        match gate.resume(hold, asks(run, &hold_effects)) {
            Ruling::Clear(_) if passes => {}
            Ruling::Deny(denial) if !passes => {
                assert_eq!(denial.reason.rules, [RuleId::new("approval-of-another")]);
            }
            other => panic!("{asked} {run}: {other:?}"),
        }
    }
}

/// Asks as often as it is told before it is ready.
struct Slow(u32);

impl Future for Slow {
    type Output = ();
    fn poll(mut self: std::pin::Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        self.0 = self.0.saturating_sub(1);
        if self.0 == 0 { Poll::Ready(()) } else { Poll::Pending }
    }
}

/// Approvals of which each answer takes two looks. What it filed and nobody took back could be approved.
#[derive(Default)]
struct SlowDesk(Mutex<Vec<String>>);

impl Approvals for SlowDesk {
    fn file(&self, _: HoldRequest) -> BoxFuture<'_, Result<Filed, Fault>> {
        Box::pin(async {
            Slow(2).await;
            self.0.lock().unwrap().push("a1".into());
            Ok(Filed { id: ApprovalId::new("a1"), link: String::new(), already: false })
        })
    }
    fn wait(&self, _: ApprovalId) -> BoxFuture<'_, Result<Outcome, Fault>> {
        Box::pin(async {
            Slow(2).await;
            Ok(Outcome::Expired)
        })
    }
    fn redeem(&self, _: Digest, _: String) -> BoxFuture<'_, Result<Option<ApprovalFact>, Fault>> {
        Box::pin(async {
            Slow(2).await;
            Ok(None)
        })
    }
    fn withdraw(&self, id: &ApprovalId, _: &str) {
        self.0.lock().unwrap().retain(|waits| waits != id.as_str());
    }
}

#[test]
fn a_caller_that_leaves_while_it_waits_leaves_nothing_to_approve() {
    for looks in 0..10 {
        let desk = Arc::new(SlowDesk::default());
        let world = Arc::new(World::default());
        let mut gate = open_with(&world, Arc::clone(&desk) as Arc<dyn Approvals>);
        let hold_effects = effects("hold");
        let mut hold = held(gate.ask(run("drop", &hold_effects)));
        let mut waited = false;
        {
            let mut waiting = std::pin::pin!(hold.wait());
            for _ in 0..looks {
                waited |=
                    !waited && waiting.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready();
            }
        }
        assert_eq!(waited, looks >= 4, "{looks}");
        drop(hold);
        let left = desk.0.lock().unwrap().len();
        // A request that was decided is the desk's to end.
        assert_eq!(left, usize::from(waited), "left after {looks} looks");
    }
}
