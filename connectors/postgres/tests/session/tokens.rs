//! Tokens: what a caller sees can be given back, stands for the true value at the target, and shows nothing of it.

use crate::server::truth;
use crate::stage::{token_stage, until};
use crate::wire::{Client, bind, execute, parse, show};
use sallyport_postgres::wire::front::Named;
use sallyport_postgres::wire::write;
use std::sync::atomic::{AtomicU32, Ordering};

/// Rows of its own for each test: they run at the same time on one server.
pub struct Person {
    pub id: u32,
    pub mail: String,
    pub mobile: String,
    pub pay: u32,
    pub account: u64,
    pub reference: String,
    pub card: &'static str,
}

static NEXT: AtomicU32 = AtomicU32::new(100);

pub fn person() -> Person {
    let id = NEXT.fetch_add(10, Ordering::SeqCst);
    let person = Person {
        id,
        mail: format!("qzjx.{id}@canary.example"),
        mobile: format!("+49 30 90182{id:04}"),
        pay: 777_000 + id,
        account: 55_500_000_000 + u64::from(id),
        reference: format!("6f9619ff-8b86-4011-b42d-00cf4fc9{id:04}"),
        card: "4111 1111 1111 1111",
    };
    let Person { id, mail, mobile, pay, account, reference, card } = &person;
    truth(&format!(
        "INSERT INTO people VALUES ({id}, 'Qz', '{mail}', '{mobile}', {pay}, {account}, '{reference}', DEFAULT, '{card}');
         INSERT INTO sales VALUES ({id}, '{mail}', 3, 'other{id}@canary.example')"
    ));
    person
}

pub struct Tokens {
    pub mail: String,
    pub mobile: String,
    pub pay: String,
    pub account: String,
    pub reference: String,
    pub card: String,
}

pub fn tokens(client: &mut Client, id: u32) -> Tokens {
    let lines =
        client.query(&format!("SELECT mail, mobile, pay, account, ref, card FROM people WHERE id = {id}"));
    let row: Vec<String> =
        lines[1].strip_prefix("row ").expect("a row").split('|').map(str::to_owned).collect();
    let [mail, mobile, pay, account, reference, card] = row.try_into().unwrap();
    Tokens { mail, mobile, pay, account, reference, card }
}

impl Person {
    /// Nothing of the person is in these bytes, plain or as hex.
    pub fn is_not_in(&self, seen: &[u8], what: &str) {
        let text = String::from_utf8_lossy(seen).to_lowercase();
        let hex: String = self.mail.bytes().map(|byte| format!("{byte:02x}")).collect();
        let (pay, account) = (self.pay.to_string(), self.account.to_string());
        let reversed: String = self.mail.chars().rev().collect();
        for part in
            [self.mail.as_str(), &self.mobile, &pay, &account, &self.reference, self.card, &hex, &reversed]
        {
            assert!(!text.contains(&part.to_lowercase()), "{what}: {part} in {text}");
        }
        let binary = [self.pay.to_be_bytes().to_vec(), self.account.to_be_bytes().to_vec()];
        for part in binary {
            assert!(!seen.windows(part.len()).any(|window| window == part), "{what}: binary");
        }
    }
}

pub fn extended(client: &mut Client, sql: &str, values: &[&str]) -> Vec<String> {
    client.send(|out| {
        parse(out, "", sql);
        bind(out, "", "", values, false);
        write::describe(out, Named::Portal, "");
        execute(out, "", 0);
        write::sync(out);
    });
    client.until_ready()
}

pub fn finds(lines: &[String], id: u32) -> bool {
    lines.iter().any(|line| *line == format!("row {id}"))
}

pub fn rows(lines: &[String]) -> usize {
    lines.iter().filter(|line| line.starts_with("row")).count()
}

