//! One session's view of the rules, with a bounded memory of what was decided before.

use crate::book::RuleBook;
use crate::decide::{Finding, ask, combine};
use crate::slice::{Rules, Slice};
use crate::world::World;
use sallyport_core::judge::Facts;
use sallyport_core::mask::forms::Form;
use sallyport_core::mask::token::Scope;
use sallyport_core::{
    Action, ApprovalFact, Effect, Effects, Epoch, Guard, Judge, Moment, Object, Reason, RuleId, Sensitive,
    Sight, Verdict,
};
use std::collections::HashMap;
use std::sync::Arc;

/// How many verdicts and sights a session remembers. Beyond it the memory starts anew.
const MAX_REMEMBERED: usize = 4096;

/// The view of one edition of the rules.
pub(crate) struct View {
    pub rules: Arc<Rules>,
    pub slice: Arc<Slice>,
}

pub(crate) struct Session {
    book: Arc<RuleBook>,
    facts: Facts,
    /// Made of the facts when it is needed, and given back while the session rests. None of them: not made, or the
    /// facts are nothing that the rules can be asked about.
    view: Option<(World, View)>,
    verdicts: HashMap<[u8; 16], Arc<Verdict>>,
    sights: HashMap<[u8; 16], Sight>,
    filters: HashMap<[u8; 16], Option<Reason>>,
}

impl Session {
    pub fn new(book: Arc<RuleBook>, facts: Facts) -> Self {
        Self {
            book,
            facts,
            view: None,
            verdicts: HashMap::new(),
            sights: HashMap::new(),
            filters: HashMap::new(),
        }
    }

    /// Looks at the edition in force; what another one decided is forgotten.
    fn catch_up(&mut self) {
        let current = self.book.epoch();
        if self.view.as_ref().is_some_and(|(_, view)| view.rules.epoch == current.0) {
            return;
        }
        self.verdicts.clear();
        self.sights.clear();
        self.filters.clear();
        let rules = self.book.rules();
        self.view = World::new(self.facts.clone(), Arc::clone(&rules.declared)).ok().map(|world| {
            let view = View::of(rules, &world);
            (world, view)
        });
    }
}

impl View {
    pub fn of(rules: Arc<Rules>, world: &World) -> Self {
        let slice = rules.slice(world);
        Self { rules, slice }
    }

    pub fn connect(&self, world: &World, now: Moment) -> Finding<'_> {
        ask(&self.rules, self.slice.bucket(&self.rules, "connect"), world.connect(now))
    }

    pub fn effect(
        &self,
        world: &World,
        now: Moment,
        effect: &Effect,
        approvals: &[ApprovalFact],
    ) -> Finding<'_> {
        let bucket = self.slice.bucket(&self.rules, effect.action.as_str());
        ask(&self.rules, bucket, world.effect(now, effect, approvals))
    }

    pub fn verdict(
        &self,
        world: &World,
        now: Moment,
        effects: &Effects,
        approvals: &[ApprovalFact],
    ) -> Verdict {
        let findings: Vec<_> = effects
            .list()
            .iter()
            .map(|effect| (effect, self.effect(world, now, effect, approvals)))
            .collect();
        combine(&findings, &place(world.facts()))
    }

    pub fn sight(&self, world: &World, now: Moment, thing: &Sensitive<'_>) -> Sight {
        let finding = ask(&self.rules, self.slice.bucket(&self.rules, "see"), world.about("see", now, thing));
        if finding.broken.is_some() {
            return unanswered();
        }
        let strictest = finding.forbids.iter().min_by_key(|rule| strictness(rule.form()));
        match strictest {
            Some(rule) => Sight::Masked { form: rule.form(), rule: rule.id.clone() },
            None => Sight::Clear,
        }
    }

    /// Why rows may not be chosen by this, if so. What cannot be answered is forbidden.
    pub fn filter(&self, world: &World, now: Moment, thing: &Sensitive<'_>) -> Option<Reason> {
        let bucket = self.slice.bucket(&self.rules, "filter");
        let finding = ask(&self.rules, bucket, world.about("filter", now, thing));
        if let Some(why) = &finding.broken {
            let message = format!("The rules could not be asked ({why}), so it is refused.");
            return Some(Reason { rules: vec![RuleId::new("default-deny")], message, effect: None });
        }
        let rules: Vec<RuleId> = finding.forbids.iter().map(|rule| rule.id.clone()).collect();
        let message = finding.forbids.iter().find_map(|rule| rule.message.clone()).unwrap_or_default();
        (!rules.is_empty()).then_some(Reason { rules, message, effect: None })
    }

    pub fn guard(&self) -> Guard {
        match self.slice.bucket(&self.rules, "filter") {
            Some(bucket) if bucket.forbids.is_empty() => Guard::None,
            Some(bucket) if !bucket.timed => Guard::Lasting,
            Some(_) | None => Guard::Timed,
        }
    }

    /// False only where no permit can apply, or one forbid always does.
    pub fn could_permit(&self, world: &World, action: Action, besides: &[Object]) -> bool {
        let Some(bucket) = self.slice.bucket(&self.rules, action.as_str()) else { return false };
        let left_out: Vec<_> = besides.iter().filter_map(|object| world.uid(object)).collect();
        bucket.could_permit(&left_out) && !bucket.always_forbids(&self.rules, world)
    }

    fn is_timed(&self, action: &str) -> bool {
        self.slice.bucket(&self.rules, action).is_none_or(|bucket| bucket.timed)
    }
}

