//! A second list, written apart from the first and without sight of the readers: values from the public definitions
//! of each format within sentences and files, and near misses.

use super::*;

fn all(text: &[u8]) -> Vec<Found> {
    let mut found = Vec::new();
    scan(text, Classes::all(), &mut found);
    found
}

/// `«…»` marks what must be found.
fn expect(class: Class, marked: &str) -> Result<(), String> {
    let text = marked.replace(['«', '»'], "");
    let mut expected = Vec::new();
    let mut clean = 0;
    let mut start = 0;
    for sign in marked.chars() {
        match sign {
            '«' => start = clean,
            '»' => expected.push(Found { class, start, end: clean }),
            other => clean += other.len_utf8(),
        }
    }
    let found = all(text.as_bytes());
    if found == expected { Ok(()) } else { Err(format!("{text}: {found:?}")) }
}

#[test]
fn emails() {
    let mut wrong = Vec::new();
    for text in [
        "«ann@example.com»",
        "write to «ann.lee+tag@mail.example.co.uk», please",
        "<«ann@example.com»>",
        "«jürgen@müller.de»",
        "«用户@例子.广告»",
        "mailto:«a_b-c@sub.sub2.example.org»?subject=x",
        "“«ann@example.com»”",
        "«o'brien@example.ie».",
        "email=«ann@example.com»&x=1",
        "'«ann@example.com»'",
        "{\"mail\":\"«ann@example.com»\"}",
        "a;«ann@example.com»;«bob@example.com»",
        "«\"ann lee\"@example.com»",
        "«x@xn--bcher-kva.xn--p1ai»",
        "ann\u{a0}«ann@example.com»",
    ] {
        wrong.extend(expect(Class::Email, text).err());
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn cards() {
    let mut wrong = Vec::new();
    for text in [
        "«4111111111111111»",
        "«4111 1111 1111 1111»",
        "«4111-1111-1111-1111»",
        "«4111\u{a0}1111\u{a0}1111\u{a0}1111»",
        "«378282246310005»",
        "«3782 822463 10005»",
        "«5555555555554444»,«5105105105105100»",
        "«2223003122003222»",
        "«30569309025904»",
        "«6011111111111117»",
        "«3530111333300000»",
        "«6304000000000000»",
        "«4222222222222»",
        "card «4012888888881881» exp 12/27",
        "{\"pan\":«4111111111111111»}",
        "卡«4111111111111111»号",
        "«4111 1111 1111 1111» 123",
    ] {
        wrong.extend(expect(Class::Card, text).err());
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn phones() {
    let mut wrong = Vec::new();
    for text in [
        "«+14155552671»",
        "«+1 415 555 2671»",
        "«+1 (415) 555-2671»",
        "«+44 20 7946 0958»",
        "«+44 (0)20 7946 0958»",
        "«+49 30 901820»",
        "«+33 1 42 68 53 00»",
        "«+8613812345678»",
        "«+91 98765 43210»",
        "«(415) 555-2671»",
        "«415-555-2671»",
        "«415.555.2671»",
        "«415 555 2671»",
        "«1-800-555-0199»",
        "«415-555-2671 x123»",
        "«020 7946 0958»",
        "«06 12 34 56 78»",
        "«030/901820»",
        "call «0171-1234567» now",
        "tel:«+442079460958»",
        "«(11) 91234-5678»",
        "«8 (912) 345-67-89»",
        "«010-1234-5678»",
        "«+380 44 123 4567», «+353 1 234 5678»",
    ] {
        wrong.extend(expect(Class::Phone, text).err());
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn the_other_kinds() {
    let mut wrong = Vec::new();
    let pem = "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIIrY\n-----END EC PRIVATE KEY-----";
    for (class, text) in [
        (Class::Iban, "«DE89370400440532013000»".to_owned()),
        (Class::Iban, "IBAN: «DE89 3704 0044 0532 0130 00».".into()),
        (Class::Iban, "«gb82 west 1234 5698 7654 32»".into()),
        (Class::Iban, "«FR14 2004 1010 0505 0001 3M02 606»".into()),
        (Class::Iban, "«NO9386011117947»".into()),
        (Class::Iban, "«MT84MALT011000012345MTLCAST001S»".into()),
        (Class::Iban, "«BE68\u{a0}5390\u{a0}0754\u{a0}7034»".into()),
        (Class::Ssn, "«219-45-6789»".into()),
        (Class::Ssn, "ssn «001-01-0001».".into()),
        (Class::AwsKey, "«AKIAIOSFODNN7EXAMPLE»".into()),
        (Class::AwsKey, "aws_secret_access_key = «wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY»".into()),
        (Class::AwsKey, "«AKIAIOSFODNN7EXAMPLE»,«wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY»".into()),
        (Class::AwsKey, "{\"SecretAccessKey\":\"«wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY»\"}".into()),
        (
            Class::Jwt,
            "Bearer «eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9»"
                .into(),
        ),
        (Class::Jwt, "«eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.»".into()),
        (Class::PrivateKey, format!("key: «{pem}» end")),
        (Class::PrivateKey, "«-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA»".into()),
        (Class::PrivateKey, "«-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nlQOY\n-----END PGP PRIVATE KEY BLOCK-----»".into()),
    ] {
        wrong.extend(expect(class, &text).err());
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn near_misses() {
    let mut wrong = Vec::new();
    for text in [
        "user@host",
        "logo@2x.png",
        "npm install left-pad@1.3.0",
        "@example.com",
        "550e8400-e29b-41d4-a716-446655440000",
        "12345678-1234-4123-8123-123456789012",
        "2024-01-15T10:30:00.123456+0100",
        "2024-01-15 10:30:00+00",
        "05-12-2024 10:30",
        "01.02.2024 08:15",
        "1700000000000",
        "010.020.030.040",
        "de9f2c7fd25e1b3afad3e85a0bd17d9b100db4b3",
        "4111111111111112",
        "4111 1111 1111 1112",
        "14111111111111111111",
        "0.4111111111111111",
        "ORD-123-456-7890",
        "112-3456789-1234567",
        "978-0-306-40615-7",
        "9780306406157",
        "0-306-40615-2",
        "1Z999AA10123456784",
        "9400111899223100001234",
        "$1,234,567.89",
        "1 234 567.89",
        "10.0.19045.3693",
        "DE89370400440532013001",
        "DE88 3704 0044 0532 0130 00",
        "000-12-3456",
        "666-12-3456",
        "912-12-3456",
        "219-00-6789",
        "219-45-0000",
        "1219-45-6789",
        "219-45-67890",
        "AKIAIOSFODNN7EXAMPL",
        "akiaiosfodnn7example",
        "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "secret commit de9f2c7fd25e1b3afad3e85a0bd17d9b100db4b3",
        "eyJhbGciOiJIUzI1NiJ9",
        "eyJ4IjoxfQ.eyJzdWIiOiIxIn0.abc",
        "-----BEGIN PUBLIC KEY-----\nMFkw\n-----END PUBLIC KEY-----",
        "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
        "+12.50",
        "4155552671",
        "123456789",
    ] {
        wrong.extend(expect(Class::Email, text).err());
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn a_name_beside_the_value() {
    for (name, text, class) in [
        ("ssn", "219456789", Some(Class::Ssn)),
        ("employee_social_security", "219456789", Some(Class::Ssn)),
        ("ssn", "000456789", None),
        ("phone", "4155552671", Some(Class::Phone)),
        ("mobilePhone", "4155552671", Some(Class::Phone)),
        ("phone_id", "4155552671", None),
        ("total", "4155552671", None),
        ("pan", "4111111111111111", Some(Class::Card)),
        ("cc_number", "9111111111111111", None),
        ("iban", "DE00370400440532013000", None),
        ("iban", "XX46370400440532013000", Some(Class::Iban)),
        ("email", "root@localhost", Some(Class::Email)),
        ("client_secret", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", Some(Class::AwsKey)),
        ("panel", "219456789", None),
    ] {
        let mut found = Vec::new();
        scan_named(text.as_bytes(), Classes::all(), hint(name), &mut found);
        assert_eq!(found.first().map(|one| one.class), class, "{name} {text}");
        assert!(found.iter().all(|one| (one.start, one.end) == (0, text.len())));
    }
}

#[test]
fn invalid_utf8_hides_nothing() {
    let found = all(b"\xff\xfe ann@example.com \xc3 4111111111111111\xff");
    assert_eq!(found.iter().map(|one| one.class).collect::<Vec<_>>(), [Class::Email, Class::Card]);
}

#[test]
fn only_what_is_wanted() {
    let mut found = Vec::new();
    scan(b"ann@example.com 4111111111111111", Classes::of(Class::Card), &mut found);
    assert_eq!(found, [Found { class: Class::Card, start: 16, end: 32 }]);
}
