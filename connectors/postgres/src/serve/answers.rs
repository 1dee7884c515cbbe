//! Target to client: each message has its place in the queue of what is awaited, or is a fault of the target.

use super::awaited::Awaited;
use super::lengthy::{is_long_answer, turn_to_answer};
use super::names::Portal;
use super::{Copying, MOST_ANSWER, MOST_WAITING, Serving, Step, plans};
use crate::reading::Meaning;
use crate::upstream::startup::{OTHER_GRAMMAR, is_other_grammar};
use crate::wire::back::{self, Back};
use crate::wire::row::DataRow;
use crate::wire::{self, Malformed, body};
use sallyport_core::event::{Answer, Done, Frame};
use sallyport_core::{CommandNo, Fault, Plan, Row};
use sallyport_relay::at_length;
use std::sync::Arc;
use tokio::task::consume_budget;

/// A catalog younger than this is not read again because of a name that it does not know.
pub(super) const NEWS_AFTER: std::time::Duration = std::time::Duration::from_secs(1);

/// A description of rows. Sessions keep some.
const MOST_DESCRIPTION: usize = 4 * 1024 * 1024;
/// PostgreSQL itself has at most 1664 in a result. Each is looked at closely, once.
const MOST_COLUMNS: usize = 4096;

const OUT_OF_TURN: Fault = Fault::Target("answered something that was not asked");

pub(super) fn odd(_: Malformed) -> Fault {
    Fault::Target("sent a message that does not say what it should")
}

impl Serving {
    pub(super) async fn take_answers(&mut self) -> Result<(), Fault> {
        if self.from_target.waiting().is_empty() {
            return Ok(());
        }
        self.hurried = false;
        let mut refreshed = false;
        // Rows that nobody has to read are passed on in runs; their count is kept here.
        while self.to_client.waiting() < MOST_WAITING {
            consume_budget().await;
            let looked = if is_long_answer(self.from_target.waiting()) {
                let _turn = Box::pin(turn_to_answer()).await;
                at_length(|| self.look_at_first_answer(refreshed))
            } else {
                self.look_at_first_answer(refreshed)
            };
            match looked? {
                None => break,
                Some((size, Step::Done)) => self.from_target.consume(size),
                Some((_, Step::Refresh)) => {
                    Box::pin(self.refresh()).await?;
                    refreshed = true;
                }
                Some((_, Step::Stall | Step::Hold(..) | Step::Over)) => {
                    return Err(Fault::ours("the gateway lost its place", "an answer cannot wait"));
                }
            }
        }
        Ok(())
    }

    fn look_at_first_answer(&mut self, refreshed: bool) -> Result<Option<(usize, Step)>, Fault> {
        let inbox = std::mem::take(&mut self.from_target);
        let looked = self.look_at_answer(inbox.waiting(), refreshed);
        self.from_target = inbox;
        looked
    }

    fn look_at_answer(&mut self, waiting: &[u8], refreshed: bool) -> Result<Option<(usize, Step)>, Fault> {
        if let Some((of, left)) = self.passing_out {
            return self.pass_out(waiting, of, left);
        }
        let Some(head) = wire::head(waiting).map_err(odd)? else { return Ok(None) };
        let kind = Back::from_tag(head.tag).ok_or(Fault::Target("sent a message of an unknown type"))?;
        if !matches!(self.queue.front(), Some(Awaited::Context(_))) {
            let run = match kind {
                Back::DataRow => self.rows(waiting)?,
                Back::CopyData => self.copied_rows(waiting)?,
                _ => None,
            };
            if let Some(run) = run {
                return Ok(Some((run, Step::Done)));
            }
        }
        if kind == Back::RowDescription && head.total > MOST_DESCRIPTION {
            return Err(Fault::Target("described its rows at more length than rows can have (over 4 MiB)"));
        }
        if kind == Back::RowDescription && back::width(waiting).is_some_and(|width| width > MOST_COLUMNS) {
            return Err(Fault::Target("described more columns than rows can have (over 4096)"));
        }
        if head.total > MOST_ANSWER {
            return Err(Fault::Target("sent an answer too large to be masked or recorded (over 256 MiB)"));
        }
        let Some(message) = waiting.get(..head.total) else { return Ok(None) };
        let step = self.answer(kind, message, refreshed)?;
        Ok(Some((head.total, step)))
    }

