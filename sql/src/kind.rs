//! What sort of statement it is: all that a connector must know to follow the session.
//!
//! Not what the statement does (its effects say that). Names are as PostgreSQL folds them.

use crate::{Statement, TableName};
use std::collections::BTreeSet;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StatementKind {
    /// SELECT, TABLE, VALUES: returns rows.
    Query,
    Insert,
    Update,
    Delete,
    Merge,
    /// COPY … FROM STDIN: the client will send data for this table.
    CopyIn {
        table: TableName,
        columns: Vec<String>,
    },
    /// COPY … TO STDOUT: the target will send data; `outputs` says of which columns.
    CopyOut,
    /// COPY with a file or program of the server: no data crosses the wire.
    CopyServer(CopyEnd),
    Prepare {
        name: String,
        inner: Box<Statement>,
    },
    /// Does what the PREPARE of that name says: resolve it, the effect alone is `unknown`.
    Execute {
        name: String,
    },
    Deallocate(CloseWhich),
    Declare {
        cursor: String,
        inner: Box<Statement>,
    },
    /// Returns rows of that cursor (none for MOVE): resolve it, the effect alone is `unknown`.
    Fetch {
        cursor: String,
        moves_only: bool,
    },
    Close(CloseWhich),
    Transaction(TransactionKind),
    /// SET; a local one ends with the transaction.
    Set {
        name: String,
        local: bool,
    },
    /// RESET of one setting, or of all.
    Reset {
        name: Option<String>,
    },
    Show {
        name: String,
    },
    Discard(DiscardWhich),
    Listen {
        channel: String,
    },
    Unlisten {
        channel: Option<String>,
    },
    Notify {
        channel: String,
    },
    Explain {
        analyze: bool,
        inner: Box<Statement>,
    },
    /// CREATE, ALTER, DROP, GRANT, COMMENT, SELECT INTO and the like: `creates` says what to look at again.
    Ddl,
    Do,
    Call,
    /// Nothing between two semicolons, or only comments.
    Empty,
    Other,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CopyEnd {
    File,
    Program,
}

/// One named thing, or all of its kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CloseWhich {
    Named(String),
    All,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiscardWhich {
    All,
    Plans,
    Sequences,
    Temp,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TransactionKind {
    Begin,
    /// `chain`: another transaction begins at once.
    Commit {
        chain: bool,
    },
    Rollback {
        chain: bool,
    },
    Savepoint(String),
    Release(String),
    RollbackTo(String),
    /// Two-phase commit.
    PrepareTransaction,
    CommitPrepared,
    RollbackPrepared,
    /// SET TRANSACTION, SET SESSION CHARACTERISTICS, SET CONSTRAINTS.
    Characteristics(BTreeSet<String>),
}
