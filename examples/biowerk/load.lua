-- smoke, sustained, mixed, gateway, agents: three repeats of every request; 50 users for ten minutes with 40 % reads and
-- 60 % writes; each route and each agent held to its own p50 and p95, errors below 0.5 % and 1 %.
-- Against one's own: --env BASE_URL=https://…
-- flags: --time-scale 0.005 --env USERS=10

local USERS = tonumber(env("USERS", 50))
local base = env("BASE_URL")

-- An agent is a family of requests: its hottest path, and how often it is asked.
local AGENTS = {
    nucleus = { weight = 20, read = true, path = "/items", name = "plan" },
    osteon = { weight = 30, path = "/orders", name = "draft" },
    myocyte = { weight = 30, path = "/orders", name = "ingest" },
    synapse = { weight = 20, read = true, path = "/items/7", name = "storyboard" },
}

local thresholds = {
    ["http_req_duration{scenario:gateway}"] = { "p(50) < 150ms", "p(95) < 400ms" },
    ["http_req_failed{scenario:gateway}"] = "rate < 0.5%",
    ["checks{scenario:smoke}"] = "rate > 99%",
}
for agent in AGENTS do
    thresholds[`http_req_duration\{group:{agent}}`] = { "p(50) < 200ms", "p(95) < 500ms" }
    thresholds[`http_req_failed\{group:{agent}}`] = "rate < 1%"
end
options { thresholds = thresholds }

setup(function()
    local slow = env("STORE_DELAY", "2ms")
    return { url = base or demo.shop { store_delay = slow, cache_ttl = "1ms", bulkhead = { concurrent = 32, queue = 64 } }.url }
end)

local function call(agent, url)
    local tags = { agent = agent.name, kind = if agent.read then "read" else "write" }
    if agent.read then
        return http.get(url .. agent.path, { name = agent.name, tags = tags })
    end
    return http.post(url .. agent.path, { json = { item = math.random(1, 100), quantity = 1 }, name = agent.name, tags = tags })
end

scenario("smoke", { vus = 1, iterations = 3 }, function(_, session)
    for name, agent in AGENTS do
        check(group(name, function() return call(agent, session.url) end), { answered = function(res) return res.ok end })
    end
    check(http.get(session.url .. "/health"), { healthy = function(res) return res.ok end })
end)

local families = {}
for name, agent in AGENTS do
    families[name] = { weight = agent.weight, run = function(_, session) return call(agent, session.url) end }
end
local mixed = trial.mix(families)

scenario("sustained", { vus = USERS, duration = "10m", start_after = "smoke" }, function(vu, session)
    mixed(vu, session)
    sleep("10s", "30s")
end)

-- Route by route, all through the mesh.
scenario("gateway", { rate = "20/s", duration = "10m", max_vus = 100, start_after = "smoke" }, function(vu, session)
    local routes = { "/items", "/items/3", "/orders/1", "/health" }
    local path = routes[vu.iteration % #routes + 1]
    http.get(session.url .. path, { name = path, expected = { 200, 404 } })
end)
