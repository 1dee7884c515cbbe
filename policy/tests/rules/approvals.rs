use crate::world::*;
use sallyport_core::{Action, Verdict};

const RULES: &str = r#"
@id("write") permit(principal, action in Action::"write", resource);
@id("limited") @limit_rows("500") @limit_bytes("1_000_000")
permit(principal, action == Action::"read", resource);
@id("more") @limit_rows("1000")
permit(principal, action == Action::"read", resource in Schema::"public");
@id("needs-dba") @hold("dba, lead") @message("Needs a DBA.") @expires("5m") @defer
forbid(principal, action in Action::"write", resource)
unless { context.approvals.contains("dba") || context.approvals.containsAny(["lead"]) };
@id("needs-lead") @hold("lead")
forbid(principal, action == Action::"delete", resource)
unless { context.approvals.contains("lead") };
@id("needs-security") @hold("security")
forbid(principal, action == Action::"insert", resource)
unless { context.approvals.contains("security") };
@id("never") forbid(principal, action, resource) when { resource in Table::"public.ledger" };
"#;

fn ask(list: &[sallyport_core::Effect], groups: &[&str]) -> Verdict {
    let facts = approval(groups);
    let given = if groups.is_empty() { &[][..] } else { std::slice::from_ref(&facts) };
    verdict(&mut *book(RULES).session(agent()), list, given)
}

#[test]
fn a_hold_names_who_and_how_long() {
    let Verdict::Hold(terms) = ask(&[table(Action::Update, "public.t")], &[]) else { panic!("no hold") };
    assert_eq!(terms.groups, ["dba", "lead"]);
    assert_eq!((terms.expires_seconds, terms.defer), (300, true));
    assert_eq!(terms.reason.message, "Needs a DBA.");
    assert_eq!(terms.reason.effect.as_deref(), Some("update public.t"));
}

#[test]
fn an_approval_lifts_only_the_holds_of_its_groups() {
    let update = [table(Action::Update, "public.t")];
    assert_eq!(words(&ask(&update, &["dba"])), "allow");
    assert_eq!(words(&ask(&update, &["lead"])), "allow");
    assert_eq!(words(&ask(&update, &["interns"])), "hold needs-dba for dba lead");
    let delete = [table(Action::Delete, "public.t")];
    assert_eq!(words(&ask(&delete, &[])), "hold needs-dba needs-lead for lead");
    assert_eq!(words(&ask(&delete, &["dba"])), "hold needs-lead for lead");
    assert_eq!(words(&ask(&delete, &["lead"])), "allow");
}

#[test]
fn a_plain_forbid_beats_holds_and_approvals() {
    let ledger = [table(Action::Update, "public.ledger")];
    assert_eq!(words(&ask(&ledger, &[])), "deny never");
    assert_eq!(words(&ask(&ledger, &["dba", "lead"])), "deny never");
    let mixed = [table(Action::Update, "public.t"), table(Action::Read, "public.ledger")];
    assert_eq!(words(&ask(&mixed, &["dba"])), "deny never");
}

#[test]
fn a_hold_without_a_permit_is_no_hold() {
    let list = [table(Action::Update, "public.t"), table(Action::Drop, "public.t")];
    assert_eq!(words(&ask(&list, &[])), "deny default-deny");
}

#[test]
fn holds_that_no_one_group_can_lift_are_refused() {
    assert_eq!(words(&ask(&[table(Action::Insert, "public.t")], &[])), "deny needs-dba needs-security");
    assert_eq!(words(&ask(&[table(Action::Insert, "public.t")], &["lead", "security"])), "allow");
}

#[test]
fn the_smallest_limit_of_the_deciding_permits_counts() {
    let Verdict::Allow(found) = ask(&[table(Action::Read, "public.t")], &[]) else { panic!("not allowed") };
    assert_eq!((found.max_rows, found.max_bytes), (Some(500), Some(1_000_000)));
    assert_eq!(found.rules.len(), 2);
}

#[test]
fn what_is_done_behind_the_text_is_said_beside_a_rules_own_words() {
    let behind = |action, path| table(action, path).through("trigger noted of public.orders".into());
    let Verdict::Hold(terms) = ask(&[behind(Action::Update, "public.t")], &[]) else { panic!("no hold") };
    let way = "(This command would update public.t through trigger noted of public.orders.)";
    assert_eq!(terms.reason.message, format!("Needs a DBA. {way}"));
    let Verdict::Deny(reason) = ask(&[behind(Action::Update, "public.ledger")], &["dba"]) else {
        panic!("no")
    };
    assert!(
        reason.message.contains("public.ledger through trigger noted of public.orders"),
        "{}",
        reason.message
    );
    let Verdict::Deny(reason) = ask(&[behind(Action::Create, "public.t")], &[]) else { panic!("no") };
    assert!(reason.message.contains("create public.t through trigger noted"), "{}", reason.message);
    let both = [behind(Action::Delete, "public.a"), table(Action::Delete, "public.z")];
    let Verdict::Hold(terms) = ask(&both, &[]) else { panic!("no hold") };
    assert_eq!(terms.reason.effect.as_deref(), Some("delete public.z"));
}
