//! The first look at every cell, and the last at most of them: a bit for each byte of a class, and from the bits what the
//! readers would look for. A text that is quiet, without a sign that any value is built around, has none.

use super::lanes::{Lanes, WIDTH};

/// A block is as long as there are bits in a word.
const BLOCK: usize = 64;
/// An AWS secret and the name before it are longer.
const SHORT: usize = 46;

/// A bit for each byte of a block, by class.
#[derive(Clone, Copy, Default)]
struct Marks {
    digits: u64,
    ats: u64,
    colons: u64,
    dots: u64,
    dashes: u64,
    /// Letters, digits, `-` and `_`.
    words: u64,
}

impl Marks {
    /// Of at most [`BLOCK`] bytes. What is no whole chunk is read twice, from either end, so that nothing is copied.
    #[inline(always)]
    fn of(block: &[u8]) -> Self {
        let len = block.len();
        let back = |from: usize| block.get(len - from..).and_then(|rest| rest.first_chunk::<WIDTH>());
        if let (Some(first), Some(last)) = (block.first_chunk::<WIDTH>(), block.last_chunk::<WIDTH>()) {
            let last_at = (len - WIDTH) as u32 & 63;
            if len <= 2 * WIDTH {
                return Self::at([(first, 0), (last, last_at)]);
            }
            let second = block.get(WIDTH..).and_then(|rest| rest.first_chunk::<WIDTH>());
            if let (Some(second), Some(third)) = (second, back(2 * WIDTH)) {
                return Self::at([
                    (first, 0),
                    (second, 16),
                    (third, (len - 2 * WIDTH) as u32 & 63),
                    (last, last_at),
                ]);
            }
        }
        match Lanes::few(block) {
            Some((bytes, half, shift)) => Self::at([(&bytes, 0)]).joined(half, shift),
            None => Self::default(),
        }
    }

    #[inline(always)]
    fn at<const N: usize>(chunks: [(&[u8; WIDTH], u32); N]) -> Self {
        let mut marks = Self::default();
        for (chunk, at) in chunks {
            let lanes = Lanes::of(chunk);
            let digits = lanes.digits();
            let dashes = lanes.is(b'-');
            marks.digits |= digits.bits() << at;
            marks.ats |= lanes.is(b'@').bits() << at;
            marks.colons |= lanes.is(b':').bits() << at;
            marks.dots |= lanes.is(b'.').bits() << at;
            marks.dashes |= dashes.bits() << at;
            marks.words |= lanes.letters().or(digits).or(dashes).or(lanes.is(b'_')).bits() << at;
        }
        marks
    }

    /// The bits of a short text's two halves, which overlap, put in their places.
    #[inline(always)]
    fn joined(self, half: u32, shift: u32) -> Self {
        let low = (1u64 << half) - 1;
        let join = |bits: u64| bits & low | (bits >> half & low) << shift;
        Self {
            digits: join(self.digits),
            ats: join(self.ats),
            colons: join(self.colons),
            dots: join(self.dots),
            dashes: join(self.dashes),
            words: join(self.words),
        }
    }

    /// Sixteen or more of a word in a row.
    #[inline(always)]
    fn has_long_word(self) -> bool {
        let pairs = self.words & self.words >> 1;
        let fours = pairs & pairs >> 2;
        let eights = fours & fours >> 4;
        eights & eights >> 8 != 0
    }

    /// Two letters and two digits in a row: an account may begin there.
    #[inline(always)]
    fn has_account(self) -> bool {
        let letters = self.words & !self.digits & !self.dashes;
        letters & letters >> 1 & self.digits >> 2 & self.digits >> 3 != 0
    }

    /// Three times four letters or digits, with a dot or dash between.
    #[inline(always)]
    fn has_fours(self) -> bool {
        let (points, words) = (self.dots | self.dashes, self.words & !self.dashes);
        let pairs = words & words >> 1;
        let fours = pairs & pairs >> 2;
        fours & points >> 4 & fours >> 5 & points >> 9 & fours >> 10 != 0
    }

    /// Five colons or dashes with two bytes between.
    #[inline(always)]
    fn has_pairs(self) -> bool {
        let signs = self.colons | self.dashes;
        let three = signs & signs >> 3 & signs >> 6;
        three & three >> 6 != 0
    }

    /// Three dots with a digit on either side.
    #[inline(always)]
    fn has_dotted(self) -> bool {
        let dots = self.dots & self.digits << 1 & self.digits >> 1;
        let two = dots & dots.wrapping_sub(1);
        two & two.wrapping_sub(1) != 0
    }

    /// Four dashes in a row, of the armour of a key.
    #[inline(always)]
    fn has_armour(self) -> bool {
        let pairs = self.dashes & self.dashes >> 1;
        pairs & pairs >> 2 != 0
    }

    #[inline(always)]
    fn has_two(bits: u64) -> bool {
        bits & bits.wrapping_sub(1) != 0
    }
}

