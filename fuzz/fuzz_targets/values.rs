//! Any bytes under any column's name, searched for sensitive values: ranges that lie inside, in order, apart, and between
//! characters; and exactly what was found is gone from the masked text.
#![no_main]

use sallyport_core::mask::detect::{Classes, Found, hint, scan, scan_named};
use sallyport_core::mask::inspect;

/// Names of columns that promise each kind that needs one, and some that rule kinds out.
const COLUMNS: &[&str] = &[
    "", "full_name", "contact", "address", "dob", "phone", "ssn", "card_number", "cpf", "iban", "api_key", "wallet", "mac", "imei",
    "app_version", "order_id", "email", "secret",
];

fn check(text: &[u8], found: &[Found]) {
    let characters = std::str::from_utf8(text).ok();
    let mut end = 0;
    for one in found {
        assert!(one.start >= end && one.start < one.end && one.end <= text.len(), "a range out of place");
        if let Some(text) = characters {
            assert!(text.is_char_boundary(one.start) && text.is_char_boundary(one.end), "a character cut in two");
        }
        end = one.end;
    }
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let mut found = Vec::new();
    scan(data, Classes::all(), &mut found);
    check(data, &found);
    let Some((pick, text)) = data.split_first() else { return };
    let Some(column) = COLUMNS.get(usize::from(*pick) % COLUMNS.len()) else { return };
    found.clear();
    scan_named(text, Classes::all(), hint(column), &mut found);
    check(text, &found);
    let Ok(text) = std::str::from_utf8(text) else { return };
    let question = serde_json::json!({ "id": 1, "column": column, "value": text });
    let reply: serde_json::Value = serde_json::from_str(&inspect::answer(&question.to_string(), 1)).expect("an answer is JSON");
    let masked = reply.get("masked").and_then(|masked| masked.as_str()).expect("a text stays one");
    let mut expected = String::new();
    let mut from = 0;
    for one in &found {
        expected.push_str(&text[from..one.start]);
        expected.push_str("[redacted]");
        from = one.end;
    }
    expected.push_str(&text[from..]);
    assert_eq!(masked, expected, "what was found is not what is gone");
});