#[test]
fn what_a_column_shows_finds_its_row() {
    for guards in [false, true] {
        let stage = token_stage(guards);
        let person = person();
        let id = person.id;
        let mut client = Client::connect(stage.port);
        let seen = tokens(&mut client, id);
        assert!(seen.mail.contains(".token.invalid") && seen.mobile.starts_with("+99 9"), "{}", seen.mail);
        assert!(seen.card.starts_with("9999 ") && seen.reference.as_bytes()[14] == b'8');
        assert!(seen.pay.parse::<i32>().unwrap() >= 2_013_265_920 && seen.account.starts_with('8'));
        let Tokens { mail, mobile, pay, account, reference, card } = &seen;
        for sql in [
            format!("SELECT id FROM people WHERE mail = '{mail}'"),
            format!("SELECT id FROM people WHERE '{mail}' = mail"),
            format!("SELECT id FROM people p WHERE p.mail = '{mail}'::text AND id > 1"),
            format!("SELECT id FROM public.people WHERE public.people.mail IN ('{mail}')"),
            format!("SELECT id FROM people WHERE mail IN ('{mail}', '{mail}')"),
            format!("SELECT id FROM people WHERE mail = ANY (ARRAY['{mail}'])"),
            format!("SELECT id FROM people WHERE mail IS NOT DISTINCT FROM '{mail}'"),
            format!("SELECT id FROM people WHERE mail = E'{mail}'"),
            format!("SELECT id FROM people WHERE mail = $${mail}$$"),
            format!("SELECT id FROM people WHERE mobile = '{mobile}'"),
            format!("SELECT id FROM people WHERE pay = {pay}"),
            format!("SELECT id FROM people WHERE pay = '{pay}'"),
            format!("SELECT id FROM people WHERE account = {account}"),
            format!("SELECT id FROM people WHERE account IN ({account})"),
            format!("SELECT id FROM people WHERE ref = '{reference}'"),
            format!("SELECT id FROM people WHERE ref = '{reference}'::uuid"),
            format!("SELECT id FROM people WHERE card = '{card}'"),
            format!("SELECT id FROM folk WHERE post = '{mail}'"),
            format!(
                "SELECT o.id FROM people p JOIN sales o ON o.id = p.id WHERE p.mail = '{mail}' AND o.buyer = '{mail}'"
            ),
            format!("SELECT id FROM sales WHERE id IN (SELECT id FROM people WHERE mail = '{mail}')"),
            format!("WITH w AS (SELECT id FROM people WHERE mail = '{mail}') SELECT id FROM w"),
            format!("DELETE FROM sales WHERE buyer <> '{mail}' AND id = {id} RETURNING 0; "),
        ] {
            let lines = client.query(&sql);
            let wanted = if sql.starts_with("DELETE") { rows(&lines) == 0 } else { finds(&lines, id) };
            assert!(wanted && lines.last().unwrap() == "ready I", "{sql}: {lines:?}");
            let lines = extended(&mut client, &sql, &[]);
            let wanted = if sql.starts_with("DELETE") { rows(&lines) == 0 } else { finds(&lines, id) };
            assert!(wanted, "extended {sql}: {lines:?}");
        }
        person.is_not_in(&client.seen, "finding");
        person.is_not_in(stage.recorded().as_bytes(), "the record");
        assert!(stage.recorded().contains(mail.as_str()), "the record has the caller's words");
    }
}

