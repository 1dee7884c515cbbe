//! The shop of the demo behind a gateway: what most tests begin with.

use anyhow::Result;
use sallyport_testkit::process::{Finished, Process};
use sallyport_testkit::scratch::root;
use sallyport_testkit::{Gateway, GatewayOptions, Postgres, Version, postgres};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

pub const LIMIT: Duration = Duration::from_secs(20);
pub const ALLOW_ALL: &str = "@id(\"all\") permit(principal, action, resource);";
pub const FORBID_ALL: &str =
    "@id(\"nobody\") @message(\"Closed today.\") forbid(principal, action, resource);";

pub struct Shop {
    pub server: Postgres,
    pub gateway: Gateway,
    /// Of the agent `reporter`.
    pub token: String,
}

impl Shop {
    pub fn open(version: Version) -> Result<Self> {
        Self::open_with(version, &GatewayOptions::default(), "log_statement = 'all'")
    }

    pub fn open_with(version: Version, options: &GatewayOptions, settings: &str) -> Result<Self> {
        let server = Postgres::start_with(version, settings)?;
        server.sql("postgres", "CREATE DATABASE shop")?;
        server.sql("shop", &std::fs::read_to_string(root().join("deploy/demo/init.sql"))?)?;
        let gateway = Gateway::start(options)?;
        let classes = ["customers.email=email", "customers.phone=phone", "payments.card=card"];
        let classes = classes.map(|class| format!("public.{class}"));
        let classes: Vec<&str> = classes.iter().flat_map(|class| ["--class", class.as_str()]).collect();
        gateway.add_target("shop", &server, "shop", &[&["--label", "env=prod"][..], &classes].concat())?;
        gateway.put_policy(&std::fs::read_to_string(
            root().join("policy/packs/agents-write-with-approval.cedar"),
        )?)?;
        let token = gateway.add_agent("reporter", &["--group", "agents"])?;
        Ok(Self { server, gateway, token })
    }

    /// psql as the agent.
    pub fn psql(&self, sql: &str) -> Result<Finished> {
        self.psql_with(&[], sql)
    }
    pub fn psql_with(&self, arguments: &[&str], sql: &str) -> Result<Finished> {
        postgres::psql(self.gateway.port, "shop", &self.token, arguments, sql)
    }
    /// Unaligned tuples, one line a row.
    pub fn rows(&self, sql: &str) -> Result<String> {
        Ok(self.psql_with(&["-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"], sql)?.ok()?.out)
    }
    /// psql that goes on while the test does something else, and its output.
    pub fn psql_started(&self, name: &str, commands: &[&str]) -> Result<(Process, PathBuf)> {
        let mut psql = Command::new("psql");
        psql.args(["-X", "-h", "127.0.0.1", "-U", "caller", "-d", "shop", "-p"])
            .arg(self.gateway.port.to_string());
        commands.iter().for_each(|command| _ = psql.args(["-c", command]));
        psql.env("PGPASSWORD", &self.token);
        let log = self.gateway.folder().join(name);
        Ok((Process::start(&mut psql, &log)?, log))
    }
}

pub fn text(log: &PathBuf) -> String {
    std::fs::read_to_string(log).unwrap_or_default()
}
