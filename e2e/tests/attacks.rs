//! What was tried against the gateway as the agent behind it, by the cases of the threat model.

use crate::shop::Shop;
use anyhow::Result;
use sallyport_testkit::Version;

/// In no shape that a recogniser knows: only where they come from can hide them.
const CANARIES: &str = "
    INSERT INTO customers VALUES (6, 'Canary', 'zqxcanaryemailwvkj', 'jhphonecanarybnmx', NULL, 77);
    CREATE TABLE regulars (tier integer) INHERITS (customers);
    INSERT INTO regulars VALUES (7, 'Heir', 'zqxcanaryemailwvkj', 'jhphonecanarybnmx', NULL, 5, 1);
    ALTER TABLE payments RENAME TO old_payments;
    CREATE TABLE payments (id integer, card text) PARTITION BY RANGE (id);
    CREATE TABLE payments_first PARTITION OF payments FOR VALUES FROM (0) TO (100);
    INSERT INTO payments VALUES (1, 'jhphonecanarybnmx');
    ALTER TABLE customers ADD handle text GENERATED ALWAYS AS (reverse(email)) STORED;";

/// Inner pieces of the canaries, forwards and backwards; a mask may leave the last four letters.
const PIECES: [&str; 4] = ["canaryemail", "liameyranac", "phonecanary", "yranacenohp"];

fn assert_hidden(shop: &Shop, sql: &str) -> Result<()> {
    let answer = shop.psql(sql)?.both();
    for piece in PIECES {
        assert!(!answer.contains(piece), "{sql} shows {piece}:\n{answer}");
    }
    Ok(())
}

/// Case 10: the server quotes a value as the name of something that does not exist.
#[test]
fn errors_about_names_that_are_values_do_not_quote_them() -> Result<()> {
    let shop = Shop::open(Version::Distribution)?;
    shop.server.sql("shop", CANARIES)?;
    for call in [
        "reverse(email)::regclass",
        "reverse(email)::regrole",
        "reverse(email)::regoper",
        "(reverse(email) || ' ' || email)::regtype",
        "('a.b.c.' || reverse(email))::regclass",
        "('a.b.' || reverse(email))::regclass",
        "('\"' || reverse(email))::regclass",
        "('\"a\"\"' || reverse(email) || '\"\"b\"')::regclass",
        "has_database_privilege(reverse(email), 'connect')",
        "has_schema_privilege(reverse(email), 'usage')",
        "(reverse(email) || ' ' || email)::tsquery",
        "convert_from(decode('f0', 'hex') || email::bytea, 'UTF8')",
    ] {
        assert_hidden(&shop, &format!("SELECT {call} FROM customers WHERE id = 6"))?;
        assert_hidden(&shop, &format!("SELECT 1 FROM customers WHERE id = 6 AND ({call}) IS NULL"))?;
    }
    let bytes =
        "SELECT convert_from(decode('f0', 'hex') || email::bytea, 'UTF8') FROM customers WHERE id = 6";
    assert!(!shop.psql(bytes)?.both().contains("0x"), "bytes of a value stand in an error");
    let typo = shop.psql("SELECT emial FROM customers")?.both();
    assert!(typo.contains("\"emial\" does not exist"), "a mistake of the caller's own is not named: {typo}");
    Ok(())
}

/// Case 10: the same values in a child, in a partition and in a column computed from them.
#[test]
fn masks_follow_inheritance_partitions_and_generated_columns() -> Result<()> {
    let shop = Shop::open(Version::Distribution)?;
    shop.server.sql("shop", CANARIES)?;
    for sql in [
        "SELECT * FROM regulars",
        "SELECT reverse(phone) FROM regulars",
        "COPY regulars TO STDOUT",
        "SELECT card FROM payments_first",
        "SELECT reverse(card) FROM payments_first",
        "COPY payments_first TO STDOUT",
        "SELECT handle FROM customers",
        "SELECT reverse(handle) FROM customers",
        "SELECT * FROM customers",
        "SELECT handle FROM regulars",
        "COPY customers TO STDOUT",
        "COPY customers TO STDOUT (FORMAT csv, HEADER)",
        "COPY (TABLE customers) TO STDOUT",
    ] {
        assert_hidden(&shop, sql)?;
    }
    Ok(())
}