#[test]
fn bound_values_find_their_row_in_text_and_binary() {
    for guards in [false, true] {
        let stage = token_stage(guards);
        let person = person();
        let id = person.id;
        let mut client = Client::connect(stage.port);
        let seen = tokens(&mut client, id);
        for (sql, value) in [
            ("SELECT id FROM people WHERE mail = $1", &seen.mail),
            ("SELECT id FROM people WHERE mail IN ($1) OR mail = $1", &seen.mail),
            ("SELECT id FROM people WHERE mobile = $1", &seen.mobile),
            ("SELECT id FROM people WHERE pay = $1", &seen.pay),
            ("SELECT id FROM people WHERE account = $1", &seen.account),
            ("SELECT id FROM people WHERE ref = $1", &seen.reference),
            (
                "SELECT o.id FROM people p, sales o WHERE p.id = o.id AND p.mail = $1 AND o.buyer = $1",
                &seen.mail,
            ),
            ("SELECT id FROM people WHERE mail = ANY ($1)", &format!("{{{}}}", seen.mail)),
            ("SELECT id FROM people WHERE mail = ANY ($1::text[])", &format!("{{\"{0}\",{0}}}", seen.mail)),
            ("SELECT id FROM people WHERE pay = ANY ($1)", &format!("{{{}}}", seen.pay)),
        ] {
            let lines = extended(&mut client, sql, &[value]);
            assert!(finds(&lines, id), "{sql} {value}: {lines:?}");
        }
        let mixed = format!("SELECT id FROM people WHERE mail = '{}' AND id = $1 AND pay = $2", seen.mail);
        client.send(|out| {
            parse(out, "mixed", &mixed);
            write::describe(out, Named::Statement, "mixed");
            write::sync(out);
        });
        let mut parameters = 0;
        loop {
            let message = client.next();
            match message[0] {
                b't' => parameters = u16::from_be_bytes([message[5], message[6]]),
                b'Z' => break,
                _ => {}
            }
        }
        assert_eq!(parameters, 2, "only the client's own");
        client.send(|out| {
            bind(out, "", "mixed", &[&id.to_string(), &seen.pay], false);
            execute(out, "", 0);
            write::sync(out);
        });
        let lines = client.until_ready();
        assert!(finds(&lines, id), "{lines:?}");
        for (sql, value) in [
            ("SELECT id FROM people WHERE pay = $1", seen.pay.parse::<i32>().unwrap().to_be_bytes().to_vec()),
            (
                "SELECT id FROM people WHERE account = $1",
                seen.account.parse::<i64>().unwrap().to_be_bytes().to_vec(),
            ),
            ("SELECT id FROM people WHERE mail = $1", seen.mail.clone().into_bytes()),
        ] {
            client.send(|out| {
                parse(out, "", sql);
                write::message(out, b'B', |out| {
                    out.extend_from_slice(&[0, 0, 0, 1, 0, 1, 0, 1]);
                    out.extend_from_slice(&(value.len() as u32).to_be_bytes());
                    out.extend_from_slice(&value);
                    out.extend_from_slice(&[0, 0]);
                });
                execute(out, "", 0);
                write::sync(out);
            });
            let lines = client.until_ready();
            assert!(finds(&lines, id), "binary {sql}: {lines:?}");
        }
        client.send(|out| {
            parse(out, "", "SELECT pay, account, ref, mail FROM people WHERE mail = $1");
            bind(out, "", "", &[&seen.mail], true);
            execute(out, "", 0);
            write::sync(out);
        });
        let mut cells = Vec::new();
        let row = loop {
            let message = client.next();
            match message[0] {
                b'D' => break message,
                b'E' => panic!("{}", show(&message)),
                _ => {}
            }
        };
        sallyport_postgres::wire::back::row_cells(&row, &mut cells).unwrap();
        let bytes = |at: usize| cells[at].of(&row).unwrap().to_vec();
        assert_eq!(bytes(0), seen.pay.parse::<i32>().unwrap().to_be_bytes());
        assert_eq!(bytes(1), seen.account.parse::<i64>().unwrap().to_be_bytes());
        assert_eq!(bytes(3), seen.mail.as_bytes());
        client.until_ready();
        person.is_not_in(&client.seen, "binding");
        person.is_not_in(stage.recorded().as_bytes(), "the record");
    }
}

#[test]
fn what_is_written_is_the_true_value() {
    let stage = token_stage(true);
    let person = person();
    let id = person.id;
    let mut client = Client::connect(stage.port);
    let seen = tokens(&mut client, id);
    let held =
        |column: &str, table: &str, id: u32| truth(&format!("SELECT {column} FROM {table} WHERE id = {id}"));
    let Tokens { mail, pay, .. } = &seen;
    let done = client.query(&format!("INSERT INTO sales VALUES ({}, '{mail}', 1, '{mail}')", id + 1));
    assert_eq!(done, ["done INSERT 0 1", "ready I"]);
    assert_eq!(held("buyer || seller", "sales", id + 1), format!("{0}{0}", person.mail));
    let done = client.query(&format!(
        "INSERT INTO sales (buyer, id) VALUES ('x', {}), ('{mail}', {})",
        id + 2,
        id + 3
    ));
    assert_eq!(done[0], "done INSERT 0 2");
    assert_eq!(
        (held("buyer", "sales", id + 2), held("buyer", "sales", id + 3)),
        ("x".into(), person.mail.clone())
    );
    let lines = client.query(&format!(
        "UPDATE sales SET seller = '{mail}', amount = 9 WHERE id = {} RETURNING seller, amount",
        id + 2
    ));
    assert_eq!(lines[1], format!("row {mail}|9"), "{lines:?}");
    assert_eq!(held("seller", "sales", id + 2), person.mail);
    let lines =
        extended(&mut client, "UPDATE sales SET buyer = $1 WHERE id = $2", &[mail, &(id + 2).to_string()]);
    assert!(lines.contains(&"done UPDATE 1".to_owned()), "{lines:?}");
    assert_eq!(held("buyer", "sales", id + 2), person.mail);
    let sql = format!(
        "INSERT INTO sales (id, buyer) VALUES ({0}, 'y') ON CONFLICT (id) DO UPDATE SET buyer = '{mail}' WHERE sales.id = {0}",
        id + 3
    );
    assert_eq!(client.query(&sql)[0], "done INSERT 0 1");
    assert_eq!(held("buyer", "sales", id + 3), person.mail);
    let sql = format!(
        "MERGE INTO sales o USING (SELECT {} AS i) s ON o.id = s.i WHEN NOT MATCHED THEN INSERT (id, buyer) VALUES (i, '{mail}')",
        id + 4
    );
    assert_eq!(client.query(&sql)[0], "done MERGE 1");
    assert_eq!(held("buyer", "sales", id + 4), person.mail);
    let sql = format!("UPDATE people SET pay = {pay}, mail = 'new{id}@canary.example' WHERE mail = '{mail}'");
    assert_eq!(client.query(&sql)[0], "done UPDATE 1");
    assert_eq!(held("pay", "people", id), person.pay.to_string());
    // What is masked in no such way keeps the text that it was given.
    assert_eq!(
        client.query(&format!("UPDATE people SET name = '{mail}' WHERE id = {id}"))[0],
        "done UPDATE 1"
    );
    assert_eq!(held("name", "people", id), *mail);
    // A row read and written back is what it was.
    let lines = client.query(&format!("SELECT * FROM sales WHERE id = {}", id + 1));
    let cells: Vec<&str> = lines[1].strip_prefix("row ").unwrap().split('|').collect();
    let sql = format!(
        "UPDATE sales SET buyer = '{}', amount = {}, seller = '{}' WHERE id = {}",
        cells[1],
        cells[2],
        cells[3],
        id + 1
    );
    assert_eq!(client.query(&sql)[0], "done UPDATE 1");
    assert_eq!(held("buyer || seller", "sales", id + 1), format!("{0}{0}", person.mail));
    person.is_not_in(&client.seen, "writing");
    person.is_not_in(stage.recorded().as_bytes(), "the record");
}

