//! What of a run's options holds for a folder, and what its scripts are told of them.

use std::ffi::OsString;

use super::RunArgs;
use crate::base::scale::TimeScale;
use crate::cli::diagnostic::Failure;
use crate::cli::exit::Exit;

impl RunArgs {
    /// The option that is about one script, if one was given.
    pub(in crate::cli) fn unfit_for_folders(&self) -> Option<&'static str> {
        let given = [
            (self.vus.is_some(), "--vus"),
            (self.duration.is_some(), "--duration"),
            (self.iterations.is_some(), "--iterations"),
            (self.tui, "--tui"),
            (self.destinations.is_streaming(), "--report or --out"),
        ];
        given.into_iter().find(|one| one.0).map(|one| one.1)
    }

    /// Whether all options are those of a script.
    ///
    /// # Errors
    ///
    /// Names the one that only a folder has.
    pub(super) fn fits_a_script(&self) -> Result<(), Failure> {
        let Some(option) = self.suites.misplaced() else {
            return Ok(());
        };
        let text = format!("{option} is about a folder of scripts: rchaos run FOLDER {option}");
        Err(Failure::new(Exit::Usage, text))
    }

    /// What is said before a run.
    pub(super) fn headline(&self, script: &str, seed: u64) -> String {
        let version = env!("CARGO_PKG_VERSION");
        let rehearsal = match self.time_scale {
            scale if scale.is_real() => String::new(),
            scale => format!(", time scale {}", scale.factor()),
        };
        format!("rchaos {version}: {script}, seed {seed}{rehearsal}")
    }

    /// Ids of scripts to run.
    pub(in crate::cli) fn only(&self) -> &[String] {
        &self.only
    }

    /// Whether only errors are shown.
    pub(in crate::cli) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// The seed, if one was given.
    pub(in crate::cli) fn seed(&self) -> Option<u64> {
        self.seed
    }

    /// How much shorter than written everything is.
    pub(in crate::cli) fn time_scale(&self) -> TimeScale {
        self.time_scale
    }

    /// The options that every script of a folder is run with.
    pub(in crate::cli) fn passed_on(&self) -> Vec<OsString> {
        let mut all: Vec<OsString> = Vec::new();
        let mut option = |name: &str, value: OsString| all.extend([name.into(), value]);
        for (name, pairs) in [("--env", &self.env), ("--tag", &self.tag)] {
            for (key, value) in pairs {
                option(name, format!("{key}={value}").into());
            }
        }
        if let Some(bytes) = self.memory_limit {
            option("--memory-limit", format!("{}B", bytes.0).into());
        }
        option("--max-series", self.max_series.to_string().into());
        if let Some(workers) = self.workers {
            option("--workers", workers.to_string().into());
        }
        if let Some(answers) = &self.answers {
            option("--answers", answers.into());
        }
        option("--time-scale", self.time_scale.factor().to_string().into());
        if self.quiet {
            all.push("--quiet".into());
        }
        if self.yes {
            all.push("--yes".into());
        }
        all.extend(self.faulting.passed_on());
        all
    }
}
