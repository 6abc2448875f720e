//! Comparisons of two numbers, as scripts write them: `< 500`.

/// A comparison of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    More,
    /// `>=`
    AtLeast,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
}

/// Longer signs first, so that `<=` is not read as `<`.
const SIGNS: [(&str, Comparison); 6] = [
    ("==", Comparison::Equal),
    ("!=", Comparison::NotEqual),
    ("<=", Comparison::AtMost),
    (">=", Comparison::AtLeast),
    ("<", Comparison::Less),
    (">", Comparison::More),
];

impl Comparison {
    /// The comparison whose sign a text begins with, and what comes after it.
    #[must_use]
    pub fn split(text: &str) -> Option<(Self, &str)> {
        SIGNS
            .iter()
            .find_map(|(sign, comparison)| Some((*comparison, text.strip_prefix(sign)?)))
    }

    /// Whether it holds between two numbers.
    #[must_use]
    #[expect(clippy::float_cmp, reason = "the script asked for equality")]
    pub fn holds(self, left: f64, right: f64) -> bool {
        match self {
            Self::Less => left < right,
            Self::AtMost => left <= right,
            Self::More => left > right,
            Self::AtLeast => left >= right,
            Self::Equal => left == right,
            Self::NotEqual => left != right,
        }
    }

    /// As it is written.
    #[must_use]
    pub fn sign(self) -> &'static str {
        let found = SIGNS.iter().find(|(_, comparison)| *comparison == self);
        found.map_or("", |(sign, _)| sign)
    }
}
