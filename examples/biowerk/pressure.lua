-- pressure: CPU and memory are scarce for the mesh and for an agent. No crash loop, refusals with 429 or 503, and queues
-- that drain when there is room again. Two shops run as processes of their own, so that it is they who are pressed.
-- --env LIMIT=off is a mesh without a limit of its rate.
-- flags: --time-scale 0.05
-- needs: root, cgroup, python3

local standins = require("../lib/standins")
local port = standins.ports(24500)
local mesh, agent, shop

setup(function()
    local started = {}
    for number = 0, 1 do
        started[number] = process.spawn {
            name = `service {number}`, cmd = { "python3", "../lib/store.py", "127.0.0.1", tostring(port + number), "/tmp" },
            ready = { port = port + number, within = "20s" },
        }
    end
    mesh, agent = started[0], started[1]
    shop = demo.shop { listen = `127.0.0.1:{port + 2}`, store_delay = "20ms", cache_ttl = "1ms", rate_limit = env("LIMIT") ~= "off" and "30/s" or nil,
        bulkhead = { concurrent = 4, queue = 20 } }
end)

experiment("pressure: CPU and memory are scarce", function(x)
    x:steady_state("both services answer", { settle = "10s" }, function(probe)
        probe:http("mesh", `http://127.0.0.1:{port}/health`, { within = "3s" })
        probe:http("agent", `http://127.0.0.1:{port + 1}/health`, { within = "3s" })
        probe:http("gateway", shop.url .. "/health", { within = "3s" })
    end)
    local pids = { mesh.pid, agent.pid }
    x:step("pressed", function(s)
        s:inject(mesh:limit { cpu = "30%", memory = "96MiB" }, { name = "limits of the mesh" })
        s:inject(agent:limit { cpu = "50%", memory = "64MiB" }, { name = "limits of the agent" })
        s:inject(stress.cpu { load = "90%", workers = 1, target = mesh }, { name = "cpu" })
        s:inject(stress.memory { percent = "90%", target = agent, touch = true }, { name = "memory" })
        local seen = resilience.tally()
        trial.burst({ rate = 60, duration = "60s" }, function(number)
            return seen:add(http.get(`{shop.url}/items/{number % 100 + 1}`, { timeout = "5s" }))
        end)
        log.info("pressed", { served = seen.ok, refused = seen.refused })
        s:expect("what is too much is refused, with a hint", function() return seen.refused > 0 and seen.unhinted == 0 end)
        s:expect("nothing else goes wrong", function() return seen.failed == 0 and seen.unanswered == 0 end)
        for _, number in { 0, 1 } do
            s:eventually(`service {number} answers`, function()
                return http.get(`http://127.0.0.1:{port + number}/health`, { timeout = "2s" }).ok
            end, { within = "10s" })
        end
    end)
    x:recovers { within = "20s", stable_for = "10s" }
    x:expect("no crash loop", function() return mesh:running() and agent:running() and mesh.pid == pids[1] and agent.pid == pids[2] end)
    x:eventually("queues have drained", function()
        local shown = prometheus.scrape(shop.url .. "/metrics")
        return shown:value("bulkhead_waiting") == 0 and shown:value("bulkhead_in_use") == 0
    end, { within = "10s" })
end)
