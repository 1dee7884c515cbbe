//! Nobody else can say that the record is in its file.
fn main() {
    _ = sallyport_core::Settled { entries: u64::MAX };
}
