//! What the documentation shows is loaded as it stands there.

use crate::world::book;

fn examples(page: &str) -> Vec<&str> {
    page.split("```cedar\n").skip(1).filter_map(|rest| rest.split("```").next()).collect()
}

#[test]
fn examples_are_rules() {
    let page = include_str!("../../../docs/policy.md");
    let examples = examples(page);
    assert!(examples.len() >= 6);
    examples.iter().for_each(|text| drop(book(text)));
    drop(book(&examples.concat()));
}

#[test]
fn examples_of_packs_are_rules() {
    let page = include_str!("../../../docs/policy-packs.md");
    let examples = examples(page);
    assert!(!examples.is_empty());
    let packs: String = sallyport_policy::PACKS.iter().map(|pack| pack.text).collect();
    drop(book(&(examples.concat() + &packs)));
}
