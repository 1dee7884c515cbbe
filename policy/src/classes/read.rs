//! From the text of a `.classes` file to classes, or to what is wrong with it.
//!
//! ```text
//! // Comments as in rules.
//! class pii.email = kind email | column *.*.email | column public.customers.contact;
//! ```

use super::{Declared, DeclaredClass, MAX_TERMS, Pattern};
use crate::diagnostics::{Diagnostics, Place, nearest};
use crate::load::RuleFile;
use sallyport_core::mask::detect::Class;

/// A word, a path or one of `= | ;`, and where it begins.
#[derive(Clone, Copy)]
struct Token<'a> {
    text: &'a str,
    at: usize,
}

struct Wrong {
    at: usize,
    message: String,
    help: String,
}

impl Wrong {
    fn new(token: Token<'_>, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { at: token.at, message: message.into(), help: help.into() }
    }
}

const SHAPE: &str = "write class NAME = kind KIND | column SCHEMA.TABLE.COLUMN;";

/// Adds what the file declares, and what is wrong with it to `found`. A declaration that is wrong declares nothing.
pub(crate) fn read(file: &RuleFile, declared: &mut Declared, found: &mut Diagnostics) {
    let mut reader = Reader { text: &file.text, at: 0 };
    let place = |offset| Place { file: &file.name, text: &file.text, offset };
    loop {
        reader.skip_blank();
        let Some(first) = reader.peek() else { return };
        match reader.declaration(file, declared) {
            Ok(class) => {
                if !declared.add(class) {
                    let help = Some("stars name many columns at once: column *.*.email".to_owned());
                    found.add(&place(first.at), format!("more than {MAX_TERMS} kinds and columns"), help);
                    return;
                }
            }
            Err(wrong) => {
                found.add(&place(wrong.at), wrong.message, Some(wrong.help));
                reader.skip_declaration();
            }
        }
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// White space and comments.
    fn skip_blank(&mut self) {
        loop {
            let rest = self.rest();
            let blank = rest.len() - rest.trim_start().len();
            self.at += blank;
            if !self.rest().starts_with("//") {
                return;
            }
            self.at += self.rest().find('\n').unwrap_or(self.rest().len());
        }
    }

    fn skip_declaration(&mut self) {
        while let Some(token) = self.take() {
            if token.text == ";" {
                return;
            }
        }
    }

    fn peek(&self) -> Option<Token<'a>> {
        let rest = self.rest();
        let first = rest.chars().next()?;
        let length = match first {
            '=' | '|' | ';' => 1,
            _ => {
                let mut quoted = false;
                let ends = |letter: char| {
                    quoted ^= letter == '"';
                    letter == '\n' || !quoted && (letter.is_whitespace() || matches!(letter, '=' | '|' | ';'))
                };
                rest.find(ends).unwrap_or(rest.len())
            }
        };
        Some(Token { text: rest.get(..length).unwrap_or_default(), at: self.at })
    }

    fn take(&mut self) -> Option<Token<'a>> {
        self.skip_blank();
        let token = self.peek()?;
        self.at += token.text.len();
        self.skip_blank();
        Some(token)
    }

    /// The next token, or its absence where the text ends.
    fn expected(&mut self, what: &str) -> Result<Token<'a>, Wrong> {
        let end = Token { text: "", at: self.text.trim_end().len() };
        let help = if what == ";" { "end each class with a semicolon" } else { SHAPE };
        self.take().ok_or_else(|| Wrong::new(end, format!("the file ends where {what} should stand"), help))
    }

    /// The next token stays where it is no name: then it begins or ends something else.
    fn name(&mut self, what: &str) -> Result<Token<'a>, Wrong> {
        match self.peek().filter(|token| matches!(token.text, "=" | "|" | ";")) {
            Some(token) => Err(Wrong::new(token, format!("{what} should stand here"), SHAPE)),
            None => self.expected(what),
        }
    }

    fn declaration(&mut self, file: &RuleFile, declared: &Declared) -> Result<DeclaredClass, Wrong> {
        let word = self.name("class")?;
        if word.text != "class" {
            let help = match nearest(word.text, ["class"]) {
                Some(_) => "write class".to_owned(),
                None => format!("{SHAPE} Rules stand in files of another ending"),
            };
            return Err(Wrong::new(word, format!("{:?} begins no class", word.text), help));
        }
        let name = self.name("the name of the class")?;
        if !is_name(name.text) {
            let help = "letters, digits, _ and -, parted by dots: pii.email";
            return Err(Wrong::new(name, format!("{:?} is no name of a class", name.text), help));
        }
        if let Some(first) = declared.named(name.text) {
            let message = format!("the class {} is declared at {}:{}", name.text, first.file, first.line);
            return Err(Wrong::new(name, message, "add to that declaration with |"));
        }
        self.sign("=", "after the name")?;
        let line = file.text.get(..name.at).unwrap_or_default().matches('\n').count() + 1;
        let (name, file) = (name.text.to_owned(), file.name.clone());
        let mut class = DeclaredClass { name, kinds: Vec::new(), columns: Vec::new(), file, line };
        loop {
            self.term(&mut class)?;
            match self.sign("| or ;", "after a kind or a column")? {
                ";" => return Ok(class),
                _ => continue,
            }
        }
    }

    fn sign(&mut self, wanted: &str, place: &str) -> Result<&'a str, Wrong> {
        let last = wanted.rsplit(' ').next().unwrap_or(wanted);
        let Some(token) = self.peek().filter(|token| !wanted.contains(token.text) || token.text == "or")
        else {
            return self.expected(last).map(|token| token.text);
        };
        let shown = wanted.split(" or ").map(|sign| format!("`{sign}`")).collect::<Vec<_>>().join(" or ");
        let help = if token.text == "class" { "end the class before it with a semicolon" } else { SHAPE };
        Err(Wrong::new(token, format!("{shown} should stand here, {place}"), help))
    }

    fn term(&mut self, class: &mut DeclaredClass) -> Result<(), Wrong> {
        let word = self.name("kind or column")?;
        match word.text {
            "kind" => class.kinds.push(self.kind()?),
            "column" => {
                let path = self.name("a column")?;
                let no_column = || {
                    let message = format!("{:?} is no column", path.text);
                    Wrong::new(path, message, "write SCHEMA.TABLE.COLUMN; a star is any: *.*.email")
                };
                class.columns.push(Pattern::of(path.text).ok_or_else(no_column)?);
            }
            other => {
                let help = match nearest(other, ["kind", "column"]) {
                    Some(known) => format!("write {known}"),
                    None => "write kind KIND or column SCHEMA.TABLE.COLUMN".to_owned(),
                };
                return Err(Wrong::new(
                    word,
                    format!("a class is made of kinds and columns, not of {other:?}"),
                    help,
                ));
            }
        }
        Ok(())
    }

    fn kind(&mut self) -> Result<&'static str, Wrong> {
        let word = self.name("a kind")?;
        let kinds = || Class::ALL.iter().map(|class| class.as_str());
        let others = kinds().filter_map(Class::other_name);
        if let Some(kind) = kinds().chain(others).find(|kind| *kind == word.text) {
            return Ok(kind);
        }
        let help = match nearest(word.text, kinds()) {
            Some(kind) => format!("write kind {kind}"),
            None => format!("there are {}", kinds().collect::<Vec<_>>().join(", ")),
        };
        Err(Wrong::new(word, format!("no value is recognised as {:?}", word.text), help))
    }
}

fn is_name(text: &str) -> bool {
    let plain = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '-');
    text.len() <= 128 && text.split('.').all(|part| !part.is_empty() && part.chars().all(plain))
}
