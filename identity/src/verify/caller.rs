//! From the claims of a checked token to a caller, as the issuer's claim map says.
//!
//! Invariant: a mapped claim that is there but of the wrong kind refuses the token. Dropping it would let a rule that
//! forbids by an attribute pass over the caller.

use crate::config::{ClaimIs, ClaimMap};
use crate::refusal::Refusal;
use crate::verify::token::Claims;
use sallyport_core::{Caller, CallerKind, Moment};
use serde_json::Value;
use std::collections::BTreeMap;

const MAX_SUBJECT_BYTES: usize = 255;
const MAX_NAME_CHARS: usize = 100;
const MAX_CHAIN: usize = 16;

pub(crate) fn from_claims(
    claims: &Claims,
    map: &ClaimMap,
    issuer: &str,
    expires: Moment,
    token_id: Option<String>,
) -> Result<Caller, Refusal> {
    let subject = subject_text(claims.at(&map.subject)).ok_or_else(|| wrong(&map.subject))?;
    let acting = acting(claims, issuer)?;
    let mut chain = stated_chain(claims, map, issuer)?;
    let kind = if acting.is_empty() { kind(claims, map) } else { CallerKind::Agent };
    let mut actors = acting.into_iter();
    // With `act`, who presents the token is the outermost actor, and the subject is whom all of them act for.
    let (subject, name) = match actors.next() {
        None => (subject.to_owned(), name(claims, map).unwrap_or_else(|| subject.to_owned())),
        Some(actor) => {
            chain = actors
                .map(|prior| principal(issuer, &prior))
                .chain([principal(issuer, subject)])
                .chain(chain)
                .collect();
            (actor.clone(), actor)
        }
    };
    Ok(Caller {
        subject,
        issuer: issuer.to_owned(),
        kind,
        name: readable(&name),
        groups: groups(claims, map)?,
        attributes: attributes(claims, map)?,
        chain,
        owner: owner(claims, map, issuer)?,
        expires,
        token_id,
        account_since: None,
    })
}

/// Which of the accounts that ever had the subject's name it is.
pub(crate) fn account_since(claims: &Claims) -> Result<Moment, Refusal> {
    const CLAIM: &str = "account_since";
    claims.at(CLAIM).and_then(Value::as_i64).map(Moment).ok_or_else(|| wrong(CLAIM))
}

fn wrong(claim: &str) -> Refusal {
    Refusal::Claim { claim: claim.to_owned() }
}

fn subject_text(value: Option<&Value>) -> Option<&str> {
    let text = value?.as_str()?;
    let sound = !text.is_empty() && text.len() <= MAX_SUBJECT_BYTES && !text.chars().any(char::is_control);
    (sound && text.trim() == text).then_some(text)
}

/// One spelling for identities inside a caller. What already is a principal, of this issuer or another, stays.
fn principal(issuer: &str, subject: &str) -> String {
    let own = subject.strip_prefix(issuer).is_some_and(|rest| rest.starts_with('#'));
    if own || (subject.contains("://") && subject.contains('#')) {
        subject.to_owned()
    } else {
        format!("{issuer}#{subject}")
    }
}

/// The actors of the claim `act` (RFC 8693, 4.1), outermost first.
fn acting(claims: &Claims, issuer: &str) -> Result<Vec<String>, Refusal> {
    let mut actors = Vec::new();
    let mut next = claims.at("act");
    while let Some(actor) = next {
        let foreign = actor.get("iss").is_some_and(|named| named.as_str() != Some(issuer));
        let subject = subject_text(actor.get("sub")).filter(|_| !foreign && actors.len() < MAX_CHAIN);
        actors.push(subject.ok_or_else(|| wrong("act"))?.to_owned());
        next = actor.get("act");
    }
    Ok(actors)
}

fn stated_chain(claims: &Claims, map: &ClaimMap, issuer: &str) -> Result<Vec<String>, Refusal> {
    let Some(path) = &map.chain else { return Ok(Vec::new()) };
    let links = match claims.at(path) {
        None => return Ok(Vec::new()),
        Some(Value::Array(links)) if links.len() <= MAX_CHAIN => links,
        Some(_) => return Err(wrong(path)),
    };
    let link =
        |value| subject_text(Some(value)).map(|text| principal(issuer, text)).ok_or_else(|| wrong(path));
    links.iter().map(link).collect()
}

fn owner(claims: &Claims, map: &ClaimMap, issuer: &str) -> Result<Option<String>, Refusal> {
    let Some(path) = &map.owner else { return Ok(None) };
    match claims.at(path) {
        None => Ok(None),
        value => subject_text(value).map(|text| Some(principal(issuer, text))).ok_or_else(|| wrong(path)),
    }
}

fn kind(claims: &Claims, map: &ClaimMap) -> CallerKind {
    // An agent that could also pass for a person is an agent: people may approve.
    let holds = |rule: &Option<ClaimIs>| rule.as_ref().is_some_and(|rule| is(claims, rule));
    match (holds(&map.agent_when), holds(&map.person_when)) {
        (true, _) => CallerKind::Agent,
        (false, true) => CallerKind::Person,
        (false, false) => map.kind,
    }
}

fn is(claims: &Claims, rule: &ClaimIs) -> bool {
    let one = |value: &Value| scalar(value).is_some_and(|text| rule.values.contains(&text));
    match claims.at(&rule.claim) {
        Some(Value::Array(all)) => all.iter().any(one),
        Some(value) => one(value),
        None => false,
    }
}

fn name(claims: &Claims, map: &ClaimMap) -> Option<String> {
    claims.text(&map.name).filter(|name| !name.trim().is_empty()).map(str::to_owned)
}

/// Names end up in terminals and log lines.
fn readable(name: &str) -> String {
    name.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_NAME_CHARS).collect()
}

fn groups(claims: &Claims, map: &ClaimMap) -> Result<Vec<String>, Refusal> {
    let groups: Vec<String> = match claims.at(&map.groups) {
        None => Vec::new(),
        Some(Value::String(text)) => text.split_whitespace().map(str::to_owned).collect(),
        Some(Value::Array(all)) => all
            .iter()
            .map(|group| group.as_str().map(str::to_owned))
            .collect::<Option<_>>()
            .ok_or_else(|| wrong(&map.groups))?,
        Some(_) => return Err(wrong(&map.groups)),
    };
    Ok(groups)
}

fn attributes(claims: &Claims, map: &ClaimMap) -> Result<BTreeMap<String, String>, Refusal> {
    let mut attributes = BTreeMap::new();
    if let Some(path) = &map.attributes_from {
        match claims.at(path) {
            None => {}
            Some(Value::Object(members)) => {
                for (name, value) in members {
                    attributes.insert(name.clone(), scalar(value).ok_or_else(|| wrong(path))?);
                }
            }
            Some(_) => return Err(wrong(path)),
        }
    }
    for (path, attribute) in &map.attributes {
        if let Some(value) = claims.at(path) {
            attributes.insert(attribute.clone(), scalar(value).ok_or_else(|| wrong(path))?);
        }
    }
    Ok(attributes)
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
