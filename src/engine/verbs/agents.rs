//! The option `agents`: how agents on other hosts are started.

use std::collections::BTreeMap;
use std::net::IpAddr;

use mlua::{Table, Value};

use crate::agent::client::AgentCommand;
use crate::base::text::quoted;
use crate::engine::fields::Fields;

use super::run_options::Reader;

const KEYS: &[&str] = &["command", "control"];

/// `{ db1 = { command = { "ssh", "db1", "rchaos", "agent" }, control = { "10.0.0.7" } } }`.
pub(super) fn agents(reader: &Reader) -> BTreeMap<String, AgentCommand> {
    let mut all = BTreeMap::new();
    let Some(table) = reader.fields.optional::<Table>("agents") else {
        return all;
    };
    for (key, value) in table.pairs::<Value, Value>().flatten() {
        let Value::String(name) = key else {
            let text = "a key is no name; write { db1 = { command = { \"ssh\", \"db1\", \"rchaos\", \"agent\" } } }";
            reader.fields.note("agents", text);
            continue;
        };
        let name = name.to_string_lossy();
        let place = format!("options: agents: {name}");
        let fields = Fields::new(&place, KEYS, reader.lua, value, reader.problems);
        let command: Option<Vec<String>> = fields.optional("command");
        if command.as_ref().is_none_or(Vec::is_empty) {
            let text =
                "is required; write, for example, { \"ssh\", \"db1\", \"rchaos\", \"agent\" }";
            fields.note("command", text);
        }
        let control: Vec<String> = fields.or("control", Vec::new());
        let control = control.iter().filter_map(|text| address(&fields, text));
        let command = AgentCommand {
            command: command.unwrap_or_default(),
            control: control.collect(),
        };
        all.insert(name, command);
    }
    all
}

fn address(fields: &Fields, text: &str) -> Option<IpAddr> {
    let address = text.parse().ok();
    if address.is_none() {
        let text = format!("{} is no IP address", quoted(text));
        fields.note("control", &text);
    }
    address
}
