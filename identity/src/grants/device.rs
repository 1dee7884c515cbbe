//! The device flow (RFC 8628): a program shows a short code, a signed-in person approves it, the program gets a token.
//!
//! Requests live in memory for ten minutes. Invariants: a device code is kept only as its digest and works once; a
//! request is bound to the client that began it; their number is bounded, in all and per address.

use crate::grants::GrantRefusal;
use crate::random;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sallyport_core::{Moment, Secret};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard};

pub const DEVICE_CODE_SECONDS: i64 = 10 * 60;
pub const POLL_SECONDS: i64 = 5;

/// Consonants: no word comes out, and none looks like a digit (RFC 8628, 6.1). 20 of them, eight times: 34 bits.
const ALPHABET: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
const USER_CODE_LETTERS: usize = 8;
const MAX_REQUESTS: usize = 1_000;
const MAX_REQUESTS_PER_ADDRESS: usize = 20;

type CodeDigest = [u8; 32];

#[derive(Default)]
pub struct DeviceFlow {
    requests: Mutex<HashMap<CodeDigest, Request>>,
}

/// The answer of the device authorization endpoint.
#[derive(Debug)]
pub struct DeviceStart {
    pub device_code: Secret,
    /// As the person types it: `BCDF-GHJK`.
    pub user_code: String,
    pub expires_in_seconds: i64,
    pub interval_seconds: i64,
}

/// What the person sees before approving.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceRequest {
    pub client: String,
    pub address: IpAddr,
    pub begun: Moment,
}

/// The token to issue: for this person, to this client. Look the account up again: it may be disabled by now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceApproval {
    pub person: String,
    /// When the account that approved was made: one made anew under its name did not approve.
    pub account_since: Moment,
    pub client: String,
}

struct Request {
    user_code: String,
    about: DeviceRequest,
    interval_seconds: i64,
    polled: Option<Moment>,
    state: State,
}

enum State {
    Waiting,
    Approved { person: String, account_since: Moment },
    Denied,
}

impl DeviceFlow {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn start(&self, client: &str, address: IpAddr, now: Moment) -> Result<DeviceStart, GrantRefusal> {
        let mut requests = self.live(now)?;
        let of_address = requests.values().filter(|request| request.about.address == address).count();
        if requests.len() >= MAX_REQUESTS || of_address >= MAX_REQUESTS_PER_ADDRESS {
            return Err(GrantRefusal::TooMany { retry_after_seconds: DEVICE_CODE_SECONDS });
        }
        let device_code =
            URL_SAFE_NO_PAD.encode(random::bytes::<32>().map_err(|_| GrantRefusal::Unavailable)?);
        let user_code = unused_code(&requests)?;
        let about = DeviceRequest { client: client.to_owned(), address, begun: now };
        let request = Request {
            user_code: user_code.clone(),
            about,
            interval_seconds: POLL_SECONDS,
            polled: None,
            state: State::Waiting,
        };
        requests.insert(digest(&device_code), request);
        Ok(DeviceStart {
            device_code: Secret::new(device_code),
            user_code: shown(&user_code),
            expires_in_seconds: DEVICE_CODE_SECONDS,
            interval_seconds: POLL_SECONDS,
        })
    }

    /// What a user code is about. Take an attempt first: codes are short.
    pub fn look_up(&self, user_code: &str, now: Moment) -> Result<DeviceRequest, GrantRefusal> {
        let mut requests = self.live(now)?;
        waiting(&mut requests, user_code).map(|request| request.about.clone())
    }

    /// `person` is the account of whoever is signed in and pressed the button, made at `account_since`.
    pub fn approve(
        &self,
        user_code: &str,
        person: &str,
        account_since: Moment,
        now: Moment,
    ) -> Result<(), GrantRefusal> {
        let mut requests = self.live(now)?;
        let approved = State::Approved { person: person.to_owned(), account_since };
        waiting(&mut requests, user_code)?.state = approved;
        Ok(())
    }

