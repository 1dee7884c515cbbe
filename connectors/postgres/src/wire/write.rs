//! Messages that the gateway itself says.

use super::front::Named;

/// Writes one message: its tag, its length, what `fill` puts in.
pub fn message(out: &mut Vec<u8>, tag: u8, fill: impl FnOnce(&mut Vec<u8>)) {
    out.push(tag);
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    fill(out);
    let length = u32::try_from(out.len() - start).unwrap_or(u32::MAX);
    if let Some(place) = out.get_mut(start..start + 4) {
        place.copy_from_slice(&length.to_be_bytes());
    }
}

/// A text with its ending zero. A zero within would end it early and let the rest pass for something else.
pub fn text(out: &mut Vec<u8>, text: &str) {
    out.extend(text.bytes().filter(|byte| *byte != 0));
    out.push(0);
}

/// An error or a notice, in the order in which PostgreSQL writes the fields.
#[derive(Clone, Copy, Debug, Default)]
pub struct Report<'a> {
    pub severity: &'a str,
    pub code: &'a str,
    pub message: &'a str,
    pub detail: Option<&'a str>,
    pub hint: Option<&'a str>,
}

impl Report<'_> {
    pub fn error(&self, out: &mut Vec<u8>) {
        self.write(out, b'E');
    }
    pub fn notice(&self, out: &mut Vec<u8>) {
        self.write(out, b'N');
    }
    fn write(&self, out: &mut Vec<u8>, tag: u8) {
        message(out, tag, |out| {
            let fields = [
                (b'S', Some(self.severity)),
                (b'V', Some(self.severity)),
                (b'C', Some(self.code)),
                (b'M', Some(self.message)),
                (b'D', self.detail),
                (b'H', self.hint),
            ];
            for (letter, value) in fields {
                if let Some(value) = value {
                    out.push(letter);
                    text(out, value);
                }
            }
            out.push(0);
        });
    }
}

pub fn ready(out: &mut Vec<u8>, status: u8) {
    message(out, b'Z', |out| out.push(status));
}

pub fn authentication_ok(out: &mut Vec<u8>) {
    message(out, b'R', |out| out.extend_from_slice(&0u32.to_be_bytes()));
}

pub fn parameter_status(out: &mut Vec<u8>, name: &str, value: &str) {
    message(out, b'S', |out| {
        text(out, name);
        text(out, value);
    });
}

pub fn backend_key(out: &mut Vec<u8>, pid: u32, key: &[u8]) {
    message(out, b'K', |out| {
        out.extend_from_slice(&pid.to_be_bytes());
        out.extend_from_slice(key);
    });
}

pub fn query(out: &mut Vec<u8>, sql: &str) {
    message(out, b'Q', |out| text(out, sql));
}

pub fn describe(out: &mut Vec<u8>, what: Named, name: &str) {
    message(out, b'D', |out| {
        out.push(what.letter());
        text(out, name);
    });
}

pub fn execute(out: &mut Vec<u8>, portal: &str) {
    message(out, b'E', |out| {
        text(out, portal);
        out.extend_from_slice(&0u32.to_be_bytes());
    });
}

pub fn sync(out: &mut Vec<u8>) {
    message(out, b'S', |_| {});
}

pub fn flush(out: &mut Vec<u8>) {
    message(out, b'H', |_| {});
}

pub fn copy_fail(out: &mut Vec<u8>, why: &str) {
    message(out, b'f', |out| text(out, why));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zero_in_a_text_cannot_end_it() {
        let mut out = Vec::new();
        Report { severity: "ERROR", code: "42501", message: "no\0way", ..Report::default() }.error(&mut out);
        let fields: Vec<_> = crate::wire::back::texts(crate::wire::body(&out)).collect();
        assert_eq!(fields.last(), Some(&(b'M', &b"noway"[..])));
    }
}
