//! The stopwatch of one request: which phase it is in, what each phase took, what went over the wire.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use http::Method;
use url::Url;

use super::codes;
use super::failure::Failure;
use super::outcome::{Exchange, Headers, Outcome, Response, Timings};

/// What an exchange is doing; the time until the next phase is counted for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Blocked,
    Dns,
    Connecting,
    Tls,
    Sending,
    Waiting,
    Receiving,
    /// Nothing is counted: between exchanges, or decompressing.
    Rest,
}

const PHASES: usize = 7;

/// Lives outside the future that works, so that a timeout still knows what was going on.
pub(super) struct Trace {
    phase: Cell<Phase>,
    since: Cell<Instant>,
    started: Cell<Instant>,
    spent: [Cell<Duration>; PHASES],
    sent: Cell<u64>,
    received: Cell<u64>,
    version: Cell<&'static str>,
    remote: Cell<Option<SocketAddr>>,
    reused: Cell<bool>,
    reconnects: Cell<u32>,
    open: Cell<bool>,
    hop: RefCell<(Method, Rc<Url>)>,
    exchanges: RefCell<Vec<Exchange>>,
}

impl Trace {
    pub fn new(method: Method, url: Rc<Url>, now: Instant) -> Self {
        Self {
            phase: Cell::new(Phase::Rest),
            since: Cell::new(now),
            started: Cell::new(now),
            spent: Default::default(),
            sent: Cell::new(0),
            received: Cell::new(0),
            version: Cell::new(""),
            remote: Cell::new(None),
            reused: Cell::new(false),
            reconnects: Cell::new(0),
            open: Cell::new(false),
            hop: RefCell::new((method, url)),
            exchanges: RefCell::new(Vec::new()),
        }
    }

    /// Begins an exchange, in [`Phase::Blocked`], when the last one ended.
    pub fn begin(&self, method: &Method, url: &Rc<Url>) {
        *self.hop.borrow_mut() = (method.clone(), url.clone());
        let now = self.since.get();
        self.started.set(now);
        self.phase.set(Phase::Blocked);
        for spent in &self.spent {
            spent.set(Duration::ZERO);
        }
        self.sent.set(0);
        self.received.set(0);
        self.version.set("");
        self.remote.set(None);
        self.reused.set(false);
        self.reconnects.set(0);
        self.open.set(true);
    }

    pub fn phase(&self) -> Phase {
        self.phase.get()
    }

    /// Ends the phase that was going on and begins another.
    pub fn enter(&self, phase: Phase) {
        self.enter_at(phase, Instant::now());
    }

    /// As [`Trace::enter`], for a change that was noticed late.
    pub fn enter_at(&self, phase: Phase, now: Instant) {
        if let Some(spent) = self.spent.get(self.phase.get() as usize) {
            spent.set(spent.get() + now.saturating_duration_since(self.since.get()));
        }
        self.since.set(now);
        self.phase.set(phase);
    }

    /// Stops counting; at once if nothing is being counted.
    pub fn rest(&self) {
        if self.phase.get() != Phase::Rest {
            self.enter(Phase::Rest);
        }
    }

    /// When the phase began: the present, as far as an idle connection is concerned.
    pub fn since(&self) -> Instant {
        self.since.get()
    }

    pub fn connected(&self, remote: Option<SocketAddr>, reused: bool) {
        self.remote.set(remote);
        self.reused.set(reused);
    }

    pub fn reconnect(&self) {
        self.reconnects.set(self.reconnects.get() + 1);
    }

    pub fn sent(&self, bytes: usize) {
        self.add_bytes(bytes as u64, 0);
    }

    pub fn received(&self, bytes: usize) {
        self.add_bytes(0, bytes as u64);
    }

    pub fn add_bytes(&self, sent: u64, received: u64) {
        self.sent.set(self.sent.get() + sent);
        self.received.set(self.received.get() + received);
    }

    pub fn has_received(&self) -> bool {
        self.received.get() > 0
    }

    pub fn version(&self, version: &'static str) {
        self.version.set(version);
    }

    fn timings(&self) -> Timings {
        let spent = |phase: Phase| self.spent[phase as usize].get();
        Timings {
            blocked: spent(Phase::Blocked),
            dns: spent(Phase::Dns),
            connecting: spent(Phase::Connecting),
            tls: spent(Phase::Tls),
            sending: spent(Phase::Sending),
            waiting: spent(Phase::Waiting),
            receiving: spent(Phase::Receiving),
        }
    }

    /// Ends the exchange; `status` 0 and a code for a failed one.
    pub fn end(&self, status: u16, error_code: u16) {
        if !self.open.replace(false) {
            return;
        }
        self.rest();
        let hop = self.hop.borrow();
        self.exchanges.borrow_mut().push(Exchange {
            method: hop.0.clone(),
            url: hop.1.clone(),
            status,
            error_code,
            started: self.started.get(),
            timings: self.timings(),
            sent_bytes: self.sent.get(),
            received_bytes: self.received.get(),
            version: self.version.get(),
            remote_address: self.remote.get(),
            reused: self.reused.get(),
            reconnects: self.reconnects.get(),
        });
    }

    /// The outcome of a request whose last exchange has ended with this response.
    pub fn finish(self, status: u16, headers: Headers, body: Vec<u8>) -> Outcome {
        let timings = self.timings();
        Outcome {
            exchanges: self.exchanges.into_inner(),
            response: Response {
                status,
                headers,
                body,
                error: None,
                error_code: codes::of_status(status),
                url: self.hop.into_inner().1,
                version: self.version.get(),
                remote_address: self.remote.get(),
                timings,
            },
        }
    }

    /// The outcome of a request that failed, now if an exchange was going on.
    pub fn fail(self, failure: Failure) -> Outcome {
        self.end(0, failure.code);
        let mut outcome = self.finish(0, Headers::default(), Vec::new());
        outcome.response.error = Some(failure.text);
        outcome.response.error_code = failure.code;
        outcome
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_counts_for_the_phase_that_was_going_on() {
        let url = Rc::new(Url::parse("http://a/").unwrap());
        let trace = Trace::new(Method::GET, url.clone(), Instant::now());
        trace.begin(&Method::GET, &url);
        trace.enter(Phase::Waiting);
        std::thread::sleep(Duration::from_millis(5));
        let outcome = trace.fail(Failure::new(codes::TIMEOUT, "late"));
        let timings = outcome.response.timings;
        assert!(timings.waiting >= Duration::from_millis(5));
        assert_eq!(timings.receiving, Duration::ZERO);
        assert_eq!(outcome.exchanges.len(), 1);
        assert_eq!(outcome.exchanges[0].timings, timings);
        assert_eq!(outcome.exchanges[0].error_code, codes::TIMEOUT);
    }
}
