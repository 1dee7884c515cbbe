//! How fast the recognisers read, on one core: rows of ten clean text cells, the same with values in three of them, and
//! columns of times, UUIDs and numbers. The median of several runs; the time is that of this thread's processor.
#![allow(clippy::print_stdout, reason = "it reports to a person")]

use sallyport_core::mask::detect::{Classes, Hint, scan_named};
use std::hint::black_box;
use std::time::{Duration, Instant};

/// Rows that differ, so that no branch is learnt by heart.
const ROWS: usize = 997;
const ROUNDS: usize = 9;

const WORDS: &[&str] = &[
    "Leather walking boots, brown, size 44",
    "shipped",
    "returned by the customer, box damaged",
    "EUR",
    "Lisbon",
    "pending",
    "The quick brown fox jumps over the lazy dog while the band plays on, and nobody minds at all.",
    "Rua das Flores",
    "express",
    "Wool blanket (grey)",
    "left with the neighbour on the third floor, ring twice and wait for the porter",
];

struct Seed(u64);

impl Seed {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) % end
    }
    fn words(&mut self) -> String {
        let at = self.below(WORDS.len() as u64) as usize;
        WORDS.get(at).copied().unwrap_or_default().to_owned()
    }
    fn hex(&mut self, len: usize) -> String {
        (0..len).map(|_| char::from_digit(self.below(16) as u32, 16).unwrap_or('0')).collect()
    }
    fn uuid(&mut self) -> String {
        format!("{}-{}-4{}-a{}-{}", self.hex(8), self.hex(4), self.hex(3), self.hex(3), self.hex(12))
    }
    fn time(&mut self) -> String {
        let (day, hour, second, fraction) =
            (self.below(28) + 1, self.below(24), self.below(60), self.below(999_999));
        format!("2024-01-{day:02} {hour:02}:30:{second:02}.{fraction:06}+00")
    }
    fn card(&mut self) -> String {
        let body: String =
            std::iter::once('4').chain((0..14).map(|_| char::from(b'0' + self.below(10) as u8))).collect();
        let sum: u32 = body
            .bytes()
            .rev()
            .enumerate()
            .map(|(at, digit)| {
                let digit = u32::from(digit - b'0');
                if at % 2 == 0 { digit * 2 / 10 + digit * 2 % 10 } else { digit }
            })
            .sum();
        format!("{body}{}", (10 - sum % 10) % 10)
    }
}

fn clean(seed: &mut Seed) -> Vec<String> {
    vec![
        seed.below(100_000).to_string(),
        seed.uuid(),
        seed.time(),
        seed.words(),
        seed.words(),
        format!("{}.{:02}", seed.below(5000), seed.below(100)),
        format!("LB-{}-BR", seed.below(9000) + 1000),
        format!("https://shop.example.com/p/{}?ref=mail", seed.hex(6)),
        seed.words(),
        seed.words(),
    ]
}

fn dirty(seed: &mut Seed) -> Vec<String> {
    let mut cells = clean(seed);
    let values = [
        format!(
            "{}.{}@mail.example.co.uk",
            seed.words().get(..3).unwrap_or_default().to_lowercase(),
            seed.below(99)
        ),
        format!(
            "+1 {}{:02}-{}{:02}-{:04}",
            seed.below(8) + 2,
            seed.below(100),
            seed.below(8) + 2,
            seed.below(100),
            seed.below(10_000)
        ),
        seed.card(),
    ];
    for (cell, value) in cells.iter_mut().skip(3).step_by(2).zip(values) {
        *cell = value;
    }
    cells
}

fn typed(seed: &mut Seed) -> Vec<String> {
    vec![
        seed.uuid(),
        seed.time(),
        seed.uuid(),
        seed.time(),
        "2024-01-15".into(),
        seed.uuid(),
        seed.uuid(),
        seed.time(),
    ]
}

fn main() {
    for (name, make) in [("clean", clean as fn(&mut Seed) -> Vec<String>), ("dirty", dirty), ("typed", typed)]
    {
        let mut seed = Seed(7);
        let cells: Vec<String> = (0..ROWS).flat_map(|_| make(&mut seed)).collect();
        let bytes: usize = cells.iter().map(String::len).sum();
        let mut found = Vec::new();
        let mut speeds: Vec<f64> = (0..ROUNDS).map(|_| speed(&cells, bytes, &mut found)).collect();
        speeds.sort_by(f64::total_cmp);
        let (median, best) = (speeds.get(ROUNDS / 2), speeds.last());
        println!(
            "{name}: {:.2} GB/s (best {:.2}), {} bytes a cell, {} values in {} cells",
            median.unwrap_or(&0.0),
            best.unwrap_or(&0.0),
            bytes / cells.len(),
            found.len(),
            cells.len(),
        );
    }
}

fn speed(cells: &[String], bytes: usize, found: &mut Vec<sallyport_core::mask::detect::Found>) -> f64 {
    let (begun, mut rounds, used) = (Instant::now(), 0, used());
    while begun.elapsed() < Duration::from_millis(200) {
        found.clear();
        for cell in cells {
            scan_named(black_box(cell.as_bytes()), Classes::all(), Hint::NONE, found);
        }
        rounds += 1;
    }
    let nanoseconds = match (used, self::used()) {
        (Some(before), Some(after)) => (after - before) as f64,
        _ => begun.elapsed().as_nanos() as f64,
    };
    (rounds * bytes) as f64 / nanoseconds
}

/// Nanoseconds that this thread has had of a processor, where the system says so: other work does not count.
fn used() -> Option<u64> {
    std::fs::read_to_string("/proc/thread-self/schedstat").ok()?.split(' ').next()?.parse().ok()
}
