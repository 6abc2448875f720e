-- partition: a subset is isolated for 5 to 10 min. The healthy part must serve all the while, and the isolated part be in
-- step again afterwards without anybody's help. --env CUT=majority isolates too many.
-- flags: --time-scale 0.01
-- needs: root, etcd

local standins = require("../lib/standins")
local base = standins.ports(24600)
local NAMES = {}
for number = 1, 5 do NAMES[number] = `rcb{base}n{number}` end
local cluster

setup(function()
    cluster = standins.etcd { members = 5, hosts = NAMES, subnet = env("SUBNET", "10.72.0.0/24"), port = base }
end)

experiment("partition: a subset is isolated", function(x)
    local count = if env("CUT") == "majority" then 3 else 2
    local healthy, isolated, kept = {}, {}, {}
    for number, name in NAMES do
        table.insert(if number <= count then isolated else healthy, netfault.namespace(name))
        if number > count then table.insert(kept, number) end
    end
    x:steady_state("all are in step", { settle = "10s" }, function(probe)
        probe:fn("leader", function() return cluster:leader() end, { within = "5s" })
        probe:fn("same data", function() return (cluster:same()) end, { within = "5s" })
    end)
    local ledger = integrity.ledger():begin({ every = "5s" }, function(key, value)
        return cluster:put(key, value, { at = kept[math.random(1, #kept)] })
    end)
    x:step("isolated", function(s)
        s:inject(netfault.partition { isolated, healthy }, { name = "isolation", ttl = "1h", must_hit = true })
        cluster:wait_leader { among = kept, within = "20s", named = "the healthy part has a leader" }
        local before = ledger.attempts
        s:sleep("7m")
        s:eventually("the healthy part serves", function() return ledger:compare({}).acknowledged > 0 and ledger.attempts > before end, { within = "10s" })
        local late = cluster:get("entry-000001", { at = 1, stale = false })
        s:expect("the isolated part gives no answer that may be old", function() return late == nil end)
    end)
    local took = x:recovers { within = "60s", stable_for = "2m" }
    ledger:stop()
    for number in cluster.members do
        ledger:verify(cluster:list("entry-", { at = number, stale = true }) or {})
    end
    log.info("in step again", { after_ms = math.floor(took) })
end)
