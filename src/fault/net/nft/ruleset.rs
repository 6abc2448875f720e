//! The chains, rules and sets of one fault, and the messages that make and remove them together.

use super::expression::{Expression, Field};
use super::set::Set;
use super::table::LIVE;
use super::wire;
use crate::fault::net::netlink::Message;

/// Where a chain sees packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hook {
    /// Everything that arrives, before routing and address translation.
    Prerouting,
    /// What this host's processes send.
    Output,
}

impl Hook {
    fn number(self) -> u32 {
        match self {
            Self::Prerouting => 0,
            Self::Output => 3,
        }
    }

    /// The name of a fault's chain there.
    pub(super) fn chain(self, fault: u32) -> String {
        match self {
            Self::Prerouting => format!("{fault}-in"),
            Self::Output => format!("{fault}-out"),
        }
    }
}

/// What one fault puts into the table: rules at hooks, and the sets they look into.
///
/// Set names are made unique by [`Ruleset::set_name`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ruleset {
    /// The rules, in order, each with the hook it belongs to.
    pub rules: Vec<(Hook, Vec<Expression>)>,
    /// What they look into.
    pub sets: Vec<Set>,
    /// Where the chains stand among others: lower comes first.
    pub priority: i32,
}

/// Before connection tracking and address translation, after reassembly.
pub const EARLY: i32 = -310;

impl Ruleset {
    /// No rules yet, at the place for drops.
    #[must_use]
    pub fn early() -> Self {
        Self {
            priority: EARLY,
            ..Self::default()
        }
    }

    /// A set's name that no other fault of the table has.
    #[must_use]
    pub fn set_name(fault: u32, name: &str) -> String {
        format!("{fault}-{name}")
    }

    /// Puts `queue` where rules hand packets to a queue.
    pub fn set_queue(&mut self, queue: &Expression) {
        for (_, steps) in &mut self.rules {
            for step in steps {
                if matches!(step, Expression::Queue(_) | Expression::QueueTarget(_)) {
                    step.clone_from(queue);
                }
            }
        }
    }

    /// Takes another one's rules behind its own; `suffix` tells its sets apart.
    pub fn absorb(&mut self, mut other: Self, suffix: &str) {
        let renamed = |name: &str| format!("{name}{suffix}");
        for (_, steps) in &mut other.rules {
            for step in steps {
                if let Expression::In { set, .. } = step {
                    *set = renamed(set);
                }
            }
        }
        for set in &mut other.sets {
            set.name = renamed(&set.name);
        }
        self.rules.extend(other.rules);
        self.sets.extend(other.sets);
    }

    /// The hooks that have rules.
    pub(super) fn hooks(&self) -> Vec<Hook> {
        let mut hooks: Vec<_> = self.rules.iter().map(|(hook, _)| *hook).collect();
        hooks.sort_unstable();
        hooks.dedup();
        hooks
    }

    /// The messages that make it all, each rule bound to the lease of `fault`.
    pub(super) fn create(&self, table: &str, fault: u32, set_number: u32) -> Vec<Message> {
        let mut messages = Vec::new();
        for (set, number) in self.sets.iter().zip(set_number..) {
            messages.extend(set.create(table, number));
        }
        for hook in self.hooks() {
            messages.push(self.chain(table, fault, hook));
        }
        for (hook, steps) in &self.rules {
            messages.push(rule(table, fault, *hook, steps));
        }
        messages
    }

    /// Whether another one differs only in what its sets hold.
    pub(super) fn same_but_for_contents(&self, other: &Self) -> bool {
        let names = |ruleset: &Self| -> Vec<_> {
            let sets = ruleset.sets.iter();
            sets.map(|set| (set.name.clone(), set.kind)).collect()
        };
        self.priority == other.priority && self.rules == other.rules && names(self) == names(other)
    }

    /// The messages that turn the sets' contents into those of another one with the same sets.
    pub(super) fn refill(&self, table: &str, other: &Self) -> Vec<Message> {
        let both = self.sets.iter().zip(&other.sets);
        let changed = both.filter(|(old, new)| old.ranges != new.ranges);
        changed.flat_map(|(_, new)| new.refill(table)).collect()
    }

    /// The messages that remove it; a chain takes its rules along.
    pub(super) fn delete(&self, table: &str, fault: u32) -> Vec<Message> {
        let mut messages = Vec::new();
        for hook in self.hooks() {
            let chain = hook.chain(fault);
            let delete = wire::message(wire::kind::DEL_CHAIN, 0, format!("delete chain {chain}"));
            messages.push(delete.with_text(1, table).with_text(3, &chain));
        }
        for set in &self.sets {
            messages.push(Set::delete(table, &set.name));
        }
        messages
    }

    fn chain(&self, table: &str, fault: u32, hook: Hook) -> Message {
        let chain = hook.chain(fault);
        let new = wire::flag::CREATE | wire::flag::EXCLUSIVE;
        wire::message(wire::kind::NEW_CHAIN, new, format!("add chain {chain}"))
            .with_text(1, table)
            .with_text(3, &chain)
            .with_nested(4, |place| {
                place.put(1, &hook.number().to_be_bytes());
                place.put(2, &self.priority.to_be_bytes());
            })
            .with(5, &1_u32.to_be_bytes())
            .with_text(7, "filter")
    }
}

fn rule(table: &str, fault: u32, hook: Hook, steps: &[Expression]) -> Message {
    let chain = hook.chain(fault);
    let new = wire::flag::CREATE | wire::flag::APPEND;
    wire::message(wire::kind::NEW_RULE, new, format!("add a rule to {chain}"))
        .with_text(1, table)
        .with_text(2, &chain)
        .with_nested(4, |list| {
            // In the rule itself: whatever happens to the holder, the rule ends with its lease.
            Expression::Load(Field::Constant(fault)).write(list);
            Expression::In {
                set: LIVE.to_owned(),
                absent: false,
            }
            .write(list);
            for step in steps {
                step.write(list);
            }
        })
}
