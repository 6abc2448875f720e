//! HTML under construction: escaped texts, tables.

use std::fmt::Write as _;

/// Text as HTML may hold it, also within attributes; control characters are left out.
pub(in crate::output) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(c),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

/// JSON that stands inside a `script` element, which only a `<` could end.
pub(super) fn embedded(json: &str) -> String {
    json.replace('<', "\\u003c")
}

/// A mark that says it in colour and shape.
pub(super) fn mark(ok: bool) -> &'static str {
    if ok {
        "<span class=\"good\" title=\"held\">✓</span>"
    } else {
        "<span class=\"bad\" title=\"did not hold\">✗</span>"
    }
}

/// A table; cells are given as HTML.
pub(super) struct Table {
    out: String,
    /// The class of each column.
    classes: Vec<&'static str>,
}

impl Table {
    /// A table with these headings; one that begins with `#` is over a column of numbers.
    pub(super) fn new(headings: &[&str]) -> Self {
        let mut out = String::from("<table><thead><tr>");
        let class = |text: &&str| match *text {
            "" => " class=\"mark\"",
            text if text.starts_with('#') => " class=\"n\"",
            _ => "",
        };
        // A mark is at the beginning of a row; elsewhere no heading says only that none is needed.
        let classes: Vec<_> = headings
            .iter()
            .enumerate()
            .map(|(place, text)| match place {
                0 => class(text),
                _ if text.is_empty() => "",
                _ => class(text),
            })
            .collect();
        for (text, class) in headings.iter().zip(&classes) {
            let text = escape(text.trim_start_matches('#'));
            // Writing to a string cannot fail, here and below.
            let _ = write!(out, "<th{class}>{text}</th>");
        }
        out.push_str("</tr></thead><tbody>\n");
        Self { out, classes }
    }

    /// Adds a row; cells that are missing at the end stay empty.
    pub(super) fn row(&mut self, cells: &[String]) {
        self.named_row("", cells);
    }

    /// Adds a row that programs find by its name.
    pub(super) fn named_row(&mut self, name: &str, cells: &[String]) {
        self.out.push_str("<tr");
        if !name.is_empty() {
            let _ = write!(self.out, " data-row=\"{}\"", escape(name));
        }
        self.out.push('>');
        for (place, class) in self.classes.iter().enumerate() {
            let cell = cells.get(place).map_or("", String::as_str);
            let _ = write!(self.out, "<td{class}>{cell}</td>");
        }
        self.out.push_str("</tr>\n");
    }

    /// The table.
    pub(super) fn html(self) -> String {
        self.out + "</tbody></table>\n"
    }
}

/// A section with its title; nothing if there is nothing in it.
pub(super) fn section(id: &str, title: &str, body: &str) -> String {
    if body.is_empty() {
        return String::new();
    }
    format!("<section id=\"{id}\">\n<h2>{title}</h2>\n{body}</section>\n")
}

/// A framed part of a section.
pub(super) fn panel(body: &str) -> String {
    format!("<div class=\"panel\">\n{body}</div>\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_leaves_its_place() {
        assert_eq!(
            escape("<b title=\"x\">'&\x1b"),
            "&lt;b title=&quot;x&quot;&gt;&#39;&amp;"
        );
        assert_eq!(embedded("\"</script>\""), "\"\\u003c/script>\"");
    }
}
