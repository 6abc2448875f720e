-- TC-07: do nodes work together? A task is submitted at each node and run at another, a value stored at each is read at
-- every other, and each node is elected once. Every cell of the matrix must be green.
-- needs: etcd

local standins = require("../lib/standins")
local cluster

setup(function()
    cluster = env("ETCD") and etcd.cluster { members = string.split(env("ETCD"), ",") }
        or (standins.etcd { port = standins.ports(20500) })
end)

experiment("TC-07 nodes work together", function(x)
    x:steady_state("there is a leader", { settle = "10s" }, function(probe) probe:fn("leader", function() return cluster:leader() end, { within = "5s" }) end)
    local red = {}
    local function cell(name, ok) if not ok then table.insert(red, name) end end

    for a in cluster.members do
        local value = uuid()
        cell(`store at {a}`, cluster:put(`stored/{a}`, value, { at = a }))
        for c in cluster.members do
            -- From this member's own copy, so that it is known to have one.
            local read = pcall(eventually, function()
                return cluster:get(`stored/{a}`, { at = c, stale = true }) == value
            end, { within = "20s", every = "20ms" })
            cell(`store at {a}, read at {c}`, read)
        end
        local b = a % #cluster.members + 1
        cell(`submit at {a}`, cluster:put(`task/{a}`, "waiting", { at = a }))
        cell(`run at {b}`, cluster:get(`task/{a}`, { at = b }) == "waiting" and cluster:put(`task/{a}`, `done by {b}`, { at = b }))
        cell(`result of {b} at {a}`, cluster:get(`task/{a}`, { at = a }) == `done by {b}`)
    end
    for to in cluster.members do
        local moved = cluster:leader() == to or cluster:move_leader(to)
        cell(`elect {to}`, moved and pcall(eventually, function() return cluster:leader() == to end, { within = "30s", every = "50ms" }))
    end
    x:expect("all is green", function() return #red == 0 end, `not green: {table.concat(red, "; ")}`)
end)
