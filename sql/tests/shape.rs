//! Texts of one shape do the same: an analysis found in the cache equals the one made anew, whatever the literals.

use proptest::prelude::*;
use sallyport_sql::{Cache, analyze, shape};

const TEMPLATES: &[&str] = &[
    "SELECT a FROM t WHERE id = {}",
    "SELECT a, {} FROM t ORDER BY {} LIMIT {}",
    "DELETE FROM t WHERE id > {}",
    "DELETE FROM t WHERE x < {} OR x > {}",
    "DELETE FROM t WHERE id BETWEEN {} AND {}",
    "DELETE FROM t WHERE id NOT BETWEEN {} AND {}",
    "DELETE FROM t WHERE id * {} = {}",
    "DELETE FROM t WHERE id IN (SELECT id FROM t LIMIT {})",
    "DELETE FROM t WHERE id NOT IN ({}, {})",
    "DELETE FROM t WHERE EXISTS (SELECT {} FROM u WHERE u.x = t.x AND {} = {})",
    "DELETE FROM t WHERE id % {} = {} OR id IS DISTINCT FROM {}",
    "DELETE FROM t WHERE f(id, {})",
    "DELETE FROM t WHERE left(name, {}) IS NOT NULL OR length(name) >= {}",
    "UPDATE t SET a = {} WHERE id <> -{}",
    "UPDATE t SET a = a + {} WHERE id = {} AND b = {}",
    "UPDATE t SET a = {} FROM (SELECT id FROM t LIMIT {}) s WHERE t.id = s.id",
    "WITH c AS (SELECT id FROM t LIMIT {}) DELETE FROM t USING c WHERE t.id = c.id",
    "INSERT INTO t SELECT a FROM t LIMIT {} ON CONFLICT (a) DO UPDATE SET b = {}",
    "MERGE INTO t USING u ON t.id = {} WHEN MATCHED AND t.id >= {} THEN DELETE",
    "SET standard_conforming_strings = {}",
    "EXPLAIN (ANALYZE {}) DELETE FROM t WHERE id = {}",
    "SELECT nextval({}), lo_get({}), pg_read_file({})",
    "GRANT SELECT ON LARGE OBJECT {} TO bob",
    "FETCH {} FROM c",
    "SELECT {}; DELETE FROM t WHERE id > {}; SELECT {}",
];

fn filled(template: &str, literals: &[u32]) -> String {
    let mut text = String::new();
    let mut literals = literals.iter().cycle();
    for (at, piece) in template.split("{}").enumerate() {
        if at > 0 {
            text.push_str(&literals.next().expect("a literal").to_string());
        }
        text.push_str(piece);
    }
    text
}

fn literal() -> impl Strategy<Value = u32> {
    prop_oneof![Just(0), Just(1), Just(9), Just(999_999_999), 0..100u32, 0..999_999_999u32]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_cached_analysis_is_the_one_made_anew(
        template in 0..TEMPLATES.len(),
        one in prop::collection::vec(literal(), 3),
        two in prop::collection::vec(literal(), 3),
    ) {
        let cache = Cache::new(256);
        for literals in [one, two] {
            let text = filled(TEMPLATES[template], &literals);
            prop_assert_eq!(cache.analyze(&text).map(|found| (*found).clone()), analyze(&text), "{}", text);
        }
    }

    #[test]
    fn any_text_is_an_answer_or_a_fault(text in "\\PC{0,60}") {
        let _ = shape(&text);
        if let Err(fault) = analyze(&text) {
            prop_assert!(!fault.to_string().is_empty());
        }
    }
}

#[test]
fn an_update_by_key_is_shared() {
    let found = analyze("UPDATE t SET a = a + 5 WHERE id = 7 AND b = 2").unwrap();
    assert!(!found.literal_sensitive);
}
