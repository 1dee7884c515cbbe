//! Statements and what they would do, as text beside text.
//!
//! Each file of `tests/effects` holds a statement a line, below it its effects after `=> `. `REWRITE=1` writes what is
//! said now; every changed line is then to be read against what PostgreSQL would really do.

use sallyport_sql::{Session, analyze};
use std::fmt::Write;
use std::path::Path;

fn said(text: &str) -> String {
    let analysis = match analyze(text) {
        Ok(analysis) => analysis,
        Err(fault) => return format!("refused: {fault}"),
    };
    let mut session = Session::default();
    let mut effects = Vec::new();
    for statement in &analysis.statements {
        effects.extend(session.meaning(statement).effects().cloned());
        session.remember_statement(statement);
    }
    let effects = sallyport_core::Effects::new(effects);
    let lines: Vec<String> = effects.list().iter().map(ToString::to_string).collect();
    if lines.is_empty() { "nothing".to_owned() } else { lines.join("; ") }
}

fn checked(name: &str) -> usize {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/effects").join(name);
    let before = std::fs::read_to_string(&path).expect("the table is there");
    let mut now = String::new();
    let mut statements = 0;
    for line in before.lines().filter(|line| !line.starts_with("=> ")) {
        writeln!(now, "{line}").expect("a string takes it");
        if !line.is_empty() && !line.starts_with('#') {
            statements += 1;
            writeln!(now, "=> {}", said(line)).expect("a string takes it");
        }
    }
    if std::env::var_os("REWRITE").is_some() {
        std::fs::write(&path, &now).expect("the table can be written");
        return statements;
    }
    for (expected, actual) in before.lines().zip(now.lines()) {
        assert_eq!(expected, actual, "in {name}");
    }
    assert_eq!(before, now, "in {name}");
    statements
}

#[test]
fn statements_do_what_the_tables_say() {
    let all: usize = ["reads", "writes", "whole", "evasions", "utility"]
        .iter()
        .map(|name| checked(&format!("{name}.txt")))
        .sum();
    assert!(all >= 250, "{all} statements");
}
