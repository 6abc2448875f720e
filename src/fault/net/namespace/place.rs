//! Where a network namespace is found, and which one it was.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use serde::{Deserialize, Serialize};

use crate::fault::net::netlink::{Family, Socket};
use crate::fault::process::Identity;

/// Where named namespaces are, by the convention of iproute2.
const NAMED: &str = "/run/netns";

/// A way to a network namespace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    /// The one that the agent runs in.
    Host,
    /// `/run/netns/NAME`.
    Named(String),
    /// That of a process.
    Process(Identity),
}

/// A network namespace, and the cookie that no other one of this boot has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Namespace {
    /// The way to it.
    pub place: Place,
    /// What the kernel knows it by.
    pub cookie: u64,
}

/// Why a namespace was not entered.
#[derive(Debug, thiserror::Error)]
pub enum NamespaceError {
    /// There is none in that place, or another one.
    #[error("{0} is gone")]
    Gone(String),
    /// The system said no.
    #[error("cannot enter {0}: {1}")]
    System(String, #[source] io::Error),
}

impl NamespaceError {
    fn of(place: &Place, error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::NotFound {
            Self::Gone(place.label())
        } else {
            Self::System(place.label(), error)
        }
    }
}

impl Place {
    /// As messages name it.
    #[must_use]
    pub fn label(&self) -> String {
        match self {
            Self::Host => "this host".to_owned(),
            Self::Named(name) => format!("namespace {name}"),
            Self::Process(identity) => format!("the namespace of process {}", identity.pid),
        }
    }

    /// The file that leads to it.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        match self {
            Self::Host => PathBuf::from("/proc/self/ns/net"),
            Self::Named(name) => Path::new(NAMED).join(name),
            Self::Process(identity) => format!("/proc/{}/ns/net", identity.pid).into(),
        }
    }

    /// Device and inode of the namespace: unique only while something holds it.
    pub(in crate::fault::net) fn inode(&self) -> io::Result<(u64, u64)> {
        if let Self::Process(identity) = self
            && !identity.alive()
        {
            return Err(io::ErrorKind::NotFound.into());
        }
        let found = std::fs::metadata(self.path())?;
        Ok((found.dev(), found.ino()))
    }

    fn open(&self) -> io::Result<File> {
        let file = File::open(self.path())?;
        // Looked at after opening: a reused pid would lead elsewhere.
        self.inode()?;
        Ok(file)
    }

    /// Does something inside, on a thread of its own, whichever namespace is there now.
    ///
    /// # Errors
    ///
    /// There is none, or no right to enter.
    pub fn enter<R: Send>(&self, work: impl FnOnce() -> R + Send) -> Result<R, NamespaceError> {
        let file = self
            .open()
            .map_err(|error| NamespaceError::of(self, error))?;
        let inside = || -> io::Result<R> {
            let kind = Some(LinkNameSpaceType::Network);
            if !matches!(self, Self::Host) {
                move_into_link_name_space(file.as_fd(), kind)?;
            }
            // Closed first: what works inside must not find a descriptor that outlives it.
            drop(file);
            Ok(work())
        };
        // A thread keeps the namespace it entered, and others may be given this one: so it ends.
        std::thread::scope(|scope| match scope.spawn(inside).join() {
            Ok(result) => result.map_err(|error| NamespaceError::of(self, error)),
            Err(panic) => std::panic::resume_unwind(panic),
        })
    }
}

impl Namespace {
    /// The one in this place now.
    ///
    /// # Errors
    ///
    /// There is none, no right to enter, or a kernel before 5.14.
    pub fn find(place: Place) -> Result<Self, NamespaceError> {
        let cookie = place
            .enter(|| Socket::open(Family::Route)?.netns_cookie())?
            .map_err(|error| NamespaceError::of(&place, error))?;
        Ok(Self { place, cookie })
    }

    /// Does something inside that very namespace.
    ///
    /// # Errors
    ///
    /// [`NamespaceError::Gone`]: it is gone, even if another one has taken its place.
    pub fn enter<R: Send>(&self, work: impl FnOnce() -> R + Send) -> Result<R, NamespaceError> {
        let cookie = self.cookie;
        let found = self.place.enter(move || {
            let socket = Socket::open(Family::Route)?;
            let here = socket.netns_cookie()?;
            drop(socket);
            Ok::<_, io::Error>((here == cookie).then(work))
        })?;
        match found {
            Ok(Some(result)) => Ok(result),
            Ok(None) => Err(NamespaceError::Gone(self.place.label())),
            Err(error) => Err(NamespaceError::of(&self.place, error)),
        }
    }
}
