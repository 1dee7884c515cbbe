//! A plan that claims to mask nothing lets rows pass unread.
fn make(mut plan: sallyport_core::Plan) {
    plan.empty = true;
}
fn main() {}
