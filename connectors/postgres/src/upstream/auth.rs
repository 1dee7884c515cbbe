//! Proving to a target who we are, in the order that the target asks and no other.
//!
//! Invariants: the password itself leaves only over a connection to a proved target, and a target that began SCRAM is
//! believed only once it has shown that it knows the password too.

use super::Proof;
use super::line::{GARBLED, Line};
use super::tls::Tls;
use crate::config::PostgresSettings;
use crate::wire::{Reader, write};
use bytes::Bytes;
use postgres_protocol::authentication::md5_hash;
use postgres_protocol::authentication::sasl::{
    ChannelBinding, SCRAM_SHA_256, SCRAM_SHA_256_PLUS, ScramSha256,
};
use sallyport_core::Fault;
use sallyport_relay::Credential;
use zeroize::Zeroizing;

const OK: u32 = 0;
const CLEARTEXT: u32 = 3;
const MD5: u32 = 5;
const SASL: u32 = 10;
const SASL_CONTINUE: u32 = 11;
const SASL_FINAL: u32 = 12;

/// Each round costs us as much as the target wants us to work. PostgreSQL's own default is 4096.
const MOST_ROUNDS: u32 = 1_000_000;

const UNBOUND: Fault =
    Fault::Target("the target did not bind the login to the TLS connection, which its settings ask for");
const IMPOSTOR: Fault = Fault::Target("the target could not show that it knows the account's password");

/// What a login has at hand.
pub(super) struct Login<'a> {
    pub account: &'a str,
    pub credential: &'a Credential,
    pub settings: &'a PostgresSettings,
    pub tls: Option<Tls>,
}

impl Login<'_> {
    fn password(&self) -> Result<&[u8], Fault> {
        let password = self.credential.password.as_ref();
        let password =
            password.ok_or(Fault::Target("the target wants a password and has none registered"))?;
        if password.expose().contains(&0) {
            return Err(Fault::Target("the password registered for the target holds a zero byte"));
        }
        Ok(password.expose())
    }
}

/// Answers what the target asks until it says yes.
pub(super) async fn prove(line: &mut Line, login: Login<'_>) -> Result<Proof, Fault> {
    let (code, rest) = asked(line).await?;
    let bound = login.settings.binding_required;
    let proof = match code {
        _ if bound && code != SASL => return Err(UNBOUND),
        OK => return Ok(Proof::Unasked),
        CLEARTEXT => cleartext(line, &login).await?,
        MD5 => md5(line, &login, &rest).await?,
        SASL => scram(line, &login, &rest).await?,
        _ => return Err(Fault::Target("the target asks for a login that the gateway does not know")),
    };
    match asked(line).await? {
        (OK, _) => Ok(proof),
        _ => Err(GARBLED),
    }
}

/// The next question of the login: its code, and what follows it.
async fn asked(line: &mut Line) -> Result<(u32, Bytes), Fault> {
    match line.next().await? {
        (b'R', body) => {
            let code = Reader::new(&body).uint32().map_err(|_| GARBLED)?;
            Ok((code, body.slice(4..)))
        }
        _ => Err(GARBLED),
    }
}

async fn answer(line: &mut Line, fill: impl FnOnce(&mut Vec<u8>)) -> Result<(), Fault> {
    let mut message = Zeroizing::new(Vec::with_capacity(512));
    write::message(&mut message, b'p', fill);
    line.send(&message).await
}

async fn cleartext(line: &mut Line, login: &Login<'_>) -> Result<Proof, Fault> {
    if !login.settings.is_verified() {
        return Err(Fault::Target(
            "the target wants the password in clear, which needs sslmode verify-ca or verify-full",
        ));
    }
    let password = login.password()?;
    answer(line, |out| {
        out.extend_from_slice(password);
        out.push(0);
    })
    .await?;
    Ok(Proof::Password)
}

