//! Rules that are refused, and what their writers read.

use sallyport_policy::{RuleBook, RuleFile};

fn say(text: &str) -> String {
    let files = vec![RuleFile::new("rules.cedar", text)];
    let found = RuleBook::load(files.clone()).expect_err("these rules are broken");
    assert_eq!(RuleBook::check(&files), found);
    let json = serde_json::to_string(&found).unwrap();
    assert_eq!(serde_json::from_str::<sallyport_policy::Diagnostics>(&json).unwrap(), found);
    found.to_string()
}

macro_rules! broken {
    ($($name:ident: $text:literal,)+) => {$(
        #[test]
        fn $name() {
            insta::assert_snapshot!(say($text));
        }
    )+};
}

broken! {
    no_id: "permit(principal, action, resource);",
    same_id: "@id(\"a\")\npermit(principal, action, resource);\n@id(\"a\")\nforbid(principal, action, resource);",
    syntax: "@id(\"a\")\npermit(principal, action resource);",
    template: "@id(\"a\") permit(principal == ?principal, action, resource);",
    unknown_action: "@id(\"a\")\nforbid(\n    principal,\n    action == Action::\"delte\",\n    resource\n);",
    unknown_type: "@id(\"a\") permit(principal is Agnet, action, resource);",
    unknown_attribute: "@id(\"a\") permit(principal, action, resource) when { context.purpos == \"x\" };",
    wrong_type: "@id(\"a\") permit(principal, action, resource) when { context.hour == \"nine\" };",
    unknown_annotation: "@id(\"a\") @masc(\"null\") forbid(principal, action == Action::\"see\", resource);",
    unknown_form: "@id(\"a\")\n@mask(\"stars\") forbid(principal, action == Action::\"see\", resource);",
    permit_of_filter: "@id(\"a\") permit(principal, action == Action::\"filter\", resource);",
    hold_of_filter:
        "@id(\"a\") @hold(\"dba\") forbid(principal, action == Action::\"filter\", resource) unless { context.approvals.contains(\"dba\") };",
    mask_on_a_permit: "@id(\"a\") @mask(\"null\") permit(principal, action, resource);",
    mask_on_a_command: "@id(\"a\") @mask(\"null\") forbid(principal, action == Action::\"read\", resource);",
    hold_that_nothing_lifts:
        "@id(\"a\")\n@hold(\"dba,lead\")\nforbid(principal, action == Action::\"drop\", resource)\nunless { context.approvals.contains(\"dba\") };",
    hold_that_asks_too_few:
        "@id(\"a\") @hold(\"dba\") forbid(principal, action == Action::\"drop\", resource) unless { context.approvals.containsAny([\"dba\", \"lead\"]) };",
    hold_that_asks_nobody:
        "@id(\"a\") forbid(principal, action == Action::\"drop\", resource) unless { context.approvals.contains(\"dba\") };",
    hold_of_connect:
        "@id(\"a\") @hold(\"dba\") forbid(principal, action, resource) unless { context.approvals.contains(\"dba\") };",
    hold_on_a_permit: "@id(\"a\") @hold(\"dba\") permit(principal, action in Action::\"write\", resource);",
    hold_expires_never:
        "@id(\"a\") @hold(\"dba\") @expires(\"soon\") forbid(principal, action in Action::\"write\", resource) unless { context.approvals.contains(\"dba\") };",
    expires_without_hold: "@id(\"a\") @expires(\"5m\") forbid(principal, action in Action::\"write\", resource);",
    limit_that_is_none: "@id(\"a\") @limit_rows(\"lots\") permit(principal, action == Action::\"read\", resource);",
    permit_of_see: "@id(\"a\") permit(principal, action == Action::\"see\", resource);",
    see_of_a_table: "@id(\"a\") forbid(principal, action == Action::\"see\", resource == Table::\"public.t\");",
    can_never_apply:
        "@id(\"a\") permit(principal, action == Action::\"read\", resource is Table) when { resource.name == \"a\" && false };",
}

#[test]
fn several_files_are_told_apart() {
    let files = vec![
        RuleFile::new("one.cedar", "@id(\"a\") permit(principal, action, resource);"),
        RuleFile::new(
            "two.cedar",
            "\n  @id(\"a\") permit(principal, action, resource);\n@id(\"b\") permit(principal, action == Action::\"conect\", resource);",
        ),
    ];
    insta::assert_snapshot!(RuleBook::check(&files).to_string());
}
