//! What is tried to be told what a token stands for, to use another's, or to learn the token of a value of one's own.

use crate::server::truth;
use crate::stage::{Stage, token_stage};
use crate::tokens::{Tokens, extended, person, rows, tokens};
use crate::wire::{Client, run};
use sallyport_postgres::wire::write;

#[test]
fn tokens_of_others_and_tokens_in_other_places_are_refused() {
    for guards in [false, true] {
        let stage = token_stage(guards);
        let person = person();
        let mut client = Client::connect(stage.port);
        let seen = tokens(&mut client, person.id);
        let mut other = Client::connect(stage.port);
        let theirs = tokens(&mut other, person.id);
        assert_ne!(seen.mail, theirs.mail, "a token is of one session");
        let Tokens { mail, pay, account, reference, mobile, card } = &theirs;
        let changed = mail.replace("tok_", "tok_a");
        for sql in [
            format!("SELECT id FROM people WHERE mail = '{mail}'"),
            format!("SELECT id FROM people WHERE mail = '{changed}'"),
            format!("SELECT id FROM people WHERE mail IN ('{}', '{mail}')", seen.mail),
            format!("SELECT id FROM people WHERE pay = {pay}"),
            format!("SELECT id FROM people WHERE account = {account}"),
            format!("SELECT id FROM people WHERE ref = '{reference}'"),
            format!("SELECT id FROM people WHERE mobile = '{mobile}'"),
            format!("SELECT id FROM people WHERE card = '{card}'"),
            format!("INSERT INTO sales (id, buyer) VALUES (99999, '{mail}')"),
            format!("UPDATE sales SET buyer = '{mail}' WHERE id = {}", person.id),
            // Of another rule.
            format!("SELECT id FROM people WHERE mobile = '{}'", seen.mail),
            format!("SELECT id FROM people WHERE mail = '{}'", seen.mobile),
        ] {
            for lines in [client.query(&sql), extended(&mut client, &sql, &[])] {
                assert!(lines[0].contains("42501") && lines[0].contains("foreign-token"), "{sql}: {lines:?}");
            }
        }
        for (sql, value) in [
            ("SELECT id FROM people WHERE mail = $1", mail),
            ("SELECT id FROM people WHERE pay = $1", pay),
            ("SELECT id FROM people WHERE mail = ANY ($1)", &format!("{{{mail}}}")),
            ("UPDATE sales SET buyer = $1 WHERE id = 1", mail),
        ] {
            let lines = extended(&mut client, sql, &[value]);
            let refused = lines.iter().any(|line| line.contains("foreign-token"));
            assert!(refused, "{sql}: {lines:?}");
        }
        // Computed with, or in a list that nobody watches, a token would be written as the text that it is.
        let own = &seen.mail;
        for sql in [
            format!("UPDATE sales SET buyer = '{own}' || '' WHERE id = 1"),
            format!("UPDATE sales SET buyer = lower('{own}') WHERE id = 1"),
            format!("INSERT INTO sales (id, buyer) SELECT 99999, '{own}'"),
            format!("INSERT INTO sales (id, buyer) VALUES (99999, '{own}') ORDER BY 2 LIMIT 1"),
            format!("PREPARE w AS UPDATE sales SET buyer = '{own}' WHERE id = 1"),
        ] {
            let lines = client.query(&sql);
            assert!(lines[0].contains("mask-written-back"), "{sql}: {lines:?}");
        }
        assert_eq!(truth("SELECT count(*) FROM sales WHERE buyer LIKE '%token%' OR id = 99999"), "0");
        let two = client_of(&stage).query(&format!("SELECT 1; SELECT id FROM people WHERE mail = '{own}'"));
        assert!(two[0].contains("foreign-token"), "{two:?}");
        let mut third = client_of(&stage);
        let own = tokens(&mut third, person.id).mail;
        let two = third.query(&format!("SELECT 1; SELECT id FROM people WHERE mail = '{own}'"));
        assert!(two[0].contains("token-alone"), "{two:?}");
        for client in [&client, &other, &third] {
            person.is_not_in(&client.seen, "refusing");
        }
        person.is_not_in(stage.recorded().as_bytes(), "the record");
    }
}

fn client_of(stage: &Stage) -> Client {
    Client::connect(stage.port)
}

