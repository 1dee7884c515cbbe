//! Masked values, read by the thousand in ways that a grammar makes, in every channel and format: no byte of them comes.
//!
//! What came is searched for the canary plain, reversed, in hexadecimal and in base64, in either case, and for any five
//! letters of it in a row. What stays out: a piece shorter than that, and what rows are chosen by.

use crate::dice::Dice;
use crate::differential::asked;
use crate::house::House;
use crate::line::Line;
use anyhow::{Context, Result};
use sallyport_testkit::Version;

const CANARY: &str = "qzjxkvwpyhbmgfdt";
const PART: usize = 5;
const USUALLY: usize = 3_000;
const OF_A_SESSION: usize = 200;
const AT_ONCE: usize = 10;

const MASKED: &str = r#"
@id("all") permit(principal, action, resource);
@id("mask") @mask("redact") forbid(principal, action == Action::"see", resource in Class::"locked");
"#;
const COLUMNS: &[&str] = &["secret", "short", "sealed", "extra", "loose", "words", "raw", "pair", "doc"];

/// Text made of text, in all the ways that keep five letters together.
const CHANGES: &[&str] = &[
    "upper(@)",
    "lower(@)",
    "initcap(@)",
    "reverse(@)",
    "@ || 'x'",
    "'x' || @",
    "concat('a', @)",
    "concat_ws('-', @, 1)",
    "format('%s', @)",
    "format('%I', @)",
    "format('%L', @)",
    "quote_literal(@)",
    "substr(@, 1, 12)",
    "substr(@, 3)",
    "left(@, 14)",
    "right(@, 14)",
    "replace(@, 'q', 'Q')",
    "translate(@, 'z', 'Z')",
    "overlay(@ placing 'q' from 1 for 1)",
    "regexp_replace(@, 'q', '')",
    "(regexp_match(@, '.*'))[1]",
    "split_part(@, 'Q', 1)",
    "coalesce(@, '')",
    "nullif(@, '')",
    "greatest(@, '')",
    "CASE WHEN true THEN @ END",
    "encode(convert_to(@, 'UTF8'), 'hex')",
    "encode(convert_to(@, 'UTF8'), 'base64')",
    "encode(convert_to(@, 'UTF8'), 'escape')",
    "convert_to(@, 'UTF8')::text",
    "(@)::varchar::text",
    "(@)::name::text",
    "CAST(@ AS text) COLLATE \"C\"",
    "to_json(@)::text",
    "to_jsonb(@) #>> '{}'",
    "json_build_object('k', @)::text",
    "jsonb_build_array(@) ->> 0",
    "(ARRAY[@])[1]",
    "array_to_string(ARRAY[@, 'x'], '-')",
    "(SELECT @)",
    "(SELECT max(z) FROM (SELECT @ AS z) zz)",
    "(VALUES (@))",
    "lpad(@, 40)",
    "rtrim(@)",
    "echo(@)",
    "ROW(@, 1)::text",
    "xmlelement(name a, @)::text",
    "(string_to_array(@, 'Q'))[1]",
    "unistr(@)",
    "normalize(@)",
    "(SELECT string_agg(w, '') FROM regexp_split_to_table(@, '') w)",
    "to_tsvector('simple', @)::text",
];

/// Where a text of it comes from, as columns of a FROM: the FROM and the text.
const SOURCES: &[(&str, &str)] = &[
    ("vault v", "v.secret"),
    ("vault v", "v.short"),
    ("vault v", "v.sealed"),
    ("vault v", "v.extra ->> 'a'"),
    ("vault v", "v.extra #>> '{b,0}'"),
    ("vault v", "v.loose ->> 'a'"),
    ("vault v", "v.words[1]"),
    ("vault v", "convert_from(v.raw, 'UTF8')"),
    ("vault v", "encode(v.raw, 'escape')"),
    ("vault v", "(v.pair).word"),
    ("vault v", "v::text"),
    ("vault v", "v.doc::text"),
    ("vault v", "to_jsonb(v) ->> 'secret'"),
    ("vault v", "row_to_json(v)::text"),
    ("vault v", "of_row(v)"),
    ("vault v", "v.of_row"),
    ("near v", "v.s"),
    ("near v", "v::text"),
    ("near v", "v.e ->> 'a'"),
    ("far v", "v.s"),
    ("kept v", "v.s"),
    ("heir v", "v.secret"),
    ("ONLY vault v", "v.secret"),
    ("all_rows() v", "v.secret"),
    ("all_rows() v(a, b, c)", "v.c"),
    ("vault v, LATERAL (SELECT v.secret AS y) l", "l.y"),
    ("vault v, jsonb_each_text(to_jsonb(v)) l", "l.value"),
    ("vault v, unnest(v.words) l", "l"),
    ("vault v, jsonb_to_record(v.extra) AS l(a text)", "l.a"),
    ("(SELECT secret AS y FROM vault) v", "v.y"),
    ("(SELECT * FROM vault) v", "v.secret"),
    ("(TABLE near) v", "v.s"),
    ("(SELECT id, secret FROM vault) v(a, b)", "v.b"),
    ("(SELECT note AS y FROM scratch UNION ALL SELECT secret FROM vault) v", "v.y"),
    ("(VALUES ((SELECT max(secret) FROM vault))) v(y)", "v.y"),
    ("vault v JOIN scratch s USING (id)", "v.secret"),
    ("vault v NATURAL JOIN near n", "n.s"),
    ("(vault v JOIN near n USING (id)) AS j", "j.s"),
    ("scratch s LEFT JOIN LATERAL (SELECT * FROM far f WHERE f.id = s.id) l ON true", "l.s"),
    ("scratch s", "(SELECT max(v.secret) FROM vault v)"),
    ("scratch s", "(SELECT v.secret FROM vault v WHERE v.id = s.id)"),
    ("scratch s", "(ARRAY(SELECT secret FROM vault))[1]"),
    ("scratch s", "gossip()"),
    ("scratch s", "(SELECT string_agg(s, '') FROM near)"),
    ("XMLTABLE('/a' PASSING (SELECT doc FROM vault LIMIT 1) COLUMNS y text PATH '.') v", "v.y"),
];

