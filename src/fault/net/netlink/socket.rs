//! A netlink socket: asks, and waits for the answer that belongs to the question.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::netlink::{self, SocketAddrNetlink};
use rustix::net::sockopt::{Timeout, set_socket_recv_buffer_size_force, set_socket_timeout};
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, bind, recv, send, socket_with,
};

use super::error::NetlinkError;
use super::message::Message;
use super::parse::{Attributes, Reply, replies, text};
use crate::fault::net::sockopt;

const REQUEST: u16 = 0x1;
const ACK: u16 = 0x4;
const DUMP: u16 = 0x300;
/// Set in an error's header when words follow.
const WORDS_FOLLOW: u16 = 0x200;
/// Set when the question does not precede the words.
const QUESTION_LEFT_OUT: u16 = 0x100;
const ERROR: u16 = 2;
const DONE: u16 = 3;

/// The kernel answers in microseconds; this only keeps a broken one from hanging a heal.
const PATIENCE: Duration = Duration::from_secs(5);

/// Which part of the kernel a socket talks to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// Links, addresses, routes and queueing disciplines.
    Route,
    /// `nf_tables` and packet queues.
    Netfilter,
    /// Sockets of others.
    SockDiag,
}

/// A netlink socket. It belongs to the network namespace of the thread that opened it, and keeps
/// that namespace alive.
#[derive(Debug)]
pub struct Socket {
    fd: OwnedFd,
    /// The number of the last question; held while an answer is read, so that two threads do not
    /// take each other's.
    sequence: Mutex<u32>,
}

