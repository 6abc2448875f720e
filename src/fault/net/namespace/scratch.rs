//! Network namespaces that rchaos makes: nameless ones to try things in, named ones for scripts.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::io::Errno;
use rustix::mount::{MountPropagationFlags, UnmountFlags, mount_bind, mount_change, unmount};
use rustix::thread::{LinkNameSpaceType, UnshareFlags, move_into_link_name_space};

use super::place::Place;

/// A namespace without a name: it and all in it is gone when this is dropped.
#[derive(Debug)]
pub struct Scratch(OwnedFd);

impl Scratch {
    /// A new one, with its loopback still down.
    ///
    /// # Errors
    ///
    /// No right to (it takes `CAP_SYS_ADMIN`), or no namespaces in the kernel.
    pub fn create() -> io::Result<Self> {
        std::thread::scope(|scope| scope.spawn(new_namespace).join())
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            .map(Self)
    }

    /// Does something inside, on a thread of its own.
    ///
    /// # Errors
    ///
    /// No right to enter.
    pub fn enter<R: Send>(&self, work: impl FnOnce() -> R + Send) -> io::Result<R> {
        let inside = || -> io::Result<R> {
            move_into_link_name_space(self.0.as_fd(), Some(LinkNameSpaceType::Network))?;
            Ok(work())
        };
        std::thread::scope(|scope| scope.spawn(inside).join())
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }

    /// The descriptor, for the kernel to move an interface there.
    pub(in crate::fault::net) fn fd(&self) -> i32 {
        self.0.as_raw_fd()
    }
}

#[expect(
    deprecated,
    reason = "what is unsound about it is a separate table of descriptors, which is not asked for"
)]
fn new_namespace() -> io::Result<OwnedFd> {
    rustix::thread::unshare(UnshareFlags::NEWNET)?;
    // Of this thread: the process's own link leads elsewhere.
    let link = format!(
        "/proc/self/task/{}/ns/net",
        rustix::thread::gettid().as_raw_pid()
    );
    Ok(File::open(link)?.into())
}

/// A namespace under `/run/netns`, as `ip netns add` makes it. It stays until it is removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    name: String,
}

impl Named {
    /// A new one, with its loopback still down.
    ///
    /// # Errors
    ///
    /// The name is taken, or no right to.
    pub fn create(name: &str) -> io::Result<Self> {
        let path = path_of(name);
        let folder = path.parent().unwrap_or(Path::new("/"));
        fs::create_dir_all(folder)?;
        share_mounts(folder)?;
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&path)?;
        let scratch = Scratch::create();
        let bound = scratch.and_then(|scratch| {
            let link = format!("/proc/self/fd/{}", scratch.fd());
            Ok(mount_bind(link, &path)?)
        });
        if let Err(error) = bound {
            let _ = fs::remove_file(&path);
            return Err(error);
        }
        Ok(Self {
            name: name.to_owned(),
        })
    }

    /// Its place.
    #[must_use]
    pub fn place(&self) -> Place {
        Place::Named(self.name.clone())
    }

    /// Removes the name; the namespace ends when nothing uses it any more. `false` if it was gone.
    ///
    /// # Errors
    ///
    /// No right to.
    pub fn remove(name: &str) -> io::Result<bool> {
        let path = path_of(name);
        match unmount(&path, UnmountFlags::DETACH) {
            // A file without a mount is what an interrupted `create` leaves.
            Ok(()) | Err(Errno::INVAL | Errno::NOENT) => {}
            Err(error) => return Err(error.into()),
        }
        match fs::remove_file(&path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }
}

fn path_of(name: &str) -> PathBuf {
    Place::Named(name.to_owned()).path()
}

/// Makes mounts below the folder seen, and unmounted, in other mount namespaces too, as iproute2 does:
/// else `ip netns del` elsewhere would leave the namespace alive here.
fn share_mounts(folder: &Path) -> io::Result<()> {
    let shared = MountPropagationFlags::SHARED | MountPropagationFlags::REC;
    match mount_change(folder, shared) {
        Ok(()) => Ok(()),
        Err(Errno::INVAL) => {
            mount_bind(folder, folder)?;
            Ok(mount_change(folder, shared)?)
        }
        Err(error) => Err(error.into()),
    }
}