    /// The rows at the start of `waiting`. `None`: nothing could be said of the first yet.
    fn rows(&mut self, waiting: &[u8]) -> Result<Option<usize>, Fault> {
        let Some((of, plan)) = self.rows_of()? else { return Err(OUT_OF_TURN) };
        let is_read = |serving: &Self| !plan.is_empty() || !serving.gate.is_recorded_enough(of);
        if !is_read(self) {
            return self.unread_rows(waiting, of, &plan);
        }
        let mut size = 0;
        while self.to_client.waiting() < MOST_WAITING && is_read(self) {
            let rest = waiting.get(size..).unwrap_or_default();
            let Some((head, message)) = wire::whole(rest).map_err(odd)? else { break };
            // Newer rules want a newer plan.
            self.gate.renew()?;
            if head.tag != b'D' || head.total > MOST_ANSWER || plan.epoch() != self.gate.epoch() {
                break;
            }
            // A long one has its own turn.
            if size > 0 && is_long_answer(rest) {
                break;
            }
            self.row(message, of, &plan)?;
            size += head.total;
        }
        Ok((size > 0).then_some(size))
    }

    /// Whole rows that nobody has to read, forwarded at once. A large one goes in pieces.
    fn unread_rows(&mut self, waiting: &[u8], of: CommandNo, plan: &Plan) -> Result<Option<usize>, Fault> {
        let (mut size, mut count) = (0, 0u64);
        let mut left = 0;
        while let Some(head) = wire::head(waiting.get(size..).unwrap_or_default()).map_err(odd)? {
            if head.tag != b'D' || size >= MOST_WAITING {
                break;
            }
            if waiting.len() - size < head.total {
                // Rows that fit the buffer wait to be whole.
                if count == 0 && head.total > MOST_WAITING {
                    left = head.total - (waiting.len() - size);
                    (size, count) = (waiting.len(), 1);
                }
                break;
            }
            size += head.total;
            count += 1;
        }
        if count == 0 {
            return Ok(None);
        }
        let bytes = waiting.get(..size).unwrap_or_default();
        let cleared = self.gate.answer(Frame { bytes, event: Answer::Rows { of, plan, count } })?;
        self.to_client.put(&cleared);
        if left > 0 {
            self.passing_out = Some((of, left));
        }
        Ok(Some(size))
    }

    fn pass_out(
        &mut self,
        waiting: &[u8],
        of: CommandNo,
        left: usize,
    ) -> Result<Option<(usize, Step)>, Fault> {
        let here = left.min(waiting.len());
        if here == 0 {
            return Ok(None);
        }
        let bytes = waiting.get(..here).unwrap_or_default();
        let cleared = self.gate.answer(Frame { bytes, event: Answer::Output { of } })?;
        self.to_client.put(&cleared);
        self.passing_out = (left > here).then_some((of, left - here));
        Ok(Some((here, Step::Done)))
    }

    /// Whose rows come now, and their plan.
    fn rows_of(&mut self) -> Result<Option<(CommandNo, Arc<Plan>)>, Fault> {
        self.gate.renew()?;
        match self.queue.front() {
            Some(Awaited::Query(query)) => {
                let Some(plan) = query.plan.clone() else { return Ok(None) };
                let of = query.no();
                let plan = if plan.epoch() == self.gate.epoch() { plan } else { self.plan_again(&plan)? };
                Ok(Some((of, plan)))
            }
            Some(Awaited::Execute { no, portal, prepared }) => {
                let (no, portal, prepared) = (*no, *portal, Arc::clone(prepared));
                let Some(described) = self.plans.of_portal(portal) else { return Ok(None) };
                if described.plan.epoch() == self.gate.epoch() {
                    return Ok(Some((no, Arc::clone(&described.plan))));
                }
                // Described under earlier rules: planned again before its rows come.
                let description = Arc::clone(&described.description);
                let meaning = self.rows_meaning(&prepared.meaning);
                let plan =
                    self.plans.of(&mut self.gate, &self.snapshot, &meaning, &description).map_err(odd)?;
                self.plans.set_portal(portal, &description, Arc::clone(&plan));
                Ok(Some((no, plan)))
            }
            _ => Ok(None),
        }
    }

