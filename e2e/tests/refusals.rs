//! A refused statement says which rule and why, never reaches the server, and the connection lives on in step.

use crate::shop::Shop;
use anyhow::Result;
use sallyport_testkit::Version;

#[test]
fn a_refusal_names_the_rule_and_the_connection_lives_on() -> Result<()> {
    for version in Version::ALL {
        let shop = Shop::open(version)?;
        let answer =
            shop.psql("\\set VERBOSITY verbose\nDROP TABLE payments;\nSELECT 'still ' || 'here';\n")?;
        let text = answer.both();
        assert!(text.contains("42501"), "{text}");
        assert!(text.contains("(rule "), "{text}");
        assert!(text.contains("\"rules\""), "no JSON in DETAIL: {text}");
        assert!(text.contains("still here"), "{text}");
        assert!(
            !shop.server.log().contains("DROP TABLE payments"),
            "the refused statement reached the server"
        );
        assert_eq!(shop.server.sql("shop", "SELECT count(*) FROM payments")?, "5\n");
    }
    Ok(())
}

#[test]
fn nothing_of_a_statement_with_a_refused_part_runs() -> Result<()> {
    let shop = Shop::open(Version::Distribution)?;
    for sql in [
        "SELECT 1; DROP TABLE payments; SELECT 2",
        "COMMIT; DROP TABLE payments",
        "WITH gone AS (DELETE FROM payments RETURNING *) SELECT count(*) FROM gone",
        "EXPLAIN ANALYZE DELETE FROM payments",
        "COPY (DELETE FROM payments RETURNING *) TO STDOUT",
        "DO $$ BEGIN EXECUTE 'DROP TABLE payments'; END $$",
        "COPY payments TO PROGRAM 'cat'",
        "SELECT pg_read_file('/etc/passwd')",
        "TRUNCATE payments",
        "DELETE FROM payments",
        "DELETE FROM payments WHERE 1=1",
        "UPDATE payments SET amount = 0 WHERE true OR id = 1",
        "SET ROLE postgres",
        "CREATE TABLE copy_of_payments AS SELECT * FROM payments",
        "SELECT * INTO stolen FROM payments",
        "ALTER TABLE payments ADD COLUMN x int",
        "GRANT ALL ON payments TO public",
    ] {
        let answer = shop.psql_with(&["-v", "VERBOSITY=verbose", "-c", sql], "")?;
        assert!(answer.both().contains("42501"), "{sql} was not refused: {}", answer.both());
    }
    assert_eq!(shop.server.sql("shop", "SELECT count(*), sum(amount) FROM payments")?, "5|1512.69\n");
    Ok(())
}

#[test]
fn a_refusal_inside_a_transaction_keeps_the_step() -> Result<()> {
    let shop = Shop::open(Version::Distribution)?;
    let answer = shop.psql_with(
        &["-q", "-A", "-t"],
        "BEGIN;\nSELECT 'one';\nTRUNCATE payments;\nROLLBACK;\nSELECT 'two';\nBEGIN;\nSELECT 1/0;\nTRUNCATE payments;\nROLLBACK;\nSELECT 'three';\n",
    )?;
    for word in ["one", "two", "three"] {
        assert!(answer.out.contains(word), "{}", answer.both());
    }
    Ok(())
}
