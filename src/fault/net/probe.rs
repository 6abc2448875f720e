//! Tries in a scratch namespace what faults on packets need, for `rchaos doctor`.

use std::net::{TcpListener, TcpStream};
use std::sync::OnceLock;
use std::time::Duration;

use super::namespace::Scratch;
use super::netem::Netem;
use super::netlink::{NetlinkError, Socket};
use super::nft::{Expression, Field, Hook, Ruleset, Table};
use super::queue::{Delay, Impairment, Mode, Queue, Work};
use super::route::{self, traffic};
use super::sockets;
use crate::base::rng::Rng;

/// Puts a rule into a table of its own, reads it back, and lets both go.
pub(super) fn rules() -> Result<String, String> {
    let scratch = Scratch::create().map_err(|error| {
        format!("cannot make a network namespace: {error}; it takes root or CAP_SYS_ADMIN")
    })?;
    let tried = scratch.enter(|| {
        let table = Table::create("rchaos-probe")?;
        let mut ruleset = Ruleset::early();
        ruleset
            .rules
            .push((Hook::Output, vec![Expression::Count, Expression::Drop]));
        table.install(1, &ruleset, Duration::from_secs(5))?;
        let live = table.is_live(1, &ruleset)?;
        table.remove(1, &ruleset)?;
        Ok::<_, NetlinkError>((live, table.is_owned()))
    });
    match tried {
        Err(error) => Err(format!("cannot enter a network namespace: {error}")),
        Ok(Err(error)) => Err(error.to_string()),
        Ok(Ok((false, _))) => Err("a rule was accepted but cannot be read back".to_owned()),
        Ok(Ok((true, true))) => Ok("nf_tables with owner tables and leases".to_owned()),
        Ok(Ok((true, false))) => {
            Ok("nf_tables with leases; no owner tables before Linux 5.12".to_owned())
        }
    }
}

/// Makes a namespace and a bridge in it, and lets both go.
pub(super) fn network() -> Result<String, String> {
    let scratch = Scratch::create().map_err(|error| {
        format!("cannot make a network namespace: {error}; it takes root or CAP_SYS_ADMIN")
    })?;
    let tried = scratch.enter(|| route::add_bridge(&route::open()?, "br0"));
    match tried {
        Err(error) => Err(format!("cannot enter a network namespace: {error}")),
        Ok(Err(error)) => Err(error.to_string()),
        Ok(Ok(())) => Ok("network namespaces, veth and bridges".to_owned()),
    }
}

/// What impairments need: a packet queue, and for some of them better `netem`.
pub(super) fn impairment() -> Result<String, String> {
    let queue = queue()?;
    Ok(match netem() {
        true => format!("netem, and {queue}"),
        false => format!("{queue}; no netem in this kernel"),
    })
}

/// Starts a packet queue, hands it packets by a rule, and lets both go.
pub(super) fn queue() -> Result<String, String> {
    rules()?;
    let scratch =
        Scratch::create().map_err(|error| format!("cannot make a network namespace: {error}"))?;
    let tried = scratch.enter(|| {
        let table = Table::create("rchaos-probe")?;
        let rng = Rng::derive(0, "probe", 0);
        let queue = Queue::start(
            Mode::Resend,
            &Work::Impair(Impairment::default()),
            rng,
            1,
            || false,
        )?;
        let mut last = Ok("packet queues");
        for (way, words) in [
            (
                Expression::Queue(queue.number),
                "packet queues of nf_tables",
            ),
            (
                Expression::QueueTarget(queue.number),
                "packet queues by NFQUEUE",
            ),
        ] {
            let mut ruleset = Ruleset::early();
            ruleset.rules.push((Hook::Output, vec![way]));
            last = table
                .install(1, &ruleset, Duration::from_secs(5))
                .map(|()| words);
            if last.is_ok() {
                break;
            }
        }
        last
    });
    match tried {
        Err(error) => Err(format!("cannot enter a network namespace: {error}")),
        Ok(Err(error)) => Err(error.to_string()),
        Ok(Ok(words)) => Ok(words.to_owned()),
    }
}

