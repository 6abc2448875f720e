//! Units as scripts write them: `"250ms"`, `"64MiB"`, `"10mbit"`, `"200/s"`, `"30%"`.
//!
//! A bare number is refused wherever a unit belongs, and the message shows the right spelling.

use std::fmt;
use std::time::Duration;

/// Why a text is not the unit that was asked for; reads well after ``option `x`: ``.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct UnitError(pub String);

/// A number of bytes, written `"512B"`, `"10KB"` (1000) or `"64MiB"` (1024 × 1024).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bytes(pub u64);

/// A transfer rate in bytes per second, written `"10mbit"` or `"1MB/s"`.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Bandwidth(pub f64);

/// Events per second, written `"200/s"`, `"30/m"` or `"5/h"`.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Rate(pub f64);

/// A share between 0 and 1, written `"30%"`.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Share(pub f64);

/// Whole milliseconds, as journals, protocols and summaries carry times.
#[must_use]
pub fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Processor time in cores, written `"150%"`: one and a half of them.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Cores(pub f64);

/// How far a clock is off, in seconds, written `"+1h"` or `"-90s"`; the sign belongs to it.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Offset(pub f64);

/// Splits `"12.5ms"` into the number and what follows it.
fn split_number(text: &str) -> Option<(f64, &str)> {
    let text = text.trim();
    let end = text
        .find(|c: char| !(c.is_ascii_digit() || c == '.' || c == '_'))
        .unwrap_or(text.len());
    let number: f64 = text[..end].replace('_', "").parse().ok()?;
    Some((number, text[end..].trim_start()))
}

fn nanos_per(unit: &str) -> Option<f64> {
    Some(match unit {
        "ns" => 1.0,
        "us" | "µs" | "μs" => 1e3,
        "ms" => 1e6,
        "s" => 1e9,
        "m" | "min" => 60e9,
        "h" => 3600e9,
        "d" => 86_400e9,
        _ => return None,
    })
}

/// Reads a duration such as `"250ms"`, `"1.5s"`, `"2m"`, `"1h"` or `"1m30s"`.
///
/// # Errors
///
/// No unit, an unknown unit, or not a number; the message shows the right spelling.
pub fn duration(text: &str) -> Result<Duration, UnitError> {
    let mut rest = text.trim();
    let mut total = 0.0;
    if rest.is_empty() || rest.starts_with('-') {
        return Err(not("a duration", text, "\"250ms\", \"1.5s\" or \"2m\""));
    }
    while !rest.is_empty() {
        let Some((number, tail)) = split_number(rest) else {
            return Err(not("a duration", text, "\"250ms\", \"1.5s\" or \"2m\""));
        };
        let end = tail
            .find(|c: char| !c.is_alphabetic())
            .unwrap_or(tail.len());
        let unit = &tail[..end];
        if unit.is_empty() {
            return Err(UnitError(format!(
                "\"{text}\" has no unit; write \"{rest}ms\" or \"{rest}s\""
            )));
        }
        let Some(scale) = nanos_per(unit) else {
            return Err(UnitError(format!(
                "\"{text}\" has an unknown unit \"{unit}\"; the units are us, ms, s, m, h, d"
            )));
        };
        total += number * scale;
        rest = tail[end..].trim_start();
    }
    if total > 1e9 * 86_400.0 * 36_500.0 {
        return Err(UnitError(format!("\"{text}\" is longer than a century")));
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked to be non-negative and below a century"
    )]
    Ok(Duration::from_nanos(total.round() as u64))
}

/// Reads a size such as `"10KB"` (decimal) or `"64MiB"` (binary).
///
/// # Errors
///
/// No unit, an unknown unit, or not a number.
pub fn bytes(text: &str) -> Result<Bytes, UnitError> {
    let spelling = "\"64MiB\" or \"10KB\"";
    let (number, unit) = split_number(text).ok_or_else(|| not("a size", text, spelling))?;
    if unit.is_empty() {
        return Err(UnitError(format!(
            "\"{text}\" has no unit; write \"{text}B\", \"{text}KB\" or \"{text}MiB\""
        )));
    }
    let scale = size_unit(unit).ok_or_else(|| not("a size", text, spelling))?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a float cast saturates, and the sign was never parsed"
    )]
    Ok(Bytes((number * scale).round() as u64))
}

