//! `proxy.status`: what a proxy has carried, and whom each of its faults has met.

use serde_json::{Value, json};

use super::shelf::Shelf;
use crate::fault::proxy::FaultStatus;
use crate::fault::{Context, Query, Trouble};

/// Answers for the proxy of that number, of either sort.
pub const QUERY: Query = Query {
    name: "proxy.status",
    ask,
};

fn ask(options: &Value, context: &Context) -> Result<Value, Trouble> {
    let id = options["id"].as_u64().unwrap_or_default();
    let shelf = context.shared.get::<Shelf>();
    if let Some(proxy) = shelf.proxy(id) {
        let traffic = proxy.traffic();
        let [received, answered] = traffic.received;
        let faults = proxy.faults().into_iter().map(|status| {
            let FaultStatus {
                toxic,
                connections,
                drawn,
                hit,
                bytes,
            } = status;
            json!({
                "name": toxic.name, "kind": toxic.fault.kind(), "connections": connections,
                "drawn": drawn, "hit": hit, "bytes": bytes,
            })
        });
        return Ok(json!({
            "open": true, "connections": traffic.accepted, "unreachable": traffic.unreachable,
            "bytes_up": received, "bytes_down": answered, "dropped": traffic.dropped,
            "faults": faults.collect::<Value>(),
        }));
    }
    let Some(proxy) = shelf.http_proxy(id) else {
        return Ok(json!({"open": false, "faults": []}));
    };
    let faults = proxy.rules().into_iter().map(|status| {
        json!({
            "name": status.rule.name, "kind": status.rule.fault.kind(),
            "matched": status.matched, "hit": status.hit,
        })
    });
    Ok(json!({
        "open": true, "requests": proxy.requests(), "unreachable": proxy.unreachable(),
        "faults": faults.collect::<Value>(),
    }))
}
