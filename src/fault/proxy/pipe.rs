//! Kernel pipes that carry bulk from socket to socket without a copy, lent from a small pool.

use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::pipe::{PipeFlags, SpliceFlags, fcntl_setpipe_size, pipe_with, splice};

use super::socket::{Moved, Socket};

/// What a pipe may carry, and what is asked of each move.
const SIZE: usize = 1 << 20;

/// Idle pipes that a worker keeps: enough for as many bulk transfers as it can serve.
const KEPT: usize = 8;

/// A pipe with bytes in it that belong to one link.
pub struct Pipe {
    into: OwnedFd,
    out: OwnedFd,
    filled: usize,
}

/// The idle pipes of a worker.
#[derive(Default)]
pub struct Pool(Vec<Pipe>);

impl Pool {
    /// Lends a pipe, or none when there are no descriptors left: then bytes are copied.
    pub fn lend(&mut self) -> Option<Pipe> {
        self.0.pop().or_else(|| {
            let flags = PipeFlags::CLOEXEC | PipeFlags::NONBLOCK;
            let (out, into) = pipe_with(flags).ok()?;
            // A refusal (the user's share of pipe pages is used up) leaves the default size.
            let _ = fcntl_setpipe_size(&into, SIZE);
            Some(Pipe {
                into,
                out,
                filled: 0,
            })
        })
    }

    /// Takes a pipe back; one that still has bytes in it is closed with them.
    pub fn give_back(&mut self, pipe: Pipe) {
        if pipe.filled == 0 && self.0.len() < KEPT {
            self.0.push(pipe);
        }
    }
}

impl Pipe {
    /// Whether bytes are in it.
    pub fn is_filled(&self) -> bool {
        self.filled > 0
    }

    /// Moves what a socket has into the empty pipe.
    pub fn fill(&mut self, from: &mut Socket) -> Moved {
        match splice_once(from.fd(), &self.into, SIZE) {
            Ok(0) => Moved::End,
            Ok(count) => {
                self.filled = count;
                Moved::Bytes(count)
            }
            Err(Errno::AGAIN) => {
                from.drained();
                Moved::Blocked
            }
            Err(_) => Moved::Broken,
        }
    }

    /// Moves what is in the pipe to a socket.
    pub fn empty(&mut self, to: &mut Socket) -> Moved {
        match splice_once(&self.out, to.fd(), self.filled) {
            Ok(count) => {
                self.filled -= count.min(self.filled);
                Moved::Bytes(count)
            }
            Err(Errno::AGAIN) => {
                to.full();
                Moved::Blocked
            }
            Err(_) => Moved::Broken,
        }
    }
}

fn splice_once(
    from: impl std::os::fd::AsFd,
    to: impl std::os::fd::AsFd,
    len: usize,
) -> Result<usize, Errno> {
    loop {
        let flags = SpliceFlags::MOVE | SpliceFlags::NONBLOCK;
        match splice(&from, None, &to, None, len, flags) {
            Err(Errno::INTR) => {}
            other => return other,
        }
    }
}
