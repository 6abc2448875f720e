//! Replacing texts in a body as it streams by, in bounded memory.

use bytes::{Bytes, BytesMut};

/// Replaces texts. What could be the beginning of one is kept until the next piece comes.
pub struct Replacer {
    pairs: Vec<(String, String)>,
    kept: BytesMut,
    longest: usize,
}

impl Replacer {
    /// Replaces each first text with its second, left to right; at one place the first pair wins.
    pub fn new(pairs: Vec<(String, String)>) -> Self {
        let longest = pairs.iter().map(|(text, _)| text.len()).max().unwrap_or(0);
        Self {
            pairs,
            kept: BytesMut::new(),
            longest,
        }
    }

    /// Takes a piece; gives what is certain.
    pub fn push(&mut self, piece: &[u8]) -> Bytes {
        self.kept.extend_from_slice(piece);
        self.run(false)
    }

    /// Gives what is left.
    pub fn finish(&mut self) -> Bytes {
        self.run(true)
    }

    fn run(&mut self, last: bool) -> Bytes {
        let text = std::mem::take(&mut self.kept);
        let mut out = BytesMut::with_capacity(text.len());
        let mut at = 0;
        while at < text.len() {
            // A longer text might still begin here: without all of it nothing is certain.
            if !last && text.len() - at < self.longest {
                break;
            }
            let rest = &text[at..];
            let found = self
                .pairs
                .iter()
                .find(|(old, _)| rest.starts_with(old.as_bytes()));
            if let Some((old, new)) = found {
                out.extend_from_slice(new.as_bytes());
                at += old.len();
            } else {
                out.extend_from_slice(&rest[..1]);
                at += 1;
            }
        }
        self.kept = BytesMut::from(&text[at..]);
        out.freeze()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replaced(pairs: &[(&str, &str)], pieces: &[&str]) -> String {
        let own = |(a, b): &(&str, &str)| ((*a).to_owned(), (*b).to_owned());
        let mut replacer = Replacer::new(pairs.iter().map(own).collect());
        let mut all = Vec::new();
        for piece in pieces {
            all.extend_from_slice(&replacer.push(piece.as_bytes()));
        }
        all.extend_from_slice(&replacer.finish());
        String::from_utf8(all).unwrap()
    }

    #[test]
    fn texts_are_found_across_pieces() {
        let pairs = [("stock", "none"), ("one", "two")];
        assert_eq!(replaced(&pairs, &["in stock: one"]), "in none: two");
        assert_eq!(
            replaced(&pairs, &["in st", "o", "ck: o", "ne"]),
            "in none: two"
        );
        assert_eq!(replaced(&pairs, &["in sto"]), "in sto");
        assert_eq!(replaced(&[("aa", "b")], &["a", "a", "a", "a", "a"]), "bba");
        assert_eq!(replaced(&[("a", "")], &["banana", ""]), "bnn");
        assert_eq!(replaced(&pairs, &[]), "");
    }

    #[test]
    fn what_is_kept_is_shorter_than_the_longest_text() {
        let mut replacer = Replacer::new(vec![("needle".to_owned(), "pin".to_owned())]);
        let piece = "needl".repeat(10_000);
        let given = replacer.push(piece.as_bytes());
        assert!(piece.len() - given.len() < 6);
    }
}
