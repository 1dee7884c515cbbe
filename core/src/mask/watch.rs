//! Looks for masks in a stream of rows that a caller sends, whatever its format and wherever it is cut.
//!
//! Not a reader of rows: words between separators are compared with what masks look like. Memory is bounded by the
//! longest word, and that by [`MOST_KEPT`].

use super::forms::{self, Form};

/// Longer words are looked at in pieces.
const MOST_KEPT: usize = 64 * 1024;
/// Fewer stars are the caller's own.
const SHORTEST: usize = 4;
/// No form that stands within a longer text is longer.
const OVERLAP: usize = 64;

#[derive(Debug)]
pub struct Watch {
    forms: Vec<Form>,
    kept: Vec<u8>,
    found: bool,
}

impl Watch {
    /// `forms` are those in which columns of these rows are masked.
    pub fn new(forms: Vec<Form>) -> Self {
        Self { forms, kept: Vec::new(), found: false }
    }
    pub fn has_found(&self) -> bool {
        self.found
    }

    pub fn feed(&mut self, bytes: &[u8]) {
        if self.found {
            return;
        }
        let whole = bytes.iter().rposition(|byte| separates(*byte)).map_or(0, |at| at + 1);
        let (ended, open) = bytes.split_at(whole);
        if !ended.is_empty() {
            self.kept.extend_from_slice(ended);
            self.found |= self.is_in(&self.kept);
            self.kept.clear();
        }
        self.kept.extend_from_slice(open);
        if self.kept.len() > MOST_KEPT {
            self.found |= forms::holds_mask(&self.kept);
            self.kept.drain(..self.kept.len() - OVERLAP);
        }
    }

    /// The stream is over: what is left is a word of its own.
    pub fn end(&mut self) {
        self.feed(b"\n");
    }

    fn is_in(&self, text: &[u8]) -> bool {
        let words = || text.split(|byte| separates(*byte)).filter(|word| word.len() >= SHORTEST);
        forms::holds_mask(text)
            || !self.forms.is_empty()
                && (memchr::memchr(b'*', text).is_some() || self.forms.iter().any(|form| form.is_a_word()))
                && words().any(|word| self.forms.iter().any(|form| form.wrote(word)))
    }
}

fn separates(byte: u8) -> bool {
    matches!(byte, 0..=b' ' | b',' | b';' | b'|' | b'"' | b'\'')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finds(forms: &[Form], text: &[u8]) -> bool {
        let whole = |size: usize| {
            let mut watch = Watch::new(forms.to_vec());
            text.chunks(size).for_each(|piece| watch.feed(piece));
            watch.end();
            watch.has_found()
        };
        let once = whole(text.len());
        (1..20).for_each(|size| assert_eq!(whole(size), once, "cut at every {size}"));
        once
    }

    #[test]
    fn masks_are_found_wherever_the_stream_is_cut() {
        let partial = [Form::Partial { keep: 4 }];
        assert!(finds(&[], b"1\tAda\t[redacted]\n"));
        assert!(finds(&[], b"1,\"call [redacted] now\"\n"));
        assert!(finds(&partial, b"1\t****1111\n2\tx\n") && !finds(&[], b"1\t****1111\n"));
        assert!(finds(&partial, b"1|*****"));
        assert!(
            finds(&[Form::Hash], b"7,0123456789abcdef,x\n") && !finds(&partial, b"7,0123456789abcdef,x\n")
        );
        assert!(!finds(&partial, b"1\tada@example.com\t2 * 3\n2\t**bold**\n\\.\n"));
        let long = [vec![b'x'; 3 * MOST_KEPT], b"[redacted]".to_vec(), vec![b'x'; MOST_KEPT]].concat();
        let mut watch = Watch::new(Vec::new());
        long.chunks(7).for_each(|piece| watch.feed(piece));
        watch.end();
        assert!(watch.has_found());
    }
}
