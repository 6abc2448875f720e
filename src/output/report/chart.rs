//! One chart as SVG: curves over the time of the run, with the faults as bands behind them.

use std::fmt::Write as _;

use super::html::escape;
use crate::output::Unit;
use crate::output::values::{number, show};

/// The drawing's width and where its plot lies in it, in its own units.
pub(super) const WIDTH: f64 = 1000.0;
pub(super) const LEFT: f64 = 58.0;
pub(super) const PLOT: f64 = 926.0;
const TOP: f64 = 8.0;
const TALL: f64 = 92.0;

/// The time axis that all charts share.
#[derive(Debug, Clone)]
pub(super) struct Axis {
    /// Seconds from left to right.
    pub(super) seconds: f64,
    /// Seconds of a step.
    pub(super) step: f64,
    /// When faults were in force, in seconds.
    pub(super) bands: Vec<(f64, f64)>,
}

impl Axis {
    /// Where a moment lies.
    pub(super) fn x(&self, seconds: f64) -> f64 {
        LEFT + (seconds / self.seconds).clamp(0.0, 1.0) * PLOT
    }
}

/// A curve and its colour, the name of a CSS variable.
pub(super) struct Curve<'a> {
    pub(super) name: &'a str,
    pub(super) colour: &'static str,
    pub(super) values: &'a [Option<f64>],
}

/// The chart with its heading and key.
pub(super) fn chart(title: &str, unit: &Unit, curves: &[Curve], axis: &Axis, last: bool) -> String {
    let mut out = format!("<h3>{}", escape(title));
    for curve in curves.iter().filter(|_| curves.len() > 1) {
        // Writing to a string cannot fail, here and below.
        let _ = write!(
            out,
            "<small><i class=\"key\" style=\"background:var(--{})\"></i>{}</small>",
            curve.colour,
            escape(curve.name)
        );
    }
    let values = curves.iter().flat_map(|curve| curve.values).flatten();
    let (least, most) = values.fold((0.0f64, 0.0f64), |(least, most), value| {
        (least.min(*value), most.max(*value))
    });
    let scale = Scale::over(least, most, unit);
    let height = TOP + TALL + if last { 22.0 } else { 6.0 };
    let label = escape(title);
    let _ = write!(
        out,
        "</h3>\n<svg data-chart=\"{label}\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{label}\">\n"
    );
    for (from, to) in &axis.bands {
        let (x, end) = (axis.x(*from), axis.x(*to));
        let width = (end - x).max(1.5);
        let _ = writeln!(
            out,
            "<rect class=\"band\" x=\"{x:.1}\" y=\"{TOP}\" width=\"{width:.1}\" height=\"{TALL}\"/>"
        );
    }
    for tick in &scale.ticks {
        let y = scale.y(*tick);
        let text = escape(&scale.label(*tick, unit));
        let _ = writeln!(
            out,
            "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/><text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{text}</text>",
            LEFT + PLOT,
            LEFT - 6.0,
            y + 4.0,
        );
    }
    for curve in curves {
        out.push_str(&drawn(curve, &scale, axis, curves.len() == 1));
    }
    let _ = writeln!(
        out,
        "<line class=\"cross\" y1=\"{TOP}\" y2=\"{}\" x1=\"0\" x2=\"0\"/>",
        TOP + TALL
    );
    if last {
        out.push_str(&times(axis));
    }
    out + "</svg>\n"
}

/// A curve, broken where there are no samples; alone, with the area below it.
fn drawn(curve: &Curve, scale: &Scale, axis: &Axis, area: bool) -> String {
    let mut out = String::new();
    let mut pieces: Vec<Vec<(f64, f64)>> = vec![Vec::new()];
    for (place, value) in curve.values.iter().enumerate() {
        #[expect(clippy::cast_precision_loss, reason = "at most 600 steps")]
        let middle = (place as f64 + 0.5) * axis.step;
        match value {
            Some(value) => {
                let point = (axis.x(middle), scale.y(*value));
                if let Some(piece) = pieces.last_mut() {
                    piece.push(point);
                }
            }
            None => pieces.push(Vec::new()),
        }
    }
    let colour = curve.colour;
    for piece in pieces.iter().filter(|piece| !piece.is_empty()) {
        if let [(x, y)] = piece[..] {
            let _ = writeln!(
                out,
                "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2.5\" style=\"fill:var(--{colour})\"/>"
            );
            continue;
        }
        let points: Vec<_> = piece
            .iter()
            .map(|(x, y)| format!("{x:.1} {y:.1}"))
            .collect();
        let path = points.join("L");
        if area {
            let (first, last) = (piece[0].0, piece[piece.len() - 1].0);
            let floor = scale.y(0.0);
            let _ = writeln!(
                out,
                "<path class=\"area\" style=\"fill:var(--{colour})\" d=\"M{first:.1} {floor:.1}L{path}L{last:.1} {floor:.1}Z\"/>"
            );
        }
        let _ = writeln!(
            out,
            "<path class=\"curve\" style=\"stroke:var(--{colour})\" d=\"M{path}\"/>"
        );
    }
    out
}

