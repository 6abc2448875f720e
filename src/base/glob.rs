//! Patterns as shells have them: `*` is any text without `/`, `**` any text, `?` one character.

/// Whether a pattern matches a whole text.
///
/// ```
/// assert!(rchaos::base::glob::matches("chaos/*.lua", "chaos/partition.lua"));
/// assert!(!rchaos::base::glob::matches("chaos/*.lua", "chaos/old/partition.lua"));
/// ```
#[must_use]
pub fn matches(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    // What the rest of the pattern matches, from its end to its beginning: one row a character, so
    // that a hostile pattern costs their product and no more.
    let mut row = vec![false; text.len() + 1];
    row[text.len()] = true;
    let mut at = pattern.len();
    while at > 0 {
        at -= 1;
        let deep = pattern[at] == '*' && at > 0 && pattern[at - 1] == '*';
        let mut next = vec![false; text.len() + 1];
        for place in (0..=text.len()).rev() {
            let here = text.get(place);
            next[place] = match pattern[at] {
                '*' => row[place] || here.is_some_and(|c| (deep || *c != '/') && next[place + 1]),
                '?' => here.is_some_and(|c| *c != '/') && row[place + 1],
                wanted => here == Some(&wanted) && row[place + 1],
            };
        }
        row = next;
        at -= usize::from(deep);
    }
    row[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_question_marks() {
        for (pattern, text) in [
            ("*.lua", "a.lua"),
            ("**.lua", "a/b.lua"),
            ("tc-0?.lua", "tc-01.lua"),
            ("redis-*", "redis-"),
            ("*", ""),
            ("a*b*c", "axxbyyc"),
        ] {
            assert!(matches(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [
            ("*.lua", "a/b.lua"),
            ("tc-0?.lua", "tc-0/.lua"),
            ("redis-*", "xredis-1"),
            ("", "a"),
            ("a", ""),
        ] {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
        assert!(!matches(&"*a".repeat(500), &"a".repeat(400)));
    }
}
