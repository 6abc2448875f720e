//! Limits of a container in one form, whichever way its engine writes them.

use serde::{Deserialize, Serialize};

use crate::docker::models::{ContainerUpdateBody, HostConfig};

/// The period in which a share of the processors is counted, in microseconds: the kernel's own default.
const PERIOD: i64 = 100_000;

/// What the engine takes as no limit of memory: 2^63 rounded down to pages. `-1` and `0` are refused or ignored.
const NO_LIMIT: i64 = 9_223_372_036_854_771_712;

/// Limits; in a fault, those that it sets, and of a container, all of them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// Processors' worth of time: 0.5. `Some(None)` is no limit.
    #[serde(with = "nested", skip_serializing_if = "Option::is_none")]
    pub cpus: Option<Option<f64>>,
    /// Processors by number, as the kernel writes them: `0-1,3`; empty for all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpuset: Option<String>,
    /// Bytes of memory.
    #[serde(with = "nested", skip_serializing_if = "Option::is_none")]
    pub memory: Option<Option<i64>>,
    /// Bytes of memory and swap together.
    #[serde(with = "nested", skip_serializing_if = "Option::is_none")]
    pub memory_and_swap: Option<Option<i64>>,
    /// Processes and threads.
    #[serde(with = "nested", skip_serializing_if = "Option::is_none")]
    pub pids: Option<Option<i64>>,
    /// Whether the engine counts processors in its newer way, which it does not mix with the older one.
    pub nano: bool,
}

/// JSON has one `null`: no limit is a list without elements, and a limit a list of one.
mod nested {
    use serde::de::DeserializeOwned;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[expect(clippy::ref_option, reason = "the form that serde asks for")]
    pub(super) fn serialize<T: Serialize + Clone, S: Serializer>(
        value: &Option<Option<T>>,
        out: S,
    ) -> Result<S::Ok, S::Error> {
        let list = value.clone().map(|inner| Vec::from_iter(inner));
        list.serialize(out)
    }

    pub(super) fn deserialize<'de, T: DeserializeOwned, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Option<T>>, D::Error> {
        let list = Option::<Vec<T>>::deserialize(from)?;
        Ok(list.map(|list| list.into_iter().next()))
    }
}

impl Limits {
    /// Those of a container, all of them.
    pub(super) fn of(host: &HostConfig) -> Self {
        let positive = |number: Option<i64>| number.filter(|number| *number > 0);
        let bytes = |number: Option<i64>| positive(number).filter(|it| *it < NO_LIMIT);
        #[expect(clippy::cast_precision_loss, reason = "numbers of processors")]
        let cpus = match (positive(host.nano_cpus), positive(host.cpu_quota)) {
            (Some(nano), _) => Some(nano as f64 / 1e9),
            (None, Some(quota)) => {
                let period = positive(host.cpu_period).unwrap_or(PERIOD);
                Some(quota as f64 / period as f64)
            }
            (None, None) => None,
        };
        Self {
            cpus: Some(cpus),
            cpuset: Some(host.cpuset_cpus.clone().unwrap_or_default()),
            memory: Some(bytes(host.memory)),
            memory_and_swap: Some(bytes(host.memory_swap)),
            pids: Some(positive(host.pids_limit)),
            nano: positive(host.nano_cpus).is_some(),
        }
    }

    /// These, where the fault sets them; else those of the other.
    pub(super) fn over(&self, other: &Self) -> Self {
        Self {
            cpus: self.cpus.or(other.cpus),
            cpuset: self.cpuset.clone().or_else(|| other.cpuset.clone()),
            memory: self.memory.or(other.memory),
            memory_and_swap: self.memory_and_swap.or(other.memory_and_swap),
            pids: self.pids.or(other.pids),
            nano: self.nano || other.nano,
        }
    }

    /// Of `other` only what is set here.
    pub(super) fn same_fields(&self, other: &Self) -> Self {
        Self {
            cpus: self.cpus.and(other.cpus),
            cpuset: self.cpuset.as_ref().and(other.cpuset.clone()),
            memory: self.memory.and(other.memory),
            memory_and_swap: self.memory_and_swap.and(other.memory_and_swap),
            pids: self.pids.and(other.pids),
            nano: other.nano,
        }
    }

    /// Whether all that is set here is so there.
    pub(super) fn holds(&self, there: &Self, processors: usize) -> bool {
        let all = all_of(processors);
        let set = |list: &Option<String>| list.clone().filter(|it| !it.is_empty() && *it != all);
        let close = |one: Option<f64>, other: Option<f64>| match (one, other) {
            (Some(one), Some(other)) => (one - other).abs() < 1e-3,
            (one, other) => one.is_none() && other.is_none(),
        };
        let cpus = self.cpus.zip(there.cpus);
        cpus.is_none_or(|(one, other)| close(one, other))
            && (self.cpuset.is_none() || set(&self.cpuset) == set(&there.cpuset))
            && (self.memory.is_none() || self.memory == there.memory)
            && (self.memory_and_swap.is_none() || self.memory_and_swap == there.memory_and_swap)
            && (self.pids.is_none() || self.pids == there.pids)
    }

    /// Whether each that is set here is there as it is in one of the two.
    pub(super) fn each_of(&self, other: &Self, there: &Self, processors: usize) -> bool {
        let one = |field: Self| {
            let (ours, others) = (field.same_fields(self), field.same_fields(other));
            ours.holds(there, processors) || others.holds(there, processors)
        };
        let none = Self::default;
        [
            Self {
                cpus: self.cpus,
                ..none()
            },
            Self {
                cpuset: self.cpuset.clone(),
                ..none()
            },
            Self {
                memory: self.memory,
                memory_and_swap: self.memory_and_swap,
                ..none()
            },
            Self {
                pids: self.pids,
                ..none()
            },
        ]
        .into_iter()
        .all(one)
    }

