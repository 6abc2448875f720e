//! A clock of its own for a program that rchaos starts: the wall clock by libfaketime, the others by a time namespace.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rustix::thread::UnshareFlags;
use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

use super::identity::Identity;
use crate::fault::{Context, Healed, Trouble};

/// What a program's clock is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Clock {
    /// Whether the wall clock can be set while it runs, by `stress.clock`.
    pub wall: bool,
    /// How many seconds its monotonic clock and its time since boot are ahead, from start to end.
    pub monotonic: Option<f64>,
}

/// The variable that names the file with the offset.
const FILE: &str = "FAKETIME_TIMESTAMP_FILE";

/// Where systems keep the library; below these, or in a folder of theirs.
const PLACES: [&str; 6] = [
    "/usr/lib",
    "/usr/lib64",
    "/usr/local/lib",
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
    "/lib",
];

/// That for programs with threads, which serves those without as well.
const LIBRARY: &str = "faketime/libfaketimeMT.so.1";

/// The library, if it is installed.
///
/// # Errors
///
/// It is not; how to install it.
pub(in crate::fault) fn library() -> Result<PathBuf, String> {
    let mut places = PLACES.iter().map(|place| Path::new(place).join(LIBRARY));
    places.find(|path| path.is_file()).ok_or_else(|| {
        "a wall clock of its own needs libfaketime, which is not here; install it (Debian and Ubuntu: `apt install faketime`)".to_owned()
    })
}

impl Clock {
    /// Whether all that it needs is here.
    pub(super) fn check(self) -> Result<(), Trouble> {
        if self.wall {
            library().map_err(Trouble::Precondition)?;
        }
        let Some(ahead) = self.monotonic else {
            return Ok(());
        };
        if !Path::new("/proc/self/ns/time").exists() {
            let text =
                "process.spawn: option `clock`: this kernel has no time namespaces".to_owned();
            return Err(Trouble::Precondition(text));
        }
        if !rustix::process::geteuid().is_root() {
            let text = "process.spawn: option `clock`: a time namespace needs root".to_owned();
            return Err(Trouble::Precondition(text));
        }
        let now = clock_gettime(ClockId::Monotonic);
        #[expect(clippy::cast_precision_loss, reason = "seconds since boot")]
        let left = now.tv_sec as f64 + ahead;
        if left < 1.0 {
            return Err(Trouble::Precondition(format!(
                "process.spawn: option `clock`: the machine runs for {} seconds only, and a monotonic clock cannot be before its boot",
                now.tv_sec
            )));
        }
        Ok(())
    }

    /// The file that says how far the wall clock is off.
    pub(super) fn file(self, context: &Context) -> Option<PathBuf> {
        let name = format!("rchaos-{}-{}.clock", context.agent, context.id);
        self.wall.then(|| std::env::temp_dir().join(name))
    }
}

/// What a program needs in its environment to look into the file for every time that it asks.
pub(super) fn environment(
    file: &Path,
    env: &BTreeMap<String, String>,
) -> Result<Vec<(String, String)>, Trouble> {
    let library = library().map_err(Trouble::Precondition)?;
    let preload = match env.get("LD_PRELOAD") {
        Some(other) => format!("{}:{other}", library.display()),
        None => library.display().to_string(),
    };
    let pairs = [
        ("LD_PRELOAD", preload),
        (FILE, file.display().to_string()),
        ("FAKETIME_NO_CACHE", "1".to_owned()),
        // As when somebody sets the clock: what counts durations does not jump.
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
        ("DONT_FAKE_MONOTONIC", "1".to_owned()),
    ];
    Ok(pairs.map(|(key, value)| (key.to_owned(), value)).to_vec())
}

/// Writes how many seconds the clock is ahead; readers see the one value or the other.
pub(in crate::fault) fn set(file: &Path, text: &str) -> io::Result<()> {
    let new = file.with_extension("new");
    let _ = fs::remove_file(&new);
    io::Write::write_all(&mut fs::File::create_new(&new)?, text.as_bytes())?;
    fs::rename(&new, file)
}

/// How the file says it.
pub(in crate::fault) fn shown(seconds: f64) -> String {
    format!("{seconds:+.3}")
}

/// The file of a process that was started with a clock of its own.
pub(in crate::fault) fn file_of(process: &Identity) -> Option<PathBuf> {
    let environment = fs::read(format!("/proc/{}/environ", process.pid)).ok()?;
    let wanted = format!("{FILE}=");
    let found = environment
        .split(|byte| *byte == 0)
        .find_map(|entry| entry.strip_prefix(wanted.as_bytes()))?;
    let file = PathBuf::from(String::from_utf8_lossy(found).into_owned());
    let name = file.file_name()?.to_str()?;
    let ours = name.starts_with("rchaos-") && name.ends_with(".clock");
    (ours && file.exists()).then_some(file)
}

/// Removes the file, and what the library leaves of a process that it served first.
pub(super) fn remove(file: &Path, program: Option<&Identity>) -> Result<Healed, Trouble> {
    if let Some(program) = program.filter(|program| !program.alive()) {
        for name in ["faketime_shm", "sem.faketime_sem"] {
            // Not there where the library cleans up after itself.
            let _ = fs::remove_file(format!("/dev/shm/{name}_{}", program.pid));
        }
    }
    let _ = fs::remove_file(file.with_extension("new"));
    match fs::remove_file(file) {
        Ok(()) => Ok(Healed::Restored),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Healed::Unchanged),
        Err(error) => {
            let file = file.display();
            let text = format!("cannot remove {file}: {error}; run `rm {file}`");
            Err(Trouble::Failed(text))
        }
    }
}

/// Gives the children of this process clocks that are ahead; its own stay.
#[expect(
    deprecated,
    reason = "what is unsound about it is a separate table of descriptors, which is not asked for"
)]
pub(super) fn put_ahead(seconds: f64) -> io::Result<()> {
    rustix::thread::unshare(UnshareFlags::NEWTIME)?;
    #[expect(clippy::cast_possible_truncation, reason = "a century is 3e9 seconds")]
    let whole = seconds.floor() as i64;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "below a second, in nanoseconds"
    )]
    let nanos = (seconds.rem_euclid(1.0) * 1e9) as u32;
    let offsets = format!("monotonic {whole} {nanos}\nboottime {whole} {nanos}\n");
    fs::write("/proc/self/timens_offsets", offsets)
}
