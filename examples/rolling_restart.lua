-- Can a service be restarted replica by replica while it is used? Every user's request has to be served.
-- needs: docker, root

local function replica(number)
    return `example-rolling-{number}`
end

options { thresholds = {
    ["checks{scenario:users}"] = { "rate > 99%" },
} }

setup(function()
    local ports = {}
    for number = 1, 3 do
        local one = docker.run {
            name = replica(number),
            image = "rchaos/busybox:1",
            cmd = "cd /tmp && echo hello > index.html && exec httpd -f -p 80",
            -- A fixed port stays the same when it is restarted.
            ports = { `{18470 + number}:80` },
        }
        ports[number] = one.ports[80]
        eventually(`{replica(number)} answers`, function()
            return http.get(`http://127.0.0.1:{ports[number]}/`).status == 200
        end, { within = "20s" })
    end
    return { ports = ports }
end)

scenario("users", { executor = "constant-arrival-rate", rate = "30/s", duration = "5m", max_vus = 60 }, function(vu, session)
    local served = false
    for step = 0, 2 do
        local port = session.ports[(vu.iteration + step) % 3 + 1]
        if http.get(`http://127.0.0.1:{port}/`, { timeout = "1s" }).status == 200 then
            served = true
            break
        end
    end
    check(served, { ["served"] = served })
end)

experiment("a rolling restart", function(x)
    x:steady_state("users are served", function(probe)
        probe:metric("served", "checks{scenario:users}", "rate > 99%", { window = "2s" })
    end)
    x:load("users")
    for number = 1, 3 do
        x:step(`restart replica {number}`, function(s)
            local one = docker.container(replica(number))
            s:inject(one:restart { timeout = "1s" }, { name = `restart {number}` })
            s:sleep("500ms")
            s:expect("it is back before the next one goes", one:inspect().running)
        end)
    end
    x:recovers { within = "20s", stable_for = "1s" }
end)
