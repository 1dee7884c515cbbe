//! Samples the columns of a database on the gateway's own connection, for `discover`.
//!
//! Not a session: no caller's bytes are part of it, and no value leaves it. Cells go into [`Survey`]s, which count and
//! forget. Invariants: it only reads, within a read-only transaction of its own for each table; whatever the target
//! answers, rows, bytes and time are bounded; a table that cannot be read is named and never ends the rest.

mod line;
mod tables;

use crate::upstream;
use line::{Line, Trouble};
use sallyport_core::Fault;
use sallyport_core::mask::survey::{Sampled, SampledColumn, Sampling, Survey, Unread};
use sallyport_relay::{Credential, Route};
use std::time::Duration;
use tables::{Column, Table};
use tokio::io::AsyncWriteExt;
use tokio::time::Instant;

/// No table is read longer; the target is told the same.
const ONE_TABLE: Duration = Duration::from_secs(3);
/// So many letters of a cell are asked for.
const WIDTH: usize = 1000;
/// Bytes of one table's cells, and of all.
const MAX_TABLE_BYTES: usize = 8 * 1024 * 1024;
const MAX_BYTES: usize = 128 * 1024 * 1024;
/// What one FETCH may bring where every cell is full, in letters.
const MAX_BATCH: usize = 2 * 1024 * 1024;
const MAX_BATCH_ROWS: usize = 100;

/// Every name is the system's own, nothing is written, and nothing is waited for.
const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY; SET LOCAL search_path = pg_catalog; \
    SET LOCAL statement_timeout = '3s'; SET LOCAL lock_timeout = '1s'; SET LOCAL DateStyle = 'ISO, MDY'";

pub async fn sample(route: &Route, credential: &Credential, how: &Sampling) -> Result<Sampled, Fault> {
    const SLOW: Fault = Fault::Target("the target did not answer in time");
    let until = Instant::now() + Duration::from_secs(how.limit_seconds);
    let wanted = [
        ("application_name", "sallyport discover"),
        ("client_encoding", "UTF8"),
        ("search_path", "pg_catalog"),
    ];
    let wanted: Vec<(String, String)> =
        wanted.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
    let side = tokio::time::timeout_at(until, upstream::connect(route, credential, &wanted));
    let mut line = Line::new(side.await.map_err(|_| SLOW)??);
    let tables = tables::read(&mut line, until).await.map_err(|trouble| match trouble {
        Trouble::Said(_) => Fault::Target("the target does not let the gateway read its catalog"),
        Trouble::Late => SLOW,
        Trouble::Broken => {
            Fault::Target("the target answered the gateway's questions about its tables in no known way")
        }
    })?;
    let mut reading = Reading { line, how, until, bytes: 0, sampled: Sampled::default() };
    reading.all(tables).await;
    let Reading { mut line, sampled, .. } = reading;
    // A target that does not mind the goodbye loses nothing.
    _ = line.side.stream.write_all(b"X\0\0\0\x04").await;
    Ok(sampled)
}

struct Reading<'a> {
    line: Line,
    how: &'a Sampling,
    until: Instant,
    /// Of cells, so far.
    bytes: usize,
    sampled: Sampled,
}

