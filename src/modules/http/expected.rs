//! Which statuses a script expects; a response with another one counts as failed.

use mlua::{Table, Value};

use super::read::Read;
use crate::modules::words::kind;

/// Ranges of statuses, both ends included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Expected(Vec<(u16, u16)>);

impl Default for Expected {
    fn default() -> Self {
        Self(vec![(200, 399)])
    }
}

impl Expected {
    /// Whether a response with this status went well.
    pub(super) fn holds(&self, status: u16) -> bool {
        self.0
            .iter()
            .any(|&(low, high)| (low..=high).contains(&status))
    }

    /// Reads `200`, `"2xx"`, `"200-299"`, or a list of these.
    pub(super) fn read(value: &Value) -> Read<Self> {
        let ranges = match value {
            Value::Table(list) => each(list)?,
            one => vec![range(one)?],
        };
        if ranges.is_empty() {
            return Err("the list is empty; write { 200, \"3xx\" }".to_owned());
        }
        Ok(Self(ranges))
    }
}

fn each(list: &Table) -> Read<Vec<(u16, u16)>> {
    let mut ranges = Vec::new();
    for value in list.sequence_values::<Value>() {
        ranges.push(range(&value.map_err(|error| error.to_string())?)?);
    }
    Ok(ranges)
}

fn range(value: &Value) -> Read<(u16, u16)> {
    let spelling = "write 200, \"2xx\" or \"200-299\"";
    let text = match value {
        Value::Integer(_) | Value::Number(_) | Value::String(_) => {
            value.to_string().map_err(|error| error.to_string())?
        }
        other => {
            return Err(format!(
                "expected a status, got {}; {spelling}",
                kind(other)
            ));
        }
    };
    let status = |text: &str| {
        let number: u16 = text.trim().parse().ok()?;
        (100..=599).contains(&number).then_some(number)
    };
    let found = if let Some(one) = status(&text) {
        Some((one, one))
    } else if let Some(class) = text.strip_suffix("xx") {
        let class = class
            .parse()
            .ok()
            .filter(|class| (1..=5u16).contains(class));
        class.map(|class| (class * 100, class * 100 + 99))
    } else {
        let ends = text
            .split_once('-')
            .and_then(|(low, high)| Some((status(low)?, status(high)?)));
        ends.filter(|(low, high)| low <= high)
    };
    found.ok_or_else(|| {
        let text = crate::base::text::quoted(&text);
        format!("{text} is no status; {spelling}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_classes_and_ranges_are_read() {
        let lua = mlua::Lua::new();
        let read = |text: &str| Expected::read(&lua.load(text).eval::<Value>().unwrap());
        assert!(Expected::default().holds(204) && !Expected::default().holds(404));
        let some = read("{ 200, '3xx', '410-412' }").unwrap();
        for (status, holds) in [
            (200, true),
            (201, false),
            (302, true),
            (411, true),
            (0, false),
        ] {
            assert_eq!(some.holds(status), holds, "{status}");
        }
        assert!(read("404").unwrap().holds(404));
        for bad in ["{}", "'6xx'", "'ok'", "'300-200'", "true", "99", "200.5"] {
            assert!(read(bad).unwrap_err().contains("write"), "{bad}");
        }
    }
}
