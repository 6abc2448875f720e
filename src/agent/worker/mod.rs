//! The worker: the process that injects, verifies, holds, renews and heals.
//!
//! ```text
//! ears      reads commands; main loop: silence, time-outs, halts       (mod.rs)
//! pulse     beats both ways, and whether the controller's are fresh
//! mouth     writes reports, so that a reader that hangs holds up nobody
//! desk      what is held, and the journal
//! inject    the way in of one fault
//! heal      the way out, of one and of all
//! upkeep    leases renewed, effects observed, times that are up
//! ```

mod desk;
mod heal;
mod inject;
mod mouth;
mod pulse;
mod upkeep;

use std::io::BufRead;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use super::guardian::keep_signals;
use super::paths::Paths;
use super::protocol::{Command, Hello, LONGEST, Report, Task};
use crate::fault::Trouble;
use desk::Desk;
use mouth::Mouth;

/// What a worker is told by its guardian.
#[derive(Debug, Clone)]
pub struct WorkerArgs {
    /// The agent's id.
    pub agent: String,
    /// Where journals are.
    pub paths: Paths,
}

/// Works until the controller, the guardian or the run ends. True if nothing is left behind.
///
/// # Errors
///
/// No guardian, or no threads.
pub fn work(args: WorkerArgs) -> std::io::Result<bool> {
    keep_signals()?;
    let terminated = Arc::new(std::sync::atomic::AtomicBool::new(false));
    signal_hook::flag::register(signal_hook::consts::SIGTERM, terminated.clone())?;
    harden();
    let name = format!("rchaos-{}", args.agent);
    let guardian = UnixStream::connect_addr(&SocketAddr::from_abstract_name(name.as_bytes())?)?;
    let mouth = Mouth::start()?;
    let commands = ears()?;
    let Some(hello) = hello(&commands, &mouth) else {
        return Ok(true);
    };
    let desk = match Desk::open(args, &hello, &guardian, mouth.clone()) {
        Ok(desk) => desk,
        Err(trouble) => {
            mouth.say(&Report::Refused { trouble });
            mouth.finish();
            return Ok(true);
        }
    };
    pulse::start(&desk, guardian)?;
    upkeep::start(&desk)?;
    mouth.say(&Report::Ready(desk.ready()));
    let reason = listen(&desk, &commands, &terminated);
    tracing::debug!("agent ends: {reason}");
    let left = heal::all_and_close(&desk, &reason);
    let clean = left.is_empty();
    mouth.say(&Report::Gone { left });
    mouth.finish();
    Ok(clean)
}

/// What the worker hears.
#[expect(
    clippy::large_enum_variant,
    reason = "a few are under way at a time, and boxes cannot be matched"
)]
enum Heard {
    Line(Command),
    Garbage(String),
    End,
}

/// Reads commands on a thread of its own.
fn ears() -> std::io::Result<Receiver<Heard>> {
    let (heard, commands) = channel();
    std::thread::Builder::new()
        .name("ears".to_owned())
        .spawn(move || {
            let mut input = std::io::BufReader::new(std::io::stdin());
            let mut line = Vec::new();
            loop {
                line.clear();
                let mut limited = std::io::Read::take(&mut input, LONGEST);
                let word = match limited.read_until(b'\n', &mut line) {
                    Ok(0) | Err(_) => Heard::End,
                    Ok(_) => match serde_json::from_slice(&line) {
                        Ok(command) => Heard::Line(command),
                        Err(error) => Heard::Garbage(error.to_string()),
                    },
                };
                let end = matches!(word, Heard::End);
                if heard.send(word).is_err() || end {
                    return;
                }
            }
        })?;
    Ok(commands)
}

/// Waits for the first word; anything else than a hello of our version is refused.
fn hello(commands: &Receiver<Heard>, mouth: &Mouth) -> Option<Hello> {
    let refuse = |text: String| {
        mouth.say(&Report::Refused {
            trouble: Trouble::Precondition(text),
        });
        mouth.finish();
        None
    };
    match commands.recv_timeout(Duration::from_secs(15)) {
        Ok(Heard::Line(Command::Hello(hello))) => {
            if hello.version == super::protocol::VERSION {
                return Some(hello);
            }
            refuse(format!(
                "the controller is rchaos {}, this agent is {}: their protocols differ; install the same version",
                hello.program,
                env!("CARGO_PKG_VERSION")
            ))
        }
        Ok(Heard::Garbage(error)) => refuse(format!("the first line is no hello: {error}")),
        Ok(Heard::Line(_)) => refuse("the first line is no hello".to_owned()),
        _ => None,
    }
}

/// Does what is said until something ends it; says what that was.
fn listen(
    desk: &Arc<Desk>,
    commands: &Receiver<Heard>,
    terminated: &std::sync::atomic::AtomicBool,
) -> String {
    loop {
        match commands.recv_timeout(Duration::from_millis(50)) {
            Ok(Heard::Line(Command::Bye)) => return "the run has ended".to_owned(),
            Ok(Heard::Line(command)) => act(desk, command),
            Ok(Heard::Garbage(error)) => {
                return format!("the controller does not make sense: {error}");
            }
            Ok(Heard::End) | Err(RecvTimeoutError::Disconnected) => {
                return "the controller is gone".to_owned();
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
        if terminated.load(std::sync::atomic::Ordering::Relaxed) {
            return "SIGTERM".to_owned();
        }
        if let Some(reason) = desk.lost() {
            return reason;
        }
        desk.start_waiting();
        desk.look_for_halt();
    }
}

fn act(desk: &Arc<Desk>, command: Command) {
    match command {
        Command::Beat { echo } => desk.pulse.heard(echo),
        Command::Do {
            seq,
            epoch,
            echo,
            task,
        } => {
            desk.pulse.heard(echo);
            let heals = matches!(task, Task::Heal { .. } | Task::HealAll { .. });
            if !heals && (!desk.pulse.is_recent(echo) || epoch < desk.epoch()) {
                let text =
                    "the command is too old: its time is over, or everything was healed since";
                let result = Err(Trouble::Fenced(text.to_owned()));
                desk.mouth.say(&Report::Reply { seq, result });
                return;
            }
            desk.run(move |desk| {
                let result = perform(desk, task, epoch);
                desk.mouth.say(&Report::Reply { seq, result });
            });
        }
        // Said once; again is no harm.
        Command::Hello(_) | Command::Bye => {}
    }
}

fn perform(desk: &Arc<Desk>, task: Task, epoch: u64) -> Result<super::protocol::Answer, Trouble> {
    use super::protocol::Answer;
    match task {
        Task::Preflight(spec) => inject::preflight(desk, &spec).map(Answer::Preflight),
        Task::Inject(order) => inject::inject(desk, order, epoch).map(Answer::Injected),
        Task::Update { id, spec } => inject::update(desk, id, &spec, epoch).map(Answer::Injected),
        Task::Heal { id } => heal::one(desk, id).map(Answer::Healed),
        Task::HealAll { fixtures } => {
            let all = heal::all(desk, fixtures);
            let epoch = desk.epoch();
            Ok(Answer::HealedAll { epoch, all })
        }
        Task::Ask { query, options } => inject::ask(desk, &query, &options).map(Answer::Told),
    }
}

/// Makes it likely that a fault on this host takes this process last. What is not allowed is left.
pub(super) fn harden() {
    use rustix::mm::{MlockAllFlags, mlockall};
    let _ = mlockall(MlockAllFlags::CURRENT | MlockAllFlags::FUTURE | MlockAllFlags::ONFAULT);
    let _ = std::fs::write("/proc/self/oom_score_adj", "-1000");
}
