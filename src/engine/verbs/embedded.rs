//! What is written in Lua and embedded: `profiles`, `etcd`, `integrity` … Each file of `stdlib` is a global.

use mlua::{Lua, Result, Value};

use crate::script::{STDLIB, Verb, time_scale};

/// What the embedded file of this name returns. It is given a function that says how much shorter than written a run's
/// holds are, for what must keep its pace in a rehearsal.
fn embedded(lua: &Lua, name: &str) -> Result<Value> {
    let text = STDLIB
        .iter()
        .find(|(known, _)| *known == name)
        .map_or("return {}", |(_, text)| *text);
    // A chunk named like the interpreter's own is left out of call stacks.
    let pace = lua.create_function(|lua, ()| Ok(time_scale(lua).factor()))?;
    lua.load(text).set_name("=[rchaos]").call(pace)
}

/// Rows of data become experiments.
pub const CASES: Verb = Verb {
    name: "cases",
    open: |lua| embedded(lua, "cases"),
};

/// Asks every query of a Grafana dashboard of Prometheus.
pub const DASHBOARDS: Verb = Verb {
    name: "dashboards",
    open: |lua| embedded(lua, "dashboards"),
};

/// Watches who leads an etcd cluster, and what it keeps.
pub const ETCD: Verb = Verb {
    name: "etcd",
    open: |lua| embedded(lua, "etcd"),
};

/// Ledgers of writes, snapshots of state, restore drills.
pub const INTEGRITY: Verb = Verb {
    name: "integrity",
    open: |lua| embedded(lua, "integrity"),
};

/// Ways to cut a network, each returning a fault.
pub const PARTITIONS: Verb = Verb {
    name: "partitions",
    open: |lua| embedded(lua, "partitions"),
};

/// Asks a `PostgreSQL` server.
pub const POSTGRES: Verb = Verb {
    name: "postgres",
    open: |lua| embedded(lua, "postgres"),
};

/// The classic load shapes, each returning the options of a scenario.
pub const PROFILES: Verb = Verb {
    name: "profiles",
    open: |lua| embedded(lua, "profiles"),
};

/// Asks a Redis server.
pub const REDIS: Verb = Verb {
    name: "redis",
    open: |lua| embedded(lua, "redis"),
};

/// Observes breakers, retries and refusals.
pub const RESILIENCE: Verb = Verb {
    name: "resilience",
    open: |lua| embedded(lua, "resilience"),
};

/// Bursts of load with figures at once, and the search for a breaking point.
pub const TRIAL: Verb = Verb {
    name: "trial",
    open: |lua| embedded(lua, "trial"),
};
