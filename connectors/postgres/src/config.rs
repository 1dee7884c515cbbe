//! The settings of a PostgreSQL target: their schema, what is wrong with given ones, and what they come to.
//!
//! Not here: the credential, which the vault keeps. Invariant: every mode means what it says, and no setting lets a
//! connection fall back to clear text or to an unchecked certificate.

use sallyport_core::{Fault, Target};
use sallyport_relay::tls_client::{self, Roots, TlsFault, Trust, Verify};
use sallyport_relay::{Setting, SettingFault};
use std::collections::BTreeMap;
use std::net::IpAddr;

const SSLMODE: &str = "sslmode";
const CA_FILE: &str = "ca_file";
const CA_PEM: &str = "ca_pem";
const CHANNEL_BINDING: &str = "channel_binding";
const READ_ONLY: &str = "read_only";

const MODES: &[&str] = &["disable", "require", "verify-ca", "verify-full"];
const BINDINGS: &[&str] = &["prefer", "require"];
const READ_ONLYS: &[&str] = &["auto", "off"];

/// What servers from version 17 on answer to; older ones do not mind.
pub(crate) const ALPN: &[u8] = b"postgresql";

pub const SETTINGS: &[Setting] = &[
    Setting {
        key: SSLMODE,
        help: "TLS to the target. verify-full checks the certificate and its host name and is the default; on a \
               loopback host without a CA the default is disable. verify-ca checks the certificate only, require \
               encrypts and checks nothing, disable is clear text. There is no prefer and no allow: both give way to \
               clear text when asked to.",
        default: None,
        choices: MODES,
        secret: false,
    },
    Setting {
        key: CA_FILE,
        help: "File of the gateway's host with the certificate authorities to believe, in PEM. Without it and \
               ca_pem: those of the system.",
        default: None,
        choices: &[],
        secret: false,
    },
    Setting {
        key: CA_PEM,
        help: "The certificate authorities to believe themselves, in PEM, instead of a file.",
        default: None,
        choices: &[],
        secret: false,
    },
    Setting {
        key: CHANNEL_BINDING,
        help: "require: connect only where SCRAM binds the login to the TLS connection, so that nobody between the \
               two can pass it on. prefer: bind where the target offers it.",
        default: Some("prefer"),
        choices: BINDINGS,
        secret: false,
    },
    Setting {
        key: READ_ONLY,
        help: "auto: where no rule could let a caller write, its session is opened with read-only transactions, so that \
               the database refuses what the rules should have. off: the database is told nothing.",
        default: Some("auto"),
        choices: READ_ONLYS,
        secret: false,
    },
];

/// Where the authorities to believe come from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Authorities {
    System,
    File(String),
    Pem(String),
}

/// What a target's settings come to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PostgresSettings {
    /// None is clear text.
    pub tls: Option<Verify>,
    pub binding_required: bool,
    /// Callers whom no rule lets write get read-only transactions.
    pub read_only: bool,
    authorities: Authorities,
}

impl PostgresSettings {
    pub fn of(target: &Target) -> Result<Self, Fault> {
        read(target).map_err(|faults| {
            let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
            Fault::ours("the settings of this target are not usable", faults.join("; "))
        })
    }

    /// Whether whoever answers was proved to be the target.
    pub fn is_verified(&self) -> bool {
        matches!(self.tls, Some(Verify::Chain | Verify::ChainAndName))
    }

    /// The file of authorities that has to be looked at for a connection.
    pub(crate) fn ca_file(&self) -> Option<&str> {
        match &self.authorities {
            Authorities::File(file) if self.is_verified() => Some(file),
            Authorities::File(_) | Authorities::System | Authorities::Pem(_) => None,
        }
    }

    /// The system says who is believed.
    pub(crate) fn is_of_system(&self) -> bool {
        self.is_verified() && self.authorities == Authorities::System
    }

    /// Whom these settings believe. Reads files: not for an async thread.
    pub(crate) fn trust(&self) -> Result<Trust, TlsFault> {
        let roots = if self.is_verified() { Some(self.roots()?) } else { None };
        tls_client::trust(self.tls.unwrap_or(Verify::ChainAndName), roots)
    }

    fn roots(&self) -> Result<Roots, TlsFault> {
        match &self.authorities {
            Authorities::System => tls_client::roots(None),
            Authorities::Pem(text) => tls_client::roots(Some((CA_PEM, text.as_bytes()))),
            Authorities::File(file) => tls_client::roots(Some((file, &tls_client::read_pem(file)?))),
        }
    }
}

/// Everything that is wrong with a target's settings. Reads the CA file, if one is named.
pub fn validate(target: &Target) -> Vec<SettingFault> {
    let settings = match read(target) {
        Ok(settings) => settings,
        Err(faults) => return faults,
    };
    if !settings.is_verified() {
        return Vec::new();
    }
    let key = match &settings.authorities {
        Authorities::System => SSLMODE,
        Authorities::File(_) => CA_FILE,
        Authorities::Pem(_) => CA_PEM,
    };
    settings.roots().err().map(|wrong| fault(key, wrong)).into_iter().collect()
}

fn fault(key: &str, problem: impl std::fmt::Display) -> SettingFault {
    SettingFault { key: key.to_owned(), problem: problem.to_string() }
}

fn read(target: &Target) -> Result<PostgresSettings, Vec<SettingFault>> {
    let given = &target.settings;
    let mut faults: Vec<SettingFault> = given
        .keys()
        .filter(|key| !SETTINGS.iter().any(|setting| setting.key == key.as_str()))
        .map(|key| fault(key, "a PostgreSQL target has no such setting"))
        .collect();
    let authorities = authorities(given, &mut faults);
    let named = authorities != Authorities::System;
    let mode = choice(given, SSLMODE, MODES, &mut faults);
    let tls = match mode {
        Some("disable") => None,
        Some("require") => Some(Verify::Nothing),
        Some("verify-ca") => Some(Verify::Chain),
        None if is_loopback(&target.host) && !named => None,
        _ => Some(Verify::ChainAndName),
    };
    let binding = choice(given, CHANNEL_BINDING, BINDINGS, &mut faults);
    let read_only = choice(given, READ_ONLY, READ_ONLYS, &mut faults) != Some("off");
    let binding_required = binding == Some("require");
    let settings = PostgresSettings { tls, binding_required, read_only, authorities };
    if named && !settings.is_verified() {
        faults
            .push(fault(SSLMODE, "this mode checks no certificate: use verify-full or verify-ca with a CA"));
    }
    if settings.binding_required && tls.is_none() {
        faults.push(fault(CHANNEL_BINDING, "without TLS there is nothing to bind to: set sslmode"));
    }
    if faults.is_empty() { Ok(settings) } else { Err(faults) }
}

fn authorities(given: &BTreeMap<String, String>, faults: &mut Vec<SettingFault>) -> Authorities {
    match (given.get(CA_FILE), given.get(CA_PEM)) {
        (None, None) => Authorities::System,
        (Some(file), None) => Authorities::File(file.clone()),
        (None, Some(text)) => Authorities::Pem(text.clone()),
        (Some(_), Some(text)) => {
            faults.push(fault(CA_PEM, "give either ca_file or ca_pem"));
            Authorities::Pem(text.clone())
        }
    }
}

fn choice<'a>(
    given: &'a BTreeMap<String, String>,
    key: &str,
    choices: &[&str],
    faults: &mut Vec<SettingFault>,
) -> Option<&'a str> {
    let value = given.get(key)?.as_str();
    if !choices.contains(&value) {
        faults.push(fault(key, format!("must be one of {}", choices.join(", "))));
    }
    Some(value)
}

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}
