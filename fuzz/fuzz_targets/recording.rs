//! Any bytes, read as a recording: an outline or an error, never a panic, never memory that the file does not justify.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    _ = sallyport_record::read_bytes(data);
});
