//! `stress.disk_io`: reads and writes a file without a name, past the page cache where the filesystem lets it.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use super::crew::{self, Load, Plan, Report, Work};
use super::filesystem::{Room, show};
use crate::base::rng::Rng;
use crate::fault::place::{cgroups, inside, process};
use crate::fault::{Context, Kind, Target, Tier, Trouble};

/// Its options.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DiskIo {
    /// A folder on the disk, as the target sees it.
    pub path: PathBuf,
    /// How many do it at once.
    pub workers: usize,
    /// How much is read or written at once, in bytes; a multiple of 4096.
    pub block: u64,
    /// The share of reads, 0 to 1.
    pub read_ratio: f64,
    /// Whether every write waits until it is on the disk.
    pub sync: bool,
    /// How large each file is, in bytes.
    pub size: u64,
    /// Whose control groups it counts in, and whose view of the path it is.
    pub target: Option<Target>,
}

/// The kind.
pub const KIND: Kind = Kind {
    name: "stress.disk_io",
    tier: Tier::Kernel,
    fixture: false,
    build: crew::build::<DiskIo>,
    recover: crew::recover,
    probe: || Ok("children that die with the agent".to_owned()),
};

impl Work for DiskIo {
    fn kind() -> &'static Kind {
        &KIND
    }

    fn plan(&self, context: &Context) -> Result<Plan, Trouble> {
        let place = inside(KIND.name, self.target.as_ref(), &self.path, context)?;
        let room = Room::of(&place.path)?;
        let needed = self.size.saturating_mul(self.workers as u64);
        if needed > room.free / 2 {
            return Err(Trouble::Precondition(format!(
                "{}: its files of {} are more than half of what is free at {}; make `size` smaller",
                KIND.name,
                show(needed),
                self.path.display()
            )));
        }
        let found = process(KIND.name, self.target.as_ref(), context)?;
        let files = cgroups(found.as_ref())?;
        let stubs = (0..self.workers).map(|worker| {
            let churn = Churn {
                // Through this process, since a child has no descriptors of ours.
                folder: place.seen_by_others(),
                block: self.block,
                read_ratio: self.read_ratio,
                sync: self.sync,
                size: self.size,
                seed: context.seed ^ worker as u64,
            };
            let mut stub = Load::DiskIo(churn).stub();
            stub.cgroups.clone_from(&files);
            stub
        });
        let reads = self.read_ratio * 100.0;
        Ok(Plan {
            target: format!("disk of {}", self.path.display()),
            effect: format!(
                "{} at work, {reads}% reads, blocks of {}",
                self.workers,
                show(self.block)
            ),
            stubs: stubs.collect(),
            within: Duration::from_secs(60),
            counts: true,
            place: Some(place),
        })
    }
}

/// What one child does.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Churn {
    folder: PathBuf,
    block: u64,
    read_ratio: f64,
    sync: bool,
    size: u64,
    seed: u64,
}

/// What the disk wants buffers to begin at.
const ALIGNED: usize = 4096;

impl Churn {
    pub(super) fn run(self) -> std::io::Result<()> {
        let file = self.open()?;
        let length = usize::try_from(self.block).unwrap_or(ALIGNED);
        let mut space = vec![0x5a_u8; length + ALIGNED];
        let skew = space.as_ptr().align_offset(ALIGNED);
        let block = &mut space[skew..skew + length];
        let places = (self.size / self.block).max(1);
        // All of it is there before anything is read.
        for place in 0..places {
            file.write_all_at(block, place * self.block)?;
        }
        let mut rng = Rng::derive(self.seed, "disk_io", 0);
        let (mut done, mut moved, mut told) = (0_u64, 0_u64, Instant::now());
        Report::tell(0, "begun")?;
        loop {
            let at = rng.below(places) * self.block;
            if rng.unit() < self.read_ratio {
                file.read_exact_at(block, at)?;
            } else {
                file.write_all_at(block, at)?;
                if self.sync {
                    file.sync_data()?;
                }
            }
            done += 1;
            moved += self.block;
            if told.elapsed() > Duration::from_millis(500) {
                told = Instant::now();
                Report::tell(done, format!("{done} operations, {}", show(moved)))?;
            }
        }
    }

    fn open(&self) -> std::io::Result<File> {
        let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
        let mode = Mode::RUSR | Mode::WUSR;
        let file = match rustix::fs::open(&self.folder, flags | OFlags::DIRECT, mode) {
            Err(Errno::INVAL | Errno::OPNOTSUPP) => rustix::fs::open(&self.folder, flags, mode)?,
            other => other?,
        };
        Ok(File::from(file))
    }
}
