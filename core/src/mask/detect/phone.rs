//! Telephone numbers: international with a plus or a dialling prefix, North American, and the national spellings that
//! are told from other numbers by their separators. Bare digits are none of it.

use super::bytes::{at, space_len};
use super::digits::{Gap, Group, Run, Side, right_of};
use super::{label, plans};
use std::ops::Range;

/// The number that starts this run, with its extension.
pub(super) fn range(run: &Run<'_>) -> Option<Range<usize>> {
    (1..=run.groups().len()).rev().find_map(|count| {
        let groups = run.groups().get(..count)?;
        let last = groups.last()?;
        let extension = extension_end(run.text, last.end);
        let right = if extension.is_some() { Side::Open } else { right_of(run.text, last.end) };
        if right == Side::Stuck {
            return None;
        }
        // Among other spaced digits only a spelling that holds itself together stands out.
        let alone = run.left == Side::Open && right == Side::Open;
        let firm =
            run.plus || groups.iter().any(|group| group.parens || matches!(group.gap, Gap::Dash | Gap::Dot));
        let fits = (alone || firm) && is_even(groups) && is_phone(run, groups);
        fits.then(|| start_of(run)..extension.unwrap_or(last.end))
    })
}

fn start_of(run: &Run<'_>) -> usize {
    let first = run.groups().first().map_or(run.start, |group| group.start);
    // A parenthesis that closes much later belongs to the sentence.
    if run.plus || run.is_open() { run.start } else { first }
}

/// Dots and slashes do not mix with other separators, but for the one after the first group.
fn is_even(groups: &[Group]) -> bool {
    let gaps = || groups.iter().skip(2).map(|group| group.gap);
    !gaps().any(|gap| matches!(gap, Gap::Slash | Gap::Underscore))
        && !groups.iter().any(|group| group.gap == Gap::Underscore)
        && (!gaps().any(|gap| gap == Gap::Dot) || gaps().all(|gap| gap == Gap::Dot))
}

fn is_phone(run: &Run<'_>, groups: &[Group]) -> bool {
    let Some(first) = groups.first() else { return false };
    let total: usize = groups.iter().map(Group::len).sum();
    if run.plus {
        let enough = if groups.len() == 1 { 8 } else { 7 };
        return total >= enough && total <= 16 && has_country(run.digits(groups), total);
    }
    if groups.len() < 2 {
        return is_bare(run, *first, total);
    }
    let mut digits = run.digits(groups);
    match (digits.next(), digits.next()) {
        (Some(b'0'), Some(b'0')) => {
            (11..=17).contains(&total) && first.len() <= 5 && has_country(digits, total - 2)
        }
        (Some(b'0'), Some(b'1')) if first.len() == 3 && total > 12 && starts_with(run, groups, b"011") => {
            digits.next();
            total <= 18 && has_country(digits, total - 3)
        }
        (Some(b'0'), _) => is_trunk(groups, total) && (total > 8 || starts_with(run, groups, b"0800")),
        _ => is_north_american(run, groups) || is_in_parens(run, groups, total) || is_national(run, groups),
    }
}

/// One block: only behind a dialling prefix, or where the text itself calls it a phone.
fn is_bare(run: &Run<'_>, group: Group, total: usize) -> bool {
    if run.left != Side::Open || right_of(run.text, group.end) != Side::Open {
        return false;
    }
    let mut digits = run.digits(std::slice::from_ref(&group));
    ((7..=15).contains(&total) && label::is_phone(run.text, group.start))
        || ((12..=16).contains(&total)
            && digits.next() == Some(b'0')
            && digits.next() == Some(b'0')
            && run.text.len() == total
            && !is_article(run.digits(std::slice::from_ref(&group)))
            && has_country(digits, total - 2))
}

/// Thirteen digits with the check digit of a bar code (EAN-13): articles are padded with zeros as well.
fn is_article(digits: impl Iterator<Item = u8>) -> bool {
    let (count, sum) = digits.fold((0, 0u32), |(count, sum), digit| {
        (count + 1, sum + u32::from(digit - b'0') * if count % 2 == 0 { 1 } else { 3 })
    });
    count == 13 && sum.is_multiple_of(10)
}

fn starts_with(run: &Run<'_>, groups: &[Group], prefix: &[u8]) -> bool {
    run.digits(groups).take(prefix.len()).eq(prefix.iter().copied())
}

/// `212-555-0143`, `(212) 555-0143`, `1.212.555.0143`.
fn is_north_american(run: &Run<'_>, groups: &[Group]) -> bool {
    let groups = match groups {
        [one, rest @ ..] if one.len() == 1 && at(run.text, one.start) == b'1' => rest,
        all => all,
    };
    let in_parens = groups.first().is_some_and(|area| area.parens);
    let shape = match groups {
        [area, exchange, line] => area.len() == 3 && exchange.len() == 3 && line.len() == 4,
        [area, line] => in_parens && area.len() == 3 && line.len() == 7,
        _ => false,
    };
    let given = |group: Option<&Group>| group.is_some_and(|group| at(run.text, group.start) >= b'2');
    // No exchange begins with one, but made-up numbers do, and hyphens leave little doubt.
    let hyphens = groups.iter().skip(1).all(|group| group.gap == Gap::Dash);
    let exchange = given(groups.get(1))
        || (hyphens && groups.get(1).is_some_and(|group| at(run.text, group.start) == b'1'));
    shape && (in_parens || (given(groups.first()) && exchange))
}

