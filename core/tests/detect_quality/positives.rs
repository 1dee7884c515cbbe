//! Values of each kind, in the formats that people and programs write.

use super::phones;
use super::secrets;
use super::seed::Seed;
use sallyport_core::mask::detect::Class;

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
        Class::AwsKey => secrets::aws_key(seed),
        Class::Jwt => secrets::jwt(seed),
        Class::PrivateKey => secrets::private_key(seed),
        Class::Ip => ip(seed),
        Class::Mac => mac(seed),
        Class::Cpf => cpf(seed),
        Class::ApiKey => secrets::api_key(seed),
        Class::UrlPassword => secrets::url(seed),
        Class::Coin => secrets::coin(seed),
        Class::Person | Class::Address | Class::BirthDate => panic!("only a column tells"),
    }
}

fn ip(seed: &mut Seed) -> String {
    let four =
        format!("{}.{}.{}.{}", seed.between(1, 254), seed.below(256), seed.below(256), seed.below(256));
    match seed.below(12) {
        0 => format!("{four}/{}", seed.between(8, 32)),
        1 => seed.fill("2001:db8:hhhh:hhhh:hhhh:hhhh:hhhh:hhhh"),
        2 => seed.fill("2a02:8108:%hh::hhhh"),
        3 => seed.fill("fe80::%hhh:hhff:fehh:hhhh") + "%en1",
        4 => format!("::ffff:{four}"),
        5 => seed.fill("fd%h:hhhh:hhhh::%/48"),
        6 => seed.fill("2001:0DB8:0000:0000:0000:0000:####:000%"),
        7 => seed.fill("::%hh"),
        _ => four,
    }
}

fn mac(seed: &mut Seed) -> String {
    let form = *seed.pick(&[
        "hh:hh:hh:hh:hh:hh",
        "hh-hh-hh-hh-hh-hh",
        "hhhh.hhhh.hhah",
        "hh:hh:hh:ff:fe:hh:hh:hh",
        "hh:hh:hh:hh:hh:hh",
    ]);
    let made = seed.fill(form);
    if seed.below(2) == 0 { made.to_uppercase() } else { made }
}

fn cpf(seed: &mut Seed) -> String {
    let mut number = seed.fill("#########");
    for len in [9, 10] {
        let sum: usize = number
            .bytes()
            .zip((2..=len + 1).rev())
            .map(|(digit, weight)| usize::from(digit - b'0') * weight)
            .sum();
        number.push(char::from(b'0' + (sum * 10 % 11 % 10) as u8));
    }
    let part = |from: usize, to: usize| &number[from..to];
    match seed.below(3) {
        0 => number,
        _ => format!("{}.{}.{}-{}", part(0, 3), part(3, 6), part(6, 9), part(9, 11)),
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
