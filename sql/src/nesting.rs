//! How deep a statement may nest, said from its tokens, before any tree of it exists.
//!
//! The grammar, the decoding of its tree and our walk recurse once per level, so an unbounded statement would end the
//! process. Not a parser: it counts, per bracket, the tokens that can add a level to an expression, and forgets them
//! where the grammar makes a flat list. Invariant: the tree is never deeper than a small constant times this number.

use pg_query::protobuf::Token;

/// Deeper statements are refused.
pub(crate) const MAX_NESTING: usize = 1000;

/// One open bracket: the deepest thing so far in it, and what still counts.
#[derive(Default)]
struct Level {
    deepest: usize,
    /// Since the last comma, AND or OR.
    term: usize,
    /// Since the last comma: CASE, JOIN and BETWEEN go on across AND and OR.
    item: usize,
    /// Since the bracket opened: set operations go on across commas.
    set: usize,
    inner: usize,
}

impl Level {
    fn settle(&mut self) {
        self.deepest = self.deepest.max(self.set + self.item + self.term + self.inner);
        self.term = 0;
        self.inner = 0;
    }
}

/// No deeper than the number of words and signs in it: a bound that needs no tokens.
pub(crate) fn at_most(text: &str) -> usize {
    let mut count = 0;
    let mut in_word = false;
    for byte in text.bytes() {
        let word = byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80;
        if !(byte.is_ascii_whitespace() || (word && in_word)) {
            count += 1;
        }
        in_word = word;
    }
    count
}

/// The bound from PostgreSQL's own tokens.
pub(crate) fn depth(tokens: &[pg_query::protobuf::ScanToken]) -> usize {
    let mut stack = vec![Level::default()];
    for token in tokens {
        let Ok(token) = Token::try_from(token.token) else { return usize::MAX };
        let Some(level) = stack.last_mut() else { return usize::MAX };
        match weigh(token) {
            Weight::Open => stack.push(Level::default()),
            Weight::Close => close(&mut stack),
            Weight::Item => {
                level.settle();
                level.item = 0;
            }
            Weight::Term => level.settle(),
            Weight::Sticky => level.item += 1,
            Weight::Set => {
                level.settle();
                level.item = 0;
                level.set += 1;
            }
            Weight::One => level.term += 1,
            Weight::None => {}
        }
    }
    while stack.len() > 1 {
        close(&mut stack);
    }
    stack.first_mut().map_or(0, |level| {
        level.settle();
        level.deepest
    })
}

fn close(stack: &mut Vec<Level>) {
    if stack.len() < 2 {
        return;
    }
    let Some(mut inner) = stack.pop() else { return };
    inner.settle();
    if let Some(outer) = stack.last_mut() {
        outer.inner = outer.inner.max(inner.deepest + 1);
    }
}

enum Weight {
    Open,
    Close,
    Item,
    Term,
    Sticky,
    Set,
    One,
    None,
}

fn weigh(token: Token) -> Weight {
    match token {
        Token::Ascii40 | Token::Ascii91 => Weight::Open,
        Token::Ascii41 | Token::Ascii93 => Weight::Close,
        Token::Ascii44 => Weight::Item,
        Token::And | Token::Or => Weight::Term,
        Token::Case | Token::Join | Token::Between => Weight::Sticky,
        // A semicolon also stands inside function bodies, which nest: it only ends a term.
        Token::Ascii59 | Token::When | Token::Else => Weight::Term,
        Token::Union | Token::Intersect | Token::Except | Token::Atomic => Weight::Set,
        Token::Ident
        | Token::Uident
        | Token::Iconst
        | Token::Fconst
        | Token::Sconst
        | Token::Usconst
        | Token::Bconst
        | Token::Xconst
        | Token::Param
        | Token::Ascii46
        | Token::SqlComment
        | Token::CComment
        | Token::Select
        | Token::From
        | Token::Where
        | Token::As
        | Token::By
        | Token::Order
        | Token::GroupP
        | Token::Asc
        | Token::Desc
        | Token::Values
        | Token::Insert
        | Token::Into
        | Token::Set
        | Token::On
        | Token::NullP
        | Token::TrueP
        | Token::FalseP
        | Token::Then
        | Token::EndP => Weight::None,
        _ => Weight::One,
    }
}
