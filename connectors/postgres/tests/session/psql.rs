//! Through psql.

use crate::server::truth;
use crate::stage::stage;

#[test]
fn psql_reads_and_is_recorded() {
    let stage = stage(false);
    let (out, err) = stage.psql(&["SELECT 1 AS one", "SELECT count(*) FROM plain"]);
    assert_eq!((out.as_str(), err.as_str()), ("1\n1000", ""));
    let recorded = stage.recorded();
    assert!(recorded.contains("SELECT count(*) FROM plain"), "{recorded}");
    assert!(recorded.contains(r#""tag":"SELECT 1""#), "{recorded}");
}

#[test]
fn a_refusal_names_its_rule_and_the_connection_lives() {
    let stage = stage(false);
    let (out, err) = stage.psql(&["DROP TABLE plain", "SELECT 'alive'"]);
    assert_eq!(out, "alive");
    assert!(err.contains("Dropping is not allowed. (rule no-drop)"), "{err}");
    assert!(err.contains(r#"DETAIL:  {"rules":["no-drop"]"#), "{err}");
    assert_eq!(truth("SELECT count(*) FROM plain"), "1000");
}

#[test]
fn copy_goes_both_ways() {
    let stage = stage(false);
    let rows = "5\n6\n7\n\\.\n";
    let (_, err) = stage.psql(&["CREATE TABLE copied (id int)"]);
    assert_eq!(err, "");
    let mut psql = std::process::Command::new("psql");
    psql.args(["-X", "-q", "-h", "127.0.0.1", "-p", &stage.port.to_string(), "-U", "me", "postgres"]);
    psql.args(["-c", "COPY copied FROM STDIN"]).env("PGSSLMODE", "disable");
    psql.stdin(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let mut child = psql.spawn().unwrap();
    std::io::Write::write_all(child.stdin.as_mut().unwrap(), rows.as_bytes()).unwrap();
    assert_eq!(String::from_utf8(child.wait_with_output().unwrap().stderr).unwrap(), "");
    let (out, err) = stage.psql(&["COPY copied TO STDOUT"]);
    assert_eq!((out.as_str(), err.as_str()), ("5\n6\n7", ""));
}
