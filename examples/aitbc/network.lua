-- network: a share of the nodes is cut off, 50 % for 60 s, then 30 % for 90 s. Recovery time, the health of the consensus
-- and the connectivity of members are measured; half of five is two, so a majority remains.
-- --env RATIO=0.8 cuts the majority off, to see that it is noticed.
-- flags: --time-scale 0.02
-- needs: root, etcd

local standins = require("../lib/standins")
local base = standins.ports(23100)
local NAMES = {}
for number = 1, 5 do NAMES[number] = `rca{base}n{number}` end
local cluster

setup(function()
    cluster = standins.etcd { members = 5, hosts = NAMES, subnet = env("SUBNET", "10.71.0.0/24"), port = base }
end)

-- The share of members that know of one and the same leader.
local function consensus()
    local leader, agreed = cluster:leader(), 0
    local id = leader and cluster:status(leader)
    for _, status in cluster:statuses() do
        if id and status and status.leader == id.id then agreed += 1 end
    end
    return agreed / #cluster.members
end

for _, row in { { ratio = tonumber(env("RATIO", 0.5)), hold = "60s" }, { ratio = 0.3, hold = "90s" } } do
    experiment(`network: {math.floor(row.ratio * 100)} % of the nodes cut off`, function(x)
        x:steady_state("all agree", { settle = "10s" }, function(probe)
            probe:fn("consensus", function() return consensus() == 1 end, { within = "5s" })
        end)
        local ledger = integrity.ledger():begin({ every = "500ms" }, function(key, value) return cluster:put(key, value) end)
        local cut, rest, kept = {}, {}, {}
        for number, name in NAMES do
            local away = number <= math.floor(#NAMES * row.ratio)
            table.insert(if away then cut else rest, netfault.namespace(name))
            if not away then table.insert(kept, number) end
        end
        x:step("cut off", function(s)
            s:inject(netfault.partition { cut, rest }, { name = "partition", ttl = "600s", must_hit = true })
            local leader, took = cluster:wait_leader { among = kept, within = "20s", named = "the rest have a leader" }
            s:eventually("the rest take writes", function() return cluster:put("canary", "1", { at = leader }) end, { within = "10s" })
            s:sleep(row.hold)
            log.info("meanwhile", { consensus = consensus(), connected = #kept / #NAMES, leader_after_ms = math.floor(took) })
            s:expect("no two lead in one term", function() return cluster:split() == nil end)
        end)
        local took = x:recovers { within = "60s", stable_for = "10s" }
        ledger:stop()
        ledger:verify(cluster:list("entry-") or {})
        x:eventually("all hold the same", function() return (cluster:same()) end, { within = "30s" })
        log.info("recovered", { after_ms = math.floor(took) })
    end)
end
