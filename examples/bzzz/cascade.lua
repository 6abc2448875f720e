-- TC-10: two of five nodes fail at once, one of them the leader. The rest must go on serving, and nothing that was
-- acknowledged may be lost. --env MEMBERS=3 shows what it looks like when it does not: two of three are too many.
-- flags: --time-scale 0.1
-- needs: etcd

local standins = require("../lib/standins")
local cluster
local COUNT = tonumber(env("MEMBERS", 5))

setup(function()
    cluster = standins.etcd { port = standins.ports(20700), members = COUNT, restart = "10" }
end)

experiment("TC-10 two nodes fail at once", function(x)
    x:steady_state("all members know their leader", { settle = "10s" }, function(probe)
        probe:fn("all", function()
            local leader = cluster:leader()
            return leader and #cluster.members == COUNT and cluster:status(COUNT) ~= nil
        end, { within = "5s" })
    end)
    local ledger = integrity.ledger():begin({ every = "500ms" }, function(key, value) return cluster:put(key, value) end)
    x:sleep("10s")
    x:step("two at once", function(s)
        local leader = cluster:wait_leader()
        local other = leader % #cluster.members + 1
        local before = ledger.attempts
        parallel { function() s:inject(standins.etcd_process(cluster, leader):kill("SIGKILL"), { name = "leader" }) end,
            function() s:inject(standins.etcd_process(cluster, other):kill("SIGKILL"), { name = "follower" }) end }
        local rest = {}
        for number in cluster.members do
            if number ~= leader and number ~= other then table.insert(rest, number) end
        end
        local new, took = cluster:wait_leader { among = rest, other_than = leader, within = "8s", named = "the rest elect a leader" }
        s:eventually("the rest take writes", function() return cluster:put("probe", "1", { at = new }) end, { within = "10s" })
        s:expect("what was written before is still read", function()
            return ledger:compare(cluster:list("entry-", { at = new }) or {}).found > 0 and ledger.attempts >= before
        end)
        log.info("elected", { after_ms = math.floor(took) })
    end)
    x:recovers { within = "60s", stable_for = "5s" }
    ledger:stop()
    ledger:verify(cluster:list("entry-") or {})
    x:eventually("all hold the same again", function() return (cluster:same()) end, { within = "30s" })
    x:expect("nobody else leads", function() return cluster:split() == nil end)
end)
