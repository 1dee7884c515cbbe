//! The permits, or the forbids, that speak of one action, by the object that their scope names.
//!
//! Cedar's cost is linear in rules, and a rule whose scope names another object can say nothing of this one. Invariant:
//! what is not asked is exactly what Cedar would find not to apply, because the scope of such a rule is false, and
//! its conditions are looked at only where its scope is true.

use cedar_policy::{Entities, EntityUid, Policy, PolicySet, Request, ResourceConstraint};
use std::collections::HashMap;

#[derive(Default)]
pub(crate) struct Side {
    /// Their scope names no object.
    anywhere: PolicySet,
    /// Of this object, or of what hangs below it.
    at: HashMap<EntityUid, PolicySet>,
}

impl Side {
    pub fn add(&mut self, policy: Policy) {
        let set = match policy.resource_constraint() {
            ResourceConstraint::Any | ResourceConstraint::Is(_) => &mut self.anywhere,
            ResourceConstraint::Eq(uid) | ResourceConstraint::In(uid) | ResourceConstraint::IsIn(_, uid) => {
                self.at.entry(uid).or_default()
            }
        };
        set.add(policy).expect("the ids of loaded rules are unique");
    }

    pub fn is_empty(&self) -> bool {
        self.anywhere.is_empty() && self.at.is_empty()
    }

    pub fn policies(&self) -> impl Iterator<Item = &Policy> {
        [&self.anywhere].into_iter().chain(self.at.values()).flat_map(PolicySet::policies)
    }

    /// Every set that can say something of the request's object: those of no place, of itself, and of all above it.
    pub fn about<'a>(
        &'a self,
        request: &'a Request,
        entities: &'a Entities,
    ) -> impl Iterator<Item = &'a PolicySet> {
        let object = request.resource();
        let above = object.and_then(|object| entities.ancestors(object)).into_iter().flatten();
        let own = above.filter(move |above| Some(*above) != object).chain(object);
        // A request that names no object could be about any.
        let all = object.is_none().then(|| self.at.values()).into_iter().flatten();
        [&self.anywhere].into_iter().chain(own.filter_map(|uid| self.at.get(uid))).chain(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cedar_policy::{Authorizer, Context, Entity, PolicyId};
    use std::collections::{BTreeSet, HashSet};

    /// A target with two schemas, two tables in each, and two classes, of which one is the other's name.
    fn tree() -> Entities {
        let uid = |text: &str| text.parse::<EntityUid>().unwrap();
        let above = [
            (r#"Target::"t""#, vec![]),
            (r#"Schema::"a""#, vec![r#"Target::"t""#]),
            (r#"Schema::"b""#, vec![r#"Target::"t""#]),
            (r#"Table::"a.x""#, vec![r#"Schema::"a""#]),
            (r#"Table::"a.y""#, vec![r#"Schema::"a""#]),
            (r#"Table::"b.x""#, vec![r#"Schema::"b""#]),
            (r#"Class::"c""#, vec![]),
            (r#"Column::"a.x.z""#, vec![r#"Table::"a.x""#, r#"Class::"c""#]),
        ];
        let entities = above.iter().map(|(own, above)| {
            Entity::new_no_attrs(uid(own), above.iter().map(|above| uid(above)).collect::<HashSet<_>>())
        });
        Entities::from_entities(entities, None).unwrap()
    }

    fn reasons<'a>(
        request: &Request,
        entities: &Entities,
        sets: impl Iterator<Item = &'a PolicySet>,
    ) -> BTreeSet<PolicyId> {
        let authorizer = Authorizer::new();
        let said = sets.map(|set| authorizer.is_authorized(request, set, entities));
        let each = said.map(|said| {
            let errors = said.diagnostics().errors().map(
                |cedar_policy::AuthorizationError::PolicyEvaluationError(error)| error.policy_id().clone(),
            );
            said.diagnostics().reason().cloned().chain(errors).collect::<Vec<_>>()
        });
        each.flatten().collect()
    }

    #[test]
    fn what_is_left_out_would_say_nothing() {
        let entities = tree();
        let names: Vec<String> = entities
            .iter()
            .map(|entity| entity.uid().to_string())
            .chain([r#"Table::"new""#.to_owned()])
            .collect();
        let mut texts = vec![
            "forbid(principal, action, resource);".to_owned(),
            "forbid(principal, action, resource is Table);".to_owned(),
            "forbid(principal, action, resource) when { resource in Schema::\"a\" };".to_owned(),
            "forbid(principal, action, resource in Schema::\"a\") when { resource.nothing };".to_owned(),
        ];
        for name in &names {
            let kind = name.split(':').next().unwrap();
            texts.push(format!("forbid(principal, action, resource == {name});"));
            texts.push(format!("forbid(principal, action, resource in {name});"));
            texts.push(format!("forbid(principal, action, resource is Column in {name});"));
            texts.push(format!("forbid(principal, action, resource is {kind} in {name}) when {{ principal == Agent::\"me\" }};"));
        }
        let (mut side, mut all) = (Side::default(), PolicySet::new());
        for (at, text) in texts.iter().enumerate() {
            let policy = Policy::parse(Some(PolicyId::new(format!("p{at}"))), text).unwrap();
            side.add(policy.clone());
            all.add(policy).unwrap();
        }
        let me: EntityUid = r#"Agent::"me""#.parse().unwrap();
        let act: EntityUid = r#"Action::"read""#.parse().unwrap();
        for name in &names {
            let object: EntityUid = name.parse().unwrap();
            let request = Request::new(me.clone(), act.clone(), object, Context::empty(), None).unwrap();
            let wanted = reasons(&request, &entities, [&all].into_iter());
            assert_eq!(reasons(&request, &entities, side.about(&request, &entities)), wanted, "of {name}");
            assert!(wanted.len() > 1 && wanted.len() < texts.len(), "of {name}: {}", wanted.len());
        }
    }
}
