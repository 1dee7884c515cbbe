//! What can go wrong with the evidence as a whole. One session's trouble is a `JournalFault` or a [`crate::ReadFault`].

use std::io;
use std::path::PathBuf;

#[derive(Debug, thiserror::Error)]
pub enum RecordFault {
    #[error("cannot {doing} {}: {source}", path.display())]
    Io { doing: &'static str, path: PathBuf, source: io::Error },
    #[error("{} is in use by another gateway; each needs a folder of its own", .0.display())]
    InUse(PathBuf),
    #[error("{0:?} cannot name a session: use letters, digits, '.', '_' and '-', at most 128 of them")]
    Name(String),
    #[error("a recording of session {0} exists already")]
    Exists(String),
    #[error("no recording of session {0}")]
    Absent(String),
    #[error("{} is no signing key (PKCS#8 PEM, Ed25519): {problem}", path.display())]
    Key { path: PathBuf, problem: String },
    #[error("the log of sessions is damaged: {0}. Run `sallyport verify`, and keep the folder as it is")]
    Log(String),
    #[error("the recorder has more than {0} recordings to seal; the disk is too slow")]
    Behind(usize),
    #[error("the recorder has stopped")]
    Stopped,
    #[error(transparent)]
    Read(#[from] crate::ReadFault),
}

impl RecordFault {
    pub(crate) fn io(doing: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> RecordFault {
        let path = path.into();
        move |source| RecordFault::Io { doing, path, source }
    }
}