async fn md5(line: &mut Line, login: &Login<'_>, rest: &[u8]) -> Result<Proof, Fault> {
    let salt: [u8; 4] = rest.try_into().map_err(|_| GARBLED)?;
    let hash = Zeroizing::new(md5_hash(login.account.as_bytes(), login.password()?, salt));
    answer(line, |out| write::text(out, &hash)).await?;
    Ok(Proof::Md5)
}

async fn scram(line: &mut Line, login: &Login<'_>, offer: &[u8]) -> Result<Proof, Fault> {
    let (proof, binding) = mechanism(login, offer)?;
    let name = proof.to_string();
    let mut exchange = ScramSha256::new(login.password()?, binding);
    let first = exchange.message().to_vec();
    answer(line, |out| {
        write::text(out, &name);
        out.extend_from_slice(&u32::try_from(first.len()).unwrap_or_default().to_be_bytes());
        out.extend_from_slice(&first);
    })
    .await?;
    let challenge = step(line, SASL_CONTINUE).await?;
    if !is_affordable(&challenge) {
        return Err(Fault::Target("the target asks for more than a million rounds of SCRAM"));
    }
    // The hashing takes milliseconds, as it should: not on a thread that serves others.
    let hashed = tokio::task::spawn_blocking(move || exchange.update(&challenge).map(|()| exchange));
    let hashed = hashed.await.map_err(|fault| Fault::ours("the gateway could not log in", fault))?;
    // Only what was updated without fault still has a message.
    let mut exchange = hashed.map_err(|fault| {
        tracing::warn!(%fault, "the target's SCRAM challenge cannot be answered");
        Fault::Target("the target's SCRAM challenge cannot be answered")
    })?;
    answer(line, |out| out.extend_from_slice(exchange.message())).await?;
    let last = step(line, SASL_FINAL).await?;
    exchange.finish(&last).map_err(|_| IMPOSTOR)?;
    Ok(proof)
}

/// Hashing cannot be stopped once it began: what a target may ask for is looked at before. What cannot be read here is
/// left to who reads the challenge itself.
fn is_affordable(challenge: &[u8]) -> bool {
    let mut rounds = challenge.split(|byte| *byte == b',').filter_map(|part| part.strip_prefix(b"i="));
    rounds.all(|rounds| {
        let rounds = std::str::from_utf8(rounds).ok().and_then(|text| text.parse::<u32>().ok());
        rounds.is_some_and(|rounds| rounds <= MOST_ROUNDS)
    })
}

/// The one message that SCRAM lets the target send now. A yes in the middle is from somebody who does not know the
/// password and would rather not show it.
async fn step(line: &mut Line, wanted: u32) -> Result<Bytes, Fault> {
    match asked(line).await? {
        (code, rest) if code == wanted => Ok(rest),
        (OK, _) => Err(IMPOSTOR),
        _ => Err(GARBLED),
    }
}

/// The strongest mechanism that both have. Where ours could bind and theirs does not offer it, SCRAM says so, and a
/// target that did offer it notices that somebody took the offer out.
fn mechanism(login: &Login<'_>, offer: &[u8]) -> Result<(Proof, ChannelBinding), Fault> {
    let offers = |name: &str| offer.split(|byte| *byte == 0).any(|offered| offered == name.as_bytes());
    let end_point = login.tls.as_ref().and_then(|tls| tls.end_point.clone());
    match end_point {
        Some(end_point) if offers(SCRAM_SHA_256_PLUS) => {
            Ok((Proof::ScramPlus, ChannelBinding::tls_server_end_point(end_point)))
        }
        _ if login.settings.binding_required => Err(UNBOUND),
        _ if !offers(SCRAM_SHA_256) => {
            Err(Fault::Target("the target offers no SASL mechanism that the gateway knows"))
        }
        Some(_) => Ok((Proof::Scram, ChannelBinding::unrequested())),
        None => Ok((Proof::Scram, ChannelBinding::unsupported())),
    }
}
