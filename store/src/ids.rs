//! Ids made here: 80 random bits in lower-case letters and digits that cannot be misread, after a word for the kind.

const LETTERS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// `ap-4k7…`: unique without asking the database, and unguessable.
pub fn fresh_id(kind: &str) -> Result<String, getrandom::Error> {
    let mut random = [0u8; 16];
    getrandom::fill(&mut random)?;
    let letters =
        random.iter().filter_map(|byte| LETTERS.get(usize::from(byte & 31))).map(|b| char::from(*b));
    Ok(format!("{kind}-{}", letters.collect::<String>()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_of_one_length_and_differ() {
        let (a, b) = (fresh_id("ap").unwrap(), fresh_id("ap").unwrap());
        assert_eq!(a.len(), 19);
        assert_ne!(a, b);
    }
}
