//! What counts as a difference: more than the tolerance, and more than the samples leave to chance.

use super::super::Trend;

/// Two-sided 99 % of the normal distribution: dozens of numbers are looked at in one comparison.
const Z: f64 = 2.576;

/// Samples beyond a percentile, below which it says nothing.
const LEAST_BEYOND: f64 = 5.0;

/// Whether two readings differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Finding {
    /// More than tolerance and chance allow.
    Differs,
    /// Within the one or the other.
    Noise,
    /// Too few samples to tell.
    Unsure,
}

fn finding(differs: bool) -> Finding {
    if differs {
        Finding::Differs
    } else {
        Finding::Noise
    }
}

/// The change in relation to what was before; infinite from zero to something.
pub(super) fn relative(before: f64, after: f64) -> f64 {
    if before == after {
        0.0
    } else {
        (after - before) / before.abs()
    }
}

fn beyond(before: f64, after: f64, tolerance: f64) -> bool {
    relative(before, after).abs() > tolerance
}

/// Two percentiles: beyond the tolerance and `floor`, and their intervals do not meet.
pub(super) fn percentiles(
    pair: [&Trend; 2],
    share: f64,
    values: [f64; 2],
    tolerance: f64,
    floor: f64,
) -> Finding {
    let intervals = pair.map(|trend| interval(trend, share));
    let [Some(before), Some(after)] = intervals else {
        return Finding::Unsure;
    };
    let apart = before.1 < after.0 || after.1 < before.0;
    let far = (values[1] - values[0]).abs() > floor;
    finding(apart && far && beyond(values[0], values[1], tolerance))
}

/// Between which values the true percentile lies: the order statistics at the ranks that the
/// binomial distribution gives, read off the percentiles that a summary has.
fn interval(trend: &Trend, share: f64) -> Option<(f64, f64)> {
    #[expect(
        clippy::cast_precision_loss,
        reason = "counts of samples stay far below 2^52"
    )]
    let count = trend.count as f64;
    if count * share.min(1.0 - share) < LEAST_BEYOND {
        return None;
    }
    let half = Z * (share * (1.0 - share) / count).sqrt();
    Some((at(trend, share - half), at(trend, share + half)))
}

/// The value at a share of the samples, on straight lines between the known ones.
fn at(trend: &Trend, share: f64) -> f64 {
    let known = [
        (0.0, trend.min),
        (0.5, trend.med),
        (0.9, trend.p90),
        (0.95, trend.p95),
        (0.99, trend.p99),
        (0.999, trend.p999),
        (1.0, trend.max),
    ];
    for pair in known.windows(2) {
        let [(from, low), (to, high)] = [pair[0], pair[1]];
        if share <= to {
            let way = ((share - from) / (to - from)).max(0.0);
            return low + (high - low) * way;
        }
    }
    trend.max
}

/// Two shares `(yes, of)`: the two-proportion z-test; the tolerance is relative to the share.
pub(super) fn shares(before: (u64, u64), after: (u64, u64), tolerance: f64) -> Finding {
    #[expect(
        clippy::cast_precision_loss,
        reason = "counts of samples stay far below 2^52"
    )]
    let [x1, n1, x2, n2] = [before.0, before.1, after.0, after.1].map(|count| count as f64);
    if n1 == 0.0 || n2 == 0.0 {
        return Finding::Unsure;
    }
    let pooled = (x1 + x2) / (n1 + n2);
    let error = (pooled * (1.0 - pooled) * (1.0 / n1 + 1.0 / n2)).sqrt();
    let (p1, p2) = (x1 / n1, x2 / n2);
    finding((p2 - p1).abs() > Z * error && beyond(p1, p2, tolerance))
}

