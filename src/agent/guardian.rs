//! The guardian: parent of the worker. Tiny; it watches, and heals the journal when the worker cannot.

use std::io::{Read, Write};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::process::{Child, Command};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use super::deadman::Deadman;
use super::paths::Paths;
use super::protocol::{Mended, Report, line};
use super::recover::{Recovery, recover};
use super::worker::harden;

/// What a guardian is told.
#[derive(Debug, Clone)]
pub struct GuardianArgs {
    /// Where journals are.
    pub paths: Paths,
    /// Whether a timer of systemd heals when this and the worker are both lost.
    pub deadman: bool,
}

/// How often guardian and worker beat.
pub(super) const BEAT: Duration = Duration::from_millis(500);

/// How long a worker may take to say its first word.
const START: Duration = Duration::from_secs(20);

/// Starts a worker with this process' standard streams, and watches it until everything is healed. True if it is.
///
/// # Errors
///
/// The system gives no process or socket.
pub fn guard(args: &GuardianArgs) -> std::io::Result<bool> {
    // Away from the terminal: its Ctrl-C is for the controller. A leader of a group is away already.
    let _ = rustix::process::setsid();
    keep_signals()?;
    harden();
    let agent = crate::base::rng::fresh_id();
    let deadman = match args.deadman.then(|| Deadman::start(&agent, &args.paths)) {
        Some(Err(trouble)) => {
            let report = line(&Report::Refused { trouble });
            std::io::stdout().write_all(report.as_bytes())?;
            return Ok(true);
        }
        Some(Ok(deadman)) => Some(deadman),
        None => None,
    };
    let clean = watch_over(args, &agent)?;
    if let Some(deadman) = deadman.filter(|_| clean) {
        deadman.stop();
    }
    Ok(clean)
}

/// Starts the worker and watches it until everything is healed. True if it is.
fn watch_over(args: &GuardianArgs, agent: &str) -> std::io::Result<bool> {
    let name = format!("rchaos-{agent}");
    let listener = UnixListener::bind_addr(&SocketAddr::from_abstract_name(name.as_bytes())?)?;
    let mut child = Command::new(std::env::current_exe()?)
        .args(["agent", "--worker", agent])
        .spawn()?;
    let Some(stream) = accept(&listener, &mut child)? else {
        return Ok(child.wait()?.success());
    };
    let reason = watch(&mut child, stream)?;
    let Some(reason) = reason else {
        return Ok(true);
    };
    let wanted = Recovery {
        agent: Some(agent.to_owned()),
        as_guardian: true,
        dry_run: false,
    };
    let healed: Vec<Mended> = recover(&args.paths, &wanted)?
        .into_iter()
        .flat_map(|one| one.mended)
        .collect();
    let clean = healed.iter().all(Mended::clean);
    let report = line(&Report::Guardian { reason, healed });
    // The controller may be gone, which is why this heals.
    let _ = std::io::stdout().write_all(report.as_bytes());
    Ok(clean)
}

/// Signals that would end this process at the wrong time; the streams say when to end.
pub(super) fn keep_signals() -> std::io::Result<()> {
    for signal in [
        signal_hook::consts::SIGINT,
        signal_hook::consts::SIGHUP,
        signal_hook::consts::SIGQUIT,
        signal_hook::consts::SIGPIPE,
    ] {
        signal_hook::flag::register(signal, Arc::new(AtomicBool::new(false)))?;
    }
    Ok(())
}

/// Waits for the worker to call; `None` when it has ended before.
fn accept(listener: &UnixListener, child: &mut Child) -> std::io::Result<Option<UnixStream>> {
    listener.set_nonblocking(true)?;
    let limit = Instant::now() + START;
    loop {
        if let Ok((stream, _)) = listener.accept() {
            let peer = rustix::net::sockopt::socket_peercred(&stream)?;
            let pid = peer.pid.as_raw_nonzero().get();
            if u32::try_from(pid).is_ok_and(|pid| pid == child.id()) {
                stream.set_nonblocking(false)?;
                return Ok(Some(stream));
            }
        }
        if child.try_wait()?.is_some() || Instant::now() > limit {
            // Nothing is injected before the worker has called.
            let _ = child.kill();
            return Ok(None);
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Watches the worker; `None` when it has ended by itself with nothing left, else why it must be replaced.
fn watch(child: &mut Child, mut stream: UnixStream) -> std::io::Result<Option<String>> {
    stream.set_read_timeout(Some(BEAT))?;
    stream.set_write_timeout(Some(BEAT))?;
    let mut lease = START;
    let mut heard = super::host::now();
    let mut word = [0; 8];
    loop {
        let _ = stream.write_all(&[1]);
        match stream.read(&mut word) {
            // Its end of the line closes with it; its status says the rest.
            Ok(0) => {
                let status = child.wait()?;
                let how = crate::fault::ended(status);
                return Ok((!status.success()).then(|| format!("the worker ended with {how}")));
            }
            Ok(_) => {
                heard = super::host::now();
                // The first word is the lease in tenths of a second, later ones are beats.
                if lease == START {
                    lease = Duration::from_millis(
                        u64::from(u16::from_le_bytes([word[0], word[1]])) * 100,
                    );
                }
            }
            Err(_timeout) => {}
        }
        if super::host::now().saturating_sub(heard) > lease {
            // A frozen process is not ended by anything gentler; it must not go on later.
            let _ = child.kill();
            child.wait()?;
            return Ok(Some(format!(
                "the worker was silent for more than {} ms",
                lease.as_millis()
            )));
        }
    }
}
