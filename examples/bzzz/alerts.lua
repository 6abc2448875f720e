-- TC-17: does each of the five alerts fire within 300 s, and clear within 300 s? Each condition is brought about for
-- real: a store that is away, members that are stopped, a cluster without a majority, queries that wait.
-- --env RULES=broken writes an expression into a rule that can never be true.
-- needs: etcd, prometheus

local standins = require("../lib/standins")
local port = standins.ports(21100)
local cluster, server, shop, link

setup(function()
    cluster = standins.etcd { port = port, restart = false }
    local store = demo.shop { listen = `127.0.0.1:{port + 40}` }
    link = netfault.proxy { name = "store", upstream = store.store_address }
    shop = demo.shop { listen = `127.0.0.1:{port + 41}`, store = link.listen, cache_ttl = "1ms", breaker = { failures = 3, open = "1s" },
        bulkhead = { concurrent = 2, queue = 100 } }
    local members = {}
    for number, url in cluster.members do members[number] = string.match(url, "//(.*)") end
    local queue = if env("RULES") == "broken" then "bulkhead_waiting < 0" else "bulkhead_waiting > 2"
    server = standins.prometheus { port = port, scrape = { etcd = members, shop = { shop.address } }, rules = {
        { alert = "SystemHealthCritical", expr = "breaker_state == 2" },
        { alert = "InsufficientPeers", expr = 'sum(up{job="etcd"}) < 3' },
        { alert = "LowSuccessRate", expr = 'sum(rate(http_requests_total{status="503"}[3s])) / sum(rate(http_requests_total[3s])) > 0.2' },
        { alert = "NoLeader", expr = "max(etcd_server_has_leader) == 0" },
        { alert = "TaskQueueBackup", expr = queue },
    } }
end)

local WITHIN = env("WITHIN", "300s")
local function fires(name) server:wait_alert(name, { within = WITHIN, every = "500ms" }) end
local function clears(name) server:wait_clear(name, { within = WITHIN, every = "500ms" }) end

-- Asks for something all the while, `at_once` at a time.
local function visitors(at_once)
    local going, tasks = true, {}
    for number = 1, at_once do
        tasks[number] = spawn(function()
            while going do
                http.get(shop.url .. "/items/" .. math.random(1, 100), { timeout = "5s" })
                sleep("30ms")
            end
        end)
    end
    return function()
        going = false
        for _, task in tasks do task:wait() end
    end
end

experiment("TC-17 alerts of the service", function(x)
    x:steady_state("nothing fires", { settle = "10s" }, function(probe)
        probe:fn("no alert", function() return #server:alerts() == 0 end, { within = "5s" })
    end)
    local leave = visitors(2)
    x:step("the store is away", function(s)
        s:inject(link:down {}, { name = "store away" })
        parallel { function() fires("SystemHealthCritical") end, function() fires("LowSuccessRate") end }
    end)
    parallel { function() clears("SystemHealthCritical") end, function() clears("LowSuccessRate") end }
    leave()
    leave = visitors(12)
    x:step("the store is slow", function(s)
        s:inject(link:latency { delay = "300ms" }, { name = "store slow" })
        fires("TaskQueueBackup")
    end)
    -- So many at once would queue on a busy machine without any fault.
    leave()
    leave = visitors(2)
    clears("TaskQueueBackup")
    leave()
    x:recovers { within = "330s", stable_for = "500ms" } -- how soon alerts clear is judged above
end)

experiment("TC-17 alerts of the cluster", function(x)
    x:steady_state("nothing fires", { settle = "10s" }, function(probe)
        probe:fn("no alert", function() return #server:alerts() == 0 end, { within = "5s" })
    end)
    x:step("two of three hang", function(s)
        local leader = cluster:wait_leader()
        for number in cluster.members do
            local last = (leader + 1) % #cluster.members + 1
            if number ~= last then s:inject(standins.etcd_process(cluster, number):pause(), { name = `member {number}` }) end
        end
        parallel { function() fires("InsufficientPeers") end, function() fires("NoLeader") end }
    end)
    parallel { function() clears("InsufficientPeers") end, function() clears("NoLeader") end }
    x:recovers { within = "330s", stable_for = "500ms" }
end)
