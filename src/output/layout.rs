//! Columns of text: how wide it shows, padded and shortened to fit.

/// How many terminal columns a text takes.
pub(super) fn columns(text: &str) -> usize {
    text.chars().map(char_columns).sum()
}

fn char_columns(c: char) -> usize {
    match u32::from(c) {
        // Combining marks, joiners and variation selectors draw on the character before.
        0x0300..=0x036f | 0x200b..=0x200f | 0x20d0..=0x20ff | 0xfe00..=0xfe0f => 0,
        // East Asian wide and emoji.
        0x1100..=0x115f
        | 0x2e80..=0xa4cf
        | 0xac00..=0xd7a3
        | 0xf900..=0xfaff
        | 0xfe30..=0xfe6f
        | 0xff00..=0xff60
        | 0xffe0..=0xffe6
        | 0x1f300..=0x1faff
        | 0x20000..=0x3fffd => 2,
        _ => 1,
    }
}

/// The text without control characters, which a name from a script could smuggle in.
pub(super) fn clean(text: &str) -> String {
    text.chars()
        .map(|c| if c == '\t' { ' ' } else { c })
        .filter(|c| !c.is_control())
        .collect()
}

/// At most `width` columns, an ellipsis showing the cut.
pub(super) fn shorten(text: &str, width: usize) -> String {
    if columns(text) <= width {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut used = 0;
    for c in text.chars() {
        used += char_columns(c);
        if used + 1 > width {
            break;
        }
        out.push(c);
    }
    if width > 0 {
        out.push('…');
    }
    out
}

/// Exactly `width` columns, shortened or padded on the right.
pub(super) fn left(text: &str, width: usize) -> String {
    let text = shorten(text, width);
    let pad = width - columns(&text);
    text + &" ".repeat(pad)
}

/// At least `width` columns, padded on the left.
pub(super) fn right(text: &str, width: usize) -> String {
    " ".repeat(width.saturating_sub(columns(text))) + text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_measured_as_it_shows() {
        assert_eq!(columns("p95"), 3);
        assert_eq!(columns("µs"), 2);
        assert_eq!(columns("日本"), 4);
        assert_eq!(columns("e\u{301}"), 1);
    }

    #[test]
    fn text_fits_exactly() {
        assert_eq!(left("abc", 5), "abc  ");
        assert_eq!(left("abcdef", 5), "abcd…");
        assert_eq!(left("日本語", 5), "日本…");
        assert_eq!(left("日本語", 4), "日… ");
        assert_eq!(left("abc", 0), "");
        assert_eq!(right("abc", 5), "  abc");
        assert_eq!(right("abcdef", 5), "abcdef");
    }

    #[test]
    fn control_characters_are_removed() {
        assert_eq!(clean("a\x1b[31m\tb\n"), "a[31m b");
    }
}
