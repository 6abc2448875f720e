//! Where results go while a run goes on: one file per destination, each on a thread of its own.

mod annotations;
mod credentials;
mod csv;
mod exposition;
mod feed;
mod journal;
mod json;
mod junit;
mod listen;
mod outputs;
mod remote_write;
mod spec;
#[cfg(test)]
mod testing;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::{Event, Summary};
use crate::metrics::{Kind, MetricDef, Point, Unit};

pub use annotations::annotations;
pub use feed::Feed;
pub use outputs::{Complaint, Outputs};
pub use spec::OutputSpec;

/// What arrived in about a second.
#[derive(Debug)]
pub struct Second {
    /// Its end, from the start of the run.
    pub at: Duration,
    /// Its length: one second but for the last, or if the controller was late.
    pub length: Duration,
    /// Every series that had samples.
    pub points: Vec<Point>,
}

/// What destinations are told.
#[derive(Debug, Clone)]
pub enum Item {
    /// A second is complete.
    Second(Arc<Second>),
    /// Something happened.
    Event(Event),
    /// The run is over; the last item.
    End(Arc<Summary>),
}

/// What every destination knows of the run from the start.
#[derive(Debug, Clone)]
pub struct About {
    /// The script as it was named on the command line.
    pub script: String,
    /// The run's seed.
    pub seed: u64,
    /// When the run began.
    pub started: SystemTime,
}

/// The unit of a metric's numbers, with the words of the summary.
fn unit_word(def: &MetricDef) -> String {
    match (def.kind, &def.unit) {
        (Kind::Rate, _) => "share".to_owned(),
        (_, Unit::Time) => "ms".to_owned(),
        (_, unit) => unit.to_string(),
    }
}

/// A destination. It runs on a thread of its own: it may wait, but not for ever.
trait Destination: Send {
    /// Takes a second.
    ///
    /// # Errors
    ///
    /// It cannot be written; the destination is then asked no more.
    fn second(&mut self, _second: &Second) -> Result<(), String> {
        Ok(())
    }

    /// Takes an event.
    ///
    /// # Errors
    ///
    /// As for a second.
    fn event(&mut self, _event: &Event) -> Result<(), String> {
        Ok(())
    }

    /// Takes the result and closes; `lost` is how many items did not get here.
    ///
    /// # Errors
    ///
    /// As for a second.
    fn end(&mut self, summary: &Summary, lost: u64) -> Result<(), String>;
}
