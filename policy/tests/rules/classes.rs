//! Classes that are declared beside the rules.

use crate::world::*;
use sallyport_core::{Guard, Sensitive};
use sallyport_policy::{PACKS, RuleBook, RuleFile};
use std::sync::Arc;

const DECLARED: &str = r#"
// What can tell who somebody is.
class pii.email = kind email | column *.*.email | column public.customers.contact;
class pii.phone = kind phone
    | column *.*.*_phone;
class pay = column hr.salaries.* | column hr."Old Pay"."Amount";
"#;

const RULES: &str = r#"
@id("all") permit(principal, action, resource);
@id("no-pii") @mask("redact") forbid(principal, action == Action::"see", resource in Class::"pii");
@id("no-pay") @mask("null") forbid(principal, action in [Action::"see", Action::"filter"], resource in Class::"pay");
"#;

fn files(classes: &str, rules: &str) -> Vec<RuleFile> {
    vec![RuleFile::new("house.classes", classes), RuleFile::new("rules.cedar", rules)]
}

fn book(classes: &str, rules: &str) -> Arc<RuleBook> {
    Arc::new(RuleBook::load(files(classes, rules)).unwrap_or_else(|found| panic!("{found}")))
}

fn see(book: &Arc<RuleBook>, path: &str) -> String {
    let parts = sallyport_policy::parts(path);
    let [schema, table, column] = parts.as_slice() else { panic!("{path}") };
    sight(&mut *book.session(agent()), &Sensitive::Column { schema, table, column })
}

