//! The text that targets show under `/metrics`: Prometheus 0.0.4 and OpenMetrics 1.0, line by line.

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use crate::base::text::quoted;

/// Where a text stops being one of metrics, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub(super) struct ExpositionError {
    /// The line, from 1.
    pub(super) line: usize,
    /// What is wrong with it.
    pub(super) problem: String,
}

/// A label's name and its value, unescaped.
pub(super) type Label<'a> = (&'a str, Cow<'a, str>);

/// One sample line.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sample<'a> {
    pub(super) name: &'a str,
    /// As written; no two have one name.
    pub(super) labels: Vec<Label<'a>>,
    pub(super) value: f64,
    /// Milliseconds since 1970, if the target gives a time.
    pub(super) at: Option<f64>,
    pub(super) exemplar: Option<Exemplar<'a>>,
}

/// A single event that a sample counted, such as the trace of one request.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Exemplar<'a> {
    pub(super) labels: Vec<Label<'a>>,
    pub(super) value: f64,
    /// Milliseconds since 1970.
    pub(super) at: Option<f64>,
}

impl<'a> Sample<'a> {
    /// The value of a label; empty if it has none of this name.
    pub(super) fn label(&self, name: &str) -> &str {
        let found = self.labels.iter().find(|(known, _)| *known == name);
        found.map_or("", |(_, value)| value)
    }
}

/// The samples of a text, in order.
#[derive(Debug, Clone)]
pub(super) struct Samples<'a> {
    lines: std::iter::Enumerate<std::str::Lines<'a>>,
    open_metrics: bool,
    ended: bool,
    failed: bool,
}

/// Reads a text; `open_metrics` says which of the two formats it was sent as.
pub(super) fn samples(text: &str, open_metrics: bool) -> Samples<'_> {
    Samples {
        lines: text.lines().enumerate(),
        open_metrics,
        ended: false,
        failed: false,
    }
}

/// The whole of it once: how many samples it has.
///
/// # Errors
///
/// The first line that cannot be read; OpenMetrics without its `# EOF`, which was cut.
pub(super) fn validate(text: &str, open_metrics: bool) -> Result<usize, ExpositionError> {
    let mut count = 0;
    let mut all = samples(text, open_metrics);
    for sample in all.by_ref() {
        sample?;
        count += 1;
    }
    if open_metrics && !all.ended {
        return Err(ExpositionError {
            line: text.lines().count(),
            problem: "the text ends without \"# EOF\": it was cut".to_owned(),
        });
    }
    Ok(count)
}

impl<'a> Iterator for Samples<'a> {
    type Item = Result<Sample<'a>, ExpositionError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        loop {
            let (index, line) = self.lines.next()?;
            match self.line(line.trim_end_matches('\r')) {
                Ok(None) => {}
                Ok(Some(sample)) => return Some(Ok(sample)),
                Err(problem) => {
                    self.failed = true;
                    let line = index + 1;
                    return Some(Err(ExpositionError { line, problem }));
                }
            }
        }
    }
}

impl<'a> Samples<'a> {
    fn line(&mut self, line: &'a str) -> Result<Option<Sample<'a>>, String> {
        let text = line.trim_matches(BLANK);
        if self.ended && !text.is_empty() {
            return Err(format!("{} follows \"# EOF\"", quoted(text)));
        }
        if let Some(comment) = text.strip_prefix('#') {
            let comment = comment.trim_start_matches(BLANK);
            self.ended = self.open_metrics && comment == "EOF";
            // Any other comment is allowed; a type that is none would be misread by everyone.
            return match comment.strip_prefix("TYPE ") {
                Some(rest) => declared(rest).map(|()| None),
                None => Ok(None),
            };
        }
        if text.is_empty() {
            return Ok(None);
        }
        let scale = if self.open_metrics { 1e3 } else { 1.0 };
        Reader { rest: text, scale }.sample().map(Some)
    }
}

const BLANK: [char; 2] = [' ', '\t'];

const TYPES: &[&str] = &[
    "counter",
    "gauge",
    "histogram",
    "summary",
    "untyped",
    "unknown",
    "info",
    "stateset",
    "gaugehistogram",
];

fn declared(rest: &str) -> Result<(), String> {
    let mut words = rest.split(BLANK).filter(|word| !word.is_empty());
    let name = words.next().unwrap_or_default();
    match words.next() {
        Some(kind) if TYPES.contains(&kind) => Ok(()),
        Some(kind) => Err(format!(
            "{} is no type of a metric; the types are {}",
            quoted(kind),
            TYPES.join(", ")
        )),
        None => Err(format!("the type of {} is missing", quoted(name))),
    }
}

/// What is left of one line.
struct Reader<'a> {
    rest: &'a str,
    /// Milliseconds that one unit of a timestamp stands for.
    scale: f64,
}

