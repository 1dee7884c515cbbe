//! Any bytes, searched for sensitive values: ranges that lie inside, in order, apart.
#![no_main]

use sallyport_core::mask::detect::{Classes, scan};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let mut found = Vec::new();
    scan(data, Classes::all(), &mut found);
    let mut end = 0;
    for one in found {
        assert!(one.start >= end && one.start < one.end && one.end <= data.len(), "a range out of place");
        end = one.end;
    }
});
