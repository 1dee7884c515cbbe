//! The Merkle log against a second, naive implementation, and the note format against published values.

use crate::scene::key;
use proptest::prelude::*;
use sallyport_record::note::{self, Checkpoint};
use sallyport_record::tree::{self, Node};
use sha2::{Digest as _, Sha256};

/// RFC 6962, section 2.1, written down as it stands there.
fn naive_root(data: &[Vec<u8>]) -> Node {
    match data {
        [] => Sha256::digest([]).into(),
        [one] => Sha256::new().chain_update([0]).chain_update(one).finalize().into(),
        many => {
            let (left, right) = many.split_at(half(many.len()));
            pair(&naive_root(left), &naive_root(right))
        }
    }
}

fn pair(left: &Node, right: &Node) -> Node {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

fn half(size: usize) -> usize {
    let mut half = 1;
    while half * 2 < size {
        half *= 2;
    }
    half
}

/// The root that a proof leads to, by recursion from the top.
fn naive_path(leaf: Node, index: usize, size: usize, proof: &[Node]) -> Option<Node> {
    if size == 1 {
        return proof.is_empty().then_some(leaf);
    }
    let (last, rest) = proof.split_last()?;
    let half = half(size);
    if index < half {
        Some(pair(&naive_path(leaf, index, half, rest)?, last))
    } else {
        Some(pair(last, &naive_path(leaf, index - half, size - half, rest)?))
    }
}

/// Old and new root that a consistency proof leads to, by recursion from the top.
fn naive_growth(old: usize, new: usize, whole: Option<Node>, proof: &[Node]) -> Option<(Node, Node)> {
    if old == new {
        return match (whole, proof) {
            (Some(root), []) => Some((root, root)),
            (None, [root]) => Some((*root, *root)),
            _ => None,
        };
    }
    let (last, rest) = proof.split_last()?;
    let half = half(new);
    if old <= half {
        let (from_old, from_new) = naive_growth(old, half, whole, rest)?;
        Some((from_old, pair(&from_new, last)))
    } else {
        let (from_old, from_new) = naive_growth(old - half, new - half, None, rest)?;
        Some((pair(last, &from_old), pair(last, &from_new)))
    }
}

fn data(size: usize) -> Vec<Vec<u8>> {
    (0..size).map(|index| format!("leaf {index}").into_bytes()).collect()
}

fn hashes(data: &[Vec<u8>]) -> Vec<Node> {
    data.iter().map(|leaf| tree::leaf_hash(leaf)).collect()
}

#[test]
fn every_proof_of_every_small_tree_holds_in_both() {
    for size in 1..=40 {
        let data = data(size);
        let leaves = hashes(&data);
        let root = tree::root(&leaves);
        assert_eq!(root, naive_root(&data));
        for index in 0..size {
            let proof = tree::inclusion(&leaves, index).unwrap();
            assert_eq!(naive_path(leaves[index], index, size, &proof), Some(root));
            assert!(tree::verify_inclusion(&leaves[index], index as u64, size as u64, &proof, &root));
            let wrong = (index + 1) % size;
            assert!(
                size == 1
                    || !tree::verify_inclusion(&leaves[index], wrong as u64, size as u64, &proof, &root)
            );
        }
        for old in 1..=size {
            let proof = tree::consistency(&leaves, old).unwrap();
            let old_root = naive_root(&data[..old]);
            assert_eq!(naive_growth(old, size, Some(old_root), &proof), Some((old_root, root)));
            assert!(tree::verify_consistency(old as u64, size as u64, &old_root, &root, &proof));
            let mut other = old_root;
            other[0] ^= 1;
            assert!(!tree::verify_consistency(old as u64, size as u64, &other, &root, &proof));
        }
        assert!(tree::inclusion(&leaves, size).is_none());
        assert!(tree::consistency(&leaves, size + 1).is_none());
    }
}

proptest! {
    #[test]
    fn no_altered_proof_holds(size in 2usize..200, at in any::<prop::sample::Index>(), step in any::<prop::sample::Index>(), bit in 0usize..256) {
        let leaves = hashes(&data(size));
        let root = tree::root(&leaves);
        let index = at.index(size);
        let mut proof = tree::inclusion(&leaves, index).unwrap();
        let step = step.index(proof.len());
        proof[step][bit / 8] ^= 1 << (bit % 8);
        prop_assert!(!tree::verify_inclusion(&leaves[index], index as u64, size as u64, &proof, &root));
        proof[step][bit / 8] ^= 1 << (bit % 8);
        proof.pop();
        prop_assert!(!tree::verify_inclusion(&leaves[index], index as u64, size as u64, &proof, &root));
    }
}

/// The test vectors of Certificate Transparency.
#[test]
fn roots_are_those_of_certificate_transparency() {
    let data: Vec<Vec<u8>> =
        ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
            .iter()
            .map(|hex| {
                (0..hex.len())
                    .step_by(2)
                    .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
                    .collect()
            })
            .collect();
    let hex = |node: Node| node.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let root = |size: usize| hex(tree::root(&hashes(&data[..size])));
    assert_eq!(root(0), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_eq!(root(1), "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
    assert_eq!(root(8), "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328");
}

/// The example that the documentation of Go's note package publishes.
#[test]
fn a_note_signed_by_another_program_opens() {
    let vkey = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    let note = "If you think cryptography is the answer to your problem,\n\
                then you don't know what your problem is.\n\
                \n\
                \u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
    let (name, key) = note::parse_verifier(vkey).unwrap();
    assert_eq!(name, "PeterNeumann");
    assert_eq!(note::verifier(&name, &key), vkey);
    let text = note::open(note, &name, &key).unwrap();
    assert!(text.ends_with("what your problem is.\n"));
    let changed = note.replace("your problem is", "my problem is");
    assert_eq!(note::open(&changed, &name, &key), Err(note::NoteFault::Signature));
}

#[test]
fn a_checkpoint_has_its_published_form() {
    let checkpoint = Checkpoint { origin: "sallyport/test".into(), size: 3, root: [7; 32] };
    let note = checkpoint.sign(&key());
    insta::assert_snapshot!(note);
    let public = key().verifying_key();
    assert_eq!(Checkpoint::open(&note, &public).unwrap(), checkpoint);
    for changed in
        [note.replace("\n3\n", "\n4\n"), note.replace("\n3\n", "\n03\n"), note.replace("test", "tess")]
    {
        assert!(Checkpoint::open(&changed, &public).is_err());
    }
}
