//! How a cell of a type may be read and rewritten, in both formats.
//!
//! Invariant: a type that nobody here knows is read as text where it is text, and is unreadable where it is binary.
//! The numbers are those of `pg_type.dat`, the same in every PostgreSQL.

mod array;
mod hstore;
mod parts;
mod range;
mod record;
mod spelling;
mod stand_in;
mod xml;

use crate::catalog::{Snapshot, Type};
use array::Array;
use hstore::Hstore;
use range::Range;
use record::{Field, Record};
use sallyport_core::mask::detect::{Class, hint};
use sallyport_core::mask::plan::{Parts, Spelling};
use sallyport_core::{CellShape, Holds};
use stand_in::stand_in;
use std::cell::Cell;
use std::sync::Arc;
use xml::Xml;

/// Types within types are followed so far, and no more of them for one column. What is beyond is unreadable.
const DEEPEST: u8 = 12;
const MOST: u32 = 4_000;

/// Types of the server that hold its own numbers and no text: vectors of types and columns, transactions, positions.
const INTERNAL: [u32; 12] = [18, 22, 27, 28, 29, 30, 2278, 2970, 3220, 3361, 5038, 5069];
/// Types of extensions that hold numbers on a plane or in a space.
const NUMERIC: [&str; 8] =
    ["geometry", "geography", "raster", "vector", "halfvec", "sparsevec", "cube", "seg"];

pub fn shape(kind: u32, binary: bool, snapshot: &Snapshot) -> CellShape {
    Types { snapshot, binary, left: Cell::new(MOST) }.shape(kind, 0)
}

/// The shape of a type that every server has and that is not made of others.
fn built_in(kind: u32, binary: bool) -> Option<CellShape> {
    let spelt = |spell: fn(&[u8], &mut Vec<u8>) -> Option<()>| binary.then_some(Spelling(spell));
    let number = |long, spell| Holds::Number { long, spelling: spelt(spell) };
    let holds = match kind {
        // text, varchar, bpchar, name, unknown, cstring
        25 | 1043 | 1042 | 19 | 705 | 2275 => return Some(CellShape::Text),
        142 => return Some(made_of(Xml)),
        114 => return Some(CellShape::Json { prefix: 0 }),
        3802 => return Some(CellShape::Json { prefix: u8::from(binary) }),
        20 => number(true, spelling::integer),
        21 | 23 => number(false, spelling::integer),
        700 | 701 => number(false, spelling::float),
        1700 => number(true, spelling::numeric),
        650 | 869 => Holds::Always(Class::Ip),
        774 | 829 => Holds::Always(Class::Mac),
        1082 | 1114 | 1184 => Holds::Day,
        17 | 5017 | 4600 | 4601 => Holds::Text((!binary).then_some(Spelling(spelling::bytes))),
        // Their text, and in the binary format words between zeros.
        3614 | 3615 | 194 | 1790 | 1033 => Holds::Text(None),
        4072 => Holds::Text(spelt(spelling::behind_version)),
        // Truth, numbers of the system's own, money, times of day, bits, UUIDs.
        16 | 26 | 790 | 1083 | 1186 | 1266 | 1560 | 1562 | 2950 => Holds::Nothing,
        // Points, lines, boxes, circles.
        600..=604 | 628 | 718 => Holds::Nothing,
        _ if INTERNAL.contains(&kind) => Holds::Nothing,
        _ => return None,
    };
    Some(CellShape::Typed { redacted: stand_in(kind, binary), holds })
}

struct Types<'a> {
    snapshot: &'a Snapshot,
    binary: bool,
    left: Cell<u32>,
}

impl Types<'_> {
    fn shape(&self, kind: u32, depth: u8) -> CellShape {
        if depth > DEEPEST || self.left.get() == 0 {
            return self.unknown();
        }
        self.left.set(self.left.get() - 1);
        if let Some(shape) = built_in(kind, self.binary) {
            return shape;
        }
        let Some(found) = self.snapshot.kind(kind) else { return self.unknown() };
        match found.sort {
            b'd' if found.base != 0 => self.shape(found.base, depth + 1),
            b'e' => CellShape::Typed { redacted: None, holds: Holds::Label },
            b'b' if found.element != 0 && found.category == b'A' => self.array(found.element, depth),
            b'b' => self.base(kind, found),
            b'c' => self.record(found, depth),
            b'r' | b'm' if found.bound != 0 => {
                let bound = self.shape(found.bound, depth + 1);
                made_of(Range { bound, several: found.sort == b'm', binary: self.binary })
            }
            // A record and an array of them, and an array of which each value says what is in it.
            b'p' => match kind {
                2249 => made_of(Record { fields: Vec::new(), binary: self.binary }),
                2287 => self.array(2249, depth),
                2277 => made_of(Array { element: None, delimiter: b',', binary: self.binary }),
                _ => self.unknown(),
            },
            _ => self.unknown(),
        }
    }

    /// Text is read however it came; bytes of a type that nobody knows are not.
    fn unknown(&self) -> CellShape {
        let holds = if self.binary { Holds::Unreadable } else { Holds::Text(None) };
        CellShape::Typed { redacted: None, holds }
    }

    fn base(&self, kind: u32, found: &Type) -> CellShape {
        /// Objects of users have higher numbers.
        const LAST_OF_SYSTEM: u32 = 16_383;
        let holds = match (found.category, found.name.as_str()) {
            // citext and its like are sent as their text in both formats.
            (b'S', _) => return CellShape::Text,
            (_, "hstore") => return made_of(Hstore { binary: self.binary }),
            (_, "ltree" | "lquery" | "ltxtquery") => {
                Holds::Text(self.binary.then_some(Spelling(spelling::behind_version)))
            }
            (_, name) if NUMERIC.contains(&name) => Holds::Nothing,
            (b'I', _) => Holds::Always(Class::Ip),
            // Times, spans, bits, figures, truth.
            (b'D' | b'T' | b'V' | b'G' | b'B', _) => Holds::Nothing,
            // Names of objects, as numbers.
            (b'N', _) if kind <= LAST_OF_SYSTEM => Holds::Nothing,
            (b'N', _) if !self.binary => Holds::Number { long: true, spelling: None },
            _ => return self.unknown(),
        };
        CellShape::Typed { redacted: None, holds }
    }

    fn array(&self, element: u32, depth: u8) -> CellShape {
        const BOX: u32 = 603;
        let delimiter = if element == BOX { b';' } else { b',' };
        made_of(Array { element: Some(self.shape(element, depth + 1)), delimiter, binary: self.binary })
    }

    fn record(&self, found: &Type, depth: u8) -> CellShape {
        let fields = self.snapshot.fields(found.relation).map(|(name, kind)| Field {
            kind,
            hint: hint(name).adds_only(),
            shape: self.shape(kind, depth + 1),
        });
        made_of(Record { fields: fields.collect(), binary: self.binary })
    }
}

fn made_of(parts: impl Parts + 'static) -> CellShape {
    CellShape::Parts(Arc::new(parts))
}
