//! The process-wide list of metrics and tag sets: names become small numbers that cost nothing to carry.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::builtin;
use super::definition::{Kind, MetricDef, Unit};
use super::faults::FaultSpans;
use crate::base::text::quoted;

/// A metric of this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MetricId(pub(super) u32);

/// A set of tags of this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TagSetId(pub(super) u32);

impl TagSetId {
    /// No tags.
    pub const EMPTY: Self = Self(0);
    /// `{overflow:true}`: where samples go once there are too many series or tag sets.
    pub const OVERFLOW: Self = Self(1);
}

/// Tags, sorted by name, each name once.
pub type TagPairs = Arc<[(Arc<str>, Arc<str>)]>;

const MAX_METRICS: usize = 10_000;

/// Why a metric cannot be defined.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DefineError {
    /// The name would not be a metric's.
    #[error(
        "{} is not a metric name; write a letter or \"_\", then letters, digits or \"_\", at most 128 in all",
        quoted(.0)
    )]
    Name(String),
    /// The name is taken by another kind of metric.
    #[error("metric {} is a {was} already, it cannot be a {now} too; write another name", quoted(.name))]
    Kind {
        /// The name in question.
        name: String,
        /// The kind it has.
        was: Kind,
        /// The kind that was asked for.
        now: Kind,
    },
    /// The name is taken by a metric with another unit.
    #[error(
        "metric {} has the unit {} already, it cannot have {} too; write another name",
        quoted(.name), quoted(.was), quoted(.now)
    )]
    Unit {
        /// The name in question.
        name: String,
        /// The unit it has.
        was: String,
        /// The unit that was asked for.
        now: String,
    },
    /// There are too many already.
    #[error("metric {} is one too many, {MAX_METRICS} are defined; tell samples apart by tags", quoted(.0))]
    TooMany(String),
}

/// All metrics and tag sets of the process. Its lock is for what is new; recorders remember the rest.
#[derive(Debug)]
pub struct Catalog {
    inner: Mutex<Inner>,
    max_series: usize,
    faults: FaultSpans,
}

#[derive(Debug, Default)]
struct Inner {
    metrics: Vec<MetricDef>,
    by_name: HashMap<Arc<str>, MetricId>,
    sets: Vec<TagPairs>,
    by_pairs: HashMap<TagPairs, TagSetId>,
    admitted: HashSet<(MetricId, TagSetId)>,
}

impl Catalog {
    /// A catalog that knows the built-in metrics. Beyond `max_series` pairs of metric and tag set,
    /// samples go to `{overflow:true}`.
    #[must_use]
    pub fn new(max_series: usize) -> Arc<Self> {
        let mut inner = Inner::default();
        for builtin in builtin::ALL {
            inner.push(MetricDef {
                name: builtin.name.into(),
                kind: builtin.kind,
                unit: builtin.unit.clone(),
                help: builtin.help,
            });
        }
        inner.intern(Vec::new());
        inner.intern(vec![("overflow".into(), "true".into())]);
        Arc::new(Self {
            inner: Mutex::new(inner),
            max_series,
            faults: FaultSpans::default(),
        })
    }

    /// Which faults were live when, for samples that overlap them.
    #[must_use]
    pub fn faults(&self) -> &FaultSpans {
        &self.faults
    }

    /// Defines a metric, or finds the one that was defined alike before.
    ///
    /// # Errors
    ///
    /// A bad name, or a name that has another kind or unit already.
    pub fn define(&self, name: &str, kind: Kind, unit: Unit) -> Result<MetricId, DefineError> {
        if !is_name(name) {
            return Err(DefineError::Name(name.to_owned()));
        }
        let mut inner = self.lock();
        if let Some(&id) = inner.by_name.get(name) {
            let def = &inner.metrics[id.0 as usize];
            if def.kind != kind {
                let (name, was) = (name.to_owned(), def.kind);
                return Err(DefineError::Kind {
                    name,
                    was,
                    now: kind,
                });
            }
            if def.unit != unit {
                return Err(DefineError::Unit {
                    name: name.to_owned(),
                    was: def.unit.to_string(),
                    now: unit.to_string(),
                });
            }
            return Ok(id);
        }
        if inner.metrics.len() >= MAX_METRICS {
            return Err(DefineError::TooMany(name.to_owned()));
        }
        Ok(inner.push(MetricDef {
            name: name.into(),
            kind,
            unit,
            help: "",
        }))
    }

    /// The metric of a name.
    #[must_use]
    pub fn lookup(&self, name: &str) -> Option<MetricId> {
        self.lock().by_name.get(name).copied()
    }

    /// How a metric was defined. The id must come from this catalog.
    #[must_use]
    pub fn def(&self, metric: MetricId) -> MetricDef {
        self.lock().metrics[metric.0 as usize].clone()
    }

    /// All names, built-in ones first, then in the order of definition.
    #[must_use]
    pub fn names(&self) -> Vec<Arc<str>> {
        let inner = self.lock();
        inner.metrics.iter().map(|def| def.name.clone()).collect()
    }

    /// The set of these tags; of tags with the same name the last wins.
    #[must_use]
    pub fn tags(&self, pairs: &[(&str, &str)]) -> TagSetId {
        self.extend(TagSetId::EMPTY, pairs)
    }