/// A trunk zero: `020 7946 0958`, `06 12 34 56 78`, `0171-1234567`, `03-1234-5678`.
fn is_trunk(groups: &[Group], total: usize) -> bool {
    let mut lens = [0usize; 6];
    lens.iter_mut().zip(groups).for_each(|(len, group)| *len = group.len());
    // Indonesia: 0812-3456-7890
    let fours = lens == [4, 4, 4, 0, 0, 0] && groups.get(2).is_some_and(|group| group.gap == Gap::Dash);
    let few = groups.len() <= 5 && (total <= 11 || (total == 12 && (groups.len() == 2 || fours)));
    // Turkey: 0 (532) 123 45 67
    let zero = lens[0] == 1 && groups.get(1).is_some_and(|group| group.parens);
    let rest = if zero { groups.get(1..).unwrap_or_default() } else { groups };
    let sizes =
        (zero || (2..=6).contains(&lens[0])) && rest.iter().all(|group| (2..=8).contains(&group.len()));
    // A date with an hour, a social security number, a postal code of nine digits.
    let other =
        lens.starts_with(&[2, 2, 4]) || lens.starts_with(&[3, 2, 4, 0]) || lens.starts_with(&[5, 4, 0]);
    let free = lens.starts_with(&[4, 4, 0]) && total == 8;
    (total >= 9 || free) && few && sizes && !other
}

/// `(11) 91234-5678`, `(55) 1234 5678`. A year in parentheses is none.
fn is_in_parens(run: &Run<'_>, groups: &[Group], total: usize) -> bool {
    let Some((area, rest)) = groups.split_first() else { return false };
    let year = area.len() == 4 && (starts_with(run, groups, b"19") || starts_with(run, groups, b"20"));
    area.parens
        && !year
        && (2..=5).contains(&area.len())
        && (8..=12).contains(&total)
        && rest.iter().all(|group| (2..=8).contains(&group.len()))
}

/// Spellings without a leading zero that no other number shares.
fn is_national(run: &Run<'_>, groups: &[Group]) -> bool {
    let first = groups.first().map_or(0, |group| at(run.text, group.start));
    let mut lens = [0usize; 6];
    lens.iter_mut().zip(groups).for_each(|(len, group)| *len = group.len());
    let gap = |index: usize| groups.get(index).map(|group| group.gap);
    let spaced = groups.iter().skip(1).all(|group| group.gap == Gap::Space);
    // Spaced groups that could be a price are a number only where they are all of the text.
    let whole = run.start == 0 && groups.last().is_some_and(|last| last.end == run.text.len());
    match lens {
        // Russia: 8 (495) 123-45-67
        [1, 3, 3, 2, 2, 0] => (first == b'8' || first == b'7') && gap(1) != Some(Gap::Dot),
        // Spain: 612 34 56 78, 91 123 45 67
        [3, 2, 2, 2, 0, 0] => matches!(first, b'6'..=b'9'),
        // With dots it is an address of the network.
        [2, 3, 2, 2, 0, 0] => matches!(first, b'8' | b'9') && gap(1) != Some(Gap::Dot),
        // Italy: 347 123 4567
        [3, 3, 4, 0, 0, 0] => (first == b'3' || (whole && first > b'1')) && spaced,
        // Poland, Spain, Czechia: 601 234 567; Denmark, Norway: 22 12 34 56; Singapore, Hong Kong: 9123 4567
        [3, 3, 3, 0, 0, 0] => whole && spaced && first > b'3',
        [2, 2, 2, 2, 0, 0] => whole && spaced && first > b'1',
        [4, 4, 0, 0, 0, 0] => whole && spaced && matches!(first, b'3' | b'5' | b'6' | b'8' | b'9'),
        // Australia: 1300 123 456
        [4, 3, 3, 0, 0, 0] => {
            spaced && (starts_with(run, groups, b"1300") || starts_with(run, groups, b"1800"))
        }
        // China: 138 0013 8000
        [3, 4, 4, 0, 0, 0] => {
            first == b'1' && at(run.text, groups.first().map_or(0, |group| group.start + 1)) > b'2'
        }
        // Brazil: 11 91234-5678; Mexico: 55 1234 5678
        [2, 5, 4, 0, 0, 0] => gap(2) == Some(Gap::Dash),
        [2, 4, 4, 0, 0, 0] => first >= b'2',
        // India: 98765 43210
        [5, 5, 0, 0, 0, 0] => matches!(first, b'6'..=b'9') && matches!(gap(1), Some(Gap::Space | Gap::Dash)),
        _ => false,
    }
}

/// A country code that is in use, and as many digits after it as its plan allows. Some write the zero of the country
/// itself after the code.
fn has_country(digits: impl Iterator<Item = u8> + Clone, total: usize) -> bool {
    let Some((code, plan)) = plans::national(digits.clone()) else { return false };
    let zero = digits.clone().nth(code) == Some(b'0');
    total >= 7 && (plan.contains(&(total - code)) || (zero && plan.contains(&(total - code - 1))))
}

/// `x123`, ` ext. 123`: where it ends.
fn extension_end(text: &[u8], end: usize) -> Option<usize> {
    let mut from = end + space_len(text, end);
    let word = text.get(from..from + 3).unwrap_or_default();
    from += if word.eq_ignore_ascii_case(b"ext") {
        3
    } else {
        usize::from(matches!(at(text, from), b'x' | b'X' | b'#'))
    };
    if from == end + space_len(text, end) {
        return None;
    }
    from += usize::from(at(text, from) == b'.');
    from += space_len(text, from);
    let digits = text.get(from..)?.iter().take_while(|byte| byte.is_ascii_digit()).count();
    ((1..=6).contains(&digits) && !at(text, from + digits).is_ascii_alphanumeric()).then_some(from + digits)
}
