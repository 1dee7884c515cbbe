//! Values written by hand from the public definitions of their formats, and their nearest neighbours.

use super::*;
use proptest::prelude::*;

fn found(text: &str) -> Vec<(Class, &str)> {
    let mut found = Vec::new();
    scan(text.as_bytes(), Classes::all(), &mut found);
    found.iter().map(|one| (one.class, &text[one.start..one.end])).collect()
}

#[track_caller]
fn whole(class: Class, values: &[&str]) {
    for value in values {
        for (before, after) in [("", ""), ("see ", " now"), ("{\"v\":\"", "\"}"), ("a\\n", "\\n")] {
            let text = format!("{before}{value}{after}");
            assert_eq!(found(&text), [(class, *value)], "in {text:?}");
        }
    }
}

#[track_caller]
fn nothing(values: &[&str]) {
    for value in values {
        assert_eq!(found(value), [], "in {value:?}");
    }
}

#[test]
fn emails() {
    whole(
        Class::Email,
        &[
            "a@b.co",
            "o'brien+x@mail.example.org",
            "jörg@exämple.de",
            "\u{7528}\u{6237}@example.cn",
            "x@[192.0.2.1]",
        ],
    );
    nothing(&["@handle", "a@localhost", "npm@8.1.0", "icon@2x.png", "git@github.com:o/r.git"]);
}

#[test]
fn cards() {
    whole(
        Class::Card,
        &[
            "4111111111111111",
            "4111 1111 1111 1111",
            "4111-1111-1111-1111",
            "4111\u{a0}1111\u{a0}1111\u{a0}1111",
            "5555555555554444",
            "2223003122003222",
            "378282246310005",
            "3782 822463 10005",
            "30569309025904",
            "6011111111111117",
            "3530111333300000",
            "4222222222222",
        ],
    );
    assert_eq!(found("{\"pan\":4111111111111111}"), [(Class::Card, "4111111111111111")]);
    nothing(&[
        "4111111111111112",
        "41111111111111110",
        "1700000000000",
        "1234567812345670",
        "a4111111111111111f",
        "4111111111111111.25",
        "41111111-1111-4111-8111-111111111111",
    ]);
}

#[test]
fn phones() {
    whole(
        Class::Phone,
        &[
            "+1 202-555-0143",
            "+12025550143",
            "(202) 555-0143",
            "202-555-0143",
            "202.555.0143",
            "1-202-555-0143",
            "555-123-4567",
            "+44 20 7946 0958",
            "+44 (0)20 7946 0958",
            "+49 (0)30 1234567",
            "020 7946 0958",
            "06 12 34 56 78",
            "0171-1234567",
            "090-1234-5678",
            "202-555-0143 x123",
        ],
    );
    nothing(&[
        "2025550143",
        "2024-01-02 10:11:12.123456",
        "01.02.2024 10:15",
        "1.2.3.4567",
        "550e8400-e29b-41d4-a716-446655440000",
        "$1,234,567.89",
        "02139-4307",
        "123-456-7890",
        "+05:30",
    ]);
}

#[test]
fn accounts_and_numbers_of_persons() {
    whole(
        Class::Iban,
        &[
            "DE89370400440532013000",
            "GB82 WEST 1234 5698 7654 32",
            "gb82west12345698765432",
            "NO9386011117947",
        ],
    );
    nothing(&["DE89370400440532013001", "DE89 3704 0044 0532 0130 01", "XX89370400440532013000"]);
    whole(Class::Ssn, &["123-45-6789", "856-45-6789"]);
    nothing(&["000-12-3456", "666-12-3456", "900-12-3456", "123-00-4567", "123-45-0000", "123456789"]);
}

#[test]
fn secrets() {
    let secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
    whole(Class::AwsKey, &["AKIAIOSFODNN7EXAMPLE", "ASIAIOSFODNN7EXAMPLE"]);
    assert_eq!(found(&format!("aws_secret_access_key = {secret}")), [(Class::AwsKey, secret)]);
    nothing(&[
        secret,
        "AROAIOSFODNN7EXAMPLE",
        "AKIAIOSFODNN7EXAMPL",
        "secret key da39a3ee5e6b4b0d3255bfef95601890afd80709",
    ]);
    let token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl";
    whole(Class::Jwt, &[token, "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0."]);
    nothing(&["eyJhIjoxfQ.eyJzdWIiOiIxIn0.c2ln", "a.b.c", "eyJhbGciOiJIUzI1NiJ9"]);
    let key = "-----BEGIN EC PRIVATE KEY-----\nMHc=\n-----END EC PRIVATE KEY-----";
    whole(Class::PrivateKey, &[key]);
    let cut = "x -----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1";
    assert_eq!(found(cut), [(Class::PrivateKey, &cut[2..])]);
    nothing(&["-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----", "-----BEGIN PUBLIC KEY-----"]);
}

#[test]
fn only_what_is_wanted_and_after_what_was_there() {
    let text = b"a@b.co 4111111111111111";
    let mut found = vec![Found { class: Class::Jwt, start: 0, end: 999 }];
    scan(text, Classes::all(), &mut found);
    assert_eq!(found.len(), 3);
    assert_eq!(found[0].end, 999);
    found.clear();
    scan(text, Classes::of(Class::Card), &mut found);
    assert_eq!(found, [Found { class: Class::Card, start: 7, end: 23 }]);
}

/// A cell is as long as its caller likes: sixteen times the text may take sixteen times the work, and not its square.
#[test]
fn long_texts_take_no_more_work_for_each_byte() {
    let units = [
        "ada@example.com tel. ",
        "scheme://u:pw@h/ ",
        "x://a:b@",
        "a@",
        "4111 1111 ",
        "1.2.3.4 ",
        "1-",
        "a:b:",
        "eyJhbGciOiJIUzI1NiJ9.",
        "AKIAIOSFODNN7EXAMPLE ",
        "-----BEGIN ",
        "GB82 WEST ",
        "bc1q",
        "key: ",
    ];
    for unit in units {
        let time = |count: usize| {
            let text = unit.repeat(count);
            let read = || {
                let begun = std::time::Instant::now();
                let mut found = Vec::new();
                scan(text.as_bytes(), Classes::all(), &mut found);
                begun.elapsed().as_secs_f64()
            };
            (0..3).map(|_| read()).fold(f64::INFINITY, f64::min)
        };
        let (short, long) = (time(1000), time(16_000));
        assert!(long < short * 80.0 + 0.01, "{unit:?}: {short} s, sixteen times the text {long} s");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn any_bytes_give_ordered_ranges(
        text in proptest::collection::vec(prop_oneof![
            4 => proptest::sample::select(b"0123456789-+.()@ /eyJAKIGB\\n:\"x".to_vec()), 1 => any::<u8>(),
        ], 0..300),
    ) {
        let mut found = Vec::new();
        scan(&text, Classes::all(), &mut found);
        let mut end = 0;
        for one in found {
            prop_assert!(end <= one.start && one.start < one.end && one.end <= text.len());
            end = one.end;
        }
    }

    #[test]
    fn text_is_cut_between_characters(text in "[0-9a-z@. \\-+é\u{a0}\u{2011}\u{20ac}\u{7528}]{0,120}") {
        let mut found = Vec::new();
        scan(text.as_bytes(), Classes::all(), &mut found);
        for one in found {
            prop_assert!(text.is_char_boundary(one.start) && text.is_char_boundary(one.end));
        }
    }
}
