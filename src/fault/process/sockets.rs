//! Which processes listen on a port: sockets of `/proc/PID/net`, held by descriptors of `/proc/PID/fd`.

use std::collections::{HashMap, HashSet};
use std::fs;

/// Sockets that listen on one port, per network namespace; each namespace is read once.
pub(super) struct Listeners {
    port: u16,
    namespaces: HashMap<String, HashSet<String>>,
}

impl Listeners {
    /// Nothing is read before it is asked for.
    pub(super) fn on(port: u16) -> Self {
        Self {
            port,
            namespaces: HashMap::new(),
        }
    }

    /// Whether the process has a TCP socket that listens on the port, or a UDP socket bound to it.
    pub(super) fn has(&mut self, pid: i32) -> bool {
        let Ok(namespace) = fs::read_link(format!("/proc/{pid}/ns/net")) else {
            return false;
        };
        let namespace = namespace.to_string_lossy().into_owned();
        let port = self.port;
        let sockets = self
            .namespaces
            .entry(namespace)
            .or_insert_with(|| sockets(pid, port));
        if sockets.is_empty() {
            return false;
        }
        let descriptors = fs::read_dir(format!("/proc/{pid}/fd"));
        descriptors.into_iter().flatten().flatten().any(|entry| {
            fs::read_link(entry.path())
                .is_ok_and(|link| sockets.contains(link.to_string_lossy().as_ref()))
        })
    }
}

/// The inodes of all sockets that a process has open; none when it has gone.
pub(in crate::fault) fn inodes_of(pid: i32) -> HashSet<u32> {
    let descriptors = fs::read_dir(format!("/proc/{pid}/fd"));
    let links = descriptors.into_iter().flatten().flatten();
    let inode = |entry: fs::DirEntry| {
        let link = fs::read_link(entry.path()).ok()?;
        let inode = link.to_str()?.strip_prefix("socket:[")?;
        inode.strip_suffix(']')?.parse().ok()
    };
    links.filter_map(inode).collect()
}

/// The sockets, as links of descriptors name them (`socket:[4711]`), in the namespace of process `pid`.
fn sockets(pid: i32, port: u16) -> HashSet<String> {
    // State 0A is listening; a bound UDP socket without a peer is in state 07.
    [("tcp", "0A"), ("tcp6", "0A"), ("udp", "07"), ("udp6", "07")]
        .into_iter()
        .filter_map(|(file, state)| {
            let text = fs::read_to_string(format!("/proc/{pid}/net/{file}")).ok()?;
            Some((text, state))
        })
        .flat_map(|(text, state)| {
            let lines = text.lines().skip(1);
            lines
                .filter_map(|line| listening(line, state, port))
                .collect::<Vec<_>>()
        })
        .collect()
}

/// The socket of one line of `/proc/net/tcp`, if it is in that state on that port.
fn listening(line: &str, state: &str, port: u16) -> Option<String> {
    let fields: Vec<_> = line.split_ascii_whitespace().collect();
    let (_, local) = fields.get(1)?.rsplit_once(':')?;
    let same =
        *fields.get(3)? == state && u16::from_str_radix(local, 16).is_ok_and(|local| local == port);
    same.then(|| format!("socket:[{}]", fields.get(9).copied().unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_process_that_listens_is_found() {
        let me = i32::try_from(std::process::id()).unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        assert!(Listeners::on(port).has(me));
        drop(listener);
        let datagrams = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        assert!(Listeners::on(datagrams.local_addr().unwrap().port()).has(me));
        // A client's end of a connection listens to nothing.
        let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let client = std::net::TcpStream::connect(server.local_addr().unwrap()).unwrap();
        assert!(!Listeners::on(client.local_addr().unwrap().port()).has(me));
    }
}
