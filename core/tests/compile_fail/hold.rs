//! A hold with an outcome of one's own choice would be an approval.
fn make(mut hold: sallyport_core::Hold, outcome: sallyport_core::Outcome) {
    hold.outcome = Some(outcome);
}
fn main() {}
