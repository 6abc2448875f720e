//! The rules of one fault in one namespace: put there, leased, read back, removed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::attachment::{Attachment, Attachments, trouble_entering, trouble_with_kernel};
use super::lanes::Lane;
use super::namespace::{Namespace, NamespaceError};
use super::nft::{Count, Expression, LeaseError, Ruleset, remove_table};
use super::queue::{Impairment, Mode, Queue, Work};
use super::resolve::Site;
use super::steer::Steer;
use crate::base::rng::{Rng, stream};
use crate::fault::outcome::worst;
use crate::fault::{Context, Healed, Trouble};

/// What a journal keeps of rules: enough to find them, and to know them from others.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Record {
    /// Where they are.
    pub(super) namespace: Namespace,
    /// The table they are in, unique to the agent that made it.
    pub(super) table: String,
    /// The class that they steer packets into.
    #[serde(default)]
    pub(super) steer: Option<Steer>,
}

/// What a fault wants in one namespace.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    /// Where.
    pub(super) site: Site,
    /// What its rules, sets and lease are known by, unique in the agent.
    pub(super) number: u32,
    /// The rules.
    pub(super) ruleset: Ruleset,
    /// What is done to the packets that they hand to a queue.
    pub(super) shaping: Option<Shaping>,
    /// The class that its rules steer packets into, and what they suffer there.
    pub(super) steer: Option<(Steer, Impairment)>,
    /// Held for as long as the fault may be there.
    pub(super) lane: Option<Arc<Lane>>,
}

/// The work of a packet queue.
#[derive(Debug, Clone)]
pub(super) struct Shaping {
    /// Where packets are held.
    pub(super) mode: Mode,
    /// What is done to them.
    pub(super) work: Work,
}

/// One fault's rules in one namespace.
#[derive(Debug)]
pub(super) struct Rules {
    /// Where they are.
    pub(super) record: Record,
    piece: Piece,
    stream: u64,
    seed: u64,
    name: String,
    fault: u32,
    attachment: Option<Arc<Attachment>>,
    queue: Option<Queue>,
    /// The kernel's way to the queue.
    way: Option<Expression>,
    /// What rules have counted that were replaced since.
    before: Count,
    /// What was counted when it was last looked at: the namespace takes its counters along.
    seen: Count,
}

/// The number of the fault's piece with this index, unique in the agent.
pub(super) fn number(context: &Context, index: usize) -> u32 {
    let index = u32::try_from(index).unwrap_or_default() & 0xfff;
    fault_number(context) << 12 | index
}

/// The number of a fault's next piece in a place: unique there, and the same whenever the fault is planned.
pub(super) fn next_number(context: &Context, pieces: &[Piece], site: &Site) -> u32 {
    let cookie = site.namespace.cookie;
    let there = |piece: &&Piece| piece.site.namespace.cookie == cookie;
    number(context, pieces.iter().filter(there).count())
}

/// The number of the fault, in the marks of its packets.
pub(super) fn fault_number(context: &Context) -> u32 {
    u32::try_from(context.id & 0xf_ffff).unwrap_or_default()
}

impl Rules {
    /// Rules that are not there yet; `index` tells the draws of a fault's rules apart.
    pub(super) fn new(context: &Context, piece: Piece, index: usize) -> Self {
        let record = Record {
            namespace: piece.site.namespace.clone(),
            table: format!("rchaos-{}", context.agent),
            steer: piece.steer.as_ref().map(|(steer, _)| steer.clone()),
        };
        Self {
            record,
            piece,
            stream: index as u64,
            seed: context.seed,
            name: context.name.clone(),
            fault: fault_number(context),
            attachment: None,
            queue: None,
            way: None,
            before: Count::default(),
            seen: Count::default(),
        }
    }

    /// The cookie of the namespace they are in, and their number there.
    pub(super) fn key(&self) -> (u64, u32) {
        (self.record.namespace.cookie, self.piece.number)
    }

    /// The target, as messages name it.
    pub(super) fn label(&self) -> &str {
        &self.piece.site.label
    }

