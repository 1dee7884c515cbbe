//! Base58 with a check sum (Base58Check): what Bitcoin and its kin write addresses and keys in.

use sha2::{Digest, Sha256};

const BITCOIN: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const RIPPLE: &[u8; 58] = b"rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz";
/// The longest word that is read: an extended key has 82 bytes.
const MOST: usize = 82;

pub(super) fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() && !matches!(byte, b'0' | b'O' | b'I' | b'l')
}

/// How many bytes the word stands for without its check sum, if that is right in either alphabet.
pub(super) fn checked_len(word: &[u8]) -> Option<usize> {
    read(word, BITCOIN).or_else(|| if word.first() == Some(&b'r') { read(word, RIPPLE) } else { None })
}

fn read(word: &[u8], alphabet: &[u8; 58]) -> Option<usize> {
    let mut bytes = [0u8; MOST];
    let mut used = 0;
    for letter in word {
        let mut carry = u32::try_from(memchr::memchr(*letter, alphabet)?).ok()?;
        for place in bytes.iter_mut().rev().take(used) {
            carry += u32::from(*place) * 58;
            *place = (carry & 0xFF) as u8;
            carry >>= 8;
        }
        while carry > 0 {
            used += 1;
            *bytes.get_mut(MOST.checked_sub(used)?)? = (carry & 0xFF) as u8;
            carry >>= 8;
        }
    }
    let zeros = word.iter().take_while(|letter| Some(*letter) == alphabet.first()).count();
    let len = used + zeros;
    let payload = bytes.get(MOST.checked_sub(len)?..)?;
    let (body, sum) = payload.split_at_checked(len.checked_sub(4)?)?;
    (Sha256::digest(Sha256::digest(body)).as_slice().get(..4)? == sum).then_some(body.len())
}