/// Every way that was thought of to be told what a token stands for. `T` is the token of an address, `P` of a number,
/// `M` of a phone, `I` the person's number.
const ATTEMPTS: &[&str] = &[
    "SELECT 'T'",
    "SELECT 'T' FROM people WHERE mail = 'T'",
    "SELECT concat('x', 'T'), length('T'), 'T'::bytea, md5('T'), reverse('T'), upper('T')",
    "SELECT P, P + 1, P::text, M FROM (SELECT 'M' AS M) x",
    "SELECT mail || '', length(mail), md5(mail), mail::bytea, reverse(mail) FROM people WHERE mail = 'T'",
    "SELECT current_query() FROM people WHERE mail = 'T'",
    "SELECT query FROM pg_stat_activity, people WHERE mail = 'T'",
    "SELECT string_agg(query, '') FROM pg_stat_activity WHERE EXISTS (SELECT 1 FROM people WHERE mail = 'T')",
    "SELECT 'same' FROM pg_stat_activity WHERE pid = pg_backend_pid() AND query LIKE '%qz' || 'jx%@canary%' AND EXISTS (SELECT FROM people WHERE mail = 'T')",
    "SELECT pg_stat_get_backend_activity(1), id FROM people WHERE mail = 'T'",
    "SELECT statement FROM pg_prepared_statements, people WHERE mail = 'T'",
    "SELECT statement FROM pg_cursors, people WHERE mail = 'T'",
    "EXPLAIN SELECT * FROM people WHERE mail = 'T'",
    "EXPLAIN (ANALYZE, VERBOSE) SELECT mail FROM people WHERE mail = 'T' AND pay = P",
    "EXPLAIN UPDATE people SET mail = mail WHERE mail = 'T'",
    "PREPARE q AS SELECT mail FROM people WHERE mail = 'T'",
    "SELECT statement FROM pg_prepared_statements",
    "EXECUTE q",
    "SELECT mail = 'T', mail <> 'T', mail IN ('T') FROM people",
    "SELECT s.mail FROM (VALUES ('qzjx.I@canary.example'), ('no')) s(mail) WHERE s.mail = 'T'",
    "SELECT mail FROM (SELECT 'qzjx.I@canary.example' AS mail) s WHERE mail = 'T'",
    "SELECT 1 FROM (SELECT 'qzjx.I@canary.example' AS mail) people WHERE people.mail = 'T'",
    "WITH people AS (SELECT 'qzjx.I@canary.example'::text AS mail) SELECT 'same' FROM people WHERE people.mail = 'T'",
    "SELECT 'same' FROM people AS p(id, mail, x) WHERE p.mail = 'T' AND p.id = I",
    "SELECT 'same' FROM people AS p(mail) WHERE mail = 'T'",
    "SELECT 'same' FROM people p, unnest(ARRAY['qzjx.I@canary.example']) u(mail) WHERE u.mail = 'T' AND p.id = I",
    "SELECT mail FROM people WHERE 'qzjx.I@canary.example' = 'T'",
    "SELECT CASE WHEN 'T' LIKE 'q%' THEN 'same' END FROM people WHERE mail = 'T'",
    "SELECT id FROM people WHERE mail LIKE 'T' OR mail < 'T' AND id = 0",
    "SELECT id FROM people WHERE mail = 'T'::varchar(4)",
    "SELECT id FROM people WHERE mail = 'T' COLLATE \"C\" AND false",
    "SELECT id FROM people WHERE mail = 'T'::int::text",
    "SELECT id FROM people WHERE mail = 'T'::uuid",
    "SELECT id FROM people WHERE pay = 'P'::int AND 1 / (pay - pay) = 0",
    "SELECT id FROM people WHERE (mail, pay) = ('T', P) AND 1 / (length(mail) - length(mail)) = 0",
    "SELECT shout FROM folk WHERE shout = 'T'",
    "SELECT loud FROM people WHERE loud = 'T' OR mail = 'T'",
    "UPDATE sales SET buyer = 'T' WHERE id = I RETURNING buyer, buyer || '', 'T', upper(buyer), sales",
    "INSERT INTO people (id, mail) VALUES (88888, 'T')",
    "INSERT INTO people (id, mail) VALUES (I, 'T') ON CONFLICT (id) DO UPDATE SET name = excluded.mail",
    "INSERT INTO people (id, mail) VALUES (I, 'T') ON CONFLICT (id) DO UPDATE SET mail = excluded.mail RETURNING excluded.mail",
    "UPDATE people SET pay = P WHERE id = I RETURNING loud, pay + 0, to_json(people)",
    "UPDATE people SET name = 'T' WHERE id = I RETURNING name",
    "INSERT INTO sales (id, seller) VALUES (88887, 'T'), (88887, 'T')",
    "INSERT INTO sales (id, seller) VALUES (NULL, 'T')",
    "SELECT id FROM sales WHERE amount = 'T'",
    "SELECT set_config('application_name', 'T', false)",
    "SET application_name = 'T'",
    "SHOW application_name",
    "NOTIFY somewhere, 'T'",
    "DO $x$ BEGIN RAISE NOTICE '%', 'T'; END $x$",
    "CREATE TEMP VIEW v AS SELECT id FROM people WHERE mail = 'T'",
    "CREATE TEMP TABLE v (id int DEFAULT 1 CHECK (id::text <> 'T'))",
    "CREATE TEMP TABLE w AS SELECT 'T' AS t, id FROM people WHERE mail = 'T'",
    "SELECT conbin FROM pg_constraint, people WHERE mail = 'T'",
    "COPY (SELECT 'T', mail, current_query() FROM people WHERE mail = 'T') TO STDOUT",
    "BEGIN",
    "DECLARE c CURSOR FOR SELECT mail FROM people WHERE mail = 'T'",
    "FETCH c",
    "SELECT statement FROM pg_cursors",
    "ROLLBACK",
    "SET log_parameter_max_length_on_error = -1",
    "SELECT id / 0 FROM people WHERE mail = 'T'",
    "SELECT mail::int FROM people WHERE mail = 'T'",
    "UPDATE sales SET seller = 'T', amount = 1 / 0 WHERE id = I",
    "SET client_min_messages = log",
    "SET debug_print_parse = on",
    "SET debug_print_plan = on",
    "SELECT id FROM people WHERE mail = 'T' AND pay = P",
    "UPDATE people SET mail = 'T' WHERE mail = 'T'",
];

