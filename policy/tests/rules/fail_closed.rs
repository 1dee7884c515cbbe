use crate::world::*;
use sallyport_core::{Action, Guard, Sensitive};

/// Overflows whenever it is evaluated.
const FAILS: &str = "context.now * 9223372036854775807 > 0";

#[test]
fn a_forbid_that_cannot_be_evaluated_forbids() {
    let text = format!(
        r#"@id("all") permit(principal, action, resource);
           @id("bad") forbid(principal, action == Action::"update", resource) when {{ {FAILS} }};
           @id("held") @hold("dba") forbid(principal, action == Action::"delete", resource) when {{ {FAILS} }}
           unless {{ context.approvals.contains("dba") }};"#
    );
    let book = book(&text);
    assert_eq!(words(&judge(&book, agent(), &[table(Action::Read, "public.t")])), "allow");
    assert_eq!(words(&judge(&book, agent(), &[table(Action::Update, "public.t")])), "deny bad");
    let mut session = book.session(agent());
    let given = [approval(&["dba"])];
    assert_eq!(words(&verdict(&mut *session, &[table(Action::Delete, "public.t")], &given)), "deny held");
}

#[test]
fn a_permit_that_cannot_be_evaluated_permits_nothing() {
    let text = format!(r#"@id("bad") permit(principal, action, resource) when {{ {FAILS} }};"#);
    let book = book(&text);
    assert_eq!(words(&judge(&book, agent(), &[table(Action::Read, "public.t")])), "deny default-deny");
    assert!(book.session(agent()).connect(NOW).is_err());
}

#[test]
fn a_mask_that_cannot_be_evaluated_masks() {
    let text = format!(
        r#"@id("bad") @mask("hash") forbid(principal, action == Action::"see", resource) when {{ {FAILS} }};"#
    );
    let mut session = book(&text).session(agent());
    assert_eq!(sight(&mut *session, &Sensitive::Class("email")), "hash bad");
    assert_eq!(sight(&mut *session, &column("customers", "id")), "hash bad");
}

#[test]
fn a_filter_that_cannot_be_evaluated_is_forbidden() {
    let text =
        format!(r#"@id("bad") forbid(principal, action == Action::"filter", resource) when {{ {FAILS} }};"#);
    let mut session = book(&text).session(agent());
    assert_eq!(session.guard(), Guard::Timed, "it looks at the time");
    assert_eq!(session.filter(NOW, &column("customers", "id")).unwrap().rules[0].as_str(), "bad");
    let all = book(r#"@id("nothing") forbid(principal, action, resource);"#);
    assert!(all.session(agent()).filter(NOW, &column("customers", "id")).is_some());
}

#[test]
fn a_connect_that_is_forbidden_or_unanswered_is_refused() {
    let text = format!(
        r#"@id("all") permit(principal, action, resource);
           @id("bad") forbid(principal, action == Action::"connect", resource) when {{ {FAILS} }};"#
    );
    assert_eq!(book(&text).session(agent()).connect(NOW).unwrap_err().rules[0].as_str(), "bad");
}

#[test]
fn no_rules_deny_everything() {
    let book = book("");
    assert!(book.session(agent()).connect(NOW).is_err());
    let Some(reason) = (match judge(&book, agent(), &[table(Action::Read, "public.t")]) {
        sallyport_core::Verdict::Deny(reason) => Some(reason),
        _ => None,
    }) else {
        panic!("not denied")
    };
    assert_eq!(
        reason.message,
        "No rule permits read public.t on prod/shop. It needs a permit whose action covers \"read\"."
    );
}

#[test]
fn the_strictest_of_several_masks_wins() {
    let mut session = book(
        r#"@id("part") @mask("partial(4)") forbid(principal, action == Action::"see", resource in Class::"phone");
           @id("hash") @mask("hash") forbid(principal, action == Action::"see", resource in Class::"secret");
           @id("schema") forbid(principal, action == Action::"see", resource in Schema::"hidden");"#,
    )
    .session(agent());
    assert_eq!(sight(&mut *session, &column("customers", "mobile")), "hash hash");
    assert_eq!(sight(&mut *session, &Sensitive::Class("phone")), "partial(4) part");
    let hidden = Sensitive::Column { schema: "hidden", table: "t", column: "c" };
    assert_eq!(sight(&mut *session, &hidden), "redact schema");
}

#[test]
fn tokens_are_stricter_than_hashes_and_looser_than_nothing() {
    let masked = |forms: &[&str]| {
        let rules = forms.iter().map(|form| {
            format!(
                r#"@id("{form}") @mask("{form}") forbid(principal, action == Action::"see", resource in Class::"email");"#
            )
        });
        let mut session = book(&rules.collect::<String>()).session(agent());
        sight(&mut *session, &Sensitive::Class("email"))
    };
    assert_eq!(masked(&["hash", "token(tenant)", "partial(4)"]), "token(tenant) token(tenant)");
    assert_eq!(masked(&["token(tenant)", "token"]), "token token");
    assert_eq!(masked(&["token", "redact"]), "redact redact");
}

#[test]
fn either_name_of_a_kind_hides_it() {
    let sights = |rule: &str| {
        let mut session = book(&format!(
            r#"@id("m") forbid(principal, action == Action::"see", resource in Class::"{rule}");"#
        ))
        .session(agent());
        ["credit_card", "card", "us_ssn"].map(|class| sight(&mut *session, &Sensitive::Class(class)))
    };
    assert_eq!(sights("card"), ["redact m", "redact m", "clear"]);
    assert_eq!(sights("credit_card"), ["redact m", "redact m", "clear"]);
}
