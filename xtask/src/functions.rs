//! `cargo xtask functions`: what the functions of PostgreSQL do, as a table that the tree carries.
//!
//! Joins `sql/functions/catalog.tsv` (read off servers by `scripts/read-functions.sh`) with `sql/functions/effects.txt`
//! (by hand) into `sql/src/functions/table.rs`. Invariant: a function that is volatile in any server and has no line in
//! effects.txt is an error, and so is a line that names nothing.

use anyhow::{Context, Result, bail, ensure};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::{Path, PathBuf};

const CATALOG: &str = "sql/functions/catalog.tsv";
const OPERATORS: &str = "sql/functions/operators.tsv";
const EFFECTS: &str = "sql/functions/effects.txt";
const TABLE: &str = "sql/src/functions/table.rs";

/// The oldest version that the table speaks of; its bit is the lowest.
const OLDEST: u8 = 13;

pub fn write() -> Result<()> {
    std::fs::write(root().join(TABLE), table()?).with_context(|| format!("write {TABLE}"))
}

/// Fails when the table is not what its sources say.
pub fn check() -> Result<()> {
    let same = read(TABLE)? == table()?;
    ensure!(same, "{TABLE} is not what {CATALOG} and {EFFECTS} say: run cargo xtask functions");
    Ok(())
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> Result<String> {
    std::fs::read_to_string(root().join(path)).with_context(|| format!("read {path}"))
}

/// One name, as all servers and extensions together have it.
#[derive(Default)]
struct Function {
    homes: BTreeSet<String>,
    majors: u8,
    volatile: bool,
}

fn table() -> Result<String> {
    let mut functions = functions()?;
    let mut effects = Effects::parse(&read(EFFECTS)?)?;
    for name in &effects.elsewhere {
        ensure!(!functions.contains_key(name), "{EFFECTS}: +{name} is in {CATALOG}: write it without the +");
        functions.insert(name.clone(), Function::default());
    }
    let mut said: BTreeMap<String, String> = BTreeMap::new();
    let mut missing = Vec::new();
    for (name, function) in &functions {
        match effects.of(name, function)? {
            Some(does) => drop(said.insert(name.clone(), does)),
            None if function.volatile => missing.push(name.as_str()),
            None => drop(said.insert(name.clone(), "PURE".to_owned())),
        }
    }
    ensure!(missing.is_empty(), "{EFFECTS}: volatile, and no line says what they do: {}", missing.join(" "));
    effects.all_used()?;
    print(&functions, &said, &operators(&said)?)
}

fn functions() -> Result<BTreeMap<String, Function>> {
    let mut functions: BTreeMap<String, Function> = BTreeMap::new();
    for line in read(CATALOG)?.lines().filter(|line| !line.starts_with('#')) {
        let [name, home, kinds, majors] = line.split('\t').collect::<Vec<_>>()[..] else {
            bail!("{CATALOG}: {line:?} has not four parts");
        };
        let function = functions.entry(name.to_owned()).or_default();
        function.homes.insert(home.to_owned());
        function.volatile |= kinds.contains('v');
        for major in majors.split(',') {
            let major: u8 = major.parse().with_context(|| format!("{CATALOG}: a version in {line:?}"))?;
            function.majors |= 1 << (major - OLDEST);
        }
    }
    Ok(functions)
}

/// Operators of `pg_catalog`. Rules are not asked about them, so each must only compute.
fn operators(said: &BTreeMap<String, String>) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for line in read(OPERATORS)?.lines().filter(|line| !line.starts_with('#')) {
        let (name, calls) = line.split_once('\t').with_context(|| format!("{OPERATORS}: {line:?}"))?;
        for function in calls.split(',') {
            let pure = said.get(function).is_some_and(|does| does == "PURE");
            ensure!(pure, "{OPERATORS}: {name} calls {function}, which does more than compute");
        }
        names.push(name.to_owned());
    }
    Ok(names)
}

