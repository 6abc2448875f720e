-- TC-05: is a leader noticed that runs out of a resource? Its limit of open files is lowered below what it needs; the
-- alert must fire within 2 min, and clear when the limit is as before. The plan lowers memory (see the README).
-- needs: root, etcd, prometheus

local standins = require("../lib/standins")
local port = standins.ports(20300)
local cluster, alerts

setup(function()
    cluster = standins.etcd { port = port }
    local targets = {}
    for number, url in cluster.members do targets[number] = string.match(url, "//(.*)") end
    alerts = standins.prometheus { port = port, scrape = { etcd = targets }, rules = {
        { alert = "LeaderDegraded", expr = env("RULE", "process_open_fds / process_max_fds > 0.7 and etcd_server_is_leader == 1") },
    } }
end)

experiment("TC-05 a degraded leader is noticed", function(x)
    x:steady_state("the leader is well", { settle = "10s" }, function(probe)
        probe:fn("leader", function() return cluster:leader() end, { within = "5s" })
        probe:fn("no alert", function() return #alerts:alerts() == 0 end, { within = "5s" })
    end)
    x:step("the leader runs out of descriptors", function(s)
        local leader = cluster:wait_leader()
        s:inject(stress.fds { target = standins.etcd_process(cluster, leader), leave = 6 }, { name = "few descriptors", ttl = "150s" })
        local begun = now()
        alerts:wait_alert("LeaderDegraded", { within = "2m", every = "500ms" })
        log.info("noticed", { after_ms = math.floor(now() - begun) })
        s:expect("the cluster has a leader all the same", function() return cluster:leader() end)
    end)
    alerts:wait_clear("LeaderDegraded", { within = "2m", every = "500ms" })
    x:recovers { within = "30s", stable_for = "1s" }
end)
