//! Bech32 and Bech32m (BIP 173, BIP 350), and the address format of Bitcoin Cash: letters with a check sum.

const LETTERS: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
const FEWEST: usize = 12;

/// A name, a one, and letters whose check sum is right.
pub(super) fn is_checked(word: &[u8]) -> bool {
    let Some(one) = memchr::memrchr(b'1', word) else { return false };
    let (name, data) = (word.get(..one).unwrap_or_default(), word.get(one + 1..).unwrap_or_default());
    if name.is_empty() || name.len() > 16 || data.len() < FEWEST || !is_one_case(word) {
        return false;
    }
    let high = name.iter().map(|byte| byte.to_ascii_lowercase() >> 5);
    let low = name.iter().map(|byte| byte & 31);
    let head = high.chain([0]).chain(low).fold(1, |sum, value| step(sum, u32::from(value)));
    let sum = data.iter().try_fold(head, |sum, byte| Some(step(sum, value(*byte)?)));
    matches!(sum, Some(1 | 0x2bc8_30a3))
}

fn is_one_case(word: &[u8]) -> bool {
    !(word.iter().any(u8::is_ascii_uppercase) && word.iter().any(u8::is_ascii_lowercase))
}

fn value(byte: u8) -> Option<u32> {
    memchr::memchr(byte.to_ascii_lowercase(), LETTERS).and_then(|at| u32::try_from(at).ok())
}

fn step(sum: u32, value: u32) -> u32 {
    const BITS: [u32; 5] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];
    let top = sum >> 25;
    BITS.iter().enumerate().fold(((sum & 0x1ff_ffff) << 5) ^ value, |sum, (bit, mask)| {
        if top >> bit & 1 == 1 { sum ^ mask } else { sum }
    })
}

/// The address of Bitcoin Cash without its prefix.
pub(super) fn is_cash(word: &[u8]) -> bool {
    const BITS: [u64; 5] = [0x98_f2bc_8e61, 0x79_b76d_99e2, 0xf3_3e5f_b3c4, 0xae_2eab_e2a8, 0x1e_4f43_e470];
    let step = |sum: u64, value: u64| {
        let top = sum >> 35;
        BITS.iter().enumerate().fold(((sum & 0x07_ffff_ffff) << 5) ^ value, |sum, (bit, mask)| {
            if top >> bit & 1 == 1 { sum ^ mask } else { sum }
        })
    };
    let head = b"bitcoincash".iter().map(|byte| u64::from(byte & 31)).chain([0]).fold(1, step);
    let sum = word.iter().try_fold(head, |sum, byte| Some(step(sum, u64::from(value(*byte)?))));
    sum == Some(1)
}
