-- TC-18: do metrics agree with what is the case? Peers against members that answer, counters against what was done,
-- memory against the kernel's own figure. --env LIE=1 counts an order too many, to see that it is noticed.
-- needs: etcd, prometheus

local standins = require("../lib/standins")
local port = standins.ports(21200)
local cluster, server, shop

setup(function()
    cluster = standins.etcd { port = port }
    shop = demo.shop { listen = `127.0.0.1:{port + 40}` }
    local members = {}
    for number, url in cluster.members do members[number] = string.match(url, "//(.*)") end
    server = standins.prometheus { port = port, scrape = { etcd = members, shop = { shop.address } } }
    eventually("all are scraped", function() return #server:targets { state = "up" } == #members + 1 end, { within = "30s" })
end)

experiment("TC-18 metrics agree with the state", function(x)
    x:steady_state("all is scraped", { settle = "10s" }, function(probe)
        probe:fn("targets", function() return #server:targets { state = "up" } == 4 end, { within = "5s" })
    end)
    local wrong = {}
    -- Within so large a share of what is the case; a scrape later.
    local function agree(name, query, actual, tolerance)
        local shown
        local ok = pcall(eventually, function()
            shown = server:scalar(query)
            local want = actual()
            return shown and math.abs(shown - want) <= tolerance * want
        end, { within = "15s" })
        if not ok then table.insert(wrong, `{name}: {tostring(shown)} shown, {actual()} actual`) end
    end

    local answering = 0
    for number in cluster.members do
        if cluster:status(number) then answering += 1 end
    end
    agree("peers", 'sum(up{job="etcd"})', function() return answering end, 0)
    agree("leaders", "sum(etcd_server_is_leader)", function() return cluster:split() == nil and 1 or 2 end, 0)

    local puts = prometheus.scrape(cluster.members[1] .. "/metrics"):value("etcd_mvcc_put_total") or 0
    for number = 1, 20 do cluster:put(`metric/{number}`, "x") end
    agree("operations", `etcd_debugging_mvcc_put_total\{instance="{string.match(cluster.members[1], "//(.*)")}"}`, function() return puts + 20 end, 0)

    local orders = 0
    for number = 1, 30 do
        if http.post(shop.url .. "/orders", { json = { item = number, quantity = 1 } }).status == 201 then orders += 1 end
    end
    if env("LIE") then orders += 1 end
    agree("tasks", "orders_total", function() return orders end, 0)

    local function resident()
        local pid = standins.etcd_process(cluster, 2):list()[1].pid
        return tonumber(string.match(process.run({ cmd = { "cat", `/proc/{pid}/status` } }).stdout, "VmRSS:%s+(%d+)")) * 1024
    end
    agree("memory", `process_resident_memory_bytes\{instance="{string.match(cluster.members[2], "//(.*)")}"}`, resident, 0.1)

    x:expect("all agree", function() return #wrong == 0 end, table.concat(wrong, "; "))
end)
