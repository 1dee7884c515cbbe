//! Addresses of crypto-currencies, by the check sums that they carry. Two carry none that is read here: Ethereum's, whose
//! spelling in capitals is optional, and Monero's; their lengths and alphabets are long enough to tell them.

use super::{Class, base58, bech32};

const SHORTEST: usize = 25;

/// What a word of letters and digits is.
pub(super) fn class(word: &[u8]) -> Option<Class> {
    if word.len() < SHORTEST {
        return None;
    }
    let first = word.first().copied().unwrap_or(0);
    match word.len() {
        42 if is_ethereum(word) => return Some(Class::Coin),
        42 if matches!(first, b'q' | b'p' | b'Q' | b'P') && bech32::is_cash(word) => {
            return Some(Class::Coin);
        }
        56 if matches!(first, b'G' | b'S') => return stellar(word),
        95 | 106 if matches!(first, b'4' | b'8') && word.iter().all(|byte| base58::is_letter(*byte)) => {
            return Some(Class::Coin);
        }
        _ => {}
    }
    if bech32::is_checked(word) {
        return Some(bech32_class(word));
    }
    if matches!(word.len(), SHORTEST..=36 | 51 | 52 | 58 | 111) && is_mixed(word) {
        return match base58::checked_len(word)? {
            // A version of one to three bytes and a hash of twenty.
            21..=23 => Some(Class::Coin),
            // A key in the format that wallets import, an encrypted one, an extended one.
            33 | 34 | 39 => Some(Class::PrivateKey),
            78 if word.starts_with(b"xprv") || word.get(1..4) == Some(b"prv") => Some(Class::PrivateKey),
            78 => Some(Class::Coin),
            _ => None,
        };
    }
    None
}

fn is_ethereum(word: &[u8]) -> bool {
    matches!(word, [b'0', b'x' | b'X', rest @ ..] if rest.iter().all(u8::is_ascii_hexdigit))
}

/// A secret key of Nostr or age is no address, and a public one is nobody's money.
fn bech32_class(word: &[u8]) -> Class {
    let secret = [b"nsec1".as_slice(), b"NSEC1"].iter().any(|name| word.starts_with(name));
    if secret { Class::PrivateKey } else { Class::Coin }
}

/// Capitals and small letters, and none that base 58 leaves out: cheap to ask before reading the number.
fn is_mixed(word: &[u8]) -> bool {
    word.iter().all(|byte| base58::is_letter(*byte))
        && word.iter().any(u8::is_ascii_uppercase)
        && word.iter().any(u8::is_ascii_lowercase)
}

/// A version, 32 bytes and CRC-16/XMODEM in base 32.
fn stellar(word: &[u8]) -> Option<Class> {
    let mut bytes = [0u8; 35];
    let (mut bits, mut held, mut places) = (0u32, 0u32, bytes.iter_mut());
    for letter in word {
        let value = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'2'..=b'7' => letter - b'2' + 26,
            _ => return None,
        };
        bits = (bits << 5 | u32::from(value)) & 0xFFFF;
        held += 5;
        if held >= 8 {
            held -= 8;
            *places.next()? = (bits >> held) as u8;
        }
    }
    let (body, sum) = bytes.split_at_checked(33)?;
    let crc = body.iter().fold(0u16, |crc, byte| {
        (0..8)
            .fold(crc ^ u16::from(*byte) << 8, |crc, _| crc << 1 ^ if crc & 0x8000 == 0 { 0 } else { 0x1021 })
    });
    let address = word.first() == Some(&b'G');
    (sum == crc.to_le_bytes()).then_some(if address { Class::Coin } else { Class::PrivateKey })
}
