-- coordinator: load, then all instances are deleted at once, held away for 60 to 120 s, and watched until they are back;
-- then load again. The stand-ins are two small stores that a service manager starts again; mean and max of the time to
-- recover are judged. --env RESTART=no is a coordinator that nobody starts again.
-- How long the instances stay away is not shortened by --time-scale: --env AWAY=2 (seconds) is a rehearsal.
-- flags: --time-scale 0.02 --env AWAY=2
-- needs: python3

local standins = require("../lib/standins")
local port = standins.ports(23000)
local urls = { `http://127.0.0.1:{port}`, `http://127.0.0.1:{port + 1}` }

setup(function()
    for number, url in urls do
        local once = `python3 ../lib/store.py 127.0.0.1 {port + number - 1} "$d" & wait $!`
        -- Whoever deletes an instance deletes it for a while: it comes back when the manager gets to it.
        local again = if env("RESTART") == "no" then "exec sleep 600" else `sleep {env("AWAY", "60")}`
        process.spawn {
            name = `coordinator {number}`,
            cmd = { "sh", "-c", `d=$(mktemp -d); trap 'rm -rf "$d"; exit' TERM; while :; do {once}; {again} & wait $!; done` },
            ready = { http = url .. "/health", within = "20s" },
        }
    end
end)

local turn = 0
local function ask()
    turn += 1
    return http.get(urls[turn % 2 + 1] .. "/health", { timeout = "1s" })
end

local function load(name)
    local figures = trial.burst({ rate = 20, duration = "60s" }, ask)
    log.info(name, { done = figures.done, failed = figures.failed, p95_ms = math.floor(figures.p95) })
    return figures
end

experiment("coordinator: all instances are deleted", function(x)
    x:steady_state("it answers", { settle = "10s" }, function(probe)
        for number, url in urls do probe:http(`instance {number}`, url .. "/health", { within = "2s" }) end
    end)
    local before = load("baseline")
    x:expect("the baseline is clean", function() return before.failed == 0 end)
    local times = {}
    for round = 1, 2 do
        x:step(`deletion {round}`, function(s)
            local gone = now()
            for number in urls do
                s:inject(process.find { port = port + number - 1, name = "python3" }:kill("SIGKILL"), { name = `instance {number}` })
            end
            s:expect("nobody answers", function() return not ask().ok end)
            s:eventually("all are back", function() return ask().ok and ask().ok end, { within = env("WITHIN", "120s"), every = "100ms" })
            table.insert(times, now() - gone)
            s:sleep("60s")
        end)
        x:recovers { within = "30s", stable_for = "10s" }
    end
    local after = load("afterwards")
    local mean = (times[1] + times[2]) / 2
    log.info("time to recover", { mean_ms = math.floor(mean), max_ms = math.floor(math.max(times[1], times[2])) })
    x:expect("mean time to recover below 120 s", function() return mean <= 120000 end)
    x:expect("never above 300 s", function() return math.max(times[1], times[2]) <= 300000 end)
    x:expect("more than 99.9 % succeed again", function() return after.failed == 0 end)
end)
