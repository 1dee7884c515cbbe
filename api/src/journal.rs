//! What people change through the control plane is recorded before it takes effect: no record, no change.

use crate::error::Answer;
use sallyport_core::journal::Event;
use sallyport_core::time::Clock;
use sallyport_core::{Caller, Flush, Journal, JournalFault};
use std::sync::{Arc, Mutex, PoisonError};

/// The recording of the control plane itself: one chain for the life of this process.
pub struct AdminJournal {
    journal: Mutex<Box<dyn Journal>>,
    clock: Arc<dyn Clock>,
}

impl AdminJournal {
    pub fn new(journal: Box<dyn Journal>, clock: Arc<dyn Clock>) -> Self {
        Self { journal: Mutex::new(journal), clock }
    }
    /// `detail` is built by the resource and holds no secret. Returns when the entry is on its way to the disk.
    pub async fn change(
        &self,
        by: &Caller,
        action: &str,
        object: &str,
        detail: &serde_json::Value,
    ) -> Answer<()> {
        self.change_by(&by.principal(), action, object, detail).await
    }
    /// The same for who has no account here: whoever sits at the gateway's machine.
    pub async fn change_by(
        &self,
        by: &str,
        action: &str,
        object: &str,
        detail: &serde_json::Value,
    ) -> Answer<()> {
        let flush = self.append(by, action, object, &detail.to_string())?;
        match flush {
            Flush::Done => Ok(()),
            Flush::Wait(disk) => Ok(disk.await?),
        }
    }
    fn append(&self, by: &str, action: &str, object: &str, detail: &str) -> Result<Flush, JournalFault> {
        let mut journal = self.journal.lock().unwrap_or_else(PoisonError::into_inner);
        let event = Event::Change {
            by: by.into(),
            action: action.into(),
            object: object.into(),
            detail: detail.into(),
        };
        journal.append(self.clock.now(), &event)?;
        journal.flush()
    }
    /// Closes the chain, when the gateway stops.
    pub fn close(&self) -> Result<(), JournalFault> {
        let now = self.clock.now();
        self.journal.lock().unwrap_or_else(PoisonError::into_inner).close(now, "the gateway stopped")
    }
}
