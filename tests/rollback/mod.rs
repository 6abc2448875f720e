//! Whatever is broken on purpose is mended: on every way out, and by whoever is left.

mod agents;
mod crashes;
mod deadman;
mod ends;
mod journal;
mod packets;
mod people;
mod proxies;

use std::process::{Child, Command};

/// A process that faults are tried on.
pub struct Victim(Child);

impl Victim {
    pub fn start() -> Self {
        Self(Command::new("sleep").arg("600").spawn().unwrap())
    }

    pub fn pid(&self) -> u32 {
        self.0.id()
    }

    /// Its state as `/proc/PID/stat` has it; none when it is gone.
    pub fn state(&self) -> Option<char> {
        let text = std::fs::read_to_string(format!("/proc/{}/stat", self.pid())).ok()?;
        text.rsplit(") ").next()?.chars().next()
    }

    pub fn stopped(&self) -> bool {
        self.state() == Some('T')
    }

    /// A script's text that pauses it.
    pub fn pause(&self) -> String {
        format!("inject(process.find{{ pid = {} }}:pause())", self.pid())
    }

    pub fn kill(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        self.kill();
    }
}
