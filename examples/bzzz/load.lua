-- TC-14: 50 users, a minute to get there, ten minutes there: more than 10 requests a second, p95 below 2 s, errors below
-- 1 %, and healthy throughout. Against one's own: --env BASE_URL=https://…
-- flags: --time-scale 0.01 --env USERS=5

local USERS = tonumber(env("USERS", 50))

options { thresholds = {
    http_reqs = "rate > 10/s",
    ["http_req_duration{scenario:users}"] = "p(95) < 2s",
    ["http_req_failed{scenario:users}"] = "rate < 1%",
    -- The score is the share of looks that find it healthy.
    ["checks{check:healthy}"] = "rate > 80%",
} }

setup(function()
    return { url = env("BASE_URL") or demo.shop { store_delay = env("STORE_DELAY", "2ms") }.url }
end)

scenario("users", {
    stages = { { duration = "60s", target = USERS }, { duration = "10m", target = USERS } },
}, function(vu, session)
    http.post(session.url .. "/orders", { json = { item = vu.iteration % 100 + 1, quantity = 1 }, name = "generate" })
    sleep("2s", "4s")
end)

scenario("health", { vus = 1, duration = "660s" }, function(_, session)
    check(http.get(session.url .. "/health", { name = "health" }), { healthy = function(res) return res.ok end })
    sleep("5s")
end)