impl Reading<'_> {
    async fn all(&mut self, tables: Vec<Table>) {
        let mut broken = false;
        for table in tables {
            let wanted = self.how.schemas.is_empty() || self.how.schemas.contains(&table.schema);
            if !wanted {
                continue;
            }
            let mut surveys: Vec<_> = table.columns.iter().map(Column::survey).collect();
            let why = match self.why_not(&table) {
                Some(why) => Some(why.to_owned()),
                None if broken => Some("the target stopped answering as it should".into()),
                None => match self.table(&table, &mut surveys).await {
                    Ok(()) => None,
                    Err(Trouble::Said(state)) => Some(said(&state)),
                    Err(Trouble::Late | Trouble::Broken) => {
                        broken = true;
                        Some("the target did not answer as it should".into())
                    }
                },
            };
            // What comes from a view comes from its tables: its names alone say nothing new.
            let by_name = !table.is_view() || why.is_none();
            match why {
                Some(why) => self
                    .sampled
                    .unread
                    .push(Unread { path: vec![table.schema.clone(), table.name.clone()], why }),
                None => self.sampled.tables += 1,
            }
            if by_name {
                self.keep(&table, surveys);
            }
        }
    }

    fn why_not(&self, table: &Table) -> Option<&'static str> {
        if !table.is_readable() {
            return Some("the account may not read it");
        }
        if table.is_view() && !self.how.views {
            return Some("a view; its columns come from tables (--views reads it)");
        }
        if table.reaches_out && !self.how.foreign {
            return Some("a foreign table; reading it reaches out to another server (--foreign reads it)");
        }
        if Instant::now() >= self.until {
            return Some("no time was left (name a schema, or a smaller sample)");
        }
        (self.bytes >= MAX_BYTES).then_some("enough was read (name a schema, or a smaller sample)")
    }

    /// The columns as they were found, and those that could not be read.
    fn keep(&mut self, table: &Table, surveys: Vec<Option<Survey>>) {
        for (column, survey) in table.columns.iter().zip(surveys) {
            let path = [table.schema.clone(), table.name.clone(), column.name.clone()];
            if !column.readable && table.is_readable() {
                let why = "the account may not read it".to_owned();
                self.sampled.unread.push(Unread { path: path.to_vec(), why });
            }
            let (sampled, proposals) =
                survey.map_or((0, Vec::new()), |survey| (survey.sampled(), survey.proposals()));
            let kind = column.type_name.clone();
            self.sampled.columns.push(SampledColumn { path, kind, sampled, proposals });
        }
    }

    async fn table(&mut self, table: &Table, surveys: &mut [Option<Survey>]) -> Result<(), Trouble> {
        let read: Vec<usize> = (0..surveys.len())
            .filter(|at| table.columns.get(*at).is_some_and(|column| column.readable))
            .filter(|at| surveys.get(*at).is_some_and(Option::is_some))
            .collect();
        if read.is_empty() {
            return Ok(());
        }
        let rows = usize::try_from(self.how.rows).unwrap_or(usize::MAX);
        let end = self.until.min(Instant::now() + ONE_TABLE);
        let mut outcome = Ok(0);
        // A sample of blocks may hold nothing where the target's count of rows is old: then the first rows are taken.
        for share in [table.share(rows), None] {
            outcome = self.rows(&table.question(&read, share, WIDTH, rows), rows, &read, surveys, end).await;
            let closed = self.line.ask("ROLLBACK", 0, Instant::now() + ONE_TABLE, |_, _| ()).await;
            if let Err(trouble @ (Trouble::Late | Trouble::Broken)) = closed {
                return Err(trouble);
            }
            if share.is_none() || !matches!(outcome, Ok(0)) {
                break;
            }
        }
        outcome.map(|_| ())
    }

    /// Reads in batches, each of which is small whatever stands in the cells. Says how many rows came.
    async fn rows(
        &mut self,
        question: &str,
        most: usize,
        read: &[usize],
        surveys: &mut [Option<Survey>],
        end: Instant,
    ) -> Result<usize, Trouble> {
        // The target's own limit comes first: it ends the statement and not the connection.
        let patience = ONE_TABLE + Duration::from_secs(2);
        let begin = format!("{BEGIN}; DECLARE sampled NO SCROLL CURSOR FOR {question}");
        self.line.ask(&begin, 0, Instant::now() + patience, |_, _| ()).await?;
        let batch = (MAX_BATCH / (WIDTH * read.len())).clamp(1, MAX_BATCH_ROWS);
        let fetch = format!("FETCH FORWARD {batch} FROM sampled");
        let (mut rows, mut bytes) = (0, 0);
        while rows < most && bytes < MAX_TABLE_BYTES && Instant::now() < end {
            let mut came = 0;
            let each = |message: &[u8], cells: &[sallyport_core::Cell]| {
                came += 1;
                for (cell, at) in cells.iter().zip(read) {
                    let value = cell.of(message);
                    if let (Some(value), Some(Some(survey))) = (value, surveys.get_mut(*at)) {
                        bytes += value.len();
                        survey.cell(value);
                    }
                }
            };
            let fetched = self.line.ask(&fetch, batch, Instant::now() + patience, each).await;
            rows += came;
            match fetched {
                // What came before the target's own limit is a sample too.
                Err(Trouble::Said(state)) if state == TIMED_OUT && rows > 0 => break,
                Err(trouble) => return Err(trouble),
                Ok(()) if came < batch => break,
                Ok(()) => {}
            }
        }
        self.bytes += bytes;
        Ok(rows)
    }
}

const TIMED_OUT: &str = "57014";

/// In our words: the target's own may hold values.
fn said(state: &str) -> String {
    match state {
        "42501" => "the account may not read it".into(),
        TIMED_OUT => "it took longer than 3 s".into(),
        "55P03" => "somebody holds a lock on it".into(),
        state => format!("the target refused to read it (SQLSTATE {state})"),
    }
}
