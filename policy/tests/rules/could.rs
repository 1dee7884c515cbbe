//! What could be permitted at all: no is said only where it is no, whatever is asked.

use crate::slices::{sketches, text};
use crate::world::*;
use proptest::prelude::*;
use sallyport_core::judge::Facts;
use sallyport_core::{Action, CallerKind, Object, ObjectKind, Verdict};
use sallyport_policy::Pack;

fn could(rules: &str, who: Facts, action: Action) -> bool {
    book(rules).session(who).could_permit(action, &[Object::new(ObjectKind::Schema, ["pg_temp"])])
}

#[test]
fn what_no_permit_speaks_of_could_not() {
    let reads = "@id(\"r\") permit(principal, action == Action::\"read\", resource);";
    assert!(could(reads, agent(), Action::Read));
    assert!(!could(reads, agent(), Action::Insert));
    assert!(!could("", agent(), Action::Read));
}

#[test]
fn a_condition_that_nobody_looked_into_may_be_true() {
    let some =
        "@id(\"r\") permit(principal, action == Action::\"delete\", resource) when { context.hour == 3 };";
    assert!(could(some, agent(), Action::Delete));
}

#[test]
fn what_waits_for_people_could() {
    let held = "@id(\"p\") permit(principal, action, resource);
        @id(\"h\") @hold(\"dba\") forbid(principal, action == Action::\"insert\", resource)
        unless { context.approvals.contains(\"dba\") };";
    assert!(could(held, agent(), Action::Insert));
}

#[test]
fn one_forbid_without_conditions_is_enough() {
    for scope in ["principal", "principal is Agent", "principal == Agent::\"https://id.example#reporter\""] {
        for resource in ["resource", "resource in Target::\"prod\""] {
            let rules = format!(
                "@id(\"p\") permit(principal, action, resource);
                @id(\"f\") forbid({scope}, action in Action::\"write\", {resource});"
            );
            assert!(!could(&rules, agent(), Action::Insert), "{rules}");
            assert!(could(&rules, agent(), Action::Drop), "{rules}");
            let person = facts(CallerKind::Person, &[]);
            assert_eq!(could(&rules, person, Action::Insert), scope != "principal", "{rules}");
        }
    }
    let part = "@id(\"p\") permit(principal, action, resource);
        @id(\"f\") forbid(principal, action, resource is Table);";
    assert!(could(part, agent(), Action::Insert));
}

#[test]
fn what_is_left_out_does_not_count() {
    let temporary =
        "@id(\"d\") permit(principal, action == Action::\"drop\", resource == Schema::\"pg_temp\");";
    assert!(!could(temporary, agent(), Action::Drop));
    assert!(could(&temporary.replace("pg_temp", "mine"), agent(), Action::Drop));
    let within = "@id(\"d\") permit(principal, action == Action::\"drop\", resource in Schema::\"pg_temp\");";
    assert!(could(within, agent(), Action::Drop));
}

#[test]
fn agents_that_only_read_could_write_nothing_and_the_others_could() {
    let pack = |name: &str| Pack::named(name).unwrap().text;
    let quiet = [
        Action::Read,
        Action::Call,
        Action::Set,
        Action::RoleChange,
        Action::Transaction,
        Action::Listen,
        Action::Notify,
    ];
    let reads = pack("agents-read-only");
    for action in Action::ALL.iter().filter(|action| !quiet.contains(action)) {
        assert!(!could(reads, agent(), *action), "{action}");
    }
    assert!(could(pack("agents-write-with-approval"), agent(), Action::Update));
    let breaker = facts(CallerKind::Person, &["break-glass"]);
    assert!(could(pack("people-break-glass"), breaker, Action::Drop));
    assert!(!could(pack("people-break-glass"), facts(CallerKind::Person, &[]), Action::Insert));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_could_not_is_never_permitted(
        sketches in sketches(),
        person in any::<bool>(),
        member in any::<bool>(),
        whole in any::<bool>(),
        path in prop::sample::select(vec!["public.t", "public.u", "hidden.t"]),
    ) {
        let text = text(&sketches);
        let book = book(&text);
        let kind = if person { CallerKind::Person } else { CallerKind::Agent };
        let groups: &[&str] = if member { &["ops"] } else { &[] };
        for action in [Action::Read, Action::Insert, Action::Delete, Action::Truncate] {
            let mut session = book.session(facts(kind, groups));
            let could = session.could_permit(action, &[]);
            let found = verdict(&mut *session, &[table(action, path).whole(whole)], &[]);
            prop_assert!(could || matches!(found, Verdict::Deny(_)), "{action} {}", text);
        }
    }
}
