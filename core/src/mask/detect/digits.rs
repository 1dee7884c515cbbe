//! Reads groups of digits and asks the readers of numbers what they are. Each group is tried as the start of a number;
//! what a number touches on both sides decides whether it stands alone or is part of something longer.

use super::bytes::{at, before, dash_len, dash_len_before, is_word_before, space_len, space_len_before};
use super::{Class, Classes, Found, card, cpf, label, phone, ssn};

/// Fewer digits than this are nothing that is looked for here.
pub(super) const FEWEST: u32 = 7;

/// The classes that are read from digits.
pub(super) const KINDS: Classes =
    Classes::of(Class::Card).with(Class::Phone).with(Class::Ssn).with(Class::Cpf);

/// The longest number that is looked for: `+7 (495) 123-45-67` has five, a spaced card five, a French number with its
/// country code six.
pub(super) const MOST_GROUPS: usize = 9;

/// Names that a hyphen joins to their numbers.
const NAMES: &[&[u8]] = &[
    b"phone",
    b"tel",
    b"telephone",
    b"mobile",
    b"cell",
    b"fax",
    b"call",
    b"sms",
    b"whatsapp",
    b"ssn",
    b"tin",
];
const LONGEST_NAME: usize = 16;
/// No number that is looked for is longer in one block.
const LONGEST_BLOCK: usize = 19;

/// What parts a group from the one before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Gap {
    /// Nothing but a parenthesis, or the group is the first.
    #[default]
    None,
    Space,
    Dash,
    Dot,
    Slash,
    Underscore,
    /// A dash with spaces around it.
    Wide,
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Group {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) gap: Gap,
    /// It stands in parentheses.
    pub(super) parens: bool,
}

impl Group {
    pub(super) fn len(&self) -> usize {
        self.end - self.start
    }
}

/// How a number is joined to what is beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// It ends here.
    Open,
    /// A space, then more digits.
    Digits,
    /// A word of letters and a hyphen: a name for it, or the head of some other code.
    Labelled,
    /// It is part of a longer word, date, time, price or number.
    Stuck,
}

/// Groups of digits with one separator between each.
pub(super) struct Run<'a> {
    pub(super) text: &'a [u8],
    /// Where the number starts: at its first digit, or at a plus or parenthesis before it.
    pub(super) start: usize,
    pub(super) plus: bool,
    pub(super) left: Side,
    groups: [Group; MOST_GROUPS],
    len: usize,
}

impl Run<'_> {
    pub(super) fn groups(&self) -> &[Group] {
        self.groups.get(..self.len).unwrap_or_default()
    }
    /// Every digit of these groups.
    pub(super) fn digits<'g>(&'g self, groups: &'g [Group]) -> impl Iterator<Item = u8> + Clone + use<'g> {
        groups.iter().flat_map(|group| self.text.get(group.start..group.end).unwrap_or_default()).copied()
    }
    /// One block of digits.
    pub(super) fn is_bare(&self) -> bool {
        self.groups().len() == 1
    }
    pub(super) fn is_open(&self) -> bool {
        self.groups.first().is_some_and(|group| group.parens)
    }
}

pub(super) fn scan(text: &[u8], wanted: Classes, found: &mut Vec<Found>) {
    if text.len() <= LONGEST_BLOCK
        && text.iter().map(|byte| u8::from(byte.is_ascii_digit())).sum::<u8>() as usize == text.len()
    {
        return block(text, wanted, found);
    }
    let mut from = 0;
    while let Some(start) = next_digit(text, from) {
        let last = found.len();
        let run = read_run(text, start);
        if run.left != Side::Stuck {
            read_number(&run, wanted, found);
        }
        from = if let Some(number) = found.get(last) {
            number.end
        } else if run.groups().iter().map(Group::len).sum::<usize>() < FEWEST as usize {
            // No part of it can be anything either.
            run.groups().last().map_or(start + 1, |group| group.end)
        } else {
            run.groups().first().map_or(start + 1, |group| group.end)
        };
    }
}

/// Digits and nothing else: no label says what they are, so that only check digits can.
fn block(text: &[u8], wanted: Classes, found: &mut Vec<Found>) {
    let class = if wanted.contains(Class::Card) && card::is_block(text) {
        Class::Card
    } else if wanted.contains(Class::Cpf) && text.len() == cpf::LEN && cpf::is_checked(text.iter().copied()) {
        Class::Cpf
    } else if wanted.contains(Class::Phone)
        && text.starts_with(b"00")
        && phone::range(&read_run(text, 0)).is_some()
    {
        Class::Phone
    } else {
        return;
    };
    found.push(Found { class, start: 0, end: text.len() });
}

fn read_number(run: &Run<'_>, wanted: Classes, found: &mut Vec<Found>) {
    let first = run.groups().first().map_or(run.start, |group| group.start);
    let mut put = |class, start, end| found.push(Found { class, start, end });
    if wanted.contains(Class::Card)
        && let Some(end) = card::end(run)
    {
        return put(Class::Card, first, end);
    }
    // Behind an unknown word only a check digit tells a number from an order's.
    if run.left == Side::Labelled {
        return;
    }
    if wanted.contains(Class::Cpf)
        && let Some(end) = cpf::end(run)
        && !(run.is_bare() && label::is_phone(run.text, first))
    {
        return put(Class::Cpf, first, end);
    }
    if wanted.contains(Class::Ssn)
        && let Some(end) = ssn::end(run)
    {
        return put(Class::Ssn, first, end);
    }
    if wanted.contains(Class::Phone)
        && let Some(range) = phone::range(run)
    {
        put(Class::Phone, range.start, range.end);
    }
}

