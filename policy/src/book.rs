//! The rules in force. Replaced whole or not at all, under live sessions, which see it at their next question.

use crate::classes::{Declared, Name};
use crate::diagnostics::Diagnostics;
use crate::explain::{Explanation, explain};
use crate::load::{RuleFile, load};
use crate::rule::Rule;
use crate::session::Session;
use crate::slice::Rules;
use crate::world;
use arc_swap::ArcSwap;
use sallyport_core::judge::Facts;
use sallyport_core::{Effects, Epoch, Judge, Moment, Target};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A column of a declared class that is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unmatched {
    pub class: String,
    /// As it is written.
    pub column: String,
    pub file: String,
    pub line: usize,
}

pub struct RuleBook {
    rules: ArcSwap<Rules>,
    /// The epoch of `rules`, set after them: who sees an epoch also sees its rules, or later ones.
    epoch: AtomicU64,
    /// What `rules` were read from. Held while they are replaced, so that epochs and revisions only grow.
    written: Mutex<Written>,
}

struct Written {
    files: Vec<RuleFile>,
    /// Of the store; 0 where the rules are none of its.
    revision: i64,
}

impl std::fmt::Debug for RuleBook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RuleBook").field("epoch", &self.epoch()).field("rules", &self.len()).finish()
    }
}

impl RuleBook {
    /// Rules that passed every check, in force as the first edition. No files at all deny everything.
    pub fn load(files: Vec<RuleFile>) -> Result<RuleBook, Diagnostics> {
        let (rules, declared) = checked(&files)?;
        let rules = Rules::new(1, rules, declared);
        Ok(Self {
            rules: ArcSwap::from_pointee(rules),
            epoch: AtomicU64::new(1),
            written: Mutex::new(Written { files, revision: 0 }),
        })
    }

    /// Puts other rules in force. With any error the ones in force stay in force.
    pub fn replace(&self, files: Vec<RuleFile>) -> Result<Epoch, Diagnostics> {
        let rules = checked(&files)?;
        let mut written = self.written();
        let revision = written.revision;
        Ok(self.put(rules, Written { files, revision }, &mut written))
    }

    /// The same for a revision of the store, of which several may be on their way at once. `None` where this one or a
    /// later one is in force already: the older of two that race never replaces the newer.
    pub fn advance(&self, revision: i64, files: Vec<RuleFile>) -> Result<Option<Epoch>, Diagnostics> {
        if revision <= self.written().revision {
            return Ok(None);
        }
        let rules = checked(&files)?;
        let mut written = self.written();
        if revision <= written.revision {
            return Ok(None);
        }
        Ok(Some(self.put(rules, Written { files, revision }, &mut written)))
    }

    fn put(&self, (rules, declared): (Vec<Rule>, Declared), new: Written, written: &mut Written) -> Epoch {
        let epoch = self.epoch().0 + 1;
        self.rules.store(Arc::new(Rules::new(epoch, rules, declared)));
        self.epoch.store(epoch, Ordering::Release);
        *written = new;
        Epoch(epoch)
    }

    fn written(&self) -> MutexGuard<'_, Written> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is wrong with files, without putting them in force.
    pub fn check(files: &[RuleFile]) -> Diagnostics {
        load(files).2
    }

    pub fn epoch(&self) -> Epoch {
        Epoch(self.epoch.load(Ordering::Acquire))
    }

    /// What is in force, as it was written.
    pub fn files(&self) -> Vec<RuleFile> {
        self.written().files.clone()
    }

    /// How many rules are in force.
    pub fn len(&self) -> usize {
        self.rules.load().all.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A judge for one session. Follows replacements by itself.
    pub fn session(self: &Arc<Self>, facts: Facts) -> Box<dyn Judge> {
        Box::new(Session::new(Arc::clone(self), facts))
    }

    /// What would happen, by which rules, and who could approve.
    /// `filters` are the columns by which the command filters, as far as its text says: schema, table and column.
    pub fn explain(
        &self,
        facts: &Facts,
        effects: &Effects,
        filters: &[Vec<String>],
        now: Moment,
    ) -> Explanation {
        explain(self.rules(), facts, effects, filters, now)
    }

    /// Every class that a column has: by the target's settings, by declaration, and what these classes are in.
    pub fn classes_of(&self, target: &Target, schema: &str, table: &str, column: &str) -> BTreeSet<String> {
        world::classes_of(target, &self.rules.load().declared, schema, table, column)
    }

    /// What is declared of columns and matches none of these, given as schema, table and column.
    pub fn unmatched(&self, columns: &[(String, String, String)]) -> Vec<Unmatched> {
        let rules = self.rules.load();
        let names: Vec<_> = columns
            .iter()
            .map(|(schema, table, column)| (Name::of(schema), Name::of(table), Name::of(column)))
            .collect();
        let mut unmatched = Vec::new();
        for class in rules.declared.all() {
            for pattern in &class.columns {
                if !names.iter().any(|(schema, table, column)| pattern.matches(schema, table, column)) {
                    unmatched.push(Unmatched {
                        class: class.name.clone(),
                        column: pattern.text.clone(),
                        file: class.file.clone(),
                        line: class.line,
                    });
                }
            }
        }
        unmatched
    }

    pub(crate) fn rules(&self) -> Arc<Rules> {
        self.rules.load_full()
    }
}

fn checked(files: &[RuleFile]) -> Result<(Vec<Rule>, Declared), Diagnostics> {
    let (rules, declared, found) = load(files);
    if found.has_errors() { Err(found) } else { Ok((rules, declared)) }
}
