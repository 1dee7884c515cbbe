//! Documents and pieces of XML, by text and attribute. The name of the element or attribute says what is in it, as a key
//! of JSON does.
//!
//! Not a parser that checks: what it cannot follow, such as entities that the document itself declares, is unreadable.

use super::parts::{Written, ask};
use sallyport_core::CellShape;
use sallyport_core::mask::detect::{Hint, hint};
use sallyport_core::mask::plan::{EachPart, Parts, Unreadable};

#[derive(Debug)]
pub(super) struct Xml;

impl Parts for Xml {
    fn any(&self, is_so: &mut dyn FnMut(&CellShape, Option<Hint>) -> bool) -> bool {
        is_so(&CellShape::Text, None)
    }

    fn keeps_structure(&self) -> bool {
        false
    }

    fn rewrite(&self, cell: &[u8], each: &mut EachPart<'_>, out: &mut Vec<u8>) -> Result<bool, Unreadable> {
        let mut rewriting = Rewriting { each, out, within: None, changed: false };
        let mut rest = cell;
        while !rest.is_empty() {
            rest = rewriting.piece(rest)?;
        }
        Ok(rewriting.changed)
    }
}

struct Rewriting<'r, 'e> {
    each: &'r mut EachPart<'e>,
    out: &'r mut Vec<u8>,
    /// What the name of the element says in which the text stands; nothing outside of all.
    within: Option<Hint>,
    changed: bool,
}

impl Rewriting<'_, '_> {
    /// Writes the piece that stands first; what is behind it.
    fn piece<'a>(&mut self, text: &'a [u8]) -> Result<&'a [u8], Unreadable> {
        if text.first() != Some(&b'<') {
            let (words, behind) = text.split_at(memchr::memchr(b'<', text).unwrap_or(text.len()));
            self.words(words, self.within, words)?;
            return Ok(behind);
        }
        for (open, close) in [(b"<!--".as_slice(), b"-->".as_slice()), (b"<?", b"?>")] {
            if let Some(inside) = text.strip_prefix(open) {
                let (note, behind) = until(inside, close)?;
                self.note(note, open, close);
                return Ok(behind);
            }
        }
        if let Some(inside) = text.strip_prefix(b"<![CDATA[") {
            let (plain, behind) = until(inside, b"]]>")?;
            let spelt = text.get(..text.len() - behind.len()).unwrap_or_default();
            let written = ask(self.each, &CellShape::Text, self.within, plain);
            self.write(written, spelt);
            return Ok(behind);
        }
        if text.starts_with(b"<!") {
            // A declaration may make names for anything; one that only names the document's type does not.
            let (declared, behind) = until(text, b">")?;
            if memchr::memchr(b'[', declared).is_some() {
                return Err(Unreadable);
            }
            self.note(declared, b"", b">");
            return Ok(behind);
        }
        if text.starts_with(b"</") {
            let (name, behind) = until(text, b">")?;
            self.within = Some(Hint::NONE);
            self.note(name, b"", b">");
            return Ok(behind);
        }
        self.element(text)
    }

    /// `<name key="value" …>`.
    fn element<'a>(&mut self, text: &'a [u8]) -> Result<&'a [u8], Unreadable> {
        let ends = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'>' | b'/' | b'=');
        let word = |text: &[u8]| text.iter().position(ends).ok_or(Unreadable);
        let length = word(text)?;
        let (name, mut rest) = text.split_at(length);
        self.within = Some(said_by(name.get(1..).unwrap_or_default()));
        self.out.extend_from_slice(name);
        loop {
            let (first, behind) = rest.split_first().ok_or(Unreadable)?;
            match first {
                b'>' => {
                    self.out.push(b'>');
                    return Ok(behind);
                }
                b'/' => self.within = Some(Hint::NONE),
                byte if byte.is_ascii_whitespace() || *byte == b'=' => {}
                _ => {
                    rest = self.attribute(rest, word(rest)?)?;
                    continue;
                }
            }
            self.out.push(*first);
            rest = behind;
        }
    }

    fn attribute<'a>(&mut self, text: &'a [u8], length: usize) -> Result<&'a [u8], Unreadable> {
        let (key, rest) = text.split_at_checked(length).ok_or(Unreadable)?;
        let rest = rest.trim_ascii_start().strip_prefix(b"=").ok_or(Unreadable)?.trim_ascii_start();
        let (quote, inside) =
            rest.split_first().filter(|(byte, _)| matches!(byte, b'"' | b'\'')).ok_or(Unreadable)?;
        let (value, behind) = until(inside, &[*quote])?;
        self.out.extend_from_slice(key);
        self.out.extend_from_slice(&[b'=', *quote]);
        self.words(value, Some(said_by(key)), value)?;
        self.out.push(*quote);
        Ok(behind)
    }

    fn words(&mut self, text: &[u8], said: Option<Hint>, spelt: &[u8]) -> Result<(), Unreadable> {
        let written = match memchr::memchr(b'&', text) {
            None => ask(self.each, &CellShape::Text, said, text),
            Some(_) => ask(self.each, &CellShape::Text, said, &resolved(text)?),
        };
        self.write(written, spelt);
        Ok(())
    }

    fn write(&mut self, written: Written, spelt: &[u8]) {
        match written {
            Written::Kept => return self.out.extend_from_slice(spelt),
            Written::Null => {}
            Written::Anew(new) => {
                for byte in new {
                    match byte {
                        b'&' => self.out.extend_from_slice(b"&amp;"),
                        b'<' => self.out.extend_from_slice(b"&lt;"),
                        b'>' => self.out.extend_from_slice(b"&gt;"),
                        b'"' => self.out.extend_from_slice(b"&quot;"),
                        b'\'' => self.out.extend_from_slice(b"&apos;"),
                        other => self.out.push(other),
                    }
                }
            }
        }
        self.changed = true;
    }

    /// What is no text of the document: all of it, or nothing.
    fn note(&mut self, note: &[u8], open: &[u8], close: &[u8]) {
        match ask(self.each, &CellShape::Text, Some(Hint::NONE), note) {
            Written::Kept => [open, note, close].iter().for_each(|part| self.out.extend_from_slice(part)),
            Written::Null | Written::Anew(_) => self.changed = true,
        }
    }
}

