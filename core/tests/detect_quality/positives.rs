//! Values of each kind, in the formats that people and programs write.

use super::phones;
use super::seed::Seed;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use sallyport_core::mask::detect::Class;

const BASE64: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

pub fn value(class: Class, seed: &mut Seed) -> String {
    match class {
        Class::Email => email(seed),
        Class::Card => card(seed),
        Class::Phone => {
            let format = *seed.pick(phones::FORMATS);
            seed.fill(format)
        }
        Class::Iban => iban(seed),
        Class::Ssn => ssn(seed),
        Class::AwsKey => aws_key(seed),
        Class::Jwt => jwt(seed),
        Class::PrivateKey => private_key(seed),
    }
}

fn email(seed: &mut Seed) -> String {
    let first = ["ann", "joão", "wei", "OLGA", "fatima", "björn", "kofi", "mary-jane", "d'arcy", "x"];
    let last = ["smith", "müller", "Ivanova", "tanaka", "o'neil", "garcía", "nguyen", "haddad", "lee2"];
    let hosts = [
        "gmail.com",
        "example.co.uk",
        "mail.example.org",
        "posteo.de",
        "exämple.de",
        "corp.internal",
        "qq.com",
        "a-b.io",
        "sub.dept.univ.edu",
        "firma.museum",
        "xn--bcher-kva.example",
        "163.com",
    ];
    let (first, last, host) = (*seed.pick(&first), *seed.pick(&last), *seed.pick(&hosts));
    let number = seed.below(2000);
    match seed.below(8) {
        0 => format!("{first}@{host}"),
        1 => format!("{first}.{last}@{host}"),
        2 => format!("{first}_{last}{number}@{host}"),
        3 => format!("{first}+{last}-{number}@{host}"),
        4 => format!("{number}{last}@{host}"),
        5 => format!("{first}.{last}%{number}@{host}"),
        6 => format!("no-reply+{number}@{last}.{host}").replace("o'neil", "oneil"),
        _ => format!("{first}{last}@{host}"),
    }
}

/// An issuer's first digits, the length, and how it is printed.
#[rustfmt::skip]
const CARDS: &[(&str, usize, &[usize])] = &[
    ("4", 16, &[4, 4, 4, 4]), ("4", 16, &[4, 4, 4, 4]), ("4", 16, &[4, 4, 4, 4]), ("4", 13, &[]), ("4", 19, &[4, 4, 4, 4, 3]),
    ("51", 16, &[4, 4, 4, 4]), ("53", 16, &[4, 4, 4, 4]), ("55", 16, &[4, 4, 4, 4]), ("2221", 16, &[4, 4, 4, 4]),
    ("2720", 16, &[4, 4, 4, 4]), ("25", 16, &[4, 4, 4, 4]), ("34", 15, &[4, 6, 5]), ("37", 15, &[4, 6, 5]),
    ("300", 14, &[4, 6, 4]), ("36", 14, &[4, 6, 4]), ("38", 14, &[4, 6, 4]), ("6011", 16, &[4, 4, 4, 4]),
    ("65", 16, &[4, 4, 4, 4]), ("644", 16, &[4, 4, 4, 4]), ("3530", 16, &[4, 4, 4, 4]), ("3566", 16, &[4, 4, 4, 4]),
    ("62", 16, &[4, 4, 4, 4]), ("62", 19, &[6, 13]), ("5018", 16, &[4, 4, 4, 4]), ("6304", 16, &[4, 4, 4, 4]),
    ("6759", 18, &[]), ("2200", 16, &[4, 4, 4, 4]), ("6062", 16, &[4, 4, 4, 4]), ("9792", 16, &[4, 4, 4, 4]),
    ("60", 16, &[4, 4, 4, 4]), ("81", 16, &[4, 4, 4, 4]),
];

fn card(seed: &mut Seed) -> String {
    let (prefix, len, blocks) = *seed.pick(CARDS);
    let mut number = seed.fill(&format!("{prefix}{}", "#".repeat(len - 1 - prefix.len())));
    let check = luhn(&number);
    number.push(char::from(b'0' + check));
    if blocks.is_empty() || seed.below(2) == 0 {
        return number;
    }
    let between = *seed.pick(&[" ", " ", "-", "-", "\u{a0}"]);
    let mut rest = number.as_str();
    let mut parts = Vec::new();
    for block in blocks {
        let (part, tail) = rest.split_at(*block);
        parts.push(part);
        rest = tail;
    }
    parts.join(between)
}

pub fn luhn(number: &str) -> u8 {
    let sum: u32 = number
        .bytes()
        .rev()
        .enumerate()
        .map(|(index, byte)| {
            let digit = u32::from(byte - b'0');
            if index % 2 == 1 { digit } else { digit * 2 / 10 + digit * 2 % 10 }
        })
        .sum();
    ((10 - sum % 10) % 10) as u8
}

