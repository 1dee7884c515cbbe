//! Any text, read as SQL: effects or an error. A statement that was read has an analysis, however odd it is.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    _ = sallyport_sql::analyze(text);
});
