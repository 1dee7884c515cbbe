//! COPY data in both directions.
//!
//! Towards the target it is input of a command that was cleared, counted and passed on in pieces. Towards the client
//! it is rows: read, masked and recorded like those of a query, or refused where they cannot be read.

use super::answers::odd;
use super::guarding::mask_written_back;
use super::lengthy::is_long_answer;
use super::{Copying, MOST_ANSWER, MOST_WAITING, Serving, Step};
use crate::columns::{self, copying::dialect};
use crate::reading::Meaning;
use crate::refusal;
use crate::wire::copy::{CopyReader, CopyRow, Piece};
use crate::wire::front::Front;
use crate::wire::{self, back, write};
use sallyport_core::event::{Answer, Ask, Frame};
use sallyport_core::mask::watch::Watch;
use sallyport_core::{CommandNo, Denial, Fault, Plan, Row, Ruling};
use sallyport_sql::{StatementKind, TableName};

pub(super) struct CopyOut {
    no: CommandNo,
    plan: Plan,
    /// Absent where the statement's options could not be read: then nothing of it may need reading.
    reader: Option<CopyReader>,
    codec: CopyRow,
}

impl Serving {
    /// The start of COPY data from the client; the rest of a large message follows in pieces.
    pub(super) fn copy_data(&mut self, waiting: &[u8], total: usize) -> Result<Option<(usize, Step)>, Fault> {
        let here = total.min(waiting.len());
        let bytes = waiting.get(..here).unwrap_or_default();
        match self.copying {
            Copying::In(of) => {
                self.input(bytes, of)?;
                self.passing_in = total - here;
                self.dropping = false;
                self.watch_in(wire::body(bytes), of)?;
                Ok(Some((here, Step::Done)))
            }
            Copying::None | Copying::Out(_) if self.discarding || self.queue.is_empty() => {
                // Data after a COPY that failed is ignored, as the target would.
                self.passing_in = total - here;
                self.dropping = true;
                Ok(Some((here, Step::Done)))
            }
            Copying::None | Copying::Out(_) => Ok(Some((0, Step::Stall))),
        }
    }

    pub(super) fn pass_in(&mut self, waiting: &[u8]) -> Result<Option<(usize, Step)>, Fault> {
        let here = self.passing_in.min(waiting.len());
        if here == 0 {
            return Ok(None);
        }
        let bytes = waiting.get(..here).unwrap_or_default();
        self.passing_in -= here;
        match self.copying {
            _ if self.dropping => {}
            Copying::In(of) => {
                self.input(bytes, of)?;
                self.watch_in(bytes, of)?;
            }
            // The COPY failed meanwhile: the target must still see the end of the message that began.
            Copying::None | Copying::Out(_) => self.forward(bytes, "the rest of COPY data")?,
        }
        Ok(Some((here, Step::Done)))
    }

    fn input(&mut self, bytes: &[u8], of: CommandNo) -> Result<(), Fault> {
        match self.gate.ask(Frame { bytes, event: Ask::Input(of) }) {
            Ruling::Clear(cleared) => {
                self.to_target.put(&cleared);
                Ok(())
            }
            Ruling::Deny(denial) => Err(denial.fatal().into()),
            Ruling::Hold(_) => Err(Fault::ours("the gateway held a message that cannot wait", "COPY data")),
        }
    }