/// The registry's countries: `#` a digit, `^` a letter.
#[rustfmt::skip]
const IBANS: &[&str] = &[
    "DE##################", "GB^^^^##############", "FR#######################", "ES####################",
    "IT^######################", "NL^^^^##########", "BE############", "CH#################", "AT################",
    "PL########################", "SE####################", "NO###########", "DK##############", "FI##############",
    "PT#####################", "IE^^^^##############", "CZ####################", "HU########################",
    "RO^^^^################", "GR#######################", "TR######################", "SA####################",
    "AE###################", "IL###################", "LU################", "MT^^^^#######################",
    "BR#######################^#", "UA#########################", "EE################", "LV^^^^#############",
    "LT################", "SK####################", "SI###############", "HR#################", "BG^^^^##############",
    "CY########################", "KW^^^^######################", "QA^^^^#####################", "PK^^^^################",
];

fn iban(seed: &mut Seed) -> String {
    let pattern = *seed.pick(IBANS);
    let (country, account) = (&pattern[..2], seed.fill(&pattern[2..]));
    let rest = format!("{account}{country}00").bytes().fold(0u32, |rest, byte| {
        let value = (byte as char).to_digit(36).unwrap();
        if value < 10 { (rest * 10 + value) % 97 } else { (rest * 100 + value) % 97 }
    });
    let whole = format!("{country}{:02}{account}", 98 - rest);
    let fours = |between: &str| {
        let parts: Vec<_> =
            whole.as_bytes().chunks(4).map(|part| std::str::from_utf8(part).unwrap()).collect();
        parts.join(between)
    };
    match seed.below(6) {
        0 | 1 => fours(" "),
        2 => fours("-"),
        3 => whole.to_lowercase(),
        _ => whole,
    }
}

fn ssn(seed: &mut Seed) -> String {
    let (mut area, group, serial) = (seed.between(1, 899), seed.between(1, 99), seed.between(1, 9999));
    if area == 666 {
        area = 665;
    }
    let between = *seed.pick(&["-", "-", "-", " "]);
    format!("{area:03}{between}{group:02}{between}{serial:04}")
}

fn aws_key(seed: &mut Seed) -> String {
    let id =
        format!("{}{}", seed.pick(&["AKIA", "ASIA"]), seed.letters("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16));
    let secret = format!("{}a/7Q", seed.letters(BASE64, 36));
    match seed.below(5) {
        0 => format!("aws_secret_access_key = «{secret}»"),
        1 => format!("{{\"SecretAccessKey\": \"«{secret}»\"}}"),
        2 => format!("AWS_SECRET_KEY=«{secret}»"),
        _ => id,
    }
}

fn jwt(seed: &mut Seed) -> String {
    let header = *seed.pick(&[
        r#"{"alg":"HS256","typ":"JWT"}"#,
        r#"{"typ":"JWT","alg":"RS256","kid":"2024-01"}"#,
        r#"{"alg":"ES256"}"#,
        r#"{"alg":"none"}"#,
        r#"{"alg":"RSA-OAEP","enc":"A256GCM"}"#,
        r#"{ "alg": "EdDSA", "typ": "at+jwt" }"#,
    ]);
    let payload =
        format!(r#"{{"sub":"{}","iat":1{},"n":"ü"}}"#, seed.below(1 << 30), seed.below(999_999_999));
    let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let len = *seed.pick(&[32, 64, 256]);
    let signature: Vec<u8> = (0..len).map(|_| seed.next() as u8).collect();
    let (header, payload, signature) = (part(header.as_bytes()), part(payload.as_bytes()), part(&signature));
    if header.contains("ImVuYyI") || header.contains("ZW5j") {
        return format!("{header}.{payload}.{}.{signature}.{}", &signature[..16], &signature[..22]);
    }
    format!("{header}.{payload}.{signature}")
}

fn private_key(seed: &mut Seed) -> String {
    let label = *seed.pick(&[
        "PRIVATE KEY",
        "RSA PRIVATE KEY",
        "EC PRIVATE KEY",
        "OPENSSH PRIVATE KEY",
        "ENCRYPTED PRIVATE KEY",
        "DSA PRIVATE KEY",
        "PGP PRIVATE KEY BLOCK",
    ]);
    let len = seed.between(60, 800);
    let bytes: Vec<u8> = (0..len).map(|_| seed.next() as u8).collect();
    let line = *seed.pick(&["\n", "\n", "\r\n", "\\n", " "]);
    let text = STANDARD.encode(bytes);
    let lines: Vec<_> = text.as_bytes().chunks(64).map(|part| std::str::from_utf8(part).unwrap()).collect();
    format!("-----BEGIN {label}-----{line}{}{line}-----END {label}-----", lines.join(line))
}
