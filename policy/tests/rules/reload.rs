use crate::world::*;
use sallyport_core::{Action, Epoch, Moment};
use sallyport_policy::RuleFile;

const OPEN: &str = r#"@id("all") permit(principal, action, resource);"#;

fn file(text: &str) -> Vec<RuleFile> {
    vec![RuleFile::new("test.cedar", text)]
}

#[test]
fn a_live_session_follows_a_replacement() {
    let book = book(OPEN);
    let mut session = book.session(agent());
    let read = [table(Action::Read, "public.t")];
    assert_eq!(session.epoch(), Epoch(1));
    assert!(session.connect(NOW).is_ok());
    assert_eq!(words(&verdict(&mut *session, &read, &[])), "allow");
    assert_eq!(sight(&mut *session, &column("t", "c")), "clear");

    let closed = r#"@id("no") forbid(principal, action, resource);"#;
    assert_eq!(book.replace(file(closed)).unwrap(), Epoch(2));
    assert_eq!(session.epoch(), Epoch(2));
    assert!(session.connect(NOW).is_err());
    assert_eq!(words(&verdict(&mut *session, &read, &[])), "deny no");
    assert_eq!(sight(&mut *session, &column("t", "c")), "redact no");
}

#[test]
fn broken_rules_leave_those_in_force() {
    let book = book(OPEN);
    let found = book.replace(file(r#"@id("x") permit(principal, action == Action::"raed", resource);"#));
    assert_eq!(found.unwrap_err().problems[0].help.as_deref(), Some("write Action::\"read\""));
    assert_eq!(book.epoch(), Epoch(1));
    assert_eq!(words(&judge(&book, agent(), &[table(Action::Read, "public.t")])), "allow");
}

#[test]
fn of_two_revisions_that_race_the_newer_stays_in_force() {
    let book = book(OPEN);
    let closed = r#"@id("no") forbid(principal, action, resource);"#;
    assert_eq!(book.advance(3, file(closed)).unwrap(), Some(Epoch(2)));
    assert_eq!(book.advance(2, file(OPEN)).unwrap(), None, "the older came later");
    assert_eq!(book.advance(3, file(OPEN)).unwrap(), None);
    assert_eq!(book.epoch(), Epoch(2));
    assert_eq!(words(&judge(&book, agent(), &[table(Action::Read, "public.t")])), "deny no");
    assert_eq!(book.files(), file(closed));
    assert_eq!(book.advance(4, file(OPEN)).unwrap(), Some(Epoch(3)));
}

#[test]
fn equal_commands_share_a_verdict_unless_time_matters() {
    let list = effects(&[table(Action::Read, "public.t")]);
    let still = book(OPEN);
    let mut session = still.session(agent());
    let (one, two) = (session.judge(NOW, &list, &[]), session.judge(NOW, &list, &[]));
    assert!(std::sync::Arc::ptr_eq(&one, &two));

    // NOW is 22:13 UTC on a Tuesday.
    let day = book(
        r#"@id("day") permit(principal, action, resource)
           when { context.hour >= 6 && context.hour < 22 && context.weekday == 3 };"#,
    );
    let mut session = day.session(agent());
    assert_eq!(words(&session.judge(NOW, &list, &[])), "deny default-deny");
    let morning = Moment::from_seconds(NOW.as_seconds() + 10 * 3600);
    assert_eq!(words(&session.judge(morning, &list, &[])), "allow");
}

#[test]
fn facts_of_the_caller_and_the_target_can_be_read() {
    let book = book(
        r#"@id("facts") permit(principal, action, resource)
           when {
               context.purpose == "support" && context.target.env == "prod" && context.database == "shop"
               && context has peer && context.peer.isInRange(ip("10.0.0.0/8"))
               && principal.hasTag("purpose") && principal.getTag("purpose") == "support"
               && context.target.hasTag("env") && principal.issuer == "https://id.example"
           };"#,
    );
    assert!(book.session(agent()).connect(NOW).is_ok());
    let elsewhere = sallyport_core::judge::Facts { peer: Some([192, 0, 2, 1].into()), ..agent() };
    assert!(book.session(elsewhere).connect(NOW).is_err());
}
