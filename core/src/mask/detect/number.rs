//! Reads a number that its column, or its place in a document, says is one. What people write as digits has lost the
//! zeros in front there, and may have got a fraction or an exponent.

use super::class::{Class, Classes, Found};
use super::hint::Hint;
use super::{cpf, named, scan};

/// No number of a person or card is longer.
const LONGEST: usize = 19;
/// Shorter ones are counts, years and prices, whatever their column is called.
const SHORTEST: usize = 5;
/// A telephone number without the code of its area.
const SHORTEST_PHONE: usize = 7;
/// From here on digits alone may be something: taxpayers, cards.
const TELLING: usize = 11;

/// Which of the wanted kinds this number is, as its name and its digits say. `found` is left as it was.
pub fn read_number(text: &[u8], wanted: Classes, hint: Hint, found: &mut Vec<Found>) -> Option<Class> {
    let promised = hint.class.filter(|class| wanted.contains(*class) && Classes::IN_NUMBERS.contains(*class));
    if promised.is_none() && text.len() < TELLING {
        return None;
    }
    let mut room = [b'0'; LONGEST + 1];
    let digits = whole(text, &mut room)?;
    if digits.len() < SHORTEST {
        return None;
    }
    promised.filter(|class| is_named(*class, digits)).or_else(|| by_looks(digits, wanted, hint, found))
}

fn by_looks(digits: &[u8], wanted: Classes, hint: Hint, found: &mut Vec<Found>) -> Option<Class> {
    let wanted = hint.rules_out(wanted).both(Classes::OF_DIGITS);
    if digits.len() < TELLING || wanted.is_empty() {
        return None;
    }
    let before = found.len();
    scan(digits, wanted, found);
    let class = found.get(before).map(|one| one.class);
    found.truncate(before);
    class
}

fn is_named(class: Class, digits: &[u8]) -> bool {
    let mut room = [b'0'; 11];
    match class {
        Class::Ssn => padded(digits, 7, &mut room, 9).is_some_and(named::is_bare_ssn),
        Class::Cpf => {
            padded(digits, 9, &mut room, 11).is_some_and(|all| cpf::is_checked(all.iter().copied()))
        }
        Class::Card => named::is_bare_card(digits),
        Class::Phone => (SHORTEST_PHONE..=15).contains(&digits.len()),
        // Packed days, seconds and days since an epoch: nobody can tell which, and all of them are.
        Class::BirthDate => true,
        _ => false,
    }
}

/// The digits with the zeros that a number has lost, where at least `least` of `len` are left.
fn padded<'a>(digits: &[u8], least: usize, room: &'a mut [u8; 11], len: usize) -> Option<&'a [u8]> {
    let missing = len.checked_sub(digits.len()).filter(|_| digits.len() >= least)?;
    room.get_mut(missing..len)?.copy_from_slice(digits);
    room.get(..len)
}

/// The digits of a whole number however it is written: `-4.1e3`, `4100`, `4100.00`. `None`: it has a fraction, or is too
/// long.
fn whole<'a>(text: &'a [u8], room: &'a mut [u8; LONGEST + 1]) -> Option<&'a [u8]> {
    let text = text.strip_prefix(b"-").unwrap_or(text);
    let is_digits = |part: &[u8]| part.iter().all(u8::is_ascii_digit);
    if is_digits(text) {
        return Some(without_zeros(text)).filter(|digits| digits.len() <= LONGEST);
    }
    let power = text.iter().position(|byte| matches!(byte, b'e' | b'E'));
    let (number, power) = match power {
        None => (text, 0),
        Some(at) => (text.get(..at)?, std::str::from_utf8(text.get(at + 1..)?).ok()?.parse::<i32>().ok()?),
    };
    let point = memchr::memchr(b'.', number).unwrap_or(number.len());
    let (before, after) = (number.get(..point)?, number.get(point + 1..).unwrap_or_default());
    let after = after.get(..after.iter().rposition(|byte| *byte != b'0').map_or(0, |at| at + 1))?;
    if !is_digits(before) || !is_digits(after) {
        return None;
    }
    // Where the point stands once the power is applied: behind all digits, or there is a fraction.
    let length = usize::try_from(i32::try_from(before.len()).ok()?.checked_add(power)?).ok()?;
    if length < before.len() + after.len() && !after.is_empty() || length > room.len() {
        return None;
    }
    let mut digits = before.iter().chain(after);
    for place in room.get_mut(..length)? {
        *place = digits.next().copied().unwrap_or(b'0');
    }
    if digits.any(|digit| *digit != b'0') {
        return None;
    }
    Some(without_zeros(room.get(..length)?)).filter(|digits| digits.len() <= LONGEST)
}

fn without_zeros(digits: &[u8]) -> &[u8] {
    let first = digits.iter().position(|digit| *digit != b'0').unwrap_or(digits.len());
    digits.get(first..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mask::detect::hint;

    fn read(name: &str, text: &str) -> Option<Class> {
        read_number(text.as_bytes(), Classes::all(), hint(name), &mut Vec::new())
    }

    #[test]
    fn whatever_a_type_makes_of_the_digits() {
        for text in [
            "4111111111111111",
            "4111111111111111.00",
            "4.111111111111111e+15",
            "4.111111111111111E15",
            "41111111111111.11e2",
        ] {
            assert_eq!(read("n", text), Some(Class::Card), "{text}");
        }
        for text in [
            "4111111111111112",
            "4111111111111111.5",
            "0.4111111111111111",
            "4111111111111111e1",
            "NaN",
            "1e400",
            "-",
            "",
        ] {
            assert_eq!(read("n", text), None, "{text}");
        }
        assert_eq!(read("tracking_number", "4111111111111111"), None);
    }

    #[test]
    fn zeros_in_front_are_given_back() {
        assert_eq!(read("ssn", "219456789"), Some(Class::Ssn));
        assert_eq!(read("ssn", "1010001"), Some(Class::Ssn));
        assert_eq!(read("ssn", "1010000"), None);
        assert_eq!(read("cpf", "191"), None);
        assert_eq!(read("cpf", "1234567890"), Some(Class::Cpf));
        assert_eq!(read("phone", "14155552671"), Some(Class::Phone));
        assert_eq!(read("phone", "12345"), None);
        assert_eq!(read("dob", "19850304"), Some(Class::BirthDate));
        assert_eq!(read("birth_date", "-473385600"), Some(Class::BirthDate));
        assert_eq!(read("n", "219456789"), None);
    }
}
