//! The packets of a startup, read by an allow-list: what is not known is refused by name.
//!
//! <https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-START-UP>

use super::Turned;

const CANCEL: u32 = 80_877_102;
const TLS: u32 = 80_877_103;
const GSS: u32 = 80_877_104;
/// The newest minor version of protocol 3 that is spoken here; 3.1 was never used by anyone.
const NEWEST_MINOR: u16 = 2;
const MAX_CANCEL_KEY: usize = 256;

/// Parameters that a client may set. None of them changes who it is or what a name means to the rules: names are
/// resolved over every schema.
const ALLOWED: &[&str] = &[
    "application_name",
    "client_encoding",
    "client_min_messages",
    "DateStyle",
    "extra_float_digits",
    "geqo",
    "idle_in_transaction_session_timeout",
    "IntervalStyle",
    "lock_timeout",
    "search_path",
    "statement_timeout",
    "TimeZone",
];

pub(super) enum Packet {
    Cancel { pid: u32, key: Vec<u8> },
    Tls,
    Gss,
    Startup(Startup),
}

#[derive(Debug, Default)]
pub(super) struct Startup {
    pub minor: u16,
    pub user: Option<String>,
    pub database: Option<String>,
    pub application: Option<String>,
    pub parameters: Vec<(String, String)>,
    /// `_pq_.` options: protocol extensions, none of which is spoken here.
    pub unknown_options: Vec<String>,
}

pub(super) fn read(packet: &[u8]) -> Result<Packet, Turned> {
    let Some((code, rest)) = packet.split_first_chunk::<4>() else { return Err(malformed()) };
    match u32::from_be_bytes(*code) {
        CANCEL => {
            let Some((pid, key)) = rest.split_first_chunk::<4>() else { return Err(malformed()) };
            if key.is_empty() || key.len() > MAX_CANCEL_KEY {
                return Err(Turned::Silent("a cancel request with an impossible key"));
            }
            Ok(Packet::Cancel { pid: u32::from_be_bytes(*pid), key: key.to_vec() })
        }
        TLS if rest.is_empty() => Ok(Packet::Tls),
        GSS if rest.is_empty() => Ok(Packet::Gss),
        version if version >> 16 == 3 => {
            Startup::read(u16::try_from(version & 0xffff).unwrap_or(u16::MAX), rest).map(Packet::Startup)
        }
        version => {
            let (major, minor) = (version >> 16, version & 0xffff);
            Err(Turned::told(
                "08P01",
                format!("Protocol {major}.{minor} is not spoken here; 3.0 and 3.2 are."),
            ))
        }
    }
}

fn malformed() -> Turned {
    Turned::told("08P01", "The startup packet is malformed.")
}

impl Startup {
    fn read(minor: u16, bytes: &[u8]) -> Result<Self, Turned> {
        let mut startup = Startup { minor, ..Startup::default() };
        // Each pair ends with a zero of its own, and one more ends the list.
        let body = match bytes {
            [0] => &[],
            [body @ .., 0, 0] => body,
            _ => return Err(malformed()),
        };
        let text = std::str::from_utf8(body)
            .map_err(|_| Turned::told("08P01", "The startup packet is not UTF-8."))?;
        if text.is_empty() {
            return Ok(startup);
        }
        let mut words = text.split('\0');
        let mut seen: Vec<String> = Vec::new();
        while let Some(name) = words.next() {
            let Some(value) = words.next() else { return Err(malformed()) };
            let lower = name.to_ascii_lowercase();
            if name.is_empty() || seen.contains(&lower) {
                return Err(Turned::told("08P01", "The startup packet names a parameter twice, or none."));
            }
            seen.push(lower);
            startup.take(name, value)?;
        }
        Ok(startup)
    }

