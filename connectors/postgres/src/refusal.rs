//! A no in PostgreSQL's own words: SQLSTATE, message, machine-readable detail, and what to do next.

use crate::wire::write::Report;
use sallyport_core::{Denial, Fault};
use sallyport_sql::SqlFault;

/// insufficient_privilege: what every driver already knows how to show.
pub const REFUSED: &str = "42501";
/// query_canceled
pub const CANCELLED: &str = "57014";
/// admin_shutdown
pub const ENDED: &str = "57P01";
/// protocol_violation
pub const PROTOCOL: &str = "08P01";
/// connection_failure
pub const TARGET_GONE: &str = "08006";
/// feature_not_supported
pub const NOT_SUPPORTED: &str = "0A000";

/// The error for a command that was denied. `place` names the statement within a message of several.
pub fn denied(denial: &Denial, place: Option<(u64, u64)>) -> Vec<u8> {
    let severity = if denial.fatal { "FATAL" } else { "ERROR" };
    let message = match place {
        Some((at, of)) if of > 1 => format!("{denial} [statement {} of {of}; none of them ran]", at + 1),
        Some(_) | None => denial.to_string(),
    };
    let hint = match (&denial.approval, denial.fatal) {
        (Some(id), _) if denial.pending => format!("Approval {id}. Once it is given, send the same command again."),
        (Some(id), _) => format!("It was approval {id}. Sending the command again asks again."),
        (None, true) => "Connect again with a valid token.".to_owned(),
        (None, false) => {
            "The rules of the gateway decide this, not the database. `sallyport policy explain` says what would pass."
                .to_owned()
        }
    };
    let mut out = Vec::new();
    Report { severity, code: REFUSED, message: &message, detail: Some(&denial.to_json()), hint: Some(&hint) }
        .error(&mut out);
    out
}

/// The error for a text that could not be analysed.
pub fn unreadable(fault: &SqlFault) -> Vec<u8> {
    let hint = "The gateway could not read this statement, so it was not sent to the database.";
    error(fault.sqlstate(), &fault.to_string(), Some(hint))
}

pub fn error(code: &str, message: &str, hint: Option<&str>) -> Vec<u8> {
    let mut out = Vec::new();
    Report { severity: "ERROR", code, message, detail: None, hint }.error(&mut out);
    out
}

/// The last words of a session.
pub fn fatal(fault: &Fault) -> Vec<u8> {
    let code = match fault {
        Fault::Client(_) => PROTOCOL,
        Fault::Target(_) => TARGET_GONE,
        Fault::Denied(denial) => return denied(&Denial { fatal: true, ..denial.as_ref().clone() }, None),
        Fault::Ours { .. } => "58000",
    };
    let mut out = Vec::new();
    Report { severity: "FATAL", code, message: &fault.public(), detail: None, hint: None }.error(&mut out);
    out
}

/// The door said no, or could not say yes.
pub fn not_admitted(fault: &Fault) -> Vec<u8> {
    let (code, detail) = match fault {
        Fault::Denied(denial) => ("28000", Some(denial.to_json())),
        Fault::Client(_) => ("28000", None),
        Fault::Target(_) => (TARGET_GONE, None),
        Fault::Ours { .. } => ("58000", None),
    };
    let mut out = Vec::new();
    let detail = detail.as_deref();
    Report { severity: "FATAL", code, message: &fault.public(), detail, hint: None }.error(&mut out);
    out
}

pub fn ended(reason: &str) -> Vec<u8> {
    let mut out = Vec::new();
    Report { severity: "FATAL", code: ENDED, message: reason, detail: None, hint: None }.error(&mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{back, body};

    #[test]
    fn a_denial_carries_its_rule_and_json() {
        let out = denied(&Denial::of_house("no-drop", "Dropping is not allowed."), Some((2, 3)));
        let field = |wanted| {
            let mut texts = back::texts(body(&out));
            texts
                .find(|(letter, _)| *letter == wanted)
                .map(|(_, text)| String::from_utf8_lossy(text).into_owned())
        };
        assert_eq!(field(b'C').as_deref(), Some("42501"));
        assert!(field(b'M').is_some_and(|text| text.contains("(rule no-drop) [statement 3 of 3")));
        let json: serde_json::Value = serde_json::from_str(&field(b'D').unwrap()).unwrap();
        assert_eq!(json["rules"][0], "no-drop");
    }
}