    /// While the target waits for data it hears of nothing else.
    pub(super) fn ask_while_copying(
        &mut self,
        message: &[u8],
        front: Front<'_>,
        of: CommandNo,
    ) -> Result<Step, Fault> {
        match front {
            Front::CopyDone => {
                if let Some((_, watch)) = &mut self.watch {
                    watch.end();
                }
                self.watch_in(&[], of)?;
                if matches!(self.copying, Copying::In(_)) {
                    self.input(message, of)?;
                    self.copying = Copying::None;
                }
            }
            Front::CopyFail => {
                self.input(message, of)?;
                self.copying = Copying::None;
            }
            // The target ignores these meanwhile, and so nothing is awaited for them.
            Front::Flush | Front::Sync => self.forward(message, "sync while copying")?,
            Front::Terminate => {
                self.forward(message, "terminate")?;
                return Ok(Step::Over);
            }
            Front::Password | Front::Unknown(_) => {
                return Err(Fault::Client("sent a message that does not belong into COPY data"));
            }
            Front::CopyData => {}
            Front::Query { .. }
            | Front::Parse { .. }
            | Front::Bind { .. }
            | Front::Describe { .. }
            | Front::Execute { .. }
            | Front::Close { .. }
            | Front::FunctionCall => {
                // The target would fail the COPY at such a message, and ignore it; so it fails here, and nothing of
                // the message runs.
                let words = "a command came while COPY waited for data; the command was not run";
                let denial = self.gate.refuse("a command within COPY data", "command-in-copy", words);
                if denial.fatal {
                    return Err(denial.into());
                }
                self.fail_copy(words, of)?;
            }
        }
        Ok(Step::Done)
    }

    fn fail_copy(&mut self, words: &str, of: CommandNo) -> Result<(), Fault> {
        let mut fail = Vec::new();
        write::copy_fail(&mut fail, words);
        self.input(&fail, of)?;
        self.copying = Copying::None;
        Ok(())
    }

    /// Rows in which a mask stands fail the COPY before its end, so that none of them is kept.
    fn watch_in(&mut self, rows: &[u8], of: CommandNo) -> Result<(), Fault> {
        let Some((table, watch)) = &mut self.watch else { return Ok(()) };
        watch.feed(rows);
        // Only between messages can the target be told.
        if !watch.has_found() || self.passing_in > 0 {
            return Ok(());
        }
        let table = std::mem::take(table);
        self.watch = None;
        let reason = mask_written_back(&table);
        let denial = self.gate.refuse("rows that hold a mask", "mask-written-back", &reason.message);
        if denial.fatal {
            return Err(denial.into());
        }
        self.refused_copy = Some(refusal::denied(&denial, None));
        self.fail_copy(&denial.reason.message, of)
    }

    pub(super) fn copy_out_begins(
        &mut self,
        message: &[u8],
        no: CommandNo,
        meaning: &Meaning,
        text: &str,
    ) -> Result<(), Fault> {
        let (binary, width) =
            back::copy_shape(wire::body(message)).map_err(|_| Fault::Target("announced COPY data oddly"))?;
        let dialect = dialect(text, binary);
        let plan = self.copy_plan(meaning, text, binary, width)?;
        if dialect.is_none() && !plan.is_empty() {
            let words =
                "This COPY uses options under which its rows cannot be masked. Use plain options or SELECT.";
            return Err(Denial::of_house("copy-unread", words).fatal().into());
        }
        if plan.hides_unread() {
            let words = "This COPY has binary columns of which nobody can say what type they have, so their values \
                cannot be masked. Copy as text or CSV, or copy plain columns.";
            return Err(Denial::of_house("copy-unread", words).fatal().into());
        }
        let cleared =
            self.gate.answer(Frame { bytes: message, event: Answer::Columns { of: no, plan: &plan } })?;
        self.to_client.put(&cleared);
        let reader = dialect.clone().map(|dialect| CopyReader::with(dialect, width));
        let dialect =
            dialect.unwrap_or_else(|| crate::wire::copy::Dialect::of(crate::wire::copy::Format::Text));
        let codec = CopyRow { dialect, before: Vec::new(), is_plain: false };
        self.copying = Copying::Out(Box::new(CopyOut { no, plan, reader, codec }));
        Ok(())
    }