impl<'a> Reader<'a> {
    fn sample(mut self) -> Result<Sample<'a>, String> {
        let name = self.word(|c| c.is_ascii_alphanumeric() || c == '_' || c == ':');
        if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
            return Err(format!(
                "{} is not a metric's name",
                quoted(self.near(name))
            ));
        }
        self.blank();
        let labels = self.labels()?;
        let value = self.number("the value")?;
        let (mut at, mut exemplar) = (None, None);
        if !self.rest.is_empty() && !self.rest.starts_with('#') {
            at = Some(self.number("the timestamp")? * self.scale);
        }
        if let Some(rest) = self.rest.strip_prefix('#') {
            self.rest = rest;
            self.blank();
            exemplar = Some(self.exemplar()?);
        }
        if !self.rest.is_empty() {
            return Err(format!("unexpected {} at the end", quoted(self.rest)));
        }
        Ok(Sample {
            name,
            labels,
            value,
            at,
            exemplar,
        })
    }

    fn exemplar(&mut self) -> Result<Exemplar<'a>, String> {
        if !self.rest.starts_with('{') {
            return Err("an exemplar begins with its labels, as in # {trace_id=\"1\"} 0.5".into());
        }
        let labels = self.labels()?;
        let value = self.number("the exemplar's value")?;
        let at = match self.rest {
            "" => None,
            _ => Some(self.number("the exemplar's timestamp")? * self.scale),
        };
        Ok(Exemplar { labels, value, at })
    }

    fn labels(&mut self) -> Result<Vec<Label<'a>>, String> {
        let mut labels: Vec<Label<'a>> = Vec::new();
        let Some(rest) = self.rest.strip_prefix('{') else {
            return Ok(labels);
        };
        self.rest = rest;
        loop {
            self.blank();
            if self.take('}') {
                break;
            }
            let name = self.word(|c| c.is_ascii_alphanumeric() || c == '_');
            if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
                return Err(format!("{} is not a label's name", quoted(self.near(name))));
            }
            self.blank();
            if !self.take('=') {
                return Err(format!("\"=\" is missing after the label {}", quoted(name)));
            }
            self.blank();
            let value = self.string(name)?;
            if labels.iter().any(|(known, _)| *known == name) {
                return Err(format!("the label {} is there twice", quoted(name)));
            }
            labels.push((name, value));
            self.blank();
            if !self.take(',') && !self.rest.starts_with('}') {
                return Err(format!(
                    "\",\" or \"}}\" is missing after the label {}",
                    quoted(name)
                ));
            }
        }
        self.blank();
        Ok(labels)
    }

    /// A value in quotes; borrowed unless something in it is escaped.
    fn string(&mut self, label: &str) -> Result<Cow<'a, str>, String> {
        let open = || format!("the value of the label {} is not in quotes", quoted(label));
        let text = self.rest.strip_prefix('"').ok_or_else(open)?;
        let mut owned = String::new();
        let mut from = 0;
        let mut marks = text.match_indices(['"', '\\']);
        while let Some((at, mark)) = marks.next() {
            if mark == "\"" {
                self.rest = &text[at + 1..];
                let last = &text[from..at];
                return Ok(if owned.is_empty() {
                    Cow::Borrowed(last)
                } else {
                    Cow::Owned(owned + last)
                });
            }
            owned.push_str(&text[from..at]);
            let escaped = text[at + 1..].chars().next();
            match escaped {
                Some('n') => owned.push('\n'),
                Some(same @ ('"' | '\\')) => {
                    owned.push(same);
                    marks.next();
                }
                _ => {
                    let escaped = escaped.map(String::from).unwrap_or_default();
                    return Err(format!(
                        "\"\\{escaped}\" in the label {} is no escape; \\\\, \\\" and \\n are",
                        quoted(label)
                    ));
                }
            }
            from = at + 2;
        }
        Err(open())
    }

    fn number(&mut self, what: &str) -> Result<f64, String> {
        let word = self.word(|c| !BLANK.contains(&c));
        self.blank();
        if word.is_empty() {
            return Err(format!("{what} is missing"));
        }
        number(word).ok_or_else(|| format!("{what}: {} is not a number", quoted(word)))
    }

    fn word(&mut self, of: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|c| !of(c)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word
    }

    fn blank(&mut self) {
        self.rest = self.rest.trim_start_matches(BLANK);
    }

    fn take(&mut self, wanted: char) -> bool {
        let rest = self.rest.strip_prefix(wanted);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// A name that is none, with the one that spoils it, for a message.
    fn near(&self, name: &'a str) -> &'a str {
        if name.is_empty() {
            let end = self.rest.find(BLANK).unwrap_or(self.rest.len());
            &self.rest[..end]
        } else {
            name
        }
    }
}

/// A number as Prometheus writes it: `1`, `2.5e-3`, `NaN`, `+Inf`.
pub(super) fn number(text: &str) -> Option<f64> {
    text.parse().ok()
}
