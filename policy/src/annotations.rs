//! What a rule says beside its Cedar: `@id`, `@message`, `@hold` and the rest, checked word by word.

use crate::diagnostics::nearest;
use crate::rule::{HoldNote, speaks_of, speaks_of_commands};
use crate::shape::groups_that_release;
use cedar_policy::{Effect, Policy};
use sallyport_core::mask::forms::Form;
use serde_json::Value;

const KNOWN: [&str; 9] =
    ["id", "message", "note", "hold", "expires", "defer", "mask", "limit_rows", "limit_bytes"];
const DEFAULT_EXPIRES_SECONDS: u32 = 600;
const MAX_EXPIRES_SECONDS: u32 = 7 * 86_400;

/// A complaint about one annotation: its name, what is wrong, and what to write instead.
pub(crate) struct Complaint {
    pub annotation: String,
    pub message: String,
    pub help: String,
}

#[derive(Default)]
pub(crate) struct Notes {
    pub message: Option<String>,
    pub hold: Option<HoldNote>,
    pub mask: Option<Form>,
    pub limit_rows: Option<u64>,
    pub limit_bytes: Option<u64>,
}

pub(crate) fn read(policy: &Policy, shape: &Value) -> Result<Notes, Vec<Complaint>> {
    let mut complaints = Vec::new();
    for (name, _) in policy.annotations().filter(|(name, _)| !KNOWN.contains(name)) {
        let help = match nearest(name, KNOWN) {
            Some(known) => format!("write @{known}"),
            None => format!("known are @{}; free text goes into @note", KNOWN.join(", @")),
        };
        complaints.push(complaint(name, format!("unknown annotation @{name}"), help));
    }
    let mut keep = |result: Result<(), Complaint>| complaints.extend(result.err());
    let mut notes = Notes { message: policy.annotation("message").map(str::to_owned), ..Notes::default() };
    keep(hold(policy, shape).map(|hold| notes.hold = hold));
    keep(mask(policy).map(|form| notes.mask = form));
    keep(limit(policy, "limit_rows").map(|limit| notes.limit_rows = limit));
    keep(limit(policy, "limit_bytes").map(|limit| notes.limit_bytes = limit));
    keep(permit_on_see(policy));
    if complaints.is_empty() { Ok(notes) } else { Err(complaints) }
}

fn complaint(annotation: &str, message: impl Into<String>, help: impl Into<String>) -> Complaint {
    Complaint { annotation: annotation.to_owned(), message: message.into(), help: help.into() }
}

fn hold(policy: &Policy, shape: &Value) -> Result<Option<HoldNote>, Complaint> {
    let Some(text) = policy.annotation("hold") else { return no_hold(policy, shape).map(|()| None) };
    if policy.effect() == Effect::Permit {
        let help = "a hold is a forbid that an approval lifts: write forbid, and a permit beside it";
        return Err(complaint("hold", "@hold on a permit holds nothing", help));
    }
    if ["connect", "see", "filter"].into_iter().any(|action| speaks_of(policy, action)) {
        let help = "write action in Action::\"command\", or the actions that need approval";
        return Err(complaint(
            "hold",
            "only commands can be held, and this rule speaks of connect, see or filter too",
            help,
        ));
    }
    let groups: Vec<String> =
        text.split(',').map(|group| group.trim().to_owned()).filter(|group| !group.is_empty()).collect();
    let Some(first) = groups.first() else {
        return Err(complaint("hold", "@hold names no group", "write @hold(\"approvers\")"));
    };
    let release = groups_that_release(shape);
    if let Some(group) = groups.iter().find(|group| !release.contains(group)) {
        let wanted: Vec<String> =
            groups.iter().map(|group| format!("context.approvals.contains({group:?})")).collect();
        let message = format!("no approval by {group:?} could ever lift this rule");
        return Err(complaint("hold", message, format!("end it with: unless {{ {} }}", wanted.join(" || "))));
    }
    if let Some(group) = release.iter().find(|group| !groups.contains(group)) {
        let message = format!("an approval by {group:?} lifts this rule, but nobody of that group is asked");
        return Err(complaint("hold", message, format!("write @hold(\"{first},{group}\")")));
    }
    let expires_seconds = match policy.annotation("expires") {
        Some(text) => seconds(text).ok_or_else(|| {
            let message = format!("@expires({text:?}) is no length of time up to 7 days");
            complaint("expires", message, "write a number and s, m, h or d: @expires(\"10m\")")
        })?,
        None => DEFAULT_EXPIRES_SECONDS,
    };
    let defer = match policy.annotation("defer") {
        None => false,
        Some("" | "true") => true,
        Some(_) => return Err(complaint("defer", "@defer takes no value", "write @defer alone")),
    };
    Ok(Some(HoldNote { groups, expires_seconds, defer }))
}

