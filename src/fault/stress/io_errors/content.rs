//! What is done with files and folders that are open, on the folder below.

use std::fs::File;
use std::os::unix::fs::FileExt;

use rustix::fs::{FallocateFlags, Mode, OFlags, fallocate, fstatvfs, openat};
use rustix::io::Errno;

use super::operate::Answer;
use super::tree::{Handle, Tree, list};
use super::wire::{Reader, Request, Writer};

/// Pages are not kept: every read and write is seen here.
pub(super) const DIRECT: u32 = 1;

/// The flags of a program that make sense for us too: buffers of ours are not aligned, and links were followed.
pub(super) fn flags(raw: u32) -> OFlags {
    let mut flags = OFlags::from_bits_retain(raw);
    flags
        .remove(OFlags::DIRECT | OFlags::NOFOLLOW | OFlags::CREATE | OFlags::EXCL | OFlags::NOCTTY);
    flags | OFlags::CLOEXEC
}

pub(super) fn open_file(tree: &Tree, request: &Request, mut arguments: Reader) -> Option<Answer> {
    let wanted = flags(arguments.u32()?);
    let file = tree
        .node(request.node)
        .and_then(|node| openat(tree.descriptors(), node.name(), wanted, Mode::empty()));
    Some(file.map(|file| {
        let mut answer = Writer::default();
        answer.opened(tree.open(Handle::File(File::from(file))), DIRECT);
        answer
    }))
}

pub(super) fn open_folder(tree: &Tree, request: &Request, _: Reader) -> Option<Answer> {
    let apply = || -> Answer {
        let node = tree.node(request.node)?;
        // By a name in it: the path of the root itself leads to us.
        let wanted = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = File::from(openat(node.fd(), c".", wanted, Mode::empty())?);
        let entries = list(&folder)?;
        let mut answer = Writer::default();
        answer.opened(tree.open(Handle::Folder(folder, entries)), 0);
        Ok(answer)
    };
    Some(apply())
}

pub(super) fn read_folder(tree: &Tree, _: &Request, mut arguments: Reader) -> Option<Answer> {
    let (handle, from, size) = (arguments.u64()?, arguments.u64()?, arguments.u32()?);
    let apply = || -> Answer {
        let handle = tree.handle(handle)?;
        let Handle::Folder(_, entries) = &*handle else {
            return Err(Errno::NOTDIR);
        };
        let mut answer = Writer::default();
        let from_here = (0_u64..).zip(entries).skip_while(|(at, _)| *at < from);
        for (at, entry) in from_here {
            let length = (24 + entry.name.len()).next_multiple_of(8);
            if answer.len() + length > usize::try_from(size).unwrap_or_default() {
                break;
            }
            answer.listed(entry.inode, at + 1, entry.kind, &entry.name);
        }
        Ok(answer)
    };
    Some(apply())
}

fn system(error: &std::io::Error) -> Errno {
    Errno::from_io_error(error).unwrap_or(Errno::IO)
}

pub(super) fn read(tree: &Tree, _: &Request, mut arguments: Reader) -> Option<Answer> {
    let (handle, at, size) = (arguments.u64()?, arguments.u64()?, arguments.u32()?);
    let apply = || -> Answer {
        let handle = tree.handle(handle)?;
        let mut bytes = vec![0; usize::try_from(size).unwrap_or_default()];
        let count = handle.file().read_at(&mut bytes, at);
        let count = count.map_err(|error| system(&error))?;
        let mut answer = Writer::default();
        answer.bytes(&bytes[..count]);
        Ok(answer)
    };
    Some(apply())
}

pub(super) fn write(tree: &Tree, _: &Request, mut arguments: Reader) -> Option<Answer> {
    let (handle, at, size) = (arguments.u64()?, arguments.u64()?, arguments.u32()?);
    arguments.skip(4 + 8 + 4 + 4)?;
    let bytes = arguments.bytes(size)?;
    let apply = || -> Answer {
        let handle = tree.handle(handle)?;
        let count = handle.file().write_at(bytes, at);
        let count = count.map_err(|error| system(&error))?;
        let mut answer = Writer::default();
        answer.u32(u32::try_from(count).unwrap_or_default()).u32(0);
        Ok(answer)
    };
    Some(apply())
}

pub(super) fn sync(tree: &Tree, _: &Request, mut arguments: Reader) -> Option<Answer> {
    let (handle, flags) = (arguments.u64()?, arguments.u32()?);
    let synced = tree.handle(handle).and_then(|handle| match flags & 1 {
        0 => rustix::fs::fsync(handle.file()),
        _ => rustix::fs::fdatasync(handle.file()),
    });
    Some(synced.map(|()| Writer::default()))
}

pub(super) fn allocate(tree: &Tree, _: &Request, mut arguments: Reader) -> Option<Answer> {
    let (handle, at, length) = (arguments.u64()?, arguments.u64()?, arguments.u64()?);
    let mode = FallocateFlags::from_bits_retain(arguments.u32()?);
    let done = tree
        .handle(handle)
        .and_then(|handle| fallocate(handle.file(), mode, at, length));
    Some(done.map(|()| Writer::default()))
}

pub(super) fn close(tree: &Tree, _: &Request, mut arguments: Reader) -> Option<Answer> {
    tree.close(arguments.u64()?);
    Some(Ok(Writer::default()))
}

pub(super) fn nothing(_: &Tree, _: &Request, _: Reader) -> Option<Answer> {
    Some(Ok(Writer::default()))
}

pub(super) fn room(tree: &Tree, request: &Request, _: Reader) -> Option<Answer> {
    let room = tree.node(request.node).and_then(|node| fstatvfs(node.fd()));
    Some(room.map(|room| {
        let mut answer = Writer::default();
        let counts = [
            room.f_blocks,
            room.f_bfree,
            room.f_bavail,
            room.f_files,
            room.f_ffree,
        ];
        for count in counts {
            answer.u64(count);
        }
        for value in [room.f_bsize, room.f_namemax, room.f_frsize, 0] {
            answer.u32(u32::try_from(value).unwrap_or_default());
        }
        answer.bytes(&[0; 24]);
        answer
    }))
}