    /// Whole messages of COPY data at the start of `waiting`, each row of them masked and recorded, or all of them at
    /// once where nobody has to read any. `None`: none is whole.
    pub(super) fn copied_rows(&mut self, waiting: &[u8]) -> Result<Option<usize>, Fault> {
        let Copying::Out(copy) = &self.copying else {
            return Err(Fault::Target("sent COPY data that nobody asked for"));
        };
        let begun = copy.reader.as_ref().is_some_and(CopyReader::has_begun);
        if begun && copy.plan.is_empty() && self.gate.is_recorded_enough(copy.no) {
            return self.unread_copy(waiting);
        }
        let mut size = 0;
        while self.to_client.waiting() < MOST_WAITING {
            let rest = waiting.get(size..).unwrap_or_default();
            let Some((head, message)) = wire::whole(rest).map_err(odd)? else { break };
            let is_for_later = size > 0 && is_long_answer(rest);
            if head.tag != b'd' || head.total > MOST_ANSWER || is_for_later {
                break;
            }
            self.copy_out_row(message)?;
            size += head.total;
        }
        Ok((size > 0).then_some(size))
    }

    fn unread_copy(&mut self, waiting: &[u8]) -> Result<Option<usize>, Fault> {
        let Copying::Out(copy) = &self.copying else { return Ok(None) };
        let (mut size, mut count) = (0, 0);
        while size < MOST_WAITING {
            let rest = waiting.get(size..).unwrap_or_default();
            let Some((head, message)) = wire::whole(rest).map_err(odd)? else { break };
            if head.tag != b'd' {
                break;
            }
            // What ends binary data is no row.
            count += u64::from(wire::body(message) != [0xff, 0xff]);
            size += head.total;
        }
        if size == 0 {
            return Ok(None);
        }
        let bytes = waiting.get(..size).unwrap_or_default();
        let event = Answer::Rows { of: copy.no, plan: &copy.plan, count };
        let cleared = self.gate.answer(Frame { bytes, event })?;
        self.to_client.put(&cleared);
        Ok(Some(size))
    }

    fn copy_out_row(&mut self, message: &[u8]) -> Result<(), Fault> {
        let Copying::Out(copy) = &mut self.copying else {
            return Err(Fault::Target("sent COPY data that nobody asked for"));
        };
        let Some(reader) = &mut copy.reader else {
            let cleared =
                self.gate.answer(Frame { bytes: message, event: Answer::Output { of: copy.no } })?;
            self.to_client.put(&cleared);
            return Ok(());
        };
        let body = wire::body(message);
        let piece = reader.cells(body, &mut self.scratch.cells).map_err(|fault| Fault::Target(fault.0))?;
        let Piece::Row { before } = piece else {
            let cleared =
                self.gate.answer(Frame { bytes: message, event: Answer::Output { of: copy.no } })?;
            self.to_client.put(&cleared);
            return Ok(());
        };
        copy.codec.is_plain = reader.is_plain();
        copy.codec.before.clear();
        copy.codec.before.extend_from_slice(body.get(..before).unwrap_or_default());
        let row = Row { bytes: reader.values(body), cells: &self.scratch.cells };
        let event = Answer::Row { of: copy.no, plan: &copy.plan, row, codec: &copy.codec };
        let cleared = self.gate.answer(Frame { bytes: message, event })?;
        self.to_client.put(&cleared);
        Ok(())
    }

    /// The rest of a pipeline after a COPY began.
    pub(super) fn copy_in_begins(
        &mut self,
        no: CommandNo,
        meaning: &Meaning,
        extended: bool,
    ) -> Result<(), Fault> {
        if extended && !self.queue.drop_ignored_syncs() {
            return Err(Fault::Client("sent other messages while COPY waits for data"));
        }
        self.copying = Copying::In(no);
        let table = match meaning.statement().map(|statement| &statement.kind) {
            Some(StatementKind::CopyIn { table, columns }) => Some((table, columns)),
            _ => None,
        };
        self.watch = table.and_then(|(table, columns)| self.watch_for(table, columns));
        Ok(())
    }

    /// What to look for in rows of this table, where anything is masked for this caller.
    fn watch_for(&mut self, table: &TableName, columns: &[String]) -> Option<(String, Watch)> {
        let snapshot = std::sync::Arc::clone(&self.snapshot);
        if !self.masks(&snapshot) {
            return None;
        }
        let forms = columns::written_back::forms_of(&mut self.gate, &snapshot, table, columns);
        (!forms.is_empty() || self.gate.masks_values()).then(|| (table.to_string(), Watch::new(forms)))
    }
}