/// The lines of effects.txt, by how they name functions.
#[derive(Default)]
struct Effects {
    exact: BTreeMap<String, String>,
    patterns: BTreeMap<String, String>,
    extensions: BTreeMap<String, String>,
    elsewhere: BTreeSet<String>,
    used: BTreeSet<String>,
}

impl Effects {
    fn parse(text: &str) -> Result<Self> {
        let mut all = Self::default();
        for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let [effects, names, why] = line.split('|').map(str::trim).collect::<Vec<_>>()[..] else {
                bail!("{EFFECTS}: {line:?} has not three parts");
            };
            ensure!(!why.is_empty(), "{EFFECTS}: {line:?} does not say why");
            let does = does(effects)?;
            for name in names.split_whitespace() {
                let before = if let Some(extension) = name.strip_prefix('@') {
                    all.extensions.insert(extension.to_owned(), does.clone())
                } else if name.contains('*') {
                    all.patterns.insert(name.to_owned(), does.clone())
                } else {
                    if let Some(name) = name.strip_prefix('+') {
                        all.elsewhere.insert(name.to_owned());
                    }
                    all.exact.insert(name.trim_start_matches('+').to_owned(), does.clone())
                };
                ensure!(before.is_none(), "{EFFECTS}: {name} stands there twice");
            }
        }
        Ok(all)
    }

    fn of(&mut self, name: &str, function: &Function) -> Result<Option<String>> {
        if let Some(does) = self.exact.get(name) {
            self.used.insert(name.to_owned());
            return Ok(Some(does.clone()));
        }
        let mut found: Vec<(&String, &String)> =
            self.patterns.iter().filter(|(pattern, _)| matches(pattern, name)).collect();
        // The longest beginning is the most particular.
        found.sort_by_key(|(pattern, _)| std::cmp::Reverse(pattern.len()));
        if found.is_empty() {
            found = self.extensions.iter().filter(|(home, _)| function.homes.contains(*home)).collect();
            let one_home = found.is_empty() || function.homes.len() == 1;
            ensure!(one_home, "{EFFECTS}: {name} is of several homes: name it by itself");
        }
        let Some((by, does)) = found.first() else { return Ok(None) };
        self.used.insert((*by).clone());
        Ok(Some((*does).clone()))
    }

    fn all_used(&self) -> Result<()> {
        let all = self.exact.keys().chain(self.patterns.keys()).chain(self.extensions.keys());
        let idle: Vec<&str> = all.filter(|name| !self.used.contains(*name)).map(String::as_str).collect();
        ensure!(idle.is_empty(), "{EFFECTS}: no server has {}", idle.join(" "));
        Ok(())
    }
}

/// `*` stands for anything, once.
fn matches(pattern: &str, name: &str) -> bool {
    pattern.split_once('*').is_some_and(|(before, after)| {
        name.len() >= before.len() + after.len() && name.starts_with(before) && name.ends_with(after)
    })
}

/// The effects of a line as what the table holds.
fn does(effects: &str) -> Result<String> {
    match effects {
        "pure" => return Ok("PURE".to_owned()),
        "call" => return Ok("CALL".to_owned()),
        _ => {}
    }
    let parts = effects.split(',').map(|effect| part(effect.trim())).collect::<Result<Vec<_>>>()?;
    Ok(format!("Does::Call(&[{}])", parts.join(", ")))
}

fn part(effect: &str) -> Result<String> {
    let (word, argument) = effect.split_once(':').unwrap_or((effect, ""));
    let bare = |name: &str| {
        ensure!(argument.is_empty(), "{EFFECTS}: {word} takes no argument");
        Ok(format!("R::{name}"))
    };
    let place = || argument.parse::<usize>().with_context(|| format!("{EFFECTS}: the argument of {effect}"));
    match word {
        "unknown" => bare("Dynamic"),
        "connect_out" => bare("ConnectOut"),
        "sequence" => bare("Sequence"),
        "lock" => bare("Lock"),
        "notify" => bare("Notify"),
        "admin" => bare("Admin"),
        "maintenance" => bare("Maintenance"),
        "set" => bare("SetSetting"),
        "read_setting" => bare("ReadSetting"),
        "large_read" => bare("LargeRead"),
        "large_create" => bare("LargeCreate"),
        "large_write" => bare("LargeWrite"),
        "large_drop" => bare("LargeDrop"),
        "file_read" if argument.is_empty() => Ok("R::FileRead(None)".to_owned()),
        "file_read" => Ok(format!("R::FileRead(Some({}))", place()?)),
        "file_write" => Ok(format!("R::FileWrite({})", place()?)),
        "reads" => Ok(match argument.strip_prefix('.') {
            Some(relation) => format!("R::Reads(None, {relation:?})"),
            None => format!("R::Reads(Some(\"pg_catalog\"), {argument:?})"),
        }),
        _ => bail!("{EFFECTS}: {effect:?} is no effect"),
    }
}

