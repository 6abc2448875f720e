//! Patterns for paths and values: `?` is a character, `*` any run of them without `/`, `**` with.

/// Whether all of `text` matches `pattern`. Takes time proportional to the product of the lengths
/// at worst, since only the last wildcard is ever tried again.
#[must_use]
pub fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    // What each prefix of the text can be matched by, one pattern piece at a time.
    let mut reached = vec![false; text.len() + 1];
    reached[0] = true;
    let mut rest = pattern;
    while let Some((first, after)) = rest.split_first() {
        let stars = rest.iter().take_while(|byte| **byte == b'*').count();
        if stars > 0 {
            let crosses = stars > 1;
            for at in 0..text.len() {
                reached[at + 1] |= reached[at] && (crosses || text[at] != b'/');
            }
            rest = &rest[stars..];
            continue;
        }
        for at in (0..text.len()).rev() {
            let same = *first == b'?' && text[at] != b'/' || *first == text[at];
            reached[at + 1] = reached[at] && same;
        }
        reached[0] = false;
        rest = after;
    }
    reached[text.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stay_within_a_segment_and_double_stars_do_not() {
        for (pattern, text, wanted) in [
            ("/cart", "/cart", true),
            ("/cart", "/cart/1", false),
            ("/cart/*", "/cart/1", true),
            ("/cart/*", "/cart/", true),
            ("/cart/*", "/cart/1/items", false),
            ("/cart/*/items", "/cart/1/items", true),
            ("/cart/**", "/cart/1/items", true),
            ("**", "/any/thing", true),
            ("**/items", "/a/b/items", true),
            ("/v?/x", "/v2/x", true),
            ("/v?/x", "/v/x", false),
            ("*.json", "a.json", true),
            ("*a*b*", "xxaxxbxx", true),
            ("*a*b*", "xxbxxaxx", false),
            ("", "", true),
            ("", "x", false),
            ("*", "", true),
        ] {
            assert_eq!(matches(pattern, text), wanted, "{pattern} {text}");
        }
    }

    #[test]
    fn many_stars_do_not_take_for_ever() {
        let pattern = "*a".repeat(40);
        assert!(!matches(&pattern, &"a".repeat(39)));
        assert!(matches(&pattern, &"a".repeat(4000)));
    }
}
