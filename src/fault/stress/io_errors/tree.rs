//! The files that the kernel knows by number, and those that are open; each is a descriptor of the folder below.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::fs::{AtFlags, Dir, Mode, OFlags, Stat, openat, statat};
use rustix::io::Errno;

/// The number of the folder itself.
pub(super) const ROOT: u64 = 1;

/// A file that the kernel knows: a descriptor that only names it.
pub(super) struct Node(OwnedFd);

impl Node {
    /// Its descriptor, to go on from.
    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }

    /// Its name in the folder of descriptors, which leads to it and nowhere else, whatever its own name is by now.
    pub(super) fn name(&self) -> String {
        self.0.as_raw_fd().to_string()
    }

    pub(super) fn stat(&self) -> Result<Stat, Errno> {
        statat(&self.0, c"", AtFlags::EMPTY_PATH)
    }
}

/// One entry of a folder.
pub(super) struct Entry {
    pub(super) inode: u64,
    pub(super) kind: u32,
    pub(super) name: Vec<u8>,
}

/// Something open.
pub(super) enum Handle {
    File(File),
    /// As it was when it was opened.
    Folder(File, Vec<Entry>),
}

impl Handle {
    /// The descriptor.
    pub(super) fn file(&self) -> &File {
        match self {
            Self::File(file) | Self::Folder(file, _) => file,
        }
    }
}

/// Device and inode.
type Origin = (u64, u64);

#[derive(Default)]
struct Known {
    /// With how often the kernel was told of each.
    nodes: HashMap<u64, (Arc<Node>, Origin, u64)>,
    numbers: HashMap<Origin, u64>,
    handles: HashMap<u64, Arc<Handle>>,
    last: u64,
}

/// All of them.
pub(super) struct Tree {
    known: Mutex<Known>,
    /// This process's folder of descriptors: a container's `/proc` does not know this process.
    descriptors: OwnedFd,
}

impl Tree {
    /// A tree from its root, with `/proc/self/fd`.
    pub(super) fn new(root: OwnedFd, descriptors: OwnedFd) -> Result<Self, Errno> {
        let root = Node(root);
        let stat = root.stat()?;
        let key = (stat.st_dev, stat.st_ino);
        let mut known = Known {
            last: ROOT,
            ..Known::default()
        };
        known.nodes.insert(ROOT, (Arc::new(root), key, 1));
        known.numbers.insert(key, ROOT);
        Ok(Self {
            known: Mutex::new(known),
            descriptors,
        })
    }

    /// The folder in which a node's name leads to it.
    pub(super) fn descriptors(&self) -> BorrowedFd<'_> {
        self.descriptors.as_fd()
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A file by its number.
    pub(super) fn node(&self, number: u64) -> Result<Arc<Node>, Errno> {
        let known = self.lock();
        let found = known.nodes.get(&number).ok_or(Errno::STALE)?;
        Ok(found.0.clone())
    }

    /// A file by its name in a folder; the kernel knows it once more.
    pub(super) fn look_up(&self, folder: &Node, name: &[u8]) -> Result<(u64, Stat), Errno> {
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let node = Node(openat(
            folder.fd(),
            OsStr::from_bytes(name),
            flags,
            Mode::empty(),
        )?);
        let stat = node.stat()?;
        let key = (stat.st_dev, stat.st_ino);
        let mut known = self.lock();
        if let Some(number) = known.numbers.get(&key).copied() {
            if let Some((_, _, times)) = known.nodes.get_mut(&number) {
                *times += 1;
            }
            return Ok((number, stat));
        }
        known.last += 1;
        let number = known.last;
        known.nodes.insert(number, (Arc::new(node), key, 1));
        known.numbers.insert(key, number);
        Ok((number, stat))
    }

    /// The kernel forgets that it was told of a file so often.
    pub(super) fn forget(&self, number: u64, times: u64) {
        let mut known = self.lock();
        let Some((_, key, left)) = known.nodes.get_mut(&number) else {
            return;
        };
        *left = left.saturating_sub(times);
        let (key, over) = (*key, *left == 0 && number != ROOT);
        if over {
            known.nodes.remove(&number);
            known.numbers.remove(&key);
        }
    }

    /// Something open gets a number.
    pub(super) fn open(&self, handle: Handle) -> u64 {
        let mut known = self.lock();
        known.last += 1;
        let number = known.last;
        known.handles.insert(number, Arc::new(handle));
        number
    }

    /// Something open.
    pub(super) fn handle(&self, number: u64) -> Result<Arc<Handle>, Errno> {
        let known = self.lock();
        known.handles.get(&number).cloned().ok_or(Errno::BADF)
    }

    /// It is closed.
    pub(super) fn close(&self, number: u64) {
        self.lock().handles.remove(&number);
    }
}

/// What is in a folder now.
pub(super) fn list(folder: &File) -> Result<Vec<Entry>, Errno> {
    let mut all = Vec::new();
    for entry in Dir::read_from(folder)? {
        let entry = entry?;
        let kind = match entry.file_type() {
            rustix::fs::FileType::Unknown => 0,
            // As `d_type` has it.
            kind => kind.as_raw_mode() >> 12,
        };
        all.push(Entry {
            inode: entry.ino(),
            kind,
            name: entry.file_name().to_bytes().to_vec(),
        });
    }
    Ok(all)
}