    /// The rules changed between the rows of a query: the rest is masked as the new ones want it. Where the shape of its
    /// rows is not known any more the old plan stays, and the gate refuses it.
    fn plan_again(&mut self, old: &Arc<Plan>) -> Result<Arc<Plan>, Fault> {
        let again = self.plans.again(&mut self.gate, &self.snapshot, old).map_err(odd)?;
        let Some(plan) = again else { return Ok(Arc::clone(old)) };
        if let Some(Awaited::Query(query)) = self.queue.front_mut() {
            query.plan = Some(Arc::clone(&plan));
            let of = query.no();
            // The client has its columns; the record is told what is masked from here on.
            self.put(&[], Answer::Columns { of, plan: &plan })?;
        }
        Ok(plan)
    }

    /// The statement whose rows a statement returns: that of the name which it runs.
    fn rows_meaning(&mut self, meaning: &Meaning) -> Meaning {
        use sallyport_sql::StatementKind;
        match meaning.statement().map(|statement| &statement.kind) {
            Some(StatementKind::Execute { name }) => {
                self.names.statement(name).map_or_else(|| meaning.clone(), |it| it.meaning.clone())
            }
            Some(StatementKind::Fetch { cursor, .. }) => {
                self.names.portal(cursor).map_or_else(|| meaning.clone(), |it| it.prepared.meaning.clone())
            }
            _ => meaning.clone(),
        }
    }

    fn answer(&mut self, kind: Back, message: &[u8], refreshed: bool) -> Result<Step, Fault> {
        if self.answers_question(kind, message)? || self.answers_opinion(kind, message)? {
            return Ok(Step::Done);
        }
        if let Some(Awaited::Query(query)) = self.queue.front()
            && query.bound
            && matches!(kind, Back::ParseComplete | Back::BindComplete | Back::NoData)
        {
            return Ok(Step::Done);
        }
        match kind {
            Back::DataRow => {
                let Some((of, plan)) = self.rows_of()? else { return Err(OUT_OF_TURN) };
                self.row(message, of, &plan)?;
            }
            Back::RowDescription => return self.description(message, refreshed),
            Back::CommandComplete => self.complete(message)?,
            Back::ReadyForQuery => self.ready(message)?,
            Back::ParseComplete => match self.queue.pop() {
                Some(Awaited::Parse { no, .. }) => {
                    let done = Answer::Done { of: no, outcome: Done { tag: "PARSE", ..Done::default() } };
                    self.put(message, done)?;
                }
                _ => return Err(OUT_OF_TURN),
            },
            Back::BindComplete => match self.queue.pop() {
                Some(Awaited::Bind { before, .. }) => {
                    self.forget_rows(before);
                    self.say(message, "bind complete")?;
                }
                _ => return Err(OUT_OF_TURN),
            },
            Back::CloseComplete => match self.queue.pop() {
                Some(Awaited::CloseStatement { .. }) => self.say(message, "close complete")?,
                Some(Awaited::ClosePortal { before, .. }) => {
                    self.forget_rows(before);
                    self.say(message, "close complete")?;
                }
                _ => return Err(OUT_OF_TURN),
            },
            Back::ParameterDescription => match self.queue.front() {
                Some(Awaited::DescribeStatement { own: None }) => {
                    self.say(message, "parameter description")?
                }
                Some(Awaited::DescribeStatement { own: Some(own) }) => {
                    let own = super::bound::own_parameters(message, *own).map_err(odd)?;
                    self.say(&own, "parameter description")?;
                }
                _ => return Err(OUT_OF_TURN),
            },
            Back::NoData => match self.queue.pop() {
                Some(Awaited::DescribeStatement { .. } | Awaited::DescribePortal { hidden: false, .. }) => {
                    self.say(message, "no data")?;
                }
                Some(Awaited::DescribePortal { hidden: true, .. }) => {}
                _ => return Err(OUT_OF_TURN),
            },
            Back::PortalSuspended => match self.queue.pop() {
                // The command goes on with the portal's next Execute.
                Some(Awaited::Execute { no, portal, .. }) => {
                    if !self.names.suspend(portal, no) {
                        self.done(no, Done { tag: "not read to its end", ..Done::default() })?;
                    }
                    self.say(message, "portal suspended")?;
                }
                _ => return Err(OUT_OF_TURN),
            },
            Back::EmptyQueryResponse => self.empty(message)?,
            Back::CopyInResponse | Back::CopyOutResponse => {
                return self.copy_begins(kind, message, refreshed);
            }
            // Whole messages of it were taken before this one.
            Back::CopyData => return Err(Fault::ours("the gateway lost its place", "COPY data")),
            Back::CopyDone => {
                if !matches!(self.copying, Copying::Out(_)) {
                    return Err(OUT_OF_TURN);
                }
                self.copying = Copying::None;
                self.say(message, "copy done")?;
            }
            Back::ErrorResponse => self.failed(message)?,
            Back::NoticeResponse => self.notice(message)?,
            Back::NotificationResponse => self.notification(message)?,
            Back::ParameterStatus => {
                let (name, value) = back::parameter(body(message)).map_err(odd)?;
                if name == "client_encoding" {
                    self.utf8 = value == "UTF8";
                }
                self.heard_setting(name, value)?;
                if is_other_grammar(name, value) {
                    return Err(OTHER_GRAMMAR);
                }
                self.say(message, "parameter status")?;
            }
            // Its key was read when it let us in; it never goes further, and there is no second one.
            Back::BackendKeyData => return Err(Fault::Target("sent a second cancel key")),
        }
        Ok(Step::Done)
    }

