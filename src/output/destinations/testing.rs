//! Seconds and destinations for the tests of this folder.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use super::{Destination, Second};
use crate::metrics::{Aggregator, Catalog, Kind, Recorder, Unit, builtin};
use crate::output::Summary;

/// The end of a run's second `at`, with one point of each kind; `value` is what was measured.
pub(super) fn second(at: u64, value: f64) -> Second {
    let catalog = Catalog::new(100);
    let mut all = Aggregator::new(catalog.clone());
    all.collect_points();
    let mut recorder = Recorder::new(catalog.clone());
    let depth = catalog.define("depth", Kind::Gauge, Unit::Bytes).unwrap();
    let tags = [("scenario", "browse"), ("name", "a \"quoted\", name")];
    let tags = catalog.tags(&tags);
    for metric in [
        builtin::HTTP_REQS,
        builtin::HTTP_REQ_FAILED,
        builtin::HTTP_REQ_DURATION,
        depth,
    ] {
        let series = recorder.series(metric, tags);
        recorder.add(series, value);
    }
    all.merge(recorder.drain(), Duration::ZERO);
    Second {
        at: Duration::from_secs(at),
        length: Duration::from_secs(1),
        points: all.take_interval().points,
    }
}

struct Stuck(Receiver<()>);

impl Destination for Stuck {
    fn second(&mut self, _: &Second) -> Result<(), String> {
        let _ = self.0.recv();
        Ok(())
    }

    fn end(&mut self, _: &Summary, _: u64) -> Result<(), String> {
        Ok(())
    }
}

/// A destination that waits until the first is dropped.
pub(super) fn stuck() -> (SyncSender<()>, Box<dyn Destination>) {
    let (release, wait) = sync_channel(0);
    (release, Box::new(Stuck(wait)))
}