const BOUND: &[&str] = &[
    "SELECT $1::text",
    "SELECT $1, mail FROM people WHERE mail = $1",
    "SELECT id FROM people WHERE mail = $1 AND length($1) > 3",
    "SELECT id FROM people WHERE mail = $1 ORDER BY $1",
    "SELECT id FROM people WHERE mail = $1 OR mobile = $1",
    "SELECT mail = $1, concat($1, mail) FROM people",
    "SELECT s.m FROM (VALUES ('qzjx.I@canary.example')) s(m) WHERE s.m = $1",
    "UPDATE sales SET seller = $1 WHERE id = I RETURNING seller, seller || $1",
    "INSERT INTO sales (id, seller) VALUES (NULL, $1)",
    "INSERT INTO people (id, mail) VALUES (77777, $1)",
    "EXPLAIN SELECT id FROM people WHERE mail = $1",
    "EXPLAIN (ANALYZE) SELECT id FROM people WHERE mail = $1",
    "SELECT 1 / (id - id) FROM people WHERE mail = $1",
    "SELECT mail::int FROM people WHERE mail = $1",
    "SELECT id FROM people WHERE pay = $1",
    "SELECT id FROM people WHERE ref = $1",
    "SELECT current_query() FROM people WHERE mail = $1",
    "CREATE TEMP TABLE x AS SELECT $1::text AS t",
    "SELECT id FROM people WHERE mail = $1::varchar(3)",
    "DECLARE c CURSOR WITH HOLD FOR SELECT mail FROM people WHERE mail = $1",
    "SELECT statement FROM pg_cursors WHERE $1 <> ''",
];

