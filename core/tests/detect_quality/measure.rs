//! Counts what was found against what is labelled. A value is found if a range of its kind covers all of it, with no
//! more than a parenthesis or sign to spare; whatever else is found is wrong.

use sallyport_core::mask::detect::{Class, Classes, Found, hint, scan_named};
use std::collections::BTreeMap;
use std::fmt;

const SPARE: usize = 2;
/// How many misses of a kind are printed.
fn shown() -> usize {
    std::env::var("DETECT_SHOWN").ok().and_then(|count| count.parse().ok()).unwrap_or(6)
}

pub struct Sample {
    column: String,
    text: String,
    label: Option<(Class, usize, usize)>,
}

impl Sample {
    /// A value; where marks stand in it, what is between them.
    pub fn of(class: Class, text: String) -> Self {
        match (text.find('«'), text.find('»')) {
            (Some(start), Some(end)) => {
                let text = text.replace(['«', '»'], "");
                Self { column: String::new(), text, label: Some((class, start, end - '«'.len_utf8())) }
            }
            _ => Self { column: String::new(), label: Some((class, 0, text.len())), text },
        }
    }
    pub fn nothing(text: String) -> Self {
        Self { column: String::new(), text, label: None }
    }
    /// What the column of the value is called.
    pub fn under(mut self, column: &str) -> Self {
        self.column = column.into();
        self
    }
    /// Whether the value is the whole text.
    pub fn is_alone(&self) -> bool {
        self.label.is_none_or(|(_, start, end)| end - start == self.text.len())
    }
    pub fn put(&mut self, before: &str, after: &str) {
        self.text = format!("{before}{}{after}", self.text);
        if let Some((_, start, end)) = &mut self.label {
            *start += before.len();
            *end += before.len();
        }
    }
}

#[derive(Default)]
pub struct Count {
    pub right: usize,
    pub missed: usize,
    pub wrong: usize,
    pub bytes: usize,
    pub leaked: usize,
}

impl Count {
    pub fn precision(&self) -> f64 {
        self.right as f64 / (self.right + self.wrong).max(1) as f64
    }
    pub fn recall(&self) -> f64 {
        self.right as f64 / (self.right + self.missed).max(1) as f64
    }
    pub fn f1(&self) -> f64 {
        2.0 * self.right as f64 / (2 * self.right + self.missed + self.wrong).max(1) as f64
    }
}

#[derive(Default)]
pub struct Tally {
    kinds: BTreeMap<Class, Count>,
    negatives: usize,
    touched: usize,
    shown: BTreeMap<&'static str, Vec<String>>,
}

impl Tally {
    pub fn add(&mut self, sample: &Sample) {
        let mut found = Vec::new();
        scan_named(sample.text.as_bytes(), Classes::all(), hint(&sample.column), &mut found);
        let Some((class, start, end)) = sample.label else {
            self.negatives += 1;
            self.touched += usize::from(!found.is_empty());
            for one in found {
                self.kinds.entry(one.class).or_default().wrong += 1;
                self.show(
                    "touched",
                    &format!("{} as {}: {}", sample.column, one.class.as_str(), sample.text),
                );
            }
            return;
        };
        let covered: usize =
            found.iter().map(|one| one.end.min(end).saturating_sub(one.start.max(start))).sum();
        let is_right = |one: &Found| {
            let spare = (start.saturating_sub(one.start)) + one.end.saturating_sub(end);
            one.class == class && one.start <= start && one.end >= end && spare <= SPARE
        };
        let right = found.iter().any(is_right);
        for one in found.iter().filter(|one| !is_right(one)) {
            self.kinds.entry(one.class).or_default().wrong += 1;
        }
        let count = self.kinds.entry(class).or_default();
        count.bytes += end - start;
        count.leaked += end - start - covered;
        count.right += usize::from(right);
        count.missed += usize::from(!right);
        if !right {
            self.show(class.as_str(), &format!("{}: {} {found:?}", sample.column, sample.text));
        }
    }
    fn show(&mut self, what: &'static str, text: &str) {
        let list = self.shown.entry(what).or_default();
        if list.len() < shown() {
            list.push(text.chars().take(160).collect());
        }
    }
    pub fn kinds(&self) -> impl Iterator<Item = (&Class, &Count)> {
        self.kinds.iter()
    }
    pub fn all(&self) -> Count {
        self.kinds.values().fold(Count::default(), |mut all, count| {
            all.right += count.right;
            all.missed += count.missed;
            all.wrong += count.wrong;
            all.bytes += count.bytes;
            all.leaked += count.leaked;
            all
        })
    }
    pub fn leaked(&self) -> f64 {
        let sum = |of: fn(&Count) -> usize| self.kinds.values().map(of).sum::<usize>() as f64;
        sum(|count| count.leaked) / sum(|count| count.bytes)
    }
    pub fn touched(&self) -> f64 {
        self.touched as f64 / self.negatives.max(1) as f64
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "kind            values  precision  recall  F1      leaked bytes")?;
        let line = |out: &mut fmt::Formatter<'_>, name: &str, count: &Count| {
            writeln!(
                out,
                "{name:15} {:6}  {:.4}     {:.4}  {:.4}  {} of {}",
                count.right + count.missed,
                count.precision(),
                count.recall(),
                count.f1(),
                count.leaked,
                count.bytes
            )
        };
        for (class, count) in &self.kinds {
            line(out, class.as_str(), count)?;
        }
        line(out, "all", &self.all())?;
        writeln!(out, "negatives touched: {} of {}", self.touched, self.negatives)?;
        self.shown.iter().try_for_each(|(what, list)| writeln!(out, "{what}: {list:#?}"))
    }
}
