//! The second opinion: what the database itself is told of who may write, for when the first opinion is wrong.
//!
//! Where no rule in force could let a caller write anything, its session is opened with transactions that are read-only.
//! Given with the startup, it costs no message, and is what RESET and DISCARD go back to. Not here: how a live session
//! follows the rules and what a disagreement leads to (`serve::opinion`).

use crate::config::PostgresSettings;
use sallyport_core::{Action, Gate, Object, ObjectKind};

/// The setting that says it, which servers from version 14 on report.
pub(crate) const SETTING: &str = "default_transaction_read_only";

/// What a read-only transaction takes. Whoever may do anything else may have to write for it.
const QUIET: [Action; 7] = [
    Action::Read,
    Action::Call,
    Action::Set,
    Action::RoleChange,
    Action::Transaction,
    Action::Listen,
    Action::Notify,
];

/// Whether the session's transactions are to be read-only in the database too.
pub(crate) fn is_for_reading(gate: &mut Gate) -> bool {
    let wanted = PostgresSettings::of(gate.grant().target()).is_ok_and(|settings| settings.read_only);
    // DISCARD drops what is temporary, and is no write.
    let temporary = [Object::new(ObjectKind::Schema, ["pg_temp"])];
    let mut writes = Action::ALL.iter().filter(|action| !QUIET.contains(action));
    wanted && !writes.any(|action| gate.could_permit(*action, &temporary))
}

/// The startup parameters of a session, with those that hold it to what its rules imply.
pub fn parameters(gate: &mut Gate, given: &[(String, String)]) -> Vec<(String, String)> {
    let mut parameters = given.to_vec();
    if is_for_reading(gate) {
        parameters.push((SETTING.to_owned(), "on".to_owned()));
    }
    parameters
}
