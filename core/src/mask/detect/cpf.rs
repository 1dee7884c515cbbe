//! Brazil's numbers of taxpayers (CPF): eleven digits, the last two of which check the others.

use super::digits::{Gap, Run, Side, right_of};

pub(super) const LEN: usize = 11;

/// Where the number that starts this run ends.
pub(super) fn end(run: &Run<'_>) -> Option<usize> {
    let groups = run.groups();
    let whole = groups.first().is_some_and(|first| first.len() == LEN);
    let mut lens = [0usize; 4];
    lens.iter_mut().zip(groups).for_each(|(len, group)| *len = group.len());
    let count = match lens {
        _ if whole => 1,
        [9, 2, ..] => 2,
        [3, 3, 3, 2] => 4,
        _ => return None,
    };
    let groups = groups.get(..count)?;
    let last = groups.last()?;
    let other =
        run.plus || (run.is_open() && !whole) || groups.iter().skip(1).any(|group| group.gap == Gap::None);
    let firm = whole || groups.iter().any(|group| matches!(group.gap, Gap::Dot | Gap::Dash));
    let (left, right) = (run.left == Side::Open, right_of(run.text, last.end));
    if other || right == Side::Stuck || !(firm || (left && right == Side::Open)) {
        return None;
    }
    is_checked(run.digits(groups)).then_some(last.end)
}

/// Eleven digits of which the last two are right. The same digit eleven times would be, and is never given.
pub(super) fn is_checked(digits: impl Iterator<Item = u8>) -> bool {
    let mut number = [0u32; LEN];
    let mut count = 0;
    for digit in digits {
        let Some(place) = number.get_mut(count) else { return false };
        *place = u32::from(digit.wrapping_sub(b'0'));
        count += 1;
    }
    let check = |len: u32| {
        let sum: u32 = number.iter().zip((2..=len + 1).rev()).map(|(digit, weight)| digit * weight).sum();
        sum * 10 % 11 % 10
    };
    let [first, .., tenth, eleventh] = number;
    count == LEN
        && number.iter().all(|digit| *digit <= 9)
        && number.iter().any(|digit| *digit != first)
        && check(9) == tenth
        && check(10) == eleventh
}
