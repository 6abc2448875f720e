-- What protects the shop is off unless it is asked for, and counted where it is on.
local plain = demo.shop { items = 21 }
expect("off", prometheus.scrape(plain.url .. "/metrics"):value("breaker_state") == nil)

local limited = demo.shop { items = 22, rate_limit = "5/s" }
local statuses = {}
for _ = 1, 30 do
    local res = http.get(limited.url .. "/items/1")
    statuses[res.status] = (statuses[res.status] or 0) + 1
    if res.status == 429 then expect("a hint", tonumber(res.headers["retry-after"]) >= 1) end
end
expect("some are let in, others are not", statuses[200] >= 5 and statuses[429] > 0)
expect("counted", prometheus.scrape(limited.url .. "/metrics"):value("rate_limited_total") == statuses[429])
expect("health is not limited", http.get(limited.url .. "/health").ok)

local narrow = demo.shop { items = 23, store_delay = "200ms", cache_ttl = "1ms", bulkhead = { concurrent = 1, queue = 1 } }
local calls = {}
for number = 1, 6 do calls[number] = function() return http.get(`{narrow.url}/items/{number}`).status end end
local refused = 0
for _, status in parallel(calls) do
    if status == 503 then refused += 1 end
end
expect("one is asked and one waits", refused >= 1 and refused <= 4)
expect("refusals are counted", prometheus.scrape(narrow.url .. "/metrics"):value("bulkhead_refused_total") == refused)