    fn take(&mut self, name: &str, value: &str) -> Result<(), Turned> {
        match name {
            "user" => self.user = Some(value.to_owned()),
            "database" => self.database = Some(value.to_owned()),
            "replication" => {
                if !["false", "off", "no", "0", ""].contains(&value.to_ascii_lowercase().as_str()) {
                    let text = "Replication is not offered through the gateway.";
                    return Err(Turned::told("0A000", text));
                }
            }
            "options" => {
                for (name, value) in options(value)? {
                    self.set(&name, &value)?;
                }
            }
            name if name.starts_with("_pq_.") => self.unknown_options.push(name.to_owned()),
            name => self.set(name, value)?,
        }
        Ok(())
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), Turned> {
        let Some(known) = ALLOWED.iter().find(|known| known.eq_ignore_ascii_case(name)) else {
            let text = format!("The startup parameter {name:?} is not allowed through the gateway.");
            return Err(Turned::told("42501", text)
                .hint("Leave it out, or use SET once connected, where a rule can judge it."));
        };
        if *known == "client_encoding" && !is_utf8(value) {
            let text = format!(
                "The client encoding {value:?} is not supported: statements have to be read to be judged."
            );
            return Err(Turned::told("0A000", text).hint("Set client_encoding to UTF8."));
        }
        if *known == "application_name" {
            self.application = Some(value.to_owned());
        }
        self.parameters.push(((*known).to_owned(), value.to_owned()));
        Ok(())
    }

    pub fn agreed_minor(&self) -> u16 {
        if self.minor >= NEWEST_MINOR { NEWEST_MINOR } else { 0 }
    }

    /// The target and what to open there: from the database name, or from the name that the TLS client asked for.
    pub fn target(&self, server_name: Option<&str>) -> Result<(String, Option<String>), Turned> {
        let named = self.database.as_deref().filter(|name| !name.is_empty());
        let from_database = named.map(|name| match name.split_once('/') {
            Some((target, database)) => (target, Some(database)),
            None => (name, None),
        });
        let label = server_name.and_then(|name| name.split('.').next()).filter(|label| !label.is_empty());
        match (from_database, label) {
            (Some((target, database)), _) if !target.is_empty() && database != Some("") => {
                Ok((target.to_owned(), database.map(str::to_owned)))
            }
            (None, Some(label)) if label != "localhost" => Ok((label.to_owned(), None)),
            (Some(_) | None, _) => {
                let text = "No target was named.";
                Err(Turned::told("3D000", text).hint("Name it as the database: TARGET, or TARGET/DATABASE."))
            }
        }
    }
}

/// Whatever PostgreSQL takes for UTF-8: case and punctuation do not count.
pub(crate) fn is_utf8(encoding: &str) -> bool {
    let plain: String =
        encoding.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    plain == "utf8" || plain == "unicode"
}

/// `-c name=value` and `--name=value`, with backslashes before spaces, as PostgreSQL splits them.
fn options(text: &str) -> Result<Vec<(String, String)>, Turned> {
    let refused = || {
        Turned::told(
            "42501",
            "The startup parameter \"options\" may only set parameters that are allowed by name.",
        )
        .hint("Write -c name=value.")
    };
    let mut set = Vec::new();
    let mut words = split(text).into_iter();
    while let Some(word) = words.next() {
        let pair = match (word.strip_prefix("--"), word.strip_prefix("-c")) {
            (Some(pair), _) => pair.to_owned(),
            (None, Some("")) => words.next().ok_or_else(refused)?,
            (None, Some(pair)) => pair.to_owned(),
            (None, None) => return Err(refused()),
        };
        let (name, value) = pair.split_once('=').ok_or_else(refused)?;
        set.push((name.replace('-', "_"), value.to_owned()));
    }
    Ok(set)
}

