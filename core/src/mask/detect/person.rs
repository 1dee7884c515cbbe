//! Whether a value whose column holds names of persons is one: letters of any script and the few signs that names have.
//! It is only ever asked with such a column's name.

/// Longer ones are titles of other things.
const LONGEST: usize = 80;
const MOST_WORDS: usize = 7;

/// `sure`: the column leaves no doubt, so one word is enough, in any case.
pub(super) fn is_name(value: &str, sure: bool) -> bool {
    let dense = value.chars().all(|sign| ('\u{2e80}'..='\u{d7ff}').contains(&sign));
    let fewest = if dense { 1 } else { 2 };
    if value.len() > LONGEST || value.chars().count() < fewest || !value.chars().all(is_sign) {
        return false;
    }
    let words = || value.split([' ', ',', '\u{a0}', '\u{3000}']).filter(|word| !word.is_empty());
    let count = words().count();
    if !(1..=MOST_WORDS).contains(&count) || !words().any(|word| word.chars().any(char::is_alphabetic)) {
        return false;
    }
    if words().any(is_other) || is_company(words()) {
        return false;
    }
    let spelt = words().all(|word| is_capital(word) || is_particle(word));
    let small = words().all(|word| word.chars().all(|sign| !sign.is_uppercase()));
    match (sure, count) {
        (true, _) => spelt || small || words().any(is_capital),
        (false, 1) => spelt && is_one_script(value) && (dense || value.chars().count() > 2),
        (false, _) => spelt && !words().all(is_particle),
    }
}

fn is_sign(sign: char) -> bool {
    sign.is_alphabetic()
        || matches!(
            sign,
            ' ' | '-'
                | '\''
                | '’'
                | '‘'
                | '`'
                | '.'
                | ','
                | '·'
                | '\u{a0}'
                | '\u{3000}'
                | '・'
                | '('
                | ')'
                | '"'
                | '‑'
                | 'ʻ'
                | 'ʼ'
        )
        || is_mark(sign)
}

/// Vowel signs and accents that stand alone, and joiners.
fn is_mark(sign: char) -> bool {
    matches!(sign, '\u{300}'..='\u{36f}' | '\u{591}'..='\u{5c7}' | '\u{610}'..='\u{61a}' | '\u{64b}'..='\u{65f}'
        | '\u{900}'..='\u{dff}' | '\u{e31}'..='\u{e4e}' | '\u{200c}' | '\u{200d}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}')
}

/// A capital, or a letter of a script that has none.
fn is_capital(word: &str) -> bool {
    let first = word.chars().find(|sign| sign.is_alphabetic());
    first.is_some_and(|first| !first.is_lowercase())
}

/// One all-capital word is a code; a name of one word has small letters or a script without case.
fn is_one_script(word: &str) -> bool {
    word.chars().skip(1).filter(|sign| sign.is_alphabetic()).all(|sign| !sign.is_uppercase())
        || word.contains(['-', '\''])
}

fn is_particle(word: &str) -> bool {
    const PARTICLES: &[&str] = &[
        "de", "da", "do", "dos", "das", "del", "della", "di", "du", "des", "la", "le", "van", "von", "der",
        "den", "ten", "ter", "bin", "bint", "ibn", "al", "el", "y", "e", "zu", "zur", "af", "av", "san",
        "st", "jr", "sr", "jr.", "sr.", "ben", "abu", "d'", "op", "vander", "dr.", "prof.", "mr.", "mrs.",
        "ms.", "i", "het", "'t", "ap", "und", "dalla", "degli", "lo", "das",
    ];
    let arabic = ["al-", "el-", "d'", "d’", "ad-", "ar-", "as-", "ash-", "an-", "at-", "az-", "l'", "o'"];
    PARTICLES.contains(&word) || arabic.iter().any(|head| word.starts_with(head))
}

