//! What a rule's conditions look at, read from Cedar's own JSON form of it.

use serde_json::Value;

/// What of the context is the same each time an equal command is asked about within a session.
const STILL: [&str; 8] =
    ["target", "database", "peer", "purpose", "risk_tier", "whole", "approvals", "approvers"];

/// Whether two equal commands can get different answers at different times. In doubt, yes.
pub(crate) fn looks_at_time(conditions: &Value) -> bool {
    match conditions {
        Value::Object(fields) => {
            fields.iter().any(|(operator, operand)| match (operator.as_str(), operand) {
                ("Var", Value::String(name)) => name == "context",
                ("." | "has", operand) if is_context(operand.get("left")) => {
                    let attribute = operand.get("attr").and_then(Value::as_str);
                    !attribute.is_some_and(|name| STILL.contains(&name))
                }
                // A literal is data, whatever its words.
                ("Value", _) => false,
                (_, operand) => looks_at_time(operand),
            })
        }
        Value::Array(items) => items.iter().any(looks_at_time),
        _ => false,
    }
}

/// The groups whose approval alone makes an `unless` of this rule true.
pub(crate) fn groups_that_release(policy: &Value) -> Vec<String> {
    let conditions = policy.get("conditions").and_then(Value::as_array);
    let mut groups = Vec::new();
    for condition in conditions.into_iter().flatten() {
        if condition.get("kind").and_then(Value::as_str) == Some("unless") {
            condition.get("body").into_iter().for_each(|body| released_by(body, &mut groups));
        }
    }
    groups
}

fn released_by(body: &Value, groups: &mut Vec<String>) {
    if let Some(either) = body.get("||") {
        for side in ["left", "right"] {
            either.get(side).into_iter().for_each(|part| released_by(part, groups));
        }
    }
    let one = body.get("contains").filter(|call| is_approvals(call.get("left")));
    groups.extend(one.and_then(|call| literal(call.get("right"))));
    let any = body.get("containsAny").filter(|call| is_approvals(call.get("left")));
    let set = any.and_then(|call| call.get("right")?.get("Set")?.as_array());
    groups.extend(set.into_iter().flatten().filter_map(|item| literal(Some(item))));
}

fn literal(expression: Option<&Value>) -> Option<String> {
    Some(expression?.get("Value")?.as_str()?.to_owned())
}

fn is_context(expression: Option<&Value>) -> bool {
    expression.and_then(|value| value.get("Var")).and_then(Value::as_str) == Some("context")
}

fn is_approvals(expression: Option<&Value>) -> bool {
    let Some(access) = expression.and_then(|value| value.get(".")) else { return false };
    is_context(access.get("left")) && access.get("attr").and_then(Value::as_str) == Some("approvals")
}
