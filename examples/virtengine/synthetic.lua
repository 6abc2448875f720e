-- Synthetic checks and the life cycle in seven steps, again and again on an interval, for hours: a transaction, a
-- provisioning, a query below 2 s. Each run's result, latency and error are in the metrics `check_*`.
-- Against one's own: --env BASE_URL=https://…
-- flags: --time-scale 0.002

local EVERY, FOR = env("EVERY", "2m"), env("FOR", "1h")
local result, latency = metrics.rate("synthetic_ok"), metrics.trend("synthetic_latency", { unit = "time" })

options { thresholds = {
    synthetic_ok = "rate > 99%",
    ["synthetic_latency{what:query}"] = "p(95) < 2s",
} }

setup(function() return { url = env("BASE_URL") or demo.shop { store_delay = env("STORE_DELAY", "2ms") }.url } end)

local function order(url) return http.post(url .. "/orders", { json = { item = 7, quantity = 1 }, name = "order" }) end

-- What each looks at; an error is the reason.
local looks = {
    transaction = function(url)
        local res = order(url)
        return res.status == 201 and (res:json("$.id") or 0) > 0, res
    end,
    provisioning = function(url)
        local res = order(url)
        return res.status == 201 and http.get(url .. res.headers.location, { name = "state" }).ok, res
    end,
    query = function(url)
        local res = http.get(url .. "/items", { name = "query" })
        return res.ok and res.duration < 2000, res
    end,
}

-- Seven steps, each with a limit of its own, in milliseconds.
local steps = {
    { "submit", 30000, function(url, state) state.order = order(url); return state.order.status == 201 end },
    { "bids", 30000, function(url) return #(http.get(url .. "/items"):json("$.items") or {}) > 0 end },
    { "lease", 30000, function(url) return http.get(url .. "/items/7").ok end },
    { "running", 300000, function(url, state) return http.get(url .. state.order.headers.location).ok end },
    { "reached", 30000, function(url) return http.get(url .. "/health").ok end },
    { "updated", 60000, function(url) return order(url).status == 201 end },
    { "closed", 60000, function(url, state) return http.get(url .. state.order.headers.location):json("$.status") == "accepted" end },
}

scenario("checks", { vus = 1, duration = FOR }, function(_, session)
    for what, look in looks do
        local begun = now()
        local ok, good, res = pcall(look, session.url)
        result:add(ok and good, { what = what })
        latency:add(now() - begun, { what = what })
        if not (ok and good) then
            log.warn("synthetic check failed", { what = what, error = if ok then tostring(res and (res.error or res.status)) else tostring(good) })
        end
    end
    sleep(EVERY)
end)

scenario("e2e", { vus = 1, duration = FOR }, function(_, session)
    local state = {}
    for _, step in steps do
        local begun = now()
        local done = group(step[1], function() return step[3](session.url, state) end)
        result:add(done and now() - begun <= step[2], { what = step[1] })
        expect(done, `{step[1]} failed`)
    end
    sleep(EVERY)
end)
