-- A hundred quiet users, and beside them one that never waits.
local url = env("URL")
local time = env("SECONDS") .. "s"

options { thresholds = { ["http_req_duration{scenario:quiet}"] = "p(99) < 10s" } }

scenario("quiet", { executor = "constant-vus", vus = 100, duration = time, graceful_stop = "1s" }, function()
    http.get(url)
    sleep("100ms", "300ms")
end)

if env("BUSY") == "1" then
    scenario("busy", { executor = "constant-vus", vus = 1, duration = time, graceful_stop = "1s" }, function()
        local sum = 0
        for number = 1, 100 do
            sum += number
        end
    end)
end
