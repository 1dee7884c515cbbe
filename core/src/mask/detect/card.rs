//! Payment cards: a known issuer range, a length that the issuer uses, groups as they are printed, and Luhn's check
//! digit (ISO/IEC 7812-1).

use super::digits::{Gap, Group, Run, Side, right_of};

const LONGEST: usize = 19;

/// Where the card that starts this run ends.
pub(super) fn end(run: &Run<'_>) -> Option<usize> {
    let mut digits = [0u8; LONGEST];
    let mut len = 0;
    let mut best = None;
    if run.left == Side::Digits && is_in_fours(run) {
        return None;
    }
    for (index, group) in run.groups().iter().enumerate() {
        // Parentheses around all of it are the sentence's.
        if (group.parens && group.len() < 12) || (index > 0 && group.gap == Gap::None) {
            break;
        }
        let block = run.text.get(group.start..group.end).unwrap_or_default();
        digits
            .get_mut(len..len + block.len())?
            .iter_mut()
            .zip(block)
            .for_each(|(place, byte)| *place = byte - b'0');
        len += block.len();
        let number = digits.get(..len).unwrap_or_default();
        let printed = run.groups().get(..=index).unwrap_or_default();
        if len >= 12
            && is_printed_so(printed)
            && is_issued(number)
            && luhn(number)
            && right_of(run.text, group.end) != Side::Stuck
        {
            best = Some(group.end);
        }
        if len == LONGEST {
            break;
        }
    }
    best
}

/// A text of digits alone.
pub(super) fn is_block(text: &[u8]) -> bool {
    let mut digits = [0u8; LONGEST];
    let Some(digits) = digits.get_mut(..text.len()).filter(|digits| digits.len() >= 12) else { return false };
    digits.iter_mut().zip(text).for_each(|(place, byte)| *place = byte.wrapping_sub(b'0'));
    is_issued(digits) && luhn(digits)
}

/// More digits in fours stand before it: it is the tail of a longer number.
fn is_in_fours(run: &Run<'_>) -> bool {
    let head = run.text.get(..run.start).unwrap_or_default().trim_ascii_end();
    let ahead = head.iter().rev().take(5).take_while(|byte| byte.is_ascii_digit()).count();
    ahead == 4 && run.groups().first().is_some_and(|first| first.len() == 4)
}

/// One block; fours; or the blocks that American Express, Diners and Maestro print.
fn is_printed_so(groups: &[Group]) -> bool {
    let Some((last, rest)) = groups.split_last() else { return false };
    let mut lens = [0usize; 3];
    lens.iter_mut().zip(groups).for_each(|(len, group)| *len = group.len());
    match groups.len() {
        1 => true,
        2 => lens.starts_with(&[8, 8]) || lens.starts_with(&[6, 13]) || lens.starts_with(&[6, 10]),
        3 if matches!(lens, [4, 6, 4 | 5] | [6, 4, 6]) => true,
        _ => rest.iter().all(|group| group.len() == 4) && last.len() <= 4,
    }
}

fn is_issued(number: &[u8]) -> bool {
    let prefix = number.iter().take(6).fold(0u32, |all, digit| all * 10 + u32::from(*digit));
    let len = number.len();
    match prefix {
        // Visa
        400_000..=499_999 => matches!(len, 13 | 16 | 18 | 19),
        // Mastercard
        510_000..=559_999 | 222_100..=272_099 => len == 16,
        // American Express
        340_000..=349_999 | 370_000..=379_999 => len == 15,
        // Diners Club
        300_000..=305_999 | 309_500..=309_599 | 360_000..=369_999 | 380_000..=399_999 => {
            (14..=19).contains(&len)
        }
        // JCB
        352_800..=358_999 => (16..=19).contains(&len),
        // Discover and RuPay
        600_000..=610_999 | 644_000..=659_999 | 820_000..=829_999 => (16..=19).contains(&len),
        // UnionPay
        620_000..=629_999 | 810_000..=819_999 => (16..=19).contains(&len),
        // Mir
        220_000..=220_499 => (16..=19).contains(&len),
        // Verve, Elo, RuPay and Dankort
        501_800..=501_899 | 502_000..=502_099 | 503_800..=503_899 => (12..=19).contains(&len),
        500_000..=509_999 => (16..=19).contains(&len),
        // Maestro and its kin
        630_400..=630_499 | 675_900..=675_999 | 676_100..=676_399 => (12..=19).contains(&len),
        560_000..=589_999 | 630_000..=643_999 | 660_000..=699_999 => (15..=19).contains(&len),
        // Troy
        979_200..=979_299 => len == 16,
        _ => false,
    }
}

/// Every second digit from the right counts twice, and its two digits each for itself.
#[inline]
pub(super) fn luhn(number: &[u8]) -> bool {
    let twice = |digit: u8| digit * 2 - if digit > 4 { 9 } else { 0 };
    let (first, pairs) = number.as_rchunks::<2>();
    let sum: u32 = pairs.iter().map(|[left, right]| u32::from(twice(*left) + right)).sum();
    (sum + first.iter().map(|digit| u32::from(*digit)).sum::<u32>()).is_multiple_of(10)
}
