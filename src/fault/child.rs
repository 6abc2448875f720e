//! Children that die with the agent: started by one permanent thread, through a stub that asks the kernel
//! for it before it becomes the child's program.

use std::io;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};

use super::stub::{Role, Stub};

/// The thread that has the children. The death signal fires when the *thread* that forked ends, so
/// this one lasts as long as the process; kept in [`super::Shared`].
pub struct Children {
    orders: Mutex<Sender<Order>>,
    /// The binary of rchaos; found when it is needed where it is not given.
    program: Option<PathBuf>,
}

type Order = (Command, Sender<io::Result<Child>>);

impl Default for Children {
    fn default() -> Self {
        let (orders, inbox): (Sender<Order>, Receiver<Order>) = channel();
        let spawned = std::thread::Builder::new()
            .name("children".to_owned())
            .spawn(move || {
                while let Ok((mut command, reply)) = inbox.recv() {
                    // Who asked may have gone; then the child's handle is dropped, and the child
                    // ends with this process.
                    let _ = reply.send(command.spawn());
                }
            });
        if let Err(error) = spawned {
            tracing::error!("no thread for children: {error}");
        }
        Self {
            orders: Mutex::new(orders),
            program: None,
        }
    }
}

impl Children {
    /// Children whose stub is another binary of rchaos than this process's.
    #[must_use]
    pub fn of(program: PathBuf) -> Self {
        Self {
            program: Some(program),
            ..Self::default()
        }
    }

    /// Starts `program` with `arguments` as a child that gets SIGKILL when this process ends. `prepare` may set
    /// its environment, folder and files; what it starts is a stub that then becomes the program.
    ///
    /// # Errors
    ///
    /// The system gives no process. A program that is missing shows as exit code 127.
    pub fn spawn(
        &self,
        program: &str,
        arguments: &[String],
        prepare: impl FnOnce(&mut Command),
    ) -> io::Result<Child> {
        let mut command = vec![program.to_owned()];
        command.extend_from_slice(arguments);
        self.start(&Stub::new(Role::become_program(command)), prepare)
    }

    /// Starts a program that outlives this process, in a session of its own and without files of ours.
    ///
    /// # Errors
    ///
    /// The system gives no process. A program that is missing shows as exit code 127.
    pub fn detach(
        &self,
        command: &[String],
        prepare: impl FnOnce(&mut Command),
    ) -> io::Result<Child> {
        let command = command.to_vec();
        self.start(&Stub::new(Role::Detach { command }), |stub| {
            stub.stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null());
            prepare(stub);
        })
    }

    /// Starts a stub.
    ///
    /// # Errors
    ///
    /// The system gives no process.
    pub fn start(&self, stub: &Stub, prepare: impl FnOnce(&mut Command)) -> io::Result<Child> {
        let program = match &self.program {
            Some(program) => program.clone(),
            None => std::env::current_exe()?,
        };
        let mut command = stub.command(program)?;
        if !matches!(stub.role, Role::Detach { .. }) {
            // Ctrl-C at a terminal is for the controller, which then heals. The leader of a group could not
            // begin a session of its own.
            command.process_group(0);
        }
        prepare(&mut command);
        let (reply, answer) = channel();
        let gone = || io::Error::other("the thread that has children is gone");
        self.orders
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .send((command, reply))
            .map_err(|_| gone())?;
        answer.recv().map_err(|_| gone())?
    }
}

/// How a child ended, as a fragment: `exit code 1`, `signal 9`.
#[must_use]
pub fn ended(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => status.to_string(),
    }
}
