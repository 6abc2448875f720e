-- database: connections fail; then every answer is 5000 ms late. A client that keeps asking is counted: errors, and how
-- long until it is well again. --env TIMEOUT=20s is a client that would wait for ever, --env BROKEN=1 a database that stays away.
-- flags: --time-scale 0.02
-- needs: postgres, psql

local standins = require("../lib/standins")
local port = standins.ports(23200)
local link, db, away

setup(function()
    standins.postgres { port = port }
    link = netfault.proxy { name = "database", upstream = `127.0.0.1:{port}` }
    db = postgres.connect { port = tonumber(string.match(link.listen, ":(%d+)$")), timeout = env("TIMEOUT", "2s") }
end)

local function well() return not away and db:value("select 1") == "1" end

-- Asks until it is told to stop.
local function client()
    local seen = { asked = 0, failed = 0, slowest = 0, going = true }
    local task = spawn(function()
        while seen.going do
            local begun = now()
            seen.asked += 1
            if not well() then seen.failed += 1 end
            seen.slowest = math.max(seen.slowest, now() - begun)
            sleep("5s")
        end
    end)
    return seen, function() seen.going = false; task:wait() end
end

local faults = {
    { name = "connection failure", make = function() return link:down {} end },
    { name = "latency of 5000 ms", make = function() return link:latency { delay = "5000ms" } end },
}

for _, row in faults do
    experiment("database: " .. row.name, function(x)
        x:steady_state("it answers", { settle = "10s" }, function(probe) probe:fn("select", well, { within = "5s" }) end)
        local seen, leave = client()
        x:sleep("30s")
        local before = { asked = seen.asked, failed = seen.failed }
        x:step(row.name, function(s)
            s:inject(row.make(), { name = row.name, must_hit = true })
            s:eventually("clients see it", function() return seen.failed > before.failed end, { within = "20s" })
            s:sleep("60s")
            away = env("BROKEN") ~= nil
        end)
        local took = x:recovers { within = env("WITHIN", "30s"), stable_for = "30s" }
        leave()
        log.info(row.name, { recovered_after_ms = math.floor(took), error_rate = seen.failed / seen.asked, slowest_ms = math.floor(seen.slowest) })
        x:expect("no error before", function() return before.failed == 0 end)
        x:expect("nobody waits longer than 4 s", function() return seen.slowest < 4000 end, `somebody waited {math.floor(seen.slowest)} ms`)
    end)
end