#[test]
fn equality_with_a_token_is_all_that_may_be_filtered_by() {
    let stage = token_stage(true);
    let person = person();
    let mut client = Client::connect(stage.port);
    let seen = tokens(&mut client, person.id);
    let own = &seen.mail;
    for sql in [
        format!("SELECT id FROM people WHERE mail = '{}'", person.mail),
        format!("SELECT id FROM people WHERE mail IN ('{own}', '{}')", person.mail),
        format!("SELECT id FROM people WHERE mail LIKE '{own}'"),
        format!("SELECT id FROM people WHERE mail > '{own}'"),
        format!("SELECT id FROM people WHERE mail = '{own}' ORDER BY mail"),
        format!("SELECT id FROM people WHERE upper(mail) = '{own}'"),
        format!("SELECT id FROM people WHERE mail = '{own}' AND pay = 5"),
        format!("SELECT p.id FROM people p JOIN sales o ON p.mail = o.buyer WHERE p.mail = '{own}'"),
        format!("EXPLAIN SELECT id FROM people WHERE mail = '{own}'"),
        format!("PREPARE p AS SELECT id FROM people WHERE mail = '{own}'"),
        "PREPARE p AS SELECT id FROM people WHERE mail = $1".to_owned(),
    ] {
        let lines = client.query(&sql);
        assert!(lines[0].contains("42501") && lines[0].contains("no-filter"), "{sql}: {lines:?}");
    }
    for (sql, value) in [
        ("SELECT id FROM people WHERE mail = $1", person.mail.as_str()),
        ("SELECT id FROM people WHERE mail = $1 AND $1 <> ''", own.as_str()),
        ("SELECT id FROM people WHERE mail = ANY ($1)", &format!("{{{own},{}}}", person.mail)),
        ("SELECT id FROM people WHERE mail LIKE $1", own.as_str()),
        ("EXPLAIN SELECT id FROM people WHERE mail = $1", own.as_str()),
    ] {
        let lines = extended(&mut client, sql, &[value]);
        assert!(lines.iter().any(|line| line.contains("no-filter")), "{sql}: {lines:?}");
    }
    client.send(|out| {
        parse(out, "kept", "SELECT id FROM people WHERE mail = $1");
        write::sync(out);
    });
    client.until_ready();
    let lines = client.query(&format!("EXECUTE kept('{}')", person.mail));
    assert!(lines[0].contains("no-filter"), "{lines:?}");
    let lines = client.query(&format!("EXECUTE kept('{own}')"));
    assert!(lines[0].contains("no-filter"), "what runs by name has its values in a text: {lines:?}");
}

