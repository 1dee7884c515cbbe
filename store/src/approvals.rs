//! Requests for a person's decision, as rows. Who may decide is the desk's business (`desk.rs`); here stands only how a
//! state becomes another: `waiting` to `approved`, `refused`, `expired` or `withdrawn`; `approved` to `spent`, once.
//!
//! Every change is one UPDATE that names the state it starts from. Whoever changes the row has won; all others changed
//! nothing and read what happened.

use crate::MAX_PAGE;
use crate::fault::{StoreFault, from_json, to_json};
use crate::ids::fresh_id;
use crate::open::Store;
use sallyport_core::{ApprovalFact, ApprovalId, HoldRequest, Moment};
use serde::{Deserialize, Serialize};
use sqlx::Row;
use sqlx::any::AnyRow;

/// A person must be able to read all of what they approve; what is longer is refused, never shortened.
pub const MAX_REQUEST_BYTES: usize = 256 * 1024;
/// One requester cannot bury the approvers.
pub const MAX_WAITING_PER_REQUESTER: i64 = 100;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalState {
    Waiting,
    Approved,
    Spent,
    Refused,
    Expired,
    Withdrawn,
}

impl ApprovalState {
    pub const ALL: [ApprovalState; 6] = [
        ApprovalState::Waiting,
        ApprovalState::Approved,
        ApprovalState::Spent,
        ApprovalState::Refused,
        ApprovalState::Expired,
        ApprovalState::Withdrawn,
    ];
    pub const fn as_str(self) -> &'static str {
        match self {
            ApprovalState::Waiting => "waiting",
            ApprovalState::Approved => "approved",
            ApprovalState::Spent => "spent",
            ApprovalState::Refused => "refused",
            ApprovalState::Expired => "expired",
            ApprovalState::Withdrawn => "withdrawn",
        }
    }
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

#[derive(Clone, Debug, Serialize)]
pub struct Approval {
    pub id: ApprovalId,
    pub state: ApprovalState,
    pub request: HoldRequest,
    pub decided_by: Option<String>,
    pub decided_name: Option<String>,
    /// The groups for which the decision counts.
    pub decided_groups: Vec<String>,
    pub decided_at: Option<Moment>,
    pub reason: Option<String>,
    pub spend_by: Option<Moment>,
    pub spent_at: Option<Moment>,
}

impl Approval {
    /// What the rules are told of it.
    pub(crate) fn fact(&self) -> ApprovalFact {
        ApprovalFact {
            id: self.id.clone(),
            digest: self.request.digest,
            approver: self.decided_by.clone().unwrap_or_default(),
            groups: self.decided_groups.clone(),
            at: self.decided_at.unwrap_or(self.request.asked),
            reason: self.reason.clone().unwrap_or_default(),
        }
    }
}

/// A decision about to be written.
pub(crate) struct Decision<'a> {
    pub state: ApprovalState,
    pub by: &'a str,
    pub name: &'a str,
    pub groups: &'a [String],
    pub reason: &'a str,
    pub spend_by: Moment,
}

const SELECT: &str = "SELECT id, state, request, decided_by, decided_name, decided_groups, decided_at, reason, \
                      spend_by, spent_at FROM approvals ";

