//! Sensitive values are masked before they reach the agent.

use crate::shop::Shop;
use anyhow::Result;
use sallyport_testkit::Version;

/// None of these may reach an agent in any form of answer.
const SECRETS: &[&str] = &[
    "ada.marlow@example.com",
    "bo.lindqvist@",
    "415 555 0132",
    "4111111111111111",
    "4111 1111 1111 1111",
    "378282246310005",
];

fn assert_masked(text: &str, what: &str) {
    for secret in SECRETS {
        assert!(!text.contains(secret), "{what} shows {secret}:\n{text}");
    }
}

#[test]
fn every_way_to_read_is_masked_on_every_server() -> Result<()> {
    for version in Version::ALL {
        let shop = Shop::open(version)?;
        for sql in [
            "SELECT * FROM customers ORDER BY id",
            "SELECT name, email, phone, notes FROM customers",
            "SELECT c.name, p.card FROM customers c JOIN payments p ON p.customer_id = c.id",
            "SELECT upper(notes) || card FROM customers, payments",
            "COPY customers TO STDOUT",
            "COPY payments (id, card) TO STDOUT WITH (FORMAT csv, HEADER)",
            "BEGIN; DECLARE walk CURSOR FOR SELECT * FROM customers; FETCH ALL FROM walk; COMMIT",
            "PREPARE who AS SELECT email FROM customers WHERE id = $1; EXECUTE who(1)",
            "SELECT row_to_json(c) FROM customers c",
            "SELECT c FROM customers c",
            "SELECT email::int FROM customers",
            "DO $$ BEGIN RAISE NOTICE '%', (SELECT email FROM customers LIMIT 1); END $$",
            "SELECT string_agg(card, ',') FROM payments",
            "EXPLAIN ANALYZE SELECT * FROM customers WHERE email = 'ada.marlow@example.co'",
        ] {
            let answer = shop.psql(sql)?.both();
            assert_masked(&answer, sql);
        }
        let names = shop.rows("SELECT name FROM customers ORDER BY id")?;
        assert!(names.starts_with("Ada Marlow\nBo Lindqvist\n"), "{names}");
        assert_eq!(shop.rows("SELECT count(*) FROM customers")?, "5\n");
        assert_eq!(shop.rows("SELECT credit_limit FROM customers WHERE id = 1")?, "2500.00\n");
        let everything = shop.gateway.verb(&["sessions", "export", "--all"])?;
        let results: String = everything.lines().filter(|line| line.contains("\"row\"")).collect();
        assert!(results.contains("Ada Marlow"), "no result was recorded");
        assert_masked(&results, "the recording of results");
    }
    Ok(())
}
