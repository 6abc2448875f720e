//! A comparison as a person reads it: what differs as a table, the verdict last.

use super::super::layout::{clean, columns, left, right, shorten};
use super::super::look::Tone;
use super::super::terminal::Page;
use super::super::values::show;
use super::super::{Look, Unit};
use super::{Comparison, Effect, Of, Reading, Value};

const SECTIONS: [(Effect, &str, Tone); 3] = [
    (Effect::Worse, "worse", Tone::Bad),
    (Effect::Better, "better", Tone::Good),
    (Effect::Changed, "changed", Tone::Strong),
];

/// Renders what differs; what is the same or unsure is counted.
#[must_use]
pub fn comparison_page(comparison: &Comparison, look: &Look) -> String {
    let mut page = Page::new(look);
    let rows: Vec<_> = comparison.readings.iter().map(Row::of).collect();
    let widest = |cell: fn(&Row) -> &str| {
        let shown = rows.iter().filter(|row| row.is_shown());
        shown.map(|row| columns(cell(row))).max().unwrap_or(0)
    };
    let widths = [
        widest(|row| &row.name).min(page.room(40).max(20)),
        widest(|row| row.number),
        widest(|row| &row.before),
        widest(|row| &row.after),
        widest(|row| &row.change),
    ];
    for (effect, title, tone) in SECTIONS {
        let found: Vec<_> = rows.iter().filter(|row| row.effect == effect).collect();
        if found.is_empty() {
            continue;
        }
        page.blank();
        let title = page.look.paint(tone, title);
        page.line(&title);
        for row in found {
            let text = format!(
                "  {}  {}  {} → {}  {}",
                left(&row.name, widths[0]),
                left(row.number, widths[1]),
                right(&row.before, widths[2]),
                left(&row.after, widths[3]),
                right(&row.change, widths[4]),
            );
            let text = shorten(&text, page.room(0));
            page.line(&text);
        }
    }
    verdict(&mut page, comparison);
    page.text()
}

fn verdict(page: &mut Page, comparison: &Comparison) {
    let (mark, word, tone) = match comparison.verdict {
        Effect::Worse => ("✗", "worse", Tone::Bad),
        Effect::Better => ("✓", "better", Tone::Good),
        _ => ("✓", "same", Tone::Good),
    };
    let count = |effect| {
        let all = comparison.readings.iter();
        all.filter(|reading| reading.effect == effect).count()
    };
    let mut facts: Vec<String> = [
        (Effect::Worse, "worse"),
        (Effect::Better, "better"),
        (Effect::Changed, "changed"),
        (Effect::Same, "within noise"),
        (Effect::Unsure, "with too few samples"),
    ]
    .into_iter()
    .filter(|(effect, _)| count(*effect) > 0)
    .map(|(effect, words)| format!("{} {words}", count(effect)))
    .collect();
    facts.push(format!(
        "tolerance {}",
        show(comparison.tolerance, &Unit::Share)
    ));
    page.blank();
    let facts = shorten(&facts.join(" · "), page.room(4 + word.len()));
    let word = page.look.paint(tone, &format!("{mark} {word}"));
    page.line(&format!("{word}  {facts}"));
}

struct Row {
    effect: Effect,
    name: String,
    number: &'static str,
    before: String,
    after: String,
    change: String,
}

impl Row {
    fn of(reading: &Reading) -> Self {
        let name = clean(&reading.name);
        let value = |value: &Option<Value>| match value {
            None => "–".to_owned(),
            Some(Value::Number(number)) => show(*number, &reading.unit),
            Some(Value::Word(word)) => clean(word),
        };
        Self {
            effect: reading.effect,
            name: match reading.kind {
                Of::Verdict | Of::Metric => name,
                Of::Threshold => format!("threshold {name}"),
                Of::Check => format!("check {name}"),
                Of::Error => format!("error {name}"),
                Of::Experiment => format!("experiment {name}"),
                Of::Fault => format!("fault {name}"),
            },
            number: reading.number,
            before: value(&reading.before),
            after: value(&reading.after),
            change: reading.change.map_or_else(String::new, percent),
        }
    }

    fn is_shown(&self) -> bool {
        SECTIONS.iter().any(|(effect, ..)| *effect == self.effect)
    }
}

/// A change with its sign: `+12%`, `±0%`, `×3.4` where percent are hard to read.
pub(super) fn percent(change: f64) -> String {
    // From 1.995 on, `+200%` is no easier to read than `×3.0`.
    if change >= 1.995 {
        format!("×{:.1}", change + 1.0)
    } else if change.abs() < 0.005 {
        "±0%".to_owned()
    } else {
        format!("{:+.0}%", change * 100.0)
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::sample::sample;
    use super::super::{Recorded, compare};
    use super::*;

    #[test]
    fn what_differs_is_a_table_and_the_verdict_comes_last() {
        let before = serde_json::to_value(sample()).unwrap();
        let mut after = before.clone();
        for (key, value) in [("med", 3.0), ("p90", 4.0), ("p95", 9.6), ("p99", 20.0)] {
            after["metrics"]["http_req_duration"]["values"][key] = value.into();
        }
        after["verdict"] = "passed".into();
        let [before, after] =
            [before, after].map(|json| Recorded::read(&json.to_string()).unwrap());
        let text = comparison_page(&compare(&before, &after, 0.1), &Look::default());
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[0], "worse", "{text}");
        assert!(
            lines[1].starts_with("  http_req_duration  p50     1ms → 3ms     ×3.0"),
            "{text}"
        );
        assert!(lines.contains(&"better"), "{text}");
        let last = lines.last().unwrap();
        assert!(
            last.starts_with("✗ worse  ") && last.ends_with("tolerance 10%"),
            "{text}"
        );
    }
}
