//! A real server with the world of the cases in it, and the built gateway before it under a policy that the test names.

use crate::line::Line;
use anyhow::{Context, Result};
use sallyport_testkit::{Gateway, GatewayOptions, Postgres, Version};

/// So that nothing is refused for its meaning: what is recorded is what the gateway made of each statement.
pub const ALLOW_ALL: &str = "@id(\"all\") permit(principal, action, resource);";

pub struct House {
    pub server: Postgres,
    pub gateway: Gateway,
    token: String,
}

impl House {
    pub fn open(version: Version, world: &str, policy: &str) -> Result<Self> {
        let server =
            Postgres::start_with(version, "max_prepared_transactions = 4\nautovacuum = off\njit = off")?;
        server.sql("postgres", "CREATE DATABASE world")?;
        server.sql("world", include_str!("../oracle.sql")).context("make the oracle")?;
        server.sql("world", world).context("make the world")?;
        server.sql("world", "SELECT oracle.watch()").context("watch the world")?;
        let gateway = Gateway::start(&GatewayOptions::default())?;
        gateway.add_target("world", &server, "world", &[])?;
        gateway.put_policy(policy)?;
        let token = gateway.add_agent("walker", &[])?;
        Ok(Self { server, gateway, token })
    }
    /// A session with a database of the server; its recording is known by `name`.
    pub fn session(&self, database: &str, name: &str) -> Result<Line> {
        Line::open(self.gateway.port, &format!("world/{database}"), name, &self.token)
    }
    /// The server's major version.
    pub fn major(&self) -> Result<u32> {
        let number: u32 = self.server.sql("world", "SHOW server_version_num")?.trim().parse()?;
        Ok(number / 10_000)
    }
    /// A database of its own with the same world, for what cannot be rolled back.
    pub fn copy(&self, name: &str) -> Result<()> {
        self.server.sql("postgres", &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"))?;
        self.server.sql("postgres", &format!("CREATE DATABASE {name} TEMPLATE world"))?;
        Ok(())
    }
}
