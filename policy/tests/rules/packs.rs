use crate::world::*;
use sallyport_core::judge::Facts;
use sallyport_core::{Action, CallerKind, Effect, Guard, ObjectKind, RuleId, Sensitive};
use sallyport_policy::{Pack, RuleBook};
use std::sync::Arc;

fn pack(name: &str) -> Arc<RuleBook> {
    Arc::new(RuleBook::load(vec![Pack::named(name).unwrap().file()]).unwrap())
}

fn check(name: &str, who: Facts, table: &[(Effect, &str)]) {
    let book = pack(name);
    for (effect, expected) in table {
        let found = words(&judge(&book, who.clone(), std::slice::from_ref(effect)));
        assert_eq!(found, *expected, "{effect}");
    }
}

fn other(action: Action) -> Effect {
    effect(action, ObjectKind::Other, "")
}

#[test]
fn all_packs_load_together() {
    let files = sallyport_policy::PACKS.iter().map(Pack::file).collect();
    assert!(RuleBook::load(files).unwrap().len() > 40);
}

#[test]
fn read_only_agents() {
    use Action::*;
    check(
        "agents-read-only",
        agent(),
        &[
            (table(Read, "public.customers"), "allow"),
            (table(Read, "customers"), "allow"),
            (table(Read, "pg_catalog.pg_class"), "allow"),
            (table(Read, "information_schema.columns"), "allow"),
            (table(Read, "pg_catalog.pg_authid"), "deny agents-no-catalog-secrets"),
            (table(Read, "pg_shadow"), "deny agents-no-catalog-secrets"),
            (table(Read, "pg_catalog.pg_stats"), "deny agents-no-catalog-secrets"),
            (table(Read, "pg_catalog.pg_stat_activity"), "deny agents-no-catalog-secrets"),
            (table(Insert, "public.customers"), "deny agents-no-write"),
            (table(Update, "public.customers"), "deny agents-no-write"),
            (table(Delete, "public.customers").whole(true), "deny agents-no-write"),
            (table(Truncate, "public.customers"), "deny agents-no-write"),
            (table(Create, "public.t"), "deny agents-no-ddl"),
            (table(Alter, "public.t"), "deny agents-no-ddl"),
            (table(Drop, "public.t"), "deny agents-no-ddl"),
            (effect(Drop, ObjectKind::Schema, "public"), "deny agents-no-ddl"),
            (effect(Drop, ObjectKind::Schema, "pg_temp"), "allow"),
            (effect(Read, ObjectKind::Setting, "server_version"), "allow"),
            (table(Grant, "public.t"), "deny agents-no-permissions"),
            (effect(RoleChange, ObjectKind::Role, "postgres"), "deny agents-no-permissions"),
            (effect(CopyProgram, ObjectKind::Program, "sh"), "deny agents-no-escape"),
            (effect(FileRead, ObjectKind::File, "/etc/passwd"), "deny agents-no-escape"),
            (effect(ConnectOut, ObjectKind::Host, "x"), "deny agents-no-escape"),
            (effect(Call, ObjectKind::Function, "public.refund"), "deny default-deny"),
            (effect(Call, ObjectKind::Function, "information_schema._pg_expandarray"), "allow"),
            (effect(Call, ObjectKind::Function, "public._pg_expandarray"), "deny default-deny"),
            (effect(Set, ObjectKind::Setting, "search_path"), "allow"),
            (
                effect(Set, ObjectKind::Setting, "session_replication_role"),
                "deny agents-no-identity-settings",
            ),
            (other(Transaction), "allow"),
            (effect(Listen, ObjectKind::Channel, "news"), "allow"),
            (effect(Notify, ObjectKind::Channel, "news"), "deny agents-no-notify"),
            (table(Lock, "public.customers"), "deny agents-no-locks"),
            (other(Admin), "deny agents-no-admin"),
            (other(Unknown), "deny agents-no-unknown"),
        ],
    );
}

#[test]
fn one_refused_effect_refuses_the_command() {
    let list = [table(Action::Read, "public.customers"), table(Action::Delete, "public.customers")];
    assert_eq!(words(&judge(&pack("agents-read-only"), agent(), &list)), "deny agents-no-write");
}

#[test]
fn a_command_without_effects_runs_and_a_person_gets_nothing_from_an_agents_pack() {
    let book = pack("agents-read-only");
    assert_eq!(words(&judge(&book, agent(), &[])), "allow");
    let person = facts(CallerKind::Person, &[]);
    assert!(book.session(agent()).connect(NOW).is_ok());
    let refused = book.session(person).connect(NOW).unwrap_err();
    assert_eq!(refused.message, "No rule permits Reporter to connect to prod/shop.");
}

#[test]
fn every_action_is_decided_for_every_kind_of_object() {
    for name in ["agents-read-only", "agents-write-with-approval"] {
        let book = pack(name);
        let mut session = book.session(agent());
        for action in Action::ALL {
            for kind in ObjectKind::ALL {
                let found = words(&verdict(&mut *session, &[effect(*action, *kind, "a.b")], &[]));
                let harmless = [Action::Read, Action::Set, Action::Transaction, Action::Listen];
                let may = harmless.contains(action) || (*action == Action::Lock && name.contains("write"));
                assert!(may || !found.starts_with("allow"), "{name}: {action} {kind}: {found}");
            }
        }
    }
}

