-- Does a service stay up when one of its three replicas is killed? Load goes to all of them; one dies in the middle.
-- needs: docker, root

local replicas = {}

options { thresholds = {
    -- A client tries the next replica when one does not answer; its user sees no error.
    ["checks{scenario:shoppers}"] = { "rate > 99%" },
} }

setup(function()
    local ports = {}
    for number = 1, 3 do
        local replica = docker.run {
            image = "rchaos/busybox:1",
            cmd = "cd /tmp && echo hello > index.html && exec httpd -f -p 80",
            ports = { "80" },
            labels = { app = "containers-example" },
        }
        table.insert(ports, replica.ports[80])
        eventually(`replica {number} answers`, function()
            return http.get(`http://127.0.0.1:{ports[number]}/`).status == 200
        end, { within = "20s" })
    end
    return { ports = ports }
end)

-- What a load balancer does: the next one where one fails.
local function get(ports, first)
    for step = 0, #ports - 1 do
        local port = ports[(first + step) % #ports + 1]
        local res = http.get(`http://127.0.0.1:{port}/`, { timeout = "1s", tags = { step = tostring(step) } })
        if res.status == 200 then
            return res
        end
    end
    return nil
end

scenario("shoppers", { executor = "constant-arrival-rate", rate = "50/s", duration = "5m", max_vus = 50 }, function(vu, session)
    local res = get(session.ports, vu.iteration)
    check(res, { ["served"] = res ~= nil })
    sleep("10ms")
end)

experiment("one of three replicas dies", function(x)
    local all = docker.containers { label = "app=containers-example" }
    x:steady_state("the service answers", function(probe)
        probe:metric("shoppers are served", "checks{scenario:shoppers}", "rate > 99%", { window = "2s" })
    end)
    x:load("shoppers")
    x:step("kill one, whichever", function(s)
        s:sleep("1s")
        local victim = docker.containers { label = "app=containers-example", pick = "one" }
        local dead = s:inject(victim:kill(), { name = "replica dies" })
        s:sleep("2s")
        s:expect("two are left", #all:list() == 2)
        dead:heal()
        s:expect("three again", #all:list() == 3)
    end)
    x:recovers { within = "10s", stable_for = "1s" }
end)
