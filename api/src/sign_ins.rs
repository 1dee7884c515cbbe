//! What signing in has to remember for minutes: attempts, device codes, assertions, and people between the two steps of
//! the device page. In memory, bounded; a restart costs a person one more sign-in.

use crate::error::{Answer, Problem};
use crate::limits::MAX_TICKETS;
use sallyport_core::Moment;
use sallyport_identity::grants::{Attempts, ClientAssertions, DEVICE_CODE_SECONDS, DeviceFlow};
use sallyport_identity::{Issuer, PersonAccount};
use sallyport_store::fresh_id;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

pub struct SignIns {
    pub(crate) attempts: Attempts,
    pub(crate) devices: DeviceFlow,
    pub(crate) assertions: ClientAssertions,
    tickets: Mutex<HashMap<String, Ticket>>,
}

/// A person who signed in on the device page and has not said yes or no.
#[derive(Clone)]
pub(crate) struct Ticket {
    pub person: String,
    pub account_since: Moment,
    pub user_code: String,
    until: Moment,
}

impl SignIns {
    pub fn new(issuer: &Issuer, public_url: &str) -> Self {
        let base = public_url.trim_end_matches('/');
        let audiences = vec![issuer.settings().issuer.clone(), format!("{base}/oauth/token")];
        Self {
            attempts: Attempts::new(),
            devices: DeviceFlow::new(),
            assertions: ClientAssertions::new(audiences),
            tickets: Mutex::default(),
        }
    }
    pub(crate) fn ticket(&self, person: &PersonAccount, user_code: &str, now: Moment) -> Answer<String> {
        let id = fresh_id("ticket").map_err(|fault| Problem::ours("sign you in", &fault))?;
        let mut tickets = self.tickets.lock().unwrap_or_else(PoisonError::into_inner);
        tickets.retain(|_, ticket| ticket.until > now);
        if tickets.len() >= MAX_TICKETS {
            return Err(Problem::too_many("too many people sign in at once"));
        }
        let until = now.plus_seconds(DEVICE_CODE_SECONDS);
        let (account_since, person) = (person.since, person.id.clone());
        let ticket = Ticket { person, account_since, user_code: user_code.into(), until };
        tickets.insert(id.clone(), ticket);
        Ok(id)
    }
    /// Works once.
    pub(crate) fn redeem(&self, id: &str, now: Moment) -> Option<Ticket> {
        let mut tickets = self.tickets.lock().unwrap_or_else(PoisonError::into_inner);
        tickets.remove(id).filter(|ticket| ticket.until > now)
    }
}
