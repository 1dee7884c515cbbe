//! An array as a bound value, in text and in binary: each of its elements replaced where it is a token.
//!
//! Only plain lists of one dimension are read. Any other passes as it is, and its tokens are the texts that they are.
//! <https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO>

use super::Reader;
use sallyport_core::Secret;
use sallyport_core::mask::token::Meant;

/// Longer lists are not looked at.
const MOST: usize = 65_536;

/// The same list with the value of every token in its place. Own: at least one element was a token of the caller.
pub fn rewritten(value: &[u8], binary: bool, meant: &mut dyn FnMut(&[u8]) -> Meant) -> Meant {
    let elements = if binary { of_binary(value) } else { of_text(value) };
    let Some(elements) = elements else { return Meant::Plain };
    let mut new: Vec<Option<Vec<u8>>> = Vec::with_capacity(elements.len());
    let mut changed = false;
    for element in elements {
        new.push(match element {
            None => None,
            Some(element) => match meant(&element) {
                Meant::Plain => Some(element),
                Meant::Foreign => return Meant::Foreign,
                Meant::Own(own) => {
                    changed = true;
                    Some(own.expose().to_vec())
                }
            },
        });
    }
    match changed {
        false => Meant::Plain,
        true if binary => Meant::Own(Secret::new(to_binary(value, &new))),
        true => Meant::Own(Secret::new(to_text(&new))),
    }
}

type Elements = Vec<Option<Vec<u8>>>;

/// Dimensions, flags and element type; then length and lower bound of the one dimension.
const HEAD: usize = 20;

fn of_binary(value: &[u8]) -> Option<Elements> {
    let mut reader = Reader::new(value);
    let dimensions = reader.int32().ok()?;
    reader.take(8).ok()?;
    let count = usize::try_from(reader.int32().ok()?).ok()?;
    reader.take(4).ok()?;
    if dimensions != 1 || count > MOST {
        return None;
    }
    let mut found = Vec::with_capacity(count);
    for _ in 0..count {
        found.push(match reader.int32().ok()? {
            -1 => None,
            length => Some(reader.take(usize::try_from(length).ok()?).ok()?.to_vec()),
        });
    }
    reader.is_done().then_some(found)
}

fn to_binary(value: &[u8], elements: &[Option<Vec<u8>>]) -> Vec<u8> {
    let mut out = value.get(..HEAD).unwrap_or_default().to_vec();
    for element in elements {
        let length = element.as_ref().map_or(-1, |bytes| i32::try_from(bytes.len()).unwrap_or(-1));
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(element.as_deref().unwrap_or_default());
    }
    out
}

fn of_text(value: &[u8]) -> Option<Elements> {
    let mut rest = value.trim_ascii().strip_prefix(b"{")?;
    let mut found = Vec::new();
    if rest.trim_ascii() == b"}" {
        return Some(found);
    }
    loop {
        let (element, after) = element(rest.trim_ascii_start())?;
        found.push(element);
        rest = match after.trim_ascii_start() {
            [b',', after @ ..] if found.len() < MOST => after,
            [b'}'] => return Some(found),
            _ => return None,
        };
    }
}

fn element(text: &[u8]) -> Option<(Option<Vec<u8>>, &[u8])> {
    let mut out = Vec::new();
    if let Some(mut rest) = text.strip_prefix(b"\"") {
        loop {
            match rest {
                [b'"', after @ ..] => return Some((Some(out), after)),
                [b'\\', byte, after @ ..] | [byte, after @ ..] => {
                    out.push(*byte);
                    rest = after;
                }
                [] => return None,
            }
        }
    }
    let end = text.iter().position(|byte| matches!(byte, b',' | b'}'))?;
    let (word, after) = text.split_at(end);
    let word = word.trim_ascii_end();
    // Another dimension, or signs that only the target reads rightly.
    if word.is_empty() || word.iter().any(|byte| matches!(byte, b'{' | b'"' | b'\\')) {
        return None;
    }
    Some(((!word.eq_ignore_ascii_case(b"null")).then(|| word.to_vec()), after))
}

fn to_text(elements: &[Option<Vec<u8>>]) -> Vec<u8> {
    let mut out = vec![b'{'];
    for (at, element) in elements.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        match element {
            None => out.extend_from_slice(b"NULL"),
            Some(bytes) => {
                out.push(b'"');
                for byte in bytes {
                    if matches!(byte, b'"' | b'\\') {
                        out.push(b'\\');
                    }
                    out.push(*byte);
                }
                out.push(b'"');
            }
        }
    }
    out.push(b'}');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn swap(item: &[u8]) -> Meant {
        match item {
            b"T" => Meant::Own(Secret::new("a\"b\\,{}")),
            b"F" => Meant::Foreign,
            _ => Meant::Plain,
        }
    }

    fn text(value: &str) -> Result<String, bool> {
        match rewritten(value.as_bytes(), false, &mut swap) {
            Meant::Own(new) => Ok(new.expose_str().unwrap().to_owned()),
            Meant::Foreign => Err(true),
            Meant::Plain => Err(false),
        }
    }

    #[test]
    fn lists_of_text() {
        let new = text(r#"{x, "T" ,NULL,"null",T}"#).unwrap();
        assert_eq!(new, r#"{"x","a\"b\\,{}",NULL,"null","a\"b\\,{}"}"#);
        assert_eq!(of_text(new.as_bytes()).unwrap().len(), 5);
        assert_eq!(text("{F}"), Err(true));
        for plain in ["{}", "{x}", "{{T}}", "T", "{T", "{T}}", "{T,}", "[1:1]={T}", ""] {
            assert_eq!(text(plain), Err(false), "{plain}");
        }
    }

    #[test]
    fn lists_in_binary() {
        let mut value = Vec::new();
        for number in [1, 1, 25, 3, 1] {
            value.extend_from_slice(&i32::to_be_bytes(number));
        }
        for (length, bytes) in [(1, &b"T"[..]), (-1, b""), (1, b"x")] {
            value.extend_from_slice(&i32::to_be_bytes(length));
            value.extend_from_slice(bytes);
        }
        let Meant::Own(new) = rewritten(&value, true, &mut swap) else { panic!("it has a token") };
        let elements = of_binary(new.expose()).unwrap();
        assert_eq!(elements, [Some(b"a\"b\\,{}".to_vec()), None, Some(b"x".to_vec())]);
        value.push(0);
        assert!(matches!(rewritten(&value, true, &mut swap), Meant::Plain));
    }
}
