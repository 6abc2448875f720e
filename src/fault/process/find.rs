//! Finds processes by what they are.

use std::fs;

use serde::{Deserialize, Serialize};

use super::guarded::Guarded;
use super::identity::{Identity, stat};
use super::owner::{container_of, user_entry, user_of};
use super::sockets::Listeners;
use crate::base::text::quoted;
use crate::fault::docker::Containers;
use crate::fault::{Context, Pick, Query, Trouble};

/// Which processes are meant; all that is given must hold.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Find {
    /// The name of its program, as `/proc/PID/comm` has it (15 bytes) or the base name of its first argument.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its pid in the agent's pid namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pid: Option<i32>,
    /// A part of its command line, arguments separated by spaces.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cmdline: Option<String>,
    /// A TCP port that it listens on, or a UDP port that it is bound to, in its own network namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Its effective user, by name or number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The id of its container, or the beginning of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
    /// Containers of an engine, one of which it must be in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub within: Option<Box<Containers>>,
    /// That very process and no other.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity: Option<Identity>,
    /// Which of those that match.
    pub pick: Pick,
    /// Whether nobody may match; then the fault does nothing.
    pub allow_empty: bool,
}

/// A process that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// Which one.
    pub identity: Identity,
    /// Its name.
    pub name: String,
    /// Its arguments, separated by spaces.
    pub cmdline: String,
}

impl Found {
    /// As plan and timeline name it: `process etcd (pid 4242)`.
    #[must_use]
    pub fn label(&self) -> String {
        format!("process {} (pid {})", self.name, self.identity.pid)
    }
}

/// Seen by the agent's protocol as `process.find`: the processes that match, picked.
pub const QUERY: Query = Query {
    name: "process.find",
    ask: |options, context| {
        let find: Find = serde_json::from_value(options.clone())
            .map_err(|error| Trouble::Misuse(format!("process.find: {error}")))?;
        let found = find.pick.choose(find.all()?, context)?;
        serde_json::to_value(found).map_err(|error| Trouble::Failed(error.to_string()))
    },
};

impl Find {
    /// All that match, by pid. This agent, those it belongs to, and other runs of rchaos never match.
    ///
    /// # Errors
    ///
    /// [`Trouble::Precondition`]: there is no such user here.
    pub fn all(&self) -> Result<Vec<Found>, Trouble> {
        let user = match &self.user {
            None => None,
            Some(user) => Some(user_entry(user).ok_or_else(|| {
                Trouble::Precondition(format!("there is no user {} here", quoted(user)))
            })?),
        };
        let within = match &self.within {
            None => None,
            Some(within) => Some(within.all()?.into_iter().map(|one| one.id).collect()),
        };
        let guarded = Guarded::now();
        let mut listeners = self.port.map(Listeners::on);
        let found = self.pids().into_iter().filter_map(|pid| {
            let found = self.look(pid, within.as_ref())?;
            let owned = user.is_none_or(|user| user_of(pid) == Some(user.uid));
            let here =
                owned && !guarded.has(pid) && listeners.as_mut().is_none_or(|ports| ports.has(pid));
            here.then_some(found)
        });
        Ok(found.collect())
    }

    /// Those to look at: one where it is named, else everybody.
    fn pids(&self) -> Vec<i32> {
        if let Some(identity) = &self.identity {
            return identity
                .alive()
                .then_some(identity.pid)
                .into_iter()
                .collect();
        }
        if let Some(pid) = self.pid {
            return vec![pid];
        }
        let mut pids: Vec<i32> = fs::read_dir("/proc")
            .into_iter()
            .flatten()
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            .collect();
        pids.sort_unstable();
        pids
    }

    /// The process, if all but its user and its ports is as wanted.
    fn look(&self, pid: i32, within: Option<&Vec<String>>) -> Option<Found> {
        let stat = stat(pid).filter(|stat| !stat.over())?;
        let arguments = arguments(pid)?;
        if let Some(name) = &self.name
            && *name != stat.name
            && *name != program(&arguments)
        {
            return None;
        }
        let cmdline = arguments.join(" ");
        if let Some(part) = &self.cmdline
            && !cmdline.contains(part.as_str())
        {
            return None;
        }
        if let Some(wanted) = &self.container
            && !container_of(pid)?.starts_with(wanted.as_str())
        {
            return None;
        }
        if let Some(within) = within
            && !within.contains(&container_of(pid)?)
        {
            return None;
        }
        Some(Found {
            identity: Identity::of(pid).ok()?,
            name: stat.name,
            cmdline,
        })
    }

