//! What a masked value of a type reads: zeros in both formats. The numbers are those of `pg_type.dat`, the same in every
//! PostgreSQL.

use std::sync::Arc;

/// Days and microseconds before 2000-01-01, where the binary formats count from: 1970-01-01.
const DAY: [u8; 4] = (-10_957i32).to_be_bytes();
const STAMP: [u8; 8] = (-946_684_800_000_000i64).to_be_bytes();

/// A value of the type that says nothing. `None`: the type has none that everybody can read.
pub(super) fn stand_in(kind: u32, binary: bool) -> Option<Arc<[u8]>> {
    let (text, bytes): (&[u8], &[u8]) = match kind {
        16 => (b"f", &[0]),
        17 | 5017 | 4600 | 4601 => (b"\\x", b""),
        20 => (b"0", &[0; 8]),
        21 => (b"0", &[0; 2]),
        23 | 26 | 700 => (b"0", &[0; 4]),
        701 | 1700 => (b"0", &[0; 8]),
        650 => (b"0.0.0.0/0", &[2, 0, 1, 4, 0, 0, 0, 0]),
        869 => (b"0.0.0.0", &[2, 32, 0, 4, 0, 0, 0, 0]),
        774 => (b"00:00:00:00:00:00:00:00", &[0; 8]),
        829 => (b"00:00:00:00:00:00", &[0; 6]),
        1082 => (b"1970-01-01", &DAY),
        1083 => (b"00:00:00", &[0; 8]),
        1114 => (b"1970-01-01 00:00:00", &STAMP),
        1184 => (b"1970-01-01 00:00:00+00", &STAMP),
        1186 => (b"00:00:00", &[0; 16]),
        1266 => (b"00:00:00+00", &[0; 12]),
        2950 => (b"00000000-0000-0000-0000-000000000000", &[0; 16]),
        3614 => (b"", &[0; 4]),
        _ => return None,
    };
    Some(Arc::from(if binary { bytes } else { text }))
}
