//! `netfault.blackhole`, `reject`, `cut` and `partition`: what does not get through.

use mlua::{Error, Lua, Result, Table, Value};
use serde::Serialize;

use super::filter::{keys, keys_of_connections, named, read};
use crate::fault::net::{
    Answer, BLACKHOLE, Blackhole, CUT, Cut, Filter, PARTITION, Partition, Protocol, REJECT, Reject,
};
use crate::fault::{Kind, Spec};
use crate::modules::hold::{FaultValue, raise};
use crate::modules::target::TargetValue;
use crate::script::{FromOption, Options, misuse, shown};

/// Drops packets of a target without a word.
pub(super) fn blackhole(lua: &Lua, (target, options): (Value, Value)) -> Result<FaultValue> {
    let (target, options) = open(lua, BLACKHOLE.name, &[], target, options)?;
    let filter = read(&options, &target.agent)?;
    let label = label("blackhole", &target, &filter);
    let options = Blackhole {
        target: target.target,
        filter,
    };
    fault(lua, &BLACKHOLE, target.agent, &options, label)
}

/// Refuses packets of a target aloud.
pub(super) fn reject(lua: &Lua, (target, options): (Value, Value)) -> Result<FaultValue> {
    let (target, options) = open(lua, REJECT.name, &["with"], target, options)?;
    let filter = read(&options, &target.agent)?;
    let label = label("reject", &target, &filter);
    let options = Reject {
        target: target.target,
        with: named(&options, "with", &Answer::NAMES)?.unwrap_or_default(),
        filter,
    };
    fault(lua, &REJECT, target.agent, &options, label)
}

/// Ends the connections that a target has, once.
pub(super) fn cut(lua: &Lua, (target, options): (Value, Value)) -> Result<FaultValue> {
    const WHAT: &str = CUT.name;
    let target = TargetValue::from_option(target)
        .map_err(|problem| misuse(lua, format!("{WHAT}: argument 1: {problem}")))?;
    let options = Options::read(WHAT, &keys_of_connections(), lua, options)?;
    let filter = read(&options, &target.agent)?;
    if matches!(filter.protocol, Some(Protocol::Sctp | Protocol::Icmp)) {
        let message = "only \"tcp\" and \"udp\" have connections that can be cut";
        return Err(options.invalid("protocol", message));
    }
    let filtered = filter.label_without_direction();
    let label = format!("cut connections of {}: {filtered}", target.label());
    let options = Cut {
        target: target.target,
        filter,
    };
    fault(lua, &CUT, target.agent, &options, label)
}