    /// Becomes what a later plan says for the same place; whether anything has changed.
    pub(super) fn follow(&mut self, mut piece: Piece) -> Result<bool, Trouble> {
        if let Some(way) = &self.way {
            piece.ruleset.set_queue(way);
        }
        let Some(attachment) = &self.attachment else {
            return Ok(false);
        };
        // Somebody else has changed how this place queues: then what is there stays as it is.
        let same_way = piece.steer.is_some() == self.piece.steer.is_some()
            && piece.shaping.is_some() == self.piece.shaping.is_some();
        if !same_way || piece.ruleset == self.piece.ruleset {
            return Ok(false);
        }
        let table = attachment.table()?;
        let (number, old) = (self.piece.number, &self.piece.ruleset);
        let counted = table.count(number, old).map_err(trouble_with_kernel)?;
        table
            .replace(number, old, &piece.ruleset)
            .map_err(trouble_with_kernel)?;
        let now = table.count(number, &piece.ruleset);
        // Sets that were filled again leave rules and counters as they are.
        if now.map_err(trouble_with_kernel)?.packets < counted.packets {
            self.before.packets += counted.packets;
            self.before.bytes += counted.bytes;
        }
        self.piece.ruleset = piece.ruleset;
        Ok(true)
    }

    /// Puts them into the kernel.
    pub(super) fn install(&mut self, all: &Attachments, lease: Duration) -> Result<(), Trouble> {
        let attachment = all.attach(&self.record.namespace, &self.record.table)?;
        let table = attachment.table()?;
        // Kept first: a heal after a failure looks for what may have landed.
        self.attachment = Some(attachment.clone());
        if let Some((steer, impairment)) = &self.piece.steer {
            let seed = stream(self.seed, &self.name).wrapping_add(self.stream);
            steer.install(&self.record.namespace, impairment, seed)?;
        }
        let Some(shaping) = self.piece.shaping.clone() else {
            let installed = table.install(self.piece.number, &self.piece.ruleset, lease);
            return installed.map_err(trouble_with_kernel);
        };
        // The listener first: packets for a queue without one pass.
        let queue = self.listen(&shaping, &attachment)?;
        let number = queue.number;
        self.queue = Some(queue);
        // Kernels have one of the two ways to a queue, or both.
        let ways = [Expression::Queue(number), Expression::QueueTarget(number)];
        let mut tried = Ok(());
        for way in &ways {
            self.piece.ruleset.set_queue(way);
            self.way = Some(way.clone());
            tried = table.install(self.piece.number, &self.piece.ruleset, lease);
            match &tried {
                Err(error) if error.is_missing() => {}
                _ => break,
            }
        }
        tried.map_err(trouble_with_kernel)
    }

    fn listen(&self, shaping: &Shaping, attachment: &Arc<Attachment>) -> Result<Queue, Trouble> {
        let rng = Rng::derive(
            self.seed,
            &self.name,
            u64::from(self.fault) << 12 | self.stream,
        );
        let attachment = Arc::downgrade(attachment);
        let gone = move || {
            let attachment = attachment.upgrade();
            attachment.is_none_or(|attachment| attachment.table().is_err())
        };
        let Shaping { mode, work } = shaping;
        let start = || Queue::start(*mode, work, rng, self.fault, gone);
        let started = self.record.namespace.enter(start);
        started
            .map_err(trouble_entering)?
            .map_err(trouble_with_kernel)
    }

    /// Whether they are there and live, and what they have acted on.
    pub(super) fn inspect(&mut self) -> Result<(bool, Count), Trouble> {
        let Some(attachment) = &self.attachment else {
            return Ok((false, Count::default()));
        };
        let table = attachment.table()?;
        let live = table.is_live(self.piece.number, &self.piece.ruleset);
        let live = live.map_err(trouble_with_kernel)?;
        let count = match live {
            true => table.count(self.piece.number, &self.piece.ruleset),
            false => Ok(Count::default()),
        };
        let mut count = count.map_err(trouble_with_kernel)?;
        let Some(queue) = &self.queue else {
            let steered = match &self.record.steer {
                Some(steer) => steer.is_there(&self.record.namespace)?,
                None => true,
            };
            count.packets += self.before.packets;
            count.bytes += self.before.bytes;
            self.seen = count;
            return Ok((live && steered, count));
        };
        (count.packets, count.bytes) = queue.touched();
        self.seen = count;
        Ok((live && queue.is_running(), count))
    }