/// The labels of the time axis.
fn times(axis: &Axis) -> String {
    let steps = [
        1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0,
        14_400.0, 43_200.0, 86_400.0,
    ];
    let every = steps.into_iter().find(|step| axis.seconds / step <= 12.0);
    let every = every.unwrap_or(axis.seconds / 10.0).max(0.1);
    let mut out = String::new();
    let mut at = 0.0;
    while at <= axis.seconds {
        let text = clock(at, every);
        let _ = writeln!(
            out,
            "<text x=\"{:.1}\" y=\"{}\" text-anchor=\"middle\">{text}</text>",
            axis.x(at),
            TOP + TALL + 17.0
        );
        at += every;
    }
    out
}

/// A time on the axis: `45s`, `2m30s`, `1h05m`.
fn clock(seconds: f64, every: f64) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the seconds of a run"
    )]
    let whole = seconds.round() as u64;
    match (whole, every >= 60.0) {
        (0..60, _) => format!("{whole}s"),
        (60..3600, true) => format!("{}m", whole / 60),
        (60..3600, false) => format!("{}m{:02}s", whole / 60, whole % 60),
        _ => format!("{}h{:02}m", whole / 3600, whole / 60 % 60),
    }
}

/// The value axis.
struct Scale {
    least: f64,
    most: f64,
    ticks: Vec<f64>,
}

impl Scale {
    /// From zero, or below it, to a round number above all values.
    fn over(least: f64, most: f64, unit: &Unit) -> Self {
        let span = match (most - least, unit) {
            (span, _) if span > 0.0 => span,
            (_, Unit::Share) => 0.01,
            _ => 1.0,
        };
        let rough = span / 2.0;
        let ten = 10f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 2.5, 5.0, 10.0]
            .into_iter()
            .map(|digit| digit * ten)
            .find(|step| *step >= rough * 0.999)
            .unwrap_or(rough);
        let least = (least / step).floor() * step;
        let most = ((most / step).ceil() * step).max(least + 2.0 * step);
        let mut ticks = vec![least];
        while ticks[ticks.len() - 1] + step <= most * 1.001 && ticks.len() < 6 {
            ticks.push(ticks[ticks.len() - 1] + step);
        }
        Self { least, most, ticks }
    }

    fn y(&self, value: f64) -> f64 {
        TOP + (self.most - value) / (self.most - self.least) * TALL
    }

    fn label(&self, value: f64, unit: &Unit) -> String {
        match unit {
            Unit::Other(_) => number(value),
            unit => show(value, unit),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_ends_on_a_round_number() {
        for (least, most, ticks) in [
            (0.0, 97.0, vec![0.0, 50.0, 100.0]),
            (0.0, 0.042, vec![0.0, 0.025, 0.05]),
            (-3.0, 4.0, vec![-5.0, 0.0, 5.0]),
            (0.0, 0.0, vec![0.0, 0.5, 1.0]),
        ] {
            let scale = Scale::over(least, most, &Unit::Plain);
            let close = |(a, b): (&f64, &f64)| (a - b).abs() < 1e-9;
            assert!(
                scale.ticks.len() == ticks.len() && scale.ticks.iter().zip(&ticks).all(close),
                "{least} {most}: {:?}",
                scale.ticks
            );
            assert!((scale.y(scale.most) - TOP).abs() < 1e-9);
        }
    }

    #[test]
    fn a_gap_breaks_the_curve_and_a_lone_point_shows() {
        let axis = Axis {
            seconds: 4.0,
            step: 1.0,
            bands: vec![(1.0, 2.0)],
        };
        let values = [Some(1.0), Some(2.0), None, Some(3.0)];
        let curve = Curve {
            name: "p",
            colour: "load",
            values: &values,
        };
        let svg = chart("a <b>", &Unit::Plain, &[curve], &axis, true);
        assert_eq!(svg.matches("class=\"curve\"").count(), 1, "{svg}");
        assert_eq!(svg.matches("<circle").count(), 1);
        assert_eq!(svg.matches("class=\"band\"").count(), 1);
        assert!(
            svg.contains("a &lt;b&gt;") && svg.contains(">4s</text>"),
            "{svg}"
        );
    }

    #[test]
    fn times_are_short() {
        assert_eq!(clock(45.0, 15.0), "45s");
        assert_eq!(clock(150.0, 30.0), "2m30s");
        assert_eq!(clock(600.0, 300.0), "10m");
        assert_eq!(clock(3900.0, 300.0), "1h05m");
    }
}
