//! How fast the recognisers read: clean cells, and cells of which each holds a value.
#![allow(clippy::print_stdout, reason = "it reports to a person")]

use sallyport_core::mask::detect::{Classes, scan};
use std::time::Instant;

const CLEAN: &[&str] = &[
    "The quick brown fox jumps over the lazy dog while the band plays on, and nobody minds at all.",
    "550e8400-e29b-41d4-a716-446655440000",
    "2024-01-15 10:30:00.123456+00",
    "shipped",
    "Rua das Flores, apartment on the third floor, ring twice and wait for the porter to come down",
];
const DIRTY: &[&str] = &[
    "write to ann.lee+tag@mail.example.co.uk before noon",
    "paid with 4111 1111 1111 1111 yesterday",
    "call +1 415 555 2671 or leave a message",
    "to DE89 3704 0044 0532 0130 00, please",
];

fn main() {
    for (name, cells) in [("clean", CLEAN), ("dirty", DIRTY)] {
        let bytes: usize = cells.iter().map(|cell| cell.len()).sum();
        let mut found = Vec::new();
        let rounds = 2_000_000_000 / bytes / 10;
        let begun = Instant::now();
        for _ in 0..rounds {
            found.clear();
            for cell in cells {
                scan(std::hint::black_box(cell.as_bytes()), Classes::all(), &mut found);
            }
        }
        let seconds = begun.elapsed().as_secs_f64();
        println!(
            "{name}: {:.2} GB/s, {} values a round",
            (rounds * bytes) as f64 / seconds / 1e9,
            found.len()
        );
    }
}
