//! The decisions behind the token endpoint: who may have a token, and who may not, without saying why to strangers.
//!
//! The control plane looks the account up, gives it in, and turns the answer into HTTP. Nothing here reads a store.

pub const DEVICE_GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:device_code";
