//! The table of this process in one network namespace: gone with its socket, inert without a lease.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rustix::io::Errno;

use super::ruleset::{Hook, Ruleset};
use super::set::{self, Kind};
use super::wire;
use crate::base::units::millis;
use crate::fault::net::netlink::{Attributes, Family, Message, NetlinkError, Socket, be64, text};

/// The set that every rule looks into: the numbers of faults that are held, each with a time-out.
pub const LIVE: &str = "live";

/// Packets and bytes that rules have acted on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Count {
    /// Packets.
    pub packets: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// Why a lease was not renewed.
#[derive(Debug, thiserror::Error)]
pub enum LeaseError {
    /// It had run out: the fault is over, and must not be brought back.
    #[error("the lease had run out")]
    RanOut,
    /// The kernel refused.
    #[error(transparent)]
    Refused(#[from] NetlinkError),
}

/// A table that belongs to a netlink socket of this process. The kernel removes it with the socket,
/// however the process ends.
#[derive(Debug)]
pub struct Table {
    socket: Socket,
    name: String,
    owned: bool,
    next_set: AtomicU32,
}

impl Table {
    /// Makes a table in the network namespace of this thread. The name should be unique on the
    /// machine: a second owner of a name is refused.
    ///
    /// # Errors
    ///
    /// No right to (it takes `CAP_NET_ADMIN` in the namespace), or no `nf_tables` in the kernel.
    pub fn create(name: &str) -> Result<Self, NetlinkError> {
        let socket = open(&format!("add table {name}"))?;
        // Kernels before 5.12 do not know owners: there only the lease ends the rules.
        let owned = match send(&socket, &[new_table(name, wire::TABLE_OWNER)]) {
            Ok(()) => true,
            Err(error) if matches!(error.errno(), Some(Errno::INVAL | Errno::OPNOTSUPP)) => {
                send(&socket, &[new_table(name, 0)])?;
                false
            }
            Err(error) => return Err(error),
        };
        let flags = wire::set_flag::TIMEOUT;
        send(&socket, &[set::create(name, LIVE, Kind::Lease, flags, 1)])?;
        Ok(Self {
            socket,
            name: name.to_owned(),
            owned,
            next_set: AtomicU32::new(2),
        })
    }

    /// The table's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the kernel removes the table with this process.
    #[must_use]
    pub fn is_owned(&self) -> bool {
        self.owned
    }

    /// Puts a fault's rules into the kernel, live for `lease` at most.
    ///
    /// # Errors
    ///
    /// What the kernel objects to; then nothing has happened.
    pub fn install(
        &self,
        fault: u32,
        ruleset: &Ruleset,
        lease: Duration,
    ) -> Result<(), NetlinkError> {
        let sets = u32::try_from(ruleset.sets.len()).unwrap_or(u32::MAX);
        let number = self.next_set.fetch_add(sets, Ordering::Relaxed);
        let mut messages = ruleset.create(&self.name, fault, number);
        messages.push(self.lease_message(wire::kind::NEW_SET_ELEM, "lease in", &[fault], lease));
        send(&self.socket, &messages)
    }

    /// Puts other rules of a fault in the place of those that are there, at once; its lease stays what it is.
    ///
    /// # Errors
    ///
    /// What the kernel objects to; then nothing has happened.
    pub fn replace(&self, fault: u32, old: &Ruleset, new: &Ruleset) -> Result<(), NetlinkError> {
        if old.same_but_for_contents(new) {
            return send(&self.socket, &old.refill(&self.name, new));
        }
        let sets = u32::try_from(new.sets.len()).unwrap_or(u32::MAX);
        let number = self.next_set.fetch_add(sets, Ordering::Relaxed);
        let mut messages = old.delete(&self.name, fault);
        messages.extend(new.create(&self.name, fault, number));
        send(&self.socket, &messages)
    }

