//! A spawned program while it runs: its supervisor, what that tells, and what the program writes.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::identity::Identity;
use super::output::Output;
use super::ready::Ready;
use super::spawn::{Spawn, Stop};
use super::supervise::{Told, mark};
use crate::base::units::show_duration;
use crate::fault::outcome::within;
use crate::fault::stub::Stub;
use crate::fault::{Children, Healed, Trouble};

/// How many programs are known, unless more are running.
const KNOWN: usize = 100;

/// The programs of one agent by number, for questions about them.
#[derive(Default)]
pub(super) struct Programs(Mutex<HashMap<u64, State>>);

impl Programs {
    /// What is known of the program of fault `id`.
    pub(super) fn get(&self, id: u64) -> Option<State> {
        self.lock().get(&id).cloned()
    }

    /// Enters a program. Those that have ended are known for as long as there is room, so that a script can
    /// read what they wrote.
    pub(super) fn add(&self, id: u64, state: State) {
        let mut programs = self.lock();
        while programs.len() >= KNOWN {
            let ended = programs.iter().filter(|(_, one)| one.ended().is_some());
            let Some(oldest) = ended.map(|(id, _)| *id).min() else {
                break;
            };
            programs.remove(&oldest);
        }
        programs.insert(id, state);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, State>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is known of a running program.
#[derive(Clone, Default)]
pub(super) struct State {
    pub(super) output: Output,
    told: Arc<Mutex<Vec<Told>>>,
}

impl State {
    /// Its pid, once it has one.
    fn pid(&self) -> Option<i32> {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.iter().find_map(|told| match told {
            Told::Started(pid) => Some(*pid),
            Told::Ended(_) => None,
        })
    }

    /// How it ended, if it has.
    pub(super) fn ended(&self) -> Option<String> {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.iter().find_map(|told| match told {
            Told::Ended(how) => Some(how.clone()),
            Told::Started(_) => None,
        })
    }

    /// Listens to the supervisor on a thread of its own, until it has gone.
    fn listen(&self, line: UnixStream) -> std::io::Result<()> {
        let told = self.told.clone();
        let listen = move || {
            for text in BufReader::new(line).lines().map_while(Result::ok) {
                if let Ok(one) = serde_json::from_str(&text) {
                    let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
                    told.push(one);
                }
            }
            let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
            if !told.iter().any(|one| matches!(one, Told::Ended(_))) {
                told.push(Told::Ended("its supervisor has gone".to_owned()));
            }
        };
        std::thread::Builder::new()
            .name("spawned".to_owned())
            .spawn(listen)?;
        Ok(())
    }
}

/// A program that was started.
pub(super) struct Running {
    supervisor: Child,
    line: UnixStream,
    pub(super) state: State,
    pub(super) program: Option<Identity>,
}

impl Running {
    /// Starts the supervisor, and with it the program.
    pub(super) fn start(
        stub: &Stub,
        options: &Spawn,
        marker: &str,
        children: &Children,
    ) -> std::io::Result<Self> {
        let (ours, theirs) = UnixStream::pair()?;
        let prepare = |command: &mut Command| {
            command
                .stdin(Stdio::from(OwnedFd::from(theirs)))
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .envs(&options.env);
            mark(command, marker);
            if let Some(folder) = &options.cwd {
                command.current_dir(folder);
            }
        };
        let mut supervisor = children.start(stub, prepare)?;
        let state = State::default();
        let (out, err) = (supervisor.stdout.take(), supervisor.stderr.take());
        out.map_or(Ok(()), |out| state.output.read(out))?;
        err.map_or(Ok(()), |err| state.output.read(err))?;
        state.listen(ours.try_clone()?)?;
        Ok(Self {
            supervisor,
            line: ours,
            state,
            program: None,
        })
    }

    /// Waits for its pid and for the sign that it is ready.
    pub(super) fn wait(&mut self, name: &str, ready: Option<&Ready>) -> Result<(), Trouble> {
        let state = self.state.clone();
        within(Duration::from_secs(10), || {
            state.pid().is_some() || state.ended().is_some()
        });
        self.program = state.pid().and_then(|pid| Identity::of(pid).ok());
        let limit = ready.map_or(Duration::ZERO, |ready| ready.within);
        let end = Instant::now() + limit;
        loop {
            let ended = state.ended();
            // Without a sign to wait for, a program may be done already; 127 says that there was none.
            let missing = ended.as_ref().is_some_and(|how| how == "exit code 127");
            let Some(ready) = ready.filter(|_| !missing) else {
                return ended
                    .filter(|_| missing)
                    .map_or(Ok(()), |how| Err(self.died(name, &how)));
            };
            if let Some(how) = ended {
                return Err(self.died(name, &how));
            }
            let program = self.program.as_ref();
            if program.is_some_and(|program| ready.sign.seen(program, &state.output)) {
                return Ok(());
            }
            if Instant::now() > end {
                let sign = format!("{} within {}", ready.sign.label(), show_duration(limit));
                let text = format!("process.spawn: {name} is not ready: not seen that it {sign}");
                return Err(Trouble::Failed(text + &self.shown()));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn died(&self, name: &str, how: &str) -> Trouble {
        // Its last words may still be on their way.
        std::thread::sleep(Duration::from_millis(50));
        let text = format!("process.spawn: {name} ended before it was ready: {how}");
        Trouble::Failed(text + &self.shown())
    }

    fn shown(&self) -> String {
        let tail = self.state.output.tail(6);
        if tail.is_empty() {
            return "; it wrote nothing".to_owned();
        }
        // One line, as messages are.
        format!("; it wrote: {}", tail.replace('\n', " | "))
    }

    /// Asks it to end, then kills what is left.
    pub(super) fn stop(&mut self, stop: &Stop) -> Result<Healed, Trouble> {
        let gone = self.state.ended().is_some();
        if let Some(program) = self.program.as_ref().filter(|_| !gone) {
            // A stopped process hears nothing until it is killed.
            let asked = program.state() != Some('T') && program.signal(stop.signal.0)?;
            if asked {
                within(stop.within, || self.state.ended().is_some());
            }
        }
        // The supervisor sees the end of its line, kills what is left, and ends.
        let _ = self.line.shutdown(Shutdown::Both);
        let limit = Instant::now() + Duration::from_secs(6);
        while Instant::now() < limit {
            if matches!(self.supervisor.try_wait(), Ok(Some(_)) | Err(_)) {
                return Ok(if gone {
                    Healed::Vanished
                } else {
                    Healed::Restored
                });
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        // Stopped, perhaps: what it leaves is found by its mark.
        let _ = self.supervisor.kill();
        let _ = self.supervisor.wait();
        Ok(Healed::Restored)
    }
}