/// Two counts, each over its seconds, as events that come by chance (Poisson).
pub(super) fn counts(before: (f64, f64), after: (f64, f64), tolerance: f64) -> Finding {
    let ((c1, t1), (c2, t2)) = (before, after);
    if t1 <= 0.0 || t2 <= 0.0 {
        return Finding::Unsure;
    }
    let error = (c1 / (t1 * t1) + c2 / (t2 * t2)).sqrt();
    let (r1, r2) = (c1 / t1, c2 / t2);
    finding((r2 - r1).abs() > Z * error && beyond(r1, r2, tolerance))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A distribution that grows evenly from `scale` to twice of it.
    fn even(count: u64, scale: f64) -> Trend {
        let at = |share: f64| scale * (1.0 + share);
        Trend {
            count,
            min: at(0.0),
            avg: at(0.5),
            med: at(0.5),
            max: at(1.0),
            p90: at(0.9),
            p95: at(0.95),
            p99: at(0.99),
            p999: at(0.999),
        }
    }

    fn p95(before: &Trend, after: &Trend) -> Finding {
        percentiles([before, after], 0.95, [before.p95, after.p95], 0.1, 0.1)
    }

    #[test]
    fn an_interval_holds_the_percentile_and_narrows_with_samples() {
        let (low, high) = interval(&even(1000, 100.0), 0.95).unwrap();
        assert!(low < 195.0 && 195.0 < high, "{low} {high}");
        let (narrow_low, narrow_high) = interval(&even(100_000, 100.0), 0.95).unwrap();
        assert!(low < narrow_low && narrow_high < high);
        assert!((high - low - 3.55).abs() < 0.1, "{}", high - low);
        assert_eq!(interval(&even(99, 100.0), 0.95), None);
        assert!(interval(&even(100, 100.0), 0.95).is_some());
    }

    #[test]
    fn a_percentile_differs_beyond_tolerance_floor_and_chance() {
        let before = even(1000, 100.0);
        assert_eq!(p95(&before, &even(1000, 120.0)), Finding::Differs);
        assert_eq!(p95(&before, &even(1000, 80.0)), Finding::Differs);
        assert_eq!(p95(&before, &even(1000, 109.0)), Finding::Noise);
        assert_eq!(p95(&before, &even(50, 300.0)), Finding::Unsure);
        // Twice as slow, but by less than any timer on a busy machine can tell.
        assert_eq!(p95(&even(1000, 0.02), &even(1000, 0.04)), Finding::Noise);
        // A tenth of the samples lies anywhere between 1 and 1000: a p95 there is a lottery.
        let mut wide = even(200, 1.0);
        (wide.p95, wide.p99, wide.p999, wide.max) = (10.0, 900.0, 1000.0, 1000.0);
        let mut other = wide;
        other.p95 = 14.0;
        assert_eq!(p95(&wide, &other), Finding::Noise);
    }

    #[test]
    fn shares_differ_when_a_z_test_says_so() {
        assert_eq!(shares((10, 1000), (40, 1000), 0.1), Finding::Differs);
        assert_eq!(shares((10, 1000), (14, 1000), 0.1), Finding::Noise);
        assert_eq!(shares((0, 20), (1, 20), 0.1), Finding::Noise);
        assert_eq!(shares((0, 1000), (9, 1000), 0.1), Finding::Differs);
        assert_eq!(shares((0, 0), (9, 10), 0.1), Finding::Unsure);
        assert_eq!(shares((7, 7), (9, 9), 0.1), Finding::Noise);
        // Sure, but small.
        let million = 1_000_000;
        assert_eq!(
            shares((500_000, million), (510_000, million), 0.1),
            Finding::Noise
        );
    }

    #[test]
    fn counts_differ_beyond_their_own_scatter() {
        assert_eq!(counts((1000.0, 10.0), (700.0, 10.0), 0.1), Finding::Differs);
        assert_eq!(counts((10.0, 10.0), (14.0, 10.0), 0.1), Finding::Noise);
        assert_eq!(counts((0.0, 10.0), (50.0, 10.0), 0.1), Finding::Differs);
        assert_eq!(counts((0.0, 10.0), (0.0, 20.0), 0.1), Finding::Noise);
        assert_eq!(counts((1.0, 0.0), (5.0, 1.0), 0.1), Finding::Unsure);
    }
}
