//! What a decision costs: cold and warm, with few and many rules, related to the session or not.
//!
//! `cargo run --release -p sallyport-policy --example cost`

#![allow(clippy::print_stdout, clippy::expect_used, reason = "a table for people")]

use sallyport_core::judge::Facts;
use sallyport_core::{
    Action, Caller, CallerKind, Effect, Effects, Moment, Object, ObjectKind, Sensitive, Target, TargetName,
};
use sallyport_policy::{Pack, RuleBook, RuleFile};
use std::fmt::Write;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

const NOW: Moment = Moment::from_seconds(1_700_000_000);

fn facts() -> Facts {
    let caller = Caller {
        subject: "reporter".into(),
        issuer: "https://id.example".into(),
        kind: CallerKind::Agent,
        name: "Reporter".into(),
        groups: vec!["support".into(), "eu".into()],
        attributes: [("purpose".to_owned(), "support".to_owned())].into(),
        chain: Vec::new(),
        owner: None,
        expires: NOW.plus_seconds(3600),
        token_id: None,
        account_since: None,
    };
    let target = Target {
        name: TargetName::new("prod"),
        protocol: "postgres".into(),
        host: "localhost".into(),
        port: 5432,
        account: "app".into(),
        database: None,
        labels: Default::default(),
        strict: false,
        record_result_bytes: 0,
        classes: [("public.customers.email".to_owned(), vec!["email".to_owned()])].into(),
        settings: Default::default(),
    };
    Facts { caller: Arc::new(caller), target: Arc::new(target), database: "shop".into(), peer: None }
}

/// `count` rules; `related` ones can all apply to the session and none decides anything.
fn rules(count: usize, related: bool) -> Vec<RuleFile> {
    let mut text = String::from("@id(\"all\") permit(principal, action, resource);\n");
    for index in 1..count {
        let scope = match (related, index % 2) {
            (true, _) => format!("principal, action, resource in Schema::\"s{index}\""),
            (false, 0) => format!("principal in Group::\"g{index}\", action, resource"),
            (false, _) => format!("principal, action, resource in Target::\"t{index}\""),
        };
        writeln!(text, "@id(\"r{index}\") forbid({scope});").expect("a string grows");
    }
    vec![RuleFile::new("rules.cedar", text)]
}

fn read(index: usize) -> Effects {
    let object = Object::new(ObjectKind::Table, ["public".to_owned(), format!("t{index}")]);
    Effects::new(vec![Effect::new(Action::Read, object)])
}

/// Microseconds for one call, the median of several rounds.
fn per_call(count: usize, mut call: impl FnMut(usize)) -> f64 {
    let mut rounds: Vec<f64> = (0..9)
        .map(|round| {
            let start = Instant::now();
            (0..count).for_each(|index| call(round * count + index));
            start.elapsed().as_secs_f64() * 1e6 / count as f64
        })
        .collect();
    rounds.sort_by(f64::total_cmp);
    rounds.get(rounds.len() / 2).copied().unwrap_or_default()
}

fn measure(name: &str, files: Vec<RuleFile>) {
    let start = Instant::now();
    let book = Arc::new(RuleBook::load(files).expect("the rules are valid"));
    let load_ms = start.elapsed().as_secs_f64() * 1e3;
    let commands: Vec<Effects> = (0..9 * 100).map(read).collect();
    let mut session = book.session(facts());
    let start = Instant::now();
    let _ = black_box(session.connect(NOW));
    let first_us = start.elapsed().as_secs_f64() * 1e6;
    let cold = per_call(100, |index| {
        if let Some(effects) = commands.get(index) {
            black_box(session.judge(NOW, effects, &[]));
        }
    });
    let effects = read(0);
    let warm = per_call(100_000, |_| {
        black_box(session.judge(NOW, black_box(&effects), &[]));
    });
    let column = Sensitive::Column { schema: "public", table: "customers", column: "id" };
    let see = per_call(100_000, |_| {
        black_box(session.see(NOW, black_box(&column)));
    });
    let next = per_call(100, |_| {
        let _ = black_box(book.session(facts()).connect(NOW));
    });
    println!(
        "{name:<28} load {load_ms:8.1} ms   first connect {first_us:8.1} us   next session {next:7.1} us   \
         cold {cold:7.2} us   warm {warm:6.3} us   warm see {see:6.3} us"
    );
}

fn main() {
    for count in [10, 100, 1000] {
        measure(&format!("{count} rules, none about others"), rules(count, true));
    }
    for count in [10, 100, 1000] {
        measure(&format!("{count} rules, all about others"), rules(count, false));
    }
    for name in ["agents-read-only", "agents-write-with-approval"] {
        measure(name, Pack::named(name).map(Pack::file).into_iter().collect());
    }
}