    /// Lets faults live for `lease` from now. Either all are renewed or none.
    ///
    /// # Errors
    ///
    /// [`LeaseError::RanOut`] if one of the leases had run out: nothing comes back then.
    pub fn renew(&self, faults: &[u32], lease: Duration) -> Result<(), LeaseError> {
        if faults.is_empty() {
            return Ok(());
        }
        // In one batch: deleting fails for a lease that has run out, and then nothing is added.
        let messages = [
            self.lease_message(wire::kind::DEL_SET_ELEM, "renew in", faults, lease),
            self.lease_message(wire::kind::NEW_SET_ELEM, "renew in", faults, lease),
        ];
        match send(&self.socket, &messages) {
            Err(error) if error.is_missing() => Err(LeaseError::RanOut),
            result => Ok(result?),
        }
    }

    /// Removes a fault's rules. What is gone already is no error.
    ///
    /// # Errors
    ///
    /// What the kernel objects to.
    pub fn remove(&self, fault: u32, ruleset: &Ruleset) -> Result<(), NetlinkError> {
        let none = Duration::ZERO;
        let lease = self.lease_message(wire::kind::DEL_SET_ELEM, "end in", &[fault], none);
        // A lease that has run out is no longer there; it must not undo the rest of the batch.
        ignore_missing(send(&self.socket, &[lease]))?;
        match send(&self.socket, &ruleset.delete(&self.name, fault)) {
            Err(error) if error.is_missing() => {
                for message in ruleset.delete(&self.name, fault) {
                    ignore_missing(send(&self.socket, &[message]))?;
                }
                Ok(())
            }
            result => result,
        }
    }

