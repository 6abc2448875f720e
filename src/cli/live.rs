//! The live view's terminal: taken over, given back on every way out, and watched for keys.

use std::io::{IsTerminal, Stdout, Write, stdin, stdout};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError};
use std::thread;
use std::time::Duration;

use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Signal, getpid, kill_process};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use crate::output::LiveView;

use super::diagnostic::Failure;
use super::exit::Exit;

/// How often the screen is drawn and keys are looked for.
const FRAME: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 100_000_000,
};
/// The screen that programs have for themselves, without a cursor.
const ENTER: &[u8] = b"\x1b[?1049h\x1b[?25l\x1b[2J";
const LEAVE: &[u8] = b"\x1b[?25h\x1b[?1049l";
const KEYS: &str = "q stops and heals · Ctrl-Z suspends";
const ENDING: &str = "healing and ending; q again leaves it to the agents";

/// The modes of the terminal before it was taken over; `None` while it is not. Apart from everything
/// else, so that a panic anywhere can put the terminal back.
static TAKEN: Mutex<Option<Termios>> = Mutex::new(None);
/// Whether a panic gave the terminal back for good.
static BROKEN: AtomicBool = AtomicBool::new(false);
static HOOK: Once = Once::new();

fn taken() -> MutexGuard<'static, Option<Termios>> {
    TAKEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether there is a terminal for a live view, if one is wanted.
///
/// # Errors
///
/// Standard input or output is none, with what to do instead.
pub fn possible(wanted: bool) -> Result<(), Failure> {
    if !wanted {
        return Ok(());
    }
    let refused = |stream: &str| {
        let message = format!(
            "--tui needs a terminal, and standard {stream} is none; leave --tui out, the plain \
             progress is shown everywhere"
        );
        Err(Failure::new(Exit::Usage, message))
    };
    if !stdout().is_terminal() {
        return refused("output");
    }
    if !stdin().is_terminal() {
        return refused("input");
    }
    Ok(())
}

/// A terminal with a live view on it.
pub struct Live {
    view: LiveView,
    terminal: Option<Terminal<CrosstermBackend<Stdout>>>,
    signals: Signals,
}

/// What else than keys may have happened.
#[derive(Clone)]
struct Signals {
    suspend: Arc<AtomicBool>,
    end: Arc<AtomicBool>,
}

impl Signals {
    fn catch() -> Self {
        use signal_hook::consts::{SIGHUP, SIGQUIT, SIGTSTP};
        let caught = Self {
            suspend: Arc::default(),
            end: Arc::default(),
        };
        // None of them is refused by any system; uncaught, they end or stop the process as ever.
        let _ = signal_hook::flag::register(SIGTSTP, Arc::clone(&caught.suspend));
        let _ = signal_hook::flag::register(SIGHUP, Arc::clone(&caught.end));
        let _ = signal_hook::flag::register(SIGQUIT, Arc::clone(&caught.end));
        caught
    }
}

impl Live {
    /// Takes the terminal over.
    pub fn begin(title: &str) -> Self {
        HOOK.call_once(|| {
            let before = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |panic| {
                BROKEN.store(true, Ordering::SeqCst);
                give_back();
                before(panic);
            }));
        });
        let signals = Signals::catch();
        take_over();
        Self {
            view: LiveView::new(title, KEYS),
            terminal: Terminal::new(CrosstermBackend::new(stdout())).ok(),
            signals,
        }
    }

    /// What is shown.
    pub fn view(&mut self) -> &mut LiveView {
        &mut self.view
    }

    /// Draws, if the terminal is this view's now. A terminal that went away must not end the run.
    pub fn draw(&mut self) {
        if taken().is_none() {
            return;
        }
        if let Some(terminal) = &mut self.terminal {
            let _ = terminal.draw(|frame| self.view.draw(frame));
        }
    }

    /// Gives the terminal to somebody else, and takes it back.
    pub fn hush(&mut self, on: bool) {
        if on {
            give_back();
        } else {
            self.again();
        }
    }

    /// Gives the terminal back, and writes the log onto its own screen.
    pub fn end(self) -> String {
        give_back();
        self.view.logged()
    }

    fn again(&mut self) {
        take_over();
        // What was drawn before is not there any more. A new one knows that; to clear the old one would
        // ask the terminal where its cursor is, and wait for the answer among the keys.
        self.terminal = Terminal::new(CrosstermBackend::new(stdout())).ok();
    }

    /// Acts on signals and keys, and draws.
    pub fn step(&mut self, hushed: bool, ready: bool) {
        if self.signals.end.swap(false, Ordering::SeqCst) {
            // To heal and to end in order, as for SIGTERM. It cannot fail for oneself.
            let _ = kill_process(getpid(), Signal::TERM);
            self.view.keys(ENDING);
        }
        if self.signals.suspend.swap(false, Ordering::SeqCst) {
            give_back();
            // Uncatchable, so that the process does stop; to this thread, so that it does before the next
            // line.
            let _ = signal_hook::low_level::raise(signal_hook::consts::SIGSTOP);
            if !hushed {
                self.again();
            }
        }
        if hushed {
            return;
        }
        if ready {
            self.read();
        }
        self.draw();
    }

    fn read(&mut self) {
        let mut keys = [0; 64];
        let count = rustix::io::read(stdin(), &mut keys).unwrap_or(0);
        // A key such as an arrow comes as several bytes, of which the last may be a letter.
        if keys[0] != 0x1b && keys[..count].iter().any(|key| matches!(key, b'q' | b'Q')) {
            let _ = kill_process(getpid(), Signal::INT);
            self.view.keys(ENDING);
        }
    }
}

