//! The faults of one direction of one connection, in creation order, and how they change.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use super::protocol::Protocol;
use super::stage::{Input, Pull, Released, Replay, Stage};
use super::status::Tally;
use super::toxic::{Stream, Toxic};
use crate::base::rng::Rng;

/// A fault as it is wanted: every change makes a new one with the same `id`.
pub struct Live {
    pub id: u64,
    pub toxic: Toxic,
    /// The fault's own random stream: seed, proxy and name folded together.
    pub stream: u64,
    pub tally: Arc<Tally>,
}

/// All faults of a proxy, in creation order.
pub type Faults = Arc<Vec<Arc<Live>>>;

/// One fault on one link.
struct Slot {
    live: Option<Arc<Live>>,
    /// Uniform in `[0, 1)`: drawn once, so that an edit never deals a connection a new fate.
    draw: f64,
    /// The fault at work; none when the draw missed.
    stage: Option<Box<dyn Stage>>,
    hit: bool,
}

/// The faults of one link. Earlier ones stand nearer to the sender.
pub struct Chain {
    slots: Vec<Slot>,
    stream: Stream,
    number: u64,
    protocol: Protocol,
}

impl Chain {
    /// An empty chain for connection or session `number` of a proxy.
    pub fn new(stream: Stream, number: u64, protocol: Protocol) -> Self {
        Self {
            slots: Vec::new(),
            stream,
            number,
            protocol,
        }
    }

    /// Whether bytes pass untouched.
    pub fn is_clear(&self) -> bool {
        self.slots.iter().all(|slot| slot.stage.is_none())
    }

    /// Makes the chain what is wanted. What a removed fault held goes on to the next one.
    pub fn apply(&mut self, wanted: &[Arc<Live>], now: Instant) {
        for mut slot in std::mem::take(&mut self.slots) {
            let wanted = slot
                .live
                .as_ref()
                .map(|live| wanted.iter().find(|other| other.id == live.id));
            let released = match wanted {
                Some(Some(live)) => slot.change(live, self.number, self.protocol, now),
                Some(None) => slot.stage.as_mut().map(|stage| stage.release()),
                None => None,
            };
            if !matches!(wanted, Some(None)) {
                self.slots.push(slot);
            }
            if let Some(released) = released.filter(|released| !released.is_empty()) {
                self.slots.push(Slot::replay(released));
            }
        }
        for live in wanted
            .iter()
            .filter(|live| live.toxic.stream == self.stream)
        {
            let known = |slot: &Slot| slot.live.as_ref().is_some_and(|old| old.id == live.id);
            if !self.slots.iter().any(known) {
                self.slots
                    .push(Slot::new(live, self.number, self.protocol, now));
            }
        }
    }

    /// Takes out what has been passed on.
    fn drop_spent(&mut self) {
        self.slots.retain(|slot| {
            slot.live.is_some() || slot.stage.as_ref().is_some_and(|stage| !stage.spent())
        });
    }

    /// Lets every stage that keeps time note what has arrived.
    pub fn fill(&mut self, source: &mut dyn Input, now: Instant) {
        for end in 1..=self.slots.len() {
            let Some((slot, rest)) = self.slots[..end].split_last_mut() else {
                return;
            };
            slot.with(rest, source, |stage, input| stage.fill(input, now));
        }
    }

    /// Whether a fault cuts the connection whatever its sockets do.
    pub fn severs(&mut self) -> bool {
        let cuts = |slot: &Slot| slot.stage.as_ref().is_some_and(|stage| stage.severs());
        let Some(slot) = self.slots.iter_mut().find(|slot| cuts(slot)) else {
            return false;
        };
        if let Some(live) = &slot.live {
            meet(&live.tally, &mut slot.hit);
        }
        true
    }

    /// The next bytes for the receiver.
    pub fn pull(&mut self, source: &mut dyn Input, now: Instant) -> Pull {
        let pulled = pull(&mut self.slots, source, now);
        if self.slots.iter().any(|slot| slot.live.is_none()) {
            self.drop_spent();
        }
        pulled
    }
}