/// A rule that holds nothing and yet speaks as if it did.
fn no_hold(policy: &Policy, shape: &Value) -> Result<(), Complaint> {
    if let Some(name) = ["expires", "defer"].into_iter().find(|name| policy.annotation(name).is_some()) {
        let message = format!("@{name} says something about a hold, and this rule holds nothing");
        return Err(complaint(name, message, "add @hold(\"group\") or remove it"));
    }
    let release = groups_that_release(shape);
    if policy.effect() == Effect::Forbid && !release.is_empty() {
        let message = "an approval would lift this rule, but nobody is asked for one";
        return Err(complaint("", message, format!("add @hold(\"{}\")", release.join(","))));
    }
    Ok(())
}

fn mask(policy: &Policy) -> Result<Option<Form>, Complaint> {
    let Some(text) = policy.annotation("mask") else { return Ok(None) };
    if policy.effect() == Effect::Permit || !speaks_of(policy, "see") {
        let help = "write forbid(principal, action == Action::\"see\", resource in …)";
        return Err(complaint("mask", "@mask belongs on a forbid of the action see", help));
    }
    let wrong = |_| {
        let help = "write null, redact, token, token(tenant), hash, or partial(N) with N from 1 to 16";
        complaint("mask", format!("unknown mask form {text:?}"), help)
    };
    text.parse().map(Some).map_err(wrong)
}

fn limit(policy: &Policy, name: &str) -> Result<Option<u64>, Complaint> {
    let Some(text) = policy.annotation(name) else { return Ok(None) };
    if policy.effect() == Effect::Forbid || !speaks_of_commands(policy) {
        let message = format!("@{name} belongs on a permit of a command");
        return Err(complaint(name, message, "move it to the permit that lets the command run"));
    }
    match text.replace('_', "").parse() {
        Ok(limit) if limit > 0 => Ok(Some(limit)),
        _ => {
            let message = format!("@{name}({text:?}) is no number above zero");
            Err(complaint(name, message, format!("write @{name}(\"1000\")")))
        }
    }
}

fn permit_on_see(policy: &Policy) -> Result<(), Complaint> {
    let changes_something = speaks_of(policy, "connect") || speaks_of_commands(policy);
    let only_filter = speaks_of(policy, "filter") && !speaks_of(policy, "see") && !changes_something;
    if policy.effect() == Effect::Permit && only_filter {
        let help = "everything that may be read is filtered by unless a forbid says no; narrow that forbid with unless";
        return Err(complaint("", "a permit of filter changes nothing", help));
    }
    let only_see = speaks_of(policy, "see") && !changes_something;
    if policy.effect() == Effect::Permit && only_see {
        let help =
            "everything that may be read is seen unless a forbid masks it; narrow that forbid with unless";
        return Err(complaint("", "a permit of see changes nothing", help));
    }
    Ok(())
}

fn seconds(text: &str) -> Option<u32> {
    let text = text.trim();
    let at = text.find(|letter: char| !letter.is_ascii_digit())?;
    let (number, unit) = text.split_at_checked(at)?;
    let unit = match unit.trim() {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return None,
    };
    let total = number.parse::<u32>().ok()?.checked_mul(unit)?;
    (1..=MAX_EXPIRES_SECONDS).contains(&total).then_some(total)
}
