//! The decisions behind the token endpoint: who may have a token, and who may not, without saying why to strangers.
//!
//! The control plane looks the account up, gives it in, and turns the answer into HTTP. Nothing here reads a store.
//! Functions that hash a password take tens of milliseconds: call them off the async threads.

mod assertion;
mod attempts;
mod device;
mod refusal;
mod secret;

pub use assertion::{ASSERTION_TYPE, ClientAssertions};
pub use attempts::{Attempt, Attempts};
pub use device::{DEVICE_CODE_SECONDS, DeviceApproval, DeviceFlow, DeviceRequest, DeviceStart, POLL_SECONDS};
pub use refusal::GrantRefusal;
pub use secret::{client_secret, new_secret, sign_in};

/// The `grant_type` of the device flow (RFC 8628, 3.4).
pub const DEVICE_GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:device_code";