impl Slot {
    fn new(live: &Arc<Live>, number: u64, protocol: Protocol, now: Instant) -> Self {
        let mut rng = Rng::from_mixed(live.stream, number);
        let draw = rng.unit();
        live.tally.connections.fetch_add(1, Ordering::Relaxed);
        let mut slot = Self {
            live: Some(live.clone()),
            draw,
            stage: None,
            hit: false,
        };
        slot.start(live, number, protocol, now);
        slot
    }

    /// Puts the fault to work if the draw says so.
    fn start(&mut self, live: &Live, number: u64, protocol: Protocol, now: Instant) {
        if self.draw < f64::from(live.toxic.toxicity) {
            // Another number than the draw's: jitter must not depend on the share.
            let rng = Rng::from_mixed(live.stream ^ 0x5bd1_e995, number);
            self.stage = Some(live.toxic.fault.stage(protocol, rng, now));
            live.tally.drawn.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// What a removed fault held, in its place until it has been passed on.
    fn replay(released: Released) -> Self {
        Self {
            live: None,
            draw: 0.0,
            stage: Some(Box::new(Replay(released))),
            hit: false,
        }
    }

    /// Takes over changed settings. Where the share shrank past this connection, the fault
    /// leaves it and gives up what it held.
    fn change(
        &mut self,
        live: &Arc<Live>,
        number: u64,
        protocol: Protocol,
        now: Instant,
    ) -> Option<Released> {
        if self.live.as_ref().is_some_and(|old| Arc::ptr_eq(old, live)) {
            return None;
        }
        self.live = Some(live.clone());
        let wanted = self.draw < f64::from(live.toxic.toxicity);
        match &mut self.stage {
            Some(stage) if wanted => stage.update(&live.toxic.fault, now),
            Some(_) => return self.stage.take().map(|mut stage| stage.release()),
            None => self.start(live, number, protocol, now),
        }
        None
    }

    /// Runs the stage, if there is one, with what stands before it.
    fn with<T>(
        &mut self,
        rest: &mut [Slot],
        source: &mut dyn Input,
        run: impl FnOnce(&mut dyn Stage, &mut dyn Input) -> T,
    ) -> Option<T> {
        let stage = self.stage.as_mut()?;
        let mut input = Metered {
            rest,
            source,
            live: self.live.as_deref(),
            hit: &mut self.hit,
        };
        Some(run(stage.as_mut(), &mut input))
    }
}

fn pull(slots: &mut [Slot], source: &mut dyn Input, now: Instant) -> Pull {
    let Some((slot, rest)) = slots.split_last_mut() else {
        return source.next(now);
    };
    if slot.stage.is_none() {
        return pull(rest, source, now);
    }
    let pulled = slot.with(rest, source, |stage, input| stage.pull(input, now));
    if let (Some(Pull::End(_)), Some(live)) = (&pulled, &slot.live) {
        meet(&live.tally, &mut slot.hit);
    }
    pulled.unwrap_or(Pull::Wait(None))
}

/// What stands before a stage, counted as it comes to the stage.
struct Metered<'a> {
    rest: &'a mut [Slot],
    source: &'a mut dyn Input,
    live: Option<&'a Live>,
    hit: &'a mut bool,
}

impl Input for Metered<'_> {
    fn next(&mut self, now: Instant) -> Pull {
        let pulled = pull(self.rest, self.source, now);
        if let Some(live) = self.live {
            match &pulled {
                Pull::Data(chunk) => {
                    let bytes = chunk.data.len() as u64;
                    live.tally.bytes.fetch_add(bytes, Ordering::Relaxed);
                    meet(&live.tally, self.hit);
                }
                Pull::End(_) => meet(&live.tally, self.hit),
                Pull::Wait(_) => {}
            }
        }
        pulled
    }
}

