//! Target to caller: masks, limits, and what is recorded of it.

use super::{Cleared, Gate, InFlight, not_recorded};
use crate::command::CommandKind;
use crate::event::{Answer, Done, Frame, Row, RowCodec};
use crate::fault::Denial;
use crate::ids::{CommandNo, RuleId};
use crate::journal::Event;
use crate::judge::{Sensitive, Sight};
use crate::mask::detect::{self, Hint};
use crate::mask::forms::Form;
use crate::mask::plan::{ColumnInfo, ColumnPlan, ColumnRef, Origin, Plan, PlannedColumn};
use crate::time::Moment;
use std::borrow::Cow;
use std::sync::Arc;

impl Gate {
    /// Which columns of this result are masked, under the rules in force now. Kept by the connector and reused until
    /// the epoch changes.
    pub fn plan(&mut self, columns: &[ColumnInfo<'_>]) -> Plan {
        let now = self.clock.now();
        let planned: Vec<PlannedColumn> = columns
            .iter()
            .map(|column| {
                let hint = hint(column);
                let plan = self.plan_column(now, column, hint);
                let narrow = column.narrow.map(|narrow| (narrow, column.binary));
                PlannedColumn {
                    name: column.name.to_owned(),
                    plan,
                    shape: column.shape.clone(),
                    narrow,
                    hint,
                }
            })
            .collect();
        let empty = planned.iter().all(|column| column.plan == ColumnPlan::Clear);
        Plan {
            binary: columns.iter().map(|column| column.binary).collect(),
            columns: planned,
            epoch: self.epoch,
            classes: Arc::clone(&self.classes),
            wanted: self.wanted,
            empty,
        }
    }

    fn plan_column(&mut self, now: Moment, column: &ColumnInfo<'_>, hint: Hint) -> ColumnPlan {
        let masked = match &column.origin {
            Origin::Column(origin) => self.see_column(now, origin),
            // A form that keeps part of the value would keep another part of what was computed from it.
            Origin::Derived(origins) => {
                let rule = origins.iter().find_map(|origin| self.see_column(now, origin));
                rule.map(|(_, rule)| (Form::Redact, rule))
            }
            Origin::Unknown => Some((Form::Redact, RuleId::new("unknown-origin"))),
        };
        match masked {
            Some((form, rule)) => ColumnPlan::Masked { form, rule },
            None if column.shape.may_hold(self.wanted, hint) => ColumnPlan::Detect,
            None => ColumnPlan::Clear,
        }
    }

    fn see_column(&mut self, now: Moment, origin: &ColumnRef<'_>) -> Option<(Form, RuleId)> {
        let ColumnRef { schema, table, column } = *origin;
        match self.judge.see(now, &Sensitive::Column { schema, table, column }) {
            Sight::Clear => None,
            Sight::Masked { form, rule } => Some((form, rule)),
        }
    }

    /// Would this caller see the column? For connectors that must know before there is a result.
    pub fn sees(&mut self, origin: &ColumnRef<'_>) -> bool {
        let now = self.clock.now();
        self.see_column(now, origin).is_none()
    }

    /// Free text of the target with every recognisable value that this caller may not see redacted. `None`: nothing
    /// had to change.
    pub fn words(&mut self, text: &str) -> Option<String> {
        if self.wanted.is_empty() { None } else { self.masker.words(text, self.wanted) }
    }

    /// The recording of this command's result is full: further rows need not be read for its sake.
    pub fn is_recorded_enough(&self, of: CommandNo) -> bool {
        self.place(of).and_then(|at| self.in_flight.get(at)).is_none_or(|flight| flight.truncated)
    }

    /// Whether this command was cleared and has no outcome yet.
    pub fn is_in_flight(&self, of: CommandNo) -> bool {
        self.place(of).is_some()
    }

    /// Looks at the rules in force. Under newer ones every plan has to be made anew before its rows may cross.
    pub fn renew(&mut self) -> Result<(), Denial> {
        if self.judge.epoch() == self.epoch { Ok(()) } else { self.stand(self.clock.now()) }
    }

    /// A plan holds for the rules in force and for no others.
    fn check_plan(&mut self, plan: &Plan) -> Result<(), Denial> {
        self.renew()?;
        if plan.epoch == self.epoch { Ok(()) } else { Err(stale_plan()) }
    }

    /// Masks, records, and only then clears.
    pub fn answer<'a>(&'a mut self, frame: Frame<'a, Answer<'_>>) -> Result<Cleared<'a>, Denial> {
        if self.poisoned {
            return Err(not_recorded());
        }
        self.bytes_out += frame.bytes.len() as u64;
        match frame.event {
            Answer::Columns { of, plan } => self.columns(of, plan)?,
            Answer::Row { of, plan, row, codec } => {
                if self.row(of, plan, &row, codec)? {
                    return Ok(Cleared::new(&self.rebuilt, self.appended, Some(of)));
                }
            }
            Answer::Rows { of, plan, count } => self.rows(of, plan, count, frame.bytes.len())?,
            Answer::Output { of } => {
                let bytes = frame.bytes.len() as u64;
                self.count(of, 0, bytes)?;
            }
            Answer::Words { of: _ } | Answer::Housekeeping(_) => {}
            Answer::Done { of, outcome } => self.done(of, &outcome)?,
        }
        Ok(Cleared::new(frame.bytes, self.appended, None))
    }

    fn columns(&mut self, of: CommandNo, plan: &Plan) -> Result<(), Denial> {
        self.check_plan(plan)?;
        if self.says_again(plan) {
            return Ok(());
        }
        let columns = plan.columns.iter().map(|column| (column.name.as_str(), masking_rule(&column.plan)));
        let names = columns.clone().map(|(name, _)| Cow::Borrowed(name)).collect();
        let masked = columns.clone().map(|(_, rule)| rule.cloned()).collect();
        let now = self.clock.now();
        self.append(now, &Event::Columns { of, names, masked }).map_err(|_| not_recorded())?;
        self.columns = Some(columns.map(|(name, rule)| (name.to_owned(), rule.cloned())).collect());
        Ok(())
    }

    /// The newest entry about columns says the same.
    fn says_again(&self, plan: &Plan) -> bool {
        let Some(last) = &self.columns else { return false };
        let same = |(column, (name, rule)): (&PlannedColumn, &(String, Option<RuleId>))| {
            column.name == *name && masking_rule(&column.plan) == rule.as_ref()
        };
        last.len() == plan.columns.len() && plan.columns.iter().zip(last).all(same)
    }

    /// True: the row was rebuilt, and `self.rebuilt` is what may cross.
    fn row(
        &mut self,
        of: CommandNo,
        plan: &Plan,
        row: &Row<'_>,
        codec: &dyn RowCodec,
    ) -> Result<bool, Denial> {
        self.check_plan(plan)?;
        let changed =
            if plan.empty && row.cells.len() <= plan.columns.len() { 0 } else { self.masker.row(plan, row) };
        if changed > 0 {
            self.rebuilt.clear();
            self.rebuilt_cells.clear();
            codec.rebuild(
                row,
                &self.masker.edits,
                &self.masker.new,
                &mut self.rebuilt,
                &mut self.rebuilt_cells,
            );
        }
        let bytes = if changed > 0 { self.rebuilt.len() } else { row.bytes.len() } as u64;
        self.count(of, 1, bytes)?;
        self.keep_row(of, plan, row, changed)?;
        Ok(changed > 0)
    }

    /// Records the row as the caller will see it, up to the target's limit.
    fn keep_row(&mut self, of: CommandNo, plan: &Plan, row: &Row<'_>, changed: u64) -> Result<(), Denial> {
        let limit = self.grant.target().record_result_bytes;
        let bytes = if changed > 0 { self.rebuilt.len() } else { row.bytes.len() } as u64;
        let flight = self.flight(of).ok_or_else(unasked)?;
        flight.masked += changed;
        if flight.truncated {
            return Ok(());
        }
        flight.truncated = flight.kept_bytes.saturating_add(bytes) > limit;
        flight.kept_bytes = flight.kept_bytes.saturating_add(bytes);
        let (is_full, after_rows) = (flight.truncated, flight.rows.saturating_sub(1));
        let now = self.clock.now();
        if is_full {
            return self.append(now, &Event::Truncated { of, after_rows }).map_err(|_| not_recorded());
        }
        let (bytes, cells) = if changed > 0 {
            (self.rebuilt.as_slice(), self.rebuilt_cells.as_slice())
        } else {
            (row.bytes, row.cells)
        };
        match self.journal.append_row(now, of, bytes, cells, &plan.binary) {
            Ok(_) => {
                self.appended += 1;
                Ok(())
            }
            Err(_) => {
                self.poisoned = true;
                Err(not_recorded())
            }
        }
    }

    fn rows(&mut self, of: CommandNo, plan: &Plan, count: u64, bytes: usize) -> Result<(), Denial> {
        self.check_plan(plan)?;
        if !plan.empty || !self.is_recorded_enough(of) {
            return Err(Denial::of_house(
                "rows-unread",
                "Rows that must be masked or recorded were not read.",
            )
            .fatal());
        }
        self.count(of, count, bytes as u64)
    }

    fn count(&mut self, of: CommandNo, rows: u64, bytes: u64) -> Result<(), Denial> {
        let flight = self.flight(of).ok_or_else(unasked)?;
        flight.rows += rows;
        flight.bytes_out += bytes;
        if flight.rows > flight.max_rows || flight.bytes_out > flight.max_bytes {
            let text = format!("The result is larger than the rules allow ({} rows so far).", flight.rows);
            return Err(Denial::of_house("result-limit", text).fatal());
        }
        Ok(())
    }

    fn done(&mut self, of: CommandNo, outcome: &Done<'_>) -> Result<(), Denial> {
        let Some(flight) = self.place(of).and_then(|at| self.in_flight.remove(at)) else { return Ok(()) };
        // Preparing comes to nothing that is not seen in what runs: only its failure is worth an entry.
        if flight.kind == CommandKind::Prepare && outcome.error.is_none() {
            return Ok(());
        }
        let now = self.clock.now();
        let error = outcome.error.map(|(code, text)| Cow::Owned(format!("{code}: {text}")));
        let event = Event::Done {
            of,
            tag: Cow::Borrowed(outcome.tag),
            rows: outcome.rows.unwrap_or(flight.rows),
            bytes_out: flight.bytes_out,
            bytes_in: flight.bytes_in,
            duration_us: now.since_us(flight.started),
            error,
            masked: flight.masked,
        };
        self.append(now, &event).map_err(|_| not_recorded())
    }

    pub(super) fn flight(&mut self, of: CommandNo) -> Option<&mut InFlight> {
        let at = self.place(of)?;
        self.in_flight.get_mut(at)
    }

    /// Commands stand in the order of their numbers, and the first is nearly always the one that is meant.
    fn place(&self, of: CommandNo) -> Option<usize> {
        match self.in_flight.front() {
            Some(first) if first.no == of => Some(0),
            _ => self.in_flight.binary_search_by_key(&of, |flight| flight.no).ok(),
        }
    }
}

fn masking_rule(plan: &ColumnPlan) -> Option<&RuleId> {
    match plan {
        ColumnPlan::Masked { rule, .. } => Some(rule),
        ColumnPlan::Clear | ColumnPlan::Detect => None,
    }
}

/// The name where the values come from says more than the one that the caller gave them.
fn hint(column: &ColumnInfo<'_>) -> Hint {
    let own = match &column.origin {
        Origin::Column(origin) => detect::hint(origin.column),
        Origin::Derived(_) | Origin::Unknown => Hint::NONE,
    };
    // The caller of the statement chose the other: it adds, and rules nothing out.
    if own == Hint::NONE { detect::hint(column.name).adds_only() } else { own }
}

/// Rows of a command that was never cleared, or that has its outcome in the record already: nobody would count them.
fn unasked() -> Denial {
    Denial::of_house("answer-without-command", "The target sent rows of a command that does not run.").fatal()
}

/// The rules changed between the columns and a row: nothing more of this result crosses.
fn stale_plan() -> Denial {
    Denial::of_house("rules-changed", "The rules changed while this result was on its way. Ask again.")
        .fatal()
}