/// What is written where there is no name, and words of machines and goods.
fn is_other(word: &str) -> bool {
    const OTHERS: &[&str] = &[
        "n/a",
        "na",
        "none",
        "null",
        "nil",
        "unknown",
        "anonymous",
        "anon",
        "admin",
        "administrator",
        "root",
        "system",
        "test",
        "tester",
        "default",
        "guest",
        "user",
        "undefined",
        "deleted",
        "redacted",
        "support",
        "team",
        "service",
        "bot",
        "true",
        "false",
        "yes",
        "pending",
        "active",
        "inactive",
        "the",
        "and",
        "of",
        "for",
        "with",
        "new",
        "edition",
        "kit",
        "set",
        "pack",
        "pro",
        "plus",
        "max",
        "mini",
        "deluxe",
        "premium",
        "standard",
        "basic",
        "wireless",
        "bluetooth",
        "usb",
        "cable",
        "mouse",
        "keyboard",
        "laptop",
        "phone",
        "chair",
        "table",
        "lamp",
        "shirt",
        "shoes",
        "bottle",
        "coffee",
        "server",
        "database",
        "project",
        "department",
        "sales",
        "marketing",
        "engineering",
        "finance",
        "account",
        "accounts",
        "office",
        "store",
        "shop",
        "hotel",
        "restaurant",
        "university",
        "school",
        "college",
        "hospital",
        "bank",
        "institute",
        "foundation",
        "association",
        "company",
        "corporation",
        "holdings",
        "group",
        "partners",
        "solutions",
        "systems",
        "technologies",
        "technology",
        "software",
        "consulting",
        "industries",
        "enterprises",
        "international",
        "global",
        "logistics",
        "media",
        "labs",
        "studio",
        "studios",
        "ventures",
        "capital",
        "energy",
        "motors",
        "foods",
        "pharma",
        "insurance",
        "airlines",
        "organic",
        "stainless",
        "steel",
        "cotton",
        "leather",
        "wooden",
        "plastic",
        "ceramic",
        "portable",
        "adjustable",
        "ergonomic",
        "headphones",
        "speaker",
        "monitor",
        "backpack",
        "jacket",
        "mug",
        "desk",
        "notebook",
        "charger",
        "adapter",
        "camera",
        "watch",
        "blender",
        "toaster",
        "mat",
        "subscription",
        "license",
        "plan",
        "widget",
        "gadget",
        "report",
        "invoice",
        "order",
        "production",
        "staging",
        "development",
        "tbd",
        "todo",
        "misc",
        "other",
        "not",
        "available",
        "applicable",
        "provided",
        "given",
        "missing",
        "empty",
        "blank",
    ];
    let mut room = [0u8; 16];
    let Some(small) = room.get_mut(..word.len()) else { return false };
    small.copy_from_slice(word.as_bytes());
    small.make_ascii_lowercase();
    OTHERS.iter().any(|other| other.as_bytes() == &*small)
}

/// The last word is the form of a company.
fn is_company<'a>(words: impl Iterator<Item = &'a str>) -> bool {
    const FORMS: &[&str] = &[
        "inc",
        "inc.",
        "llc",
        "llc.",
        "ltd",
        "ltd.",
        "gmbh",
        "ag",
        "co",
        "co.",
        "corp",
        "corp.",
        "plc",
        "kg",
        "ohg",
        "bv",
        "b.v.",
        "nv",
        "n.v.",
        "sa",
        "s.a.",
        "sarl",
        "spa",
        "s.p.a.",
        "srl",
        "s.r.l.",
        "ab",
        "oy",
        "as",
        "a/s",
        "aps",
        "pty",
        "llp",
        "lp",
        "kk",
        "se",
        "limited",
        "ltda",
        "ltda.",
        "sas",
        "sl",
        "s.l.",
        "ооо",
        "株式会社",
        "pvt",
        "gbr",
        "ug",
        "ev",
        "e.v.",
    ];
    words.skip(1).last().is_some_and(|last| FORMS.iter().any(|form| form.eq_ignore_ascii_case(last)))
}
