//! Functions that no table has: unknown, until the catalog has one of that name.

use crate::stage::{stage, until};

#[test]
fn a_function_is_unknown_until_the_catalog_has_it() {
    let stage = stage(false);
    for call in [
        "SELECT nobody_made_this(1)",
        "SELECT public.nobody_made_this(1)",
        "SELECT pg_catalog.later_version()",
    ] {
        let (_, error) = stage.psql(&[call]);
        assert!(error.contains("no-unknown"), "{call}: {error}");
    }
    let made = "CREATE FUNCTION made_by_somebody(int) RETURNS int LANGUAGE sql AS 'SELECT $1 + 1'";
    assert_eq!(stage.psql(&[made]).1, "");
    // Another session, which has what was read before: it has it read again, though not all the time.
    until("the catalog is read again", || {
        !stage.psql(&["SELECT made_by_somebody(0)"]).1.contains("no-unknown")
    });
    let (answer, error) = stage.psql(&["SELECT made_by_somebody(1), public.made_by_somebody(2)"]);
    assert_eq!((answer.as_str(), error.as_str()), ("2|3", ""));
    let (_, error) = stage.psql(&["SELECT elsewhere.made_by_somebody(1)"]);
    assert!(error.contains("no-unknown"), "{error}");
}

#[test]
fn a_function_that_this_session_made_is_known_to_it() {
    let stage = stage(false);
    let (answer, error) = stage.psql(&[
        "CREATE FUNCTION made_by_me() RETURNS text LANGUAGE sql AS $$ SELECT 'mine'::text $$",
        "SELECT made_by_me()",
    ]);
    assert_eq!((answer.as_str(), error.as_str()), ("mine", ""));
}
