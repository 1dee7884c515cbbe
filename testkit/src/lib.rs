//! Starts real servers and real clients for tests, on loopback, and leaves none of them behind.
//!
//! Everything started here belongs to a value: dropping the value ends the process group and removes the folder.

pub mod gateway;
pub mod postgres;
pub mod process;
pub mod scratch;
pub mod tls;

pub use gateway::{Gateway, GatewayOptions};
pub use postgres::{Postgres, Version};
pub use process::{Finished, Process};
pub use scratch::Scratch;
