//! The samples of every exchange, each with one look-up however many metrics it has.

use std::cell::RefCell;
use std::collections::HashMap;
use std::time::Duration;

use http::Method;

use super::target::Name;
use crate::http::{Exchange, Timings};
use crate::metrics::{IdState, MetricId, Recorder, Series, TagSetId, builtin};

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    tags: TagSetId,
    name: u32,
    method: Method,
    status: u16,
    error_code: u16,
}

/// The series of requests that differ in their figures only.
#[derive(Debug, Clone, Copy)]
struct Block {
    tags: TagSetId,
    requests: Series,
    failed: Series,
    sent: Series,
    received: Series,
    times: [Series; 9],
}

const TIMES: [MetricId; 9] = [
    builtin::HTTP_REQ_TOTAL,
    builtin::HTTP_REQ_BLOCKED,
    builtin::HTTP_REQ_DNS,
    builtin::HTTP_REQ_CONNECTING,
    builtin::HTTP_REQ_TLS_HANDSHAKING,
    builtin::HTTP_REQ_DURATION,
    builtin::HTTP_REQ_SENDING,
    builtin::HTTP_REQ_WAITING,
    builtin::HTTP_REQ_RECEIVING,
];

/// How many of [`TIMES`] a request has that was never sent.
const BEFORE_SENDING: usize = 5;

/// Past this many blocks the table begins anew.
const LIMIT: usize = 8192;

/// The blocks of one machine, and so of one recorder.
#[derive(Debug, Default)]
pub(super) struct Samples(RefCell<HashMap<Key, Block, IdState>>);

impl Samples {
    /// Records one exchange.
    pub(super) fn exchange(
        &self,
        recorder: &mut Recorder,
        tags: TagSetId,
        name: &Name,
        exchange: &Exchange,
        failed: bool,
    ) {
        let key = Key {
            tags,
            name: name.number,
            method: exchange.method.clone(),
            status: exchange.status,
            error_code: exchange.error_code,
        };
        let block = self.block(recorder, key, name);
        recorder.add(block.requests, 1.0);
        recorder.add(block.failed, f64::from(u8::from(failed)));
        #[expect(clippy::cast_precision_loss, reason = "far below 2^53 bytes")]
        let (sent, received) = (exchange.sent_bytes as f64, exchange.received_bytes as f64);
        recorder.add(block.sent, sent);
        recorder.add(block.received, received);
        let timings = &exchange.timings;
        // A request that never got as far has no duration: nought would look like a fast answer.
        let reached = exchange.status != 0 || !timings.duration().is_zero();
        let times = of(timings);
        let count = if reached { times.len() } else { BEFORE_SENDING };
        for (series, time) in block.times.iter().zip(times).take(count) {
            recorder.time(*series, time);
        }
        if exchange.reconnects > 0 {
            let series = recorder.series(builtin::HTTP_RECONNECTS, block.tags);
            recorder.add(series, f64::from(exchange.reconnects));
        }
    }

    /// Records a request that could not even be tried.
    pub(super) fn unsent(
        &self,
        recorder: &mut Recorder,
        tags: TagSetId,
        name: &Name,
        method: &Method,
        error_code: u16,
    ) {
        let key = Key {
            tags,
            name: name.number,
            method: method.clone(),
            status: 0,
            error_code,
        };
        let block = self.block(recorder, key, name);
        recorder.add(block.requests, 1.0);
        recorder.add(block.failed, 1.0);
    }

    fn block(&self, recorder: &mut Recorder, key: Key, name: &Name) -> Block {
        let mut blocks = self.0.borrow_mut();
        if let Some(block) = blocks.get(&key) {
            return *block;
        }
        if blocks.len() >= LIMIT {
            blocks.clear();
        }
        let block = open(recorder, &key, name);
        blocks.insert(key, block);
        block
    }
}

#[cold]
fn open(recorder: &mut Recorder, key: &Key, name: &Name) -> Block {
    let (status, code) = (key.status.to_string(), key.error_code.to_string());
    let mut pairs = vec![
        ("name", &*name.text),
        ("method", key.method.as_str()),
        ("status", &status),
    ];
    if key.error_code != 0 {
        pairs.push(("error_code", &code));
    }
    let tags = recorder.extend(key.tags, &pairs);
    Block {
        tags,
        requests: recorder.series(builtin::HTTP_REQS, tags),
        failed: recorder.series(builtin::HTTP_REQ_FAILED, tags),
        sent: recorder.series(builtin::DATA_SENT, tags),
        received: recorder.series(builtin::DATA_RECEIVED, tags),
        times: TIMES.map(|metric| recorder.series(metric, tags)),
    }
}

/// In the order of [`TIMES`].
fn of(timings: &Timings) -> [Duration; 9] {
    [
        timings.total(),
        timings.blocked,
        timings.dns,
        timings.connecting,
        timings.tls,
        timings.duration(),
        timings.sending,
        timings.waiting,
        timings.receiving,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{Aggregator, Catalog, Selector};
    use std::rc::Rc;
    use std::time::Instant;

    fn exchange(status: u16, error_code: u16, timings: Timings) -> Exchange {
        Exchange {
            method: Method::GET,
            url: Rc::new(url::Url::parse("http://h/items/3").unwrap()),
            status,
            error_code,
            started: Instant::now(),
            timings,
            sent_bytes: 100,
            received_bytes: 1000,
            version: "HTTP/1.1",
            remote_address: None,
            reused: false,
            reconnects: 0,
        }
    }

    fn name() -> Name {
        let (number, text) = (1, "/items/:id".into());
        Name { number, text }
    }

    #[test]
    fn a_refused_request_counts_but_has_no_duration() {
        let catalog = Catalog::new(100);
        let mut recorder = Recorder::new(catalog.clone());
        let samples = Samples::default();
        let ms = Duration::from_millis;
        let fast = Timings {
            sending: ms(1),
            waiting: ms(2),
            receiving: ms(3),
            ..Timings::default()
        };
        let refused = Timings {
            connecting: ms(1),
            ..Timings::default()
        };
        let tags = TagSetId::EMPTY;
        samples.exchange(&mut recorder, tags, &name(), &exchange(200, 0, fast), false);
        samples.exchange(
            &mut recorder,
            tags,
            &name(),
            &exchange(0, 1212, refused),
            true,
        );
        let mut all = Aggregator::new(catalog.clone());
        all.merge(recorder.drain(), Duration::ZERO);
        let select = |text: &str| all.select(&Selector::parse(&catalog, text).unwrap());
        assert_eq!(select("http_reqs").unwrap().sum, 2.0);
        assert_eq!(select("http_req_failed").unwrap().rate(), Some(0.5));
        let duration = select("http_req_duration").unwrap();
        assert_eq!((duration.count, duration.sum), (1, 6.0));
        assert_eq!(select("http_req_total").unwrap().count, 2);
        let refused = select("http_reqs{error_code:1212,status:0,method:GET,name:/items/:id}");
        assert_eq!(refused.unwrap().count, 1);
        assert!(select("http_reconnects").is_none());
    }
}
