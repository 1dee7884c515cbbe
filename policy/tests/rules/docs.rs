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

#[test]
fn examples_of_classes_are_classes() {
    let page = include_str!("../../../docs/masks.md");
    let examples: Vec<&str> =
        page.split("```classes\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(!examples.is_empty());
    for text in examples {
        let found = sallyport_policy::RuleBook::check(&[sallyport_policy::RuleFile::new("a.classes", text)]);
        assert!(found.is_empty(), "{found}");
    }
}