#[test]
fn who_approves_reads_the_token_and_what_runs_is_the_value() {
    let stage = token_stage(false);
    let person = person();
    let mut client = Client::connect(stage.port);
    let own = tokens(&mut client, person.id).mail;
    let held = || truth("SELECT buyer FROM held");
    client.send(|out| write::query(out, &format!("UPDATE held SET buyer = '{own}'")));
    until("it is filed", || stage.desk.requests.lock().unwrap().len() == 1);
    assert_eq!(held(), "x");
    stage.desk.approve("A0");
    let lines = client.until_ready();
    assert!(lines.contains(&"done UPDATE 1".to_owned()), "{lines:?}");
    assert_eq!(held(), person.mail);
    truth("UPDATE held SET buyer = 'x'");
    client.send(|out| {
        parse(out, "", "UPDATE held SET buyer = $1");
        bind(out, "", "", &[&own], false);
        execute(out, "", 0);
        write::sync(out);
    });
    until("it is filed", || stage.desk.requests.lock().unwrap().len() == 2);
    stage.desk.approve("A1");
    let lines = client.until_ready();
    assert!(lines.contains(&"done UPDATE 1".to_owned()), "{lines:?}");
    assert_eq!(held(), person.mail);
    let requests = format!("{:?}", stage.desk.requests.lock().unwrap());
    assert!(requests.contains(&own) && !requests.contains(&person.mail), "{requests}");
    person.is_not_in(&client.seen, "holding");
    person.is_not_in(stage.recorded().as_bytes(), "the record");
}

#[test]
fn psql_and_copy_and_transactions() {
    let stage = token_stage(false);
    let person = person();
    let mut client = Client::connect(stage.port);
    let own = tokens(&mut client, person.id).mail;
    client.query("BEGIN");
    let lines = client.query(&format!("SELECT id FROM people WHERE mail = '{own}'"));
    assert!(finds(&lines, person.id) && lines.last().unwrap() == "ready T", "{lines:?}");
    let lines = client.query(&format!("SELECT 1 / (id - id) FROM people WHERE mail = '{own}'"));
    assert!(lines[0] != "1" && lines.last().unwrap() == "ready E", "{lines:?}");
    let lines = client.query(&format!("SELECT id FROM people WHERE mail = '{own}'"));
    assert!(lines[0].contains("25P02") && lines.last().unwrap() == "ready E", "{lines:?}");
    client.query("ROLLBACK");
    // Pipelined: what was sent before is answered first.
    client.send(|out| {
        write::query(out, "SELECT 7");
        write::query(out, &format!("SELECT id FROM people WHERE mail = '{own}'"));
        write::query(out, "SELECT 8");
    });
    let all: Vec<String> =
        (0..3).flat_map(|_| client.until_ready()).filter(|line| line.starts_with("row")).collect();
    assert_eq!(all, ["row 7".to_owned(), format!("row {}", person.id), "row 8".to_owned()]);
    client.send(|out| write::query(out, "COPY sales (id, seller) FROM STDIN"));
    assert_eq!(show(&client.next()), "G");
    client.send(|out| {
        write::message(out, b'd', |out| out.extend_from_slice(format!("66666\t{own}\n").as_bytes()));
        write::message(out, b'c', |_| {});
    });
    let lines = client.until_ready();
    assert!(lines.iter().any(|line| line.contains("42501 A value for sales is a mask")), "{lines:?}");
    assert_eq!(truth("SELECT count(*) FROM sales WHERE id = 66666"), "0");
    let lines = client.query("COPY people (id, mail) TO STDOUT");
    assert!(lines.iter().any(|line| line.contains(&own)), "a COPY shows the same: {lines:?}");
    client.query("BEGIN");
    client.query("CREATE TEMP TABLE people (id int, mail text)");
    client.query(&format!("INSERT INTO people VALUES (1, '{}')", person.mail));
    let lines = client.query(&format!("SELECT 'same' FROM people WHERE mail = '{own}'"));
    assert!(!lines.iter().any(|line| line.contains("row")), "a table that hides the other: {lines:?}");
    client.query("COMMIT");
    let lines = client.query(&format!("SELECT 'same' FROM people WHERE mail = '{own}'"));
    assert!(!lines.iter().any(|line| line.contains("row")), "{lines:?}");
    person
        .is_not_in(stage.recorded().replace(&format!("(1, '{}')", person.mail), "").as_bytes(), "the record");
}