    pub fn deny(&self, user_code: &str, now: Moment) -> Result<(), GrantRefusal> {
        let mut requests = self.live(now)?;
        waiting(&mut requests, user_code)?.state = State::Denied;
        Ok(())
    }

    /// The program's question at the token endpoint.
    pub fn poll(
        &self,
        device_code: &Secret,
        client: &str,
        now: Moment,
    ) -> Result<DeviceApproval, GrantRefusal> {
        let code = digest(device_code.expose_str().ok_or(GrantRefusal::Code)?);
        let mut requests = self.requests.lock().map_err(|_| GrantRefusal::Unavailable)?;
        let request = requests.get_mut(&code).filter(|request| request.about.client == client);
        let request = request.ok_or(GrantRefusal::Code)?;
        if request.is_over(now) {
            requests.remove(&code);
            return Err(GrantRefusal::Expired);
        }
        if request.is_hurried(now) {
            request.interval_seconds += POLL_SECONDS;
            return Err(GrantRefusal::SlowDown);
        }
        if matches!(request.state, State::Waiting) {
            return Err(GrantRefusal::Pending);
        }
        match requests.remove(&code).map(|request| request.state) {
            Some(State::Approved { person, account_since }) => {
                Ok(DeviceApproval { person, account_since, client: client.to_owned() })
            }
            Some(State::Denied) => Err(GrantRefusal::Denied),
            Some(State::Waiting) | None => Err(GrantRefusal::Code),
        }
    }

    fn live(&self, now: Moment) -> Result<MutexGuard<'_, HashMap<CodeDigest, Request>>, GrantRefusal> {
        let mut requests = self.requests.lock().map_err(|_| GrantRefusal::Unavailable)?;
        requests.retain(|_, request| !request.is_over(now));
        Ok(requests)
    }
}

impl Request {
    fn is_over(&self, now: Moment) -> bool {
        self.about.begun.plus_seconds(DEVICE_CODE_SECONDS) <= now
    }
    fn is_hurried(&mut self, now: Moment) -> bool {
        let before = self.polled.replace(now);
        before.is_some_and(|before| before.plus_seconds(self.interval_seconds) > now)
    }
}

fn waiting<'a>(
    requests: &'a mut HashMap<CodeDigest, Request>,
    user_code: &str,
) -> Result<&'a mut Request, GrantRefusal> {
    let wanted = canonical(user_code);
    let mut all = requests.values_mut();
    let found = all.find(|request| request.user_code == wanted && matches!(request.state, State::Waiting));
    found.ok_or(GrantRefusal::Code)
}

/// Case, spaces and hyphens are how people type.
fn canonical(user_code: &str) -> String {
    let letters = user_code.chars().filter(char::is_ascii_alphabetic);
    letters.take(USER_CODE_LETTERS + 1).map(|letter| letter.to_ascii_uppercase()).collect()
}

fn shown(user_code: &str) -> String {
    let (front, back) = user_code.split_at_checked(USER_CODE_LETTERS / 2).unwrap_or((user_code, ""));
    format!("{front}-{back}")
}

fn unused_code(requests: &HashMap<CodeDigest, Request>) -> Result<String, GrantRefusal> {
    loop {
        let code = user_code()?;
        if !requests.values().any(|request| request.user_code == code) {
            return Ok(code);
        }
    }
}

fn user_code() -> Result<String, GrantRefusal> {
    let mut code = String::with_capacity(USER_CODE_LETTERS);
    while code.len() < USER_CODE_LETTERS {
        let [byte] = random::bytes::<1>().map_err(|_| GrantRefusal::Unavailable)?;
        // 240 of the 256 values are twelve times the alphabet; the rest would favour its start.
        if let Some(letter) = ALPHABET.get(usize::from(byte % 20)).filter(|_| byte < 240) {
            code.push(char::from(*letter));
        }
    }
    Ok(code)
}

fn digest(device_code: &str) -> CodeDigest {
    Sha256::digest(device_code.as_bytes()).into()
}

impl fmt::Debug for DeviceFlow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DeviceFlow(…)")
    }
}