/// Whoever builds the document chooses its names: they rule nothing out.
fn said_by(name: &[u8]) -> Hint {
    let own = name.rsplit(|byte| *byte == b':').next().unwrap_or(name);
    hint(&String::from_utf8_lossy(own)).adds_only()
}

/// What stands before the end, and what behind.
fn until<'a>(text: &'a [u8], end: &[u8]) -> Result<(&'a [u8], &'a [u8]), Unreadable> {
    let at = memchr::memmem::find(text, end).ok_or(Unreadable)?;
    let behind = text.get(at + end.len()..).unwrap_or_default();
    Ok((text.get(..at).unwrap_or_default(), behind))
}

/// With the signs that references stand for.
fn resolved(text: &[u8]) -> Result<Vec<u8>, Unreadable> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = memchr::memchr(b'&', rest) {
        out.extend_from_slice(rest.get(..at).unwrap_or_default());
        let (name, behind) = until(rest.get(at + 1..).unwrap_or_default(), b";")?;
        let number = || {
            let digits = std::str::from_utf8(name.strip_prefix(b"#")?).ok()?;
            match digits.strip_prefix('x') {
                Some(hex) => u32::from_str_radix(hex, 16).ok(),
                None => digits.parse().ok(),
            }
        };
        let sign = match name {
            b"amp" => '&',
            b"lt" => '<',
            b"gt" => '>',
            b"quot" => '"',
            b"apos" => '\'',
            _ => number().and_then(char::from_u32).ok_or(Unreadable)?,
        };
        out.extend_from_slice(sign.encode_utf8(&mut [0; 4]).as_bytes());
        rest = behind;
    }
    out.extend_from_slice(rest);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sallyport_core::mask::plan::PartEdit;

    /// Every part that is `x` is masked.
    fn rewritten(text: &str) -> Option<String> {
        let mut out = Vec::new();
        let mut each = |_: &CellShape, _: Option<Hint>, part: &[u8], new: &mut Vec<u8>| {
            if part != b"x" {
                return PartEdit::Keep;
            }
            new.extend_from_slice(b"<y>");
            PartEdit::Replace
        };
        Xml.rewrite(text.as_bytes(), &mut each, &mut out).ok()?;
        Some(String::from_utf8(out).unwrap())
    }

    #[test]
    fn parts_are_found_wherever_they_stand() {
        for (text, expected) in [
            ("<a b='x' c = \"1\">x<d/>x</a>", "<a b='&lt;y&gt;' c=\"1\">&lt;y&gt;<d/>&lt;y&gt;</a>"),
            ("<a>&#x78;</a>&amp;", "<a>&lt;y&gt;</a>&amp;"),
            ("<![CDATA[x]]><!--x--><?x?>x", "&lt;y&gt;&lt;y&gt;"),
            ("<!DOCTYPE a><a/>", "<!DOCTYPE a><a/>"),
        ] {
            assert_eq!(rewritten(text).as_deref(), Some(expected), "{text}");
        }
        for text in ["<!DOCTYPE a [<!ENTITY x 'y'>]><a/>", "<a>&x;</a>", "<a", "<a b>", "<a b='>"] {
            assert_eq!(rewritten(text), None, "{text}");
        }
    }
}