    /// What was asked for, for messages: `name "etcd", port 2379`.
    #[must_use]
    pub fn label(&self) -> String {
        let text = |key: &str, value: &Option<String>| {
            value
                .as_ref()
                .map(|value| format!("{key} {}", quoted(value)))
        };
        let identity = self.identity.as_ref().map(|identity| identity.pid);
        let parts = [
            text("name", &self.name),
            identity.or(self.pid).map(|pid| format!("pid {pid}")),
            text("cmdline", &self.cmdline),
            self.port.map(|port| format!("port {port}")),
            text("user", &self.user),
            text("container", &self.container),
            self.within.as_ref().map(|within| within.label()),
        ];
        let mut label = parts.into_iter().flatten().collect::<Vec<_>>().join(", ");
        if self.pick != Pick::All {
            label = format!("{label} ({})", self.pick.label());
        }
        label
    }

    /// Exactly the processes that a fault acts on: those that match, picked. Nobody where that is allowed.
    ///
    /// # Errors
    ///
    /// [`Trouble::Precondition`]: nobody matches, which names what was sought.
    pub fn targets(&self, context: &Context) -> Result<Vec<Found>, Trouble> {
        let all = self.all()?;
        if all.is_empty() && !self.allow_empty {
            let text = format!("no process matches {}", self.label());
            return Err(Trouble::Precondition(text));
        }
        self.pick.choose(all, context)
    }
}

/// The arguments of a process; `None` when it has gone.
pub(super) fn arguments(pid: i32) -> Option<Vec<String>> {
    let bytes = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let parts = bytes.split(|byte| *byte == 0);
    Some(
        parts
            .filter(|part| !part.is_empty())
            .map(|part| String::from_utf8_lossy(part).into_owned())
            .collect(),
    )
}

fn program(arguments: &[String]) -> &str {
    let first = arguments.first().map_or("", String::as_str);
    first.rsplit('/').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command};

    use super::*;

    struct Sleeper(Child);

    impl Drop for Sleeper {
        fn drop(&mut self) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }

    fn sleeper(seconds: &str) -> Sleeper {
        Sleeper(Command::new("sleep").arg(seconds).spawn().unwrap())
    }

    #[test]
    fn what_is_asked_for_must_hold_all_of_it() {
        let one = sleeper("71234.5");
        let pid = i32::try_from(one.0.id()).unwrap();
        let uid = rustix::process::geteuid().as_raw().to_string();
        let mut find = Find {
            name: Some("sleep".to_owned()),
            cmdline: Some("sleep 71234.5".to_owned()),
            user: Some(uid),
            ..Find::default()
        };
        // The child is there at once, but is a copy of this program until it has become `sleep`.
        let limit = std::time::Instant::now() + std::time::Duration::from_secs(5);
        while find.all().unwrap().is_empty() && std::time::Instant::now() < limit {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        let found = find.all().unwrap();
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].identity.pid, pid);
        assert_eq!(found[0].label(), format!("process sleep (pid {pid})"));
        find.port = Some(1);
        assert!(find.all().unwrap().is_empty());
    }

    #[test]
    fn rchaos_itself_never_matches_and_nobody_is_an_error_that_says_whom() {
        let find = Find {
            pid: Some(i32::try_from(std::process::id()).unwrap()),
            ..Find::default()
        };
        let error = find.targets(&Context::for_tests()).unwrap_err();
        let text = format!("no process matches pid {}", std::process::id());
        assert_eq!(error.to_string(), text);
        let find = Find {
            allow_empty: true,
            ..find
        };
        assert!(find.targets(&Context::for_tests()).unwrap().is_empty());
    }

    #[test]
    fn the_label_says_what_was_sought() {
        let find = Find {
            name: Some("etcd".to_owned()),
            port: Some(2379),
            pick: Pick::One,
            ..Find::default()
        };
        assert_eq!(find.label(), "name \"etcd\", port 2379 (one of them)");
    }
}