fn print(
    functions: &BTreeMap<String, Function>,
    said: &BTreeMap<String, String>,
    operators: &[String],
) -> Result<String> {
    let mut text = String::from(HEAD);
    writeln!(text, "#[rustfmt::skip]\npub(super) static FUNCTIONS: &[Known] = &[")?;
    for (name, function) in functions {
        let homes: Vec<String> = function.homes.iter().map(|home| format!("{home:?}")).collect();
        let homes = match homes.as_slice() {
            [home] if home == "\"pg_catalog\"" => "PG".to_owned(),
            homes => format!("&[{}]", homes.join(", ")),
        };
        let majors =
            if function.majors == 0b11_1111 { "ALL".to_owned() } else { format!("{:#b}", function.majors) };
        let volatile = if function.volatile { "VOLATILE" } else { "STEADY" };
        let does = said.get(name).with_context(|| format!("what {name} does"))?;
        writeln!(text, "    known({name:?}, {homes}, {majors}, {volatile}, {does}),")?;
    }
    writeln!(text, "];\n\n#[rustfmt::skip]\npub(super) static OPERATORS: &[&str] = &[")?;
    for line in operators.chunks(12) {
        let names: Vec<String> = line.iter().map(|name| format!("{name:?}")).collect();
        writeln!(text, "    {},", names.join(", "))?;
    }
    text.push_str("];\n");
    Ok(text)
}

const HEAD: &str = "\
//! What the functions of PostgreSQL do, name by name. Written by `cargo xtask functions`; do not edit.
//!
//! Its sources are sql/functions/catalog.tsv, read off servers of every supported version with all contributed
//! extensions by scripts/read-functions.sh, and sql/functions/effects.txt, by hand. Sorted by name, for binary search.
//! A line is: the name, where it is from, in which versions (the lowest bit is 13), whether any overload is volatile, and
//! what calling it amounts to.

use super::reach::{Does, Known, Reach as R};

const PG: &[&str] = &[\"pg_catalog\"];
const ALL: u8 = 0b11_1111;
const VOLATILE: bool = true;
const STEADY: bool = false;
const PURE: Does = Does::Nothing;
const CALL: Does = Does::Call(&[]);

const fn known(
    name: &'static str,
    homes: &'static [&'static str],
    majors: u8,
    volatile: bool,
    does: Does,
) -> Known {
    Known { name, homes, majors, volatile, does }
}

";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_what_its_sources_say() {
        check().expect("run cargo xtask functions");
    }

    #[test]
    fn a_name_counts_before_a_beginning_and_the_longer_beginning_before_the_shorter() {
        let mut effects =
            Effects::parse("call | a* | x\nlock | ab* | x\nnotify | abc | x").expect("it reads");
        let mut of = |name: &str| effects.of(name, &Function::default()).expect("one home").expect("a line");
        assert_eq!(of("abc"), "Does::Call(&[R::Notify])");
        assert_eq!(of("abcd"), "Does::Call(&[R::Lock])");
        assert_eq!(of("ax"), "CALL");
    }

    #[test]
    fn a_line_that_says_no_effect_or_no_reason_is_refused() {
        for wrong in ["call | a", "call | a |", "cal | a | x", "file_write | a | x", "call | a b a | x"] {
            assert!(Effects::parse(wrong).is_err(), "{wrong}");
        }
    }
}
