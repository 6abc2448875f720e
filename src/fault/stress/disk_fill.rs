//! `stress.disk_fill`: takes the free space of a filesystem with a file that has no name, so that the kernel frees
//! it when its holder dies.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustix::fs::{FallocateFlags, OFlags, fallocate};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::filesystem::{Amount, Room, StateDirectory, missing, show, spare_state};
use crate::fault::outcome::recorded;
use crate::fault::place::{Place, inside};
use crate::fault::ramp::Ramp;
use crate::fault::{
    Context, Fault, Healed, Kind, Preflight, Resource, Sharing, Sight, Survives, Target, Tier,
    Trouble,
};

/// Its options.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DiskFill {
    /// A folder on the filesystem to fill, as the target sees it.
    pub path: PathBuf,
    /// Whose view of the path it is; the agent's where left out.
    pub target: Option<Target>,
    /// How much.
    pub amount: Amount,
    /// How long it takes to fill up; at once where left out.
    pub over: Option<Duration>,
    /// Whether the reserve, and the filesystem of the agent's own state, may be filled.
    pub force: bool,
}

/// The kind.
pub const KIND: Kind = Kind {
    name: "stress.disk_fill",
    tier: Tier::Kernel,
    fixture: false,
    build: |spec, context| {
        Ok(Box::new(Filled {
            options: spec.read()?,
            context: context.clone(),
            folder: PathBuf::new(),
            place: None,
            wanted: 0,
            note: String::new(),
            held: None,
        }))
    },
    recover: |undo| recorded::<Undo>(undo)?.heal(),
    probe: || match nameless(&std::env::temp_dir()) {
        Ok(_) => Ok("O_TMPFILE".to_owned()),
        Err(error) => Err(format!("O_TMPFILE: {error}")),
    },
};

/// How much is written or allocated between two looks at whether to stop.
const CHUNK: u64 = 64 << 20;

struct Filled {
    options: DiskFill,
    context: Context,
    folder: PathBuf,
    /// Held while the folder is used.
    place: Option<Place>,
    wanted: u64,
    note: String,
    held: Option<Held>,
}

struct Held {
    file: File,
    taken: Arc<AtomicU64>,
    ramp: Ramp,
}

/// The file that could have a name for a moment, on filesystems where one without a name cannot be made.
#[derive(Debug, Serialize, Deserialize)]
struct Undo {
    name: PathBuf,
}

impl Undo {
    fn heal(&self) -> Result<Healed, Trouble> {
        match fs::remove_file(&self.name) {
            Ok(()) => Ok(Healed::Restored),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Healed::Unchanged),
            Err(error) => {
                let name = self.name.display();
                let what = format!("cannot remove {name}; run `rm {name}`");
                Err(Trouble::Failed(format!("{what}: {error}")))
            }
        }
    }
}

impl Filled {
    fn record(&self) -> Undo {
        let (agent, id) = (&self.context.agent, self.context.id);
        Undo {
            name: self.folder.join(format!(".rchaos-{agent}-{id}")),
        }
    }

    fn open(&self) -> std::io::Result<File> {
        match nameless(&self.folder) {
            Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL) => {
                let name = self.record().name;
                let mut options = OpenOptions::new();
                let file = options
                    .write(true)
                    .create_new(true)
                    .mode(0o600)
                    .open(&name)?;
                fs::remove_file(&name)?;
                Ok(file)
            }
            other => Ok(other?),
        }
    }
}

fn nameless(folder: &Path) -> Result<File, Errno> {
    let flags = OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC;
    let fd = rustix::fs::open(
        folder,
        flags,
        rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
    )?;
    Ok(File::from(fd))
}

/// Takes space from `from` to `to`. At the end of the space it takes what is left, in shrinking pieces.
fn allocate(file: &File, from: u64, to: u64) -> Result<u64, Errno> {
    let (mut at, mut piece) = (from, CHUNK);
    while at < to {
        let length = piece.min(to - at);
        match fallocate(file, FallocateFlags::empty(), at, length) {
            Ok(()) => at += length,
            Err(Errno::INTR) => {}
            Err(Errno::NOSPC) if length > 4096 => piece = (length / 2).max(4096),
            // Others were faster: it is as full as it gets.
            Err(Errno::NOSPC) => break,
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => return write(file, at, to),
            Err(error) => return Err(error),
        }
    }
    Ok(at)
}

/// As [`allocate`], where the filesystem cannot allocate without writing.
fn write(mut file: &File, from: u64, to: u64) -> Result<u64, Errno> {
    let block = vec![0xa5_u8; 1 << 20];
    let mut at = from;
    while at < to {
        let length = usize::try_from(to - at).map_or(block.len(), |left| left.min(block.len()));
        match file.write(&block[..length]) {
            Ok(count) => at += count as u64,
            Err(error) => match Errno::from_io_error(&error) {
                Some(Errno::NOSPC | Errno::DQUOT) => break,
                other => return Err(other.unwrap_or(Errno::IO)),
            },
        }
    }
    Ok(at)
}

