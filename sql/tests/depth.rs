//! Statements that nest or sprawl: an answer or a clear refusal, on the stack of an ordinary worker thread.

use sallyport_sql::{SqlFault, analyze};

fn on_a_small_stack(text: String) -> Result<sallyport_sql::Analysis, SqlFault> {
    let worker = std::thread::Builder::new().stack_size(2 << 20).spawn(move || analyze(&text));
    worker.expect("a thread starts").join().expect("the analysis does not panic")
}

/// Ways to nest: what opens a level, the middle, what closes it.
fn nested(levels: usize) -> Vec<String> {
    [
        ("select ", "(", "1", "+1)"),
        ("select 1", "+1", "", ""),
        ("select ", "(select ", "1", ")"),
        ("", "select * from (", "select 1", ") x"),
        ("select 1", " union select 1, 2", "", ""),
        ("select ", "case when a then 1 else ", "1", " end"),
        ("select 1 from a", " join b on true", "", ""),
        ("select ", "not ", "true", ""),
        ("select ", "f(", "1", ")"),
        ("", "with a as (", "select 1", ") select 1"),
        ("select ", "a between 1 and not ", "true", ""),
        ("select a", "[1", "", "]"),
        ("select ", "- ", "1", ""),
        ("select 1", "::int", "", ""),
        ("select 'a'", " collate \"C\"", "", ""),
        ("select ", "array[", "1", "]"),
        ("select ", "exists(select 1 where ", "true", ")"),
        ("select ", "row(", "1", ")"),
    ]
    .map(|(head, open, middle, close)| {
        format!("{head}{}{middle}{}", open.repeat(levels), close.repeat(levels))
    })
    .into()
}

#[test]
fn nesting_in_reason_is_analysed() {
    for text in nested(60) {
        if let Err(fault) = on_a_small_stack(text.clone()) {
            assert!(matches!(fault, SqlFault::Syntax { .. }), "{fault}: {text}");
        }
    }
}

#[test]
fn any_depth_is_an_answer_or_a_refusal() {
    for levels in [200, 450, 900, 2000, 10_000, 100_000] {
        for text in nested(levels) {
            let answer = on_a_small_stack(text.clone());
            if levels >= 10_000 {
                let fault = answer.unwrap_err();
                assert!(fault.is_callers() && !fault.to_string().is_empty(), "{:.60}: {fault}", text);
            }
        }
    }
}

#[test]
fn sixteen_megabytes_are_refused_by_name() {
    let text = format!("select '{}'", "x".repeat(16 << 20));
    assert!(matches!(on_a_small_stack(text), Err(SqlFault::TooLong { .. })));
    let text = format!("delete from t where a = 1{}", " ".repeat(16 << 20));
    assert!(matches!(on_a_small_stack(text), Err(SqlFault::TooLong { .. })));
}

#[test]
fn long_flat_lists_are_not_deep() {
    let rows = "insert into t values (1, 'a')".to_owned() + &", (2, 'b')".repeat(20_000);
    assert!(on_a_small_stack(rows).is_ok());
    let terms = "delete from t where a = 0".to_owned() + &" or a = 1 and b = 2".repeat(3_000);
    assert!(on_a_small_stack(terms).is_ok());
    let list = "select a from t where a in (0".to_owned() + &", 1".repeat(20_000) + ")";
    assert!(on_a_small_stack(list).is_ok());
}

#[test]
fn a_zero_byte_is_refused_where_it_stands() {
    assert_eq!(analyze("select 1\0; drop table t"), Err(SqlFault::ZeroByte { position: 8 }));
}
