//! Statements and the columns that decide which rows come, as text beside text.
//!
//! `tests/filters.txt` holds a statement a line, below it after `=> ` what it compares, with the table where the text
//! says which. `*` is more than the names say, `natural` a NATURAL join. `REWRITE=1` writes what is said now; every
//! changed line is then to be read against what PostgreSQL would really do.

mod beside;

use sallyport_sql::{Filters, analyze};

fn said(text: &str) -> String {
    let analysis = analyze(text).expect("the statement can be read");
    let all: Vec<String> = analysis.statements.iter().map(|statement| of(&statement.filters)).collect();
    all.join("; ")
}

fn of(filters: &Filters) -> String {
    let mut parts: Vec<String> = filters
        .sites
        .iter()
        .map(|site| match &site.table {
            Some(table) => format!("{table}.{}", site.column),
            None => site.column.clone(),
        })
        .collect();
    parts.extend(filters.wide.then(|| "*".to_owned()));
    parts.extend(filters.natural.then(|| "natural".to_owned()));
    if parts.is_empty() { "nothing".to_owned() } else { parts.join(" ") }
}

#[test]
fn what_is_compared_is_what_the_table_says() {
    assert!(beside::checked("filters.txt", said) > 0);
}
