-- How do I measure what my business cares about? Metrics of your own, with tags and thresholds.

local orders = metrics.counter("orders")
local revenue = metrics.trend("order_value", { unit = "EUR" })
local journey = metrics.trend("checkout_time", { unit = "time" }) -- in milliseconds
local hits = metrics.rate("cache_hits")
local basket = metrics.gauge("basket_size")

options { thresholds = {
    orders = "count >= 20",
    ["orders{kind:gift}"] = "count >= 5",
    order_value = "avg > 1",
    checkout_time = "p(95) < 3s",
    cache_hits = "rate > 10%",
} }

scenario("checkout", { executor = "per-vu-iterations", vus = 4, iterations = 5 }, function(vu, session)
    local begin = now() -- milliseconds
    local item = http.get(session.url .. "/items/" .. math.random(1, 3))
    hits:add(item.headers["x-cache"] == "hit")
    local quantity = math.random(1, 4)
    basket:add(quantity)
    local order = http.post(session.url .. "/orders", { json = { item = item:json("$.id"), quantity = quantity } })
    journey:add(now() - begin)
    orders:add(1, { kind = if vu.iteration % 2 == 0 then "gift" else "own" })
    revenue:add(order:json("$.total_cents") / 100)
    -- Figures of the run so far may steer the script; nil as long as there is nothing to read.
    local latency = metrics.get("http_req_duration{scenario:checkout}")
    if latency and latency:p(95) > 800 then
        sleep("500ms") -- back off
    end
end)

setup(function()
    return { url = env("BASE_URL") or demo.shop {}.url }
end)
