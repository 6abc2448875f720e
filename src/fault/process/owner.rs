//! Whose a process is: its user, and the container that it runs in.

use std::fs;

use crate::fault::stub::User;

/// User and own group, given by name or number; a number without an entry is its own group's.
pub(super) fn user_entry(user: &str) -> Option<User> {
    let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let number: Option<u32> = user.parse().ok();
    let entry = passwd.lines().find_map(|line| {
        let fields: Vec<_> = line.split(':').collect();
        let uid = fields.get(2)?.parse().ok()?;
        let gid = fields.get(3)?.parse().ok()?;
        (fields[0] == user || number == Some(uid)).then_some(User { uid, gid })
    });
    entry.or(number.map(|uid| User { uid, gid: uid }))
}

/// The effective user of a process.
pub(super) fn user_of(pid: i32) -> Option<u32> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let ids = status.lines().find_map(|line| line.strip_prefix("Uid:"))?;
    ids.split_ascii_whitespace().nth(1)?.parse().ok()
}

/// The id of the container that a process runs in, under whatever runtime: the last 64 hexadecimal digits of
/// its control group's path (`/docker/ID`, `docker-ID.scope`, `cri-containerd-ID.scope`, `libpod-ID.scope`).
pub(in crate::fault) fn container_of(pid: i32) -> Option<String> {
    let text = fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?;
    text.lines().find_map(container_in)
}

fn container_in(line: &str) -> Option<String> {
    let path = line.splitn(3, ':').nth(2)?;
    path.rsplit('/').find_map(|part| {
        let part = part.strip_suffix(".scope").unwrap_or(part);
        let id = part.rsplit(['-', ':']).next()?;
        let all_hex = id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        all_hex.then(|| id.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_runtime_s_path_names_its_container() {
        let id = "3f".repeat(32);
        for path in [
            format!("4:memory:/docker/{id}"),
            format!("0::/system.slice/docker-{id}.scope"),
            format!("0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-{id}.scope"),
            format!("0::/machine.slice/libpod-{id}.scope/container"),
            format!("1:cpu:/kubepods/burstable/pod1/{id}"),
        ] {
            assert_eq!(container_in(&path), Some(id.clone()), "{path}");
        }
        assert_eq!(container_in("0::/user.slice/user-0.slice"), None);
        assert_eq!(container_in("4:memory:/process_api/9a8460f6fca2c10b"), None);
    }

    #[test]
    fn a_user_has_a_number() {
        let uid = |user| user_entry(user).map(|user| user.uid);
        assert_eq!(uid("root"), Some(0));
        assert_eq!(uid("1000"), Some(1000));
        assert_eq!(uid("nobody-of-that-name"), None);
        let me = i32::try_from(std::process::id()).unwrap();
        assert_eq!(user_of(me), Some(rustix::process::geteuid().as_raw()));
    }
}