fn size_unit(unit: &str) -> Option<f64> {
    Some(match unit.to_ascii_lowercase().as_str() {
        "b" => 1.0,
        "kb" => 1e3,
        "mb" => 1e6,
        "gb" => 1e9,
        "tb" => 1e12,
        "kib" => 1024.0,
        "mib" => 1024.0 * 1024.0,
        "gib" => 1024.0 * 1024.0 * 1024.0,
        "tib" => 1024.0 * 1024.0 * 1024.0 * 1024.0,
        _ => return None,
    })
}

/// Reads a transfer rate such as `"10mbit"` or `"1MB/s"`.
///
/// # Errors
///
/// No unit, an unknown unit, or not a number.
pub fn bandwidth(text: &str) -> Result<Bandwidth, UnitError> {
    let spelling = "\"10mbit\" or \"1MB/s\"";
    let (number, unit) =
        split_number(text).ok_or_else(|| not("a transfer rate", text, spelling))?;
    let lower = unit.to_ascii_lowercase();
    let bit = lower.strip_suffix("/s").unwrap_or(&lower);
    let scale = match bit.strip_suffix("it").or(bit.strip_suffix("its")) {
        Some("b") => 1.0 / 8.0,
        Some("kb") => 1e3 / 8.0,
        Some("mb") => 1e6 / 8.0,
        Some("gb") => 1e9 / 8.0,
        _ => lower
            .strip_suffix("/s")
            .and_then(size_unit)
            .ok_or_else(|| not("a transfer rate", text, spelling))?,
    };
    Ok(Bandwidth(number * scale))
}

/// Reads a rate such as `"200/s"`, `"30/m"` or `"5/h"`.
///
/// # Errors
///
/// No unit, an unknown unit, or not a number.
pub fn rate(text: &str) -> Result<Rate, UnitError> {
    let spelling = "\"200/s\" or \"30/m\"";
    let (number, unit) = split_number(text).ok_or_else(|| not("a rate", text, spelling))?;
    if unit.is_empty() {
        return Err(UnitError(format!(
            "\"{text}\" has no unit; write \"{text}/s\" or \"{text}/m\""
        )));
    }
    let per = match unit.strip_prefix('/').map(str::trim) {
        Some("s" | "sec" | "second") => 1.0,
        Some("m" | "min" | "minute") => 60.0,
        Some("h" | "hour") => 3600.0,
        _ => return Err(not("a rate", text, spelling)),
    };
    Ok(Rate(number / per))
}

/// Reads a share such as `"30%"`.
///
/// # Errors
///
/// No percent sign, not a number, or above 100 %.
pub fn share(text: &str) -> Result<Share, UnitError> {
    let (number, unit) = split_number(text).ok_or_else(|| not("a share", text, "\"30%\""))?;
    if unit.is_empty() {
        return Err(UnitError(format!(
            "\"{text}\" has no unit; write \"{text}%\""
        )));
    }
    if unit != "%" {
        return Err(not("a share", text, "\"30%\""));
    }
    if number > 100.0 {
        return Err(UnitError(format!("\"{text}\" is more than \"100%\"")));
    }
    Ok(Share(number / 100.0))
}

/// Reads processor time such as `"150%"` of a core.
///
/// # Errors
///
/// No percent sign, not a number, or less than a hundredth of a core.
pub fn cores(text: &str) -> Result<Cores, UnitError> {
    let spelling = "\"50%\" of a core";
    let (number, unit) = split_number(text).ok_or_else(|| not("processor time", text, spelling))?;
    if unit.is_empty() {
        return Err(UnitError(format!(
            "\"{text}\" has no unit; write \"{text}%\" of a core"
        )));
    }
    if unit != "%" {
        return Err(not("processor time", text, spelling));
    }
    if number < 1.0 {
        return Err(UnitError(format!(
            "\"{text}\" is less than \"1%\", which is the least that the kernel gives"
        )));
    }
    Ok(Cores(number / 100.0))
}

/// Reads how far a clock is off, such as `"+1h"` or `"-90s"`.
///
/// # Errors
///
/// No sign, or not a duration after it.
pub fn offset(text: &str) -> Result<Offset, UnitError> {
    let (sign, rest) = match text.trim().split_at_checked(1) {
        Some(("+", rest)) => (1.0, rest),
        Some(("-", rest)) => (-1.0, rest),
        _ => {
            return Err(UnitError(format!(
                "\"{text}\" says neither ahead nor behind; write \"+{text}\" or \"-{text}\""
            )));
        }
    };
    Ok(Offset(sign * duration(rest)?.as_secs_f64()))
}

