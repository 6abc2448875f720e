//! Histograms of a scrape: buckets put together, and quantiles as PromQL computes them.

use super::exposition::Sample;

/// A cumulative bucket: how many observations were at most `le`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bucket {
    pub(super) le: f64,
    pub(super) count: f64,
}

/// Observations in buckets; several series with the same bounds are added up.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Histogram {
    /// By their upper bound, ascending.
    pub(super) buckets: Vec<Bucket>,
    pub(super) sum: f64,
    pub(super) count: f64,
    /// How many series it is made of.
    series: Vec<Series>,
}

#[derive(Debug, Clone, Default, PartialEq)]
struct Series {
    labels: Vec<(String, String)>,
    bounds: usize,
}

/// Why series do not make one histogram.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum HistogramError {
    /// Buckets that cannot be added up.
    #[error("its series have different buckets; name labels that leave one of them")]
    Bounds,
    /// A bucket whose bound is none.
    #[error("the bucket bound {0} is not a number")]
    Bound(String),
}

impl Histogram {
    /// Adds a sample `<name>_bucket`.
    ///
    /// # Errors
    ///
    /// Its label `le` is no number.
    pub(super) fn bucket(&mut self, sample: &Sample<'_>) -> Result<(), HistogramError> {
        let bound = sample.label("le");
        let le = super::exposition::number(bound)
            .filter(|le| !le.is_nan())
            .ok_or_else(|| HistogramError::Bound(crate::base::text::quoted(bound)))?;
        let own = sample.labels.iter().filter(|(name, _)| *name != "le");
        let mut labels: Vec<_> = own
            .map(|(name, value)| ((*name).to_owned(), value.clone().into_owned()))
            .collect();
        labels.sort();
        match self.series.iter_mut().find(|one| one.labels == labels) {
            Some(series) => series.bounds += 1,
            None => self.series.push(Series { labels, bounds: 1 }),
        }
        match self.buckets.iter_mut().find(|bucket| bucket.le == le) {
            Some(bucket) => bucket.count += sample.value,
            None => self.buckets.push(Bucket {
                le,
                count: sample.value,
            }),
        }
        Ok(())
    }

    /// What its samples amount to; `None` if there were no buckets.
    ///
    /// # Errors
    ///
    /// Its series have different bounds.
    pub(super) fn sealed(mut self) -> Result<Option<Self>, HistogramError> {
        let bounds = self.buckets.len();
        if self.series.iter().any(|series| series.bounds != bounds) {
            return Err(HistogramError::Bounds);
        }
        self.buckets.sort_by(|a, b| a.le.total_cmp(&b.le));
        Ok((bounds > 0).then_some(self))
    }

    /// The value that a share of the observations is at most, 0 to 1, by linear interpolation within
    /// its bucket. `None` without observations, and without a bucket `+Inf` or a finite one.
    pub(super) fn quantile(&self, share: f64) -> Option<f64> {
        let (last, finite) = self.buckets.split_last()?;
        let highest = finite.last()?.le;
        if last.le != f64::INFINITY {
            return None;
        }
        // A scrape is no snapshot: a bucket may have missed what a smaller one saw.
        let mut most = 0.0_f64;
        let counts: Vec<f64> = self
            .buckets
            .iter()
            .map(|bucket| {
                most = most.max(bucket.count);
                most
            })
            .collect();
        if most.is_nan() || most <= 0.0 {
            return None;
        }
        let rank = share * most;
        let Some(place) = finite
            .iter()
            .zip(&counts)
            .position(|(_, count)| *count >= rank)
        else {
            return Some(highest);
        };
        let end = finite[place].le;
        let (start, below) = match place.checked_sub(1) {
            Some(before) => (finite[before].le, counts[before]),
            None if end <= 0.0 => return Some(end),
            None => (0.0, 0.0),
        };
        let inside = counts[place] - below;
        if inside.is_nan() || inside <= 0.0 {
            return Some(start);
        }
        Some(start + (end - start) * ((rank - below) / inside))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::modules::prometheus::exposition::samples;

    fn read(text: &str) -> Result<Option<Histogram>, HistogramError> {
        let mut histogram = Histogram::default();
        for sample in samples(text, false) {
            histogram.bucket(&sample.unwrap())?;
        }
        histogram.sealed()
    }

    fn with(buckets: &[(&str, f64)]) -> Histogram {
        let lines: Vec<_> = buckets
            .iter()
            .map(|(le, count)| format!("a_bucket{{le=\"{le}\"}} {count}"))
            .collect();
        read(&lines.join("\n")).unwrap().unwrap()
    }

    fn near(got: Option<f64>, wanted: f64) -> bool {
        got.is_some_and(|got| (got - wanted).abs() < 1e-9)
    }

    /// The figures are those of Prometheus' own `histograms.test`.
    #[test]
    fn quantiles_are_those_of_promql() {
        let own = with(&[(".1", 5.0), (".2", 7.0), ("1e0", 9.0), ("+Inf", 12.0)]);
        assert!(near(own.quantile(0.0), 0.0));
        assert!(near(own.quantile(0.25), 0.06));
        assert!(near(own.quantile(0.5), 0.15));
        assert!(near(own.quantile(0.75), 1.0));
        assert!(near(own.quantile(0.8), 1.0), "beyond the last finite bound");
        assert!(near(own.quantile(1.0), 1.0));
        let negative = with(&[("-.2", 1.0), ("-.1", 2.0), ("0.3", 2.0), ("+Inf", 3.0)]);
        assert!(near(negative.quantile(0.0), -0.2));
        assert!(near(negative.quantile(0.5), -0.15));
        assert!(near(negative.quantile(0.8), 0.3));
    }

    #[test]
    fn nothing_observed_has_no_quantile() {
        assert_eq!(with(&[("1", 0.0), ("+Inf", 0.0)]).quantile(0.5), None);
        assert_eq!(with(&[("1", 1.0), ("2", 2.0)]).quantile(0.5), None);
        assert_eq!(with(&[("+Inf", 2.0)]).quantile(0.5), None);
        assert_eq!(read(""), Ok(None));
    }

    #[test]
    fn empty_first_buckets_and_dips_are_survived() {
        let dip = with(&[("1", 4.0), ("2", 3.0), ("4", 8.0), ("+Inf", 8.0)]);
        assert!(near(dip.quantile(0.75), 3.0));
        let late = with(&[("1", 0.0), ("2", 0.0), ("4", 8.0), ("+Inf", 8.0)]);
        assert!(near(late.quantile(0.5), 3.0));
        let order = with(&[("+Inf", 8.0), ("4", 8.0), ("2", 0.0)]);
        assert!(near(order.quantile(0.5), 3.0));
    }

    #[test]
    fn series_with_equal_bounds_are_added_up() {
        let two = "a_bucket{r=\"x\",le=\"1\"} 1\na_bucket{r=\"x\",le=\"+Inf\"} 2\n\
                   a_bucket{le=\"1.0\",r=\"y\"} 3\na_bucket{le=\"+Inf\",r=\"y\"} 3";
        let counts = |h: Histogram| h.buckets.iter().map(|b| b.count).collect::<Vec<_>>();
        assert_eq!(counts(read(two).unwrap().unwrap()), [4.0, 5.0]);
        let other = format!("{two}\na_bucket{{r=\"z\",le=\"2\"}} 1");
        assert_eq!(read(&other), Err(HistogramError::Bounds));
        let wrong = read("a_bucket{le=\"x\"} 1").unwrap_err().to_string();
        assert_eq!(wrong, "the bucket bound \"x\" is not a number");
        assert!(read("a_bucket 1").is_err());
    }
}
