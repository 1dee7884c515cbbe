//! Every limit of the control plane by name. Guessing is slowed down by `identity`'s attempts.

use std::time::Duration;

pub const MAX_BODY_BYTES: usize = 2 * 1024 * 1024;
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// A probe reaches out to a target; it gets less than the request has.
pub const PROBE_TIMEOUT: Duration = Duration::from_secs(15);
/// A discovery reads many tables of a target; what it has by then is what there is. Twice bounded: in the reading, and
/// around it.
pub const DISCOVERY_SECONDS: u64 = 20;
pub const DISCOVERY_TIMEOUT: Duration = Duration::from_secs(28);
/// Rows of each table.
pub const MAX_SAMPLE: u32 = 10_000;
pub const MAX_PAGE: i64 = sallyport_store::MAX_PAGE;
pub const DEFAULT_PAGE: i64 = 50;
pub const MAX_NAME: usize = 63;
pub const MAX_TEXT: usize = 4096;
pub const MAX_LIST: usize = 256;
pub const MAX_PASSWORD: usize = sallyport_identity::password::MAX_PASSWORD_BYTES;
pub const MIN_PASSWORD: usize = 12;
/// Each holds 19 MiB while it runs; more at once would be a way to fill memory.
pub const HASHES_AT_ONCE: usize = 4;
/// Sign-ins on the device page that have not said yes or no yet.
pub const MAX_TICKETS: usize = 1000;
/// Answers that go on, at once. Each holds a connection and a place in the news.
pub const MAX_WATCHERS: usize = 512;