fn split(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut open = false;
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => {
                word.extend(letters.next());
                open = true;
            }
            letter if letter.is_ascii_whitespace() => {
                if open {
                    words.push(std::mem::take(&mut word));
                }
                open = false;
            }
            letter => {
                word.push(letter);
                open = true;
            }
        }
    }
    if open {
        words.push(word);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(minor: u16, pairs: &[(&str, &str)]) -> Vec<u8> {
        let mut bytes = (0x0003_0000u32 | u32::from(minor)).to_be_bytes().to_vec();
        for (name, value) in pairs {
            bytes.extend_from_slice(name.as_bytes());
            bytes.push(0);
            bytes.extend_from_slice(value.as_bytes());
            bytes.push(0);
        }
        bytes.push(0);
        bytes
    }

    fn startup(pairs: &[(&str, &str)]) -> Result<Startup, String> {
        match read(&packet(0, pairs)) {
            Ok(Packet::Startup(startup)) => Ok(startup),
            Ok(_) => Err("another packet".into()),
            Err(Turned::Told { message, .. }) => Err(message),
            Err(Turned::Silent(why)) => Err(why.into()),
        }
    }

    #[test]
    fn names_the_target_by_database_or_server_name() {
        let named = startup(&[("user", "me"), ("database", "shop/orders")]).unwrap();
        assert_eq!(named.target(None).unwrap(), ("shop".into(), Some("orders".into())));
        let unnamed = startup(&[("user", "shop")]).unwrap();
        assert!(unnamed.target(None).is_err(), "the user name was taken for a target");
        assert_eq!(unnamed.target(Some("shop.db.example.com")).unwrap(), ("shop".into(), None));
        for wrong in ["/x", "shop/", "/"] {
            assert!(
                startup(&[("user", "me"), ("database", wrong)]).unwrap().target(None).is_err(),
                "{wrong}"
            );
        }
    }

    #[test]
    fn what_is_not_on_the_list_is_refused_by_name() {
        for (name, value) in [
            ("session_authorization", "postgres"),
            ("role", "postgres"),
            ("default_transaction_read_only", "off"),
            ("replication", "database"),
            ("replication", "true"),
            ("client_encoding", "SJIS"),
            ("client_encoding", "SQL_ASCII"),
            ("options", "-c role=postgres"),
            ("options", "-c session_authorization=postgres"),
            ("options", "--role=postgres"),
            ("options", "-crole=postgres"),
            ("options", "-c search_path=a -c role=b"),
            ("options", "-f postgresql.conf"),
            ("options", "-c"),
            ("OPTIONS", "-c role=postgres"),
        ] {
            assert!(startup(&[("user", "me"), (name, value)]).is_err(), "{name}={value} was let in");
        }
        let fine =
            startup(&[("user", "me"), ("options", "-c statement_timeout=5s --search-path=a,\\ b")]).unwrap();
        assert_eq!(
            fine.parameters,
            [("statement_timeout".into(), "5s".into()), ("search_path".into(), "a, b".into())]
                as [(String, String); 2]
        );
    }

    #[test]
    fn a_parameter_named_twice_is_refused() {
        assert!(startup(&[("user", "me"), ("database", "a"), ("Database", "b")]).is_err());
    }

    #[test]
    fn malformed_packets_are_refused() {
        for bytes in [
            &b""[..],
            b"\0\x03",
            b"\0\x03\0\0",
            b"\0\x03\0\0user",
            b"\0\x03\0\0user\0me\0",
            b"\0\x03\0\0user\0\xff\0\0",
            b"\0\x09\0\x09\0",
        ] {
            assert!(read(bytes).is_err(), "{bytes:?}");
        }
        assert!(read(&[&TLS.to_be_bytes()[..], b"x"].concat()).is_err());
    }

    #[test]
    fn newer_minor_versions_are_answered_with_ours() {
        for (asked, agreed) in [(0, 0), (1, 0), (2, 2), (9999, 2)] {
            let Ok(Packet::Startup(startup)) = read(&packet(asked, &[("user", "me")])) else {
                panic!("refused")
            };
            assert_eq!(startup.agreed_minor(), agreed);
        }
    }
}
