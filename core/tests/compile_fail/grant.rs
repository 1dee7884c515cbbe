//! Only the rules admit a session.
fn make(session: sallyport_core::SessionId, facts: sallyport_core::judge::Facts) {
    _ = sallyport_core::Grant { session, facts, until: Default::default(), rules: Vec::new() };
}
fn main() {}
