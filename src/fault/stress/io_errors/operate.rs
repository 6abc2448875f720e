//! What each request comes to on the folder below: what a program would get without us.

use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::ffi::OsStrExt;

use rustix::fs::{
    AtFlags, FileType, Gid, Mode, OFlags, RenameFlags, Stat, Timespec, Timestamps, UTIME_NOW,
    UTIME_OMIT, Uid, chmodat, chownat, linkat, mkdirat, mknodat, openat, readlinkat, renameat_with,
    statat, symlinkat, unlinkat, utimensat,
};
use rustix::io::Errno;

use super::content::{
    DIRECT, allocate, close, flags, nothing, open_file, open_folder, read, read_folder, room, sync,
    write,
};
use super::rule::Operation;
use super::tree::{Handle, Node, Tree};
use super::wire::{Reader, Request, Writer};

/// What is answered: the answer's own bytes.
pub(super) type Answer = Result<Writer, Errno>;

/// How a request is carried out.
type Act = fn(&Tree, &Request, Reader) -> Option<Answer>;

/// The requests by the kernel's number, with what programs call them.
const ACTS: &[(u32, Option<Operation>, Act)] = &[
    (1, Some(Operation::Stat), look_up),
    (3, Some(Operation::Stat), attributes),
    (4, Some(Operation::Change), change),
    (5, Some(Operation::Read), read_link),
    (6, Some(Operation::Create), link_to),
    (8, Some(Operation::Create), make_node),
    (9, Some(Operation::Create), make_folder),
    (10, Some(Operation::Remove), remove_file),
    (11, Some(Operation::Remove), remove_folder),
    (12, Some(Operation::Rename), rename),
    (13, Some(Operation::Create), link),
    (14, Some(Operation::Open), open_file),
    (15, Some(Operation::Read), read),
    (16, Some(Operation::Write), write),
    (17, Some(Operation::Stat), room),
    (18, None, close),
    (20, Some(Operation::Sync), sync),
    (25, None, nothing),
    (27, Some(Operation::Open), open_folder),
    (28, Some(Operation::List), read_folder),
    (29, None, close),
    (30, Some(Operation::Sync), sync),
    (35, Some(Operation::Create), create),
    (43, Some(Operation::Write), allocate),
    (45, Some(Operation::Rename), rename_with),
];

/// A request by its number; `None` for one that is not needed here.
pub(super) fn act(opcode: u32) -> Option<(Option<Operation>, Act)> {
    let found = ACTS.iter().find(|(number, ..)| *number == opcode);
    found.map(|(_, operation, act)| (*operation, *act))
}

fn name_of(bytes: &[u8]) -> &OsStr {
    OsStr::from_bytes(bytes)
}

fn entry(tree: &Tree, folder: &Node, name: &[u8]) -> Answer {
    let (number, stat) = tree.look_up(folder, name)?;
    let mut answer = Writer::default();
    answer.entry(number, &stat);
    Ok(answer)
}

fn attributes_of(stat: &Stat) -> Writer {
    let mut answer = Writer::default();
    answer.attribute_answer(stat);
    answer
}

/// Gives what was made to who asked; in a folder that hands its group on, the group stays.
fn hand_over(request: &Request, folder: &Node, name: &[u8]) -> Result<(), Errno> {
    let inherits = folder.stat()?.st_mode & Mode::SGID.bits() != 0;
    let group = (!inherits).then(|| Gid::from_raw(request.gid));
    let owner = Some(Uid::from_raw(request.uid));
    chownat(
        folder.fd(),
        name_of(name),
        owner,
        group,
        AtFlags::SYMLINK_NOFOLLOW,
    )
}

fn look_up(tree: &Tree, request: &Request, mut arguments: Reader) -> Option<Answer> {
    let name = arguments.name()?;
    Some(
        tree.node(request.node)
            .and_then(|folder| entry(tree, &folder, name)),
    )
}

fn attributes(tree: &Tree, request: &Request, _: Reader) -> Option<Answer> {
    let stat = tree.node(request.node).and_then(|node| node.stat());
    Some(stat.map(|stat| attributes_of(&stat)))
}

fn change(tree: &Tree, request: &Request, mut arguments: Reader) -> Option<Answer> {
    let valid = arguments.u32()?;
    arguments.skip(4 + 8)?;
    let size = arguments.u64()?;
    arguments.skip(8)?;
    let (atime, mtime) = (arguments.u64()?, arguments.u64()?);
    arguments.skip(8)?;
    let (atime_nanos, mtime_nanos) = (arguments.u32()?, arguments.u32()?);
    arguments.skip(4)?;
    let mode = arguments.u32()?;
    arguments.skip(4)?;
    let (uid, gid) = (arguments.u32()?, arguments.u32()?);
    let has = |bit: u32| valid & (1 << bit) != 0;
    let time = |set: bool, now: bool, seconds: u64, nanos: u32| {
        let tv_nsec = match (set, now) {
            (_, true) => UTIME_NOW,
            (true, false) => i64::from(nanos),
            (false, false) => UTIME_OMIT,
        };
        Timespec {
            tv_sec: seconds.cast_signed(),
            tv_nsec,
        }
    };
    let apply = || -> Answer {
        let node = tree.node(request.node)?;
        if has(0) {
            let mode = Mode::from_raw_mode(mode & 0o7777);
            chmodat(tree.descriptors(), node.name(), mode, AtFlags::empty())?;
        }
        if has(1) || has(2) {
            let owner = has(1).then(|| Uid::from_raw(uid));
            let group = has(2).then(|| Gid::from_raw(gid));
            chownat(node.fd(), c"", owner, group, AtFlags::EMPTY_PATH)?;
        }
        if has(3) {
            let write = OFlags::WRONLY | OFlags::CLOEXEC;
            let file = openat(tree.descriptors(), node.name(), write, Mode::empty())?;
            rustix::fs::ftruncate(file, size)?;
        }
        if has(4) || has(5) || has(7) || has(8) {
            let times = Timestamps {
                last_access: time(has(4), has(7), atime, atime_nanos),
                last_modification: time(has(5), has(8), mtime, mtime_nanos),
            };
            utimensat(tree.descriptors(), node.name(), &times, AtFlags::empty())?;
        }
        Ok(attributes_of(&node.stat()?))
    };
    Some(apply())
}

