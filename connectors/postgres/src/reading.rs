//! What a text would do, read once and resolved against the catalog, for every time it comes again.

use crate::catalog::Snapshot;
use sallyport_core::{Action, Effect, Effects, Epoch};
use sallyport_sql::{Analysis, SqlFault, Statement, StatementKind};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Texts whose reading a session keeps.
const KEPT: usize = 128;

/// The statements of one text, with what each would do under one snapshot of the catalog.
#[derive(Debug)]
pub struct Reading {
    analysis: Arc<Analysis>,
    /// The statements that are not empty.
    live: Vec<usize>,
    effects: Vec<Effects>,
    /// For each live statement, what it was looked at under and found harmless.
    passed: Vec<Stamp>,
    version: u64,
    /// It makes or drops prepared statements or cursors, or runs one by its name in SQL.
    pub names: bool,
    /// It calls a function that neither PostgreSQL nor the catalog has.
    pub unlisted: bool,
}

impl Reading {
    fn of(analysis: Arc<Analysis>, snapshot: &Snapshot) -> Self {
        let live: Vec<usize> = (0..analysis.statements.len())
            .filter(|at| analysis.statements.get(*at).is_some_and(|one| one.kind != StatementKind::Empty))
            .collect();
        let effects: Vec<Effects> = live
            .iter()
            .filter_map(|at| analysis.statements.get(*at))
            .map(|statement| statement.effects_with(snapshot))
            .collect();
        let passed = live.iter().map(|_| Stamp::default()).collect();
        let names = analysis.statements.iter().any(|statement| is_of_names(&statement.kind));
        let unlisted = effects.iter().flat_map(Effects::list).any(Effect::is_unlisted_function);
        Self { live, effects, passed, version: snapshot.version(), names, unlisted, analysis }
    }
    /// How many statements are not empty.
    pub fn count(&self) -> usize {
        self.live.len()
    }
    pub fn statement(&self, at: usize) -> Option<&Statement> {
        self.analysis.statements.get(*self.live.get(at)?)
    }
    pub fn effects(&self, at: usize) -> Option<&Effects> {
        self.effects.get(at)
    }
}

/// The rules and the catalog under which something was found. Of one session, so that nobody else writes between.
#[derive(Debug, Default)]
struct Stamp {
    epoch: AtomicU64,
    version: AtomicU64,
}

impl Stamp {
    fn is(&self, epoch: Epoch, version: u64) -> bool {
        self.epoch.load(Ordering::Relaxed) == epoch.0 && self.version.load(Ordering::Relaxed) == version
    }
    fn set(&self, epoch: Epoch, version: u64) {
        self.epoch.store(epoch.0, Ordering::Relaxed);
        self.version.store(version, Ordering::Relaxed);
    }
}

fn is_of_names(kind: &StatementKind) -> bool {
    matches!(
        kind,
        StatementKind::Prepare { .. }
            | StatementKind::Execute { .. }
            | StatementKind::Deallocate(_)
            | StatementKind::Declare { .. }
            | StatementKind::Fetch { .. }
            | StatementKind::Close(_)
            | StatementKind::Discard(_)
    )
}

/// A statement by itself: one of a reading, or what a PREPARE or DECLARE holds inside.
#[derive(Clone, Debug)]
pub struct Meaning {
    reading: Arc<Reading>,
    at: usize,
    inner: bool,
}

impl Meaning {
    pub fn of(reading: &Arc<Reading>, at: usize) -> Self {
        Self { reading: Arc::clone(reading), at, inner: false }
    }
    /// What the PREPARE, DECLARE or EXPLAIN at this place speaks of.
    pub fn inside(reading: &Arc<Reading>, at: usize) -> Self {
        Self { reading: Arc::clone(reading), at, inner: true }
    }
    pub fn statement(&self) -> Option<&Statement> {
        let outer = self.reading.statement(self.at)?;
        match &outer.kind {
            StatementKind::Prepare { inner, .. } | StatementKind::Declare { inner, .. } if self.inner => {
                Some(inner)
            }
            _ if self.inner => None,
            _ => Some(outer),
        }
    }
    /// What it would do. Shared where it was resolved before.
    pub fn effects(&self, snapshot: &Snapshot) -> Effects {
        if !self.inner
            && self.reading.version == snapshot.version()
            && let Some(effects) = self.reading.effects(self.at)
        {
            return effects.clone();
        }
        self.statement().map_or_else(Effects::unknown, |statement| statement.effects_with(snapshot))
    }
    /// What it is about: the statement that a PREPARE, a DECLARE or an EXPLAIN holds, else itself.
    pub fn inner_or_own(&self) -> Option<&Statement> {
        let own = self.statement()?;
        match &own.kind {
            StatementKind::Prepare { inner, .. }
            | StatementKind::Declare { inner, .. }
            | StatementKind::Explain { inner, .. } => Some(inner),
            _ => Some(own),
        }
    }
    /// Whether it was looked at under these rules and this catalog and there was nothing against it.
    pub fn has_passed(&self, epoch: Epoch, version: u64) -> bool {
        self.reading.passed.get(self.at).is_some_and(|stamp| stamp.is(epoch, version))
    }
    pub fn pass(&self, epoch: Epoch, version: u64) {
        if let Some(stamp) = self.reading.passed.get(self.at) {
            stamp.set(epoch, version);
        }
    }
    pub fn is_of_names(&self) -> bool {
        self.statement().is_some_and(|statement| is_of_names(&statement.kind))
    }
    /// Makes a lasting name of what the statement holds inside.
    pub fn within(&self) -> Self {
        Self { inner: true, ..self.clone() }
    }
    /// Tells one meaning from another while both are alive.
    pub fn key(&self) -> (usize, usize, bool) {
        (Arc::as_ptr(&self.reading) as usize, self.at, self.inner)
    }
}

/// The effects of running by name: the name's own, and whatever the statement says besides.
pub fn by_name(own: &Effects, named: Option<Effects>) -> Effects {
    let Some(named) = named else { return own.clone() };
    // What its arguments do is not the name's.
    let is_the_name = |effect: &&Effect| {
        effect.action == Action::Unknown && effect.object.path.is_empty() && effect.through.is_none()
    };
    let besides = own.list().iter().filter(|effect| !is_the_name(effect));
    Effects::new(besides.chain(named.list()).cloned().collect())
}

/// A session's readings.
pub struct Readings {
    cache: Arc<sallyport_sql::Cache>,
    kept: HashMap<usize, Arc<Reading>>,
}

impl Readings {
    pub fn new(cache: Arc<sallyport_sql::Cache>) -> Self {
        Self { cache, kept: HashMap::new() }
    }
    pub fn read(&mut self, text: &str, snapshot: &Snapshot) -> Result<Arc<Reading>, SqlFault> {
        let analysis = self.cache.analyze(text)?;
        // The reading keeps its analysis alive, so that the address stays its own.
        let key = Arc::as_ptr(&analysis) as usize;
        if let Some(reading) = self.kept.get(&key).filter(|reading| reading.version == snapshot.version()) {
            return Ok(Arc::clone(reading));
        }
        if self.kept.len() >= KEPT {
            self.kept.clear();
        }
        let reading = Arc::new(Reading::of(analysis, snapshot));
        self.kept.insert(key, Arc::clone(&reading));
        Ok(reading)
    }
    pub fn rest(&mut self) {
        self.kept = HashMap::new();
    }
}
