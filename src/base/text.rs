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
    format!("\"{}\"", shortened(text))
}

/// A command as a message may show it: its first line, shortened; scripts for a shell can be long.
#[must_use]
pub fn command_line(command: &[String]) -> String {
    let words = command.join(" ");
    match words.trim().split_once('\n') {
        None => shortened(&words),
        Some((first, _)) => format!("{} …", shortened(first)),
    }
}

/// The first 80 characters, without control characters.
fn shortened(text: &str) -> String {
    let mut clean: String = text.chars().filter(|c| !c.is_control()).take(80).collect();
    if text.chars().count() > 80 {
        clean.push('…');
    }
    clean
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

    #[test]
    fn a_command_is_one_line() {
        let shown = |words: &[&str]| {
            command_line(&words.iter().map(ToString::to_string).collect::<Vec<_>>())
        };
        assert_eq!(shown(&["sleep", "10"]), "sleep 10");
        assert_eq!(
            shown(&["sh", "-c", "trap x TERM\nwait"]),
            "sh -c trap x TERM …"
        );
    }
}
