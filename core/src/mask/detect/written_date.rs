//! Whether a value whose column holds dates of birth is a date, as people and programs write them.

/// Years in which somebody who is written down was born.
const YEARS: std::ops::RangeInclusive<u32> = 1850..=2099;

pub(super) fn is_date(value: &str) -> bool {
    if value.len() > 48 {
        return false;
    }
    let date = without_time(value);
    if date.len() == 8 && date.bytes().all(|byte| byte.is_ascii_digit()) {
        return is_packed(date);
    }
    let mut numbers = [0u32; 3];
    let (mut count, mut months, mut words, mut longest) = (0, 0, 0, 0);
    let mut place = None;
    for part in date
        .split(|sign: char| !sign.is_alphanumeric())
        .flat_map(split_letters)
        .filter(|part| !part.is_empty())
    {
        if let Ok(number) = part.parse::<u32>() {
            let Some(slot) = numbers.get_mut(count) else { return false };
            *slot = number;
            longest = longest.max(part.len());
            count += 1;
        } else if is_month(part) {
            months += 1;
            place = Some(count);
        } else if is_filler(part) {
            words += 1;
        } else {
            return false;
        }
    }
    let [first, second, third] = numbers;
    let day = |value: u32| (1..=31).contains(&value);
    let month = |value: u32| (1..=12).contains(&value);
    let year = |value: u32| YEARS.contains(&value) || (value < 100 && longest <= 2);
    match (count, months) {
        (3, 0) => {
            let ordered = (YEARS.contains(&first) && month(second) && day(third))
                || (day(first) && month(second) && year(third))
                || (month(first) && day(second) && year(third))
                || (longest <= 2 && month(second) && day(third));
            ordered && words <= 4
        }
        (2, 1) => {
            words <= 4
                && place.is_some()
                && ((day(first) && year(second)) || (YEARS.contains(&first) && day(second)))
        }
        _ => false,
    }
}

/// `1985-03-04T00:00:00Z`, `1985-03-04 00:00:00+01`.
fn without_time(value: &str) -> &str {
    let Some(colon) = value.find(':') else { return value };
    let head = value.get(..colon).unwrap_or_default();
    head.rfind(['T', ' ', 't'])
        .and_then(|at| head.get(..at))
        .map_or(value, |date| date.trim_end_matches([',', ' ']))
}

fn is_packed(date: &str) -> bool {
    let part =
        |from: usize, to: usize| date.get(from..to).and_then(|part| part.parse::<u32>().ok()).unwrap_or(0);
    let by_year =
        YEARS.contains(&part(0, 4)) && (1..=12).contains(&part(4, 6)) && (1..=31).contains(&part(6, 8));
    let by_day =
        YEARS.contains(&part(4, 8)) && (1..=31).contains(&part(0, 2)) && (1..=31).contains(&part(2, 4));
    by_year || by_day
}

/// `4th`, `04MAR1985` and `1985年3月4日` are numbers beside letters.
fn split_letters(part: &str) -> impl Iterator<Item = &str> {
    let mut rest = part;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let end =
            rest.find(|sign: char| sign.is_ascii_digit() != first.is_ascii_digit()).unwrap_or(rest.len());
        let (head, tail) = rest.split_at(end);
        rest = tail;
        Some(head)
    })
}

fn is_filler(word: &str) -> bool {
    const FILLERS: &[&str] = &[
        "st",
        "nd",
        "rd",
        "th",
        "of",
        "de",
        "del",
        "年",
        "月",
        "日",
        "г",
        "года",
        "z",
        "er",
        "mon",
        "tue",
        "wed",
        "thu",
        "fri",
        "sat",
        "sun",
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday",
        "년",
        "월",
        "일",
        "the",
        "den",
        "utc",
    ];
    FILLERS.iter().any(|filler| filler.eq_ignore_ascii_case(word))
}

/// The months of the languages that write them in letters, by how they begin.
fn is_month(word: &str) -> bool {
    const MONTHS: &[&str] = &[
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec", "mär", "mai",
        "okt", "dez", "jän", "janv", "févr", "fév", "mars", "avr", "juin", "juil", "aoû", "aout", "déc",
        "ene", "abr", "ago", "dic", "fev", "set", "out", "gen", "mag", "giu", "lug", "ott", "maj", "mei",
        "mrt", "янв", "фев", "мар", "апр", "мая", "май", "июн", "июл", "авг", "сен", "окт", "ноя", "дек",
        "sty", "lut", "kwi", "cze", "lip", "sie", "wrz", "paź", "lis", "gru",
    ];
    let small = word.to_lowercase();
    small.chars().count() <= 10 && MONTHS.iter().any(|month| small.starts_with(month))
}