    /// As the engine is told: values that really lift a limit where there is none.
    pub(super) fn update(&self, processors: usize) -> ContainerUpdateBody {
        let mut body = ContainerUpdateBody::default();
        #[expect(clippy::cast_possible_truncation, reason = "numbers of processors")]
        let whole = |number: f64| number.round() as i64;
        #[expect(clippy::cast_precision_loss, reason = "a constant")]
        let period = PERIOD as f64;
        match self.cpus {
            None => {}
            Some(Some(cpus)) if self.nano => body.nano_cpus = Some(whole(cpus * 1e9)),
            Some(Some(cpus)) => {
                body.cpu_period = Some(PERIOD);
                body.cpu_quota = Some(whole(cpus * period));
            }
            Some(None) => body.cpu_quota = Some(-1),
        }
        body.cpuset_cpus = self.cpuset.clone().map(|list| match list.is_empty() {
            true => all_of(processors),
            false => list,
        });
        body.memory = self.memory.map(|bytes| bytes.unwrap_or(NO_LIMIT));
        body.memory_swap = self.memory_and_swap.map(|it| it.unwrap_or(NO_LIMIT));
        body.pids_limit = self.pids.map(|number| number.unwrap_or(-1));
        body
    }

    /// In words: `0.5 processors, 64 MiB of memory`.
    #[must_use]
    pub fn label(&self) -> String {
        use crate::base::units::show_bytes;
        #[expect(clippy::cast_precision_loss, reason = "shown with three digits")]
        let bytes = |bytes: i64| show_bytes(bytes as f64);
        let mut all = Vec::new();
        if let Some(cpus) = self.cpus {
            all.push(cpus.map_or_else(
                || "processors without limit".to_owned(),
                |cpus| format!("{cpus} processors"),
            ));
        }
        if let Some(list) = &self.cpuset {
            all.push(match list.is_empty() {
                true => "all processors".to_owned(),
                false => format!("processors {list}"),
            });
        }
        let amount = |it: Option<i64>| it.map_or_else(|| "unlimited".to_owned(), bytes);
        all.extend(self.memory.map(|it| format!("{} memory", amount(it))));
        let both = self.memory_and_swap;
        all.extend(both.map(|it| format!("{} memory and swap", amount(it))));
        let pids =
            |it: Option<i64>| it.map_or_else(|| "any number of".to_owned(), |n| n.to_string());
        all.extend(self.pids.map(|it| format!("{} processes", pids(it))));
        all.join(", ")
    }
}

fn all_of(processors: usize) -> String {
    match processors {
        0 | 1 => "0".to_owned(),
        more => format!("0-{}", more - 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_limit_has_many_spellings_and_one_meaning() {
        let never = HostConfig::default();
        let lifted = HostConfig {
            cpu_quota: Some(-1),
            cpu_period: Some(PERIOD),
            cpuset_cpus: Some("0-3".to_owned()),
            memory: Some(NO_LIMIT),
            memory_swap: Some(NO_LIMIT),
            pids_limit: Some(-1),
            ..HostConfig::default()
        };
        assert!(Limits::of(&never).holds(&Limits::of(&lifted), 4));
        assert!(!Limits::of(&never).holds(&Limits::of(&lifted), 8));
    }

    #[test]
    fn what_is_told_to_the_engine_lifts_limits_for_good() {
        let update = Limits::of(&HostConfig::default()).update(2);
        assert_eq!((update.cpu_quota, update.nano_cpus), (Some(-1), None));
        assert_eq!(update.cpuset_cpus.as_deref(), Some("0-1"));
        assert_eq!(
            (update.memory, update.memory_swap),
            (Some(NO_LIMIT), Some(NO_LIMIT))
        );
        assert_eq!(update.pids_limit, Some(-1));
        let half = Limits {
            cpus: Some(Some(0.5)),
            ..Limits::default()
        };
        assert_eq!(half.update(2).cpu_quota, Some(50_000));
        let nano = Limits { nano: true, ..half };
        assert_eq!(nano.update(2).nano_cpus, Some(500_000_000));
        assert_eq!(nano.update(2).cpu_quota, None);
    }

    #[test]
    fn records_tell_no_limit_from_nothing_said() {
        let limits = Limits {
            memory: Some(None),
            pids: Some(Some(5)),
            ..Limits::default()
        };
        let text = serde_json::to_string(&limits).unwrap();
        assert_eq!(text, r#"{"memory":[],"pids":[5],"nano":false}"#);
        assert_eq!(serde_json::from_str::<Limits>(&text).unwrap(), limits);
    }

    #[test]
    fn the_newest_wins_field_by_field() {
        let cpu = Limits {
            cpus: Some(Some(0.5)),
            ..Limits::default()
        };
        let both = Limits {
            cpus: Some(Some(0.2)),
            pids: Some(Some(9)),
            ..Limits::default()
        };
        let over = cpu.over(&both);
        assert_eq!((over.cpus, over.pids), (Some(Some(0.5)), Some(Some(9))));
        assert_eq!(cpu.same_fields(&both).pids, None);
        let mixed = Limits {
            pids: Some(None),
            ..both.clone()
        };
        let before = Limits {
            pids: Some(None),
            ..Limits::default()
        };
        assert!(both.each_of(&before, &mixed, 1));
        assert!(!both.each_of(&before, &cpu, 1));
    }
}
