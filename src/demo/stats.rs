//! What the shop counts, and its Prometheus text.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Upper bounds of the latency buckets, in seconds, as text and as a duration in microseconds.
const BUCKETS: [(&str, u128); 12] = [
    ("0.0005", 500),
    ("0.001", 1_000),
    ("0.0025", 2_500),
    ("0.005", 5_000),
    ("0.01", 10_000),
    ("0.025", 25_000),
    ("0.05", 50_000),
    ("0.1", 100_000),
    ("0.25", 250_000),
    ("0.5", 500_000),
    ("1", 1_000_000),
    ("2.5", 2_500_000),
];

/// Counters of one shop.
#[derive(Debug, Default)]
pub(super) struct Stats {
    in_flight: AtomicUsize,
    pub(super) cache_hits: AtomicU64,
    pub(super) cache_misses: AtomicU64,
    pub(super) cache_bypasses: AtomicU64,
    pub(super) store_errors: AtomicU64,
    pub(super) orders: AtomicU64,
    routes: Mutex<BTreeMap<&'static str, Route>>,
}

#[derive(Debug, Default)]
struct Route {
    statuses: BTreeMap<u16, u64>,
    buckets: [u64; BUCKETS.len()],
    count: u64,
    sum: Duration,
}

/// A request that is being answered, until dropped.
pub(super) struct InFlight<'a>(&'a Stats);

impl Stats {
    pub(super) fn enter(&self) -> InFlight<'_> {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        InFlight(self)
    }

    pub(super) fn record(&self, route: &'static str, status: u16, took: Duration) {
        let mut routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
        let route = routes.entry(route).or_default();
        *route.statuses.entry(status).or_default() += 1;
        let micros = took.as_micros();
        if let Some(index) = BUCKETS.iter().position(|(_, bound)| micros <= *bound) {
            route.buckets[index] += 1;
        }
        route.count += 1;
        route.sum += took;
    }

    /// The text that `GET /metrics` gives; `queue_depth` is counted by the peers.
    pub(super) fn prometheus(&self, queue_depth: usize) -> String {
        let mut out = String::with_capacity(4096);
        self.write_routes(&mut out);
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let counters = [
            (
                "cache_hits_total",
                read(&self.cache_hits),
                "Reads that the cache answered.",
            ),
            (
                "cache_misses_total",
                read(&self.cache_misses),
                "Reads the cache had no row for.",
            ),
            (
                "cache_bypasses_total",
                read(&self.cache_bypasses),
                "Reads while the cache was down.",
            ),
            (
                "store_errors_total",
                read(&self.store_errors),
                "Queries the store did not answer.",
            ),
            ("orders_total", read(&self.orders), "Orders accepted."),
        ];
        for (name, value, help) in counters {
            metric(&mut out, name, "counter", help);
            let _ = writeln!(out, "{name} {value}");
        }
        let in_flight = self.in_flight.load(Ordering::Relaxed);
        let gauges = [
            (
                "queue_depth",
                queue_depth,
                "Requests waiting for a connection to cache or store.",
            ),
            (
                "http_requests_in_flight",
                in_flight,
                "Requests being answered.",
            ),
        ];
        for (name, value, help) in gauges {
            metric(&mut out, name, "gauge", help);
            let _ = writeln!(out, "{name} {value}");
        }
        out
    }

    fn write_routes(&self, out: &mut String) {
        let routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
        let name = "http_requests_total";
        metric(out, name, "counter", "Requests answered.");
        for (path, route) in routes.iter() {
            for (status, count) in &route.statuses {
                let _ = writeln!(
                    out,
                    "{name}{{route=\"{path}\",status=\"{status}\"}} {count}"
                );
            }
        }
        let name = "http_request_duration_seconds";
        metric(out, name, "histogram", "Time to answer a request.");
        for (path, route) in routes.iter() {
            let mut below = 0;
            for ((bound, _), count) in BUCKETS.iter().zip(route.buckets) {
                below += count;
                let _ = writeln!(
                    out,
                    "{name}_bucket{{route=\"{path}\",le=\"{bound}\"}} {below}"
                );
            }
            let (count, sum) = (route.count, route.sum.as_secs_f64());
            let _ = writeln!(out, "{name}_bucket{{route=\"{path}\",le=\"+Inf\"}} {count}");
            let _ = writeln!(out, "{name}_sum{{route=\"{path}\"}} {sum}");
            let _ = writeln!(out, "{name}_count{{route=\"{path}\"}} {count}");
        }
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

fn metric(out: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_cumulative_and_the_last_holds_all() {
        let stats = Stats::default();
        for millis in [1, 3, 9_000] {
            stats.record("/items", 200, Duration::from_millis(millis));
        }
        let text = stats.prometheus(7);
        for line in [
            "http_requests_total{route=\"/items\",status=\"200\"} 3",
            "http_request_duration_seconds_bucket{route=\"/items\",le=\"0.001\"} 1",
            "http_request_duration_seconds_bucket{route=\"/items\",le=\"0.005\"} 2",
            "http_request_duration_seconds_bucket{route=\"/items\",le=\"2.5\"} 2",
            "http_request_duration_seconds_bucket{route=\"/items\",le=\"+Inf\"} 3",
            "http_request_duration_seconds_count{route=\"/items\"} 3",
            "queue_depth 7",
        ] {
            assert!(text.lines().any(|l| l == line), "{line} not in\n{text}");
        }
    }

    #[test]
    fn a_request_is_in_flight_until_dropped() {
        let stats = Stats::default();
        let one = stats.enter();
        assert!(
            stats
                .prometheus(0)
                .contains("\nhttp_requests_in_flight 1\n")
        );
        drop(one);
        assert!(
            stats
                .prometheus(0)
                .contains("\nhttp_requests_in_flight 0\n")
        );
    }
}
