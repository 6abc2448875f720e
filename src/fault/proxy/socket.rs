//! A connected socket and what is known of its readiness, edge by edge.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::event::epoll;
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, Shutdown, recv, send, shutdown, sockopt};

/// What came of moving bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moved {
    /// So many bytes.
    Bytes(usize),
    /// None now.
    Blocked,
    /// The sender is done.
    End,
    /// The connection is broken.
    Broken,
}

/// A non-blocking socket, watched edge by edge: what was ready stays so until a call blocks.
pub struct Socket {
    fd: OwnedFd,
    readable: bool,
    writable: bool,
    hung_up: bool,
}

impl Socket {
    /// Wraps a socket that epoll is about to watch.
    pub fn new(fd: OwnedFd) -> Self {
        Self {
            fd,
            readable: false,
            writable: true,
            hung_up: false,
        }
    }

    /// The descriptor, for calls that only borrow it.
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    /// What to watch for, once and for all.
    pub fn interest() -> epoll::EventFlags {
        epoll::EventFlags::IN
            | epoll::EventFlags::OUT
            | epoll::EventFlags::RDHUP
            | epoll::EventFlags::ET
    }

    /// Takes note of an edge.
    pub fn note(&mut self, flags: epoll::EventFlags) {
        use epoll::EventFlags as Flags;
        if flags.intersects(Flags::RDHUP | Flags::HUP | Flags::ERR) {
            self.hung_up = true;
        }
        self.readable |= self.hung_up || flags.contains(Flags::IN);
        self.writable |= flags.intersects(Flags::OUT | Flags::HUP | Flags::ERR);
    }

    /// Whether a read may give something.
    pub fn is_readable(&self) -> bool {
        self.readable
    }

    /// Whether a write may take something.
    pub fn is_writable(&self) -> bool {
        self.writable
    }

    /// There was nothing to read.
    pub fn drained(&mut self) {
        self.readable = false;
    }

    /// There was no room to write.
    pub fn full(&mut self) {
        self.writable = false;
    }

    /// Reads into `buffer`. A short read means that nothing is left, and saves the call that
    /// would say so, unless the end is known to be near.
    pub fn read(&mut self, buffer: &mut [u8]) -> Moved {
        let room = buffer.len();
        loop {
            match recv(&self.fd, &mut *buffer, RecvFlags::empty()) {
                Ok((0, _)) => return Moved::End,
                Ok((count, _)) => {
                    if count < room && !self.hung_up {
                        self.drained();
                    }
                    return Moved::Bytes(count);
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => {
                    self.drained();
                    return Moved::Blocked;
                }
                Err(_) => return Moved::Broken,
            }
        }
    }

    /// Writes what the socket takes.
    pub fn write(&mut self, bytes: &[u8]) -> Moved {
        loop {
            match send(&self.fd, bytes, SendFlags::NOSIGNAL) {
                Ok(count) => {
                    if count < bytes.len() {
                        self.full();
                    }
                    return Moved::Bytes(count);
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => {
                    self.full();
                    return Moved::Blocked;
                }
                Err(_) => return Moved::Broken,
            }
        }
    }

    /// Passes the end on; the other direction stays open.
    pub fn finish(&self) {
        // Fails only on a connection that is gone already, which the other direction reports.
        let _ = shutdown(&self.fd, Shutdown::Write);
    }

    /// Makes closing reset the connection and drop what is under way.
    pub fn reset_on_close(&self) {
        // A Unix socket knows no reset: its peer sees the end.
        let _ = sockopt::set_socket_linger(&self.fd, Some(Duration::ZERO));
    }

    /// Takes what was not read, so that closing is an end and not a reset that would overtake
    /// the last bytes sent; bounded, because a sender may never stop.
    pub fn drain(&mut self, scratch: &mut [u8]) {
        self.finish();
        for _ in 0..16 {
            if !matches!(self.read(scratch), Moved::Bytes(_)) {
                return;
            }
        }
    }
}
