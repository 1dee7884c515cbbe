//! The Merkle tree of RFC 6962 (section 2.1) over SHA-256: roots, inclusion proofs, consistency proofs. Pure.

use sha2::{Digest as _, Sha256};

pub type Node = [u8; 32];

pub fn leaf_hash(data: &[u8]) -> Node {
    let mut hasher = Sha256::new();
    hasher.update([0u8]);
    hasher.update(data);
    hasher.finalize().into()
}

fn node_hash(left: &Node, right: &Node) -> Node {
    let mut hasher = Sha256::new();
    hasher.update([1u8]);
    hasher.update(left);
    hasher.update(right);
    hasher.finalize().into()
}

/// The right edge of a growing tree: enough to append and to name the root, in memory that grows with the logarithm.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edge {
    size: u64,
    nodes: Vec<Node>,
}

impl Edge {
    pub fn size(&self) -> u64 {
        self.size
    }

    pub fn push(&mut self, leaf: Node) {
        let mut node = leaf;
        // Every trailing one of the size is a whole subtree that the new leaf completes.
        let mut full = self.size;
        while full & 1 == 1 {
            match self.nodes.pop() {
                Some(left) => node = node_hash(&left, &node),
                None => break,
            }
            full >>= 1;
        }
        self.nodes.push(node);
        self.size += 1;
    }

    pub fn root(&self) -> Node {
        let mut nodes = self.nodes.iter().rev();
        let Some(last) = nodes.next() else { return Sha256::digest([]).into() };
        nodes.fold(*last, |right, left| node_hash(left, &right))
    }
}

pub fn root(leaves: &[Node]) -> Node {
    let mut edge = Edge::default();
    leaves.iter().for_each(|leaf| edge.push(*leaf));
    edge.root()
}

/// The largest power of two smaller than `size`; `size` is at least two.
fn split_at(size: usize) -> usize {
    1 << (usize::BITS - 1 - (size - 1).leading_zeros())
}

/// The hashes that lead from leaf `index` to the root of all `leaves`. `None`: there is no such leaf.
pub fn inclusion(leaves: &[Node], index: usize) -> Option<Vec<Node>> {
    if index >= leaves.len() {
        return None;
    }
    if leaves.len() == 1 {
        return Some(Vec::new());
    }
    let (left, right) = leaves.split_at_checked(split_at(leaves.len()))?;
    let (mut proof, other) = match index.checked_sub(left.len()) {
        None => (inclusion(left, index)?, root(right)),
        Some(index) => (inclusion(right, index)?, root(left)),
    };
    proof.push(other);
    Some(proof)
}

/// The hashes that show that the first `old` leaves are a prefix of all. `None`: there are not so many.
pub fn consistency(leaves: &[Node], old: usize) -> Option<Vec<Node>> {
    if old == 0 || old > leaves.len() {
        return None;
    }
    Some(sub_proof(leaves, old, true))
}

fn sub_proof(leaves: &[Node], old: usize, whole: bool) -> Vec<Node> {
    if old == leaves.len() {
        return if whole { Vec::new() } else { vec![root(leaves)] };
    }
    let Some((left, right)) = leaves.split_at_checked(split_at(leaves.len())) else { return Vec::new() };
    let (mut proof, other) = match old.checked_sub(left.len()) {
        None | Some(0) => (sub_proof(left, old, whole), root(right)),
        Some(rest) => (sub_proof(right, rest, false), root(left)),
    };
    proof.push(other);
    proof
}

/// Does `proof` lead from `leaf` at `index` to `root` of a tree of `size`? RFC 9162, section 2.1.3.2.
pub fn verify_inclusion(leaf: &Node, index: u64, size: u64, proof: &[Node], root: &Node) -> bool {
    if index >= size {
        return false;
    }
    let (mut at, mut last, mut node) = (index, size - 1, *leaf);
    for step in proof {
        if last == 0 {
            return false;
        }
        if at & 1 == 1 || at == last {
            node = node_hash(step, &node);
            while at & 1 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            node = node_hash(&node, step);
        }
        at >>= 1;
        last >>= 1;
    }
    last == 0 && node == *root
}

/// Does `proof` show that the tree of `old` leaves grew into that of `new`? RFC 9162, section 2.1.4.2.
pub fn verify_consistency(old: u64, new: u64, old_root: &Node, new_root: &Node, proof: &[Node]) -> bool {
    if old == new {
        return proof.is_empty() && old_root == new_root;
    }
    if old == 0 || old > new {
        return false;
    }
    let mut steps = proof.iter();
    let first = if old.is_power_of_two() { Some(old_root) } else { steps.next() };
    let Some(first) = first else { return false };
    let (mut at, mut last) = (old - 1, new - 1);
    while at & 1 == 1 {
        at >>= 1;
        last >>= 1;
    }
    let (mut from_old, mut from_new) = (*first, *first);
    for step in steps {
        if last == 0 {
            return false;
        }
        if at & 1 == 1 || at == last {
            from_old = node_hash(step, &from_old);
            from_new = node_hash(step, &from_new);
            while at & 1 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            from_new = node_hash(&from_new, step);
        }
        at >>= 1;
        last >>= 1;
    }
    last == 0 && from_old == *old_root && from_new == *new_root
}