#[test]
fn masks_of_agents() {
    let book = pack("agents-read-only");
    let mut session = book.session(agent());
    assert_eq!(sight(&mut *session, &Sensitive::Class("email")), "partial(4) agents-mask-email");
    assert_eq!(sight(&mut *session, &Sensitive::Class("private_key")), "redact agents-mask-keys");
    assert_eq!(sight(&mut *session, &column("customers", "email")), "partial(4) agents-mask-email");
    assert_eq!(sight(&mut *session, &column("customers", "mobile")), "partial(4) agents-mask-phone");
    assert_eq!(sight(&mut *session, &column("customers", "id")), "clear");
}

#[test]
fn agents_do_not_filter_by_what_is_masked_and_people_do() {
    for (name, rule) in
        [("agents-read-only", "agents-no-filter"), ("agents-write-with-approval", "writers-no-filter")]
    {
        let book = pack(name);
        let mut session = book.session(agent());
        assert_eq!(session.guard(), Guard::Lasting);
        let refused = session.filter(NOW, &column("customers", "email")).unwrap();
        assert_eq!(refused.rules, [RuleId::new(rule)]);
        assert!(refused.message.contains("another column"), "{}", refused.message);
        assert!(session.filter(NOW, &column("customers", "mobile")).is_some());
        assert_eq!(session.filter(NOW, &column("customers", "id")), None);
    }
    let person = facts(CallerKind::Person, &["break-glass"]);
    let mut session = pack("people-break-glass").session(person);
    assert_eq!(session.guard(), Guard::None);
    assert_eq!(session.filter(NOW, &column("customers", "email")), None);
}

#[test]
fn agents_that_write_with_approval() {
    use Action::*;
    let held = "hold writers-write-approved for approvers";
    check(
        "agents-write-with-approval",
        agent(),
        &[
            (table(Read, "public.customers"), "allow"),
            (table(Insert, "public.customers"), held),
            (table(Update, "public.customers"), held),
            (table(Delete, "public.customers"), held),
            (table(Update, "public.customers").whole(true), "deny writers-no-whole-table"),
            (table(Delete, "public.customers").whole(true), "deny writers-no-whole-table"),
            (table(Update, "pg_catalog.pg_class"), "deny writers-no-catalog-write"),
            (table(Truncate, "public.customers"), "deny writers-no-truncate"),
            (table(Drop, "public.customers"), "deny writers-no-ddl"),
            (table(Lock, "public.customers"), "allow"),
            (effect(Call, ObjectKind::Function, "public.refund"), "deny default-deny"),
            (effect(Call, ObjectKind::Function, "information_schema._pg_expandarray"), "allow"),
            (effect(Call, ObjectKind::Function, "public._pg_expandarray"), "deny default-deny"),
            (other(Unknown), "deny writers-no-unknown"),
        ],
    );
}

#[test]
fn people_who_break_the_glass() {
    use Action::*;
    let held = |rule: &str| format!("hold {rule} for break-glass-approvers");
    check(
        "people-break-glass",
        facts(CallerKind::Person, &["break-glass"]),
        &[
            (table(Read, "public.customers"), "allow"),
            (table(Update, "public.customers"), "allow"),
            (table(Create, "public.t"), "allow"),
            (table(Update, "public.customers").whole(true), &held("glass-destroy-approved")),
            (table(Drop, "public.customers"), &held("glass-destroy-approved")),
            (table(Grant, "public.customers"), &held("glass-permissions-approved")),
            (effect(CopyProgram, ObjectKind::Program, "sh"), &held("glass-escape-approved")),
            (other(Admin), &held("glass-admin-approved")),
            (other(Unknown), &held("glass-unknown-approved")),
            (table(Read, "pg_catalog.pg_authid"), "deny glass-no-password-hashes"),
        ],
    );
    let book = pack("people-break-glass");
    let person = facts(CallerKind::Person, &["break-glass"]);
    assert_eq!(sight(&mut *book.session(person.clone()), &Sensitive::Class("email")), "clear");
    assert_eq!(sight(&mut *book.session(person), &Sensitive::Class("ssn")), "redact glass-mask-ssn");
    assert!(book.session(facts(CallerKind::Person, &[])).connect(NOW).is_err());
    assert!(book.session(facts(CallerKind::Agent, &["break-glass"])).connect(NOW).is_err());
}

#[test]
fn explains_itself() {
    let book = pack("agents-write-with-approval");
    let list = effects(&[table(Action::Read, "public.customers"), table(Action::Update, "public.customers")]);
    let explanation = book.explain(&agent(), &list, &[], NOW);
    insta::assert_snapshot!(explanation.to_string());
    let json = serde_json::to_string(&explanation).unwrap();
    assert_eq!(serde_json::from_str::<sallyport_policy::Explanation>(&json).unwrap(), explanation);
}

#[test]
fn explaining_says_what_may_not_be_filtered_by() {
    let book = pack("agents-read-only");
    let list = effects(&[table(Action::Read, "customers")]);
    let said = |path: &[&str]| {
        let path: Vec<String> = path.iter().map(|part| (*part).to_owned()).collect();
        let command = book.explain(&agent(), &list, &[path], NOW).command;
        (command.verdict, command.rules.first().unwrap().as_str().to_owned())
    };
    let (deny, rule) = ("deny".to_owned(), "agents-no-filter".to_owned());
    assert_eq!(said(&["customers", "email"]), (deny.clone(), rule.clone()));
    assert_eq!(said(&["public", "customers", "*"]), (deny, rule));
    assert_eq!(said(&["hidden", "customers", "email"]).0, "allow");
    assert_eq!(said(&["customers", "id"]).0, "allow");
}
