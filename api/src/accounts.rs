//! Between the store's rows and what `identity` judges: local accounts, proven callers, and passwords off the async
//! threads.

use crate::auth::Who;
use crate::error::{Answer, Problem};
use crate::house::House;
use crate::limits::HASHES_AT_ONCE;
use crate::standing::{NotStanding, standing};
use crate::take::Checks;
use sallyport_core::{Caller, Secret};
use sallyport_identity::grants::{self, GrantRefusal};
use sallyport_identity::{
    AgentAccount, IssuedToken, IssuerFault, Jwk, PersonAccount, TokenRequest, password,
};
use sallyport_store::{Agent, Person, StoreFault};
use std::collections::BTreeMap;
use std::net::IpAddr;
use tokio::sync::Semaphore;

static HASHES: Semaphore = Semaphore::const_new(HASHES_AT_ONCE);

pub(crate) fn person_account(person: &Person) -> PersonAccount {
    PersonAccount {
        id: person.name.clone(),
        since: person.created,
        name: person.display.clone(),
        password_hash: person.password_hash.clone(),
        groups: person.groups.clone(),
        attributes: person.attributes.clone(),
        max_lifetime_seconds: None,
        disabled: person.disabled,
    }
}

pub(crate) fn agent_account(agent: &Agent) -> AgentAccount {
    let keys = agent.public_keys.iter().filter_map(|key| serde_json::from_str::<Jwk>(key).ok());
    AgentAccount {
        id: agent.name.clone(),
        since: agent.created,
        name: agent.display.clone(),
        secret_hash: agent.secret_hash.clone(),
        public_keys: keys.collect(),
        groups: agent.groups.clone(),
        attributes: agent.attributes.clone(),
        owner: Some(agent.owner.clone()),
        max_lifetime_seconds: None,
        disabled: agent.disabled,
    }
}

impl House {
    /// Proves a token, and for accounts of this house that they still stand: a disabled account's token is worth nothing
    /// at once, and a group that was taken away is gone at once.
    pub async fn verify(&self, token: &Secret) -> Answer<Caller> {
        let not_a_token = || Problem::unauthenticated("the token is not one");
        let text = token.expose_str().ok_or_else(not_a_token)?;
        let proven = self.verifier.verify(text, self.clock.now()).await;
        let caller = proven.map_err(|refusal| match refusal.is_transient() {
            true => Problem::ours("check the token with its issuer", &refusal),
            false => Problem::unauthenticated(refusal.to_string()),
        })?;
        if caller.issuer == self.issuer.settings().issuer { self.standing(caller).await } else { Ok(caller) }
    }
    /// For answers that go on after the call was let in.
    pub(crate) async fn still_stands(&self, who: &Who) -> Answer<Who> {
        if who.caller.expires <= self.clock.now() {
            return Err(Problem::unauthenticated("the token has expired"));
        }
        let foreign = who.caller.issuer != self.issuer.settings().issuer;
        let caller = who.caller.clone();
        let caller = if foreign { caller } else { self.standing(caller).await? };
        Ok(Who::new(caller, &self.roles))
    }
    async fn standing(&self, caller: Caller) -> Answer<Caller> {
        standing(&self.store, caller).await.map_err(|fault| match fault {
            NotStanding::Gone => Problem::unauthenticated(fault.to_string()),
            NotStanding::Store(fault) => fault.into(),
        })
    }
    pub(crate) fn issue(&self, request: &TokenRequest) -> Answer<IssuedToken> {
        self.issuer.issue(request, self.clock.now()).map_err(|fault| match fault {
            IssuerFault::Lifetime { .. } => Problem::malformed(fault.to_string()),
            other => Problem::ours("issue a token", &other),
        })
    }
    /// The spelling of a local person in records and rules.
    pub(crate) fn principal(&self, name: &str) -> String {
        format!("{}#{name}", self.issuer.settings().issuer)
    }
    /// What a token that lives as long as was asked for may live.
    pub(crate) fn lifetime(&self, asked: Option<i64>, otherwise: i64) -> i64 {
        let longest = self.max_token_seconds.min(self.issuer.settings().max_lifetime_seconds);
        asked.unwrap_or(otherwise).min(longest)
    }
}

