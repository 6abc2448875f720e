-- TC-11: a node is cut off both ways for 300 s, then has 180 s to recover. Each member lives in a namespace of its own.
-- The majority must go on, the lonely one must neither lead nor take writes, and in the end all hold the same.
-- flags: --time-scale 0.01
-- needs: root, etcd

local standins = require("../lib/standins")
local base = standins.ports(20800)
local NAMES = { `rcp{base}a`, `rcp{base}b`, `rcp{base}c` }
local cluster

setup(function()
    cluster = standins.etcd { hosts = NAMES, subnet = env("SUBNET", "10.69.0.0/24"), port = base }
end)

experiment("TC-11 a node is cut off", function(x)
    x:steady_state("all agree", { settle = "10s" }, function(probe)
        probe:fn("one leader", function() return cluster:leader() and cluster:split() == nil end, { within = "5s" })
        probe:fn("all hold the same", function() return (cluster:same()) end, { within = "5s" })
    end)
    local ledger = integrity.ledger():begin({ every = "2s" }, function(key, value) return cluster:put(key, value) end)
    x:sleep("60s")
    local lonely = cluster:wait_leader()
    local rest, others = {}, {}
    for number, name in NAMES do
        if number ~= lonely then
            table.insert(rest, number)
            table.insert(others, netfault.namespace(name))
        end
    end
    x:step("cut off", function(s)
        s:inject(netfault.partition { { netfault.namespace(NAMES[lonely]) }, others }, { name = "partition", must_hit = true })
        local new, took = cluster:wait_leader { among = rest, other_than = lonely, within = "30s", named = "the others elect one" }
        log.info("elected", { was = lonely, is = new, after_ms = math.floor(took) })
        s:expect("the lonely one takes no writes", function() return not cluster:put("lonely", "1", { at = lonely }) end)
        s:sleep("300s")
        s:expect("no two lead in one term", function() return cluster:split() == nil end)
    end)
    local took = x:recovers { within = "180s", stable_for = "60s" }
    ledger:stop()
    for number in NAMES do
        ledger:verify(cluster:list("entry-", { at = number, stale = true }) or {})
    end
    x:expect("the lonely write is nowhere", function() return cluster:get("lonely") == nil end)
    log.info("recovered", { after_ms = math.floor(took), without_writes_ms = math.floor(ledger.longest) })
end)
