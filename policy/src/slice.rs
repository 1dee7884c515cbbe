//! The rules that can apply to one kind of session, sorted by action.
//!
//! Cedar's cost is linear in rules, so what a session's caller and target can never match is left out before it is
//! asked. Invariant: leaving a rule out never changes an answer, because only scopes that are false for the whole
//! session are grounds for it, and Cedar looks at a rule's conditions only where its scope is true.

use crate::classes::Declared;
use crate::rule::Rule;
use crate::schema::action;
use crate::side::Side;
use crate::world::World;
use cedar_policy::{EntityUid, PrincipalConstraint, ResourceConstraint};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// How many kinds of sessions share their slices. Beyond it the memory of them starts anew.
const MAX_SLICES: usize = 256;

/// One edition of the rules.
pub(crate) struct Rules {
    pub epoch: u64,
    pub all: Vec<Rule>,
    pub declared: Arc<Declared>,
    by_id: HashMap<String, usize>,
    slices: Mutex<HashMap<Vec<usize>, Arc<Slice>>>,
}

/// Sessions of the same kind share one. Buckets are made when they are first asked.
pub(crate) struct Slice {
    members: Vec<usize>,
    buckets: HashMap<&'static str, OnceLock<Bucket>>,
}

/// The rules of a slice that speak of one action.
#[derive(Default)]
pub(crate) struct Bucket {
    pub permits: Side,
    pub forbids: Side,
    /// Some answer here can change while nothing but time does.
    pub timed: bool,
}

impl Rules {
    pub fn new(epoch: u64, all: Vec<Rule>, declared: Declared) -> Self {
        let by_id = all.iter().map(|rule| (rule.id.as_str().to_owned(), rule.index)).collect();
        Self { epoch, all, declared: Arc::new(declared), by_id, slices: Mutex::default() }
    }

    pub fn rule(&self, id: &str) -> Option<&Rule> {
        self.all.get(*self.by_id.get(id)?)
    }

    pub fn slice(&self, world: &World) -> Arc<Slice> {
        let members: Vec<usize> =
            self.all.iter().filter(|rule| can_apply(rule, world)).map(|rule| rule.index).collect();
        let mut slices = self.slices.lock().unwrap_or_else(PoisonError::into_inner);
        if slices.len() >= MAX_SLICES && !slices.contains_key(&members) {
            slices.clear();
        }
        let slice = slices.entry(members).or_insert_with_key(|members| Arc::new(Slice::of(members.clone())));
        Arc::clone(slice)
    }
}

impl Slice {
    fn of(members: Vec<usize>) -> Self {
        let buckets = crate::schema::action_names().map(|name| (name, OnceLock::new())).collect();
        Self { members, buckets }
    }

    /// `None` for an action that the schema does not know.
    pub fn bucket(&self, rules: &Rules, name: &str) -> Option<&Bucket> {
        action(name)?;
        let bucket = self.buckets.get(name)?;
        Some(bucket.get_or_init(|| self.fill(rules, name)))
    }

    fn fill(&self, rules: &Rules, name: &str) -> Bucket {
        let mut bucket = Bucket::default();
        let members = self.members.iter().filter_map(|index| rules.all.get(*index));
        for rule in members.filter(|rule| rule.speaks_of(name)) {
            let side = if rule.forbids() { &mut bucket.forbids } else { &mut bucket.permits };
            side.add(rule.policy.clone());
            bucket.timed |= rule.timed;
        }
        bucket
    }
}

impl Bucket {
    /// Whether a permit speaks of anything besides these objects.
    pub fn could_permit(&self, besides: &[EntityUid]) -> bool {
        self.permits.policies().any(|policy| match policy.resource_constraint() {
            ResourceConstraint::Eq(uid) => !besides.contains(&uid),
            ResourceConstraint::Any
            | ResourceConstraint::Is(_)
            | ResourceConstraint::In(_)
            | ResourceConstraint::IsIn(..) => true,
        })
    }

    /// Whether a forbid that no approval lifts applies whatever is asked. The slice has looked at its principal.
    pub fn always_forbids(&self, rules: &Rules, world: &World) -> bool {
        self.forbids.policies().any(|policy| {
            let everywhere = match policy.resource_constraint() {
                ResourceConstraint::Any => true,
                // Every object hangs below the session's target.
                ResourceConstraint::In(uid) => uid == world.target,
                ResourceConstraint::Eq(_) | ResourceConstraint::Is(_) | ResourceConstraint::IsIn(..) => false,
            };
            let rule = rules.rule(policy.id().as_ref());
            everywhere && !policy.has_non_scope_constraint() && rule.is_some_and(|rule| rule.hold.is_none())
        })
    }
}

/// False only where the rule's scope is false for every request of the session.
fn can_apply(rule: &Rule, world: &World) -> bool {
    let is_or_in = |uid: &EntityUid| *uid == world.principal || world.groups.contains(uid);
    let principal = match rule.policy.principal_constraint() {
        PrincipalConstraint::Any => true,
        PrincipalConstraint::Eq(uid) => uid == world.principal,
        PrincipalConstraint::In(uid) => is_or_in(&uid),
        PrincipalConstraint::Is(kind) => kind == *world.principal.type_name(),
        PrincipalConstraint::IsIn(kind, uid) => kind == *world.principal.type_name() && is_or_in(&uid),
    };
    let other_target =
        |uid: &EntityUid| *uid.type_name() == *world.target.type_name() && *uid != world.target;
    let resource = match rule.policy.resource_constraint() {
        ResourceConstraint::Any | ResourceConstraint::Is(_) => true,
        ResourceConstraint::Eq(uid) | ResourceConstraint::In(uid) | ResourceConstraint::IsIn(_, uid) => {
            !other_target(&uid)
        }
    };
    principal && resource
}
