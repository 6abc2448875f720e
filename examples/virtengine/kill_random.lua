-- exp-1: an instance chosen at random dies, on a schedule. It must be replaced within 30 s, the quorum hold, writes go on
-- and the alert fire. Every 6 h it is done by schedule.toml; here it is done twice.
-- --env RESTART=no is a cluster that nobody mends.
-- flags: --time-scale 0.002
-- needs: etcd, prometheus

local standins = require("../lib/standins")
local port = standins.ports(22000)
local cluster, server

setup(function()
    cluster = standins.etcd { port = port, restart = env("RESTART") ~= "no" and "2" }
    local members = {}
    for number, url in cluster.members do members[number] = string.match(url, "//(.*)") end
    server = standins.prometheus { port = port, scrape = { etcd = members }, rules = { { alert = "InstanceDown", expr = "up == 0" } } }
end)

local function replaced()
    for number in cluster.members do
        if not cluster:status(number) then return false end
    end
    return cluster:leader() ~= nil
end

experiment("exp-1 a random instance dies", function(x)
    x:steady_state("all instances answer", { settle = "10s" }, function(probe) probe:fn("replaced", replaced, { within = "5s" }) end)
    local ledger = integrity.ledger():begin({ every = "50s" }, function(key, value) return cluster:put(key, value) end)
    for round = 1, 2 do
        x:step(`death {round}`, function(s)
            local victim = math.random(1, #cluster.members)
            s:inject(standins.etcd_process(cluster, victim):kill("SIGKILL"), { name = `instance {victim}` })
            parallel {
                function() server:wait_alert("InstanceDown", { within = "30s", every = "200ms" }) end,
                function() s:eventually("the quorum holds", function() return cluster:put("quorum", "1") end, { within = "10s" }) end,
            }
            local begun = now()
            s:eventually("replaced within 30 s", replaced, { within = env("WITHIN", "30s") })
            log.info("replaced", { instance = victim, after_ms = math.floor(now() - begun) })
            server:wait_clear("InstanceDown", { within = "30s", every = "500ms" })
            s:sleep("6m") -- and 6 h where a schedule does it
        end)
    end
    ledger:stop()
    ledger:verify(cluster:list("entry-") or {})
    x:recovers { within = "30s", stable_for = "1m" }
end)
