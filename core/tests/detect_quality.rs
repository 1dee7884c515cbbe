//! How well sensitive values are found: precision, recall, leaked bytes and touched neighbours of each kind, over a
//! seeded set of labelled cells and sentences, and over two sets that the readers are never changed for. It measures the
//! readers, not the rules that use them.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test stops where it is wrong and reports to a person"
)]

#[path = "detect_quality/columns.rs"]
mod columns;
#[path = "detect_quality/measure.rs"]
mod measure;
#[path = "detect_quality/negatives.rs"]
mod negatives;
#[path = "detect_quality/phones.rs"]
mod phones;
#[path = "detect_quality/positives.rs"]
mod positives;
#[path = "detect_quality/secrets.rs"]
mod secrets;
#[path = "detect_quality/seed.rs"]
mod seed;

use measure::{Sample, Tally};
use sallyport_core::mask::detect::Class;
use seed::Seed;

/// Fourteen kinds of so many values each, and as many neighbours.
const PER_KIND: usize = 1500;

/// The kinds that a value shows without the name of its column.
const ALONE: &[Class] = &[
    Class::Email,
    Class::Phone,
    Class::Card,
    Class::Ssn,
    Class::Ip,
    Class::Mac,
    Class::Iban,
    Class::Cpf,
    Class::Jwt,
    Class::ApiKey,
    Class::AwsKey,
    Class::PrivateKey,
    Class::UrlPassword,
    Class::Coin,
];

/// What stands around a value in the places where people keep it.
const SENTENCES: &[(&str, &str)] = &[
    ("Please use ", " from today."),
    ("It is ", ", as agreed on 2024-03-05."),
    ("Contact: ", ""),
    ("value:", ""),
    ("value=", "&page=2"),
    ("{\"id\":17,\"value\":\"", "\",\"ok\":true}"),
    ("{\"value\": [\"", "\", null]}"),
    ("17,", ",2024-01-15,12.50"),
    ("17;\"", "\";shipped"),
    ("2024-01-15T10:30:00.123Z INFO req=7f3a value=", " status=200"),
    ("10:42 - - \"GET /\" 200 ", ""),
    ("(", ")"),
    ("<td>", "</td>"),
    ("'", "'"),
    ("first line\\n", "\\nlast line"),
    ("first line\n", "\r\nlast line"),
    ("name\t", "\t42"),
    ("old: ", "; new: none"),
    ("Order 48213 was placed with ", " (see the note)."),
    ("Kundin Müller, ", " – bitte prüfen"),
    ("客户 ", " 请核对"),
];

/// Labels that end in a hyphen. A hyphen may be part of the other kinds.
fn hyphened(class: Class) -> &'static [&'static str] {
    match class {
        Class::Card => &["card-", "visa-", "PAN-"],
        Class::Ssn => &["ssn-"],
        Class::Iban => &["iban-"],
        Class::Phone => &["phone-", "tel-"],
        Class::AwsKey => &["key-"],
        _ => &[],
    }
}

fn positives(seed: &mut Seed, framed: bool) -> Vec<Sample> {
    let mut all = Vec::new();
    for class in ALONE {
        for _ in 0..PER_KIND {
            let value = positives::value(*class, seed);
            let mut sample = Sample::of(*class, value);
            if framed {
                let (before, after) = *seed.pick(SENTENCES);
                let labels = hyphened(*class);
                if !labels.is_empty() && seed.below(12) == 0 {
                    sample.put(seed.pick::<&str>(labels), after);
                } else {
                    sample.put(before, after);
                }
            }
            all.push(sample);
        }
    }
    all
}

fn negatives(seed: &mut Seed, framed: bool) -> Vec<Sample> {
    (0..PER_KIND * ALONE.len())
        .map(|index| {
            let mut sample = Sample::nothing(negatives::value(index, seed));
            if framed {
                let (before, after) = *seed.pick(SENTENCES);
                sample.put(before, after);
            }
            sample
        })
        .collect()
}