fn read(dice: &mut Dice) -> String {
    let (mut from, mut text) = {
        let (from, text) = dice.pick(SOURCES);
        (from.to_owned(), text.to_owned())
    };
    let mut before = String::new();
    for round in 0..dice.below(3) {
        text = changed(dice, &text);
        match dice.below(5) {
            0 => {
                from = format!("(SELECT {text} AS y FROM {from}) d{round}");
                text = format!("d{round}.y");
            }
            1 => {
                let kept = dice.pick(&["", "MATERIALIZED ", "NOT MATERIALIZED "]);
                before += &format!(
                    "{}c{round} AS {kept}(SELECT {text} AS y FROM {from})",
                    if before.is_empty() { "" } else { ", " }
                );
                from = format!("c{round}");
                text = format!("c{round}.y");
            }
            2 => {
                from = format!("(SELECT x.a FROM (SELECT {text} FROM {from}) AS x(a)) d{round}");
                text = format!("d{round}.a");
            }
            _ => {}
        }
    }
    text = changed(dice, &text);
    let shown = match dice.below(12) {
        0 => format!("max({text})"),
        1 => format!("string_agg({text}, ',')"),
        2 => format!("array_agg({text})"),
        3 => format!("json_agg({text})"),
        4 => format!("jsonb_object_agg('k', {text})"),
        5 => format!("first_value({text}) OVER ()"),
        6 => format!("{text}, 1, {text}"),
        7 => format!("ARRAY[{text}]"),
        8 => format!("convert_to({text}, 'UTF8')"),
        9 => format!("ROW({text}, 1)"),
        _ => text,
    };
    let tail = dice.pick(&["", "", "", " ORDER BY 1", " LIMIT 2", " UNION ALL SELECT NULL WHERE false"]);
    let tail = if shown.contains(", 1, ") || shown.starts_with("array") && tail.contains("UNION") {
        ""
    } else {
        tail
    };
    let with = if before.is_empty() { String::new() } else { format!("WITH {before} ") };
    format!("{with}SELECT {shown} AS shown FROM {from}{tail}")
}

fn changed(dice: &mut Dice, text: &str) -> String {
    if dice.one_in(3) { text.to_owned() } else { dice.pick(CHANGES).replace('@', text) }
}

/// By which channel it is read, in one or several messages.
fn put(dice: &mut Dice, line: &mut Line, read: &str) {
    match dice.below(12) {
        0 => line.query(&format!("COPY ({read}) TO STDOUT")),
        1 => line.query(&format!("COPY ({read}) TO STDOUT (FORMAT csv, HEADER)")),
        2 => line.query(&format!("COPY ({read}) TO STDOUT (FORMAT binary)")),
        3 => line.query(&format!("PREPARE p AS {read}; EXECUTE p; DEALLOCATE p")),
        4 => line.query(&format!("DECLARE c CURSOR FOR {read}; FETCH ALL c; CLOSE c")),
        5 => line.query(&format!("EXPLAIN (VERBOSE) {read}")),
        6 => line.query(&format!("SELECT shown::int FROM ({read}) AS broken")),
        7 => line.query(&format!("SELECT 1; {read}; SELECT 2")),
        8 | 9 => line.extended(read, false),
        10 => line.extended(read, true),
        _ => line.query(read),
    }
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let letters = |chunk: &[u8]| {
        let number = (u32::from(chunk[0]) << 16) | (u32::from(chunk[1]) << 8) | u32::from(chunk[2]);
        [18, 12, 6, 0].map(|shift| char::from(LETTERS[(number >> shift) as usize & 63]))
    };
    bytes.chunks_exact(3).flat_map(letters).collect()
}