/// Which readers have something to read in a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Signs {
    pub(super) at: bool,
    pub(super) colon: bool,
    /// Two colons.
    pub(super) six: bool,
    pub(super) four: bool,
    pub(super) hardware: bool,
    pub(super) account: bool,
    pub(super) number: bool,
    /// A word of sixteen or more letters, digits, hyphens and underscores that are not all digits.
    pub(super) long: bool,
    pub(super) armour: bool,
    pub(super) secret: bool,
}

impl Signs {
    #[inline(always)]
    pub(super) fn of(text: &[u8]) -> Self {
        if text.len() > BLOCK { Self::of_long(text) } else { Self::of_short(text) }
    }

    #[inline(always)]
    fn of_short(text: &[u8]) -> Self {
        let marks = Marks::of(text);
        let several = Marks::has_two(marks.digits);
        let parted = Marks::has_two(marks.dots | marks.dashes | marks.colons);
        Self {
            at: marks.ats != 0,
            colon: marks.colons != 0,
            six: parted && Marks::has_two(marks.colons),
            four: parted && marks.has_dotted(),
            hardware: parted && (marks.has_pairs() || marks.has_fours()),
            account: several && marks.has_account(),
            number: several && marks.digits.count_ones() >= super::digits::FEWEST,
            long: text.len() >= super::tokens::SHORTEST
                && marks.has_long_word()
                && marks.words != marks.digits,
            armour: parted && marks.has_armour(),
            secret: text.len() > SHORT && marks.digits != 0 && has_capitals(text),
        }
    }

    /// Nothing that is asked here may fall between two blocks: a longer text is told by what it has anywhere.
    fn of_long(text: &[u8]) -> Self {
        let (mut digits, mut colons, mut dots, mut dashes, mut ahead) = (0, 0, 0, 0, 0);
        let mut signs = Self::default();
        for block in text.chunks(BLOCK) {
            let marks = Marks::of(block);
            let count = |all: &mut u32, bits: u64| *all += if bits == 0 { 0 } else { bits.count_ones() };
            count(&mut digits, marks.digits);
            count(&mut colons, marks.colons);
            count(&mut dots, marks.dots);
            count(&mut dashes, marks.dashes);
            signs.at |= marks.ats != 0;
            // A word may go on from the block before.
            signs.long |= marks.has_long_word() || ahead + marks.words.trailing_ones() >= 16;
            ahead = marks.words.leading_ones();
        }
        signs.colon = colons > 0;
        signs.six = colons >= 2;
        signs.four = dots >= 3 && digits >= 4;
        signs.hardware = colons >= 5 || dashes >= 5 || (digits >= 2 && (dashes >= 2 || dots >= 2));
        signs.account = digits >= 2;
        signs.number = digits >= super::digits::FEWEST;
        signs.armour = dashes >= super::pem::FEWEST_DASHES;
        signs.secret = digits > 0 && has_capitals(text);
        signs
    }

    /// No value of any kind can stand in the text.
    #[inline(always)]
    pub(super) fn is_quiet(self) -> bool {
        !(self.at || self.six || self.four || self.hardware || self.account || self.number)
            && !(self.long || self.armour || self.secret)
    }
}

/// Four or more.
#[inline]
fn has_capitals(text: &[u8]) -> bool {
    let mut seen = 0;
    Lanes::each(text, |lanes| seen += lanes.capitals().bits().count_ones());
    seen >= 4
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn marks(text: &[u8], is: fn(&u8) -> bool) -> u64 {
        text.iter().enumerate().filter(|(_, byte)| is(byte)).fold(0, |bits, (at, _)| bits | 1 << at)
    }

    proptest! {
        #[test]
        fn every_byte_has_its_bit(text in "[0-9A-Za-z@.:_ -]{0,64}") {
            let text = text.as_bytes();
            let seen = Marks::of(text);
            prop_assert_eq!(seen.digits, marks(text, u8::is_ascii_digit));
            prop_assert_eq!(seen.ats, marks(text, |byte| *byte == b'@'));
            prop_assert_eq!(seen.colons, marks(text, |byte| *byte == b':'));
            prop_assert_eq!(seen.dots, marks(text, |byte| *byte == b'.'));
            prop_assert_eq!(seen.dashes, marks(text, |byte| *byte == b'-'));
            prop_assert_eq!(seen.words, marks(text, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')));
        }

        #[test]
        fn a_long_text_shows_what_its_parts_show(text in "[0-9A-Za-z@.:_ -]{0,40}", before in "[a-z ]{30,70}") {
            let alone = Signs::of(text.as_bytes());
            let long = Signs::of(format!("{before} {text}").as_bytes());
            // An address of hardware without a single figure is not looked for in a longer text.
            let other = Signs { hardware: false, secret: false, ..alone };
            prop_assert!(!long.is_quiet() || other.is_quiet());
        }
    }

    #[test]
    fn long_words_may_lie_on_an_edge() {
        for at in 40..80 {
            let text = format!("{} {}", " ".repeat(at), "abcdefgh12345678");
            assert!(Signs::of(text.as_bytes()).long, "{at}");
        }
    }
}
