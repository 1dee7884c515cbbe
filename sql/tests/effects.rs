//! Statements and what they would do, as text beside text.
//!
//! Each file of `tests/effects` holds a statement a line, below it its effects after `=> `. `REWRITE=1` writes what is
//! said now; every changed line is then to be read against what PostgreSQL would really do.

mod beside;

use prost::Message;
use sallyport_sql::{Session, analyze};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

const FILES: [&str; 7] = ["reads", "writes", "whole", "evasions", "utility", "functions", "kinds"];

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

#[test]
fn statements_do_what_the_tables_say() {
    let all: usize = FILES.iter().map(|name| beside::checked(&format!("effects/{name}.txt"), said)).sum();
    assert!(all >= 250, "{all} statements");
}

/// What the grammar calls a node: `SelectStmt`.
fn word_of(node: &pg_query::NodeEnum) -> String {
    let said = format!("{node:?}");
    said.split('(').next().unwrap_or_default().to_owned()
}

/// Every kind of statement that the tree of the parser can hold: a node of each number, empty, and its name.
fn kinds() -> BTreeSet<String> {
    let mut kinds = BTreeSet::new();
    for number in 1..1000_u32 {
        let mut bytes = Vec::new();
        prost::encoding::encode_key(number, prost::encoding::WireType::LengthDelimited, &mut bytes);
        bytes.push(0);
        let node =
            pg_query::protobuf::Node::decode(bytes.as_slice()).expect("a field that nobody knows is skipped");
        kinds.extend(node.node.as_ref().map(word_of).filter(|word| word.ends_with("Stmt")));
    }
    kinds
}

/// Around statements and within them; no text has one by itself.
const NO_STATEMENT: [&str; 5] =
    ["RawStmt", "SetOperationStmt", "ReturnStmt", "PlassignStmt", "ReplicaIdentityStmt"];

/// Kinds of which some statement needs nothing more than the connection. All others always do something.
const HARMLESS: [&str; 6] =
    ["SelectStmt", "ClosePortalStmt", "DeallocateStmt", "DiscardStmt", "UnlistenStmt", "ExplainStmt"];

#[test]
fn every_kind_of_statement_has_its_effects_named() {
    let mut seen: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for file in FILES {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/effects/{file}.txt"));
        let text = std::fs::read_to_string(path).expect("the table is there");
        for line in text.lines().filter(|line| !line.starts_with("=> ") && !line.starts_with('#')) {
            let Ok(tree) = pg_query::parse(line, pg_query::ParserOptions::default()) else { continue };
            let nodes = tree.protobuf.stmts.iter().filter_map(|raw| raw.stmt.as_ref()?.node.as_ref());
            for node in nodes {
                seen.entry(word_of(node)).or_default().push(line.to_owned());
            }
        }
    }
    let kinds = kinds();
    assert!(kinds.len() > 110, "{kinds:?}");
    for kind in kinds.iter().filter(|kind| !NO_STATEMENT.contains(&kind.as_str())) {
        let lines = seen.get(kind).unwrap_or_else(|| panic!("no statement of the tables is a {kind}"));
        for line in lines {
            let silent = said(line) == "nothing";
            assert!(!silent || HARMLESS.contains(&kind.as_str()), "{kind}: {line} does nothing");
        }
    }
}
