-- needs: root, netns
-- A network of its own, so that the test touches no packet of the machine.
local net = netfault.network { hosts = { "held-a", "held-b" }, subnet = "10.202.2.0/24", subnet6 = "fd66:202:2::/64" }
local a = net.hosts[1]

-- Nobody listens there: how long a refusal takes is a round trip.
local function round_trip()
    local best = 1e9
    for _ = 1, 5 do
        local begun = now()
        expect(http.get("http://" .. a.address .. ":7/", { timeout = "5s" }).error:find("refused"), "reachable")
        best = math.min(best, now() - begun)
    end
    return best
end

local function with(fault, low)
    local live = inject(fault)
    local took = round_trip()
    expect(took >= low, tostring(fault) .. ": " .. took .. " ms")
    eventually("seen to act", function() return live.observed end, { within = "5s" })
    live:heal()
    expect(round_trip() < 30, "healed")
end
local delay = { delay = "40ms", jitter = "1ms", correlation = "10%", distribution = "normal", to = netfault.host() }
with(netfault.latency(a, delay), 30)
with(netfault.latency(a, { delay = "40ms", direction = "both" }), 79)
with(netfault.impair(a, { delay = "40ms", loss = "1%", duplicate = "1%", reorder = "1%", rate = "10mbit" }), 0)

for _, fault in {
    netfault.loss(a, { loss = "1%", correlation = "25%" }), netfault.duplicate(a, { duplicate = "5%" }),
    netfault.loss(a, { gilbert = { to_bad = "1%", to_good = "50%" } }), netfault.corrupt(a, { corrupt = "0.1%" }),
    netfault.loss(a, { states = { p13 = "1%", p31 = "50%" } }), netfault.reorder(a, { reorder = "50%", delay = "5ms" }),
    netfault.bandwidth(a, { rate = "10mbit" }),
} do
    local live = inject(fault)
    -- "journal" where the kernel does it by itself.
    expect(live.active and (live.tier == "lease" or live.tier == "journal"), fault.label)
    live:heal()
end
