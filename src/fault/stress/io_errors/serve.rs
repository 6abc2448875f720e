//! The child that stands between programs and a folder: it mounts itself over it, and answers for it.

use std::ffi::CString;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustix::fs::{Mode, OFlags, open};
use rustix::io::Errno;
use rustix::mount::{MountFlags, mount};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit, umask};
use serde::{Deserialize, Serialize};

use super::mount::enter;
use super::operate::act;
use super::rule::{Operation, Rule};
use super::tree::Tree;
use super::wire::{ROOM, Request, greeting, refusal};
use crate::base::rng::Rng;
use crate::fault::stress::crew::Report;

/// How many requests are answered at once: those that are late hold up nobody else.
const HANDS: usize = 32;

/// How often it tells what it has done.
const TELL: Duration = Duration::from_millis(100);

/// The kernel's first request, the two that want no answer, and the last.
const INIT: u32 = 26;
const FORGET: u32 = 2;
const FORGET_MANY: u32 = 42;
const INTERRUPT: u32 = 36;

/// What the child does.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Broken {
    pub(super) path: PathBuf,
    /// The mount namespace that the path is of; the agent's own where left out.
    pub(super) namespace: Option<PathBuf>,
    /// The mount's name, which says whose it is.
    pub(super) source: String,
    pub(super) rule: Rule,
    pub(super) seed: u64,
}

fn words(hits: u64) -> String {
    format!("{hits} operations were hit")
}

/// What all hands share.
struct Server {
    device: OwnedFd,
    tree: Tree,
    rule: Rule,
    rng: Mutex<Rng>,
    hits: AtomicU64,
}

impl Broken {
    pub(in crate::fault::stress) fn run(self) -> std::io::Result<()> {
        let maximum = getrlimit(Resource::Nofile).maximum;
        // Each file that the kernel knows is a descriptor here; where that is not allowed, there are fewer.
        let _ = setrlimit(
            Resource::Nofile,
            Rlimit {
                current: maximum,
                maximum,
            },
        );
        // The kernel has taken the program's own off already.
        umask(Mode::empty());
        // A container need not have the device.
        let device = open("/dev/fuse", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())?;
        let folder = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let descriptors = open("/proc/self/fd", folder, Mode::empty())?;
        if let Some(namespace) = &self.namespace {
            enter(namespace)?;
        }
        // Before anything is mounted over it: this one leads below.
        let root = open(&self.path, folder, Mode::empty())?;
        let server = Server {
            tree: Tree::new(root, descriptors)?,
            rule: self.rule,
            rng: Mutex::new(Rng::derive(self.seed, "io_errors", 0)),
            hits: AtomicU64::new(0),
            device,
        };
        let options = format!(
            "fd={},rootmode=40000,user_id=0,group_id=0,allow_other,default_permissions",
            server.device.as_raw_fd()
        );
        let options = CString::new(options)?;
        let flags = MountFlags::NOSUID | MountFlags::NODEV;
        mount(
            self.source.as_str(),
            &self.path,
            "fuse.rchaos",
            flags,
            options.as_c_str(),
        )?;
        server.run()
    }
}

impl Server {
    fn run(&self) -> std::io::Result<()> {
        let mut room = vec![0; ROOM];
        // The first request is the kernel's greeting; nothing else comes before it is answered.
        self.next(&mut room)?;
        Report::tell(0, "mounted")?;
        std::thread::scope(|scope| {
            for _ in 0..HANDS {
                let builder = std::thread::Builder::new().name("files".to_owned());
                builder.spawn_scoped(scope, || {
                    let mut room = vec![0; ROOM];
                    while let Ok(true) = self.next(&mut room) {}
                    // Nothing is mounted any more: nobody is left to answer.
                    std::process::exit(0);
                })?;
            }
            let mut told = 0;
            loop {
                std::thread::sleep(TELL);
                let hits = self.hits.load(Ordering::Relaxed);
                if hits != told {
                    told = hits;
                    Report::tell(hits, words(hits))?;
                }
            }
        })
    }

    /// Answers one request; `false` when nothing is mounted any more.
    fn next(&self, room: &mut [u8]) -> std::io::Result<bool> {
        let count = match rustix::io::read(&self.device, &mut *room) {
            Ok(count) => count,
            // Taken back before it was read.
            Err(Errno::NOENT | Errno::INTR | Errno::AGAIN) => return Ok(true),
            Err(Errno::NODEV) => return Ok(false),
            Err(error) => return Err(error.into()),
        };
        let Some(request) = Request::parse(&room[..count]) else {
            return Ok(true);
        };
        if let Some(answer) = self.answer(&request) {
            match rustix::io::write(&self.device, &answer) {
                // Whoever asked waits no more.
                Ok(_) | Err(Errno::NOENT | Errno::INTR) => {}
                Err(Errno::NODEV) => return Ok(false),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(true)
    }

    /// The bytes of an answer; none where none is wanted.
    fn answer(&self, request: &Request) -> Option<Vec<u8>> {
        match request.opcode {
            INIT => return greeting(request),
            FORGET => {
                let times = request.arguments().u64()?;
                self.tree.forget(request.node, times);
                return None;
            }
            FORGET_MANY => {
                self.forget_many(request);
                return None;
            }
            INTERRUPT => return None,
            _ => {}
        }
        let Some((operation, act)) = act(request.opcode) else {
            return Some(refusal(request.unique, Errno::NOSYS));
        };
        if let Some(error) = operation.and_then(|operation| self.hit(operation)) {
            return Some(refusal(request.unique, error));
        }
        let answer = act(&self.tree, request, request.arguments());
        Some(match answer.unwrap_or(Err(Errno::INVAL)) {
            Ok(answer) => answer.answer(request.unique),
            Err(error) => refusal(request.unique, error),
        })
    }

    fn forget_many(&self, request: &Request) -> Option<()> {
        let mut arguments = request.arguments();
        let count = arguments.u32()?;
        arguments.skip(4)?;
        for _ in 0..count {
            self.tree.forget(arguments.u64()?, arguments.u64()?);
        }
        Some(())
    }

    /// Makes an operation late, and says what it ends with, if it is one of those to be hit.
    fn hit(&self, operation: Operation) -> Option<Errno> {
        if !self.rule.on.contains(&operation) {
            return None;
        }
        let drawn = {
            let mut rng = self
                .rng
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            rng.unit()
        };
        if drawn >= self.rule.share {
            return None;
        }
        if self.hits.fetch_add(1, Ordering::Relaxed) == 0 {
            // Whether it acted at all is known at once. If nobody listens, the agent is gone, and this process soon is.
            let _ = Report::tell(1, words(1));
        }
        if let Some(delay) = self.rule.delay {
            std::thread::sleep(delay);
        }
        self.rule.errno.map(super::rule::ErrorNumber::errno)
    }
}
