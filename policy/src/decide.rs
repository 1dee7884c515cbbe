//! From Cedar's answers to a verdict: every effect needs a permit, and no forbid may stand.

use crate::rule::{HoldNote, Rule};
use crate::slice::{Bucket, Rules};
use crate::world::{Question, Unaskable};
use cedar_policy::{AuthorizationError, Authorizer, Decision, PolicyId};
use sallyport_core::{Effect, HoldTerms, Obligations, Reason, RuleId, Verdict};
use std::collections::BTreeSet;

/// What the rules say of one question.
#[derive(Default)]
pub(crate) struct Finding<'r> {
    pub permits: Vec<&'r Rule>,
    /// No approval lifts these: plain forbids, and whatever could not be evaluated.
    pub forbids: Vec<&'r Rule>,
    /// An approval lifts these.
    pub holds: Vec<&'r Rule>,
    /// The question could not be put, or Cedar's answer and ours differ.
    pub broken: Option<String>,
}

pub(crate) fn ask<'r>(
    rules: &'r Rules,
    bucket: Option<&Bucket>,
    question: Result<Question, Unaskable>,
) -> Finding<'r> {
    let mut finding = Finding::default();
    let (bucket, question) = match (bucket, question) {
        (Some(bucket), Ok(question)) => (bucket, question),
        (None, _) => return broken("the schema has no such action"),
        (_, Err(unaskable)) => return broken(&unaskable.to_string()),
    };
    let authorizer = Authorizer::new();
    for forbids in bucket.forbids.about(&question.request, &question.entities) {
        let said = authorizer.is_authorized(&question.request, forbids, &question.entities);
        for id in said.diagnostics().reason() {
            match named(rules, id) {
                Some(rule) if rule.hold.is_some() => finding.holds.push(rule),
                Some(rule) => finding.forbids.push(rule),
                None => finding.broken = Some(format!("the rule {id} is not known")),
            }
        }
        // A forbid that cannot be evaluated forbids, and no approval changes that.
        for AuthorizationError::PolicyEvaluationError(error) in said.diagnostics().errors() {
            match named(rules, error.policy_id()) {
                Some(rule) => finding.forbids.push(rule),
                None => finding.broken = Some(error.to_string()),
            }
        }
    }
    for permits in bucket.permits.about(&question.request, &question.entities) {
        let said = authorizer.is_authorized(&question.request, permits, &question.entities);
        if said.decision() == Decision::Allow {
            finding.permits.extend(said.diagnostics().reason().filter_map(|id| named(rules, id)));
        }
    }
    for list in [&mut finding.permits, &mut finding.forbids, &mut finding.holds] {
        list.sort_by_key(|rule| rule.index);
    }
    finding
}

fn broken<'r>(why: &str) -> Finding<'r> {
    Finding { broken: Some(why.to_owned()), ..Finding::default() }
}

fn named<'r>(rules: &'r Rules, id: &PolicyId) -> Option<&'r Rule> {
    rules.rule(id.as_ref())
}

