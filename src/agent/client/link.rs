//! One agent as the controller sees it: its process, its beats, and what it was asked.

use std::collections::HashMap;
use std::process::{Child, ChildStdin, ChildStdout, Command as Process, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::held::Held;
use super::notice::Notice;
use super::rescue;
use super::shared::Inner;
use crate::agent::protocol::{Answer, Command, Hello, Ready, Task, line};
use crate::fault::Trouble;

/// How long an agent may take to start: somebody may have to type a password.
pub(super) const START: Duration = Duration::from_secs(60);

/// A running agent.
pub(super) struct Link {
    /// Its name; empty for this host.
    pub(super) name: String,
    /// The command that started it, without the arguments for recovery.
    pub(super) command: Vec<String>,
    /// What it said of itself.
    ready: Mutex<Option<Ready>>,
    outgoing: Mutex<Sender<Outgoing>>,
    pub(super) pending: Mutex<HashMap<u64, Pending>>,
    seq: AtomicU64,
    pub(super) epoch: AtomicU64,
    pub(super) nonce: AtomicU64,
    pub(super) heard: Mutex<Instant>,
    /// Why it is lost, if it is.
    lost: Mutex<Option<String>>,
    pub(super) leaving: AtomicBool,
    /// Whether whatever became of it is known: it said goodbye, or was healed in its place.
    settled: AtomicBool,
    child: Mutex<Child>,
}

pub(super) enum Outgoing {
    Line(String),
    /// Close its input after what was said before.
    Close,
}

/// A command that waits for its answer.
pub(super) struct Pending {
    pub(super) about: About,
    pub(super) reply: oneshot::Sender<Result<Answer, Trouble>>,
}

/// Whose state an answer changes, also when nobody waits for it any more.
pub(super) enum About {
    Inject(Arc<Held>),
    Update(Arc<Held>),
    Heal(Arc<Held>),
    HealAll,
    Nothing,
}

impl Link {
    /// Starts an agent and waits for its first word.
    pub(super) async fn start(
        inner: &Arc<Inner>,
        name: &str,
        command: Vec<String>,
        hello: Hello,
    ) -> Result<Arc<Self>, Trouble> {
        let shown = command.join(" ");
        let wrong = move |what: String| {
            Trouble::Precondition(format!("the agent `{shown}` does not start: {what}"))
        };
        let Some((program, arguments)) = command.split_first() else {
            return Err(wrong("its command is empty".to_owned()));
        };
        let mut child = Process::new(program)
            .args(arguments)
            .args(inner.deadman.then_some("--deadman"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| wrong(error.to_string()))?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(wrong("it has no standard streams".to_owned()));
        };
        let (outgoing, lines) = channel();
        let link = Arc::new(Self {
            name: name.to_owned(),
            command,
            ready: Mutex::default(),
            outgoing: Mutex::new(outgoing),
            pending: Mutex::default(),
            seq: AtomicU64::new(1),
            epoch: AtomicU64::new(0),
            nonce: AtomicU64::new(0),
            heard: Mutex::new(Instant::now()),
            lost: Mutex::default(),
            leaving: AtomicBool::new(false),
            settled: AtomicBool::new(false),
            child: Mutex::new(child),
        });
        link.say(line(&Command::Hello(hello)));
        let (first, answer) = oneshot::channel();
        link.spawn(inner, input, output, lines, first)
            .map_err(|error| wrong(error.to_string()))?;
        let ready = match tokio::time::timeout(START, answer).await {
            Ok(Ok(Ok(ready))) => ready,
            Ok(Ok(Err(trouble))) => return Err(trouble),
            Ok(Err(_)) => {
                let how = link.wait();
                return Err(wrong(format!("it ended with {how} before its first word")));
            }
            Err(_elapsed) => {
                link.leave();
                return Err(wrong("it is silent".to_owned()));
            }
        };
        link.epoch.store(ready.epoch, Ordering::Release);
        *link.ready.lock().unwrap_or_else(PoisonError::into_inner) = Some(ready);
        Ok(link)
    }

    fn spawn(
        self: &Arc<Self>,
        inner: &Arc<Inner>,
        input: ChildStdin,
        output: ChildStdout,
        lines: Receiver<Outgoing>,
        first: oneshot::Sender<Result<Ready, Trouble>>,
    ) -> std::io::Result<()> {
        let thread = |what: &str| std::thread::Builder::new().name(format!("agent-{what}"));
        let (link, shared) = (self.clone(), inner.clone());
        thread("beats").spawn(move || link.write(&shared, input, &lines))?;
        let (link, shared) = (self.clone(), inner.clone());
        thread("reports").spawn(move || link.read(&shared, output, first))?;
        Ok(())
    }

    /// Who it is.
    pub(super) fn ready(&self) -> Option<Ready> {
        self.ready
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Why it is lost, if it is.
    pub(super) fn lost(&self) -> Option<String> {
        self.lost
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Asks it for something. The command is on its way when this returns; the answer comes to what it is
    /// about, also when nobody awaits it.
    pub(super) fn ask(
        &self,
        task: Task,
        about: About,
    ) -> oneshot::Receiver<Result<Answer, Trouble>> {
        let (reply, answer) = oneshot::channel();
        let seq = self.seq.fetch_add(1, Ordering::Relaxed);
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(reason) = self.lost() {
            let text = format!("{} is lost: {reason}", self.label());
            let _ = reply.send(Err(Trouble::Fenced(text)));
            return answer;
        }
        pending.insert(seq, Pending { about, reply });
        drop(pending);
        self.say(line(&Command::Do {
            seq,
            epoch: self.epoch.load(Ordering::Acquire),
            echo: self.nonce.load(Ordering::Acquire),
            task,
        }));
        answer
    }

    /// Ends it: it heals what is left and goes.
    pub(super) fn leave(&self) {
        self.leaving.store(true, Ordering::Release);
        self.say(line(&Command::Bye));
        let outgoing = self.outgoing.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = outgoing.send(Outgoing::Close);
    }

    /// Whether what it held is known to be healed, or not to be.
    pub(super) fn settled(&self) -> bool {
        self.settled.load(Ordering::Acquire)
    }

    pub(super) fn settle(&self) {
        self.settled.store(true, Ordering::Release);
    }

    /// As messages name it.
    pub(super) fn label(&self) -> String {
        match self.name.as_str() {
            "" => "the agent of this host".to_owned(),
            name => format!("agent {name}"),
        }
    }

    pub(super) fn say(&self, line: String) {
        let outgoing = self.outgoing.lock().unwrap_or_else(PoisonError::into_inner);
        // Its thread ends only when the agent is gone, which shows elsewhere.
        let _ = outgoing.send(Outgoing::Line(line));
    }

    /// How its process ended.
    pub(super) fn wait(&self) -> String {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        let limit = Instant::now() + Duration::from_secs(2);
        while Instant::now() < limit {
            if let Ok(Some(status)) = child.try_wait() {
                return crate::fault::ended(status);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        "an open question".to_owned()
    }

    /// Counts it as lost, once: nothing is asked of it any more, and what it held is healed in its place.
    pub(super) fn lose(self: &Arc<Self>, inner: &Arc<Inner>, reason: String) {
        {
            let mut lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner);
            if lost.is_some() {
                return;
            }
            *lost = Some(reason.clone());
        }
        self.fail_all(&reason);
        inner.notice(Notice::Lost {
            agent: self.name.clone(),
            reason,
        });
        if !self.settled() {
            rescue::start(inner, self);
        }
    }

    pub(super) fn fail_all(&self, reason: &str) {
        let pending: Vec<Pending> = self
            .pending
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .drain()
            .map(|(_, pending)| pending)
            .collect();
        for Pending { reply, .. } in pending {
            let text = format!("{} is lost: {reason}", self.label());
            let _ = reply.send(Err(Trouble::Fenced(text)));
        }
    }
}
