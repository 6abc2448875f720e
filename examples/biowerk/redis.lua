-- redis: it stops, its traffic is dropped, its keys are flushed and evicted. The service must degrade and not fail, warn
-- by its metrics, and fill the cache again. --env STORE=away is a service whose store went with its cache.
-- flags: --time-scale 0.02
-- needs: redis-server, redis-cli

local standins = require("../lib/standins")
local port = standins.ports(24200)
local cache, link, away

-- A service over a cache, as rate limits and sessions are: looks in Redis first, works it out else.
local counters = { hits = 0, misses = 0, bypasses = 0 }
local function session(number)
    local found, problem = cache:command("GET", `session:{number}`)
    if not found then
        counters.bypasses += 1
        return not away, "bypass"
    elseif found ~= "" then
        counters.hits += 1
        return true, "hit"
    end
    counters.misses += 1
    cache:command("SET", `session:{number}`, `state of {number}`)
    return true, "miss"
end

setup(function()
    standins.redis { port = port, restart = "0.5", options = "--maxmemory 4mb --maxmemory-policy allkeys-lru" }
    link = netfault.proxy { name = "redis", upstream = `127.0.0.1:{port}` }
    cache = redis.connect { port = tonumber(string.match(link.listen, ":(%d+)$")), timeout = "1s" }
end)

local function serve(count)
    local well = 0
    for number = 1, count do
        if session(number) then well += 1 end
    end
    return well / count
end

-- Hits among so many, one after the other, from what is in the cache.
local function hits(count)
    local before = counters.hits
    serve(count)
    return (counters.hits - before) / count
end

local rows = {
    { name = "stopped", fault = function() return process.find { port = port, name = "redis-server" }:pause() end, warns = "bypasses" },
    { name = "traffic dropped", fault = function() return link:timeout {} end, warns = "bypasses" },
    { name = "killed", fault = function() return process.find { port = port, name = "redis-server" }:kill("SIGKILL") end },
    { name = "flushed", act = function() return cache:command("FLUSHALL") end, warns = "misses" },
    { name = "evicted", warns = "misses", act = function()
        local lines = {}
        for number = 1, 4000 do lines[number] = `SET filler:{number} {string.rep("x", 1500)}` end
        return redis.connect({ port = port }):pipe(lines)
    end },
}

for _, row in rows do
    experiment("redis: " .. row.name, function(x)
        x:steady_state("it serves", { settle = "10s" }, function(probe)
            probe:fn("a session", function() return (session(1)) end, { within = "5s" })
        end)
        serve(10)
        x:expect("primed", function() return hits(10) == 1 end)
        x:step(row.name, function(s)
            local before = table.clone(counters)
            if row.fault then s:inject(row.fault(), { name = row.name }) end
            if row.act then s:expect(row.name, function() return row.act() ~= nil end) end
            away = env("STORE") == "away"
            s:expect("it degrades, and serves", function() return serve(3) == 1 end)
            if row.warns then
                s:expect(`{row.warns} are counted`, function() return counters[row.warns] > before[row.warns] end)
            end
            away = nil
        end)
        x:recovers { within = "20s", stable_for = "5s" }
        x:eventually("it is primed again", function() return hits(10) == 1 end, { within = "15s", every = "100ms" })
    end)
end
