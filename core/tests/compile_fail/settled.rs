//! Nobody else can say that the record is in its file.
fn main() {
    _ = sallyport_core::Settled::new(u64::MAX);
}
