-- TC-04: is a task dropped while leadership changes hands? Tasks are written all the while; health is the share of
-- members that know their leader, and must stay above 0.8 throughout.
-- flags: --time-scale 0.1
-- needs: etcd

local standins = require("../lib/standins")
local cluster

setup(function()
    cluster = env("ETCD") and etcd.cluster { members = string.split(env("ETCD"), ",") }
        or (standins.etcd { port = standins.ports(20200), members = 5 })
end)

local function health()
    local well = 0
    for _, status in cluster:statuses() do
        if status and status.leader and #status.errors == 0 then well += 1 end
    end
    return well / #cluster.members
end

experiment("TC-04 leadership changes under load", function(x)
    x:steady_state("healthy", { settle = "10s" }, function(probe)
        probe:fn("health above 0.8", function() return health() > 0.8 end, { within = "5s" })
    end)
    local tasks = integrity.ledger():begin({ every = "200ms", prefix = "task/" }, function(key, value)
        return cluster:put(key, value)
    end)
    local worst = 1
    for round = 1, 3 do
        x:step(`transition {round}`, function(s)
            local old = cluster:wait_leader()
            s:expect("leadership is handed over", function() return cluster:move_leader(old % #cluster.members + 1) end)
            cluster:wait_leader { other_than = old, within = "30s" }
            for _ = 1, 10 do
                worst = math.min(worst, health())
                s:sleep("1s")
            end
        end)
    end
    tasks:stop()
    tasks:verify(cluster:list("task/") or {})
    x:expect("no task was refused", function() return next(tasks.unsure) == nil end)
    x:expect("health stayed above 0.8", function() return worst > 0.8 end, `it fell to {worst}`)
    log.info("tasks", { written = tasks.attempts, slowest_ms = math.floor(tasks.slowest), worst_health = worst })
end)
