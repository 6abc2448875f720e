-- TC-12 and TC-13: does a node under load notice that memory and disk run short, does an alert fire and clear, and does it
-- stay operational? With times and sizes as in the plan: --env HOLD=300s --env MEMORY=1GiB --env EACH=200MiB. With a Prometheus
-- of one's own: --env PROMETHEUS=http://prometheus:9090. --env ALERT=2 is an alert that never fires.
-- Needs root: the stand-in for a node gets a small disk of its own, and a limit of memory by a control group.
-- needs: root, cgroup, python3, unshare, prometheus

local standins = require("../lib/standins")
local port = standins.ports(21800)
local url = `http://127.0.0.1:{port + 1}`
local hold = env("HOLD", "1s")
local node, server

setup(function()
    node = process.spawn {
        name = "node",
        cmd = { "unshare", "--mount", "sh", "-c",
            `mount -t tmpfs -o size=32m none /mnt && exec python3 lib/store.py 127.0.0.1 {port + 1} /mnt` },
        cwd = "..",
        ready = { http = url .. "/health", within = "20s" },
    }
    expect("it stores", http.put(url .. "/task", { body = "task" }).status == 201)
    local above = env("ALERT", "0.7")
    server = if env("PROMETHEUS") then prometheus.connect { url = env("PROMETHEUS") } else standins.prometheus {
        port = port, scrape = { node = { `127.0.0.1:{port + 1}` } },
        rules = {
            { alert = "BZZZMemoryPressure", expr = "store_memory_used_ratio > " .. above },
            { alert = "BZZZDiskSpaceLow", expr = "store_disk_used_ratio > " .. above },
        },
    }
end)

scenario("tasks", { rate = "20/s", duration = "12h", max_vus = 50 }, function()
    local answer = http.get(url .. "/task", { timeout = "2s", name = "task" })
    check(answer, { ["a task is served"] = function(it) return it.status == 200 end })
end)

-- What its own health check warns of.
local function warns(of)
    local answer = http.get(url .. "/status", { timeout = "2s", name = "status" })
    return answer.status == 200 and table.find(answer:json().warnings, of) ~= nil
end

local function probes(of)
    return function(probe)
        probe:http("health", url .. "/health", { status = 200, within = "2s" })
        probe:fn("no warning", function() return not warns(of) end, { within = "3s" })
        probe:metric("tasks are served", "http_req_failed{name:task}", "rate < 1%", { window = "1s" })
    end
end

local function fires(alert) server:wait_alert(alert, { within = env("WITHIN", "2m"), every = "500ms" }) end
local function clears(alert) server:wait_clear(alert, { within = env("WITHIN", "2m"), every = "500ms" }) end

experiment("TC-12 memory pressure: 4 workers, 75 %", function(x)
    x:steady_state("the node is well", probes("memory"))
    x:load("tasks")
    x:sleep("1s") -- what is normal, to compare with
    x:step("4 workers hold 80 MiB of 100", function(s)
        s:inject(node:limit { memory = env("MEMORY", "100MiB") }, { name = "limit" })
        for worker = 1, 4 do
            s:inject(stress.memory { bytes = env("EACH", "20MiB"), target = node, touch = true }, { name = `worker {worker}` })
        end
        s:eventually("its health check detects it", function() return warns("memory") end, { within = "10s" })
        fires("BZZZMemoryPressure")
        s:sleep(hold)
        expect("it has not crashed", node:running())
        expect("tasks are served", http.get(url .. "/task").status == 200)
    end)
    clears("BZZZMemoryPressure")
    local took = x:recovers { within = "20s", stable_for = "500ms" }
    log.info("recovered", { scenario = "TC-12", after_ms = math.floor(took) })
end)

experiment("TC-13 disk fill", function(x)
    x:steady_state("the node is well", probes("disk"))
    x:load("tasks")
    x:step("little is left", function(s)
        s:inject(stress.disk_fill { path = "/mnt", leave_free = env("LEAVE", "1MiB"), target = node }, { name = "disk" })
        s:eventually("its health check detects it", function() return warns("disk") end, { within = "10s" })
        fires("BZZZDiskSpaceLow")
        s:sleep(hold)
        expect("what fits is stored", http.put(url .. "/small", { body = "small" }).status == 201)
        local large = http.put(url .. "/large", { body = string.rep("x", 2 * 1024 * 1024), timeout = "5s" })
        expect("what does not is refused", large.status == 507)
        expect("tasks are served", http.get(url .. "/task").status == 200)
    end)
    clears("BZZZDiskSpaceLow")
    local took = x:recovers { within = "20s", stable_for = "500ms" }
    log.info("recovered", { scenario = "TC-13", after_ms = math.floor(took) })
end)
