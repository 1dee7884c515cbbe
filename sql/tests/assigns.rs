//! Statements and the values that they write, as text beside text.
//!
//! `tests/assigns.txt` holds a statement a line, below it after `=> ` each column written to with the names behind its
//! value. `*` is more than the names say; `=` an unchanged value; `$1` a parameter, a quoted text one that may be a mask.
//! `REWRITE=1` writes what is said now; every changed line is then to be read against what PostgreSQL would really do.

mod beside;

use sallyport_sql::{Assignment, Destination, Place, analyze};
use std::fmt::Write;

fn said(text: &str) -> String {
    let analysis = analyze(text).expect("the statement can be read");
    let all: Vec<String> =
        analysis.statements.iter().flat_map(|statement| &statement.assigns).map(one).collect();
    if all.is_empty() { "nothing".to_owned() } else { all.join("; ") }
}

fn one(assignment: &Assignment) -> String {
    let mut line = match &assignment.into {
        Destination::Column { table, column: Place::Named(name) } => format!("{table}.{name}"),
        Destination::Column { table, column: Place::At(at) } => format!("{table}#{at}"),
        Destination::Column { table, column: Place::Any } => format!("{table}.*"),
        Destination::Elsewhere => "elsewhere".to_owned(),
    };
    let mut parts: Vec<String> = assignment.uses.columns.iter().cloned().collect();
    parts.extend(assignment.uses.wide.then(|| "*".to_owned()));
    parts.extend(assignment.given.parameters.iter().map(|number| format!("${number}")));
    parts.extend(assignment.given.masks.iter().map(|text| format!("{text:?}")));
    write!(line, " {} {}", if assignment.unchanged { "=" } else { "<-" }, parts.join(" "))
        .expect("a string takes it");
    line.trim_end().to_owned()
}

#[test]
fn values_go_where_the_table_says() {
    assert!(beside::checked("assigns.txt", said) > 0);
}
