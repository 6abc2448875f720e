//! Where a figure turned: the run since which it is other than before, beyond noise.
//!
//! The series is cut in two where its runs lie closest to the medians of both parts (least absolute deviations); the
//! difference of the medians counts if it is more than three times the spread around them. Medians bear single runs that
//! went astray, which means do not.

use serde::Serialize;

use super::TrendUnit;

/// Runs that each side of a turn has at least: one alone may be chance.
const LEAST: usize = 2;
/// Deviations of the spread that are more than chance.
const BEYOND: f64 = 3.0;
/// Share of the figure before, below which nobody cares.
const SHARE: f64 = 0.1;
/// From the mean absolute deviation to the standard deviation of a normal distribution.
const NORMAL: f64 = 1.2533;

/// Where a figure turned.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Turn {
    /// The index of the first run after it.
    pub at: usize,
    /// The median before.
    pub before: f64,
    /// The median since.
    pub after: f64,
}

/// Finds the turn of a series, oldest first; `None` if it has none, or is too short to tell.
#[must_use]
pub fn turn(values: &[Option<f64>], unit: TrendUnit) -> Option<Turn> {
    let known: Vec<(usize, f64)> = values
        .iter()
        .enumerate()
        .filter_map(|(at, value)| Some((at, (*value)?)))
        .collect();
    let floor = match unit {
        TrendUnit::Time => 1.0,
        TrendUnit::Share => 0.001,
    };
    let mut best: Option<(f64, Turn)> = None;
    for cut in LEAST..known.len().saturating_sub(LEAST - 1) {
        let (left, right) = known.split_at(cut);
        let (before, after) = (median(left.iter()), median(right.iter()));
        let off = left.iter().map(|(_, value)| (value - before).abs());
        let off = off.chain(right.iter().map(|(_, value)| (value - after).abs()));
        let astray: f64 = off.sum();
        #[expect(clippy::cast_precision_loss, reason = "runs are few")]
        let spread = NORMAL * astray / known.len() as f64;
        let change = (after - before).abs();
        if change < floor || change < SHARE * before.abs() || change <= BEYOND * spread {
            continue;
        }
        if best.is_none_or(|(least, _)| astray < least) {
            let at = right.first().map_or(0, |(at, _)| *at);
            best = Some((astray, Turn { at, before, after }));
        }
    }
    best.map(|(_, turn)| turn)
}

fn median<'a>(values: impl Iterator<Item = &'a (usize, f64)>) -> f64 {
    middle(&mut values.map(|(_, value)| *value).collect::<Vec<f64>>())
}

/// The middle of values; 0 of none.
fn middle(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let half = values.len() / 2;
    match (
        values.len() % 2,
        values.get(half),
        values.get(half.wrapping_sub(1)),
    ) {
        (1, Some(value), _) => *value,
        (_, Some(high), Some(low)) => (high + low) / 2.0,
        _ => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(values: &[f64]) -> Vec<Option<f64>> {
        values.iter().map(|value| Some(*value)).collect()
    }

    #[test]
    fn a_step_is_found_where_it_is() {
        let found = turn(
            &times(&[100.0, 104.0, 99.0, 101.0, 160.0, 158.0, 163.0]),
            TrendUnit::Time,
        );
        let found = found.unwrap();
        assert_eq!(found.at, 4);
        assert!((found.before - 100.5).abs() < 1e-9 && (found.after - 160.0).abs() < 1e-9);
    }

    #[test]
    fn noise_one_outlier_and_short_series_are_none() {
        for values in [
            vec![100.0, 120.0, 95.0, 118.0, 99.0, 121.0],
            vec![100.0, 101.0, 900.0, 100.0, 99.0, 101.0],
            vec![100.0, 900.0, 900.0],
            vec![],
        ] {
            assert_eq!(turn(&times(&values), TrendUnit::Time), None, "{values:?}");
        }
    }

    #[test]
    fn runs_without_the_figure_keep_their_place() {
        let values = [
            Some(0.0),
            None,
            Some(0.0),
            Some(0.0),
            None,
            Some(0.2),
            Some(0.21),
        ];
        let found = turn(&values, TrendUnit::Share).unwrap();
        assert_eq!(found.at, 5);
    }
}
