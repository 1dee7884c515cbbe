//! An index of sessions, for searching. The recording is the truth; a row here only helps to find it.

use crate::MAX_PAGE;
use crate::fault::StoreFault;
use crate::open::Store;
use sallyport_core::Moment;
use serde::{Deserialize, Serialize};
use sqlx::Row;
use sqlx::any::AnyRow;

/// How much of what was said in a session can be searched here.
const MAX_SAID_BYTES: usize = 256 * 1024;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionRow {
    pub id: String,
    /// `issuer#subject`.
    pub caller: String,
    pub caller_name: String,
    pub caller_kind: String,
    pub target: String,
    pub protocol: String,
    pub account: String,
    pub database: String,
    pub peer: Option<String>,
    pub started: Moment,
    pub ended: Option<Moment>,
    pub reason: Option<String>,
    pub commands: i64,
    pub denied: i64,
    pub held: i64,
    /// The hash of the recording's last entry.
    pub head: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SessionTotals {
    pub commands: i64,
    pub denied: i64,
    pub held: i64,
}

#[derive(Clone, Debug, Default)]
pub struct SessionEnd {
    pub reason: String,
    pub totals: SessionTotals,
    pub head: Option<String>,
    /// The texts of the commands, one after the other, to be searched.
    pub said: String,
}

/// Which sessions are worth a look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdicts {
    #[default]
    Any,
    Denied,
    Held,
}

/// Where the next page begins: after this row, in falling order of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    pub started: Moment,
    pub id: String,
}

/// Empty means any.
#[derive(Clone, Debug, Default)]
pub struct SessionFilter {
    /// Matches the principal or the name.
    pub caller: String,
    pub target: String,
    pub verdict: Verdicts,
    pub text: String,
    pub since: Option<Moment>,
    pub until: Option<Moment>,
    pub open_only: bool,
    pub after: Option<Cursor>,
    pub limit: i64,
}

const SELECT: &str = "SELECT id, caller, caller_name, caller_kind, target, protocol, account, database_name, peer, \
                      started, ended, reason, commands, denied, held, head FROM sessions ";

impl Store {
    pub async fn session_opened(&self, row: &SessionRow) -> Result<(), StoreFault> {
        sqlx::query(
            "INSERT INTO sessions (id, caller, caller_name, caller_kind, target, protocol, account, database_name, \
             peer, started, commands, denied, held, said) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, 0, 0, '')",
        )
        .bind(row.id.as_str())
        .bind(row.caller.as_str())
        .bind(row.caller_name.as_str())
        .bind(row.caller_kind.as_str())
        .bind(row.target.as_str())
        .bind(row.protocol.as_str())
        .bind(row.account.as_str())
        .bind(row.database.as_str())
        .bind(row.peer.as_deref())
        .bind(row.started.0)
        .execute(&self.pool)
        .await
        .map_err(|error| StoreFault::on_insert(error, "session", &row.id))?;
        Ok(())
    }
    /// A session ends once: the first to say so is believed. False where it had ended already.
    pub async fn session_closed(&self, id: &str, end: &SessionEnd, now: Moment) -> Result<bool, StoreFault> {
        let closed = sqlx::query(
            "UPDATE sessions SET ended = $1, reason = $2, commands = $3, denied = $4, held = $5, head = $6, said = $7 \
             WHERE id = $8 AND ended IS NULL",
        )
        .bind(now.0)
        .bind(end.reason.as_str())
        .bind(end.totals.commands)
        .bind(end.totals.denied)
        .bind(end.totals.held)
        .bind(end.head.as_deref())
        .bind(searchable(&end.said))
        .bind(id)
        .execute(&self.pool)
        .await?;
        Ok(closed.rows_affected() == 1)
    }
    pub async fn session(&self, id: &str) -> Result<Option<SessionRow>, StoreFault> {
        let row = sqlx::query(sqlx::AssertSqlSafe(format!("{SELECT} WHERE id = $1")))
            .bind(id)
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(read).transpose()
    }
    /// Newest first.
    pub async fn sessions(&self, filter: &SessionFilter) -> Result<Vec<SessionRow>, StoreFault> {
        let (denied, held) = match filter.verdict {
            Verdicts::Any => (0i64, 0i64),
            Verdicts::Denied => (1, 0),
            Verdicts::Held => (0, 1),
        };
        let (after, after_id) = match &filter.after {
            Some(cursor) => (cursor.started.0, cursor.id.as_str()),
            None => (i64::MAX, ""),
        };
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
            "{SELECT} WHERE ($1 = '' OR caller = $1 OR caller_name = $1) AND ($2 = '' OR target = $2) \
             AND denied >= $3 AND held >= $4 AND started >= $5 AND started <= $6 \
             AND ($7 = '' OR said LIKE $7 ESCAPE '!') AND ($8 = 0 OR ended IS NULL) \
             AND (started < $9 OR (started = $9 AND id < $10)) ORDER BY started DESC, id DESC LIMIT $11"
        )))
        .bind(filter.caller.as_str())
        .bind(filter.target.as_str())
        .bind(denied)
        .bind(held)
        .bind(filter.since.map_or(i64::MIN, |at| at.0))
        .bind(filter.until.map_or(i64::MAX, |at| at.0))
        .bind(pattern(&filter.text))
        .bind(i64::from(filter.open_only))
        .bind(after)
        .bind(after_id)
        .bind(filter.limit.clamp(1, MAX_PAGE))
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(read).collect()
    }
}

/// Lower case, because the two databases compare differently; without NUL, which PostgreSQL's text cannot hold.
fn searchable(said: &str) -> String {
    let mut text = said.to_lowercase().replace('\0', " ");
    let mut end = MAX_SAID_BYTES.min(text.len());
    while !text.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    text.truncate(end);
    text
}

/// The caller's text is looked for as it is: `%` and `_` have no meaning in it.
fn pattern(text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    let escaped = searchable(text).replace('!', "!!").replace('%', "!%").replace('_', "!_");
    format!("%{escaped}%")
}

fn read(row: &AnyRow) -> Result<SessionRow, StoreFault> {
    Ok(SessionRow {
        id: row.try_get("id")?,
        caller: row.try_get("caller")?,
        caller_name: row.try_get("caller_name")?,
        caller_kind: row.try_get("caller_kind")?,
        target: row.try_get("target")?,
        protocol: row.try_get("protocol")?,
        account: row.try_get("account")?,
        database: row.try_get("database_name")?,
        peer: row.try_get("peer")?,
        started: Moment(row.try_get("started")?),
        ended: row.try_get::<Option<i64>, _>("ended")?.map(Moment),
        reason: row.try_get("reason")?,
        commands: row.try_get("commands")?,
        denied: row.try_get("denied")?,
        held: row.try_get("held")?,
        head: row.try_get("head")?,
    })
}