fn read_link(tree: &Tree, request: &Request, _: Reader) -> Option<Answer> {
    let text = tree
        .node(request.node)
        .and_then(|node| readlinkat(node.fd(), c"", Vec::new()));
    Some(text.map(|text| {
        let mut answer = Writer::default();
        answer.bytes(text.as_bytes());
        answer
    }))
}

/// Makes something of a name in a folder, and answers with it.
fn made(
    tree: &Tree,
    request: &Request,
    name: &[u8],
    make: impl FnOnce(&Node) -> Result<(), Errno>,
) -> Answer {
    let folder = tree.node(request.node)?;
    make(&folder)?;
    hand_over(request, &folder, name)?;
    entry(tree, &folder, name)
}

fn link_to(tree: &Tree, request: &Request, mut arguments: Reader) -> Option<Answer> {
    let (name, to) = (arguments.name()?, arguments.name()?);
    Some(made(tree, request, name, |folder| {
        symlinkat(name_of(to), folder.fd(), name_of(name))
    }))
}

fn make_node(tree: &Tree, request: &Request, mut arguments: Reader) -> Option<Answer> {
    let (mode, device) = (arguments.u32()?, arguments.u32()?);
    arguments.skip(8)?;
    let name = arguments.name()?;
    Some(made(tree, request, name, |folder| {
        let kind = FileType::from_raw_mode(mode);
        let mode = Mode::from_raw_mode(mode & 0o7777);
        mknodat(folder.fd(), name_of(name), kind, mode, u64::from(device))
    }))
}

fn make_folder(tree: &Tree, request: &Request, mut arguments: Reader) -> Option<Answer> {
    let mode = arguments.u32()?;
    arguments.skip(4)?;
    let name = arguments.name()?;
    Some(made(tree, request, name, |folder| {
        let mode = Mode::from_raw_mode(mode & 0o7777);
        mkdirat(folder.fd(), name_of(name), mode)
    }))
}

fn remove(tree: &Tree, request: &Request, mut arguments: Reader, flags: AtFlags) -> Option<Answer> {
    let name = arguments.name()?;
    let removed = tree
        .node(request.node)
        .and_then(|folder| unlinkat(folder.fd(), name_of(name), flags));
    Some(removed.map(|()| Writer::default()))
}

fn remove_file(tree: &Tree, request: &Request, arguments: Reader) -> Option<Answer> {
    remove(tree, request, arguments, AtFlags::empty())
}

fn remove_folder(tree: &Tree, request: &Request, arguments: Reader) -> Option<Answer> {
    remove(tree, request, arguments, AtFlags::REMOVEDIR)
}

fn renamed(
    tree: &Tree,
    request: &Request,
    to: u64,
    mut arguments: Reader,
    flags: u32,
) -> Option<Answer> {
    let (name, new) = (arguments.name()?, arguments.name()?);
    let apply = || -> Answer {
        let (from, to) = (tree.node(request.node)?, tree.node(to)?);
        let flags = RenameFlags::from_bits_retain(flags);
        renameat_with(from.fd(), name_of(name), to.fd(), name_of(new), flags)?;
        Ok(Writer::default())
    };
    Some(apply())
}

fn rename(tree: &Tree, request: &Request, mut arguments: Reader) -> Option<Answer> {
    let to = arguments.u64()?;
    renamed(tree, request, to, arguments, 0)
}

fn rename_with(tree: &Tree, request: &Request, mut arguments: Reader) -> Option<Answer> {
    let (to, flags) = (arguments.u64()?, arguments.u32()?);
    arguments.skip(4)?;
    renamed(tree, request, to, arguments, flags)
}

fn link(tree: &Tree, request: &Request, mut arguments: Reader) -> Option<Answer> {
    let (old, name) = (arguments.u64()?, arguments.name()?);
    let apply = || -> Answer {
        let (folder, old) = (tree.node(request.node)?, tree.node(old)?);
        let follow = AtFlags::SYMLINK_FOLLOW;
        linkat(
            tree.descriptors(),
            old.name(),
            folder.fd(),
            name_of(name),
            follow,
        )?;
        entry(tree, &folder, name)
    };
    Some(apply())
}

fn create(tree: &Tree, request: &Request, mut arguments: Reader) -> Option<Answer> {
    let (raw, mode) = (arguments.u32()?, arguments.u32()?);
    arguments.skip(8)?;
    let name = arguments.name()?;
    let apply = || -> Answer {
        let folder = tree.node(request.node)?;
        let exclusive = OFlags::from_bits_retain(raw) & OFlags::EXCL;
        let wanted = flags(raw) | OFlags::CREATE | exclusive | OFlags::NOFOLLOW;
        let mode = Mode::from_raw_mode(mode & 0o7777);
        let there = statat(folder.fd(), name_of(name), AtFlags::SYMLINK_NOFOLLOW).is_ok();
        let file = openat(folder.fd(), name_of(name), wanted, mode)?;
        if !there {
            hand_over(request, &folder, name)?;
        }
        let mut answer = entry(tree, &folder, name)?;
        answer.opened(tree.open(Handle::File(File::from(file))), DIRECT);
        Ok(answer)
    };
    Some(apply())
}
