-- A latency is delivered, counted, healed; the proxy ends with close and its port is free.
local shop = demo.shop {}
local web = netfault.proxy { name = "web", upstream = shop.address }
expect(web.name == "web" and web.upstream == shop.address and web.protocol == "tcp", "it knows itself")
local url = "http://" .. web.listen .. "/items"

local function took()
    local res = http.get(url)
    expect(res.status == 200, "through the proxy: " .. tostring(res.error))
    return res.timings.total
end

expect(took() < 100, "nothing in the way")
local slow = web:latency { delay = "150ms" }
expect(tostring(slow) == "fault: latency on proxy web, downstream", tostring(slow))
expect(took() < 100, "constructing is inert")
local live = inject(slow, { name = "slow web" })
expect(live.active and live.tier == "inline", "it is in place")
expect(took() >= 150, "the answer comes later")
eventually("it is seen to act", function() return live.observed end)
local status = web:status()
expect(status.open and status.connections == 1 and status.bytes_down > 1000, json.encode(status))
local met = status.faults[1]
expect(met.name == "slow web" and met.kind == "latency" and met.hit == 1 and met.drawn == 1, json.encode(met))
local more = inject(web:latency { delay = "100ms", stream = "upstream" })
expect(took() >= 250, "several add up")
more:heal()
live:heal()
expect(not live.active, "healed")
expect(took() < 100, "and gone")

web:close()
expect(not web:status().open, "closed")
expect(http.get(url).error_code == 1212, "nobody listens any more")