impl Store {
    pub async fn approval(&self, id: &str) -> Result<Option<Approval>, StoreFault> {
        let row = sqlx::query(sqlx::AssertSqlSafe(format!("{SELECT} WHERE id = $1")))
            .bind(id)
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(read).transpose()
    }
    /// Newest first, asked before `before`. `None` is every state.
    pub async fn approvals(
        &self,
        state: Option<ApprovalState>,
        before: Moment,
        limit: i64,
    ) -> Result<Vec<Approval>, StoreFault> {
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
            "{SELECT} WHERE ($1 = '' OR state = $1) AND asked < $2 ORDER BY asked DESC, id DESC LIMIT $3"
        )))
        .bind(state.map_or("", ApprovalState::as_str))
        .bind(before.0)
        .bind(limit.clamp(1, MAX_PAGE))
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(read).collect()
    }
    pub(crate) async fn waiting_of(&self, requester: &str) -> Result<i64, StoreFault> {
        let row =
            sqlx::query("SELECT COUNT(*) AS n FROM approvals WHERE requester = $1 AND state = 'waiting'")
                .bind(requester)
                .fetch_one(&self.pool)
                .await?;
        Ok(row.try_get("n")?)
    }
    /// A new row, or the equal one that waits already; then it has one holder more.
    pub(crate) async fn file_request(
        &self,
        request: &HoldRequest,
        now: Moment,
    ) -> Result<ApprovalId, StoreFault> {
        let digest = request.digest.to_string();
        loop {
            let id = fresh_id("ap")?;
            let filed = sqlx::query(
                "INSERT INTO approvals (id, state, requester, digest, session, target, request, deferred, holders, \
                 asked, expires) VALUES ($1, 'waiting', $2, $3, $4, $5, $6, $7, 1, $8, $9) ON CONFLICT DO NOTHING",
            )
            .bind(id.as_str())
            .bind(request.requester.as_str())
            .bind(digest.as_str())
            .bind(request.session.as_str())
            .bind(request.target.as_str())
            .bind(to_json("approvals", request)?)
            .bind(i64::from(request.defer))
            .bind(request.asked.0)
            .bind(request.expires.0)
            .execute(&self.pool)
            .await?;
            if filed.rows_affected() == 1 {
                return Ok(ApprovalId::new(id));
            }
            // Somebody's equal request stands there: join it, unless it is over meanwhile.
            self.expire_due(now).await?;
            let joined = sqlx::query(
                "UPDATE approvals SET holders = holders + 1 WHERE requester = $1 AND digest = $2 \
                 AND state = 'waiting' RETURNING id",
            )
            .bind(request.requester.as_str())
            .bind(digest.as_str())
            .fetch_optional(&self.pool)
            .await?;
            if let Some(row) = joined {
                return Ok(ApprovalId::new(row.try_get::<String, _>("id")?));
            }
        }
    }
    pub(crate) async fn decide_request(
        &self,
        id: &str,
        decision: &Decision<'_>,
        now: Moment,
    ) -> Result<bool, StoreFault> {
        let decided = sqlx::query(
            "UPDATE approvals SET state = $1, decided_by = $2, decided_name = $3, decided_groups = $4, reason = $5, \
             spend_by = $6, decided_at = $7 WHERE id = $8 AND state = 'waiting' AND expires > $7",
        )
        .bind(decision.state.as_str())
        .bind(decision.by)
        .bind(decision.name)
        .bind(to_json("approvals", &decision.groups)?)
        .bind(decision.reason)
        .bind(decision.spend_by.0)
        .bind(now.0)
        .bind(id)
        .execute(&self.pool)
        .await?;
        Ok(decided.rows_affected() == 1)
    }
    /// True for exactly one caller, ever.
    pub(crate) async fn spend(&self, id: &str, now: Moment) -> Result<bool, StoreFault> {
        let spent = sqlx::query(
            "UPDATE approvals SET state = 'spent', spent_at = $1 WHERE id = $2 AND state = 'approved' AND spend_by > $1",
        )
        .bind(now.0)
        .bind(id)
        .execute(&self.pool)
        .await?;
        Ok(spent.rows_affected() == 1)
    }
    /// An approval of a deferred request that can still be spent.
    pub(crate) async fn redeemable(
        &self,
        requester: &str,
        digest: &str,
        now: Moment,
    ) -> Result<Option<Approval>, StoreFault> {
        let row = sqlx::query(sqlx::AssertSqlSafe(format!(
            "{SELECT} WHERE requester = $1 AND digest = $2 AND state = 'approved' AND deferred = 1 AND spend_by > $3 \
             ORDER BY decided_at, id LIMIT 1"
        )))
        .bind(requester)
        .bind(digest)
        .bind(now.0)
        .fetch_optional(&self.pool)
        .await?;
        row.as_ref().map(read).transpose()
    }
    /// One holder less; the last one takes the request with them, even where it was just approved.
    pub(crate) async fn leave_request(&self, id: &str, why: &str) -> Result<(), StoreFault> {
        sqlx::query(
            "UPDATE approvals SET holders = holders - 1, \
             reason = CASE WHEN holders <= 1 THEN $1 ELSE reason END, \
             state = CASE WHEN holders <= 1 THEN 'withdrawn' ELSE state END \
             WHERE id = $2 AND state IN ('waiting', 'approved')",
        )
        .bind(why)
        .bind(id)
        .execute(&self.pool)
        .await?;
        Ok(())
    }
    /// What nobody decided, and what nobody spent, in time. The ids of those that ended now are not needed: whoever
    /// waits reads the row.
    pub async fn expire_due(&self, now: Moment) -> Result<u64, StoreFault> {
        let expired = sqlx::query(
            "UPDATE approvals SET state = 'expired' WHERE (state = 'waiting' AND expires <= $1) \
             OR (state = 'approved' AND spend_by <= $1)",
        )
        .bind(now.0)
        .execute(&self.pool)
        .await?;
        Ok(expired.rows_affected())
    }
}

fn read(row: &AnyRow) -> Result<Approval, StoreFault> {
    let corrupt = |why: &str| StoreFault::Corrupt { table: "approvals", why: why.into() };
    let moment = |column| -> Result<Option<Moment>, sqlx::Error> {
        Ok(row.try_get::<Option<i64>, _>(column)?.map(Moment))
    };
    let groups: Option<String> = row.try_get("decided_groups")?;
    Ok(Approval {
        id: ApprovalId::new(row.try_get::<String, _>("id")?),
        state: ApprovalState::from_word(&row.try_get::<String, _>("state")?)
            .ok_or_else(|| corrupt("an unknown state"))?,
        request: from_json("approvals", &row.try_get::<String, _>("request")?)?,
        decided_by: row.try_get("decided_by")?,
        decided_name: row.try_get("decided_name")?,
        decided_groups: groups.map_or(Ok(Vec::new()), |text| from_json("approvals", &text))?,
        decided_at: moment("decided_at")?,
        reason: row.try_get("reason")?,
        spend_by: moment("spend_by")?,
        spent_at: moment("spent_at")?,
    })
}
