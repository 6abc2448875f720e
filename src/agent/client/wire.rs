//! What goes over the wire of one agent: beats and commands out, reports in.

use std::io::{BufRead, BufReader, Write};
use std::process::{ChildStdin, ChildStdout};
use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::link::{About, Link, Outgoing, Pending, START};
use super::notice::Notice;
use super::rescue;
use super::shared::Inner;
use crate::agent::protocol::{Answer, Command, Ready, Report, line};
use crate::fault::Trouble;

/// How often the controller beats.
const BEAT: Duration = Duration::from_millis(500);

impl Link {
    /// Writes what is to be said, and beats; judges the silence.
    pub(super) fn write(
        self: &Arc<Self>,
        inner: &Arc<Inner>,
        mut input: ChildStdin,
        lines: &Receiver<Outgoing>,
    ) {
        let mut next = Instant::now() + BEAT;
        loop {
            let patience = next.saturating_duration_since(Instant::now());
            let written = match lines.recv_timeout(patience) {
                Ok(Outgoing::Line(line)) => input.write_all(line.as_bytes()),
                Ok(Outgoing::Close) | Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => {
                    next = Instant::now() + BEAT;
                    let echo = self.nonce.load(Ordering::Acquire);
                    input.write_all(line(&Command::Beat { echo }).as_bytes())
                }
            };
            let heard = *self.heard.lock().unwrap_or_else(PoisonError::into_inner);
            let patience = if self.ready().is_some() {
                inner.lease
            } else {
                START
            };
            if heard.elapsed() > patience {
                let lease = patience.as_millis();
                self.lose(inner, format!("it was silent for more than {lease} ms"));
                return;
            }
            if written.is_err() || self.lost().is_some() {
                // The other thread sees its end, and what it said before.
                return;
            }
        }
    }

    pub(super) fn read(
        self: &Arc<Self>,
        inner: &Arc<Inner>,
        output: ChildStdout,
        first: oneshot::Sender<Result<Ready, Trouble>>,
    ) {
        let mut first = Some(first);
        let mut lines = BufReader::new(output);
        let mut text = Vec::new();
        loop {
            text.clear();
            match lines.read_until(b'\n', &mut text) {
                Ok(0) | Err(_) => break,
                Ok(_) => {}
            }
            *self.heard.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
            match serde_json::from_slice(&text) {
                Ok(Report::Ready(ready)) => {
                    if let Some(first) = first.take() {
                        let _ = first.send(Ok(ready));
                    }
                }
                Ok(Report::Refused { trouble }) => {
                    self.leaving.store(true, Ordering::Release);
                    if let Some(first) = first.take() {
                        let _ = first.send(Err(trouble));
                    }
                }
                Ok(report) => self.take(inner, report),
                // A banner of ssh or sudo; what is ours is JSON.
                Err(_) => tracing::debug!("{}: {}", self.label(), String::from_utf8_lossy(&text)),
            }
        }
        let started = first.is_none();
        drop(first);
        if self.leaving.load(Ordering::Acquire) || !started {
            self.settle();
            let _ = self.wait();
            self.fail_all("it has ended");
        } else {
            let how = self.wait();
            self.lose(inner, format!("it ended with {how}"));
        }
    }

    fn take(self: &Arc<Self>, inner: &Arc<Inner>, report: Report) {
        match report {
            Report::Beat { nonce, epoch } => {
                self.nonce.store(nonce, Ordering::Release);
                self.epoch.store(epoch, Ordering::Release);
                // At once, so that what waits for proof of the channel does not wait for the next beat.
                self.say(line(&Command::Beat { echo: nonce }));
            }
            Report::Reply { seq, result } => self.answered(inner, seq, result),
            Report::Changed { id, change } => {
                if let Some(held) = inner.held(id) {
                    held.changed(&change);
                    inner.notice_of(&held, &change);
                }
            }
            Report::Halt => inner.notice(Notice::Halt {
                agent: self.name.clone(),
            }),
            Report::Guardian { reason, healed } => {
                rescue::take(inner, self, &reason, healed);
            }
            Report::Gone { left } => {
                // Said goodbye or not: this is what it left, and the rest is healed.
                let clean = left.is_empty();
                rescue::gone(inner, self, &left);
                if clean {
                    self.settle();
                }
            }
            Report::Ready(_) | Report::Refused { .. } => {}
        }
    }

    fn answered(&self, inner: &Inner, seq: u64, result: Result<Answer, Trouble>) {
        let pending = self
            .pending
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&seq);
        let Some(Pending { about, reply }) = pending else {
            return;
        };
        match (&about, &result) {
            (About::Inject(held), Ok(Answer::Injected(injected))) => {
                held.injected(injected);
                let tier = injected.preflight.tier.word();
                inner.tell(held, format!("injected ({tier}): {}", held.order.label));
                if injected.observed && !held.order.fixture {
                    inner.tell(held, "observed".to_owned());
                }
            }
            (About::Inject(held), Err(trouble)) => {
                held.refused(trouble);
                inner.tell(held, format!("not injected: {trouble}"));
            }
            (About::Update(held), Ok(Answer::Injected(injected))) => {
                held.updated(injected);
                inner.tell(held, format!("updated: {}", injected.preflight.effect));
            }
            (About::Update(held), Err(trouble)) => {
                inner.tell(held, format!("not updated: {trouble}"));
            }
            (About::Heal(held), Ok(Answer::Healed(healed))) => {
                inner.healed(held, &Ok(healed.clone()))
            }
            (About::Heal(held), Err(trouble)) => inner.healed(held, &Err(trouble.clone())),
            (About::HealAll, Ok(Answer::HealedAll { epoch, all })) => {
                self.epoch.fetch_max(*epoch, Ordering::AcqRel);
                for (id, outcome) in all {
                    if let Some(held) = inner.held(*id) {
                        inner.healed(&held, outcome);
                    }
                }
            }
            _ => {}
        }
        let _ = reply.send(result);
    }
}
