//! Leaving rules out never changes an answer: compared with Cedar over all of them.

use crate::world::*;
use proptest::prelude::*;
use sallyport_core::{Action, CallerKind, Effect, ObjectKind, Verdict};
use std::fmt::Write;

const PRINCIPALS: [&str; 7] = [
    "principal",
    "principal is Agent",
    "principal is Person",
    "principal in Group::\"ops\"",
    "principal in Group::\"other\"",
    "principal == Agent::\"https://id.example#reporter\"",
    "principal is Agent in Group::\"ops\"",
];
const ACTIONS: [&str; 6] = [
    "action",
    "action == Action::\"read\"",
    "action in Action::\"write\"",
    "action in [Action::\"read\", Action::\"delete\"]",
    "action in Action::\"destroy\"",
    "action in Action::\"command\"",
];
const RESOURCES: [&str; 7] = [
    "resource",
    "resource in Target::\"prod\"",
    "resource in Target::\"other\"",
    "resource in Schema::\"public\"",
    "resource == Table::\"public.t\"",
    "resource is Table",
    "resource is Table in Target::\"other\"",
];
const CONDITIONS: [&str; 4] = [
    "",
    "when { context.whole }",
    "when { context.target.env == \"dev\" }",
    "unless { context.database == \"shop\" }",
];

pub type Sketch = (bool, usize, usize, usize, usize);

pub fn sketches() -> impl Strategy<Value = Vec<Sketch>> {
    let one = (any::<bool>(), 0..PRINCIPALS.len(), 0..ACTIONS.len(), 0..RESOURCES.len(), 0..CONDITIONS.len());
    prop::collection::vec(one, 0..12)
}

pub fn text(sketches: &[Sketch]) -> String {
    let mut text = String::new();
    for (index, (permit, principal, action, resource, condition)) in sketches.iter().enumerate() {
        let kind = if *permit { "permit" } else { "forbid" };
        let scope = format!("{}, {}, {}", PRINCIPALS[*principal], ACTIONS[*action], RESOURCES[*resource]);
        writeln!(text, "@id(\"r{index}\") {kind}({scope}) {};", CONDITIONS[*condition]).unwrap();
    }
    text
}

/// Cedar itself, asked about every rule, with entities written as JSON by hand.
fn cedar(text: &str, person: bool, groups: &[&str], effect: &Effect) -> bool {
    use cedar_policy::*;
    let policies: PolicySet = text.parse().unwrap();
    let schema: Schema = sallyport_policy::SCHEMA.parse().unwrap();
    let kind = if person { "Person" } else { "Agent" };
    let uid = |kind: &str, id: &str| serde_json::json!({ "type": kind, "id": id });
    let groups: Vec<_> = groups.iter().map(|group| uid("Group", group)).collect();
    let (schema_name, table) = (&effect.object.path[0], &effect.object.path[1]);
    let id = format!("{schema_name}.{table}");
    let me = uid(kind, "https://id.example#reporter");
    let entities = serde_json::json!([
        { "uid": me, "parents": groups, "tags": {}, "attrs": {
            "subject": "reporter", "issuer": "https://id.example", "name": "", "owner": "", "chain": [] } },
        { "uid": uid("Target", "prod"), "parents": [], "tags": {}, "attrs": {
            "name": "prod", "protocol": "postgres", "account": "app", "env": "prod" } },
        { "uid": uid("Database", "shop"), "parents": [uid("Target", "prod")], "attrs": { "name": "shop" } },
        { "uid": uid("Schema", schema_name), "parents": [uid("Database", "shop")], "attrs": { "name": schema_name } },
        { "uid": uid("Table", &id), "parents": [uid("Schema", schema_name)], "attrs": {
            "name": table, "schema": schema_name, "classes": [] } },
    ]);
    let entities = Entities::from_json_value(entities, Some(&schema)).unwrap();
    let action: EntityUid = format!("Action::\"{}\"", effect.action).parse().unwrap();
    let context = serde_json::json!({
        "target": { "__entity": uid("Target", "prod") }, "database": "shop", "purpose": "", "risk_tier": "",
        "whole": effect.whole, "approvals": [], "approvers": [], "now": 0, "hour": 0, "weekday": 1,
    });
    let context = Context::from_json_value(context, Some((&schema, &action))).unwrap();
    let me = format!("{kind}::\"https://id.example#reporter\"").parse().unwrap();
    let resource = format!("Table::\"{id}\"").parse().unwrap();
    let request = Request::new(me, action, resource, context, Some(&schema)).unwrap();
    Authorizer::new().is_authorized(&request, &policies, &entities).decision() == Decision::Allow
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_slice_answers_as_the_whole(
        sketches in sketches(),
        person in any::<bool>(),
        member in any::<bool>(),
        whole in any::<bool>(),
        action in prop::sample::select(vec![Action::Read, Action::Insert, Action::Delete, Action::Truncate]),
        path in prop::sample::select(vec!["public.t", "public.u", "hidden.t"]),
    ) {
        let text = text(&sketches);
        let kind = if person { CallerKind::Person } else { CallerKind::Agent };
        let groups: &[&str] = if member { &["ops"] } else { &[] };
        let effect = effect(action, ObjectKind::Table, path).whole(whole);
        let ours = judge(&book(&text), facts(kind, groups), std::slice::from_ref(&effect));
        let allowed = matches!(ours, Verdict::Allow(_));
        prop_assert_eq!(allowed, cedar(&text, person, groups, &effect), "{}", text);
    }

    #[test]
    fn rules_about_others_change_nothing(sketches in sketches(), count in 1_usize..40) {
        let text = text(&sketches);
        let mut more = text.clone();
        for index in 0..count {
            let scope = match index % 3 {
                0 => format!("principal in Group::\"g{index}\", action, resource"),
                1 => format!("principal == Person::\"p{index}\", action, resource"),
                _ => format!("principal, action, resource in Target::\"t{index}\""),
            };
            writeln!(more, "@id(\"other{index}\") forbid({scope});").unwrap();
        }
        let (few, many) = (book(&text), book(&more));
        for action in [Action::Read, Action::Update, Action::Drop] {
            let list = [table(action, "public.t")];
            prop_assert_eq!(judge(&few, agent(), &list), judge(&many, agent(), &list));
        }
    }
}