impl Fault for Filled {
    fn preflight(&mut self) -> Result<Preflight, Trouble> {
        let target = self.options.target.as_ref();
        let place = inside(KIND.name, target, &self.options.path, &self.context)?;
        self.folder.clone_from(&place.path);
        self.place = Some(place);
        let state = self.context.shared.get_or(|| StateDirectory(None));
        let force = self.options.force;
        spare_state(KIND.name, &self.folder, state.0.as_deref(), force)?;
        let room = Room::of(&self.folder)?;
        (self.wanted, self.note) = room
            .take(self.options.amount, force)
            .map_err(|error| Trouble::Precondition(format!("{}: {error}", KIND.name)))?;
        let path = self.options.path.display();
        let left = show(room.free.saturating_sub(self.wanted));
        Ok(Preflight {
            targets: vec![format!("filesystem of {path}, {} free", show(room.free))],
            effect: format!(
                "{} are taken, {left} are left{}",
                show(self.wanted),
                self.note
            ),
            undo: "the file without a name is closed".to_owned(),
            tier: Tier::Kernel,
            survives: Survives::Process,
            resources: vec![Resource::new(format!("space of {path}"), Sharing::Free)],
            provisional: false,
        })
    }

    fn undo(&self) -> Value {
        json!(self.record())
    }

    fn inject(&mut self, _lease: Duration) -> Result<(), Trouble> {
        let file = self.open().map_err(|error| missing(&self.folder, error))?;
        let failed = |error: std::io::Error| Trouble::system(KIND.name, error);
        let (wanted, taken) = (self.wanted, Arc::new(AtomicU64::new(0)));
        let over = self.options.over.unwrap_or_default();
        if over.is_zero() {
            let all = allocate(&file, 0, wanted).map_err(|error| failed(error.into()))?;
            taken.store(all, Ordering::Relaxed);
        }
        let (growing, so_far) = (file.try_clone().map_err(failed)?, Arc::clone(&taken));
        let ramp = Ramp::start(over, move |share| {
            let from = so_far.load(Ordering::Relaxed);
            let to = super::part(wanted, share);
            let now = allocate(&growing, from, to).map_err(|error| error.to_string())?;
            so_far.store(now, Ordering::Relaxed);
            Ok(())
        });
        let ramp = ramp.map_err(failed)?;
        self.held = Some(Held { file, taken, ramp });
        Ok(())
    }

    fn inspect(&mut self) -> Result<Sight, Trouble> {
        let Some(held) = &self.held else {
            return Ok(Sight {
                installed: false,
                hits: None,
                detail: "nothing is taken".to_owned(),
            });
        };
        if let Some(error) = held.ramp.failed() {
            return Err(Trouble::Failed(format!("{}: {error}", KIND.name)));
        }
        let taken = held.taken.load(Ordering::Relaxed);
        let data =
            rustix::fs::fstat(&held.file).map_err(|error| Trouble::system(KIND.name, error))?;
        let allocated = u64::try_from(data.st_blocks).unwrap_or_default() * 512;
        let left = Room::of(&self.folder).map_or(0, |room| room.free);
        Ok(Sight {
            // What the filesystem says it holds, not what it was asked for.
            installed: allocated >= taken,
            hits: None,
            detail: format!("{} taken, {} left", show(allocated), show(left)),
        })
    }

    fn heal(&mut self) -> Result<Healed, Trouble> {
        let Some(mut held) = self.held.take() else {
            return Ok(Healed::Unchanged);
        };
        held.ramp.stop();
        // A copy of the descriptor elsewhere would keep the space: give it back before it is closed.
        let freed = held.file.set_len(0);
        drop(held);
        freed.map_err(|error| Trouble::system(KIND.name, error))?;
        self.record().heal()?;
        Ok(Healed::Restored)
    }

    fn facts(&self) -> Value {
        let taken = self
            .held
            .as_ref()
            .map(|held| held.taken.load(Ordering::Relaxed));
        let left = Room::of(&self.folder).map_or(0, |room| room.free);
        json!({"bytes": taken, "left": left})
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Spec;

    fn fill(folder: &Path, amount: Amount, over: Option<Duration>) -> Box<dyn Fault> {
        let options = DiskFill {
            path: folder.to_owned(),
            target: None,
            amount,
            over,
            force: false,
        };
        let spec = Spec::new(&KIND, &options).unwrap();
        (KIND.build)(&spec, &Context::for_tests()).unwrap()
    }

    fn allocated(fault: &dyn Fault) -> u64 {
        fault.facts()["bytes"].as_u64().unwrap_or_default()
    }

    #[test]
    fn the_space_is_taken_and_given_back() {
        let folder = tempfile::tempdir().unwrap();
        let mut fault = fill(folder.path(), Amount::Bytes(8 << 20), None);
        let plan = fault.preflight().unwrap();
        assert_eq!(plan.tier, Tier::Kernel);
        fault.inject(Duration::from_secs(5)).unwrap();
        assert!(fault.inspect().unwrap().installed);
        assert_eq!(allocated(&*fault), 8 << 20);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        assert_eq!(fault.heal(), Ok(Healed::Restored));
        assert_eq!(fault.heal(), Ok(Healed::Unchanged));
        assert_eq!((KIND.recover)(&fault.undo()), Ok(Healed::Unchanged));
    }

    #[test]
    fn it_grows_over_time_and_stops_when_healed() {
        let folder = tempfile::tempdir().unwrap();
        let over = Some(Duration::from_secs(3600));
        let mut fault = fill(folder.path(), Amount::Bytes(64 << 20), over);
        fault.preflight().unwrap();
        fault.inject(Duration::from_secs(5)).unwrap();
        std::thread::sleep(Duration::from_millis(250));
        assert!(allocated(&*fault) < 1 << 20);
        assert!(fault.inspect().unwrap().installed);
        assert_eq!(fault.heal(), Ok(Healed::Restored));
    }

    #[test]
    fn a_folder_that_is_not_there_is_said() {
        let mut fault = fill(Path::new("/nowhere/at/all"), Amount::Bytes(1), None);
        let error = fault.preflight().unwrap_err();
        assert_eq!(error.to_string(), "there is no folder /nowhere/at/all");
    }
}
