//! The shop itself: items through the cache, orders in the store, health and metrics.

use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use http::StatusCode;
use http::header::{HeaderName, HeaderValue, LOCATION};
use serde::Deserialize;
use serde_json::json;
use url::form_urlencoded;

use super::backing::Table;
use super::reply::{Reply, bad_request, json, not_found, reply, text, unavailable};
use super::server::State;
use super::store::StoreError;

/// Items on one page of `GET /items`.
const PAGE: usize = 20;
/// The most of one item that an order may ask for.
const MAX_QUANTITY: u64 = 100;
const X_CACHE: HeaderName = HeaderName::from_static("x-cache");

const INDEX: &str = "\
rchaos demo shop

GET  /items?page=1                 a page of items, through the cache
GET  /items/:id                    one item; x-cache says hit, miss or bypass
POST /orders                       {\"item\": 1, \"quantity\": 2} gives 201 and an id
GET  /orders/:id                   one order, from the store
GET  /health                       whether cache and store answer
GET  /metrics                      Prometheus text

GET  /slow?ms=100                  answers after that time
GET  /status/:code                 answers with that status
POST /echo                         answers with the body it was sent
GET  /headers                      the request's headers as JSON
GET  /cookies                      the request's cookies as JSON
GET  /cookies/set?name=value       sets cookies, redirects to /cookies
GET  /redirect/:n                  redirects n times, then here
GET  /bytes/:n                     a body of n bytes
GET  /gzip                         a compressed body
GET  /basic-auth/:user/:password   200 with these credentials, else 401
";

pub(super) fn index() -> Reply {
    text(INDEX)
}

/// The rows a store begins with: items, and the pages they are listed on.
pub(super) fn seed(table: &mut Table, items: usize) {
    let pages = items.div_ceil(PAGE);
    for page in 1..=pages {
        let first = (page - 1) * PAGE + 1;
        let last = (page * PAGE).min(items);
        let listed: Vec<_> = (first..=last).map(item_json).collect();
        for (id, item) in (first..).zip(&listed) {
            table.seed(format!("item:{id}"), item.to_string());
        }
        let body = json!({ "items": listed, "page": page, "pages": pages });
        table.seed(format!("page:{page}"), body.to_string());
    }
}

fn item_json(id: usize) -> serde_json::Value {
    const KINDS: [&str; 7] = [
        "kettle", "lamp", "chair", "clock", "basket", "mirror", "teapot",
    ];
    const LOOKS: [&str; 5] = ["copper", "oak", "linen", "glass", "slate"];
    let name = format!("{} {}", LOOKS[id % LOOKS.len()], KINDS[id % KINDS.len()]);
    json!({ "id": id, "name": name, "price_cents": price(id as u64) })
}

fn price(id: u64) -> u64 {
    499 + id * 737 % 9500
}

pub(super) async fn items(state: &State, query: &str) -> Reply {
    let page = form_urlencoded::parse(query.as_bytes())
        .find(|(name, _)| name == "page")
        .map_or(Ok(1), |(_, value)| value.parse::<u64>());
    match page {
        Ok(page) => read_through(state, &format!("page:{page}"), "no such page of items").await,
        Err(_) => bad_request("page: write a number from 1"),
    }
}

pub(super) async fn item(state: &State, id: &str) -> Reply {
    match id.parse::<u64>() {
        Ok(id) => read_through(state, &format!("item:{id}"), "no such item").await,
        Err(_) => bad_request("id: write a number from 1"),
    }
}

/// Cache first, then the store; a cache that does not answer is passed by.
async fn read_through(state: &State, key: &str, missing: &str) -> Reply {
    let (note, counter) = match state.cache.get(key).await {
        Ok(Some(row)) => {
            count(&state.stats.cache_hits);
            return noted(json(StatusCode::OK, row), "hit");
        }
        Ok(None) => ("miss", &state.stats.cache_misses),
        Err(_) => ("bypass", &state.stats.cache_bypasses),
    };
    count(counter);
    let response = match state.store.get(key).await {
        Ok(Some(row)) => {
            if note == "miss" {
                // Whether the cache took the row matters to the next reader only.
                let _ = state.cache.set(key, &row).await;
            }
            json(StatusCode::OK, row)
        }
        Ok(None) => not_found(missing),
        Err(error) => store_down(state, &error),
    };
    noted(response, note)
}

fn noted(mut response: Reply, note: &'static str) -> Reply {
    let note = HeaderValue::from_static(note);
    response.headers_mut().insert(X_CACHE, note);
    response
}

fn store_down(state: &State, error: &StoreError) -> Reply {
    count(&state.stats.store_errors);
    let after = state.store.guard.retry_after();
    unavailable(&format!("the store is not available: {error}"), after)
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

#[derive(Deserialize)]
struct NewOrder {
    item: u64,
    quantity: u64,
}

pub(super) async fn create_order(state: &State, body: &Bytes) -> Reply {
    let order: NewOrder = match serde_json::from_slice(body) {
        Ok(order) => order,
        Err(error) => {
            let message = format!("write {{\"item\": 1, \"quantity\": 2}}: {error}");
            return bad_request(&message);
        }
    };
    if order.item == 0 || order.item > state.items as u64 {
        return bad_request(&format!("item: write a number from 1 to {}", state.items));
    }
    if order.quantity == 0 || order.quantity > MAX_QUANTITY {
        let message = format!("quantity: write a number from 1 to {MAX_QUANTITY}");
        return bad_request(&message);
    }
    let id = state.next_order.fetch_add(1, Ordering::Relaxed);
    let row = json!({
        "id": id,
        "item": order.item,
        "quantity": order.quantity,
        "total_cents": price(order.item) * order.quantity,
        "status": "accepted",
    })
    .to_string();
    match state
        .store
        .set(&format!("order:{id}"), row.as_bytes())
        .await
    {
        Ok(()) => {
            count(&state.stats.orders);
            let mut response = json(StatusCode::CREATED, row);
            if let Ok(location) = HeaderValue::try_from(format!("/orders/{id}")) {
                response.headers_mut().insert(LOCATION, location);
            }
            response
        }
        Err(error) => store_down(state, &error),
    }
}

pub(super) async fn order(state: &State, id: &str) -> Reply {
    let Ok(id) = id.parse::<u64>() else {
        return bad_request("id: write a number from 1");
    };
    match state.store.get(&format!("order:{id}")).await {
        Ok(Some(row)) => json(StatusCode::OK, row),
        Ok(None) => not_found("no such order"),
        Err(error) => store_down(state, &error),
    }
}

/// 200 while the store answers; without its cache the shop is slower, not down.
pub(super) async fn health(state: &State) -> Reply {
    let (cache, store) = tokio::join!(state.cache.ping(), state.store.peer.ping());
    let word = |up: bool| if up { "up" } else { "down" };
    let (status, verdict) = match store {
        Ok(()) => (StatusCode::OK, "ok"),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "down"),
    };
    let body = json!({
        "status": verdict,
        "cache": word(cache.is_ok()),
        "store": word(store.is_ok()),
    });
    json(status, body.to_string())
}

pub(super) fn metrics(state: &State) -> Reply {
    let waiting = state.cache.waiting() + state.store.peer.waiting();
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    let mut metrics = state.stats.prometheus(waiting);
    state.store.guard.prometheus(&mut metrics);
    reply(StatusCode::OK, kind, metrics)
}