/// Calls `step` for every frame until it says that the view is gone.
pub fn follow(step: impl Fn(bool) -> bool + Send + 'static) {
    // Without the thread nothing is drawn, and Ctrl-C still ends the run.
    let _ = thread::Builder::new()
        .name("screen".to_owned())
        .spawn(move || {
            let mut gone = false;
            loop {
                let ready = if gone {
                    thread::sleep(Duration::from_millis(100));
                    false
                } else {
                    let input = stdin();
                    let mut asked = [PollFd::new(&input, PollFlags::IN)];
                    // Interrupted by a signal, it is time to look as well.
                    let _ = poll(&mut asked, Some(&FRAME));
                    let answer = asked[0].revents();
                    gone = answer.intersects(PollFlags::HUP | PollFlags::ERR);
                    answer.contains(PollFlags::IN) && !gone
                };
                if !step(ready) {
                    return;
                }
                if ready {
                    // What belongs to somebody else stays there: it must not be asked for at once.
                    thread::sleep(Duration::from_millis(20));
                }
            }
        });
}

fn take_over() {
    let mut taken = taken();
    if taken.is_some() || BROKEN.load(Ordering::SeqCst) {
        return;
    }
    let Ok(before) = tcgetattr(stdin()) else {
        return;
    };
    let mut modes = before.clone();
    // Signals stay: Ctrl-C and Ctrl-Z mean what they always do.
    modes
        .local_modes
        .remove(LocalModes::ICANON | LocalModes::ECHO);
    let _ = tcsetattr(stdin(), OptionalActions::Now, &modes);
    write(ENTER);
    *taken = Some(before);
}

fn give_back() {
    if let Some(before) = taken().take() {
        write(LEAVE);
        // The terminal may be gone.
        let _ = tcsetattr(stdin(), OptionalActions::Now, &before);
    }
}

fn write(codes: &[u8]) {
    let _ = stdout().write_all(codes);
    let _ = stdout().flush();
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::time::Instant;

    use super::*;

    /// Not a test: what the next one runs in a terminal.
    #[test]
    #[ignore = "takes over the terminal, and panics there"]
    fn panics() {
        let mut live = Live::begin("a view");
        live.draw();
        thread::sleep(Duration::from_secs(1));
        panic!("on purpose");
    }

    #[test]
    fn a_panic_gives_the_terminal_back() {
        let home = tempfile::tempdir().unwrap();
        let tmux = |args: &[&str]| {
            let socket = home.path().join("socket");
            let mut tmux = Command::new("tmux");
            tmux.arg("-S").arg(socket).args(args).env_remove("TMUX");
            tmux.output().ok().filter(|done| done.status.success())
        };
        let itself = std::env::current_exe().unwrap();
        let line = format!(
            "stty -g > {0}/before; {1} --exact cli::live::tests::panics --ignored --nocapture; \
             stty -g > {0}/after; sleep 60",
            home.path().display(),
            itself.display()
        );
        if tmux(&["-f", "/dev/null", "new-session", "-d", &line]).is_none() {
            assert!(
                !std::env::var("RCHAOS_REQUIRE").is_ok_and(|all| all.contains("tmux")),
                "tmux is required"
            );
            eprintln!("SKIP a_panic_gives_the_terminal_back: needs tmux");
            return;
        }
        let says = |format| {
            let said = tmux(&["display-message", "-p", format]).unwrap();
            String::from_utf8_lossy(&said.stdout).trim().to_owned()
        };
        let limit = Instant::now() + Duration::from_secs(30);
        let mut taken = false;
        let after = home.path().join("after");
        while !after.exists() || std::fs::read(&after).unwrap().is_empty() {
            taken |= says("#{alternate_on} #{cursor_flag}") == "1 0";
            assert!(Instant::now() < limit, "it never ended");
            thread::sleep(Duration::from_millis(20));
        }
        let read = |name| std::fs::read_to_string(home.path().join(name)).unwrap();
        assert!(taken, "it was never taken over");
        assert_eq!(read("before"), read("after"));
        assert_eq!(says("#{alternate_on} #{cursor_flag}"), "0 1");
        tmux(&["kill-server"]);
    }
}
