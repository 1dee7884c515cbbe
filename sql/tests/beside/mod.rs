//! Statements and what is said of them, as text beside text: a statement a line, below it after `=> ` what is said.
//!
//! `REWRITE=1` writes what is said now; every changed line is then to be read against what PostgreSQL would really do.

use std::fmt::Write;
use std::path::Path;

/// Compares the table `name` of `tests/` with what `said` says of each statement. How many there were comes back.
pub fn checked(name: &str, said: impl Fn(&str) -> String) -> usize {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name);
    let before = std::fs::read_to_string(&path).expect("the table is there");
    let (mut now, mut statements) = (String::new(), 0);
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
