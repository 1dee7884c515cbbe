//! What looks like a sensitive value and is none.

use super::positives::luhn;
use super::seed::Seed;

/// Filled as they stand: [`Seed::fill`].
#[rustfmt::skip]
const PATTERNS: &[&str] = &[
    "hhhhhhhh-hhhh-4hhh-8hhh-hhhhhhhhhhhh", "########-####-4###-8###-############", "hhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhh",
    "hhhhhhh", "sha256:hhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhh", "ORD-%#######", "INV-2024-######",
    "112-#######-#######", "PO #######", "$%,###,###.##", "%## ###,## €", "%.###.###,##", "£%###.##", "978-%-##-######-#",
    "%-####-####-#", "1Z^^%##########", "JD0146000########", "94001#################", "RR#########DE", "v%.##.#", "%.#.#-rc.#",
    "10.0.#####.####", "%#.######, -%#.######", "-%#.#######", "logo@2x.png", "icon-%#@3x.webp", "_____@____", "root@db-%#",
    "_____._____.______", "com.______.____", "hhhh:hhhh:hhhh:hhhh:hhhh:hhhh:hhhh", "hh:hh:hh:hh:hh", "hh:hh:hh:hh:hh:hh:hh:hh:hh:hh:hh:hh:hh:hh:hh:hh",
    "hh-hh-hh-hh-hh", "v%.%#.#.##", "%.%.%.%.%#.#", "Chrome/%##.0.%.%", "26%.%#.#.%", "std::___::_____", "x::int + 5::____", "req_hhhhhhhhhhhhhhhh", "%#########", "%########", "17###########", "1##################", "%#%",
    "%## %##", "%#:##:##.######", "^^^ ### ^^", "ISSN %###-####", "#####-####", "+%#.##", "+0%:30", "SKU-####-####-##",
    "@_______", "_______@%.#.#", "git@github.com:____/____.git", "https://db.example.com:8443/x@2", "redis://:@cache:6379", "postgres://app:${DB_PASSWORD}@db/x", "sk_live_key_of_our_shop", "npm_config_cache_folder_min", "0xhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhh",
    "###.###.###-4", "bc1q____________________________________", "^^^%%____^^^%%____^^^%%____^^%", "AKIA^^^^^^^^",
    "^^^^^^^^^^^^^^^^^^^^", "eyJ_______.______", "-----BEGIN CERTIFICATE-----", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA^^__##^^__##",
    "lot %####/%#", "%####-%####-%###", "A%-B%#-C%##", "x=%##,y=%##", "%### x %###", "000-##-####", "9##-##-####", "666-##-####",
    "123-456-7890",
];

pub fn value(index: usize, seed: &mut Seed) -> String {
    if index.is_multiple_of(2) {
        let pattern = PATTERNS[index / 2 % PATTERNS.len()];
        return seed.fill(pattern);
    }
    let (year, month, day) = (seed.between(1970, 2030), seed.between(1, 12), seed.between(1, 28));
    let (hour, minute, second) = (seed.below(24), seed.below(60), seed.below(60));
    match index / 2 % 18 {
        0 => format!("{year}-{month:02}-{day:02}"),
        1 => format!("{day:02}.{month:02}.{year}"),
        2 => format!("{month:02}/{day:02}/{year} {hour:02}:{minute:02}"),
        3 => format!("{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"),
        4 => format!(
            "{year}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}.{:06}+00",
            seed.below(999_999)
        ),
        5 => format!("{year}{month:02}{day:02}{hour:02}{minute:02}{second:02}"),
        6 => format!("{day:02}-{month:02}-{year} {hour:02}:{minute:02}"),
        7 | 8 => {
            // One number too many, or too great.
            let parts: Vec<_> = (0..4).map(|_| seed.below(256).to_string()).collect();
            if index.is_multiple_of(3) {
                format!("{}.{}", parts.join("."), seed.below(99))
            } else {
                format!("{}.{}", parts[..3].join("."), seed.between(256, 999))
            }
        }
        9 | 10 => {
            // A card but for its check digit, in one block or in fours.
            let head = seed.fill("4##############");
            let number = format!("{head}{}", (usize::from(luhn(&head)) + seed.between(1, 9)) % 10);
            if index.is_multiple_of(3) {
                return number;
            }
            format!("{} {} {} {}", &number[..4], &number[4..8], &number[8..12], &number[12..])
        }
        11 => {
            // An EAN-13.
            let head = seed.fill("############");
            let sum: u32 =
                (0u32..).zip(head.bytes()).map(|(at, b)| u32::from(b - b'0') * (1 + at % 2 * 2)).sum();
            format!("{head}{}", (10 - sum % 10) % 10)
        }
        12 => {
            // A device's number has Luhn's digit as well.
            let head = seed.fill("35############");
            format!("{head}{}", luhn(&head))
        }
        13 => seed.letters("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", 64),
        14 => seed.letters("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", 40),
        15 => format!("DE{:02} {}", seed.below(2), seed.fill("#### #### #### #### ##")),
        16 => format!("{}.{}", seed.below(999), seed.fill("################")),
        _ => {
            format!("{hour:02}:{minute:02}:{second:02} up {} days, load 0.{:02} 1.{:02}", day, minute, second)
        }
    }
}