/// All that may not come, in small letters.
fn needles() -> Vec<Vec<u8>> {
    let reversed: String = CANARY.chars().rev().collect();
    let mut all = Vec::new();
    for text in [CANARY, &reversed] {
        for at in 0..=text.len() - PART {
            let part = &text.as_bytes()[at..at + PART];
            all.push(part.to_vec());
            for hex in [part.to_vec(), part.to_ascii_uppercase()] {
                all.push(hex.iter().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect());
            }
        }
        // Six letters at each of the three places they can have make at least one whole group of four signs twice over.
        for form in [text.to_owned(), text.to_uppercase()] {
            for at in 0..=text.len() - 6 {
                all.push(base64(&form.as_bytes()[at..at + 6]).to_lowercase().into_bytes());
            }
        }
    }
    all.sort();
    all.dedup();
    all
}

fn found(seen: &[u8], needles: &[Vec<u8>]) -> Option<String> {
    let seen = String::from_utf8_lossy(seen).to_lowercase();
    let needle = needles.iter().find(|needle| seen.contains(std::str::from_utf8(needle).unwrap_or("\0")))?;
    Some(String::from_utf8_lossy(needle).into_owned())
}

#[test]
fn no_canary_comes_by_any_way_that_the_grammar_makes() -> Result<()> {
    let reads = asked("EVASION_READS", USUALLY);
    let seed = asked("EVASION_SEED", 1) as u64;
    let found = std::thread::scope(|scope| {
        let runs = Version::ALL.map(|version| scope.spawn(move || at(version, reads / 2, seed)));
        runs.into_iter().map(|run| run.join().unwrap()).collect::<Result<Vec<_>>>()
    })?;
    let mut found = found.concat();
    found.sort_by_key(String::len);
    assert!(found.is_empty(), "{} came:\n{}", found.len(), found.join("\n"));
    Ok(())
}

fn at(version: Version, reads: usize, seed: u64) -> Result<Vec<String>> {
    let house = House::open(version, include_str!("../vault.sql"), MASKED)?;
    let classes: Vec<String> = ["vault", "heir"]
        .iter()
        .flat_map(|table| COLUMNS.iter().map(move |column| format!("public.{table}.{column}=locked")))
        .collect();
    let arguments: Vec<&str> = classes.iter().flat_map(|class| ["--class", class.as_str()]).collect();
    house.gateway.verb(&[&["targets", "change", "world"][..], &arguments].concat())?;
    let needles = needles();
    let (mut came, mut answered, mut first) = (Vec::new(), 0, 0);
    while first < reads {
        let mut dice = Dice::new(seed.wrapping_mul(7_000_003) + first as u64);
        let mut line = house.session("world", &format!("reads-{first}"))?;
        let end = (first + OF_A_SESSION).min(reads);
        while first < end {
            let batch: Vec<String> = (0..AT_ONCE.min(end - first)).map(|_| read(&mut dice)).collect();
            for one in &batch {
                put(&mut dice, &mut line, one);
            }
            line.send()?;
            for one in &batch {
                let answer = line.answer().with_context(|| one.clone())?;
                answered += usize::from(answer.error.is_none());
                came.extend(found(&answer.bytes, &needles).map(|part| format!("{part}: {one}")));
            }
            first += batch.len();
        }
        line.close();
    }
    eprintln!(
        "{version:?}: {reads} reads, {answered} answered without an error, {} canaries came",
        came.len()
    );
    assert!(answered * 2 > reads, "{answered} of {reads} were answered");
    Ok(came)
}

#[test]
fn the_search_finds_what_is_not_masked() -> Result<()> {
    let allowed = MASKED.lines().filter(|line| !line.contains("forbid")).collect::<String>();
    let house = House::open(Version::Distribution, include_str!("../vault.sql"), &allowed)?;
    let (mut line, needles) = (house.session("world", "unmasked")?, needles());
    let mut dice = Dice::new(5);
    let (mut read_at_all, mut shown) = (0, 0);
    for _ in 0..200 {
        let one = read(&mut dice);
        let answer = line.ask(&one)?;
        if answer.error.is_none() {
            read_at_all += 1;
            shown += usize::from(found(&answer.bytes, &needles).is_some());
        }
    }
    eprintln!("unmasked: {shown} of {read_at_all} reads show the canary");
    assert!(shown * 10 > read_at_all * 8, "{shown} of {read_at_all}");
    Ok(())
}
