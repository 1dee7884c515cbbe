//! How a cell of a type may be rewritten, in both formats.

use crate::catalog::Snapshot;
use sallyport_core::CellShape;
use std::sync::{Arc, LazyLock};

macro_rules! fixed {
    ($name:ident = $bytes:expr) => {
        static $name: LazyLock<Arc<[u8]>> = LazyLock::new(|| Arc::from($bytes.as_slice()));
    };
}

fixed!(TEXT_ZERO = b"0");
fixed!(TEXT_FALSE = b"f");
fixed!(TEXT_DAY = b"1970-01-01");
fixed!(TEXT_STAMP = b"1970-01-01 00:00:00");
fixed!(TEXT_STAMP_TZ = b"1970-01-01 00:00:00+00");
fixed!(TEXT_UUID = b"00000000-0000-0000-0000-000000000000");
fixed!(TEXT_BYTES = b"\\x");
fixed!(ONE = [0u8; 1]);
fixed!(TWO = [0u8; 2]);
fixed!(FOUR = [0u8; 4]);
fixed!(EIGHT = [0u8; 8]);
fixed!(SIXTEEN = [0u8; 16]);
fixed!(EMPTY = [0u8; 0]);
// Days and microseconds before 2000-01-01, where the binary formats count from: 1970-01-01.
fixed!(DAY = (-10_957i32).to_be_bytes());
fixed!(STAMP = (-946_684_800_000_000i64).to_be_bytes());

fn typed(redacted: &LazyLock<Arc<[u8]>>, scan: bool) -> CellShape {
    CellShape::Typed { redacted: Some(Arc::clone(redacted)), scan }
}

/// The numbers are those of `pg_type.dat`, the same in every PostgreSQL.
pub fn shape(kind: u32, binary: bool, snapshot: &Snapshot) -> CellShape {
    match (kind, binary) {
        (16, false) => typed(&TEXT_FALSE, false),
        (16, true) => typed(&ONE, false),
        (21 | 23, false) | (700 | 701, false) => typed(&TEXT_ZERO, false),
        // Numbers long enough to be a card's.
        (20 | 1700, false) => typed(&TEXT_ZERO, true),
        (21, true) => typed(&TWO, false),
        (23 | 700, true) => typed(&FOUR, false),
        (20 | 701 | 1700, true) => typed(&EIGHT, false),
        (1082, false) => typed(&TEXT_DAY, false),
        (1082, true) => typed(&DAY, false),
        (1114, false) => typed(&TEXT_STAMP, false),
        (1184, false) => typed(&TEXT_STAMP_TZ, false),
        (1114 | 1184, true) => typed(&STAMP, false),
        (2950, false) => typed(&TEXT_UUID, false),
        (2950, true) => typed(&SIXTEEN, false),
        (17, false) => typed(&TEXT_BYTES, true),
        (17, true) => typed(&EMPTY, true),
        (114, _) | (3802, false) => CellShape::Json { prefix: 0 },
        (3802, true) => CellShape::Json { prefix: 1 },
        // text, varchar, bpchar, name, unknown, cstring
        (25 | 1043 | 1042 | 19 | 705 | 2275, _) => CellShape::Text,
        _ => other(kind, binary, snapshot),
    }
}

fn other(kind: u32, binary: bool, snapshot: &Snapshot) -> CellShape {
    let opaque = CellShape::Typed { redacted: None, scan: true };
    let Some(found) = snapshot.kind(kind) else { return opaque };
    match found.sort {
        b'd' if found.base != kind && found.base != 0 => shape(found.base, binary, snapshot),
        // citext and its like are sent as their text in both formats; an enum is not free text.
        b'b' if found.category == b'S' => CellShape::Text,
        b'e' => CellShape::Typed { redacted: None, scan: false },
        // Times, intervals, addresses, bits, geometry: never free text.
        b'b' if matches!(found.category, b'D' | b'T' | b'I' | b'V' | b'G' | b'B' | b'N') => {
            CellShape::Typed { redacted: None, scan: false }
        }
        _ => opaque,
    }
}
