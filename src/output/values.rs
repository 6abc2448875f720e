//! Numbers as people read them.

use std::time::Duration;

use crate::base::units::{show_bytes, show_duration};

use super::Unit;

/// A whole number with its thousands apart: `1,234,567`.
pub(super) fn whole(value: u64) -> String {
    let digits = value.to_string();
    let mut out = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A number with at most two decimals, fewer where they say nothing.
pub(super) fn number(value: f64) -> String {
    if !value.is_finite() {
        return "–".to_owned();
    }
    let size = value.abs();
    let sign = if value < 0.0 { "-" } else { "" };
    if size >= 1e15 {
        return format!("{value:.3e}");
    }
    let decimals = match size {
        s if s >= 100.0 => 0,
        s if s >= 10.0 => 1,
        s if s >= 0.01 || s == 0.0 => 2,
        _ => 6,
    };
    let text = format!("{size:.decimals$}");
    let (int, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let fraction = fraction.trim_end_matches('0');
    let int = int.parse().map_or_else(|_| int.to_owned(), whole);
    match fraction {
        "" if int == "0" => int,
        "" => format!("{sign}{int}"),
        _ => format!("{sign}{int}.{fraction}"),
    }
}

/// A share in percent that says 0 % or 100 % only where it is exactly that.
pub(super) fn percent(share: f64) -> String {
    if share > 0.0 && share < 0.0001 {
        return "<0.01%".to_owned();
    }
    if share > 0.9999 && share < 1.0 {
        return ">99.99%".to_owned();
    }
    let text = format!("{:.2}", share * 100.0);
    format!("{}%", text.trim_end_matches('0').trim_end_matches('.'))
}

/// Milliseconds with the unit a reader expects.
pub(super) fn millis(value: f64) -> String {
    let size = Duration::try_from_secs_f64(value.abs() / 1e3).map(show_duration);
    match size {
        Ok(text) if value < 0.0 => format!("-{text}"),
        Ok(text) => text,
        Err(_) => "–".to_owned(),
    }
}

/// A value in its unit.
pub(super) fn show(value: f64, unit: &Unit) -> String {
    match unit {
        Unit::Time => millis(value),
        Unit::Bytes if value.is_finite() => show_bytes(value),
        Unit::Share if value.is_finite() => percent(value),
        Unit::Other(word) => format!("{} {word}", number(value)),
        _ => number(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_grouped() {
        let table = [
            (0.0, "0"),
            (-0.0, "0"),
            (1.0, "1"),
            (0.125, "0.12"),
            (0.001, "0.001"),
            (12.34, "12.3"),
            (1234.5, "1,234"),
            (-1_234_567.0, "-1,234,567"),
            (1e18, "1.000e18"),
            (f64::NAN, "–"),
        ];
        for (value, expected) in table {
            assert_eq!(number(value), expected);
        }
        assert_eq!(whole(999), "999");
        assert_eq!(whole(1000), "1,000");
    }

    #[test]
    fn a_share_is_never_rounded_to_all_or_none() {
        let table = [
            (0.0, "0%"),
            (1.0, "100%"),
            (0.985, "98.5%"),
            (0.999_99, ">99.99%"),
            (0.000_01, "<0.01%"),
            (0.3333, "33.33%"),
        ];
        for (value, expected) in table {
            assert_eq!(percent(value), expected);
        }
    }

    #[test]
    fn values_carry_their_unit() {
        assert_eq!(show(12.34, &Unit::Time), "12.3ms");
        assert_eq!(show(-0.5, &Unit::Time), "-500µs");
        assert_eq!(show(f64::NAN, &Unit::Time), "–");
        assert_eq!(show(1.2e6, &Unit::Bytes), "1.2 MB");
        assert_eq!(show(0.042, &Unit::Share), "4.2%");
        assert_eq!(show(3.0, &Unit::Other("items".into())), "3 items");
    }
}
