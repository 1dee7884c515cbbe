//! What the tests share: a folder with a recorder in it, and sessions of a few entries.

use sallyport_core::journal::Event;
use sallyport_core::{
    Action, Caller, CallerKind, Cell, CommandNo, Effect, Journal, Moment, Object, ObjectKind, RuleId,
    SessionId,
};
use sallyport_record::{Options, Recorder, SigningKey};
use std::borrow::Cow;
use std::path::Path;
use std::time::Duration;

pub fn key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

pub fn options() -> Options {
    Options { heads_every: Duration::from_secs(3600), ..Options::default() }
}

pub fn recorder(root: &Path) -> Recorder {
    Recorder::open(root, key(), options()).unwrap()
}

pub const START: Moment = Moment(1_700_000_000_000_000);

pub fn at(tick: i64) -> Moment {
    Moment(START.0 + tick * 1_000)
}

pub fn opened(session: &SessionId) -> Event<'static> {
    let caller = Caller {
        subject: "agent-7".into(),
        issuer: "https://issuer.test".into(),
        kind: CallerKind::Agent,
        name: "Billing agent".into(),
        groups: vec!["agents".into()],
        attributes: Default::default(),
        chain: vec![],
        owner: None,
        expires: at(1_000_000),
        token_id: None,
        account_since: None,
    };
    Event::Opened {
        session: session.clone(),
        caller,
        target: "prod".into(),
        protocol: "postgres".into(),
        account: "app".into(),
        database: "shop".into(),
        peer: None,
        client: Some("psql".into()),
        rules: vec![RuleId::new("agents-read")],
        epoch: 3,
    }
}

pub fn command(no: u64, text: &str) -> Event<'_> {
    let read = Effect::new(Action::Read, Object::new(ObjectKind::Table, ["public", "customers"]));
    Event::Command {
        no: CommandNo(no),
        kind: "statement".into(),
        text: Cow::Borrowed(text),
        parameters: vec![],
        effects: vec![read].into(),
        verdict: "allow".into(),
        rules: vec![RuleId::new("agents-read")].into(),
        message: None,
        digest: None,
    }
}

pub fn done(of: u64) -> Event<'static> {
    Event::Done {
        of: CommandNo(of),
        tag: "SELECT 1".into(),
        rows: 1,
        bytes_out: 11,
        bytes_in: 9,
        duration_us: 420,
        error: None,
        masked: 1,
    }
}

/// Seven entries: opened, command, columns, two rows, done, closed.
pub fn record(journal: &mut dyn Journal, session: &SessionId) {
    journal.append(at(0), &opened(session)).unwrap();
    journal.append(at(1), &command(1, "SELECT name, key FROM customers")).unwrap();
    let columns = Event::Columns {
        of: CommandNo(1),
        names: vec!["name".into(), "key".into()],
        masked: vec![Some(RuleId::new("names")), None],
    };
    journal.append(at(2), &columns).unwrap();
    let cells = [Cell::new(0, 3), Cell::new(3, 2)];
    journal.append_row(at(3), CommandNo(1), b"***\x00\xff", &cells, &[false, true]).unwrap();
    journal.append_row(at(4), CommandNo(1), b"***", &[Cell::new(0, 3), Cell::NULL], &[false, true]).unwrap();
    journal.append(at(5), &done(1)).unwrap();
    journal.flush().unwrap();
    journal.close(at(6), "the caller left").unwrap();
}
