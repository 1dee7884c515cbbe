//! Bytes cross only because the gate said so.
fn main() {
    _ = sallyport_core::Cleared::new(b"drop table t", 0, None);
}
