-- TC-01 to TC-03: do messages pass, does the store keep, does an election end? Against Redis and a cluster of etcd that
-- the script starts; against one's own with --env REDIS_PORT=6379 --env ETCD=http://10.0.0.1:2379,http://10.0.0.2:2379
-- flags: --time-scale 0.1
-- needs: etcd, redis-server, redis-cli

local standins = require("../lib/standins")
local port = standins.ports(20100)
local MESSAGES, OPERATIONS = 100, 50
local cluster, broker, reader

setup(function()
    cluster = env("ETCD") and etcd.cluster { members = string.split(env("ETCD"), ",") } or (standins.etcd { port = port })
    local at = tonumber(env("REDIS_PORT")) or port
    broker = if at == port then standins.redis { port = port } else redis.connect { port = at }
    reader = process.spawn { name = "reader", cmd = { "redis-cli", "-p", tostring(at), "subscribe", "news" } }
    eventually("the reader has subscribed", function() return reader:log():find("subscribe", 1, true) end)
end)

local function middle(times, percent)
    table.sort(times)
    return times[math.ceil(#times * percent / 100)]
end

experiment("TC-01 messages pass", function(x)
    x:steady_state("the broker answers", { settle = "10s" }, function(probe) probe:fn("ping", function() return broker:up() end) end)
    local arrived, times = 0, {}
    for number = 1, MESSAGES do
        local word = `message-{number}-`
        local begun = now()
        -- Who received it is what the broker itself says, and whether it did, what the reader wrote.
        if tonumber((broker:command("PUBLISH", env("CHANNEL", "news"), word))) == 1 then
            times[#times + 1] = now() - begun
        end
        sleep("300ms")
    end
    x:eventually("the last one has arrived", function() return reader:log():find(`message-{MESSAGES}-`, 1, true) end, { within = "20s" })
    local read = reader:log()
    for number = 1, MESSAGES do
        if read:find(`message-{number}-`, 1, true) then arrived += 1 end
    end
    log.info("messages", { arrived = arrived, median_ms = middle(times, 50) })
    x:expect("more than 99 % arrive", function() return arrived / MESSAGES > 0.99 end, `{arrived} of {MESSAGES} arrived`)
    x:expect("in less than 100 ms", function() return middle(times, 50) < 100 end)
end)

experiment("TC-02 the store keeps", function(x)
    x:steady_state("there is a leader", { settle = "10s" }, function(probe) probe:fn("leader", function() return cluster:leader() end, { within = "5s" }) end)
    local done, times = 0, {}
    for number = 1, OPERATIONS do
        local begun = now()
        local key, value = `probe/{number}`, uuid()
        if cluster:put(key, value) and cluster:get(key) == value then done += 1 end
        times[#times + 1] = now() - begun
        sleep("1s")
    end
    log.info("operations", { done = done, p95_ms = middle(times, 95) })
    x:expect("more than 99 % succeed", function() return done / OPERATIONS > 0.99 end, `{done} of {OPERATIONS} succeeded`)
    x:expect("p95 below 300 ms", function() return middle(times, 95) < 300 end)
end)

experiment("TC-03 a controlled election ends with a leader", function(x)
    x:steady_state("there is a leader", { settle = "10s" }, function(probe) probe:fn("leader", function() return cluster:leader() end, { within = "5s" }) end)
    local old = cluster:wait_leader()
    local to = old % #cluster.members + 1
    x:expect("leadership is handed over", function() return cluster:move_leader(to) end)
    local new, took = cluster:wait_leader { other_than = old, within = "30s", named = "a leader within 30 s" }
    x:sleep("10s")
    x:expect("it is stable", function() return cluster:leader() == new end)
    x:expect("nobody else leads", function() return cluster:split() == nil end)
    log.info("elected", { was = old, is = new, after_ms = took })
end)
