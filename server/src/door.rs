//! The one way in: authenticate, authorise, open the recording, build the gate.

use crate::clock::WallClock;
use crate::live::Live;
use sallyport_api::NotStanding;
use sallyport_core::approvals::BoxFuture;
use sallyport_core::gate::Opening;
use sallyport_core::judge::Facts;
use sallyport_core::mask::forms::MaskKey;
use sallyport_core::{Approvals, Caller, Clock, Denial, Fault, Gate, Grant, SessionId, Target};
use sallyport_identity::{MAX_TOKEN_BYTES, Verifier};
use sallyport_policy::RuleBook;
use sallyport_record::Recorder;
use sallyport_relay::{Claim, Credentials, Door, Session};
use sallyport_store::{SessionRow, Store};
use std::sync::Arc;

pub struct FrontDoor {
    pub verifier: Arc<Verifier>,
    pub rules: Arc<RuleBook>,
    pub store: Store,
    pub recorder: Arc<Recorder>,
    pub approvals: Arc<dyn Approvals>,
    pub credentials: Arc<dyn Credentials>,
    pub live: Arc<Live>,
    pub mask_key: MaskKey,
    /// The name of the embedded issuer.
    pub local_issuer: String,
}

impl Door for FrontDoor {
    fn admit(&self, claim: Claim) -> BoxFuture<'_, Result<Session, Fault>> {
        Box::pin(self.admit_claim(claim))
    }
}

impl FrontDoor {
    async fn admit_claim(&self, claim: Claim) -> Result<Session, Fault> {
        let caller = self.authenticate(&claim).await?;
        let target = self.target(&claim).await?;
        let database = claim.database.clone().or_else(|| target.database.clone()).unwrap_or_default();
        let facts = Facts {
            caller: Arc::new(caller),
            target: Arc::new(target),
            database,
            peer: Some(claim.peer.ip().to_canonical()),
        };
        let session = sallyport_store::fresh_id("s")
            .map_err(|fault| Fault::ours("no session id could be made", fault))?;
        let session = SessionId::new(session);
        let mut judge = self.rules.session(facts.clone());
        let grant =
            Grant::admit(judge.as_mut(), facts, session.clone(), WallClock.now()).inspect_err(|denial| {
                tracing::info!(target = claim.target, peer = %claim.peer, %denial, "refused at the door");
            })?;
        let strict = grant.target().strict;
        let journal = self
            .recorder
            .begin(&session, strict)
            .map_err(|fault| Fault::ours("the session cannot be recorded", fault))?;
        let peer = claim.peer.to_string();
        let gate = Gate::open(Opening {
            grant: grant.clone(),
            judge,
            journal,
            approvals: Arc::clone(&self.approvals),
            clock: Arc::new(WallClock),
            mask_key: self.mask_key.clone(),
            peer: Some(peer.clone()),
            client: claim.client,
        })?;
        self.index_opened(&grant, &peer).await?;
        tracing::info!(session = %session, caller = grant.caller().name, target = claim.target, peer, "session opened");
        let over = crate::index::close(self.store.clone(), Arc::clone(&self.recorder), session);
        let ending = self.live.enter(grant, peer, over);
        Ok(Session { gate, credentials: Arc::clone(&self.credentials), ending })
    }

    async fn authenticate(&self, claim: &Claim) -> Result<Caller, Fault> {
        let token = claim.token.expose_str().map(str::trim).filter(|token| token.len() <= MAX_TOKEN_BYTES);
        let Some(token) = token.filter(|token| !token.is_empty()) else {
            let text = "The password has to be a token: get one with `sallyport token` or from your identity provider.";
            return Err(Denial::of_house("no-token", text).into());
        };
        let caller = self.verifier.verify(token, WallClock.now()).await.map_err(|refusal| {
            tracing::info!(peer = %claim.peer, target = claim.target, %refusal, "token refused");
            Fault::from(Denial::of_house("token-refused", refusal.to_string()))
        })?;
        if caller.issuer != self.local_issuer {
            return Ok(caller);
        }
        sallyport_api::standing(&self.store, caller).await.map_err(|fault| match fault {
            NotStanding::Gone => {
                let text = "The account behind this token is disabled or gone. Get a new token, or ask whoever \
                            administers the gateway.";
                Denial::of_house("account-disabled", text).into()
            }
            NotStanding::Store(fault) => Fault::ours("the accounts cannot be read", fault),
        })
    }

    async fn target(&self, claim: &Claim) -> Result<Target, Fault> {
        let stored = self.store.target(&claim.target).await;
        let stored = stored.map_err(|fault| Fault::ours("the register of targets cannot be read", fault))?;
        match stored {
            Some(stored) if stored.target.protocol == claim.protocol => Ok(stored.target),
            _ => {
                let text = format!(
                    "There is no {} target called {:?} here. The target is the database name: TARGET or TARGET/DATABASE.",
                    claim.protocol, claim.target
                );
                Err(Denial::of_house("unknown-target", text).into())
            }
        }
    }

    async fn index_opened(&self, grant: &Grant, peer: &str) -> Result<(), Fault> {
        let (caller, target) = (grant.caller(), grant.target());
        let row = SessionRow {
            id: grant.session().as_str().to_owned(),
            caller: caller.principal(),
            caller_name: caller.name.clone(),
            caller_kind: caller.kind.as_str().to_owned(),
            target: target.name.as_str().to_owned(),
            protocol: target.protocol.clone(),
            account: target.account.clone(),
            database: grant.database().to_owned(),
            peer: Some(peer.to_owned()),
            started: WallClock.now(),
            ended: None,
            reason: None,
            commands: 0,
            denied: 0,
            held: 0,
            head: None,
        };
        self.store
            .session_opened(&row)
            .await
            .map_err(|fault| Fault::ours("the session cannot be registered", fault))
    }
}
