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

use clap::Args;
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

/// Options of `rchaos watch`: those of `run`.
#[derive(Debug, Args)]
pub struct WatchArgs {
    #[command(flatten)]
    run: RunArgs,
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
    if !script.is_file() {
        let script = quoted(&script.display().to_string());
        return Err(Failure::new(Exit::Usage, format!("cannot find {script}")));
    }
    let failed = |error| Failure::new(Exit::Internal, format!("cannot watch: {error}"));
    let commands =
        Commands::new(std::env::args_os().collect(), args.run.summary()).map_err(failed)?;
    let runtime = event_loop()?;
    runtime
        .block_on(follow(commands, script.display().to_string()))
        .map_err(failed)?;
    Ok(Exit::Passed)
}

async fn follow(commands: Commands, script: String) -> std::io::Result<()> {
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
    let mut session = Session::new(commands, script, events, keys.is_some());
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
