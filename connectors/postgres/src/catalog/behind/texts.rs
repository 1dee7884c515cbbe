//! Code that was read before: a catalog is read again and again, and little of it changes between.

use sallyport_sql::Code;
use std::collections::HashMap;
use std::sync::Arc;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Language {
    Sql,
    /// A definition: what it defines is not done again when it runs.
    Defined,
    Expression,
    PlPgSql,
}

/// By language and text. What one reading of the catalog did not need is forgotten after it.
#[derive(Debug, Default)]
pub struct Texts {
    kept: HashMap<(Language, [u8; 32]), Arc<Code>>,
    used: HashMap<(Language, [u8; 32]), Arc<Code>>,
}

impl Texts {
    pub(super) fn code(&mut self, language: Language, text: &str) -> Arc<Code> {
        let key = (language, *blake3::hash(text.as_bytes()).as_bytes());
        if let Some(code) = self.used.get(&key) {
            return Arc::clone(code);
        }
        let code = self.kept.remove(&key).unwrap_or_else(|| {
            Arc::new(match language {
                Language::Sql => Code::of_sql(text),
                Language::Defined => Code::of_definition(text),
                Language::Expression => Code::of_stored_expression(text),
                Language::PlPgSql => Code::of_plpgsql(text),
            })
        });
        self.used.insert(key, Arc::clone(&code));
        code
    }

    pub(super) fn settle(&mut self) {
        self.kept = std::mem::take(&mut self.used);
    }
}