/// Cuts a connection of its own, in a namespace of its own.
pub(super) fn destroy() -> Result<String, String> {
    let scratch = Scratch::create().map_err(|error| {
        format!("cannot make a network namespace: {error}; it takes root or CAP_SYS_ADMIN")
    })?;
    let tried = scratch.enter(|| -> Result<bool, String> {
        let said = |error: NetlinkError| error.to_string();
        route::set_up(&route::open().map_err(said)?, "lo").map_err(said)?;
        let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
        let to = listener.local_addr().map_err(|error| error.to_string())?;
        let _client = TcpStream::connect(to).map_err(|error| error.to_string())?;
        let socket = sockets::open().map_err(said)?;
        let all = sockets::connections(&socket, 6).map_err(said)?;
        let mut cut = false;
        for entry in &all {
            cut |= sockets::destroy(&socket, entry).map_err(said)?;
        }
        Ok(cut)
    });
    match tried {
        Err(error) => Err(format!("cannot enter a network namespace: {error}")),
        Ok(Err(error)) => Err(error),
        Ok(Ok(false)) => Err("a connection was found, but could not be cut".to_owned()),
        Ok(Ok(true)) => Ok("sock_diag destroys connections".to_owned()),
    }
}

/// Whether rules can match by control group, tried once.
pub(super) fn control_groups() -> bool {
    static TRIED: OnceLock<bool> = OnceLock::new();
    *TRIED.get_or_init(|| {
        let tried = Scratch::create().and_then(|scratch| {
            scratch.enter(|| {
                let table = Table::create("rchaos-probe")?;
                let mut ruleset = Ruleset::early();
                let group = Expression::Load(Field::ControlGroup { level: 1 });
                ruleset.rules.push((Hook::Output, vec![group]));
                table.install(1, &ruleset, Duration::from_secs(5))
            })
        });
        matches!(tried, Ok(Ok(())))
    })
}

/// Whether the kernel has the disciplines and classes that slow traffic, tried once.
pub(super) fn classes() -> bool {
    static TRIED: OnceLock<bool> = OnceLock::new();
    *TRIED.get_or_init(|| {
        in_class(|socket, lo, class| {
            let fifo = |message| traffic::fifo(message, 100_000);
            traffic::add_leaf(socket, lo, class, "bfifo", fifo)
        })
    })
}

/// Whether the kernel can impair packets by itself, tried once.
pub(super) fn netem() -> bool {
    static TRIED: OnceLock<bool> = OnceLock::new();
    *TRIED.get_or_init(|| {
        let delay = Some(Delay {
            delay: Duration::from_millis(1),
            ..Delay::default()
        });
        let impairment = Impairment {
            delay,
            ..Impairment::default()
        };
        let netem = Netem::of(&impairment, 0);
        netem.is_some_and(|netem| in_class(|socket, lo, class| netem.add(socket, lo, class)))
    })
}

/// Tries something on a class of the loopback of a namespace of its own.
fn in_class(work: impl FnOnce(&Socket, u32, u32) -> Result<(), NetlinkError> + Send) -> bool {
    let tried = Scratch::create().and_then(|scratch| {
        scratch.enter(|| {
            let socket = route::open()?;
            let (lo, class) = (route::link(&socket, "lo")?.index, traffic::OURS | 1);
            traffic::add_root(&socket, lo)?;
            traffic::add_class(&socket, lo, class, route::ClassPace::FREE)?;
            work(&socket, lo, class)
        })
    });
    matches!(tried, Ok(Ok(())))
}

/// What bandwidths need: a packet queue, and better also classes.
pub(super) fn bandwidth() -> Result<String, String> {
    let queue = queue()?;
    Ok(match classes() {
        true => format!("htb, and {queue}"),
        false => format!("{queue}; no htb in this kernel"),
    })
}