pub(crate) const DISABLED: &str = "The account behind this session was disabled.";
pub(crate) const REMOVED: &str = "The account behind this session was removed.";
pub(crate) const CHANGED: &str = "The account behind this session was changed. Connect again.";

/// The sessions of an account on this node. Those on others end with their token; the door refuses new ones everywhere.
pub(crate) fn end_sessions(house: &House, name: &str, reason: &str) {
    let principal = house.principal(name);
    for live in house.live.list().into_iter().filter(|live| live.caller == principal) {
        house.live.kill(&live.id, reason);
    }
}

/// A session was let in by what the account was then. One that has less now is asked to come in again.
pub(crate) fn has_less(
    (groups, attributes): (&[String], &BTreeMap<String, String>),
    (groups_now, attributes_now): (&[String], &BTreeMap<String, String>),
) -> bool {
    groups.iter().any(|group| !groups_now.contains(group)) || attributes != attributes_now
}

/// People and agents are spelled alike in rules and records, so that no name may be both.
pub(crate) async fn name_is_free(house: &House, name: &str) -> Answer<()> {
    let agent = house.store.agent(name).await?.map(|_| "agent");
    let person = house.store.person(name).await?.map(|_| "person");
    match agent.or(person) {
        Some(noun) => Err(StoreFault::Exists { noun, name: name.to_owned() }.into()),
        None => Ok(()),
    }
}

/// What is checked of every account.
pub(crate) fn check(
    checks: &mut Checks,
    (name, display): (&str, &str),
    groups: &[String],
    attributes: &BTreeMap<String, String>,
) {
    checks.name("name", name);
    checks.text("display", display);
    checks.texts("groups", groups);
    checks.map("attributes", attributes);
}

/// The text to keep. Slow on purpose, so not on an async thread and not many at once.
pub(crate) async fn hash(secret: Secret) -> Answer<String> {
    judged(move || password::hash(&secret)).await?.map_err(|fault| Problem::ours("hash a password", &fault))
}

/// Judges a secret against an account, off the async threads and not many at once.
pub(crate) async fn judged<T: Send + 'static>(judge: impl FnOnce() -> T + Send + 'static) -> Answer<T> {
    let turn = HASHES.acquire().await.map_err(|closed| Problem::ours("check a password", &closed))?;
    // The work goes on when nobody waits for it any more: so the turn is its own and not the request's.
    let work = move || {
        let judged = judge();
        drop(turn);
        judged
    };
    tokio::task::spawn_blocking(work).await.map_err(|lost| Problem::ours("check a password", &lost))
}

/// A person by name and password. Slowed down by failures of the name and of the address; says nothing of which was wrong.
pub(crate) async fn sign_in(
    house: &House,
    name: &str,
    secret: Secret,
    peer: IpAddr,
) -> Result<PersonAccount, SignInFault> {
    let attempt = house.sign_ins.attempts.take(name, peer, house.clock.now())?;
    let person = house.store.person(name).await.map_err(Problem::from)?;
    let account = person.as_ref().map(person_account);
    let signed_in = judged(move || grants::sign_in(account.as_ref(), &secret).cloned()).await?;
    match &signed_in {
        Ok(_) => attempt.succeeded(),
        Err(_) => tracing::warn!(%peer, "a sign-in failed"),
    }
    Ok(signed_in?)
}

/// Why somebody did not get in: a decision, or something of ours.
#[derive(Debug)]
pub(crate) enum SignInFault {
    Refused(GrantRefusal),
    Problem(Box<Problem>),
}

impl From<GrantRefusal> for SignInFault {
    fn from(refusal: GrantRefusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Problem> for SignInFault {
    fn from(problem: Problem) -> Self {
        Self::Problem(Box::new(problem))
    }
}

impl From<SignInFault> for Problem {
    fn from(fault: SignInFault) -> Self {
        match fault {
            SignInFault::Refused(GrantRefusal::TooMany { .. }) => {
                Problem::too_many("too many sign-ins failed")
            }
            SignInFault::Refused(refusal) => Problem::not_signed_in(refusal.to_string()),
            SignInFault::Problem(problem) => *problem,
        }
    }
}
