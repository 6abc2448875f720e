//! Small things about text that messages need: nearest names, and safe quoting.

/// The candidate nearest to `word`, if it is near enough to be meant.
#[must_use]
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| {
            let distance =
                strsim::damerau_levenshtein(&word.to_lowercase(), &candidate.to_lowercase());
            (distance, candidate)
        })
        .filter(|(distance, candidate)| {
            *distance <= (word.chars().count().max(candidate.chars().count())).div_ceil(3)
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// The user's text as a message may show it: quoted, shortened, without control characters.
#[must_use]
pub fn quoted(text: &str) -> String {
    let mut clean: String = text
        .chars()
        .filter(|c| !c.is_control())
        .take(80)
        .collect::<String>();
    if text.chars().count() > 80 {
        clean.push('…');
    }
    format!("\"{clean}\"")
}

/// The text without control characters other than line breaks and tabs, safe for a terminal.
#[must_use]
pub fn printable(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_control() || matches!(c, '\n' | '\t'))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_name_is_found_and_a_far_one_is_not() {
        assert_eq!(nearest("dealy", ["delay", "jitter"]), Some("delay"));
        assert_eq!(nearest("vsu", ["vus", "rate"]), Some("vus"));
        assert_eq!(nearest("banana", ["delay", "jitter"]), None);
    }

    #[test]
    fn quoting_removes_control_characters() {
        assert_eq!(quoted("a\u{1b}[31mb\n"), "\"a[31mb\"");
    }
}
