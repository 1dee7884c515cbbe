//! Bytes cross only because the gate said so.
fn main() {
    _ = sallyport_core::Cleared { bytes: b"drop table t", entries: 0, command: None };
}