    /// Whether their namespace has ended.
    pub(super) fn is_gone(&self) -> bool {
        let table = self
            .attachment
            .as_ref()
            .map(|attachment| attachment.table());
        matches!(table, Some(Err(Trouble::Vanished(_))))
    }

    /// What was counted when it was last looked at.
    pub(super) fn seen(&self) -> Count {
        self.seen
    }

    /// Lets them live on.
    pub(super) fn renew(&self, lease: Duration) -> Result<(), Trouble> {
        let Some(attachment) = &self.attachment else {
            return Ok(());
        };
        match attachment.table()?.renew(&[self.piece.number], lease) {
            Ok(()) => Ok(()),
            Err(LeaseError::RanOut) => Err(Trouble::Fenced(format!(
                "the lease of the rules in {} had run out",
                self.record.namespace.place.label()
            ))),
            Err(LeaseError::Refused(error)) => Err(trouble_with_kernel(error)),
        }
    }

    /// Removes them, and reads back that they are gone.
    pub(super) fn remove(&mut self) -> Result<Healed, Trouble> {
        let Some(attachment) = &self.attachment else {
            return Ok(Healed::Unchanged);
        };
        let healed = match attachment.table() {
            Err(Trouble::Vanished(_)) => Healed::Vanished,
            table => {
                let table = table?;
                table
                    .remove(self.piece.number, &self.piece.ruleset)
                    .map_err(trouble_with_kernel)?;
                let left = table.chains(self.piece.number, &self.piece.ruleset);
                if left.map_err(trouble_with_kernel)? > 0 {
                    return Err(Trouble::Failed(format!(
                        "rules remain in {}; end this agent, and the kernel removes table {}",
                        self.record.namespace.place.label(),
                        self.record.table
                    )));
                }
                Healed::Restored
            }
        };
        self.queue = None;
        let healed = match &self.record.steer {
            Some(steer) => {
                // Nobody is sent there any more.
                let steered = steer.remove(&self.record.namespace)?;
                worst([Ok(healed), Ok(steered)].into_iter())?
            }
            None => healed,
        };
        self.attachment = None;
        self.piece.lane = None;
        Ok(healed)
    }
}

/// Removes what a journal's record names: the kernel has done so already where tables have owners.
pub(super) fn recover(undo: &Value) -> Result<Healed, Trouble> {
    let records: Vec<Record> = serde_json::from_value(undo.clone())
        .map_err(|error| Trouble::Failed(format!("the journal's record is unreadable: {error}")))?;
    let mut outcomes = Vec::new();
    for record in &records {
        outcomes.push(recover_one(record)?);
        if let Some(steer) = &record.steer {
            outcomes.push(steer.remove(&record.namespace)?);
        }
    }
    if let Some(drifted) = outcomes
        .iter()
        .find(|one| matches!(one, Healed::Drifted(_)))
    {
        return Ok(drifted.clone());
    }
    let all = |wanted: &Healed| outcomes.iter().all(|one| one == wanted);
    if outcomes.contains(&Healed::Restored) {
        Ok(Healed::Restored)
    } else if all(&Healed::Vanished) && !outcomes.is_empty() {
        Ok(Healed::Vanished)
    } else {
        Ok(Healed::Unchanged)
    }
}

fn recover_one(record: &Record) -> Result<Healed, Trouble> {
    // A process that was just killed may still be closing its sockets.
    let limit = Instant::now() + Duration::from_secs(1);
    loop {
        let removed = match record.namespace.enter(|| remove_table(&record.table)) {
            Err(NamespaceError::Gone(_)) => return Ok(Healed::Vanished),
            result => result.map_err(trouble_entering)?,
        };
        match removed {
            Ok(true) => return Ok(Healed::Restored),
            Ok(false) => return Ok(Healed::Unchanged),
            Err(error) if error.errno() == Some(Errno::PERM) && Instant::now() < limit => {
                std::thread::sleep(Duration::from_millis(20));
            }
            Err(error) if error.errno() == Some(Errno::PERM) => {
                return Err(Trouble::Failed(format!(
                    "{error}: the agent that made it still runs; end it, and the kernel removes it"
                )));
            }
            Err(error) => return Err(trouble_with_kernel(error)),
        }
    }
}
