//! The threads of all destinations: opened before the run, closed in bounded time after it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use super::feed::Line;
use super::{About, Destination, Feed, Item, OutputSpec};
use super::{csv, journal, json, junit, listen, remote_write};
use crate::output::Summary;

/// Items that wait for a slow destination: two minutes of seconds, or a burst of events.
const QUEUE: usize = 128;
/// How long the end of the run waits for a destination.
const PATIENCE: Duration = Duration::from_secs(15);

/// All destinations of a run.
#[derive(Debug)]
pub struct Outputs {
    feed: Feed,
    running: Vec<Running>,
}

/// A destination on its thread.
#[derive(Debug)]
struct Running {
    name: String,
    /// Whether its loss makes the command fail: a file that was asked for is not there.
    essential: bool,
    queue: SyncSender<Item>,
    lost: Arc<AtomicU64>,
    done: Receiver<Result<(), String>>,
}

/// What a destination has to complain of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    /// What is wrong.
    pub text: String,
    /// Whether the command fails by it.
    pub essential: bool,
}

impl Outputs {
    /// Opens all destinations, so that a wrong one is reported before the run.
    ///
    /// # Errors
    ///
    /// A file cannot be made, an address cannot be bound.
    pub fn open(specs: &[OutputSpec], about: &About) -> Result<Self, String> {
        let mut outputs = Self {
            feed: Feed::default(),
            running: Vec::new(),
        };
        for spec in specs {
            let (name, destination) = open(spec, about)?;
            let follows = !matches!(spec, OutputSpec::Junit(_) | OutputSpec::Journal(_));
            let essential = !matches!(spec, OutputSpec::Prometheus(_) | OutputSpec::Listen(_));
            outputs.start(name, destination, follows, essential)?;
        }
        Ok(outputs)
    }

    /// Starts a destination's thread.
    pub(super) fn start(
        &mut self,
        name: String,
        destination: Box<dyn Destination>,
        follows: bool,
        essential: bool,
    ) -> Result<(), String> {
        let (queue, items) = sync_channel(QUEUE);
        let (finished, done) = sync_channel(1);
        let lost = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&lost);
        thread::Builder::new()
            .name("output".to_owned())
            .spawn(move || {
                let result = serve(destination, &items, &counted);
                let _ = finished.send(result);
            })
            .map_err(|error| format!("no thread for output {name}: {error}"))?;
        self.feed.lines.push(Line {
            queue: queue.clone(),
            lost: Arc::clone(&lost),
            follows,
        });
        self.running.push(Running {
            name,
            essential,
            queue,
            lost,
            done,
        });
        Ok(())
    }

    /// Where the engine puts what happens.
    #[must_use]
    pub fn feed(&self) -> Feed {
        self.feed.clone()
    }

    /// Hands over the result and waits until all are closed, but not for ever. What went wrong is
    /// returned, also what was lost on the way.
    #[must_use]
    pub fn finish(mut self, summary: &Summary) -> Vec<Complaint> {
        let summary = Arc::new(summary.clone());
        let limit = Instant::now() + PATIENCE;
        let running = std::mem::take(&mut self.running);
        for one in &running {
            let mut item = Item::End(Arc::clone(&summary));
            while let Err(TrySendError::Full(back)) = one.queue.try_send(item) {
                if Instant::now() > limit {
                    break;
                }
                item = back;
                thread::sleep(Duration::from_millis(5));
            }
        }
        let complaints = running.into_iter().flat_map(|one| one.close(limit));
        complaints.collect()
    }
}

impl Drop for Outputs {
    /// Without a result the threads end as soon as nobody can tell them more; files that are not
    /// whole are then removed, which is waited for.
    fn drop(&mut self) {
        self.feed.lines.clear();
        for one in self.running.drain(..) {
            drop(one.queue);
            let _ = one.done.recv_timeout(Duration::from_secs(1));
        }
    }
}

impl Running {
    fn close(self, limit: Instant) -> Vec<Complaint> {
        let Self {
            name,
            essential,
            lost,
            done,
            ..
        } = self;
        let patience = limit.saturating_duration_since(Instant::now());
        let wrong = match done.recv_timeout(patience) {
            Ok(Ok(())) => None,
            Ok(Err(text)) => Some(text),
            Err(_) => Some("does not take what it was given".to_owned()),
        };
        let complaint = |text: String, essential| Complaint {
            text: format!("output {name}: {text}"),
            essential,
        };
        let mut all: Vec<_> = wrong
            .map(|text| complaint(text, essential))
            .into_iter()
            .collect();
        let lost = lost.load(Ordering::Relaxed);
        if lost > 0 {
            let text = format!("too slow or broken: {lost} seconds and events are missing");
            all.push(complaint(text, false));
        }
        all
    }
}

