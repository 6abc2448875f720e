//! What a child of the agent is first: the stub, which places itself where the child belongs, sees to it that it
//! does not outlive the agent, and then becomes the child.

use std::io;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

use rustix::process::{Pid, Signal, getppid, set_parent_process_death_signal, setsid};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use serde::{Deserialize, Serialize};

use super::process::supervise;
use super::stress::Load;

/// What the stub is told, as JSON: `rchaos agent --stub '{…}'`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Stub {
    /// The pid of the process that started it.
    pub parent: i32,
    /// The network namespace to enter: `/run/netns/n1`, `/proc/4242/ns/net`.
    pub network: Option<PathBuf>,
    /// Files that take a process into a control group: `/sys/fs/cgroup/…/cgroup.procs`.
    pub cgroups: Vec<PathBuf>,
    /// How much the kernel likes to kill it when memory is short, −1000 to 1000; the agent's own is not inherited.
    pub oom_score_adj: i32,
    /// What it becomes.
    pub role: Role,
}

/// What a stub becomes.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// A program that dies with the parent.
    Become {
        /// Program and arguments.
        command: Vec<String>,
        /// Whose process it is; the agent's user where left out.
        user: Option<User>,
        /// Variables that only it has, not the stub.
        env: Vec<(String, String)>,
    },
    /// A program that outlives the parent.
    Detach {
        /// Program and arguments.
        command: Vec<String>,
    },
    /// The supervisor of a program and of all that it forks; standard input is its line to the parent.
    Supervise(supervise::Supervise),
    /// Work of our own, until it is killed.
    Load(Load),
}

/// A user that a process belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// The user's number.
    pub uid: u32,
    /// The user's own group.
    pub gid: u32,
}

impl Role {
    /// A program that dies with the parent and belongs to the same user.
    #[must_use]
    pub fn become_program(command: Vec<String>) -> Self {
        Self::Become {
            command,
            user: None,
            env: Vec::new(),
        }
    }
}

impl Stub {
    /// A stub of this process's, where it is.
    #[must_use]
    pub fn new(role: Role) -> Self {
        Self {
            parent: i32::try_from(std::process::id()).unwrap_or_default(),
            network: None,
            cgroups: Vec::new(),
            oom_score_adj: 0,
            role,
        }
    }

    /// The command that starts it from a binary of rchaos.
    ///
    /// # Errors
    ///
    /// It has no JSON form (a path that is not UTF-8).
    pub fn command(&self, program: PathBuf) -> io::Result<Command> {
        let mut command = Command::new(program);
        command
            .args(["agent", "--stub"])
            .arg(serde_json::to_string(self)?);
        Ok(command)
    }

    /// Reads what it is told.
    ///
    /// # Errors
    ///
    /// It is not the JSON that [`Stub::command`] writes.
    pub fn parse(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// Plays the stub's part in a process that has one thread. Returns an error if it cannot become what it
    /// should, and nothing when what it did by itself is done.
    ///
    /// # Errors
    ///
    /// No such program, namespace or control group; the parent has gone.
    pub fn play(self) -> io::Result<()> {
        if !matches!(self.role, Role::Detach { .. } | Role::Supervise(_)) {
            set_parent_process_death_signal(Some(Signal::KILL))?;
        }
        // The parent may have died before the kernel was asked.
        if getppid() != Pid::from_raw(self.parent) {
            return Err(io::Error::other("the parent has gone"));
        }
        self.place()?;
        match self.role {
            Role::Become { command, user, env } => Err(exec(&command, user, env)),
            Role::Detach { command } => {
                setsid()?;
                Err(exec(&command, None, Vec::new()))
            }
            Role::Supervise(supervise) => supervise.run(),
            Role::Load(load) => load.run(),
        }
    }

    fn place(&self) -> io::Result<()> {
        // Lowering it needs a privilege, which not all have; staying likely to be killed is no harm.
        let _ = std::fs::write("/proc/self/oom_score_adj", self.oom_score_adj.to_string());
        for file in &self.cgroups {
            std::fs::write(file, "0").map_err(|error| named(file, &error))?;
        }
        if let Some(path) = &self.network {
            let namespace = std::fs::File::open(path).map_err(|error| named(path, &error))?;
            let kind = Some(LinkNameSpaceType::Network);
            move_into_link_name_space(std::os::fd::AsFd::as_fd(&namespace), kind)
                .map_err(|error| named(path, &error.into()))?;
        }
        Ok(())
    }
}

fn named(path: &std::path::Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

/// Becomes the program; returns only why not.
fn exec(command: &[String], user: Option<User>, env: Vec<(String, String)>) -> io::Error {
    match command.split_first() {
        Some((program, arguments)) => {
            let mut command = Command::new(program);
            command.args(arguments).envs(env);
            if let Some(user) = user {
                command.uid(user.uid).gid(user.gid);
            }
            let error = command.exec();
            io::Error::new(error.kind(), format!("cannot start \"{program}\": {error}"))
        }
        None => io::Error::other("no program was named"),
    }
}
