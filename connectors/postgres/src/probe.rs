//! What an administrator learns when asking whether a target can be reached: a session as any other, one question of
//! the gateway's own, and words about how it went. No caller's bytes are part of it.

use crate::seam::TargetSide;
use crate::upstream;
use crate::wire::{self, back, write};
use sallyport_core::Fault;
use sallyport_relay::{Credential, Route};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

const ASKING: Duration = Duration::from_secs(5);
/// Far above what the one row of the answer needs.
const MAX_ANSWER: usize = 64 * 1024;
const GONE: Fault = Fault::Target("the target let the gateway in and did not answer its question");

/// Every name in full: whatever the account's search_path is, nothing else is meant.
const QUESTION: &str = "SELECT pg_catalog.current_setting('server_version'), \
    (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname OPERATOR(pg_catalog.=) current_user)";

/// Reaches the target as a session would: `PostgreSQL 15.18 over TLS 1.3, SCRAM-SHA-256-PLUS, as app.`
pub async fn probe(route: Route, credential: Credential) -> Result<String, Fault> {
    let wanted = [("application_name".to_owned(), "sallyport probe".to_owned())];
    let mut reached = upstream::reach(&route, &credential, &wanted).await?;
    let answer = timeout(ASKING, ask(&mut reached.side)).await.map_err(|_| GONE)??;
    // A target that does not mind the goodbye loses nothing.
    _ = reached.side.stream.write_all(b"X\0\0\0\x04").await;
    let (version, is_superuser) = row(&answer)?;
    let over = reached.tls.unwrap_or("clear text");
    let account = &route.target().account;
    let mut words = format!("PostgreSQL {version} over {over}, {}, as {account}.", reached.proof);
    if is_superuser {
        words.push_str(" Warning: the account is a superuser.");
    }
    Ok(words)
}

/// The first row of the answer.
async fn ask(side: &mut TargetSide) -> Result<Vec<u8>, Fault> {
    let mut question = Vec::new();
    write::query(&mut question, QUESTION);
    side.stream.write_all(&question).await.map_err(|_| GONE)?;
    side.stream.flush().await.map_err(|_| GONE)?;
    let mut seen = 0;
    loop {
        match wire::head(&side.leftover).map_err(|_| GONE)? {
            Some(head) if head.total + seen > MAX_ANSWER => return Err(GONE),
            Some(head) if side.leftover.len() >= head.total => {
                let message = side.leftover.split_to(head.total);
                seen += head.total;
                match head.tag {
                    b'D' => return Ok(message.to_vec()),
                    b'E' | b'Z' => return Err(GONE),
                    _ => continue,
                }
            }
            _ => {}
        }
        if side.stream.read_buf(&mut side.leftover).await.map_err(|_| GONE)? == 0 {
            return Err(GONE);
        }
    }
}

fn row(message: &[u8]) -> Result<(String, bool), Fault> {
    let mut cells = Vec::new();
    back::row_cells(message, &mut cells).map_err(|_| GONE)?;
    let text = |at: usize| cells.get(at)?.of(message);
    let version = text(0).and_then(|version| std::str::from_utf8(version).ok()).ok_or(GONE)?;
    // `15.18 (Debian 15.18-0+deb12u1)`: the number says it.
    let version = version.split_whitespace().next().unwrap_or(version);
    let version: String = version.chars().filter(|letter| letter.is_ascii_graphic()).take(32).collect();
    Ok((version, text(1) == Some(b"t")))
}
