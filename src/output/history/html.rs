//! The history as one page that needs nothing else; it leads to the pages of the runs beside it.

use super::page::{shown, told};
use super::{KeptRun, Trend};
use crate::output::report::{STYLE, escape};

/// Width and height of a curve, in pixels.
const SIZE: (f64, f64) = (240.0, 36.0);

/// Renders the page. Links are relative to the results folder.
#[must_use]
pub fn history_index(folder: &str, runs: &[KeptRun], trends: &[Trend]) -> String {
    let title = escape(&format!("{folder}: {} runs", runs.len()));
    let mut body = format!("<header><h1>{title}</h1></header>\n");
    let turned: Vec<String> = trends
        .iter()
        .filter_map(|trend| told(trend, runs))
        .collect();
    if !turned.is_empty() {
        body += "<section><h2>Turned</h2>\n<ul>\n";
        for text in turned {
            body += &format!("<li>{}</li>\n", escape(&text));
        }
        body += "</ul></section>\n";
    }
    body += "<section><h2>Figures</h2>\n<table>\n<thead><tr><th>Of</th><th>Figure</th><th>Oldest to newest</th>\
             <th>Now</th></tr></thead>\n<tbody>\n";
    for trend in trends {
        let now = trend.values.last().copied().flatten();
        body += &format!(
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>\n",
            escape(if trend.of.is_empty() {
                "all"
            } else {
                &trend.of
            }),
            trend.figure,
            curve(trend),
            now.map_or_else(|| "–".to_owned(), |value| shown(value, trend.unit))
        );
    }
    body += "</tbody></table></section>\n<section><h2>Runs</h2>\n<table>\n<thead><tr><th>Run</th><th>Verdict</th>\
             <th>Scripts</th></tr></thead>\n<tbody>\n";
    for run in runs.iter().rev() {
        body += &row(run);
    }
    body += "</tbody></table></section>\n";
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title}</title>\n\
         <style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n{body}<footer>rchaos {}</footer>\n</main>\n</body>\n</html>\n",
        env!("CARGO_PKG_VERSION")
    )
}

fn row(run: &KeptRun) -> String {
    let summary = &run.summary;
    let files = summary.files.iter().map(|file| {
        let word = file.verdict.map_or("not run", |verdict| verdict.word());
        let text = escape(&format!("{} {word}", file.id));
        match &file.summary {
            Some(name) => {
                let page = name.trim_end_matches(".json");
                let link = escape(&format!("{}/{page}.html", run.name));
                format!("<a href=\"{link}\">{text}</a>")
            }
            None => text,
        }
    });
    let word = summary.verdict.word();
    let tone = crate::output::report::tone(summary.verdict);
    format!(
        "<tr><td class=\"mono\">{}</td><td><span class=\"badge {tone}\">{word}</span></td><td>{}</td></tr>\n",
        escape(&run.name),
        files.collect::<Vec<_>>().join(", ")
    )
}

/// A small curve; gaps where a run has no figure, a line where it turned.
fn curve(trend: &Trend) -> String {
    let known = || trend.values.iter().flatten().copied();
    let top = known().fold(f64::MIN_POSITIVE, f64::max);
    #[expect(clippy::cast_precision_loss, reason = "runs are few")]
    let across = |at: usize| {
        let last = trend.values.len().saturating_sub(1).max(1) as f64;
        2.0 + at as f64 / last * (SIZE.0 - 4.0)
    };
    let mut path = String::new();
    let mut pen = 'M';
    for (at, value) in trend.values.iter().enumerate() {
        match value {
            Some(value) => {
                let down = 2.0 + (1.0 - value / top) * (SIZE.1 - 4.0);
                path += &format!("{pen}{:.1} {down:.1} ", across(at));
                pen = 'L';
            }
            None => pen = 'M',
        }
    }
    let turn = trend.turn.map_or_else(String::new, |turn| {
        let at = across(turn.at);
        format!(
            "<line x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"0\" y2=\"{}\" stroke=\"currentColor\" stroke-dasharray=\"2 3\"/>",
            SIZE.1
        )
    });
    format!(
        "<svg width=\"{}\" height=\"{}\" role=\"img\" aria-label=\"{} over {} runs\">{turn}<path d=\"{path}\" fill=\"none\" \
         stroke=\"currentColor\" stroke-width=\"1.5\" stroke-linecap=\"round\"/></svg>",
        SIZE.0,
        SIZE.1,
        trend.figure,
        trend.values.len()
    )
}