    /// A portal is gone: so is the plan for its rows.
    fn forget_rows(&mut self, gone: Option<Portal>) {
        if let Some(gone) = gone {
            self.plans.forget_portal(gone.id);
        }
    }

    pub(super) fn put(&mut self, bytes: &[u8], event: Answer<'_>) -> Result<(), Fault> {
        let cleared = self.gate.answer(Frame { bytes, event })?;
        self.to_client.put(&cleared);
        Ok(())
    }

    fn row(&mut self, message: &[u8], of: CommandNo, plan: &Plan) -> Result<(), Fault> {
        back::row_cells(message, &mut self.scratch.cells).map_err(odd)?;
        let row = Row { bytes: message, cells: &self.scratch.cells };
        let event = Answer::Row { of, plan, row, codec: &DataRow };
        let cleared = self.gate.answer(Frame { bytes: message, event })?;
        self.to_client.put(&cleared);
        Ok(())
    }

    fn description(&mut self, message: &[u8], refreshed: bool) -> Result<Step, Fault> {
        self.gate.renew()?;
        let news = !refreshed && plans::is_news(message, &self.snapshot);
        let for_rows = matches!(self.queue.front(), Some(Awaited::Query(_) | Awaited::DescribePortal { .. }));
        if for_rows && (self.stale || news && self.snapshot.taken.elapsed() > NEWS_AFTER) && !refreshed {
            return Ok(Step::Refresh);
        }
        match self.queue.front() {
            Some(Awaited::DescribeStatement { .. }) => {
                self.queue.pop();
                self.say(message, "row description")?;
            }
            Some(Awaited::DescribePortal { .. }) => {
                let Some(Awaited::DescribePortal { portal, no, prepared, hidden }) = self.queue.pop() else {
                    return Err(OUT_OF_TURN);
                };
                let meaning = self.rows_meaning(&prepared.meaning);
                let plan = self.plans.of(&mut self.gate, &self.snapshot, &meaning, message).map_err(odd)?;
                let of = no.unwrap_or(CommandNo(0));
                let event = Answer::Columns { of, plan: &plan };
                let bytes = if hidden { &[] } else { message };
                let cleared = self.gate.answer(Frame { bytes, event })?;
                self.to_client.put(&cleared);
                self.plans.set_portal(portal, message, plan);
            }
            Some(Awaited::Query(query)) => {
                let of = query.no();
                let at = usize::try_from(query.at).unwrap_or(usize::MAX);
                let meaning = match query.named() {
                    Some(prepared) => prepared.meaning.clone(),
                    None => Meaning::of(&query.reading, at),
                };
                let plan = self.plans.of(&mut self.gate, &self.snapshot, &meaning, message).map_err(odd)?;
                self.put(message, Answer::Columns { of, plan: &plan })?;
                if let Some(Awaited::Query(query)) = self.queue.front_mut() {
                    query.plan = Some(plan);
                }
            }
            _ => return Err(OUT_OF_TURN),
        }
        Ok(Step::Done)
    }

