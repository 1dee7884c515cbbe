//! The data files: a statement a line, `< ` before it what goes first, `= ` after it what it truly does, `! ` how to try.

use anyhow::{Context, Result, bail};
use sallyport_core::{Action, Effect, ObjectKind};
use std::fmt;
use std::path::Path;

#[derive(Debug, Default)]
pub struct Case {
    pub family: String,
    pub before: Vec<String>,
    pub text: String,
    pub truth: Vec<Truth>,
    /// The server refuses it.
    pub fails: bool,
    /// Not in a transaction, and in a database of its own.
    pub alone: bool,
    /// Several statements: the extended protocol has no way to say it.
    pub simple: bool,
    /// What is labelled does not show in the server's counters: no row, or an object of another kind.
    pub unseen: bool,
    /// The gateway refuses what goes before it.
    pub denied: bool,
    /// Known not to be told in full yet; reported apart.
    pub behind: bool,
    /// From this version of PostgreSQL on.
    pub since: u32,
}

/// An action on an object, and whether on all of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Truth {
    pub action: String,
    pub object: String,
    pub whole: bool,
}

impl fmt::Display for Truth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}{}", self.action, self.object, if self.whole { " whole" } else { "" })
    }
}

impl Truth {
    fn read(text: &str) -> Result<Self> {
        let (text, whole) = text.strip_suffix(" whole").map_or((text, false), |rest| (rest, true));
        let (action, object) = text.split_once(' ').unwrap_or((text, ""));
        if Action::from_word(action).is_none() {
            bail!("{action:?} is no action");
        }
        Ok(Self { action: action.to_owned(), object: object.to_owned(), whole })
    }
    /// Whether the gateway said just this, or more of the same object.
    pub fn is_in(&self, effect: &Effect) -> bool {
        self.is_about(effect) && (effect.whole || !self.whole)
    }
    pub fn is_about(&self, effect: &Effect) -> bool {
        if effect.action.as_str() != self.action {
            return false;
        }
        let path = effect.object.path.join(".");
        let by_name = effect.object.kind != ObjectKind::Table || effect.action == Action::Create;
        self.object.is_empty()
            || path == self.object
            || by_name
                && (effect.object.name() == self.object || path.ends_with(&format!(".{}", self.object)))
    }
}

pub fn all() -> Result<Vec<Case>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases");
    let mut cases = Vec::new();
    for item in std::fs::read_dir(&folder).context("list the cases")? {
        let path = item?.path();
        let family = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path)?;
        read(&family, &text, &mut cases).with_context(|| format!("read the cases of {family}"))?;
    }
    cases.sort_by(|a, b| a.family.cmp(&b.family));
    Ok(cases)
}

fn read(family: &str, text: &str, cases: &mut Vec<Case>) -> Result<()> {
    let mut before = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with("# ")) {
        let said = line.replace('⏎', "\n");
        if let Some(first) = said.strip_prefix("< ") {
            before.push(first.to_owned());
        } else if let Some(truth) = line.strip_prefix("= ") {
            let case = cases.last_mut().context("nothing to label")?;
            for one in truth.split("; ").filter(|one| *one != "nothing") {
                case.truth.push(Truth::read(one).with_context(|| format!("of {}", case.text))?);
            }
        } else if let Some(flags) = line.strip_prefix("! ") {
            flag(cases.last_mut().context("nothing to flag")?, flags)?;
        } else {
            let before = std::mem::take(&mut before);
            cases.push(Case { family: family.to_owned(), before, text: said, ..Case::default() });
        }
    }
    Ok(())
}

fn flag(case: &mut Case, flags: &str) -> Result<()> {
    let mut words = flags.split(' ');
    while let Some(word) = words.next() {
        match word {
            "fails" => case.fails = true,
            "alone" => case.alone = true,
            "simple" => case.simple = true,
            "unseen" => case.unseen = true,
            "denied" => case.denied = true,
            "behind" => case.behind = true,
            "since" => case.since = words.next().context("since when?")?.parse()?,
            other => bail!("{other:?} is no flag"),
        }
    }
    Ok(())
}
