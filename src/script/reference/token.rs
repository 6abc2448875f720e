//! The words of a definition file.

/// A word and the line it stands on, from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Word,
    pub(super) line: usize,
}

/// A word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Word {
    /// What follows `--`, without the space after it.
    Comment(String),
    Name(String),
    /// A text with its quotes.
    Text(String),
    /// `->` and `...` are one mark each.
    Mark(&'static str),
}

const MARKS: [&str; 19] = [
    "->", "...", "{", "}", "(", ")", "[", "]", "<", ">", ":", ",", ";", "=", "|", "&", "?", ".",
    "-",
];

/// Takes a file apart.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut all = Vec::new();
    for (index, full) in text.lines().enumerate() {
        let line = index + 1;
        let mut rest = full.trim();
        while !rest.is_empty() {
            let (kind, length) = word(rest).ok_or_else(|| format!("line {line}: {rest}"))?;
            all.push(Token { kind, line });
            rest = rest[length..].trim_start();
        }
    }
    Ok(all)
}

/// The word that a text begins with, and its length.
fn word(text: &str) -> Option<(Word, usize)> {
    if let Some(comment) = text.strip_prefix("--") {
        let comment = comment.strip_prefix(' ').unwrap_or(comment);
        return Some((Word::Comment(comment.to_owned()), text.len()));
    }
    if let Some(quoted) = text.strip_prefix('"') {
        let length = quoted.find('"')? + 2;
        return Some((Word::Text(text[..length].to_owned()), length));
    }
    let part = |c: char| c.is_alphanumeric() || c == '_';
    let length = text.find(|c| !part(c)).unwrap_or(text.len());
    if length > 0 {
        return Some((Word::Name(text[..length].to_owned()), length));
    }
    let mark = MARKS.into_iter().find(|mark| text.starts_with(mark))?;
    Some((Word::Mark(mark), mark.len()))
}
