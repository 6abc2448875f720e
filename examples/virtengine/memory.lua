-- memory: what happens while memory is used up gradually, up to 8 GB? The alert must fire before it is too late, the service
-- go on answering, and the kernel kill nobody; afterwards the alert clears. The service gets a limit of that size by a
-- control group, and what is held beside it counts there: at the limit the kernel would end the service first.
-- --env SHARE_HELD=110% is more than there is, and --env ALERT=2 an alert that comes too late.
-- Against one's own: --env PROMETHEUS_URL=http://… with an alert MemoryPressure, and `process.find` or a container as `service`.
-- flags: --time-scale 0.01 --env MEMORY=96MiB
-- needs: root, cgroup, prometheus, python3

local standins = require("../lib/standins")
local port = standins.ports(22500)
local url = `http://127.0.0.1:{port + 1}`
local service, server

setup(function()
    service = process.spawn {
        name = "provider", cmd = { "python3", "../lib/store.py", "127.0.0.1", tostring(port + 1), "/tmp" },
        ready = { http = url .. "/health", within = "20s" },
    }
    server = if env("PROMETHEUS_URL") then prometheus.connect {} else standins.prometheus {
        port = port, scrape = { provider = { `127.0.0.1:{port + 1}` } },
        rules = { { alert = "MemoryPressure", expr = `store_memory_used_ratio > {env("ALERT", "0.7")}` } },
    }
end)

scenario("orders", { rate = "20/s", duration = "12h", max_vus = 50 }, function()
    http.get(url .. "/health", { timeout = "2s", name = "order" })
end)

local function alarmed()
    for _, alert in server:alerts() do
        if alert.name == "MemoryPressure" then return true end
    end
    return false
end

local function read(path) return process.run({ cmd = { "cat", path } }).stdout end

-- What the kernel counts in the group that limits the service, version 1 or 2: a share, and how many it has killed.
local function counted()
    local groups = read(`/proc/{service.pid}/cgroup`)
    local old, new = string.match(groups, "%d+:memory:([^\n]+)"), string.match(groups, "0::([^\n]+)")
    local folder = if old then "/sys/fs/cgroup/memory" .. old else "/sys/fs/cgroup" .. tostring(new)
    local used = tonumber(read(`{folder}/{if old then "memory.usage_in_bytes" else "memory.current"}`))
    local limit = tonumber(read(`{folder}/{if old then "memory.limit_in_bytes" else "memory.max"}`))
    local events = read(`{folder}/{if old then "memory.oom_control" else "memory.events"}`)
    return used and limit and used / limit or 0, tonumber(string.match(events, "oom_kill (%d+)")) or 0
end

experiment("memory: used up gradually", function(x)
    x:steady_state("the provider answers", { settle = "10s" }, function(probe)
        probe:http("health", url .. "/health", { status = 200, within = "3s" })
        probe:metric("orders", "http_req_failed{name:order}", "rate < 1%", { window = "1s" })
        probe:fn("no alert", function() return not alarmed() end, { within = "5s" })
    end)
    x:load("orders")
    local pid = service.pid
    x:step("memory fills up", function(s)
        s:inject(service:limit { memory = env("MEMORY", "8GiB") }, { name = "limit" })
        s:sleep("1m")
        s:expect("no alert yet", function() return not alarmed() end)
        local begun = now()
        s:inject(stress.memory {
            percent = env("SHARE_HELD", "90%"), over = "10m", touch = true, target = service,
        }, { name = "memory" })
        server:wait_alert("MemoryPressure", { within = env("WITHIN", "15m"), every = "500ms" })
        local share = counted()
        log.info("alert", { after_ms = math.floor(now() - begun), used = share })
        s:eventually("all of it is held", function()
            share = counted()
            return share > 0.85
        end, { within = "15m" })
        s:sleep("5m")
        local used, killed = counted()
        log.info("under pressure", { used = used, killed = killed })
        s:expect("nobody was killed for want of memory", function() return killed == 0 end)
        s:expect("the provider lives", function() return service:running() and service.pid == pid end)
        s:expect("it answers", function() return http.get(url .. "/health", { timeout = "2s" }).ok end)
    end)
    server:wait_clear("MemoryPressure", { within = "5m", every = "500ms" })
    local took = x:recovers { within = "30s", stable_for = "1m" }
    log.info("recovered", { after_ms = math.floor(took) })
end)
