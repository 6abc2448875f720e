//! `stress.memory`: holds memory in the control groups of the target, so that its limit is what runs out.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::crew::{self, Load, Plan, Report, Work};
use super::filesystem::{Amount, show};
use crate::fault::place::{Memory as Room, cgroups, memory, process};
use crate::fault::stub::Stub;
use crate::fault::{Context, Kind, Target, Tier, Trouble};

/// Its options.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Memory {
    /// How much; a share is of the target's own limit, what it uses itself included.
    pub amount: Amount,
    /// Whose control groups it counts in; none where left out.
    pub target: Option<Target>,
    /// How long it takes to get there.
    pub over: Option<Duration>,
    /// Whether it is written to again and again, so that it is not swapped out.
    pub touch: bool,
    /// Whether the kernel may end it, rather than the target, when memory runs out.
    pub oomable: bool,
    /// Whether the reserve of the host may be taken.
    pub force: bool,
}

/// The kind.
pub const KIND: Kind = Kind {
    name: "stress.memory",
    tier: Tier::Kernel,
    fixture: false,
    build: crew::build::<Memory>,
    recover: crew::recover,
    probe: || Ok("children that die with the agent".to_owned()),
};

/// What is left of the host's memory without `force`, or a twentieth of it if that is less.
const RESERVE: u64 = 256 << 20;

impl Work for Memory {
    fn kind() -> &'static Kind {
        &KIND
    }

    fn plan(&self, context: &Context) -> Result<Plan, Trouble> {
        let found = process(KIND.name, self.target.as_ref(), context)?;
        let host = memory(None)?;
        let room = memory(found.as_ref())?;
        let (bytes, note) = self.bytes(room, host)?;
        let hold = Hold {
            bytes,
            over: self.over.unwrap_or_default(),
            touch: self.touch,
        };
        let mut stub = Load::Memory(hold).stub();
        stub.cgroups = cgroups(found.as_ref())?;
        stub.oom_score_adj = if self.oomable { 0 } else { -1000 };
        let target = found.map_or_else(|| "this host".to_owned(), |found| found.label());
        Ok(Plan {
            target: format!(
                "memory of {target}, {} of {} used",
                show(room.used),
                show(room.limit)
            ),
            effect: format!("{} are held{note}{}", show(bytes), self.exposed()),
            stubs: vec![stub],
            within: Duration::from_secs(120),
            counts: false,
            place: None,
        })
    }
}

/// The privilege to be spared by the kernel when memory runs out, as a bit of `CapEff`.
const SYS_RESOURCE: u64 = 1 << 24;

/// Whether this process may see to it that a child of its own is not ended when memory runs out.
fn may_spare() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let bits = effective.and_then(|text| u64::from_str_radix(text.trim(), 16).ok());
    bits.is_some_and(|bits| bits & SYS_RESOURCE != 0)
}

impl Memory {
    /// What is to be said where the target is meant to be ended first, and that cannot be seen to.
    fn exposed(&self) -> &'static str {
        if self.oomable || may_spare() {
            return "";
        }
        ", and the kernel may end this before the target: sparing it takes CAP_SYS_RESOURCE"
    }

    /// How much to hold, and what was held back, as a fragment.
    fn bytes(&self, room: Room, host: Room) -> Result<(u64, String), Trouble> {
        let free = room.limit.saturating_sub(room.used);
        let wanted = match self.amount {
            Amount::Bytes(bytes) => bytes,
            Amount::LeaveFree(left) => free.saturating_sub(left),
            Amount::Percent(share) => super::part(room.limit, share).saturating_sub(room.used),
        };
        let reserve = if self.force {
            0
        } else {
            (host.limit / 20).min(RESERVE)
        };
        let most = host.limit.saturating_sub(host.used).saturating_sub(reserve);
        if wanted <= most {
            return Ok((wanted, String::new()));
        }
        if let Amount::Bytes(_) = self.amount {
            return Err(Trouble::Precondition(format!(
                "{}: {} would leave the host less than the reserve of {}; write `force = true` if that is meant",
                KIND.name,
                show(wanted),
                show(reserve)
            )));
        }
        let note = format!(
            ", but the host keeps {} in reserve (`force = true` takes it too)",
            show(reserve)
        );
        Ok((most, note))
    }
}

/// What the child does.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Hold {
    bytes: u64,
    over: Duration,
    touch: bool,
}

/// A child that takes so much memory at once, none of it as its own: the kernel shall not take it for the greatest.
pub(in crate::fault) fn hog(bytes: u64) -> Stub {
    Load::Fill(Fill { bytes }).stub()
}

/// What that child does.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Fill {
    bytes: u64,
}

impl Fill {
    pub(super) fn run(&self) -> std::io::Result<()> {
        use std::io::Write;
        // A file in memory counts in the control group of whoever writes it, but not as part of a process.
        let file = rustix::fs::memfd_create("fill", rustix::fs::MemfdFlags::CLOEXEC)?;
        let mut file = std::fs::File::from(file);
        let piece = [0xa5_u8; 64 << 10];
        let mut left = self.bytes;
        loop {
            match left.checked_sub(piece.len() as u64) {
                // Refused where others are being ended: it goes on.
                Some(rest) if file.write(&piece).is_ok() => left = rest,
                _ => std::thread::sleep(Duration::from_millis(5)),
            }
        }
    }
}

/// How much is taken in one piece.
const PIECE: u64 = 4 << 20;

/// How often memory is written to again.
const AGAIN: Duration = Duration::from_millis(500);

impl Hold {
    pub(super) fn run(self) -> std::io::Result<()> {
        let began = Instant::now();
        let mut pieces: Vec<Vec<u8>> = Vec::new();
        let (mut held, mut touched, mut told) = (0, began, None);
        loop {
            let share = began.elapsed().as_secs_f64() / self.over.as_secs_f64().max(1e-9);
            let due = super::part(self.bytes, share);
            while held < due {
                let piece = PIECE.min(due - held);
                // Written, so that it is there and not only promised.
                pieces.push(vec![0xa5; usize::try_from(piece).unwrap_or_default()]);
                held += piece;
            }
            if self.touch && touched.elapsed() > AGAIN {
                touched = Instant::now();
                for page in pieces
                    .iter_mut()
                    .flat_map(|piece| piece.iter_mut().step_by(4096))
                {
                    *page = std::hint::black_box(page.wrapping_add(1));
                }
            }
            if told != Some(held) {
                told = Some(held);
                Report::tell(held, format!("{} held", show(held)))?;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(amount: Amount, force: bool) -> Result<u64, Trouble> {
        let host = Room {
            limit: 16 << 30,
            used: 4 << 30,
        };
        let options = Memory {
            amount,
            target: None,
            over: None,
            touch: false,
            oomable: false,
            force,
        };
        options.bytes(host, host).map(|(bytes, _)| bytes)
    }

    #[test]
    fn a_share_counts_what_is_used_and_leaves_the_reserve() {
        assert_eq!(bytes(Amount::Percent(0.5), false), Ok(4 << 30));
        assert_eq!(bytes(Amount::Percent(1.0), false), Ok((12 << 30) - RESERVE));
        assert_eq!(bytes(Amount::Percent(1.0), true), Ok(12 << 30));
        assert_eq!(bytes(Amount::LeaveFree(1 << 30), false), Ok(11 << 30));
        assert_eq!(bytes(Amount::Bytes(1 << 30), false), Ok(1 << 30));
        let error = bytes(Amount::Bytes(12 << 30), false).unwrap_err();
        assert!(error.to_string().contains("`force = true`"), "{error}");
    }
}
