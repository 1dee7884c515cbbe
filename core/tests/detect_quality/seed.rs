//! Numbers that look random and are the same in every run, and strings made after a pattern.

pub struct Seed(u64);

impl Seed {
    pub fn new(start: u64) -> Self {
        Self(start)
    }
    /// SplitMix64.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }
    pub fn between(&mut self, first: usize, last: usize) -> usize {
        first + self.below(last - first + 1)
    }
    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }
    pub fn letters(&mut self, alphabet: &str, len: usize) -> String {
        (0..len).map(|_| *self.pick(alphabet.as_bytes()) as char).collect()
    }
    /// `#` is a digit, `%` one from 1, `N` one from 2, `h` a hexadecimal one; `^` and `_` are a great and a small letter.
    pub fn fill(&mut self, pattern: &str) -> String {
        let mut filled = String::new();
        for sign in pattern.chars() {
            let alphabet = match sign {
                '#' => "0123456789",
                '%' => "123456789",
                'N' => "23456789",
                'h' => "0123456789abcdef",
                '^' => "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
                '_' => "abcdefghijklmnopqrstuvwxyz",
                _ => {
                    filled.push(sign);
                    continue;
                }
            };
            filled.push_str(&self.letters(alphabet, 1));
        }
        filled
    }
}
