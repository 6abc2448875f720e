-- NF-001 to NF-005: how does a system bear a bad network, and is it well again afterwards? Each fault is put between
-- clients and service by a proxy, held, removed, and its recovery verified. One more scenario is one more row.
-- Against a system of your own, with times as in the plan:
--   rchaos run examples/rbee/network_faults.lua --env UPSTREAM=queen:8500 --env HEALTH=/health --env HOLD=60s

local hold = env("HOLD", "1500ms")

local scenarios = {
    {
        id = "NF-001", title = "partition",
        fault = function(link) return link:down {} end,
        seen = function(took, failed) return failed end,
    },
    {
        id = "NF-002", title = "latency of 500 ms with jitter",
        fault = function(link) return link:latency { delay = "500ms", jitter = "100ms" } end,
        seen = function(took, failed) return not failed and took >= 400 end,
    },
    {
        id = "NF-003", title = "loss of 30 %",
        -- Of what is read at once, as a stream has no packets: answers have holes, and requests time out.
        fault = function(link) return link:packet_loss { loss = "30%" } end,
        seen = function(took, failed) return failed end,
    },
    {
        id = "NF-004", title = "bandwidth of 10 KB/s",
        fault = function(link) return link:bandwidth { rate = "10KB/s" } end,
        seen = function(took, failed) return not failed and took >= 100 end,
    },
    {
        id = "NF-005", title = "connection reset",
        fault = function(link) return link:reset_peer {} end,
        seen = function(took, failed) return failed end,
    },
}

local link

setup(function()
    link = netfault.proxy { name = "link", upstream = env("UPSTREAM") or demo.shop {}.address }
    return { url = "http://" .. link.listen }
end)

for _, case in scenarios do
    experiment(case.id .. " " .. case.title, function(x, system)
        local url = system.url .. env("HEALTH", "/items")
        local function ask() return http.get(url, { timeout = "2s", headers = { connection = "close" } }) end

        x:steady_state("the service answers", function(probe)
            probe:http("health", url, { status = 200, within = "2s" })
        end)
        x:step(case.title, function(s)
            s:inject(case.fault(link), { name = case.id, must_hit = true })
            s:sleep(hold)
            s:eventually("the fault is seen by clients", function()
                local answer = ask()
                return case.seen(answer.timings.total, answer.status == 0)
            end, { within = "20s" })
        end)
        local took = x:recovers { within = "30s", stable_for = "500ms" }
        log.info("recovered", { scenario = case.id, after_ms = math.floor(took) })
        x:expect("the service is as fast as before", function() return ask().timings.total < 400 end)
    end)
end
