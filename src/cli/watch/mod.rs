//! `rchaos watch`: runs a script again whenever it, or a file that it reads, is saved.

mod child;
mod command;
mod files;
mod folders;
mod keys;
mod screen;
mod session;

use std::path::Path;
use std::time::Duration;

use clap::{Args, ValueEnum};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::channel;
use tokio::time::{MissedTickBehavior, interval};

use crate::base::text::quoted;

use super::diagnostic::Failure;
use super::exit::Exit;
use super::run::{RunArgs, event_loop};
use command::Commands;
use keys::Keys;
use screen::Stream;
use session::Session;

/// Options of `rchaos watch`: its own, and those of `run`.
#[derive(Debug, Args)]
pub struct WatchArgs {
    /// Inject the script's faults; without it they are only logged, as by --dry-run
    #[arg(long, conflicts_with = "dry_run")]
    arm: bool,
    /// What a save does while faults are live: wait until none is, or cancel the run, heal and start anew
    #[arg(
        long,
        value_enum,
        value_name = "WHAT",
        default_value = "queue",
        requires = "arm"
    )]
    on_busy: OnBusy,
    #[command(flatten)]
    run: RunArgs,
}

/// What a save does while faults are live.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum OnBusy {
    /// It waits until no fault is live, or the run has ended.
    Queue,
    /// It cancels the run, which heals; the new one starts when that was verified.
    Restart,
}

/// What a save may do.
#[derive(Debug, Clone, Copy)]
pub(super) struct Manners {
    /// Whether runs inject.
    pub armed: bool,
    /// What a save does while faults are live.
    pub on_busy: OnBusy,
}

/// How often children and files that are due are looked at.
const TICK: Duration = Duration::from_millis(50);

/// Events that wait at most; then a child waits to be read, and news of files is known already.
const QUEUE: usize = 256;

/// What happens to a watch.
#[derive(Debug)]
enum Event {
    /// A key was pressed.
    Key(u8),
    /// Something changed in a folder.
    Files,
    /// A child wrote a line.
    Text(u64, Stream, Vec<u8>),
    /// A child closed one of its streams.
    Closed(u64),
}

/// Runs the script and watches its files until it is told to end.
///
/// # Errors
///
/// There is no such script, or the system refuses signals or a temporary folder.
pub fn run(args: &WatchArgs) -> Result<Exit, Failure> {
    let script = args.run.file();
    if script == Path::new("-") {
        let message = "stdin cannot be watched; write the script's file";
        return Err(Failure::new(Exit::Usage, message));
    }
    if args.run.wants_terminal() {
        let message = "--tui cannot be watched: `rchaos watch` has the terminal; leave --tui out";
        return Err(Failure::new(Exit::Usage, message));
    }
    if !script.is_file() {
        let script = quoted(&script.display().to_string());
        return Err(Failure::new(Exit::Usage, format!("cannot find {script}")));
    }
    let failed = |error| Failure::new(Exit::Internal, format!("cannot watch: {error}"));
    let line = std::env::args_os().collect();
    let dry = !args.arm && !args.run.is_dry();
    let commands = Commands::new(line, args.run.summary(), dry).map_err(failed)?;
    let manners = Manners {
        armed: args.arm,
        on_busy: args.on_busy,
    };
    let runtime = event_loop()?;
    runtime
        .block_on(follow(commands, script.display().to_string(), manners))
        .map_err(failed)?;
    Ok(Exit::Passed)
}

async fn follow(commands: Commands, script: String, manners: Manners) -> std::io::Result<()> {
    let (events, mut happened) = channel(QUEUE);
    let mut signals = [
        SignalKind::interrupt(),
        SignalKind::terminate(),
        SignalKind::hangup(),
        SignalKind::quit(),
    ]
    .into_iter()
    .map(signal)
    .collect::<std::io::Result<Vec<_>>>()?;
    // Before the session, so that the terminal is put back after it.
    let keys = Keys::start(events.clone());
    let mut session = Session::new(commands, script, manners, events, keys.is_some());
    session.begin();
    let mut tick = interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while !session.is_over() {
        tokio::select! {
            Some(event) = happened.recv() => session.event(event),
            () = any(&mut signals) => session.quit(),
            _ = tick.tick() => session.step(),
        }
    }
    session.end();
    Ok(())
}

/// Waits for one of the signals.
async fn any(signals: &mut [Signal]) {
    std::future::poll_fn(|context| {
        let mut ready = false;
        for signal in signals.iter_mut() {
            ready |= signal.poll_recv(context).is_ready();
        }
        if ready {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
}