    fn complete(&mut self, message: &[u8]) -> Result<(), Fault> {
        let (tag, rows) = back::tag(body(message)).map_err(odd)?;
        let outcome = Done { tag, rows, error: None };
        let Some(front) = self.queue.front_mut() else { return Err(OUT_OF_TURN) };
        match front {
            Awaited::Query(query) => {
                if query.at >= query.count || query.failed {
                    return Err(OUT_OF_TURN);
                }
                let of = query.no();
                let at = usize::try_from(query.at).unwrap_or(usize::MAX);
                query.at += 1;
                query.plan = None;
                let (reading, text) = (Arc::clone(&query.reading), Arc::clone(&query.text));
                if let Some(statement) = reading.statement(at) {
                    self.succeeded(statement, &Meaning::of(&reading, at), &text);
                }
                self.put(message, Answer::Done { of, outcome })
            }
            Awaited::Execute { .. } => {
                let Some(Awaited::Execute { no, prepared, .. }) = self.queue.pop() else {
                    return Err(OUT_OF_TURN);
                };
                if let Some(statement) = prepared.meaning.statement() {
                    self.succeeded(statement, &prepared.meaning, &prepared.text);
                }
                self.put(message, Answer::Done { of: no, outcome })
            }
            _ => Err(OUT_OF_TURN),
        }
    }

    fn empty(&mut self, message: &[u8]) -> Result<(), Fault> {
        match self.queue.front_mut() {
            Some(Awaited::Query(query)) => {
                let of = query.no();
                query.at += 1;
                self.put(message, Answer::Done { of, outcome: Done::default() })
            }
            Some(Awaited::Execute { .. }) => {
                let Some(Awaited::Execute { no, .. }) = self.queue.pop() else {
                    return Err(OUT_OF_TURN);
                };
                self.put(message, Answer::Done { of: no, outcome: Done::default() })
            }
            _ => Err(OUT_OF_TURN),
        }
    }

    fn copy_begins(&mut self, kind: Back, message: &[u8], refreshed: bool) -> Result<Step, Fault> {
        let (no, meaning, text, extended) = match self.queue.front() {
            Some(Awaited::Query(query)) => {
                let at = usize::try_from(query.at).unwrap_or(usize::MAX);
                let meaning = Meaning::of(&query.reading, at);
                let range =
                    meaning.statement().map(|statement| statement.range.clone()).filter(|_| query.count > 1);
                let text = range.and_then(|range| query.text.get(range)).unwrap_or(&query.text).to_owned();
                (query.no(), meaning, text, false)
            }
            Some(Awaited::Execute { no, prepared, .. }) => {
                (*no, prepared.meaning.clone(), prepared.text.to_string(), true)
            }
            _ => return Err(OUT_OF_TURN),
        };
        if kind == Back::CopyOutResponse {
            // Its columns are those of the catalog: one that does not know the table yet is asked anew, once.
            if !refreshed && (self.stale || self.names_what_is_new(&meaning)) {
                return Ok(Step::Refresh);
            }
            self.copy_out_begins(message, no, &meaning, &text)?;
            return Ok(Step::Done);
        }
        self.copy_in_begins(no, &meaning, extended)?;
        self.say(message, "copy in")?;
        Ok(Step::Done)
    }

    fn names_what_is_new(&self, meaning: &Meaning) -> bool {
        let reads = meaning.statement().map(|statement| statement.relations.reads.iter());
        reads
            .into_iter()
            .flatten()
            .any(|table| self.snapshot.named(table.schema.as_deref(), &table.name).next().is_none())
    }

    fn ready(&mut self, message: &[u8]) -> Result<(), Fault> {
        let status = back::status(body(message)).map_err(odd)?;
        let last = match self.queue.pop() {
            Some(Awaited::Query(query)) if query.failed || query.at >= query.count => query.last_portal,
            Some(Awaited::Sync { last_portal }) => last_portal,
            _ => return Err(OUT_OF_TURN),
        };
        self.status = status;
        self.copying = Copying::None;
        if status == b'I' {
            let mut ended = Vec::new();
            self.names.end_portals(last, &mut ended);
            self.plans.end_portals(last);
            for (no, tag) in ended {
                self.done(no, Done { tag, ..Done::default() })?;
            }
            self.stale |= std::mem::take(&mut self.stale_inside);
        }
        self.say(message, "ready")
    }
}
