//! Any bytes, read as messages of both directions: a value or an error, never a panic.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sallyport_postgres::wire::fuzz_wire(data));
