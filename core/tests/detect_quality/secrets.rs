//! Keys, tokens, passwords and addresses of coins, made as their makers make them.

use super::seed::Seed;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

const BASE64: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const BASE58: &[u8] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const BECH32: &[u8] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";

/// The head, what follows, and how much of it: `l` letters and digits, `h` hexadecimal ones, `d` digits.
#[rustfmt::skip]
const KEYS: &[&[(&str, char, usize)]] = &[
    &[("sk_live_", 'l', 24)], &[("sk_test_", 'l', 24)], &[("rk_live_", 'l', 24)], &[("ghp_", 'l', 36)], &[("ghs_", 'l', 36)],
    &[("github_pat_", 'l', 22), ("_", 'l', 59)], &[("glpat-", 'l', 20)], &[("xoxb-", 'd', 11), ("-", 'd', 12), ("-", 'l', 24)],
    &[("xapp-1-A", 'd', 10), ("-", 'd', 13), ("-", 'h', 64)], &[("AIza", 'l', 35)], &[("hf_", 'l', 34)], &[("npm_", 'l', 36)],
    &[("SG.", 'l', 22), (".", 'l', 43)], &[("SK", 'h', 32)], &[("sk-ant-api03-", 'l', 93)], &[("sk-", 'l', 48)],
    &[("sk-proj-", 'l', 120)], &[("dop_v1_", 'h', 64)], &[("shpat_", 'h', 32)], &[("pypi-AgEIcHlwaS5vcmcC", 'l', 60)],
    &[("key-", 'h', 32)], &[("GOCSPX-", 'l', 28)], &[("ya29.", 'l', 68)], &[("whsec_", 'l', 32)], &[("gsk_", 'l', 52)],
    &[("r8_", 'l', 37)], &[("dckr_pat_", 'l', 27)], &[("lin_api_", 'l', 40)], &[("hvs.", 'l', 24)], &[("rubygems_", 'h', 48)],
    &[("glsa_", 'l', 32), ("_", 'h', 8)], &[("NRAK-", 'l', 27)], &[("sq0atp-", 'l', 22)], &[("pul-", 'h', 40)],
];

pub fn api_key(seed: &mut Seed) -> String {
    if seed.below(12) == 0 {
        let name =
            *seed.pick(&["api_key=", "\"apiKey\": \"", "client_secret: ", "X-Api-Key: ", "ACCESS_TOKEN="]);
        return format!("{name}«{}»", seed.letters(LETTERS, 37) + "4q7");
    }
    let parts = *seed.pick(KEYS);
    parts.iter().fold(String::new(), |key, (head, kind, len)| {
        let body = match kind {
            'h' => seed.letters("0123456789abcdef", *len),
            'd' => seed.letters("123456789", *len),
            _ => seed.letters(LETTERS, *len),
        };
        key + head + &body
    })
}

pub fn url(seed: &mut Seed) -> String {
    let scheme =
        *seed.pick(&["postgres", "redis", "mongodb+srv", "https", "amqp", "mysql", "jdbc:postgresql", "ftp"]);
    let user = *seed.pick(&["app", "admin", "", "svc-reports", "ann%40corp"]);
    let password = match seed.below(4) {
        0 => seed.fill("_____-______-##"),
        1 => seed.letters(LETTERS, 16),
        2 => seed.fill("__^^##!$%23"),
        _ => seed.fill("p@ss__##"),
    };
    let host = *seed.pick(&[
        "db.example.com:5432/shop",
        "10.0.0.7.example/0",
        "localhost",
        "cache-1:6379",
        "api.example.org/v1?x=1",
    ]);
    format!("{scheme}://{user}:«{password}»@{host}")
}

pub fn coin(seed: &mut Seed) -> String {
    let mut bytes = |len: usize| -> Vec<u8> { (0..len).map(|_| seed.next() as u8).collect() };
    let twenty = bytes(20);
    let thirty_two = bytes(32);
    match seed.below(9) {
        0 => base58(0, &twenty),
        1 => base58(5, &twenty),
        2 => base58(0x30, &twenty),
        3 => base58(0x41, &twenty),
        4 => bech32("bc", 0, &twenty),
        5 => bech32("bc", 1, &thirty_two),
        6 => bech32("ltc", 0, &twenty),
        7 => seed.fill("0xhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhh"),
        _ => format!("0x{}", seed.fill("hhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhh").to_uppercase()),
    }
}

fn base58(version: u8, hash: &[u8]) -> String {
    let mut bytes = vec![version];
    bytes.extend(hash);
    let sum = Sha256::digest(Sha256::digest(&bytes));
    bytes.extend(&sum.as_slice()[..4]);
    let mut text = Vec::new();
    let mut number = bytes.clone();
    while number.iter().any(|byte| *byte != 0) {
        let rest = number.iter_mut().fold(0u32, |rest, byte| {
            let value = rest << 8 | u32::from(*byte);
            *byte = (value / 58) as u8;
            value % 58
        });
        text.push(BASE58[rest as usize]);
    }
    text.extend(bytes.iter().take_while(|byte| **byte == 0).map(|_| b'1'));
    text.reverse();
    String::from_utf8(text).unwrap()
}

fn bech32(name: &str, version: u8, program: &[u8]) -> String {
    let bits: Vec<u8> =
        program.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1)).collect();
    let fives = bits
        .chunks(5)
        .map(|five| (0..5).fold(0, |value, at| value << 1 | five.get(at).copied().unwrap_or(0)));
    let data: Vec<u8> = std::iter::once(version).chain(fives).collect();
    let spread = name
        .bytes()
        .map(|b| b >> 5)
        .chain([0])
        .chain(name.bytes().map(|b| b & 31))
        .chain(data.iter().copied());
    let sum = spread.chain([0; 6]).fold(1u32, |sum, value| {
        let top = sum >> 25;
        let next = (sum & 0x1ff_ffff) << 5 ^ u32::from(value);
        [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3u32]
            .iter()
            .enumerate()
            .fold(next, |next, (bit, mask)| if top >> bit & 1 == 1 { next ^ mask } else { next })
    });
    let sum = sum ^ if version == 0 { 1 } else { 0x2bc8_30a3 };
    let tail = (0..6).map(|at| (sum >> (5 * (5 - at)) & 31) as u8);
    let letters: String =
        data.into_iter().chain(tail).map(|value| BECH32[usize::from(value)] as char).collect();
    format!("{name}1{letters}")
}

pub fn aws_key(seed: &mut Seed) -> String {
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

pub fn jwt(seed: &mut Seed) -> String {
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

pub fn private_key(seed: &mut Seed) -> String {
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