#[test]
fn no_way_is_known_to_be_told_what_a_token_stands_for() {
    for guards in [false, true] {
        let stage = token_stage(guards);
        let person = person();
        let mut client = Client::connect(stage.port);
        let seen = tokens(&mut client, person.id);
        let fill = |sql: &str| {
            sql.replace("'T'", &format!("'{}'", seen.mail))
                .replace("'M'", &format!("'{}'", seen.mobile))
                .replace("'P'", &format!("'{}'", seen.pay))
                .replace("= P", &format!("= {}", seen.pay))
                .replace("SELECT P, P + 1, P::", &format!("SELECT {0}, {0} + 1, {0}::", seen.pay))
                .replace(", P)", &format!(", {})", seen.pay))
                .replace("qzjx.I@", &format!("qzjx.{}@", person.id))
                .replace("= I", &format!("= {}", person.id))
                .replace("(I, ", &format!("({}, ", person.id))
        };
        let mut seen_guess = 0;
        for template in ATTEMPTS {
            let sql = fill(template);
            let from = client.seen.len();
            let lines = client.query(&sql);
            let answer = client.seen[from..].to_vec();
            let says_same = lines.iter().any(|line| line.starts_with("row same"));
            assert!(!says_same, "{sql}: {lines:?}");
            // What the caller guessed and reads back is its own.
            if template.contains("qzjx") {
                seen_guess += rows(&lines);
                assert!(!lines.iter().any(|line| line == "row 1"), "{sql}: {lines:?}");
            } else {
                person.is_not_in(&answer, &sql);
            }
            let mut fresh = Client::connect(stage.port);
            let own = tokens(&mut fresh, person.id);
            let sql = sql
                .replace(&seen.mail, &own.mail)
                .replace(&seen.mobile, &own.mobile)
                .replace(&seen.pay, &own.pay);
            fresh.send(|out| {
                run(out, &sql);
                write::sync(out);
            });
            let lines = fresh.until_ready();
            assert!(!lines.iter().any(|line| line.starts_with("row same")), "{sql}: {lines:?}");
            if !template.contains("qzjx") {
                person.is_not_in(&fresh.seen, &sql);
            }
        }
        assert!(seen_guess <= 2, "a guess is compared with nothing but itself and with counts");
        for template in BOUND {
            let sql = fill(template);
            for value in [&seen.mail, &seen.mobile, &seen.pay, &seen.reference] {
                let from = client.seen.len();
                let lines = extended(&mut client, &sql, &[value]);
                assert!(!template.contains("qzjx") || rows(&lines) == 0, "{sql}: {lines:?}");
                person.is_not_in(&client.seen[from..], &sql);
            }
        }
        person.is_not_in(
            stage.recorded().replace(&format!("qzjx.{}@", person.id), "").as_bytes(),
            "the record",
        );
        let mut watching = Client::connect(stage.port);
        let lines = watching.query("SELECT query FROM pg_stat_activity");
        assert!(!lines.concat().contains(&person.mail), "{lines:?}");
        assert!(
            !truth("SELECT string_agg(query, ' ') FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
                .contains(&format!("'{}'", person.mail))
        );
    }
}

#[test]
fn nobody_reads_the_token_of_a_value_of_its_own() {
    let stage = token_stage(false);
    let person = person();
    let mut client = Client::connect(stage.port);
    let seen = tokens(&mut client, person.id);
    for sql in [
        "SELECT 'G' AS mail",
        "VALUES ('G')",
        "SELECT mail FROM (SELECT mail FROM people WHERE false UNION ALL SELECT 'G') s",
        "SELECT mail FROM (SELECT 'G' AS mail UNION ALL SELECT mail FROM people WHERE false) s",
        "SELECT mail FROM people WHERE false UNION SELECT 'G'",
        "SELECT 'G' AS mail UNION ALL SELECT mail FROM people WHERE false",
        "WITH people AS (SELECT 'G'::text AS mail) SELECT mail FROM people",
        "WITH w AS (SELECT mail FROM people WHERE false UNION ALL VALUES ('G')) SELECT * FROM w",
        "SELECT CASE WHEN mail IS NULL THEN mail ELSE 'G' END AS mail FROM people",
        "SELECT coalesce(nullif(mail, mail), 'G') AS mail FROM people",
        "SELECT p.mail FROM (SELECT 1) x LEFT JOIN (SELECT 'G' AS mail) p ON true",
        "SELECT mail FROM people RIGHT JOIN (VALUES ('G')) v(mail) USING (mail)",
        "SELECT (people).mail FROM (SELECT 'G' AS mail) people",
        "SELECT max(mail) FROM (SELECT 'G' AS mail) people",
        "EXPLAIN SELECT 'G' AS mail FROM people",
        "COPY (SELECT 'G' AS mail FROM people) TO STDOUT",
        "SELECT * FROM (SELECT mail FROM people LIMIT 0) a FULL JOIN (SELECT 'G' AS mail) b USING (mail)",
    ] {
        let sql = sql.replace('G', &person.mail);
        for lines in [client.query(&sql), extended(&mut client, &sql, &[])] {
            assert!(!lines.concat().contains(&seen.mail), "{sql}: {lines:?}");
        }
    }
}