fn not(what: &str, text: &str, spelling: &str) -> UnitError {
    UnitError(format!("\"{text}\" is not {what}; write {spelling}"))
}

/// Shows a duration with the unit a reader expects: `850µs`, `12.3ms`, `1.5s`, `2m`, `1h30m`.
#[must_use]
pub fn show_duration(value: Duration) -> String {
    let seconds = value.as_secs_f64();
    if value.is_zero() {
        "0s".to_owned()
    } else if seconds < 0.000_999_5 {
        trimmed(seconds * 1e6, "µs")
    } else if seconds < 0.999_5 {
        trimmed(seconds * 1e3, "ms")
    } else if seconds < 60.0 {
        trimmed(seconds, "s")
    } else {
        let whole = value.as_secs();
        let (hours, minutes, rest) = (whole / 3600, whole / 60 % 60, whole % 60);
        let parts = [(hours, "h"), (minutes, "m"), (rest, "s")];
        let shown: Vec<String> = parts
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, unit)| format!("{count}{unit}"))
            .collect();
        shown.join("")
    }
}

/// Shows a number of bytes in decimal units: `1.2 MB`.
#[must_use]
pub fn show_bytes(value: f64) -> String {
    let (scale, unit) = match value.abs() {
        v if v >= 1e12 => (1e12, " TB"),
        v if v >= 1e9 => (1e9, " GB"),
        v if v >= 1e6 => (1e6, " MB"),
        v if v >= 1e3 => (1e3, " kB"),
        _ => (1.0, " B"),
    };
    trimmed(value / scale, unit)
}

/// Three significant digits without trailing zeros.
fn trimmed(value: f64, unit: &str) -> String {
    let digits = match value.abs() {
        v if v >= 100.0 => 0,
        v if v >= 10.0 => 1,
        _ => 2,
    };
    let mut text = format!("{value:.digits$}");
    if text.contains('.') {
        text.truncate(text.trim_end_matches('0').trim_end_matches('.').len());
    }
    text + unit
}

impl fmt::Display for Bytes {
    #[expect(clippy::cast_precision_loss, reason = "shown with three digits")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&show_bytes(self.0 as f64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_with_their_unit() {
        let table = [
            ("250ms", Duration::from_millis(250)),
            ("1.5s", Duration::from_millis(1500)),
            ("2m", Duration::from_secs(120)),
            ("1h", Duration::from_secs(3600)),
            ("1m30s", Duration::from_secs(90)),
            ("10us", Duration::from_micros(10)),
            ("0s", Duration::ZERO),
        ];
        for (text, expected) in table {
            assert_eq!(duration(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn a_missing_unit_shows_the_right_spelling() {
        let message = duration("250").unwrap_err().to_string();
        assert_eq!(message, "\"250\" has no unit; write \"250ms\" or \"250s\"");
        assert!(rate("200").unwrap_err().to_string().contains("\"200/s\""));
        assert!(share("30").unwrap_err().to_string().contains("\"30%\""));
        assert!(bytes("64").unwrap_err().to_string().contains("\"64MiB\""));
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", "s", "-5s", "5 parsecs", "1..2s", "5s6", "9999999999h"] {
            assert!(duration(text).is_err(), "{text}");
        }
        for text in ["", "10 apples", "%", "101%", "10/fortnight"] {
            assert!(bytes(text).is_err() && share(text).is_err(), "{text}");
            assert!(rate(text).is_err() && bandwidth(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_rates_and_shares() {
        assert_eq!(bytes("64MiB"), Ok(Bytes(64 << 20)));
        assert_eq!(bytes("10KB"), Ok(Bytes(10_000)));
        assert_eq!(bandwidth("10mbit"), Ok(Bandwidth(1.25e6)));
        assert_eq!(bandwidth("1MB/s"), Ok(Bandwidth(1e6)));
        assert_eq!(rate("30/m"), Ok(Rate(0.5)));
        assert_eq!(share("30%"), Ok(Share(0.3)));
    }

    #[test]
    fn durations_are_shown_for_people() {
        let table = [
            (Duration::from_micros(850), "850µs"),
            (Duration::from_micros(12_340), "12.3ms"),
            (Duration::from_millis(1500), "1.5s"),
            (Duration::from_secs(120), "2m"),
            (Duration::from_secs(5400), "1h30m"),
        ];
        for (value, expected) in table {
            assert_eq!(show_duration(value), expected);
        }
    }
}
