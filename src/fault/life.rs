//! The life of a fault: what every kind of it can do, and what it tells about itself.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::spec::Spec;
use super::trouble::Trouble;

/// One fault (or fixture) in the hands of an agent's worker.
///
/// The worker calls `preflight`, journals `undo`, calls `inject`, journals `undo` once more,
/// calls `inspect`, then `renew` until it calls `heal`. A method may block for as long as its effect takes;
/// it runs on a thread of its own, and never two at once.
pub trait Fault: Send {
    /// Finds the targets and whether all that is needed is there. Changes nothing.
    ///
    /// # Errors
    ///
    /// [`Trouble::Precondition`]: a target, privilege or feature is missing; the text says which.
    fn preflight(&mut self) -> Result<Preflight, Trouble>;

    /// What the kind's [`super::Kind::recover`] needs to undo it without this object: target, identity, and
    /// the state before. Called after `preflight` (the record of intent), and again after `inject`.
    fn undo(&self) -> Value;

    /// How long the effect may take to land after `inject` has begun; default five seconds. A record
    /// of intent alone is healed again and again until that has passed.
    fn max_duration(&self) -> Duration {
        Duration::from_secs(5)
    }

    /// Makes it happen. What has a lease in the kernel gets `lease` as its first time-out.
    ///
    /// # Errors
    ///
    /// It did not happen, or only in part: the worker heals afterwards.
    fn inject(&mut self, lease: Duration) -> Result<(), Trouble>;

    /// Reads the effect back.
    ///
    /// # Errors
    ///
    /// [`Trouble::Vanished`]: the target is gone.
    fn inspect(&mut self) -> Result<Sight, Trouble>;

    /// What has happened to it since this was last asked, for the timeline; asked after `inspect`. Default: nothing.
    fn news(&mut self) -> Vec<String> {
        Vec::new()
    }

    /// Extends the lease. Default: there is none to extend.
    ///
    /// # Errors
    ///
    /// [`Trouble::Fenced`]: the lease had run out; the worker heals.
    fn renew(&mut self, _lease: Duration) -> Result<(), Trouble> {
        Ok(())
    }

    /// Gives it other settings while it stays in place; its targets and its undo stay what they are. Default: it has none
    /// that can be changed.
    ///
    /// # Errors
    ///
    /// [`Trouble::Misuse`]: it cannot be changed so. It goes on as it was.
    fn update(&mut self, spec: &Spec) -> Result<(), Trouble> {
        Err(Trouble::Misuse(format!(
            "{} cannot be changed while it is live; heal it, and inject another",
            spec.kind
        )))
    }

    /// Undoes it and reads back that it is undone. Idempotent; also after an `inject` that failed.
    ///
    /// # Errors
    ///
    /// It could not be undone: the text says what is left and which command mends it.
    fn heal(&mut self) -> Result<Healed, Trouble>;

    /// What a script may want to know of what is there now (`{"listen": "127.0.0.1:3310"}`); read after
    /// `inject`. Default: an empty object.
    fn facts(&self) -> Value {
        Value::Object(serde_json::Map::new())
    }
}

/// What would be touched, and how; shown by `plan`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preflight {
    /// The targets as they were found: `process etcd (pid 4242)`.
    pub targets: Vec<String>,
    /// What will happen to them: `all packets between n1 and n2 are dropped`.
    pub effect: String,
    /// How it is undone: `the nftables table is deleted`.
    pub undo: String,
    /// What holds it up: `kernel`, `lease`, `journal` or `inline`. The worst one of its parts.
    pub tier: Tier,
    /// What the record survives.
    pub survives: Survives,
    /// What is touched, for the ledger.
    pub resources: Vec<Resource>,
    /// Whether it could cut the connection between controller and agent: then it is healed unless a
    /// fresh beat arrives within two seconds.
    pub provisional: bool,
}

/// What becomes of a fault whose holder is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    /// Gone when the holder dies.
    Kernel,
    /// Gone also when the holder hangs.
    Lease,
    /// Undone by worker, guardian or `rchaos recover`.
    Journal,
    /// The path dies with its holder: an outage, not a heal.
    Inline,
}

impl Tier {
    /// The word in plan, timeline and summary.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Kernel => "kernel",
            Self::Lease => "lease",
            Self::Journal => "journal",
            Self::Inline => "inline",
        }
    }
}

/// What an effect outlives, if nobody undoes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Survives {
    /// The processes of rchaos, not a reboot.
    Process,
    /// A reboot.
    Boot,
    /// The container engine's restart.
    Engine,
    /// The machine: it is kept by the swarm.
    Swarm,
}

/// Something that faults change: `packets of netns 7`, `cpu limit of container 3f…`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Resource {
    /// Its name on this host, with what identifies the target: `process 4242@183645 run-state`.
    pub key: String,
    /// Whether faults of one run can share it; two runs never do, unless it is `free`.
    pub sharing: Sharing,
}

impl Resource {
    /// A resource.
    #[must_use]
    pub fn new(key: impl Into<String>, sharing: Sharing) -> Self {
        Self {
            key: key.into(),
            sharing,
        }
    }
}

/// Who may touch a resource at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sharing {
    /// Anyone: effects are independent of each other (own nftables tables, a file of one's own).
    Free,
    /// Faults of one run: they compose, and healing one never breaks another.
    Stacks,
    /// One fault.
    Alone,
}

/// What a fault looks like from the outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sight {
    /// Whether it is in place, as read back from kernel, engine or target.
    pub installed: bool,
    /// How often it acted, where that can be counted: packets dropped, connections delayed. `None` where acting
    /// is being installed (a paused process).
    pub hits: Option<u64>,
    /// What was read, for the timeline: `state T (stopped)`.
    pub detail: String,
}

/// How a heal ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "outcome", content = "detail")]
pub enum Healed {
    /// The state before was put back.
    Restored,
    /// It was as before already.
    Unchanged,
    /// The target is gone, and the effect with it.
    Vanished,
    /// Somebody else has changed it since; it was left as it is. The text says what was found and what is to do.
    Drifted(String),
}
