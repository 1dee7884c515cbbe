//! Callers, targets and effects that the tests speak of.

use sallyport_core::judge::Facts;
use sallyport_core::{
    Action, ApprovalFact, ApprovalId, Caller, CallerKind, Digest, Effect, Effects, Judge, Moment, Object,
    ObjectKind, Sensitive, Sight, Target, TargetName, Verdict,
};
use sallyport_policy::{RuleBook, RuleFile};
use std::sync::Arc;

pub const NOW: Moment = Moment::from_seconds(1_700_000_000);

pub fn facts(kind: CallerKind, groups: &[&str]) -> Facts {
    let caller = Caller {
        subject: "reporter".into(),
        issuer: "https://id.example".into(),
        kind,
        name: "Reporter".into(),
        groups: groups.iter().map(|group| (*group).to_owned()).collect(),
        attributes: [("purpose".to_owned(), "support".to_owned())].into(),
        chain: Vec::new(),
        owner: None,
        expires: NOW.plus_seconds(3600),
        token_id: None,
        account_since: None,
    };
    let target = Target {
        name: TargetName::new("prod"),
        protocol: "postgres".into(),
        host: "localhost".into(),
        port: 5432,
        account: "app".into(),
        database: None,
        labels: [("env".to_owned(), "prod".to_owned())].into(),
        strict: false,
        record_result_bytes: 0,
        classes: [
            ("public.customers.email".to_owned(), vec!["email".to_owned()]),
            ("public.customers.mobile".to_owned(), vec!["phone".to_owned(), "secret".to_owned()]),
        ]
        .into(),
        settings: Default::default(),
    };
    Facts {
        caller: Arc::new(caller),
        target: Arc::new(target),
        database: "shop".into(),
        peer: Some([10, 0, 0, 7].into()),
    }
}

pub fn agent() -> Facts {
    facts(CallerKind::Agent, &[])
}

pub fn book(text: &str) -> Arc<RuleBook> {
    Arc::new(
        RuleBook::load(vec![RuleFile::new("test.cedar", text)]).unwrap_or_else(|found| panic!("{found}")),
    )
}

pub fn effect(action: Action, kind: ObjectKind, path: &str) -> Effect {
    Effect::new(action, Object::new(kind, path.split('.').filter(|part| !part.is_empty())))
}

pub fn table(action: Action, path: &str) -> Effect {
    effect(action, ObjectKind::Table, path)
}

pub fn effects(list: &[Effect]) -> Effects {
    Effects::new(list.to_vec())
}

pub fn judge(book: &Arc<RuleBook>, facts: Facts, list: &[Effect]) -> Verdict {
    verdict(&mut *book.session(facts), list, &[])
}

pub fn verdict(judge: &mut dyn Judge, list: &[Effect], approvals: &[ApprovalFact]) -> Verdict {
    (*judge.judge(NOW, &effects(list), approvals)).clone()
}

pub fn approval(groups: &[&str]) -> ApprovalFact {
    ApprovalFact {
        id: ApprovalId::new("a1"),
        digest: Digest([0; 32]),
        approver: "https://id.example#alice".into(),
        groups: groups.iter().map(|group| (*group).to_owned()).collect(),
        at: NOW,
        reason: String::new(),
    }
}

/// `allow`, `deny RULES` or `hold RULES for GROUPS`.
pub fn words(verdict: &Verdict) -> String {
    let join = |rules: &[sallyport_core::RuleId]| {
        rules.iter().map(|rule| rule.as_str()).collect::<Vec<_>>().join(" ")
    };
    match verdict {
        Verdict::Allow(_) => "allow".into(),
        Verdict::Deny(reason) => format!("deny {}", join(&reason.rules)),
        Verdict::Hold(terms) => format!("hold {} for {}", join(&terms.reason.rules), terms.groups.join(" ")),
    }
}

pub fn sight(judge: &mut dyn Judge, thing: &Sensitive<'_>) -> String {
    match judge.see(NOW, thing) {
        Sight::Clear => "clear".into(),
        Sight::Masked { form, rule } => format!("{form} {rule}"),
    }
}

pub fn column<'a>(table: &'a str, column: &'a str) -> Sensitive<'a> {
    Sensitive::Column { schema: "public", table, column }
}
