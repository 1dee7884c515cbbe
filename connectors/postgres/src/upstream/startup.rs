//! The first message to a target, and everything between its yes and its first ReadyForQuery.

use super::line::{GARBLED, Line};
use crate::seam::{BackendKey, TargetSide};
use crate::wire::{Reader, back, write};
use bytes::Bytes;
use sallyport_core::{Fault, Secret, TargetName};

/// Protocol 3.0: every server speaks it, and nothing newer is needed of a target.
const PROTOCOL: u32 = 0x0003_0000;
/// What a server reads of a startup before it hangs up.
const MAX_PACKET: usize = 10_000;
/// Who comes in, and where, is for the gateway to say.
const RESERVED: [&str; 3] = ["user", "database", "replication"];
const KEY_LENGTHS: std::ops::RangeInclusive<usize> = 4..=256;
/// How much of a target's own words goes to the log.
const LOGGED: usize = 300;

pub(super) fn packet(
    account: &str,
    database: &str,
    parameters: &[(String, String)],
) -> Result<Vec<u8>, Fault> {
    let mut body = PROTOCOL.to_be_bytes().to_vec();
    let mut add = |name: &str, value: &str| {
        write::text(&mut body, name);
        write::text(&mut body, value);
    };
    add("user", account);
    if !database.is_empty() {
        add("database", database);
    }
    for (name, value) in parameters {
        if name.is_empty() || name.contains('\0') || RESERVED.contains(&name.as_str()) {
            return Err(Fault::Client("it set a startup parameter that is not its own to set"));
        }
        add(name, value);
    }
    body.push(0);
    let length = body.len() + 4;
    let encoded = u32::try_from(length).ok().filter(|_| length <= MAX_PACKET);
    let encoded = encoded.ok_or(Fault::Client("its startup parameters are too long"))?;
    Ok([&encoded.to_be_bytes(), body.as_slice()].concat())
}

/// Reads on until the target is ready.
pub(super) async fn finish(mut line: Line) -> Result<TargetSide, Fault> {
    let (mut parameters, mut backend_key) = (Vec::new(), None);
    loop {
        let (tag, body) = line.next().await?;
        match tag {
            b'S' => {
                let (name, value) = back::parameter(&body).map_err(|_| GARBLED)?;
                parameters.push((name.to_owned(), value.to_owned()));
            }
            b'K' if backend_key.is_none() => backend_key = Some(key(&body)?),
            b'Z' if *body == *b"I" => break,
            _ => return Err(GARBLED),
        }
    }
    if parameters.iter().any(|(name, value)| is_other_grammar(name, value)) {
        return Err(OTHER_GRAMMAR);
    }
    let server_version =
        major(&parameters).ok_or(Fault::Target("the target did not say which version it is"))?;
    Ok(TargetSide { stream: line.stream, leftover: line.buffer, parameters, backend_key, server_version })
}

/// Said of a target where a backslash may end a text or not: what is judged would not be what runs.
pub(crate) const OTHER_GRAMMAR: Fault = Fault::Target(
    "the target reads backslashes in texts differently: set standard_conforming_strings to on there",
);

pub(crate) fn is_other_grammar(name: &str, value: &str) -> bool {
    name == "standard_conforming_strings" && value != "on"
}

fn key(body: &Bytes) -> Result<BackendKey, Fault> {
    let pid = Reader::new(body).uint32().map_err(|_| GARBLED)?;
    let secret = body.get(4..).filter(|secret| KEY_LENGTHS.contains(&secret.len())).ok_or(GARBLED)?;
    Ok(BackendKey { pid, secret: Secret::new(secret) })
}

/// `15.18 (Debian 15.18-1)` and `19beta1` are 15 and 19.
fn major(parameters: &[(String, String)]) -> Option<u32> {
    let (_, version) = parameters.iter().rev().find(|(name, _)| name == "server_version")?;
    let end = version.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(version.len());
    version.get(..end)?.parse().ok()
}

/// An error of the target: its words go to the log, ours to the client.
pub(super) fn refusal(target: &TargetName, body: &[u8]) -> Fault {
    let field = |wanted| back::texts(body).find(|(letter, _)| *letter == wanted).map(|(_, text)| text);
    let code = field(b'C').unwrap_or_default();
    let message = field(b'M').unwrap_or_default();
    let message = String::from_utf8_lossy(message.get(..LOGGED).unwrap_or(message));
    tracing::warn!(%target, code = ?String::from_utf8_lossy(code), ?message, "the target refused the gateway");
    Fault::Target(match code {
        [b'2', b'8', ..] => "the target refused the gateway's credential",
        b"3D000" => "the target has no such database",
        b"42501" => "the target's account may not open this database",
        b"53300" => "the target has no connection left",
        b"57P03" => "the target is starting or stopping: try again soon",
        [b'2', b'2', ..] | [b'4', b'2', ..] => "the target did not accept a parameter of the connection",
        _ => "the target refused the connection",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.into(), value.into())
    }

    #[test]
    fn user_and_database_are_never_a_callers_to_set() {
        for name in ["user", "database", "replication", "", "application_name\0user"] {
            assert!(packet("app", "shop", &[pair(name, "postgres")]).is_err(), "{name:?}");
        }
        let made = packet("app", "", &[pair("application_name", "x\0user\0root")]).unwrap();
        assert_eq!(&made[8..], b"user\0app\0application_name\0xuserroot\0\0");
        assert_eq!(made[..4], u32::try_from(made.len()).unwrap().to_be_bytes());
        assert!(packet("app", "shop", &[pair("application_name", &"x".repeat(MAX_PACKET))]).is_err());
    }

    #[test]
    fn versions_are_read_up_to_what_is_no_digit() {
        for (text, version) in
            [("15.18 (Debian 15.18-1)", Some(15)), ("19beta1", Some(19)), ("16", Some(16)), ("x", None)]
        {
            assert_eq!(major(&[pair("server_version", text)]), version, "{text}");
        }
        assert_eq!(major(&[]), None);
    }

    #[test]
    fn a_refusal_says_what_it_means_and_nothing_of_the_targets_own() {
        let name = TargetName::new("shop");
        let said = |code: &str| {
            let body = format!("SFATAL\0{code}Msecret inner words\0\0");
            refusal(&name, body.as_bytes()).public()
        };
        assert_eq!(said("C28P01\0"), "the target refused the gateway's credential");
        assert_eq!(said("C28000\0"), "the target refused the gateway's credential");
        assert_eq!(said("C3D000\0"), "the target has no such database");
        assert_eq!(said("C57P03\0"), "the target is starting or stopping: try again soon");
        assert_eq!(said(""), "the target refused the connection");
        assert_eq!(refusal(&name, b"").public(), "the target refused the connection");
    }
}