fn meet(tally: &Tally, hit: &mut bool) {
    if !*hit {
        *hit = true;
        tally.hit.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::super::kinds::{Latency, Noop, Timeout};
    use super::super::stage::End;
    use super::super::stage::fixture::{Feed, data, end, wait};
    use super::super::toxic::Fault;
    use super::*;
    use std::time::Duration;

    fn live(id: u64, fault: Fault, toxicity: f32) -> Arc<Live> {
        Arc::new(Live {
            id,
            stream: crate::base::rng::stream(9, &format!("t{id}")),
            toxic: Toxic {
                name: format!("t{id}"),
                stream: Stream::Downstream,
                toxicity,
                fault,
            },
            tally: Arc::default(),
        })
    }

    fn latency(ms: i64) -> Fault {
        Fault::Latency(Latency {
            latency_us: ms * 1000,
            jitter_us: 0,
        })
    }

    #[test]
    fn latencies_stack_and_each_is_counted() {
        let (a, b) = (live(1, latency(40), 1.0), live(2, latency(60), 1.0));
        let mut chain = Chain::new(Stream::Downstream, 1, Protocol::Tcp);
        let (start, mut feed) = (Instant::now(), Feed::default());
        chain.apply(&[a.clone(), b.clone()], start);
        feed.push(b"hello", start);
        let first = wait(chain.pull(&mut feed, start)).unwrap();
        assert_eq!(first, start + Duration::from_millis(40));
        let second = wait(chain.pull(&mut feed, first)).unwrap();
        assert_eq!(second, start + Duration::from_millis(100));
        assert_eq!(data(chain.pull(&mut feed, second)), b"hello");
        for live in [a, b] {
            let status = live.tally.read(live.toxic.clone());
            let counted = (status.connections, status.drawn, status.hit, status.bytes);
            assert_eq!(counted, (1, 1, 1, 5));
        }
    }

    #[test]
    fn what_a_removed_fault_held_goes_through_the_later_ones_before_newer_bytes() {
        let (a, b) = (live(1, latency(5000), 1.0), live(2, latency(10), 1.0));
        let mut chain = Chain::new(Stream::Downstream, 1, Protocol::Tcp);
        let (start, mut feed) = (Instant::now(), Feed::default());
        chain.apply(&[a, b.clone()], start);
        feed.push(b"old", start);
        chain.fill(&mut feed, start);
        chain.apply(std::slice::from_ref(&b), start);
        feed.push(b"new", start);
        let due = wait(chain.pull(&mut feed, start)).unwrap();
        assert_eq!(due, start + Duration::from_millis(10));
        assert_eq!(data(chain.pull(&mut feed, due)), b"old");
        assert_eq!(data(chain.pull(&mut feed, due)), b"new");
        assert_eq!(chain.slots.len(), 1);
    }

    #[test]
    fn removing_a_timeout_closes_the_connection() {
        let mut chain = Chain::new(Stream::Downstream, 1, Protocol::Tcp);
        let (start, mut feed) = (Instant::now(), Feed::default());
        chain.apply(&[live(1, Fault::Timeout(Timeout::default()), 1.0)], start);
        assert_eq!(wait(chain.pull(&mut feed, start)), None);
        chain.apply(&[], start);
        assert_eq!(end(chain.pull(&mut feed, start)), End::Close);
    }

    #[test]
    fn a_connection_keeps_its_draw_through_edits() {
        let start = Instant::now();
        let hits = |toxicity, number| {
            let mut chain = Chain::new(Stream::Downstream, number, Protocol::Tcp);
            chain.apply(&[live(1, Fault::Noop(Noop), toxicity)], start);
            let first = !chain.is_clear();
            chain.apply(&[live(1, Fault::Noop(Noop), toxicity)], start);
            assert_eq!(!chain.is_clear(), first);
            chain.apply(&[live(1, Fault::Noop(Noop), 0.0)], start);
            assert!(chain.is_clear());
            chain.apply(&[live(1, Fault::Noop(Noop), toxicity)], start);
            assert_eq!(!chain.is_clear(), first);
            first
        };
        let count = (0..1000).filter(|n| hits(0.5, *n)).count();
        assert!((440..560).contains(&count), "{count}");
        assert_eq!((0..100).filter(|n| hits(0.0, *n)).count(), 0);
        assert_eq!((0..100).filter(|n| hits(1.0, *n)).count(), 100);
    }
}