impl Judge for Session {
    fn epoch(&self) -> Epoch {
        self.book.epoch()
    }

    fn connect(&mut self, now: Moment) -> Result<Vec<RuleId>, Reason> {
        self.catch_up();
        let Some((world, view)) = &self.view else { return Err(no_view()) };
        admission(&view.connect(world, now), world.facts())
    }

    fn judge(&mut self, now: Moment, effects: &Effects, approvals: &[ApprovalFact]) -> Arc<Verdict> {
        self.catch_up();
        if approvals.is_empty()
            && let Some(known) = self.verdicts.get(&effects.key())
        {
            return Arc::clone(known);
        }
        let Some((world, view)) = &self.view else {
            return Arc::new(Verdict::Deny(no_view()));
        };
        let verdict = Arc::new(view.verdict(world, now, effects, approvals));
        let still = !effects.list().iter().any(|effect| view.is_timed(effect.action.as_str()));
        if approvals.is_empty() && still {
            if self.verdicts.len() >= MAX_REMEMBERED {
                self.verdicts.clear();
            }
            self.verdicts.insert(effects.key(), Arc::clone(&verdict));
        }
        verdict
    }

    fn see(&mut self, now: Moment, thing: &Sensitive<'_>) -> Sight {
        self.catch_up();
        let key = key_of(thing);
        if let Some(known) = self.sights.get(&key) {
            return known.clone();
        }
        let Some((world, view)) = &self.view else { return unanswered() };
        let sight = view.sight(world, now, thing);
        if !view.is_timed("see") {
            if self.sights.len() >= MAX_REMEMBERED {
                self.sights.clear();
            }
            self.sights.insert(key, sight.clone());
        }
        sight
    }

    fn guard(&mut self) -> Guard {
        self.catch_up();
        // Who nobody can be asked about is asked each time, and refused.
        self.view.as_ref().map_or(Guard::Timed, |(_, view)| view.guard())
    }

    fn filter(&mut self, now: Moment, thing: &Sensitive<'_>) -> Option<Reason> {
        self.catch_up();
        let key = key_of(thing);
        if let Some(known) = self.filters.get(&key) {
            return known.clone();
        }
        let Some((world, view)) = &self.view else { return Some(no_view()) };
        let reason = view.filter(world, now, thing);
        if !view.is_timed("filter") {
            if self.filters.len() >= MAX_REMEMBERED {
                self.filters.clear();
            }
            self.filters.insert(key, reason.clone());
        }
        reason
    }

    fn could_permit(&mut self, action: Action, besides: &[Object]) -> bool {
        self.catch_up();
        // Who nobody can be asked about is refused everything.
        self.view.as_ref().is_some_and(|(world, view)| view.could_permit(world, action, besides))
    }

    fn rest(&mut self) {
        self.view = None;
        self.verdicts = HashMap::new();
        self.sights = HashMap::new();
        self.filters = HashMap::new();
    }
}

pub(crate) fn admission(finding: &Finding<'_>, facts: &Facts) -> Result<Vec<RuleId>, Reason> {
    let ids = |rules: &[&crate::rule::Rule]| rules.iter().map(|rule| rule.id.clone()).collect::<Vec<_>>();
    let refuse = |rules, message| Err(Reason { rules, message, effect: Some("connect".into()) });
    if let Some(why) = &finding.broken {
        return refuse(vec![RuleId::new("default-deny")], format!("The rules could not be asked: {why}."));
    }
    let stopped: Vec<_> = finding.forbids.iter().chain(&finding.holds).copied().collect();
    if !stopped.is_empty() {
        let said = stopped.iter().find_map(|rule| rule.message.clone());
        let message = said.unwrap_or_else(|| format!("Connecting to {} is forbidden.", place(facts)));
        return refuse(ids(&stopped), message);
    }
    if finding.permits.is_empty() {
        let message = format!("No rule permits {} to connect to {}.", facts.caller.name, place(facts));
        return refuse(vec![RuleId::new("default-deny")], message);
    }
    Ok(ids(&finding.permits))
}

fn place(facts: &Facts) -> String {
    format!("{}/{}", facts.target.name, facts.database)
}

fn no_view() -> Reason {
    let message = "The rules could not be asked about this caller, so everything is refused.".into();
    Reason { rules: vec![RuleId::new("default-deny")], message, effect: None }
}

fn unanswered() -> Sight {
    Sight::Masked { form: Form::Redact, rule: RuleId::new("default-mask") }
}

/// Where several rules hide one value, the one that leaves least of it wins.
fn strictness(form: Form) -> (u8, u8) {
    match form {
        Form::Null => (0, 0),
        Form::Redact => (1, 0),
        Form::Token { scope: Scope::Session } => (2, 0),
        Form::Token { scope: Scope::Tenant } => (3, 0),
        Form::Hash => (4, 0),
        Form::Partial { keep } => (5, keep),
    }
}

fn key_of(thing: &Sensitive<'_>) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new();
    let mut add = |part: &str| {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    };
    match thing {
        Sensitive::Column { schema, table, column } => {
            [schema, table, column].into_iter().for_each(|part| add(part))
        }
        Sensitive::Class(class) => add(class),
    }
    let mut key = [0; 16];
    hasher.finalize_xof().fill(&mut key);
    key
}
