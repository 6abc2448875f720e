//! The socket options that rustix does not know: the namespace's cookie, marks, filters, better errors.
#![expect(
    unsafe_code,
    reason = "rustix has no generic getsockopt and setsockopt, and no wrapper for these options"
)]

use std::io;
use std::os::fd::{AsFd, AsRawFd};

/// The cookie of the network namespace that a socket belongs to: unique until the next boot, and
/// never given to another namespace (an inode number is).
pub(super) fn netns_cookie(socket: impl AsFd) -> io::Result<u64> {
    let mut cookie = 0_u64;
    let mut length = libc::socklen_t::try_from(size_of::<u64>()).unwrap_or_default();
    // SAFETY: the kernel writes at most `length` bytes, the size of `cookie`, which is a plain
    // integer; both pointers are to locals that outlive the call.
    let result = unsafe {
        libc::getsockopt(
            socket.as_fd().as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_NETNS_COOKIE,
            (&raw mut cookie).cast(),
            &raw mut length,
        )
    };
    if result == 0 {
        Ok(cookie)
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Asks the kernel to say in words what was wrong with a request. Older kernels refuse: then the
/// number has to do.
pub(super) fn explain_errors(socket: impl AsFd) {
    for option in [libc::NETLINK_EXT_ACK, libc::NETLINK_CAP_ACK] {
        // An error's number says enough where this is refused.
        let _ = set(&socket, libc::SOL_NETLINK, option, 1);
    }
}

/// Messages that found no room are dropped without a word: the reader goes on.
pub(super) fn ignore_overruns(socket: impl AsFd) -> io::Result<()> {
    set(&socket, libc::SOL_NETLINK, libc::NETLINK_NO_ENOBUFS, 1)
}

/// Marks all that the socket sends.
pub(super) fn set_mark(socket: impl AsFd, mark: u32) -> io::Result<()> {
    set(&socket, libc::SOL_SOCKET, libc::SO_MARK, mark.cast_signed())
}

/// Drops all that arrives for the socket before its protocol sees it, answers to its first packet too.
pub(in crate::fault) fn drop_all_received(socket: impl AsFd) -> io::Result<()> {
    // `ret #0`: the program keeps no byte of any packet.
    let mut program = [libc::sock_filter {
        code: 0x06,
        jt: 0,
        jf: 0,
        k: 0,
    }];
    let filter = libc::sock_fprog {
        len: 1,
        filter: program.as_mut_ptr(),
    };
    let length = libc::socklen_t::try_from(size_of::<libc::sock_fprog>()).unwrap_or_default();
    // SAFETY: the kernel reads `length` bytes of `filter` and copies the `len` instructions that it points to; both
    // are locals that outlive the call.
    let result = unsafe {
        libc::setsockopt(
            socket.as_fd().as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_ATTACH_FILTER,
            (&raw const filter).cast(),
            length,
        )
    };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

fn set(socket: &impl AsFd, level: i32, option: i32, value: libc::c_int) -> io::Result<()> {
    let length = libc::socklen_t::try_from(size_of::<libc::c_int>()).unwrap_or_default();
    // SAFETY: the kernel reads `length` bytes of `value`, which is that long and outlives the call.
    let result = unsafe {
        libc::setsockopt(
            socket.as_fd().as_raw_fd(),
            level,
            option,
            (&raw const value).cast(),
            length,
        )
    };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}
