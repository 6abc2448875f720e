//! `stress.gpu_memory`: says what is missing for taking the memory of a graphics processor.

use std::fs;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::fault::{Fault, Healed, Kind, Preflight, Sight, Tier, Trouble};

/// Its options.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct GpuMemory {
    /// Until so great a share (0 to 1) of it is used.
    pub share: f64,
}

/// The kind.
pub const KIND: Kind = Kind {
    name: "stress.gpu_memory",
    tier: Tier::Kernel,
    fixture: false,
    build: |spec, _| {
        let _: GpuMemory = spec.read()?;
        Ok(Box::new(Absent))
    },
    recover: |_| Ok(Healed::Unchanged),
    probe: || Err(missing(Path::new("/dev"))),
};

/// Nothing was ever tried on a processor, so nothing is done to one.
struct Absent;

/// What is missing, with the devices that there are.
fn missing(devices: &Path) -> String {
    let entries = fs::read_dir(devices).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let number = |name: &str, prefix: &str| {
        let rest = name.strip_prefix(prefix);
        rest.is_some_and(|rest| rest.parse::<u32>().is_ok())
    };
    let mut found: Vec<_> = names
        .filter(|name| number(name, "nvidia") || name == "kfd")
        .collect();
    found.sort();
    if found.is_empty() {
        return "there is no GPU here: neither /dev/nvidia0 (NVIDIA) nor /dev/kfd (AMD)".to_owned();
    }
    format!(
        "there is a GPU here (/dev/{}), but rchaos takes no memory of one: that was never tried on any; start a program that does by process.spawn",
        found.join(", /dev/")
    )
}

impl Fault for Absent {
    fn preflight(&mut self) -> Result<Preflight, Trouble> {
        let text = missing(Path::new("/dev"));
        Err(Trouble::Precondition(format!("{}: {text}", KIND.name)))
    }

    fn undo(&self) -> Value {
        json!(null)
    }

    fn inject(&mut self, _lease: Duration) -> Result<(), Trouble> {
        self.preflight().map(|_| ())
    }

    fn inspect(&mut self) -> Result<Sight, Trouble> {
        Err(Trouble::Vanished(missing(Path::new("/dev"))))
    }

    fn heal(&mut self) -> Result<Healed, Trouble> {
        Ok(Healed::Unchanged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_said() {
        let devices = tempfile::tempdir().unwrap();
        fs::write(devices.path().join("nvidiactl"), "").unwrap();
        assert!(missing(devices.path()).starts_with("there is no GPU here"));
        fs::write(devices.path().join("nvidia0"), "").unwrap();
        let text = missing(devices.path());
        assert!(text.contains("(/dev/nvidia0)"), "{text}");
    }
}
