//! Why no token was given: an error code of OAuth and a sentence, neither of which tells accounts apart.

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GrantRefusal {
    #[error("{0}")]
    Request(&'static str),
    /// Unknown, disabled or not proven: one answer for all three.
    #[error("The client is not known, or its secret or assertion is wrong.")]
    Client,
    /// The same for people.
    #[error("The name or the password is wrong.")]
    SignIn,
    #[error("The code is not known or has been used. Start again.")]
    Code,
    #[error("Nobody has approved the request yet. Ask again in a moment.")]
    Pending,
    #[error("Asked too often. Wait five seconds longer between questions.")]
    SlowDown,
    #[error("The request was denied.")]
    Denied,
    #[error("The code has expired. Start again.")]
    Expired,
    #[error("Too many attempts. Try again in {retry_after_seconds} seconds.")]
    TooMany { retry_after_seconds: i64 },
    #[error("The gateway cannot do this now. Try again.")]
    Unavailable,
}

impl GrantRefusal {
    /// The `error` member of the answer (RFC 6749, 5.2; RFC 8628, 3.5).
    pub fn code(&self) -> &'static str {
        match self {
            GrantRefusal::Request(_) => "invalid_request",
            GrantRefusal::Client => "invalid_client",
            GrantRefusal::SignIn | GrantRefusal::Code => "invalid_grant",
            GrantRefusal::Pending => "authorization_pending",
            GrantRefusal::SlowDown => "slow_down",
            GrantRefusal::Denied => "access_denied",
            GrantRefusal::Expired => "expired_token",
            GrantRefusal::TooMany { .. } | GrantRefusal::Unavailable => "temporarily_unavailable",
        }
    }

    /// The status that goes with it.
    pub fn status(&self) -> u16 {
        match self {
            GrantRefusal::Client => 401,
            GrantRefusal::TooMany { .. } => 429,
            GrantRefusal::Unavailable => 503,
            _ => 400,
        }
    }
}
