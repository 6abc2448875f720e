//! `stress.io_errors`: a filesystem in user space over a folder, whose operations go wrong or come late.

mod content;
mod mount;
mod operate;
mod rule;
mod serve;
mod tree;
mod wire;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub use mount::Unmount;
pub use rule::{ErrorNumber, Operation, Rule};
pub use serve::Broken;

use mount::{Undo, mounts};

use super::crew::{Hand, Load};
use super::filesystem::StateDirectory;
use crate::fault::outcome::{recorded, within};
use crate::fault::place::{inside, process};
use crate::fault::process::Identity;
use crate::fault::{
    Children, Context, Fault, Healed, Kind, Preflight, Resource, Sharing, Sight, Survives, Target,
    Tier, Trouble,
};

/// Its options.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct IoErrors {
    /// A folder, as the target sees it.
    pub path: PathBuf,
    /// Whose view of the path it is, and who is affected with all that share its mounts; the host where left out.
    pub target: Option<Target>,
    /// What goes wrong.
    pub rule: Rule,
    /// Whether the folder may be one that rchaos needs itself.
    pub force: bool,
}

/// The kind.
pub const KIND: Kind = Kind {
    name: "stress.io_errors",
    tier: Tier::Journal,
    fixture: false,
    build: |spec, context| {
        Ok(Box::new(Failing {
            options: spec.read()?,
            context: context.clone(),
            process: None,
            hand: None,
        }))
    },
    recover: |undo| recorded::<Undo>(undo)?.heal(),
    probe,
};

/// How long a mount may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long those that have files open there may finish what they are at.
const GRACE: Duration = Duration::from_secs(1);

/// Tries the device; whether a mount is allowed is seen by the user's rights.
fn probe() -> Result<String, String> {
    if !rustix::process::geteuid().is_root() {
        return Err("mounting needs root".to_owned());
    }
    let device = fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open("/dev/fuse");
    device.map_err(|error| format!("/dev/fuse: {error}"))?;
    Ok("FUSE, without a library".to_owned())
}

struct Failing {
    options: IoErrors,
    context: Context,
    /// Who stands for the target.
    process: Option<Identity>,
    hand: Option<Hand>,
}

impl Failing {
    fn record(&self) -> Undo {
        Undo {
            source: format!("rchaos-{}-{}", self.context.agent, self.context.id),
            process: self.process.clone(),
        }
    }

    /// Refuses folders without which rchaos, or the host, could not go on.
    fn spare(&self, path: &Path) -> Result<(), Trouble> {
        let shown = path.display();
        let kernel = ["/proc", "/sys", "/dev", "/run"];
        let vital = path == Path::new("/") || kernel.iter().any(|folder| path.starts_with(folder));
        if vital && !path.starts_with("/dev/shm/") {
            return Err(Trouble::Precondition(format!(
                "{}: option `path`: {shown} is the system's own; name a folder of the service",
                KIND.name
            )));
        }
        let state = self.context.shared.get_or(|| StateDirectory(None));
        let inside = state.0.as_ref().is_some_and(|state| {
            let real = state
                .ancestors()
                .find_map(|folder| folder.canonicalize().ok());
            real.is_some_and(|real| real.starts_with(path))
        });
        if inside && self.process.is_none() && !self.options.force {
            return Err(Trouble::Precondition(format!(
                "{}: rchaos keeps its own state below {shown}; set RCHAOS_STATE_DIR to another folder, or write `force = true`",
                KIND.name
            )));
        }
        Ok(())
    }

    /// The folder without links in it, where links can be followed from here.
    fn real(&self) -> Result<PathBuf, Trouble> {
        let (target, path) = (self.options.target.as_ref(), &self.options.path);
        let place = inside(KIND.name, target, path, &self.context)?;
        if !place.path.is_dir() {
            let text = format!("there is no folder {}", path.display());
            return Err(Trouble::Precondition(text));
        }
        if self.process.is_some() {
            return Ok(path.clone());
        }
        path.canonicalize()
            .map_err(|error| Trouble::system(path.display(), error))
    }
}

impl Fault for Failing {
    fn preflight(&mut self) -> Result<Preflight, Trouble> {
        let target = self.options.target.as_ref();
        let found = process(KIND.name, target, &self.context)?;
        self.process = found.as_ref().map(|found| found.identity.clone());
        let path = self.real()?;
        self.spare(&path)?;
        probe().map_err(|text| Trouble::Precondition(format!("{}: {text}", KIND.name)))?;
        let of = found.map_or_else(String::new, |found| format!(" of {}", found.label()));
        let label = format!("folder {}{of}", path.display());
        Ok(Preflight {
            effect: self.options.rule.words(),
            undo: "the filesystem over it is unmounted".to_owned(),
            tier: Tier::Journal,
            survives: Survives::Process,
            resources: vec![Resource::new(format!("files of {label}"), Sharing::Alone)],
            targets: vec![label],
            provisional: false,
        })
    }

    fn undo(&self) -> Value {
        json!(self.record())
    }

    fn inject(&mut self, _lease: Duration) -> Result<(), Trouble> {
        let record = self.record();
        let broken = Broken {
            path: self.options.path.clone(),
            namespace: record.namespace(),
            source: record.source.clone(),
            rule: self.options.rule.clone(),
            seed: self.context.seed ^ self.context.id,
        };
        let stub = Load::IoErrors(broken).stub();
        let children = self.context.shared.get::<Children>();
        let hand = Hand::start(&stub, &record.source, &children)
            .map_err(|error| Trouble::system(KIND.name, error))?;
        let hand = self.hand.insert(hand);
        let limit = std::time::Instant::now() + PATIENCE;
        while hand.report().is_none() {
            if let Some(how) = hand.gone() {
                return Err(Trouble::Failed(format!("{}: {how}", KIND.name)));
            }
            if std::time::Instant::now() > limit {
                let text = format!("{}: the mount takes too long", KIND.name);
                return Err(Trouble::Failed(text));
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(())
    }

    fn inspect(&mut self) -> Result<Sight, Trouble> {
        let record = self.record();
        if let Some(how) = self.hand.as_mut().and_then(Hand::gone) {
            let text = format!("{} has ended: {how}", KIND.name);
            return Err(Trouble::Vanished(text));
        }
        let report = self.hand.as_ref().and_then(Hand::report);
        let mounts = mounts(record.viewer());
        Ok(Sight {
            installed: record.on_top(&mounts) == Some(true),
            hits: Some(report.as_ref().map_or(0, |report| report.count)),
            detail: report.map(|report| report.text).unwrap_or_default(),
        })
    }

    fn heal(&mut self) -> Result<Healed, Trouble> {
        let record = self.record();
        let Some(hand) = &mut self.hand else {
            return Ok(Healed::Unchanged);
        };
        let pid = hand.pid();
        let healed = record.unmount(i32::try_from(pid).ok(), &self.context.shared.get())?;
        // It ends by itself once nobody has a file open there.
        within(GRACE, || super::crew::is_over(pid));
        hand.end();
        self.hand = None;
        Ok(healed)
    }

    fn facts(&self) -> Value {
        let report = self.hand.as_ref().and_then(Hand::report);
        let hits = report.map_or(0, |report| report.count);
        json!({"path": self.options.path, "hits": hits})
    }
}