fn open(spec: &OutputSpec, about: &About) -> Result<(String, Box<dyn Destination>), String> {
    let named = |kind: &str, place: String| format!("{kind}={place}");
    let shown = |path: &std::path::PathBuf| path.display().to_string();
    Ok(match spec {
        OutputSpec::Json(path) => (
            named("json", shown(path)),
            Box::new(json::Json::create(path, about)?),
        ),
        OutputSpec::Csv(path) => (
            named("csv", shown(path)),
            Box::new(csv::Csv::create(path, about)?),
        ),
        OutputSpec::Junit(path) => (
            named("junit", shown(path)),
            Box::new(junit::Junit::create(path)?),
        ),
        OutputSpec::Journal(path) => (
            named("journal", shown(path)),
            Box::new(journal::Journal::create(path, about)?),
        ),
        OutputSpec::Prometheus(url) => {
            let writer = remote_write::RemoteWrite::new(url.clone(), about)?;
            (named("prometheus", writer.shown()), Box::new(writer))
        }
        OutputSpec::Listen(address) => (
            named("listen", address.to_string()),
            Box::new(listen::Listen::bind(*address)?),
        ),
    })
}

/// Gives a destination what comes until the end; after an error, what comes is counted as lost.
fn serve(
    mut destination: Box<dyn Destination>,
    items: &Receiver<Item>,
    lost: &AtomicU64,
) -> Result<(), String> {
    let mut result = Ok(());
    while let Ok(item) = items.recv() {
        if let Item::End(summary) = item {
            let lost = lost.load(Ordering::Relaxed);
            return result.and_then(|()| destination.end(&summary, lost));
        }
        if result.is_err() {
            lost.fetch_add(1, Ordering::Relaxed);
            continue;
        }
        result = match &item {
            Item::Second(second) => destination.second(second),
            Item::Event(event) => destination.event(event),
            Item::End(_) => Ok(()),
        };
    }
    result
}

#[cfg(test)]
mod tests {
    use super::super::testing::{second, stuck};
    use super::*;
    use crate::output::sample::sample;

    struct Failing;

    impl Destination for Failing {
        fn second(&mut self, _: &super::super::Second) -> Result<(), String> {
            Err("disk full".to_owned())
        }

        fn end(&mut self, _: &Summary, _: u64) -> Result<(), String> {
            panic!("it was to be asked no more");
        }
    }

    fn empty() -> Outputs {
        Outputs {
            feed: Feed::default(),
            running: Vec::new(),
        }
    }

    #[test]
    fn a_slow_destination_never_holds_up_the_engine_and_its_loss_is_counted() {
        let mut outputs = empty();
        let (release, destination) = stuck();
        outputs
            .start("slow".into(), destination, true, false)
            .unwrap();
        let feed = outputs.feed();
        let begin = Instant::now();
        for _ in 0..QUEUE + 20 {
            feed.send(Item::Second(Arc::new(second(1, 1.0))));
        }
        assert!(begin.elapsed() < Duration::from_secs(1));
        drop(release);
        let complaints = outputs.finish(&sample());
        assert_eq!(complaints.len(), 1, "{complaints:?}");
        assert!(!complaints[0].essential);
        let text = &complaints[0].text;
        assert!(text.starts_with("output slow: too slow"), "{text}");
        // One may have been taken before the thread got stuck.
        assert!(text.contains(" 20 ") || text.contains(" 19 "), "{text}");
    }

    #[test]
    fn a_broken_destination_is_told_once_and_what_it_misses_is_counted() {
        let mut outputs = empty();
        let failing = Box::new(Failing);
        outputs.start("disk".into(), failing, true, true).unwrap();
        let feed = outputs.feed();
        for _ in 0..3 {
            feed.send(Item::Second(Arc::new(second(1, 1.0))));
        }
        let complaints = outputs.finish(&sample());
        let texts: Vec<_> = complaints.iter().map(|one| one.text.as_str()).collect();
        assert_eq!(
            texts,
            [
                "output disk: disk full",
                "output disk: too slow or broken: 2 seconds and events are missing"
            ]
        );
        assert!(complaints[0].essential);
    }
}