fn tally(framed: bool) -> Tally {
    let mut seed = Seed::new(0x5a11_7907);
    let mut tally = Tally::default();
    positives(&mut seed, framed).iter().for_each(|sample| tally.add(sample));
    negatives(&mut seed, framed).iter().for_each(|sample| tally.add(sample));
    tally
}

#[test]
fn values_alone_are_found_and_others_left() {
    let tally = tally(false);
    println!("values alone\n{tally}");
    for (class, count) in tally.kinds() {
        assert!(count.f1() >= 0.99, "{}: {tally}", class.as_str());
    }
    assert!(tally.leaked() <= 0.005 && tally.touched() <= 0.003, "{tally}");
}

#[test]
fn values_within_sentences_are_found() {
    let tally = tally(true);
    println!("within sentences\n{tally}");
    for (class, count) in tally.kinds() {
        assert!(count.f1() >= 0.95, "{}: {tally}", class.as_str());
    }
}

#[test]
fn values_that_their_column_tells_are_found() {
    let mut seed = Seed::new(0xc01a_a175);
    let mut tally = Tally::default();
    for class in [Class::Person, Class::Address, Class::BirthDate, Class::Phone, Class::Ssn] {
        for _ in 0..PER_KIND {
            tally.add(&columns::value(class, &mut seed));
        }
    }
    for _ in 0..3 * PER_KIND {
        tally.add(&columns::nothing(&mut seed));
    }
    println!("with the name of their column\n{tally}");
    for (class, count) in tally.kinds() {
        assert!(count.f1() >= 0.95, "{}: {tally}", class.as_str());
    }
    assert!(tally.touched() <= 0.01, "{tally}");
}

/// One line of a set: the kind, and a text with marks around its value.
fn labelled(kind: &str, column: &str, text: &str) -> Sample {
    match Class::ALL.iter().find(|class| class.as_str() == kind) {
        Some(class) => Sample::of(*class, text.into()).under(column),
        None if kind == "none" => Sample::nothing(text.into()).under(column),
        None => panic!("no kind {kind}"),
    }
}

/// Reported beside the seeded set, and never the reason for a change of the readers. The floor only tells a break.
#[test]
fn values_written_by_hand() {
    let mut tally = Tally::default();
    let mut lines = 0;
    for line in include_str!("detect_quality/held_out.txt").lines().filter(|line| !line.starts_with('#')) {
        let (kind, text) = line.split_once('\t').unwrap();
        lines += 1;
        tally.add(&labelled(kind, "", &text.replace("\\n", "\n")));
    }
    println!("{lines} values and near misses by hand\n{tally}");
    assert!(lines >= 300, "{lines}");
    assert!(tally.all().f1() >= 0.9, "{tally}");
}

/// The second set: made from other sources, by a program that shares nothing with the seeded set.
#[test]
fn values_of_the_second_set() {
    let (mut alone, mut inside, mut lines) = (Tally::default(), Tally::default(), 0);
    for line in include_str!("detect_quality/second_set.tsv").lines().filter(|line| !line.starts_with('#')) {
        let mut parts = line.splitn(3, '\t');
        let (kind, column, text) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
        let sample = labelled(kind, column, &unescaped(text));
        lines += 1;
        if sample.is_alone() { alone.add(&sample) } else { inside.add(&sample) }
    }
    println!("second set, {lines} lines: cells\n{alone}\nsecond set: within texts and URLs\n{inside}");
    assert!(lines >= 6000, "{lines}");
    assert!(alone.all().f1() >= 0.9 && inside.all().f1() >= 0.9, "{alone}{inside}");
}

fn unescaped(text: &str) -> String {
    let mut out = String::new();
    let mut signs = text.chars();
    while let Some(sign) = signs.next() {
        out.push(match sign {
            '\\' => match signs.next().unwrap() {
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                other => other,
            },
            other => other,
        });
    }
    out
}