fn next_digit(text: &[u8], from: usize) -> Option<usize> {
    let rest = text.get(from..)?;
    rest.iter().position(u8::is_ascii_digit).map(|at| from + at)
}

/// The groups that begin with the digit at `first`, which starts one.
#[inline(always)]
fn read_run(text: &[u8], first: usize) -> Run<'_> {
    let opened = before(text, first, 1) == b'(';
    let mut start = if opened { first - 1 } else { first };
    let plus = before(text, start, 1) == b'+';
    if plus {
        start -= 1;
    }
    let mut run = Run { text, start, plus, left: left_of(text, start), groups: Default::default(), len: 0 };
    let (mut from, mut gap, mut parens) = (first, Gap::None, opened);
    for slot in &mut run.groups {
        let digits = text.get(from..).unwrap_or_default();
        let len = digits.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(digits.len());
        let end = from + len;
        *slot = Group { start: from, end, gap, parens: parens && at(text, end) == b')' };
        run.len += 1;
        match read_gap(text, end) {
            Some((next, kind, opens)) => (from, gap, parens) = (next, kind, opens),
            None => break,
        }
    }
    run
}

/// What stands between two groups: `)`, then one separator, then `(`, each if it is there; at least one is.
fn read_gap(text: &[u8], end: usize) -> Option<(usize, Gap, bool)> {
    let mut from = end;
    if at(text, from) == b')' {
        from += 1;
    }
    let space = space_len(text, from);
    let dash = dash_len(text, from);
    let gap = match at(text, from) {
        _ if space > 0 => Gap::Space,
        _ if dash > 0 => Gap::Dash,
        b'.' => Gap::Dot,
        b'/' => Gap::Slash,
        b'_' => Gap::Underscore,
        _ => Gap::None,
    };
    from += match gap {
        Gap::None => 0,
        Gap::Space => space,
        Gap::Dash => dash,
        Gap::Dot | Gap::Slash | Gap::Underscore => 1,
        Gap::Wide => 0,
    };
    let gap = match gap {
        Gap::Space if dash_len(text, from) > 0 && space_len(text, from + dash_len(text, from)) > 0 => {
            from += dash_len(text, from);
            from += space_len(text, from);
            Gap::Wide
        }
        other => other,
    };
    let opens = at(text, from) == b'(';
    if opens {
        from += 1;
    }
    (from > end && at(text, from).is_ascii_digit()).then_some((from, gap, opens))
}

fn left_of(text: &[u8], start: usize) -> Side {
    let last = before(text, start, 1);
    // The second track of a magnetic stripe: %B, then the number of the card.
    if last == b'B' && before(text, start, 2) == b'%' {
        return Side::Open;
    }
    if is_word_before(text, start) || matches!(last, b'$' | b'+') || is_money_before(text, start) {
        return Side::Stuck;
    }
    let space = space_len_before(text, start);
    if space > 0 {
        return left_of_space(text, start - space);
    }
    let dash = dash_len_before(text, start);
    if dash > 0 && is_word_before(text, start - dash) {
        return left_of_dash(text, start - dash);
    }
    let joined = match last {
        b'/' if before(text, start, 2).is_ascii_alphabetic() => return Side::Labelled,
        b'.' | b'/' => is_word_before(text, start - 1),
        b':' => before(text, start, 2).is_ascii_digit(),
        _ => false,
    };
    if joined { Side::Stuck } else { Side::Open }
}

/// `card-4012…` names its number; what follows digits, or another hyphen, is part of a longer code.
fn left_of_dash(text: &[u8], end: usize) -> Side {
    let head = text.get(..end).unwrap_or_default();
    let len = head.iter().rev().take(LONGEST_NAME).take_while(|byte| byte.is_ascii_alphabetic()).count();
    let name = head.get(end - len..).unwrap_or_default();
    let ahead = before(text, end - len, 1);
    if name.iter().all(u8::is_ascii_hexdigit) || ahead.is_ascii_alphanumeric() || ahead == b'-' {
        Side::Stuck
    } else if NAMES.iter().any(|known| name.eq_ignore_ascii_case(known)) {
        Side::Open
    } else {
        Side::Labelled
    }
}

/// Digits before a space go with the number, unless a letter begins their word: then it may be any code.
fn left_of_space(text: &[u8], end: usize) -> Side {
    let digits =
        text.get(..end).unwrap_or_default().iter().rev().take(8).take_while(|b| b.is_ascii_digit()).count();
    if digits == 0 {
        return Side::Open;
    }
    if is_word_before(text, end - digits) { Side::Stuck } else { Side::Digits }
}

fn is_money_before(text: &[u8], start: usize) -> bool {
    let euro = [0xE2, 0x82, 0xAC];
    let (pound, yen) = ([0xC2, 0xA3], [0xC2, 0xA5]);
    let head = text.get(..start).unwrap_or_default();
    head.last().is_some_and(|byte| *byte >= 0x80)
        && (head.ends_with(&euro) || head.ends_with(&pound) || head.ends_with(&yen))
}

/// How a number that ends at `end` is joined to what follows.
pub(super) fn right_of(text: &[u8], end: usize) -> Side {
    let next = at(text, end);
    let space = space_len(text, end);
    if space > 0 {
        return if at(text, end + space).is_ascii_digit() { Side::Digits } else { Side::Open };
    }
    let dash = dash_len(text, end);
    let joined = match next {
        _ if dash > 0 => at(text, end + dash).is_ascii_alphanumeric(),
        b'.' | b'/' => at(text, end + 1).is_ascii_alphanumeric(),
        b':' => at(text, end + 1).is_ascii_digit(),
        b'%' => true,
        _ => next.is_ascii_alphanumeric(),
    };
    if joined { Side::Stuck } else { Side::Open }
}
