//! `demo`: the shop that examples run against, started from a script.

use std::net::SocketAddr;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use mlua::{Lua, Result, Table, Value};

use crate::base::text::quoted;
use crate::base::units::Rate;
use crate::demo::{BreakerOptions, BulkheadOptions, Protections, Shop, ShopOptions};
use crate::script::phase::io;
use crate::script::{Module, Options, misuse};

/// Seen by scripts as the global `demo`.
pub const MODULE: Module = Module { name: "demo", open };

const WHAT: &str = "demo.shop";
const KEYS: &[&str] = &[
    "listen",
    "cache_listen",
    "store_listen",
    "cache",
    "store",
    "store_delay",
    "cache_ttl",
    "items",
    "upstream_timeout",
    "breaker",
    "bulkhead",
    "retries",
    "rate_limit",
];

/// More shops than this are a script that starts one in each iteration.
const MOST: usize = 16;

/// Shops of this process, by their options; they live until it ends, or are stopped.
fn shops() -> &'static Mutex<Vec<(String, Shop)>> {
    static SHOPS: OnceLock<Mutex<Vec<(String, Shop)>>> = OnceLock::new();
    SHOPS.get_or_init(Mutex::default)
}

fn open(lua: &Lua) -> Result<Table> {
    let exports = lua.create_table()?;
    exports.raw_set("shop", lua.create_function(shop)?)?;
    Ok(exports)
}

/// Starts a shop, or finds the one that was started with the same options.
fn shop(lua: &Lua, options: Value) -> Result<Table> {
    io(lua, WHAT)?;
    let options = read(lua, options)?;
    let key = format!("{options:?}");
    let mut shops = shops().lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, shop)) = shops.iter().find(|(known, _)| *known == key) {
        return table(lua, shop, key);
    }
    if shops.len() >= MOST {
        let message = format!("{WHAT}: {MOST} shops are running already; start one in setup");
        return Err(misuse(lua, message));
    }
    let shop =
        Shop::start(options).map_err(|error| mlua::Error::runtime(format!("{WHAT}: {error}")))?;
    let table = table(lua, &shop, key.clone())?;
    shops.push((key, shop));
    Ok(table)
}

fn read(lua: &Lua, options: Value) -> Result<ShopOptions> {
    let options = Options::read(WHAT, KEYS, lua, options)?;
    let address = |key: &str| -> Result<Option<SocketAddr>> {
        let Some(text) = options.optional::<String>(key)? else {
            return Ok(None);
        };
        text.parse().map(Some).map_err(|_| {
            let text = quoted(&text);
            options.invalid(
                key,
                format!("{text} is not an address; write \"127.0.0.1:8080\""),
            )
        })
    };
    let default = ShopOptions::default();
    let time = |key: &str| options.optional::<Duration>(key);
    Ok(ShopOptions {
        listen: address("listen")?.unwrap_or(default.listen),
        cache_listen: address("cache_listen")?.unwrap_or(default.cache_listen),
        store_listen: address("store_listen")?.unwrap_or(default.store_listen),
        cache: address("cache")?,
        store: address("store")?,
        store_delay: time("store_delay")?.unwrap_or(default.store_delay),
        cache_ttl: time("cache_ttl")?.unwrap_or(default.cache_ttl),
        items: options.optional("items")?.unwrap_or(default.items),
        upstream_timeout: time("upstream_timeout")?.unwrap_or(default.upstream_timeout),
        protections: protections(&options)?,
    })
}

/// What protects the shop: each is off unless it is given.
fn protections(options: &Options) -> Result<Protections> {
    let breaker = options.child("breaker", &["failures", "open"])?;
    let breaker = breaker
        .map(|given| -> Result<_> {
            Ok(BreakerOptions {
                failures: positive(&given, "failures", 5)?,
                open: given.optional("open")?.unwrap_or(Duration::from_secs(2)),
            })
        })
        .transpose()?;
    let bulkhead = options.child("bulkhead", &["concurrent", "queue"])?;
    let bulkhead = bulkhead
        .map(|given| -> Result<_> {
            Ok(BulkheadOptions {
                concurrent: positive(&given, "concurrent", 8)? as usize,
                queue: given.optional::<u32>("queue")?.unwrap_or(16) as usize,
            })
        })
        .transpose()?;
    let rate: Option<Rate> = options.optional("rate_limit")?;
    if rate.as_ref().is_some_and(|rate| rate.0 <= 0.0) {
        return Err(options.invalid("rate_limit", "must be more than 0"));
    }
    Ok(Protections {
        breaker,
        bulkhead,
        retries: options.optional("retries")?.unwrap_or(0),
        rate_limit: rate.map(|rate| rate.0),
    })
}

/// A number from 1.
fn positive(options: &Options, key: &str, default: u32) -> Result<u32> {
    match options.optional(key)?.unwrap_or(default) {
        0 => Err(options.invalid(key, "write a number from 1")),
        number => Ok(number),
    }
}

fn table(lua: &Lua, shop: &Shop, key: String) -> Result<Table> {
    let table = lua.create_table()?;
    table.raw_set("url", shop.url())?;
    table.raw_set("address", shop.address().to_string())?;
    table.raw_set("cache_address", shop.cache_address().to_string())?;
    table.raw_set("store_address", shop.store_address().to_string())?;
    let stop = lua.create_function(move |_, _: mlua::MultiValue| {
        let mut shops = shops().lock().unwrap_or_else(PoisonError::into_inner);
        let place = shops.iter().position(|(known, _)| *known == key);
        let stopped = place.map(|place| shops.swap_remove(place));
        // Joining its thread must not hold up those who look for another shop.
        std::mem::drop(shops);
        std::mem::drop(stopped);
        Ok(())
    })?;
    // Not in the table itself, so that setup can return it: it is data then.
    let methods = lua.create_table()?;
    methods.raw_set("stop", stop)?;
    let metatable = lua.create_table()?;
    metatable.raw_set("__index", methods)?;
    table.set_metatable(Some(metatable))?;
    Ok(table)
}