/// The target and the options of a fault on packets.
pub(super) fn open(
    lua: &Lua,
    what: &'static str,
    own: &[&'static str],
    target: Value,
    options: Value,
) -> Result<(TargetValue, Options)> {
    let target = TargetValue::from_option(target)
        .map_err(|problem| misuse(lua, format!("{what}: argument 1: {problem}")))?;
    let options = Options::read(what, &keys(own), lua, options)?;
    Ok((target, options))
}

/// As timeline and plan name it: `blackhole namespace n1: to namespace n2, egress`.
pub(super) fn label(what: &str, target: &TargetValue, filter: &Filter) -> String {
    format!("{what} {}: {}", target.label(), filter.label())
}

/// The inert fault.
pub(super) fn fault(
    lua: &Lua,
    kind: &'static Kind,
    agent: String,
    options: &impl Serialize,
    label: String,
) -> Result<FaultValue> {
    let spec = Spec::new(kind, options).map_err(|trouble| raise(lua, kind.name, &trouble))?;
    Ok(FaultValue::new(kind.name, agent, spec, label))
}

/// Groups that cannot reach each other.
pub(super) fn partition(lua: &Lua, (groups, options): (Value, Value)) -> Result<FaultValue> {
    const WHAT: &str = PARTITION.name;
    let options = Options::read(WHAT, &["one_way", "between"], lua, options)?;
    let one_way = options.optional("one_way")?.unwrap_or_default();
    let groups = read_groups(lua, groups)?;
    let between = between(&options, groups.len())?;
    let label = |group: &Vec<TargetValue>| {
        let labels: Vec<_> = group.iter().map(TargetValue::label).collect();
        labels.join(" and ")
    };
    let sides: Vec<_> = groups.iter().map(label).collect();
    let arrow = if one_way { " to " } else { " | " };
    let pair = |(one, other): &(usize, usize)| format!("{}{arrow}{}", sides[*one], sides[*other]);
    let label = match between.is_empty() {
        true => format!("partition {}", sides.join(arrow)),
        false => {
            let pairs: Vec<_> = between.iter().map(pair).collect();
            format!("partition {}", pairs.join(", "))
        }
    };
    let all: Vec<_> = groups.iter().flatten().collect();
    let agent = all[0].agent.clone();
    if let Some(other) = all.iter().find(|target| target.agent != agent) {
        let message = format!(
            "{WHAT}: {} and {} are on different hosts; cut one of them off with \
             netfault.blackhole and the other's address",
            all[0].label(),
            other.label()
        );
        return Err(misuse(lua, message));
    }
    for (index, target) in all.iter().enumerate() {
        if all[..index].contains(target) {
            let message = format!("{WHAT}: {} is there twice", target.label());
            return Err(misuse(lua, message));
        }
    }
    let targets = |group: Vec<TargetValue>| group.into_iter().map(|one| one.target).collect();
    let options = Partition {
        groups: groups.into_iter().map(targets).collect(),
        one_way,
        between,
    };
    fault(lua, &PARTITION, agent, &options, label)
}

/// The pairs of groups that are cut off from each other, numbered from 0.
fn between(options: &Options, groups: usize) -> Result<Vec<(usize, usize)>> {
    let Some(given) = options.optional::<Vec<Vec<u64>>>("between")? else {
        return Ok(Vec::new());
    };
    let number = |number: &u64| {
        let index = usize::try_from(*number).ok()?.checked_sub(1)?;
        (index < groups).then_some(index)
    };
    let mut pairs = Vec::new();
    for pair in &given {
        match pair
            .iter()
            .map(number)
            .collect::<Option<Vec<_>>>()
            .as_deref()
        {
            Some([one, other]) if one != other => pairs.push((*one, *other)),
            _ => {
                let message = format!(
                    "expected pairs of two groups by their numbers, 1 to {groups}, as in {{ {{ 1, 3 }}, {{ 2, 4 }} }}"
                );
                return Err(options.invalid("between", message));
            }
        }
    }
    if pairs.is_empty() {
        return Err(options.invalid("between", "the list is empty; leave it out to mean all"));
    }
    Ok(pairs)
}

fn read_groups(lua: &Lua, groups: Value) -> Result<Vec<Vec<TargetValue>>> {
    let wrong = |problem: String| -> Error {
        let problem = format!(
            "{}: {problem}; write {{ {{ a, b }}, {{ c }} }}",
            PARTITION.name
        );
        misuse(lua, problem)
    };
    if !matches!(groups, Value::Table(_)) {
        let shown = shown(&groups);
        return Err(wrong(format!("expected groups of targets, got {shown}")));
    }
    if let Value::Table(table) = &groups {
        for option in ["one_way", "between"] {
            if table.contains_key(option)? {
                let message =
                    format!("option `{option}` goes into a table of its own, behind the groups");
                return Err(wrong(message));
            }
        }
    }
    let groups =
        Vec::<Table>::from_option(groups).map_err(|problem| wrong(format!("groups: {problem}")))?;
    if groups.len() < 2 {
        return Err(wrong("it takes two groups at least".to_owned()));
    }
    let mut read = Vec::new();
    for (index, group) in groups.into_iter().enumerate() {
        let number = index + 1;
        let group = Vec::<TargetValue>::from_option(Value::Table(group))
            .map_err(|problem| wrong(format!("group {number}: {problem}")))?;
        if group.is_empty() {
            return Err(wrong(format!("group {number} is empty")));
        }
        read.push(group);
    }
    Ok(read)
}
