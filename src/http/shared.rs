//! What the clients of one thread share: buffers, the resolver with its cache, TLS configurations.

use std::cell::RefCell;
use std::rc::Rc;

use super::dns::Dns;
use super::tls::Configs;

/// Shared by all clients of one worker thread.
pub struct Shared {
    buffers: RefCell<Vec<Vec<u8>>>,
    pub(super) dns: Dns,
    pub(super) tls: Configs,
}

/// What one read asks for, and so what a buffer holds.
const BUFFER: usize = 16 * 1024;
/// How many unused buffers are kept, and how large one may have grown.
const SPARE_BUFFERS: usize = 32;
const SPARE_SIZE: usize = 4 * BUFFER;

impl Shared {
    /// Empty caches; nothing is read or opened until a request needs it.
    #[must_use]
    pub fn new() -> Rc<Self> {
        Rc::new(Self {
            buffers: RefCell::new(Vec::new()),
            dns: Dns::default(),
            tls: Configs::default(),
        })
    }

    /// An empty buffer, to be given back. Connections that wait own none, so that ten thousand
    /// of them cost no memory here.
    pub(super) fn take_buffer(&self) -> Vec<u8> {
        let spare = self.buffers.borrow_mut().pop();
        spare.unwrap_or_else(|| Vec::with_capacity(BUFFER))
    }

    pub(super) fn give_back(&self, mut buffer: Vec<u8>) {
        let mut spare = self.buffers.borrow_mut();
        if spare.len() < SPARE_BUFFERS && buffer.capacity() <= SPARE_SIZE {
            buffer.clear();
            spare.push(buffer);
        }
    }

    #[cfg(test)]
    pub(super) fn spare_buffers(&self) -> usize {
        self.buffers.borrow().len()
    }
}