impl Socket {
    /// Opens a socket in the network namespace of this thread.
    ///
    /// # Errors
    ///
    /// The system has no such family, or no descriptor is left.
    pub fn open(family: Family) -> io::Result<Self> {
        let protocol = match family {
            // NETLINK_ROUTE is 0, which rustix says with "no protocol".
            Family::Route => None,
            Family::Netfilter => Some(netlink::NETFILTER),
            Family::SockDiag => Some(netlink::SOCK_DIAG),
        };
        let flags = SocketFlags::CLOEXEC;
        let fd = socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, protocol)?;
        bind(&fd, &SocketAddrNetlink::new(0, 0))?;
        set_socket_timeout(&fd, Timeout::Recv, Some(PATIENCE))?;
        sockopt::explain_errors(&fd);
        Ok(Self {
            fd,
            sequence: Mutex::new(1),
        })
    }

    /// The cookie of the network namespace that the socket belongs to.
    ///
    /// # Errors
    ///
    /// A kernel before 5.14.
    pub fn netns_cookie(&self) -> io::Result<u64> {
        sockopt::netns_cookie(&self.fd)
    }

    /// Asks, and waits for the acknowledgement.
    ///
    /// # Errors
    ///
    /// What the kernel objects to.
    pub fn request(&self, message: &Message) -> Result<(), NetlinkError> {
        self.ask(message, ACK).map(drop)
    }

    /// Asks for one object.
    ///
    /// # Errors
    ///
    /// What the kernel objects to; [`NetlinkError::is_missing`] if there is no such object.
    pub fn get(&self, message: &Message) -> Result<Reply, NetlinkError> {
        let mut found = self.ask(message, ACK)?;
        if found.is_empty() {
            return Err(truncated(message));
        }
        Ok(found.swap_remove(0))
    }

    /// Asks for all objects of a kind.
    ///
    /// # Errors
    ///
    /// What the kernel objects to. A dump that others changed while it was read is read again.
    pub fn dump(&self, message: &Message) -> Result<Vec<Reply>, NetlinkError> {
        const INTERRUPTED: u16 = 0x10;
        let mut last = Vec::new();
        for _ in 0..10 {
            match self.ask(message, DUMP) {
                Err(error) if error.errno() == Some(Errno::INTR) => continue,
                answer => last = answer?,
            }
            if last.iter().all(|reply| reply.flags & INTERRUPTED == 0) {
                break;
            }
        }
        Ok(last)
    }

    /// Sends messages that take effect together or not at all, between `begin` and `end`.
    ///
    /// # Errors
    ///
    /// What the kernel objects to first; then nothing has happened.
    pub fn batch(
        &self,
        begin: &Message,
        messages: &[Message],
        end: &Message,
    ) -> Result<(), NetlinkError> {
        let Some(closing) = messages.last() else {
            return Ok(());
        };
        let mut sequence = self.lock();
        let first = sequence.wrapping_add(1);
        let mut bytes = begin.encode(REQUEST, first);
        let mut number = first;
        for (index, message) in messages.iter().enumerate() {
            number = number.wrapping_add(1);
            // One acknowledgement is enough: errors are sent without being asked for.
            let last = index + 1 == messages.len();
            let flags = if last { REQUEST | ACK } else { REQUEST };
            bytes.extend(message.encode(flags, number));
        }
        bytes.extend(end.encode(REQUEST, number.wrapping_add(1)));
        *sequence = number.wrapping_add(1);
        self.send(&bytes, closing)?;
        let mut objection = None;
        loop {
            for reply in self.receive(closing)? {
                let index = reply.sequence.wrapping_sub(first);
                if reply.kind != ERROR || index as usize > messages.len() {
                    continue;
                }
                let asked = match index {
                    0 => closing,
                    index => &messages[index as usize - 1],
                };
                if let Err(error) = verdict(&reply, asked) {
                    objection.get_or_insert(error);
                }
                // An objection to the batch as a whole carries the number of its beginning.
                if index == 0 || reply.sequence == number {
                    return objection.map_or(Ok(()), Err);
                }
            }
        }
    }

    /// Takes what the kernel sends unasked, as a packet queue does; does not wait.
    ///
    /// # Errors
    ///
    /// What the socket says; [`Errno::AGAIN`] if there is nothing.
    pub fn listen(&self, buffer: &mut [u8]) -> Result<usize, Errno> {
        recv(&self.fd, buffer, RecvFlags::DONTWAIT).map(|(count, _)| count)
    }

    /// Sends messages that ask for no answer.
    ///
    /// # Errors
    ///
    /// What the socket says.
    pub fn tell(&self, messages: &[Message]) -> Result<(), Errno> {
        let bytes: Vec<u8> = messages
            .iter()
            .flat_map(|message| message.encode(REQUEST, 0))
            .collect();
        send(&self.fd, &bytes, SendFlags::empty()).map(drop)
    }

    /// Gives what the kernel sends unasked this much room, and lets it drop the rest.
    ///
    /// # Errors
    ///
    /// No right to.
    pub fn make_room(&self, bytes: usize) -> io::Result<()> {
        set_socket_recv_buffer_size_force(&self.fd, bytes)?;
        sockopt::ignore_overruns(&self.fd)
    }

    fn ask(&self, message: &Message, flags: u16) -> Result<Vec<Reply>, NetlinkError> {
        let mut sequence = self.lock();
        *sequence = sequence.wrapping_add(1);
        let number = *sequence;
        self.send(&message.encode(REQUEST | flags, number), message)?;
        let mut found = Vec::new();
        loop {
            for reply in self.receive(message)? {
                if reply.sequence != number {
                    continue;
                }
                match reply.kind {
                    ERROR => return verdict(&reply, message).map(|()| found),
                    DONE => return verdict(&reply, message).map(|()| found),
                    _ => found.push(reply),
                }
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, u32> {
        self.sequence.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn send(&self, bytes: &[u8], message: &Message) -> Result<(), NetlinkError> {
        match send(&self.fd, bytes, SendFlags::empty()) {
            Ok(_) => Ok(()),
            Err(errno) => Err(failed(message, errno)),
        }
    }

    fn receive(&self, message: &Message) -> Result<Vec<Reply>, NetlinkError> {
        let mut buffer = vec![0; 1 << 16];
        loop {
            match recv(&self.fd, &mut buffer[..], RecvFlags::empty()) {
                Ok((count, _)) => return Ok(replies(&buffer[..count])),
                Err(Errno::INTR) => {}
                Err(errno) => return Err(failed(message, errno)),
            }
        }
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

fn failed(message: &Message, errno: Errno) -> NetlinkError {
    NetlinkError::Socket {
        action: message.action.clone(),
        source: errno.into(),
    }
}

fn truncated(message: &Message) -> NetlinkError {
    NetlinkError::Truncated {
        action: message.action.clone(),
    }
}

/// What an error message says: zero is an acknowledgement.
fn verdict(reply: &Reply, asked: &Message) -> Result<(), NetlinkError> {
    const WORDS: u16 = 1;
    let Some(code) = reply.body.get(0..4) else {
        // A dump's end may come without a number.
        return if reply.kind == DONE {
            Ok(())
        } else {
            Err(truncated(asked))
        };
    };
    let code = i32::from_ne_bytes([code[0], code[1], code[2], code[3]]);
    if code >= 0 {
        return Ok(());
    }
    let mut detail = None;
    if reply.flags & WORDS_FOLLOW != 0 {
        let question = reply.body.get(4..8).and_then(super::parse::whole);
        let question = question.unwrap_or_default() as usize;
        let skip = match (reply.kind, reply.flags & QUESTION_LEFT_OUT) {
            (DONE, _) => 4,
            (_, 0) => 4 + question.next_multiple_of(4),
            _ => 4 + Message::HEADER,
        };
        let words = Attributes(reply.body.get(skip..).unwrap_or_default());
        detail = words.get(WORDS).map(text);
    }
    Err(NetlinkError::Refused {
        action: asked.action.clone(),
        errno: Errno::from_raw_os_error(-code),
        detail,
    })
}