/// One verdict over all effects of a command.
pub(crate) fn combine(findings: &[(&Effect, Finding<'_>)], place: &str) -> Verdict {
    for (effect, finding) in findings {
        if let Some(why) = &finding.broken {
            let message = format!("{effect}: the rules could not be asked ({why}), so it is refused.");
            return Verdict::Deny(reason(vec![RuleId::new("default-deny")], message, effect));
        }
    }
    if let Some((effect, finding)) = first(findings, |finding| !finding.forbids.is_empty()) {
        let all = ids(findings.iter().flat_map(|(_, finding)| finding.forbids.iter().copied()));
        return Verdict::Deny(reason(all, refusal(&finding.forbids, effect), effect));
    }
    if let Some((effect, _)) = first(findings, |finding| finding.permits.is_empty()) {
        let message = format!(
            "No rule permits {effect} on {place}. It needs a permit whose action covers {:?}.",
            effect.action.as_str()
        );
        return Verdict::Deny(reason(vec![RuleId::new("default-deny")], message, effect));
    }
    let holds: Vec<&Rule> = in_order(findings.iter().flat_map(|(_, finding)| finding.holds.iter().copied()));
    match first(findings, |finding| !finding.holds.is_empty()) {
        Some((effect, _)) => hold(&holds, effect),
        None => Verdict::Allow(obligations(findings)),
    }
}

/// The effect to speak of: one that the command's own text says, where there is one.
fn first<'f, 'r>(
    findings: &'f [(&'f Effect, Finding<'r>)],
    is_it: impl Fn(&Finding<'r>) -> bool,
) -> Option<&'f (&'f Effect, Finding<'r>)> {
    findings.iter().filter(|(_, finding)| is_it(finding)).min_by_key(|(effect, _)| effect.through.is_some())
}

fn reason(rules: Vec<RuleId>, message: String, effect: &Effect) -> Reason {
    Reason { rules, message, effect: Some(effect.to_string()) }
}

fn refusal(rules: &[&Rule], effect: &Effect) -> String {
    let said = rules.iter().find_map(|rule| rule.message.clone());
    said.map_or_else(|| format!("{effect} is forbidden."), |said| with_way(said, effect))
}

/// A rule's own words do not say that the command does it behind its text.
fn with_way(said: String, effect: &Effect) -> String {
    match &effect.through {
        Some(_) => format!("{said} (This command would {effect}.)"),
        None => said,
    }
}

fn in_order<'r>(rules: impl Iterator<Item = &'r Rule>) -> Vec<&'r Rule> {
    let mut rules: Vec<_> = rules.collect();
    rules.sort_by_key(|rule| rule.index);
    rules.dedup_by_key(|rule| rule.index);
    rules
}

fn ids<'r>(rules: impl Iterator<Item = &'r Rule>) -> Vec<RuleId> {
    in_order(rules).into_iter().map(|rule| rule.id.clone()).collect()
}

/// The terms on which all of `holds` are lifted by one approval. A group that every one of them names is asked;
/// where there is none, no single approval can lift them all, and the command is refused.
fn hold(holds: &[&Rule], effect: &Effect) -> Verdict {
    let notes: Vec<&HoldNote> = holds.iter().filter_map(|rule| rule.hold.as_ref()).collect();
    let mut groups: Vec<String> = notes.first().map(|note| note.groups.clone()).unwrap_or_default();
    groups.retain(|group| notes.iter().all(|note| note.groups.contains(group)));
    let rules = ids(holds.iter().copied());
    if groups.is_empty() {
        let asked: BTreeSet<&str> =
            notes.iter().flat_map(|note| note.groups.iter().map(String::as_str)).collect();
        let asked = asked.into_iter().collect::<Vec<_>>().join(", ");
        let message = format!(
            "This command needs approvals by several groups ({asked}) and none of them may give them all. \
             Split it into commands that one group may approve."
        );
        return Verdict::Deny(reason(rules, message, effect));
    }
    let said: Vec<String> = holds.iter().filter_map(|rule| rule.message.clone()).collect();
    let message = match said.is_empty() {
        true => format!("{effect} needs approval."),
        false => with_way(said.join(" "), effect),
    };
    Verdict::Hold(HoldTerms {
        reason: reason(rules, message, effect),
        groups,
        expires_seconds: notes.iter().map(|note| note.expires_seconds).min().unwrap_or_default(),
        defer: notes.iter().any(|note| note.defer),
    })
}

fn obligations(findings: &[(&Effect, Finding<'_>)]) -> Obligations {
    let permits = || findings.iter().flat_map(|(_, finding)| finding.permits.iter().copied());
    Obligations {
        rules: ids(permits()),
        max_rows: permits().filter_map(|rule| rule.limit_rows).min(),
        max_bytes: permits().filter_map(|rule| rule.limit_bytes).min(),
    }
}
