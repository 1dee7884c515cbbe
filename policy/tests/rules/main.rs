//! Rules as their writers and their subjects meet them: text in, verdicts and words out.

mod approvals;
mod broken;
mod docs;
mod fail_closed;
mod packs;
mod reload;
mod slices;
mod world;