    /// Whether a fault's chains are in the kernel: all, some or none are read back.
    ///
    /// # Errors
    ///
    /// What the kernel objects to.
    pub fn chains(&self, fault: u32, ruleset: &Ruleset) -> Result<usize, NetlinkError> {
        let mut found = 0;
        for hook in ruleset.hooks() {
            let chain = hook.chain(fault);
            let get = wire::message(wire::kind::GET_CHAIN, 0, format!("read chain {chain}"));
            let get = get.with_text(1, &self.name).with_text(3, &chain);
            match self.socket.get(&get) {
                Ok(_) => found += 1,
                Err(error) if error.is_missing() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }

    /// Whether a fault's rules are all there, and its lease runs.
    ///
    /// # Errors
    ///
    /// What the kernel objects to.
    pub fn is_live(&self, fault: u32, ruleset: &Ruleset) -> Result<bool, NetlinkError> {
        if self.chains(fault, ruleset)? != ruleset.hooks().len() {
            return Ok(false);
        }
        let mut rules = 0;
        for hook in ruleset.hooks() {
            rules += self.rules(fault, hook)?.len();
        }
        let get = self.lease_message(wire::kind::GET_SET_ELEM, "read", &[fault], Duration::ZERO);
        match self.socket.get(&get) {
            Ok(_) => Ok(rules == ruleset.rules.len()),
            Err(error) if error.is_missing() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// What the counters of a fault's rules say together.
    ///
    /// # Errors
    ///
    /// What the kernel objects to.
    pub fn count(&self, fault: u32, ruleset: &Ruleset) -> Result<Count, NetlinkError> {
        let mut sum = Count::default();
        for hook in ruleset.hooks() {
            for rule in self.rules(fault, hook)? {
                add_counters(Attributes(&rule).nested(4), &mut sum);
            }
        }
        Ok(sum)
    }

    fn rules(&self, fault: u32, hook: Hook) -> Result<Vec<Vec<u8>>, NetlinkError> {
        let chain = hook.chain(fault);
        let get = wire::message(wire::kind::GET_RULE, 0, format!("read chain {chain}"));
        let get = get.with_text(1, &self.name).with_text(2, &chain);
        let replies = self.socket.dump(&get)?;
        let bodies = replies.into_iter().map(|reply| reply.body);
        Ok(bodies
            .filter(|body| {
                // Old kernels do not filter dumps.
                let attributes = Attributes(body.get(wire::FIXED_LENGTH..).unwrap_or_default());
                attributes.get(2).map(text).as_deref() == Some(chain.as_str())
            })
            .map(|body| body[wire::FIXED_LENGTH..].to_vec())
            .collect())
    }

    fn lease_message(&self, kind: u16, verb: &str, faults: &[u32], lease: Duration) -> Message {
        let milliseconds = millis(lease);
        set::elements(kind, &self.name, LIVE, verb).with_nested(3, |list| {
            for fault in faults {
                list.nest(1, |element| {
                    element.nest(1, |value| value.put(1, &fault.to_ne_bytes()));
                    if kind == wire::kind::NEW_SET_ELEM {
                        element.put(4, &milliseconds.max(1).to_be_bytes());
                    }
                });
            }
        })
    }
}

impl Drop for Table {
    fn drop(&mut self) {
        // An owned table goes with its socket. Elsewhere this is tidiness: the rules are removed by
        // whoever heals, and without a lease they do nothing.
        let delete = wire::message(
            wire::kind::DEL_TABLE,
            0,
            format!("remove table {}", self.name),
        );
        if let Err(error) = send(&self.socket, &[delete.with_text(1, &self.name)]) {
            tracing::debug!("{error}");
        }
    }
}

fn new_table(name: &str, flags: u32) -> Message {
    let new = wire::flag::CREATE | wire::flag::EXCLUSIVE;
    let message = wire::message(wire::kind::NEW_TABLE, new, format!("add table {name}"));
    message.with_text(1, name).with(2, &flags.to_be_bytes())
}

fn send(socket: &Socket, messages: &[Message]) -> Result<(), NetlinkError> {
    let (begin, end) = wire::brackets();
    socket.batch(&begin, messages, &end)
}

fn ignore_missing(result: Result<(), NetlinkError>) -> Result<(), NetlinkError> {
    match result {
        Err(error) if error.is_missing() => Ok(()),
        result => result,
    }
}

fn add_counters(list: Attributes<'_>, sum: &mut Count) {
    for (_, element) in list {
        let element = Attributes(element);
        if element.get(1).map(text).as_deref() == Some("counter") {
            let data = element.nested(2);
            sum.bytes += data.get(1).and_then(be64).unwrap_or_default();
            sum.packets += data.get(2).and_then(be64).unwrap_or_default();
        }
    }
}

fn open(action: &str) -> Result<Socket, NetlinkError> {
    Socket::open(Family::Netfilter).map_err(|source| NetlinkError::Socket {
        action: action.to_owned(),
        source,
    })
}

/// Removes a table of the network namespace of this thread, whoever made it. `false` if it was gone.
///
/// # Errors
///
/// What the kernel objects to: a table whose owner lives is only the owner's to remove.
pub fn remove_table(name: &str) -> Result<bool, NetlinkError> {
    let action = format!("remove table {name}");
    let delete = wire::message(wire::kind::DEL_TABLE, 0, action.clone()).with_text(1, name);
    match send(&open(&action)?, &[delete]) {
        Ok(()) => Ok(true),
        Err(error) if error.is_missing() => Ok(false),
        Err(error) => Err(error),
    }
}

/// The names of all tables of the `inet` family in the network namespace of this thread.
///
/// # Errors
///
/// What the kernel objects to.
pub fn tables() -> Result<Vec<String>, NetlinkError> {
    let get = wire::message(wire::kind::GET_TABLE, 0, "list tables");
    let socket = open("list tables")?;
    let replies = socket.dump(&get)?;
    let name = |reply: &crate::fault::net::netlink::Reply| {
        reply
            .attributes(wire::FIXED_LENGTH)
            .get(1)
            .map(text)
            .unwrap_or_default()
    };
    Ok(replies.iter().map(name).collect())
}