    /// The set `base` with these tags added; of tags with the same name the last wins. On a hot
    /// path use [`Recorder::extend`](super::Recorder::extend), which remembers.
    #[must_use]
    pub fn extend(&self, base: TagSetId, pairs: &[(&str, &str)]) -> TagSetId {
        if pairs.is_empty() || base == TagSetId::OVERFLOW {
            return base;
        }
        let mut inner = self.lock();
        let mut tags = inner.sets[base.0 as usize].to_vec();
        for &(name, value) in pairs {
            match tags.binary_search_by(|(known, _)| (**known).cmp(name)) {
                Ok(place) => tags[place].1 = value.into(),
                Err(place) => tags.insert(place, (name.into(), value.into())),
            }
        }
        if let Some(&known) = inner.by_pairs.get(tags.as_slice()) {
            return known;
        }
        // Sets that lead to no series of their own (a base, say) need room too.
        if inner.sets.len() >= self.max_series.saturating_mul(2).saturating_add(1000) {
            return TagSetId::OVERFLOW;
        }
        inner.intern(tags)
    }

    /// The tags of a set. The id must come from this catalog.
    #[must_use]
    pub fn tag_pairs(&self, tags: TagSetId) -> TagPairs {
        self.lock().sets[tags.0 as usize].clone()
    }

    /// Where samples of this metric and tag set belong: there, or in the overflow.
    pub(super) fn admit(&self, metric: MetricId, tags: TagSetId) -> (TagSetId, MetricDef) {
        let mut inner = self.lock();
        let def = inner.metrics[metric.0 as usize].clone();
        let key = (metric, tags);
        if tags == TagSetId::OVERFLOW || inner.admitted.contains(&key) {
            return (tags, def);
        }
        if inner.admitted.len() >= self.max_series {
            return (TagSetId::OVERFLOW, def);
        }
        inner.admitted.insert(key);
        (tags, def)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn push(&mut self, def: MetricDef) -> MetricId {
        let id = MetricId(self.metrics.len() as u32);
        self.by_name.insert(def.name.clone(), id);
        self.metrics.push(def);
        id
    }

    fn intern(&mut self, tags: Vec<(Arc<str>, Arc<str>)>) -> TagSetId {
        let id = TagSetId(self.sets.len() as u32);
        let tags: TagPairs = tags.into();
        self.sets.push(tags.clone());
        self.by_pairs.insert(tags, id);
        id
    }
}

fn is_name(name: &str) -> bool {
    let mut chars = name.chars();
    chars
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
        && name.len() <= 128
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(catalog: &Catalog, tags: TagSetId) -> String {
        let pairs = catalog.tag_pairs(tags);
        let each: Vec<_> = pairs.iter().map(|(k, v)| format!("{k}={v}")).collect();
        each.join(" ")
    }

    #[test]
    fn builtins_are_there_under_their_constant_ids() {
        let catalog = Catalog::new(10);
        for builtin in builtin::ALL {
            assert_eq!(catalog.lookup(builtin.name), Some(builtin.id));
            assert_eq!(catalog.def(builtin.id).kind, builtin.kind);
        }
        assert_eq!(catalog.names().len(), builtin::ALL.len());
    }

    #[test]
    fn defining_alike_finds_the_same_metric_and_otherwise_clashes() {
        let catalog = Catalog::new(10);
        let id = catalog.define("cart", Kind::Trend, Unit::Time).unwrap();
        assert_eq!(catalog.define("cart", Kind::Trend, Unit::Time), Ok(id));
        let kind = catalog.define("cart", Kind::Rate, Unit::None).unwrap_err();
        assert_eq!(
            kind.to_string(),
            "metric \"cart\" is a trend already, it cannot be a rate too; write another name"
        );
        assert!(matches!(
            catalog.define("cart", Kind::Trend, Unit::Bytes),
            Err(DefineError::Unit { .. })
        ));
        assert!(catalog.define("vus", Kind::Gauge, Unit::None).is_ok());
    }

    #[test]
    fn names_follow_the_rule_of_k6() {
        let catalog = Catalog::new(10);
        let (longest, longer) = ("a".repeat(128), "a".repeat(129));
        for name in ["a", "_", "my_metric2", &longest] {
            assert!(
                catalog.define(name, Kind::Rate, Unit::None).is_ok(),
                "{name}"
            );
        }
        for name in ["", "2a", "a-b", "a b", "é", "a{b:c}", &longer] {
            let error = catalog.define(name, Kind::Rate, Unit::None).unwrap_err();
            assert!(matches!(error, DefineError::Name(_)), "{name}");
        }
    }

    #[test]
    fn tag_sets_are_sorted_interned_and_the_later_wins() {
        let catalog = Catalog::new(10);
        let a = catalog.tags(&[("b", "1"), ("a", "2"), ("b", "3")]);
        assert_eq!(shown(&catalog, a), "a=2 b=3");
        assert_eq!(catalog.tags(&[("a", "2"), ("b", "3")]), a);
        let more = catalog.extend(a, &[("c", "4"), ("a", "5")]);
        assert_eq!(shown(&catalog, more), "a=5 b=3 c=4");
        assert_eq!(catalog.extend(a, &[]), a);
        assert_eq!(catalog.tags(&[]), TagSetId::EMPTY);
    }

    #[test]
    fn a_tag_that_never_repeats_cannot_fill_memory() {
        let catalog = Catalog::new(5);
        let last = (0..5000).fold(TagSetId::EMPTY, |_, n| {
            catalog.tags(&[("id", &n.to_string())])
        });
        assert_eq!(last, TagSetId::OVERFLOW);
        assert_eq!(shown(&catalog, last), "overflow=true");
        assert!(catalog.lock().sets.len() <= 1010);
    }
}
