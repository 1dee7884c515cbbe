//! Settings, transactions, prepared statements, cursors and channels: what changes the session itself.

use super::{Walk, constant};
use crate::kind::{CloseWhich, DiscardWhich, StatementKind, TransactionKind};
use crate::modes;
use pg_query::NodeEnum;
use pg_query::protobuf::{
    DiscardMode, DiscardStmt, Node, TransactionStmt, TransactionStmtKind, VariableSetKind, VariableSetStmt,
};
use sallyport_core::{Action, ObjectKind};

impl Walk {
    pub(super) fn set(&mut self, set: &VariableSetStmt) -> StatementKind {
        let name = set.name.to_ascii_lowercase();
        self.exprs(&set.args);
        self.literal_sensitive = true;
        match VariableSetKind::try_from(set.kind) {
            Ok(VariableSetKind::VarSetMulti) => return self.set_characteristics(&name, set),
            Ok(VariableSetKind::VarResetAll) => {
                self.effect(Action::Set, ObjectKind::Setting, vec!["all".to_owned()]);
                return StatementKind::Reset { name: None };
            }
            Ok(VariableSetKind::VarSetValue) => {
                let value = setting_value(&set.args);
                self.set_setting(&name, value.as_deref());
            }
            Ok(
                VariableSetKind::VarSetDefault | VariableSetKind::VarReset | VariableSetKind::VarSetCurrent,
            ) => {
                self.set_setting(&name, Some("default"));
            }
            Ok(VariableSetKind::Undefined) | Err(_) => self.unknown(),
        }
        if set.kind == VariableSetKind::VarReset as i32 {
            return StatementKind::Reset { name: Some(name) };
        }
        StatementKind::Set { name, local: set.is_local }
    }

    fn set_characteristics(&mut self, scope: &str, set: &VariableSetStmt) -> StatementKind {
        let mut names = std::collections::BTreeSet::new();
        for arg in &set.args {
            if let Some(NodeEnum::DefElem(element)) = &arg.node {
                names.insert(element.defname.clone());
            }
        }
        self.access_modes(&set.args);
        let session = scope.starts_with("session");
        for name in &names {
            let setting = if session { format!("default_{name}") } else { name.clone() };
            self.effect(Action::Set, ObjectKind::Setting, vec![setting]);
        }
        if names.is_empty() {
            self.effect(Action::Transaction, ObjectKind::Target, Vec::new());
        }
        StatementKind::Transaction(TransactionKind::Characteristics(names))
    }

    /// The READ WRITE among the modes of a transaction.
    fn access_modes(&mut self, modes: &[Node]) {
        for mode in modes {
            if let Some(NodeEnum::DefElem(element)) = &mode.node
                && element.defname == "transaction_read_only"
                && element.arg.as_deref().and_then(constant).is_none_or(|read_only| read_only == "0")
            {
                // Its place holds for exactly this text.
                self.literal_sensitive = true;
                self.reads_at.push(usize::try_from(element.location).unwrap_or(usize::MAX));
            }
        }
    }

    /// One setting by its name in any case. Some settings change who the session is, or how its text is read.
    pub(super) fn set_setting(&mut self, name: &str, value: Option<&str>) {
        let name = name.to_ascii_lowercase();
        if matches!(name.as_str(), "role" | "session_authorization") {
            let role = value.filter(|value| *value != "default").map(str::to_owned);
            self.effect(Action::RoleChange, ObjectKind::Role, role.into_iter().collect());
            return;
        }
        if !keeps_the_grammar(&name, value) {
            self.unknown();
        }
        self.modes.lifts |= modes::lifts(&name, value);
        self.effect(Action::Set, ObjectKind::Setting, vec![name]);
    }

    pub(super) fn transaction(&mut self, statement: &TransactionStmt) -> StatementKind {
        let TransactionStmt { kind, options, savepoint_name, gid: _, chain, location: _ } = statement;
        self.effect(Action::Transaction, ObjectKind::Target, Vec::new());
        self.access_modes(options);
        let savepoint = || savepoint_name.clone();
        let chain = *chain;
        StatementKind::Transaction(match TransactionStmtKind::try_from(*kind) {
            Ok(TransactionStmtKind::TransStmtBegin | TransactionStmtKind::TransStmtStart) => {
                TransactionKind::Begin
            }
            Ok(TransactionStmtKind::TransStmtCommit) => TransactionKind::Commit { chain },
            Ok(TransactionStmtKind::TransStmtRollback) => TransactionKind::Rollback { chain },
            Ok(TransactionStmtKind::TransStmtSavepoint) => TransactionKind::Savepoint(savepoint()),
            Ok(TransactionStmtKind::TransStmtRelease) => TransactionKind::Release(savepoint()),
            Ok(TransactionStmtKind::TransStmtRollbackTo) => TransactionKind::RollbackTo(savepoint()),
            Ok(TransactionStmtKind::TransStmtPrepare) => TransactionKind::PrepareTransaction,
            Ok(TransactionStmtKind::TransStmtCommitPrepared) => TransactionKind::CommitPrepared,
            Ok(TransactionStmtKind::TransStmtRollbackPrepared) => TransactionKind::RollbackPrepared,
            Ok(TransactionStmtKind::Undefined) | Err(_) => {
                self.unknown();
                return StatementKind::Other;
            }
        })
    }

    pub(super) fn discard(&mut self, discard: &DiscardStmt) -> StatementKind {
        StatementKind::Discard(match DiscardMode::try_from(discard.target) {
            Ok(DiscardMode::DiscardAll) => {
                // Among other things it resets the role that the session was given.
                self.effect(Action::RoleChange, ObjectKind::Role, Vec::new());
                self.effect(Action::Set, ObjectKind::Setting, vec!["all".to_owned()]);
                DiscardWhich::All
            }
            Ok(DiscardMode::DiscardPlans) => DiscardWhich::Plans,
            Ok(DiscardMode::DiscardSequences) => DiscardWhich::Sequences,
            Ok(DiscardMode::DiscardTemp) => {
                self.effect(Action::Drop, ObjectKind::Schema, vec!["pg_temp".to_owned()]);
                DiscardWhich::Temp
            }
            Ok(DiscardMode::Undefined) | Err(_) => {
                self.unknown();
                return StatementKind::Other;
            }
        })
    }
}

pub(super) fn which(name: &str, all: bool) -> CloseWhich {
    if all { CloseWhich::All } else { CloseWhich::Named(name.to_owned()) }
}

fn setting_value(args: &[Node]) -> Option<String> {
    match args {
        [value] => constant(value),
        _ => None,
    }
}

/// Whether the target will still read the session's text as this crate does.
fn keeps_the_grammar(name: &str, value: Option<&str>) -> bool {
    let value = value.map(|value| value.to_ascii_lowercase().replace(['-', '_'], ""));
    let is = |known: &[&str]| value.as_deref().is_some_and(|value| known.contains(&value));
    match name {
        "standard_conforming_strings" => {
            is(&["on", "true", "1", "yes", "t", "y", "tru", "tr", "ye", "default"])
        }
        "backslash_quote" => is(&["safeencoding", "off", "false", "0", "no", "default"]),
        // Encodings whose later bytes can be quotes and backslashes are read differently by the target.
        "client_encoding" | "names" => is(&["utf8", "unicode", "sqlascii", "latin1", "default"]),
        _ => true,
    }
}
