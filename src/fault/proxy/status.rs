//! What was counted while a proxy ran: traffic, and which faults were met.

use std::sync::atomic::{AtomicU64, Ordering};

use super::toxic::{Stream, Toxic};

/// Bytes of a proxy since it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Traffic {
    /// Bytes read, from clients and from the upstream.
    pub received: [u64; 2],
    /// Bytes written, to the upstream and to clients.
    pub sent: [u64; 2],
    /// Connections accepted, or UDP sessions begun.
    pub accepted: u64,
    /// Connections closed because the upstream could not be reached; datagrams that it refused.
    pub unreachable: u64,
    /// Datagrams lost because a queue or the system had no room for them.
    pub dropped: u64,
}

/// A fault and whom it met: a fault that met nobody proves nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct FaultStatus {
    /// The fault as it is set now.
    pub toxic: Toxic,
    /// Connections that were open while it was.
    pub connections: u64,
    /// Connections among them that drew it (see its toxicity).
    pub drawn: u64,
    /// Connections among those on which traffic, or the end, came to it.
    pub hit: u64,
    /// Bytes that came to it.
    pub bytes: u64,
}

/// Counters of one proxy, shared by its connections.
#[derive(Debug, Default)]
pub struct Meter {
    received: [AtomicU64; 2],
    sent: [AtomicU64; 2],
    pub accepted: AtomicU64,
    pub unreachable: AtomicU64,
    pub dropped: AtomicU64,
}

impl Meter {
    pub fn received(&self, stream: Stream, bytes: usize) {
        self.received[stream as usize].fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub fn sent(&self, stream: Stream, bytes: usize) {
        self.sent[stream as usize].fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub fn read(&self) -> Traffic {
        let load = |pair: &[AtomicU64; 2]| [0, 1].map(|n| pair[n].load(Ordering::Relaxed));
        Traffic {
            received: load(&self.received),
            sent: load(&self.sent),
            accepted: self.accepted.load(Ordering::Relaxed),
            unreachable: self.unreachable.load(Ordering::Relaxed),
            dropped: self.dropped.load(Ordering::Relaxed),
        }
    }
}

/// Counters of one fault, kept through changes of its settings.
#[derive(Debug, Default)]
pub struct Tally {
    pub connections: AtomicU64,
    pub drawn: AtomicU64,
    pub hit: AtomicU64,
    pub bytes: AtomicU64,
}

impl Tally {
    pub fn read(&self, toxic: Toxic) -> FaultStatus {
        FaultStatus {
            toxic,
            connections: self.connections.load(Ordering::Relaxed),
            drawn: self.drawn.load(Ordering::Relaxed),
            hit: self.hit.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
        }
    }
}
