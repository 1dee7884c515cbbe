//! The one configuration file: parsed once into a type that cannot be wrong, unknown keys refused with their line and
//! the nearest right key. Every key has a default, so that an empty file (or none) starts a working gateway.

use sallyport_identity::IssuerConfig;
use serde::Deserialize;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

/// The example that ships documents every key; a test holds it against these types.
pub const EXAMPLE: &str = include_str!("../sallyport.example.toml");

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    pub data_dir: PathBuf,
    pub log: Log,
    pub api: Api,
    pub listener: Vec<Listener>,
    pub tls: Tls,
    pub store: Store,
    pub record: Record,
    pub policy: Policy,
    pub identity: Identity,
    pub limits: Limits,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    pub level: String,
    pub format: LogFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    Text,
    Json,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Api {
    pub listen: SocketAddr,
    /// What people type. Links to approvals begin with it, and it is the embedded issuer's name.
    pub public_url: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listener {
    pub protocol: String,
    pub listen: Vec<SocketAddr>,
    #[serde(default)]
    pub tls: TlsRule,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TlsRule {
    #[default]
    Required,
    /// Only where every address is loopback.
    Optional,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Tls {
    pub certificate: Option<PathBuf>,
    pub key: Option<PathBuf>,
    /// Further names for the certificate that is made on first start.
    pub names: Vec<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Store {
    pub url: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Record {
    pub directory: Option<PathBuf>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Policy {
    /// A folder of `.cedar` and `.classes` files, watched. Without it the rules live in the store and change through the API.
    pub directory: Option<PathBuf>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Identity {
    /// Foreign issuers of tokens. The embedded one is always there.
    pub issuer: Vec<IssuerConfig>,
    /// The longest life of a token that the embedded issuer gives.
    pub max_token_seconds: Option<u32>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    pub connections: usize,
    pub connections_per_address: usize,
    pub drain_seconds: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::from("sallyport-data"),
            log: Log::default(),
            api: Api::default(),
            listener: vec![Listener {
                protocol: crate::connectors::DEFAULT_PROTOCOL.into(),
                listen: vec![loopback(crate::connectors::DEFAULT_PORT)],
                tls: TlsRule::Optional,
            }],
            tls: Tls::default(),
            store: Store::default(),
            record: Record::default(),
            policy: Policy::default(),
            identity: Identity::default(),
            limits: Limits::default(),
        }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self { level: "info".into(), format: LogFormat::Text }
    }
}

impl Default for Api {
    fn default() -> Self {
        Self { listen: loopback(8480), public_url: None }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { connections: 10_000, connections_per_address: 4_096, drain_seconds: 10 }
    }
}

fn loopback(port: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)
}

/// Whose fault it is (the file's), where, and what to write instead.
#[derive(Debug)]
pub struct ConfigFault {
    pub file: PathBuf,
    pub problem: String,
}

impl std::error::Error for ConfigFault {}

impl fmt::Display for ConfigFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file.display(), self.problem)
    }
}

impl Config {
    /// Reads the file; a missing file that was named is an error, no name at all means the defaults.
    pub fn read(file: Option<&Path>) -> Result<Self, ConfigFault> {
        let Some(file) = file else { return Ok(Self::default()) };
        let text = std::fs::read_to_string(file).map_err(|problem| ConfigFault {
            file: file.into(),
            problem: format!("cannot be read: {problem}"),
        })?;
        Self::parse(&text).map_err(|problem| ConfigFault { file: file.into(), problem })
    }

    pub fn parse(text: &str) -> Result<Self, String> {
        let config: Config = toml::from_str(text).map_err(|fault| with_nearest(&fault))?;
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<(), String> {
        for listener in &self.listener {
            if listener.listen.is_empty() {
                return Err(format!(
                    "listener {}: write at least one address in `listen`",
                    listener.protocol
                ));
            }
            let open: Vec<_> = listener.listen.iter().filter(|address| !address.ip().is_loopback()).collect();
            if let (TlsRule::Optional, Some(address)) = (listener.tls, open.first()) {
                return Err(format!(
                    "listener {}: {address} is not loopback, so `tls` must be \"required\": a token would cross the \
                     network in clear",
                    listener.protocol
                ));
            }
            if !crate::connectors::is_known(&listener.protocol) {
                return Err(format!(
                    "listener: unknown protocol {:?}: write one of {}",
                    listener.protocol,
                    crate::connectors::names().join(", ")
                ));
            }
        }
        if self.tls.certificate.is_some() != self.tls.key.is_some() {
            return Err("tls: write both `certificate` and `key`, or neither".into());
        }
        if !self.api.listen.ip().is_loopback() && self.tls.certificate.is_none() {
            return Err(format!(
                "api: {} is not loopback, so the API needs `tls.certificate` and `tls.key`, or a loopback address \
                 behind a proxy that ends TLS",
                self.api.listen
            ));
        }
        Ok(())
    }

    pub fn public_url(&self) -> String {
        match &self.api.public_url {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None if self.tls.certificate.is_some() => format!("https://{}", self.api.listen),
            None => format!("http://{}", self.api.listen),
        }
    }
    pub fn store_url(&self) -> String {
        match &self.store.url {
            Some(url) => url.clone(),
            None => format!("sqlite://{}?mode=rwc", self.data_dir.join("sallyport.db").display()),
        }
    }
    pub fn recordings(&self) -> PathBuf {
        self.record.directory.clone().unwrap_or_else(|| self.data_dir.join("recordings"))
    }
}

/// `unknown field `listne`, expected one of …` with the nearest right key first.
fn with_nearest(fault: &toml::de::Error) -> String {
    let text = fault.to_string();
    let Some((_, rest)) = text.split_once("unknown field `") else { return text };
    let Some((wrong, rest)) = rest.split_once('`') else { return text };
    let nearest = rest
        .split('`')
        .skip(1)
        .step_by(2)
        .map(|right| (strsim::damerau_levenshtein(wrong, right), right))
        .min()
        .filter(|(distance, _)| *distance <= 3);
    match nearest {
        Some((_, right)) => format!("{}\nwrite `{right}` instead of `{wrong}`", text.trim_end()),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_file_starts_a_gateway() {
        let config = Config::parse("").unwrap();
        assert_eq!(config.listener.len(), 1);
        assert_eq!(config.public_url(), "http://127.0.0.1:8480");
    }

    #[test]
    fn the_example_is_valid_and_says_the_defaults() {
        let config = Config::parse(EXAMPLE).unwrap();
        assert_eq!(format!("{config:?}"), format!("{:?}", Config::default()));
    }

    #[test]
    fn an_unknown_key_names_its_line_and_the_nearest_key() {
        let problem =
            Config::parse("data_dir = \"x\"\n[api]\nlisten_on = \"127.0.0.1:1\"\nlistne = 3\n").unwrap_err();
        assert!(problem.contains("line 3"), "{problem}");
        let problem = Config::parse("[api]\nlistne = \"127.0.0.1:1\"\n").unwrap_err();
        assert!(
            problem.contains("line 2") && problem.contains("write `listen` instead of `listne`"),
            "{problem}"
        );
    }

    #[test]
    fn clear_text_beyond_loopback_is_refused() {
        let text = "[[listener]]\nprotocol = \"postgres\"\nlisten = [\"0.0.0.0:5432\"]\ntls = \"optional\"\n";
        assert!(Config::parse(text).unwrap_err().contains("must be \"required\""));
    }

    #[test]
    fn an_open_api_without_a_certificate_is_refused() {
        assert!(Config::parse("[api]\nlisten = \"0.0.0.0:80\"\n").unwrap_err().contains("not loopback"));
    }
}
