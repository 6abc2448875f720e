use std::sync::Arc;
use std::time::Duration;

use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::*;
use crate::output::progress::line::tests::browse;
use crate::output::{Column, Detail, Event, EventKind, FaultProgress, Series, Tier, Unit};

fn drawn(view: &LiveView, width: u16, height: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| view.draw(frame)).unwrap();
    terminal.backend().to_string()
}

fn detail() -> Detail {
    let column = |metric: &str, stat: &str, unit| Column {
        metric: metric.to_owned(),
        stat: stat.to_owned(),
        unit,
        values: (1..=9).map(|value| Some(f64::from(value) * 5.0)).collect(),
    };
    let event = |at, kind, text: &str| Event {
        at: Duration::from_secs(at),
        kind,
        text: text.to_owned(),
    };
    Detail {
        series: Arc::new(Series {
            step_seconds: 1.0,
            columns: vec![
                column("http_reqs", "per second", Unit::Plain),
                column("http_req_duration", "p(95)", Unit::Time),
            ],
        }),
        faults: vec![FaultProgress {
            name: "slow db".into(),
            label: "latency on db".into(),
            tier: Some(Tier::Inline),
            state: "seen to act",
            since: Some(Duration::from_secs(3)),
            left: Some(Duration::from_secs(27)),
        }],
        events: vec![
            event(2, EventKind::Scenario, "scenario \"browse\" begins"),
            event(4, EventKind::Step, "step \"cut\" begins"),
        ],
    }
}

fn view() -> LiveView {
    let mut view = LiveView::new("rchaos: a.lua", "q stops and heals");
    view.show(&Progress {
        at: Duration::from_millis(12_700),
        scenarios: vec![browse()],
        detail: Some(detail()),
    });
    view.log("\x1b[32m INFO\x1b[0m hello\n WARN careful\n");
    view
}

#[test]
fn everything_has_its_place() {
    let text = drawn(&view(), 130, 40);
    for part in [
        "rchaos: a.lua",
        "12s",
        "1 fault live",
        "12s of 20s (stage 2/3)",
        "requests/s 45, max 45",
        "p95 45ms, max 45ms",
        "slow db  27s left  seen to act, inline: latency on db",
        "4s  step \"cut\" begins",
        " INFO hello",
        " WARN careful",
        "q stops and heals",
        "█",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    assert!(!text.contains("[32m"), "{text}");
    assert!(!text.contains("scenario \"browse\" begins"), "{text}");
}

#[test]
fn no_size_is_too_small() {
    for (width, height) in [(1, 1), (10, 3), (40, 12), (80, 24), (300, 100)] {
        drawn(&view(), width, height);
        drawn(&LiveView::new("a", "b"), width, height);
    }
}

#[test]
fn the_log_is_bounded_and_kept_for_the_reader() {
    let mut view = LiveView::new("a", "b");
    for line in 0..LOG + 5 {
        view.log(&format!("\x1b[1mline {line}\x1b[0m\n"));
    }
    let text = view.logged();
    assert!(text.starts_with("… 5 earlier lines of the log\n\x1b[1mline 5\x1b[0m\n"));
    assert!(text.ends_with("line 1004\x1b[0m\n"));
}
