//! Why a text could not be analysed, and whose fault it is.

/// The text was not analysed, so nothing of it may run. Each message says what the caller can do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SqlFault {
    /// The caller's: PostgreSQL itself would refuse it.
    #[error("{message}")]
    Syntax { message: String, position: Option<usize> },
    /// The caller's: PostgreSQL cannot receive a zero byte in a statement.
    #[error("the statement contains a zero byte at offset {position}; remove it")]
    ZeroByte { position: usize },
    /// The caller's: beyond what is analysed, and nothing runs unanalysed.
    #[error(
        "the statement is {bytes} bytes long, more than the {limit} that are analysed; split it or use COPY"
    )]
    TooLong { bytes: usize, limit: usize },
    /// The caller's.
    #[error(
        "the statement nests deeper than {limit} levels; flatten it (use IN, VALUES or a temporary table)"
    )]
    TooDeep { limit: usize },
    /// Ours: the analysis itself failed.
    #[error("the statement could not be analysed; rewrite it in a simpler form and report it")]
    Ours,
}

impl SqlFault {
    /// Whether the caller can mend it by another text.
    pub fn is_callers(&self) -> bool {
        match self {
            SqlFault::Syntax { .. }
            | SqlFault::ZeroByte { .. }
            | SqlFault::TooLong { .. }
            | SqlFault::TooDeep { .. } => true,
            SqlFault::Ours => false,
        }
    }

    /// Byte offset in the text, where one is known.
    pub fn position(&self) -> Option<usize> {
        match self {
            SqlFault::Syntax { position, .. } => *position,
            SqlFault::ZeroByte { position } => Some(*position),
            SqlFault::TooLong { .. } | SqlFault::TooDeep { .. } | SqlFault::Ours => None,
        }
    }

    /// The code PostgreSQL gives for the same trouble.
    pub fn sqlstate(&self) -> &'static str {
        match self {
            SqlFault::Syntax { .. } => "42601",
            SqlFault::ZeroByte { .. } => "22021",
            SqlFault::TooLong { .. } => "54000",
            SqlFault::TooDeep { .. } => "54001",
            SqlFault::Ours => "XX000",
        }
    }
}
