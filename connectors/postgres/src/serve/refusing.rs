//! A no that keeps the session in step.
//!
//! A refused command fails the way a failed one does: within a transaction the transaction fails, within a pipeline
//! the rest is ignored up to its Sync, and what the pipeline did before is rolled back. To make it so where anything is
//! under way, the target is sent the execution of a portal that cannot exist, and the error that it answers with, in
//! its place among the answers, is replaced by the refusal.

use super::Serving;
use super::awaited::Awaited;
use crate::wire::write;
use sallyport_core::Fault;
use sallyport_core::event::{Answer, Frame};

/// The name of the portal that cannot exist, new for each session: nobody who might bind it, by the protocol or with
/// DECLARE or from within a function, can know it. Short enough that the target does not take it for another's.
pub(super) fn stand_in() -> Result<String, getrandom::Error> {
    Ok(format!("sallyport refusal {:016x}{:016x}", getrandom::u64()?, getrandom::u64()?))
}

impl Serving {
    /// Refuses a simple query: the error, then ReadyForQuery.
    pub(super) fn refuse_simple(&mut self, error: Vec<u8>) -> Result<(), Fault> {
        if self.queue.is_empty() && !self.unsynced && self.status == b'I' {
            self.tell(&error)?;
            let mut ready = Vec::with_capacity(8);
            write::ready(&mut ready, b'I');
            return self.say(&ready, "ready");
        }
        let mut fail = Vec::new();
        write::execute(&mut fail, &self.stand_in);
        write::sync(&mut fail);
        self.forward(&fail, "refusal")?;
        self.unsynced = false;
        self.queue.push(Awaited::Refused(error.into_boxed_slice()));
        self.queue.push(Awaited::Sync { last_portal: self.names.last_portal() });
        Ok(())
    }

    /// Refuses a message of the extended protocol: the error, then nothing until the client's Sync.
    pub(super) fn refuse_extended(&mut self, error: Vec<u8>) -> Result<(), Fault> {
        self.discarding = true;
        if self.queue.is_empty() && !self.unsynced && self.status == b'I' {
            return self.tell(&error);
        }
        let mut fail = Vec::new();
        write::execute(&mut fail, &self.stand_in);
        write::flush(&mut fail);
        self.forward(&fail, "refusal")?;
        self.queue.push(Awaited::Refused(error.into_boxed_slice()));
        Ok(())
    }

    /// Words of the gateway's own.
    pub(super) fn tell(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let cleared = self.gate.answer(Frame { bytes, event: Answer::Words { of: None } })?;
        self.to_client.put(&cleared);
        Ok(())
    }

    /// The target answers what it has so far without waiting for a Sync.
    pub(super) fn hurry(&mut self) -> Result<(), Fault> {
        if self.queue.is_empty() || self.hurried {
            return Ok(());
        }
        self.hurried = true;
        let mut flush = Vec::with_capacity(8);
        write::flush(&mut flush);
        self.forward(&flush, "flush")
    }
}