#[test]
fn a_rule_on_the_outer_class_concerns_all_within() {
    let book = book(DECLARED, RULES);
    let masked = [
        "public.customers.contact",
        "public.customers.email",
        "sales.leads.email",
        "sales.leads.HOME_Phone",
        // By the target's own settings: public.customers.mobile is a phone.
        "public.customers.mobile",
    ];
    masked.iter().for_each(|path| assert_eq!(see(&book, path), "redact no-pii", "{path}"));
    for path in ["public.customers.name", "other.customers.contact", "public.customers.email_hash"] {
        assert_eq!(see(&book, path), "clear", "{path}");
    }
    assert_eq!(see(&book, "hr.salaries.anything"), "null no-pay");
    assert_eq!(see(&book, r#"hr."Old Pay"."Amount""#), "null no-pay");
    assert_eq!(see(&book, r#"hr."old pay"."Amount""#), "clear");
}

#[test]
fn a_value_is_in_the_classes_declared_to_hold_its_kind() {
    let book = book(DECLARED, RULES);
    let mut session = book.session(agent());
    assert_eq!(sight(&mut *session, &Sensitive::Class("email")), "redact no-pii");
    assert_eq!(sight(&mut *session, &Sensitive::Class("phone")), "redact no-pii");
    assert_eq!(sight(&mut *session, &Sensitive::Class("credit_card")), "clear");
}

#[test]
fn what_is_declared_is_not_filtered_by() {
    let book = book(DECLARED, RULES);
    let mut session = book.session(agent());
    assert_eq!(session.guard(), Guard::Lasting);
    let amount = Sensitive::Column { schema: "hr", table: "salaries", column: "amount" };
    assert_eq!(session.filter(NOW, &amount).unwrap().rules[0].as_str(), "no-pay");
    assert!(session.filter(NOW, &column("customers", "contact")).is_none());
}

#[test]
fn a_kind_can_be_given_more_columns_for_the_packs() {
    let pack = PACKS.iter().find(|pack| pack.name == "agents-read-only").unwrap();
    let book = book("class email = column *.*.contact; class card = column *.*.pan;", pack.text);
    assert_eq!(see(&book, "crm.people.contact"), "partial(4) agents-mask-email");
    assert_eq!(see(&book, "crm.people.pan"), "partial(4) agents-mask-card", "by the other name of the kind");
    let mut session = book.session(agent());
    let reason =
        session.filter(NOW, &Sensitive::Column { schema: "crm", table: "people", column: "contact" });
    assert_eq!(reason.unwrap().rules[0].as_str(), "agents-no-filter");
}

#[test]
fn declarations_that_name_each_other_make_no_ring() {
    let rules = r#"@id("no") forbid(principal, action == Action::"see", resource in Class::"person");"#;
    let book =
        book("class email.x = kind email; class person = kind email; class email = kind person;", rules);
    let mut session = book.session(agent());
    assert_eq!(sight(&mut *session, &Sensitive::Class("email")), "redact no");
    assert_eq!(sight(&mut *session, &Sensitive::Class("email.x")), "redact no");
    assert_eq!(sight(&mut *session, &Sensitive::Class("phone")), "clear");
}

#[test]
fn conditions_read_the_classes_of_columns_and_tables() {
    let rules = r#"
        @id("all") permit(principal, action, resource);
        @id("by-attribute") forbid(principal, action == Action::"see", resource is Column)
            when { resource.classes.contains("pii") };
        @id("by-table") forbid(principal, action == Action::"delete", resource is Table)
            when { resource.classes.contains("pay") };"#;
    let book = book(DECLARED, rules);
    assert_eq!(see(&book, "a.b.email"), "redact by-attribute");
    let delete = |path: &str| words(&judge(&book, agent(), &[table(sallyport_core::Action::Delete, path)]));
    assert_eq!(delete("hr.salaries"), "deny by-table");
    assert_eq!(delete("hr.rooms"), "allow");
}

#[test]
fn a_live_session_follows_other_declarations() {
    let book = book("", RULES);
    let mut session = book.session(agent());
    let contact = column("customers", "contact");
    assert_eq!(sight(&mut *session, &contact), "clear");
    book.replace(files(DECLARED, RULES)).unwrap();
    assert_eq!(sight(&mut *session, &contact), "redact no-pii");
    assert!(book.replace(files("class pii = kind nothing;", RULES)).is_err());
    assert_eq!(sight(&mut *session, &contact), "redact no-pii", "broken ones change nothing");
}

#[test]
fn explaining_names_what_is_declared() {
    let book = book(DECLARED, RULES);
    let compared = vec![vec!["salaries".to_owned(), "amount".to_owned()]];
    let read = effects(&[table(sallyport_core::Action::Read, "hr.salaries")]);
    let said = book.explain(&agent(), &read, &compared, NOW);
    assert_eq!(said.command.rules[0].as_str(), "no-pay", "{said}");
    let masks: Vec<&str> = said.masks.iter().map(|mask| mask.what.as_str()).collect();
    for what in
        ["class email", "class pii.email", "column public.customers.contact", "column *.*.email (pii.email)"]
    {
        assert!(masks.contains(&what), "{what} in {masks:?}");
    }
    assert!(said.filters.iter().any(|filter| filter.what == "column hr.salaries.* (pay)"), "{said}");
    let clear = book.explain(&agent(), &read, &[vec!["hr".into(), "rooms".into(), "amount".into()]], NOW);
    assert_eq!(clear.command.verdict, "allow");
}

#[test]
fn what_matches_nothing_is_named() {
    let book = book(DECLARED, RULES);
    let columns = |all: &[[&str; 3]]| -> Vec<(String, String, String)> {
        all.iter().map(|[a, b, c]| ((*a).into(), (*b).into(), (*c).into())).collect()
    };
    let there = columns(&[["public", "customers", "email"], ["a", "b", "my_phone"], ["hr", "salaries", "x"]]);
    let missing: Vec<String> = book
        .unmatched(&there)
        .into_iter()
        .map(|one| format!("{} {} {}:{}", one.class, one.column, one.file, one.line))
        .collect();
    assert_eq!(
        missing,
        [
            "pii.email public.customers.contact house.classes:3",
            r#"pay hr."Old Pay"."Amount" house.classes:6"#
        ]
    );
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let wrong = "class pii.email = kind emial;\n\
                 class pii.email kind email;\n\
                 class a..b = kind email;\n\
                 klass x = kind email;\n\
                 class one = kind email | colum a.b.c;\n\
                 class two = column customers.email;\n\
                 class three = kind email\n\
                 class four = kind email;\n\
                 class ok = kind email;\n\
                 class ok = kind phone;\n\
                 class none = ;\n\
                 permit(principal, action, resource);\n\
                 class last = kind email |";
    let found = RuleBook::check(&files(wrong, RULES));
    let mut said = String::new();
    for problem in &found.problems {
        let help = problem.help.as_deref().unwrap_or_default();
        said += &format!("{}:{} {} ({help})\n", problem.line, problem.column, problem.message);
    }
    insta::assert_snapshot!(said);
    assert!(RuleBook::load(files(wrong, RULES)).is_err());
}

#[test]
fn classes_among_rules_are_told_where_they_belong() {
    let found = RuleBook::check(&[RuleFile::new("all.cedar", "class pii = kind email;")]);
    let help = found.problems[0].help.as_deref().unwrap();
    assert_eq!(help, "classes stand in a file whose name ends in .classes");
}
